// Package plots turns results into charts from which a design review can
// decide:
//
//   - Timeline: the life of one pod, or of several stacked for comparison;
//   - Front: how soon settings detect a hang against how often they kill a
//     healthy container, or remove a hung pod against how often a healthy one;
//   - Risk: how often every usual setting kills a healthy container;
//   - Startup: how long startups take against the time the probes give them;
//   - Answers: how long answers take against the timeout;
//   - Limits: how long answers take under other CPU limits;
//   - Delays: what follows a hang, and when;
//   - Rollout: how many new replicas are Ready when, against the deadline;
//   - Cascade: whether one replica that is out takes the others with it;
//   - Tornado: which inputs a measure hangs on;
//   - Comparison: what variants change, with intervals on the same lives;
//   - Convergence: an estimate from ever more replications, and the closed form;
//   - QQ: measured durations against the distribution fitted to them.
//
// A chart is a plain struct. Its fields are the data, Sentence reads it in one
// sentence, WriteCSV writes the data, and WriteFile draws it as SVG, PNG or PDF
// by the file's extension:
//
//	chart := &plots.Timeline{Scenario: "starved", Seed: 1, Lives: []plots.Life{{Trace: &trace}}}
//	err := plots.WriteFile("life.svg", chart)
//
// In an SVG each value says itself where a reader points at it.
//
// The same chart always gives the same bytes, and carries its fonts with it.
// What is drawn is labelled where it stands, colours are those of Okabe and Ito,
// which colour-blind people tell apart, and no distinction rests on colour
// alone.
package plots
