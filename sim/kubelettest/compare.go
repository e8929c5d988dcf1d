package kubelettest

import (
	"math/rand/v2"
	"testing"

	"github.com/probesim/probesim/sim/corpus"
)

// Kubelet is the version of the real code, that of go.mod.
const Kubelet = "v1.37.2"

// Verdict is what the comparison of one case says.
type Verdict int

// The verdicts.
const (
	Match   Verdict = iota
	Differs         // the simulator is wrong
	Tied            // the real trace depends on the order of unrelated events: nothing to compare
)

// Each case is run so often under perturbation before its trace counts; and so
// often again before a difference does.
const (
	repetitions       = 4
	beforeADifference = 16
)

// Compare runs the case under the real code and in the simulator. It stores the
// real trace in the file, and returns when and how the simulator differs.
func Compare(t *testing.T, file *corpus.File) (v Verdict, at int64, difference string) {
	random := rand.New(rand.NewPCG(file.Case.Seed, 1))
	file.Trace = Record(t, file, nil)
	if !stable(t, file, random, repetitions) {
		return Tied, 0, ""
	}
	at, difference = corpus.Difference(file.Simulate(), file.Trace, file.Tolerance())
	switch {
	case difference == "":
		return Match, 0, ""
	case !stable(t, file, random, beforeADifference):
		return Tied, 0, ""
	}
	return Differs, at, difference
}

// stable reports whether the real trace stays what it is under perturbation.
func stable(t *testing.T, file *corpus.File, random *rand.Rand, times int) bool {
	for range times {
		if _, difference := corpus.Difference(Record(t, file, random), file.Trace, file.Tolerance()); difference != "" {
			return false
		}
	}
	return true
}
