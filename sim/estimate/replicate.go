package estimate

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// worker simulates replications, one at a time, on simulators of its own.
type worker struct {
	plan       *plan
	simulators []*sim.Simulator // one for each variant
	stop       *atomic.Bool     // gives up the replication under way
}

// run simulates one life of variant i, or gives it up when told to stop.
func (w *worker) run(i int, life sim.Life) *sim.Outcome {
	life.Stop = w.stop
	return w.simulators[i].Run(life)
}

func newWorker(p *plan, variants []Named) (*worker, error) {
	w := &worker{plan: p}
	for _, variant := range variants {
		simulator, err := sim.New(variant.World)
		if err != nil {
			return nil, err
		}
		w.simulators = append(w.simulators, simulator)
	}
	return w, nil
}

// replicate fills rec with replication r. Every variant lives the same lives:
// same seeds, same instants of the test faults, so that their difference is
// due to the settings (common random numbers, S14). It reports false if it was
// told to stop before the end.
func (w *worker) replicate(r int64, rec *record) bool {
	rec.replication = r
	for i := range w.simulators {
		result := &rec.variants[i]
		result.reset()
		life := w.plan.life(r)
		life.Drain = result.life.drain
		result.life.add(w.run(i, life))
		for j := range w.plan.faultLives[i] {
			result.faults.add(w.run(i, w.plan.faultLife(r, j, i)))
		}
		for j := range w.plan.startLives[i] {
			outcome := w.run(i, w.plan.startLife(r, j, i))
			if outcome.Starts > 0 {
				result.started++
			}
			if outcome.KillsWhileStarting > 0 {
				result.killed++
			}
			if outcome.FalseKills[model.Startup]+outcome.FalseKills[model.Liveness] > 0 {
				result.lost++
			}
			result.starts.add(outcome)
		}
	}
	return !w.stop.Load()
}

// pool spreads replications over workers and hands their records on in the
// order of the replications, so that the number of workers cannot change a
// result. It holds at most four records for each worker.
type pool struct {
	workers []*worker
	free    chan *record
}

func newPool(p *plan, variants []Named, jobs int) (*pool, error) {
	const recordsPerWorker = 4
	pool := &pool{free: make(chan *record, recordsPerWorker*jobs)}
	for range jobs {
		w, err := newWorker(p, variants)
		if err != nil {
			return nil, err
		}
		pool.workers = append(pool.workers, w)
	}
	for range cap(pool.free) {
		pool.free <- &record{variants: make([]lives, len(variants))}
	}
	return pool, nil
}

// extend simulates the replications from up to, not including, to, and folds
// each in turn. It returns the first replication not folded: to, unless ctx
// ended before.
func (p *pool) extend(ctx context.Context, from, to int64, fold func(*record)) int64 {
	var next atomic.Int64
	next.Store(from)
	finished := make(chan *record, cap(p.free))
	var running sync.WaitGroup
	for _, w := range p.workers {
		stop := new(atomic.Bool)
		w.stop = stop
		keep := context.AfterFunc(ctx, func() { stop.Store(true) })
		running.Go(func() {
			defer keep()
			for ctx.Err() == nil {
				// The record comes before the number: whoever has the least
				// number outstanding can then always finish it.
				rec := <-p.free
				r := next.Add(1) - 1
				if r >= to {
					p.free <- rec
					return
				}
				if !w.replicate(r, rec) {
					p.free <- rec
					return
				}
				finished <- rec
			}
		})
	}
	go func() {
		running.Wait()
		close(finished)
	}()

	waiting := map[int64]*record{}
	for rec := range finished {
		waiting[rec.replication] = rec
		for rec = waiting[from]; rec != nil; rec = waiting[from] {
			delete(waiting, from)
			fold(rec)
			p.free <- rec
			from++
		}
	}
	for _, rec := range waiting { // those after one that was given up
		p.free <- rec
	}
	return from
}

// stream returns the generator of one purpose of one replication. It shares
// nothing with the streams inside the lives.
func stream(seed uint64, purpose, number int64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed^mix(uint64(purpose))), uint64(number)))
}

// mix spreads the bits of x: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
