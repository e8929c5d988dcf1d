package recommend

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// frontPoint is a point of either front.
type frontPoint struct {
	at                setting
	role              string
	onFront           bool
	seconds, verdicts stats.Estimate
}

func bothFronts(r *Recommendation) (kills, removals []frontPoint) {
	for _, p := range r.Front {
		kills = append(kills, frontPoint{setting{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold}, p.Role, p.OnFront, p.DetectionP99Seconds, p.FalseKillsPerPodYear})
	}
	for _, p := range r.ReadinessFront {
		removals = append(removals, frontPoint{setting{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold}, p.Role, p.OnFront, p.RemovalP99Seconds, p.FalseRemovalsPerPodYear})
	}
	return kills, removals
}

// TestFronts holds both trade-offs against the closed forms: a hang gets no answer,
// so that its verdict falls into U((F−1)P+T, FP+T) (S4), a constant propagation of
// 1 s later the last proxy knows, and exponential stalls of mean 10 s, twice an hour,
// come to e^(−c/m)(m/P)(1−e^(−P/m)) verdicts each, c = T+(F−1)P (S3).
func TestFronts(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 200), atMost("removalSeconds", "p99", 60))
	kills, removals := bothFronts(r)
	for name, of := range map[string]struct {
		front       []frontPoint
		propagation float64
		recommended *model.Probe
	}{
		"liveness": {kills, 0, r.Recommended.Settings.LivenessProbe}, "readiness": {removals, 1, r.Recommended.Settings.ReadinessProbe},
	} {
		if len(of.front) < 10 {
			t.Errorf("%s: %d points", name, len(of.front))
		}
		roles, printed := map[string]setting{}, map[string]bool{}
		for i, p := range of.front {
			P, T, F := float64(p.at.period), float64(p.at.timeout), float64(p.at.failures)
			if want := (F-1)*P + T + .99*P + of.propagation; math.Abs(p.seconds.Estimate-want) > P/100 || p.seconds.Low != p.seconds.High || p.seconds.Confidence != 1 {
				t.Errorf("%s %v: %+v, want exactly %v s", name, p.at, p.seconds, want)
			}
			c := T + (F-1)*P
			want := year.Hours() * 2 * math.Exp(-c/10) * 10 / P * (1 - math.Exp(-P/10))
			if e := p.verdicts; e.Low > e.Estimate || e.Estimate > e.High || e.Low < want*.9 || e.Low > want*1.02 {
				t.Errorf("%s %v: %+v false verdicts a year, want about %v", name, p.at, e, want)
			}
			roles[p.role] = p.at
			if line := fmt.Sprintf("%.3g %.3g", p.seconds.Estimate, p.verdicts.High); p.onFront && printed[line] {
				t.Errorf("%s %v: another point reads %s too", name, p.at, line)
			} else {
				printed[line] = true
			}
			for _, q := range of.front[:i] {
				if p.onFront && q.verdicts.High <= p.verdicts.High {
					t.Errorf("%s: %v is as good as %v in both, which is said to be on the front", name, q.at, p.at)
				}
			}
		}
		if roles["current"] != (setting{10, 1, 3}) || roles["recommended"] != settingOf(of.recommended) {
			t.Errorf("%s: marked %v, want the current %v and the recommended %v", name, roles, setting{10, 1, 3}, settingOf(of.recommended))
		}
	}
}
