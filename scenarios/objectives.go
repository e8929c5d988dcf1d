package scenarios

import (
	"reflect"

	"github.com/probesim/probesim/model"
)

// objectives are the bounds on the measures, one field for each measure of the
// results that is a number or a distribution.
type objectives struct {
	FalseKillsPerPodDay           *plainBound        `json:"falseKillsPerPodDay" doc:"False kills of one pod per day."`
	FalseKillsPerPodDayByLiveness *plainBound        `json:"falseKillsPerPodDayByLiveness" doc:"Those by the liveness probe."`
	FalseKillsPerPodDayByStartup  *plainBound        `json:"falseKillsPerPodDayByStartup" doc:"Those by the startup probe."`
	FalseKillsPerPodYear          *plainBound        `json:"falseKillsPerPodYear" default:"{max: 0.1}" doc:"False kills of one pod per year of 365.25 days."`
	MeanTimeToFalseKillSeconds    *plainBound        `json:"meanTimeToFalseKillSeconds" doc:"Mean time from one false kill to the next."`
	StartupKillProbability        *plainBound        `json:"startupKillProbability" default:"{max: 0.0001}" doc:"Probability that a start ends in a false kill."`
	DetectionSeconds              *distributionBound `json:"detectionSeconds" default:"{p99: 60}" doc:"From a hang to the verdict that kills."`
	RemovalSeconds                *distributionBound `json:"removalSeconds" default:"{p99: 30}" doc:"From a fault to the last proxy's removing the pod."`
	RecoverySeconds               *distributionBound `json:"recoverySeconds" doc:"From a fault to serving and in the endpoints again."`
	DeadTrafficSecondsPerFault    *plainBound        `json:"deadTrafficSecondsPerFault" doc:"Time in which some proxy still sends requests to a dead pod, per fault."`
	DeadTrafficFraction           *plainBound        `json:"deadTrafficFraction" doc:"Share of the pod's time that is such."`
	DeadRequestsPerFault          *plainBound        `json:"deadRequestsPerFault" doc:"Requests lost to a dead pod, per fault."`
	SlowTrafficFraction           *plainBound        `json:"slowTrafficFraction" doc:"Share of the pod's time in the endpoints while stalled."`
	FalseUnreadyFraction          *plainBound        `json:"falseUnreadyFraction" doc:"Share of the serving time out of the endpoints."`
	ReadyLagSeconds               *distributionBound `json:"readyLagSeconds" default:"{p99: 5}" doc:"From able to serve to in the endpoints."`
	TimeToReadySeconds            *distributionBound `json:"timeToReadySeconds" doc:"From the container's start to in the endpoints."`
	Availability                  *plainBound        `json:"availability" doc:"Share of the pod's time serving and in the endpoints."`
	ProbeCPUFraction              *plainBound        `json:"probeCPUFraction" doc:"CPU of answering probes as a share of the limit."`
	CrashLoopFraction             *plainBound        `json:"crashLoopFraction" doc:"Share of the pod's time in back-off."`
	NeverReadyProbability         *plainBound        `json:"neverReadyProbability" doc:"Probability that a pod never becomes ready within the horizon."`
	LivenessToReadinessTolerance  *plainBound        `json:"livenessToReadinessTolerance" default:"{min: 2}" doc:"Least failure the liveness probe bears, as a multiple of what the readiness probe bears."`
}

type plainBound struct {
	Max *float64 `json:"max" min:"0" doc:"Greatest value."`
	Min *float64 `json:"min" min:"0" doc:"Least value."`
}

type distributionBound struct {
	Mean *float64 `json:"mean" min:"0" doc:"Greatest mean."`
	P50  *float64 `json:"p50" min:"0" doc:"Greatest median."`
	P90  *float64 `json:"p90" min:"0" doc:"Greatest 90th percentile."`
	P99  *float64 `json:"p99" min:"0" doc:"Greatest 99th percentile."`
}

// bounds returns the stated bounds in the order of the measures.
func (o *objectives) bounds() []model.Objective {
	var bounds []model.Objective
	v := reflect.ValueOf(o).Elem()
	for _, f := range fieldsOf(v.Type()) {
		measure := v.FieldByIndex(f.index)
		if measure.IsNil() {
			continue
		}
		for _, statistic := range fieldsOf(measure.Type().Elem()) {
			value := measure.Elem().FieldByIndex(statistic.index)
			if value.IsNil() {
				continue
			}
			objective := model.Objective{Measure: f.name, Bound: value.Elem().Float()}
			switch statistic.name {
			case "min":
				objective.AtLeast = true
			case "max":
			default:
				objective.Statistic = statistic.name
			}
			bounds = append(bounds, objective)
		}
	}
	return bounds
}
