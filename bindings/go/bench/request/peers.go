package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/bradfitz/gomemcache/memcache"
	gsm "github.com/bradleypeabody/gorilla-sessions-memcache"
	"github.com/gorilla/sessions"
)

var signing = []byte("0123456789abcdef0123456789abcdef")

// gorillaPeer is gorilla/sessions with the store on gomemcache that people use, as it comes, or with values as plain gob.
func gorillaPeer(address string, size int, isGob bool) http.Handler {
	store := gsm.NewMemcacheStore(memcache.New(address), "gorilla-", signing)
	// As it comes it takes sessions of 4096 bytes.
	store.MaxLength(0)
	if isGob {
		store.StoreMethod = gsm.StoreMethodGob
	}
	return gorillaHandler(store, size)
}

// gorillaHandler is what a request does with gorilla/sessions.
func gorillaHandler(store sessions.Store, size int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "visitor")
		if err != nil {
			fail(w, err)
			return
		}
		if r.Method == http.MethodPost {
			keys, text := filler(size)
			for _, key := range keys {
				session.Values[key] = text
			}
			session.Values["user"], session.Values["name"], session.Values["items"] = "ada", "Ada Lovelace", 0
		} else {
			user, _ := session.Values["user"].(string)
			name, _ := session.Values["name"].(string)
			items, _ := session.Values["items"].(int)
			if user != "ada" || name != "Ada Lovelace" {
				fail(w, errors.New("the session is not what it was"))
				return
			}
			session.Values["items"] = items + 1
		}
		if err := session.Save(r, w); err != nil {
			fail(w, err)
			return
		}
		_, _ = w.Write([]byte("OK"))
	})
}

// scsPeer is scs with a store on gomemcache, which has none for version 2: this is the one of version 1.
func scsPeer(address string, size int) http.Handler {
	manager := scs.New()
	manager.Store = memcachedStore{memcache.New(address)}
	return scsHandler(manager, size)
}

type memcachedStore struct{ client *memcache.Client }

func (m memcachedStore) Find(token string) ([]byte, bool, error) {
	item, err := m.client.Get("scs-" + token)
	switch err {
	case nil:
		return item.Value, true, nil
	case memcache.ErrCacheMiss:
		return nil, false, nil
	}
	return nil, false, err
}

func (m memcachedStore) Commit(token string, data []byte, expiry time.Time) error {
	return m.client.Set(&memcache.Item{Key: "scs-" + token, Value: data, Expiration: int32(expiry.Unix())})
}

func (m memcachedStore) Delete(token string) error {
	if err := m.client.Delete("scs-" + token); err != memcache.ErrCacheMiss {
		return err
	}
	return nil
}

// scsHandler is what a request does with scs.
func scsHandler(manager *scs.SessionManager, size int) http.Handler {
	manager.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) { fail(w, err) }
	return manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.Method == http.MethodPost {
			keys, text := filler(size)
			for _, key := range keys {
				manager.Put(ctx, key, text)
			}
			manager.Put(ctx, "user", "ada")
			manager.Put(ctx, "name", "Ada Lovelace")
			manager.Put(ctx, "items", 0)
		} else {
			if manager.GetString(ctx, "user") != "ada" || manager.GetString(ctx, "name") != "Ada Lovelace" {
				fail(w, errors.New("the session is not what it was"))
				return
			}
			manager.Put(ctx, "items", manager.GetInt(ctx, "items")+1)
		}
		_, _ = w.Write([]byte("OK"))
	}))
}
