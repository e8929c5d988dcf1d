package sim_test

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// What the calibration machine does to every configuration alike.
const (
	// interruptionsPerSecond is the rate at which other tasks of the shared
	// machine take the CPU (C32).
	interruptionsPerSecond = 30
	// machineSlice is the scheduler's slice on the machine's two CPUs, also where
	// the container may use only one (C16).
	machineSlice = 1400 * time.Microsecond
	// requestCPU is what the measuring server spends on a request, probe or job,
	// beside the work asked for: reading it, writing the answer, switching threads.
	// It is the mean difference of cgroup time and demand over all configurations.
	// answerCPU of it is spent before the answer is out.
	requestCPU = 100 * time.Microsecond
	answerCPU  = 25 * time.Microsecond
	// goRequestCPU is what net/http adds to a request's own work, and goAnswerCPU
	// and goAnswerWait what a trivial answer costs (C26 and the data's README).
	goRequestCPU = 300 * time.Microsecond
	goAnswerCPU  = 400 * time.Microsecond
	goAnswerWait = 200 * time.Microsecond
)

// configuration is one measured configuration: what was run, and the answer
// times, sorted.
type configuration struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	QuotaUs     *int64     `json:"quota_us"`
	PeriodUs    int64      `json:"period_us"`
	BurstUs     int64      `json:"burst_us"`
	DemandUs    *int64     `json:"probe_demand_us"`
	Utilisation float64    `json:"bg_utilisation_of_quota"`
	JobUs       *int64     `json:"bg_job_us"`
	Workers     *int       `json:"bg_worker_threads"`
	CPUs        int        `json:"cpus_available"`
	Shares      int64      `json:"cpu_shares"`
	Groups      int        `json:"neighbour_groups"`
	GroupShares *int64     `json:"neighbour_shares"`
	GapUs       [2]int64   `json:"gap_after_answer_us"`
	SelfTiming  bool       `json:"self_timing_syscalls"`
	Hz          int64      `json:"kernel_hz"`
	Replicas    []struct{} `json:"replicas"`

	times []time.Duration // sorted
	cpu   time.Duration   // median CPU time of an answer; 0: not measured
}

func us(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// loadConfigurations reads every pair of <id>.json and <id>.csv of a folder.
func loadConfigurations(t *testing.T, dir string) []*configuration {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no configurations (%v)", dir, err)
	}
	var all []*configuration
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &configuration{}
		if err := json.Unmarshal(data, c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.read(t, strings.TrimSuffix(name, ".json")+".csv")
		if c.Hz <= 0 || c.PeriodUs <= 0 || c.CPUs <= 0 || len(c.times) == 0 {
			t.Errorf("%s: no answers, or no kernel_hz, period_us or cpus_available: left out", name)
			continue
		}
		all = append(all, c)
	}
	return all
}

// read reads the answers of the file, one a line.
func (c *configuration) read(t *testing.T, name string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	column := func(name string) []time.Duration {
		if len(rows) == 0 || !slices.Contains(rows[0], name) {
			return nil
		}
		i := slices.Index(rows[0], name)
		var times []time.Duration
		for _, row := range rows[1:] {
			if row[i] == "" {
				continue
			}
			value, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatalf("%s: %v", file.Name(), err)
			}
			times = append(times, time.Duration(value*float64(time.Microsecond)))
		}
		slices.Sort(times)
		return times
	}
	c.times = column("latency_us")
	if used := column("cpu_us"); len(used) > 0 {
		c.cpu = quantile(used, .5)
	}
}

func (c *configuration) config() cpu.Config {
	cfg := cpu.Config{
		Period: us(c.PeriodUs), Burst: us(c.BurstUs), Tick: time.Second / time.Duration(c.Hz),
		CPUs: c.CPUs, Slice: machineSlice, Weight: c.Shares,
		InterruptionsPerSecond: interruptionsPerSecond,
	}
	if c.QuotaUs != nil {
		cfg.Quota = us(*c.QuotaUs)
	}
	if c.SelfTiming {
		cfg.Accounting = model.AccountingExact
	}
	if c.Kind == "http" {
		cfg.Threads = c.CPUs // GOMAXPROCS; every request is a goroutine
	}
	if c.Utilisation > 0 {
		job := us(*c.JobUs)
		limit := float64(cfg.Quota) / float64(cfg.Period)
		if c.QuotaUs == nil {
			limit = float64(c.CPUs)
		}
		rate := c.Utilisation * limit / job.Seconds()
		switch c.Kind {
		case "fifo":
			cfg.Traffic = &model.Traffic{PerSecond: rate, CPU: dist.Constantly(job + requestCPU), Workers: 1}
		case "http":
			cfg.Background = []model.Background{{Every: poisson(rate), CPU: dist.Constantly(job + goRequestCPU)}}
		default:
			cfg.Background = []model.Background{{Every: poisson(rate), CPU: dist.Constantly(job + requestCPU), Workers: *c.Workers}}
		}
	}
	return cfg
}

// exponential is the distribution of the gaps of a Poisson process, in ns.
type exponential float64

func (e exponential) Sample(r *rand.Rand) float64 { return r.ExpFloat64() * float64(e) }
func (e exponential) CDF(x float64) float64       { return -math.Expm1(-x / float64(e)) }
func (e exponential) Quantile(p float64) float64  { return -math.Log1p(-p) * float64(e) }
func (e exponential) Mean() float64               { return float64(e) }

func poisson(perSecond float64) dist.Duration {
	return dist.Duration{Nanoseconds: exponential(float64(time.Second) / perSecond)}
}

// joined is how long a process waits to be moved into a cgroup: a log-normal
// distribution, 10 % below 5 ms and 10 % above 17 ms (C27).
func joined(r *rand.Rand) time.Duration {
	const normal90 = 1.2816
	middle, spread := math.Log(5*17)/2, math.Log(17./5)/2/normal90
	return time.Duration(math.Exp(middle+spread*r.NormFloat64()) * float64(time.Millisecond))
}

// probe returns the job of one answer and the delay before it. The CPU time of
// an answer that does no given work is the one measured.
func (c *configuration) probe(r *rand.Rand) (job cpu.Job, delay time.Duration) {
	switch c.Kind {
	case "exec":
		return cpu.Job{Demand: c.cpu}, joined(r)
	case "http":
		return cpu.Job{Demand: cmp.Or(c.cpu, goAnswerCPU), Wait: goAnswerWait}, 0
	}
	job.Demand = us(*c.DemandUs) + answerCPU
	if c.Kind == "fifo" {
		job.RunsOn = model.Workers
	}
	return job, 0
}

// simulate returns the answer times of a number of containers, sorted: each is
// probed as often as a measured one.
func (c *configuration) simulate(cfg cpu.Config, replicas int) []time.Duration {
	container := cpu.New(cfg)
	if c.Groups > 0 {
		container.SetNeighbourWeight(0, int64(c.Groups)**c.GroupShares*int64(c.CPUs))
	}
	var latencies []time.Duration
	for replica := range replicas {
		r := rand.New(rand.NewPCG(4, uint64(replica)))
		container.Reset(0, r)
		now := time.Second + time.Duration(r.Int64N(int64(2*time.Second)))
		for range max(1, len(c.times)/max(1, len(c.Replicas))) {
			job, delay := c.probe(r)
			end := answered(container, now+delay, job)
			latencies = append(latencies, end-now)
			now = end + us(c.GapUs[0]+r.Int64N(c.GapUs[1]-c.GapUs[0]+1))
		}
	}
	slices.Sort(latencies)
	return latencies
}

// answered submits the job and returns the instant of its end.
func answered(c *cpu.Container, at time.Duration, job cpu.Job) time.Duration {
	c.Submit(at, job)
	for {
		if done := c.Done(); len(done) > 0 {
			return done[0].At
		}
		c.Advance(c.Next())
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

func quantile(sorted []time.Duration, p float64) time.Duration {
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

func cdf(sorted []time.Duration, x time.Duration) float64 {
	n, _ := slices.BinarySearch(sorted, x+1)
	return float64(n) / float64(len(sorted))
}

// tolerantKS is the distance of section E of the CPU rules: the
// Kolmogorov-Smirnov distance that forgives 1 ms and 5 %.
func tolerantKS(measured, modelled []time.Duration) float64 {
	tolerance := func(x time.Duration) time.Duration { return max(time.Millisecond, x/20) }
	var worst float64
	for _, x := range measured {
		worst = max(worst, cdf(measured, x)-cdf(modelled, x+tolerance(x)))
	}
	for _, x := range modelled {
		worst = max(worst, cdf(modelled, x)-cdf(measured, x+tolerance(x)))
	}
	return worst
}

// answers is one model's answer times for a configuration.
type answers struct {
	name  string
	times func(c *configuration) []time.Duration
}

// The models that are scored. The first is ours; the others are what people use
// instead, and have to be worse.
var scored = []answers{
	{"model", func(c *configuration) []time.Duration { return c.simulate(c.config(), 200) }},
	{"best constant", bestConstant},
	// A thread stops the moment it has used its quota (S8).
	{"textbook", func(c *configuration) []time.Duration {
		cfg := c.config()
		cfg.InterruptionsPerSecond = 0
		cfg.Accounting = model.AccountingExact
		return c.simulate(cfg, 50)
	}},
	// The CPU is Q/P times as fast: a quota with a period so short that it drains.
	// Under weights alone it is 1 + W/w times as slow.
	{"fluid", func(c *configuration) []time.Duration {
		cfg := c.config()
		if c.Groups > 0 {
			share := float64(c.Shares) / float64(c.Shares+int64(c.Groups)**c.GroupShares)
			return []time.Duration{time.Duration(float64(us(*c.DemandUs)) / share)}
		}
		cfg.InterruptionsPerSecond = 0
		cfg.Accounting = model.AccountingExact
		cfg.Quota = cfg.Quota * time.Millisecond / cfg.Period
		cfg.Period, cfg.Burst = time.Millisecond, 0
		return c.simulate(cfg, 50)
	}},
}

// bestConstant returns the one answer time that is closest to the measurement.
func bestConstant(c *configuration) []time.Duration {
	best, distance := c.times[:1], 2.0
	for i := range c.times {
		guess := c.times[i : i+1]
		if d := tolerantKS(c.times, guess); d < distance {
			best, distance = guess, d
		}
	}
	return best
}

// The classes of configurations, by what is known to be within reach (C37).
const (
	unscored  = ""
	singleCPU = "single-CPU quota"
	others    = "two CPUs, http, shares"
	execs     = "exec"
	beyond    = "beyond the known reach"
)

func (c *configuration) class() string {
	switch {
	case c.beyondReach():
		return beyond
	case c.Kind == "exec":
		return execs
	case c.Kind == "http" || c.CPUs > 1 || c.Groups > 0:
		return others
	case c.QuotaUs != nil:
		return singleCPU
	}
	return unscored // no quota and no neighbours: shows what the machine does
}

// beyondReach reports whether no rule is known to describe a configuration: a
// demand of 1 ms under shares (C36), the smallest weight against a neighbour's
// (C19), threads that the kernel places on two CPUs (C37) below a quota of one,
// or where the measurement left all of them unpinned.
func (c *configuration) beyondReach() bool {
	if c.Kind == "exec" || c.Kind == "http" {
		return false
	}
	if c.Groups > 0 {
		// Both weights were multiplied alike: their ratio tells which the smallest is.
		smallest := c.GroupShares != nil && c.Shares*256 <= *c.GroupShares
		return smallest || c.DemandUs != nil && *c.DemandUs <= 1000
	}
	oneCPU := c.CPUs == 2 && c.QuotaUs != nil && *c.QuotaUs == c.PeriodUs && c.Utilisation > 0 && c.Utilisation <= .8
	return oneCPU || strings.Contains(c.ID, "unpinned")
}

// tally counts the configurations of a class that pass each test.
type tally struct {
	all, ks15, ks25, ks30, p50, p90, p99, median30 int
	distance                                       float64 // tKS of all together
}

// near reports whether a modelled quantile is within a share of the measured
// one, or within 3 ms.
func near(modelled, measured []time.Duration, p, share float64) bool {
	a, b := quantile(modelled, p), quantile(measured, p)
	off := (a - b).Abs()
	return off <= 3*time.Millisecond || float64(off) <= share*float64(b)
}

func count(passed bool) int {
	if passed {
		return 1
	}
	return 0
}

func (n *tally) add(c *configuration, modelled []time.Duration, distance float64) {
	n.all++
	n.distance += distance
	n.ks15 += count(distance <= .15)
	n.ks25 += count(distance <= .25)
	n.ks30 += count(distance <= .30)
	n.p50 += count(near(modelled, c.times, .5, .15))
	n.p90 += count(near(modelled, c.times, .9, .20))
	n.p99 += count(near(modelled, c.times, .99, .30))
	off := (quantile(modelled, .5) - quantile(c.times, .5)).Abs()
	n.median30 += count(float64(off) <= .3*float64(quantile(c.times, .5)))
}

// TestCFSCalibration holds the CPU model to answer times measured on a real
// kernel, in testdata/cfs or the folder PROBESIM_CFS_DATA. Nothing is fitted to a
// configuration. PROBESIM_CFS_PLOT names a file for the picture of docs/validation.md.
func TestCFSCalibration(t *testing.T) {
	dir := os.Getenv("PROBESIM_CFS_DATA")
	if dir == "" {
		dir = filepath.Join("testdata", "cfs")
	}
	configurations := loadConfigurations(t, dir)
	scores := make([]map[string]*tally, len(scored))
	for i := range scores {
		scores[i] = map[string]*tally{unscored: {}, singleCPU: {}, others: {}, execs: {}, beyond: {}}
	}
	t.Logf("%-38s %-22s %15s %15s %15s %5s   tKS of %s, %s, %s", "configuration, measured/modelled ms", "class",
		"p50", "p90", "p99", "tKS", scored[1].name, scored[2].name, scored[3].name)
	var drawn []plotted
	for _, c := range configurations {
		row := fmt.Sprintf("%-38s %-22s", c.ID, c.class())
		for i, m := range scored {
			modelled := m.times(c)
			distance := tolerantKS(c.times, modelled)
			if i == 0 {
				drawn = append(drawn, newPlotted(c, modelled, distance))
				for _, p := range []float64{.5, .9, .99} {
					row += fmt.Sprintf(" %7.1f/%7.1f", milliseconds(quantile(c.times, p)), milliseconds(quantile(modelled, p)))
				}
			}
			row += fmt.Sprintf(" %5.2f", distance)
			scores[i][c.class()].add(c, modelled, distance)
		}
		t.Log(row)
	}
	for i := 1; i < len(scored); i++ {
		n, ours := scores[i][singleCPU], scores[0][singleCPU]
		t.Logf("%s instead: %s: tKS <= 0.15 for %d of %d, <= 0.25 for %d of %d",
			scored[i].name, singleCPU, n.ks15, n.all, n.ks25, n.all)
		// A few configurations that both describe cannot tell them apart.
		if n.ks15 >= ours.ks15 && n.ks15 < n.all {
			t.Errorf("the %s is as good as the model", scored[i].name)
		}
	}
	for _, class := range []string{singleCPU, others, execs} {
		ours := scores[0][class]
		if ours.all == 0 {
			continue
		}
		row := fmt.Sprintf("mean tKS, %s: model %.3f", class, ours.distance/float64(ours.all))
		for i := 1; i < len(scored); i++ {
			n := scores[i][class]
			row += fmt.Sprintf(", %s %.3f", scored[i].name, n.distance/float64(n.all))
			if n.all >= enoughToTell && n.distance <= ours.distance {
				t.Errorf("%s: the %s is as good as the model", class, scored[i].name)
			}
		}
		t.Log(row)
	}
	if file := os.Getenv("PROBESIM_CFS_PLOT"); file != "" {
		drawQuantiles(t, file, drawn)
	}
	checkBars(t, scores[0])
}

// enoughToTell is the number of configurations of a class from which on the model
// has to be better on the average than those it is held against.
const enoughToTell = 6

// checkBars prints what the model reached and fails below the bars, which follow
// a reference implementation's accuracy (C35, C36).
func checkBars(t *testing.T, score map[string]*tally) {
	single, other, exec := score[singleCPU], score[others], score[execs]
	share := func(n, all int, least float64, what string) {
		if float64(n) < least*float64(all) {
			t.Errorf("%s: %d of %d, want %.0f %%", what, n, all, 100*least)
		}
	}
	t.Logf("%s: p50 within 15%% or 3 ms for %d of %d, p90 within 20%% or 3 ms for %d, p99 within 30%% or 3 ms for %d",
		singleCPU, single.p50, single.all, single.p90, single.p99)
	share(single.p50, single.all, .8, singleCPU+": p50 within 15 % or 3 ms")
	share(single.p90, single.all, .8, singleCPU+": p90 within 20 % or 3 ms")
	share(single.p99, single.all, .8, singleCPU+": p99 within 30 % or 3 ms")
	share(single.ks15, single.all, .8, singleCPU+": tKS <= 0.15")
	if single.ks25 < single.all-1 {
		t.Errorf("%s: tKS <= 0.25 for %d of %d, want all but one", singleCPU, single.ks25, single.all)
	}
	share(other.ks30, other.all, .75, others+": tKS <= 0.30")
	share(exec.median30, exec.all, .75, execs+": median within 30 %")
	if far := score[beyond]; far.all > 0 {
		t.Logf("%s: tKS <= 0.30 for %d of %d", beyond, far.ks30, far.all)
	}
	t.Logf("%s: tKS <= 0.15 for %d of %d, <= 0.25 for %d of %d", singleCPU, single.ks15, single.all, single.ks25, single.all)
	t.Logf("%s: tKS <= 0.30 for %d of %d", others, other.ks30, other.all)
	t.Logf("%s: median within 30%% for %d of %d", execs, exec.median30, exec.all)
}
