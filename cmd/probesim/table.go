package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
)

// proseWidth is the width to which sentences are broken.
const proseWidth = 96

// page writes results for people: paragraphs, lists and tables.
type page struct{ strings.Builder }

func (p *page) printf(format string, args ...any) { fmt.Fprintf(&p.Builder, format, args...) }

// heading starts a new part of the page.
func (p *page) heading(text string) { p.printf("\n%s\n", text) }

// prose writes a sentence broken to width, further lines indented.
func (p *page) prose(first, indent, text string) {
	line := first
	for _, word := range strings.Fields(text) {
		if len([]rune(line))+1+len([]rune(word)) > proseWidth && strings.TrimSpace(line) != "" {
			p.printf("%s\n", strings.TrimRight(line, " "))
			line = indent
		}
		if line != "" && !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	p.printf("%s\n", strings.TrimRight(line, " "))
}

// items writes a list of sentences.
func (p *page) items(sentences []string) {
	for _, sentence := range sentences {
		p.prose("  - ", "    ", sentence)
	}
}

// table writes rows in aligned columns. A row with one cell is a heading.
func (p *page) table(rows [][]string) {
	out := tabwriter.NewWriter(&p.Builder, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(out, "  %s\n", strings.Join(row, "\t"))
	}
	_ = out.Flush() // into memory
}

// writeTo writes the page to w, without trailing spaces.
func (p *page) writeTo(w io.Writer) error {
	var out strings.Builder
	for line := range strings.Lines(p.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// opening writes what the workload is and, if it is not a scenario of the
// person's own, everything that was assumed about it.
func (p *page) opening(w *scenarios.Workload) {
	container := w.World.Container()
	p.printf("%s", w.World.Name)
	if w.Kind != "" {
		p.printf(": %s %s", w.Kind, qualified(w))
	}
	p.printf(", container %s", container.Name)
	if w.World.Replicas > 1 {
		p.printf(", %d replicas", w.World.Replicas)
	}
	p.printf("\n")
	if len(w.Assumptions) > 0 {
		p.heading(fmt.Sprintf("Assumed, for want of anything said (change with --set or in a scenario file): %d", len(w.Assumptions)))
		p.items(w.Assumptions)
	}
}

func qualified(w *scenarios.Workload) string {
	if w.Namespace == "" {
		return w.Name
	}
	return w.Namespace + "/" + w.Name
}

// settingsLines describes the knobs of a container, one line for each.
func settingsLines(s *estimate.Settings) []string {
	lines := []string{"CPU limit       " + orNone(s.CPULimit)}
	for _, probe := range []struct {
		kind model.ProbeKind
		spec *model.Probe
	}{{model.Startup, s.StartupProbe}, {model.Readiness, s.ReadinessProbe}, {model.Liveness, s.LivenessProbe}} {
		lines = append(lines, fmt.Sprintf("%-15s %s", probe.kind.Field(), described(probe.spec)))
	}
	return lines
}

// described writes a probe's settings in one line.
func described(p *model.Probe) string {
	if p == nil {
		return "none"
	}
	text := fmt.Sprintf("%s every %d s, timeout %d s, %d failures", p.Handler, p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold)
	if p.FailureThreshold == 1 {
		text = strings.TrimSuffix(text, "s")
	}
	if p.SuccessThreshold > 1 {
		text += fmt.Sprintf(", %d successes", p.SuccessThreshold)
	}
	if p.InitialDelaySeconds > 0 {
		text += fmt.Sprintf(", after %d s", p.InitialDelaySeconds)
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
