package kubelet

import (
	"math"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// Durations are what the rules leave open: how long the kubelet, the runtime
// and the control plane take for each step.
type Durations struct {
	RelistPeriod time.Duration // K45; 0: every change is seen at once
	RelistLasts  time.Duration // a relist's own duration, by which the raster drifts (K45)
	RelistAtOnce dist.Duration // end of a sync that acted to the next one's sight of what it did (K45)
	Resync       dist.Duration // from a sync's end to the next one without cause; zero: none (K45)

	FirstStart  dist.Duration // creation of the workers to the first container running (K2)
	Restart     dist.Duration // exit of a container to its successor running, in one sync (K67)
	StopRequest dist.Duration // end of the deciding attempt to the request to stop (K65)
	StopSignal  dist.Duration // request to stop, or end of preStop, to SIGTERM (K65, K81)
	KillLate    dist.Duration // end of the grace to SIGKILL (K65)

	TimeoutLate          dist.Duration // timeout to the end of the attempt (K66)
	TimeoutLateThrottled dist.Duration // the same for http against a throttled server (K66)

	WastedTrigger float64       // probability that a trigger finds the old status (K14, K74)
	BackOffFactor dist.Dist     // multiplies the wait after a refused start (K43)
	BackOffRaster time.Duration // the queue of refused starts is looked at so often (K43)

	StatusPatch dist.Duration // status write begun to the PATCH received by the API server (K49, K71)
	StatusDone  dist.Duration // that to its answer, when the next write can begin
	PodEvent    dist.Duration // PATCH received to the watchers seeing the pod (K71)
	BusyStart   float64       // factor on the three above while the node starts the container (K74, K75)
	StaleSlices float64       // probability that a change which comes during an update of the slice finds the controller's view out of date (K73)
	SliceUpdate dist.Duration // watchers seeing the pod to their seeing the EndpointSlice (K50, K71)
	RulesStart  dist.Duration // a proxy free to apply rules to its beginning (K72)
	RulesApply  dist.Duration // one application of rules (K72)

	Creation    dist.Duration // creation of a pod to its first sync (K75)
	Delete      dist.Duration // DELETE call to the kubelet beginning the termination (K79)
	DeleteEvent dist.Duration // DELETE call to the endpoint controller taking the pod up (K79)
	FinalStatus dist.Duration // last container's exit to the pod's final phase and the end of its endpoint (K81)
	Removed     dist.Duration // the first relist after that to the pod object being gone (K81)
	Replace     dist.Duration // new pod of a rollout seen Ready to the DELETE of an old one (K84)
	NextPod     dist.Duration // that to the creation of the next new pod (K84)
	KubeletBoot dist.Duration // start of a kubelet process to its first sync (K85)
}

// MeasuredDurations returns what was measured on real nodes and a small quiet
// cluster, each a lognormal through the measured median and 90 % quantile. Where two
// nodes differ it lies between them: restarts took 175 and 258 ms on one (K67), 122
// and 163 ms on the other (K78); from the decision to SIGTERM one took 4.3 and 13 ms
// (K65), the other 3.4 and 8 ms (K78, K79).
func MeasuredDurations() Durations {
	const ms, us = time.Millisecond, time.Microsecond
	return Durations{
		RelistPeriod: time.Second,
		RelistLasts:  7 * ms,
		RelistAtOnce: medianP90(11*ms, 16*ms),
		Resync:       dist.Duration{Nanoseconds: dist.Uniform{Low: 60e9, High: 90e9}},

		FirstStart:  medianP90(222*ms, 250*ms),
		Restart:     medianP90(130*ms, 183*ms),
		StopRequest: medianP90(2800*us, 7500*us),
		StopSignal:  medianP90(800*us, 4*ms),
		KillLate:    medianP90(12*ms, 24*ms),

		TimeoutLate:          dist.Constantly(2 * ms),
		TimeoutLateThrottled: dist.Duration{Nanoseconds: dist.Uniform{Low: 42e6, High: 44e6}},

		WastedTrigger: 0.1,
		BackOffFactor: dist.Uniform{Low: 1, High: 1.5},
		BackOffRaster: time.Second,

		StatusPatch: medianP90(4400*us, 6500*us),
		StatusDone:  medianP90(4500*us, 7000*us),
		PodEvent:    medianP90(5700*us, 9200*us),
		BusyStart:   1.4,
		StaleSlices: 0.4,
		SliceUpdate: medianP90(5900*us, 9900*us),
		RulesStart:  medianP90(500*us, 1100*us),
		RulesApply:  medianP90(32*ms, 40*ms),

		Creation:    medianP90(325*ms, 370*ms),
		Delete:      medianP90(8*ms, 12*ms),
		DeleteEvent: medianP90(14*ms, 27*ms),
		FinalStatus: medianP90(150*ms, 230*ms),
		Removed:     medianP90(60*ms, 100*ms),
		Replace:     medianP90(20*ms, 33*ms),
		NextPod:     medianP90(35*ms, 52*ms),
		KubeletBoot: medianP90(1650*ms, 1750*ms),
	}
}

// medianP90 returns the lognormal through a median and a 90 % quantile.
func medianP90(median, p90 time.Duration) dist.Duration {
	const normal90 = 1.2815515655446004 // standard normal quantile at 0.9
	return dist.Duration{Nanoseconds: dist.LogNormal{
		Mu:    math.Log(float64(median)),
		Sigma: math.Log(float64(p90)/float64(median)) / normal90,
	}}
}
