package adapter

import (
	"reflect"
	"runtime"
	"sync"
	"weak"
)

// Beside keeps a value beside each of some objects for as long as the object lives, and keeps no object alive. The zero
// value is ready, for all goroutines.
//
// It is how a store knows what a request had loaded: the packages that it serves hand it back nothing but their own maps
// and bytes.
type Beside[T, V any] struct {
	mutex   sync.Mutex
	entries map[uintptr]besideEntry[T, V]
}

type besideEntry[T, V any] struct {
	// An address is used again once its object is gone, and this tells.
	object weak.Pointer[T]
	value  V
}

type besidePlace[T any] struct {
	address uintptr
	object  weak.Pointer[T]
}

// Put keeps a value beside an object of the heap, in place of the one before.
func (b *Beside[T, V]) Put(object *T, value V) {
	place := besidePlace[T]{address(object), weak.Make(object)}
	b.mutex.Lock()
	before, isKnown := b.entries[place.address]
	if b.entries == nil {
		b.entries = map[uintptr]besideEntry[T, V]{}
	}
	b.entries[place.address] = besideEntry[T, V]{place.object, value}
	b.mutex.Unlock()
	if !isKnown || before.object != place.object {
		runtime.AddCleanup(object, b.forget, place)
	}
}

func (b *Beside[T, V]) forget(place besidePlace[T]) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if entry, ok := b.entries[place.address]; ok && entry.object == place.object {
		delete(b.entries, place.address)
	}
}

// Get returns what is kept beside an object, which may be any.
func (b *Beside[T, V]) Get(object *T) (V, bool) {
	b.mutex.Lock()
	entry, ok := b.entries[address(object)]
	b.mutex.Unlock()
	if !ok || entry.object.Value() != object {
		var none V
		return none, false
	}
	return entry.value, true
}

// Len counts the objects that something is kept beside of.
func (b *Beside[T, V]) Len() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return len(b.entries)
}

func address[T any](object *T) uintptr { return reflect.ValueOf(object).Pointer() }

// OfMap is the object that a map is to [Beside]; nil for a nil map.
func OfMap[K comparable, V any](m map[K]V) *byte { return (*byte)(reflect.ValueOf(m).UnsafePointer()) }

// OfBytes is the object that a slice of bytes is; nil for an empty one.
func OfBytes(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}
