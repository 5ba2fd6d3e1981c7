//! The sessions, who changes them, and what holds for every record at every moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lovely_session::container::{Container, ContainerOption, Policy};
use lovely_session::error::Error;
use lovely_session::io::blocking;
use lovely_session::store::{Store, StoreOption, StoreOptions};
use lovely_session::txn::{SessionRef, Transaction};
use lovely_session::value::Value;

/// What the explored transaction does. `S` and `T` are stored, `ABSENT` is not, `NEW` is an id to move to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Changes `S`.
    Change,
    /// Deletes a key of `S`.
    Delete,
    /// Creates `ABSENT`.
    Create,
    /// Changes `S` and `T`.
    ChangeTwo,
    /// Destroys `S` without opening it.
    Destroy,
    /// Destroys `S` and changes `T`.
    DestroyAndChange,
    /// Gives `S` the id `NEW`.
    Move,
    /// Changes `S` and gives it the id `NEW`.
    ChangeAndMove,
    /// Creates `ABSENT`, and gives it the id `NEW`.
    CreateAndMove,
    /// The same as `Move`, and changes `T`.
    MoveAndChange,
}

impl Work {
    pub(crate) const ALL: [Self; 10] = [
        Self::Change,
        Self::Delete,
        Self::Create,
        Self::ChangeTwo,
        Self::Destroy,
        Self::DestroyAndChange,
        Self::Move,
        Self::ChangeAndMove,
        Self::CreateAndMove,
        Self::MoveAndChange,
    ];

    /// The id that it is mostly about.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Create | Self::CreateAndMove => ABSENT,
            _ => S,
        }
    }

    /// How many things it asks for in one step.
    pub(crate) fn most_at_once(self) -> u64 {
        match self {
            // A move asks for the versions under both ids.
            Self::ChangeTwo | Self::DestroyAndChange | Self::Move | Self::ChangeAndMove | Self::CreateAndMove => 2,
            Self::MoveAndChange => 3,
            Self::Change | Self::Delete | Self::Create | Self::Destroy => 1,
        }
    }

    pub(crate) fn moves(self) -> bool {
        matches!(self, Self::Move | Self::ChangeAndMove | Self::CreateAndMove | Self::MoveAndChange)
    }

    pub(crate) fn destroys(self) -> bool {
        matches!(self, Self::Destroy | Self::DestroyAndChange)
    }
}

/// What somebody else commits in between; each on the id that the work is about, or on `NEW`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddling {
    Add,
    SetSame,
    Destroy,
    DestroyAndCreate,
    Evict,
    EvictAndCreate,
    Move,
    AddToNew,
    DestroyNew,
    EvictNew,
    CreateNewAnew,
}

impl Meddling {
    pub(crate) const ALL: [Self; 11] = [
        Self::Add,
        Self::SetSame,
        Self::Destroy,
        Self::DestroyAndCreate,
        Self::Evict,
        Self::EvictAndCreate,
        Self::Move,
        Self::AddToNew,
        Self::DestroyNew,
        Self::EvictNew,
        Self::CreateNewAnew,
    ];

    /// Whether it takes away what stands under some id, or may.
    pub(crate) fn takes_away(self) -> bool {
        !matches!(self, Self::Add | Self::SetSame | Self::AddToNew)
    }

    pub(crate) fn is_about_new(self) -> bool {
        matches!(self, Self::AddToNew | Self::DestroyNew | Self::EvictNew | Self::CreateNewAnew)
    }

    pub(crate) fn evicts(self) -> bool {
        matches!(self, Self::Evict | Self::EvictAndCreate | Self::EvictNew)
    }
}

pub(crate) const S: &str = "s";
pub(crate) const T: &str = "t";
pub(crate) const ABSENT: &str = "absent";
pub(crate) const NEW: &str = "new";
pub(crate) const ELSEWHERE: &str = "elsewhere";
const IDS: [&str; 5] = [S, T, ABSENT, NEW, ELSEWHERE];

/// Who did something shows as a key of this name, in the commit that also adds the number to the counter `n`.
pub(crate) const BASE: (&str, i64) = ("base", 1);
pub(crate) const MINE: (&str, i64) = ("mine", 10);
pub(crate) const LATE: (&str, i64) = ("late", 100);
pub(crate) const THEIRS: [(&str, i64); 4] = [("a", 1_000), ("b", 10_000), ("c", 100_000), ("d", 1_000_000)];

/// Who has left a mark in the record under each id; `None` for a session that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(Vec<Option<Vec<&'static str>>>);

impl Snapshot {
    pub(crate) fn has(&self, id: &str, who: (&str, i64)) -> bool {
        self.0[at(id)].as_ref().is_some_and(|marks| marks.contains(&who.0))
    }

    pub(crate) fn has_anywhere(&self, who: (&str, i64)) -> bool {
        IDS.iter().any(|id| self.has(id, who))
    }

    pub(crate) fn is_there(&self, id: &str) -> bool {
        self.0[at(id)].is_some()
    }
}

fn at(id: &str) -> usize {
    IDS.iter().position(|other| *other == id).unwrap()
}

pub(crate) struct World {
    pub(crate) container: Container,
    meddlers: usize,
}

impl World {
    pub(crate) fn new(policy: Policy, recreate: bool) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let url = format!("memory://commit-explorer-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut options = StoreOptions::new();
        for option in [StoreOption::ConnectTimeout, StoreOption::ExchangeTimeout, StoreOption::CommitTimeout] {
            // A machine that is busy for seconds is no fault.
            options.set(option, 60_000).unwrap();
        }
        let container = Container::open(&Store::open(Some(&url), &options).unwrap(), "c").unwrap();
        container.set_option(ContainerOption::Policy, policy as i64).unwrap();
        container.set_option(ContainerOption::Recreate, i64::from(recreate)).unwrap();
        let world = Self { container, meddlers: 0 };
        for id in [S, T] {
            world
                .commit(|txn, open| {
                    let session = open(txn, id);
                    leave_mark(txn, session, BASE);
                })
                .unwrap();
        }
        world
    }

    /// The explored transaction, ready to be committed.
    pub(crate) fn begin(&self, work: Work) -> Transaction {
        let mut txn = Transaction::new();
        let open = |txn: &mut Transaction, id: &str| blocking::run(txn.open(&self.container, id.as_bytes()));
        let opened = |txn: &mut Transaction, id: &str| open(txn, id).unwrap().unwrap();
        match work {
            Work::Change | Work::Create => {
                let session = opened(&mut txn, work.id());
                leave_mark(&mut txn, session, MINE);
                set(&mut txn, session, "same", 1);
            }
            Work::Delete => {
                let session = opened(&mut txn, S);
                set(&mut txn, session, MINE.0, MINE.1);
                let pkg = txn.pkg(session, "p").unwrap();
                txn.delete(pkg, BASE.0).unwrap();
                txn.add(pkg, "n", MINE.1 - BASE.1).unwrap();
            }
            Work::ChangeTwo => {
                for id in [S, T] {
                    let session = opened(&mut txn, id);
                    leave_mark(&mut txn, session, MINE);
                }
            }
            Work::Destroy => txn.destroy(&self.container, S.as_bytes()).unwrap(),
            Work::DestroyAndChange => {
                let session = opened(&mut txn, T);
                leave_mark(&mut txn, session, MINE);
                txn.destroy(&self.container, S.as_bytes()).unwrap();
            }
            Work::Move | Work::ChangeAndMove | Work::CreateAndMove | Work::MoveAndChange => {
                let session = opened(&mut txn, work.id());
                if work == Work::ChangeAndMove || work == Work::CreateAndMove {
                    leave_mark(&mut txn, session, MINE);
                    set(&mut txn, session, "same", 1);
                }
                if work == Work::MoveAndChange {
                    let other = opened(&mut txn, T);
                    leave_mark(&mut txn, other, MINE);
                }
                txn.regenerate(session, Some(NEW.as_bytes())).unwrap();
            }
        }
        txn
    }

    /// A transaction that opened the session now, and will commit a change of it at the end.
    pub(crate) fn begin_late(&self, work: Work) -> Transaction {
        let mut txn = Transaction::new();
        let session = blocking::run(txn.open(&self.container, work.id().as_bytes())).unwrap().unwrap();
        leave_mark(&mut txn, session, LATE);
        txn
    }

    /// Lets somebody else commit; whether that was done.
    pub(crate) fn meddle(&mut self, meddling: Meddling, work: Work) -> bool {
        let mark = THEIRS[self.meddlers];
        self.meddlers += 1;
        let id = if meddling.is_about_new() { NEW } else { work.id() };
        let create = |world: &Self| {
            world.commit(|txn, open| {
                let session = open(txn, id);
                leave_mark(txn, session, mark);
            })
        };
        let is_there = self.snapshot().is_there(id);
        match meddling {
            Meddling::Add | Meddling::AddToNew => {
                if meddling == Meddling::AddToNew && !is_there {
                    return false;
                }
                create(self).is_ok()
            }
            Meddling::SetSame => self
                .commit(|txn, open| {
                    let session = open(txn, id);
                    leave_mark(txn, session, mark);
                    set(txn, session, "same", mark.1);
                })
                .is_ok(),
            Meddling::Destroy | Meddling::DestroyNew => self.destroy(id),
            Meddling::DestroyAndCreate | Meddling::CreateNewAnew => self.destroy(id) && create(self).is_ok(),
            Meddling::Evict | Meddling::EvictNew => self.evict(id),
            Meddling::EvictAndCreate => self.evict(id) && create(self).is_ok(),
            Meddling::Move => {
                if !is_there {
                    return false;
                }
                self.commit(|txn, open| {
                    let session = open(txn, id);
                    let _ = txn.regenerate(session, Some(ELSEWHERE.as_bytes()));
                })
                .is_ok()
            }
        }
    }

    /// Lets somebody else change what nobody else changes.
    pub(crate) fn bump(&self, id: &str, value: i64) {
        let changed = self.commit(|txn, open| {
            let session = open(txn, id);
            let pkg = txn.pkg(session, "p").unwrap();
            if !txn.contains(pkg, "n").unwrap() {
                txn.set(pkg, "n", Value::Int(0)).unwrap();
            }
            set(txn, session, "bumped", value);
        });
        changed.unwrap();
    }

    fn destroy(&self, id: &str) -> bool {
        self.commit(|txn, _| txn.destroy(&self.container, id.as_bytes()).unwrap()).is_ok()
    }

    fn evict(&self, id: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        let key = self.container.key(id.as_bytes());
        blocking::run(self.container.store().drop_record(&key, deadline)).unwrap().unwrap()
    }

    fn commit(
        &self,
        work: impl FnOnce(&mut Transaction, &dyn Fn(&mut Transaction, &str) -> SessionRef),
    ) -> Result<(), Error> {
        let mut txn = Transaction::new();
        let open =
            |txn: &mut Transaction, id: &str| blocking::run(txn.open(&self.container, id.as_bytes())).unwrap().unwrap();
        work(&mut txn, &open);
        blocking::run(txn.commit()).unwrap()
    }

    /// What readers see now. In every record the counter is what those added who left their mark, each once: a commit
    /// is applied once and as a whole, or not at all.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(IDS.iter().map(|id| self.marks(id)).collect())
    }

    fn marks(&self, id: &str) -> Option<Vec<&'static str>> {
        let mut txn = Transaction::new();
        let session = blocking::run(txn.open(&self.container, id.as_bytes())).unwrap().unwrap();
        if txn.is_new(session).unwrap() {
            return None;
        }
        let pkg = txn.pkg(session, "p").unwrap();
        let mut marks = Vec::new();
        let mut sum = 0;
        for (who, number) in [BASE, MINE, LATE].into_iter().chain(THEIRS) {
            if txn.contains(pkg, who).unwrap() {
                marks.push(who);
                sum += number;
            }
        }
        let counter = match txn.get(pkg, "n").unwrap() {
            Some(Value::Int(counter)) => *counter,
            other => panic!("counter of {id}: {other:?}"),
        };
        assert_eq!(counter, sum, "counter of {id} with marks {marks:?}");
        Some(marks)
    }
}

fn leave_mark(txn: &mut Transaction, session: SessionRef, (who, number): (&str, i64)) {
    let pkg = txn.pkg(session, "p").unwrap();
    txn.add(pkg, "n", number).unwrap();
    txn.set(pkg, who, Value::Int(number)).unwrap();
}

fn set(txn: &mut Transaction, session: SessionRef, key: &str, value: i64) {
    let pkg = txn.pkg(session, "p").unwrap();
    txn.set(pkg, key, Value::Int(value)).unwrap();
}
