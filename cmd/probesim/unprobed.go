package main

import (
	"fmt"

	"github.com/probesim/probesim/model"
)

// unprobed says what it means that a container lacks probes, or that its liveness
// probe notices no hang, before any number: that nothing is killed is then no
// good news.
func unprobed(w *model.World) []string {
	probes := w.Container().Probes
	serves := w.Pod.RestartPolicy == model.RestartAlways
	blind := probes[model.Liveness] != nil && w.Application.Probes[model.Liveness].HangCoverage == 0
	switch {
	case probes[model.Liveness] == nil && probes[model.Readiness] == nil && serves:
		return []string{"There is NO PROBE to judge: nothing notices a hang, so a hung container gets traffic until somebody restarts it, and a starting one before it can serve. probesim recommend says what to add."}
	case probes[model.Liveness] == nil && !serves:
		return []string{"There is NO LIVENESS PROBE: nothing notices a hang, and a run that hangs goes on until a deadline of its Job, or somebody, ends it."}
	case probes[model.Liveness] == nil && w.Application.Probes[model.Readiness].HangCoverage == 0:
		return []string{fmt.Sprintf("There is no liveness probe, and the readiness probe (%s) NOTICES NO HANG: a hung container gets traffic until somebody restarts it.", probes[model.Readiness].Handler.Kind)}
	case probes[model.Liveness] == nil:
		return []string{"There is no liveness probe: a hang can take the pod out of the endpoints, but nothing restarts it."}
	case blind && probes[model.Readiness] == nil && serves:
		return []string{fmt.Sprintf("There is no readiness probe, and the liveness probe (%s) NOTICES NO HANG: a container gets traffic as soon as it runs, and a hung one until somebody restarts it.", probes[model.Liveness].Handler.Kind)}
	case blind:
		return []string{fmt.Sprintf("The liveness probe (%s) NOTICES NO HANG: a hung container is never killed.", probes[model.Liveness].Handler.Kind)}
	case probes[model.Readiness] == nil && serves:
		return []string{"There is no readiness probe: a container gets traffic as soon as it runs, and a hung one until it is killed."}
	}
	return nil
}
