//! MessagePack in and out: the mapping that is exact (contract 7.3).
//!
//! Every value has a form, and comes back as it was. What MessagePack has beyond our values is an error: ext, integers
//! over 63 bits, keys other than text. `read` is bytes to value, `write` the way back.

mod read;
mod write;

pub use read::from_msgpack;
pub use write::to_msgpack;
