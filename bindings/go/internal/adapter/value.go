package adapter

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	lovely "lovely.session/go"
)

// Values of these packages come back as the Go type that they went in as, so a session has to keep it:
//
//	in Go                                  in the session, for every language
//	nil, bool, string, float64, []byte     the same
//	int                                    an integer
//	[]any, map[string]any                  a list, a map, of such values
//	int8 to int64, uint to uint64          {"go:int64": 5}, up to 2^63-1
//	float32                                {"go:float32": 1.5}
//	time.Time                              {"go:time": "2026-11-22T03:00:00.5+01:00"}
//	[]string, map[string]string            {"go:[]string": [...]}, {"go:map[string]string": {...}}
//	a map that looks like one of these     {"go:map": {...}}
//	whatever else gob can encode           {"go:gob": bytes}
//
// Where the Go value does not fit, such as text that is not UTF-8, it is gob too.
const (
	tagPrefix  = "go:"
	tagGob     = "go:gob"
	tagTime    = "go:time"
	tagFloat32 = "go:float32"
	tagTexts   = "go:[]string"
	tagTextMap = "go:map[string]string"
	tagMap     = "go:map"
)

// maxDepth is deeper than a session can nest, so that what contains itself is refused and not followed for ever.
const maxDepth = 80

// encode makes what a session keeps for a value, and shares nothing with it that can be changed.
func encode(value any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &lovely.Error{Status: lovely.ErrTooLarge, Message: "the value is nested more than 64 deep"}
	}
	switch value := value.(type) {
	case nil, bool, float64:
		return value, nil
	case int:
		return int64(value), nil
	case string:
		if utf8.ValidString(value) {
			return value, nil
		}
	case []byte:
		return append(make([]byte, 0, len(value)), value...), nil
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			var err error
			if list[i], err = encode(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if isText(value) {
			dict := make(map[string]any, len(value))
			for key, item := range value {
				var err error
				if dict[key], err = encode(item, depth+1); err != nil {
					return nil, err
				}
			}
			if hasForm(dict) {
				return map[string]any{tagMap: dict}, nil
			}
			return dict, nil
		}
	default:
		if tagged := encodeTagged(value); tagged != nil {
			return tagged, nil
		}
	}
	return encodeGob(value)
}

func isText(dict map[string]any) bool {
	for key := range dict {
		if !utf8.ValidString(key) {
			return false
		}
	}
	return true
}

// hasForm tells whether a map looks like one of the forms above.
func hasForm(dict map[string]any) bool {
	for key := range dict {
		return len(dict) == 1 && strings.HasPrefix(key, tagPrefix)
	}
	return false
}

// encodeTagged makes the form of a type that has one, nil if it has none or the value does not fit.
func encodeTagged(value any) any {
	switch value := value.(type) {
	case int8, int16, int32, int64:
		return map[string]any{fmt.Sprintf("go:%T", value): reflect.ValueOf(value).Int()}
	case uint, uint8, uint16, uint32, uint64:
		if number := reflect.ValueOf(value).Uint(); number <= math.MaxInt64 {
			return map[string]any{fmt.Sprintf("go:%T", value): int64(number)}
		}
	case float32:
		return map[string]any{tagFloat32: float64(value)}
	case time.Time:
		text := value.Format(time.RFC3339Nano)
		if again, err := time.Parse(time.RFC3339Nano, text); err == nil && sameTime(again, value) {
			return map[string]any{tagTime: text}
		}
	case []string:
		list := make([]any, len(value))
		for i, item := range value {
			if !utf8.ValidString(item) {
				return nil
			}
			list[i] = item
		}
		return map[string]any{tagTexts: list}
	case map[string]string:
		dict := make(map[string]any, len(value))
		for key, item := range value {
			if !utf8.ValidString(key) || !utf8.ValidString(item) {
				return nil
			}
			dict[key] = item
		}
		return map[string]any{tagTextMap: dict}
	}
	return nil
}

// sameTime tells whether two times are the same instant at the same offset, which is what gob keeps too.
func sameTime(a, b time.Time) bool {
	_, inA := a.Zone()
	_, inB := b.Zone()
	return a.Equal(b) && inA == inB
}

func encodeGob(value any) (any, error) {
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(&value); err != nil {
		return nil, fmt.Errorf("a value of type %T cannot be stored: %w", value, err)
	}
	return map[string]any{tagGob: out.Bytes()}, nil
}

// decode makes the value that a session keeps, and shares nothing with it that can be changed.
func decode(kept any) (any, error) {
	switch kept := kept.(type) {
	case int64:
		if number := int(kept); int64(number) == kept {
			return number, nil
		}
	case []byte:
		return append(make([]byte, 0, len(kept)), kept...), nil
	case []any:
		list := make([]any, len(kept))
		for i, item := range kept {
			var err error
			if list[i], err = decode(item); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if value, ok, err := decodeTagged(kept); ok || err != nil {
			return value, err
		}
		if inner, ok := kept[tagMap].(map[string]any); ok && len(kept) == 1 {
			kept = inner
		}
		dict := make(map[string]any, len(kept))
		for key, item := range kept {
			var err error
			if dict[key], err = decode(item); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return kept, nil
}

var integers = map[string]reflect.Type{
	"go:int8": reflect.TypeFor[int8](), "go:int16": reflect.TypeFor[int16](), "go:int32": reflect.TypeFor[int32](),
	"go:int64": reflect.TypeFor[int64](), "go:uint": reflect.TypeFor[uint](), "go:uint8": reflect.TypeFor[uint8](),
	"go:uint16": reflect.TypeFor[uint16](), "go:uint32": reflect.TypeFor[uint32](), "go:uint64": reflect.TypeFor[uint64](),
}

// decodeTagged reads one of the forms above. What only looks like one, because somebody else wrote it, is a map like others.
func decodeTagged(kept map[string]any) (value any, ok bool, err error) {
	if !hasForm(kept) {
		return nil, false, nil
	}
	for tag, inner := range kept {
		switch inner := inner.(type) {
		case int64:
			if kind, known := integers[tag]; known {
				number := reflect.New(kind).Elem()
				switch {
				case number.CanInt() && !number.OverflowInt(inner):
					number.SetInt(inner)
				case number.CanUint() && inner >= 0 && !number.OverflowUint(uint64(inner)):
					number.SetUint(uint64(inner))
				default:
					return nil, false, nil
				}
				return number.Interface(), true, nil
			}
		case float64:
			return float32(inner), tag == tagFloat32, nil
		case string:
			if tag == tagTime {
				moment, err := time.Parse(time.RFC3339Nano, inner)
				return moment, err == nil, nil
			}
		case []byte:
			if tag == tagGob {
				value, err := decodeGob(inner)
				return value, err == nil, err
			}
		case []any:
			if tag == tagTexts {
				texts := make([]string, len(inner))
				for i, item := range inner {
					if texts[i], ok = item.(string); !ok {
						return nil, false, nil
					}
				}
				return texts, true, nil
			}
		case map[string]any:
			if tag == tagTextMap {
				texts := make(map[string]string, len(inner))
				for key, item := range inner {
					if texts[key], ok = item.(string); !ok {
						return nil, false, nil
					}
				}
				return texts, true, nil
			}
		}
	}
	return nil, false, nil
}

func decodeGob(encoded []byte) (any, error) {
	var value any
	if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(&value); err != nil {
		return nil, fmt.Errorf("a stored value cannot be read: %w", err)
	}
	return value, nil
}

// same tells whether two kept values are equal: of the same type, in depth, floats by their bits.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, item := range a {
			if other, ok := b[key]; !ok || !same(item, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

// encodeOver encodes a value that is to stand where something else was kept: that itself, if it means the same.
func encodeOver(value, before any, hasBefore bool) (any, error) {
	if !hasBefore {
		return encode(value, 0)
	}
	// Bytes are compared before they are copied.
	if value, ok := value.([]byte); ok {
		if before, ok := before.([]byte); ok && bytes.Equal(value, before) {
			return before, nil
		}
	}
	kept, err := encode(value, 0)
	if err != nil || same(kept, before) {
		return before, err
	}
	// The same value may have another form: gob has maps in any order, and others may have written something like ours.
	if hasForms(before) {
		if again, err := decode(before); err == nil && reflect.DeepEqual(again, value) {
			return before, nil
		}
	}
	return kept, nil
}

// hasForms tells whether there is one of the forms in a value, or what looks like one.
func hasForms(kept any) bool {
	switch kept := kept.(type) {
	case []any:
		for _, item := range kept {
			if hasForms(item) {
				return true
			}
		}
	case map[string]any:
		if hasForm(kept) {
			return true
		}
		for _, item := range kept {
			if hasForms(item) {
				return true
			}
		}
	}
	return false
}
