package lovely

/*
#include "bridge.h"

void lovelyLogLine(void *user_data, int32_t level, char *line, size_t len);

static inline void lovely_log_line(void *user_data, int32_t level, const char *line, size_t len)
{
    lovelyLogLine(user_data, level, (char *)line, len);
}

static inline int32_t lovely_log_to(int32_t level, ls_error *err)
{
    return ls_log_set(level == 0 ? NULL : lovely_log_line, NULL, level, err);
}
*/
import "C"

import (
	"context"
	"log/slog"
	"sync/atomic"
	"unsafe"
)

var logger atomic.Pointer[slog.Logger]

// SetLogger sends the log of the library, in the whole process, to a logger; nil for silence, which is the default. Lines
// name neither session ids nor values. What the logger's handler panics with is dropped.
func SetLogger(to *slog.Logger) error {
	level := C.int32_t(0)
	if to != nil {
		level = leastLevel(to)
	}
	logger.Store(to)
	var detail C.ls_error
	return failure(C.lovely_log_to(level, &detail), &detail)
}

// leastLevel returns the least important level of the library that the logger wants.
func leastLevel(to *slog.Logger) C.int32_t {
	for level := C.int32_t(C.LS_LOG_DEBUG); level > C.LS_LOG_ERROR; level-- {
		if to.Enabled(context.Background(), slogLevel(level)) {
			return level
		}
	}
	return C.LS_LOG_ERROR
}

func slogLevel(level C.int32_t) slog.Level {
	switch level {
	case C.LS_LOG_ERROR:
		return slog.LevelError
	case C.LS_LOG_WARN:
		return slog.LevelWarn
	case C.LS_LOG_INFO:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

//export lovelyLogLine
func lovelyLogLine(_ unsafe.Pointer, level C.int32_t, line *C.char, length C.size_t) {
	// A panic must not unwind through the library that called.
	defer func() { _ = recover() }()
	if to := logger.Load(); to != nil {
		to.Log(context.Background(), slogLevel(level), C.GoStringN(line, C.int(length)))
	}
}
