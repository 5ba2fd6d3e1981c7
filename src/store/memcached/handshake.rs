//! What a server tells when a connection is made: which process it is, what it can, and what its clock says.

use std::io::IoSlice;
use std::time::Instant;

use super::channel::{Channel, Fault};
use super::time::ServerClock;
use super::wire::{number, printable};
use crate::error::Error;

/// One round trip. `stats` names the process and its clock, `stats settings` the limits.
const QUESTIONS: &[u8] = b"version\r\nstats\r\nstats settings\r\n";
/// Before it, storing answers with a wrong version: what is stored then could not be changed safely.
const OLDEST: (u64, u64, u64) = (1, 6, 13);
/// More lines than any version sends.
const MOST_LINES: usize = 2_000;
/// memcached's own ceiling for `-I`.
const LARGEST_ITEM: u64 = 1 << 30;

/// A server process: which, and when it was started. Another one holds nothing of what this one held, and its versions
/// count from 1 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pid: u64,
    started: u64,
}

/// What is known of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) identity: Identity,
    pub(super) clock: ServerClock,
    /// The largest item in bytes, key and overhead included.
    pub(super) item_size: usize,
    /// Whether the server counts versions (not with `-C`).
    pub(super) has_versions: bool,
}

/// What was told, as far as it was.
#[derive(Debug, Default)]
struct Told {
    version: Option<String>,
    pid: Option<u64>,
    uptime: Option<u64>,
    time: Option<u64>,
    item_size: Option<u64>,
    cas: Option<bool>,
    needs_password: bool,
}

/// Asks the server that `channel` is connected to and that is called `name`.
pub(super) async fn shake_hands(channel: &mut Channel, name: &str) -> Result<Result<Facts, Error>, Fault> {
    let asked = Instant::now();
    let mut rest = QUESTIONS;
    while let Some(sent) = channel.send(&[IoSlice::new(rest)], false)? {
        rest = rest.get(sent..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
    }
    if !rest.is_empty() {
        // A new connection has room for far more.
        return Err(Fault::Violation("is not awaited: there is no room to ask"));
    }
    let mut told = Told::default();
    let (mut lines, mut ends) = (0, 0);
    while ends < 2 {
        let Some(line) = channel.line()? else {
            let room = channel.make_room(true)?;
            channel.receive(None, room, false).await?;
            continue;
        };
        lines += 1;
        if lines > MOST_LINES {
            return Err(Fault::Violation("to stats has no end"));
        }
        if line == b"END" {
            ends += 1;
        } else if let Some(refusal) = told.hear(line, name)? {
            return Ok(Err(refusal));
        }
    }
    if !channel.is_drained() {
        return Err(Fault::Violation("goes on after its end"));
    }
    told.into_facts(asked, name)
}

impl Told {
    /// Takes one line in; the error if the server does not want us.
    fn hear(&mut self, line: &[u8], name: &str) -> Result<Option<Error>, Fault> {
        let text = String::from_utf8_lossy(line);
        let mut words = text.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("VERSION"), Some(version), _) => self.version = Some(version.to_owned()),
            (Some("STAT"), Some(what), value) => self.note(what, value.unwrap_or_default()),
            (Some("CLIENT_ERROR"), Some("unauthenticated"), _) => {
                return Ok(Some(password(name)));
            }
            (Some("ERROR" | "CLIENT_ERROR" | "SERVER_ERROR"), ..) => {
                let text = printable(&text);
                return Ok(Some(Error::Unsupported(
                    format!("memcached server {name} does not tell its version and settings, but answers {text:?}")
                        .into(),
                )));
            }
            _ => return Err(Fault::Violation("is not memcached's")),
        }
        Ok(None)
    }

    fn note(&mut self, what: &str, value: &str) {
        let count = || number(value.as_bytes());
        match what {
            "pid" => self.pid = count(),
            "uptime" => self.uptime = count(),
            "time" => self.time = count(),
            "item_size_max" => self.item_size = count(),
            "cas_enabled" => self.cas = Some(value == "yes"),
            "auth_enabled_sasl" | "auth_enabled_ascii" => self.needs_password |= value != "no",
            _ => {}
        }
    }

    fn into_facts(self, asked: Instant, name: &str) -> Result<Result<Facts, Error>, Fault> {
        let version = self.version.ok_or("does not tell the version")?;
        if !is_recent(&version) {
            let (major, minor, patch) = OLDEST;
            let version = printable(&version);
            return Ok(Err(Error::Unsupported(
                format!("memcached server {name} is version {version}; at least {major}.{minor}.{patch} is needed")
                    .into(),
            )));
        }
        if self.needs_password {
            return Ok(Err(password(name)));
        }
        let time = self.time.ok_or("does not tell the time")?;
        let uptime = self.uptime.ok_or("does not tell the uptime")?;
        let item_size = self.item_size.ok_or("does not tell the item limit")?.min(LARGEST_ITEM);
        Ok(Ok(Facts {
            identity: Identity {
                pid: self.pid.ok_or("does not tell the process")?,
                started: time.saturating_sub(uptime),
            },
            clock: ServerClock::new(time, asked),
            item_size: usize::try_from(item_size).unwrap_or(usize::MAX),
            has_versions: self.cas.ok_or("does not tell whether there are versions")?,
        }))
    }
}

fn password(name: &str) -> Error {
    Error::Unsupported(format!("memcached server {name} asks for a password, which is not supported").into())
}

/// Whether a version is new enough; what stands behind the numbers, of a build or a branch, does not count.
fn is_recent(version: &str) -> bool {
    let mut numbers =
        version.split(['.', '-', '_', '+']).map(|part| number(part.as_bytes()).filter(|_| !part.is_empty()));
    let mut next = || numbers.next().flatten();
    let (Some(major), Some(minor)) = (next(), next()) else { return false };
    (major, minor, next().unwrap_or(0)) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for version in ["1.6.13", "1.6.18", "1.6.100", "1.7.0", "2.0", "1.6.21_5_gabc", "1.6.22-beta"] {
            assert!(is_recent(version), "{version}");
        }
        for version in ["1.6.12", "1.6.9", "1.5.99", "0.9.9", "", "x", "1", "1.6", "1.6.x"] {
            assert!(!is_recent(version), "{version}");
        }
    }
}
