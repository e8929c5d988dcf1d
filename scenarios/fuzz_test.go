package scenarios

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model/dist"
)

// FuzzLoad holds that every input either loads, and then says the same when it
// is shown and loaded again, or is refused with faults; it never panics.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"gallery/*/*.yaml", "testdata/*.yaml", "testdata/*.json", "testdata/example/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, "livenessProbe.timeoutSeconds=5")
		}
	}
	files, _ := filepath.Glob("testdata/broken/*.txtar")
	for _, file := range files {
		if filepath.Base(file) == "alias-bomb.txtar" {
			continue // slow by design, and any mutation of it as well
		}
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data, "node.stalls[0].lasts={p50: 1s, p99: 2s}")
	}
	manifest, err := os.ReadFile("testdata/example/deployment.yaml")
	if err != nil {
		f.Fatal(err)
	}
	read := func(name string) ([]byte, error) {
		if filepath.Ext(name) == ".yaml" {
			return manifest, nil
		}
		return []byte("1\n2\n3\n"), nil
	}
	f.Fuzz(func(t *testing.T, data []byte, overlay string) {
		if len(data) > 1<<16 {
			return
		}
		_, _ = Inspect(Source{Name: "fuzz.yaml", Data: data, read: read}, []string{overlay}, "probesim/ignore", func(i *Inspection) {
			for _, field := range []string{"livenessProbe.periodSeconds", "pod.restartPolicy", "metadata.annotations", "application.startup"} {
				if file, line, path := i.Place(field); file == "" || line < 0 || path == "" {
					t.Fatalf("%s: %s:%d %s", field, file, line, path)
				}
			}
		})
		workloads, err := Load(Source{Name: "fuzz.yaml", Data: data, read: read}, []string{overlay})
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
		}
		for _, w := range workloads {
			shown, err := Show(w)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Load(Source{Name: "shown.yaml", Data: shown, read: read}, nil)
			if err != nil {
				t.Fatalf("shown, not loaded again: %v\n%s", err, shown)
			}
			if !reflect.DeepEqual(again[0].World, w.World) {
				t.Fatalf("got  %+v\nwant %+v\n%s", again[0].World, w.World, shown)
			}
			if _, err := Patch(Settled{Workload: w, Container: w.World.Container()}); err != nil && w.Kind != "" {
				t.Fatal(err)
			}
		}
	})
}

// FuzzDistribution holds that whatever is accepted is a distribution: its
// quantiles increase, and what it draws is not negative.
func FuzzDistribution(f *testing.F) {
	for _, text := range []string{
		"0", "5", "1d12h", "-1s", "{p50: 1s, p99: 3s}", "{p10: 1s, p50: 2s, p90: 5s}", "{mean: 2s, sd: 1s}", "{exponential: 10s}", "{uniform: [1s, 2s]}",
		"{normal: {mean: 2s, sd: 1s}}", "{gamma: {shape: 2, scale: 1s}}", "{weibull: {shape: 2, scale: 1s}}", "{pareto: {shape: 2, scale: 1s}}",
		"{triangular: [0s, 1s, 4s]}", "{shift: 1s, of: {exponential: 2s}}", "{uncertain: [1s, {exponential: 2s}, {uncertain: [0s, {p50: 1s, p99: 2s}]}]}", "{mixture: [{weight: 9, of: 0s}, {weight: 1, of: {exponential: 2s}}]}",
		"{samples: a.csv}", "{histogram: a.prom}", "[1s]", "{p50: 1s}", "{gamma: 1}", "&a {shift: 1s, of: *a}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := ParseDistribution(text)
		if err != nil {
			return
		}
		checkDistribution(t, text, parsed)
	})
}

func checkDistribution(t *testing.T, text string, d dist.Duration) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		if drawn := d.Sample(r); drawn < 0 || drawn > dist.Longest {
			t.Fatalf("%s: drew %v", text, drawn)
		}
	}
	last := d.Quantile(0.001)
	for _, p := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 0.999} {
		next := d.Quantile(p)
		if next < last {
			t.Fatalf("%s: quantile at %g is %v, below %v before it", text, p, next, last)
		}
		last = next
	}
	if mean := d.Mean(); mean < 0 || mean > dist.Longest {
		t.Fatalf("%s: mean %v", text, mean)
	}
}

func FuzzMeasurements(f *testing.F) {
	for _, text := range []string{"1.5\n2\n", "seconds\n250ms,a\n", "le,count\n0.1,5\n+Inf,9\n", "x_bucket{le=\"0.1\"} 3\nx_bucket{le=\"+Inf\"} 7\nx_sum 3\n", "1e300\n", "# only\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if samples, err := parseSamples(data, durationUnit); err == nil {
			if made, err := dist.NewSamples(samples); err == nil {
				checkDistribution(t, string(data), dist.Duration{Nanoseconds: made})
			}
		}
		if buckets, err := parseBuckets(data, 1e9); err == nil {
			if made, err := dist.NewHistogram(buckets); err == nil {
				checkDistribution(t, string(data), dist.Duration{Nanoseconds: made})
			}
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"0", "1s", "1d12h", "36525d", "-1s", "1.5d", ".5d", "1h30m", "9223372036854775807ns", "1e9s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		if d < 0 || d > dist.Longest {
			t.Fatalf("%q: %d", text, d)
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Fatalf("%q: %v, written %s, read %v, %v", text, d, formatDuration(d), again, err)
		}
	})
}

func FuzzCPU(f *testing.F) {
	for _, text := range []string{"250m", "0.5", "2", "1e3", "1Gi", "-1", "1u", "999999999999999999999", "1e999999999", "1E-999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		milli, err := parseCPU(text)
		if err != nil {
			return
		}
		if again, err := parseCPU(formatCPU(milli)); err != nil || again != milli || milli < 0 || milli > maxMilli {
			t.Fatalf("%q: %d, written %s, read %d, %v", text, milli, formatCPU(milli), again, err)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, text := range []string{"a.b", "faults[0].every", `a["p99.9"][3]`, "[0]", "a..b", `a["\u0000"]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parsePath(text)
		if err != nil {
			return
		}
		at := place{}
		for _, s := range steps {
			if s.element {
				at = at.element(s.index)
			} else {
				at = at.field(s.field)
			}
		}
		// A path that is written again from its steps has the same steps.
		if again, err := parsePath(at.path); err == nil && !reflect.DeepEqual(again, steps) {
			t.Fatalf("%q: %v, written %s, read %v", text, steps, at.path, again)
		}
		root := mapping()
		if assign(root, steps, scalar("1"), func(*yaml.Node) {}) != nil {
			return
		}
		if n, _ := find(root, steps, place{}, nil); n.Value != "1" {
			t.Fatalf("%q: assigned, found %+v", text, n)
		}
	})
}
