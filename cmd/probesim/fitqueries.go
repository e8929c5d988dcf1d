package main

import (
	"io"
)

// queries collect what fit reads, and say where its answer belongs.
const queries = `What to collect, how to fit it, and where it belongs in a scenario. Replace NS, POD, C
(container) and APP; PROM is the address of Prometheus. The metrics prober_… are the
kubelet's (/metrics/probes), kube_… those of kube-state-metrics.

Startup durations                                                 application.startup.wait
  kubectl get pods -n NS -l app=APP -o json > pods.json
  probesim fit pods.json --container C

  curl -sG PROM/api/v1/query --data-urlencode 'query=
    min by (namespace, pod) (kube_pod_status_ready_time{namespace="NS",pod=~"POD-.*"})
    - max by (namespace, pod) (kube_pod_container_state_started{namespace="NS",container="C"})
    > 0' > startups.json
  probesim fit startups.json --unit s

Stalls, from failed liveness probes and kills                     application.pauses
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum(increase(prober_probe_total{namespace="NS",pod=~"POD-.*",container="C",
      probe_type="Liveness",result="failed"}[14d]))'
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum(increase(kube_pod_container_status_restarts_total{namespace="NS",container="C"}[14d]))'
  probesim fit --failures N --kills N --over 14d --period 10 --timeout 1 --failure-threshold 3

  kubectl get events -n NS -o json > events.json        # the last hour; kills by name of probe
  probesim fit events.json --period 10 --timeout 1 --failure-threshold 3

How long probes take, as the kubelet sees it                      application.probes.all.wait
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum by (le) (increase(prober_probe_duration_seconds_bucket{namespace="NS",
      pod=~"POD-.*",container="C",probe_type="Liveness"}[7d]))' > probes.json
  probesim fit probes.json

Pauses of a JVM (-Xlog:gc)                                        application.pauses[].lasts
  grep 'Pause' gc.log | grep -oE '[0-9.]+ms$' > pauses.csv
  probesim fit pauses.csv

Image pulls                                                       application.beforeStart[].wait
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum by (le) (increase(kubelet_runtime_operations_duration_seconds_bucket{
      operation_type="pull_image"}[7d]))' > pulls.json
  probesim fit pulls.json

From a readiness change to the proxies                            cluster.propagation
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum by (le) (increase(kubeproxy_network_programming_duration_seconds_bucket[7d]))' > proxies.json
  probesim fit proxies.json

The application's own requests                                    application.traffic.wait
  curl -sG PROM/api/v1/query --data-urlencode 'query=
    sum by (le) (increase(http_request_duration_seconds_bucket{pod=~"POD-.*"}[7d]))' > requests.json
  probesim fit requests.json
`

func writeQueries(w io.Writer) error {
	_, err := io.WriteString(w, queries)
	return err
}
