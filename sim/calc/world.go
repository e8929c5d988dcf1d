package calc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
	"github.com/probesim/probesim/model/kubelet"
)

// World calculates what has a closed form in the world: always the windows of
// its probes; the false kills where their causes are either independent
// failures or stalls; the startup kills where the startup needs no CPU that the
// limit stretches. The notes say what holds when, and what cannot be calculated
// and why. It is an error if the studied container has no probe.
func World(w *model.World) (*Calculation, error) {
	container := w.Container()
	if !container.Probed() {
		return nil, fmt.Errorf("container %s: has no probe: there is nothing to calculate", container.Name)
	}
	c := newCalculation(w.Name)
	if w.Uncertain() {
		w = w.Draw(0)
		c.note("of inputs that are uncertain the first alternative, the best guess, is calculated with; run and recommend carry all of them into their intervals (S16)")
	}
	s := studied{w: w, c: c}
	s.windows()
	s.startup()
	s.falseKills()
	if container.CPULimitMilli > 0 && !w.Node.NoCFSQuota {
		kind := model.Liveness
		if container.Probes[kind] == nil {
			kind = model.Readiness
		}
		if probe := container.Probes[kind]; probe != nil {
			c.Quota = newQuota(container.CPULimitMilli, w.Node.CFSPeriod, probe.Timeout(), w.Application.Probes[kind].CPU.Mean())
			c.note("quota: textbook arithmetic of the %s probe's mean answer from a fresh period (S8)", kind)
			s.answers(kind)
		}
	}
	c.explainNulls()
	return c, nil
}

// SettingsOf returns the numbers of a probe, with Kubernetes' defaults in place
// of zeros (K55).
func SettingsOf(p *model.Probe) Settings {
	probe := *p
	probe.SetDefaults()
	return Settings{
		Period: probe.Period(), Timeout: probe.Timeout(), InitialDelay: probe.InitialDelay(),
		Failures: int(probe.FailureThreshold), Successes: int(probe.SuccessThreshold),
	}
}

// studied is a world with the calculation that it fills in.
type studied struct {
	w *model.World
	c *Calculation
}

// probe returns a probe of the studied container and its settings.
func (s *studied) probe(kind model.ProbeKind) (*model.Probe, Settings) {
	p := s.w.Container().Probes[kind]
	if p == nil {
		return nil, Settings{}
	}
	return p, SettingsOf(p)
}

// startupParts returns the random durations whose sum is the startup. It is an
// error, with the reason, where CPU work or more than two of them have no
// closed form.
func (s *studied) startupParts() ([]dist.Duration, error) {
	w, container := s.w, s.w.Container()
	var parts []dist.Duration
	fixed, random := time.Duration(0), 0
	for _, stage := range w.Application.Startup {
		for _, part := range []dist.Duration{stage.Wait, stage.CPU} {
			if value, is := part.Nanoseconds.(dist.Constant); is {
				fixed += time.Duration(value)
			} else if part.Nanoseconds != nil {
				parts = append(parts, part)
				random++
			}
		}
		if stage.CPU.IsZero() {
			continue
		}
		switch {
		case !w.Node.NoCFSQuota && (container.CPULimitMilli > 0 || stage.CPULimitMilli > 0 || w.Pod.CPULimitMilli > 0):
			return nil, errors.New("the CPU limit stretches the startup's CPU work")
		case stage.Threads > 1:
			return nil, errors.New("several threads share the startup's CPU work")
		case s.competing() != "":
			return nil, fmt.Errorf("%s compete with the startup for the CPU", s.competing())
		}
	}
	switch {
	case random > 2:
		return nil, errors.New("more than two of the startup's stages are random")
	case fixed > 0 && len(parts) > 0:
		parts[0] = dist.Duration{Nanoseconds: dist.Shift{By: float64(fixed), Of: parts[0].Nanoseconds}}
	case fixed > 0:
		parts = append(parts, dist.Constantly(fixed))
	}
	return parts, nil
}

// competing names what else in the world uses the CPU that answers and startups
// need; empty: nothing.
func (s *studied) competing() string {
	app, node := &s.w.Application, &s.w.Node
	var names []string
	for _, one := range []struct {
		there bool
		name  string
	}{
		{app.Traffic != nil, "traffic"},
		{len(app.Background) > 0, "background work"},
		{slices.ContainsFunc(node.Neighbours, func(n model.Neighbour) bool { return n.CPURequestMilli > 0 }), "neighbours"},
		{node.InterruptionsPerSecond > 0, "interruptions"},
	} {
		if one.there {
			names = append(names, one.name)
		}
	}
	return strings.Join(names, ", ")
}

// redials reports whether an attempt of a grpc probe, refused in a stage of the
// start, lasts long enough to connect again: the second try comes after a second.
func redials(p *model.Probe, stage *model.Stage) bool {
	return p.Handler.Kind == model.GRPC && stage.Answers == model.AnswersRefused && p.Timeout() > time.Second
}

// startup fills in the startup budget and the probability to exceed it (S5).
func (s *studied) startup() {
	kind, probe := model.Startup, s.c.Probes.Startup
	if probe == nil {
		kind, probe = model.Liveness, s.c.Probes.Liveness
	}
	if probe == nil {
		s.c.note("startupKillProbability: null: no probe kills during a start")
		return
	}
	p, settings := s.probe(kind)
	if p.Handler.NoPort {
		s.c.note("startupKillProbability: null: every attempt of the %s probe errs, as it names no port of the container (K21)", kind)
		return
	}
	noAnswer := p.Handler.Kind == model.GRPC
	for _, stage := range s.w.Application.Startup {
		if stage.Answers != model.AnswersRefused && p.Handler.Kind == model.TCPSocket {
			s.c.note("startupKillProbability: null: a tcp probe succeeds as soon as the process listens (C10): it has no closed form here")
			return
		}
		if !stage.Answers.Fault().Judged() {
			s.c.note("startupKillProbability: null: not every attempt at a process that starts counts as a failure (%s): it has no closed form here", stage.Answers)
			return
		}
		if redials(p, &stage) {
			s.c.note("startupKillProbability: null: a refused grpc attempt connects again within its timeout (K20): it has no closed form here")
			return
		}
		noAnswer = noAnswer || stage.Answers == model.AnswersTimeout || stage.Answers == model.AnswersDropped
	}
	budget := settings.Budget(noAnswer)
	probe.BudgetSeconds = &budget
	parts, err := s.startupParts()
	if err != nil {
		s.c.note("startupKillProbability: null: %v; run simulates it", err)
		return
	}
	longer := func(t time.Duration) float64 { return 1 - exceeds(parts, t) }
	anchors := Window{Plus: []dist.Duration{kubelet.MeasuredDurations().FirstStart}}
	for _, stage := range s.w.Application.BeforeStart {
		anchors = anchors.Then(stage.Wait, stage.CPU)
	}
	newPod := Number(settings.StartupKills(longer, noAnswer, anchors.points()))
	anyPhase := Number(settings.StartupKills(longer, noAnswer, settings.anyPhase()))
	s.c.StartupKillProbability, s.c.StartupKillProbabilityAnyPhase = &newPod, &anyPhase
	by := ""
	if kind == model.Liveness {
		by = ", of the liveness probe, since there is no startup probe"
	}
	s.c.note("startupKillProbability: the startup's distribution against the budget of a grid anchored about %v before the container's start (K2, S5)%s; valid while nothing stalls the startup", Anchor, by)
}
