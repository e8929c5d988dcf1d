package recommend

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// change returns the changed world of a remedy whose name begins so.
func change(t *testing.T, w *model.World, name string) *model.World {
	t.Helper()
	for _, r := range applicable(w) {
		if strings.HasPrefix(r.name, name) {
			return r.world
		}
	}
	t.Fatalf("%q is not among the remedies of %s", name, text(applicable(w)))
	return nil
}

// TestCachedFromExec holds that a status answered from memory starts no process: what
// is left of the CPU time is that of a default httpGet.
func TestCachedFromExec(t *testing.T) {
	w := world(nil, probe(model.Exec, 10, 1, 3), probe(model.Exec, 10, 1, 3))
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU = dist.Constantly(400 * time.Millisecond)
		w.Application.Probes[k].Exec.HelperCPU = dist.Constantly(100 * time.Millisecond)
	}
	cached := change(t, w, "a status computed every")
	if demand := answerDemand(cached, model.Startup); demand != 0 {
		t.Errorf("a startup probe that may be proposed: %v s of CPU an answer, want none", demand)
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		if demand := answerDemand(cached, k); demand != 0 {
			t.Errorf("%v: %v s of CPU an answer, want none", k, demand)
		}
		if kind := cached.Container().Probes[k].Handler.Kind; kind != model.HTTPGet {
			t.Errorf("%v: handler %v, want httpGet", k, kind)
		}
		if kind := w.Container().Probes[k].Handler.Kind; kind != model.Exec {
			t.Errorf("%v: the world itself was changed to %v", k, kind)
		}
	}
}

// TestBetterRequest holds the request against the weights: as much as the neighbours
// request gives half of a CPU that all want (K60), and no request is above the limit.
func TestBetterRequest(t *testing.T) {
	for _, c := range []struct {
		request, limit, theirs, want int64
	}{{100, 0, 1500, 1500}, {0, 0, 1500, 1500}, {1000, 0, 1500, 2000}, {100, 500, 1500, 500}, {0, 500, 1500, 0}, {100, 0, 0, 0}} {
		w := world(nil, nil, probe(model.HTTPGet, 10, 1, 3))
		w.Pod.Containers[0].CPURequestMilli, w.Pod.Containers[0].CPULimitMilli = c.request, c.limit
		if c.theirs > 0 {
			w.Node.Neighbours = []model.Neighbour{{CPURequestMilli: c.theirs - 500}, {CPURequestMilli: 500}}
		}
		if got := betterRequest(w); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestDedicatedThread has a worker that each request keeps for 10 s on average, eight
// of ten seconds: by the queue M/M/1 a probe that has to queue waits longer than 60 s
// for every fourth answer (0.8·e^(−60/50)), and on a thread of its own for none.
func TestDedicatedThread(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Traffic = &model.Traffic{PerSecond: 0.08, Workers: 1, Wait: exponential(10 * time.Second)}
	for k := range w.Application.Probes {
		w.Application.Probes[k].RunsOn = model.Workers
	}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 40), atMost("removalSeconds", "p99", 40))
	if r.Infeasible == nil {
		t.Fatalf("feasible: %s", text(r.Recommended))
	}
	for i := range r.Infeasible.Remedies {
		remedy := &r.Infeasible.Remedies[i]
		if !strings.HasPrefix(remedy.Change, "a thread of its own") {
			continue
		}
		if kills := &remedy.FalseKillsPerPodYear; !remedy.Possible || kills.Before.Estimate < 1000 || kills.After.Estimate > 0 || !strings.Contains(remedy.Sentence(), "(simulated)") {
			t.Errorf("%s: %s", remedy.Sentence(), text(remedy))
		}
		return
	}
	t.Errorf("no thread of its own among %s", text(r.Infeasible.Remedies))
}

// TestNoCheckOfDependencies has a database fail for an hour every ten days, which no
// liveness probe outlasts that is to notice a hang within 40 s: 36.5 outages a year kill
// every time. One that does not check it is answered, and the readiness probe still does.
func TestNoCheckOfDependencies(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	const days = 10
	w.Dependencies = []model.OnOff{{Name: "db", Every: exponential(days * 24 * time.Hour), Lasts: dist.Constantly(time.Hour)}}
	for k := range w.Application.Probes {
		w.Application.Probes[k].DependsOn = []int{0}
	}
	const name = "no check of dependencies"
	changed := change(t, w, name)
	if on := changed.Application.Probes; on[model.Liveness].DependsOn != nil || on[model.Readiness].DependsOn == nil || w.Application.Probes[model.Liveness].DependsOn == nil {
		t.Errorf("checked after it: %v", on)
	}
	r := run(t, w, atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 40))
	if r.Infeasible == nil {
		t.Fatalf("feasible: %s", text(r.Recommended))
	}
	for i := range r.Infeasible.Remedies {
		remedy := &r.Infeasible.Remedies[i]
		if kills := &remedy.FalseKillsPerPodYear; strings.HasPrefix(remedy.Change, name) {
			if !remedy.Possible || kills.Before.High < 365.25/days || kills.After.High > 0.1 {
				t.Errorf("%s: %s", remedy.Sentence(), text(remedy))
			}
			return
		}
	}
	t.Errorf("%s is not among %s", name, text(r.Infeasible.Remedies))
}

// TestRemedySentences holds that every remedy has its number, and says where it is
// from.
func TestRemedySentences(t *testing.T) {
	simulated := func(x, low, high float64) *stats.Estimate {
		return &stats.Estimate{Estimate: x, Low: low, High: high, Method: "Garwood"}
	}
	predicted := &stats.Estimate{Estimate: 7, High: 7, Method: predictedRate}
	for _, c := range []struct {
		remedy Remedy
		want   string
	}{
		{Remedy{Change: "a", FalseKillsPerPodYear: Change{simulated(450, 400, 500), simulated(450, 390, 520)}, FalseRemovalsPerPodYear: Change{predicted, predicted}},
			"a: still no settings are predicted to meet every objective; with the current settings false kills per pod-year: 450 before and after (simulated), and false removals per pod-year: at most 7 before and after (predicted): it buys nothing"},
		{Remedy{Change: "b", Possible: true, Settings: "s", FalseKillsPerPodYear: Change{simulated(450, 400, 500), simulated(0, 0, 3)}, FalseRemovalsPerPodYear: Change{nil, predicted}},
			"b: the objectives become possible: s, which meet all of them in a first simulation; with the current settings false kills per pod-year go from 450 to none seen, at most 3 (simulated), and false removals per pod-year go from any number to at most 7 (predicted)"},
	} {
		if got := c.remedy.Sentence(); got != c.want {
			t.Errorf("%q, want\n%q", got, c.want)
		}
	}
}

// TestAsksTheProcess holds that where no handler notices a hang (C10), one that asks the
// process is said to make the objectives possible.
func TestAsksTheProcess(t *testing.T) {
	w := world(nil, probe(model.TCPSocket, 5, 1, 3), nil)
	w.Application.Probes[model.Readiness].HangCoverage, w.Application.Probes[model.Liveness].HangCoverage = 0, 0
	r := run(t, w, atMost("detectionSeconds", "p99", 60), atMost("removalSeconds", "p99", 30))
	if r.Infeasible == nil || !r.Infeasible.Proved {
		t.Fatalf("a hang is noticed: %s", text(r.Recommended))
	}
	for i := range r.Infeasible.Remedies {
		if remedy := &r.Infeasible.Remedies[i]; strings.HasPrefix(remedy.Change, "httpGet instead of tcpSocket") {
			if !remedy.Possible || len(remedy.Undecided) > 0 {
				t.Error(remedy.Sentence())
			}
			return
		}
	}
	t.Errorf("no httpGet among %s", text(r.Infeasible.Remedies))
}

// TestRemediesWhateverIsLeft holds that what a change buys does not depend on how much of
// a budget is left: each is simulated in full, or named as one that was not tried.
func TestRemediesWhateverIsLeft(t *testing.T) {
	w := world(nil, nil, probe(model.Exec, 10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 20
	w.Application.Probes[model.Liveness].CPU = dist.Constantly(300 * time.Millisecond)
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{atMost("falseKillsPerPodYear", "", 0.1), atMost("detectionSeconds", "p99", 40)}}}
	s, err := newSearch(t.Context(), w, o, glance, nil)
	if err != nil {
		t.Fatal(err)
	}
	tried := func(ctx context.Context, o Options) *Infeasible {
		i := &Infeasible{Untried: names(s.changes())}
		if err := i.tryRemedies(ctx, s, o, &stats.Estimate{Estimate: 1e5, Low: 9e4, High: 1.1e5}); !errors.Is(err, ctx.Err()) {
			t.Fatal(err)
		}
		return i
	}
	short := o
	short.Budget = time.Millisecond
	all, left := tried(t.Context(), o), tried(t.Context(), short)
	if text(all) != text(left) || len(all.Remedies) != len(s.changes()) || all.UntriedSentence() != "" {
		t.Errorf("with next to nothing left %s, want %s", text(left), text(all))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if none := tried(ended, o); len(none.Remedies) > 0 || !strings.HasSuffix(none.UntriedSentence(), strings.Join(names(s.changes()), "; ")) {
		t.Errorf("%q, %s", none.UntriedSentence(), text(none.Remedies))
	}
}

// TestNoneSeen holds that nothing seen is not what a change buys, and no change for the
// worse either: it is a bound, by how much was simulated.
func TestNoneSeen(t *testing.T) {
	before := &stats.Estimate{Estimate: 550, Low: 500, High: 600, Method: "Garwood"}
	for high, want := range map[float64]string{
		120: "false kills per pod-year go from 550 to none seen, at most 120 (simulated)",
		970: "false kills per pod-year: 550 before, and none seen, at most 970 after, too little simulated to tell (simulated)",
	} {
		c := Change{before, &stats.Estimate{High: high, Method: "Garwood"}}
		if got, better := c.sentence("false kills"); got != want || better != (high < 500) {
			t.Errorf("%q, better %v; want %q", got, better, want)
		}
	}
}
