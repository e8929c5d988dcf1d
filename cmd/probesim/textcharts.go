package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/probesim/probesim/plots"
	"github.com/probesim/probesim/sim"
)

// usualColumns is the width of what is not written to a terminal, unless COLUMNS
// says another.
const usualColumns = 80

// mostColumns bounds what COLUMNS may ask for.
const mostColumns = 1000

// terminalOf returns how many columns w has, and whether it shows colours: a
// terminal does, unless NO_COLOR (https://no-color.org) or TERM=dumb forbid it.
func terminalOf(w io.Writer) (columns int, colors bool) {
	if out, ok := w.(*results); ok {
		w = out.Writer
	}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
			return min(columns, mostColumns), false
		}
		return usualColumns, false
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		columns = usualColumns
	}
	return columns, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// writeLife draws a part of a life as text, under the sentence that reads it.
func writeLife(w io.Writer, trace *sim.Trace, from, to time.Duration) error {
	chart := &plots.Timeline{Scenario: trace.World.Name, Seed: trace.Seed, Lives: []plots.Life{{Trace: trace, From: from, To: to}}}
	p := &page{}
	p.printf("%s, life %d of seed %d\n\n", trace.World.Name, trace.Replication, trace.Seed)
	var buffer bytes.Buffer
	columns, colors := terminalOf(w)
	if err := chart.WriteText(&buffer, columns, colors); err != nil {
		return err
	}
	p.printf("%s", buffer.String())
	return p.writeTo(w)
}
