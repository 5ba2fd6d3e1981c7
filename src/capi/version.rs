//! Which version of the library this is.

use std::ffi::c_char;

use super::guard;

/// Version of this header as a number, major * 1,000,000 + minor * 1,000 + patch; compare with `ls_version_number`.
pub const LS_VERSION_NUMBER: u32 = 1000;

/// The version of the package as `LS_VERSION_NUMBER` counts.
const fn package_version() -> u32 {
    let mut text = env!("CARGO_PKG_VERSION").as_bytes();
    let (mut number, mut part) = (0, 0);
    while let [first, rest @ ..] = text {
        if *first == b'.' {
            (number, part) = ((number + part) * 1_000, 0);
        } else {
            part = part * 10 + (*first - b'0') as u32;
        }
        text = rest;
    }
    number + part
}

// The header is generated from literals, so the version stands twice.
const _: () = assert!(package_version() == LS_VERSION_NUMBER, "LS_VERSION_NUMBER is not the version in Cargo.toml");

/// Returns the version of the library that was loaded, such as "0.1.0".
///
/// Returns the version, never NULL.
/// Ownership: static text.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn ls_version() -> *const c_char {
    guard::constant(|| concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Returns the version of the library that was loaded as a number, as `LS_VERSION_NUMBER` counts.
///
/// Versions of one major number, and while that is 0 of one minor number, have the same ABI, but for additions.
///
/// Returns the number.
/// Ownership: none.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn ls_version_number() -> u32 {
    guard::constant(|| LS_VERSION_NUMBER)
}
