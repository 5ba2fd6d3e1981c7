//! A memcached that is killed, stopped, restarted and emptied; it ends with this process, however that ends.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::history::Nanos;
use crate::memcached::Memcached;
use crate::memory::{self, Dropped, Memory};
use crate::socket::Address;

/// A server at a place of its own.
#[derive(Debug)]
pub struct Server {
    address: Address,
    memory: Memory,
    memcached: Memcached,
    dropped: Dropped,
}

impl Server {
    /// One at `path`, or else on a free port.
    pub fn start(path: Option<&Path>, memory: Memory) -> Self {
        let options = memory.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let memcached = Memcached::start_with(path, &options, end_with_parent);
        let address = match path {
            Some(path) => Address::Unix(path.to_owned()),
            None => Address::Tcp(SocketAddr::from(([127, 0, 0, 1], memcached.port().unwrap()))),
        };
        let server = Self { address, memory, memcached, dropped: Dropped::default() };
        server.watch();
        server
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Starts it again after `kill`.
    pub fn restart(&mut self) {
        self.memcached.restart();
        self.watch();
    }

    fn watch(&self) {
        if self.memory == Memory::Evicts {
            memory::watch(&self.address, &self.dropped);
        }
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        self.memcached.kill();
    }

    /// Stops it until `thaw`.
    pub fn freeze(&self) {
        self.memcached.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.memcached.resume();
    }

    /// Drops all that it holds.
    pub fn empty(&self) {
        assert_eq!(self.memcached.ask(b"flush_all\r\n", "\r\n"), "OK\r\n");
    }

    /// Fills up the memory of some sizes of records, as `is_wanted` picks them; the keys of what it is filled with.
    pub fn fill(&self, is_wanted: impl FnMut() -> bool) -> Vec<String> {
        let mut filled = Vec::new();
        for (requests, keys) in memory::filling(is_wanted) {
            self.ask_all(requests);
            filled.extend(keys);
        }
        filled
    }

    /// Takes that away again.
    pub fn make_room(&self, filled: &[String]) {
        let requests: String = filled.iter().flat_map(|key| ["md ", key, " q\r\n"]).collect();
        self.ask_all(requests.into_bytes());
    }

    /// Sends meta requests that are answered only where they fail, and waits until it has worked them all.
    fn ask_all(&self, mut requests: Vec<u8>) {
        requests.extend(b"mn\r\n");
        self.memcached.ask(&requests, "MN\r\n");
    }

    /// Whether it may have dropped records without telling.
    pub fn has_kept_silent(&self) -> bool {
        match self.memory {
            Memory::Evicts => {
                self.memcached.stat("log_worker_dropped") + self.memcached.stat("log_watcher_skipped") > 0
            }
            Memory::Plenty | Memory::Refuses => self.memcached.stat("evictions") > 0,
        }
    }

    /// Whether it refused to store something for want of memory, or was out of it for another reason.
    pub fn has_refused(&self) -> bool {
        self.memcached.stat("store_no_memory") > 0
    }

    /// When it dropped records for want of memory, and their keys.
    pub fn dropped(&self) -> Vec<(Nanos, String)> {
        self.dropped.lock().unwrap().clone()
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
