package kubelettest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/corpus"
)

// Shrink returns the smallest case it finds that still differs, with its real
// trace: without probes, incarnations, segments and features that do not
// matter, and ended soon after the difference.
func Shrink(t *testing.T, file *corpus.File) *corpus.File {
	_, at, _ := Compare(t, file)
	for {
		smaller := slices.IndexFunc(reductions(&file.Case, at), func(c corpus.Case) bool {
			candidate := &corpus.File{Schema: file.Schema, Kubelet: file.Kubelet, JitterNS: file.JitterNS, Case: c}
			v, when, _ := Compare(t, candidate)
			if v == Differs {
				file, at = candidate, when
			}
			return v == Differs
		})
		if smaller < 0 {
			return file
		}
	}
}

// reductions returns copies of a case with one thing less, the largest first.
func reductions(c *corpus.Case, differsAt int64) []corpus.Case {
	var all []corpus.Case
	reduce := func(change func(*corpus.Case)) {
		d := clone(c)
		change(&d)
		all = append(all, d)
	}
	if horizon := (differsAt/1000 + 2) * 1000; horizon < c.HorizonMS {
		reduce(func(d *corpus.Case) { d.HorizonMS = horizon })
	}
	for k := model.Startup; k < model.ProbeKinds; k++ {
		if *c.Probes.Of(k) != nil && c.Group != "jitter" {
			reduce(func(d *corpus.Case) { *d.Probes.Of(k) = nil })
		}
	}
	for i := range c.Incarnations {
		if len(c.Incarnations) > 1 {
			reduce(func(d *corpus.Case) { d.Incarnations = slices.Delete(d.Incarnations, i, i+1) })
		}
	}
	for _, feature := range []func(*corpus.Case) *int64{
		func(d *corpus.Case) *int64 { return &d.RelistPeriodMS },
		func(d *corpus.Case) *int64 { return &d.ResyncMS },
		func(d *corpus.Case) *int64 { return &d.PreStopMS },
	} {
		if *feature(c) != 0 {
			reduce(func(d *corpus.Case) { *feature(d) = 0 })
		}
	}
	if c.StaleTrigger {
		reduce(func(d *corpus.Case) { d.StaleTrigger = false })
	}
	for i := range c.Incarnations {
		if c.Incarnations[i].ExitAtMS != nil {
			reduce(func(d *corpus.Case) { d.Incarnations[i].ExitAtMS = nil })
		}
	}
	return append(all, fewerSegments(c)...)
}

// fewerSegments returns copies of a case that lack the later half of the
// segments of one kind, or one segment.
func fewerSegments(c *corpus.Case) []corpus.Case {
	var all []corpus.Case
	remove := func(i int, k model.ProbeKind, from, to int) {
		d := clone(c)
		segments := d.Incarnations[i].Of(k)
		*segments = slices.Delete(*segments, from, to)
		if len(*segments) > 0 {
			(*segments)[0].FromMS = 0
		}
		all = append(all, d)
	}
	for i := range c.Incarnations {
		for k := model.Startup; k < model.ProbeKinds; k++ {
			n := len(*c.Incarnations[i].Of(k))
			switch {
			case n > 0 && *c.Probes.Of(k) == nil:
				remove(i, k, 0, n)
				continue
			case n > 2:
				remove(i, k, n/2, n)
			}
			for s := range n {
				if n > 1 {
					remove(i, k, s, s+1)
				}
			}
		}
	}
	return all
}

// clone returns a deep copy.
func clone(c *corpus.Case) corpus.Case {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	var d corpus.Case
	if err := json.Unmarshal(data, &d); err != nil {
		panic(err)
	}
	return d
}
