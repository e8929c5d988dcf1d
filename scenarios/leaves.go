package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/probesim/probesim/model"
)

// stages is a list of stages, or a single one.
type stages []stage

func (s *stages) decodeNode(d *decoder, n *yaml.Node, at place) {
	if n.Kind == yaml.MappingNode {
		*s = make(stages, 1)
		d.decode(n, reflect.ValueOf(&(*s)[0]).Elem(), at)
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fault(n, at, "%s: must be a stage such as {wait: 3s}, or a list of them", described(n))
		return
	}
	var list []stage
	d.decode(n, reflect.ValueOf(&list).Elem(), at)
	*s = list
}

// workers is a number of threads; 0 stands for unlimited.
type workers int

const unlimited = "unlimited"

func (w *workers) decodeNode(d *decoder, n *yaml.Node, at place) {
	var value int
	if text(n) != unlimited && (!isNumber(n) || n.Decode(&value) != nil || value < 1 || value > 100_000) {
		d.fault(n, at, "%s: must be a whole number between 1 and 100000, or %s", described(n), unlimited)
		return
	}
	*w = workers(value)
}

// kernelVersion is a Linux version, "6.18".
type kernelVersion string

var kernelForm = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,4})?$`)

func (k *kernelVersion) decodeNode(d *decoder, n *yaml.Node, at place) {
	if n.Kind != yaml.ScalarNode || !kernelForm.MatchString(n.Value) {
		d.fault(n, at, "%s: must be a Linux version such as 6.18", described(n))
		return
	}
	*k = kernelVersion(n.Value)
}

// kubernetesVersion is a minor version of Kubernetes, "1.37".
type kubernetesVersion int

var kubernetesForm = regexp.MustCompile(`^v?1\.([0-9]{1,3})(\.[0-9]{1,4})?$`)

func (k *kubernetesVersion) decodeNode(d *decoder, n *yaml.Node, at place) {
	found := kubernetesForm.FindStringSubmatch(text(n))
	minor := -1
	if found != nil {
		minor, _ = strconv.Atoi(found[1]) // three digits at most
	}
	oldest := model.OldestVersion.Minor
	switch {
	case d.anyVersion:
		oldest = 0
	case minor >= 0 && minor < oldest:
		d.fault(n, at, "%s: must be a version from 1.%d to 1.%d: the kubelet of older ones is not simulated, lint alone takes them", described(n), oldest, model.NewestVersion.Minor)
		return
	}
	if minor < oldest || minor > model.NewestVersion.Minor {
		d.fault(n, at, "%s: must be a version from 1.%d to 1.%d", described(n), oldest, model.NewestVersion.Minor)
		return
	}
	*k = kubernetesVersion(minor)
}

// String returns the version as a scenario writes it.
func (k kubernetesVersion) String() string { return fmt.Sprintf("1.%d", int(k)) }

// change is one assignment of an overlay.
type change struct {
	path  string
	value *yaml.Node
	from  place
}

// changes are the assignments of a variant, in their order.
type changes []change

func (c *changes) decodeNode(d *decoder, n *yaml.Node, at place) {
	d.entries(n, at, func(key string, _, value *yaml.Node) {
		*c = append(*c, change{key, value, at.field(key)})
	})
}
