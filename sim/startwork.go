package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
)

// StartWork returns a bound of the time that the CPU work of a stage of the start
// takes, by the work: with all neighbours busy, but with nothing else in the container
// that runs meanwhile (C30, C32). It is nil where no such bound is known: where probes
// use the CPU of a process that starts, or stolen time counts against the quota (C21).
// The world is that of one class of node.
func StartWork(w *model.World, stage *model.Stage) func(work time.Duration) time.Duration {
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
	neighbours := a.heaviestNeighbours()
	const longest = 100 * time.Hour
	return func(work time.Duration) time.Duration {
		return config.Outlasts(cpu.Job{Demand: min(work, longest), Threads: stage.Threads}, neighbours)
	}
}
