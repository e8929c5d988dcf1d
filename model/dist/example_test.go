package dist_test

import (
	"fmt"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Two quantiles, as people know them of their latencies, make a lognormal.
func ExampleFromQuantiles2() {
	answer, err := dist.FromQuantiles2(0.5, float64(20*time.Millisecond), 0.99, float64(400*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	d := dist.Duration{Nanoseconds: answer}
	fmt.Println("p90", d.Quantile(0.9).Round(time.Millisecond))
	fmt.Printf("longer than 1 s: %.2g\n", 1-answer.CDF(float64(time.Second)))
	// Output:
	// p90 104ms
	// longer than 1 s: 0.0012
}
