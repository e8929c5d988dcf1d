package plots_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// A trace is drawn as it comes from the simulator; here it is written by hand.
func ExampleTimeline() {
	liveness := &model.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 1, SuccessThreshold: 1}
	world := &model.World{Name: "hang", Pod: model.Pod{Containers: []model.Container{{
		Name: "api", Probes: [model.ProbeKinds]*model.Probe{model.Liveness: liveness}}}}}
	trace := sim.Trace{World: world, Horizon: time.Minute, Events: []sim.Event{
		{At: 0, Kind: sim.EventState, State: sim.Serving},
		{At: 14 * time.Second, Kind: sim.EventState, State: sim.Hung},
		{At: 20 * time.Second, End: 21 * time.Second, Kind: sim.EventAttempt, Probe: model.Liveness, Outcome: kubelet.Timeout, Run: 1},
		{At: 21 * time.Second, Kind: sim.EventKill, Probe: model.Liveness},
	}}
	chart := &plots.Timeline{Scenario: world.Name, Lives: []plots.Life{{Trace: &trace}}}
	fmt.Println(chart.Sentence())
	// Output: The process hangs at 14 s, and liveness kills it after 7 s (1 timeout).
}

// WriteFile takes the format from the file's extension.
func ExampleWriteFile() {
	chart := &plots.Startup{
		Scenario:        "a fast start",
		Completed:       []time.Duration{3 * time.Second, 4 * time.Second, 4500 * time.Millisecond},
		Kind:            model.Startup,
		Probe:           &model.Probe{PeriodSeconds: 10, FailureThreshold: 60},
		KillProbability: &stats.Estimate{Estimate: 0, Low: 0, High: 0.0012, Confidence: 0.95},
	}
	dir, err := os.MkdirTemp("", "charts")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Println(err)
		}
	}()
	for _, name := range []string{"startup.svg", "startup.pdf", "startup.csv"} {
		if err := plots.WriteFile(filepath.Join(dir, name), chart); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(chart.Sentence())
	// Output: Half of 3 startups take up to 4 s, the longest seen 4.5 s; the startup probe (60 failures × 10 s) lets every startup of up to 590 s through and kills every one of over 600 s; fewer than 0.12 % of starts are killed.
}
