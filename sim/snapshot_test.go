package sim

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/model/dist"
)

// TestSnapshotGoesOnAlike restores one snapshot of a busy pod into the simulator
// that took it, after it has lived other lives, and into another one.
func TestSnapshotGoesOnAlike(t *testing.T) {
	w := busyWorld()
	first, err := New(w)
	if err != nil {
		t.Fatal(err)
	}
	second, err := New(w)
	if err != nil {
		t.Fatal(err)
	}
	first.Begin(Life{Seed: 1, Horizon: 100 * 24 * time.Hour})
	var snapshot Snapshot
	for range 5 {
		if !first.Enter(Level{Failures: 1}) {
			t.Fatal("no failure")
		}
		first.Save(&snapshot)
		want := goOn(first, &snapshot)
		first.Run(Life{Seed: 9, Horizon: time.Hour})
		if got := goOn(first, &snapshot); got != want {
			t.Errorf("restored once more:\n%s\nat first\n%s", got, want)
		}
		if got := goOn(second, &snapshot); got != want {
			t.Errorf("restored elsewhere:\n%s\nwant\n%s", got, want)
		}
		first.Restore(&snapshot, 1, 1)
	}
}

// goOn returns what the next hours after a snapshot came to.
func goOn(s *Simulator, from *Snapshot) string {
	s.Restore(from, 5, 7)
	l := s.nodes[s.node][0]
	l.horizon = l.now + time.Hour
	l.run()
	return fmt.Sprintf("%+v", *s.application().finish())
}

// busyWorld has something of everything that a snapshot has to copy.
func busyWorld() *model.World {
	exponential := func(mean time.Duration) dist.Duration { return dist.Duration{Nanoseconds: dist.Exponential(mean)} }
	w := &model.World{
		Pod:      model.Pod{Containers: []model.Container{{Name: "app", CPULimitMilli: 200}}, TerminationGracePeriodSeconds: 30},
		Replicas: 1, Node: model.DefaultNode(), Cluster: model.DefaultCluster(),
	}
	for _, k := range []model.ProbeKind{model.Readiness, model.Liveness} {
		p := &model.Probe{Handler: model.Handler{Kind: model.HTTPGet, Target: ":8080/healthz"}}
		p.SetDefaults()
		w.Pod.Containers[0].Probes[k] = p
		w.Application.Probes[k] = model.DefaultAnswer(model.HTTPGet)
	}
	app := &w.Application
	app.Probes[model.Liveness].CPU = exponential(20 * time.Millisecond)
	app.Traffic = &model.Traffic{PerSecond: 2, CPU: exponential(40 * time.Millisecond), Workers: 2, ClientTimeout: 2 * time.Second, RetriesMax: 2, RetriesAfter: time.Second,
		Bursts: []model.Burst{{OnOff: model.OnOff{Every: exponential(10 * time.Minute), Lasts: exponential(time.Minute)}, PerSecond: 8}}}
	app.Background = []model.Background{{Every: exponential(30 * time.Second), CPU: exponential(400 * time.Millisecond)}}
	app.Pauses = []model.OnOff{{Name: "full GC", Every: exponential(20 * time.Minute), Lasts: exponential(2 * time.Second)}}
	w.Node.Stalls = []model.Stall{{OnOff: model.OnOff{Name: "steal", Every: exponential(time.Hour), Lasts: exponential(3 * time.Second)}}}
	return w
}

// TestSnapshotKnowsEveryReference fails when the state of a life gets a slice, a
// pointer or a map that copyFrom, or CopyFrom, has not been told of: a life that
// goes on would change the snapshot behind its back.
func TestSnapshotKnowsEveryReference(t *testing.T) {
	known := []string{
		"life.pod", "life.processes", "life.timers.at", "life.timers.win", "life.random.pcg", "life.random.Rand", "life.trace", "life.stop",
		"life.containers", "life.attempts", "life.updates", "life.triggered", "container.spec", "container.workers.Probe.TerminationGracePeriodSeconds",
		"application.world", "application.node", "application.app", "application.life", "application.heir", "application.out", "application.cpu", "application.finished", "application.service", "application.drain", "application.planned",
		"service.members", "application.skipping.syncs.lengths", "application.skipping.syncs.cumulative", "application.skipping.slowing", "application.skipping.passed", "application.skipping.hazards", "application.skipping.factors", "application.skipping.laws.answer", "application.skipping.laws.parts", "application.coasting.probes",
		"application.random.pcg", "application.random.Rand", "application.renewals", "application.faults", "application.resources", "application.observations",
		"renewal.first.absent.lengths", "renewal.first.absent.cumulative", "renewal.first.lasts.lengths", "renewal.first.lasts.cumulative",
		"Container.random", "Container.bursts", "Container.burstPlan", "Container.process", "Container.processSeed", "Container.levels", "Container.processors", "Container.pools", "Container.sources", "Container.clients.open.items",
		"Container.clients.trying.items", "Container.threads", "Container.waits", "Container.runtime.queue", "Container.runtime.arrived",
		"Container.submissions", "Container.free", "Container.working", "Container.finished", "Container.due", "Container.record.ended", "Container.record.parts",
		"Container.repetition.shape", "Container.repetition.keptShape", "Container.repetition.moving", "Container.repetition.keptMoving", "Container.repetition.step",
	}
	var found []string
	for _, value := range []any{life{}, container{}, attempt{}, update{}, application{}, service{}, renewal{}, faultState{}, resourceState{}, cpu.Container{}} {
		of := reflect.TypeOf(value)
		found = append(found, references(of, of.Name())...)
	}
	for _, name := range found {
		if !slices.Contains(known, name) {
			t.Errorf("%s: a reference that a snapshot may not copy", name)
		}
	}
}

// references returns the paths of the slices, pointers, maps and interfaces
// inside a type, values of the model and results aside.
func references(of reflect.Type, path string) []string {
	switch of.Kind() {
	case reflect.Slice, reflect.Pointer, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan:
		return []string{path}
	case reflect.Array:
		return references(of.Elem(), path)
	case reflect.Struct:
		var all []string
		for i := range of.NumField() {
			f := of.Field(i)
			if f.Type == reflect.TypeFor[Outcome]() || f.Type == reflect.TypeFor[cpu.Config]() || f.Type == reflect.TypeFor[dist.Duration]() ||
				f.Type == reflect.TypeFor[dist.Dist]() || f.Name == "durations" {
				continue
			}
			all = append(all, references(f.Type, path+"."+f.Name)...)
		}
		return all
	}
	return nil
}
