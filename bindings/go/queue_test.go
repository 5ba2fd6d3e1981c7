package lovely_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lovely "lovely.session/go"
)

// threads counts those of this process.
func threads(t *testing.T) int {
	tasks, err := os.ReadDir("/proc/self/task")
	check(t, err)
	return len(tasks)
}

// A goroutine that waits for the store holds no thread, and nothing is lost.
func TestAThousandGoroutinesNeedFewThreads(t *testing.T) {
	store := open(t, memcachedURL())
	visitors := container(t, store)
	goroutines := 1000
	if testing.Short() {
		goroutines = 30
	}
	var (
		done, counting sync.WaitGroup
		begin, end     = make(chan struct{}), make(chan struct{})
		most           int
	)
	counting.Add(1)
	go func() {
		defer counting.Done()
		for {
			most = max(most, threads(t))
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	for i := range goroutines {
		done.Add(1)
		go func() {
			defer done.Done()
			<-begin
			err := store.Update(context.Background(), func(txn *lovely.Txn) error {
				mine, err := txn.Session(visitors, fmt.Sprint("mine ", i))
				if err != nil {
					return err
				}
				ours, err := txn.Session(visitors, fmt.Sprint("ours ", i%50))
				if err != nil {
					return err
				}
				if _, err := mine.Pkg("cart").Add("items", 1); err != nil {
					return err
				}
				_, err = ours.Pkg("cart").Add("items", 1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}()
	}
	close(begin)
	done.Wait()
	close(end)
	counting.Wait()
	if most >= 40 {
		t.Errorf("%d threads", most)
	}
	total := int64(0)
	for i := range min(50, goroutines) {
		total += cart(t, visitors, fmt.Sprint("ours ", i))["items"].(int64)
	}
	for i := range goroutines {
		if got := cart(t, visitors, fmt.Sprint("mine ", i))["items"]; got != int64(1) {
			t.Errorf("session %d has %v", i, got)
		}
	}
	if total != int64(goroutines) {
		t.Errorf("%d of %d were kept", total, goroutines)
	}
	t.Logf("%d goroutines, at most %d threads", goroutines, most)
}

// silent is a server that takes connections and never answers.
func silent(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var (
		mutex sync.Mutex
		taken []net.Conn
	)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			mutex.Lock()
			taken = append(taken, connection)
			mutex.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		mutex.Lock()
		defer mutex.Unlock()
		for _, connection := range taken {
			_ = connection.Close()
		}
	})
	return listener.Addr().String()
}

func TestCancellingTheContextEndsAWaitForAServerThatDoesNotAnswer(t *testing.T) {
	cause := errors.New("the visitor left")
	var (
		store    *lovely.Store
		visitors *lovely.Container
	)
	for name, call := range map[string]func(txn *lovely.Txn) error{
		"open":   func(txn *lovely.Txn) error { _, err := txn.Session(visitors, "a"); return err },
		"exists": func(txn *lovely.Txn) error { _, err := txn.Exists(visitors, "a"); return err },
		"ping":   func(txn *lovely.Txn) error { return store.Ping(txn.Context()) },
		"commit": func(txn *lovely.Txn) error {
			if _, err := txn.NewSession(visitors); err != nil {
				return err
			}
			return txn.Commit()
		},
		"prepare": func(txn *lovely.Txn) error {
			for range 2 {
				if _, err := txn.NewSession(visitors); err != nil {
					return err
				}
			}
			return txn.Prepare()
		},
	} {
		// A server that fails is set aside for a while: each call has one of its own.
		store = open(t, "memcached://"+silent(t)+"/x", lovely.WithExchangeTimeout(time.Hour), lovely.WithConnectTimeout(time.Hour))
		visitors = container(t, store)
		ctx, cancel := context.WithCancelCause(context.Background())
		txn := must[*lovely.Txn](t)(store.Begin(ctx))
		time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
		if err := call(txn); !errors.Is(err, lovely.ErrCancelled) || !errors.Is(err, cause) {
			t.Error(name, err)
		}
		check(t, txn.Abort())

		var cancelLate context.CancelFunc
		for began := false; !began; {
			var late context.Context
			late, cancelLate = context.WithTimeout(context.Background(), 20*time.Millisecond)
			var err error
			// On a machine that has other things to do, it may be over already.
			txn, err = store.Begin(late)
			began = err == nil
		}
		if err := call(txn); !errors.Is(err, lovely.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(name, err)
		}
		check(t, txn.Abort())
		cancelLate()
	}
}

// While one operation waits, all others go on, and a second call on the same transaction is a misuse.
func TestOthersGoOnWhileOneWaits(t *testing.T) {
	slow := open(t, "memcached://"+silent(t)+"/x", lovely.WithExchangeTimeout(time.Hour), lovely.WithConnectTimeout(time.Hour))
	fast := open(t, memcachedURL())
	ctx, cancel := context.WithCancel(context.Background())
	txn := must[*lovely.Txn](t)(slow.Begin(ctx))
	slowVisitors, fastVisitors := container(t, slow), container(t, fast)
	waited := make(chan error)
	go func() {
		_, err := txn.Session(slowVisitors, "a")
		waited <- err
	}()
	for range rounds(150) {
		stored(t, fastVisitors, "a", map[string]any{"items": int64(1)})
	}
	for {
		_, err := txn.Session(fastVisitors, "a")
		if errors.Is(err, lovely.ErrMisuse) {
			break
		}
		check(t, err)
	}
	cancel()
	if err := <-waited; !errors.Is(err, lovely.ErrCancelled) {
		t.Fatal(err)
	}
	check(t, txn.Abort())
}

// Operations under way when their store is closed come to their end.
func TestClosingTheLastStoreWaitsForWhatIsUnderWay(t *testing.T) {
	for range rounds(30) {
		store := must[*lovely.Store](t)(lovely.Open(memcachedURL()))
		visitors := container(t, store)
		var done sync.WaitGroup
		for i := range 20 {
			done.Add(1)
			go func() {
				defer done.Done()
				err := store.Update(context.Background(), func(txn *lovely.Txn) error {
					s, err := txn.Session(visitors, fmt.Sprint(i))
					if err != nil {
						return err
					}
					return s.Pkg("cart").SetString("text", strings.Repeat("x", 1000))
				})
				if err != nil && !errors.Is(err, lovely.ErrMisuse) {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Millisecond)
		check(t, store.Close())
		done.Wait()
	}
}

// What a context cancels at random ends either way, and nothing is lost or hangs.
func TestContextsThatEndAtRandomLeaveNothingBehind(t *testing.T) {
	store := open(t, memcachedURL())
	visitors := container(t, store)
	var (
		done   sync.WaitGroup
		stored atomic.Int64
		maybe  atomic.Int64
	)
	for i := range 16 {
		done.Add(1)
		go func() {
			defer done.Done()
			for round := range rounds(60) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration((i*round)%7)*200*time.Microsecond)
				err := store.Update(ctx, func(txn *lovely.Txn) error {
					s, err := txn.Session(visitors, "shared")
					if err != nil {
						return err
					}
					_, err = s.Pkg("cart").Add("items", 1)
					return err
				})
				cancel()
				switch {
				case err == nil:
					stored.Add(1)
				case errors.Is(err, lovely.ErrUnknown):
					maybe.Add(1)
				case errors.Is(err, lovely.ErrTimeout), errors.Is(err, lovely.ErrCancelled), errors.Is(err, lovely.ErrConflict):
				default:
					t.Error(err)
				}
			}
		}()
	}
	done.Wait()
	got, _ := cart(t, visitors, "shared")["items"].(int64)
	if got < stored.Load() || got > stored.Load()+maybe.Load() {
		t.Errorf("%d, of %d that were stored and %d of which nobody knows", got, stored.Load(), maybe.Load())
	}
	t.Logf("%d stored, %d of which nobody knows", stored.Load(), maybe.Load())
}

// A cycle on memcached allocates its transaction and little else, whether its context can end or not.
func TestACycleOnMemcachedAllocatesLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("what is pooled is dropped by each collection of garbage")
	}
	store := open(t, memcachedURL())
	visitors := container(t, store)
	ending, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"for ever": context.Background(), "ending": ending} {
		allocations := testing.AllocsPerRun(500, func() {
			check(t, store.Update(ctx, func(txn *lovely.Txn) error {
				s, err := txn.Session(visitors, "a")
				if err != nil {
					return err
				}
				_, err = s.Pkg("cart").Add("items", 1)
				return err
			}))
		})
		t.Logf("%s: %v", name, allocations)
		// One, but for the race detector, under which pools drop some of what they are given.
		if allocations > 4 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

// The context of an operation that leads is watched only when it has lasted for a while: also one that had ended before then
// cancels it.
func TestALeaderHearsOfAContextThatEndedAtOnce(t *testing.T) {
	store := open(t, "memcached://"+silent(t)+"/x", lovely.WithExchangeTimeout(time.Hour), lovely.WithConnectTimeout(time.Hour))
	visitors := container(t, store)
	for range rounds(30) {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Microsecond)
		err := store.View(ctx, func(txn *lovely.Txn) error {
			_, err := txn.Session(visitors, "a")
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
	}
}
