package sim

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
