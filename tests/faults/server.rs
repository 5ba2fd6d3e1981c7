//! A memcached that is killed, stopped, restarted and emptied; it ends with this process, however that ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A server on a port of its own.
#[derive(Debug)]
pub struct Server {
    port: u16,
    memory: u64,
    child: Option<Child>,
}

impl Server {
    /// One on a free port, with so many megabytes.
    pub fn start(memory: u64) -> Self {
        for _ in 0..20 {
            // Free now; if somebody else is faster, memcached ends at once, and another port is tried.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { port, memory, child: None };
            if server.try_spawn() {
                return server;
            }
        }
        panic!("no memcached could be started");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Starts it again after `kill`.
    pub fn restart(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.try_spawn() {
            assert!(Instant::now() < deadline, "memcached does not start again");
        }
    }

    fn try_spawn(&mut self) -> bool {
        let mut command = Command::new("memcached");
        // `-u` counts only where the tests run as root.
        command.args(["-l", "127.0.0.1", "-U", "0", "-t", "2", "-u", "root", "-p", &self.port.to_string()]);
        command.args(["-m", &self.memory.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        end_with_parent(&mut command);
        let mut child = command.spawn().expect("memcached is installed");
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            if TcpStream::connect(self.address()).is_ok() && child.try_wait().unwrap().is_none() {
                self.child = Some(child);
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it until `thaw`.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    #[allow(unsafe_code, reason = "kill has no safe form")]
    fn signal(&self, signal: libc::c_int) {
        if let Some(child) = &self.child {
            // SAFETY: a signal to a process of our own, which was not waited for.
            assert_eq!(unsafe { libc::kill(child.id().try_into().unwrap(), signal) }, 0);
        }
    }

    /// Drops all that it holds.
    pub fn empty(&self) {
        assert_eq!(self.ask(b"flush_all\r\n", "\r\n"), "OK\r\n");
    }

    /// What it answers to `request`, up to `end`.
    fn ask(&self, request: &[u8], end: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(request).unwrap();
        let (mut text, mut buffer) = (Vec::new(), [0; 4_096]);
        while !text.ends_with(end.as_bytes()) {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "memcached closed after {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap()
    }

    /// How many records it dropped for want of memory, since it was started.
    pub fn evictions(&self) -> u64 {
        let stats = self.ask(b"stats\r\n", "END\r\n");
        let line = stats.lines().find_map(|line| line.strip_prefix("STAT evictions ")).expect("a number of stats");
        line.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Has the system kill the process when the thread that starts it is gone.
#[allow(unsafe_code, reason = "the standard library knows no such wish")]
pub fn end_with_parent(command: &mut Command) {
    // SAFETY: one system call, which is fine between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}
