// Command request compares what sessions cost a request: its cookie is read, the session loaded, three keys read and one
// changed, the session stored, and the cookie written. The network between browser and server is left out, and so is
// net/http's part of a request: a handler is called as its server calls it.
//
// Each takes its turn, again and again, on one memcached, and medians are compared. Pin it together with that to one CPU, as
// tools/bench-request.sh does: what a request costs then is what all of them take, the server included.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

var (
	server = flag.String("server", "", "HOST:PORT of a memcached")
	span   = flag.Duration("span", 100*time.Millisecond, "how long each turn is")
	turns  = flag.Int("turns", 9, "how often each takes its turn")
	only   = flag.String("only", "", "only the one of this name")
	single = flag.Int("size", 0, "only sessions of this many bytes")
	cpu    = flag.String("cpuprofile", "", "write a profile to this file")
)

// fillers is how many keys of text a session has beside the three that are read.
const fillers = 20

// contender serves requests with sessions in its own way.
type contender struct {
	name string
	// begin makes the handler of requests to a session that holds so many bytes: POST fills it, GET reads and changes it.
	begin func(address string, size int) http.Handler
}

var contenders = []contender{
	{"gorilla, memcache", func(address string, size int) http.Handler { return gorillaPeer(address, size, false) }},
	{"gorilla, memcache, gob", func(address string, size int) http.Handler { return gorillaPeer(address, size, true) }},
	{"scs, gomemcache", scsPeer},
	{"lovely gorillastore", gorillaOurs},
	{"lovely scsstore, gob", func(address string, size int) http.Handler { return scsOurs(address, size, false) }},
	{"lovely scsstore", func(address string, size int) http.Handler { return scsOurs(address, size, true) }},
	{"lovely middleware", middlewareOurs},
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *server == "" {
		log.Fatal("no -server")
	}
	if *cpu != "" {
		file, err := os.Create(*cpu)
		check(err)
		check(pprof.StartCPUProfile(file))
		defer pprof.StopCPUProfile()
	}
	fmt.Printf("a request: cookie, load, read 3 keys, change 1, store, cookie; %d keys; %d turns of %v each, median of turns\n",
		fillers+3, *turns, *span)
	for _, size := range []int{200, 2 << 10, 16 << 10, 200 << 10} {
		if *single == 0 || *single == size {
			compare(size)
		}
	}
}

// compare measures all with sessions of one size.
func compare(size int) {
	var runs []*run
	for _, contender := range contenders {
		if *only == "" || *only == contender.name {
			runs = append(runs, newRun(contender, size))
		}
	}
	for range *turns {
		for _, run := range runs {
			run.turn()
		}
	}
	fmt.Printf("\n%7d bytes %12s %10s %10s %12s %12s %10s\n", size, "us/request", "allocs", "KiB", "of gorilla", "of its gob", "of scs")
	medians := map[string]float64{}
	for _, run := range runs {
		slices.Sort(run.micros)
		medians[run.name] = run.micros[len(run.micros)/2]
	}
	for _, run := range runs {
		mine := medians[run.name]
		fmt.Printf("%-24s %10.1f %10.0f %10.1f %12.2f %12.2f %10.2f\n", run.name, mine, run.allocs(), run.bytes()/1024,
			mine/medians[contenders[0].name], mine/medians[contenders[1].name], mine/medians[contenders[2].name])
	}
}

// run is one contender with its session.
type run struct {
	name    string
	handler http.Handler
	cookie  string
	micros  []float64

	requests, mallocs, allocated uint64
}

func newRun(contender contender, size int) *run {
	run := &run{name: contender.name, handler: contender.begin(*server, size)}
	answer := run.ask(http.MethodPost)
	cookies := (&http.Response{Header: answer.header}).Cookies()
	if len(cookies) != 1 {
		log.Fatalf("%s: %d cookies, status %d", run.name, len(cookies), answer.status)
	}
	run.cookie = cookies[0].Name + "=" + cookies[0].Value
	for range 20 {
		run.get()
	}
	return run
}

// get is one request.
func (r *run) get() {
	if answer := r.ask(http.MethodGet); answer.status != http.StatusOK {
		log.Fatalf("%s: status %d", r.name, answer.status)
	}
}

// ask calls the handler as the server of net/http does: with a context that ends with the request.
func (r *run) ask(method string) *answer {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	request, err := http.NewRequestWithContext(ctx, method, "http://shop.example/", nil)
	check(err)
	if r.cookie != "" {
		request.Header.Set("Cookie", r.cookie)
	}
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	r.handler.ServeHTTP(answer, request)
	return answer
}

func (r *run) turn() {
	// Garbage of others is not this one's.
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count, start := 0, time.Now()
	for time.Since(start) < *span {
		r.get()
		count++
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	r.micros = append(r.micros, float64(took.Nanoseconds())/float64(count)/1000)
	r.requests += uint64(count)
	r.mallocs += after.Mallocs - before.Mallocs
	r.allocated += after.TotalAlloc - before.TotalAlloc
}

func (r *run) allocs() float64 { return float64(r.mallocs) / float64(r.requests) }

func (r *run) bytes() float64 { return float64(r.allocated) / float64(r.requests) }

// answer takes a response.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(data []byte) (int, error) { return len(data), nil }

// filler is the text under each key that is not read.
func filler(size int) (keys []string, text string) {
	for i := range fillers {
		keys = append(keys, fmt.Sprintf("filler %d", i))
	}
	return keys, strings.Repeat("x", max(size-40, 0)/fillers)
}

// fail ends a request that went wrong.
func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	w.WriteHeader(http.StatusInternalServerError)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
