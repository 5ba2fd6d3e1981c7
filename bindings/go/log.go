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
	"sync"
	"sync/atomic"
	"unsafe"
)

var logger atomic.Pointer[slog.Logger]

// A line of the log comes in the middle of a call, on a thread that may hold the lock of a queue. So it is only kept there, and a
// goroutine hands it on, that lives while there are any: the logger may use stores, take its time, and panic.
var (
	lines      []line
	linesMutex sync.Mutex
	isLogging  bool
)

type line struct {
	to    *slog.Logger
	level slog.Level
	text  string
}

// maxLines is how many lines are kept; a logger that is that slow misses the rest.
const maxLines = 1000

// SetLogger sends the log of the library, in the whole process, to a logger; nil for silence, which is the default. Lines
// name neither session ids nor values. They come one by one, in order, on a goroutine of their own, soon after the call that
// they are about; a logger that falls 1,000 lines behind misses some. What its handler panics with is dropped.
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
func lovelyLogLine(_ unsafe.Pointer, level C.int32_t, text *C.char, length C.size_t) {
	to := logger.Load()
	if to == nil {
		return
	}
	linesMutex.Lock()
	defer linesMutex.Unlock()
	if len(lines) < maxLines {
		lines = append(lines, line{to, slogLevel(level), C.GoStringN(text, C.int(length))})
	}
	if !isLogging {
		isLogging = true
		go handOn()
	}
}

// handOn gives the logger what is kept, until nothing is.
func handOn() {
	// The handler may end this goroutine, too.
	isDone := false
	defer func() {
		if !isDone {
			_ = recover()
			go handOn()
		}
	}()
	for {
		linesMutex.Lock()
		if len(lines) == 0 {
			isLogging, isDone = false, true
			linesMutex.Unlock()
			return
		}
		next := lines[0]
		lines = lines[1:]
		linesMutex.Unlock()
		next.to.Log(context.Background(), next.level, next.text)
	}
}
