//go:build lovely_static && !lovely_tree

package lovely

// The installed static library. pkg-config also names the shared one, which is not needed any more by then.

// #cgo pkg-config: --static lovely_session
// #cgo LDFLAGS: -l:liblovely_session.a -Wl,--as-needed
import "C"
