// Package cpu turns an instant, a container's cgroup and a demand of CPU time
// into the instant at which the work is done, the way Linux does it: CFS
// bandwidth control with its slices, ticks, debts and per-CPU throttling
// (C1 to C15), and weights against neighbours (C16 to C20).
//
// A textbook stops a thread the moment it has used its quota. The kernel looks
// only at accounting points, mostly the timer tick:
//
//	quota 2 ms of 100 ms, tick 4 ms, an answer of 5 ms of CPU
//
//	refill          tick      tick      tick                        refill
//	|    .    .    |    .    |    .    |   …                       |
//	          ├─2 ms─┼──── 3 ms ───┤                     answered, unthrottled,
//	                        ^ no tick before the end     3 ms of debt left
//	     ├─2 ms─┼─2ms─┤ tick: throttled, 1 ms left …    one or two periods late
//
// Which of the two happens depends on where in the tick the answer starts.
//
// A Container is advanced lazily: nothing is done for periods, ticks or refills
// that cannot change anything, so an idle container costs nothing between two
// probes, and a loaded one costs in proportion to its jobs. All state is
// integer nanoseconds, and a life is determined by the generator it is given.
//
// Not modelled: other containers of the pod drawing on the pod's quota, and
// wake-up latencies below 0.1 ms (C11).
package cpu
