// Package memcachedtest starts a memcached for tests, and counts what it is asked.
package memcachedtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a memcached of this process.
type Server struct {
	// Address is where it listens, on the loopback.
	Address string
	command *exec.Cmd
}

// Start starts one on a free port.
func Start() (*Server, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		address := listener.Addr().String()
		_ = listener.Close()
		_, port, _ := net.SplitHostPort(address)
		// Root is refused without a user; -u counts for nobody else.
		server := &Server{address, exec.Command("memcached", "-l", "127.0.0.1", "-p", port, "-U", "0", "-u", me.Username)}
		// It goes with this process, however that ends.
		server.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := server.command.Start(); err != nil {
			return nil, err
		}
		for range 200 {
			if connection, err := net.Dial("tcp", address); err == nil {
				_ = connection.Close()
				return server, nil
			}
			time.Sleep(5 * time.Millisecond)
		}
		server.Stop()
	}
	return nil, fmt.Errorf("no memcached could be started")
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
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
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
