package recommend

import (
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// TestDeciding holds the pod time of simulations that decide against Garwood's interval
// (S9): all of it excludes more kills than are allowed where one was seen, and two
// thirds of it where none was.
func TestDeciding(t *testing.T) {
	const perYear = 3
	needed := deciding([]model.Objective{{Measure: "falseKillsPerPodYear", Bound: perYear}})
	for seen, share := range []float64{2. / 3, 1} {
		_, high := stats.Garwood(float64(seen), .95)
		if rate := high / (share * float64(needed) / float64(year)); rate > perYear || rate < .95*perYear {
			t.Errorf("%d seen: at most %g a year, want at most %d", seen, rate, perYear)
		}
	}
}
