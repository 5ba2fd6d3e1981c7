package middleware_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

func TestTheCookieHasWhatTheOptionsSay(t *testing.T) {
	visitors := inMemory(t)
	for want, options := range map[string][]middleware.Option{
		"session=ID; Path=/; HttpOnly; SameSite=Lax": nil,
		"shop=ID; Path=/shop; Domain=example.org; Max-Age=3600; Secure; SameSite=Strict": {
			middleware.WithName("shop"), middleware.WithPath("/shop"), middleware.WithDomain("example.org"), middleware.WithSecure(true),
			middleware.WithMaxAge(time.Hour), middleware.WithHTTPOnly(false), middleware.WithSameSite(http.SameSiteStrictMode),
		},
		"__Host-id=ID; Path=/; HttpOnly; Secure; SameSite=None; Partitioned": {
			middleware.WithName("__Host-id"), middleware.WithSecure(true), middleware.WithSameSite(http.SameSiteNoneMode), middleware.WithPartitioned(true),
		},
		"session=ID; Path=/; Max-Age=1; HttpOnly; SameSite=Lax": {middleware.WithMaxAge(time.Millisecond)},
	} {
		ann := visit(t, serve(t, visitors, count, options...))
		got := ann.get("/")
		equal(t, strings.Replace(got.header.Get("Set-Cookie"), ann.id(), "ID", 1), want)
		equal(t, got.header.Get("Cache-Control"), `no-cache="Set-Cookie"`)
		equal(t, got.header.Get("Vary"), "Cookie")
	}
}

func TestAnyMaxAgeIsOneThatBrowsersTake(t *testing.T) {
	for age, want := range map[time.Duration]int{
		1: 1, time.Second: 1, time.Second + 1: 2, math.MaxInt32 * time.Second: math.MaxInt32, math.MaxInt64: math.MaxInt32,
	} {
		ann := visit(t, serve(t, inMemory(t), count, middleware.WithMaxAge(age)))
		cookie, err := http.ParseSetCookie(ann.get("/").header.Get("Set-Cookie"))
		check(t, err)
		equal(t, cookie.MaxAge, want)
		if age > time.Hour {
			equal(t, ann.get("/").header.Get("Set-Cookie"), "")
		}
	}
}

func TestAnIDThatACookieCannotCarryIsAnErrorAndNotALostSession(t *testing.T) {
	visitors := inMemory(t)
	id := ""
	renew := func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		handed := must[lovely.Session](t)(session.Open())
		check(t, handed.Pkg("session").SetInt("n", 1))
		check(t, handed.RenewAs(id))
	}
	server := serve(t, visitors, routes(map[string]handle{"/renew": renew, "/count": count}), middleware.WithOnError(
		func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, lovely.ErrArgument) {
				t.Error(err)
			}
			http.Error(w, "", http.StatusTeapot)
		}))
	for _, id = range []string{"a;b", `a"b`, `a\b`, "a\nb", "\xc3\xa9", strings.Repeat("a", 129)} {
		ann := visit(t, server)
		equal(t, ann.get("/renew").status, http.StatusTeapot)
		equal(t, ann.get("/count").body, "1")
	}
	for _, id = range []string{"a b", "a,b", strings.Repeat("a", 128)} {
		ann := visit(t, server)
		equal(t, ann.get("/renew").status, http.StatusOK)
		equal(t, ann.get("/count").body, "2")
	}
}

func TestCookiesThatBrowsersDropAreRefused(t *testing.T) {
	visitors := inMemory(t)
	for name, options := range map[string][]middleware.Option{
		"no name":              {middleware.WithName("")},
		"a name with a space":  {middleware.WithName("a b")},
		"a path with ;":        {middleware.WithPath("/;x")},
		"a domain":             {middleware.WithDomain("not a domain")},
		"partitioned, open":    {middleware.WithPartitioned(true)},
		"for all sites, open":  {middleware.WithSameSite(http.SameSiteNoneMode)},
		"__Secure-, open":      {middleware.WithName("__Secure-a")},
		"__Host-, open":        {middleware.WithName("__Host-a")},
		"__host- with a path":  {middleware.WithName("__host-a"), middleware.WithSecure(true), middleware.WithPath("/a")},
		"__Host- and a domain": {middleware.WithName("__Host-a"), middleware.WithSecure(true), middleware.WithDomain("a.org")},
		"a negative age":       {middleware.WithMaxAge(-time.Second)},
		"no hook":              {middleware.WithOnError(nil)},
	} {
		if _, err := middleware.New(visitors, options...); !errors.Is(err, lovely.ErrArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := middleware.New(nil); !errors.Is(err, lovely.ErrMisuse) {
		t.Errorf("no container: %v", err)
	}
}

func TestCookiesOfAnyKindAreJustUnknown(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		server := serve(t, visitors, count)
		ann := visit(t, server)
		ann.get("/")
		good := ann.cookie
		for _, cookie := range []string{
			"session=", "session", "session=\xff\xfe", "session=a b", `session="`, "session=" + strings.Repeat("x", 8192), "=;;=", "session=%00",
			"session=../../etc", "session=\"quoted\"", "sessio=" + strings.Repeat("y", 32), strings.Repeat("session=x; ", 200),
		} {
			v := visit(t, server)
			v.cookie = cookie
			got := v.get("/")
			if got.status != 200 || got.body != "1" || len(v.id()) != 32 {
				t.Errorf("%.20q: %d %s", cookie, got.status, got.body)
			}
		}
		// Another host of the domain may plant a cookie that comes before ours.
		for _, cookie := range []string{"session=planted; " + good, good + "; session=planted", "other=1; session=; " + good} {
			v := visit(t, server)
			v.cookie = cookie
			if got := v.get("/"); got.cookie != nil {
				t.Errorf("beside another cookie ours is not found: %s", got.body)
			}
		}
		many := visit(t, server)
		many.cookie = "session=a; session=b; session=c; session=d; " + good
		equal(t, many.get("/").body, "1")
	})
}

func TestMaxAgeMovesWhenAnEighthOfItHasPassed(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		manager := newManager(t, visitors, middleware.WithMaxAge(80*time.Minute))
		now := time.Now()
		middleware.SetClock(manager, func() time.Time { return now })
		server := serveHandler(t, manager.Handler(withSession(routes(map[string]handle{"/count": count, "/show": show}))))
		ann := visit(t, server)
		ann.get("/count")
		id := ann.id()
		for _, step := range []struct {
			wait    time.Duration
			path    string
			isMoved bool
		}{
			{9 * time.Minute, "/show", false}, {time.Minute, "/show", true}, {0, "/show", false}, {9 * time.Minute, "/count", false},
			{time.Minute, "/count", true}, {0, "/count", false}, {-time.Hour, "/show", true}, {0, "/show", false},
		} {
			now = now.Add(step.wait)
			got := ann.get(step.path)
			equal(t, got.cookie != nil, step.isMoved)
			equal(t, ann.id(), id)
			if got.cookie != nil {
				equal(t, got.cookie.MaxAge, 4800)
			}
		}
		equal(t, ann.get("/show").body, "4")
		// A session that somebody else made has no note of it yet.
		put(t, visitors, "0123456789abcdef0123456789abcdef", "n", 5)
		other := visit(t, server)
		other.cookie = "session=0123456789abcdef0123456789abcdef"
		got := other.get("/show")
		equal(t, got.body, "5")
		equal(t, got.cookie != nil, true)
	})
}

// The response of a slow request must not bring back the cookie that another one replaced or took away.
func TestMaxAgeOfASessionThatIsOverDoesNotMove(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		manager := newManager(t, visitors, middleware.WithMaxAge(time.Hour))
		now := time.Now()
		middleware.SetClock(manager, func() time.Time { return now })
		meanwhile := func() {}
		server := serveHandler(t, manager.Handler(withSession(routes(map[string]handle{
			"/count": count,
			"/renew": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) { check(t, session.Renew()) },
			"/slow": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				n := must[int64](t)(session.Int("n"))
				meanwhile()
				fmt.Fprint(w, n)
			},
		}))))
		ann := visit(t, server)
		ann.get("/count")
		now = now.Add(time.Hour)
		slow := ann.as()
		meanwhile = func() { ann.get("/renew") }
		got := slow.get("/slow")
		equal(t, got.status, 200)
		equal(t, got.body, "1")
		if got.cookie != nil {
			t.Errorf("the slow response sets %v", got.cookie)
		}
		now = now.Add(time.Hour)
		slow = ann.as()
		meanwhile = func() { destroy(t, visitors, ann.id()) }
		got = slow.get("/slow")
		equal(t, got.body, "1")
		if got.cookie != nil {
			t.Errorf("the slow response sets %v", got.cookie)
		}
	})
}

func TestThePolicyIsMineUnlessItIsSaid(t *testing.T) {
	for _, c := range []struct {
		was, want lovely.Policy
		options   []middleware.Option
	}{
		{lovely.Merge, lovely.Mine, nil},
		{lovely.Strict, lovely.Strict, nil},
		{lovely.Merge, lovely.Merge, []middleware.Option{middleware.WithPolicy(lovely.Merge)}},
		{lovely.Strict, lovely.Overwrite, []middleware.Option{middleware.WithPolicy(lovely.Overwrite)}},
	} {
		visitors := inMemory(t, lovely.WithPolicy(c.was))
		newManager(t, visitors, c.options...)
		equal(t, must[lovely.ContainerConfig](t)(visitors.Config()).Policy, c.want)
	}
}

func TestTwoManagersHaveTwoCookies(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		outer := newManager(t, visitors, middleware.WithName("outer"))
		inner := newManager(t, visitors, middleware.WithName("inner"))
		server := serveHandler(t, outer.Handler(inner.Handler(outer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if middleware.Get(r) != inner.Get(r) || outer.FromContext(r.Context()) == inner.Get(r) {
				t.Error("the innermost manager's session is not that of the request")
			}
			a, errA := outer.Get(r).Add("n", 1)
			b, errB := inner.Get(r).Add("n", 10)
			if !fail(w, errors.Join(errA, errB)) {
				fmt.Fprint(w, a, " ", b)
			}
		})))))
		ann := visit(t, server)
		got := ann.get("/")
		cookies := got.header.Values("Set-Cookie")
		equal(t, len(cookies), 2)
		var pairs []string
		for _, cookie := range cookies {
			pair, _, _ := strings.Cut(cookie, ";")
			pairs = append(pairs, pair)
		}
		ann.cookie = strings.Join(pairs, "; ")
		equal(t, ann.get("/").body, "2 20")
	})
}

func TestVaryNamesTheCookieOnce(t *testing.T) {
	visitors := inMemory(t)
	for given, want := range map[string]string{"": "Cookie", "Accept": "Accept, Cookie", "accept, cookie": "accept, cookie", "*": "*"} {
		ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			if given != "" {
				w.Header().Set("Vary", given)
			}
			count(session, w, r)
		}))
		equal(t, strings.Join(ann.get("/").header.Values("Vary"), ", "), want)
	}
}
