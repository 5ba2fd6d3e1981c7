package gorillastore_test

import (
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore"
)

// The first tests of this file have the names that they have in the suite of gorilla/sessions.

type FlashMessage struct {
	Type    int
	Message string
}

type key int

func init() {
	gob.Register(FlashMessage{})
	gob.Register(key(0))
	gob.Register(map[string]int{})
	gob.Register(time.Time{})
}

func TestGH8Store(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		session, err := site.New(site.begin(t).request, "hello")
		check(t, err)
		site.Options.Path = "/foo"
		if session.Options.Path != "/" {
			t.Fatalf("bad session path: %q", session.Options.Path)
		}
	})
}

func TestGH2MaxLength(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.begin(t)
		visit.session().Values["big"] = make([]byte, 300_000)
		visit.save()
		if got := visit.answer.Header().Get("Set-Cookie"); len(got) > 400 {
			t.Errorf("the cookie has %d bytes", len(got))
		}
		site.begin(t, visit).want(map[any]any{"big": make([]byte, 300_000)})
		// The length that can be limited is the cookie's.
		site.MaxLength(20)
		visit = site.begin(t)
		if err := visit.session().Save(visit.request, visit.answer); err == nil {
			t.Error("a cookie of more than 20 bytes was made")
		}
	})
}

func TestGH8StoreDelete(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.stored(t, map[any]any{"a": 1})
		id := visit.session().ID
		leaving := site.begin(t, visit)
		leaving.session().Options.MaxAge = -1
		leaving.save()
		cookie := leaving.answer.Result().Cookies()[0]
		if cookie.MaxAge >= 0 || cookie.Value != "" {
			t.Errorf("the cookie is %v", cookie)
		}
		// The cookie that somebody kept finds nothing.
		again := site.begin(t, visit)
		if session := again.session(); !session.IsNew || session.ID != "" || len(session.Values) != 0 {
			t.Errorf("%+v", session)
		}
		again.save()
		if again.session().ID == id {
			t.Error("the id was used again")
		}
		// The session can be saved again, as another one.
		leaving.answer = httptest.NewRecorder()
		leaving.session().Options.MaxAge = 60
		leaving.save()
		if now := leaving.session().ID; now == "" || now == id {
			t.Errorf("the id is %q", now)
		}
		site.begin(t, leaving).want(map[any]any{"a": 1})
		// Deleting what is not stored is no error.
		fresh := site.begin(t)
		fresh.session().Options.MaxAge = -1
		fresh.save()
	})
}

func TestGH8StoreDelete2(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		// MaxAge 0 is a session that ends with the browser.
		visit := site.begin(t)
		visit.session().Options.MaxAge = 0
		visit.session().Values["a"] = 1
		visit.save()
		if got := visit.answer.Header().Get("Set-Cookie"); strings.Contains(got, "Max-Age") || strings.Contains(got, "Expires") {
			t.Errorf("the cookie is %q", got)
		}
		site.begin(t, visit).want(map[any]any{"a": 1})
		check(t, site.lovely.Testing().Advance(59*time.Minute))
		site.begin(t, visit).want(map[any]any{"a": 1})
		check(t, site.lovely.Testing().Advance(time.Hour+3*time.Second))
		site.begin(t, visit).want(map[any]any{})
	})
}

func TestFlashes(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		first := site.begin(t)
		if flashes := first.session().Flashes(); len(flashes) != 0 {
			t.Errorf("%v", flashes)
		}
		first.session().AddFlash("foo")
		first.session().AddFlash("bar")
		first.session().AddFlash("baz", "custom_key")
		check(t, sessions.Save(first.request, first.answer))
		if _, err := site.Get(first.request, "session:key"); err == nil ||
			err.Error() != "sessions: invalid character in cookie name: session:key" {
			t.Errorf("%v", err)
		}
		second := site.begin(t, first)
		if flashes := second.session().Flashes(); !reflect.DeepEqual(flashes, []any{"foo", "bar"}) {
			t.Errorf("%v", flashes)
		}
		if flashes := second.session().Flashes("custom_key"); !reflect.DeepEqual(flashes, []any{"baz"}) {
			t.Errorf("%v", flashes)
		}
		second.session().AddFlash(&FlashMessage{42, "foo"})
		second.save()
		third := site.begin(t, first, second)
		if flashes := third.session().Flashes(); !reflect.DeepEqual(flashes, []any{FlashMessage{42, "foo"}}) {
			t.Errorf("%v", flashes)
		}
		third.save()
		if flashes := site.begin(t, third).session().Flashes(); len(flashes) != 0 {
			t.Errorf("%v", flashes)
		}
	})
}

func TestStoreMapPanic(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.begin(t)
		session := sessions.NewSession(site, "visitor")
		session.Values["data"] = "hello-world"
		check(t, session.Save(visit.request, visit.answer))
		site.begin(t, visit).want(map[any]any{"data": "hello-world"})
	})
}

func TestASessionIsNewUntilItsCookieComesBack(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.begin(t)
		session := visit.session()
		if !session.IsNew || session.ID != "" || session.Name() != "visitor" || visit.session() != session {
			t.Errorf("%+v", session)
		}
		visit.save()
		next := site.begin(t, visit).session()
		if next.IsNew || next.ID != session.ID || len(next.Values) != 0 {
			t.Errorf("%+v", next)
		}
	})
}

func TestACookieThatCannotBeReadIsAnErrorAndASessionThatCanBeUsed(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		for _, value := range []string{"garbage", "", "%00", strings.Repeat("x", 8000), "MTIz|eA==|eA=="} {
			visit := site.begin(t)
			visit.request.AddCookie(&http.Cookie{Name: "visitor", Value: value})
			session, err := site.Get(visit.request, "visitor")
			if err == nil || session == nil || !session.IsNew {
				t.Fatalf("%q: %v, %v", value, session, err)
			}
			session.Values["a"] = 1
			check(t, session.Save(visit.request, visit.answer))
			site.begin(t, visit).want(map[any]any{"a": 1})
		}
	})
}

func TestKeysOfCookiesAreChanged(t *testing.T) {
	for _, onMemcached := range []bool{false, true} {
		old := [][]byte{[]byte("an old key to sign with, 32 long"), []byte("an old key of 32 to encrypt with")}
		site := newSite(t, onMemcached, old...)
		visit := site.stored(t, map[any]any{"a": 1})
		newer := gorillastore.New(site.container, append([][]byte{[]byte("a new key to sign with, 32 long."), nil}, old...)...)
		session, err := newer.Get(site.begin(t, visit).request, "visitor")
		check(t, err)
		if session.Values["a"] != 1 {
			t.Errorf("%v", session.Values)
		}
		answer := httptest.NewRecorder()
		check(t, session.Save(site.begin(t).request, answer))
		cookie := answer.Result().Cookies()[0]
		var id string
		if err := securecookie.DecodeMulti("visitor", cookie.Value, &id, newer.Codecs[0]); err != nil || id != session.ID {
			t.Errorf("the new key did not sign: %v", err)
		}
		if err := securecookie.DecodeMulti("visitor", cookie.Value, &id, site.Codecs...); err == nil {
			t.Error("the old key reads it")
		}
	}
}

func TestAgesOfMonthsAndYears(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		const day = 24 * 60 * 60
		for _, age := range []int{60, 30 * day, 31 * day, 10 * 365 * day} {
			site.MaxAge(age)
			visit := site.stored(t, map[any]any{"age": age})
			site.begin(t, visit).want(map[any]any{"age": age})
			check(t, site.lovely.Testing().Advance(time.Duration(age)*time.Second-10*time.Second))
			site.begin(t, visit).want(map[any]any{"age": age})
			if age > 365*day {
				// The clock is moved as far as memcached can count by now: to 2038.
				continue
			}
			check(t, site.lovely.Testing().Advance(time.Duration(age)*time.Second+3*time.Second))
			site.begin(t, visit).want(map[any]any{})
		}
		site.MaxAge(0)
		visit := site.begin(t)
		visit.session().Options.MaxAge = math.MaxInt
		if err := visit.session().Save(visit.request, visit.answer); err != nil && !errors.Is(err, lovely.ErrRange) {
			t.Errorf("%v", err)
		}
	})
}

func TestAContainerThatNeverEndsTakesAnyAge(t *testing.T) {
	for _, onMemcached := range []bool{false, true} {
		before := newSite(t, onMemcached)
		container, err := before.lovely.Container("forever", lovely.WithTimeout(0))
		check(t, err)
		site := &site{gorillastore.New(container, signing), before.lovely, container}
		visit := site.stored(t, map[any]any{"a": 1})
		check(t, site.lovely.Testing().Advance(40*24*time.Hour))
		site.begin(t, visit).want(map[any]any{"a": 1})
	}
}

func TestValuesAndKeysComeBackAsTheTypeThatTheyWere(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		values := map[any]any{
			"int": 1, "int64": int64(math.MaxInt64), "uint64": uint64(math.MaxUint64), "float32": float32(1.5), "nil": nil,
			"bytes": []byte{0}, "texts": []string{"a"}, "message": FlashMessage{1, "x"}, key(1): "one", 2: 2.5, int64(2): "two",
			FlashMessage{1, "key"}: true, "time": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "\xff": "\xfe", "": "",
			"map": map[string]any{"a": []any{int8(1)}},
		}
		visit := site.stored(t, values)
		before := site.writes(t)
		for range 3 {
			visit = site.begin(t, visit)
			visit.want(values)
			visit.save()
		}
		if now := site.writes(t); now != before {
			t.Errorf("%d writes of what was not changed", now-before)
		}
		visit = site.begin(t, visit)
		clear(visit.session().Values)
		visit.save()
		site.begin(t, visit).want(map[any]any{})
	})
}

func TestWhatCannotBeStoredIsAnErrorAndSetsNoCookie(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		for _, values := range []map[any]any{{"f": func() {}}, {"c": make(chan int)}, {make(chan int): 1}, {"big": strings.Repeat("x", 2<<20)}} {
			visit := site.begin(t)
			for key, value := range values {
				visit.session().Values[key] = value
			}
			if err := visit.session().Save(visit.request, visit.answer); err == nil || len(visit.answer.Result().Cookies()) != 0 {
				t.Errorf("%v, %v", err, visit.answer.Result().Cookies())
			}
		}
	})
}

func TestARequestAsksTheServerForNoMoreThanItNeeds(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		asked := func(what string, want uint64, work func()) {
			t.Helper()
			before, err := site.lovely.Stats()
			check(t, err)
			work()
			after, err := site.lovely.Stats()
			check(t, err)
			if now := after.Requests - before.Requests; now != want {
				t.Errorf("%s asked %d times, not %d", what, now, want)
			}
		}
		var visit *visit
		asked("a visitor without a session", 0, func() { site.begin(t).session() })
		asked("the first change", 1, func() { visit = site.stored(t, map[any]any{"a": 1}) })
		asked("reading", 1, func() { site.begin(t, visit).session() })
		asked("changing nothing", 1, func() { site.begin(t, visit).save() })
		asked("changing something", 2, func() {
			next := site.begin(t, visit)
			next.session().Values["a"] = 2
			next.save()
		})
	})
}

func TestTwoSessionsOfARequest(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.begin(t)
		for i, name := range []string{"a", "b"} {
			session, err := site.Get(visit.request, name)
			check(t, err)
			session.Values["n"] = i
		}
		check(t, sessions.Save(visit.request, visit.answer))
		next := site.begin(t, visit)
		for i, name := range []string{"a", "b"} {
			session, err := site.Get(next.request, name)
			check(t, err)
			if session.Values["n"] != i {
				t.Errorf("%s: %v", name, session.Values)
			}
		}
	})
}

func TestSavingTwiceInARequest(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.stored(t, map[any]any{"a": 1})
		for range 2 {
			visit.session().Values["b"] = 2
			visit.save()
			other := site.begin(t, visit)
			other.session().Values["theirs"] = 1
			other.save()
			visit.session().Values["c"] = 3
			visit.save()
			site.begin(t, visit).want(map[any]any{"a": 1, "b": 2, "c": 3, "theirs": 1})
			visit = site.begin(t, visit)
		}
	})
}

func TestAnEmptyIDGetsANewOneAndKeepsTheContent(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		visit := site.stored(t, map[any]any{"a": 1})
		signIn := site.begin(t, visit)
		before := signIn.session().ID
		signIn.session().ID = ""
		signIn.session().Values["user"] = "ada"
		signIn.save()
		if after := signIn.session().ID; after == "" || after == before {
			t.Errorf("the id is %q", after)
		}
		site.begin(t, signIn).want(map[any]any{"a": 1, "user": "ada"})
		site.begin(t, visit).want(map[any]any{})
	})
}

func TestAServerThatIsAwayIsAnErrorAndNotAnEmptySession(t *testing.T) {
	site := newSite(t, false)
	visit := site.stored(t, map[any]any{"a": 1})
	check(t, site.lovely.Testing().Fault(lovely.Fault{Kind: lovely.FaultUnavailable, Ops: lovely.FaultLoad, Count: 1}))
	during := site.begin(t, visit)
	session, err := site.Get(during.request, "visitor")
	if session == nil || !errors.Is(err, lovely.ErrUnavailable) {
		t.Fatalf("%v, %v", session, err)
	}
	// Many do not look at the error.
	session.Values["b"] = 2
	if err := session.Save(during.request, during.answer); !errors.Is(err, lovely.ErrUnavailable) || len(during.answer.Result().Cookies()) != 0 {
		t.Errorf("%v", err)
	}
	site.begin(t, visit).want(map[any]any{"a": 1})
	// Signing out works.
	session.Options.MaxAge = -1
	check(t, session.Save(during.request, during.answer))
	site.begin(t, visit).want(map[any]any{})
}

// Other languages read and write the keys.
func TestKeysAreThoseOfThePackage(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		site.Package = "rack"
		visit := site.stored(t, map[any]any{"name": "Ada", "items": 3})
		check(t, site.lovely.Update(visit.request.Context(), func(txn *lovely.Txn) error {
			session, err := txn.Session(site.container, visit.session().ID)
			check(t, err)
			if content, err := session.Content(); err != nil || fmt.Sprint(content) != "map[rack:map[items:3 name:Ada]]" {
				t.Errorf("%v, %v", content, err)
			}
			_, err = session.Pkg("rack").Add("items", 1)
			return err
		}))
		site.begin(t, visit).want(map[any]any{"name": "Ada", "items": 4})
	})
}
