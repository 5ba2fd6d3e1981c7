package lovely_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// relay is a way to the server that can be cut and mended.
type relay struct {
	listener net.Listener
	mutex    sync.Mutex
	isCut    bool
	open     []net.Conn
}

func newRelay(t *testing.T) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &relay{listener: listener}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			r.connect(client)
		}
	}()
	return r
}

func (r *relay) connect(client net.Conn) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	upstream, err := net.Dial("tcp", server)
	if err != nil || r.isCut {
		_ = client.Close()
		if err == nil {
			_ = upstream.Close()
		}
		return
	}
	r.open = append(r.open, client, upstream)
	pump := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
	}
	go pump(upstream, client)
	go pump(client, upstream)
}

// cut closes all connections, and those that are made from now on. It returns when that is not news any more: the library
// asks about a connection that has waited, not about one that was used a moment ago.
func (r *relay) cut() {
	r.mutex.Lock()
	r.isCut = true
	for _, connection := range r.open {
		_ = connection.Close()
	}
	r.open = nil
	r.mutex.Unlock()
	time.Sleep(120 * time.Millisecond)
}

func (r *relay) mend() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.isCut = false
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, connection := range r.open {
		_ = connection.Close()
	}
}
