package scenarios

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// strategy returns how an object of so many replicas is rolled out, with the API
// server's defaults: of a Deployment a surge of a quarter, rounded up, and a
// quarter unavailable, rounded down; of a DaemonSet one unavailable; of a
// StatefulSet one pod after the other. What is no valid object's is a fault of
// its own elsewhere.
func (o *object) strategy(replicas int) model.Strategy {
	spec := child(o.root, "spec")
	s := model.Strategy{Kind: o.kind, MinReady: wholeSeconds(child(spec, "minReadySeconds"), 0)}
	switch o.groupKind() {
	case "apps/Deployment":
		s.ProgressDeadline = time.Duration(o.progressDeadline()) * time.Second
		if s.ProgressDeadline == math.MaxInt32*time.Second { // the API's word for none
			s.ProgressDeadline = 0
		}
		rolling := descend(spec, "strategy", "rollingUpdate")
		s.Recreate = text(descend(spec, "strategy", "type")) == "Recreate"
		s.MaxSurge = ofReplicas(child(rolling, "maxSurge"), "25%", replicas, math.Ceil)
		s.MaxUnavailable = ofReplicas(child(rolling, "maxUnavailable"), "25%", replicas, math.Floor)
	case "apps/DaemonSet":
		rolling := descend(spec, "updateStrategy", "rollingUpdate")
		s.MaxSurge = ofReplicas(child(rolling, "maxSurge"), "0", replicas, math.Ceil)
		s.MaxUnavailable = ofReplicas(child(rolling, "maxUnavailable"), "1", replicas, math.Ceil)
	case "apps/StatefulSet":
		s.MaxUnavailable = ofReplicas(descend(spec, "updateStrategy", "rollingUpdate", "maxUnavailable"), "1", replicas, math.Ceil)
	default:
		return model.Strategy{}
	}
	if s.MaxSurge == 0 && s.MaxUnavailable == 0 {
		s.MaxUnavailable = 1
	}
	return s
}

// ofReplicas reads a number or a percentage of the replicas.
func ofReplicas(n *yaml.Node, otherwise string, replicas int, round func(float64) float64) int {
	value := text(n)
	if value == "" {
		value = otherwise
	}
	if percent, ok := strings.CutSuffix(value, "%"); ok {
		share, _ := strconv.ParseFloat(percent, 64)
		return int(round(float64(replicas) * min(max(share, 0), 100) / 100))
	}
	number, _ := strconv.Atoi(value)
	return min(max(number, 0), replicas)
}

func wholeSeconds(n *yaml.Node, otherwise int64) time.Duration {
	seconds, err := strconv.ParseInt(text(n), 10, 32)
	if err != nil {
		seconds = otherwise
	}
	return time.Duration(max(seconds, 0)) * time.Second
}

// checkRollout holds what an object says of its rollouts against the API server's
// rules, with its defaults: a Deployment has to be given longer to make progress
// than a pod has to be Ready to count, and a rollout needs a pod that may be beyond
// the replicas or missing.
func (d *decoder) checkRollout(o *object) {
	fault := func(fields []string, format string, args ...any) {
		var steps []step
		for _, name := range fields {
			steps = append(steps, step{field: name})
		}
		n, at := find(o.root, steps, o.at, d.origins)
		d.fault(n, at, format, args...)
	}
	spec := child(o.root, "spec")
	for _, field := range []string{"minReadySeconds", progressDeadlineSeconds} {
		if seconds := text(child(spec, field)); strings.HasPrefix(seconds, "-") {
			fault([]string{"spec", field}, "%s: must be greater than or equal to 0", seconds)
			return
		}
	}
	above := "strategy"
	switch o.groupKind() {
	case "apps/Deployment":
		ready, deadline := wholeSeconds(child(spec, "minReadySeconds"), 0), o.progressDeadline()
		if ready >= time.Duration(deadline)*time.Second {
			fault([]string{"spec", progressDeadlineSeconds}, "%d: must be greater than minReadySeconds (%d)", deadline, int64(ready/time.Second))
		}
	case "apps/DaemonSet":
		above = "updateStrategy"
	default:
		return
	}
	rolling := descend(spec, above, "rollingUpdate")
	surge, unavailable := text(child(rolling, "maxSurge")), text(child(rolling, "maxUnavailable"))
	none := func(value string) bool { return value == "0" || value == "0%" }
	if none(unavailable) && (none(surge) || surge == "" && o.kind == "DaemonSet") {
		fault([]string{"spec", above, "rollingUpdate", "maxUnavailable"}, "%s: may not be 0 when maxSurge is 0", unavailable)
	}
}
