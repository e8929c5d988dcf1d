package scenarios

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// Termination is what a workload shall have so that its deletions and rollouts
// leave no traffic to pods that take none. What is 0 stays as the manifest, with its
// overlays, has it.
type Termination struct {
	// PreStopSleep is how many seconds the container's preStop hook shall sleep: by the
	// sleep action or, where a command sleeps already, by its words with another number.
	// A hook that does more than sleep is replaced: the caller has to look.
	PreStopSleep int64
	GracePeriod  int64 // terminationGracePeriodSeconds of the pod
	MinReady     int32 // minReadySeconds of the object, if its kind has rollouts
}

func (t *Termination) minReady() time.Duration { return time.Duration(t.MinReady) * time.Second }

// podPatch returns what changes the PodSpec of the manifest, beside its containers.
// Nil: nothing.
func (s *Settled) podPatch() *yaml.Node {
	if s.Termination == nil {
		return nil
	}
	before, after := s.Workload.original.TerminationGracePeriodSeconds, s.Workload.spec.TerminationGracePeriodSeconds
	if s.Termination.GracePeriod != 0 {
		after = &s.Termination.GracePeriod
	}
	if after == nil || before != nil && *before == *after {
		return nil
	}
	change := mapping()
	setChild(change, "terminationGracePeriodSeconds", plainNode(*after))
	return change
}

// lifecyclePatch returns what changes the original container's lifecycle into what
// is settled for the current one. Nil: nothing.
func (t *Termination) lifecyclePatch(original, current *corev1.Container) (*yaml.Node, error) {
	if t == nil {
		return nil, nil
	}
	after := &corev1.Lifecycle{}
	if current.Lifecycle != nil {
		after = current.Lifecycle.DeepCopy()
	}
	if t.PreStopSleep != 0 {
		after.PreStop = t.preStop(after.PreStop)
	}
	before := original.Lifecycle
	if before == nil {
		before = &corev1.Lifecycle{}
	}
	if reflect.DeepEqual(before, after) {
		return nil, nil
	}
	from, err := nodeOf(before)
	if err != nil {
		return nil, err
	}
	to, err := nodeOf(after)
	if err != nil {
		return nil, err
	}
	return difference(from, to), nil
}

// preStop returns the hook that sleeps as long as is settled.
func (t *Termination) preStop(present *corev1.LifecycleHandler) *corev1.LifecycleHandler {
	if present != nil && present.Exec != nil && sleepNumber(present.Exec.Command) != nil {
		command := slices.Clone(present.Exec.Command)
		last, at := len(command)-1, sleepNumber(command)
		command[last] = command[last][:at[0]] + strconv.FormatInt(t.PreStopSleep, 10) + command[last][at[1]:]
		return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: command}}
	}
	return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: t.PreStopSleep}}
}

// difference returns the fields that make one mapping out of another one when they
// are merged into it: those that are new or differ, and null for those that go.
func difference(from, to *yaml.Node) *yaml.Node {
	change := mapping()
	for i := 0; i+1 < len(from.Content); i += 2 {
		if key := from.Content[i].Value; keyIndex(to, key) < 0 {
			setChild(change, key, scalar("null"))
		}
	}
	for i := 0; i+1 < len(to.Content); i += 2 {
		key, value := to.Content[i].Value, to.Content[i+1]
		switch before := child(from, key); {
		case before != nil && reflect.DeepEqual(plain(before), plain(value)):
		case before != nil && before.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			setChild(change, key, difference(before, value))
		default:
			setChild(change, key, value)
		}
	}
	return change
}
