//! Stores: where records live. A store is batches of keys and bytes; it knows nothing of sessions.
//!
//! `url` reads what a caller names a store by, `handle` is the store that callers hold, `registry` finds those that
//! are open, `memory` is the embedded one, `memcached` the one on servers. The two kinds are an enum, not a trait object, and answer alike: expiry,
//! compare-and-swap and limits included.

mod address;
mod clock;
mod handle;
mod item;
mod latency;
mod memcached;
mod memory;
mod options;
mod payload;
mod registry;
mod stats;
mod url;
mod wire;

pub use address::Address;
pub use clock::Clock;
pub use handle::Store;
pub use item::{Action, Blob, Key, Left, LoadItem, Loaded, Results, Token, WriteItem, Written};
pub use memory::{Fault, FaultKind, FaultOps};
pub use options::{StoreOption, StoreOptions};
pub use payload::{Payload, PayloadWriter};
pub use stats::{Counter, ServerStats, Stats};
pub use url::{Place, Url};
pub use wire::{MAX_NAME_LEN, wire_form};
