package scenarios

import (
	"strings"
	"testing"
)

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

func TestOpenNamesTheNearest(t *testing.T) {
	_, err := Open("starved-20")
	if err == nil || !strings.Contains(err.Error(), `(did you mean "starved-20m"?)`) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", ".", "../gallery", "starved-20m/", "starved-20m/scenario.yaml"} {
		if _, err := Open(name); err == nil {
			t.Errorf("%q: opened", name)
		}
	}
}

// Standard input has a name of its own, and a source may hold several
// scenarios.
func TestSources(t *testing.T) {
	const one = "apiVersion: probesim/v1\nkind: Scenario\npod: {containers: [{name: a}]}\n"
	if _, err := Load(Source{Name: "-", Data: []byte(one + "x: 1\n")}, nil); err == nil || !strings.HasPrefix(err.Error(), "<stdin>:4: x: unknown field") {
		t.Errorf("%v", err)
	}
	workloads, err := Load(Source{Name: "two.yaml", Data: []byte(one + "---\n" + one + "metadata: {name: second}\n")}, nil)
	if err != nil || len(workloads) != 2 || workloads[0].World.Name != "two:1" || workloads[1].World.Name != "second" {
		t.Errorf("%v, %v", workloads, err)
	}
}

// A scenario over a manifest with several workloads is several rows, unless
// only some of them have the container it names.
func TestManifestOfSeveralWorkloads(t *testing.T) {
	const deployment = `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "%"}, "spec": {"template": {"spec": {"containers": [{"name": "%"}]}}}}`
	manifest := strings.ReplaceAll(deployment, "%", "a") + "\n" + strings.ReplaceAll(deployment, "%", "b")
	read := func(string) ([]byte, error) { return []byte(manifest), nil }
	for container, want := range map[string]string{"": "shop deployment/a, shop deployment/b", "container: b\n": "shop"} {
		text := "apiVersion: probesim/v1\nkind: Scenario\nmetadata: {name: shop}\nmanifest: both.json\n" + container
		workloads, err := Load(Source{Name: "shop.yaml", Data: []byte(text), read: read}, nil)
		var names []string
		for _, w := range workloads {
			names = append(names, w.World.Name)
		}
		if got := strings.Join(names, ", "); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", container, got, err, want)
		}
	}
}
