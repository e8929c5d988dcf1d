package plots

import (
	"fmt"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/probesim/probesim/model/cpu"
)

// quotaLeft is how much of the quota is left from an instant on.
type quotaLeft struct {
	at, left time.Duration
	throttled,
	done bool // the answer is out
}

// sawtooth returns the corners of the quota that is left while one answer is
// computed, from a fresh period on: used up at the speed of one CPU, and then
// nothing happens until the next period (C2, S8). A real kernel hands the quota
// out in slices and overruns it up to the next tick, which the simulation does
// and this picture leaves out.
func sawtooth(demand, quota, period time.Duration) []quotaLeft {
	var corners []quotaLeft
	for start := time.Duration(0); ; start += period {
		corners = append(corners, quotaLeft{at: start, left: quota})
		if demand <= quota {
			return append(corners, quotaLeft{at: start + demand, left: quota - demand, done: true})
		}
		demand -= quota
		corners = append(corners, quotaLeft{at: start + quota, throttled: true})
		corners = append(corners, quotaLeft{at: start + period})
	}
}

// mostPeriods is the number of periods of the quota that are told apart in a
// picture; beyond them only the first are drawn.
const mostPeriods = 40

// drawQuota draws the quota that is left while one answer is computed.
func (l *Limits) drawQuota(c draw.Canvas) {
	quota := cpu.Quota(l.CurrentMilli, l.Period)
	corners := sawtooth(l.Demand, quota, l.Period)
	out := corners[len(corners)-1].at
	until := min(out, mostPeriods*l.Period)
	p := newPlot()
	symbol := secondsAxis(&p.X, 0, max(until.Seconds()*1.15, min(l.Timeout.Seconds()*1.15, until.Seconds()*3)))
	p.Y.Min, p.Y.Max = 0, quota.Seconds()*1.1
	unit := unitFor(quota)
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: quota.Seconds(), Label: unit.in(quota)}}
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { l.drawSawtooth(c, p, corners, until) }))
	drawPlot(p, draw.Crop(c, 0, -46, 0, 0), fmt.Sprintf("time since the probe was asked (%s)", symbol),
		fmt.Sprintf("quota left in its period of %s (%s), for one answer of %s CPU time at %s; shaded: throttled", spell(l.Period), unit.symbol, spell(l.Demand), quantity(l.CurrentMilli)))
}

func (l *Limits) drawSawtooth(c draw.Canvas, p *plot.Plot, corners []quotaLeft, until time.Duration) {
	x := timeX(c, p)
	_, toY := p.Transforms(&c)
	var line []vg.Point
	for i, corner := range corners {
		if corner.at > until {
			break
		}
		at := vg.Point{X: x(corner.at), Y: toY(corner.left.Seconds())}
		if corner.throttled && i+1 < len(corners) {
			fillBox(c, redTint, at.X, c.Min.Y, x(corners[i+1].at), c.Max.Y)
		}
		line = append(line, at)
	}
	strokeLine(c, blue, mediumLine, nil, line...)
	labels := labeller{bounds: c.Rectangle}
	labels.blockLines(line)
	if l.Timeout.Seconds() <= p.X.Max {
		at := x(l.Timeout)
		strokeLine(c, vermillion, mediumLine, []vg.Length{4, 3}, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
		labels.block(at-clearance, c.Min.Y, at+clearance, c.Max.Y)
		labels.write(c, vg.Point{X: at, Y: c.Max.Y - 14}, 6, strongly.in(vermillion), smallText, "timeout "+spell(l.Timeout))
	}
	if last := corners[len(corners)-1]; last.at <= until {
		end := line[len(line)-1]
		disc(c, blue, end.X, end.Y, 3.5)
		labels.write(c, end, 8, strongly.in(blue), smallText, "answered after "+spell(last.at))
	}
}
