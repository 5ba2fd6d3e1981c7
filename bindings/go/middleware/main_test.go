package middleware_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	lovely "lovely.session/go"
	"lovely.session/go/internal/memcachedtest"
	"lovely.session/go/middleware"
)

// memcached is that of this run.
var memcached *memcachedtest.Server

func TestMain(m *testing.M) {
	os.Exit(memcachedtest.Main(func(started *memcachedtest.Server) int {
		memcached = started
		return m.Run()
	}))
}

var stores atomic.Int64

func memoryURL() string { return fmt.Sprintf("memory://middleware-%d", stores.Add(1)) }

func memcachedURL() string {
	return fmt.Sprintf("memcached://%s/%d-%d", memcached.Address, os.Getpid(), stores.Add(1))
}

// everywhere runs a test on both kinds of store.
func everywhere(t *testing.T, test func(t *testing.T, visitors *lovely.Container)) {
	t.Helper()
	for name, url := range map[string]string{"memory": memoryURL(), "memcached": memcachedURL()} {
		t.Run(name, func(t *testing.T) { test(t, open(t, url)) })
	}
}

// open opens a container of a store that is closed at the end of the test.
func open(t testing.TB, url string, options ...lovely.ContainerOption) *lovely.Container {
	t.Helper()
	store := must[*lovely.Store](t)(lovely.Open(url))
	t.Cleanup(func() { check(t, store.Close()) })
	return must[*lovely.Container](t)(store.Container("visitors", options...))
}

func inMemory(t testing.TB, options ...lovely.ContainerOption) *lovely.Container {
	return open(t, memoryURL(), options...)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func equal[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func newManager(t testing.TB, visitors *lovely.Container, options ...middleware.Option) *middleware.Manager {
	t.Helper()
	return must[*middleware.Manager](t)(middleware.New(visitors, options...))
}

// handle is what the tests' handlers are.
type handle = func(session *middleware.Session, w http.ResponseWriter, r *http.Request)

// serve serves a handler with sessions, on HTTP/1.1, until the end of the test.
func serve(t testing.TB, visitors *lovely.Container, handler handle, options ...middleware.Option) *httptest.Server {
	t.Helper()
	manager := newManager(t, visitors, options...)
	return serveHandler(t, manager.Handler(withSession(handler)))
}

func withSession(handler handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(middleware.Get(r), w, r) })
}

func serveHandler(t testing.TB, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// visitor is a browser that keeps one cookie.
type visitor struct {
	t      testing.TB
	client *http.Client
	url    string
	cookie string
}

func visit(t testing.TB, server *httptest.Server) *visitor {
	client := *server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t, &client, server.URL, ""}
}

// answer is a response that was read.
type answer struct {
	status  int
	body    string
	header  http.Header
	trailer http.Header
	// cookie is what the response set it to: nil if it did not.
	cookie *http.Cookie
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path) }

func (v *visitor) do(method, path string) answer {
	v.t.Helper()
	result, err := v.try(method, path)
	check(v.t, err)
	return result
}

func (v *visitor) try(method, path string) (answer, error) {
	request, err := http.NewRequest(method, v.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	if v.cookie != "" {
		request.Header.Set("Cookie", v.cookie)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	result := answer{response.StatusCode, string(body), response.Header, response.Trailer, nil}
	for _, cookie := range response.Cookies() {
		result.cookie = cookie
		v.cookie = ""
		if cookie.MaxAge >= 0 {
			v.cookie = cookie.Name + "=" + cookie.Value
		}
	}
	return result, nil
}

// id is the session's id that the visitor has.
func (v *visitor) id() string {
	_, id, _ := strings.Cut(v.cookie, "=")
	return id
}

// as is the same visitor with what he has now.
func (v *visitor) as() *visitor {
	other := *v
	return &other
}

// put stores something in a session from outside of any request.
func put(t testing.TB, visitors *lovely.Container, id, key string, value any) {
	t.Helper()
	check(t, visitors.Store().Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, id)
		if err != nil {
			return err
		}
		return session.Pkg("session").Set(key, value)
	}))
}

// stored reads a session from outside of any request: nil if there is none.
func stored(t testing.TB, visitors *lovely.Container, id string) map[string]any {
	t.Helper()
	var content map[string]any
	check(t, visitors.Store().View(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, id)
		if err != nil || session.IsNew() {
			return err
		}
		content, err = session.Pkg("session").Content()
		return err
	}))
	return content
}

func destroy(t testing.TB, visitors *lovely.Container, id string) {
	t.Helper()
	check(t, visitors.Store().Update(context.Background(), func(txn *lovely.Txn) error { return txn.Destroy(visitors, id) }))
}

// fail answers an error of a session as handlers do.
func fail(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, err.Error(), middleware.StatusCode(err))
	}
	return err != nil
}

// count adds to a counter of the session and says what it is.
func count(session *middleware.Session, w http.ResponseWriter, _ *http.Request) {
	sum, err := session.Add("n", 1)
	if !fail(w, err) {
		fmt.Fprint(w, sum)
	}
}

// show says what the counter is.
func show(session *middleware.Session, w http.ResponseWriter, _ *http.Request) {
	n, err := session.Int("n")
	if err == lovely.ErrNotFound {
		err = nil
	}
	if !fail(w, err) {
		fmt.Fprint(w, n)
	}
}

// routes picks a handler by the path.
func routes(handlers map[string]handle) handle {
	return func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		handlers[r.URL.Path](session, w, r)
	}
}

// serveLogged also gives what the server logs, to be read when it is closed.
func serveLogged(t testing.TB, handler http.Handler) (*httptest.Server, *strings.Builder) {
	t.Helper()
	var lines strings.Builder
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(&lines, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server, &lines
}

// rounds is what a test goes through: only the first where each call collects garbage.
func rounds[T any](all ...T) []T {
	if testing.Short() {
		return all[:1]
	}
	return all
}
