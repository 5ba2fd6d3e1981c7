//! A C program with default signal handling, linked with the library as any host is, whose memcached is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "a disposition that Rust has no safe form for")]

mod support;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::memcached::Memcached;
use support::program::build;

/// Starts it as a shell does: with SIGPIPE as the system has it, not ignored as Rust has it.
fn start(program: &Path, url: &str, pause: Duration) -> Child {
    let mut command = Command::new(program);
    command.args([url, &pause.as_millis().to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    // SAFETY: signal and alarm may be called between fork and exec; the alarm ends a program that hangs.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            libc::alarm(30);
            Ok(())
        });
    }
    command.spawn().unwrap()
}

// No signal reaches the host. Contract 6.2: a commit that was not stored is an error.
#[test]
fn a_c_host_survives_the_death_of_its_server_between_load_and_commit() {
    let dir = env::temp_dir().join(format!("lovely-host-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let program = build("tests/capi/survivor.c", &dir);
    for (on_tcp, pause) in [(true, 0), (true, 150), (false, 0), (false, 150)] {
        let mut server = if on_tcp { Memcached::start(&[]) } else { Memcached::start_unix(&[]) };
        let mut host = start(&program, &server.url(), Duration::from_millis(pause));
        let mut output = BufReader::new(host.stdout.take().unwrap());
        let mut text = String::new();
        // Empty if it could not load; what it says then is read below.
        output.read_line(&mut text).unwrap();
        server.kill();
        let _ = host.stdin.take().unwrap().write_all(b"dead\n");
        output.read_to_string(&mut text).unwrap();
        let status = host.wait().unwrap();
        let place = format!("on {}, {pause} ms after", if on_tcp { "TCP" } else { "a unix socket" });
        assert_eq!(status.signal(), None, "{place}: a signal ended it:\n{text}");
        assert!(status.success(), "{place}: {status}:\n{text}");
        assert!(text.starts_with("loaded\n") && text.ends_with("survivor: 1 passed, 0 failed\n"), "{place}:\n{text}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
