package scsstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/scsstore"
)

// The tests of this file have the names that they have in the suites of scs's own stores.

func find(t *testing.T, site *site, token string) ([]byte, bool) {
	t.Helper()
	data, found, err := site.store.Find(token)
	check(t, err)
	return data, found
}

func TestFind(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		if data, found := find(t, site, "token"); !found || !bytes.Equal(data, []byte("encoded_data")) {
			t.Fatalf("%q, %v", data, found)
		}
	})
}

func TestFindMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		for _, token := range []string{"missing_session_token", "", "\x00", string(make([]byte, 8192)), string(make([]byte, 100_000))} {
			if data, found := find(t, site, token); found || data != nil {
				t.Fatalf("a token of %d bytes was found", len(token))
			}
		}
	})
}

func TestSaveNew(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		data, err := site.Codec.Encode(time.Now().Add(time.Minute), map[string]any{"name": "Ada", "n": 3})
		check(t, err)
		check(t, site.store.Commit("token", data, time.Now().Add(time.Minute)))
		data, found := find(t, site, "token")
		if !found {
			t.Fatal("it was not found")
		}
		_, values, err := site.Codec.Decode(data)
		check(t, err)
		if len(values) != 2 || values["name"] != "Ada" || values["n"] != 3 {
			t.Fatalf("%v", values)
		}
	})
}

func TestSaveUpdated(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		check(t, site.store.Commit("token", []byte("new_encoded_data"), time.Now().Add(time.Minute)))
		if data, _ := find(t, site, "token"); string(data) != "new_encoded_data" {
			t.Fatalf("%q", data)
		}
		// What another codec stores takes the place of all of it.
		data, err := scsstore.Codec{}.Encode(time.Now().Add(time.Minute), map[string]any{"a": 1})
		check(t, err)
		check(t, site.store.Commit("token", data, time.Now().Add(time.Minute)))
		data, err = scsstore.Codec{}.Encode(time.Now().Add(time.Minute), map[string]any{"b": 2})
		check(t, err)
		check(t, site.store.Commit("token", data, time.Now().Add(time.Minute)))
		data, _ = find(t, site, "token")
		_, values, err := site.Codec.Decode(data)
		check(t, err)
		if len(values) != 1 || values["b"] != 2 {
			t.Fatalf("%v", values)
		}
	})
}

func TestExpiry(t *testing.T) {
	everywhereIdle(t, []time.Duration{0, time.Hour}, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(100*time.Millisecond)))
		if _, found := find(t, site, "token"); !found {
			t.Fatal("it was not found")
		}
		check(t, site.lovely.Testing().Advance(102*time.Millisecond))
		if _, found := find(t, site, "token"); found {
			t.Fatal("it was found after its expiry")
		}
	})
}

func TestExpiryInThePastDeletes(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(-time.Minute)))
		if _, found := find(t, site, "token"); found {
			t.Fatal("it was found")
		}
	})
}

func TestDelete(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		check(t, site.store.Delete("token"))
		if _, found := find(t, site, "token"); found {
			t.Fatal("it was found")
		}
		for _, token := range []string{"token", "unknown", "", "\x00", string(make([]byte, 100_000))} {
			check(t, site.store.Delete(token))
		}
	})
}

func TestAll(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		all, err := site.store.All()
		if all == nil || !errors.Is(err, scsstore.ErrNotIterable) {
			t.Fatalf("%v, %v", all, err)
		}
	})
}

func TestADestroyedTokenIsNotStoredAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		check(t, site.store.Delete("token"))
		if err := site.store.Commit("token", []byte("again"), time.Now().Add(time.Minute)); !errors.Is(err, lovely.ErrGone) {
			t.Fatalf("%v", err)
		}
		if _, found := find(t, site, "token"); found {
			t.Fatal("it was found")
		}
	})
}

func TestAnyBytesAreATokenOrNone(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		for i := range 300 {
			token := make([]byte, []int{1, 2, 43, 250, 251, 1000, 8192}[i%7])
			_, _ = rand.Read(token)
			want := []byte(fmt.Sprint("data ", i))
			check(t, site.store.Commit(string(token), want, time.Now().Add(time.Minute)))
			if data, found := find(t, site, string(token)); !found || !bytes.Equal(data, want) {
				t.Fatalf("a token of %d bytes: %q, %v", len(token), data, found)
			}
			if len(token) > 1 {
				if _, found := find(t, site, string(token[:len(token)-1])+"\x00\r\n"); found {
					t.Fatal("another token was found")
				}
			}
		}
		if err := site.store.Commit("", []byte("x"), time.Now().Add(time.Minute)); !errors.Is(err, lovely.ErrArgument) {
			t.Fatalf("%v", err)
		}
		if err := site.store.Commit(string(make([]byte, 8193)), []byte("x"), time.Now().Add(time.Minute)); !errors.Is(err, lovely.ErrTooLarge) {
			t.Fatalf("%v", err)
		}
	})
}

func TestAnEmptySessionIsStored(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		data, err := site.Codec.Encode(time.Now().Add(time.Minute), map[string]any{})
		check(t, err)
		check(t, site.store.Commit("token", data, time.Now().Add(time.Minute)))
		if _, found := find(t, site, "token"); !found {
			t.Fatal("it was not found")
		}
	})
}

func TestAServerThatIsAwayIsAnErrorAndNotAnEmptySession(t *testing.T) {
	for _, hasKeys := range []bool{false, true} {
		site := newSite(t, false, hasKeys, 0)
		check(t, site.store.Commit("token", []byte("encoded_data"), time.Now().Add(time.Minute)))
		check(t, site.lovely.Testing().Fault(lovely.Fault{Kind: lovely.FaultUnavailable, Ops: lovely.FaultLoad | lovely.FaultWrite}))
		if _, found, err := site.store.Find("token"); found || !errors.Is(err, lovely.ErrUnavailable) {
			t.Fatalf("%v, %v", found, err)
		}
		if err := site.store.Commit("token", []byte("x"), time.Now().Add(time.Minute)); !errors.Is(err, lovely.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
		if err := site.store.Delete("token"); !errors.Is(err, lovely.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
		check(t, site.lovely.Testing().ClearFaults())
		if data, _ := find(t, site, "token"); string(data) != "encoded_data" {
			t.Fatalf("%q", data)
		}
	}
}

func TestAContextThatHasEndedStopsFindAndNotCommit(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, _, err := site.store.FindCtx(ctx, "token"); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
		check(t, site.store.CommitCtx(ctx, "token", []byte("data"), time.Now().Add(time.Minute)))
		if _, found := find(t, site, "token"); !found {
			t.Fatal("it was not found")
		}
		check(t, site.store.DeleteCtx(ctx, "token"))
		if _, found := find(t, site, "token"); found {
			t.Fatal("it was found")
		}
	})
}
