package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model/dist"
)

// File is one file of a shipped scenario.
type File struct {
	Name string // inside the scenario's folder
	Data []byte
}

// Files returns the files of a shipped scenario, the scenario itself first, so
// that a person can start from them. It is an error if there is none of the
// name.
func Files(name string) ([]File, error) {
	source, err := Open(name)
	if err != nil {
		return nil, err
	}
	files := []File{{scenarioFile, source.Data}}
	folder := path.Dir(source.Name)
	entries, err := fs.ReadDir(galleryFiles, folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.Name() == scenarioFile || entry.IsDir() {
			continue
		}
		data, err := fs.ReadFile(galleryFiles, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, File{entry.Name(), data})
	}
	return files, nil
}

// ParseDuration reads a duration as scenario files write it: a Go duration, or
// days followed by one, as in 90s, 30d or 1d12h; not negative, and at most 100
// years.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// ParseCPU reads an amount of CPU as Kubernetes writes it, 250m, 0.5 or 2, and
// returns it in thousandths of a CPU, rounded up.
func ParseCPU(text string) (milli int64, err error) { return parseCPU(text) }

// ParseDistribution reads a distribution of durations as scenario files write
// it: 25s, {exponential: 10s}, {p50: 1s, p99: 5s}. Files of samples are found
// from the current directory.
func ParseDistribution(text string) (dist.Duration, error) {
	trees, faults := documents("", []byte(text))
	if len(trees) != 1 && len(faults) == 0 {
		faults = Faults{{Message: "must be one distribution, such as 25s or {exponential: 25s}"}}
	}
	var parsed durationDistribution
	if len(faults) == 0 {
		clearLines(trees[0])
		d := decoder{files: readFile}
		parsed.decodeNode(&d, trees[0], place{})
		faults = d.faults
	}
	if len(faults) > 0 {
		return dist.Duration{}, errors.New(faults[0].Message)
	}
	return parsed.Duration, nil
}

// YAML writes a value as YAML with the keys of its JSON form, in their order.
func YAML(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var node yaml.Node // JSON is YAML: only its style has to change
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, err
	}
	inBlocks(&node)
	var buffer bytes.Buffer
	encoder := yaml.NewEncoder(&buffer)
	encoder.SetIndent(2)
	if err := encoder.Encode(&node); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// inBlocks clears the style that JSON left. The encoder quotes the strings that
// would otherwise read back as something else.
func inBlocks(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		inBlocks(child)
	}
}
