// The kubelet draws its start-up jitter from the global generator, which only
// so can be seeded.
//
//go:debug randseednop=0
package kubelettest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/klog/v2"

	"github.com/probesim/probesim/sim/corpus"
)

var (
	cases    = flag.Int("cases", 200, "random cases to compare")
	seed     = flag.Uint64("seed", 1, "seed of the first case")
	failures = flag.Int("failures", 3, "failing cases to shrink and print")
)

// TestMain silences the kubelet: its log is no part of the comparison.
func TestMain(m *testing.M) {
	klog.SetLogger(klog.Logger{})
	flag.Parse()
	os.Exit(m.Run())
}

// tally counts the verdicts of the cases.
type tally struct {
	mu                     sync.Mutex
	next                   uint64
	matched, compared      int
	tied, events, restarts int
	groups                 map[string]int
	failing                []uint64
}

// TestLive compares random cases under the real code and in the simulator,
// event for event. Cases that depend on ties are replaced by further ones.
func TestLive(t *testing.T) {
	sum := tally{next: *seed, groups: map[string]int{}}
	t.Run("cases", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for sum.take() {
					sum.compare(t)
				}
			})
		}
	})
	slices.Sort(sum.failing)
	for i, seed := range sum.failing {
		if i == *failures {
			break
		}
		report(t, seed)
	}
	var groups []string
	for _, group := range slices.Sorted(maps.Keys(sum.groups)) {
		groups = append(groups, fmt.Sprintf("%s %d", group, sum.groups[group]))
	}
	t.Logf("seeds %d to %d: %s", *seed, sum.next-1, strings.Join(groups, ", "))
	t.Logf("%d events, %d restarts; %d cases left out because they depend on ties", sum.events, sum.restarts, sum.tied)
	t.Logf("%d of %d cases match", sum.matched, sum.compared)
}

// take reports whether one more case is wanted, and counts it as compared.
func (s *tally) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.compared == *cases {
		return false
	}
	s.compared++
	return true
}

// compare compares the next case that does not depend on ties.
func (s *tally) compare(t *testing.T) {
	for {
		s.mu.Lock()
		seed := s.next
		s.next++
		s.mu.Unlock()
		file := Generate(seed)
		v, _, difference := Compare(t, file)
		s.mu.Lock()
		switch v {
		case Tied:
			s.tied++
			s.mu.Unlock()
			continue
		case Match:
			s.matched++
		case Differs:
			t.Errorf("%s: %s", file.Case.Name, difference)
			s.failing = append(s.failing, seed)
		}
		s.groups[file.Case.Group]++
		s.events += len(file.Trace)
		for _, e := range file.Trace {
			if e.Kind == "start" && e.Container > 0 {
				s.restarts++
			}
		}
		s.mu.Unlock()
		return
	}
}

// report prints a failing case, shrunk, as a file of the corpus.
func report(t *testing.T, seed uint64) {
	small := Shrink(t, Generate(seed))
	_, difference := corpus.Difference(small.Simulate(), small.Trace, small.Tolerance())
	data, err := small.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, shrunk: %s\nagain: make conformance CASES=1 SEED=%d\n%s", small.Case.Name, difference, seed, data)
}
