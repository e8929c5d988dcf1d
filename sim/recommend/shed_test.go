package recommend

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// bursty is a world whose requests come in bursts of twice what the quota can serve, and
// hold up a liveness probe of 10 s that waits among them.
func bursty(readiness *model.Probe) *model.World {
	w := world(nil, readiness, probe(model.HTTPGet, 10, 1, 3))
	w.Pod.Containers[0].CPULimitMilli = 200
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU, w.Application.Probes[k].RunsOn = dist.Constantly(2*time.Millisecond), model.Workers
	}
	w.Application.Traffic = &model.Traffic{
		PerSecond: 2, CPU: exponential(20 * time.Millisecond), Workers: 8, Queue: 512,
		Bursts: []model.Burst{{OnOff: model.OnOff{Every: exponential(2 * time.Hour), Lasts: exponential(2 * time.Minute)}, PerSecond: 20}},
	}
	return w
}

// TestSheds holds that liveness is observed beside a readiness probe where requests
// go elsewhere while a pod is out of the endpoints, and then kills less: bursts of
// twice what the quota can serve fill a queue that nothing but readiness empties in
// time.
func TestSheds(t *testing.T) {
	w := bursty(probe(model.HTTPGet, 5, 1, 2))
	o := Options{}
	o.Objectives = []model.Objective{atMost("falseKillsPerPodYear", "", 1), atMost("detectionSeconds", "p99", 200), atMost("removalSeconds", "p99", 40)}
	effort := observed{attempts: 20_000, fewest: fewestObserved, events: eventsObserved / 4, periods: []int32{10}, starts: 100}
	rates := map[int]float64{}
	for _, replicas := range []int{1, 3} {
		w.Replicas = replicas
		s, err := newSearch(t.Context(), w, o, effort, nil)
		if err != nil {
			t.Fatal(err)
		}
		if (s.shedding != nil) != (replicas > 1) {
			t.Fatalf("%d replicas: liveness is observed beside %v", replicas, s.shedding)
		}
		if s.shedding != nil && s.shedding.tolerated() > 50*time.Second {
			t.Errorf("liveness is observed beside readiness with %v, which leaves a backlog no time to drain", s.shedding)
		}
		rates[replicas] = s.option(model.Liveness, setting{10, 1, 6}).rate
	}
	if rates[1] == 0 || rates[3] > rates[1]/4 {
		t.Errorf("false kills per second: alone %.3g, where readiness sheds load %.3g", rates[1], rates[3])
	}
}

// TestShedsAsChosen holds that readiness is not asked more often than its objectives
// want where the load is light, so that liveness needs no quicker removal.
func TestShedsAsChosen(t *testing.T) {
	w := world(nil, probe(model.HTTPGet, 10, 1, 3), probe(model.HTTPGet, 10, 1, 6))
	w.Replicas = 3
	w.Application.Traffic = &model.Traffic{PerSecond: 2, Wait: exponential(20 * time.Millisecond), Workers: 8, Queue: 100}
	o := Options{}
	o.Objectives = []model.Objective{atMost("falseKillsPerPodYear", "", 1), atMost("detectionSeconds", "p99", 120), atMost("removalSeconds", "p99", 30)}
	effort := observed{attempts: 20_000, fewest: fewestObserved, events: eventsObserved / 4, periods: []int32{1, 10}, starts: 100}
	s, err := newSearch(t.Context(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.shedding == nil || *s.shedding != (setting{10, 1, 2}) {
		t.Errorf("liveness is observed beside %v, want the fewest probes that remove a pod within 30 s", s.shedding)
	}
}

// TestShedSooner has bursts that fill a queue for minutes: beside the readiness probe
// that sheds the load soonest the same liveness setting comes to fewer verdicts.
func TestShedSooner(t *testing.T) {
	w := bursty(probe(model.HTTPGet, 10, 1, 3))
	w.Replicas = 3
	o := Options{}
	o.Objectives = []model.Objective{atMost("falseKillsPerPodYear", "", 1e6), atMost("detectionSeconds", "p99", 200), atMost("removalSeconds", "p99", 40)}
	effort := observed{attempts: 20_000, fewest: fewestObserved, events: eventsObserved / 4, periods: []int32{1, 10}, starts: 100}
	s, err := newSearch(t.Context(), w, o, effort, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.shedding = &setting{30, 1, 3}
	var rates []float64
	for _, beside := range []setting{{20, 1, 2}, {1, 1, 2}} {
		s.soonest = &beside
		sooner, err := s.shedSooner(t.Context(), effort)
		if err != nil || !sooner || *s.shedding != beside {
			t.Fatalf("beside %v, want %v; sooner: %v, %v", s.shedding, beside, sooner, err)
		}
		rates = append(rates, s.option(model.Liveness, setting{10, 1, 4}).rate)
	}
	if rates[0] == 0 || rates[1] > 0.8*rates[0] {
		t.Errorf("false kills per second: %.3g beside a slow readiness probe, %.3g beside the quickest", rates[0], rates[1])
	}
	if again, _ := s.shedSooner(t.Context(), effort); again {
		t.Error("there is nothing sooner than the soonest")
	}
}
