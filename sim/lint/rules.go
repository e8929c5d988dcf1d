package lint

import "slices"

// Rule is one check.
type Rule struct {
	ID       string   // stable: suppressions and dashboards name it
	Severity Severity // the highest that its findings have
	Title    string   // what it looks for, in a few words
	Cites    []string // rules of docs/model.md

	check func(c *check)
}

// The rule of the suppressions themselves, which cannot be suppressed.
const unknownSuppression = "unknown-suppression"

// Invalid is the id of findings about objects that the API server would
// refuse. They come from whoever reads the objects.
const Invalid = "invalid-object"

// UnknownField is the id of findings about fields that Kubernetes does not have and
// ignores. They come from whoever reads the objects, too.
const UnknownField = "unknown-field"

// Rules returns every rule, in the order in which they are checked.
func Rules() []Rule { return append([]Rule{invalidObject, unknownField}, slices.Clone(rules)...) }

var invalidObject = Rule{
	ID: Invalid, Severity: Error, Cites: []string{"K56", "K58"},
	Title: "the API server would refuse the object, or it cannot be read",
}

var unknownField = Rule{
	ID: UnknownField, Severity: Warning, Cites: []string{"K55"},
	Title: "Kubernetes has no such field and ignores it: the default is in force",
}

// RuleOf returns the rule of an id, which there is.
func RuleOf(id string) Rule {
	all := Rules()
	return all[slices.IndexFunc(all, func(rule Rule) bool { return rule.ID == id })]
}

// IDs returns the id of every rule, sorted.
func IDs() []string {
	var ids []string
	for _, rule := range Rules() {
		ids = append(ids, rule.ID)
	}
	slices.Sort(ids)
	return ids
}

var rules []Rule

// The table is filled in by init, since the check of the suppressions reads it.
func init() {
	rules = []Rule{
		{"false-kills", Error, "a healthy container is killed more often than once in ten pod-years", []string{"A11", "A18", "A26", "S3"}, falseKills},
		{"starts-killed", Error, "starts are killed before they are done", []string{"S5", "K28"}, startsKilled},
		{"never-ready", Error, "pods never become Ready", []string{"K46", "S5"}, neverBecomesReady},
		{"readiness-outlasts-liveness", Error, "a hung container is killed before it is out of the endpoints", []string{"A8", "A16", "S4"}, readinessOutlasts},
		{"liveness-checks-dependency", Error, "an outage of a dependency kills every replica", []string{"A3", "S3"}, livenessDependency},
		{"handler-exceeds-timeout", Error, "the handler cannot finish inside the CPU limit before the timeout", []string{"A24", "A27", "S8"}, handlerExceedsTimeout},
		{"unsupported-field", Error, "the Kubernetes version lacks the field", []string{"A31"}, unsupportedFields},
		{"unknown-port", Error, "a probe names a port that the container does not have", []string{"K21"}, unknownPorts},
		{"no-readiness-probe", Warning, "traffic arrives as soon as the container runs", []string{"A6", "K46"}, noReadiness},
		{"no-liveness-probe", Info, "a hung container stays as it is", []string{"A12", "S23"}, noLiveness},
		{"identical-probes", Warning, "readiness and liveness are the same probe", []string{"A15", "S4"}, identicalProbes},
		{"same-endpoint", Info, "readiness and liveness ask the same with other numbers", []string{"A15"}, sameEndpoint},
		{"liveness-below-twice-readiness", Warning, "liveness tolerates less than twice what readiness does", []string{"A17", "S3"}, livenessBelowTwice},
		{"tcp-probe-sees-no-hang", Warning, "a tcpSocket probe succeeds at a hung process", []string{"C10"}, tcpSeesNoHang},
		{"timeout-exceeds-period", Warning, "timeoutSeconds is above periodSeconds", []string{"K5", "K57", "S4"}, timeoutExceedsPeriod},
		{"slow-removal", Warning, "a hung pod is sent requests for over a minute", []string{"A11", "A18", "S4"}, slowRemoval},
		{"slow-detection", Warning, "a hung container goes on for more than ten minutes", []string{"A11", "A18", "S4"}, slowDetection},
		{"long-timeout", Info, "timeoutSeconds is above 1 without need", []string{"A24"}, longTimeout},
		{"exec-timeout-ignored", Warning, "before Kubernetes 1.20 the timeout of exec probes is not enforced", []string{"A31", "K16"}, execTimeoutIgnored},
		{"long-initial-delay", Warning, "a long initialDelaySeconds without a startup probe", []string{"A19", "A22", "A23", "S5"}, longInitialDelay},
		{"slow-ready", Info, "the readiness period makes every start wait", []string{"A21", "S5", "K74"}, slowReady},
		{"progress-deadline", Warning, "a rollout fails before its startup budget is used up", []string{"S5"}, progressDeadline},
		{"long-init-containers", Info, "what runs before the container takes long, one after the other", []string{"A20"}, longInitContainers},
		{"probe-share-of-quota", Warning, "one answer takes a large share of the CPU quota of a period", []string{"A27", "C22"}, shareOfQuota},
		{"probe-cpu-cost", Warning, "the probes cost much of the CPU limit", []string{"A13", "C26"}, cpuCost},
		{"coinciding-probes", Info, "probes of equal periods meet in one period of the quota", []string{"A27", "C22", "K3"}, coincidingProbes},
		{"probe-shares-workers", Warning, "a probe queues with the traffic", []string{"A9", "A14", "S6"}, sharesWorkers},
		{"readiness-sheds-load", Warning, "a busy pod leaves the endpoints and its load goes to the others", []string{"A4", "A9"}, shedsLoad},
		{"readiness-checks-dependency", Info, "an outage of a dependency takes every replica out of the endpoints", []string{"A3"}, readinessDependency},
		{"late-resource-mark", Warning, "a resource is used up before the probe that watches it acts", []string{"A5"}, lateResourceMark},
		{"missing-pre-stop", Warning, "a deleted pod stops before the proxies know", []string{"A2", "K79", "K82"}, missingPreStop},
		{"pre-stop-exceeds-grace", Warning, "the preStop hook uses up the grace period", []string{"K37"}, preStopExceedsGrace},
		{"liveness-ends-pod", Warning, "a liveness verdict ends the pod instead of restarting it", []string{"A10", "K35"}, livenessEndsPod},
		{unknownSuppression, Warning, "the annotation suppresses an id that does not exist", []string{}, unknownSuppressions},
	}
}
