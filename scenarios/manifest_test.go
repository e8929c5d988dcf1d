package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
)

func TestKinds(t *testing.T) {
	var rows []string
	workloads := load(t, "testdata/kinds.yaml")
	for _, w := range workloads {
		c := w.World.Container()
		row := fmt.Sprintf("%s ns=%q name=%s replicas=%d %s grace=%d cpu=%d/%d", w.Kind, w.Namespace, w.Name, w.World.Replicas,
			w.World.Pod.RestartPolicy, w.World.Pod.TerminationGracePeriodSeconds, c.CPURequestMilli, c.CPULimitMilli)
		for kind, probe := range c.Probes {
			if probe != nil {
				row += fmt.Sprintf(" %s[%s D=%d P=%d T=%d S=%d F=%d]", model.ProbeKind(kind), probe.Handler,
					probe.InitialDelaySeconds, probe.PeriodSeconds, probe.TimeoutSeconds, probe.SuccessThreshold, probe.FailureThreshold)
			}
		}
		rows = append(rows, row)
	}
	want := []string{
		`Pod ns="" name=pod replicas=1 Never grace=30 cpu=0/0 liveness[exec cat /tmp/healthy D=5 P=5 T=1 S=1 F=3]`,
		`Deployment ns="shop" name=deployment replicas=4 Always grace=30 cpu=100/1500 readiness[httpGet :10254/healthz D=0 P=10 T=1 S=1 F=3]`,
		`StatefulSet ns="" name=set replicas=3 Always grace=120 cpu=0/0 readiness[exec pg_isready D=0 P=10 T=1 S=1 F=3]`,
		`DaemonSet ns="" name=daemon replicas=1 Always grace=30 cpu=0/0 liveness[grpc :9000 live D=0 P=10 T=1 S=1 F=3]`,
		`ReplicaSet ns="" name=replicas replicas=2 Always grace=30 cpu=0/0 liveness[tcpSocket :5432 D=0 P=10 T=1 S=1 F=3]`,
		`Job ns="" name=job replicas=7 OnFailure grace=30 cpu=0/0`,
		`CronJob ns="" name=cron replicas=1 Never grace=30 cpu=0/0 startup[httpGet https example.com:http/ D=0 P=10 T=1 S=1 F=3]`,
		`Pod ns="" name=newer replicas=1 Always grace=30 cpu=0/0 liveness[tcpSocket :80 D=0 P=10 T=1 S=1 F=3]`,
	}
	if got, want := strings.Join(rows, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := workloads[2].World.Container().PreStop; got != (model.PreStop{Handler: "sleep 20", Lasts: 20 * time.Second, Sleeps: true}) {
		t.Errorf("preStop %+v", got)
	}
	notes := strings.Join(append(workloads[len(workloads)-1].Notes, workloads[0].Notes...), "\n")
	wantNotes := strings.Join([]string{
		`testdata/kinds.yaml:72: spec.containers[0].livenessProbe.periodMilliseconds: unknown field (did you mean "periodSeconds"?), ignored`,
		`testdata/kinds.yaml:72: spec.containers[0].livenessProbe.periodSecond: unknown field (did you mean "periodSeconds"?), ignored`,
		`testdata/kinds.yaml:2: Service "web" has no pod template, skipped`,
		`testdata/kinds.yaml:45: ConfigMap "c" has no pod template, skipped`,
		`testdata/kinds.yaml:62: Service "function" has no pod template, skipped`,
	}, "\n")
	if notes != wantNotes {
		t.Errorf("notes\n%s\nwant\n%s", notes, wantNotes)
	}
	if got, want := fmt.Sprint(workloads[5].Notes[:1], workloads[6].Notes[:1]), `[container "a" has no probes: it is never killed by one, and ready as soon as it runs] `+
		`[container "a" has no port named "http": every attempt of its startupProbe errs and is thrown away (K21)]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A pod's containers stand in the order in which the kubelet makes their
// workers (K1): regular ones, then sidecars, and no other init containers.
func TestContainersOfPod(t *testing.T) {
	w := load(t, "testdata/example.yaml")[0].World
	var names []string
	for _, c := range w.Pod.Containers {
		names = append(names, fmt.Sprintf("%s %t", c.Name, c.Sidecar))
	}
	if got, want := strings.Join(names, ", "), "api false, logs false, proxy true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c := w.Container()
	if c.CPULimitMilli != 250 || c.CPURequestMilli != 250 {
		t.Errorf("limit %d, request %d: a missing request is the limit (K60)", c.CPULimitMilli, c.CPURequestMilli)
	}
	if c.PreStop.Lasts != 15*time.Second || c.Ports["http"] != 8080 || w.Pod.ReadinessGates != 1 {
		t.Errorf("preStop %+v, ports %v, gates %d", c.PreStop, c.Ports, w.Pod.ReadinessGates)
	}
	if startup, readiness := c.Probes[model.Startup], c.Probes[model.Readiness]; startup.FailureThreshold != 24 || readiness.FailureThreshold != 2 || readiness.PeriodSeconds != 5 {
		t.Errorf("startup %+v, readiness %+v: << takes what is not given", startup, readiness)
	}
	if got := c.Probes[model.Liveness].TerminationGracePeriodSeconds; got == nil || *got != 10 {
		t.Errorf("grace of the liveness probe %v, want 10", got)
	}
}

func TestSlept(t *testing.T) {
	for _, test := range []struct {
		command string
		want    time.Duration
	}{
		{"sleep 15", 15 * time.Second},
		{"/bin/sleep 2.5", 2500 * time.Millisecond},
		{"sleep 1m", time.Minute},
		{"sh -c sleep 15", 15 * time.Second},
		{"/bin/sh -c sleep 5; nginx -s quit && sleep 10", 15 * time.Second},
		{"/bin/bash -ec (sleep 1)&sleep 2", 3 * time.Second},
		{"/usr/local/bin/drain --sleep 10", 0},
		{"sh -c nosleep 15", 0},
		{"nginx -s quit", 0},
		{"sleep 99999999999999999999999", 8766 * time.Hour},
	} {
		command := strings.SplitN(test.command, " ", 3)
		if command[0] == "sleep" || strings.HasPrefix(test.command, "/bin/sleep") {
			command = strings.Split(test.command, " ")
		}
		if got := slept(command); got != test.want {
			t.Errorf("%s: %v, want %v", test.command, got, test.want)
		}
	}
}

func TestStudied(t *testing.T) {
	c := func(name string, sidecar, probed bool) candidate {
		return candidate{name: name, sidecar: sidecar, probed: probed}
	}
	for _, test := range []struct {
		found []candidate
		name  string
		want  string
	}{
		{[]candidate{c("a", false, false)}, "", "a"},
		{[]candidate{c("a", false, false), c("b", false, true)}, "", "b"},
		{[]candidate{c("a", false, true), c("b", false, true)}, "", "required: which container is studied, one of a, b"},
		{[]candidate{c("a", false, true), c("b", false, true)}, "b", "b"},
		{[]candidate{c("a", false, false), c("b", false, false)}, "", "required: which container is studied, one of a, b"},
		{[]candidate{c("a", false, true), c("s", true, true)}, "", "a"},
		{[]candidate{c("a", false, false), c("s", true, true)}, "", "s"},
		{[]candidate{c("a", false, false), c("s", true, false)}, "", "a"},
		{[]candidate{c("api", false, true)}, "apo", `"apo": must be api`},
	} {
		got, err := studied(test.found, test.name)
		if err == nil && got.name != test.want || err != nil && err.Error() != test.want {
			t.Errorf("%v %q: %v, %v, want %s", test.found, test.name, got, err, test.want)
		}
	}
}
