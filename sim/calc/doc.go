// Package calc answers in closed form what can be answered so: exactly, at
// once, and with the condition under which the answer holds. What it cannot
// answer it names, with the reason; sim/estimate simulates that. Its numbers
// are the truth that the simulator is tested against (S13).
//
// # Runs of failures
//
// A liveness probe kills after F failures in a row. If probes failed
// independently with probability p, the mean number of probes to a kill would
// be (1−p^F)/((1−p)p^F) (S1, Run). Real failures come together, because one
// stall of the process fails every probe that meets it. Channel is the smallest
// model of that: a hidden Markov chain decides how likely each probe is to fail
// (S2). StallKills is the model of one stall: it kills if F probes start early
// enough in it (S3). World therefore uses the formula for independent failures
// only where nothing in the world makes failures depend on each other.
//
// # Windows
//
// A fault begins at a uniform phase u of the probe's grid of period P:
//
//	fault     attempt 1        attempt 2        attempt 3   verdict
//	  |<-- u -->|<----- P ------>|<----- P ------>|<-- T -->|
//
// so the verdict falls at u + (F−1)P after it when attempts fail at once, and T
// later when they get no answer: Window (S4). If the timeout is longer than the
// period, ticks pass during each attempt, and the next one starts the instant
// the last has ended (K5): the verdict falls at u + F·T.
//
// A startup probe's budget is the same arithmetic from the container's start,
// with a grid that was anchored a little before it (K2): Budget (S5).
package calc
