//! What a seed stands for: how many servers and clients, how long they wait, and how badly the links treat them.

use std::time::Duration;

use lovely_session::container::Policy;
use serde::{Deserialize, Serialize};

use crate::memory::Memory;
use crate::random::Random;

/// The containers, and how each treats conflicts. The last one stores anew what was evicted.
pub const CONTAINERS: [(&str, Policy); 4] =
    [("merge", Policy::Merge), ("mine", Policy::Mine), ("strict", Policy::Strict), (RECREATE, Policy::Merge)];
/// The container that does.
pub const RECREATE: &str = "recreate";
/// Most servers of a store.
pub const MOST_SERVERS: usize = 5;

/// One round: all that follows from its seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub seed: u64,
    pub servers: usize,
    /// Client processes.
    pub clients: usize,
    pub client: Client,
    pub link: Rates,
    /// Whether the server, which is the only one then, is at a path.
    pub is_unix: bool,
    pub memory: Memory,
    /// The mean pause between two faults of servers, links as a whole and clients.
    pub pause: Duration,
}

/// What the clients of a round have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Threads of each process, on one store.
    pub threads: u32,
    /// Ids of each container that all clients use.
    pub ids: usize,
    pub connect_ms: u64,
    pub exchange_ms: u64,
    pub commit_ms: u64,
    /// Bytes that each value is made longer by.
    pub padding: usize,
    /// The longest that a transaction is kept open for without need.
    pub think_ms: u64,
}

/// How often a link does something to a stretch of bytes, in 1 of 10,000.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    pub delay: u64,
    /// Holds it longer than the client waits, and then delivers it.
    pub late: u64,
    pub trickle: u64,
    /// Passes on some of it, and ends the connection.
    pub cut: u64,
    /// Delivers an answer a second time: what no TCP does, but a proxy that is out of step.
    pub repeat: u64,
}

impl Config {
    /// What `seed` stands for.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut up_to = |least: u64, most: u64| least + random.next() % (most - least + 1);
        let servers = usize::try_from(up_to(1, MOST_SERVERS as u64)).unwrap();
        let clients = usize::try_from(up_to(4, 8)).unwrap();
        let client = Client {
            threads: u32::try_from(up_to(1, 2)).unwrap(),
            ids: usize::try_from(up_to(2, 6)).unwrap(),
            connect_ms: up_to(200, 400),
            exchange_ms: up_to(100, 300),
            commit_ms: up_to(500, 1_500),
            padding: [0, 0, 300, 5_000, 5_000][usize::try_from(up_to(0, 4)).unwrap()],
            think_ms: up_to(10, 120),
        };
        let mut link = Rates {
            delay: up_to(0, 300),
            late: up_to(0, 60),
            trickle: up_to(0, 100),
            cut: up_to(0, 60),
            repeat: if up_to(0, 3) == 0 { up_to(20, 100) } else { 0 },
        };
        let pause = Duration::from_millis(up_to(100, 900));
        if seed % 10 == 7 && link.repeat == 0 {
            link.repeat = up_to(20, 100);
        }
        // Not random, so that a short run has all of them.
        let (is_unix, memory) = match seed % 10 {
            0 => (true, Memory::Plenty),
            5 => (true, Memory::Evicts),
            6 | 9 => (false, Memory::Evicts),
            8 => (false, Memory::Refuses),
            _ => (false, Memory::Plenty),
        };
        let servers = if is_unix { 1 } else { servers };
        Self { seed, servers, clients, client, link, is_unix, memory, pause }
    }
}
