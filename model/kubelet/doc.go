// Package kubelet holds what the kubelet does with probes, as pure state
// machines: the probe worker, its results, the container status, restart
// back-off and the way of a readiness change to the proxies. It has no clock
// and no event list; every method is told the time. Rules K… are cited where
// they are implemented.
package kubelet
