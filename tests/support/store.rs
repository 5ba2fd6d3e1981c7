//! Every store there is, so that each behaviour is shown on all: the embedded one, memcached on TCP and on a unix socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lovely_session::store::{Store, StoreOptions};

use super::memcached::Memcached;

/// A store of one test, empty, and the server behind it.
#[derive(Debug)]
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Its URL: opening it again gives the same store.
    pub url: String,
    /// Its server, if it has one.
    pub server: Option<Memcached>,
}

impl TestStore {
    /// An embedded one.
    pub fn memory() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let url = format!("memory://test-store-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self::open(url, None)
    }

    /// One on a memcached of its own.
    pub fn memcached(options: &[&str]) -> Self {
        let server = Memcached::start(options);
        Self::open(server.url(), Some(server))
    }

    /// The same, on a unix socket.
    pub fn memcached_unix(options: &[&str]) -> Self {
        let server = Memcached::start_unix(options);
        Self::open(server.url(), Some(server))
    }

    fn open(url: String, server: Option<Memcached>) -> Self {
        Self { store: Store::open(Some(&url), &StoreOptions::new()).unwrap(), url, server }
    }

    /// How much longer than its timeout a session may last here, because whole seconds are counted (contract 4.1).
    pub fn slack(&self) -> Duration {
        if self.server.is_some() { Duration::from_secs(2) } else { Duration::ZERO }
    }

    /// The server, of a store that has one.
    pub fn server(&mut self) -> &mut Memcached {
        self.server.as_mut().expect("a store on memcached")
    }
}

/// Runs a test on every store; `LOVELY_TEST_STORES` may name those to run on (`memory`, `tcp`, `unix`).
pub fn on_every_store(test: impl Fn(&mut TestStore)) {
    let wanted = std::env::var("LOVELY_TEST_STORES").unwrap_or_else(|_| "memory,tcp,unix".to_owned());
    for kind in wanted.split(',') {
        let mut store = match kind {
            "memory" => TestStore::memory(),
            "tcp" => TestStore::memcached(&[]),
            "unix" => TestStore::memcached_unix(&[]),
            other => panic!("LOVELY_TEST_STORES: no store {other:?}"),
        };
        // Says which store it was if the test fails.
        eprintln!("on {}", store.url);
        test(&mut store);
    }
}
