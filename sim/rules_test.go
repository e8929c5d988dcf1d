package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
)

// Each test here is named after the rule it holds, K1 to K87 of docs/model.md.
// Those of one worker, and of back-off and grace alone, are in model/kubelet.

// script runs the life of a description, in the words of the timelines; change
// alters what those cannot say.
func script(t *testing.T, description string, change ...func(s *sim.Script)) *sim.Trace {
	t.Helper()
	s, err := scriptOf(strings.Split(strings.TrimSpace(description), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(s)
	}
	return s.Run()
}

// holds fails unless the events whose line contains text come at the wanted
// instants, which are given in seconds as "10.000 20.000".
func holds(t *testing.T, trace *sim.Trace, text, want string) {
	t.Helper()
	var got []string
	for i := range trace.Events {
		e := &trace.Events[i]
		if e.At <= trace.Horizon && strings.Contains(eventLine(e), text) {
			got = append(got, fmt.Sprintf("%.3f", e.At.Seconds()))
		}
	}
	if strings.Join(got, " ") != want {
		t.Errorf("%q at %v, want %q", text, got, want)
	}
}

// attempted is holds for the attempts of one kind of probe, whatever comes of
// them, before the given horizon.
func attempted(t *testing.T, trace *sim.Trace, k model.ProbeKind, before time.Duration, want string) {
	t.Helper()
	attempts := sim.Trace{Horizon: before}
	for _, e := range trace.Events {
		if e.Kind == sim.EventAttempt && e.Probe == k {
			attempts.Events = append(attempts.Events, e)
		}
	}
	holds(t, &attempts, "", want)
}

func TestK1WorkersAreMadeAtTheFirstSync(t *testing.T) {
	trace := script(t, `
pod firstSync=0.3s start=7s until=26s
startup periodSeconds=5 failureThreshold=30
readiness periodSeconds=10
liveness periodSeconds=10
container
  startup 0s failure 1ms
`)
	// Every worker looks at each point of a grid that began before the container.
	holds(t, trace, "startup failure", "10.300 15.300 20.300 25.300")
	holds(t, trace, "startup result: unknown", "10.300")
	holds(t, trace, "readiness result: failure", "10.300")
	holds(t, trace, "liveness result: success", "10.300")

	// Sidecars have workers like regular containers, made in the same sync.
	w := world(func(w *model.World) {
		w.Pod.Containers = append(w.Pod.Containers, *w.Container())
		w.Pod.Containers[1].Sidecar = true
	}, model.Liveness)
	var life sim.Trace
	run(t, w, sim.Life{Seed: 1, Horizon: time.Minute, Trace: &life})
	first := map[int]time.Duration{}
	for _, e := range life.Events {
		if _, seen := first[e.Container]; e.Kind == sim.EventAttempt && !seen {
			first[e.Container] = e.At
		}
	}
	if len(first) != 2 || first[0] != first[1] {
		t.Errorf("first attempts of the containers at %v, want both at one instant", first)
	}
}

func TestK2GridBeginsAtTheFirstSync(t *testing.T) {
	for _, test := range []struct{ start, want string }{
		{"0.2s", "10.895 20.895"}, {"4s", "10.895 20.895"}, {"9.9s", "10.895 20.895"}, {"10.1s", "20.895"},
	} {
		trace := script(t, "pod firstSync=0.895s until=21s start="+test.start+"\nliveness periodSeconds=10")
		holds(t, trace, "liveness success", test.want)
	}
}

func TestK3RestartsDoNotMoveTheGrid(t *testing.T) {
	trace := script(t, `
pod firstSync=0.5s grace=30 until=45s
liveness periodSeconds=7 failureThreshold=2
container stops=3.3s
  liveness 0s failure 5ms
`)
	holds(t, trace, "liveness failure", "7.500 14.500 21.500 28.500 35.500 42.500")
	for _, version := range []struct{ minor, want string }{
		{"1.31", "0.205 5.000 10.000"}, // a trigger leaves the grid alone
		{"1.32", "0.205 5.205 10.205"}, // it restarts the ticker, at its receipt at 0.205
	} {
		trace := script(t, "pod until=12s version="+version.minor+"\nreadiness periodSeconds=5")
		holds(t, trace, "readiness success", "0.200 "+version.want)
	}
}

func TestK4JitterOfAYoungKubelet(t *testing.T) {
	for _, test := range []struct {
		age  time.Duration
		want string
	}{{0, "6.400 16.400"}, {9 * time.Second, "6.400 16.400"}, {10 * time.Second, "10.000 20.000"}, {time.Hour, "10.000 20.000"}} {
		trace := script(t, "pod until=21s\nliveness periodSeconds=10", func(s *sim.Script) {
			s.KubeletAge, s.Jitter = test.age, 6400*time.Millisecond
		})
		holds(t, trace, "liveness success", test.want)
	}
}

func TestK5AttemptsLongerThanThePeriod(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{"success 1.3s", "1.000 2.300 3.600 4.900 6.200"}, // back to back (K64)
		{"success 2.5s", "1.000 3.500 6.000"},
		{"timeout 5s", "1.000 6.002"},
		{"success 0.9s", "1.000 2.000 3.000 4.000 5.000 6.000"},
	} {
		trace := script(t, "pod until=20s\nliveness periodSeconds=1 timeoutSeconds=5 failureThreshold=9\ncontainer\n  liveness 0s "+test.answer)
		attempted(t, trace, model.Liveness, 6900*time.Millisecond, test.want)
	}
}

// The container starts at .2 of a whole second or .9 of one; its delay counts
// from the whole second.
func TestK8InitialDelayCountsFromAWholeSecond(t *testing.T) {
	for _, test := range []struct {
		sync, start string // first sync; it runs start later
		want        string
	}{
		{"3.000s", "0.200s", "13.000 14.000"}, // 9.8 s after the start
		{"3.000s", "0.950s", "13.000 14.000"}, // 9.05 s
		{"3.900s", "0.090s", "13.900 14.900"}, // 9.91 s
		{"3.900s", "0.110s", "14.900"},        // started at 4.01 s: 10.89 s
	} {
		trace := script(t, "pod until=16s firstSync="+test.sync+" start="+test.start+"\nliveness periodSeconds=1 initialDelaySeconds=10")
		attempted(t, trace, model.Liveness, 14900*time.Millisecond, test.want)
	}
}

func TestK9EverySyncTriggersWhileNotReady(t *testing.T) {
	trace := script(t, `
pod relist=1s relistPhase=0.9s resync=3s until=14s
readiness periodSeconds=10
container
  readiness 0s failure 5ms, 9s success 5ms
`)
	// At the start, at the sync the first result asked for, and at each resync;
	// none once it is ready.
	holds(t, trace, "trigger", "0.200 0.900 3.900 6.900 9.900")
	holds(t, trace, "readiness failure", "0.200 0.900 3.900 6.900")
	holds(t, trace, "readiness success", "9.900")
}

func TestK11CarriedOverOnlyInPlace(t *testing.T) {
	const pod = `
startup periodSeconds=14
readiness periodSeconds=10
liveness periodSeconds=3 failureThreshold=2
`
	const killed = "container\n  liveness 0s success 5ms, 17s failure 5ms\ncontainer\n  startup 0s failure 1ms"
	const crashed = "container exits=20s\ncontainer\n  startup 0s failure 1ms"
	for _, test := range []struct{ version, life, ready string }{
		{"1.37", killed, "14.010 21.210"}, // Ready again before its startup probe ran
		{"1.35", killed, "14.010 21.210"},
		{"1.34", killed, "14.010"},
		{"1.37", crashed, "14.010"},
	} {
		trace := script(t, "pod until=27s version="+test.version+pod+test.life)
		holds(t, trace, "pod  Ready", test.ready)
	}
}

func TestK12FirstAttempts(t *testing.T) {
	trace := script(t, `
pod firstSync=0.3s relist=1s relistPhase=0.9s until=21s
startup periodSeconds=5
readiness periodSeconds=10
liveness periodSeconds=10
container
  startup 0s failure 1ms, 8s success 5ms
`)
	holds(t, trace, "startup success", "10.300")
	holds(t, trace, "readiness success", "10.900 20.900") // at the sync that startup success asked for
	holds(t, trace, "liveness success", "20.300")         // at the next grid point
}

func TestK13SecondFirstAttempt(t *testing.T) {
	const good, bad = "0s success 5ms", "0s failure 5ms"
	for _, test := range []struct{ relists, answers, want string }{
		{"relist=1s relistPhase=0.9s", good, "0.500"}, // a success: none
		{"relist=1s relistPhase=0.9s", bad, "0.500 0.900"},
		{"relist=1s relistPhase=0.6s", bad, "0.500 0.600"}, // at the next relist
		{"relist=1s relistPhase=0.45s", bad, "0.500 1.450"},
		{"relist=1s relistPhase=0.9s", "0s failure 5ms, 0.1s success 5ms", "0.500 0.900"},
		{"", good, "0.500 0.505"}, // without relists always
		{"", bad, "0.500 0.505"},
	} {
		trace := script(t, "pod firstSync=0.3s "+test.relists+"\nreadiness periodSeconds=10\ncontainer\n  readiness "+test.answers)
		attempted(t, trace, model.Readiness, 9*time.Second, test.want)
	}

	// On a real node the wait for the relist is about uniform on 0 to 1 s.
	w := world(func(w *model.World) {
		w.Application.Startup = []model.Stage{{Wait: dist.Constantly(20 * time.Millisecond)}} // refused once
	}, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	var gaps []float64
	for i := range uint64(600) {
		var trace sim.Trace
		s.Run(sim.Life{Seed: 13, Replication: i, Horizon: 3 * time.Second, Trace: &trace})
		var at []time.Duration
		for _, e := range trace.Events {
			if e.Kind == sim.EventAttempt {
				at = append(at, e.At)
			}
		}
		if len(at) > 1 { // the trigger of the first was not wasted
			gaps = append(gaps, (at[1] - at[0]).Seconds())
		}
	}
	if len(gaps) < 400 || slices.Max(gaps) > 1.01 {
		t.Errorf("%d second attempts, the last after %.3f s; want most of 600, within the relist period", len(gaps), slices.Max(gaps))
	}
	agree(t, "mean wait", mean(gaps), .5, .07) // three standard errors: 3 × 0.29/√500 / 0.5 = 8 %
}

func mean(xs []float64) float64 {
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return total / float64(len(xs))
}

// The first attempt at a new container lasts 2.5 s. Meanwhile a sync sends a
// second trigger and ticks pass, so that both wait when it ends: chance decides
// which of them makes the second attempt.
func TestK6ChanceDecides(t *testing.T) {
	w := world(func(w *model.World) {
		p := w.Container().Probes[model.Readiness]
		p.PeriodSeconds, p.TimeoutSeconds = 1, 5
		w.Application.Probes[model.Readiness] = model.Answer{Wait: dist.Constantly(2500 * time.Millisecond), Failure: 1}
	}, model.Readiness)
	s, err := sim.New(w)
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]int{}
	for i := range uint64(400) {
		var trace sim.Trace
		s.Run(sim.Life{Seed: 6, Replication: i, Horizon: 6 * time.Second, Trace: &trace})
		var rules []string
		for _, e := range trace.Events {
			if e.Kind == sim.EventAttempt {
				rules = append(rules, e.Rule)
			}
		}
		if len(rules) > 1 && rules[0] == "K9" { // the first trigger was not wasted
			first[rules[1]]++
		}
	}
	n := float64(first["K9"] + first["K5"])
	if n < 300 {
		t.Fatalf("second attempts by rule: %v", first)
	}
	agree(t, "share of triggers", float64(first["K9"])/n, .5, .17) // three standard errors: 3 × 0.5/√300 / 0.5
}
