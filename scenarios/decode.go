package scenarios

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/probesim/probesim/model"
)

// place is where a node stands: its file and the path to it in that file.
type place struct{ file, path string }

// field returns the place of a mapping's field.
func (p place) field(name string) place {
	if strings.ContainsAny(name, ". []\"") {
		p.path += fmt.Sprintf("[%q]", name)
		return p
	}
	if p.path != "" {
		name = "." + name
	}
	p.path += name
	return p
}

// element returns the place of a list's element.
func (p place) element(i int) place {
	p.path += "[" + strconv.Itoa(i) + "]"
	return p
}

// decoder turns trees into values and collects what is wrong with them.
//
// It is driven by struct tags alone: json names a field, and in the types of
// the scenario format enum, min, max, above and required state its rules and
// doc and default what it means. The JSON Schema is made from the same tags,
// and the types of k8s.io/api, which have json tags only, are decoded by the
// same code, so that every fault of either has its file, line and path.
type decoder struct {
	// origins says where nodes come from that an overlay put into the tree.
	origins map[*yaml.Node]place
	// lenient makes an unknown field a note: a manifest may be newer than us.
	lenient bool
	// anyVersion accepts versions of Kubernetes that are too old to be simulated.
	anyVersion bool
	files      files // what samples and histograms are read from
	faults     Faults
	unknowns   []UnknownField // of a manifest, beside their notes
	notes      []string
}

// leaf is a type of the scenario format that is decoded in its own way.
type leaf interface {
	decodeNode(d *decoder, n *yaml.Node, at place)
}

// fault notes that something is wrong with the node at a place.
func (d *decoder) fault(n *yaml.Node, at place, format string, args ...any) {
	if origin, ok := d.origins[n]; ok {
		at = origin
	}
	d.faults = append(d.faults, Fault{at.file, n.Line, at.path, fmt.Sprintf(format, args...)})
}

// decode stores the node in v, which is settable. Null leaves v as it is.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, at place) {
	if origin, ok := d.origins[n]; ok {
		at = origin
	}
	if isNull(n) {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.decode(n, v.Elem(), at)
		return
	}
	switch target := v.Addr().Interface().(type) {
	case leaf:
		target.decodeNode(d, n, at)
		return
	case json.Unmarshaler:
		d.decodeJSON(n, target, at)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(n, v, at)
	case reflect.Map:
		d.decodeMap(n, v, at)
	case reflect.Slice:
		d.decodeSlice(n, v, at)
	default:
		d.decodeScalar(n, v, at)
	}
}

func (d *decoder) decodeStruct(n *yaml.Node, v reflect.Value, at place) {
	fields := fieldsOf(v.Type())
	present := map[string]bool{}
	d.entries(n, at, func(key string, keyNode, value *yaml.Node) {
		present[key] = !isNull(value)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
		if i < 0 {
			d.unknown(keyNode, value, at.field(key), key, fields)
			return
		}
		before := len(d.faults)
		target := v.FieldByIndex(fields[i].index)
		d.decode(value, target, at.field(key))
		if len(d.faults) == before && !isNull(value) {
			d.check(value, target, fields[i].tag, at.field(key))
		}
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, f := range fields {
		if f.tag.Get("required") != "" && !present[f.name] {
			d.fault(n, at.field(f.name), "required")
		}
	}
}

// unknown reports a field that the type does not have. In a manifest it is a
// note: the field may be newer than the types it is read into.
func (d *decoder) unknown(key, value *yaml.Node, at place, name string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	message := unknownField(name, names)
	if _, overlaid := d.origins[value]; d.lenient && !overlaid {
		ignored := Fault{at.file, key.Line, at.path, message + ", ignored"}
		d.unknowns = append(d.unknowns, UnknownField{ignored, name, model.Nearest(name, names)})
		d.notes = append(d.notes, ignored.Error())
		return
	}
	line := key.Line
	if origin, ok := d.origins[value]; ok {
		at, line = origin, value.Line
	}
	d.faults = append(d.faults, Fault{at.file, line, at.path, message})
}

// entries calls do for each entry of a mapping whose key is a new name.
func (d *decoder) entries(n *yaml.Node, at place, do func(key string, keyNode, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, at, "%s: must be a mapping", described(n))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.fault(key, at, "a key must be a name, not %s", described(key))
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.fault(key, at.field(key.Value), "is already given in line %d", line)
			continue
		}
		lines[key.Value] = key.Line
		do(key.Value, key, value)
	}
}

func (d *decoder) decodeMap(n *yaml.Node, v reflect.Value, at place) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(n, at, func(key string, _, value *yaml.Node) {
		entry := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, entry, at.field(key))
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), entry)
	})
}

func (d *decoder) decodeSlice(n *yaml.Node, v reflect.Value, at place) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		data, err := base64.StdEncoding.DecodeString(text(n))
		if err != nil || n.Kind != yaml.ScalarNode {
			d.fault(n, at, "%s: must be base64", described(n))
		}
		v.SetBytes(data)
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fault(n, at, "%s: must be a list", described(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		if isNull(element) {
			d.fault(element, at.element(i), "must not be null")
			continue
		}
		d.decode(element, v.Index(i), at.element(i))
	}
}

// decodeJSON hands a node to a type of k8s.io that reads JSON in its own way:
// quantities, ports, times.
func (d *decoder) decodeJSON(n *yaml.Node, target json.Unmarshaler, at place) {
	data, err := json.Marshal(plain(n))
	if _, quantity := target.(*resource.Quantity); quantity && hugeQuantity(text(n)) {
		err = errors.New("out of range") // and slow to read
	}
	if err == nil {
		err = unmarshal(target, data)
	}
	if err == nil {
		return
	}
	allowed := err.Error()
	switch reflect.TypeOf(target).Elem().Name() {
	case "Quantity":
		allowed = "must be a quantity such as 250m, 0.5, 2 or 512Mi"
	case "IntOrString":
		allowed = "must be a port number or the name of a port"
	case "Time", "MicroTime":
		allowed = "must be a time such as 2026-01-31T12:00:00Z"
	}
	d.fault(n, at, "%s: %s", described(n), allowed)
}

// unmarshal guards against a panic in foreign code that reads the input.
func unmarshal(target json.Unmarshaler, data []byte) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("cannot be read: %v", fault)
		}
	}()
	return target.UnmarshalJSON(data)
}

// plain returns the node as encoding/json writes it.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		entries := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			entries[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return entries
	case yaml.SequenceNode:
		elements := make([]any, len(n.Content))
		for i, element := range n.Content {
			elements[i] = plain(element)
		}
		return elements
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		var f float64
		if n.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	}
	return n.Value
}

func (d *decoder) decodeScalar(n *yaml.Node, v reflect.Value, at place) {
	wrong := func(rule string) { d.fault(n, at, "%s: %s", described(n), rule) }
	switch v.Kind() {
	case reflect.String:
		if n.Kind != yaml.ScalarNode || d.lenient && n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
			wrong("must be a string")
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		var value bool
		if n.Kind != yaml.ScalarNode || n.Decode(&value) != nil {
			wrong("must be true or false")
			return
		}
		v.SetBool(value)
	case reflect.Int, reflect.Int32, reflect.Int64:
		var value int64
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
			wrong("must be a whole number")
			return
		}
		if n.Decode(&value) != nil || v.OverflowInt(value) {
			wrong(fmt.Sprintf("must fit %d bits", v.Type().Bits()))
			return
		}
		v.SetInt(value)
	case reflect.Uint64:
		var value uint64
		if !isNumber(n) || n.ShortTag() == "!!float" || n.Decode(&value) != nil {
			wrong("must be a whole number, 0 or more")
			return
		}
		v.SetUint(value)
	case reflect.Float64:
		var value float64
		if !isNumber(n) || n.Decode(&value) != nil || math.IsInf(value, 0) || math.IsNaN(value) {
			wrong("must be a number")
			return
		}
		v.SetFloat(value)
	default:
		wrong("cannot be read here") // no type in use comes to this
	}
}

func isNumber(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float")
}

// field is one field of a struct as files name it.
type field struct {
	name  string
	index []int
	tag   reflect.StructTag
	of    reflect.Type
}

// fieldsOf returns the fields of a struct type by their json names, those of
// embedded structs without a name among them.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case name == "" && f.Anonymous && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
		case name != "":
			fields = append(fields, field{name, []int{i}, f.Tag, f.Type})
		}
	}
	return fields
}
