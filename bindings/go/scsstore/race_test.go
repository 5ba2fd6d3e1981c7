package scsstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lovely "lovely.session/go"
)

// Two requests of one visitor at the same time, with and without an idle timeout.
var idles = []time.Duration{0, time.Hour}

// during starts a slow request, runs work in the middle of it, and returns its status and error.
func during(t *testing.T, site *site, then http.HandlerFunc, work func(someone *browser)) (int, error) {
	t.Helper()
	handler, begun, goOn := slow(then)
	var failure atomic.Value
	site.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		failure.Store(err)
		w.WriteHeader(http.StatusConflict)
	}
	routes := putGet(site)
	routes["/slow"] = handler
	routes["/add"] = func(_ http.ResponseWriter, r *http.Request) {
		site.Put(r.Context(), r.FormValue("key"), r.FormValue("value"))
	}
	routes["/show"] = func(w http.ResponseWriter, r *http.Request) {
		shown := ""
		for _, key := range site.Keys(r.Context()) {
			if value, ok := site.Get(r.Context(), key).(string); ok {
				shown += key + "=" + value + " "
			}
		}
		text(w, shown)
	}
	someone := newBrowser(t, site.serve(t, routes))
	someone.want("/put", "OK")
	var status int
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		status, _, _ = someone.get("/slow")
	}()
	<-begun
	work(someone)
	close(goOn)
	done.Wait()
	err, _ := failure.Load().(error)
	return status, err
}

func TestASlowReaderDoesNotEraseWhatAWriterWrote(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		var writer *browser
		status, err := during(t, site,
			func(w http.ResponseWriter, r *http.Request) { text(w, site.GetString(r.Context(), "foo")) },
			func(someone *browser) {
				writer = someone
				someone.want("/add?key=foo&value=new", "")
				someone.want("/add?key=more&value=1", "")
			})
		if status != http.StatusOK || err != nil {
			t.Errorf("%d, %v", status, err)
		}
		writer.want("/show", "foo=new more=1 ")
	})
}

func TestChangesOfDifferentKeysAreMergedOrTheLaterOneWins(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		var writer *browser
		status, err := during(t, site,
			func(_ http.ResponseWriter, r *http.Request) {
				site.Put(r.Context(), "slow", "1")
				site.Put(r.Context(), "foo", "slow")
			},
			func(someone *browser) {
				writer = someone
				someone.want("/add?key=fast&value=1", "")
				someone.want("/add?key=foo&value=fast", "")
			})
		if status != http.StatusOK || err != nil {
			t.Errorf("%d, %v", status, err)
		}
		if site.hasKeys {
			writer.want("/show", "fast=1 foo=slow slow=1 ")
		} else {
			writer.want("/show", "foo=slow slow=1 ")
		}
	})
}

func TestADeletionIsMergedToo(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		if !site.hasKeys {
			t.Skip("a blob is not merged")
		}
		var writer *browser
		_, err := during(t, site,
			func(_ http.ResponseWriter, r *http.Request) { site.Remove(r.Context(), "foo") },
			func(someone *browser) {
				writer = someone
				someone.want("/add?key=fast&value=1", "")
			})
		check(t, err)
		writer.want("/show", "fast=1 ")
	})
}

func TestASlowRequestBesideALogoutStaysLoggedOut(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		for _, isWriter := range []bool{false, true} {
			var token string
			status, err := during(t, site,
				func(_ http.ResponseWriter, r *http.Request) {
					if isWriter {
						site.Put(r.Context(), "slow", "1")
					}
				},
				func(someone *browser) {
					token = someone.token()
					someone.want("/destroy", "")
				})
			if isWriter && (status != http.StatusConflict || !errors.Is(err, lovely.ErrGone)) {
				t.Errorf("the writer got %d, %v", status, err)
			}
			if !isWriter && (status != http.StatusOK || err != nil) {
				t.Errorf("the reader got %d, %v", status, err)
			}
			if _, found := find(t, site, token); found {
				t.Error("it is logged in again")
			}
		}
	})
}

func TestASlowRequestBesideARenewalDoesNotBringTheOldTokenBack(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		var someone *browser
		var token string
		_, err := during(t, site,
			func(_ http.ResponseWriter, r *http.Request) { site.Put(r.Context(), "slow", "1") },
			func(renewing *browser) {
				someone, token = renewing, renewing.token()
				renewing.want("/renew", "")
			})
		if !errors.Is(err, lovely.ErrGone) {
			t.Errorf("%v", err)
		}
		if _, found := find(t, site, token); found {
			t.Error("the old token is there")
		}
		someone.want("/get", "bar")
	})
}

func TestARequestThatOutlivesItsSessionDoesNotBringItBack(t *testing.T) {
	everywhereIdle(t, []time.Duration{time.Hour}, func(t *testing.T, site *site) {
		var token string
		_, err := during(t, site,
			func(_ http.ResponseWriter, r *http.Request) { site.Put(r.Context(), "slow", "1") },
			func(someone *browser) {
				token = someone.token()
				check(t, site.lovely.Testing().Drop(site.container, token))
			})
		if !errors.Is(err, lovely.ErrGone) {
			t.Errorf("%v", err)
		}
		if _, found := find(t, site, token); found {
			t.Error("it is there")
		}
	})
}

// A context without an end, such as of a job, keeps no transaction open; what is loaded is merged all the same.
func TestChangesAreMergedWithoutARequest(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		load := func(token string) context.Context {
			ctx, err := site.Load(context.Background(), token)
			check(t, err)
			return ctx
		}
		commit := func(ctx context.Context) (string, error) {
			token, _, err := site.SessionManager.Commit(ctx)
			return token, err
		}
		ctx := load("")
		site.Put(ctx, "foo", "bar")
		token, err := commit(ctx)
		check(t, err)
		reader, writer, other, late := load(token), load(token), load(token), load(token)
		site.Put(writer, "a", "1")
		_, err = commit(writer)
		check(t, err)
		_, err = commit(reader)
		check(t, err)
		site.Put(other, "b", "2")
		_, err = commit(other)
		check(t, err)
		want := "[a b foo]"
		if !site.hasKeys {
			want = "[b foo]"
		}
		if keys := fmt.Sprint(site.Keys(load(token))); keys != want {
			t.Errorf("the keys are %v, not %v", keys, want)
		}
		check(t, site.SessionManager.Destroy(load(token)))
		site.Put(late, "c", "3")
		if _, err := commit(late); !errors.Is(err, lovely.ErrGone) {
			t.Errorf("%v", err)
		}
	})
}

func TestAClientThatWentAwayStoresWhatItChanged(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		ctx, cancel := context.WithCancel(context.Background())
		ctx, err := site.Load(ctx, "")
		check(t, err)
		site.Put(ctx, "foo", "bar")
		token, _, err := site.SessionManager.Commit(ctx)
		check(t, err)
		cancel()
		ctx, cancel = context.WithCancel(context.Background())
		ctx, err = site.Load(ctx, token)
		check(t, err)
		site.Put(ctx, "foo", "changed")
		cancel()
		_, _, err = site.SessionManager.Commit(ctx)
		check(t, err)
		ctx, err = site.Load(context.Background(), token)
		check(t, err)
		if got := site.GetString(ctx, "foo"); got != "changed" {
			t.Errorf("%q", got)
		}
	})
}

func TestManyRequestsOfOneVisitorKeepAllTheirKeys(t *testing.T) {
	everywhereIdle(t, idles, func(t *testing.T, site *site) {
		if !site.hasKeys {
			t.Skip("a blob is not merged")
		}
		routes := putGet(site)
		routes["/add"] = func(_ http.ResponseWriter, r *http.Request) { site.Put(r.Context(), r.FormValue("key"), "1") }
		routes["/count"] = func(w http.ResponseWriter, r *http.Request) { text(w, fmt.Sprint(len(site.Keys(r.Context())))) }
		someone := newBrowser(t, site.serve(t, routes))
		someone.want("/put", "OK")
		var done sync.WaitGroup
		for i := range 16 {
			done.Add(1)
			go func() {
				defer done.Done()
				for j := range 5 {
					someone.want(fmt.Sprintf("/add?key=%d-%d", i, j), "")
				}
			}()
		}
		done.Wait()
		someone.want("/count", "82")
	})
}
