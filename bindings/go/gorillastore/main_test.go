package gorillastore_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/gorilla/sessions"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore"
	"lovely.session/go/internal/memcachedtest"
)

// server is where the memcached of this run listens.
var server string

func TestMain(m *testing.M) {
	os.Exit(memcachedtest.Main(func(memcached *memcachedtest.Server) int {
		server = memcached.Address
		return m.Run()
	}))
}

var stores atomic.Int64

// site is a store of sessions, and what it is made of.
type site struct {
	*gorillastore.Store
	lovely    *lovely.Store
	container *lovely.Container
}

var signing = []byte("0123456789abcdef0123456789abcdef")

func newSite(t testing.TB, onMemcached bool, keys ...[]byte) *site {
	t.Helper()
	url := fmt.Sprintf("memory://gorilla-%d", stores.Add(1))
	if onMemcached {
		url = fmt.Sprintf("memcached://%s/gorilla-%d-%d", server, os.Getpid(), stores.Add(1))
	}
	store, err := lovely.Open(url)
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	container, err := store.Container("visitors")
	check(t, err)
	if len(keys) == 0 {
		keys = [][]byte{signing}
	}
	return &site{gorillastore.New(container, keys...), store, container}
}

// everywhere runs a test on both kinds of store.
func everywhere(t *testing.T, test func(t *testing.T, site *site)) {
	t.Helper()
	for name, onMemcached := range map[string]bool{"memory": false, "memcached": true} {
		t.Run(name, func(t *testing.T) { test(t, newSite(t, onMemcached)) })
	}
}

// visit is one request of somebody with cookies.
type visit struct {
	t       testing.TB
	site    *site
	request *http.Request
	answer  *httptest.ResponseRecorder
	end     context.CancelFunc
}

// begin begins a request, with the cookies that answers to earlier ones set.
func (s *site) begin(t testing.TB, before ...*visit) *visit {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	request := httptest.NewRequest(http.MethodGet, "http://shop.example/", nil).WithContext(ctx)
	cookies := map[string]*http.Cookie{}
	for _, visit := range before {
		for _, cookie := range visit.answer.Result().Cookies() {
			cookies[cookie.Name] = cookie
		}
	}
	for _, cookie := range cookies {
		if cookie.MaxAge >= 0 {
			request.AddCookie(cookie)
		}
	}
	return &visit{t, s, request, httptest.NewRecorder(), end}
}

// session gets the session of the request.
func (v *visit) session() *sessions.Session {
	v.t.Helper()
	session, err := v.site.Get(v.request, "visitor")
	check(v.t, err)
	return session
}

// save saves it.
func (v *visit) save() *visit {
	v.t.Helper()
	check(v.t, v.session().Save(v.request, v.answer))
	return v
}

// want compares what the session holds.
func (v *visit) want(want map[any]any) {
	v.t.Helper()
	if got := v.session().Values; !reflect.DeepEqual(got, want) {
		v.t.Errorf("the values are %v, not %v", got, want)
	}
}

// stored begins a session with values.
func (s *site) stored(t testing.TB, values map[any]any) *visit {
	t.Helper()
	visit := s.begin(t)
	for key, value := range values {
		visit.session().Values[key] = value
	}
	return visit.save()
}

// writes counts what was written.
func (s *site) writes(t testing.TB) uint64 {
	t.Helper()
	stats, err := s.lovely.Stats()
	check(t, err)
	return stats.Writes
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
