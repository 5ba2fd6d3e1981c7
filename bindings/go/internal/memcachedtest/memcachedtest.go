// Package memcachedtest starts a memcached for tests, and counts what it is asked.
package memcachedtest

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long one may take until it answers: the machine may be busy.
const patience = 10 * time.Second

// Server is a memcached of this process.
type Server struct {
	// Address is where it listens, on the loopback.
	Address string
	// PID is its number.
	PID   int
	kill  func() error
	ended chan struct{}
}

// Start starts one on a free port, with more options.
func Start(options ...string) (*Server, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	var refused error
	for range 20 {
		// Somebody else may have it; but no outgoing connection does: Linux gives these ports from 32768 on.
		port := strconv.Itoa(20000 + rand.IntN(12000))
		// Root is refused without a user; -u counts for nobody else.
		options := append([]string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-u", me.Username}, options...)
		server, err := start(net.JoinHostPort("127.0.0.1", port), exec.Command("memcached", options...))
		if err == nil {
			return server, nil
		}
		refused = err
	}
	return nil, fmt.Errorf("no memcached could be started: %w", refused)
}

// start returns when it answers, and not somebody else in its place; or says why it does not.
func start(address string, command *exec.Cmd) (*Server, error) {
	var said bytes.Buffer
	command.Stderr = &said
	// It goes with this process, however that ends.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, err
	}
	server := &Server{address, command.Process.Pid, command.Process.Kill, make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(server.ended)
	}()
	for deadline := time.Now().Add(patience); !server.answers(); {
		select {
		case <-server.ended:
			return nil, fmt.Errorf("%s: %v, and said %q", address, command.ProcessState, said.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			server.Stop()
			return nil, fmt.Errorf("%s: it has not answered for %v, and said %q", address, patience, said.String())
		}
	}
	return server, nil
}

// answers tells whether it is this one that answers at its address. Whoever else is there may never answer.
func (s *Server) answers() bool {
	connection, err := net.DialTimeout("tcp", s.Address, patience)
	if err != nil {
		return false
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(connection, "stats\r\n"); err != nil {
		return false
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	return err == nil && line == fmt.Sprintf("STAT pid %d\r\n", s.PID)
}

// Main runs the tests of a package with a memcached for all of them, and returns the status to exit with.
func Main(tests func(server *Server) int) int {
	server, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	return tests(server)
}

// Stop stops it.
func (s *Server) Stop() {
	_ = s.kill()
	<-s.ended
}

// Commands counts the commands that it was sent, but for those that ask for such counts.
func (s *Server) Commands() (uint64, error) {
	connection, err := net.Dial("tcp", s.Address)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	if _, err := fmt.Fprint(connection, "stats\r\n"); err != nil {
		return 0, err
	}
	var commands uint64
	lines := bufio.NewScanner(connection)
	for lines.Scan() && lines.Text() != "END" {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || !strings.HasPrefix(fields[1], "cmd_") {
			continue
		}
		count, err := strconv.ParseUint(fields[2], 10, 64)
		if err != nil {
			return 0, err
		}
		commands += count
	}
	return commands, lines.Err()
}
