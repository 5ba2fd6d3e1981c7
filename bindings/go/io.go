package lovely

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"
)

// Everything that asks a store for a transaction stands here.

// open opens a session. The caller is inside the transaction.
func (t *Txn) open(container *Container, id string) (*C.ls_session, error) {
	text, length := chars(id)
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
	rc := C.ls_session_exists(t.raw, container.raw, text, length, &t.block.err)
	runtime.KeepAlive(id)
	return t.failure(rc)
}

// save commits or prepares, within the time that the context has left.
func (t *Txn) save(isCommit bool) error {
	if err := t.failure(C.lovely_txn_limit(t.raw, C.int64_t(timeLeft(t.ctx)), &t.block)); err != nil {
		return err
	}
	if isCommit {
		return t.failure(C.ls_txn_commit(t.raw, &t.block.err))
	}
	return t.failure(C.ls_txn_prepare(t.raw, &t.block.err))
}

// maxCommitTimeout is the longest that the library takes.
const maxCommitTimeout = 24 * time.Hour

// timeLeft returns how many milliseconds the context has left; -1 if it has no deadline.
func timeLeft(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return -1
	}
	return min(max(time.Until(deadline), 0), maxCommitTimeout).Milliseconds()
}

// ended returns the error of a context that has ended.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	status, message := ErrCancelled, "the context was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		status, message = ErrTimeout, "the context's deadline has passed"
	}
	return &Error{Status: status, Message: message, cause: cause}
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
