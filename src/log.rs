//! The log: one callback for the process, silent until it is set.
//!
//! It is called only on the thread that is inside a call of the library, and never with a lock held, so that it may
//! call the library itself, even to set another callback. Lines name no session id and no value.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::io::fork::Lock;

/// How much a line matters. The numbers are those of the C surface and fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Level {
    /// Something failed that the caller cannot see otherwise.
    Error = 1,
    /// Something that should be set right.
    Warn = 2,
    /// What happened, for whoever runs the program.
    Info = 3,
    /// What happened, for whoever works on the library.
    Debug = 4,
}

impl Level {
    /// The level of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug].into_iter().find(|&level| level as i32 == number)
    }
}

/// What lines are given to.
pub type Callback = Box<dyn Fn(Level, &str) + Send + Sync>;

static CALLBACK: Lock<Option<Arc<Callback>>> = Lock::new(None);
/// The number of the highest level that is wanted; 0 without a callback, so that silence costs one read.
static WANTED: AtomicI32 = AtomicI32::new(0);

/// Sets the callback, for lines up to `level`; `None` for silence.
///
/// Another thread that is in the old callback stays there: it is dropped when the last has left.
pub fn set(callback: Option<Callback>, level: Level) {
    let wanted = if callback.is_some() { level as i32 } else { 0 };
    let new = callback.map(Arc::new);
    // The old one is dropped after the lock: what it owns may call the library.
    let _old = CALLBACK.with(|current| {
        WANTED.store(wanted, Ordering::Relaxed);
        std::mem::replace(current, new)
    });
}

/// Whether lines of `level` are wanted.
pub fn enabled(level: Level) -> bool {
    level as i32 <= WANTED.load(Ordering::Relaxed)
}

/// Logs one line; it is put together only if it is wanted. Must not be called with a lock held.
pub fn write(level: Level, line: fmt::Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    if let Some(callback) = CALLBACK.with(|current| current.clone()) {
        callback(level, &line.to_string());
    }
}

/// [`write()`] at level error.
pub fn error(line: fmt::Arguments<'_>) {
    write(Level::Error, line);
}

/// [`write()`] at level warn.
pub fn warn(line: fmt::Arguments<'_>) {
    write(Level::Warn, line);
}

/// [`write()`] at level info.
pub fn info(line: fmt::Arguments<'_>) {
    write(Level::Info, line);
}

/// [`write()`] at level debug.
pub fn debug(line: fmt::Arguments<'_>) {
    write(Level::Debug, line);
}
