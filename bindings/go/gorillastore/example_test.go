package gorillastore_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	lovely "lovely.session/go"
	"lovely.session/go/gorillastore"
)

func Example() {
	store, err := lovely.Open("memory://gorilla-example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	visitors, err := store.Container("visitors")
	if err != nil {
		log.Fatal(err)
	}
	sessions := gorillastore.New(visitors, []byte("a secret of 32 bytes, not in the"))

	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := sessions.Get(r, "visitor")
		if err == nil {
			items, _ := session.Values["items"].(int)
			session.Values["items"] = items + 1
			err = session.Save(r, w)
		}
		if err != nil {
			http.Error(w, "sorry", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, session.Values["items"], "in the cart")
	})
	web := httptest.NewServer(shop)
	defer web.Close()

	jar, _ := cookiejar.New(nil)
	visitor := &http.Client{Jar: jar}
	for range 2 {
		page, err := visitor.Get(web.URL)
		if err != nil {
			log.Fatal(err)
		}
		var items int
		_, _ = fmt.Fscan(page.Body, &items)
		_ = page.Body.Close()
		fmt.Println(items)
	}
	// Output:
	// 1
	// 2
}
