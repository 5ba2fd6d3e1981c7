//! JSON in and out (contract 7.3).
//!
//! What JSON can hold comes back as it was. What it cannot hold, bytes, NaN and the infinities, is an error rather
//! than a convention of ours that another reader would take for text. `read` is text to value, `write` the way back,
//! `path` names the place of what has no JSON form.

mod path;
mod read;
mod write;

pub use read::from_json;
pub use write::to_json;
