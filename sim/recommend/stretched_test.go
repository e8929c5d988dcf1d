package recommend

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// TestStarts holds starts under a CPU limit to the two-point fit of a published
// benchmark: Spring PetClinic takes 1.09 s and 14.19 CPU-seconds, 15.28 s on one
// CPU, and so 29.5 s at 500m and 72 s at 200m. Less than 10m is as good as 10m (C22).
func TestStarts(t *testing.T) {
	w := deletable(1, 0)
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: dist.Constantly(1090 * time.Millisecond), CPU: dist.Constantly(14190 * time.Millisecond)}}
	for _, c := range []struct {
		limit   int64
		threads int
		want    float64
	}{{5, 1, 1420.09}, {10, 1, 1420.09}, {200, 1, 72.04}, {500, 1, 29.47}, {1000, 1, 15.28}, {0, 1, 15.28}, {0, 2, 8.185}, {2000, 4, 8.185}} {
		w.Application.Startup[0].Threads = c.threads
		if got := startAt(w, c.limit); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%d threads at %dm: %v s, want %v", c.threads, c.limit, got, c.want)
		}
	}
	w.Application.Startup[0].Threads = 1
	for _, c := range []struct {
		limit int64
		says  string
	}{
		{500, ""}, // not twice as long as without
		{200, "A start takes 72 s at the median and 72 s in one of a hundred: the limit of 200m stretches its 14.2 s of CPU. It needs so long a budget, or more CPU: with 400m it would take about 36.6 s, without a limit 15.3 s"},
		{0, ""},
	} {
		w.Pod.Containers[0].CPULimitMilli = c.limit
		s := &search{w: w, starts: []time.Duration{time.Duration(startAt(w, c.limit) * 1e9)}}
		starts := s.startsOf()
		if got := starts.Sentence(); got != c.says {
			t.Errorf("%dm: %q, want %q", c.limit, got, c.says)
		}
		if n := len(starts.AtLimits); (n == 4) != (c.limit > 0) || n > 0 && starts.AtLimits[n-1].CPULimit != "" {
			t.Errorf("%dm: %+v", c.limit, starts.AtLimits)
		}
	}
	boosted := *w
	boosted.Application.Startup = []model.Stage{w.Application.Startup[0]}
	boosted.Application.Startup[0].CPULimitMilli = 1000
	if got := startAt(&boosted, 200); math.Abs(got-15.28) > 1e-6 {
		t.Errorf("with a boost to one CPU: %v s, want 15.28", got)
	}
	w.Application.Startup = nil
	if starts := (&search{w: w}).startsOf(); starts != nil || starts.Sentence() != "" {
		t.Errorf("%+v of nothing", starts)
	}
	if !strings.HasPrefix((&Starts{AtLimits: []StartAtLimit{{"100m", 10}, {"200m", 5}, {"", 1}}}).Sentence(), "A start") {
		t.Error("no sentence")
	}
}
