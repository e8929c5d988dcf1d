package recommend

import (
	"fmt"
	"slices"

	"github.com/probesim/probesim/model"
)

// world returns the world that everything said is of: the given one, or with a margin the
// one that is so much worse.
func (o *Options) world(w *model.World) *model.World {
	if o.margin() == 1 {
		return w
	}
	return worsened(w, worsening{o.Margin, o.Margin, o.Margin})
}

// margin returns the safety multiplier; 1: none.
func (o *Options) margin() float64 {
	if o.Margin > 0 {
		return o.Margin
	}
	return 1
}

// MarginSentence says of which world all numbers are; empty: of that which the scenario
// describes.
func (r *Recommendation) MarginSentence() string {
	if r.Margin == 1 {
		return ""
	}
	return fmt.Sprintf("Safety margin %g: every number, those of the current settings too, is that of a world in which stalls, pauses, outages, neighbours' busy times, CPU demand and starts are %g times as long as they are", r.Margin, r.Margin)
}

// worsened returns a world in which things take so many times as long (S21).
func worsened(w *model.World, by worsening) *model.World {
	worse := *w
	app := &worse.Application
	app.Startup = slices.Clone(app.Startup)
	for i := range app.Startup {
		app.Startup[i].CPU, app.Startup[i].Wait = app.Startup[i].CPU.Times(by.startup), app.Startup[i].Wait.Times(by.startup)
	}
	for k := range app.Probes {
		a := &app.Probes[k]
		a.CPU, a.Exec.HelperCPU = a.CPU.Times(by.cpu), a.Exec.HelperCPU.Times(by.cpu)
		if a.Failing != nil {
			failing := *a.Failing
			failing.Lasts = failing.Lasts.Times(by.stalls)
			a.Failing = &failing
		}
	}
	app.Background = slices.Clone(app.Background)
	for i := range app.Background {
		app.Background[i].CPU = app.Background[i].CPU.Times(by.cpu)
	}
	if app.Traffic != nil {
		traffic := *app.Traffic
		traffic.CPU = traffic.CPU.Times(by.cpu)
		app.Traffic = &traffic
	}
	app.Pauses = slices.Clone(app.Pauses)
	for i := range app.Pauses {
		app.Pauses[i].Lasts = app.Pauses[i].Lasts.Times(by.stalls)
	}
	worse.Dependencies = slices.Clone(worse.Dependencies)
	for i := range worse.Dependencies {
		worse.Dependencies[i].Lasts = worse.Dependencies[i].Lasts.Times(by.stalls)
	}
	worse.Node = worsenedNode(worse.Node, by.stalls)
	worse.Node.Classes = slices.Clone(worse.Node.Classes)
	for i := range worse.Node.Classes {
		worse.Node.Classes[i].Node = worsenedNode(worse.Node.Classes[i].Node, by.stalls)
	}
	return &worse
}

func worsenedNode(n model.Node, by float64) model.Node {
	n.Stalls = slices.Clone(n.Stalls)
	for i := range n.Stalls {
		n.Stalls[i].Lasts = n.Stalls[i].Lasts.Times(by)
	}
	n.Neighbours = slices.Clone(n.Neighbours)
	for i := range n.Neighbours {
		n.Neighbours[i].Busy = n.Neighbours[i].Busy.Times(by)
	}
	return n
}
