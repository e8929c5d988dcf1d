package estimate

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// LongestStart is the time after which a start that has not ended counts as one
// that never does.
const LongestStart = 32 * 24 * time.Hour

// StartTimes simulates the starts of the given numbers, to not included, and returns
// how long they took, by number: dist.Longest for one that never ended, or that a probe
// of the world killed before. One that has not ended after twice the time that bounds
// most of them is looked at for longer, up to LongestStart: neighbours can stretch a
// start a hundredfold. Jobs never change the result; stop gives up.
func StartTimes(w *model.World, seed uint64, from, to, jobs int, stop *atomic.Bool) ([]time.Duration, error) {
	if len(w.Application.Startup) == 0 {
		return []time.Duration{0}, nil
	}
	took := make([]time.Duration, to-from)
	errs := make([]error, max(1, jobs))
	var running sync.WaitGroup
	for job := range errs {
		running.Go(func() {
			simulator, err := sim.New(w)
			if errs[job] = err; err != nil {
				return
			}
			for i := from + job; i < to; i += len(errs) {
				life := sim.Life{Seed: seed, Replication: uint64(i), Draw: model.DrawOf(uint64(i)), FirstStart: true, Stop: stop}
				took[i-from] = startTime(simulator, life, 2*StartSpan(w))
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// startTime returns how long the first start of a life takes, at first looked at for so
// long.
func startTime(simulator *sim.Simulator, life sim.Life, horizon time.Duration) time.Duration {
	for ; horizon < LongestStart && !life.Stop.Load(); horizon *= 4 {
		life.Horizon = horizon
		if o := simulator.Run(life); len(o.StartupTimes) > 0 {
			return o.StartupTimes[0]
		}
	}
	return dist.Longest
}
