package middleware_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

func TestAFlashIsReadOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, routes(map[string]handle{
			"/add": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				check(t, session.AddFlash("note", "one"))
				check(t, session.AddFlash("error", map[string]any{"code": 2}))
				check(t, session.AddFlash("note", "three"))
				check(t, session.AddFlash("", 4))
			},
			"/notes": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, must[[]middleware.Flash](t)(session.Flashes("note", "none")))
			},
			"/all": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, must[[]middleware.Flash](t)(session.Flashes()))
			},
		})))
		ann.get("/add")
		equal(t, ann.get("/notes").body, "[{note one} {note three}]")
		equal(t, ann.get("/notes").body, "[]")
		equal(t, ann.get("/all").body, "[{error map[code:2]} { 4}]")
		equal(t, ann.get("/all").body, "[]")
	})
}

func TestNoFlashOfConcurrentRequestsIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		const many = 12
		ann := visit(t, serve(t, visitors, routes(map[string]handle{
			"/": count,
			"/add": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				check(t, session.AddFlash("note", r.URL.RawQuery))
			},
			"/all": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, len(must[[]middleware.Flash](t)(session.Flashes())))
			},
		})))
		ann.get("/")
		var group sync.WaitGroup
		for i := range many {
			group.Add(1)
			go func() {
				defer group.Done()
				equal(t, ann.as().get(fmt.Sprintf("/add?%d", i)).status, 200)
			}()
		}
		group.Wait()
		equal(t, ann.get("/all").body, fmt.Sprint(many))
	})
}
