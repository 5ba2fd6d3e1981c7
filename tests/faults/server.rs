//! A memcached that is killed, stopped, restarted and emptied; it ends with this process, however that ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::history::Nanos;
use crate::memory::{self, Dropped, Memory};
use crate::socket::Address;

/// A server at a place of its own.
#[derive(Debug)]
pub struct Server {
    address: Address,
    memory: Memory,
    child: Option<Child>,
    dropped: Dropped,
}

impl Server {
    /// One at `path`, or else on a free port.
    pub fn start(path: Option<&Path>, memory: Memory) -> Self {
        for _ in 0..20 {
            // Free now; if somebody else is faster, memcached ends at once, and another port is tried.
            let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let address = match path {
                Some(path) => Address::Unix(path.to_owned()),
                None => Address::Tcp(SocketAddr::from(([127, 0, 0, 1], port()))),
            };
            let mut server = Self { address, memory, child: None, dropped: Dropped::default() };
            if server.try_spawn() {
                return server;
            }
        }
        panic!("no memcached could be started");
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
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
        command.args(["-t", "2", "-u", "root"]).args(self.memory.options());
        match &self.address {
            Address::Tcp(address) => command.args(["-l", "127.0.0.1", "-U", "0", "-p", &address.port().to_string()]),
            Address::Unix(path) => command.arg("-s").arg(path),
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        end_with_parent(&mut command);
        let mut child = command.spawn().expect("memcached is installed");
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            if self.address.connect().is_ok() && child.try_wait().unwrap().is_none() {
                self.child = Some(child);
                if self.memory == Memory::Evicts {
                    memory::watch(&self.address, &self.dropped);
                }
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

    /// Fills up the memory of some sizes of records, as `is_wanted` picks them; the keys of what it is filled with.
    pub fn fill(&self, is_wanted: impl FnMut() -> bool) -> Vec<String> {
        let mut filled = Vec::new();
        for (requests, keys) in memory::filling(is_wanted) {
            self.ask(&requests, "MN\r\n");
            filled.extend(keys);
        }
        filled
    }

    /// Takes that away again.
    pub fn make_room(&self, filled: &[String]) {
        let requests: String = filled.iter().flat_map(|key| ["md ", key, " q\r\n"]).collect();
        self.ask(requests.as_bytes(), "MN\r\n");
    }

    /// What it answers to `requests`; where these are meta requests, up to `MN`.
    fn ask(&self, requests: &[u8], end: &str) -> String {
        let stream = self.address.connect().unwrap();
        (&stream).write_all(requests).unwrap();
        if end == "MN\r\n" {
            (&stream).write_all(b"mn\r\n").unwrap();
        }
        let (mut text, mut buffer) = (Vec::new(), [0; 4_096]);
        while !text.ends_with(end.as_bytes()) {
            let read = (&stream).read(&mut buffer).unwrap();
            assert!(read > 0, "memcached closed after {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap()
    }

    /// Whether it may have dropped records without telling.
    pub fn has_kept_silent(&self) -> bool {
        match self.memory {
            Memory::Evicts => self.count("log_worker_dropped") + self.count("log_watcher_skipped") > 0,
            Memory::Plenty | Memory::Refuses => self.count("evictions") > 0,
        }
    }

    /// Whether it refused to store something for want of memory, or was out of it for another reason.
    pub fn has_refused(&self) -> bool {
        self.count("store_no_memory") > 0
    }

    /// A number of its statistics.
    fn count(&self, name: &str) -> u64 {
        let stats = self.ask(b"stats\r\n", "END\r\n");
        let value = |line: &str| line.strip_prefix("STAT ")?.strip_prefix(name)?.trim().parse().ok();
        stats.lines().find_map(value).expect("a number of stats")
    }

    /// When it dropped records for want of memory, and their keys.
    pub fn dropped(&self) -> Vec<(Nanos, String)> {
        self.dropped.lock().unwrap().clone()
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
