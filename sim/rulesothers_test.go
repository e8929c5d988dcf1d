package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/sim"
	"github.com/probesim/probesim/sim/calc"
)

// What other services' changes add at kube-proxy follows a closed form: the proxy is
// a renewal process that cannot begin an application for minSyncPeriod and its own
// length, and goes on at once if a change came meanwhile.
func TestK72OtherServicesChangesCostAWait(t *testing.T) {
	for _, test := range []struct {
		perSecond float64
		minSync   time.Duration
	}{{0.05, time.Second}, {1, time.Second}, {20, time.Second}, {1, 10 * time.Second}, {5, 0}} {
		w := world(func(w *model.World) {
			c := w.Container()
			c.Probes[model.Readiness].PeriodSeconds, c.Probes[model.Readiness].FailureThreshold = 1, 1
			w.Application.Probes[model.Readiness].Failing = &model.OnOff{
				Every: dist.Constantly(21300 * time.Millisecond), Lasts: dist.Constantly(17700 * time.Millisecond)}
			w.Cluster.MinSyncPeriod, w.Cluster.OtherChangesPerSecond = test.minSync, test.perSecond
		}, model.Readiness)
		var waits []float64
		for _, trace := range traced(t, w, 40, 20*time.Minute) {
			settled := slices.DeleteFunc(trace.Events, func(e sim.Event) bool { return e.At < time.Minute })
			for _, is := range []bool{false, true} {
				for _, d := range spans([]*sim.Trace{{Events: settled}}, passed("endpoint slice updated", is), passed("proxy applies rules", is)) {
					waits = append(waits, d.Seconds())
				}
			}
		}
		slices.Sort(waits)
		want := calc.WaitForOthers(&w.Cluster)
		// Kolmogorov and Smirnov: 1.63/√n at 1 %, beside the ms that begin every application.
		worst := 0.0
		for i, x := range waits {
			for _, by := range []float64{0, 0.01} {
				d := time.Duration((x - by) * 1e9)
				if below := want.CDF(d); by == 0 {
					worst = max(worst, float64(i)/float64(len(waits))-below)
				} else {
					worst = max(worst, want.CDF(d)-float64(i+1)/float64(len(waits)))
				}
			}
		}
		if n := float64(len(waits)); n < 1000 || worst*worst*n > 1.63*1.63 {
			t.Errorf("%v changes/s, minSyncPeriod %v: %d waits, %.3f from the closed form", test.perSecond, test.minSync, len(waits), worst)
		}
	}
}

// Measured with about one change a second in the cluster: in 43 of 103 crashes the
// removal reached the rules, and the return had to wait (K77); with no other change it
// always does.
func TestK77OtherChangesHideShortUnreadiness(t *testing.T) {
	for perSecond, want := range map[float64]float64{0: 1, 1: 43.0 / 103} {
		w := crashing()
		w.Cluster.OtherChangesPerSecond = perSecond
		crashes, seen := 0, 0
		for _, trace := range traced(t, w, 600, 25*time.Second) {
			crashes += min(1, len(spans([]*sim.Trace{trace}, is(sim.EventExit, ""), is(sim.EventStart, ""))))
			seen += min(1, len(spans([]*sim.Trace{trace}, routed(false), routed(true))))
		}
		agree(t, "share of crashes of which the proxies learn", float64(seen)/float64(crashes), want, .25)
	}
}
