//! What a transaction changes: what it is going to commit, and what it takes back before.

use std::collections::BTreeMap;

use lovely_session::txn::{SessionRef, Transaction};
use lovely_session::value::Value;

use crate::config::{CONTAINERS, RECREATE};
use crate::history::{Act, Deed, Feat, Nanos, Place, Tag, now, unix_ms};
use crate::state::{Content, KEYS, ROLLED_BACK};
use crate::work::{Opened, Worker};

/// Sessions with more members than this are destroyed, so that histories stay readable.
const MOST_MEMBERS: usize = 40;

impl Worker<'_> {
    /// Stages what this transaction does to one session.
    pub fn stage(&mut self, txn: &mut Transaction, opened: &Opened, tag: Tag) -> Option<Act> {
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
        let (deadline, timeout) = self.stage_times(txn, session, &place);
        let which = |is_set: bool| keys.iter().filter(|(_, set)| **set == is_set).map(|(key, _)| *key).collect();
        let (sets, deletes) = (which(true), which(false));
        Some(Act { tag, place, deed: Deed::Write { delta, sets, deletes, new_id, deadline, timeout } })
    }

    /// Now and then, has the session end soon, or when it was idle for a moment.
    fn stage_times(
        &mut self,
        txn: &mut Transaction,
        session: SessionRef,
        place: &Place,
    ) -> (Option<Nanos>, Option<Nanos>) {
        let mut deadline = None;
        if self.one_in(15) {
            let at = now() + 200_000_000 + self.random.next() % 2_500_000_000;
            txn.set_deadline_ms(session, Some(unix_ms(at))).unwrap();
            deadline = Some(at);
        }
        let mut timeout = None;
        // What is idle for too long is stored anew where that is wanted, and lives on.
        if self.one_in(25) && CONTAINERS[place.container].0 != RECREATE {
            let ms = 300 + self.random.next() % 2_000;
            txn.set_timeout_ms(session, Some(ms)).unwrap();
            timeout = Some(ms * 1_000_000);
        }
        (deadline, timeout)
    }

    /// Changes whatever there is in ways that must never be seen, and takes it back.
    pub fn change_and_roll_back(&mut self, txn: &mut Transaction, opened: &[Opened], acts: &[Act]) {
        // What is to be destroyed takes no changes.
        let is_destroyed = |place: &Place| acts.iter().any(|act| act.place == *place && act.deed == Deed::Destroy);
        let sessions: Vec<&Opened> = opened.iter().filter(|opened| !is_destroyed(&opened.place)).collect();
        let before = self.whole(txn, &sessions);
        let savepoint = txn.savepoint().unwrap();
        for opened in &sessions {
            self.change(txn, opened.session);
        }
        let later = self.one_in(2).then(|| self.change_more(txn, &sessions));
        let left = if self.one_in(3) { self.open_besides(txn, opened, acts) } else { None };
        for opened in &sessions {
            self.wreck(txn, opened);
        }
        if let Some((later, between)) = &later
            && self.one_in(2)
        {
            txn.rollback(*later).unwrap();
            if self.whole(txn, &sessions) != *between {
                self.wrong("rolled back to something else than what was at a later savepoint".to_owned());
            }
        }
        txn.rollback(savepoint).unwrap();
        self.did(Feat::RolledBack);
        let after = self.whole(txn, &sessions);
        if before != after {
            self.wrong(format!("rolled back to {after:?} instead of {before:?}"));
        }
        if let Some((later, _)) = later {
            self.did(Feat::RolledBackTwice);
            if txn.savepoint_valid(later) || txn.rollback(later).is_ok() {
                self.wrong("a savepoint after the one that was rolled back to is still there".to_owned());
            }
        }
        if let Some(session) = left {
            self.did(Feat::LeftByRollback);
            if txn.session_id(session).is_ok() {
                self.wrong("a session that was opened after the savepoint stays in the transaction".to_owned());
            }
        }
    }

    /// All that can be told of sessions.
    fn whole(&self, txn: &mut Transaction, sessions: &[&Opened]) -> Vec<Whole> {
        let of = |opened: &&Opened| {
            let session = opened.session;
            let times = (txn.deadline_ms(session).unwrap(), txn.timeout_ms(session).unwrap());
            (self.content(txn, session), txn.session_id(session).unwrap().to_vec(), times)
        };
        sessions.iter().map(of).collect()
    }

    /// Changes that are made after another savepoint; that, and what was at it.
    fn change_more(&mut self, txn: &mut Transaction, sessions: &[&Opened]) -> (u64, Vec<Whole>) {
        let between = self.whole(txn, sessions);
        let later = txn.savepoint().unwrap();
        for opened in sessions {
            self.change(txn, opened.session);
        }
        (later, between)
    }

    /// Opens a session that the transaction does not have; whatever it changes there must never be seen.
    fn open_besides(&mut self, txn: &mut Transaction, opened: &[Opened], acts: &[Act]) -> Option<SessionRef> {
        let place = self.some_place();
        let is_known = opened.iter().any(|opened| opened.place == place) || acts.iter().any(|act| act.place == place);
        let session = if is_known { None } else { self.open(txn, place)?.session.into() };
        self.change(txn, session?);
        session
    }

    /// Changes values as nobody must ever see them.
    fn change(&mut self, txn: &mut Transaction, session: SessionRef) {
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
    }

    /// Changes a session as a whole.
    fn wreck(&mut self, txn: &mut Transaction, opened: &Opened) {
        let session = opened.session;
        match self.random.below(6) {
            0 => txn.clear(session).unwrap(),
            1 => txn.regenerate(session, None).unwrap(),
            2 => txn.destroy(&self.containers[opened.place.container], opened.place.id.as_bytes()).unwrap(),
            3 => txn.set_deadline_ms(session, Some(1)).unwrap(),
            4 => txn.set_timeout_ms(session, Some(1)).unwrap(),
            _ => drop(txn.delete_pkg(session, "a").unwrap()),
        }
    }
}

/// Content, id, deadline and timeout of a session.
type Whole = (Content, Vec<u8>, (Option<i64>, Option<u64>));
