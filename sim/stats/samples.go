package stats

import "time"

// Samples are the durations of one replication, gathered one by one without
// keeping them. The zero value is empty.
type Samples struct {
	N    int64
	Sum  time.Duration // below 2⁶³ ns (292 years)
	bins Histogram     // without its Sums
}

// Add adds a duration, not below 0.
func (s *Samples) Add(d time.Duration) {
	s.bins.count(d)
	s.bins.Squares.AddProduct(int64(d), int64(d))
	s.Sum += d
	s.N++
}

// Reset empties the samples and keeps their memory.
func (s *Samples) Reset() {
	*s = Samples{bins: Histogram{Counts: s.bins.Counts[:0]}}
}

// AddSamples adds the durations of one replication.
func (h *Histogram) AddSamples(s *Samples) {
	h.Merge(&s.bins)
	h.Sums.Add(int64(s.Sum), s.N)
}
