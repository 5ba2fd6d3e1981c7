package adapter

import (
	"encoding/binary"
	"errors"
	"math"
)

var errBinary = errors.New("the bytes of a session's content cannot be read")

// AppendBinary appends a content as bytes, for packages that move bytes about. They are not what is stored.
func (c *Content) AppendBinary(out []byte) []byte {
	for _, kept := range c.kept {
		out = appendBinary(out, kept)
	}
	return out
}

// Size is about how many bytes that takes.
func (c *Content) Size() int {
	size := 16
	for _, kept := range c.kept {
		for key, value := range kept {
			size += len(key) + 24
			switch value := value.(type) {
			case string:
				size += len(value)
			case []byte:
				size += len(value)
			case map[string]any:
				if encoded, ok := value[tagGob].([]byte); ok {
					size += len(encoded)
				}
			}
		}
	}
	return size
}

func appendBinary(out []byte, kept any) []byte {
	switch kept := kept.(type) {
	case bool:
		if kept {
			return append(out, 't')
		}
		return append(out, 'f')
	case int64:
		return binary.AppendVarint(append(out, 'i'), kept)
	case float64:
		return binary.LittleEndian.AppendUint64(append(out, 'd'), math.Float64bits(kept))
	case string:
		return append(binary.AppendUvarint(append(out, 's'), uint64(len(kept))), kept...)
	case []byte:
		return append(binary.AppendUvarint(append(out, 'b'), uint64(len(kept))), kept...)
	case []any:
		out = binary.AppendUvarint(append(out, 'l'), uint64(len(kept)))
		for _, item := range kept {
			out = appendBinary(out, item)
		}
		return out
	case map[string]any:
		out = binary.AppendUvarint(append(out, 'm'), uint64(len(kept)))
		for key, item := range kept {
			out = append(binary.AppendUvarint(out, uint64(len(key))), key...)
			out = appendBinary(out, item)
		}
		return out
	}
	return append(out, 'n')
}

// ParseBinary reads what AppendBinary wrote.
func ParseBinary(data []byte) (Content, error) {
	var content Content
	in := input{data}
	for kind := range kinds {
		kept, err := in.value(0)
		if err != nil {
			return Content{}, err
		}
		dict, ok := kept.(map[string]any)
		if !ok {
			return Content{}, errBinary
		}
		content.kept[kind] = dict
	}
	if len(in.rest) != 0 {
		return Content{}, errBinary
	}
	return content, nil
}

type input struct{ rest []byte }

func (in *input) number() (uint64, error) {
	number, width := binary.Uvarint(in.rest)
	if width <= 0 {
		return 0, errBinary
	}
	in.rest = in.rest[width:]
	return number, nil
}

// run reads so many bytes as a number says.
func (in *input) run() ([]byte, error) {
	length, err := in.number()
	if err != nil || length > uint64(len(in.rest)) {
		return nil, errBinary
	}
	run := in.rest[:length]
	in.rest = in.rest[length:]
	return run, nil
}

func (in *input) value(depth int) (any, error) {
	if len(in.rest) == 0 || depth > maxDepth {
		return nil, errBinary
	}
	code := in.rest[0]
	in.rest = in.rest[1:]
	switch code {
	case 'n':
		return nil, nil
	case 't', 'f':
		return code == 't', nil
	case 'i':
		number, width := binary.Varint(in.rest)
		if width <= 0 {
			return nil, errBinary
		}
		in.rest = in.rest[width:]
		return number, nil
	case 'd':
		if len(in.rest) < 8 {
			return nil, errBinary
		}
		bits := binary.LittleEndian.Uint64(in.rest)
		in.rest = in.rest[8:]
		return math.Float64frombits(bits), nil
	case 's':
		run, err := in.run()
		return string(run), err
	case 'b':
		run, err := in.run()
		return append([]byte{}, run...), err
	case 'l', 'm':
		// Each entry is a byte at least.
		count, err := in.number()
		if err != nil || count > uint64(len(in.rest)) {
			return nil, errBinary
		}
		if code == 'l' {
			return in.list(int(count), depth)
		}
		return in.dict(int(count), depth)
	}
	return nil, errBinary
}

func (in *input) list(count, depth int) (any, error) {
	list := []any{}
	for range count {
		item, err := in.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func (in *input) dict(count, depth int) (any, error) {
	dict := map[string]any{}
	for range count {
		key, err := in.run()
		if err != nil {
			return nil, err
		}
		if dict[string(key)], err = in.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}
