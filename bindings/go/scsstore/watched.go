package scsstore

import (
	"maps"
	"math"
	"reflect"
	"time"

	"github.com/alexedwards/scs/v2"
	"lovely.session/go/internal/adapter"
)

// watched is the manager's own codec, and notes what a request had loaded.
type watched struct{ codec scs.Codec }

func (w watched) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	change := &change{origin: originOf(values), deadline: deadline}
	data, err := w.encodeOver(change.origin, deadline, values)
	if err != nil {
		return nil, err
	}
	// A slice of its own, which something can be kept beside of.
	data = append(make([]byte, 0, len(data)+1), data...)
	change.content = adapter.OpaqueContent(data)
	change.note(data)
	return data, nil
}

// encodeOver encodes values that may be as they were loaded: then they are the same bytes, which most codecs do not make
// twice.
func (w watched) encodeOver(origin *origin, deadline time.Time, values map[string]any) ([]byte, error) {
	visit, before := origin.both()
	if visit == nil || differ(before, values) {
		return w.codec.Encode(deadline, values)
	}
	content := visit.Content()
	if data, ok := content.Opaque(); ok {
		was, before, err := w.codec.Decode(data)
		if err == nil && was.Equal(deadline) && isEqual(before, values) {
			return data, nil
		}
	}
	return w.codec.Encode(deadline, values)
}

func (w watched) Decode(data []byte) (time.Time, map[string]any, error) {
	deadline, values, err := w.codec.Decode(data)
	if err == nil {
		loaded(values, maps.Clone(values), data)
	}
	return deadline, values, err
}

// differ tells whether values are not those from before as far as one sees without decoding those again: a key has gone or
// come, or has another value that cannot be changed in place.
func differ(before, values map[string]any) bool {
	if before == nil {
		return false
	}
	if len(before) != len(values) {
		return true
	}
	for key, value := range values {
		other, ok := before[key]
		if !ok {
			return true
		}
		switch value.(type) {
		case string, bool, int, int64, float64:
			if value != other && !sameFloat(value, other) {
				return true
			}
		}
	}
	return false
}

func isEqual(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		other, ok := b[key]
		if !ok || !sameFloat(value, other) && !reflect.DeepEqual(value, other) {
			return false
		}
	}
	return true
}

// sameFloat tells whether two values are the same float by their bits: NaN is not equal to itself otherwise.
func sameFloat(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	return isX && isY && math.Float64bits(x) == math.Float64bits(y)
}
