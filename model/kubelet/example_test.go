package kubelet_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

// A worker is told the time and how each attempt ended, and says when it looks
// again and which result it has: here that of a process which hangs at 25 s.
func ExampleWorker() {
	probe := model.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3}
	w := kubelet.NewWorker(probe, model.Liveness, model.NewestVersion, 0, 0)
	seen := &kubelet.Seen{Status: kubelet.Status{State: kubelet.Running, Started: true}}
	for now := w.NextTick; now <= time.Minute; now = w.NextTick {
		w.Tick()
		if action, _ := w.Look(now, seen); action != kubelet.Attempt {
			fmt.Println(now, action)
			continue
		}
		outcome := kubelet.Success
		if now > 25*time.Second {
			outcome = kubelet.Timeout
		}
		w.Finish(outcome)
		fmt.Println(now, outcome, w.Result(seen.Incarnation))
	}
	// Output:
	// 0s success success
	// 10s success success
	// 20s success success
	// 30s timeout success
	// 40s timeout success
	// 50s timeout failure
	// 1m0s on hold
}

// The first restart does not wait; those after it wait 10 s and then twice as
// long each time, up to five minutes (K39).
func ExampleBackOff() {
	b := kubelet.BackOff{Initial: kubelet.BackOffInitial, Max: 300 * time.Second}
	finished := time.Duration(0)
	for range 8 {
		now := finished
		until, ok := b.Start(now, finished, true)
		for !ok {
			now = until
			until, ok = b.Start(now, finished, true)
		}
		fmt.Print(now-finished, " ")
		finished = now + time.Second // it crashes at once
	}
	// Output: 0s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s
}
