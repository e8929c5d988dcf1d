package recommend

import (
	"context"
	"errors"
	"slices"

	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

// improve looks for settings that meet everything as the current ones do, but cost
// clearly less (S20). Unless some are predicted to, and the full simulation shows it,
// the current ones are kept.
func (r *Recommendation) improve(ctx context.Context, s *search, o Options, d *decision) error {
	chosen, err := s.candidates(ctx)
	if err != nil {
		return err
	}
	if len(chosen) == 0 || chosen[0].cost >= clearlyLess(s.current().cost) {
		r.keep(s, "the current settings meet every objective, and no others are predicted to cost clearly less; they are recommended unchanged")
		return nil
	}
	tried := s.finalists(chosen)
	if least := cheapestOf(chosen); !s.tried[describe(s, &least)] {
		tried = append(tried, finalist{combination: least}) // those of the fewest probes may only seem to cost as little
	}
	for i := range tried {
		less, availability, err := s.costsLess(ctx, o, &tried[i].combination)
		if err != nil {
			return err
		}
		if !less {
			r.reject(describe(s, &tried[i].combination), "predicted to cost less than the current settings; not so for certain in the full simulation")
			continue
		}
		done, err := r.judge(ctx, s, o, d, tried[i:i+1], chosen, true)
		if done {
			r.note("the current settings meet every objective; the recommended ones do too, and cost less: the availability is %s with the current settings and %s with the recommended ones, on common random numbers", share(&availability.Before), share(&availability.After))
		}
		if done || err != nil {
			return err
		}
		break
	}
	r.keep(s, "the current settings meet every objective, and the full simulation shows no others to cost clearly less; they are recommended unchanged")
	return nil
}

// share writes a fraction and its interval in percent.
func share(e *stats.Estimate) string { return spread(e, 100, " %") }

// costsLess reports whether settings cost clearly less than the current ones: they
// serve longer by more, as simulated side by side on fresh common random numbers, than
// they prolong the traffic to hung pods, as predicted (S14, S20). The difference is of
// the availability.
func (s *search) costsLess(ctx context.Context, o Options, c *combination) (less bool, difference *estimate.Difference, err error) {
	fresh := o.simulating(s.w, simulationEvents/2, 1)
	fresh.Seed ^= freshStreams
	fresh.Plain, fresh.FewStarts, fresh.Starts, fresh.Faults = true, true, startsBeside(s.w), 1 // only the long lives are looked at
	settings := []estimate.Named{{Name: "current", World: s.w}, {Name: "recommended", World: s.world(c)}}
	compared, err := estimate.Compare(ctx, settings, []estimate.Figure{{Measure: "availability"}}, fresh)
	if err != nil {
		return false, nil, err
	}
	at := slices.IndexFunc(compared.Differences, func(d estimate.Difference) bool { return d.Measure == "availability" })
	if at < 0 {
		return false, nil, errors.New("no availability of the current and the recommended settings")
	}
	difference = &compared.Differences[at]
	longer := s.hangs * (s.toRemoval(c, 0.5) - s.toRemoval(s.current(), 0.5))
	return difference.Difference.Low*year.Seconds() > max(0, longer), difference, nil
}
