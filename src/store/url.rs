//! What a caller names a store by: `memory://NAME`, `memcached://HOST[:PORT][,HOST[:PORT]...][/PREFIX]`,
//! `memcached+unix:///PATH`, each with `?OPTION=VALUE&...`.
//!
//! Errors say which part of the URL is wrong, and never repeat a value: somebody may have put a password there.

use std::env::{self, VarError};
use std::sync::atomic::{AtomicBool, Ordering};

use super::address::{self, Address};
use super::{StoreOption, StoreOptions, wire};
use crate::error::{Error, Result};
use crate::log;

const VARIABLE: &str = "LOVELY_SESSION_URL";
const MAX_URL_LEN: usize = 8_192;
const MAX_MEMORY_NAME_CHARS: usize = 100;

/// A store's URL, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Where the store is.
    pub place: Place,
    /// What all keys begin with, in its wire form, if the URL says.
    pub prefix: Option<String>,
    /// The options that the URL sets.
    pub options: StoreOptions,
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this process.
    Memory {
        /// Its name, which may be empty.
        name: String,
    },
    /// On memcached servers, sorted, at least one.
    Memcached {
        /// The servers' addresses.
        servers: Vec<Address>,
    },
}

impl Url {
    /// Understands `text`; `Argument` says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_URL_LEN {
            return Err(invalid(format_args!("longer than {MAX_URL_LEN} bytes")));
        }
        if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
            return Err(invalid(format_args!("control character at byte {at}")));
        }
        if text.contains('#') {
            return Err(invalid(format_args!("a '#' in it must be written %23")));
        }
        let (rest, query) = text.split_once('?').map_or((text, None), |(rest, query)| (rest, Some(query)));
        let mut url = match rest.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("memory") => Self::memory(rest)?,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("memcached") => Self::memcached(rest)?,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("memcached+unix") => {
                Self::at(Place::Memcached { servers: vec![address::unix(rest).map_err(invalid)?] })
            }
            _ => {
                return Err(invalid(format_args!("must begin with memory://, memcached:// or memcached+unix://")));
            }
        };
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            for (number, option) in (1..).zip(query.split('&')) {
                url.set(number, option)?;
            }
        }
        Ok(url)
    }

    /// The URL in its shortest form, without options: the same for two URLs if and only if they are the same store.
    pub fn identity(&self) -> String {
        match &self.place {
            Place::Memory { name } => format!("memory://{}", wire::encode(name)),
            Place::Memcached { servers } => {
                let prefix = self.prefix.as_deref().unwrap_or_default();
                address::identity(servers, prefix)
            }
        }
    }

    fn at(place: Place) -> Self {
        Self { place, prefix: None, options: StoreOptions::new() }
    }

    fn memory(rest: &str) -> Result<Self> {
        let name = wire::decode(rest).map_err(|wrong| invalid(format_args!("{wrong} in the name")))?;
        if name.chars().count() > MAX_MEMORY_NAME_CHARS {
            return Err(invalid(format_args!("a name of more than {MAX_MEMORY_NAME_CHARS} characters")));
        }
        Ok(Self::at(Place::Memory { name }))
    }

    fn memcached(rest: &str) -> Result<Self> {
        let (hosts, path) = rest.split_once('/').map_or((rest, None), |(hosts, path)| (hosts, Some(path)));
        let servers = address::servers(hosts).map_err(invalid)?;
        let mut url = Self::at(Place::Memcached { servers });
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            url.prefix = Some(prefix(path)?);
        }
        Ok(url)
    }

    /// Takes one `OPTION=VALUE` of the query, which is the `number`th.
    fn set(&mut self, number: usize, text: &str) -> Result<()> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(invalid(format_args!("option {number} is not NAME=VALUE")));
        };
        if name == "prefix" {
            if self.prefix.is_some() {
                return Err(invalid(format_args!("the prefix is given twice")));
            }
            self.prefix = Some(prefix(value)?);
            return Ok(());
        }
        let Some(option) = StoreOption::ALL.into_iter().find(|option| option.name() == name) else {
            return Err(invalid(format_args!("option {number} is not one of this version")));
        };
        if self.options.explicit(option).is_some() {
            return Err(invalid(format_args!("option {name} is given twice")));
        }
        let wrong = |what: &str| invalid(format_args!("option {name}: {what}"));
        let value = match option {
            StoreOption::FlushAllowed if value == "allow" => 1,
            StoreOption::FlushAllowed => return Err(wrong("the value may only be allow")),
            StoreOption::MemorySize | StoreOption::ItemLimit => {
                size(value).ok_or_else(|| wrong("not a number of bytes, with k, m or g after it or not"))?
            }
            _ => digits(value).ok_or_else(|| wrong("not a number of milliseconds"))?,
        };
        self.options.set(option, value).map_err(|_| wrong("out of range"))
    }
}

/// The URL that the environment names, or else `memory://default`, with a warning the first time.
pub(super) fn from_environment() -> Result<Url> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    match env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => {
            Url::parse(&text).map_err(|error| Error::Argument(format!("{VARIABLE}: {error}").into()))
        }
        Err(VarError::NotUnicode(_)) => Err(Error::Argument(format!("{VARIABLE} is not UTF-8").into())),
        Ok(_) | Err(VarError::NotPresent) => {
            if !WARNED.swap(true, Ordering::Relaxed) {
                log::warn(format_args!(
                    "no store was named, neither by a URL nor by {VARIABLE}: sessions are kept in memory://default, \
                     for this process alone"
                ));
            }
            Ok(Url::at(Place::Memory { name: "default".to_owned() }))
        }
    }
}

fn prefix(text: &str) -> Result<String> {
    let decoded = wire::decode(text).map_err(|wrong| invalid(format_args!("{wrong} in the prefix")))?;
    wire::wire_form("prefix", &decoded).map_err(|error| invalid(format_args!("{error}")))
}

/// A number of bytes: digits, and k, m or g for powers of 1,024.
fn size(text: &str) -> Option<i64> {
    let (number, shift) = match text.as_bytes().last()? {
        b'k' | b'K' => (text.get(..text.len() - 1)?, 10),
        b'm' | b'M' => (text.get(..text.len() - 1)?, 20),
        b'g' | b'G' => (text.get(..text.len() - 1)?, 30),
        _ => (text, 0),
    };
    digits(number)?.checked_mul(1_i64 << shift)
}

/// Digits and nothing else: `parse` alone would take a sign too.
fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::Argument(format!("store URL: {what}").into())
}
