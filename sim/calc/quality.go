package calc

import (
	"errors"
	"math"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Quality is what is asked of a failure detector, in the terms of Chen, Toueg
// and Aguilera (IEEE Transactions on Computers 51, 2002): the same that results
// use for probes, where a mistake is a false kill or a false removal.
type Quality struct {
	Detection  time.Duration // T_D: greatest time from a fault to its detection
	Recurrence time.Duration // T_MR: least mean time between mistakes
	Duration   time.Duration // T_M: greatest mean duration of a mistake
}

// Heartbeats returns the greatest interval η between heartbeats, and the time δ
// after which each is taken for missing, with which the detector NFD-S reaches
// the quality over a link that loses each message with probability loss and
// delays the others (section 4 of the paper, S7). Heartbeats fail independently
// there; probes of one process do not, which is why no probe is configured by
// it. It is an error if no interval reaches the quality.
func (q Quality) Heartbeats(loss float64, delay dist.Duration) (interval, missing time.Duration, err error) {
	const step = 100 * time.Microsecond // of the search, from the greatest interval down
	first := (1 - loss) * delay.CDF(q.Detection)
	most := min(time.Duration(first*float64(q.Duration)), q.Detection)
	for interval = most.Truncate(step); interval > 0; interval -= step {
		if q.recurrence(interval, first, loss, delay) >= float64(q.Recurrence) {
			return interval, q.Detection - interval, nil
		}
	}
	return 0, 0, errors.New("no heartbeat interval reaches the quality asked for")
}

// recurrence is the mean time between mistakes at an interval: a mistake needs
// every heartbeat that could still prove the process alive to be lost or late.
func (q Quality) recurrence(interval time.Duration, first, loss float64, delay dist.Duration) float64 {
	mistakes := first
	for sent := interval; sent < q.Detection; sent += interval {
		mistakes *= loss + (1-loss)*(1-delay.CDF(q.Detection-sent))
	}
	if mistakes == 0 {
		return math.Inf(1)
	}
	return float64(interval) / mistakes
}
