//! How much memory servers have, how it is filled up, and what they tell of the records that they dropped for it.

use std::io::{BufRead, BufReader, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::history::{Nanos, now};
use crate::socket::Address;

/// What servers do when they are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// They are never.
    Plenty,
    /// They drop what was not written for the longest time.
    Evicts,
    /// They refuse to store (option `-M`).
    Refuses,
}

/// Into pieces of these sizes the memory is split. Of each there is one megabyte, the least that a server can have.
const CHUNKS: [usize; 6] = [512, 2_048, 8_192, 32_768, 131_072, 524_288];
/// What the keys begin with that memory is filled with.
const FILLER: &str = "filler-";
/// What a server needs in each piece besides the value, at most.
const OVERHEAD: usize = 100;

impl Memory {
    /// The options that a server is started with.
    pub fn options(self) -> Vec<String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let chunks = CHUNKS[..CHUNKS.len() - 1].iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        // Strictly first in, first out: of what is opened all the time nothing would ever be dropped otherwise. The buffer
        // is for the log of evictions; memcached 1.6.18 takes its size for `slab_sizes` too, which has to come after it.
        let small = format!("-m 2 -o no_lru_maintainer,no_lru_crawler,worker_logbuf_size=2048,slab_sizes={chunks}");
        match self {
            Self::Plenty => words("-m 256"),
            Self::Evicts => words(&small),
            Self::Refuses => words(&format!("{small} -M")),
        }
    }
}

/// What fills the pieces of the sizes that `is_wanted` picks: requests in portions, and their keys.
pub fn filling(mut is_wanted: impl FnMut() -> bool) -> Vec<(Vec<u8>, Vec<String>)> {
    const PORTION: usize = 400;
    let mut portions = Vec::new();
    for size in CHUNKS.into_iter().filter(|_| is_wanted()) {
        let (value, count) = ("f".repeat(size - OVERHEAD), (1 << 20) / size + 1);
        for first in (0..count).step_by(PORTION) {
            let keys: Vec<String> =
                (first..count.min(first + PORTION)).map(|i| format!("{FILLER}{size}-{i}")).collect();
            let requests = keys.iter().map(|key| format!("ms {key} {} T0 q\r\n{value}\r\n", value.len()));
            portions.push((requests.collect::<String>().into_bytes(), keys));
        }
    }
    portions
}

/// When records were dropped, and their keys.
pub type Dropped = Arc<Mutex<Vec<(Nanos, String)>>>;

/// Has the server at `address` tell of every record that it drops, until it ends.
pub fn watch(address: &Address, dropped: &Dropped) {
    let stream = address.connect().unwrap();
    (&stream).write_all(b"watch evictions\r\n").unwrap();
    let dropped = Arc::clone(dropped);
    thread::spawn(move || {
        for line in BufReader::new(&stream).split(b'\n') {
            let Ok(line) = line else { return };
            let Some((at, key)) = understand(&String::from_utf8_lossy(&line)) else { continue };
            dropped.lock().unwrap().push((at, key));
        }
    });
}

/// A line of the log, which begins `ts=SECONDS.MICROSECONDS`, without leading zeros: when, by the clock of all processes,
/// and the key as it is in a request.
fn understand(line: &str) -> Option<(Nanos, String)> {
    let word = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
    let key = word("key=")?.replace("%2F", "/");
    let (seconds, micros) = word("ts=")?.split_once('.')?;
    let at = seconds.parse::<u64>().ok()? * 1_000_000_000 + micros.parse::<u64>().ok()? * 1_000;
    let wall = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()?;
    (!key.starts_with(FILLER)).then(|| (now().saturating_sub(wall.saturating_sub(at)), key))
}
