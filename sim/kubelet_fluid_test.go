package sim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// fluidJob is work that the fluid model has not finished.
type fluidJob struct {
	left  time.Duration // CPU time
	asked time.Duration // when the probe asked; 0: not an answer
}

// fluid returns what the pod comes to if its CPU is as fast as the limit says
// and all that is under way shares it evenly: bursts, burners, and answers,
// also those that were given up. It goes on in steps of a millisecond.
func (p *limitedPod) fluid(t *testing.T, lives int) []probing {
	t.Helper()
	w := p.world(t, nil)
	all := make([]probing, lives)
	for i := range all {
		r := rand.New(rand.NewPCG(6, uint64(i)))
		all[i] = p.fluidLife(w, time.Duration(1+r.Int64N(int64(time.Second))))
	}
	return all
}

// fluidLife is one life whose first attempt is at the given instant.
func (p *limitedPod) fluidLife(w *model.World, attempt time.Duration) probing {
	const step = time.Millisecond
	probe, answer := w.Container().Probes[model.Liveness], &w.Application.Probes[model.Liveness]
	demand := answer.CPU.Mean() + answer.Exec.HelperCPU.Mean()
	burst, arrivals, burners := p.fluidLoad(w)
	share := time.Duration(w.Container().CPULimitMilli) * step / 1000
	var out probing
	var jobs []fluidJob
	var asked time.Duration // 0: no attempt under way
	failed, inARow := false, 0
	for now := step; now < p.measured.running; now += step {
		for len(arrivals) > 0 && arrivals[0] <= now {
			jobs, arrivals = append(jobs, fluidJob{left: burst}), arrivals[1:]
		}
		if asked == 0 && now >= attempt {
			asked = now
			jobs = append(jobs, fluidJob{demand, now})
		}
		answered := false
		each := share / time.Duration(max(1, len(jobs)+burners))
		rest := jobs[:0]
		for _, j := range jobs {
			if j.left -= each; j.left > 0 {
				rest = append(rest, j)
			} else if j.asked != 0 && j.asked == asked {
				answered = true
			}
		}
		jobs = rest
		if asked == 0 || !answered && now-asked < probe.Timeout() {
			continue
		}
		out.add(!answered, failed)
		failed, inARow = !answered, count(!answered)*(inARow+1)
		attempt, asked = max(now, asked+probe.Period()), 0
		if inARow == p.threshold {
			out.kills++
			jobs, failed, inARow = jobs[:0], false, 0
		}
	}
	out.running = p.measured.running
	return out
}

// fluidLoad returns the pod's own work: the CPU time of a burst, the arrivals of
// bursts, and the number of jobs that never end.
func (p *limitedPod) fluidLoad(w *model.World) (burst time.Duration, arrivals []time.Duration, burners int) {
	for _, b := range w.Application.Background {
		if b.Always {
			return 0, nil, b.Threads
		}
		burst, arrivals = b.CPU.Mean(), p.arrivals
		for at := b.Every.Mean(); b.Workers > 0 && at < p.measured.running; at += b.Every.Mean() {
			arrivals = append(arrivals, at)
		}
	}
	return burst, arrivals, burners
}
