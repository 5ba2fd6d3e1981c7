package lovely

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// Txn is a transaction: the sessions that are opened, changed, and stored or dropped together, of any containers of any
// stores.
//
// It is for one goroutine at a time: a call while another one is inside answers [ErrMisuse]. Everything that it returned,
// [Session] and [Pkg], ends with it, and answers ErrMisuse from then on.
type Txn struct {
	ctx context.Context
	// busy is held during each call and guards the rest.
	busy atomic.Bool
	// raw is nil after the end.
	raw      *C.ls_txn
	state    State
	managed  bool
	readOnly bool
	// isChanged tells whether something was changed: a commit asks the store only then.
	isChanged bool
	// queues are those of a store that a session is of, nil while all are in memory.
	queues  *queues
	opened  openedSessions
	report  []ReportEntry
	cleanup runtime.Cleanup
	block   C.lovely_block
}

// State is what a transaction takes.
type State int

const (
	// Active transactions take everything.
	Active State = C.LS_TXN_STATE_ACTIVE
	// Prepared ones take reads, Commit and Abort.
	Prepared State = C.LS_TXN_STATE_PREPARED
	// Committed ones take nothing but Report.
	Committed State = C.LS_TXN_STATE_COMMITTED
	// Aborted ones take nothing but Report.
	Aborted State = C.LS_TXN_STATE_ABORTED
	// Failed ones take nothing but Abort and Report: a commit or prepare failed.
	Failed State = C.LS_TXN_STATE_FAILED
)

// Begin begins a transaction that is to be ended by Commit or Abort; [Store.Update] and [Store.View] do that by themselves.
// The usual form is
//
//	txn, err := store.Begin(ctx)
//	if err != nil {
//		return err
//	}
//	defer txn.Abort() // does nothing after Commit
//
// The context holds for the whole transaction: opening sessions, and committing, end with it, and its deadline is that of
// the commit. Sessions of other stores may be opened too.
func (s *Store) Begin(ctx context.Context) (*Txn, error) {
	txn, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	txn.cleanup = runtime.AddCleanup(txn, freeTxn, txn.raw)
	return txn, nil
}

func freeTxn(raw *C.ls_txn) {
	C.ls_txn_free(raw)
	count(-1)
}

func (s *Store) begin(ctx context.Context) (*Txn, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	txn := &Txn{ctx: ctx}
	collect()
	rc := C.lovely_txn_begin(&txn.block)
	if err := failure(rc, &txn.block.err); err != nil {
		return nil, err
	}
	txn.raw = pointer[C.ls_txn](&txn.block.handle)
	count(+1)
	return txn, nil
}

// enter begins a call; it must be followed by leave if it returns nil.
func (t *Txn) enter() error {
	if t == nil {
		return refused(ErrMisuse, "no transaction")
	}
	if !t.busy.CompareAndSwap(false, true) {
		return refused(ErrMisuse, "the transaction is in use by another goroutine")
	}
	if t.raw == nil {
		err := t.over()
		t.leave()
		return err
	}
	collect()
	return nil
}

// enterWrite begins a call that changes something.
func (t *Txn) enterWrite() error {
	if err := t.enter(); err != nil {
		return err
	}
	if t.readOnly {
		t.leave()
		return refused(ErrMisuse, "the transaction is one of View, which changes nothing")
	}
	t.isChanged = true
	return nil
}

func (t *Txn) leave() { t.busy.Store(false) }

// over says why nothing can be done with a transaction that has ended.
func (t *Txn) over() error {
	switch t.state {
	case Failed:
		return refused(ErrFailed, "the transaction failed and takes nothing but Abort")
	case Committed:
		return refused(ErrMisuse, "the transaction was committed")
	case Aborted:
		return refused(ErrMisuse, "the transaction was aborted")
	}
	return refused(ErrMisuse, "the transaction was not begun")
}

// failure turns what the call that is inside returned into an error.
func (t *Txn) failure(rc C.int32_t) error {
	if rc == C.LS_OK {
		return nil
	}
	return failure(rc, &t.block.err)
}

// finish frees the transaction. The caller is inside.
func (t *Txn) finish(state State) {
	t.cleanup.Stop()
	freeTxn(t.raw)
	t.raw, t.state = nil, state
	t.opened = openedSessions{}
}

// Context returns the context that the transaction was begun with.
func (t *Txn) Context() context.Context { return t.ctx }

// State tells what the transaction takes.
func (t *Txn) State() State {
	if t == nil || !t.busy.CompareAndSwap(false, true) {
		return Active
	}
	defer t.leave()
	return t.state
}

// Commit stores every session that was changed, and ends the transaction, also if it fails; [Txn.Report] says what became of
// each session. Nothing is stored if it answers [ErrConflict], which may pass if the work is run again in a new
// transaction, [ErrGone], [ErrTooLarge], [ErrUnavailable], [ErrTimeout] or [ErrCancelled]. After [ErrUnknown] a
// session may be stored or not, and after [ErrPartial] some are.
func (t *Txn) Commit() error {
	if t != nil && t.managed {
		return refused(ErrMisuse, "the function that began the transaction commits it")
	}
	return t.commit()
}

func (t *Txn) commit() error {
	if err := t.enter(); err != nil {
		return err
	}
	defer t.leave()
	if err := ended(t.ctx); err != nil {
		t.finish(Failed)
		return err
	}
	state, err := Committed, t.save(true)
	if err != nil {
		state = Failed
	}
	// After Update there is nobody to read it.
	if !t.managed {
		t.takeReport()
	}
	t.finish(state)
	return err
}

// Prepare votes on the commit, for programs that commit the sessions together with something else: it finds what can be
// known to fail, and stores nothing. Afterwards the transaction takes reads, Commit and Abort. If it fails, the transaction
// has failed.
func (t *Txn) Prepare() error {
	if err := t.enterWrite(); err != nil {
		return err
	}
	defer t.leave()
	if err := ended(t.ctx); err != nil {
		t.finish(Failed)
		return err
	}
	err := t.save(false)
	if err == nil {
		t.state = Prepared
	} else if e := err.(*Error); e.Status != ErrMisuse && e.Status != ErrArgument {
		t.takeReport()
		t.finish(Failed)
	}
	return err
}

// Abort drops everything that the transaction changed, and ends it. After Commit, and after Abort, it does nothing.
func (t *Txn) Abort() error {
	if t == nil {
		return nil
	}
	if t.managed {
		return refused(ErrMisuse, "the function that began the transaction ends it: return an error")
	}
	if !t.busy.CompareAndSwap(false, true) {
		return refused(ErrMisuse, "the transaction is in use by another goroutine")
	}
	defer t.leave()
	if t.raw != nil {
		t.finish(Aborted)
	}
	return nil
}

// end ends a transaction of Update or View, whatever happened to it. If a goroutine that work left behind is inside, it is
// freed when that has left.
func (t *Txn) end() {
	for !t.busy.CompareAndSwap(false, true) {
		time.Sleep(time.Millisecond)
	}
	if t.raw != nil {
		t.finish(Aborted)
	}
	t.leave()
}

// Savepoint is a mark in a transaction to roll back to.
type Savepoint uint64

// Savepoint makes a mark. It costs the same whatever the transaction holds.
func (t *Txn) Savepoint() (Savepoint, error) {
	if err := t.enterWrite(); err != nil {
		return 0, err
	}
	rc := C.ls_txn_savepoint(t.raw, &t.block.u64, &t.block.err)
	mark, err := Savepoint(t.block.u64), t.failure(rc)
	t.leave()
	if err != nil {
		return 0, err
	}
	return mark, nil
}

// Rollback puts everything back to what it was when the mark was made: values, packages, ids, timeouts, deadlines and
// destroyed sessions, of all sessions of the transaction. It can be rolled back to again; later marks end, and answer
// [ErrSavepoint]. A session that was opened after the mark leaves the transaction.
func (t *Txn) Rollback(mark Savepoint) error {
	if err := t.enterWrite(); err != nil {
		return err
	}
	err := t.failure(C.ls_txn_rollback(t.raw, C.uint64_t(mark), &t.block.err))
	t.leave()
	return err
}

// Valid tells whether a mark can be rolled back to.
func (t *Txn) Valid(mark Savepoint) bool {
	if t.enter() != nil {
		return false
	}
	defer t.leave()
	return bool(C.ls_txn_savepoint_valid(t.raw, C.uint64_t(mark)))
}

// text copies text or an id that the library lent to the call that is inside.
func (t *Txn) text() string {
	return string(t.lent())
}

// bytes copies bytes that it lent; it has nothing for empty ones.
func (t *Txn) bytes() []byte {
	if t.block.len == 0 {
		return []byte{}
	}
	return append([]byte(nil), t.lent()...)
}

// lent is what the library lent to the call that is inside, in place.
func (t *Txn) lent() []byte {
	return unsafe.Slice(pointer[byte](&t.block.data), int(t.block.len))
}

// pointer reads an address of the library's memory, which is a number in what Go owns.
func pointer[T any](at *C.uintptr_t) *T { return *(**T)(unsafe.Pointer(at)) }
