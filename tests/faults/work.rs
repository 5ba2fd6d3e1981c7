//! What a client does: one random transaction, and a record of everything that it is told.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use lovely_session::container::Container;
use lovely_session::error::{Error, Result};
use lovely_session::txn::{ReportKind, SessionRef, Transaction, TxnOption};
use lovely_session::value::Value;

use crate::client::{ANNOUNCED, Orders, announced, shared_places};
use crate::driver::{Action, Answer, Driver};
use crate::history::{Act, Call, Deed, Entry, Log, Place, Record, Tag, now};
use crate::random::Random;
use crate::state::{Content, Datum, KEYS, ROLLED_BACK, State};

/// Sessions with more members than this are destroyed, so that histories stay readable.
const MOST_MEMBERS: usize = 40;

/// One thread of a client.
#[derive(Debug)]
pub struct Worker<'a> {
    orders: &'a Orders,
    number: u32,
    driver: Driver,
    containers: Vec<Container>,
    log: Log,
    random: Random,
    txns: u32,
    tag: Tag,
    shared: Vec<Place>,
    /// Of the latest operation.
    starved_ms: u64,
}

/// A session that the transaction has open.
#[derive(Debug)]
struct Opened {
    session: SessionRef,
    place: Place,
    is_created: bool,
    state: Option<State>,
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
            starved_ms: 0,
        }
    }

    fn one_in(&mut self, n: usize) -> bool {
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
        let is_cancelled = self.driver.may_cancel() && self.one_in(15);
        let cancel = is_cancelled.then(|| Duration::from_micros(self.random.next() % 3_000));
        self.driver.run(txn, action, cancel)
    }

    fn begin(&mut self) -> Transaction {
        self.txns += 1;
        self.tag = Tag::new(self.number, self.txns);
        Transaction::new()
    }

    /// One transaction, from its begin to its end.
    pub fn transaction(&mut self) {
        let mut txn = self.begin();
        let commit_ms = self.orders.config.commit_ms;
        let commit_ms = if self.one_in(4) { commit_ms / 2 } else { commit_ms };
        txn.set_option(TxnOption::CommitTimeout, i64::try_from(commit_ms).unwrap()).unwrap();
        let mut opened: Vec<Opened> = Vec::new();
        for _ in 0..[1, 1, 1, 1, 2, 2, 3][self.random.below(7)] {
            let place = self.some_place();
            if !opened.iter().any(|other| other.place == place) {
                opened.extend(self.open(&mut txn, place));
            }
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
        sleep(Duration::from_millis(self.random.next() % 10));
    }

    fn think(&mut self) {
        // Mostly short; now and then so long that a session is destroyed and created anew meanwhile.
        let longest = self.orders.config.think_ms;
        let longest = if self.one_in(6) { longest * 6 } else { longest / 4 + 1 };
        sleep(Duration::from_millis(self.random.next() % longest));
    }

    fn some_place(&mut self) -> Place {
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

    fn open(&mut self, txn: &mut Transaction, place: Place) -> Option<Opened> {
        let t0 = now();
        let action = Action::Open(self.containers[place.container].clone(), place.id.clone().into_bytes());
        let opened = self.run(txn, action);
        let t1 = now();
        self.called(Call::Open, t0, t1, self.load_ms(), &opened);
        let Ok(Answer::Session(session)) = opened else { return None };
        // Nothing was stored, or nothing that this transaction may see.
        let content = if txn.is_new(session).unwrap() { None } else { Some(self.content(txn, session)) };
        let state = content.as_ref().map(|content| State::read(content).0);
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

    fn called(&self, what: Call, t0: u64, t1: u64, allowed_ms: u64, result: &Result<impl Sized>) {
        let message = result.as_ref().err().map(Error::to_string).unwrap_or_default();
        let status = status(result);
        let starved_ms = self.starved_ms;
        self.log.write(&Record::Called { tag: self.tag, what, t0, t1, allowed_ms, starved_ms, status, message });
    }

    fn wrong(&self, text: String) {
        self.log.write(&Record::Wrong { tag: self.tag, at: now(), text });
    }

    /// The whole content of a session; values without what only makes them longer.
    fn content(&self, txn: &mut Transaction, session: SessionRef) -> Content {
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

    fn padded(&self, text: &str) -> Value {
        // Of a length that differs, and of a character that shows where it ends.
        let padding = self.orders.config.padding * (self.txns as usize % 3 + 1);
        Value::text(&format!("{text} {}", "x".repeat(padding)))
    }

    fn unpadded(&self, text: &str) -> String {
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

    /// Stages what this transaction does to one session.
    fn stage(&mut self, txn: &mut Transaction, opened: &Opened, tag: Tag) -> Option<Act> {
        let place = opened.place.clone();
        let is_full = opened.state.as_ref().is_some_and(|state| state.members.len() > MOST_MEMBERS);
        let dice = if is_full && self.one_in(2) { 99 } else { self.random.below(100) };
        let is_there = opened.state.is_some();
        if dice < 15 && !opened.is_created {
            return None;
        }
        if dice >= 92 && is_there {
            txn.destroy(&self.containers[place.container], place.id.as_bytes()).unwrap();
            return Some(Act { tag, place, deed: Deed::Destroy });
        }
        let [a, b, n, m] = ["a", "b", "n", "m"].map(|name| txn.pkg(opened.session, name).unwrap());
        let session = opened.session;
        if !is_there {
            txn.set(m, "id", Value::text(&place.id)).unwrap();
            for pkg in [a, b, n] {
                txn.set(pkg, &format!("@{tag}"), Value::Int(1)).unwrap();
            }
        }
        let new_id = (is_there && dice >= 86).then(|| format!("r{tag}"));
        if let Some(id) = &new_id {
            txn.regenerate(session, Some(id.as_bytes())).unwrap();
            txn.set(m, "id", Value::text(id)).unwrap();
        }
        let delta = 1 + i64::try_from(self.random.below(9)).unwrap();
        txn.add(n, "counter", delta).unwrap();
        txn.set(n, &format!("+{tag}"), Value::Int(delta)).unwrap();
        let found = opened.state.as_ref().map(|state| state.keys.clone()).unwrap_or_default();
        let mut keys: BTreeMap<u8, bool> = BTreeMap::new();
        let marks: Vec<String> =
            opened.state.iter().flat_map(|state| state.creators.iter().map(|creator| format!("@{creator}"))).collect();
        if dice >= 80 && is_there {
            // All keys at once; the marks of the incarnation stay as they were, which is no change.
            for pkg in [a, b] {
                txn.pkg_clear(pkg).unwrap();
                for mark in &marks {
                    txn.set(pkg, mark, Value::Int(1)).unwrap();
                }
            }
            keys.extend(found.keys().map(|key| (*key, false)));
        }
        for _ in 0..=self.random.below(2) {
            let key = u8::try_from(self.random.below(usize::from(KEYS))).unwrap();
            let name = format!("k{key}");
            let is_deleted = self.one_in(4);
            let value = self.padded(&tag.to_string());
            for pkg in [a, b] {
                if is_deleted {
                    txn.delete(pkg, &name).unwrap();
                } else {
                    txn.set(pkg, &name, value.clone()).unwrap();
                }
            }
            if is_deleted && !found.contains_key(&key) {
                // What was not there is not deleted, and what this transaction set before is no change then.
                keys.remove(&key);
            } else {
                keys.insert(key, !is_deleted);
            }
        }
        let which = |is_set: bool| keys.iter().filter(|(_, set)| **set == is_set).map(|(key, _)| *key).collect();
        Some(Act { tag, place, deed: Deed::Write { delta, sets: which(true), deletes: which(false), new_id } })
    }

    /// Changes whatever there is in ways that must never be seen, and takes it back.
    fn change_and_roll_back(&mut self, txn: &mut Transaction, opened: &[Opened], acts: &[Act]) {
        // What is to be destroyed takes no changes.
        let is_destroyed = |place: &Place| acts.iter().any(|act| act.place == *place && act.deed == Deed::Destroy);
        let opened: Vec<&Opened> = opened.iter().filter(|opened| !is_destroyed(&opened.place)).collect();
        let before: Vec<Content> = opened.iter().map(|opened| self.content(txn, opened.session)).collect();
        let savepoint = txn.savepoint().unwrap();
        for opened in &opened {
            let session = opened.session;
            let never = self.padded(&format!("{}{ROLLED_BACK}", self.tag));
            for name in ["a", "b", "c"] {
                let pkg = txn.pkg(session, name).unwrap();
                let key = format!("k{}", self.random.below(usize::from(KEYS)));
                txn.set(pkg, &key, never.clone()).unwrap();
                txn.delete(pkg, &format!("k{}", self.random.below(usize::from(KEYS)))).unwrap();
            }
            let n = txn.pkg(session, "n").unwrap();
            txn.add(n, "counter", 1_000_000).unwrap();
            txn.set(n, &format!("+{}{ROLLED_BACK}", self.tag), Value::Int(0)).unwrap();
            match self.random.below(4) {
                0 => txn.clear(session).unwrap(),
                1 => txn.regenerate(session, None).unwrap(),
                2 => txn.destroy(&self.containers[opened.place.container], opened.place.id.as_bytes()).unwrap(),
                _ => drop(txn.delete_pkg(session, "a").unwrap()),
            }
        }
        txn.rollback(savepoint).unwrap();
        let after: Vec<Content> = opened.iter().map(|opened| self.content(txn, opened.session)).collect();
        if before != after {
            self.wrong(format!("rolled back to {after:?} instead of {before:?}"));
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
                container: self.containers.iter().position(|other| other.name() == entry.container).unwrap(),
                id: String::from_utf8(entry.id.to_vec()).unwrap(),
            },
            is_destroy: entry.kind == ReportKind::Destroy,
            outcome: entry.outcome as i32,
            status: entry.status as i32,
        });
        let report: Vec<Entry> = entries.collect();
        self.log.write(&Record::Outcome { tag: self.tag, t1, status: status(&committed), report: report.clone() });
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
