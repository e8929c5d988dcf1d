package estimate

import (
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim"
)

// longLife is the horizon from which lives pass over their quiet stretches, if the
// world's structure allows it. Shorter ones cost little event by event, and are
// then the very lives that `probesim trace` shows.
const longLife = 366 * day

// skips reports whether lives of this horizon pass over their quiet stretches.
func skips(w *model.World, horizon time.Duration) bool {
	if horizon < longLife {
		return false
	}
	s, err := sim.New(w)
	return err == nil && s.SkipsAhead()
}

// lifeByLife says how the lives were simulated.
func lifeByLife(w *model.World, horizon time.Duration) string {
	if skips(w, horizon) {
		return "every life is simulated, skipping ahead over quiet stretches: while the process serves and nothing stands in its way, whether an attempt may fail depends on its own draws alone, so one geometric draw for each probe replaces all those that cannot"
	}
	return "every life is simulated event by event"
}
