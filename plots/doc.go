// Package plots turns results into charts from which a design review can
// decide: the life of one pod, the trade-off between detection and false
// kills, and a startup against its budget.
//
// A chart is a plain struct. Its fields are the data, Sentence reads it in one
// sentence, WriteCSV writes the data, and WriteFile draws it as SVG, PNG or PDF
// by the file's extension:
//
//	chart := &plots.Timeline{Scenario: "starved", Seed: 1, Lives: []plots.Life{{Trace: &trace}}}
//	err := plots.WriteFile("life.svg", chart)
//
// The same chart always gives the same bytes. What is drawn is labelled where
// it stands, colours are those of Okabe and Ito, which colour-blind people tell
// apart, and no distinction rests on colour alone.
package plots
