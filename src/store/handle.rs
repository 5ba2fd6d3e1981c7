//! The store as callers hold it: the kind behind it, its clock, its counters, and what upper layers keep with it.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::memcached::Memcached;
use super::memory::{Fault, Memory};
use super::{
    Clock, Counter, Key, Left, LoadItem, Loaded, Place, Results, Stats, StoreOption, StoreOptions, Token, Url,
    WriteItem, Written, registry, url,
};
use crate::error::{Error, Result};
use crate::io::fork::Lock;
use crate::io::{is_past, pause, sys};
use crate::log;

/// A store. Cloning gives another handle to the same one, and so does opening it again anywhere in the process.
///
/// What a `memory://` store holds lives as long as any handle to it: a session container and a name in the registry
/// hold one.
///
/// After a fork the child may not use a `memory://` store that was opened before it: whatever would touch stored data
/// answers `Unsupported`. Opening the same name in the child gives a new, empty store. A store on memcached may be used
/// by the child too, with connections of its own.
#[derive(Clone)]
pub struct Store(Arc<Core>);

/// What all handles share.
pub(super) struct Core {
    id: u64,
    name: String,
    prefix: String,
    options: StoreOptions,
    clock: Clock,
    stats: Stats,
    kind: Kind,
    /// The process that opened the store, as [`sys::fork_generation`] tells them apart.
    generation: u64,
    attachments: Lock<Vec<(TypeId, Arc<dyn Any + Send + Sync>)>>,
}

#[allow(clippy::large_enum_variant, reason = "one for each open store, behind an `Arc`")]
enum Kind {
    Memory(Memory),
    Memcached(Memcached),
}

impl Store {
    /// Opens the store that `url` names; one that is open already is given again.
    ///
    /// Without a URL: the environment variable `LOVELY_SESSION_URL`, or else `memory://default` with a warning on the
    /// log. What neither the URL nor `options` set is left as it is in a store that is open, and is the default in a
    /// new one.
    ///
    /// `Argument` for a URL that cannot be understood, and for an option that is set differently by the URL, by
    /// `options`, or by who opened the store first.
    ///
    /// Connects to nothing, but looks the names of memcached servers up, which blocks. One that cannot be found now is
    /// warned of on the log and looked up again later.
    pub fn open(url: Option<&str>, options: &StoreOptions) -> Result<Self> {
        sys::watch_forks()?;
        let url = match url {
            Some(text) => Url::parse(text)?,
            None => url::from_environment()?,
        };
        let options = url.options.joined(options)?;
        let mut is_new = false;
        let store = registry::open(&url.identity(), || {
            is_new = true;
            Self::new(&url, options.clone())
        });
        store.check_agrees(&url, &options)?;
        if is_new && let Err(error) = store.resolve() {
            log::warn(format_args!("{error}"));
        }
        Ok(store)
    }

    fn new(url: &Url, options: StoreOptions) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let kind = match &url.place {
            Place::Memory { .. } => Kind::Memory(Memory::new(&options)),
            Place::Memcached { servers } => Kind::Memcached(Memcached::new(servers, &options)),
        };
        let stats = match &kind {
            Kind::Memory(_) => Stats::default(),
            Kind::Memcached(memcached) => Stats::of(memcached.stats()),
        };
        Self(Arc::new(Core {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            name: url.identity(),
            prefix: url.prefix.clone().unwrap_or_default(),
            clock: Clock::new(),
            stats,
            kind,
            options,
            generation: sys::fork_generation(),
            attachments: Lock::new(Vec::new()),
        }))
    }

    /// Whoever opens a store that is open with an explicit option must not believe that it took effect if it did not.
    fn check_agrees(&self, url: &Url, options: &StoreOptions) -> Result<()> {
        let other =
            |name: &str| Error::Argument(format!("store {} is already open with another {name}", self.name()).into());
        for option in StoreOption::ALL {
            if options.explicit(option).is_some_and(|value| value != self.0.options.get(option)) {
                return Err(other(option.name()));
            }
        }
        if url.prefix.as_ref().is_some_and(|prefix| *prefix != self.0.prefix) {
            return Err(other("prefix"));
        }
        Ok(())
    }

    /// Loads `items`: one result for each, in their order. Nothing waits beyond `deadline`.
    ///
    /// A renewal sets the time to live anew from now; what is reported as left is from before it.
    #[allow(clippy::manual_async_fn, reason = "the future of an async function has its arguments twice")]
    pub fn load(&self, items: &[LoadItem], deadline: Instant) -> impl Future<Output = Results<Result<Loaded>>> {
        async move {
            if let Err(error) = self.check_ready(deadline).await {
                return items.iter().map(|_| Err(error.clone())).collect();
            }
            match &self.0.kind {
                Kind::Memory(memory) => memory.load(self, items),
                Kind::Memcached(memcached) => memcached.load(self, items, deadline).await,
            }
        }
    }

    /// Writes `items`, in their order: one result for each. Nothing waits beyond `deadline`.
    ///
    /// A record over [`record_limit`](Self::record_limit) is not sent: `Failed` with `TooLarge`, and what is stored
    /// stays.
    #[allow(clippy::manual_async_fn, reason = "the future of an async function has its arguments twice")]
    pub fn write(&self, items: &[WriteItem], deadline: Instant) -> impl Future<Output = Results<Written>> {
        async move {
            if let Err(error) = self.check_ready(deadline).await {
                return items.iter().map(|_| Written::Failed(error.clone())).collect();
            }
            match &self.0.kind {
                Kind::Memory(memory) => memory.write(self, items),
                Kind::Memcached(memcached) => memcached.write(self, items, deadline).await,
            }
        }
    }

    /// The versions of `keys`, `None` for what is not there; renews nothing.
    pub async fn versions(&self, keys: &[Key], deadline: Instant) -> Results<Result<Option<Token>>> {
        if let Err(error) = self.check_ready(deadline).await {
            return keys.iter().map(|_| Err(error.clone())).collect();
        }
        match &self.0.kind {
            Kind::Memory(memory) => memory.versions(self, keys),
            Kind::Memcached(memcached) => memcached.versions(self, keys, deadline).await,
        }
    }

    /// Whether the store answers; with several servers, whether all do.
    pub async fn ping(&self, deadline: Instant) -> Result<()> {
        self.check_ready(deadline).await?;
        match &self.0.kind {
            Kind::Memory(_) => Ok(()),
            Kind::Memcached(memcached) => memcached.ping(deadline).await,
        }
    }

    /// Makes sure that the limits of whatever keeps `keys` are known, before the first write; connects if nothing was
    /// loaded from there yet.
    pub async fn reach(&self, keys: &[Key], deadline: Instant) -> Result<()> {
        self.check_process()?;
        match &self.0.kind {
            Kind::Memory(_) => Ok(()),
            Kind::Memcached(memcached) => memcached.reach(keys, deadline).await,
        }
    }

    /// Whether the limits of whatever keeps `key` are known.
    pub fn is_reached(&self, key: &Key) -> bool {
        match &self.0.kind {
            Kind::Memory(_) => true,
            Kind::Memcached(memcached) => memcached.is_reached(key),
        }
    }

    /// Where in the store `key` belongs: items of one place go there in one exchange, and none of them waits for those of
    /// another.
    pub fn place(&self, key: &Key) -> usize {
        match &self.0.kind {
            Kind::Memory(_) => 0,
            Kind::Memcached(memcached) => memcached.place(key),
        }
    }

    /// Refuses, with `Unsupported`, where records have no versions: a memcached server with `-C`, once it is known.
    pub fn check_versions(&self, key: &Key) -> Result<()> {
        match &self.0.kind {
            Kind::Memory(_) => Ok(()),
            Kind::Memcached(memcached) => memcached.check_versions(key),
        }
    }

    /// Removes everything from the store, other applications' data included. The embedded store always may; one on
    /// memcached only if it was opened with `flush=allow`, else `Unsupported`.
    pub async fn flush(&self, deadline: Instant) -> Result<()> {
        self.check_ready(deadline).await?;
        match &self.0.kind {
            Kind::Memory(memory) => {
                memory.flush(self);
                Ok(())
            }
            Kind::Memcached(memcached) => memcached.flush(self, deadline).await,
        }
    }

    /// Looks the servers' names up again. Blocks; the embedded store has none.
    pub fn resolve(&self) -> Result<()> {
        match &self.0.kind {
            Kind::Memory(_) => Ok(()),
            Kind::Memcached(memcached) => memcached.resolve(),
        }
    }

    /// How long a record has been idle that was last renewed for `max_timeout` and has `left` left; `None` if it has
    /// more left than that gives, so that it was renewed for something else.
    pub fn idle(&self, left: Left, max_timeout: Duration) -> Option<Duration> {
        match &self.0.kind {
            Kind::Memory(_) => max_timeout.checked_sub(left.0),
            Kind::Memcached(memcached) => memcached.idle(left, max_timeout),
        }
    }

    /// By how much a reported time may be off because the store counts coarser units.
    pub fn grain(&self) -> Duration {
        match &self.0.kind {
            Kind::Memory(_) => Duration::ZERO,
            Kind::Memcached(_) => Duration::from_secs(1),
        }
    }

    /// The most bytes that a record under `key` may have; on memcached a guess until [`reach`](Self::reach) or a load.
    pub fn record_limit(&self, key: &Key) -> usize {
        match &self.0.kind {
            Kind::Memory(memory) => memory.record_limit(key),
            Kind::Memcached(memcached) => memcached.record_limit(key),
        }
    }

    /// The store's URL in its shortest form, without options and secrets: what logs and errors may show.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A number that no other store of this process has or had.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What all keys begin with, percent-encoded as it goes over the wire; may be empty.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// The options in effect.
    pub fn options(&self) -> &StoreOptions {
        &self.0.options
    }

    /// The store's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Counts something that has to do with `key`.
    pub fn count(&self, key: &Key, counter: Counter) {
        match &self.0.kind {
            Kind::Memory(_) => self.0.stats.add(counter, 1),
            Kind::Memcached(memcached) => memcached.count(key, counter),
        }
    }

    /// The store's counters.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// What an upper layer keeps for as long as the store lives: the same `T` at every call, made at the first.
    ///
    /// Takes a lock of the whole process: keep what you get rather than ask for it at every request.
    pub fn attachment<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let find = |kept: &mut Vec<(TypeId, Arc<dyn Any + Send + Sync>)>| {
            kept.iter().find(|(id, _)| *id == TypeId::of::<T>()).map(|(_, value)| Arc::clone(value))
        };
        let found = self.0.attachments.with(|kept| find(kept)).unwrap_or_else(|| {
            // Made without the lock, as it is not our code; whoever was faster wins.
            let made: Arc<dyn Any + Send + Sync> = Arc::new(T::default());
            self.0.attachments.with(|kept| {
                find(kept).unwrap_or_else(|| {
                    kept.push((TypeId::of::<T>(), Arc::clone(&made)));
                    made.clone()
                })
            })
        });
        // What is found under a type's id is of that type.
        found.downcast().unwrap_or_default()
    }

    /// Makes the store known in this process as `name` and keeps it open until [`unregister`](Self::unregister);
    /// `Argument` if another store has the name, or the name is over 100 characters.
    pub fn register(&self, name: &str) -> Result<()> {
        registry::register(name, self)
    }

    /// The store registered as `name`.
    pub fn find(name: &str) -> Option<Self> {
        registry::find(name)
    }

    /// Forgets `name`; whether it was registered.
    pub fn unregister(name: &str) -> bool {
        registry::unregister(name)
    }

    /// For tests: removes one record, as an eviction would; whether it was there.
    pub async fn drop_record(&self, key: &Key, deadline: Instant) -> Result<bool> {
        self.check_ready(deadline).await?;
        match &self.0.kind {
            Kind::Memory(memory) => Ok(memory.drop_record(self, key)),
            Kind::Memcached(memcached) => memcached.drop_record(self, key, deadline).await,
        }
    }

    /// For tests: makes one record look idle for `idle` longer than it is; whether it was there.
    ///
    /// What has less left than that is gone. A record that never expires stays as it is.
    pub async fn make_idle(&self, key: &Key, idle: Duration, deadline: Instant) -> Result<bool> {
        self.check_ready(deadline).await?;
        match &self.0.kind {
            Kind::Memory(memory) => Ok(memory.make_idle(self, key, idle)),
            Kind::Memcached(memcached) => memcached.make_idle(self, key, idle, deadline).await,
        }
    }

    /// For tests: makes items fail as `fault` says; `Unsupported` on anything but the embedded store.
    pub fn script_fault(&self, fault: Fault) -> Result<()> {
        self.check_process()?;
        match &self.0.kind {
            Kind::Memory(memory) => memory.faults().script(fault),
            Kind::Memcached(_) => Err(self.no_faults()),
        }
    }

    /// For tests: forgets all scripted faults.
    pub fn clear_faults(&self) -> Result<()> {
        self.check_process()?;
        match &self.0.kind {
            Kind::Memory(memory) => {
                memory.faults().clear();
                Ok(())
            }
            Kind::Memcached(_) => Err(self.no_faults()),
        }
    }

    fn no_faults(&self) -> Error {
        Error::Unsupported(format!("faults can be scripted on memory:// only, not on {}", self.name()).into())
    }

    /// For tests: whether everything asked of the store waits once before it is done, so that a test that polls an
    /// operation by hand can do something in between; `Unsupported` on anything but the embedded store.
    pub fn script_pauses(&self, on: bool) -> Result<()> {
        self.check_process()?;
        match &self.0.kind {
            Kind::Memory(memory) => {
                memory.faults().set_pauses(on);
                Ok(())
            }
            Kind::Memcached(_) => Err(self.no_faults()),
        }
    }

    /// Whether this process opened the store, or may use it in spite of a fork.
    pub(super) fn is_of_this_process(&self) -> bool {
        match &self.0.kind {
            Kind::Memory(_) => self.0.generation == sys::fork_generation(),
            Kind::Memcached(_) => true,
        }
    }

    pub(super) fn downgrade(&self) -> Weak<Core> {
        Arc::downgrade(&self.0)
    }

    pub(super) fn upgrade(core: &Weak<Core>) -> Option<Self> {
        core.upgrade().map(Self)
    }

    /// Before any lock of the store: in a child its holder may not exist.
    fn check_process(&self) -> Result<()> {
        if self.is_of_this_process() {
            return Ok(());
        }
        Err(Error::Unsupported(format!("store {} was opened before a fork: open it again", self.name()).into()))
    }

    async fn check_ready(&self, deadline: Instant) -> Result<()> {
        if let Kind::Memory(memory) = &self.0.kind
            && self.is_of_this_process()
            && memory.faults().has_pauses()
        {
            pause().await;
        }
        self.check_in_time(deadline)
    }

    /// Whether anything may be asked of the store, and there is time for it.
    fn check_in_time(&self, deadline: Instant) -> Result<()> {
        self.check_process()?;
        if is_past(deadline) {
            return Err(Error::Timeout(format!("store {}: the deadline has passed", self.name()).into()));
        }
        Ok(())
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Store {}

impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({}, {})", self.0.id, self.0.name)
    }
}
