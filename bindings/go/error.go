package lovely

// #include "bridge.h"
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// Status says what kind of failure an [*Error] is. Each is an error itself, to be looked for with [errors.Is].
type Status int32

// The kinds of failure. All but ErrNotFound come inside an [*Error]; ErrNotFound is an answer and comes as it is.
const (
	ErrNotFound    Status = C.LS_NOT_FOUND       // nothing there
	ErrArgument    Status = C.LS_ERR_ARGUMENT    // an argument that can never be right, such as text that is not UTF-8
	ErrMisuse      Status = C.LS_ERR_MISUSE      // a right call at the wrong time: after the end, or from a second goroutine
	ErrType        Status = C.LS_ERR_TYPE        // a value of another type than the call needs
	ErrTooLarge    Status = C.LS_ERR_TOO_LARGE   // over a size limit; the message names it
	ErrRange       Status = C.LS_ERR_RANGE       // a number outside what can be represented or is allowed
	ErrUnsupported Status = C.LS_ERR_UNSUPPORTED // something that this store, server or build cannot do
	ErrSavepoint   Status = C.LS_ERR_SAVEPOINT   // a savepoint that is not, or no longer, one of this transaction
	ErrUnavailable Status = C.LS_ERR_UNAVAILABLE // a server that cannot be reached, or that refused; nothing was applied
	ErrTimeout     Status = C.LS_ERR_TIMEOUT     // no answer in time to something that changes nothing
	ErrProtocol    Status = C.LS_ERR_PROTOCOL    // a server that does not speak the protocol
	ErrUnknown     Status = C.LS_ERR_UNKNOWN     // a write was sent and not answered: it may or may not have been applied
	ErrCancelled   Status = C.LS_ERR_CANCELLED   // the context ended before anything was applied
	ErrCorrupt     Status = C.LS_ERR_CORRUPT     // stored bytes that cannot be read
	ErrConflict    Status = C.LS_ERR_CONFLICT    // another transaction changed the same key differently; run the work again
	ErrGone        Status = C.LS_ERR_GONE        // the session that was loaded was destroyed, evicted or expired since
	ErrPartial     Status = C.LS_ERR_PARTIAL     // some sessions of a commit were stored and some not; see [Txn.Report]
	ErrFailed      Status = C.LS_ERR_FAILED      // the transaction failed earlier and can only be aborted
	ErrLost        Status = C.LS_ERR_LOST        // the server refused the write and dropped what was stored
	ErrPanic       Status = C.LS_ERR_PANIC       // a defect in the library; please report it
)

// String returns the name that the C library has for the status, such as LS_ERR_CONFLICT.
func (s Status) String() string { return C.GoString(C.ls_status_name(C.int32_t(s))) }

// Error returns what the status means, in a few words.
func (s Status) Error() string { return "lovely: " + s.words() }

func (s Status) words() string {
	switch s {
	case ErrNotFound:
		return "not found"
	case ErrArgument:
		return "argument"
	case ErrMisuse:
		return "misuse"
	case ErrType:
		return "wrong type"
	case ErrTooLarge:
		return "too large"
	case ErrRange:
		return "out of range"
	case ErrUnsupported:
		return "unsupported"
	case ErrSavepoint:
		return "savepoint"
	case ErrUnavailable:
		return "unavailable"
	case ErrTimeout:
		return "timeout"
	case ErrProtocol:
		return "protocol"
	case ErrUnknown:
		return "outcome unknown"
	case ErrCancelled:
		return "cancelled"
	case ErrCorrupt:
		return "corrupt"
	case ErrConflict:
		return "conflict"
	case ErrGone:
		return "gone"
	case ErrPartial:
		return "partly stored"
	case ErrFailed:
		return "transaction failed"
	case ErrLost:
		return "lost"
	case ErrPanic:
		return "defect"
	}
	return s.String()
}

// Error is what every failing call of this package returns.
type Error struct {
	// Status is the kind of failure; errors.Is(err, lovely.ErrConflict) looks at it.
	Status Status
	// Message is one line that says what and where; it never holds a session id or a stored value.
	Message string
	// Errno is the system's error behind the failure, or 0.
	Errno syscall.Errno

	retryable bool
	cause     error
}

// Error returns the failure in one line.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Status.Error()
	}
	return e.Status.Error() + ": " + e.Message
}

// Unwrap returns the status, and the error of the system or of the context if one is behind the failure.
func (e *Error) Unwrap() []error {
	behind := append(make([]error, 0, 3), e.Status)
	if e.Errno != 0 {
		behind = append(behind, e.Errno)
	}
	if e.cause != nil {
		behind = append(behind, e.cause)
	}
	return behind
}

// Retryable tells whether the same work, run again in a new transaction, may succeed.
func (e *Error) Retryable() bool { return e.retryable }

// Timeout tells whether time ran out, as the errors of package net do.
func (e *Error) Timeout() bool { return e.Status == ErrTimeout }

// IsRetryable tells whether err is or wraps an [*Error] of work that may succeed if it is run again.
func IsRetryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.retryable
}

// failure turns what a call returned into an error; detail is what it wrote beside.
func failure(rc C.int32_t, detail *C.ls_error) error {
	switch {
	case rc == C.LS_OK:
		return nil
	case rc > 0:
		return ErrNotFound
	}
	return &Error{
		Status:    Status(rc),
		Message:   C.GoString(&detail.message[0]),
		Errno:     syscall.Errno(detail.sys_errno),
		retryable: detail.flags&C.LS_ERROR_RETRYABLE != 0,
	}
}

// refused makes the error of a call that goes no further than this package.
func refused(status Status, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// chars is what the library takes text as: it copies, and does not look at the pointer if the text is empty.
func chars(text string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text))
}

// bytesOf is the same for bytes.
func bytesOf(bytes []byte) (unsafe.Pointer, C.size_t) {
	return unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes))
}
