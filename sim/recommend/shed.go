package recommend

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/probesim/probesim/model"
)

// Readiness sheds load: while a pod is out of the endpoints its requests go to
// others, its backlog drains, and the liveness probe is answered again. Where that
// is so, how often liveness comes to a false verdict depends on the readiness probe
// beside it:
//
//	requests   ████████████·······················██████
//	backlog    ▁▂▃▄▅▆▇██████▇▇▆▆▅▅▄▄▃▃▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁
//	readiness       × × × out of the endpoints      ✓
//	liveness           ×          ×         ✓          ✓
//
// So liveness is observed beside one readiness setting, and only that one, and more
// eager ones, are paired with what was observed.

// sheds reports whether requests go elsewhere while a pod is out of the endpoints.
func sheds(w *model.World) bool { return w.Application.Traffic != nil && w.Replicas > 1 }

// shed returns the readiness settings beside which liveness is to be observed, the
// second where the first leaves nothing that is predicted to meet every objective: of
// those that meet the objectives which depend on readiness alone, and leave three
// quarters of the time that the most patient liveness setting has for the backlog to
// drain, the one that would be chosen by itself (S20), and the cheapest. One nil:
// readiness sheds no load, or there is no such setting. Soonest is the least patient of
// them, which sheds the load at the price of the most false removals. Where the load comes
// in bursts, a path shows too few to tell how long answers stay late, and it is the
// cheapest apart from that.
func (s *search) shed() (beside []*setting, soonest *setting) {
	none := []*setting{nil}
	if !sheds(s.w) || s.base[model.Readiness] == nil {
		return none, nil
	}
	most := s.mostPatient() / 4
	options := slices.DeleteFunc(s.options(model.Readiness, true), func(o *option) bool { return o.tolerated() > most })
	ofReadiness, _, _ := s.grouped()
	for _, first := range s.startOptions(true) {
		meeting := s.meeting(model.Readiness, first, options, ofReadiness) // the cheapest first
		if len(meeting) == 0 {
			continue
		}
		var good []combination
		for _, o := range meeting {
			if c := pairedOf(first, o, nil); c.cost <= meeting[0].cost+tied {
				good = append(good, c)
			}
		}
		chosen := s.ranked(good)[0].readiness
		quickest := slices.MinFunc(meeting, func(a, b *option) int { return cmp.Compare(a.tolerated(), b.tolerated()) })
		switch {
		case len(s.w.Application.Traffic.Bursts) > 0:
			counted := func(o *option) float64 { return o.cost - o.lasting*year.Seconds() }
			beside = []*setting{&slices.MinFunc(meeting, func(a, b *option) int { return cmp.Compare(counted(a), counted(b)) }).setting}
		case chosen == meeting[0]:
			beside = []*setting{&chosen.setting}
		default:
			beside = []*setting{&chosen.setting, &meeting[0].setting}
		}
		return beside, &quickest.setting
	}
	return none, nil
}

// shedSooner observes liveness anew, beside the readiness setting that sheds the load
// soonest, for where nothing beside the others meets the objectives. It reports whether
// there is one.
func (s *search) shedSooner(ctx context.Context, effort observed) (bool, error) {
	if s.shedding == nil || s.soonest.tolerated() >= s.shedding.tolerated() {
		return false, nil
	}
	s.shedding = s.soonest
	s.lessons, s.corrections = nil, nil // they are of what was beside
	stop := new(atomic.Bool)
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	_, loud := split(s.w, s.contended)
	effort.only = s.useful(model.Liveness)
	plan, rest := effort.plan(s.w, model.Liveness)
	seen, err := s.observeAlone(loud, model.Liveness, plan, effort, stop)
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return false, err
	}
	s.loud[model.Liveness], s.rest[model.Liveness] = seen, rest
	return true, nil
}

// mostPatient returns the longest that a liveness setting of usual values tolerates
// which detects hangs in time.
func (s *search) mostPatient() time.Duration {
	inTime := s.inTime()
	longest := time.Duration(0)
	for _, at := range grid(nil, leastLivenessFailures, true) {
		if !s.missesAny(inTime, &combination{liveness: &option{setting: at}}) {
			longest = max(longest, at.tolerated())
		}
	}
	return longest
}
