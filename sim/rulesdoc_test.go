package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tables of docs/model.md have one line for each rule of the kubelet, K1 to
// K87, of the kernel, C1 to C37, and of statistics, S1 to S23, and the files, functions and tests they name
// exist; one of the files cites the rule. A rule without them has to say that it
// is not simulated.
func TestEveryRuleIsDocumented(t *testing.T) {
	checkRules(t, "K", 87)
	checkRules(t, "C", 37)
	checkRules(t, "S", 23)
}

func checkRules(t *testing.T, letter string, count int) {
	t.Helper()
	doc, err := os.ReadFile("../docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, line := range strings.Split(string(doc), "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| "+letter) || len(cells) != 4 {
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
		if !strings.Contains(cells[1], "*Not simulated*") {
			checkCited(t, rule, where)
		}
		for _, test := range strings.Split(shown, ", ") {
			checkNames(t, rule, test, `func %s\(`)
		}
	}
	var want []string
	for i := range count {
		want = append(want, fmt.Sprintf("%s%d", letter, i+1))
	}
	if !slices.Equal(rules, want) {
		t.Errorf("rules %v, want %[2]s1 to %[2]s%d", rules, letter, count)
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

// checkCited holds one of the files linked in a cell to citing the rule.
func checkCited(t *testing.T, rule, where string) {
	t.Helper()
	links := link.FindAllStringSubmatch(where, -1)
	for _, l := range links {
		if text, err := os.ReadFile(filepath.FromSlash(l[1])); err == nil && citation(rule).Match(text) {
			return
		}
	}
	if len(links) > 0 {
		t.Errorf("%s: none of %s cites it", rule, where)
	}
}

func citation(rule string) *regexp.Regexp { return regexp.MustCompile(`\b` + rule + `\b`) }

// Every rule of the kubelet that a file cites is in the table, and every test
// named after one holds a rule that exists.
func TestEveryKRuleCitedExists(t *testing.T) {
	cited := regexp.MustCompile(`\b(?:Test)?K([0-9]{1,3})(?:[A-Z]\w*)?\b`)
	files := 0
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for _, rule := range cited.FindAllSubmatch(text, -1) {
			if n, _ := strconv.Atoi(string(rule[1])); n < 1 || n > 87 {
				t.Errorf("%s cites %s, which does not exist", path, rule[0])
			}
		}
		return err
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}
