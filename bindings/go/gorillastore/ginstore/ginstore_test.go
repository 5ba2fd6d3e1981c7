package ginstore_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/tester"
	"github.com/gin-gonic/gin"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore/ginstore"
)

func init() { gin.SetMode(gin.ReleaseMode) }

// server is the memcached of this run.
var server string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	me, err := user.Current()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			continue
		}
		address := listener.Addr().String()
		_ = listener.Close()
		_, port, _ := net.SplitHostPort(address)
		command := exec.Command("memcached", "-l", "127.0.0.1", "-p", port, "-U", "0", "-u", me.Username)
		// It goes with this process, however that ends.
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if command.Start() != nil {
			continue
		}
		defer func() {
			_ = command.Process.Kill()
			_ = command.Wait()
		}()
		for range 200 {
			if connection, err := net.Dial("tcp", address); err == nil {
				_ = connection.Close()
				server = address
				return m.Run()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	fmt.Fprintln(os.Stderr, "no memcached could be started")
	return 1
}

var stores atomic.Int64

// everywhere runs one of gin's own tests on both kinds of store.
func everywhere(t *testing.T, test func(t *testing.T, newStore func(*testing.T) sessions.Store)) {
	t.Helper()
	for name, url := range map[string]string{"memory": "memory://gin", "memcached": "memcached://" + server + "/gin"} {
		t.Run(name, func(t *testing.T) {
			test(t, func(t *testing.T) sessions.Store {
				store, err := lovely.Open(url)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = store.Close() })
				container, err := store.Container(fmt.Sprint("visitors-", stores.Add(1)))
				if err != nil {
					t.Fatal(err)
				}
				return ginstore.New(container, []byte("0123456789abcdef0123456789abcdef"))
			})
		})
	}
}

// The tests are those that gin has for each of its stores, by their names.

func TestGinGetSet(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.GetSet(t, newStore) })
}

func TestGinDeleteKey(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.DeleteKey(t, newStore) })
}

func TestGinFlashes(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.Flashes(t, newStore) })
}

func TestGinClear(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.Clear(t, newStore) })
}

func TestGinOptions(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.Options(t, newStore) })
}

func TestGinMany(t *testing.T) {
	everywhere(t, func(t *testing.T, newStore func(*testing.T) sessions.Store) { tester.Many(t, newStore) })
}
