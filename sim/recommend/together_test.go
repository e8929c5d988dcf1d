package recommend

import (
	"slices"
	"strings"
	"testing"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/sim/estimate"
	"github.com/probesim/probesim/sim/stats"
)

func interval(low, high float64) stats.Estimate {
	return stats.Estimate{Estimate: (low + high) / 2, Low: low, High: high, Confidence: 0.95}
}

// TestWorseTogether warns of what lies beyond both intervals, and of nothing else:
// more false kills, more replicas out at once for any number of them, and a crash loop
// after a trigger.
func TestWorseTogether(t *testing.T) {
	before := estimate.TogetherCase{
		FalseKillsPerPodYear: interval(0, 10), CrashLoopProbability: interval(0, 0.2),
		OutOfEndpointsAtOnce: []estimate.AtOnce{{Replicas: 1, FractionOfTime: interval(0.1, 0.2)}, {Replicas: 2, FractionOfTime: interval(0.0005, 0.001)}, {Replicas: 3, FractionOfTime: interval(0, 0.1)}},
		AfterTriggers:        []estimate.AfterTrigger{{Trigger: "a burst", AllOutProbability: interval(0, 0.3), CrashLoopProbability: interval(0, 0.3)}},
	}
	after := before
	unchanged := Replicas{Together: estimate.Together{Replicas: 3}}
	if unchanged.compare(&before, &after); len(unchanged.Worse) > 0 || len(unchanged.Warnings()) > 0 {
		t.Errorf("the same, and worse: %v", unchanged.Worse)
	}
	often, seldom, more := interval(30, 40), interval(3, 4), interval(0.4, 0.6)
	before.OutOfEndpointsAtOnce[2].TimesPerYear, before.CascadeProbability = often, &stats.Estimate{Estimate: 0.02, Low: 0.01, High: 0.03}
	rarer := before
	rarer.CascadeProbability = &more
	rarer.OutOfEndpointsAtOnce = slices.Clone(before.OutOfEndpointsAtOnce)
	rarer.OutOfEndpointsAtOnce[2].TimesPerYear = seldom
	if unchanged.compare(&before, &rarer); len(unchanged.Worse) > 0 {
		t.Errorf("all are out more seldom, and worse: %v", unchanged.Worse)
	}
	after.FalseKillsPerPodYear = interval(75, 4080)
	after.OutOfEndpointsAtOnce = []estimate.AtOnce{{Replicas: 1, FractionOfTime: interval(0.15, 0.3)}, {Replicas: 2, FractionOfTime: interval(0.2, 0.24)}, {Replicas: 3, FractionOfTime: interval(0.05, 0.1)}}
	after.AfterTriggers = []estimate.AfterTrigger{{Trigger: "a burst", AllOutProbability: interval(0.2, 0.4), CrashLoopProbability: interval(0.5, 1)}}
	worse := Replicas{Together: estimate.Together{Replicas: 3}, recommended: &after}
	worse.compare(&before, &after)
	for i, want := range []string{
		"the number of false kills per pod-year rises from 5 (0 to 10) to 2080 (75 to 4080)",
		"the probability of a crash loop after a burst rises from 15 % (0 to 30) to 75 % (50 to 100)",
		"the share of the time in which replicas of 3 are out of the endpoints at once rises: 2 or more from 0.075 % (0.05 to 0.1) to 22 % (20 to 24)",
	} {
		if i >= len(worse.Worse) || worse.Worse[i] != want {
			t.Errorf("%q, want %q", worse.Worse, want)
			break
		}
	}
	for objective, met := range map[model.Objective]*bool{
		{Measure: "falseKillsPerPodYear", Bound: 0.1}:                              new(bool),
		{Measure: "falseKillsPerPodDay", Bound: 1}:                                 nil, // 0.2 to 11 a day
		{Measure: "meanTimeToFalseKillSeconds", AtLeast: true, Bound: 1e6}:         new(bool),
		{Measure: "meanTimeToFalseKillSeconds", AtLeast: true, Bound: 31557600e-1}: new(bool),
	} {
		got, applies := after.Judge(objective)
		if !applies || (got.Met == nil) != (met == nil) || met != nil && *got.Met != *met {
			t.Errorf("%+v: %+v", objective, got)
		}
		worse.Objectives = append(worse.Objectives, got)
	}
	after.Availability = interval(0.97, 0.99)
	less, applies := after.Judge(model.Objective{Measure: "availability", AtLeast: true, Bound: 0.999})
	if !applies || less.Met == nil || *less.Met {
		t.Errorf("97 to 99 %% are not 99.9 %%: %+v", less)
	}
	worse.Objectives = append(worse.Objectives, less)
	if _, applies := after.Judge(model.Objective{Measure: "detectionSeconds", Statistic: "p99"}); applies {
		t.Error("no hangs are injected into all replicas")
	}
	warnings := worse.Warnings()
	if len(warnings) != 2 || !strings.Contains(warnings[0], "MISS") || !strings.Contains(warnings[0], "falseKillsPerPodYear <= 0.1") || !strings.Contains(warnings[0], "and each is unavailable for 2 % (1 to 3) of the time") || !strings.Contains(warnings[1], "22 %") {
		t.Errorf("%q", warnings)
	}
}
