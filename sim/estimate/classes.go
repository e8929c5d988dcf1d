package estimate

import (
	"fmt"
	"math"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// NodeClass is what pods have to expect that land on one class of nodes: a mean
// over all pods is nobody's risk where classes differ (S18).
type NodeClass struct {
	Name     string  `json:"name"`     // the profile of the class, or "class 2" where it has none
	PodShare float64 `json:"podShare"` // of the pods that land there
	// FalseKillsPerPodYear is the rate of the pods that landed there; null where
	// none did.
	FalseKillsPerPodYear *stats.Estimate `json:"falseKillsPerPodYear"`
	// KillShare is the share of all false kills that those pods have; null where
	// no kill was seen.
	KillShare *stats.Estimate `json:"killShare"`
}

// classTally accumulates the false kills on a class of nodes.
type classTally struct {
	FirstStarts firstStarts
	FalseKills  killTally
}

// addClass adds the false kills of a life, of which some are of its first start, to those
// of its class of nodes.
func (t *tally) addClass(o *sim.Outcome, first, all int64) {
	if o.NodeClass == 0 {
		return
	}
	t.cover(o.NodeClass)
	class := &t.NodeClasses[o.NodeClass-1]
	class.FirstStarts.add(o, 0, 0)
	class.FalseKills.add(first, all, o.PodTime)
}

// cover makes room for so many classes of nodes.
func (t *tally) cover(classes int) {
	if missing := classes - len(t.NodeClasses); missing > 0 {
		t.NodeClasses = append(t.NodeClasses, make([]classTally, missing)...)
	}
}

// nodeClasses returns the classes of the world's nodes with their kills, nil
// where it has none.
func (t *tally) nodeClasses(w *model.World, o Options) []NodeClass {
	var classes []NodeClass
	names, weights := map[string]int{}, 0.0
	for i := range w.Node.Classes {
		weights += w.Node.Classes[i].Weight
		names[w.Node.Classes[i].Node.Profile]++
	}
	low, high, kills := make([]float64, len(w.Node.Classes)), make([]float64, len(w.Node.Classes)), 0.0
	for i := range w.Node.Classes {
		c := &w.Node.Classes[i]
		class := NodeClass{Name: c.Node.Profile, PodShare: c.Weight / weights}
		if class.Name == "" || names[class.Name] > 1 {
			class.Name = fmt.Sprintf("class %d", i+1)
		}
		if i < len(t.NodeClasses) && t.NodeClasses[i].FirstStarts.Lives > 0 {
			of := &t.NodeClasses[i]
			e := of.FalseKills.All.Estimate(year, o.Confidence)
			if t.startsApart(w, o) {
				e = of.FirstStarts.perTime(&of.FalseKills.Later, year, o.podLife(), o.Confidence)
			}
			class.FalseKillsPerPodYear = &e
			low[i], high[i] = class.PodShare*e.Low, class.PodShare*e.High
			kills += class.PodShare * e.Estimate
		} else if class.PodShare > 0 {
			high[i] = math.Inf(1)
		}
		classes = append(classes, class)
	}
	for i := range classes {
		if e := classes[i].FalseKillsPerPodYear; e != nil && kills > 0 {
			classes[i].KillShare = &stats.Estimate{
				Estimate: classes[i].PodShare * e.Estimate / kills, Low: shareOf(low[i], high, i), High: shareOf(high[i], low, i),
				Confidence: o.Confidence, Method: "from the intervals of all classes", N: e.N,
			}
		}
	}
	return classes
}

// shareOf returns x as a share of itself and the others but the one numbered i.
func shareOf(x float64, others []float64, i int) float64 {
	sum := x
	for j, other := range others {
		if j != i {
			sum += other
		}
	}
	switch {
	case x == 0 || math.IsInf(sum, 1) && !math.IsInf(x, 1):
		return 0
	case math.IsInf(x, 1):
		return 1
	}
	return x / sum
}

// classNotes says how unevenly the kills fall.
func classNotes(classes []NodeClass) []string {
	var notes []string
	for _, c := range classes {
		switch e := c.FalseKillsPerPodYear; {
		case e == nil:
			notes = append(notes, fmt.Sprintf("no pod landed on the nodes of %s, where %.3g %% of them do: more replications are needed to see its kills (S18)", c.Name, 100*c.PodShare))
		case c.KillShare != nil && c.KillShare.Low > 1.5*c.PodShare:
			notes = append(notes, fmt.Sprintf("pods on the nodes of %s, %.3g %% of all, have %.3g %% (%.3g to %.3g) of the false kills: %s per pod-year each (S18)",
				c.Name, 100*c.PodShare, 100*c.KillShare.Estimate, 100*c.KillShare.Low, 100*c.KillShare.High, number(e.Estimate)))
		}
	}
	return notes
}
