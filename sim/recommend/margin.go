package recommend

import (
	"math/rand/v2"
	"slices"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// scaled is a distribution of a quantity that is so many times as large.
type scaled struct {
	of dist.Dist
	by float64
}

// CDF implements dist.Dist.
func (s scaled) CDF(x float64) float64 { return s.of.CDF(x / s.by) }

// Mean implements dist.Dist.
func (s scaled) Mean() float64 { return s.of.Mean() * s.by }

// Quantile implements dist.Dist.
func (s scaled) Quantile(p float64) float64 { return s.of.Quantile(p) * s.by }

// Sample implements dist.Dist.
func (s scaled) Sample(r *rand.Rand) float64 { return s.of.Sample(r) * s.by }

func times(d dist.Duration, by float64) dist.Duration {
	switch of := d.Nanoseconds.(type) {
	case nil:
		return d
	case dist.Constant:
		return dist.Duration{Nanoseconds: dist.Constant(float64(of) * by)}
	case dist.Exponential:
		return dist.Duration{Nanoseconds: dist.Exponential(float64(of) * by)}
	}
	return dist.Duration{Nanoseconds: scaled{d.Nanoseconds, by}}
}

// worsened returns a world whose stalls, pauses, CPU demand and starts are so
// many times as long (S21).
func worsened(w *model.World, by float64) *model.World {
	worse := *w
	app := &worse.Application
	app.Startup = slices.Clone(app.Startup)
	for i := range app.Startup {
		app.Startup[i].CPU, app.Startup[i].Wait = times(app.Startup[i].CPU, by), times(app.Startup[i].Wait, by)
	}
	for k := range app.Probes {
		app.Probes[k].CPU = times(app.Probes[k].CPU, by)
		app.Probes[k].Exec.HelperCPU = times(app.Probes[k].Exec.HelperCPU, by)
	}
	app.Background = slices.Clone(app.Background)
	for i := range app.Background {
		app.Background[i].CPU = times(app.Background[i].CPU, by)
	}
	if app.Traffic != nil {
		traffic := *app.Traffic
		traffic.CPU = times(traffic.CPU, by)
		app.Traffic = &traffic
	}
	app.Pauses = slices.Clone(app.Pauses)
	for i := range app.Pauses {
		app.Pauses[i].Lasts = times(app.Pauses[i].Lasts, by)
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
		n.Stalls[i].Lasts = times(n.Stalls[i].Lasts, by)
	}
	return n
}
