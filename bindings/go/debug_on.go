//go:build lovely_debug

package lovely

import (
	"runtime"
	"sync/atomic"
)

var (
	calls   atomic.Uint64
	handles atomic.Int64
)

// collect runs the garbage collector in each call, so that what is kept alive too shortly does not stay unnoticed.
func collect() {
	calls.Add(1)
	runtime.GC()
}

// count counts native handles, which must all be freed at the end of a test.
func count(by int64) { handles.Add(by) }

func liveHandles() int64 { return handles.Load() }
