package sim_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPartsOfMeasurements reads folders that hold a part of the measurements: a
// pod alone beside the tables of all, or without some of the tables; a
// container that still ran when the recording ended ends with it.
func TestPartsOfMeasurements(t *testing.T) {
	const alone = "e1-20m-h5-poi60-p1-ft3-r1"
	whole, dir := loadMeasurements(t, filepath.Join("testdata", "kubelet")), t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", "kubelet", "pods.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pods map[string]json.RawMessage
	if err := json.Unmarshal(data, &pods); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(pods, func(name string, _ json.RawMessage) bool { return name != alone })
	part, err := json.Marshal(pods)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pods.json"), string(part))
	if m := loadMeasurements(t, dir); len(m.pods) != 0 {
		t.Errorf("%d pods without a table of lives, want none", len(m.pods))
	}
	copyTable(t, dir, "lifecycle.csv", func(line string) string { return line })
	tcp, err := os.ReadFile(filepath.Join("testdata", "kubelet", "probes.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "probes.csv.gz"), string(tcp))
	want := whole.pods[slices.IndexFunc(whole.pods, func(p *measuredKubeletPod) bool { return p.name == alone })]
	m := loadMeasurements(t, dir)
	if len(m.pods) != 1 || len(m.pods[0].instances) != len(want.instances) {
		t.Fatalf("want the pod alone with its %d containers", len(want.instances))
	}
	for n, i := range m.pods[0].instances {
		if len(i.attempts) != len(want.instances[n].attempts) {
			t.Errorf("container %d: %d attempts, want %d", n, len(i.attempts), len(want.instances[n].attempts))
		}
	}
	copyTable(t, dir, "lifecycle.csv", withoutExit)
	for n, i := range loadMeasurements(t, dir).pods[0].instances {
		if measured := want.instances[n].exit; !(i.exit > i.start && i.exit <= measured+100) {
			t.Errorf("container %d ended at %.0f, want at most %.0f", n, i.exit, measured)
		}
	}
}

// withoutExit empties the column of a container's exit.
func withoutExit(line string) string {
	const exit = 11
	fields := strings.Split(line, ",")
	if fields[0] != "pod" && len(fields) > exit {
		fields[exit] = ""
	}
	return strings.Join(fields, ",")
}

// copyTable copies a table of the recorded measurements, each line as changed.
func copyTable(t *testing.T, dir, name string, change func(string) string) {
	t.Helper()
	from := filepath.Join("testdata", "kubelet", name)
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i := range lines {
		lines[i] = change(lines[i])
	}
	write(t, filepath.Join(dir, name), strings.Join(lines, "\n"))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBeyondReach holds what is scored apart to what is known not to be
// described (C19, C36, C37).
func TestBeyondReach(t *testing.T) {
	of := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		configuration
		beyond bool
	}{
		"quota alone":              {configuration{Kind: "thread", CPUs: 1, QuotaUs: of(20_000), PeriodUs: 100_000, DemandUs: of(1000)}, false},
		"two CPUs, 80 % of one":    {configuration{Kind: "thread", CPUs: 2, QuotaUs: of(100_000), PeriodUs: 100_000, Utilisation: .8}, true},
		"two CPUs, 120 % of one":   {configuration{Kind: "thread", CPUs: 2, QuotaUs: of(100_000), PeriodUs: 100_000, Utilisation: 1.2}, false},
		"http on two CPUs":         {configuration{Kind: "http", CPUs: 2, QuotaUs: of(100_000), PeriodUs: 100_000, Utilisation: .8}, false},
		"shares of 2":              {configuration{Kind: "thread", CPUs: 1, Groups: 1, Shares: 200, GroupShares: of(102_400), DemandUs: of(5000)}, true},
		"1 ms under shares of 102": {configuration{Kind: "thread", CPUs: 1, Groups: 1, Shares: 10_200, GroupShares: of(102_400), DemandUs: of(1000)}, true},
		"5 ms under shares of 102": {configuration{Kind: "thread", CPUs: 1, Groups: 1, Shares: 10_200, GroupShares: of(102_400), DemandUs: of(5000)}, false},
	} {
		if c.beyondReach() != c.beyond {
			t.Errorf("%s: want %v", name, c.beyond)
		}
	}
}
