package scsstore

import (
	"bytes"
	"reflect"
	"time"

	"github.com/alexedwards/scs/v2"
	"lovely.session/go/internal/adapter"
)

// watched is the manager's own codec, and notes what a request had loaded.
type watched struct{ codec scs.Codec }

func (w watched) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	change := &change{origin: originOf(values), deadline: deadline}
	data, err := w.encodeOver(change.origin.get(), deadline, values)
	if err != nil {
		return nil, err
	}
	// A slice of its own, which something can be kept beside of.
	data = append(make([]byte, 0, len(data)+1), data...)
	change.content = adapter.OpaqueContent(bytes.Clone(data))
	change.note(data)
	return data, nil
}

// encodeOver encodes values that may be as they were loaded: then they are the same bytes, which most codecs do not make
// twice.
func (w watched) encodeOver(visit *adapter.Visit, deadline time.Time, values map[string]any) ([]byte, error) {
	if visit != nil {
		content := visit.Content()
		if data, ok := content.Opaque(); ok {
			was, before, err := w.codec.Decode(data)
			if err == nil && was.Equal(deadline) && isEqual(before, values) {
				return data, nil
			}
		}
	}
	return w.codec.Encode(deadline, values)
}

func (w watched) Decode(data []byte) (time.Time, map[string]any, error) {
	deadline, values, err := w.codec.Decode(data)
	if err == nil {
		loaded(values, data)
	}
	return deadline, values, err
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
