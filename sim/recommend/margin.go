package recommend

import (
	"slices"

	"github.com/probesim/probesim/model"
)

// worsened returns a world whose stalls, pauses, CPU demand and starts are so
// many times as long (S21).
func worsened(w *model.World, by float64) *model.World {
	worse := *w
	app := &worse.Application
	app.Startup = slices.Clone(app.Startup)
	for i := range app.Startup {
		app.Startup[i].CPU, app.Startup[i].Wait = app.Startup[i].CPU.Times(by), app.Startup[i].Wait.Times(by)
	}
	for k := range app.Probes {
		app.Probes[k].CPU = app.Probes[k].CPU.Times(by)
		app.Probes[k].Exec.HelperCPU = app.Probes[k].Exec.HelperCPU.Times(by)
	}
	app.Background = slices.Clone(app.Background)
	for i := range app.Background {
		app.Background[i].CPU = app.Background[i].CPU.Times(by)
	}
	if app.Traffic != nil {
		traffic := *app.Traffic
		traffic.CPU = traffic.CPU.Times(by)
		app.Traffic = &traffic
	}
	app.Pauses = slices.Clone(app.Pauses)
	for i := range app.Pauses {
		app.Pauses[i].Lasts = app.Pauses[i].Lasts.Times(by)
	}
	worse.Node = worsenedNode(worse.Node, by)
	worse.Node.Classes = slices.Clone(worse.Node.Classes)
	for i := range worse.Node.Classes {
		worse.Node.Classes[i].Node = worsenedNode(worse.Node.Classes[i].Node, by)
	}
	return &worse
}

func worsenedNode(n model.Node, by float64) model.Node {
	n.Stalls = slices.Clone(n.Stalls)
	for i := range n.Stalls {
		n.Stalls[i].Lasts = n.Stalls[i].Lasts.Times(by)
	}
	return n
}
