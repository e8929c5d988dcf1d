// Command probesim simulates and computes the timing of Kubernetes health
// probes and recommends their settings.
package main

import "os"

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
