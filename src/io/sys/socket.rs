//! Stream sockets: close-on-exec, never a signal, and never waiting unless the caller says so.

use std::io::{self, IoSlice};
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A socket whose connection is under way, or made.
#[derive(Debug)]
pub struct Connecting {
    /// The socket.
    pub socket: OwnedFd,
    /// Whether it is connected; if not, it is when it can be written, or has failed ([`take_error`]).
    pub is_connected: bool,
}

/// Begins to connect to `address`. Calls that may wait do so for `patience` at the longest.
pub fn connect_tcp(address: &SocketAddr, patience: Duration) -> io::Result<Connecting> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let socket = new_socket(family, patience)?;
    // Requests are written in one piece: holding them back for more to come would only delay them.
    set_option(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY, &1_i32)?;
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: zeroes are a valid `sockaddr_in`.
            let mut name: libc::sockaddr_in = unsafe { mem::zeroed() };
            name.sin_family = family_of(family);
            name.sin_port = v4.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            connect(socket, &name, mem::size_of_val(&name))
        }
        SocketAddr::V6(v6) => {
            // SAFETY: zeroes are a valid `sockaddr_in6`.
            let mut name: libc::sockaddr_in6 = unsafe { mem::zeroed() };
            name.sin6_family = family_of(family);
            name.sin6_port = v6.port().to_be();
            name.sin6_flowinfo = v6.flowinfo();
            name.sin6_addr.s6_addr = v6.ip().octets();
            name.sin6_scope_id = v6.scope_id();
            connect(socket, &name, mem::size_of_val(&name))
        }
    }
}

/// Begins to connect to the socket at `path`; `WouldBlock` if the server has too many callers waiting.
pub fn connect_unix(path: &str, patience: Duration) -> io::Result<Connecting> {
    // SAFETY: zeroes are a valid `sockaddr_un`.
    let mut name: libc::sockaddr_un = unsafe { mem::zeroed() };
    name.sun_family = family_of(libc::AF_UNIX);
    // One byte stays zero, for the end.
    if path.len() >= name.sun_path.len() || path.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (to, from) in name.sun_path.iter_mut().zip(path.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    connect(new_socket(libc::AF_UNIX, patience)?, &name, mem::size_of_val(&name))
}

/// What became of a connection that was under way.
pub fn take_error(socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut errno: libc::c_int = 0;
    let mut len = length_of::<libc::c_int>();
    // SAFETY: `errno` is `len` bytes, both exclusively borrowed during the call.
    let answer = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut errno).cast(), &raw mut len)
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    if errno != 0 { Err(io::Error::from_raw_os_error(errno)) } else { Ok(()) }
}

/// Sends as much of `pieces` as there is room for; `WouldBlock` if there is none. With `may_wait` it waits for room to
/// send all, as long as the socket's patience lasts, and fails with `Interrupted` if a signal comes before anything went.
pub fn send(socket: BorrowedFd<'_>, pieces: &[IoSlice<'_>], may_wait: bool) -> io::Result<usize> {
    let flags = libc::MSG_NOSIGNAL | if may_wait { 0 } else { libc::MSG_DONTWAIT };
    loop {
        let sent = match pieces {
            // The usual case, for which the system needs no list of pieces.
            // SAFETY: the piece is only read, during the call.
            [piece] => unsafe { libc::send(socket.as_raw_fd(), piece.as_ptr().cast(), piece.len(), flags) },
            _ => send_pieces(socket, pieces, flags),
        };
        if let Ok(sent) = usize::try_from(sent) {
            return Ok(sent);
        }
        let error = io::Error::last_os_error();
        if may_wait || error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn send_pieces(socket: BorrowedFd<'_>, pieces: &[IoSlice<'_>], flags: libc::c_int) -> libc::ssize_t {
    // The system takes 1,024 at once; the rest is the next call's.
    let count = pieces.len().min(1_024);
    // SAFETY: zeroes are a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = count as _;
    // SAFETY: `IoSlice` has the layout of `iovec`; the first `count` of `pieces` are only read, during the call.
    unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) }
}

/// Receives at most `at_most` bytes and appends them to `buffer`; 0 is the end.
///
/// If nothing is there: `WouldBlock`, with `may_wait` only after the socket's patience. `Interrupted` by a signal while
/// it waited. `OutOfMemory` if the buffer cannot grow.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut Vec<u8>, at_most: usize, may_wait: bool) -> io::Result<usize> {
    buffer.try_reserve(at_most).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let room = buffer.spare_capacity_mut();
    let len = room.len().min(at_most);
    let flags = if may_wait { 0 } else { libc::MSG_DONTWAIT };
    loop {
        // SAFETY: the first `len` bytes of the spare capacity, exclusively borrowed during the call.
        let received = unsafe { libc::recv(socket.as_raw_fd(), room.as_mut_ptr().cast(), len, flags) };
        if let Ok(received) = usize::try_from(received) {
            let full = buffer.len() + received;
            // SAFETY: the call has written that many bytes of the spare capacity.
            unsafe { buffer.set_len(full) };
            return Ok(received);
        }
        let error = io::Error::last_os_error();
        if may_wait || error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whether the connection stands and nothing has arrived that nobody has asked for.
pub fn is_quiet(socket: BorrowedFd<'_>) -> bool {
    let mut byte = 0_u8;
    // SAFETY: one byte, exclusively borrowed during the call.
    let received =
        unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) };
    received < 0 && matches!(io::Error::last_os_error().kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether the peer has not closed its side, nor the connection failed, whatever has arrived before.
pub fn is_open(socket: BorrowedFd<'_>) -> bool {
    let mut watch = libc::pollfd { fd: socket.as_raw_fd(), events: PEER_LEFT, revents: 0 };
    // SAFETY: one `pollfd`, exclusively borrowed during the call.
    unsafe { libc::poll(&raw mut watch, 1, 0) };
    watch.revents & !libc::POLLIN == 0
}

/// What tells that the peer has closed its side: macOS does so beside what there is to read.
const PEER_LEFT: libc::c_short = if cfg!(target_os = "macos") { libc::POLLIN } else { POLLRDHUP };
#[cfg(not(target_os = "macos"))]
use libc::POLLRDHUP;
#[cfg(target_os = "macos")]
const POLLRDHUP: libc::c_short = 0;

/// Ends the connection in both directions; the descriptor stays.
pub fn shut(socket: BorrowedFd<'_>) {
    // One that is not connected any more is what is wanted.
    // SAFETY: plain numbers.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
}

/// A socket that waits with `patience`; it is made so that connecting it does not wait.
fn new_socket(family: libc::c_int, patience: Duration) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    let fd = unsafe { libc::socket(family, libc::SOCK_STREAM | AT_ONCE, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was just made, and that nobody else has.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    #[cfg(target_os = "macos")]
    prepare(socket.as_fd())?;
    // SAFETY: zeroes are a valid `timeval`.
    let mut time: libc::timeval = unsafe { mem::zeroed() };
    time.tv_sec = libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX);
    // Less than a microsecond would be "for ever".
    #[allow(clippy::unnecessary_fallible_conversions, reason = "smaller on macOS")]
    let micros = libc::suseconds_t::try_from(patience.subsec_micros()).unwrap_or(0);
    time.tv_usec = micros.max(libc::suseconds_t::from(patience.as_secs() == 0));
    set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, &time)?;
    set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_SNDTIMEO, &time)?;
    Ok(socket)
}

/// What a socket is made with: close-on-exec, and connecting without waiting.
#[cfg(not(target_os = "macos"))]
const AT_ONCE: libc::c_int = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
/// There it has to be said afterwards.
#[cfg(target_os = "macos")]
const AT_ONCE: libc::c_int = 0;

/// Says it, and that no signal comes, for which a flag of each call is not enough there.
#[cfg(target_os = "macos")]
fn prepare(socket: BorrowedFd<'_>) -> io::Result<()> {
    for (what, value) in [(libc::F_SETFD, libc::FD_CLOEXEC), (libc::F_SETFL, libc::O_NONBLOCK)] {
        // SAFETY: plain numbers and a descriptor that is ours.
        if unsafe { libc::fcntl(socket.as_raw_fd(), what, value) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    set_option(socket, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, &1_i32)
}

/// Begins to connect `socket` to `name`, of which `len` bytes count.
fn connect<T>(socket: OwnedFd, name: &T, len: usize) -> io::Result<Connecting> {
    let len = libc::socklen_t::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: `name` is one of the `sockaddr` structures, of `len` bytes, and is only read.
    let answer = unsafe { libc::connect(socket.as_raw_fd(), std::ptr::from_ref(name).cast(), len) };
    let is_connected = answer == 0;
    if !is_connected {
        let error = io::Error::last_os_error();
        // Interrupted or not, it goes on by itself.
        if !matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) {
            return Err(error);
        }
    }
    // From here on each call says for itself whether it may wait.
    // SAFETY: plain numbers and a descriptor that is ours.
    if unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_SETFL, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Connecting { socket, is_connected })
}

fn set_option<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is as long as is said, and is only read.
    let answer = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length_of::<T>())
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(mem::size_of::<T>()).unwrap_or(0)
}

fn family_of(family: libc::c_int) -> libc::sa_family_t {
    libc::sa_family_t::try_from(family).unwrap_or(0)
}
