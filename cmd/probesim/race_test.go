//go:build race

package main

// underRace tells that the race detector slows everything down by ten: tests
// that only repeat on more lives what others do are left out then.
const underRace = true
