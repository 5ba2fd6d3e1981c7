//! What a client does: one random transaction, and a record of everything that it is told.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;

use lovely_session::container::Container;
use lovely_session::error::{Error, Result, Status};
use lovely_session::txn::{Outcome, ReportKind, SessionRef, State, Transaction, TxnOption};
use lovely_session::value::Value;

use crate::abandon::{self, Containers};
use crate::client::{ANNOUNCED, Orders, announced, settings, shared_places};
use crate::driver::{Action, Answer, Driver};
use crate::history::{Act, Call, Deed, Entry, Feat, Log, Nanos, Place, Record, Tag, now};
use crate::random::Random;
use crate::state;
use crate::state::{Content, Datum};

/// One thread of a client.
#[derive(Debug)]
pub struct Worker<'a> {
    orders: &'a Orders,
    number: u32,
    driver: Driver,
    pub containers: Vec<Container>,
    log: Log,
    pub random: Random,
    txns: u32,
    pub tag: Tag,
    shared: Vec<Place>,
    /// Since when the transaction may have sessions open that it fetched beforehand.
    prefetched: BTreeMap<Place, Nanos>,
    /// Of the latest operation.
    starved_ms: u64,
    /// Whether the queue was freed that it was on.
    is_untold: bool,
    /// For transactions that are left in the middle.
    abandoned: Option<Containers>,
}

/// A session that the transaction has open.
#[derive(Debug)]
pub struct Opened {
    pub session: SessionRef,
    pub place: Place,
    pub is_created: bool,
    pub state: Option<state::State>,
}

fn status(result: &Result<impl Sized>) -> i32 {
    result.as_ref().err().map_or(0, |error| error.status() as i32)
}

impl<'a> Worker<'a> {
    pub fn new(
        orders: &'a Orders,
        number: u32,
        driver: Driver,
        containers: Vec<Container>,
        log: Log,
        random: Random,
    ) -> Self {
        let shared = shared_places(orders.config.ids);
        Self {
            orders,
            number,
            driver,
            containers,
            log,
            random,
            txns: 0,
            tag: Tag::new(number, 0),
            shared,
            prefetched: BTreeMap::new(),
            starved_ms: 0,
            is_untold: false,
            abandoned: None,
        }
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.random.below(n) == 0
    }

    /// Runs an operation to its end, or cancels it now and then.
    fn run(&mut self, txn: &mut Transaction, action: Action) -> Result<Answer> {
        let starved_ms = starved_ms();
        let result = self.run_or_cancel(txn, action);
        self.starved_ms = self::starved_ms().saturating_sub(starved_ms);
        result
    }

    fn run_or_cancel(&mut self, txn: &mut Transaction, action: Action) -> Result<Answer> {
        let is_cancelled = self.driver.shared().is_some() && self.one_in(15);
        let cancel = is_cancelled.then(|| Duration::from_micros(self.random.next() % 3_000));
        let result = self.driver.run(txn, action, cancel);
        self.is_untold = status(&result) == Status::Misuse as i32 && self.driver.shared().is_some();
        if self.is_untold {
            self.did(Feat::EndedWithQueue);
            // Freeing a queue cancels what is on it; nobody is told what that came to, but the transaction knows.
            let what =
                format!("its queue was freed: {}", result.err().map(|error| error.to_string()).unwrap_or_default());
            return Err(Error::Cancelled(what.into()));
        }
        result
    }

    fn begin(&mut self) -> Transaction {
        self.next_tag();
        Transaction::new()
    }

    /// Gives what follows a name of its own.
    pub fn next_tag(&mut self) {
        self.txns += 1;
        self.tag = Tag::new(self.number, self.txns);
        self.prefetched.clear();
    }

    /// One transaction, from its begin to its end.
    pub fn transaction(&mut self) {
        if self.driver.shared().is_some() && self.one_in(12) {
            let containers = self
                .abandoned
                .take()
                .unwrap_or_else(|| Containers::open(&self.orders.url, &settings(&self.orders.config)));
            abandon::transaction(self, &containers);
            self.abandoned = Some(containers);
            return;
        }
        let mut txn = self.begin();
        let commit_ms = self.orders.config.commit_ms;
        let commit_ms = if self.one_in(4) { commit_ms / 2 } else { commit_ms };
        txn.set_option(TxnOption::CommitTimeout, i64::try_from(commit_ms).unwrap()).unwrap();
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..[1, 1, 1, 1, 2, 2, 3][self.random.below(7)] {
            let place = self.some_place();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        if self.one_in(4) {
            self.prefetch(&mut txn, &places);
        }
        let mut opened: Vec<Opened> = Vec::new();
        for place in places {
            opened.extend(self.open(&mut txn, place));
        }
        if self.one_in(25) {
            opened.push(self.create(&mut txn));
        }
        if self.one_in(12) {
            self.ask_for_one();
        }
        if opened.is_empty() {
            // Servers are away; asking faster brings none back.
            sleep(Duration::from_millis(5 + self.random.next() % 20));
            return;
        }
        self.think();
        let mut acts: Vec<Act> = Vec::new();
        let roll_back_at = if self.one_in(5) { self.random.below(opened.len() + 1) } else { usize::MAX };
        for at in 0..=opened.len() {
            if at == roll_back_at {
                self.change_and_roll_back(&mut txn, &opened, &acts);
            }
            if let Some(opened) = opened.get(at) {
                acts.extend(self.stage(&mut txn, opened, self.tag.of_session(at)));
            }
        }
        if self.one_in(30) {
            let place = self.some_place();
            if !opened.iter().any(|other| other.place == place) {
                txn.destroy(&self.containers[place.container], place.id.as_bytes()).unwrap();
                acts.push(Act { tag: self.tag.of_session(opened.len()), place, deed: Deed::Destroy });
            }
        }
        if self.one_in(3) {
            self.think();
        }
        self.finish(&mut txn, acts, commit_ms);
        if let Some(shared) = self.driver.shared()
            && self.random.below(100) == 0
        {
            shared.free_queue();
            self.did(Feat::QueueFreed);
        }
        sleep(Duration::from_millis(self.random.next() % 10));
    }

    fn think(&mut self) {
        // Mostly short; now and then so long that a session is destroyed and created anew meanwhile.
        let longest = self.orders.config.think_ms;
        let longest = if self.one_in(6) { longest * 6 } else { longest / 4 + 1 };
        sleep(Duration::from_millis(self.random.next() % longest));
    }

    pub fn some_place(&mut self) -> Place {
        if self.one_in(5) {
            let announced = announced(&self.orders.dir);
            let latest = &announced[announced.len().saturating_sub(6)..];
            if !latest.is_empty() {
                return latest[self.random.below(latest.len())].clone();
            }
        }
        // The first ones more often: where many meet, more goes wrong.
        let some = self.random.below(self.shared.len());
        let at = if self.one_in(3) { some - some % self.orders.config.ids } else { some };
        self.shared[at].clone()
    }

    /// Opens sessions together, those of one container at a time; an id that is named twice is opened once.
    fn prefetch(&mut self, txn: &mut Transaction, places: &[Place]) {
        for (container, handle) in self.containers.clone().into_iter().enumerate() {
            let of_container: Vec<&Place> = places.iter().filter(|place| place.container == container).collect();
            let mut ids: Vec<Vec<u8>> = of_container.iter().map(|place| place.id.clone().into_bytes()).collect();
            if ids.is_empty() {
                continue;
            }
            if self.one_in(4) {
                ids.push(ids[0].clone());
            }
            let t0 = now();
            for place in &of_container {
                self.trying(place, t0);
            }
            let fetched = self.run(txn, Action::Prefetch(handle, ids));
            self.called(Call::Prefetch, t0, now(), self.load_ms(), &fetched);
            // Where it failed, some may be open for all that.
            self.prefetched.extend(of_container.iter().map(|place| ((*place).clone(), t0)));
            if fetched.is_ok() {
                for place in of_container {
                    self.did(Feat::Prefetched);
                    self.open_at_once(txn, place, t0);
                }
            }
        }
    }

    /// What was prefetched is open: that opening it does no I/O shows in that it is done at once.
    fn open_at_once(&mut self, txn: &mut Transaction, place: &Place, t0: Nanos) {
        let container = &self.containers[place.container];
        let mut opening = pin!(txn.open(container, place.id.as_bytes()));
        let polled = opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        // A session whose timeout is over meanwhile is loaded anew.
        let is_fresh = now() - t0 < 900_000_000;
        if is_fresh && !matches!(polled, Poll::Ready(Ok(_))) {
            self.wrong(format!("{place} was prefetched, and opening it came to {polled:?}"));
        }
    }

    pub fn open(&mut self, txn: &mut Transaction, place: Place) -> Option<Opened> {
        let t0 = now();
        let first = self.prefetched.get(&place).copied();
        if first.is_none() {
            self.trying(&place, t0);
        }
        let action = Action::Open(self.containers[place.container].clone(), place.id.clone().into_bytes());
        let opened = self.run(txn, action);
        let t1 = now();
        self.called(Call::Open, t0, t1, self.load_ms(), &opened);
        let Ok(Answer::Session(session)) = opened else { return None };
        // Nothing was stored, or nothing that this transaction may see.
        let content = if txn.is_new(session).unwrap() { None } else { Some(self.content(txn, session)) };
        let state = content.as_ref().map(|content| state::State::read(content).0);
        // It may have been loaded when it was prefetched.
        let t0 = first.unwrap_or(t0);
        self.log.write(&Record::Opened { tag: self.tag, place: place.clone(), t0, t1, is_created: false, content });
        Some(Opened { session, place, is_created: false, state })
    }

    fn create(&mut self, txn: &mut Transaction) -> Opened {
        let container = self.random.below(self.containers.len());
        let t0 = now();
        let session = txn.create(&self.containers[container]).unwrap();
        let id = String::from_utf8(txn.session_id(session).unwrap().to_vec()).unwrap();
        let place = Place { container, id };
        let record =
            Record::Opened { tag: self.tag, place: place.clone(), t0, t1: now(), is_created: true, content: None };
        self.log.write(&record);
        Opened { session, place, is_created: true, state: None }
    }

    fn ask_for_one(&mut self) {
        // In the transaction itself the answer would be about what it is going to store.
        let mut other = Transaction::new();
        let place = self.some_place();
        let t0 = now();
        let action = Action::Exists(self.containers[place.container].clone(), place.id.clone().into_bytes());
        let found = self.run(&mut other, action);
        let t1 = now();
        self.called(Call::Exists, t0, t1, self.load_ms(), &found);
        if let Ok(Answer::Found(found)) = found {
            self.log.write(&Record::Existed { tag: self.tag, place, t0, t1, found });
        }
    }

    /// How long a load may take.
    fn load_ms(&self) -> u64 {
        self.orders.config.connect_ms + self.orders.config.exchange_ms
    }

    /// Takes down an operation of which only the status is known.
    pub fn called_with(&self, what: Call, t0: Nanos, t1: Nanos, result: std::result::Result<(), (i32, String)>) {
        let config = &self.orders.config;
        // A load may have another one before it.
        let allowed_ms = if what == Call::Commit { config.commit_ms } else { 2 * self.load_ms() };
        let (status, message) = result.err().unwrap_or_default();
        self.log(&Record::Called { tag: self.tag, what, t0, t1, allowed_ms, starved_ms: 0, status, message });
    }

    fn called(&self, what: Call, t0: u64, t1: u64, allowed_ms: u64, result: &Result<impl Sized>) {
        let message = result.as_ref().err().map(Error::to_string).unwrap_or_default();
        let status = status(result);
        let starved_ms = self.starved_ms;
        self.log.write(&Record::Called { tag: self.tag, what, t0, t1, allowed_ms, starved_ms, status, message });
    }

    /// Takes it down.
    pub fn log(&self, record: &Record) {
        self.log.write(record);
    }

    /// Takes down that a session is about to be opened.
    pub fn trying(&self, place: &Place, t0: Nanos) {
        self.log.write(&Record::Trying { place: place.clone(), t0 });
    }

    /// Takes down what shows nowhere else.
    pub fn did(&self, what: Feat) {
        self.log.write(&Record::Did { what });
    }

    pub fn wrong(&self, text: String) {
        self.log.write(&Record::Wrong { tag: self.tag, at: now(), text });
    }

    /// The whole content of a session; values without what only makes them longer.
    pub fn content(&self, txn: &mut Transaction, session: SessionRef) -> Content {
        let Value::Map(pkgs) = txn.session_content(session).unwrap() else { panic!("a content that is no map") };
        let mut content = Content::new();
        for (name, pkg) in pkgs.entries() {
            let Value::Map(pkg) = pkg else { panic!("a package that is no map") };
            let mut values = BTreeMap::new();
            for (key, value) in pkg.entries() {
                let datum = match value {
                    Value::Int(int) => Datum::Int(*int),
                    Value::Text(text) => Datum::Text(self.unpadded(text.as_str())),
                    other => panic!("a value of another type: {other:?}"),
                };
                values.insert(key.as_str().to_owned(), datum);
            }
            content.insert(name.as_str().to_owned(), values);
        }
        content
    }

    pub fn padded(&self, text: &str) -> Value {
        Value::text(&self.padded_text(text))
    }

    pub fn padded_text(&self, text: &str) -> String {
        // Of a length that differs, and of a character that shows where it ends.
        let padding = self.orders.config.padding * (self.txns as usize % 3 + 1);
        format!("{text} {}", "x".repeat(padding))
    }

    pub fn unpadded(&self, text: &str) -> String {
        match text.split_once(' ') {
            Some((text, padding)) => {
                if padding.bytes().any(|byte| byte != b'x') {
                    self.wrong(format!("a value is damaged behind {text:?}"));
                }
                text.to_owned()
            }
            None => text.to_owned(),
        }
    }

    fn finish(&mut self, txn: &mut Transaction, acts: Vec<Act>, commit_ms: u64) {
        match self.random.below(20) {
            0 => return txn.abort().unwrap(),
            1..=3 => {
                let t0 = now();
                let prepared = self.run(txn, Action::Prepare);
                self.called(Call::Prepare, t0, now(), commit_ms, &prepared);
                if prepared.is_err() {
                    return;
                }
                self.think();
                if self.one_in(4) {
                    return txn.abort().unwrap();
                }
            }
            _ => {}
        }
        let moved: Vec<Place> = acts.iter().filter_map(new_place).collect();
        let t0 = now();
        self.log.write(&Record::Intent { tag: self.tag, t0, acts });
        let committed = self.run(txn, Action::Commit);
        let t1 = now();
        let entries = txn.report().iter().map(|entry| Entry {
            place: Place {
                container: self.containers.iter().position(|other| other.name() == &*entry.container).unwrap(),
                id: String::from_utf8(entry.id.to_vec()).unwrap(),
            },
            is_destroy: entry.kind == ReportKind::Destroy,
            outcome: entry.outcome as i32,
            status: entry.status as i32,
        });
        let report: Vec<Entry> = entries.collect();
        let status = if self.is_untold { untold(txn) } else { Some(status(&committed)) };
        if let Some(status) = status {
            self.log.write(&Record::Outcome { tag: self.tag, t1, status, report: report.clone() });
        }
        self.called(Call::Commit, t0, t1, commit_ms, &committed);
        // Whoever may be there under an id of its own is told to the others; what was refused is known to nobody.
        for entry in report.iter().filter(|entry| !entry.is_destroy && entry.outcome != 0) {
            if moved.contains(&entry.place) || !self.shared.contains(&entry.place) {
                self.announce(&entry.place);
            }
        }
    }

    fn announce(&self, place: &Place) {
        let path = self.orders.dir.join(ANNOUNCED);
        let line = format!("{} {}\n", place.container, place.id);
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// Reads every session that there may be; a server that is not back yet is asked again.
    pub fn read_everything(&mut self) {
        let mut places = self.shared.clone();
        places.extend(announced(&self.orders.dir));
        places.sort();
        places.dedup();
        for place in places {
            for _ in 0..50 {
                let mut txn = self.begin();
                if self.open(&mut txn, place.clone()).is_some() {
                    break;
                }
                sleep(Duration::from_millis(100));
            }
        }
    }
}

/// What the transaction says of a commit of which nobody was told, because its queue was freed.
fn untold(txn: &Transaction) -> Option<i32> {
    let count = |outcome| txn.report().iter().filter(|entry| entry.outcome == outcome).count();
    match (txn.state(), count(Outcome::Stored), count(Outcome::Unknown)) {
        (State::Committed, ..) => Some(0),
        (State::Failed, 0, 0) => Some(Status::Cancelled as i32),
        (State::Failed, 0, _) => Some(Status::Unknown as i32),
        (State::Failed, ..) => Some(Status::Partial as i32),
        // It was ended where it stood.
        _ => None,
    }
}

/// For how long threads of this process were ready to run and did not, all in all. Each may have waited for the others.
fn starved_ms() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let waited = |task: std::fs::DirEntry| -> Option<u64> {
        std::fs::read_to_string(task.path().join("schedstat")).ok()?.split(' ').nth(1)?.parse().ok()
    };
    tasks.filter_map(waited).sum::<u64>() / 1_000_000
}

/// Where a session will be that is given another id.
fn new_place(act: &Act) -> Option<Place> {
    match &act.deed {
        Deed::Write { new_id: Some(id), .. } => Some(Place { container: act.place.container, id: id.clone() }),
        _ => None,
    }
}
