package scenarios

import (
	_ "embed"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

//go:embed images.yaml
var imagesYAML []byte

// imageRule is what is assumed of an application by the look of its image.
type imageRule struct {
	Words            []string `json:"words"`
	What             string   `json:"what"`
	Startup          verbatim `json:"startup"`
	CPUShare         float64  `json:"cpuShare"`
	StartupSource    string   `json:"startupSource"`
	Threads          int      `json:"threads"`
	Answer           verbatim `json:"answer"`
	AnswerSource     string   `json:"answerSource"`
	ExecAnswer       verbatim `json:"execAnswer"`
	ExecAnswerSource string   `json:"execAnswerSource"`
}

// verbatim is a part of a scenario that is kept as it is written.
type verbatim struct{ node *yaml.Node }

func (v *verbatim) decodeNode(_ *decoder, n *yaml.Node, _ place) { v.node = n }

// String returns the part in one line.
func (v verbatim) String() string { return flow(v.node) }

// flow writes a tree in one line.
func flow(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		var entries []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			entries = append(entries, flow(n.Content[i])+": "+flow(n.Content[i+1]))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case yaml.SequenceNode:
		var elements []string
		for _, element := range n.Content {
			elements = append(elements, flow(element))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return n.Value
}

var imageRules = sync.OnceValue(func() []imageRule { return embedded[imageRule]("images.yaml", imagesYAML) })

// assumption is one thing supposed about a bare manifest.
type assumption struct {
	paths    []string // of the scenario; setting any of them, or below it, replaces the assumption
	sentence string
}

// String returns the sentence with the path that replaces it.
func (a assumption) String() string {
	return fmt.Sprintf("%s [--set %s=…]", a.sentence, strings.Join(a.paths, "=…, "))
}

// overridden reports whether a change replaces the assumption.
func (a assumption) overridden(list changes) bool {
	return slices.ContainsFunc(list, func(c change) bool {
		return slices.ContainsFunc(a.paths, func(path string) bool {
			rest, found := strings.CutPrefix(c.path, path)
			above, isAbove := strings.CutPrefix(path, c.path)
			return found && (rest == "" || rest[0] == '.' || rest[0] == '[') ||
				isAbove && (above == "" || above[0] == '.' || above[0] == '[')
		})
	})
}

// assume makes the scenario of a bare manifest: what has to be supposed so
// that its probes can be judged, with a sentence for each supposition. What
// the manifest says is read before any overlay but the container's name, so that
// a variant with another initialDelaySeconds does not suppose another application.
func (u *unit) assume(list changes) {
	found := u.object.candidates()
	container, err := u.object.studied("")
	for _, c := range list {
		if i := slices.Index(namesOf(found), text(c.value)); c.path == "container" && i >= 0 {
			container, err = &found[i], nil
		}
	}
	if err != nil {
		container = &candidate{node: mapping()} // which is reported where the object is decoded
	}
	u.assumeFor(container)
}

// assumeFor supposes what one of the containers does.
func (u *unit) assumeFor(container *candidate) {
	u.scenario, u.assumed = mapping(), nil
	setChild(u.scenario, "apiVersion", scalar("probesim/v1"))
	setChild(u.scenario, "kind", scalar("Scenario"))
	rule := ruleFor(container.node)
	u.assumeNode()
	u.assumeStartup(container.node, rule)
	u.assumeAnswers(container.node, rule)
	if rule.Threads > 0 {
		u.suppose("application.threads", strconv.Itoa(rule.Threads), fmt.Sprintf("%s runs %s at a time", rule.What, count(rule.Threads, "thread")))
	}
	u.suppose("faults", "[{name: hang, every: {exponential: 30d}, answers: timeout}]",
		"a process hangs for good once in 30 days on average, at random")
	u.assumed = append(u.assumed, assumption{
		[]string{"application.traffic", "application.background", "application.pauses"},
		"the process has no traffic, background work or pauses that delay its answers",
	})
	switch {
	case u.object.kind == "DaemonSet":
		u.assumed = append(u.assumed, assumption{[]string{"replicas"}, "there is one node, and so one pod: how many there are the DaemonSet does not say"})
	case u.object.completes():
		u.assumeNoClients()
	}
}

// assumeNoClients supposes that nobody waits for the pod to be in the endpoints
// or out of them: it runs to completion.
func (u *unit) assumeNoClients() {
	paths := []string{"objectives.removalSeconds", "objectives.readyLagSeconds", "objectives.livenessToReadinessTolerance"}
	for _, path := range paths {
		u.suppose(path, "{}", "")
	}
	u.assumed = append(u.assumed[:len(u.assumed)-len(paths)], assumption{paths,
		"the pod runs to completion and serves nobody: no objective bounds its removal from the endpoints, its way into them or what its readiness probe bears"})
}

// coverage says which probes notice a hang, by what their handlers ask (C10),
// unless something else is stated.
func coverage(w *model.World) []assumption {
	var sees, blind []string
	var pathsOfSees, pathsOfBlind []string
	for kind, probe := range w.Container().Probes {
		if probe == nil {
			continue
		}
		kind, standard := model.ProbeKind(kind), model.DefaultAnswer(probe.Handler.Kind).HangCoverage
		name, path := fmt.Sprintf("%s (%s)", kind.Field(), probe.Handler.Kind), "application.probes."+kind.String()+".hangCoverage"
		switch {
		case w.Application.Probes[kind].HangCoverage != standard:
		case standard == 0:
			blind, pathsOfBlind = append(blind, name), append(pathsOfBlind, path)
		default:
			sees, pathsOfSees = append(sees, name), append(pathsOfSees, path)
		}
	}
	var all []assumption
	if sees != nil {
		all = append(all, assumption{pathsOfSees, "every hang makes these fail: " + strings.Join(sees, ", ")})
	}
	if blind != nil {
		all = append(all, assumption{pathsOfBlind, "no hang makes these fail, as the kernel accepts the connections of a hung process (C10): " + strings.Join(blind, ", ")})
	}
	return all
}

// suppose adds a part to the scenario, with the sentence that says so.
func (u *unit) suppose(path, text, sentence string) {
	trees, faults := documents("assumption", []byte(text))
	steps, err := parsePath(path)
	if err == nil && len(trees) == 1 && len(faults) == 0 {
		clearLines(trees[0])
		err = assign(u.scenario, steps, trees[0], func(*yaml.Node) {})
	}
	if err != nil || len(faults) > 0 {
		panic(fmt.Sprint(path, text, err, faults)) // written here, not by the input
	}
	u.assumed = append(u.assumed, assumption{[]string{path}, sentence})
}

const assumedProfile = "shared-vm"

func (u *unit) assumeNode() {
	for _, p := range profiles() {
		if p.Name == assumedProfile {
			u.suppose("node.profile", p.Name, fmt.Sprintf("the node is of the profile %s: %s", p.Name, lowerFirst(strings.TrimSuffix(p.Description, "."))))
		}
	}
}

func lowerFirst(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

var wordsOfImage = regexp.MustCompile(`[a-z]+`)

// ruleFor returns the rule for a container's image and command.
func ruleFor(container *yaml.Node) *imageRule {
	words := map[string]bool{}
	image := text(child(container, "image"))
	if host, rest, ok := strings.Cut(image, "/"); ok && strings.ContainsAny(host, ".:") {
		image = rest // a registry's host says nothing about the program
	}
	image, _, _ = strings.Cut(image, "@")
	texts := []string{image}
	if command := child(container, "command"); command != nil && len(command.Content) > 0 {
		texts = append(texts, path.Base(text(command.Content[0])))
	}
	for _, t := range texts {
		for _, word := range wordsOfImage.FindAllString(strings.ToLower(t), -1) {
			words[word] = true
		}
	}
	rules := imageRules()
	for i := range rules {
		if slices.ContainsFunc(rules[i].Words, func(word string) bool { return words[word] }) {
			return &rules[i]
		}
	}
	return &rules[len(rules)-1]
}

// longestGranted is the longest time granted to a start that is taken for a
// statement about it. A threshold of millions says that it may take any time.
const longestGranted = 24 * time.Hour

// startsWithin says which part of a startup probe's budget the slow starts take, one in a
// hundred, and withoutRequest that of a container without a CPU request, which waits for
// its neighbours: as in recommend's budgets, which it bases on one start in 40,000 beside
// them. For starts as they are supposed here that is 2.3 to 3.5 times the 99th percentile
// with a request, and from 6.9 times it without one (simulated, for each image's rule).
const startsWithin, withoutRequest = 4, 8

// assumeStartup supposes the start by what the manifest grants it. The longest
// initialDelaySeconds is taken for a slow start that its author measured, one in a
// hundred. The budget of a startup probe is taken to hold a reserve beyond slow starts, so
// that what recommend proposed is what it proposes again. Without a CPU request the
// reserve is for the neighbours and depends little on the start: there the image's rule
// holds where it fits into the budget at all. The median is half of a slow start, and
// the CPU part that of the image's rule, under the limit in force.
func (u *unit) assumeStartup(container *yaml.Node, rule *imageRule) {
	granted, by := grantedStart(container)
	u.startBudget, u.startGranted = 0, false
	if granted == 0 || granted > longestGranted {
		sentence := ""
		if granted > 0 {
			sentence = fmt.Sprintf("; that %s grants it more than a day says nothing about it", by)
		}
		u.assumeImageStart(rule, sentence)
		return
	}
	if by != model.Startup.Field() {
		u.assumeStartOf(granted, "what "+by+" grants it", container, rule)
		return
	}
	u.startBudget = granted
	if requestsCPU(container) {
		u.assumeStartOf(granted/startsWithin, fmt.Sprintf("a quarter of what %s grants it, as the rest is reserve", by), container, rule)
		return
	}
	if rule.slowStart(container) < granted {
		u.assumeImageStart(rule, fmt.Sprintf("; without a CPU request the %s that %s grants are taken for a reserve for neighbours", formatDuration(granted), by))
		return
	}
	u.assumeStartOf(granted/withoutRequest, fmt.Sprintf("an eighth of what %s grants it, as the rest is reserve, and that for neighbours where there is no CPU request", by), container, rule)
}

const startupPath = "application.startup"

// assumeImageStart supposes the start of the image's rule, with what is to be said beside.
func (u *unit) assumeImageStart(rule *imageRule, beside string) {
	u.suppose(startupPath, rule.Startup.String(), fmt.Sprintf("a start takes %s, the CPU work under the limit, as of %s (%s)%s", rule.Startup, rule.What, rule.StartupSource, beside))
}

// assumeStartOf supposes a start of which the 99th percentile is known.
func (u *unit) assumeStartOf(slow time.Duration, why string, container *yaml.Node, rule *imageRule) {
	u.startGranted = true
	cpus, threads := rule.startCPUs(container)
	seconds := slow.Seconds()
	wait := (1 - rule.CPUShare) * seconds / 2
	round := func(seconds float64) string {
		return formatDuration(time.Duration(seconds * 1e9).Round(time.Microsecond))
	}
	startup := fmt.Sprintf("{cpu: {p50: %s, p99: %s}, wait: %s, threads: %d}",
		round((seconds/2-wait)*cpus), round((seconds-wait)*cpus), round(wait), int(threads))
	u.suppose(startupPath, startup, fmt.Sprintf("a start takes %s at the median and %s at the 99th percentile, %s; %.0f %% of it is CPU work, as of %s",
		formatDuration(slow/2), formatDuration(slow), why, 100*rule.CPUShare, rule.What))
}

// startCPUs returns the CPUs that a start by the rule gets under the container's limit, and
// its threads.
func (rule *imageRule) startCPUs(container *yaml.Node) (cpus, threads float64) {
	threads = 1
	if n, err := strconv.ParseFloat(text(child(rule.Startup.node, "threads")), 64); err == nil {
		threads = n
	}
	if milli, err := parseCPU(text(descend(container, "resources", "limits", "cpu"))); err == nil && milli > 0 {
		return min(threads, float64(max(milli, 10))/1000), threads // less than 10m is treated as 10m (C22)
	}
	return threads, threads
}

// slowStart returns the 99th percentile of a start by the rule under the container's
// limit, where all its parts are slow.
func (rule *imageRule) slowStart(container *yaml.Node) time.Duration {
	cpus, _ := rule.startCPUs(container)
	var s stage
	(&decoder{}).decode(rule.Startup.node, reflect.ValueOf(&s).Elem(), place{}) // a test decodes each
	return s.Wait.Quantile(.99) + time.Duration(float64(s.CPU.Quantile(.99))/cpus)
}

// requestsCPU reports whether a container has a CPU request, be it by its limit.
func requestsCPU(container *yaml.Node) bool {
	for _, of := range []string{"requests", "limits"} {
		if milli, err := parseCPU(text(descend(container, "resources", of, "cpu"))); err == nil && milli > 0 {
			return true
		}
	}
	return false
}

// grantedStart returns the time the manifest grants a start, and the field
// that says so: the window a startup probe guarantees (S5), or the longest
// initial delay.
func grantedStart(container *yaml.Node) (time.Duration, string) {
	seconds := func(probe *yaml.Node, field string, otherwise int64) int64 {
		var value int64
		if n := child(probe, field); n == nil || n.Decode(&value) != nil || value <= 0 {
			return otherwise
		}
		return min(value, 1<<20)
	}
	if probe := child(container, model.Startup.Field()); probe != nil {
		granted := seconds(probe, "initialDelaySeconds", 0) + (seconds(probe, "failureThreshold", 3)-1)*seconds(probe, "periodSeconds", 10)
		return time.Duration(min(granted, int64(longestGranted/time.Second)+1)) * time.Second, model.Startup.Field()
	}
	var longest int64
	var by string
	for _, kind := range []model.ProbeKind{model.Liveness, model.Readiness} {
		if delay := seconds(child(container, kind.Field()), "initialDelaySeconds", 0); delay > longest {
			longest, by = delay, kind.Field()+".initialDelaySeconds"
		}
	}
	return time.Duration(longest) * time.Second, by
}

// execCosts are the costs of an exec probe beside its command, measured: 5 to
// 17 ms (10 to 90 %) to join the cgroup (C27), and the CPU of starting a Go
// program in it (C26).
const execCosts = "{join: {p10: 5ms, p50: 10ms, p90: 17ms}, helperCPU: {p50: 2ms, p99: 4ms}}"

func (u *unit) assumeAnswers(container *yaml.Node, rule *imageRule) {
	source := rule.AnswerSource
	if source == "" {
		source = "assumed"
	}
	u.suppose("application.probes.all", rule.Answer.String(), fmt.Sprintf("the answer to a probe takes %s, as of %s (%s)", rule.Answer, rule.What, source))
	for kind := range model.ProbeKind(model.ProbeKinds) {
		probe := child(container, kind.Field())
		if child(probe, "exec") == nil {
			continue
		}
		path := "application.probes." + kind.String()
		if rule.ExecAnswer.node != nil {
			answer := strings.TrimSuffix(rule.ExecAnswer.String(), "}") + ", exec: " + execCosts + "}"
			u.suppose(path, answer, fmt.Sprintf("the command of the %s takes %s (%s)", kind.Field(), rule.ExecAnswer, rule.ExecAnswerSource))
			continue
		}
		u.suppose(path+".exec", execCosts, fmt.Sprintf("starting the command of the %s takes %s (measured, rules C26 and C27)", kind.Field(), execCosts))
	}
}
