package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// publishedFix is an incident with what ended it, and with what
// `probesim recommend gallery:NAME` proposes instead (with the incident's
// changes, and seed 1). Changes stand one on a line; both repairs apply on top
// of the incident's own.
type publishedFix struct {
	name, scenario                string
	incident, published, proposed string
	byHand                        bool   // what is proposed is no settings that a search finds
	says                          string // what the answer says beside the settings
	horizon                       time.Duration
	replications                  int64
	rarest                        float64 // share of starts whose being killed must not be missed; decides how many are simulated
	check                         func(f *fixed)
}

// fixed are the measures of the three, on the same lives.
type fixed struct {
	*testing.T
	incident, published, proposed *estimate.Measures
	// losesFewStarts says of the three that no more than the rarest share of the starts
	// is killed, by the closed form's bound, or ten times that by simulated ones.
	losesFewStarts [3]bool
}

// isBetween holds an estimate to what was published.
func (f *fixed) isBetween(what string, e *stats.Estimate, low, high float64) {
	f.Helper()
	if e.Estimate < low || e.Estimate > high {
		f.Errorf("%s: %.4g, want %.4g to %.4g", what, e.Estimate, low, high)
	}
}

// isBelow expects the whole of one interval below another's.
func (f *fixed) isBelow(what string, less, more *stats.Estimate) {
	f.Helper()
	if less.High >= more.Low {
		f.Errorf("%s: %.4g (to %.4g) is not below %.4g (from %.4g)", what, less.Estimate, less.High, more.Estimate, more.Low)
	}
}

// firstSlowRequest is a boot of 13 s after which the first request of an empty
// cache stays slow, as in the report of the incident.
const firstSlowRequest = "application.startup=[{cpu: {p50: 9s, p99: 12s}, wait: 3s, answers: refused}, {wait: {p50: 17s, p99: 30s}, answers: timeout}]"

var publishedFixes = []publishedFix{
	{
		// Reproduced: the operator's values end the restarts, and take the three
		// minutes and the minute and a half that they were said to take. Beaten:
		// longer timeouts let more of the commands through on a busy node, two
		// failures of readiness are then enough, and a startup probe spares the slow
		// starts.
		name: "calico-node", scenario: "calico-node", horizon: 48 * time.Hour, replications: 8, rarest: 1e-2,
		published: "livenessProbe.periodSeconds=60\nlivenessProbe.timeoutSeconds=5\nlivenessProbe.failureThreshold=3\nreadinessProbe.periodSeconds=30\nreadinessProbe.timeoutSeconds=5",
		proposed: "startupProbe={exec: {command: [/bin/calico-node, -felix-live, -bird-live]}, periodSeconds: 30, timeoutSeconds: 15, failureThreshold: 10}\n" +
			"livenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=60\nlivenessProbe.timeoutSeconds=15\nlivenessProbe.failureThreshold=3\n" +
			"readinessProbe.periodSeconds=30\nreadinessProbe.timeoutSeconds=10\nreadinessProbe.failureThreshold=2",
		check: func(f *fixed) {
			f.isBetween("incident: kills a day", f.incident.FalseKillsPerPodDay, 24, 480)
			f.isBetween("published: kills of a hundred before", f.published.FalseKillsPerPodYear, 0, f.incident.FalseKillsPerPodYear.Estimate/100)
			f.isBetween("published: detection", &f.published.DetectionSeconds.P99, 180, 185)
			f.isBetween("published: removal", &f.published.RemovalSeconds.P99, 90, 95)
			f.isBetween("proposed: kills", f.proposed.FalseKillsPerPodYear, 0, f.published.FalseKillsPerPodYear.Estimate)
			f.isBetween("proposed: starts killed", f.proposed.StartupKillProbability, 0, f.published.StartupKillProbability.Estimate)
			f.isBetween("proposed: detection", &f.proposed.DetectionSeconds.P99, 0, 200)
			f.isBelow("removal", &f.proposed.RemovalSeconds.P90, &f.published.RemovalSeconds.P90)
		},
	},
	{
		// A boot of 13 s fits by the kubelet's grid (K2, K28): looks at 5 s and
		// later, of which a third fails only after 25 s. So the published startup probe
		// changes no kill. One is proposed all the same, since readiness is asked at once
		// when it succeeds (K12): with looks every 3 s at a start, one in 15 s is enough
		// later. Beaten: Ready sooner, with a third of the probes.
		name: "Node.js, boot of 13 s", scenario: "nodejs-cold-boot", horizon: 12 * time.Hour, replications: 2, rarest: 1e-4,
		published: "startupProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 24}\n" +
			"readinessProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2}\nlivenessProbe.timeoutSeconds=3",
		proposed: "startupProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 10}\n" +
			"readinessProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 15, timeoutSeconds: 1, failureThreshold: 2}\n" +
			"livenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=15\nlivenessProbe.timeoutSeconds=2",
		check: func(f *fixed) {
			for i, m := range []*estimate.Measures{f.incident, f.published, f.proposed} {
				if kills := m.StartupKillProbability; kills.Estimate > 0 || !f.losesFewStarts[i] {
					f.Errorf("settings %d: starts killed: %.3g, perhaps as many as %.3g", i, kills.Estimate, kills.High)
				}
			}
			f.isBetween("proposed: removal", &f.proposed.RemovalSeconds.P99, 0, 32)
			f.isBelow("ready lag", &f.proposed.ReadyLagSeconds.P90, &f.published.ReadyLagSeconds.P90)
		},
	},
	{
		// Reproduced where the first request is slow too: a third of the starts is
		// killed, and a startup probe ends that, the published one and the one
		// proposed. Beaten: a shorter period makes it Ready sooner; T=3 is not
		// needed, since only the first request takes more than a second, and the
		// startup probe waits for that.
		name: "Node.js, cold first request", scenario: "nodejs-cold-boot", horizon: 12 * time.Hour, replications: 2, rarest: 1e-2,
		incident: firstSlowRequest,
		published: "startupProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 24}\n" +
			"readinessProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2}\nlivenessProbe.timeoutSeconds=3",
		proposed: "startupProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 25}\n" +
			"readinessProbe={httpGet: {path: /api/healthz, port: 3000}, periodSeconds: 15, timeoutSeconds: 1, failureThreshold: 2}\n" +
			"livenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=15\nlivenessProbe.timeoutSeconds=2",
		check: func(f *fixed) {
			f.isBetween("incident: starts killed", f.incident.StartupKillProbability, .2, .5)
			f.isBetween("published: starts killed", f.published.StartupKillProbability, 0, 0)
			f.isBetween("proposed: starts killed", f.proposed.StartupKillProbability, 0, 0)
			f.isBetween("proposed: detection", &f.proposed.DetectionSeconds.P99, 0, 60)
			f.isBetween("proposed: removal", &f.proposed.RemovalSeconds.P99, 0, 32)
			f.isBelow("ready lag", &f.proposed.ReadyLagSeconds.P90, &f.published.ReadyLagSeconds.P90)
		},
	},
	{
		// Reproduced: up at 11 s and Ready at 20, and with a look a second at 11 to
		// 12. The proposal keeps that, and detects a hang in one minute instead of
		// seven, since a timeout of 80 s is no use to a server that answers in 10 ms.
		name: "Infinispan", scenario: "infinispan-ticks", horizon: 12 * time.Hour, replications: 2, rarest: 1e-2,
		published: "startupProbe.initialDelaySeconds=0\nstartupProbe.periodSeconds=1\nstartupProbe.timeoutSeconds=1\nstartupProbe.failureThreshold=600\n" +
			"readinessProbe.initialDelaySeconds=0\nlivenessProbe.initialDelaySeconds=0",
		proposed: "startupProbe.initialDelaySeconds=0\nstartupProbe.periodSeconds=1\nstartupProbe.timeoutSeconds=1\nstartupProbe.failureThreshold=20\n" +
			"readinessProbe.initialDelaySeconds=0\nreadinessProbe.periodSeconds=20\nreadinessProbe.timeoutSeconds=1\nreadinessProbe.failureThreshold=2\n" +
			"livenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=20\nlivenessProbe.timeoutSeconds=1\nlivenessProbe.failureThreshold=3",
		check: func(f *fixed) {
			f.isBetween("incident: to Ready", &f.incident.TimeToReadySeconds.P50, 19.5, 20.5)
			f.isBetween("published: to Ready", &f.published.TimeToReadySeconds.P50, 11, 12)
			f.isBetween("proposed: to Ready", &f.proposed.TimeToReadySeconds.P50, 11, 12)
			f.isBetween("proposed: to Ready, 99 %", &f.proposed.TimeToReadySeconds.P99, 0, f.published.TimeToReadySeconds.P99.Estimate)
			f.isBetween("proposed: starts killed", f.proposed.StartupKillProbability, 0, 0)
			f.isBetween("proposed: detection", &f.proposed.DetectionSeconds.P99, 60, 61)
			f.isBelow("detection", &f.proposed.DetectionSeconds.P90, &f.published.DetectionSeconds.P90)
			f.isBelow("removal", &f.proposed.RemovalSeconds.P90, &f.published.RemovalSeconds.P90)
		},
	},
	{
		// Reproduced: the startup probe makes nine minutes of waiting ten seconds.
		// Beaten: 60 periods of 10 s guarantee 590 s (S5), and more than one start in
		// a thousand takes longer; the proposal is as long as they need.
		name: "delay of 600 s", scenario: "initial-delay-600s", horizon: 12 * time.Hour, replications: 2, rarest: 1e-4,
		published: "startupProbe={httpGet: {path: /health, port: 8080}, periodSeconds: 10, failureThreshold: 60}\nreadinessProbe.initialDelaySeconds=0\nlivenessProbe.initialDelaySeconds=0",
		proposed: "startupProbe={httpGet: {path: /health, port: 8080}, periodSeconds: 10, failureThreshold: 100}\n" +
			"readinessProbe.initialDelaySeconds=0\nreadinessProbe.periodSeconds=15\nreadinessProbe.failureThreshold=2\nlivenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=15",
		check: func(f *fixed) {
			f.isBetween("incident: ready lag", &f.incident.ReadyLagSeconds.P99, 500, 600)
			f.isBetween("published: ready lag", &f.published.ReadyLagSeconds.P99, 9, 11)
			if kills := f.published.StartupKillProbability; kills.Low <= 1e-3 {
				f.Errorf("published: starts killed: %.3g (from %.3g), which may meet 0.001", kills.Estimate, kills.Low)
			}
			if kills := f.proposed.StartupKillProbability; kills.Estimate > 0 || !f.losesFewStarts[2] {
				f.Errorf("proposed: starts killed: %.3g (to %.3g), want at most 0.0001", kills.Estimate, kills.High)
			}
			f.isBetween("proposed: detection", &f.proposed.DetectionSeconds.P99, 0, 60)
			f.isBetween("proposed: ready lag", &f.proposed.ReadyLagSeconds.P99, 9, 11)
		},
	},
	{
		// Reproduced: no start under 200m lives, and the published patience ends
		// that. Beaten: the longer budget is a startup probe's, so that it does not
		// outlast the start: a hang is seen in one minute instead of six.
		name: "Spring Boot at 200m, a longer budget", scenario: "spring-boot-200m", horizon: 6 * time.Hour, replications: 2, rarest: 1e-2,
		says: "the limit of 200m stretches its 44.3 s of CPU. It needs so long a budget, or more CPU: with 400m it would take about 114 s, without a limit 26.3 s",
		published: "livenessProbe.initialDelaySeconds=60\nlivenessProbe.timeoutSeconds=15\nlivenessProbe.periodSeconds=30\nlivenessProbe.failureThreshold=12\n" +
			"readinessProbe.initialDelaySeconds=60\nreadinessProbe.timeoutSeconds=15\nreadinessProbe.periodSeconds=30\nreadinessProbe.failureThreshold=12",
		proposed: "startupProbe={httpGet: {path: /user-otp/health, port: 8080}, periodSeconds: 20, timeoutSeconds: 1, failureThreshold: 20}\n" +
			"readinessProbe.initialDelaySeconds=0\nreadinessProbe.periodSeconds=20\nreadinessProbe.timeoutSeconds=1\nreadinessProbe.failureThreshold=2\n" +
			"livenessProbe.initialDelaySeconds=0\nlivenessProbe.periodSeconds=20\nlivenessProbe.timeoutSeconds=1\nlivenessProbe.failureThreshold=3",
		check: func(f *fixed) {
			f.isBetween("incident: starts killed", f.incident.StartupKillProbability, 1, 1)
			f.isBetween("published: starts killed", f.published.StartupKillProbability, 0, 0)
			f.isBetween("proposed: starts killed", f.proposed.StartupKillProbability, 0, 0)
			f.isBetween("proposed: detection", &f.proposed.DetectionSeconds.P99, 0, 90)
			f.isBelow("detection", &f.proposed.DetectionSeconds.P90, &f.published.DetectionSeconds.P90)
			f.isBelow("ready lag", &f.proposed.ReadyLagSeconds.P90, &f.published.ReadyLagSeconds.P90)
		},
	},
	{
		// More CPU: the published values "do not fix the CPU". A whole one does, with
		// the probes as proposed: Ready in a quarter of the time.
		name: "Spring Boot, more CPU", scenario: "spring-boot-200m", horizon: 6 * time.Hour, replications: 2, rarest: 1e-2, byHand: true,
		published: "livenessProbe.initialDelaySeconds=60\nlivenessProbe.timeoutSeconds=15\nlivenessProbe.periodSeconds=30\nlivenessProbe.failureThreshold=12\n" +
			"readinessProbe.initialDelaySeconds=60\nreadinessProbe.timeoutSeconds=15\nreadinessProbe.periodSeconds=30\nreadinessProbe.failureThreshold=12",
		proposed: "resources.limits.cpu=1\nstartupProbe={httpGet: {path: /user-otp/health, port: 8080}, periodSeconds: 5, timeoutSeconds: 1, failureThreshold: 70}\n" +
			"readinessProbe.initialDelaySeconds=0\nlivenessProbe.initialDelaySeconds=0",
		check: func(f *fixed) {
			f.isBetween("published: to Ready", &f.published.TimeToReadySeconds.P50, 210, 300)
			f.isBetween("proposed: to Ready", &f.proposed.TimeToReadySeconds.P50, 0, f.published.TimeToReadySeconds.P50.Estimate/4)
			f.isBetween("proposed: starts killed", f.proposed.StartupKillProbability, 0, 0)
		},
	},
}

// TestPublishedFixes searches settings for each incident, and holds them to those
// that the case says. It simulates the published fix beside them, on seeds that no
// search has used and on the same lives: the incident is there, the fix ends it,
// and so does the proposal, which is no worse in any measure that the fix was about
// and better in one.
func TestPublishedFixes(t *testing.T) {
	if underRace {
		t.Skip("days of three variants of every case")
	}
	for i := range publishedFixes {
		c := &publishedFixes[i]
		t.Run(c.name, func(t *testing.T) {
			source, err := scenarios.Open(c.scenario)
			if err != nil {
				t.Fatal(err)
			}
			if !c.byHand {
				c.isProposed(t, source)
			}
			var variants []estimate.Named
			for _, changes := range []string{c.incident, c.incident + "\n" + c.published, c.incident + "\n" + c.proposed} {
				w, err := withChanges(source, lines(changes))
				if err != nil {
					t.Fatal(err)
				}
				variants = append(variants, estimate.Named{World: w.World})
			}
			enoughStarts := []model.Objective{{Measure: "startupKillProbability", Bound: c.rarest}}
			e, err := estimate.Run(t.Context(), variants, estimate.Options{Seed: 20160, Horizon: c.horizon, Replications: c.replications, Objectives: enoughStarts})
			if err != nil {
				t.Fatal(err)
			}
			f := &fixed{T: t, incident: &e.Variants[0].Measures, published: &e.Variants[1].Measures, proposed: &e.Variants[2].Measures}
			for i := range e.Variants {
				met := e.Variants[i].Objectives[0].Met
				f.losesFewStarts[i] = met != nil && *met || e.Variants[i].Measures.StartupKillProbability.High <= 10*c.rarest
			}
			c.check(f)
		})
	}
}

// isProposed searches settings for the incident, with little effort for what is
// simulated in full, and expects those that are said to be proposed, and what the
// answer says beside them.
func (c *publishedFix) isProposed(t *testing.T, source scenarios.Source) {
	t.Helper()
	w, err := withChanges(source, lines(c.incident))
	if err != nil {
		t.Fatal(err)
	}
	want, err := withChanges(source, lines(c.incident+"\n"+c.proposed))
	if err != nil {
		t.Fatal(err)
	}
	o := recommend.Options{Strategy: w.Strategy, Options: estimate.Options{Seed: w.Run.Seed, Horizon: 48 * time.Hour, Replications: 2, Objectives: w.Objectives}}
	r, err := recommend.Run(t.Context(), w.World, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Recommended == nil {
		t.Fatalf("nothing is proposed: %+v", r.Infeasible)
	}
	settled := estimate.SettingsOf((&recommended{workload: w, Recommendation: r}).world().Container())
	if wanted := estimate.SettingsOf(want.World.Container()); !reflect.DeepEqual(settingFields(&settled), settingFields(&wanted)) {
		t.Errorf("proposed:\n%v\nwant:\n%v", settingFields(&settled), settingFields(&wanted))
	}
	if says := r.Starts.Sentence(); !strings.Contains(says, c.says) {
		t.Errorf("it says %q, want %q", says, c.says)
	}
}

// TestAimGivenUp holds that the aim to notice hangs is given up where only a liveness
// probe would meet it that restarts healthy replicas: the slow queries overload all of
// them at once, and the workers that answer the probe are those that are busy. By itself
// each pod seems to bear one. Stated, the objective stays, and what would help is said: a
// thread of its own for the probes, or more replicas.
func TestAimGivenUp(t *testing.T) {
	source, err := scenarios.Open("slow-queries")
	if err != nil {
		t.Fatal(err)
	}
	w, err := withChanges(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	aim := model.Objective{Measure: "detectionSeconds", Statistic: "p99", Bound: 60}
	o := recommend.Options{
		Strategy: w.Strategy, Aims: []model.Objective{aim},
		Options: estimate.Options{Seed: 1, Horizon: 12 * time.Hour, Replications: 2, Objectives: append(slices.Clone(w.Objectives), aim)},
	}
	r, err := recommend.Run(t.Context(), w.World, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.GivenUp) != 1 || r.GivenUp[0].Objective != "detectionSeconds.p99 <= 60" {
		t.Errorf("given up: %+v", r.GivenUp)
	}
	if r.Recommended == nil || r.Recommended.Settings.LivenessProbe != nil || len(r.Together.Missed()) > 0 || len(r.Together.Remedies) > 0 {
		t.Errorf("proposed: %+v, together missed: %v, with remedies %+v", r.Recommended, r.Together.Missed(), r.Together.Remedies)
	}
	o.Aims, o.Horizon = nil, 6*time.Hour
	if r, err = recommend.Run(t.Context(), w.World, o); err != nil {
		t.Fatal(err)
	}
	if len(r.GivenUp) > 0 || recommendStatus(w, r) != statusNo {
		t.Errorf("given up: %+v, status %d", r.GivenUp, recommendStatus(w, r))
	}
	helps := map[string]bool{} // by how a change begins: no kill is left
	for i := range r.Together.Remedies {
		remedy := &r.Together.Remedies[i]
		helps[strings.Join(strings.Fields(remedy.Change)[:2], " ")] = remedy.FalseKillsPerPodYear.After.Estimate == 0
	}
	want := map[string]bool{"a handler": false, "a status": false, "a thread": true, "8 replicas": true}
	if !reflect.DeepEqual(helps, want) {
		t.Errorf("what leaves no kill: %v, want %v", helps, want)
	}
}

// lines returns the lines of a text that are not empty.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}
