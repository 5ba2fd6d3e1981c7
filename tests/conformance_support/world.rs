//! The world that a trace plays in: an empty store, its containers, and a clock that starts when the trace says.

use std::collections::BTreeMap;
use std::time::Instant;

use lovely_session::capi::container::ls_container_option as Option_;

use super::c::{Answer, Container, Store};
use super::trace::Trace;
use crate::support::relay::Relay;

/// What a store of tests has to be able to do beyond what every store does.
#[derive(Debug)]
pub enum Backend {
    /// The embedded store: failing is scripted through the library.
    Memory,
    /// One on memcached: the way to the server is cut.
    Memcached(Relay),
}

impl Backend {
    /// An empty store for each trace: one of its own.
    fn open(url: &str, trace: &Trace) -> Answer<(Self, Store)> {
        if url.starts_with("memory://") {
            let store = Store::open(&format!("{url}-{}", trace.file))?;
            store.flush()?;
            return Ok((Self::Memory, store));
        }
        let relay = Relay::to(url);
        let name = trace.file.trim_end_matches(".json");
        // Nobody has used this prefix before: the server may hold other data, which is not ours to flush.
        let url = format!("memcached://127.0.0.1:{}/{name}-{}", relay.port(), std::process::id());
        Ok((Self::Memcached(relay), Store::open(&url)?))
    }

    fn take_down(&self, store: &Store) -> Answer<()> {
        match self {
            Self::Memory => store.take_down(),
            Self::Memcached(relay) => {
                relay.cut();
                Ok(())
            }
        }
    }

    fn bring_up(&self, store: &Store) -> Answer<()> {
        match self {
            Self::Memory => store.bring_up(),
            Self::Memcached(relay) => {
                relay.mend();
                Ok(())
            }
        }
    }
}

/// Store, containers and clock of one trace.
#[derive(Debug)]
pub struct World {
    backend: Backend,
    store: Store,
    pub is_down: bool,
    containers: BTreeMap<String, Container>,
    names: BTreeMap<String, String>,
    /// The trace's clock at its start, in Unix seconds.
    clock: i64,
    /// The store's clock then, in Unix milliseconds.
    start_ms: i64,
    started: Instant,
    /// When the trace's clock stood still, in milliseconds after its start.
    moments: Vec<i64>,
}

impl World {
    pub fn new(url: &str, trace: &Trace) -> Answer<Self> {
        let (backend, store) = Backend::open(url, trace)?;
        let mut world = Self {
            backend,
            is_down: false,
            containers: BTreeMap::new(),
            names: BTreeMap::new(),
            clock: trace.clock,
            start_ms: store.now_ms()?,
            started: Instant::now(),
            moments: vec![0],
            store,
        };
        for c in &trace.containers {
            let container = Container::open(&world.store, &c.name)?;
            container.set(Option_::LS_CONTAINER_TIMEOUT, c.timeout * 1000)?;
            container.set(Option_::LS_CONTAINER_RESOLUTION, c.resolution * 1000)?;
            world.containers.insert(c.key.clone(), container);
            world.names.insert(c.name.clone(), c.key.clone());
        }
        Ok(world)
    }

    pub fn container(&self, key: &str) -> &Container {
        &self.containers[key]
    }

    /// What the trace calls the container of this name.
    pub fn key_of(&self, name: &str) -> &str {
        &self.names[name]
    }

    pub fn take_down(&mut self) -> Answer<()> {
        self.is_down = true;
        self.backend.take_down(&self.store)
    }

    pub fn bring_up(&mut self) -> Answer<()> {
        self.is_down = false;
        self.backend.bring_up(&self.store)
    }

    pub fn evict(&self, key: &str, id: &str) -> Answer<bool> {
        self.container(key).evict(id)
    }

    pub fn advance(&mut self, seconds: i64) -> Answer<()> {
        self.store.advance_ms(seconds * 1000)?;
        let last = self.moments.last().unwrap();
        self.moments.push(last + seconds * 1000);
        Ok(())
    }

    /// Makes a container look as if nobody had come since `time` in Unix seconds. Beyond the timeout it makes no
    /// difference for how long, so that the clock is not moved by decades.
    pub fn set_last_access(&mut self, key: &str, time: i64) -> Answer<()> {
        let now = self.clock + self.moments.last().unwrap() / 1000;
        let timeout = self.container(key).option(Option_::LS_CONTAINER_TIMEOUT)? / 1000;
        self.advance((now - time).min(timeout))
    }

    /// A time of the store as a time of the trace, in Unix seconds.
    ///
    /// The trace's clock stands still between two moves, the store's does not: what lies behind a moment of the trace
    /// by no more than the time that the replay has taken so far is that moment.
    pub fn seconds(&self, store_ms: i64) -> i64 {
        let since = store_ms - self.start_ms;
        let slack = i64::try_from(self.started.elapsed().as_millis()).unwrap() + 1;
        let moment = self.moments.iter().rev().find(|moment| (0..=slack).contains(&(since - **moment)));
        self.clock + moment.unwrap_or(&since).div_euclid(1000)
    }
}
