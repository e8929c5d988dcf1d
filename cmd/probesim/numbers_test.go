package main

import (
	"math"
	"testing"

	"github.com/probesim/probesim/sim/stats"
)

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1", 0.94: "0.940", 12.345: "12.3", 999.6: "1,000", 1234: "1,230", 139478: "139,000", 1234567: "1,230,000",
		0.0025: "0.00250", 0.000123: "0.000123", 9.5367e-7: "9.54e-07", -1234: "-1,230", 1e15: "1e+15",
		math.Inf(1): "∞", math.NaN(): none,
	} {
		if got := number(x); got != want && !math.IsNaN(x) {
			t.Errorf("number(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestSecondsAndShares(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{seconds(0.005), "5 ms"}, {seconds(1), "1 s"}, {seconds(599), "599 s"}, {seconds(600), "10 min"}, {seconds(6 * 3600), "6 h"},
		{seconds(10 * 86400), "10 d"}, {seconds(3 * 365.25 * 86400), "3 y"}, {seconds(0), "0 s"}, {seconds(math.NaN()), none}, {seconds(math.Inf(1)), "∞"},
		{share(0.5), "50 %"}, {share(0.9996), "99.960 %"}, {share(1), "100 %"}, {share(0), "0 %"}, {share(0.00001), "0.00100 %"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestLessAvailable(t *testing.T) {
	before := &stats.Estimate{Estimate: .9946, Low: .9932, High: .9957}
	for _, c := range []struct {
		after *stats.Estimate
		want  string
	}{
		{nil, ""},
		{&stats.Estimate{Estimate: .993, Low: .992, High: .994}, ""},
		{&stats.Estimate{Estimate: .905, Low: .901, High: .908},
			"The price: a pod is available for 90.5 % (90.1–90.8 %) of the time, now for 99.46 % (99.32–99.57 %); objectives.availability bounds that."},
	} {
		if got := lessAvailable(before, c.after); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestEstimated(t *testing.T) {
	for _, c := range []struct {
		e    *stats.Estimate
		want string
	}{
		{nil, none},
		{&stats.Estimate{Estimate: 26, Low: 25.1, High: 27}, "26 s (25.1–27 s)"},
		{&stats.Estimate{Estimate: 26, Low: 26, High: 26}, "26 s"},
		{&stats.Estimate{Estimate: 0, Low: 0, High: 3}, "none seen (at most 3 s)"},
		{&stats.Estimate{Estimate: math.Inf(1), Low: 7200, High: math.Inf(1)}, "at least 120 min"},
	} {
		if got := estimated(c.e, seconds); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestRateText holds that a bound of the closed form which is 0 is no bound but the rate.
func TestRateText(t *testing.T) {
	for high, want := range map[float64]string{0: "0", .05: "at most 0.0500 by the closed form"} {
		if got := rateText(&stats.Estimate{High: high, Method: closedForm, Confidence: .95}); got != want {
			t.Errorf("%v: %q, want %q", high, got, want)
		}
	}
}
