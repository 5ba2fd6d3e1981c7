package lovely_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	lovely "lovely.session/go"
)

func TestAStoreThatIsClosedAnswersMisuse(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		s := session(t, txn, visitors, "a")
		check(t, store.Close())
		check(t, store.Close())
		_, opened := store.Container("visitors")
		_, begun := store.Begin(context.Background())
		_, another := txn.Session(visitors, "b")
		_, stats := store.Stats()
		_, config := visitors.Config()
		for _, err := range []error{
			opened, begun, another, stats, config, store.Ping(context.Background()), store.Flush(context.Background()),
			store.Resolve(), store.Register("x"), store.Testing().Advance(1), store.Testing().Drop(visitors, "a"),
			s.Destroy(), txn.Destroy(visitors, "a"),
		} {
			if !errors.Is(err, lovely.ErrMisuse) {
				t.Error(err)
			}
		}
		// The transaction goes on.
		check(t, s.Pkg("cart").SetInt("items", 1))
		check(t, txn.Commit())
	})
}

func TestASessionKeepsItsStoreOpenWhenNobodyElseHasIt(t *testing.T) {
	txn, s := func() (*lovely.Txn, lovely.Session) {
		store := must[*lovely.Store](t)(lovely.Open(memoryURL()))
		visitors := must[*lovely.Container](t)(store.Container("visitors"))
		txn := must[*lovely.Txn](t)(store.Begin(context.Background()))
		return txn, session(t, txn, visitors, "a")
	}()
	for range 10 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	check(t, s.Destroy())
	check(t, txn.Commit())
}

func TestClosingAStoreInTheMiddleOfCallsIsSafe(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		var done sync.WaitGroup
		for range 8 {
			done.Add(1)
			go func() {
				defer done.Done()
				for {
					err := store.Update(context.Background(), func(txn *lovely.Txn) error {
						s, err := txn.Session(visitors, "a")
						if err != nil {
							return err
						}
						_, err = s.Pkg("cart").Add("items", 1)
						return err
					})
					if errors.Is(err, lovely.ErrMisuse) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
		time.Sleep(20 * time.Millisecond)
		check(t, store.Close())
		done.Wait()
	})
}

func TestOptionsOfAStore(t *testing.T) {
	url := memoryURL()
	open(t, url, lovely.WithItemLimit(1000), lovely.WithMemorySize(1<<20), lovely.WithCommitTimeout(time.Second),
		lovely.WithConnectTimeout(time.Second), lovely.WithExchangeTimeout(time.Second), lovely.WithRetryPause(time.Second), lovely.WithFlush())
	if _, err := lovely.Open(url, lovely.WithItemLimit(2000)); !errors.Is(err, lovely.ErrArgument) {
		t.Error(err)
	}
	if _, err := lovely.Open(url, lovely.WithCommitTimeout(-time.Second)); !errors.Is(err, lovely.ErrRange) {
		t.Error(err)
	}
	if _, err := lovely.Open("nonsense://x"); err == nil {
		t.Error("it opened")
	}
}

func TestASessionOverTheLimitIsTooLarge(t *testing.T) {
	store := open(t, memoryURL(), lovely.WithItemLimit(1000))
	visitors := container(t, store)
	err := store.Update(context.Background(), func(txn *lovely.Txn) error {
		return session(t, txn, visitors, "a").Pkg("cart").SetString("big", strings.Repeat("x", 1000))
	})
	if !errors.Is(err, lovely.ErrTooLarge) {
		t.Fatal(err)
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	store := open(t, "memcached://127.0.0.1:1/away")
	visitors := container(t, store)
	txn := begin(t, store)
	_, err := txn.Session(visitors, "a")
	if !errors.Is(err, lovely.ErrUnavailable) || !errors.Is(err, syscall.ECONNREFUSED) || lovely.IsRetryable(err) {
		t.Fatal(err)
	}
	if err := store.Ping(context.Background()); !errors.Is(err, lovely.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestPingFlushStatisticsAndName(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		check(t, store.Ping(context.Background()))
		check(t, store.Resolve())
		stored(t, visitors, "a", map[string]any{"items": int64(1)})
		stats, err := store.Stats()
		if err != nil || stats.Writes != 1 || stats.Misses != 1 || stats.BytesWritten == 0 {
			t.Fatal(stats, err)
		}
		servers, err := store.Servers()
		if strings.HasPrefix(store.Name(), "memory") {
			if err != nil || len(servers) != 0 {
				t.Fatal(servers, err)
			}
		} else if err != nil || len(servers) != 1 || servers[0].Name != server || servers[0].Connections == 0 || stats.Exchanges == 0 ||
			stats.Max < stats.P50 || stats.P50 == 0 {
			t.Fatal(servers, stats, err)
		}
		if text, err := store.StatsText(); err != nil || !strings.Contains(text, "\n") {
			t.Fatal(text, err)
		}
		if !strings.Contains(store.Name(), "://") {
			t.Fatal(store.Name())
		}
		err = store.Flush(context.Background())
		if strings.HasPrefix(store.Name(), "memory") {
			if err != nil || len(cart(t, visitors, "a")) != 0 {
				t.Fatal(err)
			}
		} else if !errors.Is(err, lovely.ErrUnsupported) {
			t.Fatal(err)
		}
	})
}

func TestAStoreIsFoundByTheNameThatItWasRegisteredUnder(t *testing.T) {
	store := open(t, memoryURL())
	stored(t, container(t, store), "a", map[string]any{"items": int64(1)})
	check(t, store.Register("shop"))
	found := must[*lovely.Store](t)(lovely.Find("shop"))
	if got := cart(t, container(t, found), "a"); got["items"] != int64(1) || found.Name() != store.Name() {
		t.Fatal(got)
	}
	check(t, found.Close())
	check(t, lovely.Unregister("shop"))
	if _, err := lovely.Find("shop"); err != lovely.ErrNotFound {
		t.Fatal(err)
	}
	if err := lovely.Unregister("shop"); err != lovely.ErrNotFound {
		t.Fatal(err)
	}
}

func TestOptionsOfAContainerAreSharedByAllHandles(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		want := lovely.ContainerConfig{
			Timeout: time.Minute, Resolution: 2 * time.Second, MaxTimeout: time.Hour, Lifetime: 24 * time.Hour, Policy: lovely.Strict, Recreate: true,
		}
		visitors := container(t, store, lovely.WithTimeout(time.Minute), lovely.WithResolution(2*time.Second),
			lovely.WithMaxTimeout(time.Hour), lovely.WithLifetime(24*time.Hour), lovely.WithPolicy(lovely.Strict), lovely.WithRecreate(true))
		again := container(t, store)
		if got := must[lovely.ContainerConfig](t)(again.Config()); got != want || again.Name() != "visitors" || again.Store() != store {
			t.Fatal(got)
		}
		// Up and down, in the order that the library does not take.
		check(t, again.Configure(lovely.WithTimeout(2*time.Hour), lovely.WithMaxTimeout(3*time.Hour)))
		check(t, again.Configure(lovely.WithMaxTimeout(time.Minute), lovely.WithTimeout(time.Second)))
		got := must[lovely.ContainerConfig](t)(visitors.Config())
		if got.Timeout != time.Second || got.MaxTimeout != time.Minute {
			t.Fatal(got)
		}
		for _, negative := range []time.Duration{-1, -time.Second} {
			if err := again.Configure(lovely.WithTimeout(negative)); !errors.Is(err, lovely.ErrRange) {
				t.Fatal(err)
			}
		}
		check(t, again.Configure(lovely.WithTimeout(1)))
		if got := must[lovely.ContainerConfig](t)(visitors.Config()).Timeout; got != time.Millisecond {
			t.Fatal("less than a millisecond became", got)
		}
		if err := again.Configure(lovely.WithPolicy(9)); !errors.Is(err, lovely.ErrArgument) {
			t.Fatal(err)
		}
		if _, err := store.Container(""); !errors.Is(err, lovely.ErrArgument) {
			t.Fatal(err)
		}
		if _, err := visitors.LastAccess(); err != nil {
			t.Fatal(err)
		}
	})
}

// Contract 5.3.
func TestPoliciesDecideAboutConflicts(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		for policy, want := range map[lovely.Policy]any{lovely.Merge: nil, lovely.Mine: int64(1), lovely.Strict: nil, lovely.Overwrite: int64(1)} {
			visitors := container(t, store, lovely.WithPolicy(policy))
			txn := begin(t, store)
			id := string(rune('a' + policy))
			check(t, session(t, txn, visitors, id).Pkg("cart").SetInt("items", 1))
			stored(t, visitors, id, map[string]any{"items": int64(2)})
			err := txn.Commit()
			if want == nil && !errors.Is(err, lovely.ErrConflict) || want != nil && (err != nil || cart(t, visitors, id)["items"] != want) {
				t.Error(policy, err)
			}
		}
	})
}

func TestTheLogGoesToTheLogger(t *testing.T) {
	lines := make(chan string, 100)
	check(t, lovely.SetLogger(slog.New(handler(func(line string) { lines <- line }))))
	defer func() { check(t, lovely.SetLogger(nil)) }()
	t.Setenv("LOVELY_SESSION_URL", "")
	store := open(t, "")
	if store.Name() != "memory://default" {
		t.Fatal(store.Name())
	}
	// The library warns once in the life of a process, which may run the test more often.
	if !hasWarned {
		if line := <-lines; !strings.Contains(line, "memory://default") {
			t.Fatal(line)
		}
	}
	hasWarned = true
}

func TestALoggerMayUseStoresPanicAndEndItsGoroutine(t *testing.T) {
	// Each connection is refused, about which there is a line each time.
	away := open(t, "memcached://127.0.0.1:1", lovely.WithRetryPause(time.Millisecond))
	asked, once := make(chan error), sync.Once{}
	check(t, lovely.SetLogger(slog.New(handler(func(string) {
		once.Do(func() {
			asked <- away.Ping(context.Background())
			runtime.Goexit()
		})
		panic("of the handler")
	}))))
	defer func() { check(t, lovely.SetLogger(nil)) }()
	for range 3 {
		if err := away.Ping(context.Background()); !errors.Is(err, lovely.ErrUnavailable) {
			t.Error(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case err := <-asked:
		if !errors.Is(err, lovely.ErrUnavailable) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the logger hangs")
	}
}

var hasWarned bool

// handler is one of slog that gets the lines.
type handler func(line string)

func (handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(_ context.Context, record slog.Record) error {
	h(record.Message)
	return nil
}

func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h handler) WithGroup(string) slog.Handler { return h }

func TestErrorsAreOneLineThatNamesStatusAndReason(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "secret-id").Pkg("cart")
	check(t, pkg.SetString("text", "secret-value"))
	_, err := pkg.Int("text")
	if !strings.HasPrefix(err.Error(), "lovely: wrong type: ") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	var detail *lovely.Error
	if !errors.As(err, &detail) || detail.Status != lovely.ErrType || detail.Status.String() != "LS_ERR_TYPE" || detail.Timeout() {
		t.Error(err)
	}
	seen := map[string]bool{}
	for status := lovely.Status(-100); status < 10; status++ {
		if name := status.String(); name != "unknown status" && status != 0 {
			if text := status.Error(); strings.Contains(text, "LS_") || seen[text] {
				t.Error(name, "has no words of its own:", text)
			}
			seen[status.Error()] = true
		}
	}
	if len(seen) < 20 || !reflect.DeepEqual(lovely.Version(), lovely.HeaderVersion) {
		t.Error(len(seen), lovely.Version())
	}
}
