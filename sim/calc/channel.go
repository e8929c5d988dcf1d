package calc

import "math"

// Channel is a hidden Markov chain that decides how likely each probe is to
// fail: before each probe it takes one step (S2). Transition[i][j] is the
// probability of the step from state i to j; rows sum to 1, and every state can
// be reached from every other. Failure[i] is the probability that a probe in
// state i fails.
type Channel struct {
	Transition [][]float64
	Failure    []float64
}

// GilbertElliott returns the channel of a good and a bad state: toBad and
// toGood are the probabilities of changing state from one probe to the next,
// good and bad those that a probe in the state fails (Gilbert 1960, Elliott
// 1963).
func GilbertElliott(toBad, toGood, good, bad float64) Channel {
	return Channel{
		Transition: [][]float64{{1 - toBad, toBad}, {toGood, 1 - toGood}},
		Failure:    []float64{good, bad},
	}
}

// Stationary returns the long-run probability of each state, by the
// elimination of Grassmann, Taksar and Heyman (1985), which never subtracts.
func (c Channel) Stationary() []float64 {
	rest := copied(c.Transition)
	n := len(rest)
	for k := n - 1; k > 0; k-- {
		leaves := total(rest[k][:k])
		for i := range k {
			rest[i][k] /= leaves
			for j := range k {
				rest[i][j] += rest[i][k] * rest[k][j]
			}
		}
	}
	share := make([]float64, n)
	share[0] = 1
	for k := 1; k < n; k++ {
		for i := range k {
			share[k] += share[i] * rest[i][k]
		}
	}
	sum := total(share)
	for k := range share {
		share[k] /= sum
	}
	return share
}

// MeanFailure returns the long-run share of probes that fail.
func (c Channel) MeanFailure() float64 {
	mean := 0.0
	for i, share := range c.Stationary() {
		mean += share * c.Failure[i]
	}
	return mean
}

// MeanProbes returns the mean number of probes up to the end of the first run
// of failures in a row, from the stationary state; +Inf where no run can come.
//
// Let E(i, j) be the mean number of further probes in state i after j failures:
// E(i, j) = 1 + Σ T(i, k)·[p·E(k, j+1) + (1−p)·E(k, 0)] with p = Failure(i), and
// 0 at j = failures. Put backwards into each other, these equations leave one
// for each state at j = 0: E = a + B·E. A run follows at once with probability
// r = 1 − ΣB, which is carried along instead of subtracted, so that the answer
// keeps all its digits however rare the run is.
func (c Channel) MeanProbes(failures int) float64 {
	n := len(c.Failure)
	means, run := make([]float64, n), make([]float64, n)
	again := make([][]float64, n) // where it begins again
	for i := range n {
		again[i], run[i] = make([]float64, n), 1
	}
	for range failures {
		nextMeans, nextRun, nextAgain := make([]float64, n), make([]float64, n), make([][]float64, n)
		for i, p := range c.Failure {
			nextMeans[i], nextAgain[i] = 1, make([]float64, n)
			for k, step := range c.Transition[i] {
				nextMeans[i] += p * step * means[k]
				nextRun[i] += p * step * run[k]
				nextAgain[i][k] += (1 - p) * step
				for j := range n {
					nextAgain[i][j] += p * step * again[k][j]
				}
			}
		}
		means, run, again = nextMeans, nextRun, nextAgain
	}
	from := absorption(again, run, means)
	mean := 0.0
	for i, share := range c.Stationary() {
		if share > 0 {
			mean += share * from[i]
		}
	}
	return mean
}

// absorption solves x = a + B·x, where row i of B sums to 1 − leaves[i], by
// elimination without subtraction. It overwrites its arguments.
func absorption(b [][]float64, leaves, a []float64) []float64 {
	n := len(a)
	out := make([]float64, n) // probability of leaving the state, for those before it or for good
	for k := n - 1; k >= 0; k-- {
		out[k] = leaves[k] + total(b[k][:k])
		for i := range k {
			if b[i][k] == 0 {
				continue
			}
			share := b[i][k] / out[k]
			a[i] += share * a[k]
			leaves[i] += share * leaves[k]
			for j := range k {
				b[i][j] += share * b[k][j]
			}
		}
	}
	x := make([]float64, n)
	for k := range n {
		x[k] = a[k]
		for j := range k {
			if b[k][j] > 0 {
				x[k] += b[k][j] * x[j]
			}
		}
		x[k] /= out[k]
	}
	return x
}

// Within returns the probability of at least one run of failures among n
// probes, from the stationary state, by the chain over (state, failures so
// far): n times the square of the number of states steps.
func (c Channel) Within(n int64, failures int) float64 {
	states := len(c.Failure)
	now, next := make([][]float64, failures), make([][]float64, failures)
	for j := range failures {
		now[j], next[j] = make([]float64, states), make([]float64, states)
	}
	copy(now[0], c.Stationary())
	happened := 0.0
	for range n {
		for j := range failures {
			clear(next[j])
		}
		for j := range failures {
			for i, share := range now[j] {
				fails, answers := share*c.Failure[i], share*(1-c.Failure[i])
				for k, step := range c.Transition[i] {
					next[0][k] += answers * step
					if j+1 < failures {
						next[j+1][k] += fails * step
					} else {
						happened += fails * step
					}
				}
			}
		}
		now, next = next, now
	}
	return math.Min(1, happened)
}

func copied(matrix [][]float64) [][]float64 {
	rows := make([][]float64, len(matrix))
	for i, row := range matrix {
		rows[i] = append([]float64(nil), row...)
	}
	return rows
}

func total(numbers []float64) float64 {
	sum := 0.0
	for _, number := range numbers {
		sum += number
	}
	return sum
}
