//! A memcached of the test's own, on a free port of the loopback or on a unix socket; stopped when dropped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running memcached.
#[derive(Debug)]
pub struct Memcached {
    place: Place,
    options: Vec<String>,
    child: Option<Child>,
}

#[derive(Debug, Clone)]
enum Place {
    Tcp(u16),
    Unix(PathBuf),
}

impl Memcached {
    /// One on TCP.
    pub fn start(options: &[&str]) -> Self {
        for _ in 0..20 {
            // Free now; if somebody else is faster, memcached ends at once, and another port is tried.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(started) = Self::started(Place::Tcp(port), options) {
                return started;
            }
        }
        panic!("no memcached could be started");
    }

    /// One on a unix socket.
    pub fn start_unix(options: &[&str]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lovely-{}-{number}.sock", std::process::id()));
        Self::started(Place::Unix(path), options).expect("memcached on a unix socket")
    }

    fn started(place: Place, options: &[&str]) -> Option<Self> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut memcached = Self { place, options, child: None };
        memcached.spawn().then_some(memcached)
    }

    fn spawn(&mut self) -> bool {
        let mut command = Command::new("memcached");
        match &self.place {
            Place::Tcp(port) => command.args(["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()]),
            Place::Unix(path) => command.arg("-s").arg(path),
        };
        // `-u` counts only where the tests run as root.
        command.args(["-u", "root", "-t", "2"]).args(&self.options).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("memcached is installed");
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            let is_up = match &self.place {
                Place::Tcp(port) => TcpStream::connect(("127.0.0.1", *port)).is_ok(),
                Place::Unix(path) => UnixStream::connect(path).is_ok(),
            };
            if is_up && child.try_wait().unwrap().is_none() {
                self.child = Some(child);
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Another process in the same place.
    pub fn restart(&mut self) {
        self.kill();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.spawn() {
            assert!(Instant::now() < deadline, "memcached does not start again");
        }
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.child.as_ref().unwrap().id().try_into().unwrap()
    }

    /// Stops it for a while, as a machine that is overloaded; see `resume`.
    #[allow(unsafe_code, reason = "kill has no safe form")]
    pub fn freeze(&self) {
        // SAFETY: a signal to a process of our own.
        assert_eq!(unsafe { libc::kill(self.pid(), libc::SIGSTOP) }, 0);
        // The signal is sent, not yet taken: each thread may still answer what is asked at once.
        let tasks = format!("/proc/{}/task", self.pid());
        let is_stopped = || {
            std::fs::read_dir(&tasks).unwrap().flatten().all(|task| {
                let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
            })
        };
        while !is_stopped() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Lets it go on.
    #[allow(unsafe_code, reason = "kill has no safe form")]
    pub fn resume(&self) {
        // SAFETY: a signal to a process of our own.
        assert_eq!(unsafe { libc::kill(self.pid(), libc::SIGCONT) }, 0);
    }

    /// The URL of a store on it, without a prefix.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Tcp(port) => format!("memcached://127.0.0.1:{port}"),
            Place::Unix(path) => format!("memcached+unix://{}", path.display()),
        }
    }

    /// The same with a prefix.
    pub fn url_with_prefix(&self, prefix: &str) -> String {
        match &self.place {
            Place::Tcp(_) => format!("{}/{prefix}", self.url()),
            Place::Unix(_) => format!("{}?prefix={prefix}", self.url()),
        }
    }

    /// What it answers to `request`, up to `end`, on a connection of its own.
    pub fn ask(&self, request: &[u8], end: &str) -> String {
        fn talk(mut stream: impl Read + Write, request: &[u8], end: &str) -> String {
            stream.write_all(request).unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 4_096];
            while !text.ends_with(end.as_bytes()) {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&text));
                text.extend_from_slice(&buffer[..read]);
            }
            String::from_utf8(text).unwrap()
        }
        match &self.place {
            Place::Tcp(port) => talk(TcpStream::connect(("127.0.0.1", *port)).unwrap(), request, end),
            Place::Unix(path) => talk(UnixStream::connect(path).unwrap(), request, end),
        }
    }

    /// One number of `stats`.
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.ask(b"stats\r\n", "END\r\n");
        let prefix = format!("STAT {name} ");
        let line = stats.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a number of stats");
        line.parse().unwrap()
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Place::Unix(path) = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }
}
