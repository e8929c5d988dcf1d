package dist

import (
	"errors"
	"math/rand/v2"
)

// Uncertain is a distribution of which only is known that it is one of several,
// all as likely: what a few measurements leave open, as fits to samples drawn anew
// show it (the bootstrap, S16). The first is the best guess. Whoever simulates it
// settles on one for a whole life, and on another for another, so that what is
// not known does not average out as chance does (model.World.Draw).
//
// Its methods are those of their mixture in equal parts: what a single value is
// like, as far as is known.
type Uncertain []Dist

// NewUncertain returns the distribution that is one of several. It is an error
// unless there are two or more.
func NewUncertain(of []Dist) (Dist, error) {
	if len(of) < 2 {
		return nil, errors.New("uncertain: needs two distributions or more, of which one holds")
	}
	return Uncertain(append([]Dist(nil), of...)), nil
}

// CDF implements Dist.
func (u Uncertain) CDF(x float64) float64 {
	sum := 0.0
	for _, of := range u {
		sum += of.CDF(x)
	}
	return min(1, sum/float64(len(u)))
}

// Mean implements Dist.
func (u Uncertain) Mean() float64 {
	sum := 0.0
	for _, of := range u {
		sum += of.Mean()
	}
	return sum / float64(len(u))
}

// Quantile implements Dist.
func (u Uncertain) Quantile(p float64) float64 {
	mixture := make(Mixture, len(u))
	for i, of := range u {
		mixture[i] = Part{Weight: 1, Of: of}
	}
	return mixture.Quantile(p)
}

// Sample implements Dist.
func (u Uncertain) Sample(r *rand.Rand) float64 { return u[r.IntN(len(u))].Sample(r) }

// Settled returns the distribution with every Uncertain in it replaced by what
// choose returns for it; itself where there is none.
func Settled(d Dist, choose func(Uncertain) Dist) Dist {
	switch d := d.(type) {
	case Uncertain:
		return Settled(choose(d), choose)
	case Scale:
		return Scale{d.By, Settled(d.Of, choose)}
	case Shift:
		return Shift{d.By, Settled(d.Of, choose)}
	case Mixture:
		parts := append(Mixture(nil), d...)
		for i := range parts {
			parts[i].Of = Settled(parts[i].Of, choose)
		}
		return parts
	}
	return d
}
