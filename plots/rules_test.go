package plots

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// TestBudget holds the budget to rule S5: 60 × 10 s guarantees 590 s, not 600.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		delay, period, failures int32
		guaranteed, latest      time.Duration
	}{
		{0, 10, 60, 590 * time.Second, 600 * time.Second},
		{0, 10, 1, 0, 10 * time.Second},
		{30, 10, 5, 69 * time.Second, 80 * time.Second}, // K8: up to a second less delay
		{2, 1, 30, 30 * time.Second, 32 * time.Second},
	} {
		s := &Startup{Probe: probe(test.period, 1, test.failures)}
		s.Probe.InitialDelaySeconds = test.delay
		guaranteed, latest := s.budget()
		if guaranteed != test.guaranteed || latest != test.latest {
			t.Errorf("D=%d P=%d F=%d: %v to %v, want %v to %v", test.delay, test.period, test.failures,
				guaranteed, latest, test.guaranteed, test.latest)
		}
	}
}

// TestSurvival reproduces the Kaplan–Meier estimate of the remission times of
// the 6-MP group of Freireich et al. (1963), as printed in textbooks: .857,
// .807, .753, .690, .627, .538, .448 at weeks 6, 7, 10, 13, 16, 22, 23.
func TestSurvival(t *testing.T) {
	weeks := func(n ...int) (times []time.Duration) {
		for _, week := range n {
			times = append(times, time.Duration(week)*time.Second)
		}
		return times
	}
	steps := survival(weeks(6, 6, 6, 7, 10, 13, 16, 22, 23), weeks(6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35))
	published := []float64{.857, .807, .753, .690, .627, .538, .448}
	for i, want := range published {
		if got := steps[i].share; got < want-.0006 || got > want+.0006 {
			t.Errorf("after %v: %.4f, want %.3f", steps[i].at, got, want)
		}
	}
	if len(steps) != len(published) {
		t.Errorf("%d steps, want %d", len(steps), len(published))
	}
	if median, ok := quantile(steps, 0.5); !ok || median != 23*time.Second {
		t.Errorf("median %v, want 23 s", median)
	}
	for at, want := range map[time.Duration]float64{5 * time.Second: 1, 23 * time.Second: steps[6].share, time.Minute: steps[6].share} {
		if got := exceed(steps, at); got != want {
			t.Errorf("share beyond %v is %v, want %v", at, got, want)
		}
	}
}

func TestSpell(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 s": 0, "1 ns": 1, "1.5 µs": 1500, "250 ms": 250 * time.Millisecond, "1 s": time.Second, "21.5 s": 21500 * time.Millisecond,
		"600 s": 10 * time.Minute, "1200 s": 20 * time.Minute, "90 min": 90 * time.Minute, "10 h": 10 * time.Hour, "30 d": 720 * time.Hour, "-2 s": -2 * time.Second,
	} {
		if got := spell(d); got != want {
			t.Errorf("spell(%d) is %q, want %q", d, got, want)
		}
	}
}

func TestDigits(t *testing.T) {
	for want, x := range map[string]float64{"0": 0, "0.1": 0.1, "1300": 1296, "0.021": 0.0209, "2e-5": 2.04e-5, "1e9": 1e9} {
		if got := digits(x, 2); got != want {
			t.Errorf("digits(%g) is %q, want %q", x, got, want)
		}
	}
}

// TestTicks checks over twelve orders of magnitude that an axis has a readable
// number of ticks.
func TestTicks(t *testing.T) {
	for span := time.Millisecond; span < 100*8766*time.Hour; span += span / 7 {
		n := int(span/unitFor(span).tickStep(span, 13)) + 1
		if n < 3 || n > 13 {
			t.Fatalf("a span of %v has %d ticks", span, n)
		}
	}
}

func TestWindow(t *testing.T) {
	for name, test := range map[string]struct {
		trace    *sim.Trace
		contains []time.Duration
	}{
		"nothing":     {&sim.Trace{}, nil},
		"start":       {figure1().Lives[0].Trace, []time.Duration{at(0.5), at(22.5)}},
		"hang":        {figure2().Lives[0].Trace, []time.Duration{at(62), at(89.4), at(107)}},
		"false kill":  {figure3().Lives[0].Trace, []time.Duration{at(18.1), at(39.1), at(46)}},
		"late hang":   {lateHang(), []time.Duration{at(1e6), at(1e6 + 27)}},
		"never again": {newStory(1e7, nil, nil, probe(10, 1, 3)).start(0, 0).state(5, sim.Hung).kill(9e5, model.Liveness).exit(9e5+1, 1).trace(), []time.Duration{at(5)}},
	} {
		from, to := Window(test.trace)
		for _, instant := range test.contains {
			if instant < from || instant > to {
				t.Errorf("%s: %v to %v does not show %v", name, from, to, instant)
			}
		}
		if from < 0 || to < from || to > max(test.trace.Horizon, at(1)) {
			t.Errorf("%s: %v to %v is no part of a life of %v", name, from, to, test.trace.Horizon)
		}
	}
}

// lateHang is a life in which something happens only after eleven days.
func lateHang() *sim.Trace {
	return newStory(2e6, nil, probe(5, 1, 2), probe(10, 1, 3)).start(0.3, 0).state(6, sim.Serving).ready(7, true, 1).
		every(model.Liveness, 10, 1e6-60, 1e6).state(1e6, sim.Hung).
		attempt(model.Liveness, 1e6+4, 1e6+5, 2, 1).attempt(model.Liveness, 1e6+14, 1e6+15, 2, 2).
		attempt(model.Liveness, 1e6+26, 1e6+27, 2, 0).kill(1e6+27, model.Liveness).exit(1e6+30, 137).start(1e6+31, 1).trace()
}
