//! Opening and creating sessions, and asking for them, on the library and on the model.

use std::time::Duration;

use lovely_session::error::Status;
use lovely_session::io::blocking::run;
use lovely_session::store::FaultKind;

use crate::calls::Step;
use crate::op::Fault;
use crate::sim::Sim;
use crate::txn::R;
use crate::world::{Place, Stands};

const LOAD: u32 = 1;
const WRITE: u32 = 2;

impl Sim {
    pub(crate) fn open(&mut self, at: usize, place: &Place) -> Step {
        let place = self.note(place.clone());
        let found = self.slots[at].model.find(&self.world, &place);
        let fault = self.arm();
        let real = run(self.slots[at].real.open(&self.conts[place.0], &place.1)).unwrap();
        self.disarm();
        let store = self.world.conts[place.0].store;
        let fault = fault.filter(|fault| fault.store == store);
        let model = match found {
            Err(status) => Err(status),
            Ok(Ok(session)) => Ok(session),
            Ok(Err(stale)) => self.load(at, &place, stale, fault, real.is_err()),
        };
        let slot = &mut self.slots[at];
        if let (Ok(session), Ok(handle)) = (model, &real) {
            if session == slot.sessions.len() && !slot.sessions.contains(handle) {
                slot.sessions.push(*handle);
            }
            if slot.sessions.get(session) != Some(handle) || !slot.model.is_open_as(&place, session) {
                return Err("opening gave another session than the model's".to_owned());
            }
        }
        let real = real.map(|handle| slot.sessions.iter().position(|known| *known == handle));
        self.check("open", real, model.map(Some)).map(drop)
    }

    /// What the model finds in the store.
    fn load(
        &mut self,
        at: usize,
        place: &Place,
        stale: Option<usize>,
        fault: Option<Fault>,
        has_failed: bool,
    ) -> R<usize> {
        if let Some(fault) = fault.filter(|fault| fault.ops & LOAD != 0 && fault.skip == 0) {
            self.cover.hit("open: fault");
            if fault.kind == FaultKind::LostAnswer {
                // It was read, and renewed, and only the answer did not come.
                self.world.renew(place);
            }
            return Err(unanswered(fault.kind));
        }
        let stands = self.world.stands(place);
        self.cover.hit(match &stands {
            Stands::Nothing => "open: nothing",
            Stands::Tombstone(_) => "open: tombstone",
            Stands::Session { is_past: true, .. } => "open: past the deadline",
            Stands::Session { is_idle: true, .. } => "open: idle for too long",
            Stands::Session { .. } => "open: session",
        });
        if stale.is_some() {
            self.cover.hit("open: anew after the timeout");
        }
        if let (Stands::Session { sess, is_idle, is_past: false }, Some(fault)) = (&stands, fault)
            && has_failed
            && fault.ops & WRITE != 0
            && (*is_idle || self.world.is_kept_longer(place, sess))
        {
            // What renewing did wrong has to be put right; where that fails, so does opening.
            self.cover.hit("open: could not put the renewal right");
            let left = self.world.rec(place).and_then(|rec| rec.expires);
            self.world.renew(place);
            self.is_over = *is_idle;
            match fault.kind {
                FaultKind::LostAnswer if *is_idle => self.world.let_expire(place, left),
                FaultKind::LostAnswer => self.world.keep(place, sess),
                FaultKind::RefusedDropped => drop(self.world.recs.remove(place)),
                FaultKind::Unavailable | FaultKind::Timeout | FaultKind::Refused => {}
            }
            return Err(unanswered(fault.kind));
        }
        let session = self.slots[at].model.load(&mut self.world, place, stale);
        self.tick(place.0);
        Ok(session)
    }

    /// Where a lifetime gives deadlines, no two sessions begin in the same millisecond.
    fn tick(&mut self, cont: usize) {
        if self.world.opts(cont).lifetime != 0 {
            self.ticks += 1;
            self.conts[cont].store().clock().advance(Duration::from_millis(1)).unwrap();
        }
    }

    pub(crate) fn create(&mut self, at: usize, cont: usize) -> Step {
        let slot = &mut self.slots[at];
        let real = slot.real.create(&self.conts[cont]);
        let model = slot.model.writable();
        if let (Ok(handle), Ok(())) = (&real, model) {
            let id = slot.real.session_id(*handle).unwrap().to_vec();
            if id.len() < 22 || self.ids[cont].contains(&id) || slot.sessions.contains(handle) {
                return Err("the created session has no id, or no handle, of its own".to_owned());
            }
            slot.sessions.push(*handle);
            slot.model.create(&mut self.world, &(cont, id.clone()));
            self.ids[cont].push(id);
            self.tick(cont);
        }
        self.check("create", real.map(drop), model).map(drop)
    }

    pub(crate) fn exists(&mut self, at: usize, place: &Place) -> Step {
        let place = self.note(place.clone());
        let fault = self.arm();
        let real = run(self.slots[at].real.exists(&self.conts[place.0], &place.1)).unwrap();
        self.disarm();
        let store = self.world.conts[place.0].store;
        let model = match self.slots[at].model.exists(&place) {
            Err(status) => Err(status),
            Ok(Some(known)) => Ok(known),
            Ok(None) => match fault.filter(|fault| fault.store == store && fault.ops & LOAD != 0 && fault.skip == 0) {
                Some(fault) => Err(unanswered(fault.kind)),
                None => Ok(matches!(self.world.stands(&place), Stands::Session { is_idle: false, is_past: false, .. })),
            },
        };
        self.check("exists", real, model).map(drop)
    }
}

/// What a read answers that meets a fault.
fn unanswered(kind: FaultKind) -> Status {
    match kind {
        FaultKind::Timeout | FaultKind::LostAnswer => Status::Timeout,
        FaultKind::Unavailable | FaultKind::Refused | FaultKind::RefusedDropped => Status::Unavailable,
    }
}
