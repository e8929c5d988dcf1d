package fit

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/stats"
)

// StallCounts are what was counted of one pod's liveness probe, and the probe.
type StallCounts struct {
	Failures, Kills         int64         // failed attempts, and kills by the probe
	FailuresOver, KillsOver time.Duration // how long each was counted; the shorter lies within the longer
	Period, Timeout         time.Duration
	FailureThreshold        int
}

// mostFailures bounds the counts whose likelihood is summed exactly.
const mostFailures = 10_000

// check returns what is wrong with the counts, each as one line that begins
// with the name of the number.
func (c StallCounts) check() error {
	var faults []error
	wrong := func(holds bool, format string, args ...any) {
		if holds {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Failures < 1 || c.Failures > mostFailures, "failures: %d: must be between 1 and %d", c.Failures, mostFailures)
	wrong(c.Kills < 0, "kills: %d: must not be negative", c.Kills)
	wrong(c.FailuresOver <= 0 || c.KillsOver <= 0, "over: must be the time over which failures were counted, and after a slash that of the kills where it is another: 12d/13d")
	wrong(c.Period < time.Second, "period: %v: must be at least 1s", c.Period)
	wrong(c.Timeout < time.Second || c.Timeout > c.Period, "timeout: %v: must be at least 1s and at most the period, beyond which rule S3 does not hold", c.Timeout)
	wrong(c.FailureThreshold < 2 || c.FailureThreshold > 1000, "failure-threshold: %d: must be between 2 and 1000: with 1 every failure kills, and kills say nothing of how long stalls last", c.FailureThreshold)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	if attempts := float64(c.FailuresOver) / float64(c.Period); float64(c.Failures) > attempts {
		return fmt.Errorf("failures: %d: a probe every %v makes %.0f attempts in %v", c.Failures, c.Period, attempts, c.FailuresOver)
	}
	if c.ratio() >= 1/float64(c.FailureThreshold) {
		return fmt.Errorf("kills: %d: every kill takes %d failures, and more than these %d would be left over by stalls of any length: the process hung for good, or not all failures were counted",
			c.Kills, c.FailureThreshold, c.Failures)
	}
	return nil
}

// ratio is the number of kills for one failure.
func (c StallCounts) ratio() float64 {
	return float64(c.Kills) / c.KillsOver.Seconds() / (float64(c.Failures) / c.FailuresOver.Seconds())
}

// Stalls is a process of stalls at random instants, of exponential length, each
// of which ends with the process when it kills it.
type Stalls struct {
	Counts StallCounts
	// EverySeconds is the mean time from the end of one stall to the start of
	// the next, LastsSeconds the mean length. Where nothing was killed only an
	// upper bound of the length is known; then the estimates are NaN.
	EverySeconds, LastsSeconds stats.Estimate
	PerDay                     stats.Estimate
	KillsPerStall              float64
	FailuresPerStall           float64
	// Every and Lasts are the process to simulate: the estimates, or at the
	// upper bound of the length. LongEvery and LongLasts are the one with the
	// longest stalls that agree with the counts (S16).
	Every, Lasts         time.Duration
	LongEvery, LongLasts time.Duration
	// Failures and Kills are the counts with the intervals of what they measure.
	Failures, Kills stats.Estimate
	// IndependentKills is the number of kills that independent failures as
	// frequent as these would bring in the time (S1).
	IndependentKills float64
	Notes            []string
}

// ProcessOfStalls fits the rate and the mean length of stalls to the counts. A
// stall of exponential length of mean m that begins at a uniform phase of the
// period P fails its first attempt with probability a = e^(−T/m)·(m/P)·(1−x),
// x = e^(−P/m), and each further one with probability x (S3). With threshold F
// kills and failures for each stall are a·x^(F−1) and a·(1 + x + … + x^(F−1)),
// whose ratio decides x; the failures then decide the rate. Intervals are those
// of the profile likelihood of both counts.
func ProcessOfStalls(c StallCounts, confidence float64) (*Stalls, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Stalls{Counts: c}
	l := &stallLikelihood{c, mathext.NormalQuantile((1 + confidence) / 2)}
	mean, rate := l.moments()
	lowMean, highMean := l.interval(l.overRate, mean)
	if c.Kills == 0 {
		lowMean, mean = 0, highMean
		rate = math.Exp(l.bestRate(mean))
	}
	lowRate, highRate := l.interval(l.overMean, rate)
	first, stay := stallOdds(c, mean)
	s.KillsPerStall = killsPerStall(c, mean)
	s.FailuresPerStall = first * geometricSum(stay, c.FailureThreshold)
	every := func(rate float64) float64 { return 1/rate - mean*(1-s.KillsPerStall) }
	if every(rate) <= mean {
		return nil, fmt.Errorf("failures: %d in %v: the process would stall for more than half of the time: the counts are those of an outage", c.Failures, c.FailuresOver)
	}
	known := func(x float64) float64 {
		if c.Kills == 0 {
			return math.NaN()
		}
		return x
	}
	estimate := func(x, low, high float64) stats.Estimate {
		return stats.Estimate{Estimate: known(x), Low: low, High: high, Confidence: confidence, Method: "profile likelihood", N: c.Failures}
	}
	s.LastsSeconds = estimate(mean, lowMean, highMean)
	s.PerDay = estimate(rate*86400, lowRate*86400, highRate*86400)
	s.EverySeconds = estimate(every(rate), math.Max(0, every(highRate)), every(lowRate))
	if c.Kills == 0 { // ever shorter stalls, of which ever fewer meet a probe
		s.PerDay.High, s.EverySeconds.Low = math.Inf(1), 0
	}
	s.Every, s.Lasts = toDuration(every(rate)), toDuration(mean)
	s.LongLasts = toDuration(highMean)
	s.LongEvery = toDuration(1/math.Exp(l.bestRate(highMean)) - highMean*(1-killsPerStall(c, highMean)))
	s.count(confidence, first, stay)
	return s, nil
}

// count adds the counts' own intervals and what independence would expect.
func (s *Stalls) count(confidence, first, stay float64) {
	c := s.Counts
	low, high := stats.Garwood(float64(c.Kills), confidence)
	s.Kills = stats.Estimate{Estimate: float64(c.Kills), Low: low, High: high, Confidence: confidence, Method: "Garwood", N: c.Kills}
	squares := 0.0
	for j, chance := 1, first; j <= c.FailureThreshold; j, chance = j+1, chance*stay {
		exactly := chance * (1 - stay)
		if j == c.FailureThreshold {
			exactly = chance
		}
		squares += float64(j) * float64(j) * exactly
	}
	dispersion := squares / s.FailuresPerStall // failures come in runs
	low, high = stats.Garwood(float64(c.Failures)/dispersion, confidence)
	s.Failures = stats.Estimate{Estimate: float64(c.Failures), Low: low * dispersion, High: high * dispersion, Confidence: confidence,
		Method: fmt.Sprintf("Garwood over clusters, dispersion %.2g", dispersion), N: c.Failures}
	period := c.Period.Seconds()
	probability := math.Min(float64(c.Failures)*period/c.FailuresOver.Seconds(), 1)
	s.IndependentKills = c.KillsOver.Seconds() / period / calc.Run{Failures: c.FailureThreshold, Probability: probability}.MeanProbes()
	if c.Kills == 0 {
		s.Notes = append(s.Notes, "nothing was killed: the stalls are the longest that agree with it, and the true ones are shorter")
	}
	if c.Kills > 0 && s.IndependentKills > s.Kills.Low {
		s.Notes = append(s.Notes, fmt.Sprintf("independent failures alone would kill %.3g times: the counts do not show that failures come in runs", s.IndependentKills))
	}
}

func toDuration(seconds float64) time.Duration {
	return time.Duration(math.Round(math.Min(seconds, 3e9) * 1e9))
}

// stallOdds returns the probabilities that a stall fails an attempt at all, and
// after it the next.
func stallOdds(c StallCounts, mean float64) (first, stay float64) {
	p, t := c.Period.Seconds(), c.Timeout.Seconds()
	return math.Exp(-t/mean) * mean / p * -math.Expm1(-p/mean), math.Exp(-p / mean)
}

// killsPerStall returns the probability that a stall kills.
func killsPerStall(c StallCounts, mean float64) float64 {
	first, stay := stallOdds(c, mean)
	return first * math.Pow(stay, float64(c.FailureThreshold-1))
}

// geometricSum returns 1 + x + … + x^(n−1).
func geometricSum(x float64, n int) float64 {
	sum := 0.0
	for range n {
		sum = sum*x + 1
	}
	return sum
}

// stallLikelihood is the likelihood of both counts over the mean length of a
// stall in seconds and the rate of stalls per second.
type stallLikelihood struct {
	StallCounts
	z float64 // normal score of the intervals
}

// moments returns the mean and the rate at which both expected counts are those
// that were counted. Without a kill they are those of very short stalls.
func (l *stallLikelihood) moments() (mean, rate float64) {
	low, high := 0.0, 1.0
	for range 200 {
		x := (low + high) / 2
		if math.Pow(x, float64(l.FailureThreshold-1))/geometricSum(x, l.FailureThreshold) < l.ratio() {
			low = x
		} else {
			high = x
		}
	}
	mean = l.Period.Seconds() / math.Log(1/math.Max(low, 1e-12))
	first, stay := stallOdds(l.StallCounts, mean)
	return mean, float64(l.Failures) / l.FailuresOver.Seconds() / (first * geometricSum(stay, l.FailureThreshold))
}

// log returns the logarithm of the likelihood. Stalls of exactly j failures come
// independently for each j, so that failures are a compound Poisson count; the
// kills are the stalls of F failures.
func (l *stallLikelihood) log(mean, rate float64) float64 {
	first, stay := stallOdds(l.StallCounts, mean)
	f := l.FailureThreshold
	both := math.Min(l.FailuresOver.Seconds(), l.KillsOver.Seconds())
	sizes := make([]float64, f+1) // expected stalls of j failures in the time of the failures
	chance := first
	for j := 1; j < f; j++ {
		sizes[j] = rate * l.FailuresOver.Seconds() * chance * (1 - stay)
		chance *= stay
	}
	kills := rate * chance // per second
	beyond := l.KillsOver.Seconds() - both
	sizes[f] = kills * (l.FailuresOver.Seconds() - both) // kills that were not counted as such
	failures := compoundPoisson(sizes, int(l.Failures))
	sum := math.Inf(-1)
	for k := int64(0); k <= l.Kills && k*int64(f) <= l.Failures; k++ {
		sum = logSum(sum, logPoisson(k, kills*both)+logPoisson(l.Kills-k, kills*beyond)+failures[l.Failures-k*int64(f)])
	}
	return sum
}

// compoundPoisson returns the logarithms of the probabilities of 0 to most,
// where occurrences that count j come sizes[j] times on average (Panjer 1981).
func compoundPoisson(sizes []float64, most int) []float64 {
	logs := make([]float64, most+1)
	recent := make([]float64, len(sizes)) // relative probabilities of n−1, n−2, …, at 1, 2, …
	offset := 0.0
	for _, size := range sizes {
		offset -= size
	}
	recent[1], logs[0] = 1, offset
	for n := 1; n <= most; n++ {
		next := 0.0
		for j := 1; j < len(sizes); j++ {
			next += float64(j) * sizes[j] * recent[j] / float64(n)
		}
		copy(recent[2:], recent[1:])
		recent[1] = next
		if next > 1e200 || next > 0 && next < 1e-200 {
			for j := range recent {
				recent[j] /= next
			}
			offset += math.Log(next)
			next = 1
		}
		logs[n] = math.Log(next) + offset
	}
	return logs
}

func logPoisson(k int64, mean float64) float64 {
	if mean == 0 {
		if k == 0 {
			return 0
		}
		return math.Inf(-1)
	}
	factorial, _ := math.Lgamma(float64(k) + 1)
	return float64(k)*math.Log(mean) - mean - factorial
}

// logSum returns log(eᵃ + eᵇ).
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// overRate returns the greatest likelihood for a mean over all rates, overMean
// that for a rate over all means.
func (l *stallLikelihood) overRate(mean float64) float64 {
	return l.log(mean, math.Exp(l.bestRate(mean)))
}

func (l *stallLikelihood) overMean(rate float64) float64 {
	logP := math.Log(l.Period.Seconds())
	at := greatest(func(logMean float64) float64 { return l.log(math.Exp(logMean), rate) }, logP-5, logP+6)
	return l.log(math.Exp(at), rate)
}

// bestRate returns the logarithm of the rate of greatest likelihood for a mean.
func (l *stallLikelihood) bestRate(mean float64) float64 {
	first, stay := stallOdds(l.StallCounts, mean)
	guess := math.Log(float64(l.Failures) / l.FailuresOver.Seconds() / (first * geometricSum(stay, l.FailureThreshold)))
	return greatest(func(logRate float64) float64 { return l.log(mean, math.Exp(logRate)) }, guess-4, guess+4)
}

// interval returns the values around one near the best at which a profile of
// the likelihood has fallen by z²/2 (Wilks 1938). An end at which it has not
// fallen so far within a factor of 400 stays there.
func (l *stallLikelihood) interval(profile func(float64) float64, near float64) (low, high float64) {
	const reach = 6
	at := func(x float64) float64 { return profile(math.Exp(x)) }
	center := math.Log(near)
	best := greatest(at, center-2, center+2)
	if l.Kills == 0 { // the shorter the likelier: from the longest that is as likely as any
		best = center
	}
	bound := at(best) - l.z*l.z/2
	end := func(direction float64) float64 {
		inside, outside := best, best+direction*reach
		if at(outside) > bound {
			return math.Exp(outside)
		}
		for range 25 {
			if middle := (inside + outside) / 2; at(middle) > bound {
				inside = middle
			} else {
				outside = middle
			}
		}
		return math.Exp((inside + outside) / 2)
	}
	return end(-1), end(1)
}

// greatest returns the place between low and high at which a function with one
// summit is greatest, by golden section.
func greatest(f func(float64) float64, low, high float64) float64 {
	ratio := (math.Sqrt(5) - 1) / 2
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	atA, atB := f(a), f(b)
	for high-low > 1e-4 {
		if atA < atB {
			low, a, atA = a, b, atB
			b = low + ratio*(high-low)
			atB = f(b)
		} else {
			high, b, atB = b, a, atA
			a = high - ratio*(high-low)
			atA = f(a)
		}
	}
	return (low + high) / 2
}
