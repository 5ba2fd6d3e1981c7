//! Containers: named families of sessions in a store, and their options.
//!
//! A container is its (store, name): every handle to it shares the options, however it was reached.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::io::fork::Lock;
use crate::session::id;
use crate::store::{Key, Store};

/// The longest timeout or lifetime, in milliseconds: about 30,000 years, so that no sum of times overflows.
pub const MAX_TIMEOUT_MS: i64 = 1_000_000_000_000_000;

/// How long a tombstone lives in a container whose sessions never expire.
const TOMBSTONE_WITHOUT_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// What to do when two transactions changed the same key differently (contract 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum Policy {
    /// Different keys are merged; the same key is a retryable conflict.
    #[default]
    Merge = 0,
    /// Different keys are merged; for the same key the later commit wins.
    Mine = 1,
    /// Any change by somebody else is a conflict for a transaction that writes the session.
    Strict = 2,
    /// A plain put: the last commit erases the others.
    Overwrite = 3,
}

impl Policy {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Merge, Self::Mine, Self::Strict, Self::Overwrite]
            .into_iter()
            .find(|policy| *policy as i32 == i32::from(number))
    }
}

/// Options of a container, numbered as on the C surface. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ContainerOption {
    /// Idle timeout of a session; 0 is never. Default 3,600,000.
    Timeout = 1,
    /// Grain of the last access that is reported. Default 300,000.
    Resolution = 2,
    /// The longest timeout that a session may have of its own; default and least: the timeout.
    MaxTimeout = 3,
    /// Absolute lifetime of a session from its creation; 0 is none. Default 0.
    Lifetime = 4,
    /// A [`Policy`]. Default [`Policy::Merge`].
    Policy = 5,
    /// 1: a session that was evicted or expired between load and commit is stored anew. Default 0.
    Recreate = 6,
}

impl ContainerOption {
    /// The option of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Timeout, Self::Resolution, Self::MaxTimeout, Self::Lifetime, Self::Policy, Self::Recreate]
            .into_iter()
            .find(|&option| option as i32 == number)
    }
}

/// The values of all options at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Idle timeout in milliseconds, 0 is never.
    pub timeout_ms: u64,
    /// Grain of the reported last access in milliseconds.
    pub resolution_ms: u64,
    max_timeout_ms: Option<u64>,
    /// Absolute lifetime in milliseconds, 0 is none.
    pub lifetime_ms: u64,
    /// What to do on a conflict.
    pub policy: Policy,
    /// Whether an evicted session is stored anew.
    pub recreate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout_ms: 3_600_000,
            resolution_ms: 300_000,
            max_timeout_ms: None,
            lifetime_ms: 0,
            policy: Policy::Merge,
            recreate: false,
        }
    }
}

impl Options {
    /// The longest timeout of any session here in milliseconds, 0 is never: what records are kept for.
    pub fn max_timeout_ms(&self) -> u64 {
        self.max_timeout_ms.unwrap_or(self.timeout_ms)
    }

    /// The time to live that every load renews with; `None` renews nothing, because nothing expires.
    pub fn renewal(&self) -> Option<Duration> {
        match self.max_timeout_ms() {
            0 => None,
            ms => Some(Duration::from_millis(ms)),
        }
    }

    /// How long a tombstone lives from its writing, or from the last time that its id was presented.
    pub fn tombstone_life(&self) -> Duration {
        self.renewal().unwrap_or(TOMBSTONE_WITHOUT_TIMEOUT)
    }

    fn set(&mut self, option: ContainerOption, value: i64) -> Result<()> {
        let time = |what: &str| -> Result<u64> {
            u64::try_from(value).ok().filter(|_| value <= MAX_TIMEOUT_MS).ok_or_else(|| {
                Error::Range(format!("{what} of {value} ms is not between 0 and {MAX_TIMEOUT_MS}").into())
            })
        };
        match option {
            ContainerOption::Timeout => {
                let timeout = time("timeout")?;
                if let Some(max) = self.max_timeout_ms {
                    check_together(timeout, max)?;
                }
                self.timeout_ms = timeout;
            }
            ContainerOption::Resolution => self.resolution_ms = time("resolution")?,
            ContainerOption::MaxTimeout => {
                let max = time("max_timeout")?;
                check_together(self.timeout_ms, max)?;
                self.max_timeout_ms = Some(max);
            }
            ContainerOption::Lifetime => self.lifetime_ms = time("lifetime")?,
            ContainerOption::Policy => {
                self.policy = u8::try_from(value)
                    .ok()
                    .and_then(Policy::from_number)
                    .ok_or_else(|| Error::Argument(format!("conflict policy {value} does not exist").into()))?;
            }
            ContainerOption::Recreate => {
                self.recreate = match value {
                    0 => false,
                    1 => true,
                    _ => return Err(Error::Argument(format!("recreate is 0 or 1, not {value}").into())),
                }
            }
        }
        Ok(())
    }

    fn get(&self, option: ContainerOption) -> i64 {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(MAX_TIMEOUT_MS);
        match option {
            ContainerOption::Timeout => ms(self.timeout_ms),
            ContainerOption::Resolution => ms(self.resolution_ms),
            ContainerOption::MaxTimeout => ms(self.max_timeout_ms()),
            ContainerOption::Lifetime => ms(self.lifetime_ms),
            ContainerOption::Policy => i64::from(self.policy as i32),
            ContainerOption::Recreate => i64::from(self.recreate),
        }
    }
}

/// Refuses a timeout and a `max_timeout` that cannot stand together.
fn check_together(timeout_ms: u64, max_ms: u64) -> Result<()> {
    // With nothing that expires in the store, a finite idle timeout could not be kept.
    if max_ms == 0 && timeout_ms != 0 {
        return Err(Error::Range("max_timeout 0 (never) needs a timeout of 0".into()));
    }
    check_within("timeout", timeout_ms, max_ms)
}

/// Refuses a timeout over `max`, in a world where 0 is never.
pub(crate) fn check_within(what: &str, timeout_ms: u64, max_ms: u64) -> Result<()> {
    if max_ms != 0 && (timeout_ms == 0 || timeout_ms > max_ms) {
        let timeout = if timeout_ms == 0 { "never".to_owned() } else { format!("{timeout_ms} ms") };
        return Err(Error::Range(
            format!("{what} of {timeout} is over the container's max_timeout of {max_ms} ms").into(),
        ));
    }
    Ok(())
}

/// The options of a container as all its handles see them.
///
/// Read without a lock at every opening, in a forked child too. A reader may see one option of a set before another:
/// each is set by a call of its own.
#[derive(Debug)]
struct SharedOptions {
    timeout_ms: AtomicU64,
    resolution_ms: AtomicU64,
    /// `u64::MAX`: the same as the timeout.
    max_timeout_ms: AtomicU64,
    lifetime_ms: AtomicU64,
    policy: AtomicU8,
    recreate: AtomicBool,
}

impl SharedOptions {
    fn new(options: &Options) -> Self {
        let shared = Self {
            timeout_ms: AtomicU64::new(0),
            resolution_ms: AtomicU64::new(0),
            max_timeout_ms: AtomicU64::new(0),
            lifetime_ms: AtomicU64::new(0),
            policy: AtomicU8::new(0),
            recreate: AtomicBool::new(false),
        };
        shared.store(options);
        shared
    }

    fn load(&self) -> Options {
        let max_timeout_ms = self.max_timeout_ms.load(Ordering::Relaxed);
        Options {
            timeout_ms: self.timeout_ms.load(Ordering::Relaxed),
            resolution_ms: self.resolution_ms.load(Ordering::Relaxed),
            max_timeout_ms: Some(max_timeout_ms).filter(|max| *max != u64::MAX),
            lifetime_ms: self.lifetime_ms.load(Ordering::Relaxed),
            policy: Policy::from_number(self.policy.load(Ordering::Relaxed)).unwrap_or_default(),
            recreate: self.recreate.load(Ordering::Relaxed),
        }
    }

    fn store(&self, options: &Options) {
        self.timeout_ms.store(options.timeout_ms, Ordering::Relaxed);
        self.resolution_ms.store(options.resolution_ms, Ordering::Relaxed);
        self.max_timeout_ms.store(options.max_timeout_ms.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.lifetime_ms.store(options.lifetime_ms, Ordering::Relaxed);
        self.policy.store(options.policy as u8, Ordering::Relaxed);
        self.recreate.store(options.recreate, Ordering::Relaxed);
    }
}

/// What all handles of one container share.
#[derive(Debug)]
struct Shared {
    /// Unique in the process: identifies the container in a transaction's index.
    number: u64,
    name: Arc<str>,
    /// The name as it stands in keys.
    wire_name: String,
    options: SharedOptions,
    /// Held while an option is checked against the others and set.
    setting: Lock<()>,
    last_access_ms: AtomicI64,
}

/// The containers of one store by name; lives as long as the store.
#[derive(Debug)]
struct Containers(Lock<BTreeMap<String, Arc<Shared>>>);

impl Default for Containers {
    fn default() -> Self {
        Self(Lock::new(BTreeMap::new()))
    }
}

/// A handle to a container. Cloning gives another handle to the same one, and costs one count.
#[derive(Debug, Clone)]
pub struct Container(Arc<Opened>);

/// What was opened by one call.
#[derive(Debug)]
struct Opened {
    store: Store,
    shared: Arc<Shared>,
}

impl Container {
    /// The container `name` of `store`: 1 to 100 characters, percent-encoding counted.
    pub fn open(store: &Store, name: &str) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let wire_name = id::check_container_name(name)?;
        let containers = store.attachment::<Containers>();
        let shared = containers.0.with(|by_name| {
            let shared = by_name.entry(name.to_owned()).or_insert_with(|| {
                Arc::new(Shared {
                    number: NUMBER.fetch_add(1, Ordering::Relaxed),
                    name: name.into(),
                    wire_name,
                    options: SharedOptions::new(&Options::default()),
                    setting: Lock::new(()),
                    last_access_ms: AtomicI64::new(store.clock().now_ms()),
                })
            });
            Arc::clone(shared)
        });
        Ok(Self(Arc::new(Opened { store: store.clone(), shared })))
    }

    /// The store that the sessions live in.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.0.shared.name
    }

    /// The same, to be kept.
    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.shared.name)
    }

    /// A number that is the same for all handles of this container and no other in the process.
    pub(crate) fn number(&self) -> u64 {
        self.0.shared.number
    }

    /// Where the session `id` is kept.
    pub fn key(&self, id: &[u8]) -> Key {
        id::key(self.0.store.prefix(), &self.0.shared.wire_name, id)
    }

    /// All options as they are now.
    pub fn options(&self) -> Options {
        self.0.shared.options.load()
    }

    /// One option as it is now.
    pub fn option(&self, option: ContainerOption) -> i64 {
        self.options().get(option)
    }

    /// Sets one option, for all handles of this container, from now on.
    pub fn set_option(&self, option: ContainerOption, value: i64) -> Result<()> {
        self.0.shared.setting.with(|()| {
            let mut options = self.0.shared.options.load();
            options.set(option, value)?;
            self.0.shared.options.store(&options);
            Ok(())
        })
    }

    /// When a session of this container was last opened in this process, in Unix milliseconds; it may lag by the
    /// resolution. Before the first one: when the container was first opened.
    pub fn last_access_ms(&self) -> i64 {
        self.0.shared.last_access_ms.load(Ordering::Relaxed)
    }

    /// Takes note that a session is opened at `now_ms`.
    pub(crate) fn accessed(&self, now_ms: i64) {
        let seen = self.0.shared.last_access_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub_unsigned(self.options().resolution_ms) > seen {
            self.0.shared.last_access_ms.store(now_ms, Ordering::Relaxed);
        }
    }
}
