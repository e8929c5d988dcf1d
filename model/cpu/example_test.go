package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/probesim/probesim/model/cpu"
)

// A health check that needs 5 ms of CPU in a container limited to 20m: its
// answer takes 5 ms or until a refill, depending on when it is asked.
func Example() {
	c := cpu.New(cpu.Config{Quota: cpu.Quota(20, 100*time.Millisecond), CPUs: 4})
	c.Reset(0, rand.New(rand.NewPCG(1, 2)))
	for i := range 4 {
		asked := time.Duration(i+1) * 10001 * time.Millisecond
		c.Submit(asked, cpu.Job{ID: i, Demand: 5 * time.Millisecond})
		for next := c.Next(); next != cpu.Never; next = c.Next() {
			c.Advance(next)
			for _, done := range c.Done() {
				fmt.Println(done.At - asked)
			}
		}
	}
	// Output:
	// 156.74586ms
	// 5ms
	// 154.87293ms
	// 54.87293ms
}
