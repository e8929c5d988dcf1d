package lint

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of checks in docs/ci.md")

// TestChecksAreDocumented holds the table of docs/ci.md to the rules.
func TestChecksAreDocumented(t *testing.T) {
	const name, head = "../../docs/ci.md", "|---|---|---|---|\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), head)
	if !ok {
		t.Fatal("docs/ci.md has no table of checks")
	}
	fresh := before + head
	for _, rule := range Rules() {
		cites := strings.Join(rule.Cites, ", ")
		if cites == "" {
			cites = "–"
		}
		fresh += fmt.Sprintf("| `%s` | %s | %s | %s |\n", rule.ID, rule.Severity, rule.Title, cites)
	}
	switch {
	case fresh == string(text):
	case *update:
		if err := os.WriteFile(name, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/ci.md does not list the checks as they are: go test ./sim/lint -update writes it anew")
	}
}

// TestEveryAdviceIsAccountedFor holds the table of docs/model.md to one row for
// each piece of advice, as a model, a check or a chart, and to the ids of the
// checks; and the checks to rules that the document has.
func TestEveryAdviceIsAccountedFor(t *testing.T) {
	text, err := os.ReadFile("../../docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	check := regexp.MustCompile("checks? `([a-z-]+)`|, check `([a-z-]+)`")
	linked := regexp.MustCompile(`\]\(\.\./([^)]+)\)`)
	documented := map[string]bool{}
	var advice []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), " |"), " | ")
		rule := strings.TrimPrefix(cells[0], "| ")
		if !regexp.MustCompile(`^[A-Z][0-9]+$`).MatchString(rule) || len(cells) != 4 {
			continue
		}
		documented[rule] = true
		if rule[0] != 'A' {
			continue
		}
		advice = append(advice, rule)
		where := cells[2]
		if !regexp.MustCompile(`model: |check |chart: `).MatchString(where) || cells[3] == "–" {
			t.Errorf("%s: is no model, check or chart with a test: %s | %s", rule, where, cells[3])
		}
		for _, found := range check.FindAllStringSubmatch(where, -1) {
			if id := found[1] + found[2]; !slices.Contains(IDs(), id) {
				t.Errorf("%s: %q is no check", rule, id)
			}
		}
		for _, link := range linked.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat("../../" + link[1]); err != nil {
				t.Errorf("%s: %v", rule, err)
			}
		}
	}
	var want []string
	for i := range 32 {
		want = append(want, fmt.Sprintf("A%d", i+1))
	}
	if !slices.Equal(advice, want) {
		t.Errorf("advice %v, want A1 to A32", advice)
	}
	for _, rule := range Rules() {
		for _, cited := range rule.Cites {
			if !documented[cited] {
				t.Errorf("%s cites %s, which docs/model.md does not have", rule.ID, cited)
			}
		}
	}
}
