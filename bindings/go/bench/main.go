// Command bench compares a read-and-write cycle of this package with one of gomemcache, the usual client, on a memcached of its
// own: in one run, in turns, so that both meet the same machine. It tells what both cost the processors, too: which of client and
// server gets how much of them is the system's choice, and differs from run to run.
//
// A cycle reads 2 KiB and writes them again changed: Get and CompareAndSwap there; here opening a session, adding to a
// counter, and committing, merge and expiry included.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	lovely "lovely.session/go"
	"lovely.session/go/internal/memcachedtest"
)

var (
	span   = flag.Duration("span", time.Second, "how long each turn is")
	turns  = flag.Int("turns", 5, "how often each takes its turn")
	single = flag.Int("n", 0, "only this many goroutines")
	server = flag.String("server", "", "HOST:PORT of a memcached to use; else one of its own")
	only   = flag.Bool("only", false, "leave gomemcache out")
)

const size = 2048

func main() {
	flag.Parse()
	address := *server
	if address == "" {
		memcached, err := memcachedtest.Start("-c", "4096")
		check(err)
		defer memcached.Stop()
		address, memcachedID = memcached.Address, memcached.PID
	}
	fmt.Printf("%d bytes; %d turns of %v each, in turns; median of turns\n", size, *turns, *span)
	fmt.Printf("%10s  %12s %8s %8s %8s  %12s %8s %8s %8s  %10s %8s %8s\n", "goroutines", "gomemcache/s", "p99 us", "cpu us", "server", "lovely/s",
		"p99 us", "cpu us", "server", "throughput", "p99", "all cpu")
	for _, goroutines := range []int{1, 8, 64, 256, 1000} {
		if *single != 0 && goroutines != *single {
			continue
		}
		peer, ours := gomemcache(address, goroutines), session(address, goroutines)
		var theirs, mine []result
		for range *turns {
			if *only {
				theirs = []result{{1, 1, 1, 1}}
			} else {
				theirs = append(theirs, measure(goroutines, peer))
			}
			mine = append(mine, measure(goroutines, ours))
		}
		a, b := median(theirs), median(mine)
		fmt.Printf("%10d  %12.0f %8d %8.1f %8.1f  %12.0f %8d %8.1f %8.1f  %10.2f %8.2f %8.2f\n", goroutines, a.rate, a.p99.Microseconds(),
			micro(a.cpu), micro(a.served), b.rate, b.p99.Microseconds(), micro(b.cpu), micro(b.served), b.rate/a.rate,
			float64(b.p99)/float64(a.p99), float64(b.cpu+b.served)/float64(a.cpu+a.served))
	}
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cycle is one cycle of goroutine number i.
type cycle func(i int) error

type result struct {
	rate float64
	p99  time.Duration
	// cpu is what a cycle costs this process, and served what it costs the memcached that it started: neither depends on who
	// else uses the machine.
	cpu, served time.Duration
}

// used is the processor time that this process took so far.
func used() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memcachedID is the process of a memcached of its own, if it has one.
var memcachedID int

// served is the processor time that memcached took so far, in the ticks of a hundredth of a second that Linux tells it in.
func served() time.Duration {
	if memcachedID == 0 {
		return 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", memcachedID))
	check(err)
	// The name, which stands in parentheses, may have spaces in it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system int64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	check(err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// measure runs cycles on so many goroutines for one turn.
func measure(goroutines int, run cycle) result {
	var (
		done  sync.WaitGroup
		mutex sync.Mutex
		all   []time.Duration
	)
	start, before, servedBefore := time.Now(), used(), served()
	for i := range goroutines {
		done.Add(1)
		go func() {
			defer done.Done()
			var mine []time.Duration
			for before := time.Now(); before.Sub(start) < *span; {
				if err := run(i); err != nil {
					log.Fatal(err)
				}
				after := time.Now()
				mine = append(mine, after.Sub(before))
				before = after
			}
			mutex.Lock()
			all = append(all, mine...)
			mutex.Unlock()
		}()
	}
	done.Wait()
	took := time.Since(start)
	slices.Sort(all)
	count := time.Duration(len(all))
	return result{float64(len(all)) / took.Seconds(), all[len(all)*99/100], (used() - before) / count, (served() - servedBefore) / count}
}

func median(results []result) result {
	middle := len(results) / 2
	slices.SortFunc(results, func(a, b result) int { return int(a.p99 - b.p99) })
	p99 := results[middle].p99
	slices.SortFunc(results, func(a, b result) int { return int(a.cpu - b.cpu) })
	cpu := results[middle].cpu
	slices.SortFunc(results, func(a, b result) int { return int(a.served - b.served) })
	served := results[middle].served
	slices.SortFunc(results, func(a, b result) int { return int(a.rate - b.rate) })
	return result{results[middle].rate, p99, cpu, served}
}

func gomemcache(address string, goroutines int) cycle {
	client := memcache.New(address)
	client.MaxIdleConns = goroutines
	client.Timeout = 10 * time.Second
	for i := range goroutines {
		check(client.Set(&memcache.Item{Key: fmt.Sprint("peer-", i), Value: make([]byte, size)}))
	}
	return func(i int) error {
		item, err := client.Get(fmt.Sprint("peer-", i))
		if err != nil {
			return err
		}
		item.Value[0]++
		return client.CompareAndSwap(item)
	}
}

func session(address string, goroutines int) cycle {
	store, err := lovely.Open(fmt.Sprintf("memcached://%s/bench-%d", address, goroutines))
	check(err)
	visitors, err := store.Container("visitors")
	check(err)
	ctx := context.Background()
	change := func(i int) error {
		return store.Update(ctx, func(txn *lovely.Txn) error {
			session, err := txn.Session(visitors, fmt.Sprint("visitor-", i))
			if err != nil {
				return err
			}
			_, err = session.Pkg("cart").Add("items", 1)
			return err
		})
	}
	for i := range goroutines {
		check(store.Update(ctx, func(txn *lovely.Txn) error {
			session, err := txn.Session(visitors, fmt.Sprint("visitor-", i))
			if err != nil {
				return err
			}
			return session.Pkg("profile").SetString("text", strings.Repeat("x", size-100))
		}))
	}
	return change
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
