package scenarios

import (
	_ "embed"
	"reflect"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

//go:embed profiles.yaml
var profilesYAML []byte

// Profile is a named preset of the fields of a scenario's node.
type Profile struct {
	Name        string
	Description string
	Sources     []string // of its figures; what is only assumed says so
}

// Profiles returns the node profiles, the quiet one first.
func Profiles() []Profile {
	var list []Profile
	for _, p := range profiles() {
		list = append(list, Profile{p.Name, p.Description, p.Sources})
	}
	return list
}

type profile struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Sources     []string `json:"sources"`
	Node        machine  `json:"node"`
}

// profiles decodes the embedded profiles, each completed by the quiet one.
var profiles = sync.OnceValue(func() []profile {
	list := embedded[profile]("profiles.yaml", profilesYAML)
	quiet := list[0].Node
	for i := range list {
		inherit(reflect.ValueOf(&list[i].Node).Elem(), reflect.ValueOf(&quiet).Elem())
		complete(reflect.ValueOf(&list[i].Node).Elem())
	}
	return list
})

// embedded decodes a list of a file that is part of the program.
func embedded[T any](file string, data []byte) []T {
	var list []T
	trees, faults := documents(file, data)
	d := &decoder{faults: faults}
	if len(trees) == 1 {
		d.decode(trees[0], reflect.ValueOf(&list).Elem(), place{file: file})
	}
	if len(d.faults) > 0 {
		panic(d.faults) // the file is part of the program and decoded by its tests
	}
	return list
}

func profileNames() []string {
	var names []string
	for _, p := range profiles() {
		names = append(names, p.Name)
	}
	return names
}

// applyProfiles completes the node, and each of its classes, by the profile
// named: a class takes a field from itself, else from what the node states,
// else from its profile.
func (d *decoder) applyProfiles(n *node, tree *yaml.Node, at place) {
	stated := n.machine
	d.applyProfile(&n.machine, descend(tree, "node", "profile"), at.field("node").field("profile"))
	for i := range n.Classes {
		class := &n.Classes[i].machine
		inherit(reflect.ValueOf(class).Elem(), reflect.ValueOf(&stated).Elem())
		named, path := find(tree, []step{{field: "node"}, {field: "classes"}, {index: i, element: true}, {field: "profile"}}, at, d.origins)
		d.applyProfile(class, named, path)
	}
}

func (d *decoder) applyProfile(m *machine, n *yaml.Node, at place) {
	if m.Profile == nil {
		quiet := model.DefaultNode().Profile
		m.Profile = &quiet
	}
	for _, p := range profiles() {
		if p.Name == *m.Profile {
			inherit(reflect.ValueOf(m).Elem(), reflect.ValueOf(&p.Node).Elem())
			return
		}
	}
	d.fault(n, at, "%s", notOneOf(*m.Profile, profileNames()))
}
