package report

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

var update = flag.Bool("update", false, "write the golden files anew")

// page is a small report with everything a report can have, and names that
// would be markup.
func page() *Report {
	p := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet}}
	p.SetDefaults()
	w := &model.World{Name: "shop <b>", Node: model.DefaultNode(), Cluster: model.DefaultCluster(), Pod: model.Pod{Containers: []model.Container{{Name: "api"}}}}
	w.Pod.Containers[0].Probes[model.Startup] = p
	starts := []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 9 * time.Second}
	entries := func() []recommend.Entry {
		return []recommend.Entry{
			{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 3, VerdictsPerPodYear: 500, AtMost: 600, P99Seconds: 30.9},
			{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 6, VerdictsPerPodYear: 2, AtMost: 3, P99Seconds: 60.9},
			{PeriodSeconds: 20, TimeoutSeconds: 1, FailureThreshold: 3, VerdictsPerPodYear: .01, AtMost: .05, P99Seconds: 60.9},
		}
	}
	faster := entries()
	faster[0].AtMost = 6
	return &Report{
		Title: "shop <b>", Subtitle: "Deployment shop/api, container api", Verdict: "Change one setting", Good: true,
		Answer:   []string{"Set livenessProbe.periodSeconds 20 (now 10)."},
		Headline: []Headline{{Name: "False kills per pod-year", Before: "500", After: "at most 0.05", Better: true}},
		Patch:    "spec:\n  periodSeconds: 20\n",
		Tables:   []Table{{Title: "Settings", Rows: [][]string{{"", "current", "recommended"}, {"a|b", "10", "20"}, {"c", "9", "1"}}}},
		Reasons:  []Reason{{Field: "livenessProbe.periodSeconds", Value: "20", Sentence: "20 s; 19 s would miss it", Binding: "falseKillsPerPodYear <= 0.1"}},
		Figures:  []Figure{{Heading: "How long starts take", File: "shop-startup.svg", Chart: plots.NewStartup(w, 1, starts, &stats.Estimate{High: .3})}},
		Explore: &Explore{
			Tables:   []recommend.Table{{CPULimit: "100m", Liveness: entries(), Readiness: []recommend.Entry{}}, {CPULimit: "200m", Liveness: faster, Readiness: []recommend.Entry{}}},
			Liveness: &Setting{10, 1, 3}, MostFalseKillsPerYear: .1, MostDetectionSeconds: 60,
		},
		Inputs:  &Table{Title: "Each input", Rows: [][]string{{"input", "value", "rests on"}, {"application.startup", "<2s>", "an assumption"}}},
		Assumed: []string{"the start takes <2 s>"}, Described: "kind: Scenario\n", Notes: []string{"a note"},
		Validation: []string{"event for event"}, Reproduce: []string{"probesim report shop.yaml -o r.html"}, Version: "v1", Seed: 7,
	}
}

func TestMarkdown(t *testing.T) {
	var got bytes.Buffer
	if err := page().WriteMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report.md")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// TestHTML holds that the page is whole, refers to nothing outside of itself,
// and that no name becomes markup.
func TestHTML(t *testing.T) {
	var b bytes.Buffer
	if err := page().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, part := range []string{"shop &lt;b&gt;", "Change one setting", "periodSeconds: 20", "bound by falseKillsPerPodYear &lt;= 0.1", "<svg", "takes &lt;2 s&gt;", "probesim v1, seed 7."} {
		if !strings.Contains(html, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if strings.Contains(html, "shop <b>") {
		t.Error("a name became markup")
	}
	if outside := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*"|url\((?:https?:)?//`).FindString(html); outside != "" {
		t.Errorf("the page refers to %s", outside)
	}
	if strings.Count(html, "@font-face") > 2 {
		t.Errorf("%d fonts, each is needed once", strings.Count(html, "@font-face"))
	}
}

// driver moves the sliders, picks the other CPU limit, sorts a table and points
// at charts as a person would, by pointer and by keys, and leaves what it saw in
// the page.
const driver = `<script>
window.addEventListener("load", () => {
  const seen = [];
  const outcome = () => seen.push(document.getElementById("outcome").textContent);
  const tip = () => document.querySelector(".tip.shown") ? document.querySelector(".tip").textContent : "no value";
  const front = () => document.getElementById("front").getAttribute("points");
  const press = (svg, key) => svg.dispatchEvent(new KeyboardEvent("keydown", { key }));
  const move = (id, value) => { const input = document.getElementById(id); input.value = value; input.dispatchEvent(new Event("input")); };
  outcome();
  move("liveness-failureThreshold", 1);
  outcome();
  move("liveness-failureThreshold", 0);
  const before = front();
  const limit = document.getElementById("cpu-limit");
  limit.value = "1";
  limit.dispatchEvent(new Event("change"));
  outcome();
  move("liveness-periodSeconds", 1);
  outcome();
  seen.push("front moved: " + (front() !== before));
  seen.push("numbers: " + Array.from(document.querySelectorAll("#numbers dd"), (dd) => dd.textContent).join(" | "));
  const svg = document.querySelector(".picture svg[tabindex]");
  svg.focus();
  press(svg, "End");
  press(svg, "ArrowLeft");
  seen.push("key: " + tip());
  press(svg, "Escape");
  seen.push("escape: " + tip());
  svg.scrollIntoView();
  const first = svg.querySelector(".values > *"), box = first.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
  seen.push("pointer: " + tip());
  svg.dispatchEvent(new PointerEvent("pointerleave"));
  seen.push("left: " + tip());
  const words = svg.querySelector("text"), at = words.getBoundingClientRect();
  getSelection().selectAllChildren(words);
  seen.push("selected: " + getSelection().toString() + ", under the pointer: " + document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2).tagName);
  getSelection().removeAllRanges();
  const scatter = document.querySelector("#scatter svg");
  press(scatter, "Home");
  seen.push("dot: " + tip());
  press(scatter, "Escape");
  document.querySelectorAll("thead button")[1].click();
  seen.push("first row: " + document.querySelector("tbody th").textContent);
  seen.push("dots: " + document.querySelectorAll("#scatter .values circle").length);
  seen.push("requests: " + performance.getEntriesByType("resource").filter((e) => !e.name.startsWith("data:")).length);
  seen.push("overflow: " + (document.documentElement.scrollWidth > document.documentElement.clientWidth));
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = seen.join("\n");
  document.body.append(result);
});
</script>`

// browser returns where Chromium is, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: the page is not opened")
	return ""
}

// opened opens a page with a script at its end in the browser, and returns what
// the script left in an element with the id seen. A message on the console is an
// error.
func opened(t *testing.T, script string, flags ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := page().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(strings.Replace(b.String(), "</body>", script+"</body>", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	flags = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
		"--user-data-dir=" + t.TempDir(), "--virtual-time-budget=5000", "--dump-dom"}, flags...)
	cmd := exec.CommandContext(t.Context(), browser(t), append(flags, "file://"+file)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, messages.String())
	}
	for line := range strings.Lines(messages.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("%v: %s", flags[len(flags)-1], line)
		}
	}
	_, got, _ := strings.Cut(out.String(), `<pre id="seen">`)
	got, _, _ = strings.Cut(got, "</pre>")
	return got
}

// TestInBrowser opens the page in a real browser, at the width of a desktop and
// of a phone, and drives it. It is skipped where there is no Chromium.
func TestInBrowser(t *testing.T) {
	want := strings.Join([]string{
		"false kills of a serving pod per year: at most 600 (misses 0.1); 99 of 100 hangs detected within 30.9 s (meets 60).",
		"false kills of a serving pod per year: at most 3 (misses 0.1); 99 of 100 hangs detected within 60.9 s (misses 60).",
		"false kills of a serving pod per year: at most 6 (misses 0.1); 99 of 100 hangs detected within 30.9 s (meets 60).",
		"false kills of a serving pod per year: at most 0.05 (meets 0.1); 99 of 100 hangs detected within 60.9 s (misses 60).",
		"front moved: true", "numbers: 0.05 (objective: 0.1) | 60.9 s (objective: 60 s) | 60.9 s",
		"key: 75 % of startups take up to 5 s", "escape: no value", "pointer: 25 % of startups take up to 2 s", "left: no value",
		"selected: Does the startup fit into its budget?, under the pointer: text",
		"dot: every 10 s, timeout 1 s, 3 failures: 30.9 s, at most 6 a year",
		"first row: c", "dots: 3", "requests: 0", "overflow: false",
	}, "\n")
	for _, width := range []string{"1280", "390"} {
		if got := opened(t, driver, "--window-size="+width+",900"); got != want {
			t.Errorf("width %s: the page says\n%s\nwant\n%s", width, got, want)
		}
	}
}

// TestPrint prints the page from the browser: a few sheets, in fonts that are
// embedded, without what only a screen can do.
func TestPrint(t *testing.T) {
	sheets := filepath.Join(t.TempDir(), "report.pdf")
	opened(t, "", "--no-pdf-header-footer", "--print-to-pdf="+sheets)
	pdf, err := os.ReadFile(sheets)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`/Type ?/Page\b`).FindAll(pdf, -1)); n < 2 || n > 6 {
		t.Errorf("%d sheets", n)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, []byte("/FontFile2")) {
		t.Error("no PDF with fonts in it")
	}
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext here: the sheets are not read")
	}
	text, err := exec.CommandContext(t.Context(), reader, sheets, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Change one setting", "periodSeconds: 20", "Does the startup fit into its budget?", "probesim v1, seed 7."} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the sheets lack %q", part)
		}
	}
	for _, part := range []string{"Move the settings", "The data as CSV"} {
		if strings.Contains(string(text), part) {
			t.Errorf("the sheets have %q", part)
		}
	}
}

// TestAccessibility runs axe on the page, in light and dark colours, where the
// environment variable AXE names its file axe.min.js (npm package axe-core), and
// expects no finding that is serious.
func TestAccessibility(t *testing.T) {
	file := os.Getenv("AXE")
	if file == "" {
		t.Skip("AXE does not name axe.min.js: the page is not checked for accessibility")
	}
	axe, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script := "<script>" + string(axe) + `</script><script>
window.addEventListener("load", () => axe.run().then((found) => {
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = found.passes.length + " rules pass\n" + found.violations.map((v) => v.impact + " " + v.id + ": " + v.nodes.map((n) => n.target).join(", ")).join("\n");
  document.body.append(result);
}));
</script>`
	for _, colors := range []string{"1", "0"} { // light, dark
		got := opened(t, script, "--window-size=1280,900", "--blink-settings=preferredColorScheme="+colors)
		if strings.Contains(got, "serious") || strings.Contains(got, "critical") || !strings.Contains(got, "rules pass") {
			t.Errorf("colours %s: axe says\n%s", colors, got)
		}
		t.Log(got)
	}
}
