package lovely

// #include "bridge.h"
import "C"

import "unsafe"

// items reads all keys of a package in one call of the library, each value copied once: begin is told how many there are,
// and each takes them, sorted by their bytes.
func (p Pkg) items(begin func(count int), each func(key string, value any)) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.txn.leave()
	if err := p.txn.failure(C.lovely_pkg_items(p.raw, &p.txn.block)); err != nil {
		return err
	}
	first, count := pointer[C.lovely_item](&p.txn.block.handle), p.txn.block.len
	defer C.lovely_items_free(first, count)
	begin(int(count))
	items := unsafe.Slice(first, int(count))
	for i := range items {
		value, err := itemValue(&items[i])
		if err != nil {
			return err
		}
		each(string(unsafe.Slice((*byte)(unsafe.Pointer(items[i].key)), int(items[i].key_len))), value)
	}
	return nil
}

// itemValue copies the value of an item.
func itemValue(item *C.lovely_item) (any, error) {
	switch Type(item._type) {
	case TypeNil:
		return nil, nil
	case TypeBool:
		return bool(item.flag), nil
	case TypeInt:
		return int64(item.i64), nil
	case TypeFloat:
		return float64(item.f64), nil
	}
	if item.len == 0 {
		if Type(item._type) == TypeString {
			return "", nil
		}
		return []byte{}, nil
	}
	lent := unsafe.Slice((*byte)(item.data), int(item.len))
	switch Type(item._type) {
	case TypeString:
		return string(lent), nil
	case TypeBytes:
		return append([]byte(nil), lent...), nil
	}
	return (&unpacker{rest: lent}).value()
}
