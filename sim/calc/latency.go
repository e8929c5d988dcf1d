package calc

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// Latency bounds the time that the answers to one kind of probe take while
// nothing stalls the process, and the share of them that come too late. It
// holds where the container runs nothing but its probes.
type Latency struct {
	Typical time.Duration // the median, of a container that nothing else delays
	Slow    time.Duration // one answer in ten thousand takes longer, at most

	answer *model.Answer
	exec   bool
	node   *model.Node
	quota  time.Duration // 0: none
	weight weights
	kernel bool // answers for the process (C10)
}

// Answers returns the latency of the probes of kind k of a world's studied
// container: the wait after the CPU time, which the quota stretches to at most
// one period for each quota's worth begun, and one more for the phase (C2, S8),
// the neighbours by their weight and their factor of the wait, and interruptions by ticks. What is typical
// leaves out other probes, neighbours and interruptions; what is slow takes them
// as always there.
func Answers(w *model.World, k model.ProbeKind) *Latency {
	container := w.Container()
	l := &Latency{answer: &w.Application.Probes[k], node: &w.Node, weight: weightsOf(w)}
	if p := container.Probes[k]; p != nil {
		l.exec, l.kernel = p.Handler.Kind == model.Exec, p.Handler.Kind == model.TCPSocket
	}
	if milli := container.CPULimitMilli; milli > 0 && !w.Node.NoCFSQuota {
		l.quota = cpu.Quota(milli, w.Node.CFSPeriod)
	}
	if !l.kernel {
		l.Typical, l.Slow = l.at(0.5, false), l.at(0.9999, true)
	}
	return l
}

// at returns the latency of an answer of which every part is at its quantile p,
// alone or in a crowd.
func (l *Latency) at(p float64, crowded bool) time.Duration {
	// Longer than any timeout is long enough, and leaves room to multiply.
	const longest = 100 * time.Hour
	demand, wait := min(l.answer.CPU.Quantile(p), longest), min(l.answer.Wait.Quantile(p), longest)
	if l.exec {
		demand += min(l.answer.Exec.HelperCPU.Quantile(p), longest)
		wait += min(l.answer.Exec.Join.Quantile(p), longest)
	}
	if crowded { // all the container's probes at once, each as expensive
		demand *= model.ProbeKinds
	}
	if crowded {
		for i := range l.node.Neighbours {
			wait = min(dist.Stretched(wait, max(1, l.node.Neighbours[i].WaitFactor)), longest)
		}
	}
	return wait + l.wall(demand, crowded)
}

// wall returns the time that CPU work takes, alone or in a crowd.
func (l *Latency) wall(demand time.Duration, crowded bool) time.Duration {
	wall := demand
	if l.quota > 0 && demand > l.quota {
		wall = (demand/l.quota + 1) * l.node.CFSPeriod
	}
	if crowded && demand > 0 {
		wall += l.behindNeighbours(demand) + l.interrupted(demand)
	}
	return wall
}

// Fails returns the probability that one answer of a process that nothing
// stalls is a failure or comes after the timeout: an estimate and a bound from
// above. An answer is late only if one of its parts is beyond its quantile p,
// where the parts at p together are not late: P(late) <= parts·(1−p), for any p.
func (l *Latency) Fails(timeout time.Duration) (estimate, bound float64) {
	if l.kernel {
		return 0, 0
	}
	return l.fails(timeout, false), l.fails(timeout, true)
}

func (l *Latency) fails(timeout time.Duration, crowded bool) float64 {
	failure := l.answer.Failure
	if l.at(1, crowded) < timeout {
		return failure
	}
	parts := 2.0
	if l.exec {
		parts = 4
	}
	low, high := 0.0, 15.0 // of x in p = 1 − 10^−x
	for range 30 {
		x := (low + high) / 2
		if l.at(1-math.Pow(10, -x), crowded) < timeout {
			low = x
		} else {
			high = x
		}
	}
	late := math.Min(1, parts*math.Pow(10, -low))
	return failure + late - failure*late
}

// weights are the shares of the CPU of the neighbours together and of the
// container (C23, C24).
type weights struct{ neighbours, own float64 }

func weightsOf(w *model.World) weights {
	of := func(milli int64) float64 {
		if w.Node.LinearWeights {
			return float64(cpu.LinearWeight(cpu.Shares(milli)))
		}
		return float64(cpu.Weight(cpu.Shares(milli)))
	}
	request := w.Container().CPURequestMilli
	if request == 0 {
		request = w.Container().CPULimitMilli
	}
	all := weights{own: of(request)}
	for i := range w.Node.Neighbours {
		if milli := w.Node.Neighbours[i].CPURequestMilli; milli > 0 {
			all.neighbours += of(milli)
		}
	}
	return all
}

// behindNeighbours bounds the time that always busy neighbours of weight W add
// to a demand of a container of weight w: W/w times as long as it runs, on as
// many of the CPUs as its three probes can use at once, what was owed before,
// and a tick for each turn, which is at least 2 ms (C16 to C19).
func (l *Latency) behindNeighbours(demand time.Duration) time.Duration {
	if l.weight.neighbours == 0 {
		return 0
	}
	cpus := max(l.node.CPUs, 1)
	ratio := l.weight.neighbours / float64(cpus) * float64(min(cpus, model.ProbeKinds)) / l.weight.own
	tick := time.Second / time.Duration(l.node.KernelHz)
	turns := demand/(2*time.Millisecond) + 2
	return time.Duration(ratio*float64(demand+tick)) + turns*tick
}

// interrupted bounds the time that interruptions add: a tick each (C32a), and
// more of them than a Poisson number exceeds with a probability of about 1e-15.
func (l *Latency) interrupted(demand time.Duration) time.Duration {
	if l.node.InterruptionsPerSecond <= 0 {
		return 0
	}
	mean := l.node.InterruptionsPerSecond * demand.Seconds()
	tick := time.Second / time.Duration(l.node.KernelHz)
	return time.Duration((mean + 8*math.Sqrt(mean) + 20) * float64(tick))
}
