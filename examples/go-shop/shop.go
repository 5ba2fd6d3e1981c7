package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strconv"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

// badRequest is what the client got wrong.
type badRequest string

func (b badRequest) Error() string { return string(b) }

// errForbidden is for those who are not "admin".
var errForbidden = errors.New("for the user admin only")

// page is a request whose failure is answered by fail.
type page func(w http.ResponseWriter, r *http.Request) error

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p(w, r); err != nil {
		fail(w, r, err)
	}
}

func routes(store *lovely.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(front))
	mux.Handle("GET /cart", page(cart))
	mux.Handle("GET /admin", page(func(w http.ResponseWriter, r *http.Request) error { return admin(store, w, r) }))
	mux.Handle("POST /signin", page(signIn))
	mux.Handle("POST /cart", page(addToCart))
	mux.Handle("POST /signout", page(signOut))
	return mux
}

// guard is around everything.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, 8192)
		next.ServeHTTP(w, r)
	})
}

// visitor is what pages show. A visitor without a session gets none by looking.
type visitor struct {
	Cart map[string]any `json:"cart"`
	User *string        `json:"user"`
}

func look(r *http.Request) (visitor, error) {
	session := middleware.Get(r)
	cart, err := session.Pkg("cart").Content()
	if err != nil {
		return visitor{}, err
	}
	user, err := session.String("user")
	switch err {
	case nil:
		return visitor{cart, &user}, nil
	case lovely.ErrNotFound:
		return visitor{cart, nil}, nil
	}
	return visitor{}, err
}

func cart(w http.ResponseWriter, r *http.Request) error {
	seen, err := look(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	answer := json.NewEncoder(w)
	answer.SetEscapeHTML(false)
	return answer.Encode(seen)
}

func signIn(w http.ResponseWriter, r *http.Request) error {
	user, err := field(r, "user")
	if err != nil {
		return err
	}
	session := middleware.Get(r)
	if err := session.Renew(); err != nil {
		return err
	}
	if err := session.Set("user", user); err != nil {
		return err
	}
	return back(w, r)
}

func addToCart(w http.ResponseWriter, r *http.Request) error {
	item, err := field(r, "item")
	if err != nil {
		return err
	}
	count, err := countOf(r)
	if err != nil {
		return err
	}
	if _, err := middleware.Get(r).Pkg("cart").Add(item, count); err != nil {
		return err
	}
	return back(w, r)
}

func signOut(w http.ResponseWriter, r *http.Request) error {
	if err := middleware.Get(r).Destroy(); err != nil {
		return err
	}
	return back(w, r)
}

func back(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// field reads a field of a form, of a length that a person would type.
func field(r *http.Request, name string) (string, error) {
	value := r.PostFormValue(name)
	if value == "" || len(value) > 100 {
		return "", badRequest(name + ": 1 to 100 bytes")
	}
	return value, nil
}

func countOf(r *http.Request) (int64, error) {
	if !r.PostForm.Has("count") {
		return 1, nil
	}
	count, err := strconv.ParseUint(r.PostForm.Get("count"), 10, 16)
	if err != nil || count < 1 || count > 1000 {
		return 0, badRequest("count: 1 to 1000")
	}
	return int64(count), nil
}

// fail says what the visitor is told. The log gets the rest, which names neither ids nor values.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		http.Error(w, bad.Error(), http.StatusBadRequest)
		return
	case errors.Is(err, errForbidden):
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	log.Printf("%s %q: %v", r.Method, r.URL.Path, err)
	switch {
	case errors.Is(err, lovely.ErrArgument), errors.Is(err, lovely.ErrRange), errors.Is(err, lovely.ErrTooLarge):
		http.Error(w, "that cannot be kept in a session", http.StatusBadRequest)
	case errors.Is(err, lovely.ErrGone):
		// Signed out, or signed in under a new id, by another request meanwhile.
		http.Error(w, "this session has ended; please go on from the start page", http.StatusConflict)
	case middleware.StatusCode(err) == http.StatusServiceUnavailable:
		http.Error(w, "sessions cannot be reached; please try again", http.StatusServiceUnavailable)
	default:
		http.Error(w, "something went wrong", middleware.StatusCode(err))
	}
}
