package sim

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// Snapshot is a life at one instant, from which others go on: the whole state of
// the pod with its quota, backlog, stalls, attempts and workers, but no stream of
// random numbers. It belongs to the simulator that made it, or to others of the
// same world, one at a time.
type Snapshot struct {
	node  int
	life  *life
	climb climb
}

// Save makes the snapshot that of the life under way. A new snapshot is the zero
// value; one that was used before keeps its memory.
func (s *Simulator) Save(into *Snapshot) {
	if into.life == nil {
		own := &application{out: &Outcome{}, service: &service{}}
		if s.application().cpu != nil {
			own.cpu = &cpu.Container{}
		}
		into.life = &life{processes: own}
		own.life = into.life
	}
	into.node, into.climb = s.node, s.climb
	into.life.copyFrom(s.nodes[s.node][0])
}

// Restore lets a life go on from a snapshot. Its luck from here on is that of
// (seed, replication): every stream begins anew, by its purpose, and what is
// left of each stall, answer and other job is drawn anew on condition of how long it
// has lasted, or how much CPU time it has had. The law of what happens next depends only on what has happened, so this is a fair
// continuation; lives that go on from one snapshot are independent given it.
func (s *Simulator) Restore(from *Snapshot, seed, replication uint64) {
	s.node, s.climb = from.node, from.climb
	l := s.nodes[s.node][0]
	a := l.processes.(*application)
	a.out, a.service = &s.out, &s.service
	l.copyFrom(from.life)
	l.random.seed(seed, replication, forKubelet)
	a.seed(seed, replication, 0)
	if a.cpu != nil {
		a.cpu.GoOn(a.random[streamCPU].Rand)
	}
	a.skipping.forget()
	a.redraw()
	l.horizon = min(l.now+longestExcursion, dist.Longest)
}

// longestExcursion is how long a restored life goes on at the most.
const longestExcursion = 7 * 24 * time.Hour

// copyFrom makes the life the same as another of the same world and node,
// without its streams. Nothing is allocated once it has been as large before.
func (l *life) copyFrom(other *life) {
	own := *l
	*l = *other
	l.processes, l.random, l.trace, l.stop = own.processes, own.random, own.trace, own.stop
	l.timers.at = append(own.timers.at[:0], other.timers.at...)
	l.timers.win = append(own.timers.win[:0], other.timers.win...)
	l.containers = append(own.containers[:0], other.containers...)
	l.attempts = append(own.attempts[:0], other.attempts...)
	l.updates = append(own.updates[:0], other.updates...)
	l.triggered = append(own.triggered[:0], other.triggered...)
	l.processes.(*application).copyFrom(other.processes.(*application))
}

// copyFrom copies all but the outcome, of which only the false kills go on. The
// pod is the only one of its service that is simulated.
func (a *application) copyFrom(other *application) {
	own := *a
	*a = *other
	a.life, a.random, a.out, a.cpu, a.service, a.drain, a.planned, a.heir = own.life, own.random, own.out, own.cpu, own.service, own.drain, own.planned, nil
	members := own.service.members[:0]
	*a.service = *other.service
	a.service.members = append(members, a)
	a.out.Reset()
	a.out.FalseKills = other.out.FalseKills
	if a.cpu != nil {
		a.cpu.CopyFrom(other.cpu)
		if t := a.app.Traffic; t != nil && t.OfService {
			a.cpu.BurstsFrom(a.random[streamBursts].Rand, a.life.now)
		}
	}
	a.finished = append(own.finished[:0], other.finished...)
	a.renewals = append(own.renewals[:0], other.renewals...)
	a.faults = append(own.faults[:0], other.faults...)
	a.resources = append(own.resources[:0], other.resources...)
	a.observations = own.observations[:0]
	a.coasting.probes = own.coasting.probes
}

// redraw draws anew what is left of the stretches under way: of every stall that
// lasts, on condition of its age, and of every exponential time, which has no
// age. The rest keep what is left, which is fair too, but the same for all.
func (a *application) redraw() {
	for i := range a.renewals {
		r := &a.renewals[i]
		if a.life.timers.at[a.timer(timerFirst+i)] == never {
			continue
		}
		random := a.random[r.stream].Rand
		length := r.Every
		if r.on {
			length = r.Lasts
		}
		if e, ok := length.Nanoseconds.(dist.Exponential); ok {
			a.set(timerFirst+i, later(a.life.now, time.Duration(e.Sample(random))))
		} else if r.on && r.aged {
			if lasts, ok := length.Beyond(a.life.now-r.since, random); ok {
				a.set(timerFirst+i, max(a.life.now, later(r.since, lasts)))
			}
		}
	}
	if a.cpu != nil && a.alive {
		a.cpu.Redraw(a.life.now, a.redrawAnswer)
		a.retime()
	}
}

// redrawAnswer draws anew what nobody has seen yet of the answer to an attempt under
// way: the CPU time that is left, on condition of what it has had, and the wait after
// it. ok is false for other jobs of the process, such as a stage of its start, and for
// an exec probe whose helper's CPU time is random, too: only their sum is seen.
func (a *application) redrawAnswer(p *cpu.Progress) (left, wait time.Duration, ok bool) {
	for i := range a.life.attempts {
		t := &a.life.attempts[i]
		if t.asked == 0 || t.asked != p.ID || t.answers != byCPU {
			continue
		}
		answer, random := &a.app.Probes[t.kind], a.random[streamAnswers+int(t.kind)].Rand
		if p.Waits {
			if a.node.WaitsVary() {
				return 0, 0, false // how slow it was when it was asked is not kept
			}
			wait, ok = answer.Wait.Beyond(p.Waited, random)
			return 0, wait, ok
		}
		helper := time.Duration(0)
		if a.handler(t) == model.Exec && !answer.Exec.HelperCPU.IsZero() {
			constant, isConstant := answer.Exec.HelperCPU.Nanoseconds.(dist.Constant)
			if !isConstant {
				return 0, 0, false
			}
			helper = time.Duration(constant)
		}
		demand, ok := answer.CPU.Beyond(p.Had-helper, random)
		if !ok {
			return 0, 0, false
		}
		return demand + helper - p.Had, t.wait, true
	}
	return 0, 0, false
}
