package middleware_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

// A cart, and a visitor who fills it.
func Example() {
	store, err := lovely.Open("memory://shop")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	visitors, err := store.Container("visitors", lovely.WithTimeout(30*time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	manager, err := middleware.New(visitors, middleware.WithName("shop"))
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", func(w http.ResponseWriter, r *http.Request) {
		items, err := middleware.Get(r).Pkg("cart").Add("items", 1)
		if err != nil {
			http.Error(w, "sessions cannot be reached", middleware.StatusCode(err))
			return
		}
		fmt.Fprintln(w, "items in the cart:", items)
	})
	server := httptest.NewServer(manager.Handler(mux))
	defer server.Close()

	browser := exampleBrowser()
	for range 2 {
		fmt.Print(post(browser, server.URL+"/cart"))
	}
	// Output:
	// items in the cart: 1
	// items in the cart: 2
}

// Signing in gives the session a new id, and signing out ends it. A flash message is for the next page.
func ExampleSession_Renew() {
	manager, end := exampleManager("renew")
	defer end()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		session := middleware.Get(r)
		err := session.Renew()
		if err == nil {
			err = session.Set("user", "ann")
		}
		if err == nil {
			err = session.AddFlash("note", "Welcome back!")
		}
		if err != nil {
			http.Error(w, "sessions cannot be reached", middleware.StatusCode(err))
		}
	})
	mux.HandleFunc("POST /page", func(w http.ResponseWriter, r *http.Request) {
		session := middleware.Get(r)
		user, err := session.String("user")
		if err == lovely.ErrNotFound {
			user, err = "nobody", nil
		}
		notes, flashErr := session.Flashes("note")
		if err != nil || flashErr != nil {
			http.Error(w, "sessions cannot be reached", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, user, notes)
	})
	mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
		if err := middleware.Get(r).Destroy(); err != nil {
			http.Error(w, "sessions cannot be reached", middleware.StatusCode(err))
		}
	})
	server := httptest.NewServer(manager.Handler(mux))
	defer server.Close()

	browser := exampleBrowser()
	for _, path := range []string{"/page", "/signin", "/page", "/page", "/signout", "/page"} {
		fmt.Print(post(browser, server.URL+path))
	}
	// Output:
	// nobody []
	// ann [{note Welcome back!}]
	// ann []
	// nobody []
}

// What answers when sessions fail.
func ExampleWithOnError() {
	store, err := lovely.Open("memory://hook")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	visitors, err := store.Container("visitors")
	if err != nil {
		log.Fatal(err)
	}
	manager, err := middleware.New(visitors, middleware.WithOnError(func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "back in a moment", middleware.StatusCode(err))
	}))
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = middleware.Get(r).Set("user", "ann")
		fmt.Fprintln(w, "you are signed in")
	})))
	defer server.Close()
	if err := store.Testing().Fault(lovely.Fault{Kind: lovely.FaultUnavailable, Ops: lovely.FaultWrite}); err != nil {
		log.Fatal(err)
	}
	fmt.Print(post(exampleBrowser(), server.URL))
	// Output: back in a moment
}

func exampleManager(name string) (*middleware.Manager, func()) {
	store, err := lovely.Open("memory://example-" + name)
	if err != nil {
		log.Fatal(err)
	}
	visitors, err := store.Container("visitors")
	if err != nil {
		log.Fatal(err)
	}
	manager, err := middleware.New(visitors)
	if err != nil {
		log.Fatal(err)
	}
	return manager, func() { store.Close() }
}

func exampleBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func post(browser *http.Client, url string) string {
	response, err := browser.Post(url, "", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(body)
}
