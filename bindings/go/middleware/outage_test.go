package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

func broken(t *testing.T, visitors *lovely.Container, kind lovely.FaultKind, ops lovely.FaultOps) {
	t.Helper()
	check(t, visitors.Store().Testing().Fault(lovely.Fault{Kind: kind, Ops: ops}))
}

// Contract 6.1: a load that fails is an error and never looks like an empty session.
func TestAnOutageIsNoEmptySession(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, routes(map[string]handle{
		"/count": count,
		"/deaf": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			n, _ := session.Int("n")
			fmt.Fprint(w, "you have ", n)
		},
		"/empty": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) { _, _ = session.Int("n") },
		"/own": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			if _, err := session.Int("n"); err != nil {
				http.Error(w, "my own words", http.StatusBadGateway)
			}
		},
		"/without": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			if _, err := session.Int("n"); errors.Is(err, lovely.ErrUnavailable) {
				check(t, session.Abort())
				fmt.Fprint(w, "without a session")
			}
		},
	})))
	ann.get("/count")
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultLoad)
	for path, want := range map[string]string{
		"/deaf": "503 sessions cannot be reached; please try again\n", "/empty": "503 sessions cannot be reached; please try again\n",
		"/own": "502 my own words\n", "/without": "200 without a session",
	} {
		got := ann.get(path)
		equal(t, fmt.Sprint(got.status, " ", got.body), want)
		if got.cookie != nil {
			t.Errorf("%s sets %v", path, got.cookie)
		}
	}
	check(t, visitors.Store().Testing().ClearFaults())
	equal(t, ann.get("/count").body, "2")
}

func TestAStoreThatIsAwayIsAskedOnceInARequest(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/many": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		for range 10 {
			if _, err := session.Int("n"); !errors.Is(err, lovely.ErrTimeout) {
				t.Errorf("it says %v", err)
			}
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}})))
	ann.get("/")
	broken(t, visitors, lovely.FaultTimeout, lovely.FaultLoad)
	before := must[lovely.Stats](t)(visitors.Store().Stats())
	equal(t, ann.get("/many").status, 503)
	after := must[lovely.Stats](t)(visitors.Store().Stats())
	equal(t, after.Requests-before.Requests, 1)
}

// Contract 6.2: a commit that was not stored is an error.
func TestACommitThatFailsIsNoSuccess(t *testing.T) {
	for kind, status := range map[lovely.FaultKind]int{
		lovely.FaultUnavailable: 503, lovely.FaultTimeout: 503, lovely.FaultRefused: 503, lovely.FaultRefusedDropped: 500,
	} {
		store := must[*lovely.Store](t)(lovely.Open(memoryURL(), lovely.WithCommitTimeout(50*time.Millisecond)))
		defer store.Close()
		visitors := must[*lovely.Container](t)(store.Container("visitors"))
		ann := visit(t, serve(t, visitors, count))
		ann.get("/")
		broken(t, visitors, kind, lovely.FaultWrite)
		if got := ann.get("/"); got.status != status || got.body == "2" {
			t.Errorf("fault %d: %d %s", kind, got.status, got.body)
		}
	}
}

func TestTheHookForErrorsAnswers(t *testing.T) {
	visitors := inMemory(t)
	var status int
	ann := visit(t, serve(t, visitors, count, middleware.WithOnError(func(w http.ResponseWriter, r *http.Request, err error) {
		if _, errSession := middleware.Get(r).Int("n"); errSession == nil {
			t.Error("the hook reads a session that could not be stored")
		}
		if status = middleware.StatusCode(err); r.URL.Path == "/silent" {
			return
		}
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(599)
		fmt.Fprint(w, errors.Is(err, lovely.ErrUnavailable))
	})))
	ann.get("/")
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultWrite)
	got := ann.get("/")
	equal(t, fmt.Sprint(got.status, got.body, got.header.Get("Retry-After")), "599true5")
	equal(t, status, 503)
	got = ann.get("/silent")
	equal(t, got.status, 500)
}

func TestStatusCodesFitTheErrors(t *testing.T) {
	for status, want := range map[lovely.Status]int{
		lovely.ErrConflict: 409, lovely.ErrGone: 409, lovely.ErrUnavailable: 503, lovely.ErrTimeout: 503, lovely.ErrUnknown: 503, lovely.ErrProtocol: 503,
		lovely.ErrCancelled: 503, lovely.ErrTooLarge: 500, lovely.ErrPartial: 500, lovely.ErrMisuse: 500, lovely.ErrLost: 500, lovely.ErrCorrupt: 500,
	} {
		equal(t, middleware.StatusCode(fmt.Errorf("wrapped: %w", &lovely.Error{Status: status})), want)
	}
	equal(t, middleware.StatusCode(errors.New("another")), 500)
}

// Contract 6.5: what cannot be read can be destroyed.
func TestASessionThatCannotBeOpenedCanBeDestroyed(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/signout": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		if _, err := session.Int("n"); err == nil {
			t.Error("it can be read")
		}
		check(t, session.Destroy())
	}})))
	ann.get("/")
	id := ann.id()
	check(t, visitors.Store().Testing().Fault(lovely.Fault{Kind: lovely.FaultTimeout, Ops: lovely.FaultLoad, Count: 1}))
	got := ann.get("/signout")
	equal(t, got.status, 200)
	equal(t, ann.cookie, "")
	equal(t, len(stored(t, visitors, id)), 0)
}

func TestATransactionThatTheHandlerEndedIsAnError(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		check(t, must[lovely.Session](t)(session.Open()).Txn().Commit())
	}))
	equal(t, ann.get("/").status, 500)
}

func TestAPanicAborts(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		for name, cause := range map[string]any{"a panic": "something", "http.ErrAbortHandler": http.ErrAbortHandler} {
			manager := newManager(t, visitors)
			var seen any
			server := serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if seen = recover(); seen != nil {
						w.WriteHeader(http.StatusTeapot)
					}
				}()
				manager.Handler(withSession(routes(map[string]handle{"/": count, "/panic": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
					must[int64](t)(session.Add("n", 10))
					panic(cause)
				}, "/late": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
					must[int64](t)(session.Add("n", 100))
					check(t, http.NewResponseController(w).Flush())
					panic(cause)
				}}))).ServeHTTP(w, r)
			}))
			ann := visit(t, server)
			ann.get("/")
			equal(t, ann.get("/panic").status, http.StatusTeapot)
			if seen != cause {
				t.Errorf("%s: it goes on as %v", name, seen)
			}
			equal(t, ann.get("/").body, "2")
			ann.get("/late")
			equal(t, ann.get("/").body, "103")
		}
	})
}

// A handler that has done its work has done it, whoever still listens.
func TestAClientThatWentAwayKeepsNothingFromBeingStored(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		began, done := make(chan struct{}), make(chan struct{})
		ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/slow": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			defer close(done)
			must[int64](t)(session.Add("n", 10))
			close(began)
			<-r.Context().Done()
			must[int64](t)(session.Add("n", 10))
			w.WriteHeader(http.StatusOK)
		}})))
		ann.get("/")
		ctx, leave := context.WithCancel(context.Background())
		go func() {
			<-began
			leave()
		}()
		request := must[*http.Request](t)(http.NewRequestWithContext(ctx, "GET", ann.url+"/slow", nil))
		request.Header.Set("Cookie", ann.cookie)
		if _, err := ann.client.Do(request); err == nil {
			t.Fatal("it was answered")
		}
		<-done
		equal(t, ann.get("/").body, "22")
	})
}

// timed is a context whose time is over when the test says so.
type timed struct {
	context.Context
	over chan struct{}
}

func (c timed) Deadline() (time.Time, bool) { return time.Now().Add(time.Hour), true }
func (c timed) Done() <-chan struct{}       { return c.over }
func (c timed) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Its client was told that it failed.
func TestARequestWhoseTimeIsOverStoresNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		manager := newManager(t, visitors)
		var ctx timed
		handler := manager.Handler(withSession(routes(map[string]handle{
			"/": count,
			"/slow": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				must[int64](t)(session.Add("n", 10))
				close(ctx.over)
				if _, err := fmt.Fprint(w, "done"); !errors.Is(err, lovely.ErrTimeout) {
					t.Errorf("the handler is told %v", err)
				}
			},
		})))
		ann := visit(t, serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx = timed{r.Context(), make(chan struct{})}
			handler.ServeHTTP(w, r.WithContext(ctx))
		})))
		ann.get("/")
		equal(t, ann.get("/slow").status, 503)
		equal(t, ann.get("/").body, "2")
	})
}

func TestARequestWhoseTimeWasOverAsksNobody(t *testing.T) {
	visitors := open(t, memcachedURL())
	put(t, visitors, "known", "n", 1)
	handler := newManager(t, visitors).Handler(withSession(count))
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Cookie", "session=known")
	ctx, cancel := context.WithDeadline(request.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	before := must[uint64](t)(memcached.Commands())
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request.WithContext(ctx))
	equal(t, recorder.Code, 503)
	equal(t, must[uint64](t)(memcached.Commands()), before)
}

func TestTheLogNamesNoID(t *testing.T) {
	visitors := inMemory(t)
	manager := newManager(t, visitors)
	server, lines := serveLogged(t, manager.Handler(withSession(count)))
	ann := visit(t, server)
	ann.get("/")
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultWrite)
	equal(t, ann.get("/a%0Ab").status, 503)
	server.Close()
	if log := lines.String(); !strings.Contains(log, `GET "/a\nb": lovely: unavailable`) || strings.Contains(log, ann.id()) {
		t.Errorf("the log is %q", log)
	}
}
