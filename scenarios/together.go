package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// together checks the rules that concern several fields of a scenario.
type together struct {
	*decoder
	s    *scenario
	root *yaml.Node
	at   place
}

func (d *decoder) checkTogether(s *scenario, root *yaml.Node, at place) {
	t := together{d, s, root, at}
	t.faultRules()
	t.dependencyRules()
	t.answerRules()
	t.backgroundRules()
	t.trafficRules()
	t.nodeRules()
	t.variantRules()
}

// wrong reports a fault at a path of the scenario.
func (t together) wrong(path, format string, args ...any) {
	steps, err := parsePath(path)
	if err != nil {
		panic(path) // written below, not by the input
	}
	n, at := find(t.root, steps, t.at, t.origins)
	t.faults = append(t.faults, Fault{at.file, n.Line, at.path, fmt.Sprintf(format, args...)})
}

func (t together) faultRules() {
	for i, f := range t.s.Faults {
		path := fmt.Sprintf("faults[%d]", i)
		switch {
		case f.Every == nil && f.After == nil:
			t.wrong(path, "needs every, or after where it is planned once")
		case f.Every != nil && f.After != nil:
			t.wrong(path+".after", "must not be given together with every")
		}
		if *f.Exits && (f.Lasts != nil || f.Probes != nil) {
			t.wrong(path+".exits", "true must not be given together with lasts or probes: the process is gone")
		}
		if !*f.Exits && f.ExitCode != nil {
			t.wrong(path+".exitCode", "needs exits: true")
		}
		if f.Probes != nil && len(f.Probes) == 0 {
			t.wrong(path+".probes", "must name at least one of startup, readiness, liveness")
		}
	}
}

func (t together) dependencyRules() {
	names := map[string]int{}
	for i, dependency := range t.s.Dependencies {
		if dependency.Name == nil {
			continue
		}
		if first, ok := names[*dependency.Name]; ok {
			t.wrong(fmt.Sprintf("dependencies[%d].name", i), "%q: is already the name of dependencies[%d]", *dependency.Name, first)
			continue
		}
		names[*dependency.Name] = i
	}
}

// kinds are the entries of application.probes; all is the first.
var kinds = []string{"all", model.Startup.String(), model.Readiness.String(), model.Liveness.String()}

func (a *answers) byKind() []*answer { return []*answer{a.All, a.Startup, a.Readiness, a.Liveness} }

func (t together) answerRules() {
	var known []string
	for _, dependency := range t.s.Dependencies {
		if dependency.Name != nil && !slices.Contains(known, *dependency.Name) {
			known = append(known, *dependency.Name)
		}
	}
	for i, a := range t.s.Application.Probes.byKind() {
		if a == nil {
			continue
		}
		path := "application.probes." + kinds[i]
		for j, name := range a.DependsOn {
			switch {
			case len(known) == 0:
				t.wrong(fmt.Sprintf("%s.dependsOn[%d]", path, j), "%q: the scenario has no dependencies", name)
			case !slices.Contains(known, name):
				t.wrong(fmt.Sprintf("%s.dependsOn[%d]", path, j), "%s", notOneOf(name, known))
			}
		}
		if t.s.Application.Traffic != nil {
			continue
		}
		if a.RunsOn != nil && *a.RunsOn == model.Workers.String() {
			t.wrong(path+".runsOn", "%q: needs application.traffic, whose workers they are", *a.RunsOn)
		}
		if a.FailsAbove != nil {
			t.wrong(path+".failsAbove", "needs application.traffic, whose requests it counts")
		}
	}
}

func (t together) backgroundRules() {
	for i, b := range t.s.Application.Background {
		path := fmt.Sprintf("application.background[%d]", i)
		always := b.Always != nil && *b.Always
		switch {
		case always && (b.Every != nil || b.CPU != nil || b.Workers != nil):
			t.wrong(path+".always", "true must not be given together with every, cpu or workers: it burns without end")
		case !always && b.Every == nil:
			t.wrong(path+".every", "required, or always: true")
		case !always && b.CPU == nil:
			t.wrong(path+".cpu", "required, or always: true")
		case !always && b.Threads != nil:
			t.wrong(path+".threads", "is the number of threads that always burn: needs always: true; jobs have workers")
		}
	}
}

func (t together) trafficRules() {
	traffic := t.s.Application.Traffic
	if traffic != nil && traffic.Retries != nil && traffic.ClientTimeout == nil {
		t.wrong("application.traffic.retries", "needs clientTimeout: clients that never give up never retry")
	}
}

// mostSlowNeighbours bounds the neighbours that slow waits: every combination of
// busy ones is a state of its own in the closed forms.
const mostSlowNeighbours = 8

func (t together) nodeRules() {
	check := func(m *machine, path string) {
		if m.KernelHz != nil && *m.KernelHz >= 100 && *m.KernelHz <= 1000 && !slices.Contains([]int{100, 250, 1000}, *m.KernelHz) {
			t.wrong(path+".kernelHz", "%d: must be one of 100, 250, 1000", *m.KernelHz)
		}
		slow := 0
		for i, n := range m.Neighbours {
			if n.WaitFactor != nil && *n.WaitFactor > 1 {
				if slow++; slow == mostSlowNeighbours+1 {
					t.wrong(fmt.Sprintf("%s.neighbours[%d].waitFactor", path, i), "must be above 1 for at most %d neighbours", mostSlowNeighbours)
				}
			}
			if n.CPURequest == nil && n.WaitFactor == nil {
				t.wrong(fmt.Sprintf("%s.neighbours[%d]", path, i), "needs cpuRequest, waitFactor, or both: what it takes from the container")
			}
		}
	}
	check(&t.s.Node.machine, "node")
	t.backOffMaximum(&t.s.Node.machine, nil, "node")
	total := 0.0
	for i := range t.s.Node.Classes {
		class := &t.s.Node.Classes[i]
		if class.KernelHz != t.s.Node.KernelHz {
			check(&class.machine, fmt.Sprintf("node.classes[%d]", i))
		}
		t.backOffMaximum(&class.machine, &t.s.Node.machine, fmt.Sprintf("node.classes[%d]", i))
		if class.Weight != nil {
			total += *class.Weight
		}
	}
	if len(t.s.Node.Classes) > 0 && total <= 0 {
		t.wrong("node.classes", "one weight at least must be above 0")
	}
}

// backOffMaximum refuses a maximum of the restart back-off that the kubelet has behind
// a feature gate that is off (K41); one taken from the node is reported there.
func (t together) backOffMaximum(m, from *machine, path string) {
	if m.MaxContainerRestart == nil || from != nil && m.MaxContainerRestart == from.MaxContainerRestart {
		return
	}
	if v := (model.Version{Minor: int(*t.s.Cluster.KubernetesVersion)}); !v.NodeBackOffMaximum() {
		t.wrong(path+".maxContainerRestartPeriod", "%s: needs Kubernetes 1.35: the feature gate is off in %s", formatDuration(time.Duration(*m.MaxContainerRestart)), v)
	}
}

func (t together) variantRules() {
	seen := map[string]int{"base": -1}
	for i, v := range t.s.WhatIf {
		if v.Name == nil {
			continue
		}
		path := fmt.Sprintf("whatIf[%d].name", i)
		switch first, ok := seen[*v.Name]; {
		case strings.TrimSpace(*v.Name) == "":
			t.wrong(path, "%q: must not be empty", *v.Name)
		case ok && first < 0:
			t.wrong(path, "%q: is the name of the scenario itself", *v.Name)
		case ok:
			t.wrong(path, "%q: is already the name of whatIf[%d]", *v.Name, first)
		default:
			seen[*v.Name] = i
		}
	}
}
