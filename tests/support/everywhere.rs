//! Every behaviour holds on every store: the tests of a program run on `memory://`, and again on memcached.
//!
//! `LOVELY_SESSION_TEST_URL` names the server to run on; without it, the stores are embedded ones.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::memcached::Memcached;
use super::relay::Relay;
use super::servers::Servers;

const VARIABLE: &str = "LOVELY_SESSION_TEST_URL";

/// Whether these tests run on the embedded store, which counts time exactly and can have faults scripted.
pub fn is_embedded() -> bool {
    std::env::var_os(VARIABLE).is_none()
}

/// How much longer than its timeout a session may last here, because whole seconds are counted (contract 4.1).
pub fn slack() -> Duration {
    if is_embedded() { Duration::ZERO } else { Duration::from_secs(2) }
}

/// The URL of a store that no other test has, with `query` after it.
pub fn new_url(name: &str, query: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let (number, process) = (NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id());
    match std::env::var(VARIABLE) {
        Err(_) => format!("memory://{name}-{number}{query}"),
        Ok(server) if server.contains("+unix") => {
            let more = query.replacen('?', "&", 1);
            format!("{server}?prefix={name}-{process}-{number}{more}")
        }
        Ok(server) => format!("{server}/{name}-{process}-{number}{query}"),
    }
}

/// The same with a way to the server that can be cut, where there is a server: the URL is one on TCP then. After a cut it
/// is tried again at once.
pub fn new_url_that_can_fail(name: &str) -> (String, Option<Relay>) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let Ok(server) = std::env::var(VARIABLE) else { return (new_url(name, ""), None) };
    let relay = Relay::to(&server);
    let (number, process) = (NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id());
    (format!("memcached://127.0.0.1:{}/{name}-{process}-f{number}?retry_pause=1", relay.port()), Some(relay))
}

/// Runs all other tests of this program once more on a memcached on TCP, on one on a unix socket, and on three that are one
/// store, but those of `embedded_only`. To be called by a test of the name `this`.
pub fn all_on_memcached(this: &str, embedded_only: &[&str]) {
    if !is_embedded() {
        return;
    }
    let (tcp, unix, several) = (Memcached::start(&[]), Memcached::start_unix(&[]), Servers::start(3));
    for url in [tcp.url(), unix.url(), several.url("")] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(VARIABLE, &url).args(["--exact", "--skip", this]);
        for test in embedded_only {
            command.args(["--skip", test]);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "on {url}:\n{text}");
        // A program that skips everything would prove nothing.
        let passed =
            text.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok());
        assert!(passed.is_some_and(|passed: usize| passed > 0), "on {url}:\n{text}");
    }
}
