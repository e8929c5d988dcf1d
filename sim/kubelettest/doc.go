// Package kubelettest runs the probe code of the real kubelet beside the
// simulator's and compares the two event for event.
//
// It is a module of its own, so that only those who run the comparison download
// Kubernetes. Everything happens in the virtual time of testing/synctest.
//
// Real, as imported from k8s.io/kubernetes: the probe manager and its workers
// with their timers, the exec prober and its retries, the three result caches
// with their updates, the status manager (without an API server), the Started,
// Ready and condition computations, and client-go's back-off.
//
// Modelled here, as sim/testdata/conformance/README.md describes it: the
// container runtime and its relists, the pod worker, the decisions to kill and
// to start, the carry-over of K11, and the sync loop's reactions to results.
package kubelettest
