//! A client process: threads that run one transaction after the other, on one store, until it is time or they are killed.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use lovely_session::container::{Container, ContainerOption};
use lovely_session::store::{Store, StoreOption, StoreOptions};
use serde::{Deserialize, Serialize};

use crate::config::{self, CONTAINERS, RECREATE};
use crate::driver::Driver;
use crate::history::{Log, Nanos, Place, Record, now};
use crate::random::Random;
use crate::work::Worker;

/// What a client process is told by the one that starts it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// Unique in the round; its threads count on from it.
    pub number: u32,
    pub seed: u64,
    pub url: String,
    /// Threads, which share a store, and how many of them a queue.
    pub threads: u32,
    pub on_queue: u32,
    /// Where the histories are written.
    pub dir: PathBuf,
    pub config: config::Client,
    /// When to stop, by the clock that all processes share.
    pub until: Nanos,
    /// Only to read every session that was ever named, once, at the end.
    pub is_last: bool,
}

/// The names of histories begin with this.
pub const HISTORY: &str = "client-";
/// Sessions that were created under an id that nobody could guess, a line each.
pub const ANNOUNCED: &str = "announced";
/// A thread that cannot run for this long has not been late by itself.
const STALL: Duration = Duration::from_millis(150);

/// Does as it is told.
pub fn run(orders: &Orders) {
    let mut options = StoreOptions::new();
    for (option, value) in settings(&orders.config) {
        options.set(option, i64::try_from(value).unwrap()).unwrap();
    }
    let store = Store::open(Some(&orders.url), &options).unwrap();
    let containers: Vec<Container> = CONTAINERS
        .iter()
        .map(|(name, policy)| {
            let container = Container::open(&store, name).unwrap();
            container.set_option(ContainerOption::Policy, i64::from(*policy as i32)).unwrap();
            container.set_option(ContainerOption::Recreate, i64::from(*name == RECREATE)).unwrap();
            container
        })
        .collect();
    let threads = orders.threads;
    let driver = if orders.on_queue > 0 {
        Driver::queue(1 + orders.number as usize % 2, orders.seed.is_multiple_of(3))
    } else {
        Driver::Blocking
    };
    std::thread::scope(|scope| {
        let stalls = Log::create(&history(&orders.dir, orders.number + threads)).unwrap();
        for thread in 0..threads {
            let driver = if thread < orders.on_queue { driver.clone() } else { Driver::Blocking };
            let containers = containers.clone();
            scope.spawn(move || {
                let number = orders.number + thread;
                let log = Log::create(&history(&orders.dir, number)).unwrap();
                let random = Random::new(orders.seed ^ u64::from(number) << 32);
                let mut worker = Worker::new(orders, number, driver, containers, log, random);
                if orders.is_last {
                    worker.read_everything();
                } else {
                    while now() < orders.until {
                        worker.transaction();
                    }
                }
            });
        }
        if !orders.is_last {
            watch_for_stalls(&stalls, orders.until);
        }
    });
}

/// How long stores wait.
pub fn settings(config: &config::Client) -> [(StoreOption, u64); 4] {
    [
        (StoreOption::ConnectTimeout, config.connect_ms),
        (StoreOption::ExchangeTimeout, config.exchange_ms),
        (StoreOption::CommitTimeout, config.commit_ms),
        // Faults come so often here that the usual pauses would leave nothing to see.
        (StoreOption::RetryPause, 150),
    ]
}

fn history(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{HISTORY}{number}"))
}

/// Takes down when the machine did not let this process run: a call that was late for that is not late.
fn watch_for_stalls(log: &Log, until: Nanos) {
    const NAP: Duration = Duration::from_millis(50);
    while now() < until {
        let t0 = now();
        sleep(NAP);
        let t1 = now();
        if u128::from(t1 - t0) > (NAP + STALL).as_nanos() {
            log.write(&Record::Stalled { t0, t1 });
        }
    }
}

/// Every id that was announced so far.
pub fn announced(dir: &Path) -> Vec<Place> {
    let text = std::fs::read_to_string(dir.join(ANNOUNCED)).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    let place = |line: &str| {
        let (container, id) = line.split_once(' ')?;
        Some(Place { container: container.parse().ok()?, id: id.to_owned() })
    };
    complete.lines().filter_map(place).collect()
}

/// The ids that all clients use.
pub fn shared_places(ids: usize) -> Vec<Place> {
    (0..CONTAINERS.len())
        .flat_map(|container| (0..ids).map(move |i| Place { container, id: format!("s{i}") }))
        .collect()
}
