//go:build lovely_tree

package lovely

// The library of this source tree, as `make lib` leaves it.

// #cgo CFLAGS: -I${SRCDIR}/../../include
// #cgo LDFLAGS: -L${SRCDIR}/../../build/lib -llovely_session -Wl,-rpath,${SRCDIR}/../../build/lib
import "C"
