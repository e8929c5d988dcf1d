package cpu

import (
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// An event loop answers when the callback that runs is over, however long.
func TestEventLoopIsBlocked(t *testing.T) {
	c := newContainer(Config{CPUs: 4, Threads: 1}, 1)
	c.Submit(time.Second, Job{ID: 1, Demand: 300 * ms})
	at := time.Second + 100*ms
	c.Submit(at, Job{ID: 2, Demand: ms})
	c.Advance(at + time.Second)
	done := c.Done()
	want := []Finished{{1, time.Second + 300*ms}, {2, time.Second + 301*ms}}
	if len(done) != 2 || done[0] != want[0] || done[1] != want[1] {
		t.Errorf("ended %v, want %v", done, want)
	}
	kernel := newContainer(Config{CPUs: 4}, 1)
	kernel.Submit(time.Second, Job{ID: 1, Demand: 300 * ms})
	kernel.Submit(at, Job{ID: 2, Demand: ms})
	if kernel.Advance(at + ms); len(kernel.Done()) != 1 {
		t.Errorf("a thread of its own has to wait beside an idle CPU")
	}
}

// A job waits for its CPU outside the loop's thread: a slow backend blocks
// nothing.
func TestEventLoopGoesOnWhileWaiting(t *testing.T) {
	c := newContainer(Config{Threads: 1}, 1)
	c.Submit(0, Job{ID: 1, Demand: ms, Wait: time.Second})
	c.Submit(0, Job{ID: 2, Demand: ms})
	c.Advance(2 * time.Second)
	if done := c.Done(); len(done) != 2 || done[0] != (Finished{2, 2 * ms}) || done[1] != (Finished{1, 1001 * ms}) {
		t.Errorf("ended %v", done)
	}
}

// With four goroutines that never block on two threads, a connection is noticed
// within 10 ms and finds two goroutines before it. Each thread passes on at
// every second look of the monitor: 20 ms for the turn under way and the one
// after it, less the look at which the turn began to count.
func TestGoroutinesGiveWay(t *testing.T) {
	c := newContainer(Config{CPUs: 2, Threads: 2, Background: []model.Background{{Always: true, Threads: 4}}}, 1)
	for i := range 100 {
		at := time.Duration(i+1)*time.Second + time.Duration(i)*137*time.Microsecond
		took := answer(c, at, Job{Demand: ms}) - at
		if took < 2*ms || took > 41*ms {
			t.Errorf("1 ms took %v", took)
		}
	}
}

// While a kernel thread is left, it notices a connection at once.
func TestIdleThreadNoticesConnections(t *testing.T) {
	c := newContainer(Config{CPUs: 2, Threads: 2, Background: []model.Background{{Always: true, Threads: 1}}}, 1)
	for i := range 100 {
		at := time.Duration(i+1)*time.Second + time.Duration(i)*137*time.Microsecond
		if took := answer(c, at, Job{Demand: ms}) - at; took != ms {
			t.Errorf("1 ms took %v beside an idle thread", took)
		}
	}
}

// The acceptor takes all connections that have come: a probe that gave up and
// the one after it are answered together, here by the two threads that pass on
// at the same look.
func TestConnectionsAreAcceptedTogether(t *testing.T) {
	c := newContainer(Config{CPUs: 2, Threads: 2, Background: []model.Background{{Always: true, Threads: 4}}}, 1)
	at := time.Second + ms // the monitor looks at whole 10 ms
	c.Submit(at, Job{ID: 1, Demand: ms})
	c.Submit(at+5*ms, Job{ID: 2, Demand: ms})
	c.Advance(at + time.Second)
	done := c.Done()
	if len(done) != 2 || done[0].At != done[1].At {
		t.Errorf("ended %v, want both at once", done)
	}
}

// Under a small quota the monitor looks once a resume, so busy goroutines delay
// a probe by several periods, where kernel threads delay it by one or two.
func TestGoroutinesUnderQuota(t *testing.T) {
	mean := func(threads int) time.Duration {
		c := newContainer(Config{
			Quota: 2 * ms, CPUs: 2, Threads: threads, Background: []model.Background{{Always: true, Threads: 4}},
		}, 1)
		var sum time.Duration
		for i := range 200 {
			at := time.Duration(i+1)*5*time.Second + time.Duration(i)*1370*time.Microsecond
			sum += answer(c, at, Job{Demand: 500 * time.Microsecond}) - at
		}
		return sum / 200
	}
	if queued, own := mean(2), mean(0); queued < 200*ms || queued < own*5/4 {
		t.Errorf("behind goroutines %v, behind kernel threads %v", queued, own)
	}
}

// The runtime's queue is first come, first served.
func TestRuntimeQueue(t *testing.T) {
	var r runtime
	r.reset()
	next := int32(0)
	for i := range int32(1000) {
		r.push(i)
		if i%3 != 0 {
			if got := r.pop(); got != next {
				t.Fatalf("popped %d, want %d", got, next)
			}
			next++
		}
	}
	for ; r.waiting(); next++ {
		if got := r.pop(); got != next {
			t.Fatalf("popped %d, want %d", got, next)
		}
	}
	if next != 1000 {
		t.Errorf("popped %d of 1000", next)
	}
}

// A stall of an overloaded server's backlog: 1 worker, 10 ms requests at 120 %
// for 100 s leave 2000 waiting, counted and not stored.
func TestBacklog(t *testing.T) {
	c := newContainer(Config{Traffic: &model.Traffic{PerSecond: 120, CPU: dist.Constantly(10 * ms), Workers: 1}}, 3)
	c.Advance(100 * time.Second)
	q := &c.pools[workersPool]
	if waiting := q.tail - q.head; waiting < 1700 || waiting > 2300 {
		t.Errorf("%d requests wait, want about 2000", waiting)
	}
	if cap(q.submitted) > 0 {
		t.Errorf("the backlog is stored")
	}
	at := c.now
	took := answer(c, at, Job{Demand: ms, RunsOn: model.Workers})
	if want := time.Duration(q.head) * 10 * ms; (took - want).Abs() > 100*ms {
		t.Errorf("the probe behind them ended at %v, want %v", took, want)
	}
}
