//! Results out: where a call writes what it found.
//!
//! The guard takes these, so that the rules of the header hold by construction: a missing output is refused before
//! anything is done, outputs are written only on success, and handles are NULL otherwise.

use std::ffi::{c_char, c_void};

use super::args::null;
use crate::error::{Error, Result};

/// One or more outputs of a call.
pub(super) trait Out {
    /// What a successful call hands back.
    type Value;
    /// Whether the value points into the receiver.
    const LENDS: bool = false;

    /// Sets handles to NULL.
    ///
    /// # Safety
    /// The pointers are NULL or may be written.
    unsafe fn clear(&self) {}
    /// Refuses a NULL where an output is needed.
    fn check(&self) -> Result<()>;
    /// Writes the value.
    ///
    /// # Safety
    /// As [`Out::clear`]; [`Out::check`] succeeded.
    unsafe fn set(self, value: Self::Value);
}

fn needed<T>(name: &str, out: *mut T) -> Result<()> {
    if out.is_null() { Err(null(name)) } else { Ok(()) }
}

/// No output.
impl Out for () {
    type Value = ();
    fn check(&self) -> Result<()> {
        Ok(())
    }
    unsafe fn set(self, (): ()) {}
}

/// Both outputs; the value is the pair of theirs.
impl<A: Out, B: Out> Out for (A, B) {
    type Value = (A::Value, B::Value);
    const LENDS: bool = A::LENDS || B::LENDS;

    unsafe fn clear(&self) {
        // SAFETY: the caller's promise is for both.
        unsafe {
            self.0.clear();
            self.1.clear();
        }
    }
    fn check(&self) -> Result<()> {
        self.0.check()?;
        self.1.check()
    }
    unsafe fn set(self, value: Self::Value) {
        // SAFETY: the caller's promise is for both.
        unsafe {
            self.0.set(value.0);
            self.1.set(value.1);
        }
    }
}

/// A number or a boolean: its name, and where to write it.
pub(super) struct Plain<T>(pub(super) &'static str, pub(super) *mut T);

impl<T> Out for Plain<T> {
    type Value = T;
    fn check(&self) -> Result<()> {
        needed(self.0, self.1)
    }
    unsafe fn set(self, value: T) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe { self.1.write(value) }
    }
}

/// A number that the caller may not want: NULL is allowed.
pub(super) struct Optional<T>(pub(super) *mut T);

impl<T> Out for Optional<T> {
    type Value = T;
    fn check(&self) -> Result<()> {
        Ok(())
    }
    unsafe fn set(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and the caller's to write.
            unsafe { self.0.write(value) }
        }
    }
}

/// A handle that is the caller's to free.
pub(super) struct Owned<T>(pub(super) *mut *mut T);

impl<T> Out for Owned<T> {
    type Value = *mut T;
    unsafe fn clear(&self) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and the caller's to write.
            unsafe { self.0.write(std::ptr::null_mut()) }
        }
    }
    fn check(&self) -> Result<()> {
        needed("out", self.0)
    }
    unsafe fn set(self, value: *mut T) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe { self.0.write(value) }
    }
}

/// A handle that belongs to the receiver's transaction.
pub(super) struct Lent<T>(pub(super) *mut *mut T);

impl<T> Out for Lent<T> {
    type Value = *mut T;
    const LENDS: bool = true;
    unsafe fn clear(&self) {
        // SAFETY: the caller's promise is this one's.
        unsafe { Owned(self.0).clear() }
    }
    fn check(&self) -> Result<()> {
        needed("out", self.0)
    }
    unsafe fn set(self, value: *mut T) {
        // SAFETY: the caller's promise is this one's.
        unsafe { Owned(self.0).set(value) }
    }
}

/// A handle that may only be read, and belongs to the receiver.
pub(super) struct LentConst<T>(pub(super) *mut *const T);

impl<T> Out for LentConst<T> {
    type Value = *const T;
    const LENDS: bool = true;
    unsafe fn clear(&self) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and the caller's to write.
            unsafe { self.0.write(std::ptr::null()) }
        }
    }
    fn check(&self) -> Result<()> {
        needed("out", self.0)
    }
    unsafe fn set(self, value: *const T) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe { self.0.write(value) }
    }
}

/// Text that the receiver lends: name, text, length. The value has its NUL with it; the length may be unwanted.
pub(super) struct LentText(pub(super) &'static str, pub(super) *mut *const c_char, pub(super) *mut usize);

/// Text or an id in memory of the receiver, with a NUL behind it.
#[derive(Clone, Copy)]
pub(super) struct WithNul {
    start: *const u8,
    len: usize,
}

impl WithNul {
    /// From bytes that end in a NUL, which is not counted.
    pub(super) fn new(with_nul: &[u8]) -> Result<Self> {
        match with_nul.split_last() {
            Some((0, text)) => Ok(Self { start: with_nul.as_ptr(), len: text.len() }),
            _ => Err(Error::Panic("text to lend has no NUL behind it".into())),
        }
    }
}

impl Out for LentText {
    type Value = WithNul;
    const LENDS: bool = true;
    fn check(&self) -> Result<()> {
        needed(self.0, self.1)
    }
    unsafe fn set(self, text: WithNul) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe { self.1.write(text.start.cast()) }
        // SAFETY: the caller's promise is this one's.
        unsafe { Optional(self.2).set(text.len) }
    }
}

/// Bytes that the receiver lends. Both outputs are needed: nothing else tells the length.
pub(super) struct LentBytes(pub(super) *mut *const c_void, pub(super) *mut usize);

impl Out for LentBytes {
    /// Start and length.
    type Value = (*const c_void, usize);
    const LENDS: bool = true;
    fn check(&self) -> Result<()> {
        needed("out", self.0)?;
        needed("out_len", self.1)
    }
    unsafe fn set(self, (start, len): Self::Value) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe {
            self.0.write(start);
            self.1.write(len);
        }
    }
}

/// The value of [`LentBytes`].
pub(super) fn bytes(bytes: &[u8]) -> (*const c_void, usize) {
    // An empty slice of Rust may point to nothing; C is given an address that it could read a byte from.
    let start = if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr().cast() };
    (start, bytes.len())
}

/// Text that is the caller's to free with `ls_text_free`.
pub(super) struct OwnedText(pub(super) *mut *mut c_char, pub(super) *mut usize);

impl Out for OwnedText {
    /// From [`copy_text`].
    type Value = (*mut c_char, usize);
    unsafe fn clear(&self) {
        // SAFETY: the caller's promise is this one's.
        unsafe { Owned(self.0).clear() }
    }
    fn check(&self) -> Result<()> {
        needed("out", self.0)
    }
    unsafe fn set(self, (start, len): Self::Value) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe { self.0.write(start) }
        // SAFETY: the caller's promise is this one's.
        unsafe { Optional(self.1).set(len) }
    }
}

/// Bytes that are the caller's to free with `ls_bytes_free`. Both outputs are needed: nothing else tells the length.
pub(super) struct OwnedBytes(pub(super) *mut *mut c_void, pub(super) *mut usize);

impl Out for OwnedBytes {
    /// From [`copy_bytes`].
    type Value = (*mut c_void, usize);
    unsafe fn clear(&self) {
        // SAFETY: the caller's promise is this one's.
        unsafe { Owned(self.0).clear() }
    }
    fn check(&self) -> Result<()> {
        needed("out", self.0)?;
        needed("out_len", self.1)
    }
    unsafe fn set(self, (start, len): Self::Value) {
        // SAFETY: not NULL, as checked, and the caller's to write.
        unsafe {
            self.0.write(start);
            self.1.write(len);
        }
    }
}

/// A copy of `text` with a NUL, which is not counted.
pub(super) fn copy_text(text: &str) -> Result<(*mut c_char, usize)> {
    copy_bytes(text.as_bytes()).map(|(start, len)| (start.cast(), len))
}

/// A copy of `bytes` from `malloc`: the one allocator that frees without being told a length. There is a NUL behind it,
/// which text needs, and which keeps a copy of nothing from being NULL.
pub(super) fn copy_bytes(bytes: &[u8]) -> Result<(*mut c_void, usize)> {
    let len = bytes.len();
    // SAFETY: any size may be asked for; a slice is at most half the address space long, so nothing overflows.
    let start = unsafe { libc::malloc(len + 1) }.cast::<u8>();
    if start.is_null() {
        return Err(Error::TooLarge(format!("no memory for {len} bytes to hand out").into()));
    }
    // SAFETY: `start` has room for `len` bytes and the NUL, and is new, so nothing overlaps.
    unsafe {
        start.copy_from_nonoverlapping(bytes.as_ptr(), len);
        start.add(len).write(0);
    }
    Ok((start.cast(), len))
}
