package lovely

// #include "bridge.h"
import "C"

import (
	"iter"
	"runtime"
	"unsafe"
)

// Pkg is a package: a named map in a session. It is a handle, to be copied freely; two are equal (==) if they are the same
// package of the same session.
//
// It names the package, and stays good if that is deleted, rolled back or replaced: it then reads as empty, and writing
// through it creates the package anew. A key that is absent is [ErrNotFound]; nil is a value. Reading a key as another type
// than its value has is [ErrType]: 1, 1.0, true and "1" differ.
type Pkg struct {
	txn *Txn
	raw *C.ls_pkg
	// err is why there is no package.
	err error
}

func (p Pkg) enter() error {
	if p.err != nil {
		return p.err
	}
	return p.txn.enter()
}

func (p Pkg) enterWrite() error {
	if p.err != nil {
		return p.err
	}
	return p.txn.enterWrite()
}

// Err returns why [Session.Pkg] failed, and nil if it did not.
func (p Pkg) Err() error { return p.err }

// Txn returns the transaction that the package is part of.
func (p Pkg) Txn() *Txn { return p.txn }

// Name returns the name of the package.
func (p Pkg) Name() (string, error) {
	if err := p.enter(); err != nil {
		return "", err
	}
	defer p.txn.leave()
	if err := p.txn.failure(C.lovely_pkg_name(p.raw, &p.txn.block)); err != nil {
		return "", err
	}
	return p.txn.text(), nil
}

// Type is the type of a value.
type Type int

// The types of values, and what Go has for them.
const (
	TypeNil    Type = C.LS_TYPE_NULL  // nil
	TypeBool   Type = C.LS_TYPE_BOOL  // bool
	TypeInt    Type = C.LS_TYPE_I64   // int64
	TypeFloat  Type = C.LS_TYPE_F64   // float64
	TypeString Type = C.LS_TYPE_TEXT  // string
	TypeBytes  Type = C.LS_TYPE_BYTES // []byte
	TypeList   Type = C.LS_TYPE_LIST  // []any
	TypeMap    Type = C.LS_TYPE_MAP   // map[string]any
)

// String returns the name of the type, as in the messages of errors.
func (t Type) String() string {
	names := [...]string{"nil", "bool", "int", "float", "string", "bytes", "list", "map"}
	if t < 0 || int(t) >= len(names) {
		return "unknown"
	}
	return names[t]
}

// Type tells the type of the value under a key.
func (p Pkg) Type(key string) (Type, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	text, length := chars(key)
	rc := C.ls_pkg_type(p.raw, text, length, &p.txn.block.i32, &p.txn.block.err)
	kind, err := Type(p.txn.block.i32), p.txn.failure(rc)
	p.txn.leave()
	if err != nil {
		return 0, err
	}
	return kind, nil
}

// Get returns the value under a key: nil, bool, int64, float64, string, []byte, []any or map[string]any.
func (p Pkg) Get(key string) (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.txn.leave()
	text, length := chars(key)
	rc := C.lovely_pkg_get(p.raw, text, length, &p.txn.block)
	if err := p.txn.failure(rc); err != nil {
		return nil, err
	}
	switch block := &p.txn.block; Type(block.i32) {
	case TypeNil:
		return nil, nil
	case TypeBool:
		return bool(block.flag), nil
	case TypeInt:
		return int64(block.i64), nil
	case TypeFloat:
		return float64(block.f64), nil
	case TypeString:
		return p.txn.text(), nil
	case TypeBytes:
		return p.txn.bytes(), nil
	}
	defer C.ls_bytes_free(unsafe.Pointer(pointer[byte](&p.txn.block.data)))
	return (&unpacker{rest: p.txn.lent()}).value()
}

// Bool returns the boolean under a key.
func (p Pkg) Bool(key string) (bool, error) {
	if err := p.enter(); err != nil {
		return false, err
	}
	text, length := chars(key)
	rc := C.ls_pkg_get_bool(p.raw, text, length, &p.txn.block.flag, &p.txn.block.err)
	value, err := bool(p.txn.block.flag), p.txn.failure(rc)
	p.txn.leave()
	return value && err == nil, err
}

// Int returns the integer under a key.
func (p Pkg) Int(key string) (int64, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	text, length := chars(key)
	rc := C.ls_pkg_get_i64(p.raw, text, length, &p.txn.block.i64, &p.txn.block.err)
	value, err := int64(p.txn.block.i64), p.txn.failure(rc)
	p.txn.leave()
	if err != nil {
		return 0, err
	}
	return value, nil
}

// Float returns the float under a key. All its bits are as they were stored, those of NaN included.
func (p Pkg) Float(key string) (float64, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	text, length := chars(key)
	rc := C.ls_pkg_get_f64(p.raw, text, length, &p.txn.block.f64, &p.txn.block.err)
	value, err := float64(p.txn.block.f64), p.txn.failure(rc)
	p.txn.leave()
	if err != nil {
		return 0, err
	}
	return value, nil
}

// String returns the text under a key.
func (p Pkg) String(key string) (string, error) {
	if err := p.enter(); err != nil {
		return "", err
	}
	defer p.txn.leave()
	text, length := chars(key)
	if err := p.txn.failure(C.lovely_pkg_get_text(p.raw, text, length, &p.txn.block)); err != nil {
		return "", err
	}
	return p.txn.text(), nil
}

// Bytes returns the bytes under a key.
func (p Pkg) Bytes(key string) ([]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.txn.leave()
	text, length := chars(key)
	rc := C.lovely_pkg_get_bytes(p.raw, text, length, &p.txn.block)
	if err := p.txn.failure(rc); err != nil {
		return nil, err
	}
	return p.txn.bytes(), nil
}

// Set sets a key to a value, in place of what it had; setting an equal one is no change. See the package's documentation for
// what values may be.
func (p Pkg) Set(key string, value any) error {
	switch value := value.(type) {
	case nil:
		return p.SetNil(key)
	case bool:
		return p.SetBool(key, value)
	case int:
		return p.SetInt(key, int64(value))
	case int64:
		return p.SetInt(key, value)
	case float64:
		return p.SetFloat(key, value)
	case string:
		return p.SetString(key, value)
	case []byte:
		return p.SetBytes(key, value)
	}
	packed, err := pack(value)
	if err != nil {
		return err
	}
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		bytes, size := bytesOf(packed)
		return C.lovely_pkg_set(p.raw, text, length, bytes, size, &p.txn.block)
	})
}

// write runs one call that changes a key.
func (p Pkg) write(key string, call func(text *C.char, length C.size_t) C.int32_t) error {
	if err := p.enterWrite(); err != nil {
		return err
	}
	err := p.txn.failure(call(chars(key)))
	p.txn.leave()
	runtime.KeepAlive(key)
	return err
}

// SetNil sets a key to nil.
func (p Pkg) SetNil(key string) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		return C.ls_pkg_set_null(p.raw, text, length, &p.txn.block.err)
	})
}

// SetBool sets a key to a boolean.
func (p Pkg) SetBool(key string, value bool) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		return C.ls_pkg_set_bool(p.raw, text, length, C.bool(value), &p.txn.block.err)
	})
}

// SetInt sets a key to an integer.
func (p Pkg) SetInt(key string, value int64) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		return C.ls_pkg_set_i64(p.raw, text, length, C.int64_t(value), &p.txn.block.err)
	})
}

// SetFloat sets a key to a float. All bits are kept, those of NaN included.
func (p Pkg) SetFloat(key string, value float64) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		return C.ls_pkg_set_f64(p.raw, text, length, C.double(value), &p.txn.block.err)
	})
}

// SetString sets a key to text, which must be UTF-8: [ErrArgument] if it is not.
func (p Pkg) SetString(key, value string) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		content, size := chars(value)
		return C.ls_pkg_set_text(p.raw, text, length, content, size, &p.txn.block.err)
	})
}

// SetBytes sets a key to bytes. A nil slice is an empty one.
func (p Pkg) SetBytes(key string, value []byte) error {
	return p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		content, size := bytesOf(value)
		return C.ls_pkg_set_bytes(p.raw, text, length, content, size, &p.txn.block.err)
	})
}

// Add adds to an integer and returns the sum, as this transaction sees it; an absent key counts as 0. Increments by concurrent
// transactions are all kept. It answers [ErrType] if the key holds anything else, and [ErrRange] if the sum does not fit.
func (p Pkg) Add(key string, delta int64) (int64, error) {
	if err := p.enterWrite(); err != nil {
		return 0, err
	}
	text, length := chars(key)
	rc := C.ls_pkg_add(p.raw, text, length, C.int64_t(delta), &p.txn.block.i64, &p.txn.block.err)
	sum, err := int64(p.txn.block.i64), p.txn.failure(rc)
	p.txn.leave()
	if err != nil {
		return 0, err
	}
	return sum, nil
}

// Delete deletes a key, and tells whether it was there.
func (p Pkg) Delete(key string) (bool, error) {
	return found(p.write(key, func(text *C.char, length C.size_t) C.int32_t {
		return C.ls_pkg_delete(p.raw, text, length, &p.txn.block.err)
	}))
}

// Has tells whether a key is there. One that is nil is.
func (p Pkg) Has(key string) (bool, error) {
	if err := p.enter(); err != nil {
		return false, err
	}
	text, length := chars(key)
	err := p.txn.failure(C.ls_pkg_contains(p.raw, text, length, &p.txn.block.err))
	p.txn.leave()
	return found(err)
}

func found(err error) (bool, error) {
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// Len counts the keys.
func (p Pkg) Len() (int, error) {
	if err := p.enter(); err != nil {
		return 0, err
	}
	rc := C.ls_pkg_len(p.raw, &p.txn.block.len, &p.txn.block.err)
	length, err := int(p.txn.block.len), p.txn.failure(rc)
	p.txn.leave()
	if err != nil {
		return 0, err
	}
	return length, nil
}

// Clear deletes all keys. The package stays.
func (p Pkg) Clear() error {
	if err := p.enterWrite(); err != nil {
		return err
	}
	err := p.txn.failure(C.ls_pkg_clear(p.raw, &p.txn.block.err))
	p.txn.leave()
	return err
}

// Keys returns the keys, sorted by their bytes.
func (p Pkg) Keys() ([]string, error) {
	if p.err != nil {
		return nil, p.err
	}
	return readPacked(p.txn, func() C.int32_t { return C.lovely_pkg_keys(p.raw, &p.txn.block) }, (*unpacker).texts)
}

// All returns the keys and values, sorted by the bytes of the keys, to range over. It is what they are now: later changes,
// in the loop too, do not change it.
func (p Pkg) All() (iter.Seq2[string, any], error) {
	var entries []entry
	err := p.items(func(count int) { entries = make([]entry, 0, count) }, func(key string, value any) {
		entries = append(entries, entry{key, value})
	})
	if err != nil {
		return nil, err
	}
	return func(yield func(string, any) bool) {
		for _, entry := range entries {
			if !yield(entry.key, entry.value) {
				return
			}
		}
	}, nil
}

// Content returns the whole package.
func (p Pkg) Content() (map[string]any, error) {
	var content map[string]any
	err := p.items(func(count int) { content = make(map[string]any, count) }, func(key string, value any) {
		content[key] = value
	})
	if err != nil {
		return nil, err
	}
	return content, nil
}

// Load reads the package into what dst points at: a struct, of which each field gets the value under its key, or a map with
// string keys. A field whose key is absent stays as it is, and so does dst after an error.
func (p Pkg) Load(dst any) error {
	content, err := p.Content()
	if err != nil {
		return err
	}
	return assign(dst, content)
}

// Decode reads the value under a key into what dst points at, of which [Get] is the short form.
func (p Pkg) Decode(key string, dst any) error {
	value, err := p.Get(key)
	if err != nil {
		return err
	}
	return assign(dst, value)
}

// Get returns the value under a key as a T: a struct, a slice or map of one type, or anything else that [Pkg.Set] takes.
func Get[T any](p Pkg, key string) (T, error) {
	var value T
	err := p.Decode(key, &value)
	return value, err
}

// Update sets each field of a struct, or each key of a map with string keys. Other keys stay; after an error the package is
// as it was.
func (p Pkg) Update(content any) error { return p.put(content, false) }

// Replace makes a struct, or a map with string keys, the whole content of the package: other keys are deleted.
func (p Pkg) Replace(content any) error { return p.put(content, true) }

func (p Pkg) put(content any, replace bool) error {
	packed, err := pack(content)
	if err != nil {
		return err
	}
	if err := p.enterWrite(); err != nil {
		return err
	}
	bytes, size := bytesOf(packed)
	err = p.txn.failure(C.lovely_pkg_put(p.raw, C.bool(replace), bytes, size, &p.txn.block))
	p.txn.leave()
	return err
}
