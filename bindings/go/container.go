package lovely

// #include "bridge.h"
import "C"

import (
	"runtime"
	"time"
)

// Container is a named family of sessions in a store, with a timeout. It is safe for use by several goroutines, and is
// closed with its store.
type Container struct {
	store *Store
	raw   *C.ls_container
	name  string
}

// Container opens a container of the store: the same one for the same name. Options that are given are set for all who use
// it in this process.
func (s *Store) Container(name string, options ...ContainerOption) (*Container, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	raw, err := s.native.container(name)
	if err != nil {
		return nil, err
	}
	container := &Container{s, raw, name}
	if err := container.Configure(options...); err != nil {
		return nil, err
	}
	return container, nil
}

// container opens each name once: what is opened stays open until the store is closed.
func (n *nativeStore) container(name string) (*C.ls_container, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if raw, ok := n.containers[name]; ok {
		return raw, nil
	}
	var (
		raw    *C.ls_container
		detail C.ls_error
	)
	text, length := chars(name)
	rc := C.ls_container_open(n.raw, text, length, &raw, &detail)
	runtime.KeepAlive(name)
	if err := failure(rc, &detail); err != nil {
		return nil, err
	}
	count(+1)
	n.containers[name] = raw
	return raw, nil
}

func (c *Container) enter() error {
	if c == nil || c.raw == nil {
		return refused(ErrMisuse, "the container was not opened")
	}
	return c.store.enter()
}

func (c *Container) leave() { c.store.leave() }

// do runs one call on the container.
func (c *Container) do(call func(raw *C.ls_container, detail *C.ls_error) C.int32_t) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	var detail C.ls_error
	return failure(call(c.raw, &detail), &detail)
}

// Name returns the name of the container.
func (c *Container) Name() string {
	if c == nil {
		return ""
	}
	return c.name
}

// Store returns the store that the container is in.
func (c *Container) Store() *Store {
	if c == nil {
		return nil
	}
	return c.store
}

// Configure sets options, for all who use the container in this process, from now on. They are not stored: give a
// container the same ones in every process. If one is refused, others may have been set.
func (c *Container) Configure(options ...ContainerOption) error {
	// The timeout is never over its maximum, and which of the two has to come first depends on what they were: what is
	// refused is tried once more after the others.
	var refused []ContainerOption
	for _, option := range options {
		if c.set(option) != nil {
			refused = append(refused, option)
		}
	}
	for _, option := range refused {
		if err := c.set(option); err != nil {
			return err
		}
	}
	return nil
}

func (c *Container) set(option ContainerOption) error {
	return c.do(func(raw *C.ls_container, detail *C.ls_error) C.int32_t {
		return C.ls_container_set(raw, option.number, C.int64_t(option.value), detail)
	})
}

func (c *Container) option(number C.int32_t) (int64, error) {
	var value C.int64_t
	err := c.do(func(raw *C.ls_container, detail *C.ls_error) C.int32_t {
		return C.ls_container_get(raw, number, &value, detail)
	})
	return int64(value), err
}

// ContainerConfig is what the options of a container are.
type ContainerConfig struct {
	Timeout, Resolution, MaxTimeout, Lifetime time.Duration
	Policy                                    Policy
	Recreate                                  bool
}

// Config returns the options of the container.
func (c *Container) Config() (ContainerConfig, error) {
	var values [7]int64
	for number := C.LS_CONTAINER_TIMEOUT; number <= C.LS_CONTAINER_RECREATE; number++ {
		value, err := c.option(C.int32_t(number))
		if err != nil {
			return ContainerConfig{}, err
		}
		values[number] = value
	}
	time := func(number int) time.Duration { return duration(C.int64_t(values[number])) }
	return ContainerConfig{
		Timeout:    time(C.LS_CONTAINER_TIMEOUT),
		Resolution: time(C.LS_CONTAINER_RESOLUTION),
		MaxTimeout: time(C.LS_CONTAINER_MAX_TIMEOUT),
		Lifetime:   time(C.LS_CONTAINER_LIFETIME),
		Policy:     Policy(values[C.LS_CONTAINER_POLICY]),
		Recreate:   values[C.LS_CONTAINER_RECREATE] == 1,
	}, nil
}

// LastAccess tells when a session of the container was last opened in this process, by the store's clock; it may lag by the
// resolution.
func (c *Container) LastAccess() (time.Time, error) {
	var ms C.int64_t
	err := c.do(func(raw *C.ls_container, detail *C.ls_error) C.int32_t {
		return C.ls_container_last_access(raw, &ms, detail)
	})
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(ms)), nil
}
