//! Calls on transactions and on what is around them, made on the library and on the model.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lovely_session::container::ContainerOption;
use lovely_session::error::{Error, Status};
use lovely_session::io::blocking::run;
use lovely_session::txn::State;

use crate::op::{Act, Fault, Op, Setting};
use crate::sim::{Differ, Sim, Slot};
use crate::support::everywhere::is_embedded;
use crate::world::{Place, Stands};

pub(crate) type Step = Result<(), Differ>;

impl Sim {
    /// Makes one call, compares, and writes it down.
    pub(crate) fn step(&mut self, op: &Op) -> Step {
        let at = op.slot;
        let is_around =
            matches!(op.act, Act::Advance(..) | Act::Evict(_) | Act::MakeIdle(..) | Act::Option(..) | Act::Fault(_));
        // Most calls go to a transaction that takes them; fewer where fewer sequences are run.
        let others = if is_embedded() { 6 } else { 3 };
        if !is_around && self.slots[at].model.is_ended() && !op.luck.is_multiple_of(others) {
            self.slots[at] = Slot::new();
            writeln!(self.log, "txn {at}: Begin").unwrap();
        }
        self.answer.clear();
        if is_around {
            write!(self.log, "{:?}", op.act).unwrap();
        } else {
            write!(self.log, "txn {at}: {:?}", op.act).unwrap();
        }
        let result = self.act(at, op);
        writeln!(self.log, " -> {}", self.answer).unwrap();
        result
    }

    fn act(&mut self, at: usize, op: &Op) -> Step {
        match &op.act {
            Act::Begin => {
                self.slots[at] = Slot::new();
                Ok(())
            }
            Act::Open(id) => self.open(at, &self.place(*id)),
            Act::Create(cont) => self.create(at, cont % self.conts.len()),
            Act::Exists(id) => self.exists(at, &self.place(*id)),
            Act::Destroy(id) => {
                let place = self.note(self.place(*id));
                let slot = &mut self.slots[at];
                let real = slot.real.destroy(&self.conts[place.0], &place.1);
                let model = slot.model.destroy(&place);
                self.check("destroy", real, model).map(drop)
            }
            Act::Savepoint => self.savepoint(at),
            Act::Rollback => self.rollback(at, op.luck),
            Act::Prepare => self.commit(at, true),
            Act::Commit => self.commit(at, false),
            Act::Abort => self.abort(at),
            Act::Sessions => self.sessions(at),
            Act::Advance(store, by) => {
                let store = store % self.stores.len();
                self.stores[store].clock().advance(Duration::from_millis(by.unsigned_abs())).unwrap();
                self.world.now[store] += by;
                Ok(())
            }
            Act::Evict(id) => self.evict(&self.place(*id)),
            Act::MakeIdle(id, by) => self.make_idle(&self.place(*id), *by),
            Act::Option(cont, setting) => self.set_option(cont % self.conts.len(), *setting),
            Act::Fault(fault) => {
                self.fault = Some(Fault { store: fault.store % self.stores.len(), ..*fault });
                Ok(())
            }
            Act::Regenerate(_)
            | Act::SetTimeout(_)
            | Act::SetDeadline(_)
            | Act::Clear
            | Act::DeletePkg(_)
            | Act::Pkg(_)
            | Act::Peek(_)
            | Act::Names
            | Act::Dump
            | Act::Info => self.on_session(at, op),
            _ => self.on_pkg(at, op),
        }
    }

    /// Names the id in the log.
    pub(crate) fn note(&mut self, place: Place) -> Place {
        let name = self.name(&place);
        write!(self.log, " [{name}]").unwrap();
        place
    }

    fn sessions(&mut self, at: usize) -> Step {
        let slot = &mut self.slots[at];
        let count = slot.real.session_count();
        let handles: Vec<_> = (0..=count).filter_map(|i| slot.real.session_at(i)).collect();
        let real: Vec<_> =
            handles.iter().filter_map(|handle| slot.sessions.iter().position(|known| known == handle)).collect();
        let model = slot.model.open_sessions();
        self.check("sessions", Ok((count, real)), Ok((model.len(), model))).map(drop)
    }

    fn savepoint(&mut self, at: usize) -> Step {
        let slot = &mut self.slots[at];
        let real = slot.real.savepoint();
        let model = slot.model.writable();
        if let (Ok(number), Ok(())) = (&real, model) {
            if self.savepoints.contains(number) {
                return Err("the number of a savepoint was used again".to_owned());
            }
            slot.model.savepoint(*number);
            self.savepoints.push(*number);
        }
        self.check("savepoint", real.map(drop), model)?;
        self.check_savepoints()
    }

    fn rollback(&mut self, at: usize, luck: usize) -> Step {
        // Mostly one that is valid, else any, one of another transaction and one that never was among them.
        let valid: Vec<u64> =
            self.savepoints.iter().copied().filter(|number| self.slots[at].model.savepoint_valid(*number)).collect();
        let number = match luck % 4 {
            1.. if !valid.is_empty() => valid[luck / 4 % valid.len()],
            _ => self.savepoints[luck / 4 % self.savepoints.len()],
        };
        let shown = self.savepoints.iter().position(|known| *known == number);
        write!(self.log, " to savepoint {}", shown.unwrap_or_default()).unwrap();
        let slot = &mut self.slots[at];
        let before = slot.model.open_sessions();
        let real = slot.real.rollback(number);
        let model = slot.model.rollback(number);
        let after = slot.model.open_sessions();
        if before.iter().any(|session| !after.contains(session)) {
            self.cover.hit("rollback: a session left");
        }
        if after.iter().any(|session| !before.contains(session)) {
            self.cover.hit("rollback: a destroyed session came back");
        }
        self.check("rollback", real, model)?;
        self.check_savepoints()
    }

    fn check_savepoints(&mut self) -> Step {
        for slot in &self.slots {
            for number in &self.savepoints {
                if slot.real.savepoint_valid(*number) != slot.model.savepoint_valid(*number) {
                    return Err("a savepoint is valid in the library or in the model, but not in both".to_owned());
                }
            }
        }
        Ok(())
    }

    fn abort(&mut self, at: usize) -> Step {
        let slot = &mut self.slots[at];
        let model = match slot.model.state {
            State::Committed | State::Aborted => Err(Status::Misuse),
            _ => {
                slot.model.end(State::Aborted);
                Ok(())
            }
        };
        let real = slot.real.abort();
        self.check("abort", real, model)?;
        self.check_savepoints()
    }

    fn evict(&mut self, place: &Place) -> Step {
        let place = self.note(place.clone());
        let real = self.drop_record(&place);
        let model = self.world.rec(&place).is_some();
        self.world.recs.remove(&place);
        self.check("evict", real, Ok(model)).map(drop)
    }

    pub(crate) fn drop_record(&self, place: &Place) -> Result<bool, Error> {
        let container = &self.conts[place.0];
        let deadline = Instant::now() + Duration::from_secs(5);
        run(container.store().drop_record(&container.key(&place.1), deadline)).unwrap()
    }

    fn make_idle(&mut self, place: &Place, by: i64) -> Step {
        let place = self.note(place.clone());
        if self.is_made_idle_behind_a_back(&place, by) {
            return Ok(());
        }
        let container = &self.conts[place.0];
        let deadline = Instant::now() + Duration::from_secs(5);
        let idle = Duration::from_millis(by.unsigned_abs());
        let real = run(container.store().make_idle(&container.key(&place.1), idle, deadline)).unwrap();
        let model = self.world.rec(&place).is_some();
        if let (true, Some(rec)) = (model, self.world.recs.get_mut(&place)) {
            rec.expires = rec.expires.map(|expires| expires - by);
        }
        self.check("make_idle", real, Ok(model)).map(drop)
    }

    /// Whether an open session would expire by this, and its record still be there. That cannot happen without time
    /// going by for the transaction too, which is how a commit knows that it has to look.
    fn is_made_idle_behind_a_back(&self, place: &Place, by: i64) -> bool {
        let mut world = self.world.clone();
        if let Some(rec) = world.recs.get_mut(place) {
            rec.expires = rec.expires.map(|expires| expires - by);
        }
        let is_open = |slot: &Slot| {
            !slot.model.is_ended()
                && slot.model.sessions.iter().any(|session| (session.cont, &session.opened_id) == (place.0, &place.1))
        };
        matches!(world.stands(place), Stands::Session { is_idle: true, .. }) && self.slots.iter().any(is_open)
    }

    fn set_option(&mut self, cont: usize, setting: Setting) -> Step {
        // What was found before a change of policy may be merged into what is written after it, or not.
        let is_prepared = self.slots.iter().any(|slot| slot.model.state == State::Prepared);
        if is_prepared && matches!(setting, Setting::Policy(_)) {
            return Ok(());
        }
        let opts = &mut self.world.conts[cont].opts;
        let (option, value, model) = match setting {
            Setting::Timeout(value) => (ContainerOption::Timeout, value, opts.set_timeout(value)),
            Setting::MaxTimeout(value) => (ContainerOption::MaxTimeout, value, opts.set_max(value)),
            Setting::Lifetime(value) => {
                opts.lifetime = value;
                (ContainerOption::Lifetime, value, Ok(()))
            }
            Setting::Policy(value) => {
                opts.policy = value;
                (ContainerOption::Policy, value as i64, Ok(()))
            }
            Setting::Recreate(value) => {
                opts.recreate = value;
                (ContainerOption::Recreate, i64::from(value), Ok(()))
            }
        };
        let real = self.conts[cont].set_option(option, value);
        self.check("option", real, model).map(drop)
    }
}
