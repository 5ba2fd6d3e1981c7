package lovely

// #include "bridge.h"
import "C"

import (
	"iter"
	"math"
	"runtime"
	"time"
	"unsafe"
)

// Session is one visitor's data in a transaction. It is a handle, to be copied freely; two are equal (==) if they are the
// same session of the same transaction.
//
// Its methods answer [ErrMisuse] after the end of the transaction, [ErrFailed] after a commit that failed, [ErrGone] while the
// transaction destroys the session, and ErrMisuse after a rollback to before the session was opened.
type Session struct {
	txn *Txn
	raw *C.ls_session
}

// openedSessions knows the container of each session, and keeps it and its store: one as a rule, and a map for the others.
type openedSessions struct {
	first     *C.ls_session
	container *Container
	more      map[*C.ls_session]*Container
}

// of returns the container that a session was opened in; nil if the transaction did not give it.
func (o *openedSessions) of(raw *C.ls_session) *Container {
	if o.first == raw {
		return o.container
	}
	return o.more[raw]
}

// session makes the handle of a session that the library lent.
func (t *Txn) session(raw *C.ls_session, container *Container) Session {
	switch opened := &t.opened; {
	case opened.first == nil || opened.first == raw:
		opened.first, opened.container = raw, container
	case opened.more == nil:
		opened.more = map[*C.ls_session]*Container{raw: container}
	default:
		opened.more[raw] = container
	}
	return Session{t, raw}
}

// Session opens a session: the one that is open in this transaction already, else as it is stored, else a new, empty one.
//
// Opening renews its idle timeout, also if the transaction is aborted later, and stores nothing. A server that does not
// answer is an error, never an empty session; opening again tries again.
func (t *Txn) Session(container *Container, id string) (Session, error) {
	if err := t.enterIO(container); err != nil {
		return Session{}, err
	}
	defer t.leaveIO(container)
	raw, err := t.open(container, id)
	if err != nil {
		return Session{}, err
	}
	t.use(container)
	return t.session(raw, container), nil
}

// Prefetch opens many sessions of a container at once, in one round trip to each server: [Txn.Session] then finds them open. It
// returns the error of the first that could not be opened; the others are open.
func (t *Txn) Prefetch(container *Container, ids ...string) error {
	if err := t.enterIO(container); err != nil {
		return err
	}
	defer t.leaveIO(container)
	t.use(container)
	return t.prefetch(container, ids)
}

// use notes that the transaction has something to do with the container's store.
func (t *Txn) use(container *Container) {
	if queues := container.store.native.queues; queues != nil {
		t.queues = queues
	}
}

// NewSession makes a session with a random id of 192 bits, 32 URL-safe characters. It is stored at commit, even if empty.
func (t *Txn) NewSession(container *Container) (Session, error) {
	if err := container.enter(); err != nil {
		return Session{}, err
	}
	defer container.leave()
	if err := t.enterWrite(); err != nil {
		return Session{}, err
	}
	defer t.leave()
	if err := t.failure(C.lovely_session_create(t.raw, container.raw, &t.block)); err != nil {
		return Session{}, err
	}
	t.use(container)
	return t.session(pointer[C.ls_session](&t.block.handle), container), nil
}

// Exists tells whether there is a session, as this transaction sees it. Asking does not open it and does not keep it alive.
func (t *Txn) Exists(container *Container, id string) (bool, error) {
	if err := t.enterIO(container); err != nil {
		return false, err
	}
	defer t.leaveIO(container)
	err := t.exists(container, id)
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// Destroy destroys a session at commit, whatever it is by then: it need not be open, nor exist, nor be readable. Another
// transaction that has it open and changed it will get [ErrGone].
func (t *Txn) Destroy(container *Container, id string) error {
	if err := container.enter(); err != nil {
		return err
	}
	defer container.leave()
	if err := t.enterWrite(); err != nil {
		return err
	}
	t.use(container)
	text, length := chars(id)
	err := t.failure(C.ls_session_destroy(t.raw, container.raw, text, length, &t.block.err))
	t.leave()
	return err
}

// Sessions returns the sessions that the transaction gave and has open, in the order of opening.
func (t *Txn) Sessions() ([]Session, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	sessions := []Session{}
	for index := C.size_t(0); ; index++ {
		switch err := t.failure(C.lovely_session_at(t.raw, index, &t.block)); err {
		case nil:
			if raw := pointer[C.ls_session](&t.block.handle); t.opened.of(raw) != nil {
				sessions = append(sessions, Session{t, raw})
			}
		case ErrNotFound:
			return sessions, nil
		default:
			return nil, err
		}
	}
}

// enterIO begins a call that may ask the container's store.
func (t *Txn) enterIO(container *Container) error {
	if err := container.enter(); err != nil {
		return err
	}
	if err := t.enter(); err != nil {
		container.leave()
		return err
	}
	if err := ended(t.ctx); err != nil {
		t.leaveIO(container)
		return err
	}
	return nil
}

func (t *Txn) leaveIO(container *Container) {
	t.leave()
	container.leave()
}

// do runs one call on the session.
func (s Session) do(isWrite bool, call func() C.int32_t) error {
	enter := s.txn.enter
	if isWrite {
		enter = s.txn.enterWrite
	}
	if err := enter(); err != nil {
		return err
	}
	defer s.txn.leave()
	return s.txn.failure(call())
}

// Txn returns the transaction that the session is open in.
func (s Session) Txn() *Txn { return s.txn }

// ID returns the id that the session will have after the commit.
func (s Session) ID() (string, error) {
	if err := s.txn.enter(); err != nil {
		return "", err
	}
	defer s.txn.leave()
	if err := s.txn.failure(C.lovely_session_id(s.raw, &s.txn.block)); err != nil {
		return "", err
	}
	return s.txn.text(), nil
}

// IsNew tells whether nothing was stored under the session's id when it was opened; false also for a handle that is no longer
// usable.
func (s Session) IsNew() bool {
	if s.txn.enter() != nil {
		return false
	}
	defer s.txn.leave()
	return bool(C.ls_session_is_new(s.raw))
}

// Renew gives the session a new, random id at commit. Its content stays, and the old id is destroyed. For use at sign-in,
// against session fixation.
func (s Session) Renew() error { return s.RenewAs("") }

// RenewAs does the same with an id of the caller's.
func (s Session) RenewAs(id string) error {
	text, length := chars(id)
	err := s.do(true, func() C.int32_t { return C.ls_session_regenerate(s.raw, text, length, &s.txn.block.err) })
	runtime.KeepAlive(id)
	return err
}

// Destroy destroys the session at commit.
func (s Session) Destroy() error {
	if err := s.txn.enterWrite(); err != nil {
		return err
	}
	defer s.txn.leave()
	container := s.txn.opened.of(s.raw)
	if err := container.enter(); err != nil {
		return err
	}
	defer container.leave()
	return s.txn.failure(C.lovely_session_destroy(s.raw, s.txn.raw, container.raw, &s.txn.block))
}

// Clear deletes all packages of the session. The session stays.
func (s Session) Clear() error {
	return s.do(true, func() C.int32_t { return C.ls_session_clear(s.raw, &s.txn.block.err) })
}

// Pkg gets a package of the session, created, empty, if it is not there; it is stored only if it gets a key. If that fails,
// each method of the package returns the error.
func (s Session) Pkg(name string) Pkg {
	pkg, err := s.pkg(name, false)
	return Pkg{pkg.txn, pkg.raw, err}
}

// Peek gets a package of the session if it is there; [ErrNotFound] if not.
func (s Session) Peek(name string) (Pkg, error) { return s.pkg(name, true) }

func (s Session) pkg(name string, peek bool) (Pkg, error) {
	if err := s.txn.enter(); err != nil {
		return Pkg{}, err
	}
	text, length := chars(name)
	rc := C.lovely_session_pkg(s.raw, C.bool(peek), text, length, &s.txn.block)
	pkg, err := Pkg{s.txn, pointer[C.ls_pkg](&s.txn.block.handle), nil}, s.txn.failure(rc)
	s.txn.leave()
	if err != nil {
		return Pkg{}, err
	}
	return pkg, nil
}

// DeletePkg deletes a package and tells whether it was there. Handles of it stay good: writing through one creates it anew.
func (s Session) DeletePkg(name string) (bool, error) {
	text, length := chars(name)
	err := s.do(true, func() C.int32_t { return C.ls_session_delete_pkg(s.raw, text, length, &s.txn.block.err) })
	runtime.KeepAlive(name)
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// Pkgs returns the names of the session's packages, sorted by their bytes.
func (s Session) Pkgs() ([]string, error) {
	return readPacked(s.txn, func() C.int32_t { return C.lovely_session_pkgs(s.raw, &s.txn.block) }, (*unpacker).texts)
}

// All returns the session's packages by name, to range over. It is what they are now: later changes do not change it.
func (s Session) All() (iter.Seq2[string, Pkg], error) {
	names, err := s.Pkgs()
	if err != nil {
		return nil, err
	}
	return func(yield func(string, Pkg) bool) {
		for _, name := range names {
			if !yield(name, s.Pkg(name)) {
				return
			}
		}
	}, nil
}

// Content returns the whole session: the content of each package by its name.
func (s Session) Content() (map[string]map[string]any, error) {
	return readPacked(s.txn, func() C.int32_t { return C.lovely_session_content(s.raw, &s.txn.block) }, (*unpacker).maps)
}

// time runs a call that tells a time in milliseconds.
func (s Session) time(call func(out *C.int64_t, detail *C.ls_error) C.int32_t) (C.int64_t, error) {
	if err := s.txn.enter(); err != nil {
		return 0, err
	}
	defer s.txn.leave()
	err := s.txn.failure(call(&s.txn.block.i64, &s.txn.block.err))
	return s.txn.block.i64, err
}

// Created tells when the session was created, by the store's clock. Renewing its id does not change that.
func (s Session) Created() (time.Time, error) {
	return moment(s.time(func(out *C.int64_t, detail *C.ls_error) C.int32_t {
		return C.ls_session_created(s.raw, out, detail)
	}))
}

// Accessed tells when the session was last accessed, this opening included, by the store's clock; it may lag by the
// container's resolution.
func (s Session) Accessed() (time.Time, error) {
	return moment(s.time(func(out *C.int64_t, detail *C.ls_error) C.int32_t {
		return C.ls_session_accessed(s.raw, out, detail)
	}))
}

// Timeout returns the session's own idle timeout, 0 being never; [ErrNotFound] if it has none, and its container's counts.
func (s Session) Timeout() (time.Duration, error) {
	ms, err := s.time(func(out *C.int64_t, detail *C.ls_error) C.int32_t {
		return C.ls_session_timeout(s.raw, out, detail)
	})
	if err != nil {
		return 0, err
	}
	return duration(ms), nil
}

// SetTimeout gives the session an idle timeout of its own, up to the container's maximum; 0 is never.
func (s Session) SetTimeout(d time.Duration) error {
	return s.do(true, func() C.int32_t {
		return C.ls_session_set_timeout(s.raw, C.int64_t(milliseconds(d)), &s.txn.block.err)
	})
}

// ClearTimeout takes the session's own idle timeout away.
func (s Session) ClearTimeout() error {
	return s.do(true, func() C.int32_t { return C.ls_session_clear_timeout(s.raw, &s.txn.block.err) })
}

// Deadline tells when the session ends, however much it is used, by the store's clock; [ErrNotFound] if it has no deadline.
func (s Session) Deadline() (time.Time, error) {
	return moment(s.time(func(out *C.int64_t, detail *C.ls_error) C.int32_t {
		return C.ls_session_deadline(s.raw, out, detail)
	}))
}

// SetDeadline sets when the session ends, however much it is used. The zero time is refused: [Session.ClearDeadline] takes a
// deadline away.
func (s Session) SetDeadline(t time.Time) error {
	if seconds := t.Unix(); t.IsZero() || seconds < math.MinInt64/1000 || seconds >= math.MaxInt64/1000 {
		return refused(ErrRange, "the deadline is the zero time, or more than 292 million years away")
	}
	return s.do(true, func() C.int32_t {
		return C.ls_session_set_deadline(s.raw, C.int64_t(t.UnixMilli()), &s.txn.block.err)
	})
}

// ClearDeadline takes the session's deadline away.
func (s Session) ClearDeadline() error {
	return s.do(true, func() C.int32_t { return C.ls_session_clear_deadline(s.raw, &s.txn.block.err) })
}

func moment(ms C.int64_t, err error) (time.Time, error) {
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(ms)), nil
}

// readPacked runs a call that answers with MessagePack, and reads it.
func readPacked[T any](t *Txn, call func() C.int32_t, read func(*unpacker) (T, error)) (T, error) {
	var none T
	if err := t.enter(); err != nil {
		return none, err
	}
	defer t.leave()
	if err := t.failure(call()); err != nil {
		return none, err
	}
	defer C.ls_bytes_free(unsafe.Pointer(pointer[byte](&t.block.data)))
	return read(&unpacker{rest: t.lent()})
}
