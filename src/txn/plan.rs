//! What a commit has to do: one job for each session that changed, found by comparing with what was loaded.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{Error, Result, Status};
use crate::io::now;
use crate::session::pkg::Env;
use crate::session::{Life, Origin, Place, Session};
use crate::txn::content::Content;
use crate::txn::destroy::Destroy;
use crate::txn::index::Entry;
use crate::txn::job::{At, Job};
use crate::txn::merge::Changes;
use crate::txn::random;
use crate::txn::regenerate::Regenerate;
use crate::txn::report::{Outcome, ReportEntry};
use crate::txn::save::Save;
use crate::txn::{State, Transaction};

/// A job and the id that the report names.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) job: Job,
    id: Arc<[u8]>,
}

/// Everything that a commit has to do, in the order of container and id.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tasks: SmallVec<[Task; 1]>,
}

impl Transaction {
    /// Finds out what the commit has to do. No I/O.
    pub(super) fn plan(&mut self) -> Result<Plan> {
        let mut tasks = SmallVec::new();
        for at in 0..self.sessions.len() {
            self.plan_session(at, &mut tasks)?;
        }
        for (key, entry) in self.index.iter() {
            if let Entry::Destroyed(container) = entry {
                let job = Destroy::new(Place::new(container, &key.id), random::unique()?, None);
                tasks.push(Task { job: Job::Destroy(Box::new(job)), id: Arc::clone(&key.id) });
            }
        }
        // By the key in the store, so that no order depends on addresses or hash seeds (contract 2.7).
        tasks.sort_by(|a, b| {
            let order = |task: &Task| (task.job.store().id(), task.job.place().key.clone());
            order(a).cmp(&order(b))
        });
        // An id that a session left is destroyed with it; asking for it as well adds nothing.
        tasks.dedup_by(|b, a| {
            a.job.place().key == b.job.place().key && a.job.store() == b.job.store() && matches!(b.job, Job::Destroy(_))
        });
        Ok(Plan { tasks })
    }

    fn plan_session(&mut self, at: usize, tasks: &mut SmallVec<[Task; 1]>) -> Result<()> {
        let Some(session) = self.sessions.get_mut(at).filter(|session| session.life == Life::Open) else {
            return Ok(());
        };
        if session.head.destroyed {
            return plan_destroyed(session, tasks);
        }
        let mut changes = Changes::default();
        changes.add_head(
            [session.base_own_timeout_ms(), session.head.own_timeout_ms],
            [session.base_deadline_ms, session.head.deadline_ms],
        );
        for pkg in 0..session.pkgs().len() {
            let (slot, record, place) = session.pkg_mut(pkg)?;
            let env = Env { record, place, undo: &mut self.undo, session: at, pkg, kept: &mut self.kept };
            changes.add_pkg(slot, &env)?;
        }
        let is_created = matches!(session.origin, Origin::Created);
        if changes.is_empty() && !is_created && !session.is_moved() {
            return Ok(());
        }
        let content = Content::new(session, changes)?;
        let job = if session.is_moved() {
            plan_moved(session, content, is_created)
        } else {
            Job::Save(Box::new(Save::new(content, None)))
        };
        tasks.push(Task { job, id: Arc::clone(&session.head.id) });
        Ok(())
    }

    /// Takes down what became of each job.
    pub(super) fn take_report(&mut self, plan: &Plan) {
        let entry = |task: &Task| {
            let verdict = task.job.verdict();
            let error = verdict.and_then(|verdict| verdict.error.as_ref());
            ReportEntry {
                container: task.job.place().container.shared_name(),
                id: Arc::clone(&task.id),
                kind: task.job.kind(),
                outcome: verdict.map_or(Outcome::NotStored, |verdict| verdict.outcome),
                status: error.map_or(Status::Ok, Error::status),
                timeout_ms: i64::try_from(task.job.timeout_ms()).unwrap_or(i64::MAX),
            }
        };
        self.report = plan.tasks.iter().map(entry).collect();
        self.report.sort_by(|a, b| (&a.container, &a.id).cmp(&(&b.container, &b.id)));
    }

    /// How long the whole commit may take: what the transaction says, or the longest of its stores.
    pub(super) fn commit_deadline(&self, plan: &Plan) -> std::time::Instant {
        let of_stores = plan.tasks.iter().map(|task| task.job.store().options().commit_timeout()).max();
        now() + self.commit_timeout.or(of_stores).unwrap_or_default()
    }

    /// Whether a plan was prepared, and may be carried out.
    pub(super) fn is_prepared(&self) -> bool {
        self.state == State::Prepared
    }
}

/// What destroying an open session comes to.
#[cold]
fn plan_destroyed(session: &Session, tasks: &mut SmallVec<[Task; 1]>) -> Result<()> {
    // Under a new id nothing is stored yet; a tombstone there keeps anybody from storing it later.
    let mut ids = vec![(Arc::clone(&session.opened_id), Some(At::found(&session.origin)))];
    if session.is_moved() {
        ids.push((Arc::clone(&session.head.id), None));
    }
    for (id, at) in ids {
        let job = Destroy::new(Place::new(&session.place.container, &id), random::unique()?, at);
        tasks.push(Task { job: Job::Destroy(Box::new(job)), id });
    }
    Ok(())
}

/// What storing a session under a new id comes to.
#[cold]
fn plan_moved(session: &Session, content: Content, is_created: bool) -> Job {
    let new = Place::new(&session.place.container, &session.head.id);
    if is_created {
        Job::Save(Box::new(Save::new(content, Some(new))))
    } else {
        Job::Regenerate(Box::new(Regenerate::new(content, new)))
    }
}
