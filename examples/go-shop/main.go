// A shop: sign in, fill a cart, sign out. It serves the same visitors from the same store as the shops in ../server.cpp and
// ../rack_shop.ru:
//
//	cookie "shop"         the session id, 32 characters; HttpOnly, SameSite=Lax, Path=/, and Secure with -secure
//	container "visitors"
//	package "shop"        "user": text, who is signed in; absent for a guest
//	package "cart"        each item's name: integer, how many, changed only by adding, so that concurrent requests add up
//
// An id is used only if a session stands under it, and signing in gives the session a new one: an id that somebody planted is
// worth nothing.
//
//	go run . -port 8080 memcached://localhost
//
//	GET /        the page                      POST /signin    user=NAME
//	GET /cart    {"cart":{...},"user":...}     POST /cart      item=NAME, count=NUMBER (1 if it is not there)
//	GET /admin   for the user "admin"          POST /signout
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

func main() {
	port := flag.Int("port", 8080, "port of the loopback to listen on; 0 for any")
	secure := flag.Bool("secure", false, "give the cookie to HTTPS only")
	flag.Parse()
	url := "memory://shop"
	if flag.NArg() > 0 {
		url = flag.Arg(0)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, url, *port, *secure); err != nil {
		log.Fatal(err)
	}
}

// run serves the shop until the context ends.
func run(ctx context.Context, url string, port int, secure bool) error {
	store, err := lovely.Open(url)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Ping(ctx); err != nil {
		return err
	}
	handler, err := newShop(store, secure)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		// What is being answered is answered.
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(late)
	}
}

// newShop makes the handler of all requests.
func newShop(store *lovely.Store, secure bool) (http.Handler, error) {
	visitors, err := store.Container("visitors")
	if err != nil {
		return nil, err
	}
	manager, err := middleware.New(visitors, middleware.WithName("shop"), middleware.WithPackage("shop"), middleware.WithSecure(secure),
		middleware.WithOnError(fail))
	if err != nil {
		return nil, err
	}
	return guard(manager.Handler(routes(store))), nil
}
