package middleware_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

// begins are the ways in which a response begins.
var begins = map[string]func(w http.ResponseWriter, r *http.Request){
	"nothing":     func(http.ResponseWriter, *http.Request) {},
	"WriteHeader": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
	"two headers": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
	},
	"Write":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
	"empty Write": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) },
	"WriteString": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
	"ReadFrom":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("hello")) },
	"Flush":       func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
	"FlushError":  func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
	"redirect":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"error":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) },
	"early hints": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	},
}

// protocols serves a handler over HTTP/1.1 and over HTTP/2.
func protocols(t *testing.T, handler http.Handler, test func(t *testing.T, server *httptest.Server)) {
	t.Helper()
	for _, isTwo := range []bool{false, true} {
		// A client may have its answer before the handler is done, and the server of HTTP/2 does not wait for it.
		var handlers sync.WaitGroup
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers.Add(1)
			defer handlers.Done()
			handler.ServeHTTP(w, r)
		}))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		name := "HTTP 1.1"
		if server.EnableHTTP2 = isTwo; isTwo {
			name = "HTTP 2"
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Run(name, func(t *testing.T) {
			defer handlers.Wait()
			defer server.Close()
			test(t, server)
		})
	}
}

func TestTheSessionIsStoredBeforeTheFirstByteLeaves(t *testing.T) {
	everywhere(t, func(t *testing.T, visitors *lovely.Container) {
		manager := newManager(t, visitors)
		handler := manager.Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/count" {
				count(session, w, r)
				return
			}
			must[int64](t)(session.Add("n", 10))
			begins[r.URL.Query().Get("begin")](w, r)
			if r.URL.Query().Get("begin") == "nothing" {
				return
			}
			// It is stored while the response is still being made.
			id := must[string](t)(session.ID())
			n := must[int64](t)(session.Int("n"))
			// Its client may have begun the next request, which adds to it.
			if now, _ := stored(t, visitors, id)["n"].(int64); n < 10 || now < n {
				t.Errorf("read %d, stored %d", n, now)
			}
			for what, err := range map[string]error{
				"set": session.Set("n", 0), "add": second(session.Add("n", 1)), "renew": session.Renew(), "destroy": session.Destroy(), "clear": session.Clear(),
				"abort": session.Abort(), "flash": session.AddFlash("a", 1), "open": second(session.Open()), "peek": second(session.Peek()),
			} {
				if !errors.Is(err, lovely.ErrMisuse) || !strings.Contains(err.Error(), "the response has begun") {
					t.Errorf("%s after the first byte: %v", what, err)
				}
			}
		}))
		protocols(t, handler, func(t *testing.T, server *httptest.Server) {
			for name := range begins {
				for _, method := range rounds("GET", "HEAD") {
					ann := visit(t, server)
					query := "/?begin=" + strings.ReplaceAll(name, " ", "+")
					got := ann.do(method, query)
					if got.cookie == nil {
						t.Fatalf("%s: no cookie with %d %v", name, got.status, got.header)
					}
					want := map[string]int{"redirect": 302, "error": 404, "WriteHeader": 202, "two headers": 202, "early hints": 202}[name]
					if want == 0 {
						want = 200
					}
					equal(t, got.status, want)
					equal(t, ann.do(method, query).cookie, nil)
					equal(t, ann.get("/count").body, "21")
				}
			}
		})
	})
}

func second[T any](_ T, err error) error { return err }

func TestEarlyHintsLeaveWithoutTheSession(t *testing.T) {
	visitors := inMemory(t)
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		must[int64](t)(session.Add("n", 1))
	}))
	protocols(t, handler, func(t *testing.T, server *httptest.Server) {
		request := must[*http.Request](t)(http.NewRequest("GET", server.URL, nil))
		hints := 0
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints++
			equal(t, header.Get("Link"), "</style.css>; rel=preload")
			equal(t, header.Get("Set-Cookie"), "")
			return nil
		}}
		response := must[*http.Response](t)(server.Client().Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace))))
		response.Body.Close()
		equal(t, hints, 1)
		equal(t, stored(t, visitors, response.Cookies()[0].Value)["n"], any(int64(2)))
	})
}

// Bodies are not held back: the first part arrives before the second is written.
func TestAResponseCanStream(t *testing.T) {
	visitors := inMemory(t)
	arrived := make(chan struct{})
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		fmt.Fprint(w, "one")
		w.(http.Flusher).Flush()
		<-arrived
		// It can still be read.
		fmt.Fprint(w, must[int64](t)(session.Int("n")))
	}))
	protocols(t, handler, func(t *testing.T, server *httptest.Server) {
		response := must[*http.Response](t)(server.Client().Get(server.URL))
		defer response.Body.Close()
		first := make([]byte, 3)
		must[int](t)(io.ReadFull(response.Body, first))
		arrived <- struct{}{}
		equal(t, string(first)+string(must[[]byte](t)(io.ReadAll(response.Body))), "one1")
	})
}

func TestWhatWasOnlyReadIsReadOnWithoutIO(t *testing.T) {
	visitors := inMemory(t)
	ann := visit(t, serve(t, visitors, routes(map[string]handle{"/": count, "/read": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		before := must[int64](t)(session.Int("n"))
		fmt.Fprint(w, before)
		asked := must[lovely.Stats](t)(visitors.Store().Stats()).Requests
		fmt.Fprint(w, must[int64](t)(session.Int("n")))
		equal(t, must[lovely.Stats](t)(visitors.Store().Stats()).Requests, asked)
	}, "/first": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "n is ")
		fmt.Fprint(w, must[int64](t)(session.Int("n")))
	}})))
	ann.get("/")
	equal(t, ann.get("/read").body, "11")
	equal(t, ann.get("/first").body, "n is 1")
}

func TestAFailedCommitEndsWhateverBeganTheResponse(t *testing.T) {
	visitors := inMemory(t)
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		header := w.Header()
		header.Set("X-Secret", "yes")
		header.Set("Trailer", "X-Later")
		begins[r.URL.Query().Get("begin")](w, r)
		for _, header := range []http.Header{header, w.Header()} {
			header.Set("X-Later", "yes")
			header.Set(http.TrailerPrefix+"X-Secret", "yes")
		}
		if r.URL.Query().Get("begin") == "nothing" {
			return
		}
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusEarlyHints)
		for what, err := range map[string]error{
			"Write": second(w.Write([]byte("secret"))), "WriteString": second(io.WriteString(w, "secret")),
			"ReadFrom": second(io.Copy(w, strings.NewReader("secret"))), "Flush": http.NewResponseController(w).Flush(),
		} {
			if !errors.Is(err, lovely.ErrUnavailable) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}))
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Outer", "stays")
		handler.ServeHTTP(w, r)
	})
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultWrite)
	protocols(t, outer, func(t *testing.T, server *httptest.Server) {
		for name := range begins {
			if name == "error" {
				continue
			}
			got := visit(t, server).get("/?begin=" + strings.ReplaceAll(name, " ", "+"))
			equal(t, got.status, 503)
			equal(t, got.body, "sessions cannot be reached; please try again\n")
			equal(t, got.header.Get("X-Outer"), "stays")
			if got.header.Get("X-Secret") != "" || got.header.Get("Location") != "" || got.cookie != nil || len(got.trailer) != 0 {
				t.Errorf("%s leaks %v %v", name, got.header, got.trailer)
			}
		}
	})
}

// statuses notes those that are written.
type statuses struct {
	http.ResponseWriter
	all []int
}

func (w *statuses) WriteHeader(status int) {
	w.all = append(w.all, status)
	w.ResponseWriter.WriteHeader(status)
}

func TestAfterAFailedCommitNoStatusOfTheHandlerLeaves(t *testing.T) {
	visitors := inMemory(t)
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultWrite)
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		for _, status := range []int{103, 200, 103, 200} {
			w.WriteHeader(status)
		}
	}))
	below := &statuses{ResponseWriter: httptest.NewRecorder()}
	handler.ServeHTTP(below, httptest.NewRequest("GET", "/", nil))
	equal(t, fmt.Sprint(below.all), "[103 503]")
}

func TestAHijackedConnectionIsStoredFirst(t *testing.T) {
	visitors := inMemory(t)
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		if _, err := session.Add("n", 1); err != nil && r.URL.Path != "/deaf" {
			t.Error(err)
		}
		var connection net.Conn
		var err error
		if r.URL.Path == "/controller" {
			connection, _, err = http.NewResponseController(w).Hijack()
		} else {
			connection, _, err = w.(http.Hijacker).Hijack()
		}
		if err != nil {
			if !errors.Is(err, lovely.ErrUnavailable) {
				t.Errorf("hijacking: %v", err)
			}
			http.Error(w, "not heard", 400)
			return
		}
		defer connection.Close()
		if err := session.Set("n", 0); !errors.Is(err, lovely.ErrMisuse) {
			t.Errorf("after it: %v", err)
		}
		fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: %s\r\n\r\nmine", w.Header().Get("Set-Cookie"))
	}))
	server := serveHandler(t, handler)
	for _, path := range []string{"/", "/controller"} {
		ann := visit(t, server)
		equal(t, ann.get(path).body, "mine")
		equal(t, stored(t, visitors, ann.id())["n"], any(int64(1)))
	}
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultWrite)
	equal(t, visit(t, server).get("/").status, 503)
	equal(t, visit(t, server).get("/controller").status, 503)
	// What could not be opened is not hijacked either.
	check(t, visitors.Store().Testing().ClearFaults())
	ann := visit(t, server)
	ann.get("/")
	broken(t, visitors, lovely.FaultUnavailable, lovely.FaultLoad)
	equal(t, ann.get("/deaf").status, 503)
}

// A writer that can do a thing is asked for it; one that cannot does not say that it can.
func TestAResponseCanDoWhatTheOneBelowCan(t *testing.T) {
	manager := newManager(t, inMemory(t))
	can := func(w http.ResponseWriter) (can string) {
		manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := w.(http.Flusher); ok {
				can += "flush "
			}
			if _, ok := w.(http.Hijacker); ok {
				can += "hijack "
			}
			if err := w.(http.Pusher).Push("/", nil); err == nil {
				can += "push "
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return can
	}
	bare := struct{ http.ResponseWriter }{httptest.NewRecorder()}
	equal(t, can(bare), "")
	equal(t, can(httptest.NewRecorder()), "flush ")
	equal(t, can(wrapped{httptest.NewRecorder()}), "flush ")
	equal(t, can(flushErrorer{bare}), "flush ")
	equal(t, can(hijacker{bare}), "hijack ")
	equal(t, can(wrapped{hijacker{httptest.NewRecorder()}}), "hijack ")
	equal(t, can(pusher{bare}), "push ")
	protocols(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, can(w)) }), func(t *testing.T, server *httptest.Server) {
		want := "flush hijack "
		if server.EnableHTTP2 {
			want = "flush "
		}
		equal(t, visit(t, server).get("/").body, want)
	})
}

type (
	wrapped      struct{ http.ResponseWriter }
	hijacker     struct{ http.ResponseWriter }
	pusher       struct{ http.ResponseWriter }
	flushErrorer struct{ http.ResponseWriter }
)

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}
func (w pusher) Push(target string, options *http.PushOptions) error { return nil }
func (w flushErrorer) FlushError() error                             { return nil }

// What only a writer further down can do is not done past the session.
func TestAResponseControllerDoesNotGoPastTheSession(t *testing.T) {
	visitors := inMemory(t)
	manager := newManager(t, visitors)
	handler := manager.Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		check(t, http.NewResponseController(w).Flush())
		must[string](t)(session.ID())
	}))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(wrapped{recorder}, httptest.NewRequest("GET", "/", nil))
	equal(t, len(recorder.Result().Cookies()), 1)
}

func TestResponseControllersReachTheConnection(t *testing.T) {
	handler := newManager(t, inMemory(t)).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		check(t, controller.SetReadDeadline(time.Now().Add(time.Minute)))
		check(t, controller.SetWriteDeadline(time.Now().Add(time.Minute)))
		if err := controller.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
			t.Error(err)
		}
	}))
	protocols(t, handler, func(t *testing.T, server *httptest.Server) { equal(t, visit(t, server).get("/").status, 200) })
}

// readerFrom counts what came by ReadFrom: what net/http sends files with, without a copy.
type readerFrom struct {
	http.ResponseWriter
	count int64
}

func (w *readerFrom) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
	w.count += n
	return n, err
}

func TestFilesGoOutByReadFrom(t *testing.T) {
	visitors := inMemory(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	path := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(path, content, 0o600))
	sent := make(chan int64, 1)
	handler := newManager(t, visitors).Handler(withSession(func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
		must[int64](t)(session.Add("n", 1))
		http.ServeFile(w, r, path)
	}))
	protocols(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := &readerFrom{ResponseWriter: w}
		handler.ServeHTTP(below, r)
		sent <- below.count
	}), func(t *testing.T, server *httptest.Server) {
		got := visit(t, server).get("/")
		equal(t, got.body == string(content), true)
		equal(t, got.cookie != nil, true)
		equal(t, <-sent, int64(len(content)))
	})
	// And without it.
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(struct{ http.ResponseWriter }{recorder}, httptest.NewRequest("GET", "/", nil))
	equal(t, recorder.Body.Len(), len(content))
}

func TestHTTP2IsReallySpoken(t *testing.T) {
	handler := newManager(t, inMemory(t)).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	protocols(t, handler, func(t *testing.T, server *httptest.Server) {
		want := "HTTP/1.1"
		if server.EnableHTTP2 {
			want = "HTTP/2.0"
			server.Client().Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS13
		}
		equal(t, visit(t, server).get("/").body, want)
	})
}
