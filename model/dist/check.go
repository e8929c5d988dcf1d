package dist

import (
	"fmt"
	"math"
)

// bound is what a parameter must be.
type bound string

const (
	positive    bound = "must be above 0"
	nonNegative bound = "must not be below 0"
	anyFinite   bound = "must be a finite number"
)

// check returns an error that names the parameter unless its value is finite
// and within the bound.
func check(name string, value float64, want bound) error {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return fmt.Errorf("%s: must be a finite number", name)
	case want == positive && value <= 0, want == nonNegative && value < 0:
		return fmt.Errorf("%s: %s", name, want)
	}
	return nil
}
