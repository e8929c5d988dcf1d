package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/probesim/probesim/model/dist"
)

// measuredPods is what kubectl get pods -o json says of startups.
type measuredPods struct {
	measuredPod
	Items []measuredPod `json:"items"`
}

type measuredPod struct {
	Metadata struct {
		Name          string `json:"name"`
		ManagedFields []struct {
			Time *time.Time `json:"time"`
		} `json:"managedFields"`
	} `json:"metadata"`
	Spec struct {
		Containers []measuredContainer `json:"containers"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type               string     `json:"type"`
			Status             string     `json:"status"`
			LastTransitionTime *time.Time `json:"lastTransitionTime"`
		} `json:"conditions"`
		ContainerStatuses []measuredStatus `json:"containerStatuses"`
	} `json:"status"`
}

type measuredContainer struct {
	Name                                        string
	StartupProbe, ReadinessProbe, LivenessProbe *measuredProbe
}

type measuredProbe struct {
	InitialDelaySeconds, PeriodSeconds, FailureThreshold int32
}

type measuredStatus struct {
	Name         string `json:"name"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Running *struct {
			StartedAt *time.Time `json:"startedAt"`
		} `json:"running"`
	} `json:"state"`
	LastState struct {
		Terminated *struct {
			ExitCode              int
			Reason                string
			StartedAt, FinishedAt *time.Time
		} `json:"terminated"`
	} `json:"lastState"`
}

// pods reads startup durations: from a container's start to the Ready
// condition's last transition. Containers that are not ready yet, and those
// killed within the time that their probes allow a start, are cut off (S17).
func (r *measurementReader) pods() {
	var list measuredPods
	if !r.json(&list) {
		return
	}
	pods := list.Items
	if len(list.Status.ContainerStatuses) > 0 {
		pods = append(pods, list.measuredPod)
	}
	latest := latestInstant(pods)
	found := map[string]*startups{}
	var names []string
	for i := range pods {
		for j := range pods[i].Status.ContainerStatuses {
			status := &pods[i].Status.ContainerStatuses[j]
			if r.options.Container != "" && status.Name != r.options.Container {
				continue
			}
			status.Name = oneLine(status.Name)
			if found[status.Name] == nil {
				found[status.Name] = &startups{}
				names = append(names, status.Name)
			}
			found[status.Name].add(&pods[i], status, latest)
		}
	}
	r.empty = ": no container has been seen to start"
	if r.options.Container != "" {
		r.empty = fmt.Sprintf(": no container is named %s", quoted(r.options.Container))
	}
	slices.Sort(names)
	for _, name := range names {
		if s := found[name]; len(s.observations) > 0 {
			r.out.Series = append(r.out.Series, Series{Name: name, Observations: s.observations, Path: "application.startup.wait", Notes: s.notes()})
		}
	}
	if len(r.out.Series) > 1 {
		r.out.Notes = append(r.out.Notes, "a pod is Ready when all its containers are: the durations of one include the wait for the others; --container picks one")
	}
}

// latestInstant returns the latest instant that pods name: the list was made
// at it or later.
func latestInstant(pods []measuredPod) time.Time {
	var latest time.Time
	see := func(at *time.Time) {
		if at != nil && at.After(latest) {
			latest = *at
		}
	}
	for i := range pods {
		for _, field := range pods[i].Metadata.ManagedFields {
			see(field.Time)
		}
		for _, condition := range pods[i].Status.Conditions {
			see(condition.LastTransitionTime)
		}
		for _, status := range pods[i].Status.ContainerStatuses {
			if running := status.State.Running; running != nil {
				see(running.StartedAt)
			}
			if ended := status.LastState.Terminated; ended != nil {
				see(ended.FinishedAt)
			}
		}
	}
	return latest
}

// startups are those of one container.
type startups struct {
	observations               []dist.Observation
	starting, killed, unknown  int
	through                    time.Duration // greatest period of the probe that ends a start
	restartedWithoutCompletion int
}

// add adds what a pod's status says of the startups of a container.
func (s *startups) add(pod *measuredPod, status *measuredStatus, latest time.Time) {
	var container measuredContainer
	for _, c := range pod.Spec.Containers {
		if c.Name == status.Name {
			container = c
		}
	}
	s.addKilled(container, status)
	var ready *time.Time
	isReady := false
	for _, condition := range pod.Status.Conditions {
		if condition.Type == "Ready" {
			ready, isReady = condition.LastTransitionTime, condition.Status == "True"
		}
	}
	running := status.State.Running
	switch {
	case running == nil || running.StartedAt == nil:
		return
	case isReady && ready != nil && !ready.Before(*running.StartedAt):
		s.addCompleted(container, ready.Sub(*running.StartedAt))
	case isReady:
		s.unknown++ // Ready since before this start: another's readiness
	case ready == nil || !ready.After(*running.StartedAt):
		if watched := latest.Sub(*running.StartedAt); watched > 0 {
			s.starting++
			s.observations = append(s.observations, dist.Observation{Low: watched, High: dist.Unbounded, Count: 1})
		}
	default:
		s.unknown++ // was Ready, and is no more
	}
}

// addCompleted adds a startup that ended with the pod's readiness so long after
// it began. Both instants are cut to whole seconds, so that the difference errs
// by up to one either way, triangularly; and what ended the startup is seen at
// the next attempt of the startup probe, or of the readiness probe where there
// is none: up to a period later. An interval of the same variance stands for
// the two, (period² + 2·1 s²)/12, and all of the time before the first attempt
// where that may have been the one.
func (s *startups) addCompleted(container measuredContainer, took time.Duration) {
	period, delay := time.Duration(0), time.Duration(0)
	if p := container.StartupProbe; p != nil {
		period, delay = p.period(), time.Duration(p.InitialDelaySeconds)*time.Second
	} else if p := container.ReadinessProbe; p != nil {
		period, delay = p.period(), time.Duration(p.InitialDelaySeconds)*time.Second
	}
	s.through = max(s.through, period)
	half := time.Duration(math.Sqrt(float64(period)*float64(period)+2e18) / 2)
	o := dist.Observation{Low: took - period/2 - half, High: took - period/2 + half, Count: 1}
	if delay > 0 && took-period-time.Second < delay {
		o.Low = 0
	}
	o.Low = max(0, o.Low)
	s.observations = append(s.observations, o)
}

// addKilled adds the life before the current one if a kill ended it while it
// may still have been starting.
func (s *startups) addKilled(container measuredContainer, status *measuredStatus) {
	ended := status.LastState.Terminated
	if ended == nil || ended.StartedAt == nil || ended.FinishedAt == nil {
		return
	}
	probe := container.StartupProbe
	if probe == nil {
		probe = container.LivenessProbe
	}
	lived := ended.FinishedAt.Sub(*ended.StartedAt)
	if probe == nil || ended.ExitCode != 137 && ended.ExitCode != 143 || ended.Reason == "OOMKilled" || lived <= 0 {
		s.restartedWithoutCompletion++
		return
	}
	// S5: the verdict comes between so much and a period more after the start;
	// the default grace period may follow.
	delay := time.Duration(probe.InitialDelaySeconds) * time.Second
	guaranteed := delay + time.Duration(probe.failures()-1)*probe.period()
	if lived > guaranteed+probe.period()+30*time.Second {
		s.restartedWithoutCompletion++
		return
	}
	if guaranteed = min(guaranteed, lived); guaranteed <= 0 {
		return
	}
	s.killed++
	s.observations = append(s.observations, dist.Observation{Low: guaranteed, High: dist.Unbounded, Count: 1})
}

func (p *measuredProbe) period() time.Duration {
	if p.PeriodSeconds < 1 {
		return 10 * time.Second
	}
	return time.Duration(p.PeriodSeconds) * time.Second
}

func (p *measuredProbe) failures() int32 {
	if p.FailureThreshold < 1 {
		return 3
	}
	return p.FailureThreshold
}

func (s *startups) notes() []string {
	var notes []string
	if s.through > 0 {
		notes = append(notes, fmt.Sprintf("readiness shows a completed startup up to %s late, the period of the probe that sees it: each is an interval of that width, so that the fit is of the startup itself", formatDuration(s.through)))
	}
	if s.starting > 0 {
		notes = append(notes, fmt.Sprintf("%d containers are not ready yet, and count as longer than they were watched", s.starting))
	}
	if s.killed > 0 {
		notes = append(notes, fmt.Sprintf("%d were killed no later than their probes end a start that is too long, and count as longer than these guarantee", s.killed))
	}
	if s.restartedWithoutCompletion > 0 {
		notes = append(notes, fmt.Sprintf("%d earlier lives ended otherwise, and say nothing of their startup", s.restartedWithoutCompletion))
	}
	if s.unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d containers of which it is not known when they became ready are left out", s.unknown))
	}
	return append(notes, "a pod that became unready and Ready again shows its last transition: a duration far beyond the others may be one of these")
}
