//! Where memcached servers are: the hosts of a URL, and the path of a socket.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::wire;

/// memcached's own port.
const DEFAULT_PORT: u16 = 11_211;
/// The longest name that DNS can carry.
const MAX_HOST_LEN: usize = 253;
/// The longest path of a socket that all systems take, without its NUL.
const MAX_SOCKET_PATH_LEN: usize = 103;

/// The address of one server. Equal addresses are spelled the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A host, in lower case, IPv6 without brackets, and a port.
    Tcp {
        /// Name or number.
        host: String,
        /// Port, not 0.
        port: u16,
    },
    /// A socket in the file system.
    Unix {
        /// Its absolute path.
        path: String,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => {
                // Slashes stay, so that the path can be read.
                let parts: Vec<String> = path.split('/').map(wire::encode).collect();
                f.write_str(&parts.join("/"))
            }
        }
    }
}

/// The URL of `servers`, which are sorted, and `prefix`, which is in its wire form.
pub(super) fn identity(servers: &[Address], prefix: &str) -> String {
    if let [socket @ Address::Unix { .. }] = servers {
        let query = if prefix.is_empty() { "" } else { "?prefix=" };
        return format!("memcached+unix://{socket}{query}{prefix}");
    }
    let servers: Vec<String> = servers.iter().map(Address::to_string).collect();
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("memcached://{}{slash}{prefix}", servers.join(","))
}

/// The socket at `rest`, what follows `memcached+unix://`.
pub(super) fn unix(rest: &str) -> Result<Address, String> {
    if !rest.starts_with('/') {
        return Err("memcached+unix:// must be followed by an absolute path".to_owned());
    }
    let path = wire::decode(rest).map_err(|wrong| format!("{wrong} in the path of the socket"))?;
    if path.ends_with('/') {
        return Err("the path of the socket names a directory".to_owned());
    }
    if path.len() > MAX_SOCKET_PATH_LEN {
        return Err(format!("the path of the socket is longer than {MAX_SOCKET_PATH_LEN} bytes"));
    }
    Ok(Address::Unix { path })
}

/// The servers that `hosts` lists, sorted: the order in which they are named means nothing.
pub(super) fn servers(hosts: &str) -> Result<Vec<Address>, String> {
    if hosts.contains('@') {
        return Err("user names and passwords are not supported in it".to_owned());
    }
    let mut servers = BTreeSet::new();
    for (number, text) in (1..).zip(hosts.split(',')) {
        let server = tcp(text).map_err(|wrong| format!("server {number}: {wrong}"))?;
        if !servers.insert(server) {
            return Err(format!("server {number} is named twice"));
        }
    }
    Ok(servers.into_iter().collect())
}

fn tcp(text: &str) -> Result<Address, &'static str> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (number, after) = bracketed.split_once(']').ok_or("a '[' without a ']'")?;
        let number: Ipv6Addr = number.parse().map_err(|_| "not an IPv6 address in brackets")?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port),
            None if after.is_empty() => None,
            None => return Err("text after the ']' that is not a port"),
        };
        (number.to_string(), port)
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if port.is_some_and(|port| port.contains(':')) {
            return Err("an IPv6 address must stand in brackets");
        }
        (check_host(host)?, port)
    };
    Ok(Address::Tcp { host, port: port.map_or(Ok(DEFAULT_PORT), check_port)? })
}

fn check_host(host: &str) -> Result<String, &'static str> {
    if host.is_empty() {
        return Err("no host");
    }
    if host.len() > MAX_HOST_LEN || !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    {
        return Err("not the name or the address of a host");
    }
    // Digits and dots alone are an IPv4 address or a mistake; resolvers read them in surprising ways (0177.1, 1).
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') && host.parse::<IpAddr>().is_err() {
        return Err("not an IPv4 address");
    }
    Ok(host.to_ascii_lowercase())
}

fn check_port(port: &str) -> Result<u16, &'static str> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err("not a port from 1 to 65535"),
    }
}
