package kubelettest

import (
	"fmt"
	"math/rand/v2"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/corpus"
)

// Generate returns the random case of a seed, without its trace. Its group says
// which of the corpus' groups it resembles; "mixed" has anything with anything.
func Generate(seed uint64) *corpus.File {
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	group := g.group()
	c := g.basic()
	c.Name, c.Group, c.Seed = fmt.Sprintf("live-%s-%d", group, seed), group, seed
	g.alter(group, &c)
	lives := pick(g, 1, 2, 3)
	if group == "reset" {
		lives = pick(g, 4, 5, 6, 7)
	}
	for range lives {
		c.Incarnations = append(c.Incarnations, g.incarnation(group, &c))
	}
	file := &corpus.File{Schema: corpus.Schema, Kubelet: Kubelet, Case: c}
	if c.KubeletAgeS == 0 {
		file.JitterNS = jitter(&c)
	}
	return file
}

type generator struct{ *rand.Rand }

func pick[T any](g generator, values ...T) T { return values[g.IntN(len(values))] }

// odd returns an odd number from low, which is odd, to below high: odd
// milliseconds rarely meet a whole second.
func (g generator) odd(low, high int64) int64 { return low + 2*g.Int64N((high-low)/2) }

func (g generator) chance(p float64) bool { return g.Float64() < p }

// group draws which kind of case it is.
func (g generator) group() string {
	if g.chance(0.02) {
		return "reset" // long, so rare
	}
	return pick(g, "basic", "restart", "restart", "slow", "crash", "crash", "grace", "grace",
		"relist", "relist-crash", "resync", "backoff", "stale", "jitter", "mixed", "mixed", "mixed")
}

// basic returns a case without incarnations that uses nothing unusual.
func (g generator) basic() corpus.Case {
	c := corpus.Case{
		PodAddMS: g.odd(1, 1000), HorizonMS: pick[int64](g, 90e3, 180e3, 300e3), KubeletAgeS: 1000,
		PodGraceS: pick[int64](g, 2, 5, 10, 30), StartMS: g.odd(41, 2600),
		DeadOutcome: pick(g, "failure", "failure", "error"), DeadLatencyMS: g.odd(1, 11), TimeoutExtraMS: g.odd(1, 21),
		BackOffInitial: 10, BackOffMax: 300,
	}
	for *c.Probes.Of(model.Startup) == nil && *c.Probes.Of(model.Readiness) == nil && *c.Probes.Of(model.Liveness) == nil {
		for k := model.Startup; k < model.ProbeKinds; k++ {
			if g.chance(0.6) {
				*c.Probes.Of(k) = g.probe(k)
			}
		}
	}
	return c
}

// probe draws the five integers.
func (g generator) probe(k model.ProbeKind) *corpus.Probe {
	p := &corpus.Probe{
		InitialDelayS: pick[int32](g, 0, 0, 0, 0, 1, 2, 3, 5, 12),
		PeriodS:       pick[int32](g, 1, 2, 3, 5, 7, 10),
		TimeoutS:      pick[int32](g, 1, 1, 1, 2, 3),

		SuccessThreshold: 1,
		FailureThreshold: pick[int32](g, 1, 2, 3, 3, 3, 5),
	}
	switch k {
	case model.Startup:
		p.FailureThreshold = pick[int32](g, 1, 3, 5, 10, 20)
	case model.Readiness:
		p.SuccessThreshold = pick[int32](g, 1, 1, 2, 3)
	}
	return p
}

// alter makes a basic case one of a group.
func (g generator) alter(group string, c *corpus.Case) {
	mixed := func(p float64) bool { return group == "mixed" && g.chance(p) }
	if c.Probes.Liveness == nil && (group == "restart" || group == "grace" || group == "backoff" || group == "reset") {
		c.Probes.Liveness = g.probe(model.Liveness)
	}
	if group == "slow" || mixed(0.3) {
		g.eachProbe(c, func(p *corpus.Probe) {
			p.PeriodS, p.TimeoutS = pick[int32](g, 1, 1, 2, 3), pick[int32](g, 2, 3, 5, 9)
		})
	}
	if group == "grace" || mixed(0.4) {
		c.PodGraceS = pick[int64](g, 0, 1, 2, 3, 8, 20)
		if g.chance(0.6) {
			c.PreStopMS = g.odd(501, 9000)
		}
	}
	if group == "relist" || group == "relist-crash" || mixed(0.5) {
		c.RelistPeriodMS, c.RelistPhaseMS = 1000, g.odd(1, 1000)
	}
	if group == "resync" || mixed(0.3) {
		c.ResyncMS = g.odd(60001, 90000)
	}
	if mixed(0.1) {
		c.ResyncMS = g.odd(2001, 30000)
	}
	if group == "backoff" || mixed(0.2) {
		c.BackOffInitial, c.BackOffMax = pick[int64](g, 10, 10, 1), pick[int64](g, 300, 60, 40, 7)
	}
	if group == "stale" || mixed(0.2) {
		c.StaleTrigger = true
	}
	switch group {
	case "jitter": // of one worker, as the format has one value
		c.KubeletAgeS, c.StartMS = 0, g.odd(41, 6000)
		k := model.ProbeKind(g.IntN(model.ProbeKinds))
		c.Probes = corpus.Probes{}
		*c.Probes.Of(k) = g.probe(k)
	case "backoff":
		c.HorizonMS = pick[int64](g, 600e3, 900e3, 1800e3)
	case "reset":
		c.HorizonMS = 2600e3
	}
	for _, k := range []model.ProbeKind{model.Startup, model.Liveness} {
		if p := *c.Probes.Of(k); p != nil && g.chance(0.15) {
			grace := 1 + g.Int64N(12)
			p.TerminationGraceS = &grace
		}
	}
}

func (g generator) eachProbe(c *corpus.Case, change func(*corpus.Probe)) {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if p := *c.Probes.Of(k); p != nil {
			change(p)
		}
	}
}

// incarnation draws how one container behaves.
func (g generator) incarnation(group string, c *corpus.Case) corpus.Incarnation {
	in := corpus.Incarnation{TermMS: g.odd(11, 2500)}
	if group == "grace" || group == "mixed" && g.chance(0.3) {
		in.TermMS = g.odd(101, 14000)
	}
	crashes := map[string]float64{"crash": 0.8, "relist-crash": 0.9, "backoff": 0.5, "mixed": 0.4, "reset": 0.2}[group]
	if g.chance(crashes) {
		at := g.odd(301, pick[int64](g, 5000, 15000, 45000))
		if group == "reset" || group == "backoff" && g.chance(0.2) {
			at = g.odd(550001, 680000)
		}
		in.ExitAtMS = &at
	}
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if p := *c.Probes.Of(k); p != nil {
			*in.Of(k) = g.segments(group, k, c)
		}
	}
	return in
}

// segments draws the behaviour towards one kind of probe. A startup probe mostly
// succeeds after a while; the others change their mind.
func (g generator) segments(group string, k model.ProbeKind, c *corpus.Case) []corpus.Segment {
	horizon := c.HorizonMS
	if group == "reset" {
		return g.lasting(k)
	}
	var segments []corpus.Segment
	from := int64(0)
	failing := pick(g, 0.1, 0.25, 0.5)
	if k == model.Startup && g.chance(0.8) {
		segments = append(segments, corpus.Segment{Outcome: pick(g, "failure", "failure", "error"), LatencyMS: g.latency(group)})
		from = g.odd(501, 20000)
		failing = 0.1
	}
	for from < horizon && len(segments) < 26 {
		outcome := "success"
		switch {
		case g.chance(failing):
			outcome = "failure"
		case g.chance(0.06):
			outcome = "error"
		}
		segments = append(segments, corpus.Segment{FromMS: from, Outcome: outcome, LatencyMS: g.latency(group)})
		from += 1 + g.Int64N(pick[int64](g, 4000, 15000, 30000))
	}
	return segments
}

// lasting draws the behaviour of a life of about ten minutes, around the age at
// which back-off is forgotten.
func (g generator) lasting(k model.ProbeKind) []corpus.Segment {
	segments := []corpus.Segment{{Outcome: "success", LatencyMS: g.odd(3, 90)}}
	if k == model.Liveness && g.chance(0.8) {
		at := g.odd(3001, 60000)
		if g.chance(0.5) {
			at = g.odd(550001, 680000)
		}
		segments = append(segments, corpus.Segment{FromMS: at, Outcome: "failure", LatencyMS: g.odd(3, 90)})
	}
	return segments
}

// latency draws how long an answer takes: now and then longer than a timeout.
func (g generator) latency(group string) int64 {
	switch {
	case group == "slow" && g.chance(0.5), group == "mixed" && g.chance(0.25):
		return g.odd(251, 10400)
	case group == "crash" && g.chance(0.3), g.chance(0.06):
		return g.odd(801, 1900)
	}
	return g.odd(3, 250)
}
