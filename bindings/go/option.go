package lovely

// #include "bridge.h"
import "C"

import (
	"math"
	"time"
)

// Option is an option of [Open]. What is not given is the default, or as it is in a store that is open already.
type Option struct {
	number C.int32_t
	value  int64
}

// WithConnectTimeout sets how long connecting to a server may take; 1 s if it is not given.
func WithConnectTimeout(d time.Duration) Option {
	return Option{C.LS_OPTION_CONNECT_TIMEOUT, milliseconds(d)}
}

// WithExchangeTimeout sets how long one exchange with a server may take; 1 s if it is not given.
func WithExchangeTimeout(d time.Duration) Option {
	return Option{C.LS_OPTION_EXCHANGE_TIMEOUT, milliseconds(d)}
}

// WithCommitTimeout sets how long a whole commit may take if its context has no deadline; 5 s if it is not given.
func WithCommitTimeout(d time.Duration) Option {
	return Option{C.LS_OPTION_COMMIT_TIMEOUT, milliseconds(d)}
}

// WithMemorySize sets how many bytes a memory:// store may hold, keys and overhead included; 64 MiB if it is not given.
func WithMemorySize(bytes int64) Option { return Option{C.LS_OPTION_MEMORY_SIZE, bytes} }

// WithItemLimit sets the bytes of the largest session of a memory:// store; 1 MiB if it is not given.
func WithItemLimit(bytes int64) Option { return Option{C.LS_OPTION_ITEM_LIMIT, bytes} }

// WithFlush allows [Store.Flush], which a memory:// store always does.
func WithFlush() Option { return Option{C.LS_OPTION_FLUSH_ALLOWED, 1} }

// WithRetryPause sets the longest pause before a server that failed is tried again; 10 s if it is not given.
func WithRetryPause(d time.Duration) Option {
	return Option{C.LS_OPTION_RETRY_PAUSE, milliseconds(d)}
}

// Policy says what a commit does about a key that another transaction changed differently since it was loaded.
type Policy int

const (
	// Merge keeps both where different keys were changed; the same key is a conflict, and nothing is stored.
	Merge Policy = C.LS_POLICY_MERGE
	// Mine keeps both where different keys were changed; for the same key the later commit wins.
	Mine Policy = C.LS_POLICY_MINE
	// Strict makes any change of the session by somebody else a conflict.
	Strict Policy = C.LS_POLICY_STRICT
	// Overwrite looks at nothing: the later commit replaces the whole session.
	Overwrite Policy = C.LS_POLICY_OVERWRITE
)

// ContainerOption is an option of [Store.Container] and [Container.Configure].
type ContainerOption struct {
	number C.int32_t
	value  int64
}

// WithTimeout sets the idle timeout: a session that is not opened for so long is gone. 0 is never; 1 h if it is not given.
func WithTimeout(d time.Duration) ContainerOption {
	return ContainerOption{C.LS_CONTAINER_TIMEOUT, milliseconds(d)}
}

// WithResolution sets the grain of the last access that is reported; 5 min if it is not given. No timeout is decided by it.
func WithResolution(d time.Duration) ContainerOption {
	return ContainerOption{C.LS_CONTAINER_RESOLUTION, milliseconds(d)}
}

// WithMaxTimeout sets the longest timeout that a session may have of its own; the container's timeout if it is not given.
func WithMaxTimeout(d time.Duration) ContainerOption {
	return ContainerOption{C.LS_CONTAINER_MAX_TIMEOUT, milliseconds(d)}
}

// WithLifetime sets how long a session lives from its creation, however much it is used; 0, the default, has no end.
func WithLifetime(d time.Duration) ContainerOption {
	return ContainerOption{C.LS_CONTAINER_LIFETIME, milliseconds(d)}
}

// WithPolicy sets what is done about conflicts; [Merge] if it is not given.
func WithPolicy(p Policy) ContainerOption { return ContainerOption{C.LS_CONTAINER_POLICY, int64(p)} }

// WithRecreate says whether a session that was evicted or expired between load and commit is stored anew instead of being gone.
func WithRecreate(recreate bool) ContainerOption {
	var value int64
	if recreate {
		value = 1
	}
	return ContainerOption{C.LS_CONTAINER_RECREATE, value}
}

// milliseconds rounds away from 0: what is less than one is not the same as nothing, which often means never.
func milliseconds(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	switch rest := d % time.Millisecond; {
	case rest > 0:
		ms++
	case rest < 0:
		ms--
	}
	return ms
}

// duration is the other way; more than 292 years is as long as a Duration can be.
func duration(ms C.int64_t) time.Duration {
	if int64(ms) > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
