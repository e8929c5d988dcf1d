package plots

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/recommend"
	"github.com/probesim/probesim/sim/stats"
)

// Rollout shows simulated rollouts of a workload: how many new replicas are
// Ready after how long, as the band in which nearly all rollouts run, and the
// longest time without progress against the progress deadline.
type Rollout struct {
	Title    string // empty: "How long does a rollout take, and does it fail?"
	Scenario string
	Seed     uint64
	Replicas int
	Strategy model.Strategy
	// Confidence is that of the intervals of shares of rollouts; 0: 0.95.
	Confidence float64
	Cases      []RolloutCase // settings, drawn above each other
}

// RolloutCase is what rollouts come to with one choice of settings.
type RolloutCase struct {
	Name  string // "current", "recommended"; may be empty
	Paths []recommend.RolloutPath
}

// The shares of rollouts between which the bands of the chart run.
var rolloutShares = [...]float64{0.01, 0.25, 0.5, 0.75, 0.99}

// The places of shares that are named.
const (
	quickest = 0
	midway   = len(rolloutShares) / 2
	slowest  = len(rolloutShares) - 1
)

// times returns at each of the shares by when the k-th new replica is Ready, for
// k from 1; the last row is the end of the rollout.
func (c *RolloutCase) times() [][len(rolloutShares)]time.Duration {
	if len(c.Paths) == 0 {
		return nil
	}
	var rows [][len(rolloutShares)]time.Duration
	add := func(of func(*recommend.RolloutPath) time.Duration) {
		rows = append(rows, c.quantiles(of))
	}
	for k := range c.Paths[0].Ready {
		add(func(p *recommend.RolloutPath) time.Duration { return p.Ready[k] })
	}
	add(func(p *recommend.RolloutPath) time.Duration { return p.Total })
	return rows
}

// quantiles returns the quantiles of something of the rollouts, each the
// smallest value that so many of them do not exceed.
func (c *RolloutCase) quantiles(of func(*recommend.RolloutPath) time.Duration) (row [len(rolloutShares)]time.Duration) {
	all := make([]time.Duration, len(c.Paths))
	for i := range c.Paths {
		all[i] = of(&c.Paths[i])
	}
	slices.Sort(all)
	for i, share := range rolloutShares {
		row[i] = all[rank(share, len(all))]
	}
	return row
}

// rank returns the place, from 0, of a quantile among n sorted values.
func rank(share float64, n int) int {
	at := int(share * float64(n))
	if float64(at) == share*float64(n) {
		at--
	}
	return min(max(at, 0), n-1)
}

// waits returns the quantiles of the longest time without progress.
func (c *RolloutCase) waits() [len(rolloutShares)]time.Duration {
	return c.quantiles(func(p *recommend.RolloutPath) time.Duration { return p.LongestWait })
}

// fails estimates the probability that a rollout fails.
func (r *Rollout) fails(c *RolloutCase) stats.Estimate {
	var failed stats.Proportion
	for i := range c.Paths {
		one := int64(0)
		if c.Paths[i].Failed {
			one = 1
		}
		failed.Add(one, 1)
	}
	return failed.Estimate(cmp.Or(r.Confidence, 0.95))
}

// WriteCSV writes a line for each new replica, then for the end of the rollout
// and for the longest time without progress.
func (r *Rollout) WriteCSV(w io.Writer) error {
	rows := [][]string{{"case", "what", "newReplicasReady", "p01Seconds", "p25Seconds", "p50Seconds", "p75Seconds", "p99Seconds", "rollouts", "failed"}}
	for i := range r.Cases {
		c := &r.Cases[i]
		if len(c.Paths) == 0 {
			continue
		}
		failed := r.fails(c)
		add := func(what, ready string, row [len(rolloutShares)]time.Duration) {
			line := []string{c.Name, what, ready}
			for _, at := range row {
				line = append(line, seconds(at))
			}
			rows = append(rows, append(line, strconv.Itoa(len(c.Paths)), number(failed.Estimate)))
		}
		times := c.times()
		for k, row := range times[:len(times)-1] {
			add("Ready", strconv.Itoa(k+1), row)
		}
		add("end", "", times[len(times)-1])
		add("longest time without progress", "", c.waits())
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("rollout: %w", err)
	}
	return nil
}

// Sentence says how long a rollout takes and how many fail.
func (r *Rollout) Sentence() string {
	var told string
	for i := range r.Cases {
		c := &r.Cases[i]
		if len(c.Paths) == 0 {
			continue
		}
		times := c.times()
		end, wait := times[len(times)-1], c.waits()
		switch {
		case told == "":
			told = fmt.Sprintf("Replacing %s, %d at once, takes%s %s in half of %s and up to %s in 99 %%",
				plural(r.Replicas, "replica"), r.Strategy.InFlight(r.Replicas), named(c.Name), spell(end[midway]), plural(len(c.Paths), "simulated rollout"), spell(end[slowest]))
		default:
			told += fmt.Sprintf("; it takes%s %s in half and up to %s in 99 %%", named(c.Name), spell(end[midway]), spell(end[slowest]))
		}
		if r.Strategy.ProgressDeadline > 0 {
			told += fmt.Sprintf("; the longest time without progress is %s in half and up to %s in 99 %%, and %s fail by a progressDeadlineSeconds of %d",
				spell(wait[midway]), spell(wait[slowest]), r.failing(c), int64(r.Strategy.ProgressDeadline/time.Second))
		}
	}
	if told == "" {
		return "There is no rollout to show."
	}
	if r.Strategy.ProgressDeadline == 0 {
		told += "; no deadline ends it"
	}
	return told + "."
}

// failing writes how many of the rollouts fail.
func (r *Rollout) failing(c *RolloutCase) string {
	e := r.fails(c)
	return strings.Replace(tellProbability(&e), "under", "fewer than", 1)
}

// named puts the name of settings into a sentence.
func named(name string) string {
	if name == "" {
		return ""
	}
	return " with the " + name + " settings"
}
