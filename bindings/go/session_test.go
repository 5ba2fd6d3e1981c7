package lovely_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	lovely "lovely.session/go"
)

// Contract 1.1 to 1.3.
func TestOpeningAnUnknownIDGivesAnEmptySessionThatIsTheSameAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		if !s.IsNew() || len(must[map[string]map[string]any](t)(s.Content())) != 0 {
			t.Fatal("it is not empty")
		}
		if session(t, txn, visitors, "a") != s || s.Pkg("cart") == s.Pkg("other") {
			t.Fatal("handles of one session differ")
		}
		first, second := s.Pkg("cart"), session(t, txn, visitors, "a").Pkg("cart")
		if first != second {
			t.Fatal("handles of one package differ")
		}
		if session(t, txn, visitors, "b") == s {
			t.Fatal("handles of two sessions are equal")
		}
		if _, err := s.Peek("nothing"); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
		check(t, txn.Commit())
		next := begin(t, store)
		if must[bool](t)(next.Exists(visitors, "a")) {
			t.Fatal("an empty session was stored")
		}
	})
}

func TestPackagesOfASessionAreListedDeletedAndCleared(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		for _, name := range []string{"b", "a", "ä\x00"} {
			check(t, s.Pkg(name).SetString("name", name))
		}
		if got := must[[]string](t)(s.Pkgs()); !reflect.DeepEqual(got, []string{"a", "b", "ä\x00"}) {
			t.Fatal(got)
		}
		packages, err := s.All()
		check(t, err)
		seen := 0
		for name, pkg := range packages {
			if got := must[string](t)(pkg.String("name")); got != name || must[string](t)(pkg.Name()) != name {
				t.Fatal(got)
			}
			if seen++; seen == 2 {
				break
			}
		}
		want := map[string]map[string]any{"a": {"name": "a"}, "b": {"name": "b"}, "ä\x00": {"name": "ä\x00"}}
		if got := must[map[string]map[string]any](t)(s.Content()); !reflect.DeepEqual(got, want) {
			t.Fatal(got)
		}
		handle := s.Pkg("b")
		if !must[bool](t)(s.DeletePkg("b")) || must[bool](t)(s.DeletePkg("b")) {
			t.Fatal("it tells wrongly whether it was there")
		}
		check(t, handle.SetInt("anew", 1))
		check(t, s.Clear())
		if got := must[[]string](t)(s.Pkgs()); len(got) != 0 {
			t.Fatal(got)
		}
		if err := s.Pkg("\xff").SetInt("a", 1); !errors.Is(err, lovely.ErrArgument) || !errors.Is(s.Pkg("\xff").Err(), lovely.ErrArgument) {
			t.Fatal(err)
		}
	})
}

func TestANewSessionIsStoredUnderARandomID(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		s := must[lovely.Session](t)(txn.NewSession(visitors))
		id := must[string](t)(s.ID())
		if len(id) != 32 || !s.IsNew() || s.Txn() != txn {
			t.Fatal(len(id))
		}
		check(t, txn.Commit())
		if !must[bool](t)(begin(t, store).Exists(visitors, id)) {
			t.Fatal("it was not stored")
		}
	})
}

func TestRenewMovesTheContentToANewID(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		stored(t, visitors, "old", map[string]any{"items": int64(1)})
		txn := begin(t, store)
		s := session(t, txn, visitors, "old")
		check(t, s.Renew())
		id := must[string](t)(s.ID())
		check(t, txn.Commit())
		if id == "old" || cart(t, visitors, id)["items"] != int64(1) || len(cart(t, visitors, "old")) != 0 {
			t.Fatal("the content did not move")
		}
		txn = begin(t, store)
		check(t, session(t, txn, visitors, id).RenewAs("mine\x00\xff"))
		check(t, txn.Commit())
		if cart(t, visitors, "mine\x00\xff")["items"] != int64(1) {
			t.Fatal("the content did not move")
		}
	})
}

// Contract 5.5.
func TestADestroyedSessionStaysDestroyed(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		stored(t, visitors, "a", map[string]any{"items": int64(1)})
		late := begin(t, store)
		check(t, session(t, late, visitors, "a").Pkg("cart").SetInt("items", 2))
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		mark := must[lovely.Savepoint](t)(txn.Savepoint())
		check(t, s.Destroy())
		if _, err := txn.Session(visitors, "a"); !errors.Is(err, lovely.ErrGone) {
			t.Fatal(err)
		}
		check(t, txn.Rollback(mark))
		if got := must[int64](t)(s.Pkg("cart").Int("items")); got != 1 {
			t.Fatal(got)
		}
		check(t, s.Destroy())
		check(t, txn.Commit())
		if err := late.Commit(); !errors.Is(err, lovely.ErrGone) || lovely.IsRetryable(err) {
			t.Fatal(err)
		}
		if len(cart(t, visitors, "a")) != 0 {
			t.Fatal("it came back")
		}
	})
}

func TestSessionsListsWhatIsOpenInTheOrderOfOpening(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	txn := begin(t, store)
	want := []lovely.Session{}
	for _, id := range []string{"c", "a", "b", "a"} {
		s := session(t, txn, visitors, id)
		if len(want) < 3 {
			want = append(want, s)
		}
	}
	if got := must[[]lovely.Session](t)(txn.Sessions()); !reflect.DeepEqual(got, want) {
		t.Fatal(got)
	}
}

// Contract 4.5.
func TestTimeoutsAndDeadlinesOfASession(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store, lovely.WithMaxTimeout(2*time.Hour), lovely.WithTimeout(time.Hour))
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		if _, err := s.Timeout(); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
		if _, err := s.Deadline(); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
		now := must[time.Time](t)(store.Testing().Now())
		deadline := now.Add(90 * time.Minute).Truncate(time.Millisecond)
		check(t, s.SetTimeout(2*time.Hour))
		check(t, s.SetDeadline(deadline))
		for _, never := range []time.Time{{}, time.Unix(1<<62, 0), time.Unix(-1<<62, 0)} {
			if err := s.SetDeadline(never); !errors.Is(err, lovely.ErrRange) {
				t.Fatal(err)
			}
		}
		if err := s.SetTimeout(3 * time.Hour); !errors.Is(err, lovely.ErrRange) {
			t.Fatal(err)
		}
		if got := must[time.Duration](t)(s.Timeout()); got != 2*time.Hour {
			t.Fatal(got)
		}
		if got := must[time.Time](t)(s.Deadline()); !got.Equal(deadline) {
			t.Fatal(got)
		}
		check(t, s.Pkg("cart").SetInt("items", 1))
		check(t, txn.Commit())

		check(t, store.Testing().Advance(80*time.Minute))
		txn = begin(t, store)
		s = session(t, txn, visitors, "a")
		created, accessed := must[time.Time](t)(s.Created()), must[time.Time](t)(s.Accessed())
		if s.IsNew() || created.Sub(now) > time.Minute || accessed.Sub(created) < 75*time.Minute {
			t.Fatal(created, accessed)
		}
		check(t, txn.Abort())
		check(t, store.Testing().Advance(11*time.Minute))
		if len(cart(t, visitors, "a")) != 0 {
			t.Fatal("it outlived its deadline")
		}

		txn = begin(t, store)
		s = session(t, txn, visitors, "b")
		check(t, s.SetTimeout(time.Minute))
		check(t, s.SetDeadline(deadline))
		check(t, s.ClearTimeout())
		check(t, s.ClearDeadline())
		if _, err := s.Timeout(); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
		if _, err := s.Deadline(); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
	})
}

// Contract 4.1 and 4.6.
func TestAnIdleSessionIsGone(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store, lovely.WithTimeout(time.Hour))
		stored(t, visitors, "a", map[string]any{"items": int64(1)})
		stored(t, visitors, "b", map[string]any{"items": int64(1)})
		check(t, store.Testing().Idle(visitors, "a", time.Hour+3*time.Second))
		check(t, store.Testing().Drop(visitors, "b"))
		if len(cart(t, visitors, "a")) != 0 || len(cart(t, visitors, "b")) != 0 {
			t.Fatal("they are there")
		}
		if err := store.Testing().Drop(visitors, "b"); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
	})
}

// Contract 6.1.
func TestALoadThatFailsIsNoEmptySession(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	stored(t, visitors, "a", map[string]any{"items": int64(1)})
	txn := begin(t, store)
	check(t, store.Testing().Fault(lovely.Fault{Kind: lovely.FaultUnavailable, Ops: lovely.FaultLoad, Count: 1}))
	if _, err := txn.Session(visitors, "a"); !errors.Is(err, lovely.ErrUnavailable) {
		t.Fatal(err)
	}
	if got := must[int64](t)(session(t, txn, visitors, "a").Pkg("cart").Int("items")); got != 1 {
		t.Fatal(got)
	}
}

func TestIDsThatCannotBeAreRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		if _, err := txn.Session(visitors, ""); !errors.Is(err, lovely.ErrArgument) {
			t.Fatal(err)
		}
		secret := strings.Repeat("s", 8193)
		_, err := txn.Session(visitors, secret)
		if !errors.Is(err, lovely.ErrTooLarge) || strings.Contains(err.Error(), "sss") {
			t.Fatal(err)
		}
		_ = session(t, txn, visitors, secret[:8192])
	})
}

func TestPrefetchOpensManySessionsInOneRoundTrip(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		ids := []string{"a", "b\x00", "missing", strings.Repeat("c", 500), "a"}
		for _, id := range ids {
			if id != "missing" {
				stored(t, visitors, id, map[string]any{"id": len(id)})
			}
		}
		txn := begin(t, store)
		before := must[lovely.Stats](t)(store.Stats())
		check(t, txn.Prefetch(visitors, ids...))
		after := must[lovely.Stats](t)(store.Stats())
		if after.Requests-before.Requests != 4 || after.Exchanges-before.Exchanges > 1 {
			t.Errorf("%d requests in %d exchanges", after.Requests-before.Requests, after.Exchanges-before.Exchanges)
		}
		for _, id := range ids {
			s := session(t, txn, visitors, id)
			length, err := s.Pkg("cart").Int("id")
			if id == "missing" && (!s.IsNew() || err != lovely.ErrNotFound) || id != "missing" && (err != nil || int(length) != len(id)) {
				t.Error(length, err)
			}
		}
		if got := must[lovely.Stats](t)(store.Stats()); got.Requests != after.Requests {
			t.Error("they were asked for again")
		}
		check(t, txn.Prefetch(visitors))
		if err := txn.Prefetch(visitors, "d", ""); !errors.Is(err, lovely.ErrArgument) {
			t.Error(err)
		}
	})
}
