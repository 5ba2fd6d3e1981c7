package scsstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lovely.session/go/scsstore"
)

// The tests of this file have the names that they have in scs's own suite, where it has them.

func putGet(site *site) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/put": func(w http.ResponseWriter, r *http.Request) {
			site.Put(r.Context(), "foo", "bar")
			// In gob it is different each time.
			many := map[string]string{}
			for i := range 8 {
				many[fmt.Sprint(i)] = "x"
			}
			site.Put(r.Context(), "many", many)
			text(w, "OK")
		},
		"/get": func(w http.ResponseWriter, r *http.Request) {
			value, ok := site.Get(r.Context(), "foo").(string)
			if !ok {
				value = "-"
			}
			text(w, value)
		},
		"/add": func(_ http.ResponseWriter, r *http.Request) {
			site.Put(r.Context(), "items", site.GetInt(r.Context(), "items")+1)
		},
		"/destroy": func(w http.ResponseWriter, r *http.Request) {
			if err := site.Destroy(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		},
		"/renew": func(w http.ResponseWriter, r *http.Request) {
			if err := site.RenewToken(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		},
	}
}

func TestEnable(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		token := someone.token()
		someone.want("/get", "bar")
		someone.want("/put", "OK")
		if token == "" || someone.token() != token {
			t.Error("the token changed")
		}
		newBrowser(t, site.serve(t, putGet(site))).want("/get", "-")
	})
}

func TestLifetime(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, 10 * time.Minute}, func(t *testing.T, site *site) {
		site.Lifetime = 15 * time.Minute
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		check(t, site.lovely.Testing().Advance(8*time.Minute))
		someone.want("/get", "bar")
		check(t, site.lovely.Testing().Advance(8*time.Minute))
		someone.want("/get", "-")
	})
}

func TestIdleTimeout(t *testing.T) {
	everywhereIdle(t, []time.Duration{10 * time.Minute}, func(t *testing.T, site *site) {
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		for range 3 {
			check(t, site.lovely.Testing().Advance(6*time.Minute))
			someone.want("/get", "bar")
		}
		check(t, site.lovely.Testing().Advance(10*time.Minute+3*time.Second))
		someone.want("/get", "-")
	})
}

func TestTheIdleTimeoutMayBeSetLater(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		check(t, site.lovely.Testing().Advance(20*time.Hour))
		someone.want("/get", "bar")
		site.IdleTimeout = time.Minute
		other := newBrowser(t, site.serve(t, putGet(site)))
		other.want("/put", "OK")
		check(t, site.lovely.Testing().Advance(63*time.Second))
		other.want("/get", "-")
	})
}

func TestDestroy(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, time.Hour}, func(t *testing.T, site *site) {
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		token := someone.token()
		_, _, header := someone.get("/destroy")
		if cookie := header.Get("Set-Cookie"); !strings.Contains(cookie, "Max-Age=0") {
			t.Errorf("the cookie is %q", cookie)
		}
		someone.want("/get", "-")
		if _, found := find(t, site, token); found {
			t.Error("it was found")
		}
	})
}

func TestRenewToken(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, time.Hour}, func(t *testing.T, site *site) {
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		before := someone.token()
		someone.want("/renew", "")
		if someone.token() == before {
			t.Error("the token is the same")
		}
		someone.want("/get", "bar")
		if _, found := find(t, site, before); found {
			t.Error("the old token was found")
		}
	})
}

func TestRememberMe(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		site.Cookie.Persist = false
		routes := putGet(site)
		routes["/remember"] = func(w http.ResponseWriter, r *http.Request) { site.RememberMe(r.Context(), true) }
		someone := newBrowser(t, site.serve(t, routes))
		if _, _, header := someone.get("/put"); strings.Contains(header.Get("Set-Cookie"), "Max-Age") {
			t.Error("the cookie persists")
		}
		if _, _, header := someone.get("/remember"); !strings.Contains(header.Get("Set-Cookie"), "Max-Age") {
			t.Error("the cookie does not persist")
		}
	})
}

func TestIterate(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		err := site.Iterate(context.Background(), func(context.Context) error { return nil })
		if !errors.Is(err, scsstore.ErrNotIterable) {
			t.Errorf("%v", err)
		}
	})
}

// Where scs hashes tokens, destroying each session that Iterate gave hashes twice and destroys none. Here one is told.
func TestHashTokenInStore(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		site.HashTokenInStore = true
		someone := newBrowser(t, site.serve(t, putGet(site)))
		someone.want("/put", "OK")
		someone.want("/get", "bar")
		if _, found := find(t, site, someone.token()); found {
			t.Error("the token itself was found")
		}
		err := site.Iterate(context.Background(), func(ctx context.Context) error { return site.Destroy(ctx) })
		if !errors.Is(err, scsstore.ErrNotIterable) {
			t.Errorf("%v", err)
		}
		someone.want("/renew", "")
		someone.want("/get", "bar")
		someone.want("/destroy", "")
		someone.want("/get", "-")
	})
}

func TestMergeSession(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		routes := putGet(site)
		var other string
		routes["/merge"] = func(w http.ResponseWriter, r *http.Request) {
			site.Put(r.Context(), "mine", 1)
			check(t, site.MergeSession(r.Context(), other))
		}
		web := site.serve(t, routes)
		someone, before := newBrowser(t, web), newBrowser(t, web)
		before.want("/put", "OK")
		other = before.token()
		someone.want("/merge", "")
		someone.want("/get", "bar")
		if _, found := find(t, site, other); found {
			t.Error("the other session was found")
		}
	})
}

func TestATokenThatNobodyGaveIsNotTaken(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		web := site.serve(t, putGet(site))
		for _, planted := range []string{"planted", "%00%01", strings.Repeat("x", 8000)} {
			request, err := http.NewRequest(http.MethodGet, web.URL+"/put", nil)
			check(t, err)
			request.Header.Set("Cookie", "session="+planted)
			response, err := http.DefaultClient.Do(request)
			check(t, err)
			check(t, response.Body.Close())
			if len(response.Cookies()) != 1 || response.Cookies()[0].Value == planted {
				t.Errorf("the cookies are %v", response.Cookies())
			}
		}
	})
}

func TestTwoCommitsInARequest(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, time.Hour}, func(t *testing.T, site *site) {
		routes := putGet(site)
		routes["/twice"] = func(w http.ResponseWriter, r *http.Request) {
			site.Put(r.Context(), "foo", "first")
			token, _, err := site.Commit(r.Context())
			check(t, err)
			// Somebody else, in the middle.
			ctx, err := site.Load(context.Background(), token)
			check(t, err)
			site.Put(ctx, "other", "theirs")
			_, _, err = site.Commit(ctx)
			check(t, err)
			if site.hasKeys {
				site.Put(r.Context(), "foo", "second")
			}
		}
		routes["/other"] = func(w http.ResponseWriter, r *http.Request) { text(w, site.GetString(r.Context(), "other")) }
		for _, isNew := range []bool{true, false} {
			someone := newBrowser(t, site.serve(t, routes))
			if !isNew {
				someone.want("/put", "OK")
			}
			someone.want("/twice", "")
			someone.want("/other", "theirs")
			someone.want("/get", map[bool]string{true: "second", false: "first"}[site.hasKeys])
		}
	})
}

func TestARequestAsksTheServerForNoMoreThanItNeeds(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, time.Hour}, func(t *testing.T, site *site) {
		asked := func() uint64 {
			stats, err := site.lovely.Stats()
			check(t, err)
			return stats.Requests
		}
		someone := newBrowser(t, site.serve(t, putGet(site)))
		for _, step := range []struct {
			path, what string
			requests   uint64
		}{
			{"/get", "a visitor without a session", 0},
			{"/put", "the first change", 1},
			{"/get", "reading", 1},
			{"/put", "changing nothing", 1},
			{"/add", "changing something", 2},
			{"/destroy", "signing out", 3},
		} {
			before := asked()
			someone.get(step.path)
			if now := asked(); now-before != step.requests {
				t.Errorf("%s asked %d times, not %d", step.what, now-before, step.requests)
			}
		}
	})
}
