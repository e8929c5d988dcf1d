package scenarios

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/probesim/probesim/model/dist"
)

// duration is a length of time, written as in Go with d for days of 24 hours
// and y for years of 365.25 days: 90s, 1.5h, 30d, 1d12h, 2y.
type duration time.Duration

func (d *duration) decodeNode(dec *decoder, n *yaml.Node, at place) {
	value, err := parseDuration(text(n))
	if n.Kind != yaml.ScalarNode || err != nil {
		dec.fault(n, at, "%s: %s", described(n), durationRule(n))
		return
	}
	*d = duration(value)
}

// durationRule says what a duration must be, and guesses at what a bare number
// was meant for.
func durationRule(n *yaml.Node) string {
	if isNumber(n) && !strings.HasPrefix(n.Value, "-") {
		return fmt.Sprintf("needs a unit: %ss, %sms, %sm, …", n.Value, n.Value, n.Value)
	}
	if strings.HasPrefix(n.Value, "-") {
		return "must not be negative"
	}
	return "must be a duration such as 1s, 250ms, 1m30s, 30d or 2y, at most 100 years"
}

// calendar are the units that Go's durations lack, longest first.
var calendar = []struct {
	form   *regexp.Regexp
	length time.Duration
}{
	{regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)y`), 8766 * time.Hour},
	{regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)d`), 24 * time.Hour},
}

// parseDuration parses a duration that is not negative and not longer than
// anything simulated: a Go duration, or years and days followed by one.
func parseDuration(text string) (time.Duration, error) {
	var whole time.Duration
	rest := text
	for _, unit := range calendar {
		found := unit.form.FindStringSubmatch(rest)
		if found == nil {
			continue
		}
		number, err := strconv.ParseFloat(found[1], 64)
		if err != nil || number > float64(dist.Longest)/float64(unit.length) {
			return 0, fmt.Errorf("%s: longer than 100 years", quoted(text))
		}
		whole += time.Duration(math.Round(number * float64(unit.length)))
		rest = rest[len(found[0]):]
	}
	var part time.Duration
	if rest != "" || whole == 0 && rest == text {
		var err error
		part, err = time.ParseDuration(rest)
		if err != nil || part < 0 || strings.HasPrefix(rest, "+") {
			return 0, fmt.Errorf("%s: not a duration", quoted(text))
		}
	}
	if part > dist.Longest || whole > dist.Longest || whole+part > dist.Longest {
		return 0, fmt.Errorf("%s: longer than 100 years", quoted(text))
	}
	return whole + part, nil
}

// formatDuration writes a duration so that parseDuration reads it back: whole
// days as days, and no zero minutes and seconds at the end.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	formatted := d.String()
	if strings.HasSuffix(formatted, "m0s") {
		formatted = strings.TrimSuffix(formatted, "0s")
	}
	if strings.HasSuffix(formatted, "h0m") {
		formatted = strings.TrimSuffix(formatted, "0m")
	}
	return formatted
}

// cpuQuantity is an amount of CPU in thousandths, written as a Kubernetes
// quantity: 250m, 0.5, 2.
type cpuQuantity int64

func (q *cpuQuantity) decodeNode(dec *decoder, n *yaml.Node, at place) {
	milli, err := parseCPU(text(n))
	if n.Kind != yaml.ScalarNode || err != nil {
		dec.fault(n, at, "%s: must be an amount of CPU such as 250m, 0.5 or 2", described(n))
		return
	}
	*q = cpuQuantity(milli)
}

// maxMilli is more CPU than any machine has, and little enough for all
// arithmetic on it: a million CPUs.
const maxMilli = 1e9

func parseCPU(text string) (int64, error) {
	if hugeQuantity(text) {
		return 0, fmt.Errorf("%s: out of range", quoted(text))
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return 0, fmt.Errorf("%s: not a quantity", quoted(text))
	}
	if quantity.Sign() < 0 || quantity.Cmp(*resource.NewMilliQuantity(maxMilli, resource.DecimalSI)) > 0 {
		return 0, fmt.Errorf("%s: out of range", quoted(text))
	}
	return quantity.MilliValue(), nil
}

// hugeExponent is an exponent of four digits. The quantities of Kubernetes
// are exact, and computing the power takes seconds from about seven on.
var hugeExponent = regexp.MustCompile(`[eE][-+]?0*[1-9][0-9]{3}`)

// hugeQuantity reports whether a text would take long to read as a quantity.
// No quantity is that large.
func hugeQuantity(text string) bool { return len(text) > 64 || hugeExponent.MatchString(text) }

func formatCPU(milli int64) string {
	return resource.NewMilliQuantity(milli, resource.DecimalSI).String()
}
