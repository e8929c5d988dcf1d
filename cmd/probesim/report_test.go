package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportSize holds the page of a cheap case to a size that anybody sends by
// mail, and to one copy of each font; "make reports" holds every shipped case to
// 2 MB.
func TestReportSize(t *testing.T) {
	const most = 700_000
	file := filepath.Join(t.TempDir(), "review.html")
	args := []string{"probesim", "report", "gallery:ingress-controller", "--replications", "2", "--horizon", "1d", "-o", file}
	if status := run(args, strings.NewReader(""), io.Discard, os.Stderr); status != statusUndecided { // so few replications leave removals open
		t.Fatalf("status %d, want %d", status, statusUndecided)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(page) > most {
		t.Errorf("the page has %d bytes, must have at most %d", len(page), most)
	}
	if n := strings.Count(string(page), "@font-face"); n != 2 {
		t.Errorf("%d fonts, each of two weights is needed once", n)
	}
	for _, part := range []string{"Which settings kill healthy containers", `id="grid"`, "The patch", "How the model is known to be right"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}
