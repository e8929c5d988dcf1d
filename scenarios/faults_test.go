package scenarios

import "testing"

func TestFaultsAreSortedAndOnce(t *testing.T) {
	faults := Faults{{"b", 2, "x", "m"}, {"a", 9, "", "m"}, {"b", 1, "y", "m"}, {"b", 2, "x", "m"}, {"--set", 0, "p", "m"}}
	if got, want := faults.sorted().Error(), "--set: p: m\na:9: m\nb:1: y: m\nb:2: x: m"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
