package sim_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// plotted is what is drawn of a configuration: the same quantiles of its
// measured and its modelled answer times.
type plotted struct {
	configuration      *configuration
	measured, modelled []time.Duration
	distance           float64
}

func newPlotted(c *configuration, modelled []time.Duration, distance float64) plotted {
	p := plotted{configuration: c, distance: distance}
	for share := .05; share < 1; share += .05 {
		p.measured = append(p.measured, quantile(c.times, share))
		p.modelled = append(p.modelled, quantile(modelled, share))
	}
	return p
}

// The measures of the picture, in pixels, and what its axes show.
const (
	panelSize  = 260
	panelLeft  = 56
	panelTop   = 78
	panelGap   = 70
	axisLowest = 0.3    // ms
	axisMost   = 1500.0 // ms
)

// drawQuantiles writes a picture with a panel for each class: each quantile of
// each configuration, measured to the right and modelled upwards, on log scales.
// On the diagonal they agree. Configurations further apart than a bar are orange.
func drawQuantiles(t *testing.T, file string, all []plotted) {
	t.Helper()
	at := func(d time.Duration) float64 {
		return math.Log(min(max(milliseconds(d), axisLowest), axisMost)/axisLowest) / math.Log(axisMost/axisLowest) * panelSize
	}
	var svg strings.Builder
	classes := []struct {
		name string
		bar  float64
	}{{singleCPU, .15}, {others, .30}, {execs, .15}, {beyond, .30}}
	width, height := panelLeft+len(classes)*(panelSize+panelGap), panelTop+panelSize+60
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Liberation Sans, Arial, sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&svg, `<text x="16" y="24" font-size="16" font-weight="bold">Answer times under CPU limits: measured on a real kernel, and modelled</text>`+"\n")
	fmt.Fprintf(&svg, `<text x="16" y="44">The 5th to 95th percentile of each configuration; on the line they agree, in the grey band within 20 %% or 3 ms.</text>`+"\n")
	for i, class := range classes {
		x0, y0 := float64(panelLeft+i*(panelSize+panelGap)), float64(panelTop+panelSize)
		drawFrame(&svg, x0, y0, at)
		n, far := 0, 0
		for _, p := range all {
			if p.configuration.class() != class.name {
				continue
			}
			n++
			fill := "#0072b2"
			if p.distance > class.bar {
				far++
				fill = "#e69f00"
				fmt.Fprintf(&svg, `<text x="%.1f" y="%.1f" font-size="10" fill="#8a5f00" text-anchor="end">%s</text>`+"\n", x0+panelSize-4, y0-6-float64(12*(far-1)), p.configuration.ID)
			}
			for k := range p.measured {
				fmt.Fprintf(&svg, `<circle cx="%.1f" cy="%.1f" r="2.4" fill="%s" fill-opacity="0.6"/>`+"\n", x0+at(p.measured[k]), y0-at(p.modelled[k]), fill)
			}
		}
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" font-weight="bold">%s</text>`+"\n", x0, panelTop-8, class.name)
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" font-size="11">%d of %d with tKS ≤ %.2f</text>`+"\n", x0+6, panelTop+16, n-far, n, class.bar)
	}
	fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="middle">measured (ms, log scale)</text>`+"\n", width/2, height-14)
	fmt.Fprintf(&svg, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">modelled (ms, log scale)</text>`+"\n", panelTop+panelSize/2)
	svg.WriteString("</svg>\n")
	if err := os.WriteFile(file, []byte(svg.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawFrame draws a panel's axes, the diagonal and the band around it.
func drawFrame(svg *strings.Builder, x0, y0 float64, at func(time.Duration) float64) {
	var above, below []string
	for step := 0; step <= 100; step++ {
		d := time.Duration(axisLowest * math.Pow(axisMost/axisLowest, float64(step)/100) * 1e6)
		off := max(d/5, 3*time.Millisecond)
		above = append(above, fmt.Sprintf("%.1f,%.1f", x0+at(d), y0-at(d+off)))
		below = append(below, fmt.Sprintf("%.1f,%.1f", x0+at(d), y0-at(d-off)))
	}
	for i, j := 0, len(below)-1; i < j; i, j = i+1, j-1 {
		below[i], below[j] = below[j], below[i]
	}
	fmt.Fprintf(svg, `<polygon points="%s %s" fill="#eee"/>`+"\n", strings.Join(above, " "), strings.Join(below, " "))
	for _, ms := range []int{1, 10, 100, 1000} {
		a := at(time.Duration(ms) * time.Millisecond)
		fmt.Fprintf(svg, `<path d="M%.1f %.1fv-%d M%.1f %.1fh%d" stroke="#ddd"/>`+"\n", x0+a, y0, panelSize, x0, y0-a, panelSize)
		fmt.Fprintf(svg, `<text x="%.1f" y="%.1f" text-anchor="middle">%d</text><text x="%.1f" y="%.1f" text-anchor="end">%[3]d</text>`+"\n", x0+a, y0+16, ms, x0-5, y0-a+4)
	}
	fmt.Fprintf(svg, `<path d="M%.1f %.1fl%d -%[3]d" stroke="#444"/><rect x="%.1f" y="%.1f" width="%[3]d" height="%[3]d" fill="none" stroke="#444"/>`+"\n", x0, y0, panelSize, x0, y0-panelSize)
}
