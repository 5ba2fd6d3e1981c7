package lovely

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"
)

// Everything that asks a store for a transaction stands here.
//
// On memcached it goes through a queue, so that a goroutine that waits holds no thread, and so does not if the store is in
// memory, or the call needs no store: those calls do not wait.

// open opens a session. The caller is inside the transaction.
func (t *Txn) open(container *Container, id string) (*C.ls_session, error) {
	text, length := chars(id)
	if q := container.store.native.queues.enter(); q != nil {
		defer q.done()
		return q.run(t.ctx, func(raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
			return C.ls_session_get_start(t.raw, container.raw, text, length, raw, place, number, detail)
		})
	}
	var raw *C.ls_session
	rc := C.ls_session_get(t.raw, container.raw, text, length, &raw, &t.block.err)
	runtime.KeepAlive(id)
	if err := t.failure(rc); err != nil {
		return nil, err
	}
	return raw, nil
}

// exists asks whether there is a session.
func (t *Txn) exists(container *Container, id string) error {
	text, length := chars(id)
	if q := container.store.native.queues.enter(); q != nil {
		defer q.done()
		_, err := q.run(t.ctx, func(raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
			return C.ls_session_exists_start(t.raw, container.raw, text, length, raw, place, number, detail)
		})
		return err
	}
	rc := C.ls_session_exists(t.raw, container.raw, text, length, &t.block.err)
	runtime.KeepAlive(id)
	return t.failure(rc)
}

// prefetch opens many sessions.
func (t *Txn) prefetch(container *Container, ids []string) error {
	// One more of each, so that there is something to point at.
	lengths := make([]C.size_t, len(ids)+1)
	for i, id := range ids {
		lengths[i] = C.size_t(len(id))
	}
	text, _ := chars(strings.Join(ids, "") + "\x00")
	number := C.size_t(len(ids))
	if q := container.store.native.queues.enter(); q != nil {
		defer q.done()
		_, err := q.run(t.ctx, func(raw *C.ls_queue, place C.uint64_t, op *C.uint64_t, detail *C.ls_error) C.int32_t {
			return C.lovely_prefetch(t.raw, container.raw, text, &lengths[0], number, raw, place, op, detail)
		})
		return err
	}
	return t.failure(C.lovely_prefetch(t.raw, container.raw, text, &lengths[0], number, nil, 0, nil, &t.block.err))
}

// save commits or prepares, within the time that the context has left.
func (t *Txn) save(isCommit bool) error {
	if ms := timeLeft(t.ctx); ms >= 0 {
		if err := t.failure(C.ls_txn_set(t.raw, C.LS_TXN_COMMIT_TIMEOUT, C.int64_t(ms), &t.block.err)); err != nil {
			return err
		}
	}
	if t.isChanged {
		if q := t.queues.enter(); q != nil {
			defer q.done()
			_, err := q.run(t.ctx, func(raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t {
				if isCommit {
					return C.ls_txn_commit_start(t.raw, raw, place, number, detail)
				}
				return C.ls_txn_prepare_start(t.raw, raw, place, number, detail)
			})
			return err
		}
	}
	if isCommit {
		return t.failure(C.ls_txn_commit(t.raw, &t.block.err))
	}
	return t.failure(C.ls_txn_prepare(t.raw, &t.block.err))
}

// maxCommitTimeout is the longest that the library takes.
const maxCommitTimeout = 24 * time.Hour

// grace is what the library is given beyond the deadline of a context, so that it is the context that ends first.
const grace = 10 * time.Millisecond

// timeLeft returns how many milliseconds a commit may take; -1 if the context has no deadline.
func timeLeft(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return -1
	}
	return milliseconds(min(max(time.Until(deadline), 0)+grace, maxCommitTimeout))
}

// ended returns the error of a context that has ended, or is none.
func ended(ctx context.Context) error {
	if ctx == nil {
		return refused(ErrArgument, "the context is nil")
	}
	if ctx.Err() == nil {
		return nil
	}
	status, message := ErrCancelled, "the context was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		status, message = ErrTimeout, "the context's deadline has passed"
	}
	return &Error{Status: status, Message: message, cause: causeOf(ctx)}
}

// causeOf returns why a context has ended: the error of its kind, and what else it was given as the cause.
func causeOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return errors.Join(err, cause)
}

// pause waits before work is run again, longer each time and never as long as somebody else; false if the context ended.
func pause(ctx context.Context, attempt int) bool {
	longest := min(time.Millisecond<<min(attempt, 6), 50*time.Millisecond)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
