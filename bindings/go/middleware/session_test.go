package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

func TestASessionLastsFromRequestToRequest(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, count))
		first, second := ann.get("/"), ann.get("/")
		equal(t, first.body+second.body, "12")
		if first.cookie == nil || len(ann.id()) != 32 {
			t.Fatalf("the first response sets %v", first.cookie)
		}
		if second.cookie != nil {
			t.Errorf("the second response sets the cookie again: %v", second.cookie)
		}
		equal(t, visit(t, serve(t, visitors, count)).get("/").body, "1")
	})
}

func TestARequestThatDoesNotTouchItsSessionDoesNoIO(t *testing.T) {
	visitors := open(t, memcachedURL())
	ann := visit(t, serve(t, visitors, routes(map[string]handle{
		"/count": count, "/show": show,
		"/": func(_ *middleware.Session, w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") },
		"/undone": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Set("a", 1))
			must[bool](t)(session.Delete("a"))
		},
		"/signout": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Set("a", 1))
			check(t, session.Destroy())
		},
	})))
	commands := func(path string, v *visitor) uint64 {
		t.Helper()
		before := must[uint64](t)(memcached.Commands())
		v.get(path)
		return must[uint64](t)(memcached.Commands()) - before
	}
	ann.get("/count")
	equal(t, commands("/", ann), 0)
	equal(t, commands("/", visit(t, serve(t, visitors, count))), 1)
	stranger := ann.as()
	stranger.cookie = ""
	equal(t, commands("/show", stranger), 0)
	// One to load, one to store.
	equal(t, commands("/show", ann), 1)
	equal(t, commands("/count", ann), 2)
	// A session that is not needed in the end is none.
	equal(t, commands("/undone", stranger), 0)
	equal(t, commands("/signout", stranger), 0)
	stranger.cookie = "session=" + strings.Repeat("x", 129)
	equal(t, commands("/show", stranger), 0)
	stranger.cookie = "session=" + strings.Repeat("x", 128)
	equal(t, commands("/show", stranger), 1)
	if header := ann.get("/").header; header.Get("Vary") != "" || header.Get("Cache-Control") != "" {
		t.Errorf("an untouched session shows in %v", header)
	}
}

func TestLookingMakesNoSession(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			_, errInt := session.Int("n")
			_, errGet := session.Pkg("cart").Get("n")
			content, errContent := session.Pkg("cart").Content()
			has, errHas := session.Has("n")
			exists, errExists := session.Exists()
			_, errID := session.ID()
			_, errPeek := session.Peek()
			flashes, errFlashes := session.Flashes()
			names, errPkgs := session.Pkgs()
			fmt.Fprint(w, errInt == lovely.ErrNotFound, errGet == lovely.ErrNotFound, len(content), errContent, has, errHas, exists, errExists,
				errID == lovely.ErrNotFound, errPeek == lovely.ErrNotFound, len(flashes), errFlashes, len(names), errPkgs)
		}))
		for _, cookie := range []string{"", "session=unknown", "session=0123456789abcdef0123456789abcdef"} {
			ann.cookie = cookie
			got := ann.get("/")
			equal(t, got.body, "true true 0 <nil> false <nil> false <nil> true true 0 <nil> 0 <nil>")
			if got.cookie != nil {
				t.Errorf("looking sets %v", got.cookie)
			}
			equal(t, got.header.Get("Vary"), "Cookie")
		}
	})
}

func TestWhatWasSetAndDeletedAgainMakesNoSession(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		if err := session.Set("text", "\xff"); !errors.Is(err, lovely.ErrArgument) {
			t.Errorf("text that is none: %v", err)
		}
		check(t, session.Set("a", 1))
		must[bool](t)(session.Delete("a"))
		check(t, session.AddFlash("note", "hello"))
		equal(t, len(must[[]middleware.Flash](t)(session.Flashes())), 1)
	}))
	if cookie := ann.get("/").cookie; cookie != nil {
		t.Errorf("it sets %v", cookie)
	}
}

// Contract 5.5: adapters do not reuse ids.
func TestAnUnknownIDIsNotAdopted(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, count))
		ann.cookie = "session=0123456789abcdef0123456789abcdef"
		planted := ann.id()
		equal(t, ann.get("/").body, "1")
		if ann.id() == planted {
			t.Error("the planted id was adopted")
		}
		if content := stored(t, visitors, planted); content != nil {
			t.Errorf("under the planted id stands %v", content)
		}
	})
}

func TestRenewGivesAnotherIDAndKeepsTheContent(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/signin": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Renew())
			check(t, session.Set("user", "ann"))
		}})))
		ann.get("/")
		before := ann.as()
		equal(t, ann.get("/signin").status, 200)
		if ann.id() == before.id() || len(ann.id()) != 32 {
			t.Fatalf("the id is %d characters long", len(ann.id()))
		}
		equal(t, ann.get("/").body, "2")
		equal(t, before.get("/").body, "1")
		// A session that a request makes has a new id already.
		fresh := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Renew())
			check(t, session.Set("user", "eve"))
			check(t, session.Renew())
		}))
		fresh.get("/")
		equal(t, stored(t, visitors, fresh.id())["user"], any("eve"))
	})
}

func TestDestroyEndsTheSessionAndTheCookie(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		for name, look := range map[string]bool{"looked at before": true, "not looked at": false} {
			ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/signout": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				if look {
					must[int64](t)(session.Int("n"))
				}
				check(t, session.Destroy())
				if has, err := session.Has("n"); has || err != nil {
					t.Errorf("%s: after it there is still something: %v", name, err)
				}
			}})))
			ann.get("/")
			before := ann.as()
			got := ann.get("/signout")
			equal(t, got.header.Get("Set-Cookie"), "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
			equal(t, len(stored(t, visitors, before.id())), 0)
			old := before.id()
			equal(t, before.get("/").body, "1")
			if before.id() == old {
				t.Errorf("%s: the id is used again", name)
			}
		}
		// Who has no cookie is told nothing of one.
		guest := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Set("a", 1))
			check(t, session.Destroy())
		}))
		if cookie := guest.get("/").cookie; cookie != nil {
			t.Errorf("a guest who signs out gets %v", cookie)
		}
	})
}

func TestWhatIsSetAfterDestroyGoesToANewSession(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/signout": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Destroy())
			check(t, session.AddFlash("note", "signed out"))
		}, "/nothing": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Destroy())
			check(t, session.Set("a", 1))
			must[bool](t)(session.Delete("a"))
		}})))
		ann.get("/")
		before := ann.id()
		ann.get("/signout")
		if ann.id() == before || ann.id() == "" {
			t.Fatal("it has no id of its own")
		}
		equal(t, ann.get("/").body, "1")
		equal(t, len(stored(t, visitors, before)), 0)
		if cookie := ann.get("/nothing").cookie; cookie == nil || cookie.MaxAge >= 0 {
			t.Errorf("nothing is left, and the cookie is %v", cookie)
		}
	})
}

func TestAbortDropsWhatTheRequestChanged(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/abort": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 10))
		check(t, session.Renew())
		check(t, session.Abort())
		equal(t, must[int64](t)(session.Int("n")), 1)
		must[int64](t)(session.Add("n", 1))
	}})))
	ann.get("/")
	if cookie := ann.get("/abort").cookie; cookie != nil {
		t.Errorf("it sets %v", cookie)
	}
	equal(t, ann.get("/").body, "3")
}

func TestPackagesAndWhatIsHandedOut(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		type line struct {
			Product string `lovely:"product"`
			Count   int    `lovely:"count"`
		}
		ann := visit(t, serve(t, visitors, routes(map[string]handle{
			"/write": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				cart := session.Pkg("cart")
				check(t, cart.Replace(map[string]any{"teapot": line{"Teapot", 2}, "open": true, "price": 1.5, "raw": []byte{0, 255}, "nil": nil}))
				check(t, session.Update(map[string]any{"user": "ann", "n": 7}))
				handed := must[lovely.Session](t)(session.Open())
				mark := must[lovely.Savepoint](t)(handed.Txn().Savepoint())
				check(t, cart.Clear())
				check(t, handed.Txn().Rollback(mark))
			},
			"/read": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				cart := session.Pkg("cart")
				var teapot line
				check(t, cart.Decode("teapot", &teapot))
				equal(t, teapot, line{"Teapot", 2})
				equal(t, must[bool](t)(cart.Bool("open")), true)
				equal(t, must[float64](t)(cart.Float("price")), 1.5)
				equal(t, string(must[[]byte](t)(cart.Bytes("raw"))), "\x00\xff")
				equal(t, must[lovely.Type](t)(cart.Type("nil")), lovely.TypeNil)
				equal(t, must[int](t)(cart.Len()), 5)
				equal(t, fmt.Sprint(must[[]string](t)(cart.Keys())), "[nil open price raw teapot]")
				equal(t, fmt.Sprint(must[[]string](t)(session.Pkgs())), "[cart session]")
				var loaded struct {
					User string `lovely:"user"`
					N    int64  `lovely:"n"`
				}
				check(t, session.Load(&loaded))
				equal(t, fmt.Sprintln(loaded, must[string](t)(session.String("user"))), "{ann 7} ann\n")
				equal(t, cart.Name(), "cart")
				all, err := session.All()
				check(t, err)
				for key, value := range all {
					fmt.Fprint(w, key, "=", value, " ")
				}
			},
			"/clear": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
				check(t, session.Clear())
				equal(t, must[int](t)(session.Pkg("cart").Len()), 0)
			},
		})))
		equal(t, ann.get("/write").status, 200)
		equal(t, ann.get("/read").body, "n=7 user=ann ")
		equal(t, must[string](t)(ann.get("/read").header.Get("Set-Cookie"), nil), "")
		ann.get("/clear")
		content := stored(t, visitors, ann.id())
		if content == nil || len(content) != 0 {
			t.Errorf("a cleared session is %v", content)
		}
	})
}

func TestOpenMakesASessionThatStaysThoughItIsEmpty(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[lovely.Session](t)(session.Open())
	}))
	ann.get("/")
	if stored(t, visitors, ann.id()) == nil {
		t.Error("it is not stored")
	}
}

// What is opened in the transaction of the session that was handed out is committed with it.
func TestOtherSessionsInTheTransactionAreCommittedToo(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			handed := must[lovely.Session](t)(session.Open())
			other := must[lovely.Session](t)(handed.Txn().Session(visitors, "shared"))
			must[int64](t)(other.Pkg("session").Add("visits", 1))
			check(t, handed.Destroy())
		}))
		ann.get("/")
		equal(t, stored(t, visitors, "shared")["visits"], any(int64(1)))
		ann = visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			check(t, session.Set("a", 1))
			peeked := must[lovely.Session](t)(session.Peek())
			other := must[lovely.Session](t)(peeked.Txn().Session(visitors, "shared"))
			must[int64](t)(other.Pkg("session").Add("visits", 1))
			check(t, session.Destroy())
		}))
		ann.get("/")
		equal(t, stored(t, visitors, "shared")["visits"], any(int64(2)))
	})
}

func TestOneSessionForAllGoroutinesOfARequest(t *testing.T) {
	each := len(rounds(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			var group sync.WaitGroup
			for i := range 8 {
				group.Add(1)
				go func() {
					defer group.Done()
					for range each {
						must[int64](t)(session.Add("n", 1))
						must[int64](t)(session.Int("n"))
						check(t, session.Pkg("cart").Set(fmt.Sprint(i), i))
					}
				}()
			}
			group.Wait()
		}))
		ann.get("/")
		ann.get("/")
		equal(t, stored(t, visitors, ann.id())["n"], any(int64(16*each)))
	})
}

func TestASessionEndsWithItsRequest(t *testing.T) {
	visitors := inMemory(t)
	var kept *middleware.Session
	ann := visit(t, serve(t, visitors, func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		kept = session
		check(t, session.Set("a", 1))
	}))
	ann.get("/")
	outside := middleware.FromContext(context.Background())
	for name, session := range map[string]*middleware.Session{"kept": kept, "outside": outside} {
		_, errGet := session.Get("a")
		_, errOpen := session.Open()
		_, errID := session.ID()
		_, errPeek := session.Peek()
		_, errFlashes := session.Flashes()
		_, errPkgs := session.Pkgs()
		for what, err := range map[string]error{
			"get": errGet, "set": session.Set("a", 2), "open": errOpen, "id": errID, "peek": errPeek, "renew": session.Renew(),
			"destroy": session.Destroy(), "abort": session.Abort(), "clear": session.Clear(), "flash": session.AddFlash("a", 1), "flashes": errFlashes,
			"pkgs": errPkgs,
		} {
			if !errors.Is(err, lovely.ErrMisuse) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	if err := (middleware.Pkg{}).Set("a", 1); !errors.Is(err, lovely.ErrMisuse) {
		t.Errorf("the zero package: %v", err)
	}
}
