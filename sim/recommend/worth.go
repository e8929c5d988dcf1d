package recommend

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// Worth says from which rate of hangs on a liveness probe is worth its false
// kills (S23): the downtime that it saves then equals the downtime that they
// cost. A lower rate of hangs is an argument for having none.
type Worth struct {
	// RepairSeconds is how long a hung process stays so without the probe,
	// until somebody restarts it.
	RepairSeconds float64 `json:"repairSeconds"`
	// HangsPerPodYear is the break-even rate: the rate of false kills times the
	// time from a kill to serving and in the endpoints again, over the repair
	// time less the time to detection, both means. Its interval is that of the
	// false kills.
	HangsPerPodYear stats.Estimate `json:"hangsPerPodYear"`
	// StatedHangsPerPodYear is the rate of hangs that the scenario states; null: none.
	StatedHangsPerPodYear *float64 `json:"statedHangsPerPodYear"`
	// Pays says that the stated rate is above the break-even, by its whole interval.
	// Null: none is stated, or it is within the interval.
	Pays *bool `json:"pays"`
}

// repairs are the times to a repair by hand for which the question is answered:
// somebody watches, is called, or comes in the morning.
var repairs = []time.Duration{10 * time.Minute, time.Hour, 8 * time.Hour}

// worth returns the break-even rates of a liveness probe with the measures, held
// against the stated rate of hangs, 0: none; no rates where it notices no hang.
func worth(m *estimate.Measures, stated float64) []Worth {
	kills, detection, recovery := livenessKills(m), m.DetectionSeconds, m.RecoverySeconds
	if kills == nil || detection == nil || recovery == nil {
		return nil
	}
	lost := recovery.Mean.Estimate - detection.Mean.Estimate
	var all []Worth
	for _, repair := range repairs {
		saved := repair.Seconds() - detection.Mean.Estimate
		if saved <= 0 || lost < 0 {
			continue // the probe is no faster than a person
		}
		w := Worth{RepairSeconds: repair.Seconds(), HangsPerPodYear: kills.Map(func(perYear float64) float64 { return perYear * lost / saved })}
		if stated > 0 {
			w.StatedHangsPerPodYear = &stated
			if pays := stated > w.HangsPerPodYear.High; pays || stated < w.HangsPerPodYear.Low {
				w.Pays = &pays
			}
		}
		all = append(all, w)
	}
	return all
}

// livenessKills is the rate of false kills per pod-year without those of the startup
// probe, which a pod without a liveness probe has too. They are at most all false kills,
// of which the closed form may know more.
func livenessKills(m *estimate.Measures) *stats.Estimate {
	alone := m.FalseKillsPerPodDayByLiveness
	if byStartup := m.FalseKillsPerPodDayByStartup; alone == nil || byStartup == nil || byStartup.Estimate == 0 {
		return m.FalseKillRate()
	}
	most := math.Inf(1)
	if all := m.FalseKillRate(); all != nil {
		most = all.High
	}
	perYear := alone.Map(func(perDay float64) float64 { return math.Min(most, perDay*year.Hours()/24) })
	return &perYear
}

// WorthSentence says whether to have the liveness probe of a proposal at all, for
// the rate of hangs that the scenario states, and whether that is a plain yes. Empty:
// there is nothing to say.
func (p *Proposal) WorthSentence() (sentence string, yes bool) {
	if len(p.LivenessWorth) == 0 {
		return "", true
	}
	stated := p.LivenessWorth[0].StatedHangsPerPodYear
	if stated == nil {
		return "", true
	}
	var pays, costs, open []string
	for i := range p.LivenessWorth {
		w := &p.LivenessWorth[i]
		text := fmt.Sprintf("%s (after %s)", between(w.HangsPerPodYear), w.waits())
		switch {
		case w.Pays == nil:
			open = append(open, text)
		case *w.Pays:
			pays = append(pays, text)
		default:
			costs = append(costs, text)
		}
	}
	hangs := digits(*stated, 3) + " hangs a year"
	if *stated > 0.995 && *stated < 1.005 {
		hangs = "1 hang a year"
	}
	switch {
	case len(costs)+len(open) == 0:
		return fmt.Sprintf("Whether to have a liveness probe at all: yes, %s are more than the break-even of %s where somebody restarts a hung process by hand", hangs, pays[0]), true
	case len(pays)+len(open) == 0:
		return fmt.Sprintf("Whether to have a liveness probe at all: NO, %s are fewer than the break-even of %s where somebody restarts a hung process by hand", hangs, costs[len(costs)-1]), false
	}
	parts := []string{"Whether to have a liveness probe at all depends on when somebody restarts a hung process otherwise: " + hangs + " are"}
	for _, group := range []struct {
		what string
		of   []string
	}{{"more than the break-even of ", pays}, {"fewer than that of ", costs}, {"within that of ", open}} {
		if len(group.of) > 0 {
			parts = append(parts, group.what+strings.Join(group.of, ", ")+",")
		}
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ","), false
}

// waits writes how long a hung process waits for somebody.
func (w *Worth) waits() string {
	if w.RepairSeconds < 7200 {
		return fmt.Sprintf("%g min", w.RepairSeconds/60)
	}
	return fmt.Sprintf("%g h", w.RepairSeconds/3600)
}

// between writes a break-even rate with its interval.
func between(e stats.Estimate) string {
	if e.Estimate == 0 || e.Low == e.High {
		return "at most " + digits(e.High, 2)
	}
	return fmt.Sprintf("%s to %s", digits(e.Low, 2), digits(e.High, 2))
}
