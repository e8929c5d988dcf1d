package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table of docs/model.md has one line for each rule of the kubelet, K1 to
// K87, and the files, functions and tests it names exist. A rule without them
// has to say that it is not simulated.
func TestEveryKRuleIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, line := range strings.Split(string(doc), "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| K") || len(cells) != 4 {
			continue
		}
		rule := strings.TrimPrefix(cells[0], "| ")
		rules = append(rules, rule)
		where, shown := cells[2], strings.TrimSuffix(cells[3], " |")
		if (where == "–" || shown == "–") && !strings.Contains(strings.ToLower(cells[1]), "not simulated") {
			t.Errorf("%s: neither shown by a test nor said to be not simulated", rule)
		}
		for _, place := range strings.Split(where, "; ") {
			checkNames(t, rule, place, `\b%s\b`)
		}
		for _, test := range strings.Split(shown, ", ") {
			checkNames(t, rule, test, `func %s\(`)
		}
	}
	var want []string
	for i := range 87 {
		want = append(want, fmt.Sprintf("K%d", i+1))
	}
	if !slices.Equal(rules, want) {
		t.Errorf("rules %v, want K1 to K87", rules)
	}
}

var (
	link = regexp.MustCompile(`\]\((\.\./[^)]+)\)`)
	code = regexp.MustCompile("`([A-Za-z0-9]+)`")
)

// checkNames holds the file linked in a piece of a table cell to the names in
// backquotes beside it; form is the regular expression of a name's occurrence.
func checkNames(t *testing.T, rule, piece, form string) {
	t.Helper()
	for _, l := range link.FindAllStringSubmatch(piece, -1) {
		text, err := os.ReadFile(filepath.FromSlash(l[1])) // docs is beside this package's folder
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		for _, name := range code.FindAllStringSubmatch(piece, -1) {
			if !regexp.MustCompile(fmt.Sprintf(form, name[1])).Match(text) {
				t.Errorf("%s: %s has no %s", rule, l[1], name[1])
			}
		}
	}
}
