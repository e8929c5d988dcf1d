package estimate

import (
	"math"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/stats"
)

// loopingWorld is a service of two replicas with room for twice its
// steady load, whose workers answer the probes and whose clients try again: a burst
// may end in kills that do not end.
func loopingWorld() *model.World {
	w := &model.World{Name: "looping", Replicas: 2}
	c := model.Container{Name: "app", CPULimitMilli: 500}
	c.Probes[model.Readiness] = &model.Probe{PeriodSeconds: 5, TimeoutSeconds: 1, FailureThreshold: 2, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	c.Probes[model.Liveness] = &model.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 3, SuccessThreshold: 1, Handler: model.Handler{Kind: model.HTTPGet}}
	w.Pod.Containers = []model.Container{c}
	w.Pod.TerminationGracePeriodSeconds = 30
	w.Application.Threads = 2
	w.Application.Startup = []model.Stage{{CPU: dist.Constantly(2 * time.Second)}}
	for k := range w.Application.Probes {
		w.Application.Probes[k].CPU, w.Application.Probes[k].RunsOn = dist.Constantly(2*time.Millisecond), model.Workers
	}
	burst := model.OnOff{Every: dist.Duration{Nanoseconds: dist.Exponential(4 * time.Hour)}, Lasts: dist.Constantly(2 * time.Minute)}
	w.Application.Traffic = &model.Traffic{
		PerSecond: 2.5, OfService: true, CPU: dist.Constantly(200 * time.Millisecond), Workers: 8, Queue: 51,
		ClientTimeout: 10 * time.Second, RetriesMax: 3, RetriesAfter: time.Second,
		Bursts: []model.Burst{{OnOff: burst, PerSecond: 15}},
	}
	w.Node.CPUs, w.Node.KernelHz, w.Node.CFSPeriod = 4, 250, 100*time.Millisecond
	w.Cluster.KubernetesVersion = model.NewestVersion
	w.Cluster.MinSyncPeriod = time.Second
	return w
}

// TestTriggerSharesOfTime holds the shares of the time without a trigger, after one
// and in a crash loop to a chain with two states, and composed intervals to a sum of
// two: of independent parts the ends are as far away as the root of the sum of squares.
func TestTriggerSharesOfTime(t *testing.T) {
	calm := togetherTally{lives: 4, time: 4 * 10 * time.Minute}
	m := mixture{
		triggers: []trigger{{perSecond: 1 / 3600.}, {perSecond: 1 / 7200.}},
		after:    []*triggered{{calm: calm}, {calm: calm}}, horizon: 36000,
	}
	ordinary, after, looping := m.shares([]float64{0, 0})
	if !near(after[0], 1/6.) || !near(after[1], 1/12.) || !near(ordinary, 0.75) || looping[0] != 0 {
		t.Errorf("without crash loops: %g, %g, %g", ordinary, after, looping)
	}
	// A loop begins at a rate of 0.25/h, for good: (1 - exp(-2.5))/2.5 of ten hours are without.
	without := (1 - math.Exp(-2.5)) / 2.5
	ordinary, after, looping = m.shares([]float64{0.2, 0.1})
	if !near(ordinary+after[0]+after[1], without) || !near(looping[0]+looping[1], 1-without) || !near(looping[0], 4*looping[1]) {
		t.Errorf("with crash loops: %g, %g, %g; %g of the time is without", ordinary, after, looping, without)
	}
	e := composed([]stats.Estimate{{Estimate: 5, Low: 2, High: 9}, {Estimate: 7, Low: 3, High: 10}}, 0.95, func(x []float64) float64 { return x[0] + 2*x[1] })
	if e.Estimate != 19 || !near(e.Low, 19-math.Hypot(3, 8)) || !near(e.High, 19+math.Hypot(4, 6)) {
		t.Errorf("composed: %+v", e)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Max(1, math.Abs(b)) }

// TestRareOutageShowsWhoChecksIt: an outage that comes once in weeks is in no life of
// some hours; with lives of its own it takes all replicas out as often as it comes and
// as long as it lasts where readiness checks the dependency, and never where not.
func TestRareOutageShowsWhoChecksIt(t *testing.T) {
	w := dependentWorld()
	w.Dependencies[0].Every = dist.Duration{Nanoseconds: dist.Exponential(20 * 24 * time.Hour)}
	w.Dependencies[0].Lasts = dist.Constantly(10 * time.Minute)
	result, err := CompareTogether(t.Context(), []Named{{"base", w}}, Options{Seed: 3, Horizon: 30 * 24 * time.Hour, Jobs: 2}, 4, 2*time.Hour, 1e5)
	if err != nil {
		t.Fatal(err)
	}
	checked, unchecked := result.Cases[0].OutOfEndpointsAtOnce[2], result.Cases[1].OutOfEndpointsAtOnce[2]
	perYear := 365.25 / (20 + 10./1440)
	if e := checked.TimesPerYear; e.Low > perYear || e.High < perYear || math.Abs(e.Estimate-perYear) > 0.01*perYear {
		t.Errorf("all out %+v times a year, want %.3g", e, perYear)
	}
	if e, want := checked.FractionOfTime, perYear*600/365.25/86400; e.Low > want || e.High < want || math.Abs(e.Estimate-want) > 0.03*want {
		t.Errorf("all out for %+v of the time, want %.3g", e, want)
	}
	up, want := result.Cases[0].Availability, 1-perYear*600/365.25/86400
	if math.Abs(up.Estimate-want) > 0.03*(1-want) || !agreeing(up, checked.FractionOfTime.Map(func(x float64) float64 { return 1 - x })) {
		t.Errorf("available for %+v of the time, want %.5g", up, want)
	}
	if up := result.Cases[1].Availability; up.Estimate != 1 {
		t.Errorf("available for %+v of the time, and nothing checks the dependency", up)
	}
	if unchecked.TimesPerYear.Estimate != 0 || unchecked.FractionOfTime.Estimate != 0 {
		t.Errorf("nothing checks the dependency: %+v", unchecked)
	}
	for i, want := range []float64{1, 0} {
		if after := result.Cases[i].AfterTriggers; len(after) != 1 || after[0].AllOutProbability.Estimate != want || after[0].Trigger != "an outage of db" {
			t.Errorf("%s: %+v", result.Cases[i].Name, after)
		}
	}
}

// agreeing reports whether two intervals meet.
func agreeing(a, b stats.Estimate) bool { return a.Low <= b.High && b.Low <= a.High }

// TestTriggersAgreeWithLongLives holds what is put together of short lives at bursts
// and between them to lives of the whole horizon in which the bursts come by chance.
func TestTriggersAgreeWithLongLives(t *testing.T) {
	for name, of := range map[string]struct {
		perSecond float64
		retries   int
	}{"crash loops": {2.5, 20}, "kills that end": {2.5, 0}} {
		w := loopingWorld()
		w.Application.Traffic.PerSecond, w.Application.Traffic.RetriesMax = of.perSecond, of.retries
		o := Options{Seed: 5, Horizon: 6 * time.Hour, Jobs: 2, Replications: 16, Plain: true}
		long, err := SimulateTogether(t.Context(), w, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Seed, o.Plain = 6, false
		short, err := CompareTogether(t.Context(), []Named{{"base", w}}, o, 8, time.Hour, 6e6)
		if err != nil {
			t.Fatal(err)
		}
		a, b := long.Cases[0], short.Cases[0]
		for k := range a.OutOfEndpointsAtOnce {
			x, y := a.OutOfEndpointsAtOnce[k], b.OutOfEndpointsAtOnce[k]
			if !agreeing(x.FractionOfTime, y.FractionOfTime) || !agreeing(x.TimesPerYear, y.TimesPerYear) {
				t.Errorf("%s: %d or more out: %+v in long lives, %+v in short ones", name, k+1, x, y)
			}
		}
		if !agreeing(a.CrashLoopProbability, b.CrashLoopProbability) || !agreeing(a.FalseKillsPerPodYear, b.FalseKillsPerPodYear) || !agreeing(a.Availability, b.Availability) || !agreeing(*a.CascadeProbability, *b.CascadeProbability) {
			t.Errorf("%s: crash loop %+v, %+v; kills %+v, %+v; available %+v, %+v; cascade %+v, %+v", name, a.CrashLoopProbability, b.CrashLoopProbability,
				a.FalseKillsPerPodYear, b.FalseKillsPerPodYear, a.Availability, b.Availability, a.CascadeProbability, b.CascadeProbability)
		}
	}
}
