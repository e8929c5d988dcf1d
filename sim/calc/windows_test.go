package calc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model/dist"
)

const ms = time.Millisecond

func every(period, timeout time.Duration, failures int) Settings {
	return Settings{Period: period, Timeout: timeout, Failures: failures, Successes: 1}
}

// prober is the rule K5 in a few lines: when the verdict falls on a process
// that fails from 0 to end, where the first tick after 0 is at phase. never
// means that it gives no verdict.
func prober(s Settings, phase, end time.Duration, noAnswer bool) (verdict time.Duration) {
	const never = -1
	failures, now, tick := 0, phase, phase+s.Period
	for {
		done := now
		if noAnswer {
			done += s.Timeout
		}
		if done > end { // answered in time after all
			return never
		}
		failures++
		if failures == s.Failures {
			return done
		}
		if tick > done {
			done = tick // no tick passed meanwhile
		}
		now = done
		for tick <= now {
			tick += s.Period
		}
	}
}

var someSettings = []Settings{
	every(10*time.Second, time.Second, 3), every(10*time.Second, 10*time.Second, 3), every(5*time.Second, 7*time.Second, 4),
	every(2*time.Second, 9*time.Second, 1), every(time.Second, time.Second, 30), every(3*time.Second, 4*time.Second, 2),
}

// TestDetectionAgainstProber: the window is that of the prober's own rules at
// phases spread over the period, with a timeout below, at and above it.
func TestDetectionAgainstProber(t *testing.T) {
	const phases = 1000
	for _, s := range someSettings {
		for _, noAnswer := range []bool{true, false} {
			window := s.Detection(noAnswer, 0)
			d := window.Seconds()
			mean := 0.0
			for i := range phases {
				phase := s.Period * time.Duration(2*i+1) / (2 * phases)
				verdict := prober(s, phase, time.Hour, noAnswer)
				mean += verdict.Seconds() / phases
				if want := (float64(i) + .5) / phases; math.Abs(window.CDF(verdict)-want) > 1e-9 {
					t.Fatalf("%+v: CDF(%v) = %v, want %v", s, verdict, window.CDF(verdict), want)
				}
			}
			if math.Abs(float64(d.Mean)-mean) > 1e-9 {
				t.Errorf("%+v: mean %v, want %v", s, d.Mean, mean)
			}
			low, high := prober(s, 0, time.Hour, noAnswer), prober(s, s.Period, time.Hour, noAnswer)
			if float64(d.Min) != low.Seconds() || float64(d.Max) != high.Seconds() {
				t.Errorf("%+v: %v to %v, want %v to %v", s, d.Min, d.Max, low, high)
			}
		}
	}
}

// TestWindowsOfTheDefaults has the numbers of S4 and of advice A25.
func TestWindowsOfTheDefaults(t *testing.T) {
	for _, c := range []struct {
		s              Settings
		noAnswer       bool
		min, mean, max Number
	}{
		{every(10*time.Second, time.Second, 3), false, 20, 25, 30},
		{every(10*time.Second, time.Second, 3), true, 21, 26, 31},
		{every(time.Second, time.Second, 30), false, 29, 29.5, 30}, // more checks in the same time detect later on average
		{every(5*time.Second, 8*time.Second, 3), true, 24, 26.5, 29},
	} {
		d := c.s.Detection(c.noAnswer, 0).Seconds()
		if d.Min != c.min || d.Mean != c.mean || d.Max != c.max {
			t.Errorf("%+v: %+v, want %v %v %v", c.s, d, c.min, c.mean, c.max)
		}
	}
}

// TestWindowSums compares the convolutions with sums of draws.
func TestWindowSums(t *testing.T) {
	s := every(10*time.Second, time.Second, 3)
	propagation := dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(1.5e9), Sigma: .6}}
	for name, w := range map[string]Window{
		"cached":            s.Detection(false, 5*time.Second),
		"propagated":        s.Detection(true, 0).Then(propagation),
		"cached, two parts": s.Detection(true, 3*time.Second).Then(propagation, dist.Duration{Nanoseconds: dist.Exponential(2e9)}),
		"only fixed":        {Fixed: time.Second, Plus: []dist.Duration{dist.Constantly(time.Second)}},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		const n = 40000
		d := w.Seconds()
		sum, below := 0.0, map[Number]float64{}
		for range n {
			x := w.Fixed.Seconds()
			for _, width := range w.Uniform {
				x += r.Float64() * width.Seconds()
			}
			for _, part := range w.Plus {
				x += part.Sample(r).Seconds()
			}
			sum += x / n
			for _, quantile := range []Number{d.P50, d.P90, d.P99} {
				if x <= float64(quantile)+1e-9 {
					below[quantile] += 1.0 / n
				}
			}
		}
		if math.Abs(float64(d.Mean)-sum) > .08 {
			t.Errorf("%s: mean %v, draws %v", name, d.Mean, sum)
		}
		if name == "only fixed" {
			if d.Min != 2 || d.P99 != 2 || d.Max != 2 {
				t.Errorf("%+v, want exactly 2", d)
			}
			continue
		}
		for quantile, want := range map[Number]float64{d.P50: .5, d.P90: .9, d.P99: .99} {
			if math.Abs(below[quantile]-want) > 4*math.Sqrt(want*(1-want)/n)+5e-4 {
				t.Errorf("%s: %v of the draws are below the quantile %v", name, below[quantile], want)
			}
		}
	}
}

// TestPublishedStalls reproduces the numbers of S3.
func TestPublishedStalls(t *testing.T) {
	s := every(10*time.Second, time.Second, 3)
	for _, c := range []struct {
		lasts dist.Dist
		want  float64
	}{
		{dist.Constant(20e9), 0}, {dist.Constant(21e9), 0}, {dist.Constant(22e9), .1}, {dist.Constant(25e9), .4},
		{dist.Constant(28e9), .7}, {dist.Constant(31e9), 1}, {dist.Constant(300e9), 1},
		{dist.Exponential(2e9), 5.4702e-6}, {dist.Exponential(10e9), .0774072},
	} {
		if got := s.StallKills(dist.Duration{Nanoseconds: c.lasts}, true); math.Abs(got-c.want) > 1e-5*c.want+1e-12 {
			t.Errorf("%T %v: %v, want %v", c.lasts, c.lasts, got, c.want)
		}
	}
}

// TestStallsAgainstProber: a stall kills by the formula exactly as often as by
// the prober's rules, over phases and lengths.
func TestStallsAgainstProber(t *testing.T) {
	samples := make([]float64, 40)
	for i := range samples {
		samples[i] = 1e9 * float64(i*i) / 20
	}
	lengths, err := dist.NewSamples(samples)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range someSettings {
		for _, noAnswer := range []bool{true, false} {
			const phases = 500
			want := 0.0
			for _, length := range samples {
				for i := range phases {
					phase := s.Period * time.Duration(2*i+1) / (2 * phases)
					if prober(s, phase, time.Duration(length), noAnswer) >= 0 {
						want += 1.0 / phases / float64(len(samples))
					}
				}
			}
			if got := s.StallKills(dist.Duration{Nanoseconds: lengths}, noAnswer); math.Abs(got-want) > .002 {
				t.Errorf("%+v: %v, want %v", s, got, want)
			}
		}
	}
}

// TestStallKillsOfEveryFamily compares the integral with the mean over the
// distribution's quantiles.
func TestStallKillsOfEveryFamily(t *testing.T) {
	s := every(10*time.Second, time.Second, 3)
	lognormal := dist.LogNormal{Mu: math.Log(5e9), Sigma: 1}
	for _, d := range []dist.Dist{
		lognormal, dist.Exponential(8e9), dist.Uniform{Low: 1e9, High: 40e9}, dist.Gamma{Shape: 2, Scale: 6e9},
		dist.Weibull{Shape: .7, Scale: 6e9}, dist.Pareto{Scale: 5e9, Shape: 1.5}, dist.Triangular{Low: 0, Mode: 20e9, High: 40e9},
		dist.Mixture{{Weight: 3, Of: dist.Constant(25e9)}, {Weight: 1, Of: lognormal}}, dist.Shift{By: 15e9, Of: lognormal},
		dist.Shift{By: 25e9, Of: dist.Exponential(3e9)}, dist.Normal{Mu: 20e9, Sigma: 5e9},
	} {
		want := 0.0
		const n = 200000
		for i := range n {
			length := d.Quantile((float64(i) + .5) / n)
			want += math.Min(1, math.Max(0, (length-21e9)/10e9)) / n
		}
		if got := s.StallKills(dist.Duration{Nanoseconds: d}, true); math.Abs(got-want) > 1e-5 {
			t.Errorf("%T: %v, want %v", d, got, want)
		}
	}
}

// TestRenewalReward plays the alternating process with the prober's rules and
// counts the kills, for stalls so frequent that their rate alone would be far
// TestLognormalIntegral holds the closed form of the lognormal's integrated
// survival to a sum over fine steps, from the body to tails of 1e-12 and for
// narrow and wide spreads, of which a large one has a mean far beyond its body.
func TestLognormalIntegral(t *testing.T) {
	for _, sigma := range []float64{.05, .5, 1.3, 4, 10} {
		d := dist.LogNormal{Mu: 3, Sigma: sigma}
		for _, z := range [][2]float64{{-9, -7}, {-1, -.9}, {-3, 3}, {0, .01}, {1, 6}, {6, 7}, {6.9, 7}} {
			a, b := math.Exp(d.Mu+sigma*z[0]), math.Exp(d.Mu+sigma*z[1])
			// By x = exp(Mu + Sigma·z), and Simpson's rule over z.
			const steps = 4000
			h := (z[1] - z[0]) / steps
			want := 0.0
			for i := range steps + 1 {
				at := z[0] + h*float64(i)
				weight := float64(2 + 2*(i%2))
				if i == 0 || i == steps {
					weight = 1
				}
				want += weight * sigma * math.Exp(d.Mu+sigma*at) * math.Erfc(at/math.Sqrt2) / 2
			}
			want *= h / 3
			if got := integral(d, a, b); math.Abs(got-want) > 1e-9*want {
				t.Errorf("sigma %g, scores %v: %v, want %v", sigma, z, got, want)
			}
		}
	}
}

// off.
func TestRenewalReward(t *testing.T) {
	s := every(10*time.Second, time.Second, 3)
	for _, ends := range []bool{true, false} {
		st := Stalls{
			Every: dist.Duration{Nanoseconds: dist.Exponential(60e9)}, Lasts: dist.Duration{Nanoseconds: dist.Exponential(20e9)},
			NoAnswer: true, EndsWithProcess: ends,
		}
		after := Restart{Down: 2 * time.Second, Guard: s, CDF: dist.Duration{}.CDF}
		r := rand.New(rand.NewPCG(4, 5))
		now, kills := time.Duration(0), 0.0
		for range 200000 {
			now += st.Every.Sample(r)
			length := st.Lasts.Sample(r)
			from := now
			now += length
			for {
				phase := s.Period - from%s.Period
				verdict := prober(s, phase, now-from, true)
				if verdict < 0 {
					break
				}
				kills++
				if ends {
					now = from + verdict + after.Down
					break
				}
				from += verdict + after.Down
			}
		}
		got, want := st.Rates(s, after), kills/now.Seconds()
		if math.Abs(got.Kills/want-1) > .015 {
			t.Errorf("ends with the process: %v: %v kills a second, played %v", ends, got.Kills, want)
		}
		if ends == (got.Kills > got.Runs) {
			t.Errorf("ends with the process: %v, but %v kills in %v stalls that kill", ends, got.Kills, got.Runs)
		}
	}
}

// TestPublishedBudget has the numbers of S5: sixty failures ten seconds apart guarantee 590 s, not
// 600; a new pod's grid leaves nearly all of it.
func TestPublishedBudget(t *testing.T) {
	for _, c := range []struct {
		name                     string
		s                        Settings
		guaranteed, newPod, most Number
	}{
		{"60 × 10 s", every(10*time.Second, time.Second, 60), 590, 599.78, 600},
		{"D=5 P=10 F=3 lets 13 s pass on a new pod's grid", Settings{10 * time.Second, time.Second, 5 * time.Second, 3, 1}, 24, 29.78, 35},
		{"D=30 F=5 on a start in the middle of a second", Settings{10 * time.Second, time.Second, 30 * time.Second, 5, 1}, 69, 69.78, 80},
		{"one attempt a second", every(time.Second, time.Second, 1), 0, .78, 1},
	} {
		b := c.s.Budget(false)
		if math.Abs(float64(b.Guaranteed-c.guaranteed)) > 1e-9 || math.Abs(float64(b.NewPod-c.newPod)) > 1e-9 || math.Abs(float64(b.Most-c.most)) > 1e-9 {
			t.Errorf("%s: %+v, want %v %v %v", c.name, b, c.guaranteed, c.newPod, c.most)
		}
	}
}

// TestBudgetOverPhases holds the quantiles of a startup budget to a count over
// every phase of the grid and of the wall clock's second.
func TestBudgetOverPhases(t *testing.T) {
	for _, s := range []Settings{
		every(10*time.Second, time.Second, 60),
		{10 * time.Second, time.Second, 5 * time.Second, 3, 1}, {time.Second, time.Second, 7 * time.Second, 20, 1}, {3 * time.Second, 5 * time.Second, 0, 8, 1},
	} {
		const steps = 400
		var lasts []float64
		for i := range steps {
			for j := range steps {
				look := s.Period * time.Duration(2*i+1) / (2 * steps)
				wall := time.Second * time.Duration(2*j+1) / (2 * steps) // since the last whole second, at the start
				for (look + wall).Truncate(time.Second) < s.InitialDelay {
					look += s.Period
				}
				lasts = append(lasts, (look + time.Duration(s.Failures-1)*s.Period).Seconds())
			}
		}
		slices.Sort(lasts)
		mean := total(lasts) / float64(len(lasts))
		b, tolerance := s.Budget(false), 1.5*(s.Period.Seconds()+1)/steps
		for name, pair := range map[string][2]float64{
			"min": {float64(b.AnyPhase.Min), lasts[0]}, "mean": {float64(b.AnyPhase.Mean), mean}, "max": {float64(b.AnyPhase.Max), lasts[len(lasts)-1]},
			"p50": {float64(b.AnyPhase.P50), lasts[len(lasts)/2]}, "p90": {float64(b.AnyPhase.P90), lasts[len(lasts)*9/10]}, "p99": {float64(b.AnyPhase.P99), lasts[len(lasts)*99/100]},
		} {
			if math.Abs(pair[0]-pair[1]) > tolerance {
				t.Errorf("%+v: %s %v, want %v", s, name, pair[0], pair[1])
			}
		}
	}
}

// TestStartupKillsAgainstGrid looks at every phase of grid and wall clock.
func TestStartupKillsAgainstGrid(t *testing.T) {
	startup := dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(28e9), Sigma: .3}}
	for _, s := range []Settings{
		{10 * time.Second, time.Second, 5 * time.Second, 3, 1}, {10 * time.Second, time.Second, 30 * time.Second, 1, 1},
		{time.Second, time.Second, 7 * time.Second, 20, 1}, {3 * time.Second, 5 * time.Second, 0, 8, 1},
	} {
		const steps = 200
		want, got := 0.0, s.StartupKills(startup.CDF, false, s.anyPhase())
		for i := range steps {
			for j := range steps {
				anchor := s.Period * time.Duration(2*i+1) / (2 * steps)
				wall := time.Second * time.Duration(2*j+1) / (2 * steps) // since the last whole second, at the start
				look := s.Period - anchor
				for (look + wall).Truncate(time.Second) < s.InitialDelay {
					look += s.Period
				}
				last := look + time.Duration(s.Failures-1)*s.Period
				want += (1 - startup.CDF(last)) / steps / steps
			}
		}
		if math.Abs(got-want) > .003*want {
			t.Errorf("%+v: %v, want %v", s, got, want)
		}
	}
}

// TestReadyLag: a startup that is spread over a period waits half a period on
// average (A21), whatever the grid; an initial delay that ends later leaves the
// grid that begins within a second of the start. For a process that is up
// at once, a wasted trigger in ten adds a period of 10 s.
func TestReadyLag(t *testing.T) {
	s := every(10*time.Second, time.Second, 3)
	uniform := dist.Duration{Nanoseconds: dist.Uniform{Low: 10e9, High: 20e9}}
	is := func(name string, d *Delay, low, mean, high float64) {
		t.Helper()
		for _, pair := range [][2]float64{{float64(d.Min), low}, {float64(d.Mean), mean}, {float64(d.Max), high}} {
			if math.Abs(pair[0]-pair[1]) > .3 {
				t.Errorf("%s: %+v, want %v %v %v", name, d, low, mean, high)
			}
		}
	}
	is("spread over a period", s.ReadyLag(uniform, nil, 0).Seconds(), 0, 5, 10)
	// The server of incident infinispan-operator#1387: up at 11 s, Ready at 20 s.
	delayed := s
	delayed.InitialDelay = 10 * time.Second
	is("up at 11 s", delayed.ReadyLag(dist.Constantly(11*time.Second), nil, 0).Seconds(), 0, 9.14, 10) // at once, if the second trigger comes last
	// One trigger in ten is wasted, and the attempt comes after 10.03 s (K74).
	is("up at once", s.ReadyLag(dist.Duration{}, nil, 0).Seconds(), .04, 1.04, 10.04)
	is("up at once, just listed", s.ReadyLag(dist.Duration{}, nil, time.Second).Seconds(), 1, 1.9, 10.04)
	delayed.InitialDelay = 600 * time.Second
	is("held up for 600 s, with syncs meanwhile", delayed.ReadyLag(uniform, nil, 0).Seconds(), 579, 589.5, 600) // K8 lets it end up to a second early
	delayed.InitialDelay = 50 * time.Second
	is("held up for 50 s", delayed.ReadyLag(uniform, nil, 0).Seconds(), 30, 35.54, 41)
	s.Successes = 3
	startup := every(2*time.Second, time.Second, 30)
	is("behind a startup probe", s.ReadyLag(uniform, &startup, 0).Seconds(), 20, 21, 22)
	startup.InitialDelay = 30 * time.Second
	is("behind a late startup probe", s.ReadyLag(dist.Constantly(5*time.Second), &startup, 0).Seconds(), 44.8, 45.2, 46.8)
}

// TestPublishedQuota reproduces S8, and the budgets of advice A27.
func TestPublishedQuota(t *testing.T) {
	const period = 100 * ms
	for _, c := range []struct {
		demand             time.Duration
		milli              int64
		wall               time.Duration
		periods, throttled int64
	}{
		{30 * ms, 130, 204 * ms, 3, 2},
		{26 * ms, 130, 113 * ms, 2, 1},
		{13 * ms, 130, 13 * ms, 1, 0},
		{30 * ms, 0, 30 * ms, 1, 0},
		{5 * ms, 20, 201 * ms, 3, 2},
		{3 * ms, 1, 201 * ms, 3, 2}, // a quota is at least 1 ms (K59)
	} {
		wall, periods, throttled := WallTime(c.demand, c.milli, period)
		if wall != c.wall || periods != c.periods || throttled != c.throttled {
			t.Errorf("%v at %dm: %v, throttled in %d of %d, want %v, %d of %d", c.demand, c.milli, wall, throttled, periods, c.wall, c.throttled, c.periods)
		}
	}
	for milli, want := range map[int64]time.Duration{20: 20 * ms, 50: 50 * ms, 0: time.Second} {
		if got := HandlerBudget(time.Second, milli, period); got != want {
			t.Errorf("budget at %dm: %v, want %v", milli, got, want)
		}
	}
	if wall, _, _ := WallTime(20*ms, 20, period); wall > time.Second {
		t.Errorf("the budget itself takes %v, more than the timeout", wall)
	}
}

// TestPublishedQueue reproduces S6.
func TestPublishedQueue(t *testing.T) {
	if got := ErlangC(5, 4); math.Abs(got-.5541) > 5e-5 {
		t.Errorf("C(5, 4) = %v, want .5541", got)
	}
	if got, want := ErlangC(1, .7), .7; math.Abs(got-want) > 1e-12 {
		t.Errorf("C(1, .7) = %v, want the load itself", got)
	}
	if got, want := QueueExceeds(time.Second, 5, 4, 1), .5541*math.Exp(-1); math.Abs(got-want) > 5e-5 {
		t.Errorf("P(W > 1 s) = %v, want %v", got, want)
	}
	if QueueExceeds(time.Second, 2, 3, 1) != 1 {
		t.Error("an overloaded queue does not always exceed")
	}
}
