package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore"
	"lovely.session/go/middleware"
	"lovely.session/go/scsstore"
)

// container opens one for this contender and size.
func container(address, name string, size int) *lovely.Container {
	store, err := lovely.Open(fmt.Sprintf("memcached://%s/%s", address, name))
	check(err)
	container, err := store.Container(fmt.Sprint("visitors-", size))
	check(err)
	return container
}

func gorillaOurs(address string, size int) http.Handler {
	return gorillaHandler(gorillastore.New(container(address, "gorilla", size), signing), size)
}

func scsOurs(address string, size int, hasKeys bool) http.Handler {
	manager, name := scs.New(), "scs-gob"
	if hasKeys {
		manager.Codec, name = scsstore.Codec{}, "scs"
	}
	manager.Store = scsstore.New(container(address, name, size), manager)
	return scsHandler(manager, size)
}

func middlewareOurs(address string, size int) http.Handler {
	manager, err := middleware.New(container(address, "middleware", size))
	check(err)
	return manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := middleware.Get(r)
		if r.Method == http.MethodPost {
			keys, text := filler(size)
			for _, key := range keys {
				check(session.Set(key, text))
			}
			check(session.Set("user", "ada"))
			check(session.Set("name", "Ada Lovelace"))
			check(session.Set("items", 0))
		} else {
			user, err := session.String("user")
			check(err)
			name, err := session.String("name")
			check(err)
			items, err := session.Int("items")
			check(err)
			if user != "ada" || name != "Ada Lovelace" {
				fail(w, errors.New("the session is not what it was"))
				return
			}
			check(session.Set("items", items+1))
		}
		_, _ = w.Write([]byte("OK"))
	}))
}
