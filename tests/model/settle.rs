//! Commit and prepare: what was answered, against what the model says each session comes to.
//!
//! Without faults there is one right answer. With a fault the contract leaves open which sessions it hits; then each
//! entry of the report has to be true of what is stored, and the model goes on with that.

use std::collections::BTreeSet;

use lovely_session::error::{Error, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::FaultKind;
use lovely_session::txn::{Outcome, ReportEntry, State, TxnOption};

use crate::calls::Step;
use crate::commit::{Task, Verdict, Work, Write, plan};
use crate::merge::Reasons;
use crate::op::Fault;
use crate::raw::Raw;
use crate::session::Origin;
use crate::sim::{Differ, Sim};
use crate::world::{Kind, Place, Rec, World};

/// Everything that is expected of one commit.
struct Expected {
    tasks: Vec<Task>,
    verdicts: Vec<Verdict>,
    /// Why each is not stored, as far as it is itself the reason.
    reasons: Vec<Option<Reasons>>,
    /// Whether nothing at all may be stored.
    is_blocked: bool,
    is_prepared: bool,
    fault: Option<Fault>,
    before: World,
}

impl Sim {
    pub(crate) fn commit(&mut self, at: usize, is_prepare: bool) -> Step {
        let call = if is_prepare { "prepare" } else { "commit" };
        let model = &self.slots[at].model;
        let is_prepared = model.state == State::Prepared;
        if let Err(status) = if is_prepare { model.writable() } else { model.readable() } {
            let real = self.slots[at].real_commit(is_prepare);
            return self.check(call, real, Err(status)).map(drop);
        }
        let tasks = if is_prepared { self.slots[at].prepared.clone() } else { plan(model) };
        let mut expected = self.expect(tasks, is_prepared);
        self.count(&expected, is_prepared);
        let fault = self.arm();
        expected.fault = fault;
        let timeout = match fault {
            // Nothing comes of waiting for the end of this.
            Some(Fault { count: 0, .. }) => 6,
            _ => 5_000,
        };
        let slot = &mut self.slots[at];
        slot.real.set_option(TxnOption::CommitTimeout, timeout).unwrap();
        let real = slot.real_commit(is_prepare);
        self.disarm();
        let report = self.slots[at].real.report().to_vec();
        self.answer = format!("{real:?}, report: {}", describe(&report));
        let status = real.as_ref().map_or_else(Error::status, |()| Status::Ok);
        self.cover.hit(&format!("{call} {status:?}"));
        let state = match (&real, is_prepare) {
            (Ok(()), true) => State::Prepared,
            (Ok(()), false) => State::Committed,
            (Err(_), _) => State::Failed,
        };
        if is_prepare {
            self.settle_prepare(at, &expected, status, &report)?;
        } else {
            self.settle_commit(&expected, status, &report)?;
        }
        let slot = &mut self.slots[at];
        slot.model.end(state);
        if state == State::Prepared {
            slot.prepared = expected.tasks;
        }
        if slot.real.state() != state {
            return Err(format!("the state is {:?}, in the model {state:?}", slot.real.state()));
        }
        self.verify()
    }

    fn expect(&mut self, tasks: Vec<Task>, is_prepared: bool) -> Expected {
        let (world, cover) = (&mut self.world, &mut self.cover);
        let mut reasons: Vec<Option<Reasons>> = vec![None; tasks.len()];
        if !is_prepared {
            // Limits come before anything is asked of the store.
            reasons = tasks.iter().map(|task| task.check(world, cover)).collect();
        }
        let is_blocked_at_once = reasons.iter().any(Option::is_some);
        let verdicts: Vec<Verdict> = tasks.iter().map(|task| task.judge(world, cover)).collect();
        if !is_blocked_at_once {
            reasons = verdicts.iter().map(|verdict| verdict.writes.clone().err()).collect();
        }
        let is_blocked = !is_prepared && reasons.iter().any(Option::is_some);
        Expected { tasks, verdicts, reasons, is_blocked, is_prepared, fault: None, before: self.world.clone() }
    }

    fn count(&mut self, expected: &Expected, is_prepared: bool) {
        let stores: BTreeSet<usize> = expected.tasks.iter().map(|task| self.world.conts[task.cont].store).collect();
        match (expected.tasks.len(), stores.len()) {
            (0, _) => self.cover.hit("commit: read only"),
            (1, _) => {}
            (_, 1) => self.cover.hit("commit: several sessions"),
            _ => self.cover.hit("commit: several stores"),
        }
        if is_prepared {
            self.cover.hit("commit: prepared");
        }
    }

    fn settle_prepare(&mut self, at: usize, expected: &Expected, status: Status, report: &[ReportEntry]) -> Step {
        let mut may: Reasons = expected.reasons.iter().flatten().flatten().copied().collect();
        if !expected.is_blocked {
            may.insert(Status::Ok as i32);
        }
        if expected.fault.is_some() {
            may.extend([Status::Unavailable as i32, Status::Timeout as i32]);
        }
        if !may.contains(&(status as i32)) {
            return Err(format!("prepare answered {}, the model {may:?}", self.answer));
        }
        if status == Status::Ok {
            return if self.slots[at].real.report().is_empty() { Ok(()) } else { Err("a report of nothing".into()) };
        }
        let entries = self.pair(expected, report)?;
        if entries.iter().any(|entry| entry.outcome != Outcome::NotStored) {
            return Err("prepare stored something".to_owned());
        }
        Ok(())
    }

    fn settle_commit(&mut self, expected: &Expected, status: Status, report: &[ReportEntry]) -> Step {
        let entries = self.pair(expected, report)?;
        for (at, entry) in entries.iter().enumerate() {
            let name = self.name(&(expected.tasks[at].cont, entry.id.to_vec()));
            self.settle_entry(expected, at, entry).map_err(|differ| format!("{name}: {differ}"))?;
        }
        let is_any_bad = entries.iter().any(|entry| entry.status != Status::Ok);
        for (at, entry) in entries.iter().enumerate() {
            let mut may = expected.reasons[at].clone().unwrap_or_default();
            if expected.fault.is_some() {
                may.extend([Status::Unavailable as i32, Status::Timeout as i32, Status::Lost as i32]);
            }
            let is_bystander = entry.status == Status::Ok
                && is_any_bad
                && (expected.reasons[at].is_none() || expected.fault.is_some() || expected.is_any_taken());
            let is_right = match entry.outcome {
                Outcome::Stored => entry.status == Status::Ok,
                Outcome::Unknown => entry.status == Status::Unknown,
                Outcome::NotStored => is_bystander || may.contains(&(entry.status as i32)),
            };
            if !is_right {
                return Err(format!("the report says {entry:?}, the model {may:?}"));
            }
        }
        let has = |outcome| entries.iter().any(|entry| entry.outcome == outcome);
        let statuses = || entries.iter().map(|entry| entry.status).filter(|status| *status != Status::Ok);
        let is_right = match (has(Outcome::Stored), has(Outcome::Unknown), has(Outcome::NotStored)) {
            (_, false, false) => status == Status::Ok,
            (true, ..) => status == Status::Partial,
            (false, true, _) => status == Status::Unknown,
            // Retryable only if that holds for all.
            (false, false, true) if status == Status::Conflict => statuses().all(|status| status == Status::Conflict),
            (false, false, true) => statuses().any(|other| other == status),
        };
        if !is_right {
            return Err(format!("{status:?} does not go with the report"));
        }
        Ok(())
    }

    /// The report's entry of each task.
    fn pair(&self, expected: &Expected, report: &[ReportEntry]) -> Result<Vec<ReportEntry>, Differ> {
        let mut left = report.to_vec();
        let mut entries = vec![None; expected.tasks.len()];
        // First those of which it is known what the report says.
        let is_hit = |at: &usize| {
            expected.fault.is_some_and(|fault| self.world.conts[expected.tasks[*at].cont].store == fault.store)
        };
        let mut order: Vec<usize> = (0..expected.tasks.len()).collect();
        order.sort_by_key(is_hit);
        for at in order {
            let task = &expected.tasks[at];
            let name = self.world.conts[task.cont].name;
            let is_of =
                |entry: &ReportEntry| *entry.container == *name && *entry.id == *task.id && entry.kind == task.kind();
            // Two stores may have a container of the same name, and in it the same id: any order will do then, if the
            // outcome is possible.
            let may = expected.reasons[at].as_ref();
            let is_possible = |entry: &&ReportEntry| {
                is_of(entry)
                    && (entry.outcome == Outcome::Stored) == expected.may_be_stored(at)
                    && may.map_or(entry.status == Status::Ok, |may| may.contains(&(entry.status as i32)))
                    && (!expected.may_be_stored(at) || entry.timeout_ms == expected.verdicts[at].timeout)
            };
            let found = left.iter().find(is_possible).or_else(|| left.iter().find(|entry| is_of(entry)));
            let found = found
                .cloned()
                .ok_or_else(|| format!("the report misses {}", self.name(&(task.cont, task.id.clone()))))?;
            left.remove(left.iter().position(|entry| *entry == found).unwrap());
            entries[at] = Some(found);
        }
        let entries = entries.into_iter().flatten().collect();
        if left.is_empty() { Ok(entries) } else { Err(format!("the report has more: {left:?}")) }
    }

    /// Whether what the report says of one session is true, and what the model goes on with.
    fn settle_entry(&mut self, expected: &Expected, at: usize, entry: &ReportEntry) -> Step {
        let (task, verdict) = (&expected.tasks[at], &expected.verdicts[at]);
        let may_be_stored = expected.may_be_stored(at);
        match (entry.outcome, &verdict.writes) {
            (Outcome::Stored, Ok(writes)) if may_be_stored => {
                if entry.timeout_ms != verdict.timeout {
                    let (real, model) = (entry.timeout_ms, verdict.timeout);
                    return Err(format!("the report says a timeout of {real}, the model {model}"));
                }
                for (place, write) in writes {
                    self.apply(place, write);
                }
                if let (Work::Move { from, .. }, Some(fault)) = (&task.work, expected.fault)
                    && matches!(fault.kind, FaultKind::Refused | FaultKind::RefusedDropped)
                    && self.peek(from).is_none()
                {
                    // Refused was the tombstone, and nothing was or is left that it could stand over.
                    self.cover.hit("fault: tombstone refused");
                    self.world.recs.remove(from);
                }
                if expected.fault.is_some_and(|fault| fault.ops & 2 != 0) {
                    self.cover.hit("fault: stored in spite of lost answers");
                }
                return Ok(());
            }
            (Outcome::Stored, _) => return Err("it is stored, and should not be".to_owned()),
            (Outcome::NotStored, _) if !may_be_stored && expected.fault.is_none() => {
                // Prepared, the new id is written before it shows that the old one is gone; and is withdrawn then.
                return match &task.work {
                    Work::Move { to, .. } if expected.is_prepared => self.adopt(expected, at, to, false),
                    _ => Ok(()),
                };
            }
            (Outcome::NotStored | Outcome::Unknown, _) => {}
        }
        let Some(fault) = expected.fault else { return Err("it is not stored, and should be".to_owned()) };
        if may_be_stored && expected.must_come_through(fault) {
            return Err("it is not stored, though only answers were lost and time was left".to_owned());
        }
        let is_unknown = entry.outcome == Outcome::Unknown;
        for place in task.places() {
            self.adopt(expected, at, &place, is_unknown)?;
        }
        self.check_loss(expected, at, entry)
    }

    /// Finds out which of the things that may be stored at a place is.
    fn adopt(&mut self, expected: &Expected, at: usize, place: &Place, is_unknown: bool) -> Step {
        let (task, verdict) = (&expected.tasks[at], &expected.verdicts[at]);
        let raw = self.peek(place);
        let is_new_place = task.places().len() == 2 && task.session().is_some() && task.places()[1] == *place;
        let before = expected.before.rec(place).cloned();
        if self.difference(place, raw.as_ref(), before.as_ref()).is_none() {
            self.cover.hit("fault: adopted what was there");
            match before {
                Some(before) => self.world.recs.insert(place.clone(), before),
                None => self.world.recs.remove(place),
            };
            return Ok(());
        }
        let is_dropping = expected.fault.is_some_and(|fault| fault.kind == FaultKind::RefusedDropped);
        if raw.is_none() && (is_dropping || is_new_place) {
            self.cover.hit("fault: dropped");
            self.world.recs.remove(place);
            return Ok(());
        }
        if let (Ok(writes), true) = (&verdict.writes, is_unknown && expected.may_be_stored(at)) {
            for (_, write) in writes.iter().filter(|(written, _)| written == place) {
                let saved = self.world.clone();
                self.apply(place, write);
                let rec = self.world.rec(place).cloned();
                if self.difference(place, raw.as_ref(), rec.as_ref()).is_none() {
                    self.cover.hit("fault: adopted what was written");
                    return Ok(());
                }
                self.world = saved;
            }
        }
        if is_new_place && raw.as_ref().is_some_and(Raw::is_tombstone) && before.is_none() {
            self.cover.hit("fault: withdrawn");
            self.world.store_tombstone(place);
            return Ok(());
        }
        let raw = raw.map_or_else(|| "nothing".to_owned(), |raw| raw.describe());
        Err(format!("it is said to be {}, and {raw} is stored", if is_unknown { "unknown" } else { "not stored" }))
    }

    /// Contract 6.2: a session that the server dropped is said to be lost; and a new id never costs the session.
    fn check_loss(&mut self, expected: &Expected, at: usize, entry: &ReportEntry) -> Step {
        let task = &expected.tasks[at];
        let Some(session) = task.session() else { return Ok(()) };
        let Origin::Loaded(base) = &session.origin else { return Ok(()) };
        let places = task.places();
        let is_ours = |rec: Option<&Rec>| matches!(rec, Some(Rec { kind: Kind::Session(sess), .. }) if sess.incarnation == base.incarnation);
        let was_there = is_ours(expected.before.rec(&places[0]));
        let is_there =
            places.iter().any(|place| matches!(self.world.rec(place), Some(Rec { kind: Kind::Session(_), .. })));
        let is_said = matches!(entry.status, Status::Lost | Status::Unknown);
        if was_there && !is_there && !is_said {
            return Err(format!("the session is lost, and the report says {:?}", entry.status));
        }
        let is_dropping = expected.fault.is_some_and(|fault| fault.kind == FaultKind::RefusedDropped);
        if was_there && !is_there && !is_dropping {
            return Err("neither the old nor the new session is there".to_owned());
        }
        Ok(())
    }

    fn apply(&mut self, place: &Place, write: &Write) {
        match write {
            Write::Session(sess) => self.world.store_session(place, Clone::clone(sess)),
            Write::Tombstone => self.world.store_tombstone(place),
        }
    }
}

impl Expected {
    fn may_be_stored(&self, at: usize) -> bool {
        !self.is_blocked && self.verdicts[at].writes.is_ok()
    }

    /// Whether a new id is in use: that is found first, and the others are not looked at any more.
    fn is_any_taken(&self) -> bool {
        self.tasks.iter().any(|task| matches!(&task.work, Work::Move { to, .. } if self.before.rec(to).is_some()))
    }

    /// Whether the fault only loses messages, few enough that a commit with time looks again and goes on (contract 6.2).
    fn must_come_through(&self, fault: Fault) -> bool {
        // Where several sessions are written, what stands there is looked at before anything is sent.
        let is_looked_at = self.tasks.len() > 1 && !self.is_prepared;
        matches!(fault.kind, FaultKind::Timeout | FaultKind::LostAnswer)
            && fault.ops == 2
            && fault.count != 0
            && self.verdicts.iter().all(|verdict| verdict.writes.is_ok() && (is_looked_at || !verdict.is_untold))
    }
}

impl crate::sim::Slot {
    fn real_commit(&mut self, is_prepare: bool) -> Result<(), Error> {
        if is_prepare { run(self.real.prepare()).unwrap() } else { run(self.real.commit()).unwrap() }
    }
}

fn describe(report: &[ReportEntry]) -> String {
    let entries: Vec<String> = report
        .iter()
        .map(|entry| {
            let ReportEntry { container, outcome, status, timeout_ms, kind, .. } = entry;
            format!("{container} {kind:?} {outcome:?} {status:?} {timeout_ms}")
        })
        .collect();
    entries.join("; ")
}
