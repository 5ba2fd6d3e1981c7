//! A sequence of calls as data: so that calls can be left out and the rest still makes sense.
//!
//! Sessions, packages, ids and savepoints are chosen by `luck`, modulo how many there are when the call is made.

use lovely_session::container::Policy;
use lovely_session::store::FaultKind;

use crate::value::V;
use crate::world::Cont;

#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) slot: usize,
    pub(crate) luck: usize,
    pub(crate) act: Act,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Begin,
    Open(Id),
    Create(usize),
    Exists(Id),
    Destroy(Id),
    Regenerate(Option<usize>),
    SetTimeout(Option<i64>),
    SetDeadline(When),
    Clear,
    DeletePkg(&'static str),
    Pkg(&'static str),
    Peek(&'static str),
    Names,
    Dump,
    Info,
    Sessions,
    Get(&'static str),
    Set(&'static str, V),
    /// Gives a key by hand what it had when it was loaded.
    Undo(&'static str),
    Add(&'static str, i64),
    Delete(&'static str),
    PkgClear,
    Replace(Vec<(&'static str, V)>),
    Update(Vec<(&'static str, V)>),
    Contains(&'static str),
    Len,
    Keys,
    Content,
    Savepoint,
    Rollback,
    Prepare,
    Commit,
    Abort,
    Advance(usize, i64),
    Evict(Id),
    MakeIdle(Id, i64),
    Option(usize, Setting),
    /// For the next call that goes to the store.
    Fault(Fault),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Id {
    pub(crate) cont: usize,
    pub(crate) number: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Never,
    Unchanged,
    In(i64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Setting {
    Timeout(i64),
    MaxTimeout(i64),
    Lifetime(i64),
    Policy(Policy),
    Recreate(bool),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) store: usize,
    pub(crate) kind: FaultKind,
    pub(crate) ops: u32,
    pub(crate) skip: u64,
    /// 0: until the call has ended.
    pub(crate) count: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) stores: usize,
    pub(crate) slots: usize,
    pub(crate) conts: Vec<Cont>,
    pub(crate) ops: Vec<Op>,
}

/// How many different ids a number stands for; the last two are no ids.
pub(crate) const ID_NUMBERS: usize = 40;
