package estimate

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/stats"
)

// record is what one replication came to, for every variant. Its size depends
// neither on the horizon nor on what happens.
type record struct {
	replication int64
	variants    []lives
}

// lives are the outcomes of one replication of one variant: one long life, and
// the sums over its short lives with test faults and over its starts.
type lives struct {
	life    gathered
	faults  gathered
	starts  gathered
	started int64 // lives of one start in which a process started
	killed  int64 // of these, the ones with a false kill while starting
	lost    int64 // of these, the ones with any false kill
}

// reset empties the outcomes and keeps their memory.
func (l *lives) reset() {
	l.life.reset()
	l.faults.reset()
	l.starts.reset()
	l.started, l.killed, l.lost = 0, 0, 0
}

// gathered is the sum of outcomes with what their samples come to in their
// place: its lists are empty.
type gathered struct {
	sim.Outcome
	lives                          int64
	detection, removal, recovery   stats.Samples
	readyLag, timeToReady, startup stats.Samples
	dead                           stats.Samples                 // dead traffic of each fault
	windows                        [len(killSpans)]windowCounter // with a false kill
	firstWindows                   [len(killSpans)]windowCounter // with one of the first start
}

func (g *gathered) reset() {
	g.Outcome.Reset()
	g.lives = 0
	for _, s := range g.samples() {
		s.into.Reset()
	}
	g.windows, g.firstWindows = [len(killSpans)]windowCounter{}, [len(killSpans)]windowCounter{}
}

// sampled is where the samples of one list go.
type sampled struct {
	into *stats.Samples
	from func(*sim.Outcome) []time.Duration
}

func (g *gathered) samples() [7]sampled {
	return [...]sampled{
		{&g.detection, func(o *sim.Outcome) []time.Duration { return o.Detections }},
		{&g.removal, func(o *sim.Outcome) []time.Duration { return o.Removals }},
		{&g.recovery, func(o *sim.Outcome) []time.Duration { return o.Recoveries }},
		{&g.readyLag, func(o *sim.Outcome) []time.Duration { return o.ReadyLags }},
		{&g.timeToReady, func(o *sim.Outcome) []time.Duration { return o.TimesToReady }},
		{&g.startup, func(o *sim.Outcome) []time.Duration { return o.StartupTimes }},
		{&g.dead, func(o *sim.Outcome) []time.Duration { return o.FaultDead }},
	}
}

// drain takes the samples out of an outcome, at the end of its life or before.
func (g *gathered) drain(o *sim.Outcome) {
	for _, s := range g.samples() {
		for _, d := range s.from(o) {
			s.into.Add(d)
		}
	}
	for i := range g.windows {
		for _, at := range o.FalseKillTimes {
			g.windows[i].kill(at, killSpans[i].span)
			if o.Outlived == 0 || at < o.FirstOutlived {
				g.firstWindows[i].kill(at, killSpans[i].span)
			}
		}
	}
	o.EmptySamples()
}

// add adds the counts and times of the outcome of a life, and what is left of
// its samples. The class of nodes, and what became of the first start, are those of the
// last life.
func (g *gathered) add(o *sim.Outcome) {
	g.drain(o)
	g.lives++
	g.PodTime += o.PodTime
	g.NodeClass = o.NodeClass
	g.Starts += o.Starts
	g.StartupsCompleted += o.StartupsCompleted
	g.Crashes += o.Crashes
	g.Marks += o.Marks
	g.Exhausted += o.Exhausted
	g.NeverReady = g.NeverReady || o.NeverReady
	g.KillsOfStarts += o.KillsOfStarts
	g.Outlived, g.FirstOutlived = o.Outlived, o.FirstOutlived
	for k := range model.ProbeKinds {
		g.FalseKills[k] += o.FalseKills[k]
		g.KillsAtFirst[k] += o.KillsAtFirst[k]
		g.TrueKills[k] += o.TrueKills[k]
		g.Attempts[k] += o.Attempts[k]
		g.Failures[k] += o.Failures[k]
		for i := range sim.LongestRun {
			g.RunLengths[k][i] += o.RunLengths[k][i]
		}
	}
	g.ProbeCPU += o.ProbeCPU
	g.LimitTime += o.LimitTime
	for s := range o.StateTime {
		g.StateTime[s] += o.StateTime[s]
	}
	g.DeadTraffic += o.DeadTraffic
	g.SlowTraffic += o.SlowTraffic
	g.FalseUnready += o.FalseUnready
	g.Available += o.Available
	g.BackOffTime += o.BackOffTime
	g.Faults += o.Faults
}

// restarts returns the starts after one was outlived, and how many of them were lost.
func (g *gathered) restarts() (all, lost int64) {
	first := atFirst(&g.Outcome)
	return max(0, g.Starts-g.lives-first), g.KillsOfStarts - first
}

// windowCounter counts the windows of a life, all of one span, that hold at
// least one of its kills.
type windowCounter struct {
	hit  int64
	last int64 // the last one hit, from 1; 0: none
}

// kill takes note of a kill, none before the last one.
func (c *windowCounter) kill(at, span time.Duration) {
	if window := int64(at/span) + 1; window != c.last {
		c.hit++
		c.last = window
	}
}

// of returns how many whole windows of the span the life has, and how many of
// them hold a kill. The remainder at the end is left out.
func (c *windowCounter) of(life, span time.Duration) (hit, all int64) {
	all = int64(life / span)
	if c.last > all {
		return c.hit - 1, all
	}
	return c.hit, all
}
