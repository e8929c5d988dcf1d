//go:build unix

package estimate

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time that the process has used, which unlike the
// clock's does not depend on what else the machine does.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
