package sim_test

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// Spring PetClinic starts in 15.28 s on one CPU and in 8.18 s on two, which is
// S(c) = 1.09 s + 14.19 CPU-seconds / c. A whole pod does the same under limits of
// as much, and under a limit of one CPU that is boosted to two while it starts.
// What comes before the start, such as the image's pull, is no part of it.
func TestStartupLawInALife(t *testing.T) {
	for _, test := range []struct {
		name         string
		limit, boost int64
		want         time.Duration
	}{
		{"one CPU", 1000, 0, 15280 * time.Millisecond},
		{"two CPUs", 2000, 0, 8180 * time.Millisecond},
		{"one CPU, boosted to two", 1000, 2000, 8180 * time.Millisecond},
	} {
		w := world(func(w *model.World) {
			w.Node.CPUs = 2
			w.Pod.Containers[0].CPULimitMilli = test.limit
			w.Application.BeforeStart = []model.Stage{{Name: "pull", Wait: dist.Constantly(20 * time.Second)}}
			w.Application.Startup = []model.Stage{{
				Name: "boot", CPU: dist.Constantly(14190 * time.Millisecond), Wait: dist.Constantly(1090 * time.Millisecond),
				Threads: 2, CPULimitMilli: test.boost,
			}}
			w.Pod.Containers[0].Probes[model.Liveness].FailureThreshold = 100
		}, model.Liveness)
		for life := range uint64(5) {
			o := run(t, w, sim.Life{Seed: 1, Replication: life, Horizon: time.Minute})
			if len(o.StartupTimes) != 1 || (o.StartupTimes[0]-test.want).Abs() > 110*time.Millisecond {
				t.Errorf("%s: a start takes %v, want %v within a period", test.name, o.StartupTimes, test.want)
			}
		}
	}
}
