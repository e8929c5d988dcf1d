package lint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"reflect"

	"github.com/probesim/probesim/model"
)

// Assessor assesses worlds, those that differ in names alone once: of what runs
// in a cluster much is made from one template. The zero value with a seed is
// ready for use, by one goroutine.
type Assessor struct {
	Seed uint64
	Jobs int // workers of the simulations; 0: one per CPU. Never changes a result

	known map[likeness]*Risk
}

// likeness is what two worlds that differ in names alone have in common.
type likeness [sha256.Size]byte

// Assess returns the risk of a world, as the function Assess does. It is not to
// be changed.
func (a *Assessor) Assess(ctx context.Context, w *model.World, startupGranted bool) (*Risk, error) {
	key, ok := likenessOf(w, startupGranted)
	if r := a.known[key]; ok && r != nil {
		return r, nil
	}
	r, err := Assess(ctx, w, startupGranted, a.Seed, a.Jobs)
	if err != nil || !ok {
		return r, err
	}
	if a.known == nil {
		a.known = map[likeness]*Risk{}
	}
	a.known[key] = r
	return r, nil
}

// names are the fields that no simulation looks at.
var names = map[reflect.Type][]string{
	reflect.TypeFor[model.World]():     {"Name", "Description", "Source"},
	reflect.TypeFor[model.Container](): {"Name", "Image", "Ports"},
	reflect.TypeFor[model.Handler]():   {"Target"},
}

// likenessOf returns the likeness of a world; it reports false if the world has
// a part that cannot be compared by its value.
func likenessOf(w *model.World, startupGranted bool) (likeness, bool) {
	s := &sum{hash: sha256.New()}
	s.number(uint64(w.Studied)<<1 | map[bool]uint64{true: 1}[startupGranted])
	s.value(reflect.ValueOf(w))
	return likeness(s.hash.Sum(nil)), !s.incomparable
}

// sum adds values up. Every value begins with its kind, and a list with its
// length, so that no two different worlds are written alike.
type sum struct {
	hash         hash.Hash
	incomparable bool
}

func (s *sum) number(n uint64) {
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], n)
	s.hash.Write(bytes[:])
}

func (s *sum) text(text string) {
	s.number(uint64(len(text)))
	s.hash.Write([]byte(text))
}

func (s *sum) value(v reflect.Value) {
	s.number(uint64(v.Kind()))
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			s.text("nil")
			return
		}
		s.text(v.Elem().Type().String())
		s.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !isName(v.Type(), i) {
				s.value(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		s.number(uint64(v.Len()))
		for i := range v.Len() {
			s.value(v.Index(i))
		}
	case reflect.String:
		s.text(v.String())
	case reflect.Bool:
		s.number(map[bool]uint64{true: 1}[v.Bool()])
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.number(v.Uint())
	case reflect.Float64:
		s.number(math.Float64bits(v.Float()))
	default:
		s.incomparable = true
	}
}

func isName(t reflect.Type, field int) bool {
	for _, name := range names[t] {
		if t.Field(field).Name == name {
			return true
		}
	}
	return false
}
