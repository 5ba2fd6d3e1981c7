package lovely

import (
	"encoding/binary"
	"math"
)

// unpacker reads values from MessagePack that the library wrote. What it returns shares nothing with that.
type unpacker struct{ rest []byte }

// entry is a key of a map and its value.
type entry struct {
	key   string
	value any
}

// errPacked cannot happen unless the library and this package disagree.
var errPacked = refused(ErrPanic, "the library wrote a value that this package cannot read")

func (u *unpacker) take(length int) ([]byte, error) {
	if length > len(u.rest) {
		return nil, errPacked
	}
	taken := u.rest[:length]
	u.rest = u.rest[length:]
	return taken, nil
}

func (u *unpacker) code() (byte, error) {
	taken, err := u.take(1)
	if err != nil {
		return 0, err
	}
	return taken[0], nil
}

// uint reads a number of 1, 2, 4 or 8 bytes.
func (u *unpacker) uint(width int) (uint64, error) {
	taken, err := u.take(width)
	if err != nil {
		return 0, err
	}
	switch width {
	case 1:
		return uint64(taken[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(taken)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(taken)), nil
	}
	return binary.BigEndian.Uint64(taken), nil
}

// run reads as many bytes as a number of that width says.
func (u *unpacker) run(width int) ([]byte, error) {
	length, err := u.uint(width)
	if err != nil || length > uint64(len(u.rest)) {
		return nil, errPacked
	}
	return u.take(int(length))
}

// count reads how many entries follow, each of at least that many bytes.
func (u *unpacker) count(width, least int) (int, error) {
	count, err := u.uint(width)
	if err != nil || count > uint64(len(u.rest)/least) {
		return 0, errPacked
	}
	return int(count), nil
}

func (u *unpacker) value() (any, error) {
	code, err := u.code()
	if err != nil {
		return nil, err
	}
	switch {
	case code <= 0x7f || code >= 0xe0:
		return int64(int8(code)), nil
	case code <= 0x8f:
		return u.mapOf(int(code & 0x0f))
	case code <= 0x9f:
		return u.list(int(code & 0x0f))
	case code <= 0xbf:
		text, err := u.take(int(code & 0x1f))
		return string(text), err
	}
	switch code {
	case codeNil:
		return nil, nil
	case codeFalse, codeTrue:
		return code == codeTrue, nil
	case codeBin8, codeBin16, codeBin32:
		bytes, err := u.run(1 << (code - codeBin8))
		return append([]byte{}, bytes...), err
	case codeFloat:
		bits, err := u.uint(8)
		return math.Float64frombits(bits), err
	case codeUint8, codeUint16, codeUint32, codeUint64:
		number, err := u.uint(1 << (code - codeUint8))
		return int64(number), err
	case codeInt8:
		number, err := u.uint(1)
		return int64(int8(number)), err
	case codeInt16:
		number, err := u.uint(2)
		return int64(int16(number)), err
	case codeInt32:
		number, err := u.uint(4)
		return int64(int32(number)), err
	case codeInt64:
		number, err := u.uint(8)
		return int64(number), err
	case codeStr8, codeStr16, codeStr32:
		text, err := u.run(1 << (code - codeStr8))
		return string(text), err
	case codeList16, codeList32:
		count, err := u.count(2<<(code-codeList16), 1)
		if err != nil {
			return nil, err
		}
		return u.list(count)
	case codeMap16, codeMap32:
		count, err := u.count(2<<(code-codeMap16), 2)
		if err != nil {
			return nil, err
		}
		return u.mapOf(count)
	}
	return nil, errPacked
}

func (u *unpacker) list(count int) ([]any, error) {
	list := make([]any, count)
	for i := range list {
		item, err := u.value()
		if err != nil {
			return nil, err
		}
		list[i] = item
	}
	return list, nil
}

func (u *unpacker) mapOf(count int) (map[string]any, error) {
	entries := make(map[string]any, count)
	for range count {
		entry, err := u.entry()
		if err != nil {
			return nil, err
		}
		entries[entry.key] = entry.value
	}
	return entries, nil
}

func (u *unpacker) entry() (entry, error) {
	key, err := u.value()
	if err != nil {
		return entry{}, err
	}
	text, ok := key.(string)
	if !ok {
		return entry{}, errPacked
	}
	value, err := u.value()
	return entry{text, value}, err
}

// mapCount reads how many entries of a map follow.
func (u *unpacker) mapCount() (int, error) {
	code, err := u.code()
	switch {
	case err != nil:
		return 0, err
	case code&0xf0 == 0x80:
		return int(code & 0x0f), nil
	case code == codeMap16 || code == codeMap32:
		return u.count(2<<(code-codeMap16), 2)
	}
	return 0, errPacked
}

// anyMap reads a map.
func (u *unpacker) anyMap() (map[string]any, error) {
	count, err := u.mapCount()
	if err != nil {
		return nil, err
	}
	return u.mapOf(count)
}

// maps reads a map of maps.
func (u *unpacker) maps() (map[string]map[string]any, error) {
	count, err := u.mapCount()
	if err != nil {
		return nil, err
	}
	maps := make(map[string]map[string]any, count)
	for range count {
		key, err := u.value()
		if err != nil {
			return nil, err
		}
		content, err := u.anyMap()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errPacked
		}
		maps[name] = content
	}
	return maps, nil
}

// texts reads a list of text.
func (u *unpacker) texts() ([]string, error) {
	value, err := u.value()
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, errPacked
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return nil, errPacked
		}
	}
	return texts, nil
}
