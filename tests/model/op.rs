//! A sequence of calls as data, drawn from a seed: so that calls can be left out and the rest still makes sense.
//!
//! Sessions, packages, ids and savepoints are chosen by `luck`, modulo how many there are when the call is made.
//!
//! Where whole seconds are counted, what expires may last up to 2 s longer (contract 4.1), and the model knows nothing of
//! that: there, clocks go by tens of seconds, and everything expires half-way between two of them.

use lovely_session::container::Policy;
use lovely_session::store::FaultKind;

use crate::random::Random;
use crate::support::everywhere::is_embedded;
use crate::value::V;
use crate::world::{Cont, Opts};

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

const S: i64 = 1_000;
const PKGS: [&str; 3] = ["p", "q", ""];
const KEYS: [&str; 4] = ["a", "b", "n", ""];
const POLICIES: [Policy; 4] = [Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite];

/// How many different ids a number stands for; the last two are no ids.
pub(crate) const ID_NUMBERS: usize = 40;

/// A timeout or a deadline of about so many seconds.
fn span(seconds: i64) -> i64 {
    if is_embedded() || seconds <= 0 { seconds * S } else { (seconds / 10 * 10 + 5) * S }
}

/// A move of a clock by about so many seconds.
fn step(seconds: i64) -> i64 {
    if is_embedded() { seconds * S } else { (seconds + 9) / 10 * 10 * S }
}

struct Draw {
    random: Random,
    conts: usize,
    stores: usize,
}

pub(crate) fn sequence(seed: u64) -> Sequence {
    let mut random = Random::new(seed);
    let stores = 1 + usize::from(random.below(3) == 0);
    let conts = 1 + random.below(3);
    let mut draw = Draw { random, conts, stores };
    let slots = 2 + draw.below(3);
    let conts = (0..conts).map(|at| draw.container(at)).collect();
    // What makes everything expire or fail now and then keeps sequences from getting far: not in all of them.
    let (with_time, with_faults, with_settings) = (draw.below(2) == 0, draw.below(3) == 0, draw.below(4) == 0);
    let with_faults = with_faults && is_embedded();
    let len = 20 + draw.below(70);
    let mut ops = Vec::with_capacity(len);
    while ops.len() < len {
        let act = match draw.below(100) {
            0..5 if with_time => draw.time(),
            5..9 if with_faults => Act::Fault(draw.fault()),
            9..11 if with_settings => draw.setting(),
            _ => draw.call(),
        };
        ops.push(Op { slot: draw.below(slots), luck: draw.below(1 << 20), act });
    }
    Sequence { stores, slots, conts, ops }
}

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn container(&mut self, at: usize) -> Cont {
        let store = if self.stores == 2 { at % 2 } else { 0 };
        // Two stores may have containers of one name, but no store has it twice.
        let name = ["shop", if self.stores == 2 { "shop" } else { "users" }, "länder"][at];
        let timeout = span(self.one(&[3600, 3600, 3600, 10, 20, 0]));
        let max = if timeout == 0 {
            self.one(&[None, None, Some(0)])
        } else {
            self.one(&[None, None, Some(timeout), Some(timeout + 20 * S), Some(span(40 * 86_400))])
        };
        // Half a second off, so that nothing happens just at the grain of what is reported.
        let resolution = self.one(&[500, 5_500, 300_500]);
        let lifetime = span(self.one(&[0, 0, 0, 15, 30]));
        let policy =
            self.one(&[Policy::Merge, Policy::Merge, Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite]);
        // More often where fewer sequences are run.
        let recreate = (self.below(3) == 0) == is_embedded();
        Cont { store, name, opts: Opts { timeout, resolution, max, lifetime, policy, recreate } }
    }

    fn cont(&mut self) -> usize {
        self.below(self.conts)
    }

    fn id(&mut self) -> Id {
        // Mostly one and the same session, so that transactions meet.
        let number = match self.below(8) {
            0 => self.below(ID_NUMBERS),
            1 | 2 => self.below(3),
            _ => 0,
        };
        Id { cont: self.cont(), number }
    }

    fn key(&mut self) -> &'static str {
        self.one(&KEYS)
    }

    fn pkg(&mut self) -> &'static str {
        self.one(&["p", "p", PKGS[1], PKGS[2]])
    }

    fn value(&mut self) -> V {
        V::random(&mut self.random)
    }

    fn entries(&mut self) -> Vec<(&'static str, V)> {
        (0..self.below(3)).map(|_| (self.key(), self.value())).collect()
    }

    fn delta(&mut self) -> i64 {
        self.one(&[1, 1, 1, 2, -1, -2, 0, i64::MAX, i64::MIN, 5])
    }

    fn time(&mut self) -> Act {
        let far = step(self.one(&[1, 1, 3, 5, 9, 10, 11, 20, 21, 30, 100, 90_000]));
        if self.below(4) == 0 {
            return Act::MakeIdle(self.id(), far);
        }
        Act::Advance(self.below(self.stores), far)
    }

    fn setting(&mut self) -> Act {
        let setting = match self.below(8) {
            0 | 1 => Setting::Timeout(span(self.one(&[0, 10, 20, 3600]))),
            2 => Setting::MaxTimeout(span(self.one(&[0, 10, 20, 60, 3600]))),
            3 => Setting::Lifetime(span(self.one(&[0, 20]))),
            4 | 5 => Setting::Recreate(self.below(2) == 0),
            _ => Setting::Policy(self.one(&POLICIES)),
        };
        Act::Option(self.cont(), setting)
    }

    fn fault(&mut self) -> Fault {
        use FaultKind::{LostAnswer, Refused, RefusedDropped, Timeout, Unavailable};
        Fault {
            store: self.below(self.stores),
            kind: self.one(&[Unavailable, Timeout, LostAnswer, LostAnswer, Refused, RefusedDropped]),
            ops: self.one(&[2, 2, 2, 2, 1, 1, 3, 4, 6, 7]),
            skip: self.one(&[0, 0, 0, 1, 2]),
            count: self.one(&[1, 1, 1, 2, 3, 0]),
        }
    }

    fn call(&mut self) -> Act {
        match self.below(135) {
            0..2 => Act::Begin,
            2..14 => Act::Open(self.id()),
            14..16 => Act::Create(self.cont()),
            16..20 => Act::Exists(self.id()),
            20..24 => Act::Destroy(self.id()),
            24..28 => Act::Regenerate(if self.below(2) == 0 { None } else { Some(self.id().number) }),
            28..31 => Act::SetTimeout(self.one(&[None, Some(0), Some(5), Some(10), Some(20), Some(7200)]).map(span)),
            31..34 => {
                let soon = span(self.one(&[-1, 10, 20, 1000]));
                Act::SetDeadline(self.one(&[When::Never, When::Unchanged, When::In(soon), When::In(soon)]))
            }
            34..36 => Act::Clear,
            36..40 => Act::DeletePkg(self.pkg()),
            40..47 => Act::Pkg(self.pkg()),
            47..49 => Act::Peek(self.pkg()),
            49..51 => Act::Names,
            51..54 => Act::Dump,
            54..56 => Act::Info,
            56 => Act::Sessions,
            57..60 => Act::Get(self.key()),
            60..76 => Act::Set(self.key(), self.value()),
            76..79 => Act::Undo(self.key()),
            79..87 => Act::Add("n", self.delta()),
            87..89 => Act::Add(self.key(), self.delta()),
            89..94 => Act::Delete(self.key()),
            94..96 => Act::PkgClear,
            96..98 => Act::Replace(self.entries()),
            98..100 => Act::Update(self.entries()),
            100 => Act::Contains(self.key()),
            101 => Act::Len,
            102 => Act::Keys,
            103..105 => Act::Content,
            105..110 => Act::Savepoint,
            110..116 => Act::Rollback,
            116..118 => Act::Prepare,
            118..133 => Act::Commit,
            133 => Act::Abort,
            _ => Act::Evict(self.id()),
        }
    }
}
