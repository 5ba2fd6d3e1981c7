//! Stores: where records live. A store is batches of keys and bytes; it knows nothing of sessions.
//!
//! `url` reads what a caller names a store by, `memory` is the embedded one. The two kinds are an enum, not a trait
//! object, and answer alike: expiry, compare-and-swap and limits included.

mod clock;
mod item;
mod memory;
mod registry;
mod stats;
mod url;

pub use clock::Clock;
pub use item::{Action, Blob, Key, Left, LoadItem, Loaded, Token, WriteItem, Written};
pub use memory::fault::{Fault, FaultKind, FaultOps};
pub use registry::Store;
pub use stats::Counter;
pub use url::StoreOptions;
