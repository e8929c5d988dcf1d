package recommend

import (
	"fmt"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/calc"
	"github.com/probesim/probesim/sim/estimate"
)

// lostAttempts is the share of attempts of which it is said what they would do: one
// lost packet in ten thousand.
const lostAttempts = 1e-4

// risks says what settings leave to chance that are not patient (A18, A25). No
// scenario states every cause for which a single attempt can fail.
func risks(s *estimate.Settings) []string {
	all := []string{}
	for k, p := range [model.ProbeKinds]*model.Probe{model.Readiness: s.ReadinessProbe, model.Liveness: s.LivenessProbe} {
		k := model.ProbeKind(k)
		if p == nil || p.FailureThreshold >= leastFailures(k) {
			continue
		}
		run := calc.Run{Failures: int(p.FailureThreshold), Probability: lostAttempts}
		perYear := year.Seconds() / (run.MeanProbes() * p.Period().Seconds())
		what := "false kills"
		if k == model.Readiness {
			what = "false removals"
		}
		failures := fmt.Sprintf("%d failures in a row are", p.FailureThreshold)
		if p.FailureThreshold == 1 {
			failures = "one failure is"
		}
		all = append(all, fmt.Sprintf("%s.failureThreshold %d: %s little evidence. If one attempt in ten thousand fails for itself, as by a lost packet, that is %s %s per pod-year (S1)",
			k.Field(), p.FailureThreshold, failures, rounded(perYear), what))
	}
	return all
}
