package model

import (
	"math/rand/v2"
	"reflect"

	"github.com/probesim/probesim/model/dist"
)

// InputDraws is the number of draws of uncertain inputs that together stand for
// what is not known of a world. Each of the alternatives of an input is in about
// as many of them as the others, and inputs are drawn independently of each other
// (a Latin hypercube; McKay, Beckman and Conover 1979).
const InputDraws = 32

// DrawOf returns the draw of a replication: each has its turn.
func DrawOf(replication uint64) int { return 1 + int(replication%InputDraws) }

// Uncertain reports whether a distribution of the world is one of several (S16).
func (w *World) Uncertain() bool {
	found := false
	w.settled(func(u dist.Uncertain) dist.Dist {
		found = true
		return u[0]
	})
	return found
}

// Draw returns the world with every uncertain input settled: draw 0 takes the first
// alternative of each, the best guess, and the draws from 1 to InputDraws go
// through them. The draws are the same for every world, seed and replication, so
// that variants meet the same inputs (S14). Input that stands in several places,
// as an answer that holds for all kinds of probes, is one.
func (w *World) Draw(n int) *World {
	places := map[*dist.Dist]int{}
	return w.settled(func(u dist.Uncertain) dist.Dist {
		if n == 0 {
			return u[0]
		}
		place, known := places[&u[0]]
		if !known {
			place = len(places)
			places[&u[0]] = place
		}
		slots := rand.New(rand.NewPCG(uint64(place), 0x5339)).Perm(InputDraws)
		return u[slots[(n-1)%InputDraws]*len(u)/InputDraws]
	})
}

// Mixed returns the world in which every uncertain input is the mixture of its
// alternatives in equal parts: what is expected of one occurrence, for predictions
// that look at one at a time.
func (w *World) Mixed() *World {
	return w.settled(func(u dist.Uncertain) dist.Dist {
		mixture := make(dist.Mixture, len(u))
		for i := range u {
			mixture[i] = dist.Part{Weight: 1, Of: u[i]}
		}
		return mixture
	})
}

// settled returns a copy of the world in which choose has settled every uncertain
// distribution.
func (w *World) settled(choose func(dist.Uncertain) dist.Dist) *World {
	return settledCopy(reflect.ValueOf(w), choose).Interface().(*World)
}

// settledCopy copies a value of the model. Distributions are values that nobody
// changes: only what they hold is replaced.
func settledCopy(v reflect.Value, choose func(dist.Uncertain) dist.Dist) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		if d, ok := v.Interface().(dist.Dist); ok && d != nil {
			out := reflect.New(v.Type()).Elem()
			out.Set(reflect.ValueOf(dist.Settled(d, choose)))
			return out
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out := reflect.New(v.Type().Elem())
			out.Elem().Set(settledCopy(v.Elem(), choose))
			return out
		}
	case reflect.Slice:
		if !v.IsNil() {
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(settledCopy(v.Index(i), choose))
			}
			return out
		}
	case reflect.Array:
		out := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			out.Index(i).Set(settledCopy(v.Index(i), choose))
		}
		return out
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			out.Field(i).Set(settledCopy(v.Field(i), choose))
		}
		return out
	}
	return v
}
