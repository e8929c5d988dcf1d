package calc

import (
	"math"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Settings are the numbers of one probe that decide its timing. Period and
// Timeout are above 0, Failures and Successes at least 1.
type Settings struct {
	Period, Timeout, InitialDelay time.Duration
	Failures, Successes           int
}

// step is the time from the start of one attempt to that of the next while
// attempts get no answer: the period, or the timeout where that is longer,
// because the tick that passed meanwhile is taken the instant the attempt
// ends (K5).
func (s Settings) step(noAnswer bool) time.Duration {
	if noAnswer {
		return max(s.Period, s.Timeout)
	}
	return s.Period
}

// Tolerates returns the longest stall that can never kill, whatever its phase:
// T + (F−1)·P where attempts get no answer and T <= P, F·T where T > P, and
// (F−1)·P where they fail at once (S3). A stall longer by a period always
// kills.
func (s Settings) Tolerates(noAnswer bool) time.Duration {
	last := Times(s.Failures-1, s.step(noAnswer))
	if noAnswer {
		return last + s.Timeout
	}
	return last
}

// Times returns n times d, at most dist.Longest: Kubernetes accepts any threshold
// (K57), and people write the greatest to switch a verdict off.
func Times(n int, d time.Duration) time.Duration {
	if float64(n)*float64(d) >= float64(dist.Longest) {
		return dist.Longest
	}
	return time.Duration(n) * d
}

// StallKills returns the probability that a stall which begins at a uniform
// phase of the probe's grid makes Failures attempts in a row fail (S3). For a
// stall of length L that is clamp((L − c)/P, 0, 1) with c = Tolerates, and its
// mean over L is 1/P times the integral of P(L > x) over x from c to c + P. All
// other attempts are answered in time.
func (s Settings) StallKills(lasts dist.Duration, noAnswer bool) float64 {
	return clampedMean(lasts, s.Tolerates(noAnswer), s.Period)
}

// clampedMean returns the mean of clamp((L − from)/width, 0, 1).
func clampedMean(lasts dist.Duration, from, width time.Duration) float64 {
	return integral(lasts.Nanoseconds, float64(from), float64(from+width)) / float64(width)
}

// integral returns the integral of P(X > x) over x from a to b.
func integral(d dist.Dist, a, b float64) float64 {
	if a < 0 && a < b { // nothing is below 0
		beyond := math.Min(b, 0)
		return beyond - a + integral(d, math.Max(a, 0), math.Max(b, 0))
	}
	switch d := d.(type) {
	case nil:
		return 0
	case dist.Constant:
		return math.Min(math.Max(float64(d)-a, 0), b-a)
	case dist.Exponential:
		m := float64(d)
		return -m * math.Exp(-a/m) * math.Expm1((a-b)/m)
	case dist.Shift:
		return integral(d.Of, a-d.By, b-d.By)
	case dist.Mixture:
		sum, weights := 0.0, 0.0
		for _, part := range d {
			sum += part.Weight * integral(part.Of, a, b)
			weights += part.Weight
		}
		return sum / weights
	case dist.LogNormal:
		if d.Sigma > 0 && !math.IsInf(d.Mean(), 1) {
			return lognormalIntegral(d, a, b)
		}
	}
	return adaptive(func(x float64) float64 { return 1 - d.CDF(x) }, a, b)
}

// lognormalIntegral is the integral of P(X > x) over x from a to b, by parts:
// b·P(X > b) − a·P(X > a) and the part of the mean that lies between a and b.
// Each tail of the normal distribution is taken from the side that keeps its
// precision where next to nothing is left.
func lognormalIntegral(d dist.LogNormal, a, b float64) float64 {
	if !(a < b) {
		return 0
	}
	above := func(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
	score := func(x float64) float64 { return (math.Log(x) - d.Mu) / d.Sigma } // −∞ at 0
	from, to := score(a), score(b)
	between := above(from-d.Sigma) - above(to-d.Sigma)
	if from < d.Sigma {
		between = above(d.Sigma-to) - above(d.Sigma-from)
	}
	return math.Max(0, b*above(to)-a*above(from)+d.Mean()*between)
}

// adaptive integrates f from a to b by Simpson's rule, halving where halving
// still changes the result by more than f, a probability, is known to. Jumps
// cost it no more than their neighbourhood.
func adaptive(f func(float64) float64, a, b float64) float64 {
	const pieces, depth = 16, 32
	sum := 0.0
	for i := range pieces {
		from, to := a+(b-a)*float64(i)/pieces, a+(b-a)*float64(i+1)/pieces
		middle := (from + to) / 2
		sum += simpson(f, from, to, f(from), f(middle), f(to), depth)
	}
	return sum
}

func simpson(f func(float64) float64, a, b, atA, atMiddle, atB float64, depth int) float64 {
	middle := (a + b) / 2
	left, right := f((a+middle)/2), f((middle+b)/2)
	whole := (b - a) / 6 * (atA + 4*atMiddle + atB)
	halves := (b - a) / 12 * (atA + 4*left + 2*atMiddle + 4*right + atB)
	const known = 1e-15 // of 1 − CDF
	if depth == 0 || math.Abs(halves-whole) <= 1e-9*math.Abs(halves)+known*(b-a) {
		return halves + (halves-whole)/15
	}
	return simpson(f, a, middle, atA, left, atMiddle, depth-1) + simpson(f, middle, b, atMiddle, right, atB, depth-1)
}

// Stalls are stretches in which no probe is answered in time, each a time of
// Every after the end of the last: an alternating renewal process.
type Stalls struct {
	Every, Lasts dist.Duration
	// NoAnswer is true where the process stands still, so that attempts time
	// out; false where it answers with failures.
	NoAnswer bool
	// EndsWithProcess is true where a kill ends the stall, and a new process
	// begins with a time of Every: a garbage collection, and not stolen time.
	EndsWithProcess bool
}

// StallRates are what stalls do to a probe in the long run.
type StallRates struct {
	Kills   float64 // false kills per second
	Runs    float64 // stalls per second that kill at least once
	Stalled float64 // share of time in stalls
}

// Rates returns the long-run rates by renewal and reward: what one cycle of
// Every and Lasts yields on average, over its mean length. It holds for any
// frequency of stalls, on condition that the phase of the probe's grid at a
// stall's beginning is uniform: Every is spread over at least a period.
//
// A stall that ends with the process kills once and is over then; starts that
// are killed may follow. One that goes on through the restart may kill the next
// process too, and so on.
func (st Stalls) Rates(s Settings, after Restart) StallRates {
	first := clampedMean(st.Lasts, s.Tolerates(st.NoAnswer), s.Period)
	every := math.Min(meanOf(st.Every), float64(dist.Longest))
	if st.EndsWithProcess {
		lasts := st.endedMean(s)
		cycle := (every + lasts + first*float64(after.Down)) / 1e9
		return StallRates{Kills: first * after.kills(s, st.NoAnswer) / cycle, Runs: first / cycle, Stalled: lasts / 1e9 / cycle}
	}
	lasts := math.Min(meanOf(st.Lasts), float64(dist.Longest))
	cycle := (every + lasts) / 1e9
	kills := first
	if first > 0 {
		kills += st.again(s, after, first)
	}
	return StallRates{Kills: kills / cycle, Runs: first / cycle, Stalled: lasts / 1e9 / cycle}
}

// killsAtOnce is the number of kills in a row after which a process that lives
// for the default 30 s to its kill first has to wait for its restart: the second
// kill sets the back-off to 10 s, and each one that finds the process to have
// lived longer doubles it (K40).
const killsAtOnce = 5

// again returns the mean number of further kills in a stall that outlives the
// first, which has the given probability. The next process starts after the
// verdict and is probed on the same grid. One that stands still before it is
// able to serve refuses connections until both the stall and its startup have
// ended, so that a further kill takes a stall as long as the last attempt
// allowed, or a startup that is too long by itself. Only the kills before the
// back-off holds up a restart for longer than processes live then are counted.
func (st Stalls) again(s Settings, after Restart, first float64) float64 {
	guard, timeout := after.Guard, time.Duration(0)
	if !st.NoAnswer {
		guard = s
	}
	if st.NoAnswer && (after.upAtOnce() || after.NoAnswer) {
		timeout = guard.Timeout
	}
	span := time.Duration(guard.Failures-1) * guard.step(timeout > 0)
	verdict := s.Tolerates(st.NoAnswer) // since the first failed attempt of the first process
	phase, lost := verdict%s.Period, after.Lost
	sum, before := 0.0, first
	for range killsAtOnce - 1 {
		anchor := (phase + after.Down) % guard.Period
		verdict += after.Down + guard.firstAfter(anchor, guard.gate(time.Second/2)) + lost + span + timeout
		long := clampedMean(st.Lasts, verdict, s.Period)
		kills := long + after.startKills(s, phase, lost)*(before-long)
		if sum += kills; kills < 1e-6*first {
			break
		}
		phase, lost, before = (span+timeout)%guard.Period, 0, kills
	}
	return sum
}

// Restart is what follows a kill.
type Restart struct {
	Down time.Duration // from the verdict to the next process running
	// Guard is the probe that asks a starting process: the startup probe, or
	// the liveness probe where there is none.
	Guard    Settings
	NoAnswer bool                        // attempts against a starting process time out
	Lost     time.Duration               // what the guard loses of its grid after a process that had started (K11)
	CDF      func(time.Duration) float64 // of the startup's duration; nil: not known, and taken to be short enough
}

// upAtOnce reports whether processes take no time to start.
func (r Restart) upAtOnce() bool { return r.CDF != nil && r.CDF(0) == 1 }

// startKills returns the probability that the guard kills the start which
// follows a verdict so long after a point of its grid.
func (r Restart) startKills(s Settings, sinceTick, lost time.Duration) float64 {
	if r.CDF == nil {
		return 0
	}
	anchors := []float64{float64((sinceTick + r.Down) % r.Guard.Period)}
	if r.Guard.Period != s.Period {
		anchors = r.Guard.anyPhase()
	}
	return r.Guard.StartupKills(func(t time.Duration) float64 { return r.CDF(t + lost) }, r.NoAnswer, anchors)
}

// kills returns the mean number of kills that follow from one of a serving
// process, itself included: the guard may kill the start that follows, and the
// starts after that, each at the phase of the grid that the kill before gave it.
func (r Restart) kills(s Settings, noAnswer bool) float64 {
	first := r.startKills(s, s.Tolerates(noAnswer)%s.Period, r.Lost)
	if first == 0 {
		return 1
	}
	return 1 + first/(1-r.startKills(s, r.Guard.Tolerates(r.NoAnswer)%r.Guard.Period, 0))
}

// endedMean returns the mean length in nanoseconds of a stall that a kill ends:
// that of min(L, u + c) over a uniform phase u.
func (st Stalls) endedMean(s Settings) float64 {
	c, p := float64(s.Tolerates(st.NoAnswer)), float64(s.Period)
	const steps = 64
	mean := integral(st.Lasts.Nanoseconds, 0, c)
	for i := range steps {
		from, to := c+p*float64(i)/steps, c+p*float64(i+1)/steps
		mean += integral(st.Lasts.Nanoseconds, from, to) * (1 - (float64(i)+.5)/steps)
	}
	return mean
}
