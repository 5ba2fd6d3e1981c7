package lovely

// #include "bridge.h"
import "C"

import "time"

// Testing is for tests of programs: it moves a store's clock, loses sessions, and makes a memory:// store fail.
type Testing struct{ store *Store }

// Testing returns what tests can do to the store.
func (s *Store) Testing() Testing { return Testing{s} }

// Advance moves the store's clock forward: everything in it ages, idle timeouts and deadlines included.
func (t Testing) Advance(d time.Duration) error {
	return t.store.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		return C.ls_test_clock_advance(raw, C.int64_t(milliseconds(d)), detail)
	})
}

// Now reads the store's clock.
func (t Testing) Now() (time.Time, error) {
	var ms C.int64_t
	err := t.store.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		return C.ls_test_clock_now(raw, &ms, detail)
	})
	return moment(ms, err)
}

// Idle makes a stored session look as if it had not been opened for a time, in addition to what it was; [ErrNotFound] if it
// is not stored.
func (t Testing) Idle(container *Container, id string, d time.Duration) error {
	return container.do(func(raw *C.ls_container, detail *C.ls_error) C.int32_t {
		text, length := chars(id)
		return C.ls_test_session_idle(raw, text, length, C.int64_t(milliseconds(d)), detail)
	})
}

// Drop removes a stored session as if the server had evicted it; [ErrNotFound] if it is not stored.
func (t Testing) Drop(container *Container, id string) error {
	return container.do(func(raw *C.ls_container, detail *C.ls_error) C.int32_t {
		text, length := chars(id)
		return C.ls_test_session_drop(raw, text, length, detail)
	})
}

// FaultKind is what goes wrong in a memory:// store.
type FaultKind int

const (
	// FaultUnavailable is a server that is away: nothing is applied, and the caller knows it.
	FaultUnavailable FaultKind = C.LS_FAULT_UNAVAILABLE
	// FaultTimeout is a request that is lost: nothing is applied, and no answer comes.
	FaultTimeout FaultKind = C.LS_FAULT_TIMEOUT
	// FaultLostAnswer is an answer that is lost: it is applied, and no answer comes.
	FaultLostAnswer FaultKind = C.LS_FAULT_LOST_ANSWER
	// FaultRefused is a server that refuses a write and keeps what is stored.
	FaultRefused FaultKind = C.LS_FAULT_REFUSED
	// FaultRefusedDropped is a server that refuses a write and drops what is stored.
	FaultRefusedDropped FaultKind = C.LS_FAULT_REFUSED_DROPPED
)

// FaultOps are the operations that a fault meets: a sum of these.
type FaultOps uint32

const (
	// FaultLoad is loads.
	FaultLoad FaultOps = C.LS_FAULT_OP_LOAD
	// FaultWrite is writes of every kind.
	FaultWrite FaultOps = C.LS_FAULT_OP_WRITE
	// FaultVersions is asking for versions, which the check before a commit of several sessions does.
	FaultVersions FaultOps = C.LS_FAULT_OP_VERSIONS
)

// Fault is something that goes wrong: for Count items, after Skip items that pass; with Count 0 until [Testing.ClearFaults].
type Fault struct {
	Kind        FaultKind
	Ops         FaultOps
	Skip, Count uint64
}

// Fault makes a memory:// store fail. Of several faults the first that was given and still has some left wins.
func (t Testing) Fault(fault Fault) error {
	return t.store.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		return C.ls_test_fault(raw, C.int32_t(fault.Kind), C.uint32_t(fault.Ops), C.uint64_t(fault.Skip),
			C.uint64_t(fault.Count), detail)
	})
}

// ClearFaults forgets all faults of the store.
func (t Testing) ClearFaults() error {
	return t.store.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t { return C.ls_test_fault_clear(raw, detail) })
}
