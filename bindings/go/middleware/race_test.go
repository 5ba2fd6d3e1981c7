package middleware_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

// slowly serves two handlers, of which "/slow" does meanwhile after it has looked at the session.
type slowly struct {
	visitors  *lovely.Container
	ann       *visitor
	meanwhile func()
}

func newSlowly(t *testing.T, visitors *lovely.Container, after handle, options ...middleware.Option) *slowly {
	s := &slowly{visitors: visitors}
	s.ann = visit(t, serve(t, visitors, routes(map[string]handle{
		"/count": count,
		"/slow": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			must[int64](t)(session.Int("n"))
			s.meanwhile()
			after(session, w, r)
		},
	}), options...))
	s.ann.get("/count")
	return s
}

// Contract 5.1: who only read never overwrites a writer.
func TestASlowReaderDoesNotUndoAWriter(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		s := newSlowly(t, visitors, show)
		s.meanwhile = func() { equal(t, s.ann.as().get("/count").body, "2") }
		equal(t, s.ann.get("/slow").body, "1")
		equal(t, stored(t, visitors, s.ann.id())["n"], any(int64(2)))
	})
}

// Contract 5.2.
func TestWhatTwoRequestsChangedIsMerged(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		s := newSlowly(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			must[int64](t)(session.Add("n", 10))
			check(t, session.Set("mine", 1))
			check(t, session.Set("both", "slow"))
		})
		s.meanwhile = func() {
			s.ann.as().get("/count")
			put(t, visitors, s.ann.id(), "theirs", 1)
			put(t, visitors, s.ann.id(), "both", "fast")
		}
		equal(t, s.ann.get("/slow").status, 200)
		equal(t, fmt.Sprint(stored(t, visitors, s.ann.id())), "map[both:slow mine:1 n:12 theirs:1]")
	})
}

// Contract 5.3: under merge the same key is a conflict.
func TestAConflictIs409AndNothingOfTheResponseLeaks(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		s := newSlowly(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Set("both", "slow"))
			w.Header().Set("Location", "/secret")
			w.Header().Set("X-Secret", "yes")
			w.Header().Set("Content-Length", "6")
			w.WriteHeader(http.StatusSeeOther)
			w.Header().Set(http.TrailerPrefix+"X-Secret", "yes")
			if n, err := fmt.Fprint(w, "secret"); n != 0 || err == nil {
				t.Errorf("writing after the failure: %d %v", n, err)
			}
			if _, err := session.Int("n"); !errors.Is(err, lovely.ErrConflict) {
				t.Errorf("reading after the failure: %v", err)
			}
		}, middleware.WithPolicy(lovely.Merge))
		s.meanwhile = func() { put(t, visitors, s.ann.id(), "both", "fast") }
		got := s.ann.get("/slow")
		equal(t, got.status, 409)
		equal(t, got.body, "too many changes at once; please try again\n")
		if got.header.Get("X-Secret") != "" || got.header.Get("Location") != "" || got.cookie != nil || len(got.trailer) != 0 {
			t.Errorf("it leaks %v %v", got.header, got.trailer)
		}
		equal(t, stored(t, visitors, s.ann.id())["both"], any("fast"))
	})
}

// Contract 5.5: what was destroyed stays so.
func TestASessionThatAnotherRequestDestroyedStaysDestroyed(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		s := newSlowly(t, visitors, count)
		id := s.ann.id()
		s.meanwhile = func() { destroy(t, visitors, id) }
		got := s.ann.get("/slow")
		equal(t, got.status, 409)
		equal(t, got.body, "this session has ended\n")
		if content := stored(t, visitors, id); content != nil {
			t.Errorf("it came back: %v", content)
		}
		equal(t, s.ann.get("/count").body, "1")
		if s.ann.id() == id {
			t.Error("its id is used again")
		}
	})
}

func TestReadingASessionThatAnotherRequestDestroyedIsNoError(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		s := newSlowly(t, visitors, show)
		id := s.ann.id()
		s.meanwhile = func() { destroy(t, visitors, id) }
		got := s.ann.get("/slow")
		equal(t, got.status, 200)
		equal(t, got.body, "1")
		if got.cookie != nil {
			t.Errorf("it sets %v", got.cookie)
		}
		equal(t, len(stored(t, visitors, id)), 0)
	})
}

func TestConcurrentIncrementsAllCount(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, count))
		ann.get("/")
		var group sync.WaitGroup
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range 10 {
					equal(t, ann.as().get("/").status, 200)
				}
			}()
		}
		group.Wait()
		equal(t, ann.get("/").body, "82")
	})
}
