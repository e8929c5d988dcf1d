package cpu

import (
	"math"
	"time"

	"github.com/probesim/probesim/model"
)

// Never is later than every instant of a life.
const Never = time.Duration(math.MaxInt64)

// Config is what a container's CPU time depends on.
type Config struct {
	Quota  time.Duration // CPU time per Period; 0: no limit
	Period time.Duration // of the quota; 0: 100 ms
	Burst  time.Duration // unused quota that may be kept beyond one Quota (C15)
	// PodQuota is the quota of the pod's own cgroup, with the same Period; a
	// thread runs only while both levels let it (C14). 0: none.
	PodQuota time.Duration

	Tick  time.Duration // distance of the kernel's accounting points, 1/HZ; 0: 4 ms
	CPUs  int           // of the node; 0: 1
	Slice time.Duration // of the scheduler (C16); 0: the kernel's for so many CPUs
	// Threads is the number of kernel threads of a process that schedules its own
	// work on them: GOMAXPROCS, or 1 for an event loop. 0: every worker and every
	// dedicated answer has a kernel thread.
	Threads int

	Accounting model.Accounting // exact stops threads at the quota instead of at the next tick (C7)

	// InterruptionsPerSecond of running time by other tasks of the node, each of
	// which takes the CPU until the next tick (C32a).
	InterruptionsPerSecond float64
	Weight                 int64 // of the container against its neighbours; 0: 1 (C17)

	// Traffic is the container's own requests, at the rate of one pod. Nil: none.
	Traffic *model.Traffic
	// Elsewhere says that other containers serve the same clients: those who do
	// not reach this one find another, and do not come back (see clients.go).
	Elsewhere  bool
	Background []model.Background
}

// Job is work to be done for someone who waits for its end: the answer of a
// probe, or a stage of the start.
type Job struct {
	ID     int           // handed back in Finished
	Demand time.Duration // CPU time of all threads together
	// Wait is wall time after the CPU time, such as a call to a backend. It passes
	// while the process is frozen, but the job cannot end before the thaw.
	Wait    time.Duration
	Threads int          // that share Demand evenly; 0: 1
	RunsOn  model.RunsOn // Workers: queues with the traffic, first come, first served, and Threads is 1
}

// Finished is the end of a Job.
type Finished struct {
	ID int
	At time.Duration
}

// withDefaults returns the configuration with its zero fields filled in.
func (cfg Config) withDefaults() Config {
	if cfg.Period <= 0 {
		cfg.Period = 100 * time.Millisecond
	}
	if cfg.Tick <= 0 {
		cfg.Tick = 4 * time.Millisecond
	}
	cfg.CPUs = max(cfg.CPUs, 1)
	if cfg.Slice <= 0 {
		cfg.Slice = slice(cfg.CPUs)
	}
	cfg.Weight = max(cfg.Weight, 1)
	return cfg
}
