package scenarios

import (
	"errors"
	"path/filepath"
)

// Bundle is a source together with every file it names, so that it can be
// loaded again where those files are not.
type Bundle struct {
	Name  string            `json:"name"` // of the source
	Data  []byte            `json:"data"`
	Files map[string][]byte `json:"files,omitempty"` // by the name by which the source asked for them
}

// Record makes the source note each file that Load reads for it from now on,
// and returns where.
func (s *Source) Record() *Bundle {
	b := &Bundle{Name: s.Name, Data: s.Data}
	read := s.files()
	s.read = func(name string) ([]byte, error) {
		data, err := read(name)
		if err == nil {
			if b.Files == nil {
				b.Files = map[string][]byte{}
			}
			b.Files[name] = data
		}
		return data, err
	}
	return b
}

// Source returns what was recorded as a source for Load.
func (b *Bundle) Source() Source {
	return Source{Name: b.Name, Data: b.Data, read: func(name string) ([]byte, error) {
		if data, ok := b.Files[name]; ok {
			return data, nil
		}
		return nil, errors.New("no such file in the bundle")
	}}
}

// files returns what reads the files that the source names.
func (s *Source) files() files {
	if s.read != nil {
		return s.read
	}
	directory := filepath.Dir(s.Name)
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(directory, name)
		}
		return readFile(name)
	}
}
