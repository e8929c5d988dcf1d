package lint

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
)

// TestRequestsInFlight holds the requests in flight to Erlang's C formula and to chances
// that are counted by hand.
func TestRequestsInFlight(t *testing.T) {
	// Three workers and a load of 2: without a bound all three are busy with probability
	// C(3, 2) = 4/9, and above k ≥ 3 each further one is ⅔ as likely.
	for n, want := range map[int]float64{2: 4. / 9, 3: 4. / 9 * 2 / 3, 12: 4. / 9 * math.Pow(2./3, 10)} {
		if got := inFlightAbove(n, 3, 0, 2); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("above %d: %v, want %v", n, got, want)
		}
	}
	if got, want := inFlightAbove(7, 8, 0, 7.5), calc.ErlangC(8, 7.5); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("all of 8 busy: %v, by Erlang C %v", got, want)
	}
	// One worker and one that may wait, twice as many requests as it can serve: 1, 2 and 4
	// of 7 times none, one and two in flight.
	if got := inFlightAbove(1, 1, 1, 2); math.Abs(got-4./7) > 1e-12 {
		t.Errorf("both places taken: %v, want 4/7", got)
	}
	if got := inFlightAbove(2, 1, 1, 2); got != 0 {
		t.Errorf("above all places: %v", got)
	}
	if got := inFlightAbove(50, 1, 0, 1); got != 1 {
		t.Errorf("an overloaded worker without a bound: %v", got)
	}
	if got := inFlightAbove(10, 400, 0, 399); math.IsNaN(got) || got < .99 {
		t.Errorf("many workers: %v", got)
	}
}

// TestShedShare: bursts of 30 s at 50 requests a second of 1 s each, every 10 min, are
// all that brings more than 20 requests in flight: a pod is out of the endpoints for a
// part of them, 30 s in 630, and with the limit out of reach not at all.
func TestShedShare(t *testing.T) {
	s := subject()
	s.take(model.Liveness)
	p := s.probe(model.Readiness)
	p.PeriodSeconds, p.FailureThreshold = 1, 1
	s.World.Application.Traffic = &model.Traffic{
		PerSecond: 2, Wait: always(time.Second), Workers: 200,
		Bursts: []model.Burst{{PerSecond: 50, OnOff: model.OnOff{Every: always(10 * time.Minute), Lasts: always(30 * time.Second)}}},
	}
	share := func(limit int) float64 {
		s.answer(model.Readiness).FailsInFlight = limit
		risk, err := Assess(t.Context(), s.World, false, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return risk.shed
	}
	if got := share(20); got < 5./630 || got > 32./630 {
		t.Errorf("out of the endpoints for %v, want a part of 30/630", got)
	}
	if got := share(1000); got != 0 {
		t.Errorf("a limit out of reach takes %v", got)
	}
}
