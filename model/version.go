package model

import "fmt"

// The kubelets that are simulated differ in a few places, all of them here. One
// change is none: the back-off is reset after 600 s since 1.32 and was after twice
// its maximum before, which could only be 300 s then (K41).

// String returns the version as people write it: "1.37".
func (v Version) String() string { return fmt.Sprintf("1.%d", v.Minor) }

// TriggerRestartsTicker reports whether a manual trigger restarts the readiness
// worker's ticker (K3).
func (v Version) TriggerRestartsTicker() bool { return v.Minor >= 32 }

// StartupSuccessHolds reports whether a startup worker goes on hold after a
// success too, not only after a failure (K25).
func (v Version) StartupSuccessHolds() bool { return v.Minor >= 32 }

// StartedCarriesOver reports whether a new container without a startup result
// takes the started value of the one before it (K11).
func (v Version) StartedCarriesOver() bool { return v.Minor >= 35 }

// RelistAfterAction reports whether a sync that killed or started something
// asks for a relist at once (K45).
func (v Version) RelistAfterAction() bool { return v.Minor >= 36 }

// AdoptsContainers reports whether a restarted kubelet leaves the readiness of
// containers that ran before it as it was (K54).
func (v Version) AdoptsContainers() bool { return v.Minor >= 35 }

// ContainerRestartRules reports whether regular containers can have a restart policy
// of their own, with rules about exit codes (K35, K38).
func (v Version) ContainerRestartRules() bool { return v.Minor >= 35 }

// NodeBackOffMaximum reports whether a node's kubelet can have a lower maximum of the
// restart back-off than 300 s (K41).
func (v Version) NodeBackOffMaximum() bool { return v.Minor >= 35 }

// RequeueAtBackOffEnd reports whether a refused start is tried again when its
// back-off ends; before, after a fixed 10 s (K43).
func (v Version) RequeueAtBackOffEnd() bool { return v.Minor >= 36 }
