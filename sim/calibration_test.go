package sim_test

import (
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
	machineCPUs            = 2
	// requestCPU is what the measuring server spends on a request, probe or job,
	// beside the work asked for: reading it, writing the answer, switching threads.
	// It is the mean difference of cgroup time and demand over all configurations.
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
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	QuotaUs      *int64     `json:"quota_us"`
	PeriodUs     int64      `json:"period_us"`
	BurstUs      int64      `json:"burst_us"`
	DemandUs     *int64     `json:"probe_demand_us"`
	Utilisation  float64    `json:"bg_utilisation_of_quota"`
	JobUs        *int64     `json:"bg_job_us"`
	Workers      *int       `json:"bg_worker_threads"`
	CPUs         int        `json:"cpus_available"`
	Shares       int64      `json:"cpu_shares"`
	Groups       int        `json:"neighbour_groups"`
	GroupShares  *int64     `json:"neighbour_shares"`
	GapUs        [2]int64   `json:"gap_after_answer_us"`
	SelfTiming   bool       `json:"self_timing_syscalls"`
	Hz           int64      `json:"kernel_hz"`
	N            int        `json:"n"`
	Program      string     `json:"exec_program"`
	Replicas     []struct{} `json:"replicas"`
	measuredTime []time.Duration
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
		c.measuredTime = readLatencies(t, strings.TrimSuffix(name, ".json")+".csv")
		all = append(all, c)
	}
	return all
}

func readLatencies(t *testing.T, name string) []time.Duration {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "latency_us")
	var latencies []time.Duration
	for _, row := range rows[1:] {
		value, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		latencies = append(latencies, time.Duration(value*float64(time.Microsecond)))
	}
	slices.Sort(latencies)
	return latencies
}

func (c *configuration) config() cpu.Config {
	cfg := cpu.Config{
		Period: us(c.PeriodUs), Burst: us(c.BurstUs), Tick: time.Second / time.Duration(c.Hz),
		CPUs: machineCPUs, Threads: c.CPUs, Weight: c.Shares,
		InterruptionsPerSecond: interruptionsPerSecond,
	}
	if c.QuotaUs != nil {
		cfg.Quota = us(*c.QuotaUs)
	}
	if c.SelfTiming {
		cfg.Accounting = model.AccountingExact
	}
	if c.Utilisation > 0 {
		job := us(*c.JobUs)
		rate := c.Utilisation * float64(cfg.Quota) / float64(cfg.Period) / job.Seconds()
		switch c.Kind {
		case "fifo":
			cfg.Traffic = &model.Traffic{PerSecond: rate, CPU: dist.Constantly(job + requestCPU), Workers: 1}
		case "http":
			cfg.Traffic = &model.Traffic{PerSecond: rate, CPU: dist.Constantly(job + goRequestCPU), Workers: machineCPUs}
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

// probe returns the job of one answer, and the delay before it (C27).
func (c *configuration) probe(r *rand.Rand) (cpu.Job, time.Duration) {
	switch c.Kind {
	case "exec":
		demand := us(930) // static C, C26
		if strings.HasPrefix(c.Program, "Go") {
			demand = us(2050)
		}
		// 10 % below 5 ms and 90 % below 17 ms.
		mu, sigma := (math.Log(5)+math.Log(17))/2, (math.Log(17)-math.Log(5))/2/1.2816
		return cpu.Job{Demand: demand}, time.Duration(math.Exp(mu+sigma*r.NormFloat64()) * 1e6)
	case "http":
		return cpu.Job{Demand: goAnswerCPU, Wait: goAnswerWait, RunsOn: model.Workers}, 0
	case "fifo":
		return cpu.Job{Demand: us(*c.DemandUs) + answerCPU, RunsOn: model.Workers}, 0
	}
	return cpu.Job{Demand: us(*c.DemandUs) + answerCPU}, 0
}

// simulate returns the answer times of n replicas, sorted.
func (c *configuration) simulate(replicas int) []time.Duration {
	container := cpu.New(c.config())
	if c.Groups > 0 {
		container.SetNeighbourWeight(0, int64(c.Groups)**c.GroupShares*machineCPUs)
	}
	var latencies []time.Duration
	for replica := range replicas {
		r := rand.New(rand.NewPCG(4, uint64(replica)))
		container.Reset(0, r)
		now := time.Second + time.Duration(r.Int64N(int64(2*time.Second)))
		for range max(1, c.N/len(c.Replicas)) {
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

func TestCFSCalibration(t *testing.T) {
	dir := os.Getenv("PROBESIM_CFS_DATA")
	if dir == "" {
		dir = filepath.Join("testdata", "cfs")
	}
	for _, c := range loadConfigurations(t, dir) {
		modelled := c.simulate(200)
		row := fmt.Sprintf("%-40s", c.ID)
		for _, p := range []float64{.5, .9, .99} {
			row += fmt.Sprintf(" %6.1f/%6.1f", quantile(c.measuredTime, p).Seconds()*1e3, quantile(modelled, p).Seconds()*1e3)
		}
		t.Logf("%s  tKS %.2f", row, tolerantKS(c.measuredTime, modelled))
	}
}
