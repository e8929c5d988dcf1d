package recommend

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
)

// TestReasonBetweenPeriods holds what a reason says of a second less and more, of which
// no path was observed, against the paths of those periods: they come to no more false
// verdicts than it says at most.
func TestReasonBetweenPeriods(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 3))
	w.Application.Traffic = &model.Traffic{PerSecond: 0.1, Workers: 1, Queue: 100, Wait: exponential(4 * time.Second)}
	for k := range w.Application.Probes {
		w.Application.Probes[k].RunsOn = model.Workers
	}
	o := Options{Options: estimate.Options{Seed: 1, Horizon: 24 * time.Hour, Objectives: []model.Objective{atMost("detectionSeconds", "p99", 60)}}}
	effort := observed{attempts: 20_000, fewest: fewestObserved, events: eventsObserved, periods: []int32{5}}
	s, err := newSearch(context.Background(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := explanation{search: s, c: s.current()}
	reason := e.reason(model.Liveness, &fields[0])
	_, paths := split(w, true)
	seen, err := s.observeAlone(paths, model.Liveness, []observation{itself(9), itself(10), itself(11)}, effort, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	for i, period := range []int32{10, 9, 11} {
		rate, _, _, extended := seen.of(period).rate(setting{period, 1, 3}, 0.95, false)
		if rate == 0 || extended {
			t.Fatalf("a period of %d s shows too few verdicts", period)
		}
		most := reason.Alternatives[i].FalseKillsPerPodYear
		if most == nil || float64(*most) < rate*year.Seconds() || math.IsInf(float64(*most), 1) {
			t.Errorf("a period of %d s comes to %v false kills a year, which is not within %v", period, rate*year.Seconds(), text(most))
		}
	}
	if strings.Count(reason.Sentence, "at most") != 3 {
		t.Errorf("%q, want at most so many of the value and of both beside it", reason.Sentence)
	}
}
