package sim_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
	"github.com/probesim/probesim/sim"
)

var update = flag.Bool("update", false, "write the output that the timelines have now")

// TestTimelines runs the readable timelines in testdata/timelines: prose in
// lines that begin with #, and blocks of the description of one pod's life, a
// line of dashes, and what happens up to an empty line. The description is read
// by scriptOf.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/timelines/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no timelines: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tell(string(want))
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			if *update {
				if err := os.WriteFile(file, got, 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			for i, line := range bytes.Split(got, []byte("\n")) {
				if lines := bytes.Split(want, []byte("\n")); i >= len(lines) || !bytes.Equal(line, lines[i]) {
					t.Fatalf("%s:%d: %q is not what it says", file, i+1, line)
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %d bytes, want %d", file, len(got), len(want))
			}
		})
	}
}

// tell runs every life of a file and returns the file with what happens in them.
func tell(text string) ([]byte, error) {
	var out bytes.Buffer
	var description []string
	inOutput := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case inOutput && line != "":
			continue
		case line == "----":
			script, err := scriptOf(description)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i+1, err)
			}
			fmt.Fprintln(&out, line)
			trace := script.Run()
			for e := range trace.Events {
				if event := &trace.Events[e]; event.At <= script.Horizon {
					fmt.Fprintln(&out, eventLine(event))
				}
			}
			description, inOutput = nil, true
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			description = append(description, line)
		}
		inOutput = false
		fmt.Fprintln(&out, line)
	}
	return out.Bytes(), nil
}

// eventLine writes one event: when, of which container, what, and the rule.
func eventLine(e *sim.Event) string {
	who := "pod"
	if e.Container >= 0 {
		who = "c" + strconv.Itoa(e.Incarnation)
		if e.Incarnation < 0 {
			who = "-"
		}
	}
	var what string
	switch e.Kind {
	case sim.EventAttempt:
		what = fmt.Sprintf("%s %s after %v", e.Probe, e.Outcome, e.End-e.At)
		switch {
		case e.Outcome == kubelet.Error:
		case e.Run == 0:
			what += ", on hold"
		default:
			what += fmt.Sprintf(", %d in a row", e.Run)
		}
	case sim.EventResult:
		what = fmt.Sprintf("%s result: %s", e.Probe, e.Value)
	case sim.EventStatus:
		what = "status: " + e.Status.State.String()
		if e.Status.Started {
			what += ", started"
		}
		if e.Status.Ready {
			what += ", ready"
		}
	case sim.EventKill:
		what = fmt.Sprintf("kill: %s failed, grace %v", e.Probe, e.Grace)
	case sim.EventExit:
		what = fmt.Sprintf("exit: %d", e.Code)
	case sim.EventBackOff:
		what = fmt.Sprintf("start refused until %.3f, back-off %v", e.Until.Seconds(), e.Delay)
	case sim.EventTrigger:
		what = "trigger to the readiness worker"
		if e.Wasted {
			what += ", wasted"
		}
	case sim.EventReady:
		what = map[bool]string{true: "Ready", false: "not Ready"}[e.Ready]
	case sim.EventSignal:
		what = e.Text
	case sim.EventLook:
		what = fmt.Sprintf("%s does not ask: %s", e.Probe, e.Action)
	default:
		what = e.Kind.String()
	}
	return strings.TrimRight(fmt.Sprintf("%9.3f  %-3s  %-48s %s", e.At.Seconds(), who, what, e.Rule), " ")
}

// scriptOf reads the description of a life, whose lines are
//
//	pod [version=1.37] [firstSync=0s] [start=200ms] [grace=30] [preStop=0s] [relist=0s] [relistPhase=0s] [resync=0s] [stale] [until=30s]
//	liveness periodSeconds=10 …                 a probe, in the words of the manifest
//	container [exits=…] [stops=0s]              an incarnation; the last one repeats; exits: age at which it crashes, stops: from SIGTERM to its exit
//	  liveness 0s success 5ms, 20s failure 5ms  what probes of that kind meet, from which age on
//
// What nothing is said of succeeds after 5 ms; a probe of a container that is
// gone fails after 1 ms.
func scriptOf(lines []string) (*sim.Script, error) {
	s := &sim.Script{
		Version: model.NewestVersion, DeadOutcome: kubelet.Failure, DeadLatency: time.Millisecond,
		KubeletAge: 1000 * time.Second, TimeoutLate: 2 * time.Millisecond,
		BackOffInitial: 10 * time.Second, BackOffMax: 300 * time.Second,
		Pod: model.Pod{Containers: make([]model.Container, 1)},
	}
	for _, line := range lines {
		words := strings.Fields(line)
		var err error
		switch kind, isProbe := probeKind(words[0]); {
		case words[0] == "pod":
			err = describePod(s, words[1:])
		case words[0] == "container":
			s.Incarnations = append(s.Incarnations, sim.Incarnation{ExitAt: -1})
			err = describeContainer(&s.Incarnations[len(s.Incarnations)-1], words[1:])
		case isProbe && strings.HasPrefix(line, " "):
			err = describeAnswers(&s.Incarnations[len(s.Incarnations)-1].Probes[kind], strings.TrimPrefix(strings.TrimSpace(line), words[0]))
		case isProbe:
			s.Pod.Containers[0].Probes[kind], err = describeProbe(words[1:])
		default:
			err = fmt.Errorf("want pod, container or a kind of probe")
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	if len(s.Incarnations) == 0 {
		s.Incarnations = []sim.Incarnation{{ExitAt: -1}}
	}
	for i := range s.Incarnations {
		for k := range s.Incarnations[i].Probes {
			if answers := &s.Incarnations[i].Probes[k]; len(*answers) == 0 {
				*answers = []sim.Segment{{Outcome: kubelet.Success, Latency: 5 * time.Millisecond}}
			}
		}
	}
	return s, nil
}

func probeKind(word string) (model.ProbeKind, bool) {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

func describePod(s *sim.Script, words []string) error {
	s.Pod.TerminationGracePeriodSeconds, s.Start, s.Horizon = 30, 200*time.Millisecond, 30*time.Second
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "version":
			_, err = fmt.Sscanf(value, "1.%d", &s.Version.Minor)
		case "grace":
			s.Pod.TerminationGracePeriodSeconds, err = strconv.ParseInt(value, 10, 64)
		case "stale":
			s.StaleTrigger = true
		default:
			to := map[string]*time.Duration{
				"firstSync": &s.PodAdd, "start": &s.Start, "preStop": &s.Pod.Containers[0].PreStop.Lasts,
				"relist": &s.RelistPeriod, "relistPhase": &s.RelistPhase, "resync": &s.Resync, "until": &s.Horizon,
			}[name]
			if to == nil {
				return fmt.Errorf("%s: unknown", name)
			}
			*to, err = time.ParseDuration(value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func describeContainer(in *sim.Incarnation, words []string) error {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		to := map[string]*time.Duration{"exits": &in.ExitAt, "stops": &in.Terminate}[name]
		if to == nil {
			return fmt.Errorf("%s: unknown", name)
		}
		var err error
		if *to, err = time.ParseDuration(value); err != nil {
			return err
		}
	}
	return nil
}

func describeProbe(words []string) (*model.Probe, error) {
	p := &model.Probe{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return nil, err
		}
		if name == "terminationGracePeriodSeconds" {
			p.TerminationGracePeriodSeconds = &n
			continue
		}
		to := map[string]*int32{
			"initialDelaySeconds": &p.InitialDelaySeconds, "periodSeconds": &p.PeriodSeconds, "timeoutSeconds": &p.TimeoutSeconds,
			"successThreshold": &p.SuccessThreshold, "failureThreshold": &p.FailureThreshold,
		}[name]
		if to == nil {
			return nil, fmt.Errorf("%s: unknown", name)
		}
		*to = int32(n)
	}
	p.SetDefaults()
	return p, nil
}

func describeAnswers(to *[]sim.Segment, list string) error {
	for _, item := range strings.Split(list, ",") {
		words := strings.Fields(item)
		if len(words) != 3 {
			return fmt.Errorf("%q: want an age, an outcome and a latency", item)
		}
		from, err := time.ParseDuration(words[0])
		if err != nil {
			return err
		}
		latency, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		var o kubelet.Outcome
		for o = kubelet.Success; o.String() != words[1]; o++ {
			if o == kubelet.Error {
				return fmt.Errorf("%q: want success, failure, timeout or error", words[1])
			}
		}
		*to = append(*to, sim.Segment{From: from, Outcome: o, Latency: latency})
	}
	return nil
}
