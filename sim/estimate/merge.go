package estimate

import "github.com/probesim/probesim/sim/stats"

// merge adds everything other has accumulated. Whatever tally.add adds to has
// its line here; a test holds that nothing is forgotten.
func (t *tally) merge(other *tally) {
	t.Replications += other.Replications
	t.PodTime.Add(other.PodTime)
	t.FirstStarts.merge(&other.FirstStarts)
	t.FalseKills.merge(&other.FalseKills)
	t.cover(len(other.NodeClasses))
	for i := range other.NodeClasses {
		t.NodeClasses[i].FirstStarts.merge(&other.NodeClasses[i].FirstStarts)
		t.NodeClasses[i].FalseKills.merge(&other.NodeClasses[i].FalseKills)
	}
	for k := range t.ByProbe {
		t.ByProbe[k].merge(&other.ByProbe[k])
		t.Attempts[k].Merge(&other.Attempts[k])
		for i := range t.RunLengths[k] {
			t.RunLengths[k][i] += other.RunLengths[k][i]
		}
	}
	for i := range t.Windows {
		t.Windows[i].merge(&other.Windows[i])
	}
	for _, pair := range [][2]*stats.RatioOfSums{
		{&t.Dead, &other.Dead}, {&t.Slow, &other.Slow}, {&t.Unready, &other.Unready},
		{&t.Unavailable, &other.Unavailable}, {&t.BackOff, &other.BackOff}, {&t.ProbeCPU, &other.ProbeCPU},
	} {
		pair[0].Merge(pair[1])
	}
	t.NeverReady.Merge(&other.NeverReady)
	t.Exhausted.Merge(&other.Exhausted)
	t.Own.merge(&other.Own)
	t.Tests.merge(&other.Tests)
	t.Restarts.Merge(&other.Restarts)
	t.StartKills.Merge(&other.StartKills)
	t.Restarted.Merge(&other.Restarted)
	t.AfterHangs.Merge(&other.AfterHangs)
	t.StartLosses.Merge(&other.StartLosses)
	t.ReadyLag.Merge(&other.ReadyLag)
	t.TimeToReady.Merge(&other.TimeToReady)
	t.Startup.Merge(&other.Startup)
}

func (t *faultTally) merge(other *faultTally) {
	t.Faults += other.Faults
	t.Detection.Merge(&other.Detection)
	t.Removal.Merge(&other.Removal)
	t.Recovery.Merge(&other.Recovery)
	t.Dead.Merge(&other.Dead)
}
