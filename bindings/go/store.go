package lovely

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Store is where sessions live: memcached, or the memory of this process. It is safe for use by several goroutines.
type Store struct{ native *nativeStore }

// nativeStore holds what is freed when a store is closed: by Close, else when nobody has the store any more.
type nativeStore struct {
	uses
	raw *C.ls_store
	// queues are nil for a store in memory, which never waits.
	queues *queues

	mutex      sync.Mutex
	containers map[string]*C.ls_container
}

// Open opens a store by its URL:
//
//	memory://NAME                                     inside this process
//	memcached://HOST[:PORT][/PREFIX][?OPTION=VALUE]   on memcached
//	memcached+unix:///PATH[?prefix=PREFIX]            on memcached, by a unix socket
//
// Without a URL the environment variable LOVELY_SESSION_URL counts, else it is memory://default, with a warning on the
// log. Opening looks up host names, and waits for that; servers are not asked yet, see [Store.Ping].
func Open(url string, options ...Option) (*Store, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	var (
		raw    *C.ls_store
		list   *C.ls_options
		detail C.ls_error
	)
	if err := failure(C.ls_options_new(&list, &detail), &detail); err != nil {
		return nil, err
	}
	defer C.ls_options_free(list)
	for _, option := range options {
		if err := failure(C.ls_options_set(list, option.number, C.int64_t(option.value), &detail), &detail); err != nil {
			return nil, err
		}
	}
	text, length := chars(url)
	rc := C.ls_store_open(text, length, list, &raw, &detail)
	runtime.KeepAlive(url)
	if err := failure(rc, &detail); err != nil {
		return nil, err
	}
	return newStore(raw)
}

func newStore(raw *C.ls_store) (*Store, error) {
	native := &nativeStore{raw: raw, containers: map[string]*C.ls_container{}}
	store := &Store{native}
	count(+1)
	if !strings.HasPrefix(store.Name(), "memory://") {
		queues, err := useQueues()
		if err != nil {
			native.close(native.free)
			return nil, err
		}
		native.queues = queues
	}
	runtime.AddCleanup(store, func(native *nativeStore) { native.close(native.free) }, native)
	return store, nil
}

func (n *nativeStore) free() {
	for _, container := range n.containers {
		C.ls_container_free(container)
		count(-1)
	}
	C.ls_store_free(n.raw)
	count(-1)
	if n.queues != nil {
		leaveQueues()
	}
}

// enter begins a call on the store; leave ends it.
func (s *Store) enter() error {
	if s != nil && s.native != nil && s.native.enter(s.native.free) {
		return nil
	}
	return s.check()
}

// check says why nothing can be done with the store, if so.
func (s *Store) check() error {
	if s == nil || s.native == nil {
		return refused(ErrMisuse, "the store was not opened")
	}
	if s.native.isClosed() {
		return refused(ErrMisuse, "the store is closed")
	}
	return nil
}

func (s *Store) leave() {
	s.native.leave(s.native.free)
	runtime.KeepAlive(s)
}

// do runs one call on the store.
func (s *Store) do(call func(raw *C.ls_store, detail *C.ls_error) C.int32_t) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	var detail C.ls_error
	return failure(call(s.native.raw, &detail), &detail)
}

// Close closes the store and its containers. Transactions that have sessions of it can still be read, committed and
// aborted; whatever else is used afterwards answers [ErrMisuse]. Closing again does nothing.
func (s *Store) Close() error {
	if s != nil && s.native != nil {
		s.native.close(s.native.free)
		runtime.KeepAlive(s)
	}
	return nil
}

// Resolve looks up the host names of the store's servers again, and waits for it.
func (s *Store) Resolve() error {
	return s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t { return C.ls_store_resolve(raw, detail) })
}

// Ping asks whether the store answers; with several servers, whether all do.
func (s *Store) Ping(ctx context.Context) error {
	return s.ask(ctx,
		func(store *C.ls_store, raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
			return C.ls_store_ping_start(store, raw, place, number, detail)
		},
		func(store *C.ls_store, detail *C.ls_error) C.int32_t { return C.ls_store_ping(store, detail) })
}

// Flush removes everything from the store, the data of other applications on the same servers included. It needs
// [WithFlush].
func (s *Store) Flush(ctx context.Context) error {
	return s.ask(ctx,
		func(store *C.ls_store, raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
			return C.ls_store_flush_start(store, raw, place, number, detail)
		},
		func(store *C.ls_store, detail *C.ls_error) C.int32_t { return C.ls_store_flush(store, detail) })
}

// ask runs what asks the store without a transaction: on a queue, or at once if it is in memory.
func (s *Store) ask(
	ctx context.Context,
	start func(*C.ls_store, *C.ls_queue, C.uint64_t, *C.uint64_t, *C.ls_error) C.int32_t,
	call func(*C.ls_store, *C.ls_error) C.int32_t,
) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if q := s.native.queues.enter(); q != nil {
		defer q.done()
		_, err := q.run(ctx, func(raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
			return start(s.native.raw, raw, place, number, detail)
		})
		return err
	}
	var detail C.ls_error
	return failure(call(s.native.raw, &detail), &detail)
}

// Name returns the store's URL in its shortest form, without options and secrets; "" for a store that is closed.
func (s *Store) Name() string {
	var name string
	_ = s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		var text *C.char
		rc := C.ls_store_name(raw, &text, nil, detail)
		name = C.GoString(text)
		return rc
	})
	return name
}

// Register makes the store known under a name in this process, to other languages too, and keeps it open until
// [Unregister].
func (s *Store) Register(name string) error {
	return s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		text, length := chars(name)
		return C.ls_store_register(raw, text, length, detail)
	})
}

// Find returns the store that was registered under a name, to be closed by the caller; [ErrNotFound] if there is none.
func Find(name string) (*Store, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	var (
		raw    *C.ls_store
		detail C.ls_error
	)
	text, length := chars(name)
	rc := C.ls_store_find(text, length, &raw, &detail)
	runtime.KeepAlive(name)
	if err := failure(rc, &detail); err != nil {
		return nil, err
	}
	return newStore(raw)
}

// Unregister forgets a name; [ErrNotFound] if it is not registered. The store stays open for those who have it.
func Unregister(name string) error {
	var detail C.ls_error
	text, length := chars(name)
	rc := C.ls_store_unregister(text, length, &detail)
	runtime.KeepAlive(name)
	return failure(rc, &detail)
}

// retryLimit is how long Update runs work again if its context has no deadline: as long as one commit may take.
const retryLimit = 5 * time.Second

// Update runs work in a transaction and commits it. It aborts if work returns an error, which Update returns, or panics.
//
// After a conflict that may pass it runs work again, in a new transaction, until the context ends, or for 5 s if that has
// no deadline. So work must do nothing that may not be done twice, and should take everything that it decides by from
// the transaction. The transaction must not be used after work has returned.
//
// A conflict is two different changes of one key. Writing what another transaction wrote too is none: of two that both read 1
// and set 2, both succeed, and one count is lost. Count with [Pkg.Add], or give the container the policy [Strict].
func (s *Store) Update(ctx context.Context, work func(*Txn) error) error {
	if ctx == nil {
		return ended(ctx)
	}
	_, isBounded := ctx.Deadline()
	var until time.Time
	for attempt := 0; ; attempt++ {
		err := s.once(ctx, work, true)
		if err == nil || !IsRetryable(err) || attempt > 0 && !isBounded && time.Now().After(until) {
			return err
		}
		// The clock is asked only if there is something to run again.
		if attempt == 0 && !isBounded {
			until = time.Now().Add(retryLimit)
		}
		if !pause(ctx, attempt) {
			return err
		}
	}
}

// View runs work in a transaction that cannot change anything. Opening a session keeps it alive all the same.
func (s *Store) View(ctx context.Context, work func(*Txn) error) error {
	return s.once(ctx, work, false)
}

// once runs work in one transaction. However work ends, the transaction has ended then.
func (s *Store) once(ctx context.Context, work func(*Txn) error, isUpdate bool) error {
	txn, err := s.begin(ctx)
	if err != nil {
		return err
	}
	txn.managed, txn.readOnly = true, !isUpdate
	defer txn.end()
	if err := work(txn); err != nil {
		return err
	}
	if !isUpdate {
		return nil
	}
	return txn.commit()
}
