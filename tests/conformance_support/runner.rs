//! Performs the steps of a trace. It computes no expected value: every answer comes from the library.

use std::collections::BTreeMap;

use lovely_session::capi::container::ls_container_option as Option_;
use serde_json::{Value as Json, json};

use super::c::{Answer, Container, Pkg, Session, Txn};
use super::expect::{Answered, difference, key_error};
use super::trace::{Op, Step, Trace};
use super::world::World;

/// What became of a trace.
#[derive(Debug)]
pub struct Replayed {
    pub steps: usize,
    /// Steps whose answer was compared.
    pub checked: usize,
    /// Steps before the first quirk that have nothing to do here.
    pub skipped: usize,
    pub differences: Vec<String>,
}

/// Replays `trace` on the store that `url` names: strictly up to its first quirk, and then on to its end without
/// looking at the answers, which must come all the same.
pub fn replay(url: &str, trace: &Trace) -> Replayed {
    let mut runner = Runner::new(World::new(url, trace).unwrap());
    let mut replayed = Replayed { steps: trace.steps.len(), checked: 0, skipped: 0, differences: Vec::new() };
    let mut is_strict = true;
    for (at, step) in trace.steps.iter().enumerate() {
        // Opening while the server is down is a quirk, whatever is expected (contract 6.1).
        is_strict &= step.quirk.is_none() && !(runner.world.is_down && matches!(step.op, Op::Open { .. }));
        let answered = runner.step(step);
        if !is_strict {
            continue;
        }
        if answered == Answered::Skipped {
            replayed.skipped += 1;
        } else {
            replayed.checked += 1;
        }
        let difference = difference(&step.op, &step.expect, &answered);
        replayed.differences.extend(difference.map(|text| format!("{}, step {at}: {text}", trace.file)));
    }
    replayed
}

/// A list or map in a package, by the key that it is stored at.
#[derive(Debug, Clone)]
struct Nested {
    pkg: Pkg,
    key: String,
}

#[derive(Debug, Default)]
struct Handles {
    sessions: BTreeMap<String, Session>,
    pkgs: BTreeMap<String, Pkg>,
    nested: BTreeMap<String, Nested>,
    savepoints: BTreeMap<String, u64>,
}

struct Runner {
    world: World,
    actors: BTreeMap<String, Txn>,
    handles: Handles,
    /// In which container each session was opened, by the session's handle, which is one for one session.
    opened: Vec<(Session, String)>,
}

/// Why a step has no answer of the library.
enum Stop {
    Failed(super::c::Failure),
    /// It names a handle that an earlier step did not return.
    Unbound(String),
    /// It changes the inside of something that has none.
    NoAttribute,
    Skip,
}

impl From<super::c::Failure> for Stop {
    fn from(failure: super::c::Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Runner {
    fn new(world: World) -> Self {
        Self { world, actors: BTreeMap::new(), handles: Handles::default(), opened: Vec::new() }
    }

    fn step(&mut self, step: &Step) -> Answered {
        match self.perform(step) {
            Ok(Some(answer)) => Answered::Ok(answer),
            Ok(None) => key_error(),
            Err(Stop::Failed(failure)) => failure.into(),
            Err(Stop::Unbound(name)) => Answered::Error(format!("{name} was not returned")),
            Err(Stop::NoAttribute) => Answered::Error("AttributeError".to_owned()),
            Err(Stop::Skip) => Answered::Skipped,
        }
    }

    /// Performs one step; `None` is "not found".
    #[allow(clippy::too_many_lines, reason = "one arm for each operation")]
    fn perform(&mut self, step: &Step) -> Result<Option<Json>, Stop> {
        let bind = step.bind.as_deref();
        Ok(Some(match &step.op {
            Op::Open { container, id } => {
                let session = self.txn(&step.actor)?.open(self.world.container(container), id)?;
                self.opened.push((session.clone(), container.clone()));
                let content = session.content()?;
                self.handles.sessions.insert(bind.unwrap().to_owned(), session);
                content
            }
            Op::Contains { container, id } => json!(self.open_ids(&step.actor, container)?.contains(id)),
            Op::Items { container } => {
                let mut ids = self.open_ids(&step.actor, container)?;
                ids.sort();
                json!(ids)
            }
            Op::Begin => {
                self.abort(&step.actor)?;
                self.txn(&step.actor)?;
                Json::Null
            }
            Op::Abort => {
                self.abort(&step.actor)?;
                Json::Null
            }
            Op::Commit => self.commit(&step.actor)?,
            Op::Savepoint => {
                let savepoint = self.txn(&step.actor)?.savepoint()?;
                self.handles.savepoints.insert(bind.unwrap().to_owned(), savepoint);
                Json::Null
            }
            Op::Rollback { savepoint } => {
                let savepoint = *find(&self.handles.savepoints, savepoint)?;
                self.txn(&step.actor)?.rollback(savepoint)?;
                Json::Null
            }
            Op::Valid { savepoint } => {
                let savepoint = *find(&self.handles.savepoints, savepoint)?;
                json!(self.txn(&step.actor)?.is_valid(savepoint))
            }
            Op::Pkg { session, pkg } => {
                let pkg = self.session(session)?.pkg(pkg)?;
                self.bound(bind, pkg)?
            }
            Op::PkgPeek { session, pkg } => match (self.session(session)?.peek_pkg(pkg)?, bind) {
                (Some(pkg), Some(_)) => self.bound(bind, pkg)?,
                (Some(pkg), None) => pkg.content()?,
                (None, _) => Json::Null,
            },
            Op::PkgIn { session, pkg } => json!(self.session(session)?.peek_pkg(pkg)?.is_some()),
            Op::Pkgs { session } => self.session(session)?.pkg_names()?,
            Op::PkgDel { session, pkg } => return Ok(self.session(session)?.delete_pkg(pkg)?.then_some(Json::Null)),
            Op::PkgSet { session, pkg, value } => {
                let pkg = self.session(session)?.pkg(pkg)?;
                pkg.replace(value)?;
                if let Some(name) = bind {
                    self.handles.pkgs.insert(name.to_owned(), pkg);
                }
                Json::Null
            }
            Op::SessionDump { session } => self.session(session)?.content()?,
            Op::SessionClear { session } => {
                self.session(session)?.clear()?;
                Json::Null
            }
            Op::SessionLastAccess { session } => {
                json!(self.world.seconds(self.session(session)?.accessed_ms()?))
            }
            Op::Set { pkg, key, value } => {
                self.pkg(pkg)?.set(key, value)?;
                Json::Null
            }
            Op::Get { pkg, key } => return Ok(self.pkg(pkg)?.get(key)?),
            Op::Peek { pkg, key, default } => self.pkg(pkg)?.get(key)?.unwrap_or_else(|| default.clone()),
            Op::Del { pkg, key } => return Ok(self.pkg(pkg)?.delete(key)?.then_some(Json::Null)),
            Op::In { pkg, key } => json!(self.pkg(pkg)?.contains(key)?),
            Op::Keys { pkg } => self.pkg(pkg)?.keys()?,
            Op::Len { pkg } => json!(self.pkg(pkg)?.len()?),
            Op::Dump { pkg } => self.pkg(pkg)?.content()?,
            Op::Clear { pkg } => {
                self.pkg(pkg)?.clear()?;
                Json::Null
            }
            Op::Update { pkg, value } => {
                self.pkg(pkg)?.update(value)?;
                Json::Null
            }
            Op::Push { pkg, key, value } => {
                return push(&Nested { pkg: self.pkg(pkg)?.clone(), key: key.clone() }, value);
            }
            Op::PutIn { pkg, key, inner, value } => {
                let Some(mut map) = self.pkg(pkg)?.get(key)? else { return Ok(None) };
                map.as_object_mut().ok_or(Stop::NoAttribute)?.insert(inner.clone(), value.clone());
                self.pkg(pkg)?.set(key, &map)?;
                Json::Null
            }
            Op::Nested { pkg, key } => {
                let nested = Nested { pkg: self.pkg(pkg)?.clone(), key: key.clone() };
                let content = nested.pkg.get(key)?;
                self.handles.nested.insert(bind.unwrap().to_owned(), nested);
                return Ok(content);
            }
            Op::NestedPush { nested, value } => return push(find(&self.handles.nested, nested)?, value),
            Op::NestedDump { nested } => {
                let nested = find(&self.handles.nested, nested)?;
                return Ok(nested.pkg.get(&nested.key)?);
            }
            Op::SameHandle { a, b } => json!(self.is_same(a, b)?),
            Op::Stored { container, id } => {
                let container = self.world.container(container);
                if !read_only(|txn| txn.exists(container, id))? {
                    return Ok(Some(Json::Null));
                }
                read_only(|txn| txn.open(container, id)?.content())?
            }
            Op::FreshRead { container, id } => {
                let container = self.world.container(container);
                read_only(|txn| txn.open(container, id)?.content())?
            }
            Op::Evict { container, id } => {
                self.world.evict(container, id)?;
                Json::Null
            }
            Op::ServerDown => {
                self.world.take_down()?;
                Json::Null
            }
            Op::ServerUp => {
                self.world.bring_up()?;
                Json::Null
            }
            Op::Clock { advance } => {
                self.world.advance(*advance)?;
                Json::Null
            }
            Op::Configure { container, timeout, resolution, last_access } => {
                let seconds = |container: &Container, option, seconds: &Option<i64>| -> Answer<()> {
                    seconds.map_or(Ok(()), |seconds| container.set(option, seconds * 1000))
                };
                seconds(self.world.container(container), Option_::LS_CONTAINER_TIMEOUT, timeout)?;
                seconds(self.world.container(container), Option_::LS_CONTAINER_RESOLUTION, resolution)?;
                if let Some(time) = last_access {
                    self.world.set_last_access(container, *time)?;
                }
                Json::Null
            }
            Op::ContainerLastAccess { container } => {
                json!(self.world.seconds(self.world.container(container).last_access_ms()?))
            }
            Op::ContainerSet | Op::SetUnserialisable => return Err(Stop::Skip),
        }))
    }

    /// The transaction of an actor: a new one, if the last has ended.
    fn txn(&mut self, actor: &str) -> Answer<Txn> {
        if !self.actors.contains_key(actor) {
            self.actors.insert(actor.to_owned(), Txn::begin()?);
        }
        Ok(self.actors[actor].clone())
    }

    fn abort(&mut self, actor: &str) -> Answer<()> {
        self.actors.remove(actor).map_or(Ok(()), |txn| txn.abort())
    }

    /// Commits, and tells what was written. A transaction that failed stays, until it is aborted.
    fn commit(&mut self, actor: &str) -> Answer<Json> {
        let txn = self.txn(actor)?;
        let result = txn.commit();
        let had_failed = matches!(&result, Err(failure) if failure.name == "LS_ERR_FAILED");
        let report = if had_failed { Vec::new() } else { txn.report()? };
        let mut writes: Vec<_> = report
            .into_iter()
            .filter(|entry| entry.is_write)
            .map(|entry| (self.world.key_of(&entry.container).to_owned(), entry))
            .collect();
        writes.sort_by(|(a_key, a), (b_key, b)| (a_key, &a.id).cmp(&(b_key, &b.id)));
        let writes: Vec<Json> = writes
            .into_iter()
            .map(|(key, entry)| {
                let ttl = entry.timeout_ms / 1000;
                json!({"container": key, "id": entry.id, "ttl": ttl, "stored": entry.is_stored})
            })
            .collect();
        Ok(match result {
            Ok(()) => {
                self.actors.remove(actor);
                json!({ "writes": writes })
            }
            Err(failure) => {
                let Answered::Error(name) = failure.into() else { unreachable!() };
                json!({ "writes": writes, "error": name })
            }
        })
    }

    /// The ids of the sessions of a container that an actor's transaction has open.
    fn open_ids(&mut self, actor: &str, container: &str) -> Answer<Vec<String>> {
        let sessions = self.txn(actor)?.sessions()?;
        let is_here = |session: &&Session| {
            self.opened.iter().any(|(opened, where_opened)| opened == *session && where_opened == container)
        };
        sessions.iter().filter(is_here).map(Session::id).collect()
    }

    fn session(&self, name: &str) -> Result<&Session, Stop> {
        find(&self.handles.sessions, name)
    }

    fn pkg(&self, name: &str) -> Result<&Pkg, Stop> {
        find(&self.handles.pkgs, name)
    }

    fn bound(&mut self, bind: Option<&str>, pkg: Pkg) -> Result<Json, Stop> {
        let content = pkg.content()?;
        self.handles.pkgs.insert(bind.unwrap().to_owned(), pkg);
        Ok(content)
    }

    fn is_same(&self, a: &str, b: &str) -> Result<bool, Stop> {
        match (self.session(a), self.session(b)) {
            (Ok(a), Ok(b)) => Ok(a == b),
            _ => Ok(self.pkg(a)? == self.pkg(b)?),
        }
    }
}

/// Appends to a list: the value is fetched, changed and set.
fn push(nested: &Nested, item: &Json) -> Result<Option<Json>, Stop> {
    let Some(mut list) = nested.pkg.get(&nested.key)? else { return Ok(None) };
    list.as_array_mut().ok_or(Stop::NoAttribute)?.push(item.clone());
    nested.pkg.set(&nested.key, &list)?;
    Ok(Some(Json::Null))
}

/// Reads in a new transaction, which is aborted.
fn read_only<T>(read: impl FnOnce(&Txn) -> Answer<T>) -> Answer<T> {
    let txn = Txn::begin()?;
    let answer = read(&txn)?;
    txn.abort()?;
    Ok(answer)
}

fn find<'a, T>(handles: &'a BTreeMap<String, T>, name: &str) -> Result<&'a T, Stop> {
    handles.get(name).ok_or_else(|| Stop::Unbound(name.to_owned()))
}
