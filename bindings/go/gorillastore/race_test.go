package gorillastore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"

	lovely "lovely.session/go"
)

func TestASlowReaderDoesNotEraseWhatAWriterWrote(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1, 5: map[string]int{"x": 1, "y": 2, "z": 3, "q": 4}})
		reader, writer := site.begin(t, first), site.begin(t, first)
		reader.want(map[any]any{"a": 1, 5: map[string]int{"x": 1, "y": 2, "z": 3, "q": 4}})
		writer.session().Values["a"] = 2
		writer.session().Values["b"] = 3
		writer.save()
		reader.save()
		site.begin(t, first).want(map[any]any{"a": 2, "b": 3, 5: map[string]int{"x": 1, "y": 2, "z": 3, "q": 4}})
	})
}

func TestChangesOfDifferentKeysAreMerged(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1, "both": 0, "gone": 1})
		one, other := site.begin(t, first), site.begin(t, first)
		one.session().Values["b"] = 2
		one.session().Values["both"] = 1
		delete(one.session().Values, "gone")
		other.session().Values[5] = 3
		other.session().Values["both"] = 2
		one.save()
		other.save()
		site.begin(t, first).want(map[any]any{"a": 1, "b": 2, 5: 3, "both": 2})
	})
}

func TestASlowRequestBesideALogoutStaysLoggedOut(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1})
		reader, writer, late, leaving := site.begin(t, first), site.begin(t, first), site.begin(t, first), site.begin(t, first)
		for _, visit := range []*visit{reader, writer, late, leaving} {
			visit.session().Values["seen"] = nil
			delete(visit.session().Values, "seen")
		}
		leaving.session().Options.MaxAge = -1
		leaving.save()
		reader.save()
		// One whose client went away meanwhile has to open the session again.
		late.end()
		for _, visit := range []*visit{writer, late} {
			visit.session().Values["b"] = 2
			if err := visit.session().Save(visit.request, visit.answer); !errors.Is(err, lovely.ErrGone) || len(visit.answer.Result().Cookies()) != 0 {
				t.Errorf("%v", err)
			}
		}
		site.begin(t, first).want(map[any]any{})
	})
}

func TestASlowRequestBesideANewIDDoesNotBringTheOldOneBack(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1})
		slow, signIn := site.begin(t, first), site.begin(t, first)
		slow.session().Values["b"] = 2
		signIn.session().ID = ""
		signIn.save()
		if err := slow.session().Save(slow.request, slow.answer); !errors.Is(err, lovely.ErrGone) {
			t.Errorf("%v", err)
		}
		site.begin(t, first).want(map[any]any{})
		site.begin(t, signIn).want(map[any]any{"a": 1})
	})
}

func TestAClientThatWentAwayStoresWhatItChanged(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1})
		visit := site.begin(t, first)
		visit.session().Values["a"] = 2
		visit.end()
		visit.save()
		site.begin(t, first).want(map[any]any{"a": 2})
		fresh := site.begin(t)
		fresh.session().Values["b"] = 1
		fresh.end()
		fresh.save()
		site.begin(t, fresh).want(map[any]any{"b": 1})
	})
}

func TestChangesAreMergedWithoutAnEndOfTheRequest(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.stored(t, map[any]any{"a": 1})
		one, other := site.begin(t, first), site.begin(t, first)
		for _, visit := range []*visit{one, other} {
			visit.request = visit.request.WithContext(context.Background())
		}
		one.session().Values["b"] = 2
		other.session().Values["c"] = 3
		one.save()
		other.save()
		site.begin(t, first).want(map[any]any{"a": 1, "b": 2, "c": 3})
	})
}

func TestManyRequestsOfOneVisitorKeepAllTheirKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, err := site.Get(r, "visitor")
			if err == nil && r.FormValue("key") != "" {
				session.Values[r.FormValue("key")] = 1
				err = session.Save(r, w)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = fmt.Fprint(w, len(session.Values))
		}))
		defer web.Close()
		jar, err := cookiejar.New(nil)
		check(t, err)
		client := &http.Client{Jar: jar}
		get := func(query string) string {
			response, err := client.Get(web.URL + query)
			if err != nil {
				t.Error(err)
				return ""
			}
			defer func() { _ = response.Body.Close() }()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s", body)
			}
			return string(body)
		}
		get("?key=first")
		var done sync.WaitGroup
		for i := range 16 {
			done.Add(1)
			go func() {
				defer done.Done()
				for j := range 5 {
					get(fmt.Sprintf("?key=%d-%d", i, j))
				}
			}()
		}
		done.Wait()
		if count := get(""); count != "81" {
			t.Errorf("%s keys", count)
		}
	})
}
