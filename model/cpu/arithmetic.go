package cpu

import (
	"math"
	"time"
)

// Limits of the kernel and of the kubelet.
const (
	minimumQuota  = time.Millisecond // C22
	minimumShares = 2                // C23
	maximumShares = 262144           // C23
	maximumWeight = 10000            // of cgroup v2
)

// Quota returns the CPU time a limit of milli thousandths of a CPU allows in
// each period, as the kubelet computes it: in whole microseconds, at least
// 1 ms, so that limits below 10m count as 10m with the usual period of 100 ms
// (K59, C22). No limit (0) gives 0, which stands for no quota.
func Quota(milli int64, period time.Duration) time.Duration {
	if milli <= 0 {
		return 0
	}
	quota := time.Duration(milli*period.Microseconds()/1000) * time.Microsecond
	return max(quota, minimumQuota)
}

// Shares returns the cgroup v1 CPU shares of a request of milli thousandths of
// a CPU, from 2 to 262144 (K60, C23).
func Shares(milli int64) int64 {
	if milli <= 0 {
		return minimumShares
	}
	return min(max(milli*1024/1000, minimumShares), maximumShares)
}

// LinearWeight returns the cgroup v2 weight of shares by the older formula,
// which the kubelet itself uses for pods and runtimes used before runc 1.3.2
// and crun 1.23 (K61, C24).
func LinearWeight(shares int64) int64 {
	switch {
	case shares <= minimumShares:
		return 1
	case shares >= maximumShares:
		return maximumWeight
	}
	return 1 + (shares-minimumShares)*(maximumWeight-1)/(maximumShares-minimumShares)
}

// Weight returns the cgroup v2 weight of shares by the newer formula, which
// maps 1024 shares to the default weight of 100 (K62, C24).
func Weight(shares int64) int64 {
	switch {
	case shares <= minimumShares:
		return 1
	case shares >= maximumShares:
		return maximumWeight
	}
	l := math.Log2(float64(shares))
	return int64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}
