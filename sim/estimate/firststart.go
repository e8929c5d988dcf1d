package estimate

import (
	"math"
	"time"

	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// firstStarts accumulates what becomes of the first start of pods. A pod has one,
// however long it lives, while all that happens later comes with the time. So where the
// lives simulated are shorter than the pods', the false kills of both are apart:
//
//	kills per pod-time = kills of a first start / what a pod lives + later kills / time simulated
//
// Those of a first start are all before a start is outlived, since its restarts may be
// lost too:
//
//	share of first starts lost × (1 + share of their restarts lost again + …)
//
// The former is known from many starts with lives of their own, the latter from the long
// lives, so that it need not be the same share: what has lost one start may be about to
// lose the next.
type firstStarts struct {
	Losses stats.Proportion  // first starts, those with lives of their own included
	Again  stats.Proportion  // restarts before one was outlived that were lost too
	Each   stats.RatioOfSums // kills of each first start that was lost

	// In a life that ends before a start is outlived, kills would have gone on. For how
	// long is known from those that had no such start in the first half of their life.
	Lives        int64
	Time         stats.Wide // of them
	Waiting      int64      // lives without a start that was outlived
	WaitingKills int64      // of these
	Ends         int64      // lives in which the first such start was in the second half
	WaitingTime  stats.Wide // of second halves, before it
}

// add adds the outcome of a long life, and of started lives of a start alone the lost.
func (f *firstStarts) add(o *sim.Outcome, lost, started int64) {
	kills, half := atFirst(o), o.PodTime/2
	if kills > 0 {
		lost++
		f.Again.Add(kills-1, kills)
		f.Each.Add(kills, 1)
	}
	if o.Starts > 0 {
		started++
	}
	f.Losses.Add(lost, started)
	f.Lives++
	f.Time.AddProduct(int64(o.PodTime), 1)
	switch {
	case o.Outlived == 0 && kills > 0:
		f.Waiting++
		f.WaitingKills += kills
		f.WaitingTime.AddProduct(int64(o.PodTime-half), 1)
	case o.Outlived > 0 && o.FirstOutlived > half:
		f.Ends++
		f.WaitingTime.AddProduct(int64(o.FirstOutlived-half), 1)
	}
}

// atFirst returns the false kills of a life's first start.
func atFirst(o *sim.Outcome) int64 {
	var kills int64
	for _, n := range o.KillsAtFirst {
		kills += n
	}
	return kills
}

func (f *firstStarts) merge(other *firstStarts) {
	f.Losses.Merge(&other.Losses)
	f.Again.Merge(&other.Again)
	f.Each.Merge(&other.Each)
	f.Lives += other.Lives
	f.Time.Add(other.Time)
	f.Waiting += other.Waiting
	f.WaitingKills += other.WaitingKills
	f.Ends += other.Ends
	f.WaitingTime.Add(other.WaitingTime)
}

// shorter reports whether the lives were not as long as the pods'.
func (f *firstStarts) shorter(podLife time.Duration) bool {
	return f.Lives > 0 && f.Time.Float() != float64(f.Lives)*float64(podLife)
}

// kills returns the false kills of the first start of a pod that lives so long.
func (f *firstStarts) kills(podLife time.Duration, confidence float64) stats.Estimate {
	if count(f.Losses.Sums.X) == 0 {
		return exactly(0) // nothing has started
	}
	lost, again := f.Losses.Estimate(confidence), f.Again.Estimate(confidence)
	lost.Low = math.Min(lost.Low, leastShare(&lost))
	if count(f.Again.Sums.X) == 0 {
		again = lost // none of the long lives' was
	}
	times := again.Map(func(share float64) float64 { return 1 / (1 - share) })
	if f.Waiting > 0 && f.Each.N > 1 { // which ended by the horizon, not by a start
		times = f.Each.Estimate(math.Inf(1), confidence)
	} else if f.Waiting > 0 { // a single life tells no more than itself
		times = stats.Estimate{Estimate: float64(f.WaitingKills) / float64(f.Waiting), Low: 1, High: math.Inf(1), Confidence: confidence, N: 1}
	}
	e := product(lost, times)
	return product(e, f.longer(podLife, lost.Low, confidence))
}

// longer returns how many times as many kills the first starts have in a pod's life as in
// those simulated, where at least so many of all starts are lost.
func (f *firstStarts) longer(podLife time.Duration, lost, confidence float64) stats.Estimate {
	life := f.Time.Float() / float64(f.Lives)
	more, waiting := float64(podLife)-life, f.WaitingTime.Float()
	if f.WaitingKills == 0 || more <= 0 {
		return exactly(1)
	}
	share := float64(f.WaitingKills) / float64(count(f.Again.Sums.X))
	// A pod that has lost starts loses the next at least as often as any: what they have
	// in common, such as its node, can only be worse than usual.
	most := (1 - lost) * float64(f.WaitingKills) / (float64(f.Waiting) * life)
	low, high := stats.Garwood(float64(f.Ends), confidence)
	e := stats.Estimate{Estimate: float64(f.Ends) / waiting, Low: low / waiting, High: high / waiting, Confidence: confidence, N: f.Ends}
	return e.Map(func(endsPerTime float64) float64 {
		further := more
		if ends := math.Min(endsPerTime, most); ends > 0 {
			further = -math.Expm1(-ends*more) / ends
		}
		return 1 + share*further/life
	})
}

// perTime returns false kills per so much time: those of first starts, and the later
// ones that were counted.
func (f *firstStarts) perTime(later *stats.Count, per, podLife time.Duration, confidence float64) stats.Estimate {
	first := f.kills(podLife, confidence)
	return sum(first.Map(func(kills float64) float64 { return kills * float64(per) / float64(podLife) }), later.Estimate(per, confidence))
}

// share returns the share of windows of a span with a false kill: those of a first start,
// as many for each that is lost as the long lives show, and later ones.
func (f *firstStarts) share(windows *windowTally, span time.Duration, o Options) stats.Estimate {
	perKill := 1.0
	if kills := count(f.Again.Sums.X); kills > 0 {
		perKill = float64(windows.First) / float64(kills)
	}
	first := f.kills(o.podLife(), o.Confidence).Map(func(kills float64) float64 {
		return math.Min(1, perKill*kills*float64(span)/float64(o.podLife()))
	})
	e := sum(first, windows.Later.Estimate(o.Confidence))
	e.Estimate, e.High = math.Min(1, e.Estimate), math.Min(1, e.High)
	return e
}

// sum returns the sum of independent estimates. Each end of the interval is as far from
// it as those of both together, by the root of their squares (Zou and Donner, Statistics
// in Medicine 27, 2008).
func sum(x, y stats.Estimate) stats.Estimate {
	e := stats.Estimate{Estimate: x.Estimate + y.Estimate, Confidence: y.Confidence, Method: y.Method + ", first starts apart: " + x.Method, N: y.N}
	e.Low = e.Estimate - math.Hypot(x.Estimate-x.Low, y.Estimate-y.Low)
	e.High = e.Estimate + math.Hypot(x.High-x.Estimate, y.High-y.Estimate)
	return e
}

// product returns the product of independent estimates in the same way, by the logarithms.
func product(x, y stats.Estimate) stats.Estimate {
	e := stats.Estimate{Estimate: x.Estimate * y.Estimate, Confidence: x.Confidence, Method: x.Method, N: x.N}
	if e.Estimate == 0 {
		if x.High > 0 && y.High > 0 { // either may be without bound
			e.High = x.High * y.High
		}
		return e
	}
	e.Low = e.Estimate * math.Exp(-math.Hypot(math.Log(x.Estimate/x.Low), math.Log(y.Estimate/y.Low)))
	e.High = e.Estimate * math.Exp(math.Hypot(math.Log(x.High/x.Estimate), math.Log(y.High/y.Estimate)))
	return e
}
