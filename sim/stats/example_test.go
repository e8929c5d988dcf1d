package stats_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/sim/stats"
)

// Two kills in 90 days of ten pods, and none at all of ten others: a rate never
// travels without its interval, and nothing seen is an upper bound.
func ExampleCount() {
	const day, year = 24 * time.Hour, 8766 * time.Hour
	for _, kills := range []int64{2, 0} {
		var c stats.Count
		for pod := range int64(10) {
			of := int64(0)
			if pod < kills {
				of = 1
			}
			c.Add(of, 90*day)
		}
		e := c.Estimate(year, 0.95)
		fmt.Printf("%.2g a year (%.2g to %.2g, %s)\n", e.Estimate, e.Low, e.High, e.Method)
	}
	// Output:
	// 0.81 a year (0.098 to 2.9, Garwood)
	// 0 a year (0 to 1.5, Garwood)
}
