// Package sim makes a model.World happen: one life of one pod, event by event,
// in virtual time. It has no clock, no goroutine and no files; a life is a
// function of (world, seed, replication).
//
// The kubelet's side of a life is in life.go, podsync.go and attempt.go; what
// runs in the containers is behind the interface processes: the application of
// a World, or a Script in which every duration is given.
package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// Simulator simulates lives of one world, one at a time. It belongs to one
// goroutine and keeps its memory from life to life.
type Simulator struct {
	world    *model.World
	drawn    []layout // of a world with uncertain inputs, by draw; the one in use is above and below
	draw     int
	nodes    [][2]*life // for each class of node, or one; the second life, of a rollout's new pod, is nil without rollouts
	observed [][2]*life // the same with room for observers; nil: none yet
	class    stream
	node     int // index into nodes of the life under way
	service  service
	rollout  rollout
	climb    climb

	out       Outcome
	unstudied Outcome // of other replicas' pods: nobody's
	successor Trace   // of a rollout's new pod, until its life is the studied one
	pod       int     // the number of the studied pod
	labelled  int     // events of the trace that have their pod's number
}

// layout is the world of one draw of uncertain inputs with its lives.
type layout struct {
	world           *model.World
	nodes, observed [][2]*life
}

// use makes the world that of a draw of its uncertain inputs, if it has any.
func (s *Simulator) use(draw int) {
	if s.drawn == nil || draw == s.draw {
		return
	}
	s.drawn[s.draw] = layout{s.drawn[s.draw].world, s.nodes, s.observed}
	s.draw = draw
	to := &s.drawn[draw]
	if to.nodes == nil {
		to.nodes = worldLives(to.world, 0)
	}
	s.world, s.nodes, s.observed = to.world, to.nodes, to.observed
}

// New returns a simulator of a world, or an error that lists what the world
// asks for and this version does not simulate.
func New(w *model.World) (*Simulator, error) {
	if missing := Unsupported(w); len(missing) > 0 {
		return nil, fmt.Errorf("%s: not simulated by this version", strings.Join(missing, ", "))
	}
	s := &Simulator{world: w, class: newStream()}
	if w.Uncertain() {
		s.drawn = make([]layout, model.InputDraws+1)
		for draw := range s.drawn {
			s.drawn[draw].world = w.Draw(draw)
		}
		s.world = s.drawn[0].world
	}
	s.nodes = worldLives(s.world, 0)
	return s, nil
}

// worldLives lays out the lives of a world, on each class of node, with room for
// so many observers.
func worldLives(w *model.World, observers int) [][2]*life {
	if len(w.Node.Classes) == 0 {
		return [][2]*life{newWorldLives(w, &w.Node, observers)}
	}
	var lives [][2]*life
	for i := range w.Node.Classes {
		lives = append(lives, newWorldLives(w, &w.Node.Classes[i].Node, observers))
	}
	return lives
}

// newWorldLives lays out the lives of a world on one kind of node: one, or two
// where a rollout's new pod lives beside the old one.
func newWorldLives(w *model.World, node *model.Node, observers int) (lives [2]*life) {
	lives[0] = newWorldLife(w, node, observers)
	if w.Events.Rollout != nil {
		lives[1] = newWorldLife(w, node, observers)
	}
	return lives
}

// Unsupported returns the paths of the scenario that this version loads but
// does not simulate.
func Unsupported(w *model.World) []string {
	var paths []string
	add := func(absent bool, path string) {
		if !absent {
			paths = append(paths, path)
		}
	}
	v := w.Cluster.KubernetesVersion
	add(v.Minor >= model.OldestVersion.Minor && v.Minor <= model.NewestVersion.Minor, "cluster.kubernetesVersion "+v.String())
	return paths
}

// newWorldLife lays out the lives of a world on one kind of node.
func newWorldLife(w *model.World, node *model.Node, observers int) *life {
	a := newApplication(w, node)
	l := newLife(&w.Pod, a.timerCount(), observers)
	if longest := node.MaxContainerRestartPeriod; longest > 0 {
		l.backOff.Max = longest
	}
	l.processes = a
	a.life = l
	l.studied = w.Studied
	l.version = w.Cluster.KubernetesVersion
	l.durations = kubelet.MeasuredDurations()
	a.skipping = newSkipping(w, a, l)
	a.coasting = newCoasting(w, a)
	return l
}

// SkipsAhead reports whether the quiet stretches of the world's lives can be
// passed over.
func (s *Simulator) SkipsAhead() bool {
	for _, pair := range s.nodes {
		if !pair[0].processes.(*application).skipping.valid {
			return false
		}
	}
	return true
}

// Run simulates one life. The outcome is valid until the next call.
func (s *Simulator) Run(of Life) *Outcome {
	l, a := s.begin(&of)
	if of.Hang > 0 {
		l.timers.set(a.timer(timerHang), of.Hang)
	}
	l.run()
	for l.rolling && !l.ended {
		l = s.roll(&of, l)
		l.run()
	}
	out := l.processes.(*application).finish()
	if of.Trace != nil {
		s.label(of.Trace, s.pod)
		of.Trace.sort()
	}
	return out
}

// begin prepares a life up to its pod's first sync.
func (s *Simulator) begin(of *Life) (*life, *application) {
	s.use(of.Draw)
	s.class.seed(of.Seed, of.Replication, forNodeClass)
	s.node = drawClass(s.world.Node.Classes, s.class.Float64())
	l := s.nodes[s.node][0]
	a := l.processes.(*application)
	s.rollout.generation, s.pod, s.labelled = 0, 0, 0
	l.trace = of.Trace
	if l.trace != nil {
		*l.trace = Trace{World: s.world, Seed: of.Seed, Replication: of.Replication, Horizon: of.Horizon, From: l.trace.From, To: l.trace.To, Events: l.trace.Events[:0]}
	}
	s.out.Reset()
	s.out.NeverReady = true
	if len(s.world.Node.Classes) > 0 {
		s.out.NodeClass = s.node + 1
	}
	s.unstudied.Reset()
	a.out = &s.out
	s.prepare(l, of, 0, 0)
	s.service.reset(a)
	a.scheduleEvents()
	l.timers.set(l.podTimer(), 0)
	return l, a
}

// prepare makes a life that of the pod of a generation, which begins at the
// given instant. Each generation has random numbers of its own.
func (s *Simulator) prepare(l *life, of *Life, generation uint64, at time.Duration) {
	l.reset(at)
	l.random.seed(of.Seed, of.Replication, forKubelet+purpose(generation)<<32)
	l.wallOffset = time.Duration(l.random.Int64N(int64(time.Second)))
	l.relistPhase = time.Duration(l.random.Int64N(int64(time.Second)))
	l.kubeletStart = -dist.Longest // an old kubelet: no start-up jitter (K4)
	l.horizon = min(of.Horizon, dist.Longest)
	l.stop = of.Stop
	a := l.processes.(*application)
	l.skips = of.SkipAhead && of.Trace == nil && a.skipping.valid
	l.coasts = of.Trace == nil && a.coasting.valid
	l.climbs = false
	a.drain, a.firstStart, a.firstReady = of.Drain, of.FirstStart, of.FirstReady
	if a.out == &s.unstudied {
		a.drain, a.firstStart, a.firstReady = nil, false, false
	}
	a.reset(of.Seed, of.Replication, generation)
}

// label notes which pod the newest events of a trace are about.
func (s *Simulator) label(trace *Trace, pod int) {
	for i := s.labelled; i < len(trace.Events); i++ {
		trace.Events[i].Pod = pod
	}
	s.labelled = len(trace.Events)
}

// drawClass returns the class of the node a replica lands on, from a uniform
// number.
func drawClass(classes []model.NodeClass, uniform float64) int {
	total := 0.0
	for i := range classes {
		total += classes[i].Weight
	}
	u := uniform * total
	for i := range classes {
		if u -= classes[i].Weight; u < 0 {
			return i
		}
	}
	return max(0, len(classes)-1)
}

// Handled returns how many events the CPU has had in all lives so far on a node like
// the latest one's: with the attempts what their simulation costs, as a count.
func (s *Simulator) Handled() int64 {
	a := s.nodes[s.node][0].processes.(*application)
	if a.cpu == nil {
		return 0
	}
	return a.cpu.Handled()
}

// maxObservers is the number of observations that may be under way at once;
// further ones are taken to be as late as the latest of them.
const maxObservers = 64

// Observe simulates a life in which no probe of kind k exists, and asks what
// such a probe would have been answered at each instant of a grid of the given
// period: the latency of every answer, however long (S19). Settings of kind k
// do not change what it returns. With an Effort the life ends at the first question
// after so many events of the CPU: when, follows from what was before, so that what
// is seen for each second stays what it is on average (Wald). The slice is valid
// until the next call.
func (s *Simulator) Observe(of Life, k model.ProbeKind, period time.Duration) []Observation {
	s.use(of.Draw)
	if s.observed == nil {
		s.observed = worldLives(s.world, maxObservers)
	}
	unprobed := s.world.WithContainer(s.world.Container().WithProbe(k, nil))
	for _, pair := range s.observed {
		pair[0].pod = &unprobed.Pod
	}
	plain := s.nodes
	s.nodes = s.observed
	defer func() { s.nodes = plain }()
	l, a := s.begin(&of)
	a.set(timerRollout, never) // a new pod answers as the old one does
	a.observe(k, period, of.Effort)
	l.run()
	for i := range l.attempts {
		if o := &l.attempts[i]; i >= len(l.containers)*model.ProbeKinds && o.asked != 0 {
			a.observations = append(a.observations, a.observation(o, l.horizon-o.start))
		}
	}
	slices.SortFunc(a.observations, func(x, y Observation) int { return int(x.At - y.At) })
	return a.observations
}
