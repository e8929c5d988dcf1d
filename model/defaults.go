package model

import (
	"time"

	"github.com/probesim/probesim/model/dist"
)

// DefaultGrace is the pod's terminationGracePeriodSeconds where none is given (K55).
const DefaultGrace = 30

// MaxContainerRestartPeriod is the longest restart back-off where a node's kubelet is
// not configured otherwise (K41).
const MaxContainerRestartPeriod = 300 * time.Second

// DefaultAnswer returns how a process answers a probe where nothing is said:
// no CPU, one millisecond, never a failure. A hang is noticed by every handler
// but tcpSocket: the kernel accepts the connections of a hung process (C10).
func DefaultAnswer(kind HandlerKind) Answer {
	answer := Answer{Wait: dist.Constantly(time.Millisecond), HangCoverage: 1}
	if kind == TCPSocket {
		answer.HangCoverage = 0
	}
	return answer
}

// DefaultNode returns a quiet node: 4 CPUs, 250 ticks a second, the kubelet's
// CFS period of 100 ms, no neighbours and no stalls.
func DefaultNode() Node {
	return Node{Profile: "quiet", CPUs: 4, KernelHz: 250, CFSPeriod: 100 * time.Millisecond, Kernel: "6.18"}
}

// DefaultCluster returns a cluster of the newest simulated version with
// kube-proxy's defaults (K51).
func DefaultCluster() Cluster {
	return Cluster{KubernetesVersion: NewestVersion, ProxyMode: IPTables, MinSyncPeriod: IPTables.MinSyncPeriod()}
}
