package recommend

import (
	"sync"
	"sync/atomic"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// crew simulates short lives of one world on all workers, and counts what they cost:
// in events, as that does not depend on who simulates which of them.
type crew struct {
	simulators []*sim.Simulator
	handled    []map[[2]int]int64 // by each simulator, of lives on each of its nodes
	uncertain  bool               // every draw of the world's inputs has nodes of its own
	stop       *atomic.Bool
}

func newCrew(w *model.World, jobs int, stop *atomic.Bool) (*crew, error) {
	c := &crew{uncertain: w.Uncertain(), stop: stop}
	for range max(1, jobs) {
		simulator, err := sim.New(w)
		if err != nil {
			return nil, err
		}
		c.simulators = append(c.simulators, simulator)
		c.handled = append(c.handled, map[[2]int]int64{})
	}
	return c, nil
}

// live simulates n lives, hands each outcome on, and returns what they cost, in events
// that take as long as an attempt.
func (c *crew) live(n int, life func(i int) sim.Life, take func(i int, o *sim.Outcome)) float64 {
	const aLife, anAttempt, anEvent = 4., 1. / 2, 1. / 160 // those of a throttled CPU are the quickest
	costs := make([]float64, n)
	var running sync.WaitGroup
	for job, simulator := range c.simulators {
		running.Go(func() {
			for i := job; i < n && !c.stop.Load(); i += len(c.simulators) {
				of := life(i)
				of.Stop = c.stop
				o := simulator.Run(of)
				on := [2]int{0, o.NodeClass}
				if c.uncertain {
					on[0] = of.Draw
				}
				cost := aLife + anEvent*float64(simulator.Handled()-c.handled[job][on])
				c.handled[job][on] = simulator.Handled()
				for _, attempts := range o.Attempts {
					cost += anAttempt * float64(attempts)
				}
				costs[i] = cost
				take(i, o)
			}
		})
	}
	running.Wait()
	sum := 0.0
	for _, cost := range costs {
		sum += cost
	}
	return sum
}
