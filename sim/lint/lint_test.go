package lint

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim/stats"
)

const ms = time.Millisecond

func always(d time.Duration) dist.Duration { return dist.Constantly(d) }

func exponential(mean time.Duration) dist.Duration {
	return dist.Duration{Nanoseconds: dist.Exponential(mean)}
}

// subject returns a Deployment of which every check is content: a startup
// probe, readiness on an endpoint of its own, patient liveness, a preStop hook.
func subject() *Subject {
	probe := func(target string, period, failures int32) *model.Probe {
		p := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: target}, PeriodSeconds: period, FailureThreshold: failures}
		p.SetDefaults()
		return p
	}
	w := &model.World{
		Name: "test", Replicas: 3, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
		Pod: model.Pod{
			Containers:                    []model.Container{{Name: "api", PreStop: model.PreStop{Handler: "sleep 5", Lasts: 5 * time.Second}}},
			TerminationGracePeriodSeconds: model.DefaultGrace,
		},
		Faults: []model.Fault{{Name: "hang", Every: exponential(30 * 24 * time.Hour), Forever: true, Hangs: true, Probes: [3]bool{true, true, true}}},
	}
	w.Pod.Containers[0].Probes = [model.ProbeKinds]*model.Probe{
		probe(":8080/livez", 5, 30), probe(":8080/readyz", 5, 2), probe(":8080/livez", 10, 6),
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		w.Application.Probes[kind] = model.DefaultAnswer(model.HTTPGet)
		w.Application.Probes[kind].CPU = always(ms)
	}
	w.Application.Startup = []model.Stage{{Name: "boot", Wait: always(5 * time.Second)}}
	return &Subject{World: w, Kind: "Deployment", ProgressDeadlineSeconds: 600}
}

func (s *Subject) probe(k model.ProbeKind) *model.Probe { return s.World.Container().Probes[k] }

func (s *Subject) take(k model.ProbeKind) { s.World.Container().Probes[k] = nil }

func (s *Subject) answer(k model.ProbeKind) *model.Answer { return &s.World.Application.Probes[k] }

func of(findings []Finding, id string) *Finding {
	for i := range findings {
		if findings[i].ID == id {
			return &findings[i]
		}
	}
	return nil
}

func TestContent(t *testing.T) {
	s := subject()
	risk, err := Assess(context.Background(), s.World, false, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.Risk = risk
	for _, f := range Check(s) {
		t.Errorf("%s: %s", f.ID, f.Message)
	}
	// 12.2 hangs a year of 5 + 1 s and half a period of 5 s each (S4), and the
	// mechanism's 0.05 s.
	if lost := float64(risk.LostSecondsPerPodYear); math.Abs(lost-12.17*8.55) > 8 {
		t.Errorf("lost %v s a year", lost)
	}
}

// estimated is an estimate that is known.
func estimated(x float64) *stats.Estimate {
	return &stats.Estimate{Estimate: x, Low: x, High: x, Confidence: 1, Method: "exact"}
}

// TestBudgetUnderSlowStarts finds a budget of 145 to 150 s under the 99.9th
// percentile of starts, which a few hundred simulated ones cannot tell: of a
// lognormal start with the median 20 s and the 99th percentile 120 s, σ 0.7702, the
// share 1 − Φ(ln 7.5/σ) is longer than 150 s, 1 − Φ(ln 7.25/σ) than 145, and one in a
// thousand longer than 20 s·e^(3.0902σ) = 216 s. Under a limit of 200m a fifth of that
// in CPU time takes as long.
func TestBudgetUnderSlowStarts(t *testing.T) {
	lognormal := func(median, p99 float64) dist.Duration {
		return dist.Duration{Nanoseconds: dist.LogNormal{Mu: math.Log(median * 1e9), Sigma: math.Log(p99/median) / 2.3263479}}
	}
	for _, c := range []struct {
		name   string
		stage  model.Stage
		number float64
		within float64
		fix    string
	}{
		{"wall time", model.Stage{Wait: lognormal(20, 120)}, .00445, .02, "raise startupProbe.failureThreshold to "},
		{"CPU time", model.Stage{CPU: lognormal(4, 24)}, .00505, .1, "raise the CPU limit"},
	} {
		s := subject()
		s.World.Application.Startup, s.World.Pod.Containers[0].CPULimitMilli = []model.Stage{c.stage}, 200
		risk, err := Assess(t.Context(), s.World, false, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		s.Risk = risk
		f := of(Check(s), "starts-killed")
		if f == nil {
			t.Fatalf("%s: not found: %+v", c.name, risk.StartupKillProbability)
		}
		if got := float64(f.Number.Value); math.Abs(got/c.number-1) > c.within || f.Severity != Warning || !strings.Contains(f.Message, "one in a thousand takes more than 21") || !strings.Contains(f.Fix, c.fix) {
			t.Errorf("%s: %v: %s (%s)", c.name, got, f.Message, f.Fix)
		}
		s.World.Pod.Containers[0].Probes[model.Startup].FailureThreshold = 60
		if s.Risk, err = Assess(t.Context(), s.World, false, 1, 1); err != nil || of(Check(s), "starts-killed") != nil {
			t.Errorf("%s: found of a budget of 295 s, %v", c.name, err)
		}
	}
}

// TestRules changes what every check is content with so that one of them
// speaks, with the number that the rule it cites gives; and then so little that
// it does not.
func TestRules(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range []struct {
		id       string
		severity Severity
		change   func(s *Subject)
		number   float64 // NaN: none
		says     string
		field    string
		silent   func(s *Subject)
	}{
		{"false-kills", Warning, func(s *Subject) { s.Risk = &Risk{FalseKillsPerPodYear: estimated(3)} }, 3, "killed 3 times per pod-year: the probe tolerates stalls of 51 s", "livenessProbe",
			func(s *Subject) { s.Risk = &Risk{FalseKillsPerPodYear: estimated(.1)} }},
		{"false-kills", Error, func(s *Subject) { s.Risk = &Risk{FalseKillsPerPodYear: estimated(13)} }, 13, "13 times", "livenessProbe", nil},
		{"false-kills", Warning, func(s *Subject) { s.Risk, s.AnswersAssumed = &Risk{FalseKillsPerPodYear: estimated(13)}, true }, 13, "", "livenessProbe", nil},
		// 5 % an hour reach the mark of 90 % in 18 h, 487 times in 8,766.
		{"false-kills", Error, func(s *Subject) { s.grow(.05); s.Risk = &Risk{FalseKillsPerPodYear: estimated(479)} }, 479, "memory takes about 18 h from each start to the mark from which liveness fails", "livenessProbe", nil},
		{"starts-killed", Error, func(s *Subject) { s.Risk = &Risk{StartupKillProbability: estimated(.06)} }, .06, "the startup probe leaves a start 145 s for certain", "startupProbe.failureThreshold",
			func(s *Subject) { s.Risk, s.StartupGranted = &Risk{StartupKillProbability: estimated(.06)}, true }},
		{"starts-killed", Warning, func(s *Subject) { s.Risk = &Risk{StartupKillProbability: estimated(.002)}; s.take(model.Startup) }, .002, "the liveness probe leaves a start 50 s for certain", "livenessProbe.failureThreshold",
			func(s *Subject) { s.Risk = &Risk{StartupKillProbability: estimated(.001)} }},
		{"never-ready", Error, func(s *Subject) { s.Risk = &Risk{neverReady: estimated(.5), lives: 12 * time.Hour} }, .5, "50 % never became Ready within 12 h", "readinessProbe",
			func(s *Subject) { s.Risk = &Risk{neverReady: estimated(.001)} }},
		// 5·10 + 1 and half a period of 5 s; liveness, after 51 to 61, is later.
		{"slow-removal", Warning, func(s *Subject) {
			s.probe(model.Readiness).FailureThreshold = 12
			s.probe(model.Liveness).FailureThreshold = 12
		}, 58.5, "for 58.5 s on average before any probe acts (the readiness probe, after 56–61 s)", "readinessProbe.failureThreshold",
			func(s *Subject) { s.probe(model.Readiness).FailureThreshold = 11 }},
		{"slow-detection", Info, func(s *Subject) { s.probe(model.Liveness).FailureThreshold = 61 }, 606, "goes on for 10–10.2 min", "livenessProbe.failureThreshold",
			func(s *Subject) { s.probe(model.Liveness).FailureThreshold = 59 }},
		{"slow-detection", Warning, func(s *Subject) { s.probe(model.Liveness).FailureThreshold = math.MaxInt32 }, dist.Longest.Seconds() + 6, "never acts", "livenessProbe.failureThreshold", nil},
		// Liveness acts after U(5 s·1+1, …): at 11–16 s, readiness at 6–11: never first.
		{"readiness-outlasts-liveness", Error, func(s *Subject) { s.probe(model.Readiness).FailureThreshold = 20 }, 1, "100 % are killed while they still get traffic", "readinessProbe.failureThreshold",
			func(s *Subject) { s.probe(model.Readiness).FailureThreshold = 8 }},
		// 53 to 63 s against 51 to 61: 1 − ½·0.8².
		{"readiness-outlasts-liveness", Warning, func(s *Subject) {
			p := s.probe(model.Readiness)
			p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold = 10, 3, 6
		}, .68, "68 % are killed", "readinessProbe.failureThreshold", nil},
		// Six failures every 10 s take 50 to 60 s, and those of the next process 110.
		{"liveness-checks-dependency", Error, func(s *Subject) {
			s.World.Dependencies = []model.OnOff{{Name: "db", Every: always(100*time.Hour - time.Minute), Lasts: always(time.Minute)}}
			s.answer(model.Liveness).DependsOn = []int{0}
		}, 87.66, "an outage of db kills all 3 replicas", "application.probes.liveness.dependsOn", nil},
		{"readiness-checks-dependency", Info, func(s *Subject) {
			s.World.Dependencies = []model.OnOff{{Name: "db", Every: always(99 * time.Hour), Lasts: always(time.Hour)}}
			s.answer(model.Readiness).DependsOn = []int{0}
		}, 87.66, "87.7 times a year", "application.probes.readiness.dependsOn", nil},
		// 30 ms of CPU at 20m take 14 quotas of 2 ms and the last one (S8).
		{"handler-exceeds-timeout", Error, func(s *Subject) {
			s.World.Pod.Containers[0].CPULimitMilli = 20
			s.answer(model.Liveness).CPU = always(30 * ms)
		}, 1.402, "needs 30 ms of CPU, and a limit of 20m leaves 20 ms within the timeout of 1 s", "livenessProbe.timeoutSeconds",
			func(s *Subject) {
				s.World.Pod.Containers[0].CPULimitMilli = 30
				s.answer(model.Liveness).CPU = always(30 * ms)
			}},
		{"unsupported-field", Error, func(s *Subject) { s.version(17) }, 18, "Kubernetes 1.17 has startupProbe behind a feature gate", "startupProbe", func(s *Subject) { s.version(30) }},
		{"unsupported-field", Error, func(s *Subject) { s.probe(model.Liveness).Handler.Kind = model.GRPC; s.version(22) }, 24, "Kubernetes 1.22 does not know grpc probes", "livenessProbe.grpc", nil},
		{"unsupported-field", Error, func(s *Subject) {
			grace := int64(5)
			s.probe(model.Liveness).TerminationGracePeriodSeconds = &grace
			s.version(24)
		}, 25, "the pod's grace period", "livenessProbe.terminationGracePeriodSeconds", nil},
		{"unsupported-field", Error, func(s *Subject) { s.version(29) }, 30, "the sleep action behind a feature gate", "lifecycle.preStop.sleep", nil},
		{"unsupported-field", Error, func(s *Subject) { s.World.Pod.CPULimitMilli = 500; s.version(33) }, 34, "resources of the pod", "pod.resources",
			func(s *Subject) { s.World.Pod.CPULimitMilli = 500 }},
		{"unknown-port", Error, func(s *Subject) { s.UnknownPorts[model.Readiness] = "web" }, 1, `no port named "web"`, "readinessProbe.httpGet.port", nil},
		{"no-readiness-probe", Warning, func(s *Subject) { s.take(model.Readiness); s.take(model.Startup) }, 5, "traffic for about 5 s before it can serve", "readinessProbe",
			func(s *Subject) { s.take(model.Readiness); s.Kind = "Job" }},
		{"no-readiness-probe", Warning, func(s *Subject) { s.take(model.Readiness) }, 56, "a hung one gets traffic for 56 s on average", "readinessProbe", nil},
		{"no-readiness-probe", Warning, func(s *Subject) { s.take(model.Readiness); s.take(model.Liveness) }, math.Inf(1), "traffic for ever", "readinessProbe", nil},
		{"no-liveness-probe", Info, func(s *Subject) { s.take(model.Liveness) }, 0, "a hang, 12.2 a year, is never ended; a liveness probe of 6 failures every 10 s would end it within 61 s and kill a healthy container at most 0 times a year: it pays from 0 hangs a year on, if a person mends one in 60 min", "livenessProbe",
			func(s *Subject) { s.take(model.Liveness); s.World.Pod.RestartPolicy = model.RestartNever }},
		{"identical-probes", Warning, func(s *Subject) { *s.probe(model.Liveness) = *s.probe(model.Readiness) }, .5, "whatever lasts 6 s kills the container", "livenessProbe",
			func(s *Subject) {
				s.probe(model.Liveness).PeriodSeconds = 5
				s.probe(model.Liveness).FailureThreshold = 2
			}},
		{"same-endpoint", Info, func(s *Subject) { s.probe(model.Liveness).Handler = s.probe(model.Readiness).Handler }, 45, "whatever fails readiness 45 s longer", "livenessProbe.httpGet", nil},
		{"liveness-below-twice-readiness", Warning, func(s *Subject) { s.probe(model.Liveness).FailureThreshold = 2 }, 11.0 / 6, "1.83 times what readiness does (6 s)", "livenessProbe.failureThreshold",
			func(s *Subject) {
				s.probe(model.Liveness).PeriodSeconds, s.probe(model.Liveness).FailureThreshold = 11, 2
			}},
		{"tcp-probe-sees-no-hang", Warning, func(s *Subject) {
			s.askTCP(model.Liveness)
		}, 0, "the liveness probe notices no hang", "livenessProbe.tcpSocket",
			func(s *Subject) { s.probe(model.Liveness).Handler.Kind = model.GRPC }},
		// Six failures every 10 s after a timeout of 1 s: 51 to 61 s.
		{"tcp-probe-sees-no-hang", Warning, func(s *Subject) { s.askTCP(model.Readiness) }, 56, "sent requests until the liveness probe kills it, 56 s on average", "readinessProbe.tcpSocket", nil},
		{"tcp-probe-sees-no-hang", Warning, func(s *Subject) { s.askTCP(model.Readiness); s.take(model.Liveness) }, 0, "never taken out of the endpoints", "readinessProbe.tcpSocket", nil},
		{"tcp-probe-sees-no-hang", Info, func(s *Subject) { s.askTCP(model.Startup) }, 0, "as soon as the process listens", "startupProbe.tcpSocket", nil},
		{"timeout-exceeds-period", Warning, func(s *Subject) { s.probe(model.Liveness).TimeoutSeconds = 20 }, 120, "every 20 s, not every 10 s", "livenessProbe.timeoutSeconds",
			func(s *Subject) { s.probe(model.Liveness).TimeoutSeconds = 10 }},
		{"long-timeout", Info, func(s *Subject) { s.probe(model.Liveness).TimeoutSeconds = 5 }, 0, "5 s make every detection 4 s later", "livenessProbe.timeoutSeconds",
			func(s *Subject) { // a pause of 52 s now and then needs more than the 51 s tolerated
				s.probe(model.Liveness).TimeoutSeconds = 5
				s.World.Application.Pauses = []model.OnOff{{Every: always(240 * time.Hour), Lasts: always(54 * time.Second)}}
			}},
		{"exec-timeout-ignored", Warning, func(s *Subject) { s.probe(model.Liveness).Handler.Kind = model.Exec; s.version(19) }, 20, "does not enforce timeoutSeconds (1) of exec probes", "livenessProbe.timeoutSeconds",
			func(s *Subject) { s.probe(model.Liveness).Handler.Kind = model.Exec; s.version(20) }},
		{"long-initial-delay", Warning, func(s *Subject) { s.take(model.Startup); s.probe(model.Liveness).InitialDelaySeconds = 600 }, 595, "first 600 s after every start a hang goes unnoticed by the liveness probe, 595 s of them while it serves already", "livenessProbe.initialDelaySeconds",
			func(s *Subject) { s.take(model.Startup); s.probe(model.Liveness).InitialDelaySeconds = 60 }},
		// Two failures every 5 s are 10 s.
		{"long-initial-delay", Warning, func(s *Subject) { s.take(model.Startup); s.probe(model.Readiness).InitialDelaySeconds = 11 }, 6, "waits 11 s for its first readiness attempt", "readinessProbe.initialDelaySeconds",
			func(s *Subject) { s.take(model.Startup); s.probe(model.Readiness).InitialDelaySeconds = 10 }},
		{"long-initial-delay", Warning, func(s *Subject) {
			s.take(model.Startup)
			s.probe(model.Readiness).InitialDelaySeconds = 90
		}, 85, ": 85 s on average after it could", "readinessProbe.initialDelaySeconds", func(s *Subject) { s.probe(model.Readiness).InitialDelaySeconds = 90 }},
		{"slow-ready", Info, func(s *Subject) {
			s.take(model.Startup)
			s.probe(model.Readiness).PeriodSeconds = 60
			s.Risk = &Risk{readyLag: &stats.Distribution{Mean: *estimated(30), P99: *estimated(59)}}
		}, 30, "30 s later on average and 59 s later in one start of a hundred", "readinessProbe.periodSeconds",
			func(s *Subject) { s.probe(model.Readiness).PeriodSeconds = 60; s.Risk = &Risk{} }},
		// Of 100 s from able to serve to Ready, 90 − 5 are the delay's.
		{"slow-ready", Info, func(s *Subject) {
			s.take(model.Startup)
			s.probe(model.Readiness).PeriodSeconds, s.probe(model.Readiness).InitialDelaySeconds = 30, 90
			s.Risk = &Risk{readyLag: &stats.Distribution{Mean: *estimated(100), P99: *estimated(114)}}
		}, 15, "whose initialDelaySeconds of 90 is over, is Ready 15 s later on average and up to 30 s later", "readinessProbe.periodSeconds", nil},
		// Attempts that fail are no fault of the period's.
		{"slow-ready", Info, func(s *Subject) {
			s.take(model.Startup)
			s.probe(model.Readiness).PeriodSeconds = 30
			s.Risk = &Risk{readyLag: &stats.Distribution{Mean: *estimated(100), P99: *estimated(300)}}
		}, 30, "Ready 30 s later on average and 30 s later in one start", "readinessProbe.periodSeconds", nil},
		{"progress-deadline", Warning, func(s *Subject) { s.ProgressDeadlineSeconds = 149 }, 150, "gives one start up to 150 s", "spec.progressDeadlineSeconds",
			func(s *Subject) { s.ProgressDeadlineSeconds = 150 }},
		{"long-init-containers", Info, func(s *Subject) {
			s.World.Application.BeforeStart = []model.Stage{{Wait: always(40 * time.Second)}, {Wait: always(30 * time.Second)}}
		}, 70, "2 stages take 70 s on average, one after the other", "application.beforeStart",
			func(s *Subject) { s.World.Application.BeforeStart = []model.Stage{{Wait: always(40 * time.Second)}} }},
		{"probe-share-of-quota", Warning, func(s *Subject) { s.World.Pod.Containers[0].CPULimitMilli = 20 }, .5, "a limit of 20m is 2 ms of CPU in every 0.1 s", "resources.limits.cpu",
			func(s *Subject) { s.World.Pod.Containers[0].CPULimitMilli = 30 }},
		{"probe-cpu-cost", Warning, func(s *Subject) {
			s.probe(model.Liveness).Handler.Kind = model.Exec
			s.answer(model.Liveness).CPU = always(1500 * ms)
			s.World.Pod.Containers[0].CPULimitMilli = 1000
		}, .1502, "15 % of the limit of 1000m: 1.5 s of CPU for one liveness answer", "livenessProbe.exec",
			func(s *Subject) {
				s.answer(model.Liveness).CPU = always(400 * ms)
				s.World.Pod.Containers[0].CPULimitMilli = 1000
			}},
		{"coinciding-probes", Info, func(s *Subject) { s.coincide() }, .02, "in 2 % of the containers they meet", "livenessProbe.periodSeconds",
			func(s *Subject) { s.coincide(); s.probe(model.Readiness).PeriodSeconds = 5 }},
		{"coinciding-probes", Info, func(s *Subject) { s.coincide(); s.version(31) }, 1, "asked at the same instant", "livenessProbe.periodSeconds", nil},
		// One worker, half of the time busy with requests of 1 s: P(W > 1 s) = ½ e^(−½) (S6).
		{"probe-shares-workers", Warning, func(s *Subject) { s.shareWorkers() }, .5 * math.Exp(-.5), "with probability 0.303", "application.probes.liveness.runsOn",
			func(s *Subject) { s.shareWorkers(); s.answer(model.Liveness).RunsOn = model.Dedicated }},
		// Half of the time e^(−½·10), and e^(−½·30): 3 attempts in a thousand, 2 in ten million.
		{"probe-shares-workers", Warning, func(s *Subject) { s.shareWorkers(); s.probe(model.Liveness).TimeoutSeconds = 10 }, .5 * math.Exp(-5), "longer than 10 s with probability 0.00337", "application.probes.liveness.runsOn",
			func(s *Subject) { s.shareWorkers(); s.probe(model.Liveness).TimeoutSeconds = 30 }},
		{"probe-shares-workers", Info, func(s *Subject) { s.shareWorkers(); s.probe(model.Liveness).TimeoutSeconds = 20 }, .5 * math.Exp(-10), "longer than 20 s with probability 2.27e-05", "application.probes.liveness.runsOn", nil},
		{"readiness-sheds-load", Warning, func(s *Subject) {
			s.limitInFlight(50, 0)
			s.Risk = &Risk{shed: .01}
		}, .01, "leaves the endpoints (1 % of the time here), and each of the other 2 gets 50 % more load", "application.probes.readiness.failsAbove",
			func(s *Subject) { s.limitInFlight(50, 0); s.Risk = &Risk{shed: .01}; s.World.Replicas = 1 }},
		// One worker, half of the time busy: more than 5 in flight in ½^6 of it, and twice so.
		{"readiness-sheds-load", Warning, func(s *Subject) { s.limitInFlight(5, 0) }, math.Pow(.5, 12), "2 attempts in a row find them with probability 0.000244 at the busiest", "application.probes.readiness.failsAbove",
			func(s *Subject) { s.limitInFlight(5, 4) }}, // the sixth is refused
		// 1 % a second: the mark of 90 % gives 10 s, two failures every 5 s take up to 10 (A5), and
		// the proxies 1.1 more.
		{"late-resource-mark", Warning, func(s *Subject) { s.grow(32.5) }, 1, "it takes 11.1 s at the fastest growth in a hundred, and until the proxies know of the verdict up to 11.1 s", "application.resources[0].failsAt",
			func(s *Subject) { s.grow(32.4) }},
		// Six failures every 10 s, and no proxy: up to 60 s.
		{"late-resource-mark", Warning, func(s *Subject) { s.grow(6.01); s.take(model.Readiness) }, 1, "and the verdict up to 60 s", "application.resources[0].failsAt",
			func(s *Subject) { s.grow(5.99); s.take(model.Readiness) }},
		{"missing-pre-stop", Info, func(s *Subject) { s.World.Pod.Containers[0].PreStop = model.PreStop{} }, 1.1, "up to 1.1 s after it has stopped serving", "lifecycle.preStop",
			func(s *Subject) {
				s.World.Pod.Containers[0].PreStop = model.PreStop{}
				s.World.Application.Shutdown = model.Shutdown{ListenerAtExit: true, Wait: always(2 * time.Second)}
			}},
		{"missing-pre-stop", Warning, func(s *Subject) {
			s.World.Cluster.LoadBalancer = &model.LoadBalancer{Deregistration: 30 * time.Second}
		}, 25.1, "up to 25.1 s", "lifecycle.preStop", func(s *Subject) { s.World.Pod.Containers[0].PreStop = model.PreStop{Handler: "httpGet :80/quit"} }},
		// Proxies are as late where there is no readiness probe, and the grace period of 10 s
		// cuts off a hook of 45: 31.1 − 10 s.
		{"missing-pre-stop", Info, func(s *Subject) {
			s.take(model.Readiness)
			s.World.Pod.Containers[0].PreStop = model.PreStop{}
		}, 1.1, "up to 1.1 s", "lifecycle.preStop", nil},
		{"missing-pre-stop", Warning, func(s *Subject) { s.behindBalancer(45, 10) }, 20.1, "up to 20.1 s", "lifecycle.preStop", func(s *Subject) { s.behindBalancer(45, 60) }},
		{"pre-stop-exceeds-grace", Warning, func(s *Subject) { s.World.Pod.Containers[0].PreStop.Lasts = 30 * time.Second }, 2, "the process has 2 s to stop before SIGKILL", "pod.terminationGracePeriodSeconds",
			func(s *Subject) { s.World.Pod.Containers[0].PreStop.Lasts = 27 * time.Second }},
		{"liveness-ends-pod", Warning, func(s *Subject) { s.World.Pod.RestartPolicy = model.RestartNever }, math.NaN(), "ends the pod for good", "pod.restartPolicy",
			func(s *Subject) { s.World.Pod.RestartPolicy = model.RestartOnFailure }},
		{"unknown-suppression", Warning, func(s *Subject) { s.Ignored = []string{"long-timeouts"} }, math.NaN(), `"long-timeouts" is no check's id`, "metadata.annotations",
			func(s *Subject) { s.Ignored = []string{"long-timeout", "unknown-field"} }},
		{"unknown-suppression", Warning, func(s *Subject) { s.Ignored = []string{"unknown-suppression"} }, math.NaN(), `"unknown-suppression" cannot be suppressed`, "metadata.annotations", nil},
	} {
		tested[c.id] = true
		t.Run(c.id, func(t *testing.T) {
			s := subject()
			c.change(s)
			f := of(Check(s), c.id)
			if f == nil {
				t.Fatal("not found")
			}
			got := math.NaN()
			if f.Number != nil {
				got = float64(f.Number.Value)
				if f.Number.Of == "" || f.Number.Method == "" {
					t.Errorf("the number does not say what it is: %+v", f.Number)
				}
			}
			if math.Abs(got-c.number) > 1e-9*math.Abs(c.number) && !(math.IsNaN(got) && math.IsNaN(c.number)) && got != c.number {
				t.Errorf("number %v, want %v", got, c.number)
			}
			if f.Severity != c.severity || f.Field != c.field || !strings.Contains(f.Message, c.says) || f.Fix == "" {
				t.Errorf("%v %s: %s (fix: %s), want %v %s: … %s …", f.Severity, f.Field, f.Message, f.Fix, c.severity, c.field, c.says)
			}
			if c.silent == nil {
				return
			}
			s = subject()
			c.silent(s)
			if f := of(Check(s), c.id); f != nil {
				t.Errorf("found without cause: %s", f.Message)
			}
		})
	}
	for _, rule := range rules {
		if !tested[rule.ID] {
			t.Errorf("%s is not tested", rule.ID)
		}
	}
}

// TestNoTrafficToWhatCompletes holds that no finding speaks of requests, or of endpoints,
// to a pod that runs to its end, as the risk counts none.
func TestNoTrafficToWhatCompletes(t *testing.T) {
	about := []string{"slow-removal", "readiness-outlasts-liveness", "liveness-below-twice-readiness", "slow-ready", "tcp-probe-sees-no-hang"}
	for policy, served := range map[model.RestartPolicy]bool{model.RestartAlways: true, model.RestartNever: false, model.RestartOnFailure: false} {
		s := subject()
		s.take(model.Startup)
		s.World.Pod.RestartPolicy = policy
		readiness := s.probe(model.Readiness)
		readiness.PeriodSeconds, readiness.FailureThreshold = 60, 10
		found := judged(t, s)
		s.askTCP(model.Readiness)
		found = append(found, Check(s)...)
		for _, id := range about {
			if id != "liveness-below-twice-readiness" && (of(found, id) != nil) != served || !served && of(found, id) != nil {
				t.Errorf("%v: %s: %+v", policy, id, of(found, id))
			}
		}
	}
}

// TestSidecarWithoutLiveness holds that nothing ends a hung sidecar either.
func TestSidecarWithoutLiveness(t *testing.T) {
	s := subject()
	s.take(model.Liveness)
	s.World.Pod.Containers[0].Sidecar = true
	if f := of(Check(s), "no-liveness-probe"); f == nil {
		t.Error("not found")
	}
	s.take(model.Readiness)
	if f := of(Check(s), "no-readiness-probe"); f != nil {
		t.Errorf("the pod's traffic is not the sidecar's: %s", f.Message)
	}
}

func (s *Subject) version(minor int) { s.World.Cluster.KubernetesVersion = model.Version{Minor: minor} }

// behindBalancer gives the pod a preStop hook and a grace period of so many seconds, and a
// load balancer that goes on sending for 30.
func (s *Subject) behindBalancer(hook time.Duration, grace int64) {
	s.World.Cluster.LoadBalancer = &model.LoadBalancer{Deregistration: 30 * time.Second}
	s.World.Pod.TerminationGracePeriodSeconds = grace
	s.World.Pod.Containers[0].PreStop = model.PreStop{}
	if hook > 0 {
		s.World.Pod.Containers[0].PreStop = model.PreStop{Handler: "exec sleep", Lasts: hook * time.Second}
	}
}

// TestPreStopFix: what is proposed covers the 30.1 s in which requests come, and the grace
// period the hook and all but one shutdown in a thousand, 10 s where none is stated.
func TestPreStopFix(t *testing.T) {
	for _, c := range []struct {
		hook  time.Duration
		grace int64
		stops time.Duration
		fix   string
	}{
		{0, 90, 0, "add lifecycle.preStop.sleep.seconds: 31"},
		{0, 41, 0, "add lifecycle.preStop.sleep.seconds: 31, and raise terminationGracePeriodSeconds to 42"},
		{0, 0, 5 * time.Second, "add lifecycle.preStop.sleep.seconds: 31, and raise terminationGracePeriodSeconds to 37"},
		{20, 60, 0, "let the preStop hook take 31 s instead of 20 s"},
		{45, 10, 0, "raise terminationGracePeriodSeconds to 56: it cuts the preStop hook of 45 s off after 10 s"},
	} {
		s := subject()
		s.behindBalancer(c.hook, c.grace)
		s.World.Application.Shutdown.Wait = always(c.stops)
		if f := of(Check(s), "missing-pre-stop"); f == nil || f.Fix != c.fix {
			t.Errorf("%+v: %+v", c, f)
		}
	}
}

func (s *Subject) askTCP(k model.ProbeKind) {
	s.probe(k).Handler.Kind = model.TCPSocket
	s.answer(k).HangCoverage = 0
}

func (s *Subject) coincide() {
	s.World.Pod.Containers[0].CPULimitMilli = 100
	s.probe(model.Readiness).PeriodSeconds = 10
	s.answer(model.Readiness).CPU, s.answer(model.Liveness).CPU = always(6*ms), always(6*ms)
}

func (s *Subject) shareWorkers() {
	s.World.Application.Traffic = &model.Traffic{PerSecond: .5, Wait: always(time.Second), Workers: 1}
	s.answer(model.Liveness).RunsOn = model.Workers
}

func (s *Subject) limitInFlight(most, queue int) {
	s.World.Application.Traffic = &model.Traffic{PerSecond: .5, Wait: always(time.Second), Workers: 1, Queue: queue}
	s.answer(model.Readiness).FailsInFlight = most
}

func (s *Subject) grow(perHour float64) {
	s.World.Application.Resources = []model.Resource{{
		Name: "memory", PerHour: dist.Constant(perHour), Fails: []model.ProbeKind{model.Readiness, model.Liveness}, FailsAt: .9,
	}}
}

func TestRulesAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range Rules() {
		if seen[rule.ID] || rule.ID == "" || rule.Title == "" || rule.Severity < Info || rule.Severity > Error || strings.ToLower(rule.ID) != rule.ID {
			t.Errorf("%+v", rule)
		}
		seen[rule.ID] = true
	}
	if ids := IDs(); !slices.IsSorted(ids) || len(ids) != len(Rules()) {
		t.Errorf("%v", ids)
	}
}

func TestSuppression(t *testing.T) {
	s := subject()
	s.probe(model.Liveness).TimeoutSeconds = 20
	s.Ignored = []string{"timeout-exceeds-period", "timeout-exceed-period", "unknown-suppression"}
	findings := Check(s)
	if f := of(findings, "timeout-exceeds-period"); f == nil || !f.Suppressed {
		t.Errorf("not suppressed: %+v", f)
	}
	var unknown []string
	for _, f := range findings {
		if f.ID == "unknown-suppression" {
			unknown = append(unknown, f.Fix)
			if f.Suppressed {
				t.Error("the check of the suppressions is suppressed")
			}
		}
	}
	if len(unknown) != 2 || unknown[0] != `did you mean "timeout-exceeds-period"?` {
		t.Errorf("unknown suppressions: %q", unknown)
	}
}

// TestAssess: what no probe sees gets traffic from its first hang on.
func TestAssess(t *testing.T) {
	s := subject()
	s.take(model.Startup)
	s.take(model.Readiness)
	s.take(model.Liveness)
	s.version(19)
	r, err := Assess(context.Background(), s.World, false, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	hangs := 8766.0 / 720
	if want := 8766 * 3600 * (1 - (1-math.Exp(-hangs))/hangs); math.Abs(float64(r.LostSecondsPerPodYear)/want-1) > 1e-6 {
		t.Errorf("lost %v s a year, want %v", r.LostSecondsPerPodYear, want)
	}
	if r.FalseKillsPerPodYear.High != 0 || r.StartupKillProbability != nil && r.StartupKillProbability.Estimate != 0 {
		t.Errorf("%+v", r)
	}
	again, err := Assess(context.Background(), s.World, false, 1, 2)
	if err != nil || again.LostSecondsPerPodYear != r.LostSecondsPerPodYear {
		t.Errorf("two workers: %v, %v", again, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Assess(ctx, s.World, false, 1, 1); err == nil {
		t.Error("an interrupted assessment has no error")
	}
}

// TestExtremes: whatever the API server lets through leads to sentences with
// finite or unbounded numbers, and to no panic or endless loop.
func TestExtremes(t *testing.T) {
	number := rapid.SampledFrom([]int32{1, 2, 3, 10, 60, 61, 3600, 1 << 20, math.MaxInt32})
	rapid.Check(t, func(t *rapid.T) {
		s := subject()
		for k := range model.ProbeKind(model.ProbeKinds) {
			if rapid.Bool().Draw(t, "without") && k != model.Readiness {
				s.take(k)
				continue
			}
			*s.probe(k) = model.Probe{
				Handler:       model.Handler{Kind: model.HandlerKind(rapid.IntRange(0, 3).Draw(t, "handler"))},
				PeriodSeconds: number.Draw(t, "period"), TimeoutSeconds: number.Draw(t, "timeout"), FailureThreshold: number.Draw(t, "failures"),
				InitialDelaySeconds: number.Draw(t, "delay"), SuccessThreshold: 1,
			}
			s.answer(k).CPU = always(time.Duration(number.Draw(t, "cpu")) * time.Microsecond)
		}
		s.World.Pod.Containers[0].CPULimitMilli = int64(rapid.SampledFrom([]int32{0, 1, 20, 1000, 1_000_000}).Draw(t, "limit"))
		s.World.Pod.Containers[0].PreStop.Lasts = time.Duration(number.Draw(t, "hook")) * time.Second
		s.version(rapid.IntRange(0, 37).Draw(t, "version"))
		s.grow(float64(number.Draw(t, "growth")))
		s.Risk = &Risk{FalseKillsPerPodYear: estimated(1e6), StartupKillProbability: estimated(1)}
		for _, f := range Check(s) {
			if strings.Contains(f.Message+f.Fix, "%!") || strings.Contains(f.Message+f.Fix, "NaN") || f.Message == "" || f.Fix == "" {
				t.Errorf("%s: %s; %s", f.ID, f.Message, f.Fix)
			}
		}
	})
}
