package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"lovely.session/go/middleware"
)

// What a request costs beside the network: on memory://, and into a writer that forgets.
func BenchmarkRequest(b *testing.B) {
	visitors := inMemory(b)
	put(b, visitors, "0123456789abcdef0123456789abcdef", "n", 1)
	for name, handler := range map[string]handle{
		"untouched": func(*middleware.Session, http.ResponseWriter, *http.Request) {},
		"read": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			for range 3 {
				_, _ = session.Int("n")
			}
		},
		"read and write": func(session *middleware.Session, w http.ResponseWriter, r *http.Request) {
			for range 3 {
				_, _ = session.Int("n")
			}
			_, _ = session.Add("n", 1)
		},
	} {
		b.Run(name, func(b *testing.B) {
			served := newManager(b, visitors).Handler(withSession(handler))
			request := httptest.NewRequest("GET", "/", nil)
			request.Header.Set("Cookie", "session=0123456789abcdef0123456789abcdef")
			b.ReportAllocs()
			for b.Loop() {
				served.ServeHTTP(&forgetful{header: http.Header{}}, request)
			}
		})
	}
}

type forgetful struct{ header http.Header }

func (w *forgetful) Header() http.Header            { return w.header }
func (w *forgetful) Write(data []byte) (int, error) { return len(data), nil }
func (w *forgetful) WriteHeader(int)                {}
