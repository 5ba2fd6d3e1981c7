//! Signals while the blocking driver waits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "signals")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{mem, ptr};

use lovely_session::io::{blocking, sleep_until};

static SEEN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    SEEN.fetch_add(1, Ordering::Relaxed);
}

// EINTR is retried within the remaining time.
#[test]
fn signals_neither_end_a_wait_nor_lengthen_it() {
    // SAFETY: a zeroed `sigaction` is a valid one; the handler only counts, and does not ask for restarts.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = count as *const () as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut()), 0);
    }
    // SAFETY: without arguments.
    let waiting = unsafe { libc::pthread_self() };
    let start = Instant::now();
    let until = start + Duration::from_millis(300);
    thread::scope(|scope| {
        scope.spawn(move || {
            while until.saturating_duration_since(Instant::now()) > Duration::from_millis(50) {
                // SAFETY: the thread is alive until the scope ends, which waits for this one.
                assert_eq!(unsafe { libc::pthread_kill(waiting, libc::SIGUSR1) }, 0);
                thread::sleep(Duration::from_millis(5));
            }
        });
        blocking::run(sleep_until(until)).unwrap();
    });
    assert!(Instant::now() >= until, "not ended early");
    assert!(start.elapsed() < Duration::from_secs(20), "not begun anew");
    assert!(SEEN.load(Ordering::Relaxed) > 5);
}
