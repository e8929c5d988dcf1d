package calc

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// Chain is the Markov chain of surroundings × failures in a row of one probe
// whose attempts are a period apart (S2). From one attempt to the next the
// surroundings go on and the attempt fails or is answered:
//
//	attempt         T         next attempt
//	   |-- stands still --|------|      fails: nothing answers within the timeout
//	   |-- stands --|............|      is answered when the process goes on
//	   |·w·|--- stands still ----|      fails: the answer takes w, and is held back
//
// Neighbours that slow answers are part of the surroundings, too: an attempt that
// begins while they are busy fails with another probability of its own, which
// makes the chain Gilbert's and Elliott's channel in continuous time.
//
// It is exact for stalls and times between them that are exponential or made of
// exponential stages, however often they come and however many kinds of them
// overlap; for other lengths see Notes.
//
// Every number comes from sums and products of numbers that are not negative,
// so that it keeps its digits however rare the event is.
type Chain struct {
	Settings Settings
	// Notes say what is not exact, and by how much.
	Notes []string

	fails, answers *mat.Dense    // kernels from attempt to attempt
	restarts       *mat.Dense    // from the attempt after that with the verdict to the first at the next process
	lost           time.Duration // between these two
	ahead          time.Duration // by which a backlog ends earlier than at an even rate
	open           [2]float64    // verdicts per attempt at the least and at the most of it; 0: as one
	start          []float64     // of the surroundings, long after a start
}

// NewChain returns the chain of a world's liveness probe. The error says why the
// world is outside its reach.
func NewChain(w *model.World) (*Chain, error) {
	s := studied{w: w, c: newCalculation(w.Name)}
	p, settings := s.probe(model.Liveness)
	switch {
	case p == nil:
		return nil, errors.New("there is no liveness probe")
	case w.Uncertain():
		return nil, errors.New("of some input one of several holds: the chain is that of one draw")
	case p.Handler.NoPort:
		return nil, errors.New("every attempt of the liveness probe errs (K21)")
	case p.Handler.Kind == model.TCPSocket:
		return nil, errors.New("the kernel answers a tcp probe for a process that stands still (C10)")
	case settings.Timeout > settings.Period:
		return nil, errors.New("attempts are not a period apart: the timeout is longer (K5)")
	case w.Application.Probes[model.Liveness].Cached > 0:
		return nil, errors.New("the probe reads a status that is computed aside")
	}
	if reasons := s.obstacles(); len(reasons) > 0 {
		return nil, errors.New(strings.Join(reasons, "; "))
	}
	if single, known := s.failure(model.Liveness); !known && single > negligiblePerDay {
		return nil, errors.New("an answer's CPU time may meet the quota")
	}
	if b, _ := s.backlog(); b != nil {
		return s.backlogChain(settings, b)
	}
	return s.chain(settings, nil, 0, 0)
}

// chain returns the chain in which a backlog, if there is one, has so many jobs
// at the most and is worked off so much earlier than at an even rate.
func (s *studied) chain(settings Settings, b *backlog, classes int, ahead time.Duration) (*Chain, error) {
	c := &Chain{Settings: settings, lost: s.lost(settings), ahead: ahead}
	stalls := append(s.chainStalls(), s.chainNeighbours()...)
	if b != nil {
		stalls = append(stalls, chainStall{Stalls: Stalls{EndsWithProcess: true}, name: "background", backlog: b, classes: classes})
	}
	e, err := newSurroundings(stalls, settings, c.note)
	if err != nil {
		return nil, err
	}
	c.fill(e, func(factor float64) (single float64, durations []time.Duration) {
		single, _ = s.failureWhen(model.Liveness, factor)
		return single, s.answerTimes(settings.Timeout, factor)
	})
	c.restarts = product(e.newProcess(), e.kernel(c.lost, anything))
	if len(e.stalls) > 0 || e.counted != nil {
		c.note("a start is taken to end within the %v in which the probe's grid has no attempts, and is not killed itself", c.lost+settings.Period)
	}
	return c, nil
}

func (c *Chain) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// newChannelChain returns the chain of a probe whose failures a channel
// decides; nothing restarts.
func newChannelChain(ch Channel, s Settings) *Chain {
	n := len(ch.Failure)
	c := &Chain{Settings: s, fails: mat.NewDense(n, n, nil), answers: mat.NewDense(n, n, nil), restarts: identity(n), start: ch.Stationary()}
	for i, p := range ch.Failure {
		for j, step := range ch.Transition[i] {
			c.fails.Set(i, j, p*step)
			c.answers.Set(i, j, (1-p)*step)
		}
	}
	return c
}

// byChain fills in the false kills by the chain, or says why there is none and
// that run simulates it. why says why the formulas do not hold.
func (s *studied) byChain(why string) {
	chain, err := NewChain(s.w)
	if err != nil {
		s.c.note("falseKillsPerPodDay: null: %s, and there is no Markov chain: %v; run simulates it", why, err)
		return
	}
	waits := backOffShare(chain.MeanTimeToKill())
	if waits > mostBackOff {
		s.c.note("falseKillsPerPodDay: null: %s, and kills follow each other so fast that the back-off of restarts takes about %.0f %% of the time (K39, K40); run simulates it", why, 100*waits)
		return
	}
	perDay, mean := Number(chain.KillsPerSecond()*day.Seconds()), Number(chain.MeanTimeToKill())
	s.c.FalseKillsPerPodDay, s.c.MeanTimeToFalseKillSeconds = &perDay, &mean
	within := func(t time.Duration) Number { return Number(chain.Within(t)) }
	s.c.KillProbability = &KillProbability{within(time.Hour), within(day), within(30 * day)}
	s.c.Method = "Markov chain (S2)"
	s.c.note("false kills: the Markov chain of stalls and failures in a row, from attempt to attempt (S2), because %s; an attempt fails by itself, or if the process stands still up to its timeout, or if it is asked while answers are failures", why)
	for _, note := range chain.Notes {
		s.c.note("false kills: %s", note)
	}
	if waits > negligibleShare {
		s.c.note("false kills: the back-off of restarts, left out, takes about %.1f %% of the time (K39, K40)", 100*waits)
	}
}

// mostBackOff is the share of the time in back-off from which the chain, which
// leaves it out, no longer answers.
const mostBackOff = .1

// backOffShare returns about which share of the time restarts wait, where kills
// come at random, a mean number of seconds apart: the delay doubles with every kill
// within ten minutes of the last, and counts from the end of the process before
// the killed one (K39 to K41).
func backOffShare(mean float64) float64 {
	const reset, longest = 600.0, 300.0
	if math.IsInf(mean, 1) {
		return 0
	}
	again := -math.Expm1(-reset / mean)
	waits, level, delay := 0.0, 1-again, kubelet.BackOffInitial.Seconds()
	for left := 1.0; delay < longest; delay, level = 2*delay, level*again {
		waits += level * (delay + mean*math.Expm1(-delay/mean))
		left -= level
		if 2*delay >= longest {
			waits += left * (longest + mean*math.Expm1(-longest/mean))
		}
	}
	return waits / (mean + waits)
}

// chainStalls returns all that makes attempts fail while it lasts.
func (s *studied) chainStalls() []chainStall {
	var all []chainStall
	s.eachStall(model.Liveness, func(name string, st Stalls) {
		if !st.Lasts.IsZero() && st.Every.Mean() < dist.Longest {
			all = append(all, chainStall{Stalls: st, name: name})
		}
	})
	return all
}

// chainNeighbours returns the neighbours that slow answers while they are busy.
func (s *studied) chainNeighbours() []chainStall {
	var all []chainStall
	for i := range s.w.Node.Neighbours {
		if n := &s.w.Node.Neighbours[i]; n.Slows() && !n.Busy.IsZero() {
			all = append(all, chainStall{Stalls: Stalls{Every: n.Idle, Lasts: n.Busy}, name: fmt.Sprintf("neighbours[%d]", i), factor: n.WaitFactor})
		}
	}
	return all
}

// answerTimes returns equally likely durations of an answer that comes within
// the timeout while nothing stands still and waits take so many times as long.
func (s *studied) answerTimes(timeout time.Duration, factor float64) []time.Duration {
	const points = 8
	answer := &s.w.Application.Probes[model.Liveness]
	parts := []dist.Duration{answer.Wait.Times(factor), answer.CPU}
	if s.w.Container().Probes[model.Liveness].Handler.Kind == model.Exec {
		parts = append(parts, answer.Exec.Join, answer.Exec.HelperCPU)
	}
	fixed, random := time.Duration(0), []dist.Duration(nil)
	for _, part := range parts {
		switch d := part.Nanoseconds.(type) {
		case nil:
		case dist.Constant:
			fixed += time.Duration(d)
		default:
			random = append(random, part)
		}
	}
	times := make([]time.Duration, points)
	for i := range times {
		times[i] = fixed
		for _, part := range random {
			// Of several random parts all are taken at once as long or short.
			times[i] += part.Quantile((float64(i) + .5) / points * part.CDF(timeout))
		}
		times[i] = min(times[i], timeout)
	}
	if len(random) == 0 {
		times = times[:1]
	}
	return times
}

// fill makes the kernels of one attempt. The answer depends on how slow waits are
// when the attempt begins: answer returns the probability that it fails by itself
// then, and what it takes otherwise.
func (c *Chain) fill(e *surroundings, answer func(factor float64) (single float64, durations []time.Duration)) {
	n := e.size()
	full := e.kernel(c.Settings.Period, anything)
	c.fails, c.answers = mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for _, factor := range e.factors() {
		single, durations := answer(factor)
		held := c.held(e, durations)
		for i := range n {
			if e.factor(i) != factor {
				continue
			}
			for j := range n {
				fails := full.At(i, j)
				if !e.fail(i) {
					fails = math.Min(fails, single*fails+(1-single)*held.At(i, j))
				}
				c.fails.Set(i, j, fails)
				c.answers.Set(i, j, full.At(i, j)-fails)
			}
		}
	}
	c.start = Channel{Transition: rows(full)}.Stationary()
}

// held returns the kernel of an attempt that fails since the process stands still,
// or has work before the answer, where an answer takes one of the durations
// otherwise. Work that comes after the answer was begun is not before it.
func (c *Chain) held(e *surroundings, durations []time.Duration) *mat.Dense {
	p, t, n := c.Settings.Period, c.Settings.Timeout, e.size()
	held := mat.NewDense(n, n, nil)
	for _, w := range durations {
		whole := func(t time.Duration) *mat.Dense {
			return product(e.kernel(t, unanswered), e.kernel(p-t, anything))
		}
		after, behind := whole(t-w), (*mat.Dense)(nil) // it stands still at once, or work is before the answer
		if e.anyBusy() {
			behind = whole(t - w + c.ahead)
		}
		later := product(product(e.kernel(w, anything), e.kernel(t-w, still)), e.kernel(p-t, anything)) // it stands still at w
		for i := range n {
			from := later
			switch {
			case e.busyAt(i):
				from = behind
			case e.stand(i):
				from = after
			}
			for j := range n {
				held.Set(i, j, held.At(i, j)+from.At(i, j)/float64(len(durations)))
			}
		}
	}
	return held
}

// States is the number of states of the surroundings, the size of the chain's
// matrices.
func (c *Chain) States() int { return len(c.start) }

// Failure returns the long-run probability that an attempt fails, at a process
// that nothing kills.
func (c *Chain) Failure() float64 {
	return total(times(c.start, c.fails))
}

// Runs returns how many runs of exactly n failures in a row there are to one
// attempt, at a process that nothing kills.
func (c *Chain) Runs(n int) float64 {
	from := times(c.start, c.answers)
	for range n {
		from = times(from, c.fails)
	}
	return total(times(from, c.answers))
}

// cycle returns the kernels from a state without failures behind it to the next
// such state, without and with a verdict on the way, and the mean number of
// attempts until then. With K the kernel of a failure, F of them take K^F and all
// before them 1 + K + … + K^(F−1), which double together: any threshold takes
// twice as many products as it has binary digits.
func (c *Chain) cycle() (again, verdict *mat.Dense, attempts []float64) {
	n, _ := c.fails.Dims()
	before := mat.NewDense(n, n, nil)
	verdict = identity(n)
	for bit := bits.Len(uint(c.Settings.Failures)) - 1; bit >= 0; bit-- {
		before.Add(before, product(verdict, before))
		verdict = product(verdict, verdict)
		if c.Settings.Failures>>bit&1 == 1 {
			before.Add(before, verdict)
			verdict = product(verdict, c.fails)
		}
	}
	attempts = make([]float64, n)
	for i := range n {
		attempts[i] = total(before.RawRowView(i))
	}
	return product(before, c.answers), verdict, attempts
}

// KillsPerAttempt returns the long-run number of verdicts per period of the
// probe, restarts included.
func (c *Chain) KillsPerAttempt() float64 {
	again, verdict, attempts := c.cycle()
	next := product(verdict, c.restarts)
	next.Add(next, again)
	share := Channel{Transition: rows(next)}.Stationary()
	kills, periods := 0.0, 0.0
	for i, p := range share {
		k := total(verdict.RawRowView(i))
		kills += p * k
		periods += p * (attempts[i] + k*float64(c.lost)/float64(c.Settings.Period))
	}
	return kills / periods
}

// KillsPerSecond returns the long-run rate of verdicts.
func (c *Chain) KillsPerSecond() float64 {
	return c.KillsPerAttempt() / c.Settings.Period.Seconds()
}

// Between returns the least and the greatest rate of verdicts that what the chain
// approximates leaves open: of a backlog, the quota's portions. Both are
// KillsPerSecond where nothing is.
func (c *Chain) Between() (least, most float64) {
	rate := c.KillsPerSecond()
	if c.open[1] == 0 {
		return rate, rate
	}
	return c.open[0] / c.Settings.Period.Seconds(), c.open[1] / c.Settings.Period.Seconds()
}

// MeanAttempts returns the mean number of attempts up to the first verdict, from
// an instant long after a start; +Inf where none can come.
func (c *Chain) MeanAttempts() float64 {
	again, verdict, attempts := c.cycle()
	leaves := make([]float64, len(attempts))
	for i := range leaves {
		leaves[i] = total(verdict.RawRowView(i))
	}
	if total(leaves) == 0 {
		return math.Inf(1)
	}
	mean := 0.0
	for i, x := range absorption(rows(again), leaves, attempts) {
		mean += c.start[i] * x
	}
	return mean
}

// MeanTimeToKill returns the mean time to the first verdict in seconds.
func (c *Chain) MeanTimeToKill() float64 {
	return c.MeanAttempts() * c.Settings.Period.Seconds()
}

// largestPower is the number of states × failures up to which Within doubles the
// chain's own matrix.
const largestPower = 400

// Within returns the probability of a verdict within t, from an instant long
// after a start, by doubling the number of attempts: what 2n attempts kill is
// what n do, and n more in those who survived them. Larger chains are taken to
// forget their beginning: 1 − e^(−n/mean).
func (c *Chain) Within(t time.Duration) float64 {
	attempts := int64(t / c.Settings.Period)
	n, f := len(c.start), c.Settings.Failures
	if n*f > largestPower {
		return -math.Expm1(-float64(attempts) / c.MeanAttempts())
	}
	step := mat.NewDense(n*f, n*f, nil)
	step.Slice(0, n*f, 0, n).(*mat.Dense).Copy(stacked(c.answers, f))
	killed := make([]float64, n*f) // within the number of attempts of the matrix
	for j := range f - 1 {
		step.Slice(j*n, (j+1)*n, (j+1)*n, (j+2)*n).(*mat.Dense).Copy(c.fails)
	}
	for i := range n {
		killed[(f-1)*n+i] = total(c.fails.RawRowView(i))
	}
	now := append(append([]float64(nil), c.start...), make([]float64, n*(f-1))...)
	happened := 0.0
	for ; attempts > 0; attempts /= 2 {
		if attempts%2 == 1 {
			happened += mat.Dot(mat.NewVecDense(n*f, now), mat.NewVecDense(n*f, killed))
			now = times(now, step)
		}
		var more mat.VecDense
		more.MulVec(step, mat.NewVecDense(n*f, killed))
		for i := range killed {
			killed[i] += more.AtVec(i)
		}
		step = product(step, step)
	}
	return math.Min(1, happened)
}

// stacked returns f copies of a matrix below each other.
func stacked(m *mat.Dense, f int) *mat.Dense {
	n, _ := m.Dims()
	out := mat.NewDense(n*f, n, nil)
	for j := range f {
		out.Slice(j*n, (j+1)*n, 0, n).(*mat.Dense).Copy(m)
	}
	return out
}

// times returns the row vector v·m.
func times(v []float64, m *mat.Dense) []float64 {
	var out mat.VecDense
	out.MulVec(m.T(), mat.NewVecDense(len(v), v))
	return out.RawVector().Data
}

// rows returns a matrix as rows of its own.
func rows(m *mat.Dense) [][]float64 {
	n, _ := m.Dims()
	out := make([][]float64, n)
	for i := range out {
		out[i] = append([]float64(nil), m.RawRowView(i)...)
	}
	return out
}
