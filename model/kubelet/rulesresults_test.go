package kubelet_test

import (
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/kubelet"
)

func TestK15ErrorsAreThrownAway(t *testing.T) {
	if kubelet.MaxRuns != 3 {
		t.Errorf("at most %d runs, want 3", kubelet.MaxRuns)
	}
	w := worker(model.Liveness, model.NewestVersion, nil)
	if got := attempts(t, w, 0, "ffe"); !slices.Equal(got, []kubelet.Result{kubelet.ResultSuccess}) {
		t.Errorf("announced %v", got)
	}
	run(t, w, 2)
	if got := attempts(t, w, 0, "f"); !slices.Equal(got, []kubelet.Result{kubelet.ResultFailure}) {
		t.Errorf("announced %v after the third failure", got)
	}
	if !kubelet.Timeout.Failed() || kubelet.Error.Failed() || kubelet.Success.Failed() {
		t.Error("a timeout is a failure, an error is not")
	}
}

func TestK22InitialResults(t *testing.T) {
	for k, want := range map[model.ProbeKind]kubelet.Result{
		model.Startup: kubelet.Unknown, model.Readiness: kubelet.ResultFailure, model.Liveness: kubelet.ResultSuccess,
	} {
		w := worker(k, model.NewestVersion, nil)
		if got := w.Result(0); got != kubelet.None {
			t.Errorf("%v: %v before the worker's look, want none", k, got)
		}
		w.Look(0, running(k, 0, time.Hour)) // the initial delay, of course, changes nothing
		if got := w.Result(0); got != want {
			t.Errorf("%v: %v, want %v", k, got, want)
		}
	}
}

func TestK23Thresholds(t *testing.T) {
	for _, test := range []struct {
		successes, failures int32
		outcomes            string
		want                kubelet.Result
		run                 int32
	}{
		{1, 3, "ff", kubelet.ResultFailure, 2}, // still the initial one
		{1, 3, "s", kubelet.ResultSuccess, 1},
		{1, 3, "sff", kubelet.ResultSuccess, 2},
		{1, 3, "sfff", kubelet.ResultFailure, 3},
		{1, 3, "sffsff", kubelet.ResultSuccess, 2},
		{3, 1, "ss", kubelet.ResultFailure, 2},
		{3, 1, "sss", kubelet.ResultSuccess, 3},
		{3, 1, "ssssss", kubelet.ResultSuccess, 6}, // crossing the threshold does not end the run
		{3, 1, "sssfss", kubelet.ResultFailure, 2},
	} {
		w := worker(model.Readiness, model.NewestVersion, func(p *model.Probe) {
			p.SuccessThreshold, p.FailureThreshold = test.successes, test.failures
		})
		attempts(t, w, 0, test.outcomes)
		if got := w.Result(0); got != test.want {
			t.Errorf("thresholds %d and %d, %s: %v, want %v", test.successes, test.failures, test.outcomes, got, test.want)
		}
		run(t, w, test.run)
	}
}

func TestK24OnlyChangesAreAnnounced(t *testing.T) {
	w := worker(model.Readiness, model.NewestVersion, nil)
	want := []kubelet.Result{kubelet.ResultFailure, kubelet.ResultSuccess, kubelet.ResultFailure, kubelet.ResultSuccess}
	if got := attempts(t, w, 0, "fffsssfffffs"); !slices.Equal(got, want) {
		t.Errorf("announced %v, want %v", got, want)
	}
}

func TestK25Hold(t *testing.T) {
	for _, test := range []struct {
		kind     model.ProbeKind
		minor    int
		outcomes string
		want     bool // on hold
		run      int32
	}{
		{model.Liveness, 37, "fff", true, 0},
		{model.Liveness, 37, "sss", false, 3},
		{model.Startup, 37, "fff", true, 0},
		{model.Startup, 37, "s", true, 0},
		{model.Startup, 32, "s", true, 0},
		{model.Startup, 31, "s", false, 1},
		{model.Startup, 31, "fff", true, 0},
		{model.Readiness, 37, "fff", false, 3},
	} {
		w := worker(test.kind, model.Version{Minor: test.minor}, nil)
		attempts(t, w, 0, test.outcomes)
		run(t, w, test.run)
		if got := !looks(w, time.Hour, running(test.kind, 0, 0)); got != test.want {
			t.Errorf("%v 1.%d after %s: on hold %v, want %v", test.kind, test.minor, test.outcomes, got, test.want)
		}
		if test.want && !looks(w, time.Hour, running(test.kind, 1, 0)) {
			t.Errorf("%v 1.%d: on hold for a new container too", test.kind, test.minor)
		}
	}
}

func TestK26RunIsInherited(t *testing.T) {
	w := worker(model.Liveness, model.NewestVersion, nil)
	attempts(t, w, 0, "sff")
	if got := attempts(t, w, 1, "f"); !slices.Equal(got, []kubelet.Result{kubelet.ResultSuccess, kubelet.ResultFailure}) {
		t.Errorf("announced %v, want the initial success, then the third failure in a row", got)
	}
	w = worker(model.Readiness, model.NewestVersion, func(p *model.Probe) { p.SuccessThreshold = 3 })
	attempts(t, w, 0, "ss")
	attempts(t, w, 1, "s")
	if w.Result(1) != kubelet.ResultSuccess {
		t.Error("two successes of the container before do not count")
	}
}

func TestK27InitialValuesAreNoAttempts(t *testing.T) {
	w := worker(model.Liveness, model.NewestVersion, nil)
	if n, last := w.Run(); n != 0 || last != kubelet.Success {
		t.Errorf("begins with a run of %d %v, want 0 success", n, last)
	}
	w.Look(0, running(model.Liveness, 0, time.Hour))
	run(t, w, 0)
	r := worker(model.Readiness, model.NewestVersion, func(p *model.Probe) { p.FailureThreshold = 1; p.SuccessThreshold = 2 })
	attempts(t, r, 0, "s")
	if r.Result(0) != kubelet.ResultFailure {
		t.Error("a first success counts as the second in a row")
	}
}
