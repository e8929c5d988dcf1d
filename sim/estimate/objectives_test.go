package estimate

import (
	"math"
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

func estimateOf(low, high float64) *stats.Estimate {
	return &stats.Estimate{Estimate: (low + high) / 2, Low: low, High: high}
}

func TestJudge(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	m := &Measures{FalseKillsPerPodYear: estimateOf(0, 2), Availability: estimateOf(0.98, 0.99)}
	yes, no := true, false
	for _, c := range []struct {
		o         model.Objective
		perDay    float64
		name      string
		want      *bool
		byFormula bool
	}{
		{model.Objective{Measure: "falseKillsPerPodYear", Bound: 2}, math.Inf(1), "falseKillsPerPodYear <= 2", &yes, false},
		{model.Objective{Measure: "falseKillsPerPodYear", Bound: 0.1}, math.Inf(1), "falseKillsPerPodYear <= 0.1", nil, false},
		{model.Objective{Measure: "falseKillsPerPodYear", Bound: 0.1}, 1e-5, "falseKillsPerPodYear <= 0.1", &yes, true},
		{model.Objective{Measure: "availability", AtLeast: true, Bound: 0.97}, math.Inf(1), "availability >= 0.97", &yes, false},
		{model.Objective{Measure: "availability", AtLeast: true, Bound: 0.999}, math.Inf(1), "availability >= 0.999", &no, false},
		{model.Objective{Measure: "availability", AtLeast: true, Bound: 0.985}, math.Inf(1), "availability >= 0.985", nil, false},
		{model.Objective{Measure: Tolerance, AtLeast: true, Bound: 2}, math.Inf(1), "livenessToReadinessTolerance >= 2", &no, false},
		{model.Objective{Measure: Tolerance, AtLeast: true, Bound: 1}, math.Inf(1), "livenessToReadinessTolerance >= 1", &yes, false},
		{model.Objective{Measure: "readyLagSeconds", Statistic: "p99", Bound: 5}, math.Inf(1), "readyLagSeconds.p99 <= 5", nil, false},
	} {
		got, byFormula := judge(c.o, w, m, &formula{bound: c.perDay, startupBound: math.Inf(1)})
		if got.Name != c.name || byFormula != c.byFormula || !same(got.Met, c.want) {
			t.Errorf("judge(%+v) = %s %v, by formula %v; want %s %v, %v", c.o, got.Name, text(got.Met), byFormula, c.name, text(c.want), c.byFormula)
		}
	}
}

// TestBoundOfStartsAgreesWithOneKill: a single kill among many starts is what a bound
// of a few hundredths of a kill among them lets be seen now and then. Three would show
// that the objective is missed, whatever the bound says.
func TestBoundOfStartsAgreesWithOneKill(t *testing.T) {
	const starts = 4096
	o := model.Objective{Measure: "startupKillProbability", Bound: 1e-4}
	yes, no := true, false
	for killed, want := range map[int64]*bool{0: &yes, 1: &yes, 3: &no} {
		var p stats.Proportion
		p.Add(killed, starts)
		e := p.Estimate(0.95)
		w, f := world(nil, probe(10, 1, 3)), &formula{startupBound: 0.06 / starts}
		if got, byFormula := judge(o, w, &Measures{StartupKillProbability: &e}, f); !same(got.Met, want) || byFormula != (want == &yes) {
			t.Errorf("%d of %d starts killed, at most %.3g: %s, want %s", killed, starts, f.startupBound, text(got.Met), text(want))
		}
	}
}

func same(a, b *bool) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func text(b *bool) string {
	switch {
	case b == nil:
		return "undecided"
	case *b:
		return "met"
	}
	return "missed"
}

func TestParseGate(t *testing.T) {
	for _, c := range []struct{ in, want, err string }{
		{"falseKillsPerPodYear>1", "falseKillsPerPodYear>1", ""},
		{" removalSeconds.p99 >= 30 ", "removalSeconds.p99>=30", ""},
		{"availability<0.999", "availability<0.999", ""},
		{"falseKillProbability.720h.anyReplica<=1e-3", "falseKillProbability.720h.anyReplica<=0.001", ""},
		{"probeFailureProbability.liveness>0.01", "probeFailureProbability.liveness>0.01", ""},
		{"livenessToReadinessTolerance<2", "livenessToReadinessTolerance<2", ""},
		{"falseKillsPerPodYear", "", `"falseKillsPerPodYear": no comparison, want a measure, one of > >= < <=, and a number, as in falseKillsPerPodYear>1`},
		{"falseKillsPerPodYear==1", "", `"falseKillsPerPodYear==1": unknown comparison "==", must be one of > >= < <=`},
		{"falseKillsPerPodYear>", "", `"falseKillsPerPodYear>": a number must follow ">"`},
		{"falseKillsPerPodYear>1s", "", `"falseKillsPerPodYear>1s": "1s" is not a finite number`},
		{">1", "", `">1": a measure must stand before ">"`},
		{"removalSeconds.p95>1", "", `"removalSeconds.p95>1": removalSeconds: unknown statistic "p95", must be one of mean, p50, p90, p99`},
		{"availability.p99>1", "", `"availability.p99>1": availability.p99: availability is a single number, it has no statistics`},
		{"probeFailureProbability>1", "", `"probeFailureProbability>1": probeFailureProbability: which one, probeFailureProbability.startup, probeFailureProbability.readiness, probeFailureProbability.liveness?`},
	} {
		g, err := ParseGate(c.in)
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("ParseGate(%q): %v, want %s", c.in, err, c.err)
		case c.err == "" && err != nil:
			t.Errorf("ParseGate(%q): %v", c.in, err)
		case c.err == "" && g.String() != c.want:
			t.Errorf("ParseGate(%q) = %s, want %s", c.in, g, c.want)
		}
	}
}

// TestGateIsCutAtTheClosedForm holds a gate that the simulation leaves open to the
// closed form's bound, in kills per pod-day, as objectives are.
func TestGateIsCutAtTheClosedForm(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	for _, c := range []struct {
		gate     string
		low      float64 // of the simulation's interval, which ends at 5 a year
		perYear  float64 // the bound
		perStart float64
		want     *bool
	}{
		{"falseKillsPerPodYear>1", 0, 0.4, 1, answer(false)},
		{"falseKillsPerPodYear>1", 0, 2, 1, nil},
		{"falseKillsPerPodYear>1", 0, math.Inf(1), 1, nil},
		{"falseKillsPerPodYear>1", 0.5, 0.4, 1, nil}, // they disagree
		{"falseKillsPerPodYear<1", 0, 0.4, 1, answer(true)},
		{"meanTimeToFalseKillSeconds<1e6", 0, 0.4, 1, answer(false)},
		{"startupKillProbability>0.1", 0, 0.4, 0.05, answer(false)},
		{"availability<0.5", 0, 0.4, 1, nil},
	} {
		gate, err := ParseGate(c.gate)
		if err != nil {
			t.Fatal(err)
		}
		kills, probability := estimateOf(c.low, 5), estimateOf(0, 1)
		v := Variant{
			Measures: Measures{FalseKillsPerPodYear: kills, StartupKillProbability: probability, Availability: probability, MeanTimeToFalseKillSeconds: estimateOf(0, math.Inf(1))},
			formula:  &formula{bound: c.perYear / 365.25, startupBound: c.perStart},
		}
		if got := gate.Holds(w, &Estimates{Variants: []Variant{v}}); text(got) != text(c.want) {
			t.Errorf("%s, %g to 5, bound %g: %s, want %s", c.gate, c.low, c.perYear, text(got), text(c.want))
		}
	}
}

// TestGateOfAllReplicas looks measures up by their place in the result of all
// replicas, as they are.
func TestGateOfAllReplicas(t *testing.T) {
	e := Estimates{Together: &Together{Cases: []TogetherCase{{
		FalseKillsPerPodYear: *estimateOf(3, 5), CrashLoopProbability: *estimateOf(0, 0.2), Availability: *estimateOf(0.9, 0.95),
		OutOfEndpointsAtOnce: []AtOnce{{FractionOfTime: *estimateOf(0.1, 0.2), TimesPerYear: *estimateOf(10, 20)}, {FractionOfTime: *estimateOf(0.01, 0.02), TimesPerYear: *estimateOf(30, 40)}},
	}, {FalseKillsPerPodYear: *estimateOf(0, 1)}}}}
	for in, want := range map[string]*bool{
		"together.falseKillsPerPodYear>1":                      answer(true),
		"together.falseKillsPerPodYear>4":                      nil,
		"together.crashLoopProbability>=0.3":                   answer(false),
		"together.availability<0.99":                           answer(true),
		"together.cascadeProbability>0.5":                      nil, // no replica was out
		"together.outOfEndpointsAtOnce.1.fractionOfTime>0.05":  answer(true),
		"together.outOfEndpointsAtOnce.2.fractionOfTime>0.05":  answer(false),
		"together.outOfEndpointsAtOnce.2.timesPerYear>25":      answer(true),
		"together.outOfEndpointsAtOnce.3.fractionOfTime>0.001": nil, // there are two
	} {
		gate, err := ParseGate(in)
		if err != nil || gate.String() != in {
			t.Fatalf("%s: %s, %v", in, gate, err)
		}
		if got := gate.Holds(nil, &e); text(got) != text(want) {
			t.Errorf("%s: %s, want %s", in, text(got), text(want))
		}
	}
	for _, wrong := range []string{"together>1", "together.removalSeconds>1", "together.outOfEndpointsAtOnce.0.fractionOfTime>1", "together.outOfEndpointsAtOnce.2>1", "together.outOfEndpointsAtOnce.x.timesPerYear>1"} {
		if _, err := ParseGate(wrong); err == nil {
			t.Errorf("%s is no measure", wrong)
		}
	}
}

func FuzzParseGate(f *testing.F) {
	f.Add("falseKillsPerPodYear>1")
	f.Add("removalSeconds.p99>=30")
	f.Fuzz(func(t *testing.T, expression string) {
		g, err := ParseGate(expression)
		if err != nil {
			return
		}
		again, err := ParseGate(g.String())
		if err != nil || again != g {
			t.Errorf("%q is read as %s, and that as %s (%v)", expression, g, again, err)
		}
	})
}

func TestExitStatus(t *testing.T) {
	w := world(probe(10, 1, 3), probe(10, 1, 3))
	yes, no := true, false
	above1, err := ParseGate("falseKillsPerPodYear>1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		perYear  *stats.Estimate
		verdicts []*bool
		gate     *Gate
		want     Status
	}{
		{"nothing asked for, precise", estimateOf(99, 101), nil, nil, Done},
		{"nothing asked for, imprecise", estimateOf(0, 101), nil, nil, Undecided},
		{"met", estimateOf(0, 1), []*bool{&yes, &yes}, nil, Done},
		{"undecided", estimateOf(0, 1), []*bool{&yes, nil}, nil, Undecided},
		{"missed outranks undecided", estimateOf(0, 1), []*bool{nil, &no}, nil, Missed},
		{"gate holds", estimateOf(2, 3), nil, &above1, Missed},
		{"gate does not hold", estimateOf(0, 1), nil, &above1, Done},
		{"gate undecided", estimateOf(0, 3), []*bool{&yes}, &above1, Undecided},
	} {
		v := Variant{Measures: Measures{FalseKillsPerPodDay: c.perYear, FalseKillsPerPodYear: c.perYear}}
		for _, met := range c.verdicts {
			v.Objectives = append(v.Objectives, Verdict{Met: met})
		}
		if got := (&Estimates{Variants: []Variant{v}}).ExitStatus(w, c.gate, 0.1); got != c.want {
			t.Errorf("%s: exit status %d, want %d", c.name, got, c.want)
		}
	}
}
