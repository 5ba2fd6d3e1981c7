//! Containers: named families of sessions in a store, and their options.
//!
//! A container is its (store, name): every handle to it shares the options, however it was reached.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
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
                    check_within("timeout", timeout, max)?;
                }
                self.timeout_ms = timeout;
            }
            ContainerOption::Resolution => self.resolution_ms = time("resolution")?,
            ContainerOption::MaxTimeout => {
                let max = time("max_timeout")?;
                // With nothing that expires in the store, a finite idle timeout could not be kept.
                if max == 0 && self.timeout_ms != 0 {
                    return Err(Error::Range("max_timeout 0 (never) needs a timeout of 0".into()));
                }
                check_within("timeout", self.timeout_ms, max)?;
                self.max_timeout_ms = Some(max);
            }
            ContainerOption::Lifetime => self.lifetime_ms = time("lifetime")?,
            ContainerOption::Policy => {
                self.policy = match value {
                    0 => Policy::Merge,
                    1 => Policy::Mine,
                    2 => Policy::Strict,
                    3 => Policy::Overwrite,
                    _ => return Err(Error::Argument(format!("conflict policy {value} does not exist").into())),
                }
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

/// What all handles of one container share.
#[derive(Debug)]
struct Shared {
    /// Unique in the process: identifies the container in a transaction's index.
    number: u64,
    name: String,
    /// The name as it stands in keys.
    wire_name: String,
    options: Mutex<Options>,
    last_access_ms: AtomicI64,
}

/// The containers of one store by name; lives as long as the store.
#[derive(Debug, Default)]
struct Containers(Mutex<BTreeMap<String, Arc<Shared>>>);

/// A handle to a container. Cloning gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Container {
    store: Store,
    shared: Arc<Shared>,
}

impl Container {
    /// The container `name` of `store`: 1 to 100 characters, percent-encoding counted.
    pub fn open(store: &Store, name: &str) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let wire_name = id::check_container_name(name)?;
        let containers = store.attachment::<Containers>();
        let mut by_name = containers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = by_name.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Shared {
                number: NUMBER.fetch_add(1, Ordering::Relaxed),
                name: name.to_owned(),
                wire_name,
                options: Mutex::default(),
                last_access_ms: AtomicI64::new(store.clock().now_ms()),
            })
        });
        Ok(Self { store: store.clone(), shared: Arc::clone(shared) })
    }

    /// The store that the sessions live in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// A number that is the same for all handles of this container and no other in the process.
    pub(crate) fn number(&self) -> u64 {
        self.shared.number
    }

    /// Where the session `id` is kept.
    pub fn key(&self, id: &[u8]) -> Key {
        id::key(self.store.prefix(), &self.shared.wire_name, id)
    }

    /// All options as they are now.
    pub fn options(&self) -> Options {
        *self.shared.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One option as it is now.
    pub fn option(&self, option: ContainerOption) -> i64 {
        self.options().get(option)
    }

    /// Sets one option, for all handles of this container, from now on.
    pub fn set_option(&self, option: ContainerOption, value: i64) -> Result<()> {
        self.shared.options.lock().unwrap_or_else(PoisonError::into_inner).set(option, value)
    }

    /// When a session of this container was last opened in this process, in Unix milliseconds; it may lag by the
    /// resolution. Before the first one: when the container was first opened.
    pub fn last_access_ms(&self) -> i64 {
        self.shared.last_access_ms.load(Ordering::Relaxed)
    }

    /// Takes note that a session is opened at `now_ms`.
    pub(crate) fn accessed(&self, now_ms: i64) {
        let seen = self.shared.last_access_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub_unsigned(self.options().resolution_ms) > seen {
            self.shared.last_access_ms.store(now_ms, Ordering::Relaxed);
        }
    }
}
