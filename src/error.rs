//! The one error of the core, and the one place where status numbers are derived.

use std::borrow::Cow;

/// Text of an error: what and where, in one line, without session ids or stored values.
pub type Message = Cow<'static, str>;

/// What every fallible call of the core returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An argument that can never be right.
    #[error("{0}")]
    Argument(Message),
    /// A right call at the wrong time, or through a handle that is no longer usable.
    #[error("{0}")]
    Misuse(Message),
    /// A value of another type than the call needs.
    #[error("{0}")]
    Type(Message),
    /// A size limit; the text names it.
    #[error("{0}")]
    TooLarge(Message),
    /// A number outside what can be represented or is allowed.
    #[error("{0}")]
    Range(Message),
    /// Something that this store, server or build cannot do.
    #[error("{0}")]
    Unsupported(Message),
    /// A savepoint that is not, or no longer, one of this transaction.
    #[error("{0}")]
    Savepoint(Message),
    /// A server that cannot be reached, or that refused; nothing was applied. `errno` is 0 if there is none.
    #[error("{message}")]
    Unavailable {
        /// Which server, and what it did.
        message: Message,
        /// The system's error number, or 0.
        errno: i32,
    },
    /// No answer in time to something that changes nothing.
    #[error("{0}")]
    Timeout(Message),
    /// A server that does not speak the protocol.
    #[error("{0}")]
    Protocol(Message),
    /// A write that was sent and not answered: it may or may not have been applied.
    #[error("{0}")]
    Unknown(Message),
    /// The caller cancelled the call.
    #[error("{0}")]
    Cancelled(Message),
    /// Stored bytes that cannot be read.
    #[error("{0}")]
    Corrupt(Message),
    /// Another transaction changed the same thing differently; running again may succeed.
    #[error("{0}")]
    Conflict(Message),
    /// The session that was loaded, or found absent, was destroyed, evicted or expired.
    #[error("{0}")]
    Gone(Message),
    /// Some sessions of a commit were stored and some were not; the report says which.
    #[error("{0}")]
    Partial(Message),
    /// The transaction failed earlier and takes nothing but abort and free.
    #[error("{0}")]
    Failed(Message),
    /// The server refused the write and dropped what was stored.
    #[error("{0}")]
    Lost(Message),
    /// A defect in this library; the transaction can only be freed.
    #[error("{0}")]
    Panic(Message),
}

/// Status numbers of the C surface, fixed for ever: 0 done, below failed, above nothing to hand back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "each is described at the variant of `Error` that gives it")]
pub enum Status {
    Ok = 0,
    NotFound = 1,
    Argument = -10,
    Misuse = -11,
    Type = -12,
    TooLarge = -13,
    Range = -14,
    Unsupported = -15,
    Savepoint = -16,
    Unavailable = -20,
    Timeout = -21,
    Protocol = -22,
    Unknown = -23,
    Cancelled = -24,
    Corrupt = -30,
    Conflict = -40,
    Gone = -41,
    Partial = -42,
    Failed = -43,
    Lost = -44,
    Panic = -90,
}

impl Error {
    /// The status number of this error.
    pub fn status(&self) -> Status {
        match self {
            Self::Argument(_) => Status::Argument,
            Self::Misuse(_) => Status::Misuse,
            Self::Type(_) => Status::Type,
            Self::TooLarge(_) => Status::TooLarge,
            Self::Range(_) => Status::Range,
            Self::Unsupported(_) => Status::Unsupported,
            Self::Savepoint(_) => Status::Savepoint,
            Self::Unavailable { .. } => Status::Unavailable,
            Self::Timeout(_) => Status::Timeout,
            Self::Protocol(_) => Status::Protocol,
            Self::Unknown(_) => Status::Unknown,
            Self::Cancelled(_) => Status::Cancelled,
            Self::Corrupt(_) => Status::Corrupt,
            Self::Conflict(_) => Status::Conflict,
            Self::Gone(_) => Status::Gone,
            Self::Partial(_) => Status::Partial,
            Self::Failed(_) => Status::Failed,
            Self::Lost(_) => Status::Lost,
            Self::Panic(_) => Status::Panic,
        }
    }

    /// Whether running the whole transaction again, in a new one, may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// The system's error number behind this error, or 0.
    pub fn errno(&self) -> i32 {
        match self {
            Self::Unavailable { errno, .. } => *errno,
            _ => 0,
        }
    }
}
