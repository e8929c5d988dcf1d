package scenarios

import "testing"

func TestGalleryLoads(t *testing.T) {
	for _, entry := range Gallery() {
		source, err := Open(entry.Name)
		if err != nil {
			t.Fatal(err)
		}
		workloads, err := Load(source, nil)
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, w := range workloads {
			if w.World.Name != entry.Name || w.World.Source == "" || w.World.Description == "" {
				t.Errorf("%s: name %q, source %q: must be called after its folder and state a source", entry.Name, w.World.Name, w.World.Source)
			}
		}
	}
}
