package recommend

import (
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

// shed returns the readiness setting beside which liveness is to be observed: of
// those that meet the objectives which depend on readiness alone, and leave three
// quarters of the time that the most patient liveness setting has for the backlog to
// drain, the cheapest. Nil: readiness sheds no load, or there is no such setting.
func (s *search) shed() *setting {
	if !sheds(s.w) || s.base[model.Readiness] == nil {
		return nil
	}
	most := s.mostPatient() / 4
	ofReadiness, _, _ := s.grouped()
	for _, first := range s.startOptions(true) {
		for _, o := range s.meeting(model.Readiness, first, s.options(model.Readiness, true), ofReadiness) {
			if at := o.setting; at.tolerated() <= most {
				return &at
			}
		}
	}
	return nil
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
