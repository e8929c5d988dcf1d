package estimate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/stats"
)

// Tolerance is the name under which objectives and gates ask for the ratio of
// the liveness to the readiness tolerance. It follows from the settings
// exactly, so it is no field of Measures.
const Tolerance = "livenessToReadinessTolerance"

// Keys returns every name an objective or a gate can ask for, as it stands in
// the JSON of Measures: "falseKillsPerPodYear", "removalSeconds",
// "falseKillProbability", and Tolerance.
func Keys() []string {
	keys := []string{Tolerance, "probeFailureProbability"}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Measures]()) {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "-" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Statistics returns the statistics that can follow a key after a dot: those of
// a distribution, the spans of falseKillProbability with "pod" or "anyReplica",
// or the kinds of probe. A plain estimate has none.
func Statistics(key string) []string {
	switch value, _ := field(&Measures{}, key); value.(type) {
	case *stats.Distribution:
		return []string{"mean", "p50", "p90", "p99"}
	case *KillProbabilities:
		var names []string
		for _, span := range killSpans {
			names = append(names, span.name+".pod", span.name+".anyReplica")
		}
		return names
	case [model.ProbeKinds]*ProbeFailures:
		return []string{"startup", "readiness", "liveness"}
	}
	return nil
}

// Lookup returns the estimate called key with the given statistic. It is nil
// where the measure does not apply. The error says what is allowed. An empty
// statistic of a distribution is its mean. Tolerance is not found here.
func (m *Measures) Lookup(key, statistic string) (*stats.Estimate, error) {
	value, known := field(m, key)
	if !known {
		if near := model.Nearest(key, Keys()); near != "" {
			return nil, fmt.Errorf("%s: unknown measure (did you mean %q?)", key, near)
		}
		return nil, fmt.Errorf("%s: unknown measure, must be one of %s", key, strings.Join(Keys(), ", "))
	}
	if _, ok := value.(*stats.Distribution); ok && statistic == "" {
		statistic = "mean"
	}
	allowed := Statistics(key)
	if allowed == nil && statistic != "" {
		return nil, fmt.Errorf("%s.%s: %s is a single number, it has no statistics", key, statistic, key)
	}
	if allowed != nil && statistic == "" {
		return nil, fmt.Errorf("%s: which one, %s.%s?", key, key, strings.Join(allowed, ", "+key+"."))
	}
	if allowed != nil && !slices.Contains(allowed, statistic) {
		return nil, fmt.Errorf("%s: unknown statistic %q, must be one of %s", key, statistic, strings.Join(allowed, ", "))
	}
	switch value := value.(type) {
	case *stats.Distribution:
		if value == nil {
			return nil, nil
		}
		return map[string]*stats.Estimate{"mean": &value.Mean, "p50": &value.P50, "p90": &value.P90, "p99": &value.P99}[statistic], nil
	case *KillProbabilities:
		if value == nil {
			return nil, nil
		}
		span, who, _ := strings.Cut(statistic, ".")
		probability := map[string]*PodAndAny{"1h": &value.H1, "24h": &value.H24, "720h": &value.H720, "8766h": &value.H8766}[span]
		if who == "pod" {
			return &probability.Pod, nil
		}
		return &probability.AnyReplica, nil
	case [model.ProbeKinds]*ProbeFailures:
		failures := value[slices.Index(allowed, statistic)]
		if failures == nil {
			return nil, nil
		}
		return &failures.Estimate, nil
	}
	return value.(*stats.Estimate), nil
}

// field returns the field of m with the given JSON key.
func field(m *Measures, key string) (any, bool) {
	switch key {
	case "probeFailureProbability":
		return m.ProbeFailureProbability, true
	case "-":
		return nil, false
	}
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("json") == key {
			return v.Field(i).Interface(), true
		}
	}
	return nil, false
}
