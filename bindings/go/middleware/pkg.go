package middleware

import (
	"context"
	"iter"

	lovely "lovely.session/go"
)

// Pkg is a package of a request's session: a named map. It is a handle, to be copied freely.
//
// Its methods are those of [lovely.Pkg], with the same errors: a key that is absent is [lovely.ErrNotFound], and reading it as
// another type than its value has is [lovely.ErrType]. The first one that is called opens the session, and answers why if that
// fails.
type Pkg struct {
	session *Session
	name    string
}

// Name returns the name of the package.
func (p Pkg) Name() string { return p.name }

// Get returns the value under a key: nil, bool, int64, float64, string, []byte, []any or map[string]any.
func (p Pkg) Get(key string) (any, error) {
	return read(p, func(pkg lovely.Pkg) (any, error) { return pkg.Get(key) })
}

// Type tells the type of the value under a key.
func (p Pkg) Type(key string) (lovely.Type, error) {
	return read(p, func(pkg lovely.Pkg) (lovely.Type, error) { return pkg.Type(key) })
}

// Bool returns the boolean under a key.
func (p Pkg) Bool(key string) (bool, error) {
	return read(p, func(pkg lovely.Pkg) (bool, error) { return pkg.Bool(key) })
}

// Int returns the integer under a key.
func (p Pkg) Int(key string) (int64, error) {
	return read(p, func(pkg lovely.Pkg) (int64, error) { return pkg.Int(key) })
}

// Float returns the float under a key.
func (p Pkg) Float(key string) (float64, error) {
	return read(p, func(pkg lovely.Pkg) (float64, error) { return pkg.Float(key) })
}

// String returns the text under a key.
func (p Pkg) String(key string) (string, error) {
	return read(p, func(pkg lovely.Pkg) (string, error) { return pkg.String(key) })
}

// Bytes returns the bytes under a key.
func (p Pkg) Bytes(key string) ([]byte, error) {
	return read(p, func(pkg lovely.Pkg) ([]byte, error) { return pkg.Bytes(key) })
}

// Decode reads the value under a key into what dst points at, such as a struct.
func (p Pkg) Decode(key string, dst any) error {
	_, err := read(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Decode(key, dst) })
	return err
}

// Load reads the package into what dst points at: a struct, or a map with string keys.
func (p Pkg) Load(dst any) error {
	_, err := read(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Load(dst) })
	return err
}

// Has tells whether a key is there. One that is nil is.
func (p Pkg) Has(key string) (bool, error) {
	return read(p, func(pkg lovely.Pkg) (bool, error) { return pkg.Has(key) })
}

// Len counts the keys.
func (p Pkg) Len() (int, error) {
	return read(p, func(pkg lovely.Pkg) (int, error) { return pkg.Len() })
}

// Keys returns the keys, sorted by their bytes.
func (p Pkg) Keys() ([]string, error) {
	return read(p, func(pkg lovely.Pkg) ([]string, error) { return pkg.Keys() })
}

// All returns the keys and values, sorted by the bytes of the keys, to range over. It is what they are now.
func (p Pkg) All() (iter.Seq2[string, any], error) {
	return read(p, func(pkg lovely.Pkg) (iter.Seq2[string, any], error) { return pkg.All() })
}

// Content returns the whole package.
func (p Pkg) Content() (map[string]any, error) {
	return read(p, func(pkg lovely.Pkg) (map[string]any, error) { return pkg.Content() })
}

// Set sets a key to a value, in place of what it had; setting an equal one is no change.
func (p Pkg) Set(key string, value any) error {
	_, err := write(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Set(key, value) })
	return err
}

// Add adds to an integer and returns the sum, as this request sees it; an absent key counts as 0. What concurrent requests add is all
// counted, whatever the conflict policy.
func (p Pkg) Add(key string, delta int64) (int64, error) {
	return write(p, func(pkg lovely.Pkg) (int64, error) { return pkg.Add(key, delta) })
}

// Delete deletes a key, and tells whether it was there.
func (p Pkg) Delete(key string) (bool, error) {
	return write(p, func(pkg lovely.Pkg) (bool, error) { return pkg.Delete(key) })
}

// Clear deletes all keys.
func (p Pkg) Clear() error {
	_, err := write(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Clear() })
	return err
}

// Update sets each field of a struct, or each key of a map with string keys. Other keys stay.
func (p Pkg) Update(content any) error {
	_, err := write(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Update(content) })
	return err
}

// Replace makes a struct, or a map with string keys, the whole content of the package: other keys are deleted.
func (p Pkg) Replace(content any) error {
	_, err := write(p, func(pkg lovely.Pkg) (struct{}, error) { return struct{}{}, pkg.Replace(content) })
	return err
}

// read runs one call on the package as it is stored, or on an empty one if the visitor has no session.
func read[T any](p Pkg, call func(lovely.Pkg) (T, error)) (T, error) {
	var none T
	s, err := p.lock((*Session).look)
	if err != nil {
		return none, err
	}
	defer s.mutex.Unlock()
	if s.has {
		return call(s.pkgs.get(s.stored, p.name))
	}
	pkg, err := s.nothing.pkg(s.manager.container, p.name)
	if err != nil {
		return none, err
	}
	return call(pkg)
}

// write runs one call that changes the package.
func write[T any](p Pkg, call func(lovely.Pkg) (T, error)) (T, error) {
	s, err := p.lock((*Session).change)
	if err != nil {
		var none T
		return none, err
	}
	defer s.mutex.Unlock()
	return call(s.pkgs.get(s.stored, p.name))
}

// lock takes the mutex of the package's session, which the caller has to release, and makes the session ready; after an error
// the mutex is free.
func (p Pkg) lock(ready func(*Session) error) (*Session, error) {
	if p.session == nil {
		return nil, misuse("the package is that of no session")
	}
	p.session.mutex.Lock()
	if err := ready(p.session); err != nil {
		p.session.mutex.Unlock()
		return nil, err
	}
	return p.session, nil
}

// handles keeps the package that was used last: most requests use one.
type handles struct {
	isKept bool
	name   string
	pkg    lovely.Pkg
}

func (h *handles) get(session lovely.Session, name string) lovely.Pkg {
	if !h.isKept || h.name != name {
		pkg := session.Pkg(name)
		*h = handles{pkg.Err() == nil, name, pkg}
	}
	return h.pkg
}

// emptySession answers reads as an empty session does. Its transaction asks no store, and is never committed.
type emptySession struct {
	txn     *lovely.Txn
	session lovely.Session
}

func (e *emptySession) pkg(container *lovely.Container, name string) (lovely.Pkg, error) {
	if e.txn == nil {
		txn, err := container.Store().Begin(context.Background())
		if err != nil {
			return lovely.Pkg{}, err
		}
		session, err := txn.NewSession(container)
		if err != nil {
			_ = txn.Abort()
			return lovely.Pkg{}, err
		}
		e.txn, e.session = txn, session
	}
	return e.session.Pkg(name), nil
}

func (e *emptySession) end() {
	if e.txn != nil {
		_ = e.txn.Abort()
		e.txn = nil
	}
}
