//! Transactions: the sessions that were opened together, what was changed in them, and how it is stored.
//!
//! This file holds the transaction itself and what it does to whole sessions; `pkgs` passes calls on to packages,
//! `undo` is the log that savepoints are positions in, `plan` and below are the commit.

mod commit;
mod content;
mod destroy;
pub(crate) mod index;
mod job;
mod load;
mod merge;
mod pkgs;
mod plan;
mod random;
mod regenerate;
mod report;
mod run;
mod save;
mod sessions;
mod stands;
pub(crate) mod undo;

pub use pkgs::PkgRef;
pub use report::{Outcome, ReportEntry, ReportKind};
pub use sessions::SessionRef;

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::session::{Life, Session};
use crate::txn::index::{Index, IndexKey};
use crate::txn::plan::Plan;
use crate::txn::undo::{Undo, UndoLog};
use crate::value::Value;

/// What a transaction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// Everything.
    Active = 0,
    /// Reads, commit and abort.
    Prepared = 1,
    /// Nothing: it was committed.
    Committed = 2,
    /// Nothing: it was aborted.
    Aborted = 3,
    /// Abort only: a commit or prepare failed.
    Failed = 4,
}

/// Options of a transaction, numbered as on the C surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TxnOption {
    /// How long a whole commit or prepare may take, in milliseconds; default: the store's.
    CommitTimeout = 1,
}

impl TxnOption {
    /// The option of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::CommitTimeout].into_iter().find(|&option| option as i32 == number)
    }
}

/// A transaction. It is one transaction: after commit or abort it takes nothing more.
///
/// Whatever it lends, text, bytes and values, stays at its address until it is dropped.
#[derive(Debug)]
pub struct Transaction {
    state: State,
    /// In boxes of their own, as they are large and come by way of several functions.
    sessions: SmallVec<[Box<Session>; 1]>,
    index: Index,
    undo: UndoLog,
    /// Counts the changes, so that snapshots know when they are stale.
    version: u64,
    /// What was lent, kept alive whatever happened to it since.
    kept: Vec<Arc<Value>>,
    commit_timeout: Option<Duration>,
    plan: Option<Plan>,
    report: SmallVec<[ReportEntry; 1]>,
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Transaction {
    /// A new transaction without sessions; it may take sessions of any containers of any stores.
    pub fn new() -> Self {
        Self {
            state: State::Active,
            sessions: SmallVec::new(),
            index: Index::default(),
            undo: UndoLog::default(),
            version: 0,
            kept: Vec::new(),
            commit_timeout: None,
            plan: None,
            report: SmallVec::new(),
        }
    }

    /// What the transaction takes now.
    pub fn state(&self) -> State {
        self.state
    }

    /// One option as it is now; a commit timeout that was not set is -1.
    pub fn option(&self, option: TxnOption) -> i64 {
        match option {
            TxnOption::CommitTimeout => {
                self.commit_timeout.map_or(-1, |timeout| i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Sets one option.
    pub fn set_option(&mut self, option: TxnOption, value: i64) -> Result<()> {
        /// A day: nobody waits longer, and no deadline overflows.
        const MAX_MS: u64 = 86_400_000;
        match option {
            TxnOption::CommitTimeout => match u64::try_from(value) {
                Ok(ms) if ms <= MAX_MS => self.commit_timeout = Some(Duration::from_millis(ms)),
                _ => {
                    return Err(Error::Range(
                        format!("commit timeout of {value} ms is not between 0 and {MAX_MS}").into(),
                    ));
                }
            },
        }
        Ok(())
    }

    /// Marks the present state; no I/O, and its cost does not depend on what is in the transaction.
    pub fn savepoint(&mut self) -> Result<u64> {
        self.check_writable()?;
        Ok(self.undo.savepoint())
    }

    /// Whether `savepoint` can be rolled back to.
    pub fn savepoint_valid(&self, savepoint: u64) -> bool {
        self.state == State::Active && self.undo.is_valid(savepoint)
    }

    /// Puts back what was when `savepoint` was made (contract 3); no I/O. Later savepoints end.
    pub fn rollback(&mut self, savepoint: u64) -> Result<()> {
        self.check_writable_for_savepoint()?;
        let entries = self.undo.unwind(savepoint)?;
        self.version += 1;
        for undo in entries {
            match undo {
                Undo::Opened { session } => {
                    if let Some(session) = self.sessions.get_mut(session) {
                        // A session that was replaced by a new load is gone for that, rolled back or not.
                        if session.life == Life::Open {
                            session.leave(Life::RolledBack);
                        }
                    }
                }
                Undo::Index { key, old: Some(entry) } => {
                    self.index.insert(key, entry);
                }
                Undo::Index { key, old: None } => {
                    self.index.remove(&key);
                }
                Undo::Head { session, old } => {
                    if let Some(session) = self.sessions.get_mut(session) {
                        session.head = *old;
                    }
                }
                Undo::Key { session, pkg, key, old } => {
                    if let Some((pkg, ..)) = self.pkg_at(session, pkg) {
                        pkg.undo_key(key, old);
                    }
                }
                Undo::Present { session, pkg, logged } => {
                    if let Some((pkg, ..)) = self.pkg_at(session, pkg) {
                        pkg.undo_present(logged);
                    }
                }
                Undo::Contents { session, pkg, old } => {
                    if let Some((pkg, ..)) = self.pkg_at(session, pkg) {
                        pkg.undo_contents(*old);
                    }
                }
            }
        }
        Ok(())
    }

    /// Drops everything that was not stored. A failed transaction keeps its report.
    pub fn abort(&mut self) -> Result<()> {
        match self.state {
            State::Active | State::Prepared | State::Failed => {
                self.end(State::Aborted);
                Ok(())
            }
            State::Committed | State::Aborted => Err(self.ended()),
        }
    }

    /// What became of each session that a commit or prepare was to write.
    pub fn report(&self) -> &[ReportEntry] {
        &self.report
    }

    /// Leaves the transaction in a state in which it takes no more sessions.
    fn end(&mut self, state: State) {
        self.state = state;
        self.undo.clear();
        self.index = Index::default();
        self.plan = None;
    }

    /// Refuses reads of a transaction that ended.
    fn check_readable(&self) -> Result<()> {
        match self.state {
            State::Active | State::Prepared => Ok(()),
            State::Committed | State::Aborted | State::Failed => Err(self.ended()),
        }
    }

    /// Refuses changes of a transaction that ended or is prepared.
    fn check_writable(&self) -> Result<()> {
        match self.state {
            State::Active => Ok(()),
            State::Prepared => {
                Err(Error::Misuse("the transaction is prepared and takes only reads, commit and abort".into()))
            }
            State::Committed | State::Aborted | State::Failed => Err(self.ended()),
        }
    }

    /// The same for a call that names a savepoint: an ended transaction has none.
    fn check_writable_for_savepoint(&self) -> Result<()> {
        match self.state {
            State::Committed | State::Aborted => {
                Err(Error::Savepoint("the transaction of the savepoint has ended".into()))
            }
            _ => self.check_writable(),
        }
    }

    fn ended(&self) -> Error {
        match self.state {
            State::Failed => Error::Failed("the transaction failed and takes only abort".into()),
            State::Aborted => Error::Misuse("the transaction was aborted".into()),
            _ => Error::Misuse("the transaction was committed".into()),
        }
    }

    /// Makes an id stand for nothing, so that a rollback puts it back.
    fn unset_index(&mut self, key: IndexKey) {
        let old = self.index.remove(&key);
        if self.undo.is_active() {
            self.undo.push(Undo::Index { key, old });
        }
    }

    /// Changes what an id stands for, so that a rollback puts it back.
    fn set_index(&mut self, key: IndexKey, entry: index::Entry) {
        let old = self.index.insert(key.clone(), entry);
        if self.undo.is_active() {
            self.undo.push(Undo::Index { key, old });
        }
    }
}
