package scenarios

import (
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/probesim/probesim/model"
	"github.com/probesim/probesim/model/dist"
)

// toWorld makes the world of a scenario that is complete and without faults.
func toWorld(s *scenario, spec *corev1.PodSpec, container, title string) *model.World {
	w := &model.World{
		Name:     title,
		Pod:      toPod(spec),
		Replicas: int(*s.Replicas),
		Node:     toNode(&s.Node.machine),
		Cluster:  toCluster(&s.Cluster),
		Events:   toEvents(&s.Events),
	}
	if !w.Cluster.KubernetesVersion.ContainerRestartRules() {
		dropRestartPolicies(&w.Pod)
	}
	if s.Metadata.Name == nil {
		s.Metadata.Name = &title
	}
	w.Description, w.Source = value(s.Metadata.Description), value(s.Metadata.Source)
	w.Studied = slices.IndexFunc(w.Pod.Containers, func(c model.Container) bool { return c.Name == container })
	var names []string
	for _, d := range s.Dependencies {
		names = append(names, *d.Name)
		outage := toOnOff(&d.Outage)
		outage.Name = *d.Name
		w.Dependencies = append(w.Dependencies, outage)
	}
	w.Application = toApplication(&s.Application, w.Container(), names)
	for i := range s.Faults {
		w.Faults = append(w.Faults, toFault(&s.Faults[i]))
	}
	w.Node.ReplicasPerNode = value(s.Node.ReplicasPerNode)
	for i := range s.Node.Classes {
		class := &s.Node.Classes[i]
		w.Node.Classes = append(w.Node.Classes, model.NodeClass{Weight: *class.Weight, Node: toNode(&class.machine)})
	}
	return w
}

// value returns what a pointer points to, the zero value for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// word returns the constant whose String is the scenario's word; the decoder
// has let through no other.
func word[T interface {
	~uint8
	String() string
}](text *string, last T) T {
	for constant := range last + 1 {
		if constant.String() == value(text) {
			return constant
		}
	}
	return 0
}

// distribution returns the distribution of a field. One that is always 0 is the
// zero value, as it is where nothing is said.
func distribution(d *durationDistribution) dist.Duration {
	if d == nil || d.IsZero() {
		return dist.Duration{}
	}
	return d.Duration
}

// optional returns a distribution where nil means never.
func optional(d *durationDistribution) *dist.Duration {
	if d == nil {
		return nil
	}
	return &d.Duration
}

func toOnOff(o *onOff) model.OnOff {
	return model.OnOff{Name: value(o.Name), Every: distribution(o.Every), Lasts: distribution(o.Lasts)}
}

func toApplication(a *application, c *model.Container, dependencies []string) model.Application {
	app := model.Application{
		Threads:    value(a.Threads),
		Accounting: word(a.Accounting, model.AccountingExact),
		Traffic:    toTraffic(a.Traffic),
		Shutdown: model.Shutdown{
			Wait: distribution(a.Shutdown.Wait), ListenerAtExit: *a.Shutdown.ListenerCloses == "atExit", IgnoresTerm: *a.Shutdown.IgnoresTerm, ExitCode: a.Shutdown.ExitCode,
		},
	}
	for _, s := range a.BeforeStart {
		app.BeforeStart = append(app.BeforeStart, model.Stage{Name: value(s.Name), Wait: distribution(s.Wait)})
	}
	for _, s := range a.Startup {
		app.Startup = append(app.Startup, model.Stage{
			Name: value(s.Name), CPU: distribution(s.CPU), Wait: distribution(s.Wait), Threads: *s.Threads,
			Answers: word(s.Answers, model.AnswersRedirectLoop), CPULimitMilli: int64(value(s.CPULimit)),
		})
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		app.Probes[kind] = toAnswer(a.Probes.of(kind), handlerOf(c, kind), dependencies)
		if p := c.Probes[kind]; p != nil && p.Handler.NoPort {
			app.Probes[kind].HangCoverage = 0 // it asks nobody (K21)
		}
	}
	for _, b := range a.Background {
		app.Background = append(app.Background, toBackground(&b))
	}
	for _, p := range a.Pauses {
		app.Pauses = append(app.Pauses, toOnOff(&p))
	}
	for _, g := range a.Resources {
		resource := model.Resource{
			Name: value(g.Name), PerHour: g.Grows.PerHour.Dist, FailsAt: *g.FailsAt, AtFull: word(g.AtFull, model.FullExits),
		}
		for _, kind := range g.Fails {
			resource.Fails = append(resource.Fails, word(&kind, model.Liveness))
		}
		app.Resources = append(app.Resources, resource)
	}
	return app
}

// handlerOf returns the handler of a container's probe; for a probe that does
// not exist that of the one whose handler it would be proposed with.
func handlerOf(c *model.Container, kind model.ProbeKind) model.HandlerKind {
	for _, from := range []model.ProbeKind{kind, model.Liveness, model.Startup, model.Readiness} {
		if p := c.Probes[from]; p != nil {
			return p.Handler.Kind
		}
	}
	return model.HTTPGet
}

// of returns how a kind of probe is answered: by its own entry, completed by
// that for all.
func (a *answers) of(kind model.ProbeKind) answer {
	merged := answer{}
	if own := a.byKind()[1+kind]; own != nil {
		merged = *own
	}
	if a.All != nil {
		inherit(reflect.ValueOf(&merged).Elem(), reflect.ValueOf(a.All).Elem())
	}
	return merged
}

func toAnswer(a answer, handler model.HandlerKind, dependencies []string) model.Answer {
	result := model.DefaultAnswer(handler)
	if a.CPU != nil {
		result.CPU = distribution(a.CPU)
	}
	if a.Wait != nil {
		result.Wait = distribution(a.Wait)
	}
	if a.HangCoverage != nil {
		result.HangCoverage = *a.HangCoverage
	}
	if a.FailsAbove != nil {
		result.FailsInFlight = *a.FailsAbove.InFlight
	}
	if a.Failing != nil {
		failing := toOnOff(a.Failing)
		result.Failing = &failing
	}
	if a.Exec != nil {
		result.Exec = model.ExecCost{Join: distribution(a.Exec.Join), HelperCPU: distribution(a.Exec.HelperCPU)}
	}
	result.RunsOn = word(a.RunsOn, model.Workers)
	result.Cached = time.Duration(value(a.Cached))
	result.Failure = value(a.Failure)
	for _, name := range a.DependsOn {
		result.DependsOn = append(result.DependsOn, slices.Index(dependencies, name))
	}
	return result
}

func toTraffic(t *traffic) *model.Traffic {
	if t == nil {
		return nil
	}
	result := &model.Traffic{
		PerSecond: *t.PerSecond, OfService: *t.Of == "service",
		CPU: distribution(t.CPU), Wait: distribution(t.Wait),
		Workers: *t.Workers, Queue: *t.Queue, ClientTimeout: time.Duration(value(t.ClientTimeout)),
	}
	if t.Retries != nil {
		result.RetriesMax, result.RetriesAfter = *t.Retries.Max, time.Duration(*t.Retries.After)
	}
	for _, b := range t.Bursts {
		result.Bursts = append(result.Bursts, model.Burst{OnOff: toOnOff(&b.onOff), PerSecond: *b.PerSecond})
	}
	return result
}

func toBackground(b *background) model.Background {
	result := model.Background{
		Every: distribution(b.Every), CPU: distribution(b.CPU), Workers: 1,
		Always: value(b.Always), Threads: value(b.Threads),
	}
	if b.Workers != nil {
		result.Workers = int(*b.Workers)
	}
	if result.Always && result.Threads == 0 {
		result.Threads = 1
	}
	return result
}

func toFault(f *fault) model.Fault {
	result := model.Fault{
		Name: value(f.Name), Every: distribution(f.Every), After: time.Duration(value(f.After)), Planned: f.After != nil,
		Exits: *f.Exits, ExitCode: f.ExitCode, Answers: word(f.Answers, model.FaultRedirectLoop),
		Lasts: distribution(f.Lasts), Forever: f.Lasts == nil, Hangs: f.Probes == nil,
	}
	for kind := range model.ProbeKind(model.ProbeKinds) {
		result.Probes[kind] = f.Probes == nil || slices.Contains(f.Probes, kind.String())
	}
	return result
}

func toNode(m *machine) model.Node {
	n := model.Node{
		Profile: *m.Profile, CPUs: *m.CPUs, KernelHz: *m.KernelHz,
		CFSPeriod: time.Duration(*m.CFSPeriod), NoCFSQuota: !*m.CFSQuota, CFSBurst: time.Duration(*m.CFSBurst),
		LinearWeights: *m.CgroupWeights == "linear", Kernel: string(*m.Kernel),
		InterruptionsPerSecond: *m.InterruptionsPerSecond, MaxContainerRestartPeriod: time.Duration(value(m.MaxContainerRestart)),
	}
	for _, b := range m.Neighbours {
		n.Neighbours = append(n.Neighbours, model.Neighbour{
			CPURequestMilli: int64(value(b.CPURequest)), WaitFactor: max(1, value(b.WaitFactor)), Busy: distribution(b.Busy), Idle: distribution(b.Idle),
		})
	}
	for _, s := range m.Stalls {
		n.Stalls = append(n.Stalls, model.Stall{OnOff: toOnOff(&s.onOff), ChargedToQuota: *s.ChargedToQuota})
	}
	return n
}

// completeProxy fills in the default that depends on the mode (K51).
func completeProxy(p *kubeProxy) {
	if p.MinSyncPeriod == nil {
		least := duration(word(p.Mode, model.IPVS).MinSyncPeriod())
		p.MinSyncPeriod = &least
	}
}

func toCluster(c *cluster) model.Cluster {
	result := model.Cluster{
		KubernetesVersion: model.Version{Minor: int(*c.KubernetesVersion)},
		Propagation:       optional(c.Propagation),
		ProxyMode:         word(c.KubeProxy.Mode, model.IPVS),
		MinSyncPeriod:     time.Duration(*c.KubeProxy.MinSyncPeriod),

		OtherChangesPerSecond: *c.KubeProxy.OtherChanges,
	}
	if b := c.LoadBalancer; b != nil {
		result.LoadBalancer = &model.LoadBalancer{Deregistration: time.Duration(*b.Deregistration)}
		if h := b.HealthCheck; h != nil {
			result.LoadBalancer.PeriodSeconds, result.LoadBalancer.FailureThreshold = *h.PeriodSeconds, *h.FailureThreshold
		}
	}
	return result
}

func toEvents(e *events) model.Events {
	every := func(e *event) *dist.Duration {
		if e == nil {
			return nil
		}
		return optional(e.Every)
	}
	result := model.Events{KubeletRestart: every(e.KubeletRestart), Rollout: every(e.Rollout)}
	if d := e.Deletion; d != nil {
		result.Deletion, result.DeletionGrace = every(&d.event), d.GracePeriodSeconds
	}
	return result
}
