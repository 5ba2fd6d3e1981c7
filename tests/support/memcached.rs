//! A memcached of the test's own, on a free port of the loopback or on a unix socket; stopped when dropped.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Seek, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long one may take until it answers: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running memcached.
#[derive(Debug)]
pub struct Memcached {
    place: Place,
    options: Vec<String>,
    prepare: fn(&mut Command),
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
        Self::start_with(None, options, |_| {})
    }

    /// One on a unix socket.
    pub fn start_unix(options: &[&str]) -> Self {
        Self::start_with(Some(&unique_path("sock")), options, |_| {})
    }

    /// One at `path`, or else on TCP, each time that it is started by a command that `prepare` has changed.
    pub fn start_with(path: Option<&Path>, options: &[&str], prepare: fn(&mut Command)) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let mut refused = String::new();
        for _ in 0..20 {
            let place = path.map_or_else(|| Place::Tcp(some_port()), |path| Place::Unix(path.to_owned()));
            let mut memcached = Self { place, options: options.clone(), prepare, child: None };
            match memcached.spawn() {
                Ok(()) => return memcached,
                // Somebody else is there, if the port is what is wrong with it: another one is tried.
                Err(why) => refused = why,
            }
        }
        panic!("no memcached could be started: {refused}");
    }

    /// Returns when it answers, and not somebody else in its place; or says why it does not.
    fn spawn(&mut self) -> Result<(), String> {
        let mut command = Command::new("memcached");
        // `-u` counts only where the tests run as root.
        command.args(["-u", "root", "-t", "2"]).args(&self.options);
        match &self.place {
            Place::Tcp(port) => command.args(["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()]),
            Place::Unix(path) => command.arg("-s").arg(path),
        };
        let mut log = unnamed_file();
        command.stdout(Stdio::null()).stderr(log.try_clone().unwrap());
        (self.prepare)(&mut command);
        let mut child = command.spawn().expect("memcached is installed");
        let deadline = Instant::now() + PATIENCE;
        let end = loop {
            if self.first_answer().is_ok_and(|answer| self.is_of(&child, &answer)) {
                self.child = Some(child);
                return Ok(());
            }
            if let Some(status) = child.try_wait().unwrap() {
                break format!("it ended with {status}");
            }
            if Instant::now() > deadline {
                break format!("it has not answered for {PATIENCE:?}");
            }
            sleep(Duration::from_millis(5));
        };
        let _ = child.kill();
        let _ = child.wait();
        let mut said = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut said).unwrap();
        Err(format!("{:?}: {end}, and said {:?}", self.place, said.trim_end()))
    }

    /// Whether `child` gives this first answer to `stats`, and not somebody else in its place.
    fn is_of(&self, child: &Child, answer: &str) -> bool {
        // One that wants a password says no more than that.
        let is_secretive = self.options.iter().any(|option| option == "-Y");
        answer == format!("STAT pid {}", child.id()) || is_secretive && answer == "CLIENT_ERROR unauthenticated"
    }

    /// The first line of what is answered to `stats` in its place.
    fn first_answer(&self) -> io::Result<String> {
        fn ask(mut stream: impl Read + Write) -> io::Result<String> {
            stream.write_all(b"stats\r\n")?;
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") && line.len() < 64 {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                line.extend(byte);
            }
            Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
        }
        // Whoever else is there may never answer.
        let patience = Some(Duration::from_secs(1));
        match &self.place {
            Place::Tcp(port) => {
                let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], *port)), PATIENCE)?;
                stream.set_read_timeout(patience)?;
                ask(stream)
            }
            Place::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(patience)?;
                ask(stream)
            }
        }
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
        let deadline = Instant::now() + PATIENCE;
        while let Err(why) = self.spawn() {
            assert!(Instant::now() < deadline, "memcached does not start again: {why}");
            sleep(Duration::from_millis(20));
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
            fs::read_dir(&tasks).unwrap().flatten().all(|task| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
                stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
            })
        };
        while !is_stopped() {
            sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on, if it was not killed meanwhile.
    #[allow(unsafe_code, reason = "kill has no safe form")]
    pub fn resume(&self) {
        if self.child.is_some() {
            // SAFETY: a signal to a process of our own, which was not waited for.
            assert_eq!(unsafe { libc::kill(self.pid(), libc::SIGCONT) }, 0);
        }
    }

    /// Its port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self.place {
            Place::Tcp(port) => Some(port),
            Place::Unix(_) => None,
        }
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
            let _ = fs::remove_file(path);
        }
    }
}

/// Somebody else may have it; but no outgoing connection takes it, also while its memcached is down: Linux gives these ports from
/// 32,768 on (`ip_local_port_range`).
fn some_port() -> u16 {
    let random = RandomState::new().build_hasher().finish();
    20_000 + u16::try_from(random % 12_000).unwrap()
}

fn unique_path(extension: &str) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lovely-{}-{number}.{extension}", std::process::id()))
}

/// Gone when it is closed. A pipe would have to be read all the time.
fn unnamed_file() -> File {
    let path = unique_path("log");
    let file = File::options().read(true).append(true).create_new(true).open(&path).unwrap();
    fs::remove_file(path).unwrap();
    file
}
