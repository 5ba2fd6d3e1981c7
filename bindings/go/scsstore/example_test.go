package scsstore_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/alexedwards/scs/v2"
	lovely "lovely.session/go"
	"lovely.session/go/scsstore"
)

func Example() {
	store, err := lovely.Open("memory://scs-example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	visitors, err := store.Container("visitors")
	if err != nil {
		log.Fatal(err)
	}
	manager := scs.New()
	manager.Codec = scsstore.Codec{}
	manager.Store = scsstore.New(visitors, manager)

	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		items := manager.GetInt(r.Context(), "items") + 1
		manager.Put(r.Context(), "items", items)
		_, _ = fmt.Fprintln(w, items, "in the cart")
	})
	web := httptest.NewServer(manager.LoadAndSave(shop))
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
