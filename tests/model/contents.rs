//! Calls on sessions and packages, made on the library and on the model.

use std::fmt::Write as _;

use lovely_session::error::Error;
use lovely_session::value::Value;

use crate::calls::Step;
use crate::op::{Act, Id, Op, When};
use crate::session::Session;
use crate::sim::{Sim, Slot};
use crate::txn::R;
use crate::value::{Content, Pkg, V, pkg_of, real_map};
use crate::world::Deadline;

impl Sim {
    /// A call on one of the sessions that the transaction ever had.
    pub(crate) fn on_session(&mut self, at: usize, op: &Op) -> Step {
        let count = self.slots[at].sessions.len();
        let open = self.slots[at].model.open_sessions();
        let session = match op.luck % 8 {
            1.. if !open.is_empty() => open[op.luck / 8 % open.len()],
            _ if count > 0 => op.luck / 8 % count,
            _ => {
                let id = Id { cont: op.luck / 8, number: op.luck / 64 % 2 };
                return self.open(at, &self.place(id));
            }
        };
        write!(self.log, " of session {session}").unwrap();
        let slot = &mut self.slots[at];
        let handle = slot.sessions[session];
        match &op.act {
            Act::Regenerate(number) => return self.regenerate(at, session, *number),
            Act::SetTimeout(timeout) => {
                let real = slot.real.set_timeout_ms(handle, timeout.map(i64::unsigned_abs));
                let model = slot.model.set_timeout(&self.world, session, *timeout);
                self.check("set_timeout", real, model)?;
            }
            Act::SetDeadline(when) => return self.set_deadline(at, session, *when),
            Act::Clear => {
                let real = slot.real.clear(handle);
                let model = slot.model.change(session).map(Session::clear);
                self.check("clear", real, model)?;
            }
            Act::DeletePkg(name) => {
                let real = slot.real.delete_pkg(handle, name);
                let model = slot.model.change(session).map(|session| session.delete_pkg(name));
                self.check("delete_pkg", real, model)?;
            }
            Act::Pkg(name) => return self.pkg(at, session, name),
            Act::Peek(name) => {
                let real = slot.real.peek_pkg(handle, name);
                let model =
                    slot.model.usable(session).map(|session| session.pkgs.get(*name).is_some_and(|pkg| pkg.is_there));
                if let Ok(Some(pkg)) = &real {
                    slot.pkgs.push((*pkg, session, (*name).to_owned()));
                }
                self.check("peek", real.map(|pkg| pkg.is_some()), model)?;
            }
            Act::Names => {
                let real = slot.real.pkg_names(handle).map(texts);
                let model = slot.model.usable(session).map(Session::names);
                self.check("names", real, model)?;
            }
            Act::Dump => {
                let real = slot.real.session_content(handle).map(dump);
                let model = slot.model.usable(session).map(Session::dump);
                self.check("dump", real, model)?;
            }
            _ => return self.info(at, session),
        }
        Ok(())
    }

    fn pkg(&mut self, at: usize, session: usize, name: &str) -> Step {
        let slot = &mut self.slots[at];
        let real = slot.real.pkg(slot.sessions[session], name);
        let model = slot.model.usable(session).map(drop);
        if let (Ok(handle), Ok(())) = (&real, model) {
            if slot.model.writable().is_ok() {
                slot.model.sessions[session].pkg(name).is_there = true;
            }
            let known = slot.pkgs.iter().find(|(_, of, known)| *of == session && known == name);
            if known.is_some_and(|(known, ..)| known != handle) {
                return Err("the same name gave another package".to_owned());
            }
            slot.pkgs.push((*handle, session, name.to_owned()));
        }
        self.check("pkg", real.map(drop), model).map(drop)
    }

    fn regenerate(&mut self, at: usize, session: usize, number: Option<usize>) -> Step {
        let cont = self.slots[at].model.sessions[session].cont;
        let id = number.map(|number| self.note(self.place(Id { cont, number })).1);
        let slot = &mut self.slots[at];
        let model = slot.model.check_regenerate(session, id.as_deref());
        let real = slot.real.regenerate(slot.sessions[session], id.as_deref());
        if let (Ok(()), Ok(())) = (&real, model) {
            let new = slot.real.session_id(slot.sessions[session]).unwrap().to_vec();
            if id.as_ref().is_some_and(|id| *id != new) || id.is_none() && self.ids[cont].contains(&new) {
                return Err("the session has not the new id, or not a new one".to_owned());
            }
            slot.model.regenerate(session, &new);
            if !self.ids[cont].contains(&new) {
                self.ids[cont].push(new);
            }
        }
        self.check("regenerate", real, model).map(drop)
    }

    fn set_deadline(&mut self, at: usize, session: usize, when: When) -> Step {
        let slot = &mut self.slots[at];
        let (handle, cont) = (slot.sessions[session], slot.model.sessions[session].cont);
        let store = self.world.conts[cont].store;
        let (real, model) = match when {
            When::Never => (None, None),
            When::Unchanged => (slot.real.deadline_ms(handle).ok().flatten(), slot.model.sessions[session].deadline),
            When::In(by) => {
                // Half a second off, so that it is none that a lifetime gives.
                let deadline = Deadline { at: self.world.now[store] + by + 500, drawn: 0 };
                (Some(self.epochs[store] + deadline.at), Some(deadline))
            }
        };
        let real = slot.real.set_deadline_ms(handle, real);
        let model = slot.model.set_deadline(session, model);
        self.check("set_deadline", real, model).map(drop)
    }

    fn info(&mut self, at: usize, session: usize) -> Step {
        let slot = &self.slots[at];
        let (handle, txn) = (slot.sessions[session], &slot.real);
        let model = slot.model.usable(session).cloned();
        let container = txn.session_container(handle).map(|container| container.name().to_owned());
        let real = || -> Result<_, Error> {
            let expected = model.as_ref().ok();
            let cont = slot.model.sessions[session].cont;
            let drawn = expected.and_then(|is| is.deadline).filter(|deadline| deadline.drawn != 0);
            let timeout = txn.timeout_ms(handle)?.map(|timeout| i64::try_from(timeout).unwrap());
            let created = self.time(cont, txn.created_ms(handle)?, expected.map(|is| is.created));
            let accessed = self.time(cont, txn.accessed_ms(handle)?, expected.map(|is| is.accessed));
            let deadline = txn.deadline_ms(handle)?.map(|real| self.time(cont, real, drawn.map(|drawn| drawn.at)));
            Ok((txn.is_new(handle)?, txn.session_id(handle)?.to_vec(), timeout, deadline, created, accessed))
        };
        let real = real();
        let name = model.as_ref().map(|is| self.world.conts[is.cont].name.to_owned()).map_err(|status| *status);
        let model = model.map(|is| {
            let deadline = is.deadline.map(|deadline| deadline.at);
            (is.base().is_none(), is.id, is.own, deadline, is.created, is.accessed)
        });
        self.check("container", container, name)?;
        self.check("info", real, model)?;
        Ok(())
    }

    /// A call on one of the packages that the transaction ever had.
    pub(crate) fn on_pkg(&mut self, at: usize, op: &Op) -> Step {
        let count = self.slots[at].pkgs.len();
        let usable: Vec<usize> =
            (0..count).filter(|i| self.slots[at].model.usable(self.slots[at].pkgs[*i].1).is_ok()).collect();
        let number = match op.luck % 8 {
            1.. if !usable.is_empty() => usable[op.luck / 8 % usable.len()],
            _ if count > 0 => op.luck / 8 % count,
            _ => return self.on_session(at, &Op { act: Act::Pkg("p"), ..op.clone() }),
        };
        let slot = &mut self.slots[at];
        let (handle, session, name) = slot.pkgs[number].clone();
        write!(self.log, " in package {name:?} of session {session}").unwrap();
        let (real, model) = (&mut slot.real, &mut slot.model);
        let holds = |slot: &crate::txn::Txn| -> R<Pkg> {
            let session = slot.usable(session)?;
            Ok(session.pkgs.get(&name).map(|pkg| pkg.now.clone()).unwrap_or_default())
        };
        match &op.act {
            Act::Get(key) => {
                let scalar = real.scalar(handle, key).map(|value| value.map(|scalar| scalar.kind()));
                let value = real.get(handle, key).map(|value| value.map(V::of));
                let model = holds(model).map(|pkg| pkg.get(*key).cloned());
                let kind = model.as_ref().map(|value| value.as_ref().map(|v| v.real().kind())).map_err(|s| *s);
                self.check("scalar", scalar, kind)?;
                self.check("get", value, model)?;
            }
            Act::Set(key, value) => {
                let real = real.set(handle, key, value.real());
                let model = model.change(session).map(|session| session.set(&name, key, value.clone()));
                self.check("set", real, model)?;
            }
            Act::Undo(key) => {
                let loaded = slot.model.sessions[session].base_content().remove(&name).unwrap_or_default();
                return match loaded.get(*key) {
                    Some(value) => self.on_pkg(at, &Op { act: Act::Set(key, value.clone()), ..op.clone() }),
                    None => self.on_pkg(at, &Op { act: Act::Delete(key), ..op.clone() }),
                };
            }
            Act::Add(key, delta) => {
                let real = real.add(handle, key, *delta);
                let model = model.change(session).and_then(|session| session.add(&name, key, *delta));
                self.check("add", real, model)?;
            }
            Act::Delete(key) => {
                let real = real.delete(handle, key);
                let model = model.change(session).map(|session| session.delete(&name, key));
                self.check("delete", real, model)?;
            }
            Act::PkgClear => {
                let real = real.pkg_clear(handle);
                let model = model.change(session).map(|session| session.clear_pkg(&name));
                self.check("pkg_clear", real, model)?;
            }
            Act::Replace(entries) | Act::Update(entries) => {
                let entries: Pkg = entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
                let is_replaced = matches!(op.act, Act::Replace(_));
                let content = real_map(&entries);
                let real = if is_replaced { real.replace(handle, &content) } else { real.update(handle, &content) };
                let model = model.change(session).map(|session| {
                    if is_replaced {
                        session.clear_pkg(&name);
                    }
                    for (key, value) in &entries {
                        session.set(&name, key, value.clone());
                    }
                });
                self.check(if is_replaced { "replace" } else { "update" }, real, model)?;
            }
            Act::Contains(key) => {
                let real = real.contains(handle, key);
                let model = holds(model).map(|pkg| pkg.contains_key(*key));
                self.check("contains", real, model)?;
            }
            Act::Len => {
                let (real, model) = (real.len(handle), holds(model).map(|pkg| pkg.len()));
                self.check("len", real, model)?;
            }
            Act::Keys => {
                let real = real.keys(handle).map(texts);
                let model = holds(model).map(|pkg| pkg.into_keys().collect());
                self.check("keys", real, model)?;
            }
            _ => {
                let named = real.pkg_name(handle).map(|name| name.as_str().to_owned());
                let content = real.content(handle).map(pkg);
                let model = holds(model);
                self.check("pkg_name", named, model.as_ref().map(|_| name.clone()).map_err(|status| *status))?;
                self.check("content", content, model)?;
            }
        }
        Ok(())
    }

    /// Reads all that is stored under the ids that were ever used, as a new transaction does.
    pub(crate) fn read_all(&mut self) -> Step {
        self.fault = None;
        self.slots[0] = Slot::new();
        for cont in 0..self.conts.len() {
            for id in self.ids[cont].clone() {
                self.open(0, &(cont, id))?;
                let session = self.slots[0].sessions.len() - 1;
                for act in [Act::Dump, Act::Info] {
                    // A luck that chooses the session opened last.
                    self.on_session(0, &Op { slot: 0, luck: 1 + 8 * session, act })?;
                }
            }
        }
        Ok(())
    }
}

fn texts(value: &Value) -> Vec<String> {
    let Value::List(list) = value else { return vec!["not a list".to_owned()] };
    list.items()
        .iter()
        .map(|item| if let Value::Text(text) = item { text.as_str().to_owned() } else { "?".to_owned() })
        .collect()
}

fn pkg(value: &Value) -> Pkg {
    if let Value::Map(map) = value { pkg_of(map) } else { Pkg::from([("not a map".to_owned(), V::Null)]) }
}

fn dump(value: &Value) -> Content {
    let Value::Map(map) = value else { return Content::from([("not a map".to_owned(), Pkg::new())]) };
    map.entries().iter().map(|(name, content)| (name.as_str().to_owned(), pkg(content))).collect()
}
