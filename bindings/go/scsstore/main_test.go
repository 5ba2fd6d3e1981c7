package scsstore_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	lovely "lovely.session/go"
	"lovely.session/go/internal/memcachedtest"
	"lovely.session/go/scsstore"
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

// site is a manager on a store of its own.
type site struct {
	*scs.SessionManager
	lovely    *lovely.Store
	container *lovely.Container
	store     *scsstore.Store
	hasKeys   bool
}

// newSite makes one with a store in memory, or on memcached, with scs's codec or ours.
func newSite(t testing.TB, onMemcached, hasKeys bool, idle time.Duration) *site {
	t.Helper()
	url := fmt.Sprintf("memory://scs-%d", stores.Add(1))
	if onMemcached {
		url = fmt.Sprintf("memcached://%s/scs-%d-%d", server, os.Getpid(), stores.Add(1))
	}
	store, err := lovely.Open(url)
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	container, err := store.Container("visitors")
	check(t, err)
	manager := scs.New()
	manager.IdleTimeout = idle
	if hasKeys {
		manager.Codec = scsstore.Codec{}
	}
	made := scsstore.New(container, manager)
	manager.Store = made
	return &site{manager, store, container, made, hasKeys}
}

// everywhere runs a test on both kinds of store and with both codecs.
func everywhere(t *testing.T, test func(t *testing.T, site *site)) {
	t.Helper()
	everywhereIdle(t, []time.Duration{0}, test)
}

// everywhereIdle does the same with each of some idle timeouts.
func everywhereIdle(t *testing.T, idles []time.Duration, test func(t *testing.T, site *site)) {
	t.Helper()
	for _, onMemcached := range []bool{false, true} {
		for _, hasKeys := range []bool{false, true} {
			for _, idle := range idles {
				name := map[bool]string{false: "memory", true: "memcached"}[onMemcached] +
					map[bool]string{false: ",gob", true: ",keys"}[hasKeys] + fmt.Sprintf(",idle=%v", idle)
				t.Run(name, func(t *testing.T) { test(t, newSite(t, onMemcached, hasKeys, idle)) })
			}
		}
	}
}

// serve runs a web server whose sessions are the site's.
func (s *site) serve(t testing.TB, routes map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, handler := range routes {
		mux.HandleFunc(path, handler)
	}
	web := httptest.NewServer(s.LoadAndSave(mux))
	t.Cleanup(web.Close)
	return web
}

// browser is somebody with cookies.
type browser struct {
	t      testing.TB
	client *http.Client
	url    string
}

func newBrowser(t testing.TB, web *httptest.Server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	return &browser{t, &http.Client{Jar: jar}, web.URL}
}

// get asks for a page.
func (b *browser) get(path string) (status int, body string, header http.Header) {
	response, err := b.client.Get(b.url + path)
	if err != nil {
		b.t.Error(err)
		return 0, "", nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Error(err)
	}
	return response.StatusCode, string(text), response.Header
}

// want asks for a page and compares it.
func (b *browser) want(path, want string) {
	b.t.Helper()
	if status, body, _ := b.get(path); status != http.StatusOK || body != want {
		b.t.Errorf("%s is %d %q, not %q", path, status, body, want)
	}
}

// token is the browser's cookie.
func (b *browser) token() string {
	request, _ := http.NewRequest(http.MethodGet, b.url, nil)
	for _, cookie := range b.client.Jar.Cookies(request.URL) {
		if cookie.Name == "session" {
			return cookie.Value
		}
	}
	return ""
}

// slow is a handler that says when it has begun and waits before it goes on.
func slow(then http.HandlerFunc) (handler http.HandlerFunc, begun, goOn chan struct{}) {
	begun, goOn = make(chan struct{}), make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-goOn
		then(w, r)
	}, begun, goOn
}

func text(w http.ResponseWriter, text string) { _, _ = io.Copy(w, strings.NewReader(text)) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
