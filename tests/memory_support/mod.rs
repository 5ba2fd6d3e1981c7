//! How much memory something asks for, and holds at most.
#![allow(unsafe_code, reason = "an allocator that counts has to be an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with the bytes that this thread asked for in all, and holds at most.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn note(layout: Layout, sign: isize) {
    let held = HELD.get() + sign * layout.size().cast_signed();
    HELD.set(held);
    MOST.set(MOST.get().max(held));
    if sign > 0 {
        ASKED.set(ASKED.get() + layout.size());
    }
}

// SAFETY: every call goes to the system's allocator as it came; counting touches plain cells of the thread only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout, 1);
        // SAFETY: the caller keeps the rules of `alloc`, which are the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note(layout, -1);
        // SAFETY: `ptr` came from `alloc` above, hence from `System`, with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `what`; answers how many bytes it asked for in all, and how many were held at once.
pub(crate) fn measure<T>(what: impl FnOnce() -> T) -> (T, usize, usize) {
    let (asked, held) = (ASKED.get(), HELD.get());
    MOST.set(held);
    let result = what();
    (result, ASKED.get() - asked, (MOST.get() - held).cast_unsigned())
}
