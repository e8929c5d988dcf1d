package scenarios

import (
	corev1 "k8s.io/api/core/v1"
)

// The types of this file are the scenario format: the decoder, the JSON Schema
// and Show are all driven by them and their tags. A pointer or a list that is
// nil was left out.

type scenario struct {
	APIVersion   *string         `json:"apiVersion" required:"true" enum:"probesim/v1" doc:"Version of this format."`
	Kind         *string         `json:"kind" required:"true" enum:"Scenario" doc:"Kind of this file."`
	Metadata     metadata        `json:"metadata" doc:"What the scenario is called and where it comes from."`
	Manifest     *string         `json:"manifest" doc:"Kubernetes manifest with the workload, a path relative to this file: Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, List, several documents. Either this or pod."`
	Pod          *corev1.PodSpec `json:"pod" doc:"The workload as an inline PodSpec. Either this or manifest."`
	Container    *string         `json:"container" doc:"Name of the container studied. Default: the only one, or the only one with probes."`
	Replicas     *int32          `json:"replicas" min:"1" max:"100000" doc:"Number of pods. Default: the manifest's, else 1."`
	Application  application     `json:"application" doc:"How the process in the studied container behaves."`
	Faults       []fault         `json:"faults" doc:"What can go wrong with the process, for good or for a while."`
	Dependencies []dependency    `json:"dependencies" doc:"What the application depends on."`
	Node         node            `json:"node" doc:"The machine the pod runs on."`
	Cluster      cluster         `json:"cluster" doc:"What lies between the kubelet and the clients."`
	Events       events          `json:"events" doc:"What happens to the pod from outside."`
	Objectives   objectives      `json:"objectives" doc:"Bounds on the measures that settings must meet. Measures left out keep their default bounds; {} lifts one."`
	WhatIf       []whatIf        `json:"whatIf" doc:"Variants, compared with the base under common random numbers."`
	Run          runSettings     `json:"run" doc:"How much to simulate."`
}

type metadata struct {
	Name        *string `json:"name" doc:"Name of the scenario in results. Default: the name of the file."`
	Description *string `json:"description" doc:"What the scenario shows."`
	Source      *string `json:"source" doc:"Where the case was published."`
}

type application struct {
	BeforeStart []beforeStage `json:"beforeStart" doc:"What happens once per pod before the container runs: image pull, init containers. No probe sees it."`
	Startup     stages        `json:"startup" doc:"From process start to able to serve, at every start: stages in order, or one."`
	Threads     *int          `json:"threads" min:"1" max:"1024" doc:"Threads that can run at once (GOMAXPROCS; an event loop has 1). Default: as many as the node has CPUs."`
	Accounting  *string       `json:"accounting" enum:"tick|exact" default:"tick" doc:"How the handler's CPU time meets the quota: at the kernel's ticks, or exactly, as for a handler that reads its own CPU clock or switches threads often."`
	Probes      answers       `json:"probes" doc:"How the process answers probes."`
	Traffic     *traffic      `json:"traffic" doc:"The application's own requests. Default: none."`
	Background  []background  `json:"background" doc:"Work of the container's own, which shares the quota with the answers."`
	Pauses      []onOff       `json:"pauses" doc:"Stretches in which the whole process stands still: garbage collection, swapping."`
	Resources   []growth      `json:"resources" doc:"What grows until it is used up: memory, file handles, disk."`
	Shutdown    shutdown      `json:"shutdown" doc:"What the process does after SIGTERM."`
}

type beforeStage struct {
	Name *string               `json:"name" doc:"Name of the stage."`
	Wait *durationDistribution `json:"wait" default:"0s" doc:"Wall time."`
}

type stage struct {
	Name     *string               `json:"name" doc:"Name of the stage."`
	CPU      *durationDistribution `json:"cpu" default:"0s" doc:"CPU work of all threads together, which the limit stretches."`
	Wait     *durationDistribution `json:"wait" default:"0s" doc:"Wall time beside the CPU work, which the limit does not stretch."`
	Threads  *int                  `json:"threads" default:"1" min:"1" max:"1024" doc:"Threads that share the CPU work."`
	Answers  *string               `json:"answers" default:"refused" enum:"refused|failure|timeout|dropped|stallsAfterHeaders|error|redirectElsewhere|redirectLoop" doc:"What a probe gets meanwhile; the words are those of faults."`
	CPULimit *cpuQuantity          `json:"cpuLimit" above:"0" doc:"CPU limit in force during this stage (startup boost). Default: the container's own."`
}

type answers struct {
	All       *answer `json:"all" doc:"How every kind of probe is answered, unless its own entry says otherwise."`
	Startup   *answer `json:"startup" doc:"How the startup probe is answered."`
	Readiness *answer `json:"readiness" doc:"How the readiness probe is answered."`
	Liveness  *answer `json:"liveness" doc:"How the liveness probe is answered."`
}

type answer struct {
	CPU          *durationDistribution `json:"cpu" doc:"CPU time of one answer inside the container's cgroup. Default: 0."`
	Wait         *durationDistribution `json:"wait" doc:"Wall time of one answer beside its CPU time. Default: 1ms."`
	RunsOn       *string               `json:"runsOn" enum:"dedicated|workers" doc:"A thread of its own, or a worker of the traffic's pool, where it queues with the requests. Default: dedicated."`
	DependsOn    []string              `json:"dependsOn" doc:"Names of dependencies whose outage makes the answer a failure."`
	Cached       *duration             `json:"cached" doc:"Interval at which the status is computed outside the probe's thread. Default: computed by the answer itself."`
	FailsAbove   *failsAbove           `json:"failsAbove" doc:"Load above which the answer is a failure. Default: none."`
	Failure      *float64              `json:"failure" min:"0" max:"1" doc:"Probability that an answer is a failure for no other reason. Default: 0."`
	Failing      *onOff                `json:"failing" doc:"Stretches in which every answer is a failure. Default: none."`
	HangCoverage *float64              `json:"hangCoverage" min:"0" max:"1" doc:"Share of hangs that the handler notices. Default: 1; 0 for tcpSocket, as the kernel accepts the connections of a hung process."`
	Exec         *execCost             `json:"exec" doc:"What an exec probe costs before its command does anything. Default: nothing."`
}

type failsAbove struct {
	InFlight *int `json:"inFlight" required:"true" min:"1" max:"1000000" doc:"Requests in flight."`
}

type execCost struct {
	Join      *durationDistribution `json:"join" default:"0s" doc:"Wall time to join the container's cgroup, no CPU."`
	HelperCPU *durationDistribution `json:"helperCPU" default:"0s" doc:"CPU of the runtime's helper and the start of the program, inside the quota."`
}

type traffic struct {
	PerSecond     *float64              `json:"perSecond" required:"true" min:"0" max:"1000000" doc:"Mean arrival rate."`
	Of            *string               `json:"of" default:"pod" enum:"pod|service" doc:"Whether perSecond is each pod's, or the whole service's, shared by its ready replicas."`
	CPU           *durationDistribution `json:"cpu" default:"0s" doc:"CPU time of one request."`
	Wait          *durationDistribution `json:"wait" default:"0s" doc:"Wall time of one request beside its CPU time; its worker is held meanwhile."`
	Workers       *int                  `json:"workers" default:"1" min:"1" max:"100000" doc:"Requests served at once."`
	Queue         *int                  `json:"queue" default:"0" min:"0" max:"10000000" doc:"Requests that may wait; further ones are refused. 0: without bound."`
	ClientTimeout *duration             `json:"clientTimeout" doc:"After which the client gives up while the server still works the request off. Default: never."`
	Retries       *retries              `json:"retries" doc:"Further attempts of a client that gave up. Default: none."`
	Bursts        []burst               `json:"bursts" doc:"Stretches of more traffic."`
}

type retries struct {
	Max   *int      `json:"max" required:"true" min:"0" max:"100" doc:"Number of further attempts."`
	After *duration `json:"after" default:"0s" doc:"Time before each."`
}

type burst struct {
	onOff
	PerSecond *float64 `json:"perSecond" required:"true" min:"0" max:"1000000" doc:"Arrival rate while it lasts, in place of the mean rate."`
}

type background struct {
	Every   *durationDistribution `json:"every" min:"100us" doc:"Time from one job to the next."`
	CPU     *durationDistribution `json:"cpu" doc:"CPU time of one job."`
	Workers *workers              `json:"workers" doc:"Threads that work the jobs off, or unlimited: every job its own. Default: 1."`
	Always  *bool                 `json:"always" doc:"Burns CPU without end, instead of jobs."`
	Threads *int                  `json:"threads" min:"1" max:"1024" doc:"Threads that do, with always. Default: 1."`
}

type onOff struct {
	Name  *string               `json:"name" doc:"Name in results and traces."`
	Every *durationDistribution `json:"every" required:"true" min:"1ms" doc:"Time from the end of one occurrence to the start of the next."`
	Lasts *durationDistribution `json:"lasts" required:"true" doc:"How long one lasts."`
}

type growth struct {
	Name    *string  `json:"name" doc:"Name in results and traces."`
	Grows   grows    `json:"grows" required:"true" doc:"How fast it grows."`
	Fails   []string `json:"fails" default:"[readiness, liveness]" enum:"startup|readiness|liveness" doc:"Probes that fail from failsAt on."`
	FailsAt *float64 `json:"failsAt" default:"0.9" min:"0" max:"1" doc:"Share of the whole from which they fail."`
	AtFull  *string  `json:"atFull" default:"hang" enum:"hang|exit" doc:"What the process does when it is used up."`
}

type grows struct {
	PerHour *numberDistribution `json:"perHour" required:"true" doc:"Growth per hour as a share of the whole, drawn at each start."`
}

type shutdown struct {
	Wait           *durationDistribution `json:"wait" default:"0s" doc:"From SIGTERM to exit."`
	ListenerCloses *string               `json:"listenerCloses" default:"atSigterm" enum:"atSigterm|atExit" doc:"Whether new connections are refused from SIGTERM on, or served until the process exits."`
	IgnoresTerm    *bool                 `json:"ignoresTerm" default:"false" doc:"SIGKILL has to end the process."`
	ExitCode       *int                  `json:"exitCode" min:"0" max:"255" doc:"Status with which it exits on SIGTERM: 0 where it shuts down in good order. Default: 143, the signal ends it."`
}

type fault struct {
	Name     *string               `json:"name" doc:"Name in results and traces."`
	Every    *durationDistribution `json:"every" min:"1ms" doc:"Time from a process's start, or from the end of the last occurrence in it, to the next. Either this or after."`
	After    *duration             `json:"after" doc:"Planned once, that long after each process's start. Either this or every."`
	Exits    *bool                 `json:"exits" default:"false" doc:"The process exits."`
	ExitCode *int                  `json:"exitCode" min:"0" max:"255" doc:"Status with which it exits, which restart policies and rules ask for. Default: 1."`
	Answers  *string               `json:"answers" default:"timeout" enum:"timeout|failure|refused|dropped|stallsAfterHeaders|error|redirectElsewhere|redirectLoop" doc:"What probes get meanwhile. timeout: the connection is accepted, and no answer comes; a tcpSocket probe succeeds. failure: a bad status or exit code. refused: nothing listens. dropped: no connection comes about, as with a full accept backlog. stallsAfterHeaders (httpGet): headers and no body, which is thrown away as an error after three timeouts. error: thrown away, never counted. redirectElsewhere (httpGet): to another host, which counts as success. redirectLoop (httpGet): ten requests and then a failure. What a handler does not know is a failure to it."`
	Lasts    *durationDistribution `json:"lasts" doc:"How long it lasts. Default: for ever."`
	Probes   []string              `json:"probes" enum:"startup|readiness|liveness" doc:"Probes that see it; the process goes on serving. Default: all, and it serves nothing."`
}

type dependency struct {
	Name   *string `json:"name" required:"true" doc:"Name that dependsOn uses."`
	Outage onOff   `json:"outage" required:"true" doc:"When it is not there."`
}

type node struct {
	machine
	ReplicasPerNode *int    `json:"replicasPerNode" min:"1" max:"1000" doc:"How many replicas run on one node, where they are simulated together: they share its stalls, its neighbours and its class. Default: 1."`
	Classes         []class `json:"classes" doc:"Kinds of node a replica can land on, one drawn per replica. What the node itself states holds for all of them."`
}

type class struct {
	Weight *float64 `json:"weight" required:"true" min:"0" max:"1000000000" doc:"Relative probability."`
	machine
}

type machine struct {
	Profile                *string        `json:"profile" doc:"Named preset of the fields below. Default: quiet."`
	CPUs                   *int           `json:"cpus" min:"1" max:"1024" doc:"Number of CPUs."`
	KernelHz               *int           `json:"kernelHz" min:"100" max:"1000" doc:"Ticks per second of the kernel: 100, 250 or 1000."`
	CFSPeriod              *duration      `json:"cfsPeriod" min:"1ms" max:"1s" doc:"The kubelet's cpuCFSQuotaPeriod."`
	CFSQuota               *bool          `json:"cfsQuota" doc:"Whether the kubelet applies CPU limits."`
	MaxContainerRestart    *duration      `json:"maxContainerRestartPeriod" min:"1s" max:"300s" doc:"The kubelet's crashLoopBackOff.maxContainerRestartPeriod, since Kubernetes 1.35: the longest restart back-off. Default: 300s."`
	CFSBurst               *duration      `json:"cfsBurst" max:"1s" doc:"CPU time a container may save up beyond its quota."`
	CgroupWeights          *string        `json:"cgroupWeights" enum:"linear|log" doc:"Formula from CPU requests to cgroup v2 weights: log since runc 1.3.2 and crun 1.23."`
	Kernel                 *kernelVersion `json:"kernel" doc:"Linux version, for example 6.18."`
	Neighbours             []neighbour    `json:"neighbours" doc:"Other containers of the node, busy at times."`
	InterruptionsPerSecond *float64       `json:"interruptionsPerSecond" min:"0" max:"10000" doc:"Short interruptions by other work, per second of the container's running."`
	Stalls                 []stall        `json:"stalls" doc:"Stretches in which the node does not run the container at all."`
}

type neighbour struct {
	CPURequest *cpuQuantity          `json:"cpuRequest" above:"0" doc:"Its CPU request, which sets its weight. Default: none, it takes no CPU."`
	WaitFactor *float64              `json:"waitFactor" min:"1" max:"1000000" doc:"How many times as long the waits of probes' answers and of requests take that begin while it is busy, since it contends for disk, network and memory, too. Several busy neighbours multiply. Default: 1."`
	Busy       *durationDistribution `json:"busy" required:"true" doc:"How long it is busy."`
	Idle       *durationDistribution `json:"idle" required:"true" min:"1ms" doc:"How long it is not."`
}

type stall struct {
	onOff
	ChargedToQuota *bool `json:"chargedToQuota" default:"false" doc:"The guest charges the stolen time to the quota as if the container had run."`
}

type cluster struct {
	KubernetesVersion *kubernetesVersion    `json:"kubernetesVersion" default:"1.37" doc:"Version whose kubelet is simulated, 1.30 to 1.37."`
	Propagation       *durationDistribution `json:"propagation" doc:"Whole delay from a readiness change at the kubelet to the last proxy. Default: the mechanism (status, EndpointSlice, kube-proxy)."`
	KubeProxy         kubeProxy             `json:"kubeProxy" doc:"Settings of kube-proxy."`
	LoadBalancer      *loadBalancer         `json:"loadBalancer" doc:"External load balancer with pods as its targets. Default: none."`
}

type kubeProxy struct {
	Mode          *string   `json:"mode" default:"iptables" enum:"iptables|nftables|ipvs" doc:"Mode of kube-proxy."`
	MinSyncPeriod *duration `json:"minSyncPeriod" doc:"Least time between two applications of its rules. Default: kube-proxy's own, 1s, or 0s in mode ipvs."`
	OtherChanges  *float64  `json:"otherChangesPerSecond" default:"0" min:"0" max:"1000" doc:"How often endpoints of the cluster's other services change, per second on average: kube-proxy applies its rules for each, and a change of this service that comes within minSyncPeriod after waits. Not with propagation, which is the whole delay."`
}

type loadBalancer struct {
	Deregistration *duration    `json:"deregistration" default:"0s" doc:"From the endpoint's removal to no new connections."`
	HealthCheck    *healthCheck `json:"healthCheck" doc:"Its own health check. Default: none."`
}

type healthCheck struct {
	PeriodSeconds    *int32 `json:"periodSeconds" default:"10" min:"1" doc:"Seconds between two checks."`
	FailureThreshold *int32 `json:"failureThreshold" default:"3" min:"1" doc:"Failed checks in a row that take a target out."`
}

type events struct {
	KubeletRestart *event    `json:"kubeletRestart" doc:"Restarts of the kubelet. Default: none."`
	Deletion       *deletion `json:"deletion" doc:"Deletions of the pod; the next one begins when it is gone. Default: none."`
	Rollout        *event    `json:"rollout" doc:"Rolling updates of the workload, with maxSurge 1 and maxUnavailable 0: a new pod becomes Ready before the old one is deleted. Default: none."`
}

type deletion struct {
	event
	GracePeriodSeconds *int64 `json:"gracePeriodSeconds" min:"0" max:"4294967295" doc:"What the DELETE call states, as kubectl delete --grace-period does; the smaller of it and the pod's holds, and at least 1. Default: the pod's terminationGracePeriodSeconds."`
}

type event struct {
	Every *durationDistribution `json:"every" required:"true" min:"1s" doc:"Time from one to the next."`
}

type whatIf struct {
	Name *string `json:"name" required:"true" doc:"Name of the variant in results."`
	Set  changes `json:"set" required:"true" doc:"Changes to the base: paths as in this file, with startupProbe, readinessProbe, livenessProbe, resources and lifecycle at the head for those of the studied container."`
}

type runSettings struct {
	Horizon   *duration `json:"horizon" default:"30d" min:"1s" max:"876600h" doc:"Virtual time of one replication, at most 100 years."`
	Seed      *uint64   `json:"seed" default:"1" doc:"Seed of the random numbers."`
	Precision *float64  `json:"precision" default:"0.1" above:"0" max:"1" doc:"Relative half-width of the intervals sought."`
	Budget    *duration `json:"budget" default:"60s" above:"0s" doc:"Longest wall time of the run."`
}
