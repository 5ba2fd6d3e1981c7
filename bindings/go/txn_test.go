package lovely_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lovely "lovely.session/go"
)

// Contract 2.5.
func TestUpdateCommitsAndViewReadsWhatItCommitted(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		stored(t, visitors, "a", map[string]any{"items": int64(3)})
		if got := cart(t, visitors, "a"); !reflect.DeepEqual(got, map[string]any{"items": int64(3)}) {
			t.Fatal(got)
		}
	})
}

func TestUpdateAbortsWhenItsFunctionFailsOrPanics(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		mine := errors.New("mine")
		change := func(txn *lovely.Txn) {
			check(t, session(t, txn, visitors, "a").Pkg("cart").SetInt("items", 1))
		}
		err := store.Update(context.Background(), func(txn *lovely.Txn) error {
			change(txn)
			return mine
		})
		if err != mine {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() != mine {
					t.Fatal("the panic was lost")
				}
			}()
			_ = store.Update(context.Background(), func(txn *lovely.Txn) error {
				change(txn)
				panic(mine)
			})
		}()
		if got := cart(t, visitors, "a"); len(got) != 0 {
			t.Fatal(got)
		}
	})
}

// Contract 5.3: the work is run again, and sees what the other one stored.
func TestUpdateRunsAgainAfterAConflict(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		stored(t, visitors, "a", map[string]any{"items": int64(1)})
		runs := 0
		check(t, store.Update(context.Background(), func(txn *lovely.Txn) error {
			runs++
			pkg := session(t, txn, visitors, "a").Pkg("cart")
			items, err := pkg.Int("items")
			if err != nil {
				return err
			}
			if runs == 1 {
				stored(t, visitors, "a", map[string]any{"items": int64(10)})
			}
			return pkg.SetInt("items", items*2)
		}))
		if got := cart(t, visitors, "a")["items"]; runs != 2 || got != int64(20) {
			t.Fatal(runs, got)
		}
	})
}

func TestUpdateGivesUpWithTheConflictWhenItsContextEnds(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	ctx, cancel := context.WithCancel(context.Background())
	runs := 0
	err := store.Update(ctx, func(txn *lovely.Txn) error {
		runs++
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		stored(t, visitors, "a", map[string]any{"items": int64(runs)})
		if runs == 3 {
			defer time.AfterFunc(0, cancel)
		}
		return pkg.SetInt("items", -1)
	})
	if !errors.Is(err, lovely.ErrConflict) && !errors.Is(err, context.Canceled) || runs < 3 {
		t.Fatal(runs, err)
	}
}

func TestOnlyConflictsAreRetryable(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	txn := begin(t, store)
	check(t, session(t, txn, visitors, "a").Pkg("cart").SetInt("items", 1))
	stored(t, visitors, "a", map[string]any{"items": int64(2)})
	err := txn.Commit()
	var detail *lovely.Error
	if !errors.Is(err, lovely.ErrConflict) || !lovely.IsRetryable(err) || !errors.As(err, &detail) || !detail.Retryable() {
		t.Fatal(err)
	}
	if errors.Is(err, lovely.ErrGone) || lovely.IsRetryable(txn.Commit()) || lovely.IsRetryable(lovely.ErrConflict) {
		t.Fatal("others are not")
	}
}

// Contract 2.6.
func TestWhatHasEndedAnswersMisuseAndWhatFailedAnswersFailed(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		calls := func(txn *lovely.Txn, session lovely.Session, pkg lovely.Pkg) map[string]error {
			answers := map[string]error{}
			_, answers["session"] = txn.Session(visitors, "a")
			_, answers["new"] = txn.NewSession(visitors)
			_, answers["exists"] = txn.Exists(visitors, "a")
			_, answers["sessions"] = txn.Sessions()
			_, answers["savepoint"] = txn.Savepoint()
			_, answers["id"] = session.ID()
			_, answers["content"] = session.Content()
			_, answers["pkgs"] = session.Pkgs()
			_, answers["keys"] = pkg.Keys()
			_, answers["int"] = pkg.Int("items")
			_, answers["get"] = pkg.Get("items")
			_, answers["add"] = pkg.Add("items", 1)
			answers["destroy"] = txn.Destroy(visitors, "a")
			answers["renew"] = session.Renew()
			answers["pkg"] = session.Pkg("other").Err()
			answers["set"] = pkg.Set("items", 1)
			answers["replace"] = pkg.Replace(map[string]any{})
			answers["commit"] = txn.Commit()
			answers["prepare"] = txn.Prepare()
			return answers
		}
		all := func(want lovely.Status, answers map[string]error) {
			t.Helper()
			for name, err := range answers {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, not %v", name, err, want)
				}
			}
		}
		for name, end := range map[string]func(*lovely.Txn) error{"commit": (*lovely.Txn).Commit, "abort": (*lovely.Txn).Abort} {
			txn := begin(t, store)
			s := session(t, txn, visitors, name)
			check(t, end(txn))
			all(lovely.ErrMisuse, calls(txn, s, s.Pkg("cart")))
			check(t, txn.Abort())
		}

		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		pkg := s.Pkg("cart")
		check(t, pkg.SetInt("items", 1))
		stored(t, visitors, "a", map[string]any{"items": int64(2)})
		if err := txn.Commit(); !errors.Is(err, lovely.ErrConflict) {
			t.Fatal(err)
		}
		if txn.State() != lovely.Failed {
			t.Fatal(txn.State())
		}
		all(lovely.ErrFailed, calls(txn, s, pkg))
		check(t, txn.Abort())
	})
}

func TestZeroHandlesAnswerMisuse(t *testing.T) {
	var (
		txn       *lovely.Txn
		container *lovely.Container
		store     *lovely.Store
		session   lovely.Session
		pkg       lovely.Pkg
	)
	check(t, store.Close())
	check(t, (&lovely.Store{}).Close())
	check(t, txn.Abort())
	_, opened := txn.Session(container, "a")
	_, id := session.ID()
	_, got := pkg.Get("a")
	_, config := container.Config()
	_, begun := store.Begin(context.Background())
	for _, err := range []error{
		opened, id, got, config, begun, txn.Commit(), pkg.Set("a", 1), session.Pkg("p").Err(), session.Pkg("p").SetInt("a", 1),
		store.Ping(context.Background()), (&lovely.Txn{}).Abort(), (&lovely.Txn{}).Prepare(),
	} {
		if err != nil && !errors.Is(err, lovely.ErrMisuse) {
			t.Error(err)
		}
	}
	if session.IsNew() || container.Name() != "" || store.Name() != "" || txn.Valid(1) {
		t.Error("zero handles know nothing")
	}
}

func TestNoContextIsRefused(t *testing.T) {
	store := open(t, memoryURL())
	var none context.Context
	work := func(*lovely.Txn) error { t.Error("it ran"); return nil }
	_, begun := store.Begin(none)
	for _, err := range []error{begun, store.Update(none, work), store.View(none, work), store.Ping(none), store.Flush(none)} {
		if !errors.Is(err, lovely.ErrArgument) {
			t.Error(err)
		}
	}
}

func TestViewChangesNothing(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	stored(t, visitors, "a", map[string]any{"items": int64(1)})
	check(t, store.View(context.Background(), func(txn *lovely.Txn) error {
		s := session(t, txn, visitors, "a")
		pkg := s.Pkg("cart")
		_, added := pkg.Add("items", 1)
		_, deleted := pkg.Delete("items")
		_, made := txn.NewSession(visitors)
		for _, err := range []error{
			added, deleted, made, pkg.Set("items", 2), pkg.Clear(), pkg.Replace(map[string]any{}), s.Clear(), s.Destroy(), s.Renew(),
			s.SetTimeout(time.Second), txn.Destroy(visitors, "a"), txn.Prepare(), txn.Commit(), txn.Abort(),
		} {
			if !errors.Is(err, lovely.ErrMisuse) {
				t.Error(err)
			}
		}
		return nil
	}))
	if got := cart(t, visitors, "a"); !reflect.DeepEqual(got, map[string]any{"items": int64(1)}) {
		t.Fatal(got)
	}
}

// Contract 3.1 to 3.4.
func TestSavepointsNestAndCanBeRolledBackToAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		check(t, pkg.Set("items", []any{int64(1)}))
		first := must[lovely.Savepoint](t)(txn.Savepoint())
		check(t, pkg.Set("items", []any{int64(1), int64(2)}))
		second := must[lovely.Savepoint](t)(txn.Savepoint())
		late := session(t, txn, visitors, "b")
		for range 2 {
			check(t, pkg.SetNil("items"))
			check(t, txn.Rollback(first))
			if got := must[any](t)(pkg.Get("items")); !reflect.DeepEqual(got, []any{int64(1)}) {
				t.Fatal(got)
			}
		}
		if err := txn.Rollback(second); !errors.Is(err, lovely.ErrSavepoint) || txn.Valid(second) || !txn.Valid(first) {
			t.Fatal(err)
		}
		if _, err := late.Content(); !errors.Is(err, lovely.ErrMisuse) {
			t.Fatal(err)
		}
		check(t, txn.Commit())
		if got := cart(t, visitors, "a"); !reflect.DeepEqual(got, map[string]any{"items": []any{int64(1)}}) {
			t.Fatal(got)
		}
	})
}

func TestPrepareVotesAndThenOnlyCommitOrAbortFollows(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		check(t, pkg.SetInt("items", 1))
		check(t, txn.Prepare())
		if txn.State() != lovely.Prepared {
			t.Fatal(txn.State())
		}
		if err := pkg.SetInt("items", 2); !errors.Is(err, lovely.ErrMisuse) {
			t.Fatal(err)
		}
		if got := must[int64](t)(pkg.Int("items")); got != 1 {
			t.Fatal(got)
		}
		check(t, txn.Commit())
		if got := cart(t, visitors, "a"); got["items"] != int64(1) {
			t.Fatal(got)
		}
	})
}

// Contract 2.5 and 6.2.
func TestTheReportSaysOfEachSessionWhatBecameOfIt(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store, lovely.WithTimeout(time.Minute))
	stored(t, visitors, "old", map[string]any{"items": int64(1)})
	txn := begin(t, store)
	check(t, session(t, txn, visitors, "a").Pkg("cart").SetInt("items", 1))
	check(t, txn.Destroy(visitors, "old"))
	_ = session(t, txn, visitors, "only read")
	check(t, txn.Commit())
	want := map[string]lovely.ReportEntry{
		"a":   {Container: "visitors", ID: "a", Outcome: lovely.Stored, Timeout: time.Minute},
		"old": {Container: "visitors", ID: "old", Destroy: true, Outcome: lovely.Stored, Timeout: time.Minute},
	}
	report := txn.Report()
	for _, entry := range report {
		if entry.ID == "old" {
			entry.Timeout = time.Minute
		}
		if !reflect.DeepEqual(entry, want[entry.ID]) {
			t.Errorf("%+v", entry)
		}
	}
	if len(report) != len(want) {
		t.Errorf("%+v", report)
	}

	check(t, store.Testing().Fault(lovely.Fault{Kind: lovely.FaultLostAnswer, Ops: lovely.FaultWrite | lovely.FaultVersions, Count: 1000}))
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	failing := must[*lovely.Txn](t)(store.Begin(ctx))
	check(t, session(t, failing, visitors, "b").Pkg("cart").SetInt("items", 1))
	check(t, store.Testing().Fault(lovely.Fault{Kind: lovely.FaultTimeout, Ops: lovely.FaultLoad}))
	if err := failing.Commit(); !errors.Is(err, lovely.ErrUnknown) {
		t.Fatal(err)
	}
	report = failing.Report()
	if len(report) != 1 || report[0].Outcome != lovely.Unknown || report[0].Err == nil {
		t.Errorf("%+v", report)
	}
}

// One call at a time: a second goroutine is told so.
func TestATransactionUsedByManyGoroutinesAtOnceAnswersMisuse(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		pkg := s.Pkg("cart")
		var (
			done  sync.WaitGroup
			added atomic.Int64
		)
		for i := range 8 {
			done.Add(1)
			go func() {
				defer done.Done()
				for range rounds(300) {
					_, err := pkg.Add("items", 1)
					if err == nil {
						added.Add(1)
					} else if !errors.Is(err, lovely.ErrMisuse) {
						t.Error(err)
					}
					_, _ = pkg.Get("items")
					_, _ = s.Content()
					_, _ = txn.Session(visitors, "b")
					_ = txn.State()
				}
				if i == 0 {
					for txn.Commit() != nil && txn.State() == lovely.Active {
					}
				}
			}()
		}
		done.Wait()
		if txn.State() != lovely.Committed {
			t.Fatal(txn.State())
		}
		// What was added after the commit was refused.
		if got := cart(t, visitors, "a")["items"]; got != added.Load() {
			t.Fatal(got, added.Load())
		}
	})
}

// Contract 5.2 and 5.4.
func TestConcurrentUpdatesOfOneSessionAreAllKept(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		writers, rounds := 8, rounds(30)
		var done sync.WaitGroup
		for writer := range writers {
			done.Add(1)
			go func() {
				defer done.Done()
				for range rounds {
					err := store.Update(context.Background(), func(txn *lovely.Txn) error {
						s, err := txn.Session(visitors, "a")
						if err != nil {
							return err
						}
						pkg := s.Pkg("cart")
						if err := pkg.SetInt(string(rune('a'+writer)), 1); err != nil {
							return err
						}
						_, err = pkg.Add("total", 1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			}()
		}
		done.Wait()
		if got := cart(t, visitors, "a"); got["total"] != int64(writers*rounds) || len(got) != writers+1 {
			t.Fatal(got)
		}
	})
}

func TestAContextThatHasEndedIsHonoured(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		cause := errors.New("the visitor left")
		ctx, cancel := context.WithCancelCause(context.Background())
		txn := must[*lovely.Txn](t)(store.Begin(ctx))
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		cancel(cause)
		check(t, pkg.SetInt("items", 1))
		_, opened := txn.Session(visitors, "b")
		for _, err := range []error{opened, txn.Commit()} {
			if !errors.Is(err, lovely.ErrCancelled) || !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if _, err := store.Begin(ctx); !errors.Is(err, lovely.ErrCancelled) {
			t.Error(err)
		}
		if err := store.Update(ctx, func(*lovely.Txn) error { return nil }); !errors.Is(err, lovely.ErrCancelled) {
			t.Error(err)
		}
		if len(cart(t, visitors, "a")) != 0 {
			t.Error("it was stored")
		}

		late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		defer cancelLate()
		var timeout interface{ Timeout() bool }
		_, err := store.Begin(late)
		if !errors.Is(err, lovely.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Error(err)
		}
	})
}

// The deadline of the context is that of the commit.
func TestACommitEndsWithTheDeadlineOfItsContext(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	txn := must[*lovely.Txn](t)(store.Begin(ctx))
	check(t, session(t, txn, visitors, "a").Pkg("cart").SetInt("items", 1))
	check(t, store.Testing().Fault(lovely.Fault{Kind: lovely.FaultTimeout, Ops: lovely.FaultWrite | lovely.FaultLoad}))
	err := txn.Commit()
	if err == nil {
		t.Fatal("it was stored")
	}
	if _, ok := ctx.Deadline(); ok && time.Since(mustDeadline(ctx)) > 3*time.Second {
		t.Fatal("the commit went on after the deadline")
	}
}

func mustDeadline(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline
}
