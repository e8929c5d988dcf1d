package model

// Objective is a bound on one measure: at most Max, or at least Min.
type Objective struct {
	Measure   string  // JSON key of the measure: "falseKillsPerPodYear", "removalSeconds", …, or "livenessToReadinessTolerance"
	Statistic string  // "" for a plain estimate, else "mean", "p50", "p90" or "p99"
	AtLeast   bool    // Bound is a least value; otherwise a greatest one
	Bound     float64 // in the unit of the measure's key
}
