package sim

import "math/rand/v2"

// WithoutCoasting makes a simulator of the same world whose lives go event by
// event throughout.
func (s *Simulator) WithoutCoasting() *Simulator {
	plain, err := New(s.world)
	if err != nil {
		panic(err)
	}
	for _, pair := range plain.nodes {
		for _, l := range pair {
			if l != nil {
				l.processes.(*application).coasting.valid = false
			}
		}
	}
	return plain
}

// Coasts reports whether the world's lives go through quiet stretches by the short
// way.
func (s *Simulator) Coasts() bool { return s.nodes[0][0].processes.(*application).coasting.valid }

// Decided reports whether skip-ahead has decided on an attempt that was not made
// by the end of the latest life.
func (s *Simulator) Decided() bool { return s.application().skipping.pending() }

// The streams of a life that the plain engine of the tests draws from, too.
const (
	KubeletStream     = forKubelet
	ProcessStream     = forApplication + streamProcess
	PropagationStream = forApplication + streamPropagation
	AnswersStream     = forApplication + streamAnswers
	NeighbourStream   = forApplication + streamRenewals
)

// Purpose is what a stream is for.
type Purpose = purpose

// Stream returns one of them, from its beginning.
func Stream(seed, replication uint64, of purpose) *rand.Rand {
	s := newStream()
	s.seed(seed, replication, of)
	return s.Rand
}

// Acceptance is how long the kernel takes to refuse a connection.
const Acceptance = acceptance
