package plots

import (
	"slices"
	"strings"
	"testing"

	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/sim"
)

// Stretches of several answers share the lanes: equal ones that overlap are
// joined, and a pause of the process stands under its own name.
func TestCPULanes(t *testing.T) {
	s := newStory(10, nil, nil, probe(10, 1, 3)).start(0, 0).state(0.5, sim.Serving)
	part := func(from, to float64, is cpu.Condition) {
		s.add(sim.Event{At: at(from), End: at(to), Kind: sim.EventCPU, CPU: is, State: sim.Serving})
	}
	part(1, 1.2, cpu.Running)
	part(1.2, 2, cpu.Throttled)
	part(1.5, 2.5, cpu.Throttled) // another answer
	part(2.5, 3, cpu.Stolen)
	part(3, 3.5, cpu.Queued)
	part(3.5, 4, cpu.Waiting)
	part(4, 5, cpu.StandsStill)
	s.stall(4, 5, "full GC").stall(6, 7, "steal").stall(1.1, 1.3, "throttled")
	life := Life{Trace: &s.told, To: at(10)}
	var got []string
	for _, row := range life.read().rows("1") {
		if row[1] == "cpu" {
			got = append(got, strings.Join(row[2:5], " "))
		}
	}
	want := []string{
		"1 1.2 runs", "1.1 2.5 throttled",
		"2.5 3 stolen", "4 5 full GC", "6 7 stolen",
		"3 3.5 queued", "3.5 4 waits",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	l := life.read()
	if got := l.shownCPU(); len(got) != cpuLanes {
		t.Errorf("lanes %v are shown, want all", got)
	}
	for lane, want := range []string{"runs", "throttled", "stolen, stands still", "queued, waits"} {
		if got := cpuName(lane, l.cpu[lane]); got != want {
			t.Errorf("lane %d is named %q, want %q", lane, got, want)
		}
	}
}
