//! The wire format: requests as bytes, and what a line of an answer says. The only file that names the `memcache` crate,
//! whose experimental half may change.
//!
//! What a session needs in nearly every case is written and read by hand, because the crate makes a vector of each flag;
//! the crate has the other requests, and the last word on answers. Every request carries a token that its answer has
//! to repeat, so that no answer is ever taken for another's.

use memcache::exp::{self, DeleteOptions, MetaResponse, ReturnCode};

use crate::planted::{Bug, is_planted};
use crate::store::{Key, Payload};

/// One request to a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// Version and time left, with the bytes or without, renewing or not.
    Get { key: &'a Key, with_bytes: bool, renew: Option<u32> },
    /// Store.
    Set { key: &'a Key, payload: &'a Payload, mode: Mode, ttl: u32 },
    /// Remove this version, or whatever is there.
    Delete { key: &'a Key, cas: Option<u64> },
    /// Answer.
    Noop,
    /// Remove everything.
    Flush,
}

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// See [`Request`].
    Get { with_bytes: bool },
    /// See [`Request`].
    Set,
    /// See [`Request`].
    Delete,
    /// See [`Request`].
    Noop,
    /// See [`Request`].
    Flush,
}

impl Request<'_> {
    /// What its answer depends on.
    pub(super) fn kind(&self) -> Kind {
        match *self {
            Self::Get { with_bytes, .. } => Kind::Get { with_bytes },
            Self::Set { .. } => Kind::Set,
            Self::Delete { .. } => Kind::Delete,
            Self::Noop => Kind::Noop,
            Self::Flush => Kind::Flush,
        }
    }
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
    /// Found: version, time left (below 0 is never), and the bytes from `begin` on if they were asked for.
    Found { bytes: Vec<u8>, begin: usize, cas: u64, t: i64 },
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

/// All flags of a request with the longest numbers.
const FLAGS: usize = 80;

/// For a key that memcached has no form for; ours never are.
const UNASKABLE: Violation = "cannot be asked for";

/// Appends a request to `head`, without the payload of one that stores and the line end after it.
///
/// The two that a session is made of, loading and storing, are written by hand: the crate makes a vector of each flag, and
/// would copy the payload twice.
pub(super) fn encode(request: &Request<'_>, token: u64, head: &mut Vec<u8>) -> Result<(), Violation> {
    let command = match *request {
        Request::Get { key, with_bytes, renew } => {
            begin(b"mg ", key, head)?;
            // Time left is asked for before the renewal: in this order the answer is what was left.
            head.extend_from_slice(if with_bytes { b" v c t" } else { b" c t" });
            if let Some(ttl) = renew {
                flag(b" T", ttl.into(), head);
            }
            flag(b" O", token, head);
            head.extend_from_slice(b"\r\n");
            return Ok(());
        }
        Request::Set { key, payload, mode, ttl } => {
            begin(b"ms ", key, head)?;
            flag(b" ", payload.len() as u64, head);
            match mode {
                Mode::Add => head.extend_from_slice(b" ME"),
                Mode::Swap(cas) => flag(b" C", cas, head),
                Mode::Put => {}
            }
            flag(b" T", ttl.into(), head);
            flag(b" c O", token, head);
            head.extend_from_slice(b"\r\n");
            return Ok(());
        }
        Request::Delete { key, cas } => {
            let mut options = DeleteOptions::default();
            options.compare_cas = cas;
            options.opaque = Some(token.to_string().into_bytes());
            exp::build_delete(key.as_str(), &options)
        }
        Request::Noop => Ok(exp::build_noop()),
        Request::Flush => {
            head.extend_from_slice(b"flush_all\r\n");
            return Ok(());
        }
    };
    command.and_then(|command| command.encode_into(head)).map_err(|_| UNASKABLE)
}

/// Appends a command and its key, which must not end the line or be longer than the server takes.
fn begin(command: &[u8], key: &Key, head: &mut Vec<u8>) -> Result<(), Violation> {
    let key = key.as_str().as_bytes();
    // Counted without an early end, so that many bytes are looked at in one step.
    let odd = key.iter().map(|byte| u8::from(!byte.is_ascii_graphic())).fold(0_u8, |odd, byte| odd | byte);
    if key.is_empty() || key.len() > exp::MAX_KEY_LENGTH || odd != 0 {
        return Err(UNASKABLE);
    }
    head.reserve(command.len() + key.len() + FLAGS);
    head.extend_from_slice(command);
    head.extend_from_slice(key);
    Ok(())
}

/// Appends a flag and its number in decimal digits.
fn flag(name: &[u8], mut number: u64, head: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        begin -= 1;
        if number == 0 {
            break;
        }
    }
    head.extend_from_slice(name);
    head.extend_from_slice(digits.get(begin..).unwrap_or_default());
}

/// What `line`, without its end, says about a request of this kind, which carried `token`.
pub(super) fn parse(kind: Kind, token: u64, line: &[u8]) -> Result<Line, Violation> {
    let whole = |answer| Ok(Line::Whole(answer));
    if kind == Kind::Flush && line == b"OK" {
        return whole(Answer::Done { cas: 0 });
    }
    if let Some(usual) = parse_usual(kind, token, line) {
        return Ok(usual);
    }
    let header = match MetaResponse::parse_header(line) {
        Ok(header) => header,
        Err(exp::Error::Server(text)) => return whole(Answer::Refused(printable(&text))),
        Err(exp::Error::Rejected(text)) => return whole(Answer::Rejected(printable(&text))),
        Err(_) => return Err("is not memcached's"),
    };
    let result = exp::parse_meta_result(header).map_err(|_| "is not memcached's")?;
    if !matches!(kind, Kind::Noop | Kind::Flush)
        && result.opaque.as_deref().and_then(number) != Some(token)
        && !is_planted(Bug::Token)
    {
        return Err("belongs to another request");
    }
    let cas = result.cas.ok_or("lacks the version");
    match (kind, result.rc) {
        (Kind::Get { with_bytes: true }, ReturnCode::Va) => {
            let len = line.split(|&byte| byte == b' ').nth(1).and_then(number).ok_or("has no length")?;
            Ok(Line::Record { len, cas: cas?, t: result.ttl.ok_or("lacks the time left")? })
        }
        (Kind::Get { with_bytes: false }, ReturnCode::Hd) => {
            whole(Answer::Found { bytes: Vec::new(), begin: 0, cas: cas?, t: result.ttl.ok_or("lacks the time left")? })
        }
        (Kind::Set, ReturnCode::Hd) => whole(Answer::Done { cas: cas? }),
        (Kind::Delete, ReturnCode::Hd) | (Kind::Noop, ReturnCode::Mn) => whole(Answer::Done { cas: 0 }),
        (Kind::Get { .. }, ReturnCode::En) | (Kind::Set | Kind::Delete, ReturnCode::Nf) => whole(Answer::Missing),
        (Kind::Set | Kind::Delete, ReturnCode::Ex) | (Kind::Set, ReturnCode::Ns) => whole(Answer::Exists),
        _ => Err("does not fit the request"),
    }
}

/// The answers that loading and storing nearly always have, read without the crate's vectors; `None` for whatever is
/// not exactly one of these.
fn parse_usual(kind: Kind, token: u64, line: &[u8]) -> Option<Line> {
    let (len, mut rest) = match line {
        [b'V', b'A', b' ', rest @ ..] => {
            let (len, rest) = leading_number(rest)?;
            (Some(len), rest)
        }
        [b'H', b'D', rest @ ..] => (None, rest),
        _ => return None,
    };
    let (mut cas, mut t, mut opaque) = (None, None, None);
    while let [b' ', flag, after @ ..] = rest {
        if *flag == b't'
            && let Some(after) = after.strip_prefix(b"-1")
        {
            (t, rest) = (Some(-1), after);
            continue;
        }
        let (number, after) = leading_number(after)?;
        match flag {
            b'c' => cas = Some(number),
            b't' => t = Some(i64::try_from(number).ok()?),
            b'O' => opaque = Some(number),
            _ => return None,
        }
        rest = after;
    }
    match (kind, len) {
        _ if !rest.is_empty() => None,
        _ if opaque != Some(token) && !is_planted(Bug::Token) => None,
        (Kind::Get { with_bytes: true }, Some(len)) => Some(Line::Record { len, cas: cas?, t: t? }),
        (Kind::Get { with_bytes: false }, None) => {
            Some(Line::Whole(Answer::Found { bytes: Vec::new(), begin: 0, cas: cas?, t: t? }))
        }
        (Kind::Set, None) => Some(Line::Whole(Answer::Done { cas: cas? })),
        _ => None,
    }
}

/// The number in decimal digits that `text` begins with, and what follows it.
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    /// No number of so many digits overflows.
    const CERTAIN: usize = 19;
    let (mut number, mut len) = (0_u64, 0);
    while let Some(digit) = text.get(len).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        if len == CERTAIN {
            len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
            number = self::number(text.get(..len)?)?;
            break;
        }
        number = number * 10 + u64::from(digit);
        len += 1;
    }
    if len == 0 { None } else { Some((number, text.get(len..)?)) }
}

/// A number in decimal digits, and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    if text.is_empty() { None } else { text.iter().try_fold(0, add) }
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
    use crate::store::Blob;

    fn encoded(request: &Request<'_>) -> String {
        let mut head = Vec::new();
        encode(request, 7, &mut head).unwrap();
        String::from_utf8(head).unwrap()
    }

    // A fact of memcached: `t` before `T`.
    #[test]
    fn requests_are_one_line_each() {
        let (key, payload) = (&Key::new("c/k"), &Blob::new(vec![1, 2, 3]).into());
        let get = |with_bytes, renew| encoded(&Request::Get { key, with_bytes, renew });
        assert_eq!(get(true, Some(61)), "mg c/k v c t T61 O7\r\n");
        assert_eq!(get(false, None), "mg c/k c t O7\r\n");
        let set = |mode| encoded(&Request::Set { key, payload, mode, ttl: 9 });
        assert_eq!(set(Mode::Add), "ms c/k 3 ME T9 c O7\r\n");
        assert_eq!(set(Mode::Swap(5)), "ms c/k 3 C5 T9 c O7\r\n");
        assert_eq!(set(Mode::Put), "ms c/k 3 T9 c O7\r\n");
        assert_eq!(encoded(&Request::Delete { key, cas: Some(4) }), "md c/k C4 O7\r\n");
        assert_eq!(encoded(&Request::Noop), "mn\r\n");
        assert_eq!(get(false, Some(u32::MAX)), "mg c/k c t T4294967295 O7\r\n");
        assert_eq!(get(true, Some(0)), "mg c/k v c t T0 O7\r\n");
        assert_eq!(set(Mode::Swap(u64::MAX)), "ms c/k 3 C18446744073709551615 T9 c O7\r\n");
    }

    // The older client of the crate lets a key with CRLF inject commands.
    #[test]
    fn a_key_cannot_end_its_line() {
        for key in ["", "a\r\nflush_all", "a b", "a\0", "\u{e4}", &"k".repeat(251)] {
            let (key, payload) = (&Key::new(key), &Blob::new(vec![]).into());
            let get = Request::Get { key, with_bytes: true, renew: None };
            let set = Request::Set { key, payload, mode: Mode::Put, ttl: 0 };
            for request in [get, set] {
                let mut head = Vec::new();
                assert!(encode(&request, 7, &mut head).is_err());
                assert!(head.is_empty());
            }
        }
    }

    #[test]
    fn what_is_read_by_hand_is_what_the_crate_reads() {
        let key = &Key::new("c/k");
        let get = Request::Get { key, with_bytes: true, renew: None };
        let touch = Request::Get { key, with_bytes: false, renew: Some(9) };
        let set = Request::Set { key, payload: &Blob::new(vec![]).into(), mode: Mode::Put, ttl: 0 };
        let cases: [(_, &[u8]); 4] = [
            (get, b"VA 3 c5 t-1 O7"),
            (get, b"VA 1024 c18446744073709551615 t3601 O7"),
            (touch, b"HD c5 t0 O7"),
            (set, b"HD c9 O7"),
        ];
        for (request, line) in cases {
            let usual = parse_usual(request.kind(), 7, line).unwrap();
            // The crate takes flags that are not asked for as well, so this line is read by it.
            let by_crate = parse(request.kind(), 7, &[line, b" s3"].concat()).unwrap();
            assert_eq!(format!("{usual:?}"), format!("{by_crate:?}"));
        }
        for line in [b"VA 3 c5 t-1 O7 W".as_slice(), b"VA 3 c5 t-1 O8", b"VA 3  c5 t-1 O7", b"HD c5 t-2 O7"] {
            assert!(parse_usual(get.kind(), 7, line).is_none(), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        let key = &Key::new("c/k");
        let get = Request::Get { key, with_bytes: true, renew: None };
        let set = Request::Set { key, payload: &Blob::new(vec![]).into(), mode: Mode::Put, ttl: 0 };
        assert!(matches!(parse(get.kind(), 7, b"VA 3 c5 t-1 O7"), Ok(Line::Record { len: 3, cas: 5, t: -1 })));
        assert!(matches!(parse(get.kind(), 7, b"EN O7"), Ok(Line::Whole(Answer::Missing))));
        assert!(matches!(parse(set.kind(), 7, b"HD c9 O7"), Ok(Line::Whole(Answer::Done { cas: 9 }))));
        assert!(matches!(parse(set.kind(), 7, b"NS c0 O7"), Ok(Line::Whole(Answer::Exists))));
        assert!(
            matches!(parse(set.kind(), 7, b"SERVER_ERROR out"), Ok(Line::Whole(Answer::Refused(text))) if text == "out")
        );
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
            assert!(parse(get.kind(), 7, line).is_err(), "{}", String::from_utf8_lossy(line));
        }
        assert!(parse(set.kind(), 7, b"VA 3 c5 t1 O7").is_err());
        assert!(parse(set.kind(), 7, b"EN O7").is_err());
    }
}
