//! Defects to be found: the fault harness (tests/faults/) has to show that it notices each of them.
//!
//! They exist only with the feature `planted-bugs`, and there only the one that an environment variable names. Without the
//! feature every question here is answered `false` by the compiler.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("planted-bugs is for the fault harness's own test, and never for what anybody uses");

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Merges with whatever session stands under the id.
    Incarnation,
    /// Takes every answer for the one that is awaited.
    Token,
    /// Stores anew what is gone.
    Recreate,
    /// Goes on using a connection on which an answer did not come in time.
    Reuse,
    /// Stores over whatever stands there.
    Cas,
    /// Goes on with a session that is past its deadline.
    Deadline,
    /// Says that a session is as it was, though the server dropped it when it refused another.
    Lost,
}

/// Whether the library has this defect: never.
#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}

/// Whether the library has this defect now.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is_planted(bug: Bug) -> bool {
    static PLANTED: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let planted = PLANTED.get_or_init(|| match std::env::var("LOVELY_SESSION_PLANTED_BUG").as_deref() {
        Ok("incarnation") => Some(Bug::Incarnation),
        Ok("token") => Some(Bug::Token),
        Ok("recreate") => Some(Bug::Recreate),
        Ok("reuse") => Some(Bug::Reuse),
        Ok("cas") => Some(Bug::Cas),
        Ok("deadline") => Some(Bug::Deadline),
        Ok("lost") => Some(Bug::Lost),
        _ => None,
    });
    *planted == Some(bug)
}
