package kubelet_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/probesim/probesim/model/kubelet"
)

// runWorker is the command
//
//	worker readiness periodSeconds=10 … [version=1.37] [at=0s] [jitter=0s]
//	answers success 10ms, failure 5ms x3, error
//	1.2s   container 0 running started
//	1.2s   trigger
//	25s    container 0 terminated
//	until 60s
//
// A worker of the kind and settings in the first line, created at its at. The
// line answers lists what one run of the probe after the other meets and how
// long that takes; the last one repeats. A line that begins with an instant
// says what happens then: the cached status becomes the one given, or a manual
// trigger is sent. What happens at an instant comes before a tick of that
// instant. A latency at or over the timeout is a timeout.
func runWorker(s settings, lines []string) (string, error) {
	at := s.duration("at", 0)
	w := &workerRun{
		worker: kubelet.NewWorker(s.probe(), s.kind(), s.version(), at, s.duration("jitter", 0)),
		seen:   kubelet.Seen{Status: kubelet.Status{Incarnation: -1}},
		ends:   never,
	}
	for _, line := range lines {
		if err := w.parse(line); err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
	}
	if len(w.answers) == 0 || w.until == 0 {
		return "", fmt.Errorf("worker: want a line answers … and a line until …")
	}
	w.run()
	return w.out.String(), nil
}

// workerRun is one worker in its small world.
type workerRun struct {
	worker  kubelet.Worker
	seen    kubelet.Seen
	answers []answer
	lines   []happening
	until   time.Duration

	asked int           // answers used up
	runs  int           // of the attempt under way (K15)
	began time.Duration // the run under way
	ends  time.Duration // never: none
	now   time.Duration
	out   strings.Builder
}

type answer struct {
	outcome kubelet.Outcome
	latency time.Duration
}

type happening struct {
	at    time.Duration
	words []string
}

var outcomes = map[string]kubelet.Outcome{
	"success": kubelet.Success, "failure": kubelet.Failure, "timeout": kubelet.Timeout, "error": kubelet.Error,
}

// parse reads one line of the command.
func (w *workerRun) parse(line string) error {
	words := strings.Fields(line)
	var err error
	switch words[0] {
	case "answers":
		w.answers, err = parseAnswers(strings.TrimPrefix(line, "answers"))
	case "until":
		w.until, err = time.ParseDuration(words[1])
	default:
		var at time.Duration
		at, err = time.ParseDuration(words[0])
		w.lines = append(w.lines, happening{at, words[1:]})
	}
	return err
}

// parseAnswers reads "success 10ms x3, failure, …".
func parseAnswers(list string) ([]answer, error) {
	var answers []answer
	for _, item := range strings.Split(list, ",") {
		words := strings.Fields(item)
		outcome, ok := outcomes[words[0]]
		if !ok {
			return nil, fmt.Errorf("%q: want success, failure, timeout or error", words[0])
		}
		a, times := answer{outcome, 0}, 1
		for _, word := range words[1:] {
			var err error
			if count, isCount := strings.CutPrefix(word, "x"); isCount {
				times, err = strconv.Atoi(count)
			} else {
				a.latency, err = time.ParseDuration(word)
			}
			if err != nil {
				return nil, err
			}
		}
		for range times {
			answers = append(answers, a)
		}
	}
	return answers, nil
}

// run lets everything happen in its order up to the end.
func (w *workerRun) run() {
	for {
		line := never
		if len(w.lines) > 0 {
			line = w.lines[0].at
		}
		tick := never
		if w.worker.Running() {
			tick = w.worker.NextTick
		}
		w.now = min(line, tick, w.ends)
		switch {
		case w.now > w.until:
			return
		case line == w.now:
			words := w.lines[0].words
			w.lines = w.lines[1:]
			w.happen(words)
		case w.ends == w.now:
			w.finish()
		default:
			if w.worker.Tick() {
				w.look("look")
			} else {
				w.print("tick kept")
			}
		}
	}
}

func (w *workerRun) print(format string, arguments ...any) {
	fmt.Fprintf(&w.out, "%s  %s\n", seconds(w.now), fmt.Sprintf(format, arguments...))
}

// happen makes a line of the command come true.
func (w *workerRun) happen(words []string) {
	w.print("%s", strings.Join(words, " "))
	switch words[0] {
	case "trigger":
		if w.worker.Trigger(w.now) {
			w.look("look")
		} else {
			w.print("trigger kept")
		}
	case "container":
		number, _ := strconv.Atoi(words[1])
		w.seen.NotRestarted, w.seen.Deleted, w.seen.PodFinished = false, false, false
		s := kubelet.Status{Incarnation: number}
		for _, word := range words[2:] {
			switch word {
			case "running":
				s.State = kubelet.Running
			case "terminated":
				s.State = kubelet.Terminated
			case "started":
				s.Started = true
			case "deleted":
				w.seen.Deleted = true
			case "final":
				w.seen.NotRestarted = true
			}
		}
		if number != w.seen.Incarnation {
			w.seen.StartedAt = w.now.Truncate(time.Second)
		}
		w.seen.Status = s
	}
}

// look lets the worker look, and again while something waits in its slots.
func (w *workerRun) look(what string) {
	for {
		action, stored := w.worker.Look(w.now, &w.seen)
		switch action {
		case kubelet.Attempt:
			w.print("%s: attempt", what)
		case kubelet.Exit:
			w.print("%s: the worker exits", what)
		default:
			w.print("%s: no attempt", what)
		}
		w.announce(stored)
		if action == kubelet.Attempt {
			w.runs = 0
			w.ask()
			return
		}
		if action == kubelet.Exit || !w.worker.Pending(w.now, false) {
			return
		}
		what = "look again"
	}
}

// ask begins a run of the probe.
func (w *workerRun) ask() {
	a := w.next()
	w.began, w.runs = w.now, w.runs+1
	w.ends = w.now + a.latency
}

// next returns the answer that the run under way meets.
func (w *workerRun) next() answer {
	a := w.answers[min(w.asked, len(w.answers)-1)]
	timeout := w.worker.Probe.Timeout()
	if a.outcome == kubelet.Timeout || a.latency >= timeout {
		return answer{kubelet.Timeout, timeout}
	}
	return a
}

// finish ends a run, and with it the attempt unless the run erred (K15).
func (w *workerRun) finish() {
	a := w.next()
	w.asked++
	w.ends = never
	if a.outcome == kubelet.Error && w.runs < kubelet.MaxRuns {
		w.print("error, run %d: again", w.runs)
		w.ask()
		return
	}
	stored := w.worker.Finish(a.outcome)
	run, _ := w.worker.Run()
	switch {
	case a.outcome == kubelet.Error:
		w.print("error, run %d: thrown away", w.runs)
	case run == 0:
		w.print("%s, on hold from here", a.outcome)
	default:
		w.print("%s, %d in a row", a.outcome, run)
	}
	w.announce(stored)
	if w.worker.Pending(w.now, false) {
		w.look("look at once")
	}
}

// announce prints what a step stored that is a change (K24).
func (w *workerRun) announce(stored kubelet.Stored) {
	for _, r := range stored.Values[:stored.N] {
		w.print("result: %s of container %d", r, w.worker.Incarnation())
	}
}
