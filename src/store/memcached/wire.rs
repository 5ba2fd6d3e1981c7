//! The wire format: requests as bytes, and what a line of an answer says. The only file that names the `memcache` crate,
//! whose experimental half may change.
//!
//! Storing is written by hand: the crate would copy the payload twice. Every request carries a token that its answer has
//! to repeat, so that no answer is ever taken for another's.

use std::io::Write;

use memcache::exp::{self, DeleteOptions, GetOptions, MetaResponse, ReturnCode};

use crate::store::{Blob, Key};

/// One request to a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// Version and time left, with the bytes or without, renewing or not.
    Get { key: &'a Key, with_bytes: bool, renew: Option<u32> },
    /// Store.
    Set { key: &'a Key, blob: &'a Blob, mode: Mode, ttl: u32 },
    /// Remove this version, or whatever is there.
    Delete { key: &'a Key, cas: Option<u64> },
    /// Answer.
    Noop,
    /// Remove everything.
    Flush,
}

/// On which condition to store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    /// Only if nothing is there.
    Add,
    /// Only if this version is there.
    Swap(u64),
    /// In any case.
    Put,
}

/// What a request came to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Found: version, time left (below 0 is never), and the bytes if they were asked for.
    Found { bytes: Vec<u8>, cas: u64, t: i64 },
    /// Done; the version that was stored, 0 for what stores nothing.
    Done { cas: u64 },
    /// Nothing is there.
    Missing,
    /// Another version is there, or anything at all where nothing should be.
    Exists,
    /// The server cannot do it now; what was stored may be gone.
    Refused(String),
    /// The server does not understand the request, and what follows cannot be trusted.
    Rejected(String),
}

/// What the first line of an answer says: all of it, or how many bytes of a record follow.
#[derive(Debug)]
pub(super) enum Line {
    /// The answer.
    Whole(Answer),
    /// A record of this many bytes follows.
    Record { len: u64, cas: u64, t: i64 },
}

/// What an answer must not be; the text completes "the answer ...".
pub(super) type Violation = &'static str;

/// Appends a request to `head`, without the payload of one that stores and the line end after it.
pub(super) fn encode(request: &Request<'_>, token: u64, head: &mut Vec<u8>) -> Result<(), Violation> {
    let token = || Some(token.to_string().into_bytes());
    let command = match *request {
        Request::Get { key, with_bytes, renew } => {
            let mut options = GetOptions::default();
            options.value = with_bytes;
            options.return_cas = true;
            // Asked for before the renewal: in this order the answer is what was left.
            options.return_ttl = true;
            options.touch = renew;
            options.opaque = token();
            exp::build_get(key.as_str(), &options)
        }
        Request::Delete { key, cas } => {
            let mut options = DeleteOptions::default();
            options.compare_cas = cas;
            options.opaque = token();
            exp::build_delete(key.as_str(), &options)
        }
        Request::Noop => Ok(exp::build_noop()),
        Request::Flush => {
            head.extend_from_slice(b"flush_all\r\n");
            return Ok(());
        }
        Request::Set { key, blob, mode, ttl } => {
            let (key, len) = (key.as_str(), blob.len());
            let token = token().unwrap_or_default();
            let token = String::from_utf8_lossy(&token);
            // Writing to a vector cannot fail.
            let _ = match mode {
                Mode::Add => write!(head, "ms {key} {len} ME T{ttl} c O{token}\r\n"),
                Mode::Swap(cas) => write!(head, "ms {key} {len} C{cas} T{ttl} c O{token}\r\n"),
                Mode::Put => write!(head, "ms {key} {len} T{ttl} c O{token}\r\n"),
            };
            return Ok(());
        }
    };
    command.and_then(|command| command.encode_into(head)).map_err(|_| "cannot be asked for")
}

/// What `line`, without its end, says about `request`, which carried `token`.
pub(super) fn parse(request: &Request<'_>, token: u64, line: &[u8]) -> Result<Line, Violation> {
    let whole = |answer| Ok(Line::Whole(answer));
    if matches!(request, Request::Flush) && line == b"OK" {
        return whole(Answer::Done { cas: 0 });
    }
    let header = match MetaResponse::parse_header(line) {
        Ok(header) => header,
        Err(exp::Error::Server(text)) => return whole(Answer::Refused(printable(&text))),
        Err(exp::Error::Rejected(text)) => return whole(Answer::Rejected(printable(&text))),
        Err(_) => return Err("is not memcached's"),
    };
    let result = exp::parse_meta_result(header).map_err(|_| "is not memcached's")?;
    if !matches!(request, Request::Noop | Request::Flush) && result.opaque.as_deref().and_then(number) != Some(token) {
        return Err("belongs to another request");
    }
    let cas = result.cas.ok_or("lacks the version");
    match (request, result.rc) {
        (Request::Get { with_bytes: true, .. }, ReturnCode::Va) => {
            let len = line.split(|&byte| byte == b' ').nth(1).and_then(number).ok_or("has no length")?;
            Ok(Line::Record { len, cas: cas?, t: result.ttl.ok_or("lacks the time left")? })
        }
        (Request::Get { with_bytes: false, .. }, ReturnCode::Hd) => {
            whole(Answer::Found { bytes: Vec::new(), cas: cas?, t: result.ttl.ok_or("lacks the time left")? })
        }
        (Request::Set { .. }, ReturnCode::Hd) => whole(Answer::Done { cas: cas? }),
        (Request::Delete { .. }, ReturnCode::Hd) | (Request::Noop, ReturnCode::Mn) => whole(Answer::Done { cas: 0 }),
        (Request::Get { .. }, ReturnCode::En) | (Request::Set { .. } | Request::Delete { .. }, ReturnCode::Nf) => {
            whole(Answer::Missing)
        }
        (Request::Set { .. } | Request::Delete { .. }, ReturnCode::Ex) | (Request::Set { .. }, ReturnCode::Ns) => {
            whole(Answer::Exists)
        }
        _ => Err("does not fit the request"),
    }
}

/// A number in decimal digits, and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A server's words as an error may repeat them: bounded, and without what could disturb a log.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 100;
    text.chars().take(LONGEST).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn encoded(request: &Request<'_>) -> String {
        let mut head = Vec::new();
        encode(request, 7, &mut head).unwrap();
        String::from_utf8(head).unwrap()
    }

    // DESIGN "facts": `t` before `T`.
    #[test]
    fn requests_are_one_line_each() {
        let (key, blob) = (&Key::new("c/k"), &Blob::new(vec![1, 2, 3]));
        let get = |with_bytes, renew| encoded(&Request::Get { key, with_bytes, renew });
        assert_eq!(get(true, Some(61)), "mg c/k v c t T61 O7\r\n");
        assert_eq!(get(false, None), "mg c/k c t O7\r\n");
        let set = |mode| encoded(&Request::Set { key, blob, mode, ttl: 9 });
        assert_eq!(set(Mode::Add), "ms c/k 3 ME T9 c O7\r\n");
        assert_eq!(set(Mode::Swap(5)), "ms c/k 3 C5 T9 c O7\r\n");
        assert_eq!(set(Mode::Put), "ms c/k 3 T9 c O7\r\n");
        assert_eq!(encoded(&Request::Delete { key, cas: Some(4) }), "md c/k C4 O7\r\n");
        assert_eq!(encoded(&Request::Noop), "mn\r\n");
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        let key = &Key::new("c/k");
        let get = Request::Get { key, with_bytes: true, renew: None };
        let set = Request::Set { key, blob: &Blob::new(vec![]), mode: Mode::Put, ttl: 0 };
        assert!(matches!(parse(&get, 7, b"VA 3 c5 t-1 O7"), Ok(Line::Record { len: 3, cas: 5, t: -1 })));
        assert!(matches!(parse(&get, 7, b"EN O7"), Ok(Line::Whole(Answer::Missing))));
        assert!(matches!(parse(&set, 7, b"HD c9 O7"), Ok(Line::Whole(Answer::Done { cas: 9 }))));
        assert!(matches!(parse(&set, 7, b"NS c0 O7"), Ok(Line::Whole(Answer::Exists))));
        assert!(matches!(parse(&set, 7, b"SERVER_ERROR out"), Ok(Line::Whole(Answer::Refused(text))) if text == "out"));
        for line in [
            b"VA 3 c5 t-1 O8".as_slice(),
            b"VA 3 c5 t-1",
            b"VA 3 t-1 O7",
            b"VA 3 c5 O7",
            b"VA +3 c5 t-1 O7",
            b"VA 18446744073709551616 c5 t-1 O7",
            b"HD c5 t1 O7",
            b"EN",
            b"",
            b"VALUE x 0 3",
        ] {
            assert!(parse(&get, 7, line).is_err(), "{}", String::from_utf8_lossy(line));
        }
        assert!(parse(&set, 7, b"VA 3 c5 t1 O7").is_err());
        assert!(parse(&set, 7, b"EN O7").is_err());
    }
}
