package estimate

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// benchmarked is the pod of docs/performance.md: three probes with P=10 T=1 and
// F=30/3/3, lognormal answers and starts, a neighbour that comes and goes, no CPU
// limit.
func benchmarked() *model.World {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	w.Pod.Containers[0].Probes[model.Startup] = probe(10, 1, 30)
	for k := range w.Application.Probes {
		w.Application.Probes[k].Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(20e6), Sigma: 1}}
	}
	w.Application.Startup = []model.Stage{{Wait: dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(12e9), Sigma: .5}}}}
	w.Node.Neighbours = []model.Neighbour{{WaitFactor: 8, Busy: exponential(time.Minute), Idle: exponential(time.Hour)}}
	return w
}

// grown is what so many lives of a length cost.
type grown struct {
	days         float64 // of each life
	replications int64
	cpu          time.Duration
	heap         float64 // MiB in use at the end
}

func (g *grown) podDays() float64 { return g.days * float64(g.replications) }

// BenchmarkGrowth shows the CPU time of runs of the pod of docs/performance.md, and
// the heap in use at their end: with longer lives, and with more of them. The first
// grows in proportion to the pod time, the second not at all. Lives of a year and
// more skip ahead. PROBESIM_GROWTH_PLOT names a file for the picture of
// docs/performance.md.
func BenchmarkGrowth(b *testing.B) {
	longer, more := []grown{{days: 2}, {days: 20}, {days: 200}}, []grown{{days: 2}, {days: 2}, {days: 2}}
	skipping, skippingMore := []grown{{days: 732}, {days: 7320}, {days: 36600}}, []grown{{days: 732}, {days: 732}, {days: 732}}
	for i, n := range []int64{16, 160, 1600} {
		longer[i].replications, more[i].replications = 16, n
		skipping[i].replications, skippingMore[i].replications = 16, n
	}
	for _, series := range [][]grown{longer, more[1:], skipping, skippingMore[1:]} {
		for i := range series {
			b.Run(fmt.Sprintf("%.0fd/%d", series[i].days, series[i].replications), func(b *testing.B) { series[i].measure(b) })
		}
	}
	more[0], skippingMore[0] = longer[0], skipping[0]
	if file := os.Getenv("PROBESIM_GROWTH_PLOT"); file != "" {
		drawGrowth(b, file, []curve{
			{"longer lives, event by event", "#0072b2", "", longer}, {"more lives, event by event", "#0072b2", "5 4", more},
			{"longer lives, skipping ahead", "#d55e00", "", skipping}, {"more lives, skipping ahead", "#d55e00", "5 4", skippingMore},
		})
	}
}

func (g *grown) measure(b *testing.B) {
	var inUse uint64
	before, runs := cpuTime(), 0
	for b.Loop() {
		runs++
		o := Options{Seed: 1, Horizon: time.Duration(g.days * float64(day)), Replications: g.replications, Jobs: 1}
		o.Folded = func(p *Part) {
			if p.Done == g.replications {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				inUse = m.HeapAlloc
			}
		}
		if _, _, err := Simulate(context.Background(), []Named{{"base", benchmarked()}}, o); err != nil {
			b.Fatal(err)
		}
	}
	g.cpu = (cpuTime() - before) / time.Duration(runs)
	g.heap = float64(inUse) / (1 << 20)
	b.ReportMetric(g.cpu.Seconds()*1e3, "cpu-ms/run")
	b.ReportMetric(float64(g.cpu.Microseconds())/g.podDays(), "cpu-µs/pod-day")
	b.ReportMetric(g.heap*1024, "KiB-heap")
	b.ReportMetric(0, "ns/op")
}

// curve is one line of the picture.
type curve struct {
	name, colour, dashes string
	points               []grown
}

// panel is a frame of the picture with a log scale of pod-days and one of
// something else.
type panel struct {
	left, width, top, height float64
	fromX, toX, fromY, toY   float64 // powers of ten
	name, unit               string
	value                    func(*grown) float64
}

func (p *panel) x(v float64) float64 { return p.left + (math.Log10(v)-p.fromX)/(p.toX-p.fromX)*p.width }
func (p *panel) y(v float64) float64 {
	return p.top + p.height - (math.Log10(v)-p.fromY)/(p.toY-p.fromY)*p.height
}

// drawGrowth writes a picture with two panels: CPU time and memory against pod time.
func drawGrowth(b *testing.B, file string, curves []curve) {
	var svg strings.Builder
	svg.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="860" height="460" viewBox="0 0 860 460" font-family="Liberation Sans, Arial, sans-serif" font-size="12">` + "\n")
	svg.WriteString(`<rect width="860" height="460" fill="#fff"/>` + "\n")
	svg.WriteString(`<text x="16" y="26" font-size="16" font-weight="bold">CPU time grows with the pod time, memory does not</text>` + "\n")
	for _, p := range []panel{
		{left: 70, width: 330, top: 70, height: 290, fromX: 1, toX: 7, fromY: -2, toY: 2, name: "CPU time of a run", unit: "s", value: func(g *grown) float64 { return g.cpu.Seconds() }},
		{left: 490, width: 330, top: 70, height: 290, fromX: 1, toX: 7, fromY: -1, toY: 2, name: "Heap in use at its end", unit: "MiB", value: func(g *grown) float64 { return g.heap }},
	} {
		p.draw(&svg, curves)
	}
	for i, c := range curves {
		x, y := 70+i%2*420, 412+i/2*24
		fmt.Fprintf(&svg, `<path d="M%d %dh40" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, y, c.colour, c.dashes, x+48, y+4, c.name)
	}
	svg.WriteString("</svg>\n")
	if err := os.WriteFile(file, []byte(svg.String()), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (p *panel) draw(svg *strings.Builder, curves []curve) {
	fmt.Fprintf(svg, `<text x="%.0f" y="%.0f" font-weight="bold">%s (%s)</text>`+"\n", p.left, p.top-12, p.name, p.unit)
	for e := p.fromX; e <= p.toX; e++ {
		x := p.x(math.Pow(10, e))
		fmt.Fprintf(svg, `<path d="M%.1f %.1fv%.0f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x, p.top, p.height, x, p.top+p.height+18, power(e))
	}
	for e := p.fromY; e <= p.toY; e++ {
		y := p.y(math.Pow(10, e))
		fmt.Fprintf(svg, `<path d="M%.1f %.1fh%.0f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", p.left, y, p.width, p.left-6, y+4, power(e))
	}
	fmt.Fprintf(svg, `<text x="%.1f" y="%.1f" text-anchor="middle">pod-days</text>`+"\n", p.left+p.width/2, p.top+p.height+36)
	for _, c := range curves {
		var line []string
		for i := range c.points {
			g := &c.points[i]
			x, y := p.x(g.podDays()), p.y(p.value(g))
			line = append(line, fmt.Sprintf("%.1f,%.1f", x, y))
			fmt.Fprintf(svg, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, c.colour)
		}
		fmt.Fprintf(svg, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", strings.Join(line, " "), c.colour, c.dashes)
	}
}

// power writes a power of ten.
func power(e float64) string {
	switch {
	case e >= 6:
		return fmt.Sprintf("%.0fM", math.Pow(10, e-6))
	case e >= 3:
		return fmt.Sprintf("%.0fk", math.Pow(10, e-3))
	}
	return fmt.Sprintf("%g", math.Pow(10, e))
}
