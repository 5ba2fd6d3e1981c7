//! Drawing a sequence of calls from a seed: single calls of all kinds, and bursts that lead to where things happen.
//!
//! Where whole seconds are counted, what expires may last up to 2 s longer (contract 4.1), and the model knows nothing of
//! that: there, clocks go by tens of seconds, and everything expires half-way between two of them.

use lovely_session::container::Policy;
use lovely_session::store::FaultKind;

use crate::op::{Act, Fault, ID_NUMBERS, Id, Op, Sequence, Setting, When};
use crate::random::Random;
use crate::support::everywhere::is_embedded;
use crate::value::V;
use crate::world::{Cont, Opts};

const S: i64 = 1_000;
const PKGS: [&str; 3] = ["p", "q", ""];
const KEYS: [&str; 4] = ["a", "b", "n", ""];
const POLICIES: [Policy; 4] = [Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite];

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
        match draw.below(24) {
            0 | 1 => ops.extend(draw.race(slots, with_faults, with_time)),
            2 => ops.extend(draw.rewind(slots)),
            3 if with_time => ops.extend(draw.oversleep(slots, with_faults, with_settings)),
            _ => {}
        }
        let act = match draw.below(100) {
            0..5 if with_time => draw.time(),
            5..9 if with_faults => Act::Fault(draw.fault()),
            9..11 if with_settings => draw.setting(),
            _ => draw.call(),
        };
        // A fault waits for a call that goes to the store.
        let met = if matches!(act, Act::Fault(_)) { Some(draw.request()) } else { None };
        for act in [act].into_iter().chain(met) {
            ops.push(Op { slot: draw.below(slots), luck: draw.below(1 << 20), act });
        }
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

    /// A call that goes to the store.
    fn request(&mut self) -> Act {
        match self.below(8) {
            0..2 => Act::Open(self.id()),
            2 => Act::Exists(self.id()),
            3 => Act::Prepare,
            _ => Act::Commit,
        }
    }

    /// Transactions that open one session, change it, and commit one after the other, with something in between.
    fn race(&mut self, slots: usize, with_faults: bool, with_time: bool) -> Vec<Op> {
        let id = Id { number: self.below(2), ..self.id() };
        let mut left: Vec<(usize, Vec<Act>)> =
            (0..2 + self.below(slots - 1)).map(|slot| (slot, self.racer(id))).collect();
        let mut ops = Vec::new();
        while !left.is_empty() {
            let at = self.below(left.len());
            let (slot, acts) = &mut left[at];
            let slot = *slot;
            if acts.is_empty() {
                left.remove(at);
                continue;
            }
            let act = acts.remove(0);
            let between = match self.below(40) {
                0 => Some(Act::Evict(id)),
                1 if with_time => Some(self.time()),
                2 | 3 if with_faults => Some(Act::Fault(self.fault())),
                4..9 if with_faults && matches!(act, Act::Commit) => Some(Act::Fault(self.lost())),
                9..15 if with_time && matches!(act, Act::Commit) => Some(self.time()),
                _ => None,
            };
            for act in between.into_iter().chain([act]) {
                ops.push(Op { slot, luck: self.below(1 << 20), act });
            }
        }
        ops
    }

    /// A transaction that is rolled back again and again.
    fn rewind(&mut self, slots: usize) -> Vec<Op> {
        let (slot, id) = (self.below(slots), Id { number: self.below(2), ..self.id() });
        let mut acts =
            vec![Act::Open(id), Act::Pkg("p"), Act::Pkg("q"), Act::Set(self.key(), self.value()), Act::Savepoint];
        for _ in 0..4 + self.below(12) {
            acts.push(match self.below(32) {
                0..5 => Act::Set(self.key(), self.value()),
                5..8 => Act::Add("n", self.delta()),
                8..10 => Act::Delete(self.key()),
                10 => Act::Replace(self.entries()),
                11 => Act::PkgClear,
                12..14 => Act::DeletePkg(self.pkg()),
                14 => Act::Clear,
                15 => Act::Pkg(self.pkg()),
                16 => Act::Regenerate(self.one(&[None, Some(1), Some(2)])),
                17 => Act::Destroy(self.one(&[id, Id { number: 1, ..id }])),
                18 => Act::SetTimeout(self.one(&[None, Some(10)]).map(span)),
                19 => Act::SetDeadline(self.one(&[When::Never, When::In(span(1000))])),
                20 => Act::Open(self.id()),
                21 => Act::Create(id.cont),
                22..24 => Act::Savepoint,
                24..28 => Act::Rollback,
                28 => Act::Info,
                _ => Act::Dump,
            });
        }
        acts.extend([Act::Rollback, Act::Dump, Act::Commit]);
        acts.into_iter().map(|act| Op { slot, luck: self.below(1 << 20), act }).collect()
    }

    /// A session that is opened when it was idle for long enough to have expired, or nearly.
    fn oversleep(&mut self, slots: usize, with_faults: bool, with_settings: bool) -> Vec<Op> {
        let id = Id { number: self.below(2), ..self.id() };
        let own = self.one(&[None, Some(10), Some(20)]).map(span);
        let mut acts = vec![Act::Begin, Act::Open(id), Act::Pkg("p"), Act::Set(self.key(), self.value())];
        acts.extend([Act::SetTimeout(own), Act::Commit]);
        if with_settings {
            acts.push(Act::Option(id.cont, Setting::MaxTimeout(span(self.one(&[10, 20, 3600])))));
        }
        acts.push(Act::Advance(id.cont, step(self.one(&[9, 11, 19, 21, 30]))));
        if with_faults && self.below(4) == 0 {
            acts.push(Act::Fault(Fault { store: id.cont, skip: 0, ..self.fault() }));
        }
        acts.extend([Act::Begin, Act::Open(id), Act::Exists(id), Act::Pkg("p"), Act::Add("n", self.delta())]);
        let slot = self.below(slots);
        let mut ops: Vec<Op> = acts.into_iter().map(|act| Op { slot, luck: self.below(1 << 20), act }).collect();
        // Somebody else who opens it finds the same.
        let other = (slot + 1) % slots;
        for (slot, act) in [(other, Act::Begin), (other, Act::Open(id)), (slot, Act::Commit), (other, Act::Dump)] {
            ops.push(Op { slot, luck: self.below(1 << 20), act });
        }
        ops
    }

    fn racer(&mut self, id: Id) -> Vec<Act> {
        let mut acts = vec![Act::Begin, Act::Open(id), Act::Pkg("p")];
        for _ in 0..=self.below(4) {
            acts.push(match self.below(24) {
                0..8 => Act::Set(self.key(), self.value()),
                8..14 => Act::Add("n", self.delta()),
                14..17 => Act::Delete(self.key()),
                17 => Act::DeletePkg("p"),
                18 => Act::PkgClear,
                19 => Act::Destroy(id),
                20 | 21 => Act::Regenerate(None),
                22 if self.below(2) == 0 => Act::Savepoint,
                22 => Act::Rollback,
                _ if self.below(2) == 0 => Act::SetDeadline(When::In(span(self.one(&[20, 1000])))),
                _ => Act::SetTimeout(self.one(&[None, Some(10), Some(20)]).map(span)),
            });
        }
        match self.below(12) {
            0 => {
                acts = vec![
                    Act::Begin,
                    Act::Create(id.cont),
                    Act::Regenerate(Some(id.number)),
                    Act::Pkg("p"),
                    Act::Set(self.key(), self.value()),
                ];
            }
            1..4 => acts.extend([Act::Open(self.id()), Act::Pkg("p"), Act::Set(self.key(), self.value())]),
            // Too large together, of one transaction or of two.
            4 => acts.extend([Act::Pkg("q"), Act::Set(self.one(&["a", "b"]), V::big())]),
            5 if self.below(3) == 0 => acts.extend(["a", "b"].map(|key| Act::Set(key, V::big()))),
            _ => {}
        }
        if self.below(5) == 0 {
            acts.push(Act::Prepare);
        }
        acts.push(Act::Commit);
        acts
    }

    /// Messages of a commit that are lost: one, or all from then on.
    fn lost(&mut self) -> Fault {
        let (kind, ops, count) = match self.below(16) {
            0 => (FaultKind::LostAnswer, 3, 0),
            1 => (FaultKind::Refused, 3, 0),
            2..8 => (FaultKind::Timeout, 2, 1),
            _ => (FaultKind::LostAnswer, 2, 1),
        };
        Fault { ops, skip: self.one(&[0, 0, 0, 1]), count, kind, ..self.fault() }
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
