//go:build !lovely_static && !lovely_tree

package lovely

// The installed library, as pkg-config finds it.

// #cgo pkg-config: lovely_session
import "C"
