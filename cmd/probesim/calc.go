package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/scenarios"
	"github.com/probesim/probesim/sim/calc"
)

// calcFlags are the numbers that calc can be told without any scenario.
type calcFlags struct {
	period, timeout, initialDelay, failures int
	probability                             float64
	stallEvery                              time.Duration
	stallLasts                              distributionFlag
	cpuLimit                                milliFlag
	handlerCPU                              time.Duration
	output                                  *formatFlag
	set                                     *[]string
}

// ofScenario are the flags that change a scenario rather than replace it.
var ofScenario = map[string]bool{"set": true, "output": true, "help": true}

func calcCommand() *cobra.Command {
	var f calcFlags
	cmd := &cobra.Command{
		Use:   "calc [SCENARIO...]",
		Short: "Calculate what has a closed form, at once: from flags alone, or from scenarios",
		Long: `Calculates exactly what can be calculated: when a probe detects a hang, how long a
startup may take, how often stalls or independent failures kill, what a CPU limit
leaves for an answer; and how far off the formulas are that people use.

With --cpu-limit and --handler-cpu, and for scenarios in which nothing else uses the
CPU, that is the distribution of the answer's time by the kernel's accounting, over
the phase at which the probe meets the quota's period, and the probability that it
exceeds each timeout (in JSON quota.answerSeconds and quota.exceedsTimeout).

Without SCENARIO the flags describe one liveness probe. Failures that come with
--probability are independent of each other; failures that come with --stall-every
and --stall-lasts come in runs.`,
		Example: `  probesim calc --period 10 --failures 3 --timeout 1 --probability 0.01
  probesim calc --period 10 --failures 3 --stall-every 6h --stall-lasts 25s
  probesim calc --stall-every 1h --stall-lasts '{exponential: 15s}'
  probesim calc --cpu-limit 20m --handler-cpu 5ms
  probesim calc gallery:ingress-controller`,
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return calculate(cmd, args, &f) },
	}
	f.output = addFormat(cmd, "table", "json", "yaml", "csv")
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.period, "period", 10, "periodSeconds")
	flags.IntVar(&f.failures, "failures", 3, "failureThreshold")
	flags.IntVar(&f.timeout, "timeout", 1, "timeoutSeconds")
	flags.IntVar(&f.initialDelay, "initial-delay", 0, "initialDelaySeconds")
	flags.Float64Var(&f.probability, "probability", 0, "probability that a probe fails, independently of the others")
	flags.Var((*durationFlag)(&f.stallEvery), "stall-every", "mean time from the end of a stall to the next, exponential")
	flags.Var(&f.stallLasts, "stall-lasts", "how long a stall lasts: 25s, or a distribution as in scenario files, {exponential: 25s}")
	flags.Var(&f.cpuLimit, "cpu-limit", "CPU limit, such as 20m or 0.5")
	flags.Var((*durationFlag)(&f.handlerCPU), "handler-cpu", "CPU time of one answer")
	f.set = addSet(cmd)
	return cmd
}

func calculate(cmd *cobra.Command, args []string, f *calcFlags) error {
	var results []*calc.Calculation
	if len(args) == 0 {
		c, err := f.alone(cmd)
		if err != nil {
			return err
		}
		return writeCalculations(cmd.OutOrStdout(), f.output.value, []*calc.Calculation{c}, nil)
	}
	var misplaced error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if !ofScenario[flag.Name] {
			misplaced = fmt.Errorf("--%s: describes a probe without a scenario; change a scenario with --set", flag.Name)
		}
	})
	if misplaced != nil {
		return misplaced
	}
	workloads, status, err := load(cmd, args, *f.set)
	if err != nil {
		return err
	}
	for _, w := range workloads {
		c, err := calc.World(w.World)
		if err != nil {
			return fmt.Errorf("%s: %w", w.World.Name, err)
		}
		c.Assumptions = append(c.Assumptions, w.Assumptions...)
		results = append(results, c)
	}
	if err := writeCalculations(cmd.OutOrStdout(), f.output.value, results, workloads); err != nil {
		return err
	}
	return answered(status)
}

// alone calculates from the flags.
func (f *calcFlags) alone(cmd *cobra.Command) (*calc.Calculation, error) {
	if len(*f.set) > 0 {
		return nil, errors.New("--set: changes a scenario, and none is given")
	}
	c, err := calc.FromInput(calc.Input{
		Period: wholeSeconds(f.period), Timeout: wholeSeconds(f.timeout), InitialDelay: wholeSeconds(f.initialDelay),
		Failures: f.failures, Probability: f.probability,
		StallEvery: f.stallEvery, StallLasts: f.stallLasts.Duration,
		CPULimitMilli: int64(f.cpuLimit), HandlerCPU: f.handlerCPU,
	})
	if err != nil {
		var lines []string
		for _, line := range strings.Split(err.Error(), "\n") {
			lines = append(lines, "--"+line)
		}
		return nil, errors.New(strings.Join(lines, "\n"))
	}
	return c, nil
}

// wholeSeconds is n seconds, cut to what a duration can hold.
func wholeSeconds(n int) time.Duration {
	const most = int(dist.Longest / time.Second)
	return time.Duration(max(-most, min(n, most))) * time.Second
}

// distributionFlag is a distribution written as in scenario files.
type distributionFlag struct {
	dist.Duration
	text string
}

func (d *distributionFlag) Set(text string) error {
	parsed, err := scenarios.ParseDistribution(text)
	d.Duration, d.text = parsed, text
	return err
}

func (d *distributionFlag) String() string { return d.text }

// Type implements pflag.Value.
func (d *distributionFlag) Type() string { return "distribution" }

// milliFlag is a CPU quantity in thousandths: 20m, 0.5, 2.
type milliFlag int64

func (m *milliFlag) Set(text string) error {
	milli, err := scenarios.ParseCPU(text)
	*m = milliFlag(milli)
	return err
}

func (m *milliFlag) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*m), 10) + "m"
}

// Type implements pflag.Value.
func (m *milliFlag) Type() string { return "cpu" }

func writeCalculations(w io.Writer, format string, results []*calc.Calculation, workloads []*scenarios.Workload) error {
	switch format {
	case "json":
		return writeJSON(w, single(results))
	case "yaml":
		return writeYAML(w, single(results))
	case "csv":
		var rows [][]string
		for _, c := range results {
			rows = append(rows, calculationRecords(c)...)
		}
		return writeCSV(w, []string{"scenario", "quantity", "statistic", "value"}, rows)
	}
	var buffer bytes.Buffer
	for i, c := range results {
		if i > 0 {
			buffer.WriteString("\n" + strings.Repeat("─", proseWidth) + "\n\n")
		}
		p := &page{}
		if workloads != nil {
			p.opening(workloads[i])
			p.printf("\n")
		}
		calculationPage(p, c)
		if err := p.writeTo(&buffer); err != nil {
			return err
		}
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

// probeOf is one probe of a calculation with its name.
type probeOf struct {
	name string
	*calc.Probe
}

func probesOf(c *calc.Calculation) []probeOf {
	var probes []probeOf
	for _, p := range []probeOf{{"startup", c.Probes.Startup}, {"readiness", c.Probes.Readiness}, {"liveness", c.Probes.Liveness}} {
		if p.Probe != nil {
			probes = append(probes, p)
		}
	}
	return probes
}

// calculationPage lays out one calculation for people.
func calculationPage(p *page, c *calc.Calculation) {
	rows := [][]string{{"seconds", "at least", "mean", "90 %", "99 %", "at most"}}
	delay := func(name string, d *calc.Delay) {
		if d != nil {
			rows = append(rows, []string{name, plainNumber(d.Min), plainNumber(d.Mean), plainNumber(d.P90), plainNumber(d.P99), plainNumber(d.Max)})
		}
	}
	var lines []string
	for _, probe := range probesOf(c) {
		delay(probe.name+": hang to verdict", probe.DetectionSeconds)
		delay(probe.name+": refused connection to verdict", probe.DetectionIfRefusedSeconds)
		delay(probe.name+": hang to removal from every proxy", probe.RemovalSeconds)
		delay(probe.name+": able to serve to in the endpoints", probe.ReadyLagSeconds)
		lines = append(lines, fmt.Sprintf("%s: a stall of up to %s never leads to a verdict", probe.name, seconds(float64(probe.ToleratedStallSeconds))))
		if b := probe.BudgetSeconds; b != nil {
			delay(probe.name+": startup budget at any phase", b.AnyPhase)
			lines = append(lines, fmt.Sprintf("%s: a startup may take %s for certain, %s at the first start of a pod, %s at the best phase",
				probe.name, seconds(float64(b.Guaranteed)), seconds(float64(b.NewPod)), seconds(float64(b.Most))))
		}
		if f := probe.FailureProbability; f != nil {
			lines = append(lines, fmt.Sprintf("%s: a probe of a serving process fails with probability %s", probe.name, number(float64(*f))))
		}
	}
	if len(rows) > 1 {
		p.table(rows)
		p.printf("\n")
	}
	p.items(lines)
	p.items(killLines(c))
	if c.Quota != nil {
		p.items(quotaLines(c.Quota))
	}
	if len(c.FolkFormulas) > 0 {
		p.heading("Formulas in use, and how far they are from the greatest time (liveness probe)")
		rows := [][]string{{"formula", "seconds", "exact window", "off by"}}
		for _, f := range c.FolkFormulas {
			rows = append(rows, []string{f.Formula, plainNumber(f.Seconds), plainNumber(f.Guaranteed) + " – " + plainNumber(f.Most), plainNumber(f.Error)})
		}
		p.table(rows)
	}
	if len(c.Notes) > 0 {
		p.heading("Notes")
		p.items(notesForReaders(c.Notes))
	}
}

// plainNumber writes an exact number of seconds to the millisecond, or that there
// is none.
func plainNumber(n calc.Number) string {
	switch {
	case math.IsNaN(float64(n)):
		return "?"
	case math.IsInf(float64(n), 1):
		return "∞"
	case math.Abs(float64(n)) >= 1e6:
		return commas(strconv.FormatFloat(float64(n), 'f', 0, 64))
	}
	return strconv.FormatFloat(math.Round(float64(n)*1000)/1000, 'g', 6, 64)
}

func killLines(c *calc.Calculation) []string {
	var lines []string
	if n := c.MeanProbesToKill; n != nil {
		mean := "∞"
		switch x := float64(*n); {
		case x < 1e15:
			mean = commas(strconv.FormatFloat(x, 'f', 0, 64))
		case !math.IsInf(x, 1):
			mean = number(x)
		}
		lines = append(lines, "mean probes to a kill: "+mean)
	}
	if t := c.MeanTimeToFalseKillSeconds; t != nil {
		line := "mean time to a false kill: " + seconds(float64(*t))
		if d := c.FalseKillsPerPodDay; d != nil {
			line += fmt.Sprintf("; false kills per pod-day %s, per pod-year %s", number(float64(*d)), number(float64(*d)*365.25))
		}
		lines = append(lines, line)
	}
	if k := c.KillProbability; k != nil {
		lines = append(lines, fmt.Sprintf("probability of a false kill within an hour %s, a day %s, 30 days %s",
			number(float64(k.H1)), number(float64(k.H24)), number(float64(k.H720))))
	}
	if s := c.StartupKillProbability; s != nil {
		line := fmt.Sprintf("probability that the first start in a pod is killed: %s", number(float64(*s)))
		if a := c.StartupKillProbabilityAnyPhase; a != nil {
			line += fmt.Sprintf("; a start at any phase: %s", number(float64(*a)))
		}
		lines = append(lines, line)
	}
	return lines
}

func quotaLines(q *calc.Quota) []string {
	lines := []string{fmt.Sprintf("the CPU limit of %dm is %s of CPU in every %s",
		q.LimitMilli, seconds(float64(q.PerPeriodSeconds)), seconds(float64(q.PeriodSeconds)))}
	if q.BudgetSeconds != nil {
		lines = append(lines, fmt.Sprintf("an answer may take about %s of CPU to fit the timeout", seconds(float64(*q.BudgetSeconds))))
	}
	if q.WallSeconds != nil {
		lines = append(lines, fmt.Sprintf("an answer of %s of CPU takes %s, throttled in %d of %d periods",
			seconds(float64(*q.HandlerSeconds)), seconds(float64(*q.WallSeconds)), *q.Throttled, *q.Periods))
	}
	if d := q.AnswerSeconds; d != nil {
		lines = append(lines, fmt.Sprintf("by the kernel's accounting it takes %s to %s: mean %s, 50 %% within %s, 90 %% within %s, 99 %% within %s",
			seconds(float64(d.Min)), seconds(float64(d.Max)), seconds(float64(d.Mean)), seconds(float64(d.P50)), seconds(float64(d.P90)), seconds(float64(d.P99))))
		lines = append(lines, "probability that it exceeds a timeout of "+exceedsLine(q.ExceedsTimeout))
	}
	return lines
}

// exceedsLine writes the probability to exceed each timeout. Those that nearly
// all answers exceed are told together.
func exceedsLine(exceeds []calc.ExceedsTimeout) string {
	const nearlyAll = .9995
	together := ""
	for len(exceeds) > 1 && exceeds[1].Probability >= nearlyAll {
		together = "1 to "
		exceeds = exceeds[1:]
	}
	var parts []string
	for _, e := range exceeds {
		parts = append(parts, fmt.Sprintf("%s%d s: %s", together, e.TimeoutSeconds, number(float64(e.Probability))))
		together = ""
	}
	return strings.Join(parts, ", ")
}

// calculationRecords returns every number of a calculation for a machine.
func calculationRecords(c *calc.Calculation) [][]string {
	var rows [][]string
	add := func(quantity, statistic string, n *calc.Number) {
		if n != nil && !math.IsNaN(float64(*n)) {
			rows = append(rows, []string{c.Scenario, quantity, statistic, exactNumber(float64(*n))})
		}
	}
	delay := func(quantity string, d *calc.Delay) {
		if d == nil {
			return
		}
		add(quantity, "min", &d.Min)
		add(quantity, "mean", &d.Mean)
		add(quantity, "p50", &d.P50)
		add(quantity, "p90", &d.P90)
		add(quantity, "p99", &d.P99)
		add(quantity, "max", &d.Max)
	}
	for _, probe := range probesOf(c) {
		head := "probes." + probe.name + "."
		delay(head+"detectionSeconds", probe.DetectionSeconds)
		delay(head+"detectionIfRefusedSeconds", probe.DetectionIfRefusedSeconds)
		delay(head+"removalSeconds", probe.RemovalSeconds)
		delay(head+"readyLagSeconds", probe.ReadyLagSeconds)
		add(head+"toleratedStallSeconds", "", &probe.ToleratedStallSeconds)
		add(head+"failureProbability", "", probe.FailureProbability)
		if b := probe.BudgetSeconds; b != nil {
			add(head+"budgetSeconds", "guaranteed", &b.Guaranteed)
			add(head+"budgetSeconds", "newPod", &b.NewPod)
			add(head+"budgetSeconds", "most", &b.Most)
			delay(head+"budgetSeconds.anyPhase", b.AnyPhase)
		}
	}
	add("meanProbesToKill", "", c.MeanProbesToKill)
	add("meanTimeToFalseKillSeconds", "", c.MeanTimeToFalseKillSeconds)
	add("falseKillsPerPodDay", "", c.FalseKillsPerPodDay)
	if k := c.KillProbability; k != nil {
		add("killProbability", "1h", &k.H1)
		add("killProbability", "24h", &k.H24)
		add("killProbability", "720h", &k.H720)
	}
	add("startupKillProbability", "", c.StartupKillProbability)
	add("startupKillProbabilityAnyPhase", "", c.StartupKillProbabilityAnyPhase)
	if c.Quota != nil {
		delay("quota.answerSeconds", c.Quota.AnswerSeconds)
		for i := range c.Quota.ExceedsTimeout {
			e := &c.Quota.ExceedsTimeout[i]
			add("quota.exceedsTimeout", strconv.FormatInt(e.TimeoutSeconds, 10)+"s", &e.Probability)
		}
	}
	for i := range c.FolkFormulas {
		add("folkFormulas."+c.FolkFormulas[i].Formula, "seconds", &c.FolkFormulas[i].Seconds)
		add("folkFormulas."+c.FolkFormulas[i].Formula, "error", &c.FolkFormulas[i].Error)
	}
	return rows
}
