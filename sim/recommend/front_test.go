package recommend

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

// pausing is a world whose process stands still for a mean of 10 s twice an hour.
func pausing() *model.World {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Pauses = []model.OnOff{{Name: "pause", Every: exponential(30 * time.Minute), Lasts: exponential(10 * time.Second)}}
	return w
}

// verdictOf is what a setting leads to in that world: a hang gets no answer, so that
// the verdict on 99 of 100 comes within c+.99P, c = T+(F−1)·max(T, P) (S4, K5), and
// exponential stalls of mean 10 s come to e^(−c/m)(m/P)(1−e^(−P/m)) verdicts each (S3).
func verdictOf(at setting) (seconds, perYear float64) {
	P, T, F := float64(at.period), float64(at.timeout), float64(at.failures)
	c := T + (F-1)*math.Max(T, P)
	return c + .99*P, year.Hours() * 2 * math.Exp(-c/10) * 10 / P * (1 - math.Exp(-P/10))
}

// TestFronts holds both trade-offs against these closed forms; a constant propagation
// of 1 s after the verdict of readiness the last proxy knows.
func TestFronts(t *testing.T) {
	r := run(t, pausing(), atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 200), atMost("removalSeconds", "p99", 60))
	for kind, of := range map[model.ProbeKind]struct {
		propagation float64
		recommended *model.Probe
	}{
		model.Liveness: {0, r.Recommended.Settings.LivenessProbe}, model.Readiness: {1, r.Recommended.Settings.ReadinessProbe},
	} {
		front := r.TradeOffs(kind)
		if len(front) < 10 || len(front) > frontPoints+2 {
			t.Errorf("%v: %d points", kind, len(front))
		}
		roles, printed := map[string]setting{}, map[string]bool{}
		for _, p := range front {
			at := setting{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold}
			want, verdicts := verdictOf(at)
			if e := p.P99Seconds; math.Abs(e.Estimate-want-of.propagation) > float64(at.period)/100 || e.Low != e.High || e.Confidence != 1 {
				t.Errorf("%v %v: %+v, want exactly %v s", kind, at, e, want+of.propagation)
			}
			if e := p.VerdictsPerPodYear; e.Low > e.Estimate || e.Estimate > e.High || e.Low < verdicts*.9 || e.Low > verdicts*1.02 {
				t.Errorf("%v %v: %+v false verdicts a year, want about %v", kind, at, e, verdicts)
			}
			if line := fmt.Sprintf("%v %.3g %.3g", p.LastResort == "", p.P99Seconds.Estimate, p.VerdictsPerPodYear.High); p.OnFront && printed[line] {
				t.Errorf("%v %v: another point reads %s too", kind, at, line)
			} else {
				printed[line] = true
			}
			roles[p.Role] = at
		}
		if roles["current"] != (setting{10, 1, 3}) || roles["recommended"] != settingOf(of.recommended) {
			t.Errorf("%v: marked %v, want the current %v and the recommended %v", kind, roles, setting{10, 1, 3}, settingOf(of.recommended))
		}
	}
}

// TestFrontsOfTheWholeGrid goes through all 54,000 settings: none that is a last
// resort may be better in both than one that is not, and none at all than a last
// resort, beyond what the prediction leaves room for.
func TestFrontsOfTheWholeGrid(t *testing.T) {
	const slack = 0.9
	r := run(t, pausing(), atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 200))
	for kind, least := range map[model.ProbeKind]int32{model.Liveness: 3, model.Readiness: 2} {
		resorts, patient := 0, 0
		for _, p := range r.TradeOffs(kind) {
			at := setting{p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold}
			resort := at.failures < least || at.timeout > at.period
			if resort != (p.LastResort != "") {
				t.Errorf("%v %v: last resort %q", kind, at, p.LastResort)
			}
			if !p.OnFront {
				continue
			}
			if patient++; resort {
				resorts, patient = resorts+1, patient-1
			}
			seconds, verdicts := verdictOf(at)
			for _, other := range wholeGrid(nil, false) {
				if !resort && (other.failures < least || other.timeout > other.period) {
					continue
				}
				if s, v := verdictOf(other); s <= seconds && v < slack*verdicts && verdicts > negligible {
					t.Errorf("%v: %v takes %.4g s and comes to %.3g verdicts, and is said to be on the front, but %v to %.4g s and %.3g", kind, at, seconds, verdicts, other, s, v)
				}
			}
		}
		if resorts == 0 || resorts > resortPoints || patient < frontPoints-resortPoints {
			t.Errorf("%v: %d last resorts and %d others on the front", kind, resorts, patient)
		}
	}
}

// TestFrontsThin holds that a long front keeps its ends and every role.
func TestFrontsThin(t *testing.T) {
	var front []choice
	for i := range int32(300) {
		c := choice{seconds: float64(i), onFront: true, resort: int(i % 3 / 2), unusual: int(i % 7)}
		c.setting = setting{1 + i, 1, 3}
		front = append(front, c)
	}
	front[100].role, front[100].onFront = "current", false
	kept := thinFront(front)
	if len(kept) != frontPoints+1 {
		t.Errorf("%d points, want %d and the current settings", len(kept), frontPoints)
	}
	ends := [2][2]float64{{299, 0}, {299, 0}}
	current := false
	for _, c := range kept {
		current = current || c.role != ""
		ends[c.resort][0], ends[c.resort][1] = min(ends[c.resort][0], c.seconds), max(ends[c.resort][1], c.seconds)
		if c.seconds > 8 && c.seconds < 290 && c.role == "" && c.unusual != 0 {
			t.Errorf("%v has %d unusual values, and others near by have none", c.setting, c.unusual)
		}
	}
	if !current || ends != [2][2]float64{{0, 298}, {2, 299}} {
		t.Errorf("current %v, from and to %v of the front and of the last resorts", current, ends)
	}
}
