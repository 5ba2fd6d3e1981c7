package lovely

import (
	"encoding/binary"
	"math"
	"reflect"
)

// Values go to the library as MessagePack, in one call: the subset of it that has what a session can hold.
const (
	codeNil    = 0xc0
	codeFalse  = 0xc2
	codeTrue   = 0xc3
	codeBin8   = 0xc4
	codeBin16  = 0xc5
	codeBin32  = 0xc6
	codeFloat  = 0xcb
	codeUint8  = 0xcc
	codeUint16 = 0xcd
	codeUint32 = 0xce
	codeUint64 = 0xcf
	codeInt8   = 0xd0
	codeInt16  = 0xd1
	codeInt32  = 0xd2
	codeInt64  = 0xd3
	codeStr8   = 0xd9
	codeStr16  = 0xda
	codeStr32  = 0xdb
	codeList16 = 0xdc
	codeList32 = 0xdd
	codeMap16  = 0xde
	codeMap32  = 0xdf
)

// maxDepth is deeper than values may be nested in the library, which refuses them. It is counted here too, or what contains
// itself had no end.
const maxDepth = 66

// maxEntries is what a list or map may have in the library; a list of what takes no memory can have any number.
const maxEntries = 1_000_000

// maxPacked is what a value may take. What is shared within a value is written each time, which may double it at each level.
var maxPacked = 1 << 30

// packer writes values.
type packer struct{ out []byte }

func pack(value any) ([]byte, error) {
	p := packer{make([]byte, 0, 64)}
	if err := p.value(value, 0); err != nil {
		return nil, err
	}
	return p.out, nil
}

func (p *packer) value(value any, depth int) error {
	if err := p.within(depth); err != nil {
		return err
	}
	switch value := value.(type) {
	case nil:
		p.out = append(p.out, codeNil)
	case bool:
		p.bool(value)
	case int:
		p.int(int64(value))
	case int64:
		p.int(value)
	case float64:
		p.float(value)
	case string:
		return p.text(value)
	case []byte:
		return p.bytes(value)
	case []any:
		if err := p.head(len(value), 0x90, 15, codeList16); err != nil {
			return err
		}
		for _, item := range value {
			if err := p.value(item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := p.head(len(value), 0x80, 15, codeMap16); err != nil {
			return err
		}
		for key, item := range value {
			if err := p.text(key); err != nil {
				return err
			}
			if err := p.value(item, depth+1); err != nil {
				return err
			}
		}
	default:
		return p.reflected(reflect.ValueOf(value), depth)
	}
	return nil
}

func (p *packer) bool(value bool) {
	if value {
		p.out = append(p.out, codeTrue)
	} else {
		p.out = append(p.out, codeFalse)
	}
}

func (p *packer) int(value int64) {
	if value >= -32 && value <= 127 {
		p.out = append(p.out, byte(value))
		return
	}
	p.out = binary.BigEndian.AppendUint64(append(p.out, codeInt64), uint64(value))
}

func (p *packer) float(value float64) {
	p.out = binary.BigEndian.AppendUint64(append(p.out, codeFloat), math.Float64bits(value))
}

func (p *packer) text(value string) error {
	var err error
	if len(value) < 32 {
		p.out = append(p.out, 0xa0|byte(len(value)))
	} else {
		err = p.length(len(value), codeStr32)
	}
	p.out = append(p.out, value...)
	return err
}

func (p *packer) bytes(value []byte) error {
	err := p.length(len(value), codeBin32)
	p.out = append(p.out, value...)
	return err
}

// head writes how many entries a list or map has; code16 is followed by the code for 32 bits.
func (p *packer) head(length int, short byte, max int, code16 byte) error {
	switch {
	case length > maxEntries:
		return refused(ErrTooLarge, "a list or map of %d entries is over the limit of %d", length, maxEntries)
	case length <= max:
		p.out = append(p.out, short|byte(length))
	case length <= math.MaxUint16:
		p.out = binary.BigEndian.AppendUint16(append(p.out, code16), uint16(length))
	default:
		return p.length(length, code16+1)
	}
	return nil
}

func (p *packer) length(length int, code byte) error {
	if uint64(length) > math.MaxUint32 {
		return refused(ErrTooLarge, "a value of %d bytes or entries is over what the library takes", length)
	}
	p.out = binary.BigEndian.AppendUint32(append(p.out, code), uint32(length))
	return nil
}

func (p *packer) within(depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	if len(p.out) > maxPacked {
		return refused(ErrTooLarge, "the value is over %d bytes", maxPacked)
	}
	return nil
}

func tooDeep() error { return refused(ErrTooLarge, "the value is nested more than 64 deep") }

// reflected writes what has a type of the program's own.
func (p *packer) reflected(value reflect.Value, depth int) error {
	if err := p.within(depth); err != nil {
		return err
	}
	// A pointer may lead to itself.
	for hops := 0; value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface; hops++ {
		if value.IsNil() {
			p.out = append(p.out, codeNil)
			return nil
		}
		if hops > maxDepth {
			return tooDeep()
		}
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.Bool:
		p.bool(value.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.int(value.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if value.Uint() > math.MaxInt64 {
			return refused(ErrRange, "an integer over 2^63-1 cannot be stored")
		}
		p.int(int64(value.Uint()))
	case reflect.Float32, reflect.Float64:
		p.float(value.Float())
	case reflect.String:
		return p.text(value.String())
	case reflect.Slice, reflect.Array:
		return p.list(value, depth)
	case reflect.Map:
		return p.dict(value, depth)
	case reflect.Struct:
		return p.fields(value, depth)
	default:
		return refused(ErrType, "a %s cannot be stored", value.Type())
	}
	return nil
}

func (p *packer) list(value reflect.Value, depth int) error {
	if value.Type().Elem().Kind() == reflect.Uint8 {
		if value.Kind() == reflect.Slice {
			return p.bytes(value.Bytes())
		}
		bytes := make([]byte, value.Len())
		for i := range bytes {
			bytes[i] = byte(value.Index(i).Uint())
		}
		return p.bytes(bytes)
	}
	if err := p.head(value.Len(), 0x90, 15, codeList16); err != nil {
		return err
	}
	for i := range value.Len() {
		if err := p.reflected(value.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) dict(value reflect.Value, depth int) error {
	if value.Type().Key().Kind() != reflect.String {
		return refused(ErrType, "a %s cannot be stored: keys of maps are strings", value.Type())
	}
	if err := p.head(value.Len(), 0x80, 15, codeMap16); err != nil {
		return err
	}
	for entry := value.MapRange(); entry.Next(); {
		if err := p.text(entry.Key().String()); err != nil {
			return err
		}
		if err := p.reflected(entry.Value(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) fields(value reflect.Value, depth int) error {
	fields, err := fieldsOf(value.Type())
	if err != nil {
		return err
	}
	written := 0
	for _, field := range fields {
		if !field.isOmitted(value) {
			written++
		}
	}
	if err := p.head(written, 0x80, 15, codeMap16); err != nil {
		return err
	}
	for _, field := range fields {
		if field.isOmitted(value) {
			continue
		}
		if err := p.text(field.name); err != nil {
			return err
		}
		if err := p.reflected(value.FieldByIndex(field.index), depth+1); err != nil {
			return err
		}
	}
	return nil
}
