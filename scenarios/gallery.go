package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"reflect"
)

//go:embed gallery
var galleryFiles embed.FS

// Entry is a scenario of the embedded gallery.
type Entry struct {
	Name        string // of its folder, which Open takes
	Description string // what it shows
	Source      string // where the case was published
}

// scenarioFile is the name of the scenario in each folder of the gallery.
const scenarioFile = "scenario.yaml"

// Gallery returns the embedded scenarios by name.
func Gallery() []Entry {
	folders, err := galleryFiles.ReadDir("gallery")
	if err != nil {
		panic(err) // embedded: it is there
	}
	var entries []Entry
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		source, err := Open(folder.Name())
		if err != nil {
			panic(err) // embedded: a folder without scenario does not pass the tests
		}
		var s scenario
		trees, _ := documents(source.Name, source.Data)
		for _, tree := range trees {
			(&decoder{}).decode(tree, reflect.ValueOf(&s).Elem(), place{})
		}
		entries = append(entries, Entry{folder.Name(), value(s.Metadata.Description), value(s.Metadata.Source)})
	}
	return entries
}

// Open returns a scenario of the embedded gallery as a source for Load. It is
// an error if there is none of the name.
func Open(name string) (Source, error) {
	folder := path.Join("gallery", name)
	data, err := galleryFiles.ReadFile(path.Join(folder, scenarioFile))
	if err != nil || path.Base(folder) != name {
		var names []string
		if folders, err := galleryFiles.ReadDir("gallery"); err == nil {
			for _, folder := range folders {
				names = append(names, folder.Name())
			}
		}
		return Source{}, fmt.Errorf("gallery: %s", notOneOf(name, names))
	}
	read := func(file string) ([]byte, error) { return fs.ReadFile(galleryFiles, path.Join(folder, file)) }
	return Source{Name: path.Join(folder, scenarioFile), Data: data, read: read}, nil
}
