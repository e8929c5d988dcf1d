package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	kubectl "sigs.k8s.io/yaml"
)

// TestMergeKeysThatReadersTakeOtherwise holds which merge keys are refused, and where.
func TestMergeKeysThatReadersTakeOtherwise(t *testing.T) {
	for text, want := range map[string]string{
		"a: &a {x: 1, z: 1}\nm:\n  x: 2\n  <<: *a\n":                                 "f:3: x: a << behind it says otherwise, which kubectl apply goes by and kubectl kustomize does not: put << before the fields",
		"a: &a {x: 1}\nm:\n  x: null\n  <<: *a\n":                                    "f:3: x: a << behind it says otherwise, which kubectl apply goes by and kubectl kustomize does not: put << before the fields",
		"a: &a {x: 1}\nb: &b\n  x: 2\nm:\n  <<: *a\n  <<: *b\n":                      "f:1: x: another << says otherwise, and readers differ on which of them they go by: name all mappings in one list, <<: [*first, *second]",
		"a: &a {x: 1}\nm:\n  <<: *a\n  x: 2\n":                                       "",
		"a: &a {x: 1}\nm:\n  x: 1\n  <<: *a\n":                                       "",
		"a: &a {x: 1}\nb: &b {x: 2}\nm:\n  <<: [*a, *b]\n":                           "",
		"a: &a {x: 1}\nb: &b {x: 2}\nm:\n  <<: *a\n  <<: *b\n  x: 3\n":               "",
		"a: &a {x: 1}\nb: &b {w: 2}\nm:\n  <<: *a\n  <<: *b\n":                       "",
		"a: &a {x: {p: 1}}\nb: &b {x: {p: 1, q: null}}\nm: {<<: *a, <<: *b}\n":       "",
		"m: {<<: [], x: 1}\n":                                                        "",
		"m: {<<: [1], x: 1}\n":                                                       "f:1: << must name a mapping or a list of mappings",
		"b: &b {x: 2}\nm: {<<: [{x: 1}, *b], w: 1, <<: {w: 1}}\n":                    "",
		"b: &b {x: 2}\nm: {w: 0, <<: [{x: 1}, *b], <<: {w: 1}}\n":                    "f:2: w: a << behind it says otherwise, which kubectl apply goes by and kubectl kustomize does not: put << before the fields",
		"b: &b {x: 2, <<: {w: 3}}\nm: {<<: [{x: 1}, *b], <<: {w: 4}, w: 5}\nk: *b\n": "",
	} {
		trees, faults := documents("f", []byte(text))
		if got := strings.TrimSpace(fmt.Sprint(faults)); got != want && !(want == "" && len(faults) == 0) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if want == "" {
			sameAsKubectl(t, text, trees[0])
		}
	}
}

// sameAsKubectl holds a tree against what sigs.k8s.io/yaml, by which kubectl apply
// reads manifests, makes of the text.
func sameAsKubectl(t interface{ Errorf(string, ...any) }, text string, tree *yaml.Node) {
	data, err := kubectl.YAMLToJSON([]byte(text))
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	ours, err := json.Marshal(withoutNulls(plain(tree)))
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	var want, got any
	if json.Unmarshal(data, &want) != nil || json.Unmarshal(ours, &got) != nil || !reflect.DeepEqual(withoutNulls(want), got) {
		t.Errorf("%q: read as %s, and by kubectl as %s", text, ours, data)
	}
}

// TestAnyMergeKeys holds any mappings with merge keys against both readers: what is
// read is what kubectl apply reads, and what is refused is read otherwise by the
// other, or not at all.
func TestAnyMergeKeys(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key := rapid.SampledFrom([]string{"p", "q", "r"})
		field := func() string { return fmt.Sprintf("%s: %d", key.Draw(r, "key"), rapid.IntRange(1, 2).Draw(r, "value")) }
		var text strings.Builder
		var anchors []string
		for _, name := range []string{"a", "b", "c"} {
			var entries []string
			taken := map[string]bool{}
			for range rapid.IntRange(1, 5).Draw(r, "entries") {
				entry := field()
				switch {
				case len(anchors) > 0 && rapid.Bool().Draw(r, "merge"):
					source := "*" + rapid.SampledFrom(anchors).Draw(r, "source")
					if rapid.Bool().Draw(r, "list") {
						source = "[" + source + ", {" + field() + "}, *" + rapid.SampledFrom(anchors).Draw(r, "second") + "]"
					}
					entry = "<<: " + source
				case taken[entry[:1]]:
					continue
				}
				taken[entry[:1]] = true
				entries = append(entries, entry)
			}
			fmt.Fprintf(&text, "%s: &%s {%s}\n", name, name, strings.Join(entries, ", "))
			anchors = append(anchors, name)
		}
		trees, faults := documents("f", []byte(text.String()))
		if len(faults) == 0 {
			sameAsKubectl(r, text.String(), trees[0])
			return
		}
		var apply, kustomize any
		first := kubectl.Unmarshal([]byte(text.String()), &apply)
		second := yaml.Unmarshal([]byte(text.String()), &kustomize)
		if first == nil && second == nil {
			one, _ := json.Marshal(apply)
			other, _ := json.Marshal(kustomize)
			if string(one) == string(other) {
				r.Errorf("%q: %v, although readers agree on %s", text.String(), faults, one)
			}
		}
	})
}
