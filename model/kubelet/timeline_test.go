package kubelet_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

var update = flag.Bool("update", false, "write the output that the timelines have now")

// TestTimelines runs the readable timelines in testdata. Each file is prose in
// lines that begin with #, and blocks of a command, a line of dashes, and the
// output up to an empty line. The commands are worker, backoff and grace; what
// they take is described where they are parsed below.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no timelines: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := replay(string(want))
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			if bytes.Equal(got, want) {
				return
			}
			if !*update {
				t.Fatalf("%s: %s", file, firstDifference(string(got), string(want)))
			}
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// firstDifference names the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := 0; ; i++ {
		switch {
		case i == len(g):
			return fmt.Sprintf("line %d: nothing, want %q", i+1, w[i])
		case i == len(w):
			return fmt.Sprintf("line %d: %q, want nothing", i+1, g[i])
		case g[i] != w[i]:
			return fmt.Sprintf("line %d: %q, want %q", i+1, g[i], w[i])
		}
	}
}

// replay runs every command of a file and returns the file with its outputs.
func replay(text string) ([]byte, error) {
	var out bytes.Buffer
	var command []string
	inOutput := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case inOutput:
			if line == "" {
				inOutput = false
				fmt.Fprintln(&out)
			}
			continue
		case line == "----":
			output, err := execute(command)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i, err)
			}
			fmt.Fprintf(&out, "----\n%s", output)
			command, inOutput = nil, true
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			command = append(command, line)
		}
		fmt.Fprintln(&out, line)
	}
	return out.Bytes(), nil
}

// execute runs one command.
func execute(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", fmt.Errorf("no command")
	}
	words := strings.Fields(lines[0])
	settings, err := parseSettings(words[1:])
	if err != nil {
		return "", err
	}
	switch words[0] {
	case "worker":
		return runWorker(settings, lines[1:])
	case "backoff":
		return runBackOff(settings, lines[1:])
	case "grace":
		return runGrace(settings)
	}
	return "", fmt.Errorf("command %q: want worker, backoff or grace", words[0])
}

// settings are the words of a command: name=value, or a bare name.
type settings map[string]string

func parseSettings(words []string) (settings, error) {
	s := settings{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if _, twice := s[name]; twice {
			return nil, fmt.Errorf("%s: twice", name)
		}
		s[name] = value
	}
	return s, nil
}

func (s settings) number(name string, otherwise int) int {
	if n, err := strconv.Atoi(s[name]); err == nil {
		return n
	}
	return otherwise
}

func (s settings) duration(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(s[name]); err == nil {
		return d
	}
	return otherwise
}

func (s settings) has(name string) bool { _, ok := s[name]; return ok }

// probe reads the settings that are named as in a manifest.
func (s settings) probe() model.Probe {
	p := model.Probe{
		InitialDelaySeconds: int32(s.number("initialDelaySeconds", 0)),
		PeriodSeconds:       int32(s.number("periodSeconds", 0)),
		TimeoutSeconds:      int32(s.number("timeoutSeconds", 0)),
		SuccessThreshold:    int32(s.number("successThreshold", 0)),
		FailureThreshold:    int32(s.number("failureThreshold", 0)),
	}
	p.SetDefaults()
	return p
}

func (s settings) kind() model.ProbeKind {
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if s.has(k.String()) {
			return k
		}
	}
	return model.Liveness
}

func (s settings) version() model.Version {
	if !s.has("version") {
		return model.NewestVersion
	}
	var v model.Version
	fmt.Sscanf(s["version"], "1.%d", &v.Minor) // a bad version shows in the output
	return v
}

// never is later than anything in a timeline.
const never = time.Duration(math.MaxInt64)

// seconds writes an instant as the timelines do.
func seconds(d time.Duration) string { return fmt.Sprintf("%9.3f", d.Seconds()) }

// runBackOff is the command
//
//	backoff [initial=10s] [max=300s]
//	start at=… [finished=…]
//
// whose lines are start decisions; finished is when the latest exited
// container ended, in the runtime status with which the sync began.
func runBackOff(s settings, lines []string) (string, error) {
	var out strings.Builder
	b := kubelet.BackOff{Initial: s.duration("initial", 10*time.Second), Max: s.duration("max", 300*time.Second)}
	for _, line := range lines {
		step, err := parseSettings(strings.Fields(line))
		if err != nil || !step.has("start") || !step.has("at") {
			return "", fmt.Errorf("%q: want start at=… [finished=…]", line)
		}
		at := step.duration("at", 0)
		until, ok := b.Start(at, step.duration("finished", 0), step.has("finished"))
		switch {
		case !ok:
			fmt.Fprintf(&out, "%s  refused until %.3f\n", seconds(at), until.Seconds())
		case b.Delay() == 0:
			fmt.Fprintf(&out, "%s  starts, no back-off\n", seconds(at))
		default:
			fmt.Fprintf(&out, "%s  starts, back-off now %v\n", seconds(at), b.Delay())
		}
	}
	return out.String(), nil
}

// runGrace is the command
//
//	grace pod=30 [probe=…] [preStop=…]
//
// It prints when the steps of a kill come, counted from its beginning, for a
// container that ignores SIGTERM.
func runGrace(s settings) (string, error) {
	pod := model.Pod{TerminationGracePeriodSeconds: int64(s.number("pod", model.DefaultGrace))}
	var p model.Probe
	if s.has("probe") {
		grace := int64(s.number("probe", 0))
		p.TerminationGracePeriodSeconds = &grace
	}
	grace := kubelet.Grace(&p, &pod)
	preStop := kubelet.PreStopLasts(s.duration("preStop", 0), grace)
	kill := preStop + kubelet.RemainingGrace(grace, preStop)
	return fmt.Sprintf("%s  SIGTERM\n%s  SIGKILL\n", seconds(preStop), seconds(kill)), nil
}
