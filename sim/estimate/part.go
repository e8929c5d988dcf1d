package estimate

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Part is what a range of a run's replications has come to: counts and sums,
// never samples, so that its size depends neither on the replications nor on
// the horizon. It is written as JSON and read back without loss, and the parts
// of one run join to the same bytes in any order (S9, S15).
type Part struct {
	From int64 // the first replication
	Done int64 // how many have been folded, from there on
	// Horizon is that of each replication's long life.
	Horizon time.Duration
	// Tallies are by block, and by variant within. Replication r belongs to block
	// r modulo their number.
	Tallies [][]tally
}

func newPart(from int64, blocks, variants int) *Part {
	p := &Part{From: from, Tallies: make([][]tally, blocks)}
	for i := range p.Tallies {
		p.Tallies[i] = make([]tally, variants)
	}
	return p
}

// next returns the first replication that is not in the part.
func (p *Part) next() int64 { return p.From + p.Done }

func (p *Part) fold(rec *record) {
	block := p.Tallies[rec.replication%int64(len(p.Tallies))]
	for i := range block {
		block[i].add(&rec.variants[i])
	}
	p.Done++
}

// of returns the tally of a variant over all blocks.
func (p *Part) of(variant int) *tally {
	if len(p.Tallies) == 1 {
		return &p.Tallies[0][variant]
	}
	sum := &tally{}
	for i := range p.Tallies {
		sum.merge(&p.Tallies[i][variant])
	}
	return sum
}

// fits reports whether the part can belong to a run of so many blocks and
// variants.
func (p *Part) fits(blocks, variants int) bool {
	return p.From >= 0 && p.Done >= 0 && len(p.Tallies) == blocks &&
		!slices.ContainsFunc(p.Tallies, func(of []tally) bool { return len(of) != variants })
}

// Join returns the part that all parts of a run are together. They may come in
// any order. It is an error if they do not cover every replication from 0 to
// wanted exactly once, and says which are missing or there twice.
func Join(parts []*Part, wanted int64) (*Part, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("no part to join")
	}
	blocks, variants := len(parts[0].Tallies), 0
	if blocks > 0 {
		variants = len(parts[0].Tallies[0])
	}
	sorted := slices.SortedFunc(slices.Values(parts), func(a, b *Part) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Done, b.Done))
	})
	whole := newPart(0, blocks, variants)
	whole.Horizon = parts[0].Horizon
	for _, p := range sorted {
		switch {
		case p.Horizon != whole.Horizon || !p.fits(blocks, variants):
			return nil, fmt.Errorf("the parts are not of one run: they differ in their horizon or their variants")
		case p.From > whole.Done:
			return nil, fmt.Errorf("replications %d to %d are missing", whole.Done, p.From-1)
		case p.From < whole.Done && p.Done > 0:
			return nil, fmt.Errorf("replications %d to %d are there twice", p.From, min(whole.Done, p.next())-1)
		}
		for i := range p.Tallies {
			for j := range p.Tallies[i] {
				whole.Tallies[i][j].merge(&p.Tallies[i][j])
			}
		}
		whole.Done += p.Done
	}
	if whole.Done != wanted {
		return nil, fmt.Errorf("replications %d to %d are missing", whole.Done, wanted-1)
	}
	return whole, nil
}

// Shard is one of Of equal parts of a run's replications, numbered from 0. The
// zero value is the whole run.
type Shard struct{ Index, Of int64 }

// span returns the replications of the shard: from the first to, not
// including, the end.
func (s Shard) span(replications int64) (from, end int64) {
	if s.Of == 0 {
		return 0, replications
	}
	part, rest := replications/s.Of, replications%s.Of
	from = s.Index*part + min(s.Index, rest)
	end = from + part
	if s.Index < rest {
		end++
	}
	return from, end
}

// Count returns how many of so many replications are the shard's.
func (s Shard) Count(replications int64) int64 {
	from, end := s.span(replications)
	return end - from
}
