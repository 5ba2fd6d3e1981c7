package lovely

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// field is a field of a struct that is stored.
type field struct {
	name      string
	index     []int
	omitEmpty bool
}

func (f *field) isOmitted(value reflect.Value) bool {
	return f.omitEmpty && value.FieldByIndex(f.index).IsZero()
}

// knownStructs has the fields of each struct type that was seen, or why they cannot be.
var knownStructs sync.Map

type structFields struct {
	fields []field
	err    error
}

func fieldsOf(kind reflect.Type) ([]field, error) {
	if known, ok := knownStructs.Load(kind); ok {
		known := known.(structFields)
		return known.fields, known.err
	}
	var found structFields
	found.fields, found.err = findFields(kind, nil, map[string]bool{})
	knownStructs.Store(kind, found)
	return found.fields, found.err
}

// findFields lists the exported fields, those of embedded structs among them, each under its tag's name or its own.
func findFields(kind reflect.Type, outer []int, taken map[string]bool) ([]field, error) {
	var fields []field
	for i := range kind.NumField() {
		member := kind.Field(i)
		index := append(append([]int(nil), outer...), i)
		tag, hasTag := member.Tag.Lookup("lovely")
		name, options, _ := strings.Cut(tag, ",")
		if member.Anonymous && member.Type.Kind() == reflect.Struct && name == "" {
			inner, err := findFields(member.Type, index, taken)
			if err != nil {
				return nil, err
			}
			if len(inner) == 0 && member.IsExported() && member.Type.NumField() > 0 {
				return nil, refused(ErrType, "a %s cannot be stored: none of the fields of %s is exported", kind, member.Type)
			}
			fields = append(fields, inner...)
			continue
		}
		if !member.IsExported() || tag == "-" {
			if hasTag && tag != "-" {
				return nil, refused(ErrArgument, "field %s of %s has a tag and is not exported", member.Name, kind)
			}
			// Its fields may be exported, and would be lost without a word.
			if member.Anonymous && !hasTag && member.Type.Kind() == reflect.Pointer && member.Type.Elem().Kind() == reflect.Struct {
				return nil, refused(ErrType, "a %s cannot be stored: it embeds a %s, which is not exported", kind, member.Type)
			}
			continue
		}
		if name == "" {
			name = member.Name
		}
		if options != "" && options != "omitempty" {
			return nil, refused(ErrArgument, "field %s of %s has the unknown option %q", member.Name, kind, options)
		}
		if taken[name] {
			return nil, refused(ErrArgument, "%s has two fields for the key %q", kind, name)
		}
		taken[name] = true
		fields = append(fields, field{name, index, options == "omitempty"})
	}
	if len(fields) == 0 && outer == nil && kind.NumField() > 0 {
		return nil, refused(ErrType, "a %s cannot be stored: none of its fields is exported", kind)
	}
	return fields, nil
}

// assign puts a value that was read into what dst points at, all or nothing.
func assign(dst, value any) error {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return refused(ErrArgument, "the destination is a %T, not a pointer to something", dst)
	}
	target = target.Elem()
	fresh := reflect.New(target.Type()).Elem()
	fresh.Set(target)
	if err := assignTo(fresh, value, ""); err != nil {
		return err
	}
	target.Set(fresh)
	return nil
}

// assignTo never writes into memory that target shared before: slices, maps and what pointers lead to are made anew.
func assignTo(target reflect.Value, value any, path string) error {
	if target.Kind() == reflect.Interface && target.NumMethod() == 0 {
		if value == nil {
			target.SetZero()
		} else {
			target.Set(reflect.ValueOf(value))
		}
		return nil
	}
	if target.Kind() == reflect.Pointer {
		if value == nil {
			target.SetZero()
			return nil
		}
		if isEndless(target.Type()) {
			return mismatch(target, value, path)
		}
		fresh := reflect.New(target.Type().Elem())
		if err := assignTo(fresh.Elem(), value, path); err != nil {
			return err
		}
		target.Set(fresh)
		return nil
	}
	switch value := value.(type) {
	case nil:
		if kind := target.Kind(); kind == reflect.Slice || kind == reflect.Map || kind == reflect.Interface {
			target.SetZero()
			return nil
		}
	case bool:
		if target.Kind() == reflect.Bool {
			target.SetBool(value)
			return nil
		}
	case int64:
		return assignInt(target, value, path)
	case float64:
		return assignFloat(target, value, path)
	case string:
		if target.Kind() == reflect.String {
			target.SetString(value)
			return nil
		}
	case []byte:
		return assignBytes(target, value, path)
	case []any:
		return assignList(target, value, path)
	case map[string]any:
		return assignMap(target, value, path)
	}
	return mismatch(target, value, path)
}

// isEndless tells whether pointers of a type lead to pointers only, as those of type P *P do.
func isEndless(kind reflect.Type) bool {
	for range maxDepth {
		if kind.Kind() != reflect.Pointer {
			return false
		}
		kind = kind.Elem()
	}
	return true
}

func mismatch(target reflect.Value, value any, path string) error {
	kind := TypeNil
	switch value.(type) {
	case bool:
		kind = TypeBool
	case int64:
		kind = TypeInt
	case float64:
		kind = TypeFloat
	case string:
		kind = TypeString
	case []byte:
		kind = TypeBytes
	case []any:
		kind = TypeList
	case map[string]any:
		kind = TypeMap
	}
	return refused(ErrType, "%sa value of type %s does not go into a %s", at(path), kind, target.Type())
}

// at begins a message with where in the value it is.
func at(path string) string {
	if path == "" {
		return ""
	}
	// A key may hold anything, and the message is one line.
	return strings.Trim(strconv.Quote(strings.TrimPrefix(path, ".")), `"`) + ": "
}

func assignInt(target reflect.Value, value int64, path string) error {
	switch {
	case target.CanInt():
		if target.OverflowInt(value) {
			return refused(ErrRange, "%san integer does not fit into a %s", at(path), target.Type())
		}
		target.SetInt(value)
	case target.CanUint():
		if value < 0 || target.OverflowUint(uint64(value)) {
			return refused(ErrRange, "%san integer does not fit into a %s", at(path), target.Type())
		}
		target.SetUint(uint64(value))
	default:
		return mismatch(target, value, path)
	}
	return nil
}

func assignFloat(target reflect.Value, value float64, path string) error {
	if !target.CanFloat() {
		return mismatch(target, value, path)
	}
	if target.Kind() == reflect.Float32 && !math.IsInf(value, 0) && target.OverflowFloat(value) {
		return refused(ErrRange, "%sa float does not fit into a %s", at(path), target.Type())
	}
	target.SetFloat(value)
	return nil
}

func assignBytes(target reflect.Value, value []byte, path string) error {
	isBytes := (target.Kind() == reflect.Slice || target.Kind() == reflect.Array) &&
		target.Type().Elem().Kind() == reflect.Uint8
	switch {
	case !isBytes:
		return mismatch(target, value, path)
	case target.Kind() == reflect.Slice:
		target.SetBytes(value)
	case target.Len() != len(value):
		return refused(ErrRange, "%s%d bytes do not go into a %s", at(path), len(value), target.Type())
	default:
		for i, b := range value {
			target.Index(i).SetUint(uint64(b))
		}
	}
	return nil
}

func assignList(target reflect.Value, value []any, path string) error {
	var fresh reflect.Value
	switch target.Kind() {
	case reflect.Slice:
		fresh = reflect.MakeSlice(target.Type(), len(value), len(value))
	case reflect.Array:
		if target.Len() != len(value) {
			return refused(ErrRange, "%sa list of %d does not go into a %s", at(path), len(value), target.Type())
		}
		fresh = reflect.New(target.Type()).Elem()
	default:
		return mismatch(target, value, path)
	}
	if target.Type().Elem().Kind() == reflect.Uint8 {
		return mismatch(target, value, path)
	}
	for i, item := range value {
		if err := assignTo(fresh.Index(i), item, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	target.Set(fresh)
	return nil
}

func assignMap(target reflect.Value, value map[string]any, path string) error {
	if target.Kind() == reflect.Struct {
		return assignFields(target, value, path)
	}
	if target.Kind() != reflect.Map || target.Type().Key().Kind() != reflect.String {
		return mismatch(target, value, path)
	}
	fresh := reflect.MakeMapWithSize(target.Type(), len(value))
	element := reflect.New(target.Type().Elem()).Elem()
	for key, item := range value {
		element.SetZero()
		if err := assignTo(element, item, path+"."+key); err != nil {
			return err
		}
		fresh.SetMapIndex(reflect.ValueOf(key).Convert(target.Type().Key()), element)
	}
	target.Set(fresh)
	return nil
}

func assignFields(target reflect.Value, value map[string]any, path string) error {
	fields, err := fieldsOf(target.Type())
	if err != nil {
		return err
	}
	for _, field := range fields {
		if item, ok := value[field.name]; ok {
			if err := assignTo(target.FieldByIndex(field.index), item, path+"."+field.name); err != nil {
				return err
			}
		}
	}
	return nil
}
