package recommend

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
)

// mended simulates all replicas of a world together under its own settings, as if they
// were recommended, and what changes do about an objective that they miss.
func mended(ctx context.Context, t *testing.T, w *model.World) *Recommendation {
	t.Helper()
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{atMost("falseKillsPerPodYear", "", 300), atMost("removalSeconds", "p99", 600)}}}
	r := &Recommendation{Recommended: &Proposal{}}
	s := &search{w: w}
	if missed, err := r.missTogether(t.Context(), s, o); !missed || err != nil {
		t.Fatalf("missed: %v, %v: %s", missed, err, text(r.Together))
	}
	if err := r.mendTogether(ctx, s, o); err != nil {
		t.Fatal(err)
	}
	return r
}

// overloaded is a world of two replicas with a worker each that answers the probes too.
// In a burst of 3 requests a second, of 2 s each, the workers do one a second, so after
// half a minute a liveness probe waits longer than its timeout, and its verdict comes in
// the next half a minute; the readiness probe takes nobody out in the ten minutes.
func overloaded() *model.World {
	w := world(nil, probe(model.HTTPGet, 60, 1, 30), probe(model.HTTPGet, 10, 1, 3))
	w.Replicas = 2
	w.Application.Traffic = &model.Traffic{
		PerSecond: 0.1, OfService: true, Workers: 1, Wait: dist.Constantly(2 * time.Second),
		Bursts: []model.Burst{{OnOff: model.OnOff{Every: exponential(2 * time.Hour), Lasts: dist.Constantly(10 * time.Minute)}, PerSecond: 3}},
	}
	for k := range w.Application.Probes {
		w.Application.Probes[k].RunsOn = model.Workers
	}
	return w
}

// TestSharedRemedies holds what changes do to all replicas together against what a burst
// must do: before it kills each of them at least once. On a thread of its own a probe
// waits for nothing, as the requests take no CPU: there is no kill, and what cannot be
// excluded is what the pod time simulated excludes, 3.69 kills (S9).
func TestSharedRemedies(t *testing.T) {
	r := mended(t.Context(), t, overloaded())
	const year, cycle = 8766.0, 2 + 1./6 // hours
	lived := float64(r.Together.Replications) * r.Together.LifeSeconds / 3600
	found := map[string]*SharedRemedy{}
	for i := range r.Together.Remedies {
		remedy := &r.Together.Remedies[i]
		found[remedy.Change] = remedy
		if before := remedy.FalseKillsPerPodYear.Before; before.High < year/cycle {
			t.Errorf("%s: %v kills before it, and there are %v bursts a year", remedy.Change, before, year/cycle)
		}
	}
	thread := found["a thread of its own for the probes"]
	if thread == nil {
		t.Fatalf("no thread of its own: %s", text(r.Together.Remedies))
	}
	counted := lived - float64(r.Together.Replications)*0.1 // less the warm-up
	most := 3.689 * year / 2 / counted
	if after := thread.FalseKillsPerPodYear.After; after.Estimate != 0 || math.Abs(after.High/most-1) > 0.1 {
		t.Errorf("a thread of its own leaves %+v kills, want none and at most %v", after, most)
	}
	if met := thread.Objectives[0].Met; len(thread.Objectives) != 1 || met == nil || !*met || !strings.Contains(thread.sentence(r.Together.Missed()), "together meet falseKillsPerPodYear <= 300;") {
		t.Errorf("%s: %+v", thread.sentence(r.Together.Missed()), thread.Objectives)
	}
	for name, remedy := range found {
		if cached := strings.HasPrefix(name, "a status computed"); cached && !strings.Contains(remedy.sentence(r.Together.Missed()), "still miss falseKillsPerPodYear <= 300") {
			t.Errorf("it waits for a worker all the same: %s", remedy.sentence(r.Together.Missed()))
		}
	}
	// 3 requests of 2 s a second keep 6 workers busy, 80 % of 7.5.
	if _, ok := found["8 replicas instead of 2, whose workers and CPUs are busy for at most 80 % of the time in the greatest burst"]; !ok {
		t.Errorf("not 8 replicas: %s", text(r.Together.Remedies))
	}
	for _, sentence := range r.Together.RemedySentences() {
		if strings.HasPrefix(sentence, "none") {
			t.Error(sentence)
		}
	}
}

// TestNoSharedRemedy has a node stall for two minutes each half an hour, which kills both
// processes on it whoever answers their probes, and says that nothing helps.
func TestNoSharedRemedy(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Replicas, w.Node.ReplicasPerNode = 2, 2
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Every: exponential(30 * time.Minute), Lasts: dist.Constantly(2 * time.Minute)}}}
	if r := mended(t.Context(), t, w); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "no change of those applies") {
		t.Errorf("answers that cost nothing: %q, %s", r.Notes, text(r.Together.Remedies))
	}
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = dist.Constantly(5 * time.Millisecond)
	}
	r := mended(t.Context(), t, w)
	const stalls = 8766 / (32. / 60) // a year
	for i := range r.Together.Remedies {
		if after := r.Together.Remedies[i].FalseKillsPerPodYear.After; after.High < stalls {
			t.Errorf("%s: %v kills after it, and there are %v stalls a year", r.Together.Remedies[i].Change, after, stalls)
		}
	}
	sentences := r.Together.RemedySentences()
	if n := len(sentences); n < 2 || !strings.HasPrefix(sentences[n-1], "none of the changes") {
		t.Errorf("%q", sentences)
	}
}

// TestNoTimeForSharedRemedies holds that changes which there was no time for are named.
func TestNoTimeForSharedRemedies(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	r := mended(ended, t, overloaded())
	if len(r.Together.Remedies) > 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "a thread of its own for the probes; 8 replicas instead of 2") {
		t.Errorf("%q, and %s", r.Notes, text(r.Together.Remedies))
	}
}

// TestMoreReplicas holds the number of replicas against the load that they share: by
// their workers, or by the CPU time under a limit; and traffic of each pod is not more
// because there are more of them.
func TestMoreReplicas(t *testing.T) {
	for _, c := range []struct {
		why       string
		ofService bool
		perSecond float64
		limit     int64
		replicas  int
	}{
		{"20 requests a second of 1.1 s keep 22 workers busy, of 5 each", true, 20, 0, 6},
		{"and of half of a CPU each 2 s of CPU a second 5 replicas", true, 20, 500, 6},
		{"of a tenth 25", true, 20, 100, 25},
		{"the same of each of four pods", false, 5, 0, 6},
		{"they are enough", true, 10, 0, 5},
	} {
		w := world(nil, nil, probe(model.HTTPGet, 10, 1, 3))
		w.Replicas = 4
		w.Pod.Containers[0].CPULimitMilli = c.limit
		w.Application.Traffic = &model.Traffic{PerSecond: c.perSecond, OfService: c.ofService, Workers: 5, CPU: dist.Constantly(100 * time.Millisecond), Wait: dist.Constantly(time.Second)}
		more := moreReplicas(w)
		if len(more) != 1 || more[0].world.Replicas != c.replicas {
			t.Errorf("%s: %s", c.why, more[0].name)
			continue
		}
		want := c.perSecond
		if !c.ofService {
			want *= 4
		}
		if got := more[0].world.Application.Traffic; got.PerSecond != want || !got.OfService {
			t.Errorf("%s: %g a second, want %g of the service", c.why, got.PerSecond, want)
		}
	}
	if more := moreReplicas(world(nil, nil, probe(model.HTTPGet, 10, 1, 3))); more != nil {
		t.Errorf("without traffic: %s", more[0].name)
	}
}

// TestSharedRemedySentences holds that a sentence says what is met, missed and open, and
// has the numbers.
func TestSharedRemedySentences(t *testing.T) {
	before, less, loops, none, up := interval(600, 1400), interval(0, 10), interval(0.2, 0.4), interval(0, 0), interval(0.97, 0.99)
	less.Estimate = 0
	yes, no := true, false
	missed := []string{"x <= 1"}
	for effect, met := range map[string]*bool{"meet x <= 1": &yes, "still miss x <= 1": &no, "may meet x <= 1, which this effort leaves open": nil} {
		r := SharedRemedy{Change: "a", Objectives: []estimate.Verdict{{Name: "x <= 1", Met: met}, {Name: "availability >= 0.9"}}, FalseKillsPerPodYear: Change{&before, &less}, CrashLoopProbability: Change{&loops, &none}}
		want := "a: all replicas together " + effect + "; their false kills per pod-year go from 1000 (600 to 1400) to none seen (at most 10), and the probability of a crash loop that does not end goes from 30 % (20 to 40) to 0 % (simulated)"
		if got := r.sentence(missed); got != want {
			t.Errorf("%q, want\n%q", got, want)
		}
	}
	missed = []string{"availability >= 0.98"}
	r := SharedRemedy{Change: "a", Objectives: []estimate.Verdict{{Name: "availability >= 0.98"}}, Availability: Change{&up, &up}, CrashLoopProbability: Change{&none, &none}}
	want := "a: all replicas together may meet availability >= 0.98, which this effort leaves open; the share of the time in which one is unavailable goes from 2 % (1 to 3) to 2 % (1 to 3), within the intervals (simulated)"
	if got := r.sentence(missed); got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
}
