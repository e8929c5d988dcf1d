package plots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Chart is a picture with the data behind it.
type Chart interface {
	// Sentence reads the chart: what it shows and what follows, in one
	// sentence of plain words with the numbers.
	Sentence() string
	// WriteCSV writes the data behind the chart, with a header line. Units
	// are in the names of the columns.
	WriteCSV(w io.Writer) error
	// Size returns the width and height at which Draw wants to draw.
	Size() (width, height vg.Length)
	// Draw draws the chart.
	Draw(c draw.Canvas)
}

// dotsPerInch makes a PNG twice as fine as a screen at scale 1, so that it
// stays sharp when projected.
const dotsPerInch = 192

// WriteFile draws the chart into the file path, as SVG, PNG or PDF by the
// path's extension, or writes its data if the extension is .csv. The file is
// written whole or not at all.
func WriteFile(path string, chart Chart) error {
	var buffer bytes.Buffer
	if err := Write(&buffer, strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), "."), chart); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replaceFile(path, buffer.Bytes())
}

// Write writes the chart to w as "svg", "png", "pdf" or "csv".
func Write(w io.Writer, format string, chart Chart) error {
	if format == "csv" {
		return chart.WriteCSV(w)
	}
	width, height := chart.Size()
	var canvas vg.CanvasWriterTo
	switch format {
	case "svg":
		canvas = newSVG(width, height, chart.Sentence())
	case "png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))}
	case "pdf":
		canvas = newPDF(width, height, chart.Sentence())
	default:
		return fmt.Errorf("%q is no format for a chart, must be svg, png, pdf or csv", format)
	}
	chart.Draw(draw.New(canvas))
	_, err := canvas.WriteTo(w)
	return err
}

// Writable returns an error if WriteFile could not write the file path, so that
// no work is done in vain.
func Writable(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: is not a regular file", path)
	}
	file, err := beside(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// beside makes a file in the folder of path. Its error names path, not a file
// that nobody has heard of.
func beside(path string) (*os.File, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	var of *os.PathError
	if errors.As(err, &of) {
		return nil, fmt.Errorf("%s: cannot be written: %w", path, of.Err)
	}
	return file, err
}

// replaceFile writes data beside path and then renames it, so that no reader
// ever meets half a file.
func replaceFile(path string, data []byte) error {
	file, err := beside(path)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
