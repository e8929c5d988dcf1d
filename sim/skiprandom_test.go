package sim_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

var (
	skipWorlds = flag.Int("skip-worlds", 14, "random worlds in which skip-ahead is compared with the event engine")
	skipFrom   = flag.Int("skip-from", 0, "the first of them")
	skipLives  = flag.Int("skip-lives", 16, "lives of 12 h of each world and way")
)

// TestSkipAheadInRandomWorlds holds skip-ahead to the event engine in worlds drawn
// at random, measure by measure: each by Student's t in each world, and over all
// worlds by the sum of the t, which finds small differences that have one sign.
// So many comparisons are made that either bound is one that all of them together
// exceed once in ten thousand runs, if the two ways are equal in law; a life whose
// rare events make a measure skew only lowers its t. Seeds are fixed. More of it:
// go test ./sim -run RandomWorlds -v -args -skip-worlds 500 -skip-lives 24.
func TestSkipAheadInRandomWorlds(t *testing.T) {
	const falseAlarm = 1e-4
	sums, squares, worlds := map[string]float64{}, map[string]float64{}, 0
	most, where := 0.0, ""
	for i := *skipFrom; i < *skipFrom+*skipWorlds; i++ {
		w := drawing{rand.New(rand.NewPCG(uint64(i), 5))}.skippingWorld()
		s, err := sim.New(w)
		if err != nil {
			t.Fatal(err)
		}
		if !s.SkipsAhead() {
			continue
		}
		worlds++
		events, skipped := livesOf(s, uint64(2*i), *skipLives, false), livesOf(s, uint64(2*i+1), *skipLives, true)
		bound := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(2 * (*skipLives - 1))}.Quantile(1 - falseAlarm/2/float64(len(events)**skipWorlds))
		for name := range events {
			a, b := events[name], skipped[name]
			n := float64(*skipLives)
			d, err := (b.sum-a.sum)/n, math.Sqrt((a.variance(n)+b.variance(n))/n)
			if math.Abs(d) <= 1e-9*math.Abs(a.sum)/n {
				continue
			}
			if math.Abs(d) > bound*err {
				t.Errorf("world %d: %s: %.6g event by event, %.6g skipping ahead: t = %.1f, bound %.1f", i, name, a.sum/n, b.sum/n, d/err, bound)
			}
			if err > 0 {
				sums[name], squares[name] = sums[name]+d/err, squares[name]+d*d/err/err
				if math.Abs(d/err) > most {
					most, where = math.Abs(d/err), fmt.Sprintf("world %d: %s", i, name)
				}
			}
		}
	}
	bound := distuv.UnitNormal.Quantile(1 - falseAlarm/2/float64(len(sums)))
	for name, sum := range sums {
		z := sum / math.Sqrt(max(1, squares[name]))
		if math.Abs(z) > bound {
			t.Errorf("%s: over all worlds %.1f standard errors, bound %.1f", name, z, bound)
		}
		if testing.Verbose() {
			t.Logf("%-28s over all worlds %+.2f", name, z)
		}
	}
	t.Logf("%d of %d worlds skip ahead, %d measures; the greatest t is %.1f, %s", worlds, *skipWorlds, len(sums), most, where)
	if worlds < *skipWorlds/2 {
		t.Errorf("only %d of %d worlds skip ahead", worlds, *skipWorlds)
	}
}

// moments are the sums of a measure and of its square.
type moments struct{ sum, square float64 }

// variance returns the sample variance of n values.
func (m moments) variance(n float64) float64 { return max(0, m.square-m.sum*m.sum/n) / (n - 1) }

// livesOf simulates so many lives of 12 h one way and sums what they come to.
func livesOf(s *sim.Simulator, seed uint64, lives int, skips bool) map[string]moments {
	of := map[string]moments{}
	for i := range lives {
		o := s.Run(sim.Life{Seed: seed, Replication: uint64(i), Horizon: 12 * time.Hour, SkipAhead: skips})
		found := measured(o)
		more(o, found)
		for name, x := range found {
			m := of[name]
			of[name] = moments{m.sum + x, m.square + x*x}
		}
	}
	return of
}

// more adds the measures of readiness, starts and samples.
func more(o *sim.Outcome, to map[string]float64) {
	to["startups"], to["kills while starting"] = float64(o.StartupsCompleted), float64(o.KillsWhileStarting)
	to["startup failures"], to["startup kills"] = float64(o.Failures[model.Startup]), float64(o.FalseKills[model.Startup])
	to["startup attempts"] = float64(o.Attempts[model.Startup])
	to["never ready"] = 0
	if o.NeverReady {
		to["never ready"] = 1
	}
	for name, list := range map[string][]time.Duration{
		"removals": o.Removals, "recoveries": o.Recoveries, "dead of a fault": o.FaultDead, "ready lags": o.ReadyLags,
		"times to Ready": o.TimesToReady, "startup times": o.StartupTimes, "kill times": o.FalseKillTimes,
	} {
		total := 0.0
		for _, d := range list {
			total += d.Seconds()
		}
		to[name], to["total of "+name] = float64(len(list)), total
	}
}

// drawing draws worlds.
type drawing struct{ *rand.Rand }

func (d drawing) oneIn(n int) bool { return d.IntN(n) == 0 }

// between draws a duration whose logarithm is uniform.
func (d drawing) between(least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), d.Float64()))
}

// lengths draws a distribution of lengths of about the given mean.
func (d drawing) lengths(least, most time.Duration) dist.Duration {
	mean := d.between(least, most)
	switch d.IntN(4) {
	case 0:
		return dist.Constantly(mean)
	case 1:
		return dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(float64(mean)), Sigma: .8}}
	}
	return exponentially(mean)
}

// skippingWorld draws a world in which lives may mostly skip ahead.
func (d drawing) skippingWorld() *model.World {
	w := world(nil)
	uses := d.oneIn(2)
	c := &w.Pod.Containers[0]
	d.probes(c)
	if uses {
		limit := []int64{0, 100, 250, 500, 1000}[d.IntN(5)]
		c.CPULimitMilli, c.CPURequestMilli = limit, max(100, limit)
		w.Node.InterruptionsPerSecond = float64(30 * d.IntN(2))
	}
	if d.oneIn(4) {
		other := model.Container{Name: "other"}
		d.probes(&other)
		w.Pod.Containers = append(w.Pod.Containers, other)
	}
	if d.oneIn(4) {
		w.Cluster.KubernetesVersion.Minor = model.OldestVersion.Minor + d.IntN(model.NewestVersion.Minor-model.OldestVersion.Minor+1)
	}
	w.Dependencies = []model.OnOff{{Every: d.lengths(time.Hour, 4*time.Hour), Lasts: d.lengths(5*time.Second, 2*time.Minute)}}
	for k, p := range w.Pod.Containers[0].Probes {
		if p != nil {
			d.answers(&w.Application.Probes[k], p, uses)
		}
	}
	boot := model.Stage{Wait: d.lengths(time.Second, 12*time.Second)}
	if uses {
		boot.CPU = d.lengths(10*time.Millisecond, time.Second)
	}
	w.Application.Startup = []model.Stage{boot}
	d.trouble(w, uses)
	return w
}

// probes draws the probes of a container: at least one of readiness and liveness.
func (d drawing) probes(c *model.Container) {
	for c.Probes[model.Readiness] == nil && c.Probes[model.Liveness] == nil {
		for k := range c.Probes {
			if c.Probes[k] = nil; d.oneIn(4) || model.ProbeKind(k) == model.Startup && d.oneIn(2) {
				continue
			}
			period := []int32{1, 2, 3, 5, 10, 15}[d.IntN(6)]
			p := &model.Probe{
				PeriodSeconds: period, TimeoutSeconds: []int32{1, 1, 1, 2, 3, period + 2}[d.IntN(6)],
				FailureThreshold: int32(1 + d.IntN(3)), SuccessThreshold: 1,
			}
			p.Handler.Kind = model.HandlerKind(d.IntN(4))
			if d.oneIn(5) {
				p.InitialDelaySeconds = 17
			}
			if model.ProbeKind(k) == model.Readiness {
				p.SuccessThreshold = int32(1 + d.IntN(2))
			}
			p.SetDefaults()
			if model.ProbeKind(k) == model.Startup {
				p.FailureThreshold = int32(10 + d.IntN(30))
			}
			c.Probes[k] = p
		}
	}
}

// answers draws the answers to a probe, seldom late or failing.
func (d drawing) answers(answer *model.Answer, p *model.Probe, uses bool) {
	often := []float64{1e-5, 1e-3, 1e-2, 3e-2}[d.IntN(4)] / float64(4-min(p.FailureThreshold, 3))
	limit, sigma := min(p.Timeout(), p.Period()), .3+.9*d.Float64()
	median := float64(limit) * math.Exp(-sigma*distuv.UnitNormal.Quantile(1-often))
	answer.Wait = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(median), Sigma: sigma}}
	if d.oneIn(4) {
		answer.Wait = dist.Constantly(time.Duration(d.Float64() * float64(limit) / 2))
	}
	if d.oneIn(2) {
		answer.Failure = []float64{1e-4, 1e-3, 1e-2}[d.IntN(3)] / float64(4-min(p.FailureThreshold, 3))
	}
	if uses {
		answer.CPU = dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(float64(d.between(50*time.Microsecond, 3*time.Millisecond))), Sigma: 1}}
	}
	if uses && p.Handler.Kind == model.Exec && d.oneIn(2) {
		answer.Exec = model.ExecCost{Join: d.lengths(time.Millisecond, 10*time.Millisecond), HelperCPU: d.lengths(time.Millisecond, 5*time.Millisecond)}
	}
	if d.oneIn(5) {
		answer.Cached = d.between(time.Second, 30*time.Second)
	}
	if d.oneIn(5) {
		answer.Failing = &model.OnOff{Every: d.lengths(20*time.Minute, 3*time.Hour), Lasts: d.lengths(2*time.Second, time.Minute)}
	}
	if d.oneIn(3) {
		answer.DependsOn = []int{0}
	}
	answer.HangCoverage = d.Float64()
}

// trouble draws what comes and goes.
func (d drawing) trouble(w *model.World, uses bool) {
	if d.oneIn(2) {
		w.Application.Pauses = []model.OnOff{{Every: d.lengths(10*time.Minute, 2*time.Hour), Lasts: d.lengths(500*time.Millisecond, 8*time.Second)}}
	}
	if d.oneIn(2) {
		w.Node.Stalls = []model.Stall{{
			OnOff: model.OnOff{Every: d.lengths(10*time.Minute, 2*time.Hour), Lasts: d.lengths(100*time.Millisecond, 8*time.Second)}, ChargedToQuota: d.oneIn(2),
		}}
	}
	for range d.IntN(4) {
		n := model.Neighbour{WaitFactor: 1 + 4*d.Float64(), Busy: d.lengths(2*time.Second, 5*time.Minute), Idle: d.lengths(10*time.Second, 30*time.Minute)}
		if d.oneIn(3) {
			n.WaitFactor = 1
		}
		if uses && d.oneIn(2) {
			n.CPURequestMilli = 1000
		}
		w.Node.Neighbours = append(w.Node.Neighbours, n)
	}
	every := [model.ProbeKinds]bool{true, true, true}
	for _, f := range []model.Fault{
		{Name: "deadlock", Every: exponentially(3 * time.Hour), Forever: true, Hangs: true, Probes: every},
		{Name: "bug", Every: d.lengths(time.Hour, 5*time.Hour), Exits: true},
		{Name: "slip", Every: exponentially(time.Hour), Lasts: d.lengths(2*time.Second, time.Minute), Answers: model.FaultFailure, Probes: [model.ProbeKinds]bool{model.Readiness: true}},
		{Name: "silence", Every: exponentially(2 * time.Hour), Lasts: exponentially(20 * time.Second), Answers: model.FaultTimeout, Probes: every},
	} {
		if d.oneIn(3) {
			w.Faults = append(w.Faults, f)
		}
	}
	if d.oneIn(5) {
		w.Application.Resources = []model.Resource{{PerHour: dist.Constant(.1 + .4*d.Float64()), Fails: []model.ProbeKind{model.Readiness}, FailsAt: .8, AtFull: model.FullHangs}}
	}
	for _, event := range []**dist.Duration{&w.Events.Deletion, &w.Events.KubeletRestart, &w.Events.Rollout} {
		if d.oneIn(4) {
			length := d.lengths(time.Hour, 8*time.Hour)
			*event = &length
		}
	}
}
