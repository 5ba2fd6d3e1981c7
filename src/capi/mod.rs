//! The C surface: it translates, and decides nothing.
//!
//! An export is one call of the guard, which lets no panic cross and no rule of the header be forgotten: arguments in
//! (`args`), one call of the core, results out (`out`). `exclusive` keeps transactions to one call at a time. What the
//! header says to its users stands in the docstrings here and, for all calls together, in `cbindgen.toml`.
//!
//! Safety: every export demands of its caller what the header's conventions say, once for all of them: that pointers are
//! NULL or what the parameter's type and docstring name, alive and not freed; that lengths are true; and that `const`
//! things are not changed meanwhile.

#![allow(unsafe_code, reason = "the border to C; see Safety above")]
#![allow(unsafe_op_in_unsafe_fn, reason = "an export is one call of the guard; modules with more in them warn again")]
#![allow(clippy::missing_safety_doc, reason = "stated once, above and in the header")]
#![allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "names of C")]

mod args;
pub mod container;
pub mod error;
mod exclusive;
mod guard;
mod handles;
pub mod log;
pub mod options;
mod out;
pub mod pkg;
pub mod queue;
pub mod report;
pub mod session;
pub mod stats;
pub mod store;
pub mod testing;
pub mod txn;
pub mod value;
pub mod version;

pub use args::LS_NTS;
