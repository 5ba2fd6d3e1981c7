package ginstore_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/tester"
	"github.com/gin-gonic/gin"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore/ginstore"
	"lovely.session/go/internal/memcachedtest"
)

func init() { gin.SetMode(gin.ReleaseMode) }

// server is where the memcached of this run listens.
var server string

func TestMain(m *testing.M) {
	os.Exit(memcachedtest.Main(func(memcached *memcachedtest.Server) int {
		server = memcached.Address
		return m.Run()
	}))
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
