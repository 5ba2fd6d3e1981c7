package lovely

import "sync/atomic"

// uses counts the calls that are inside something native, so that it is freed by the last of them once it is closed.
type uses struct{ state atomic.Int64 }

const (
	closedBit = 1 << 62
	freedBit  = 1 << 61
)

// enter begins a call; false if it is closed.
func (u *uses) enter(free func()) bool {
	if u.state.Add(1)&closedBit == 0 {
		return true
	}
	u.leave(free)
	return false
}

// leave ends a call.
func (u *uses) leave(free func()) {
	if u.state.Add(-1) == closedBit {
		u.freeOnce(free)
	}
}

// close lets no further call begin; false if it was closed before.
func (u *uses) close(free func()) bool {
	for {
		state := u.state.Load()
		if state&closedBit != 0 {
			return false
		}
		if u.state.CompareAndSwap(state, state|closedBit) {
			if state == 0 {
				u.freeOnce(free)
			}
			return true
		}
	}
}

// freeOnce frees unless somebody else did: calls that are refused come and go after the last one that was not.
func (u *uses) freeOnce(free func()) {
	if u.state.CompareAndSwap(closedBit, closedBit|freedBit) {
		free()
	}
}

// isClosed tells whether no further call can begin.
func (u *uses) isClosed() bool { return u.state.Load()&closedBit != 0 }

// isShared tells whether more than one call is inside.
func (u *uses) isShared() bool { return u.state.Load()&^(closedBit|freedBit) > 1 }
