package lovely_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/internal/memcachedtest"
)

// server is the memcached of this run.
var server string

func TestMain(m *testing.M) {
	os.Exit(memcachedtest.Main(func(memcached *memcachedtest.Server) int {
		server = memcached.Address
		before := descriptors()
		status := m.Run()
		if leaked := leaks(before); leaked != "" && status == 0 {
			fmt.Fprintln(os.Stderr, "FAIL: "+leaked)
			return 1
		}
		return status
	}))
}

// leaks waits until everything native is freed, and says what is not.
func leaks(before int) string {
	var leaked string
	for range 100 {
		runtime.GC()
		leaked = ""
		if live := lovely.LiveHandles(); live != 0 {
			leaked = fmt.Sprintf("%d native handles were not freed", live)
		} else if now := descriptors(); now > before {
			leaked = fmt.Sprintf("%d descriptors before the tests, %d after", before, now)
		} else {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return leaked
}

// descriptors counts those that the process has open, but for what Go opens once and keeps.
func descriptors() int {
	// The first listener makes the runtime's own poller.
	if listener, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = listener.Close()
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

var stores atomic.Int64

// memoryURL names a store of memory that nobody has used before.
func memoryURL() string { return "memory://test-" + strconv.FormatInt(stores.Add(1), 10) }

// memcachedURL names an empty part of the memcached of this run.
func memcachedURL() string {
	return fmt.Sprintf("memcached://%s/%d-%d", server, os.Getpid(), stores.Add(1))
}

// everywhere runs a test on both kinds of store.
func everywhere(t *testing.T, test func(t *testing.T, store *lovely.Store)) {
	t.Helper()
	for name, url := range map[string]string{"memory": memoryURL(), "memcached": memcachedURL()} {
		t.Run(name, func(t *testing.T) { test(t, open(t, url)) })
	}
}

// open opens a store and closes it at the end of the test.
func open(t testing.TB, url string, options ...lovely.Option) *lovely.Store {
	t.Helper()
	store, err := lovely.Open(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, store.Close()) })
	return store
}

func container(t testing.TB, store *lovely.Store, options ...lovely.ContainerOption) *lovely.Container {
	t.Helper()
	container, err := store.Container("visitors", options...)
	if err != nil {
		t.Fatal(err)
	}
	return container
}

// begin begins a transaction and aborts it at the end of the test, if it has not ended.
func begin(t testing.TB, store *lovely.Store) *lovely.Txn {
	t.Helper()
	txn, err := store.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, txn.Abort()) })
	return txn
}

func session(t testing.TB, txn *lovely.Txn, container *lovely.Container, id string) lovely.Session {
	t.Helper()
	session, err := txn.Session(container, id)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// store stores a session with one package.
func stored(t testing.TB, container *lovely.Container, id string, content map[string]any) {
	t.Helper()
	check(t, container.Store().Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(container, id)
		if err != nil {
			return err
		}
		return session.Pkg("cart").Update(content)
	}))
}

// cart reads the package that stored wrote.
func cart(t testing.TB, container *lovely.Container, id string) map[string]any {
	t.Helper()
	var content map[string]any
	check(t, container.Store().View(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(container, id)
		if err != nil {
			return err
		}
		content, err = session.Pkg("cart").Content()
		return err
	}))
	return content
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns the value of a call that must not fail.
func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// rounds is how often a test does something; less often where each call collects garbage.
func rounds(n int) int {
	if testing.Short() {
		return n / 15
	}
	return n
}
