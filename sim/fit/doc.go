// Package fit turns measurements into distributions: it fits candidate families
// by maximum likelihood to durations of which some may be cut off or known to an
// interval only (S17), compares them by Akaike's criterion, shows how well each
// fits, and resamples to say how far the result can be trusted (S16). It also
// fits a process of stalls to counts of failed probes and of kills (S3).
package fit
