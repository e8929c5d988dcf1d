package sim

import "math/rand/v2"

// purpose names what a stream of random numbers is for. Streams of the
// environment do not depend on the settings of the probes, so that variants of
// a world meet the same luck (common random numbers, S14).
type purpose uint64

// The purposes. An application has many streams, whose index is added.
const (
	forKubelet purpose = iota
	forNodeClass
	forApplication
	forClients purpose = 1 << 60 // of all replicas together
)

// stream is a generator that can be seeded again without allocating.
type stream struct {
	pcg *rand.PCG
	*rand.Rand
}

func newStream() stream {
	pcg := rand.NewPCG(0, 0)
	return stream{pcg, rand.New(pcg)}
}

// seed starts the stream of (seed, replication, purpose). The 128 bits of the
// generator's state come from two mixes of all three, so that streams which
// differ in any of them are unrelated.
func (s stream) seed(seed, replication uint64, p purpose) {
	key := mix(mix(mix(seed)^replication) ^ uint64(p))
	s.pcg.Seed(key, mix(key^0x9e3779b97f4a7c15))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014) after one
// step of its counter: a bijection of 64 bits in which every input bit changes
// every output bit with probability near one half.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
