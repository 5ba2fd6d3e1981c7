package lovely

// #include "bridge.h"
import "C"

import "time"

// Outcome is what became of a session at commit.
type Outcome int

const (
	// NotStored means definitely not done.
	NotStored Outcome = C.LS_OUTCOME_NOT_STORED
	// Stored means done.
	Stored Outcome = C.LS_OUTCOME_STORED
	// Unknown means sent and not answered: done or not.
	Unknown Outcome = C.LS_OUTCOME_UNKNOWN
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case NotStored:
		return "not stored"
	case Stored:
		return "stored"
	}
	return "unknown"
}

// ReportEntry says what became of one session that a commit or prepare was to write or destroy.
type ReportEntry struct {
	// Container is the name of the session's container.
	Container string
	// ID is the session's id: the new one, if it was given one.
	ID string
	// Destroy tells whether it was to be destroyed, not stored.
	Destroy bool
	// Outcome is what became of it.
	Outcome Outcome
	// Err is why it was not stored; nil if it was, or if only the other sessions kept it from being stored.
	Err error
	// Timeout is the idle timeout that it was to be stored with: what a cookie's age should be. 0 is never.
	Timeout time.Duration
}

// Report returns an entry for each session that the commit or prepare was to write or destroy, also if it failed. A
// transaction that changed nothing, or was not committed, has none, nor has that of [Store.Update], which has ended with it.
func (t *Txn) Report() []ReportEntry {
	if t == nil || !t.busy.CompareAndSwap(false, true) {
		return nil
	}
	defer t.leave()
	return append([]ReportEntry(nil), t.report...)
}

// takeReport copies the report of the transaction that is about to be freed.
func (t *Txn) takeReport() {
	count := C.ls_txn_report_count(t.raw)
	if count == 0 {
		return
	}
	t.report = make([]ReportEntry, 0, int(count))
	var entry C.lovely_entry
	for index := range count {
		if C.lovely_report_at(t.raw, index, &entry, &t.block.err) != C.LS_OK {
			return
		}
		report := ReportEntry{
			Container: C.GoStringN(entry.container, C.int(entry.container_len)),
			ID:        C.GoStringN(entry.id, C.int(entry.id_len)),
			Destroy:   entry.kind == C.LS_REPORT_DESTROY,
			Outcome:   Outcome(entry.outcome),
			Timeout:   duration(entry.timeout),
		}
		if entry.status != C.LS_OK {
			report.Err = Status(entry.status)
		}
		t.report = append(t.report, report)
	}
}
