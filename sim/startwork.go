package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
)

// StartWork bounds the time that the CPU work of a stage of the start takes, where
// nothing else in the container runs meanwhile (C30, C32).
type StartWork struct {
	config     cpu.Config
	threads    int
	neighbours int64 // their weight while all are busy
}

// NewStartWork returns the bound for a stage of the start of a world, which is that of
// one class of node. It is nil where none is known: where probes use the CPU of a
// process that starts, or stolen time counts against the quota (C21).
func NewStartWork(w *model.World, stage *model.Stage) *StartWork {
	for _, p := range w.Container().Probes {
		if p != nil && (p.Handler.Kind == model.Exec || stage.Answers == model.AnswersFailure) {
			return nil
		}
	}
	a := newApplication(w, &w.Node)
	for i := range a.node.Stalls {
		if a.quota > 0 && a.node.Stalls[i].ChargedToQuota {
			return nil
		}
	}
	config := a.cpuConfig()
	if stage.CPULimitMilli > 0 && a.quota > 0 {
		config.Quota, config.PodQuota = cpu.Quota(stage.CPULimitMilli, a.node.CFSPeriod), a.podQuota(stage.CPULimitMilli)
	}
	return &StartWork{config, stage.Threads, a.heaviestNeighbours()}
}

// longestWork is the work beyond which a StartWork tells none from another.
const longestWork = 100 * time.Hour

// Alone bounds the time that work takes while no neighbour is busy.
func (s *StartWork) Alone(work time.Duration) time.Duration {
	return s.config.Outlasts(s.job(work), 0)
}

// Beside bounds the time that work takes while all neighbours are, or any of them at
// any time.
func (s *StartWork) Beside(work time.Duration) time.Duration {
	return s.config.Outlasts(s.job(work), s.neighbours)
}

// LostTo bounds how much longer than alone it takes because neighbours are busy for
// some time in a row: a share of that time, and what odd periods and turns at its ends
// take.
func (s *StartWork) LostTo() (share float64, odd time.Duration) {
	return s.config.LostTo(s.job(0), s.neighbours)
}

func (s *StartWork) job(work time.Duration) cpu.Job {
	return cpu.Job{Demand: min(work, longestWork), Threads: s.threads}
}
