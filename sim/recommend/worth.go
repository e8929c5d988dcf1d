package recommend

import (
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
}

// repairs are the times to a repair by hand for which the question is answered:
// somebody watches, is called, or comes in the morning.
var repairs = []time.Duration{10 * time.Minute, time.Hour, 8 * time.Hour}

// worth returns the break-even rates of a liveness probe with the measures; none
// where it notices no hang or kills nothing.
func worth(m *estimate.Measures) []Worth {
	kills, detection, recovery := m.FalseKillRate(), m.DetectionSeconds, m.RecoverySeconds
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
		rate := kills.Map(func(perYear float64) float64 { return perYear * lost / saved })
		all = append(all, Worth{RepairSeconds: repair.Seconds(), HangsPerPodYear: rate})
	}
	return all
}
