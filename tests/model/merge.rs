//! Three-way merging, key by key (contract 5.2 to 5.4).

use std::collections::BTreeSet;

use lovely_session::container::Policy;
use lovely_session::error::Status;

use crate::cover::Cover;
use crate::session::{Session, Touch};
use crate::value::{Content, V};
use crate::world::{Deadline, Sess};

/// Everything of a session that is merged.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Merged {
    pub(crate) content: Content,
    pub(crate) own: Option<i64>,
    pub(crate) deadline: Option<Deadline>,
    /// Is not merged, but tells a deadline that nobody set.
    created: i64,
}

/// Why merging fails; where there are several reasons, any may be answered.
pub(crate) type Reasons = BTreeSet<i32>;

pub(crate) fn reason(status: Status) -> Reasons {
    BTreeSet::from([status as i32])
}

impl Merged {
    pub(crate) fn of(sess: &Sess) -> Self {
        Self { content: sess.content.clone(), own: sess.own, deadline: sess.deadline, created: sess.created }
    }

    /// What an id under which nothing is stored holds for `session`.
    fn nothing(session: &Session) -> Self {
        Self { deadline: session.first_deadline, created: session.created, ..Self::default() }
    }

    pub(crate) fn base(session: &Session) -> Self {
        session.base().map_or_else(|| Self::nothing(session), Self::of)
    }
}

/// What the changes of `session` make of `theirs`.
pub(crate) fn merge(session: &Session, theirs: &Merged, policy: Policy, cover: &mut Cover) -> Result<Merged, Reasons> {
    let mut base = Merged::base(session);
    let lifetime = |of: &Merged| of.deadline.map(|deadline| deadline.at - of.created);
    let is_set = session.deadline != session.first_deadline;
    if session.base().is_none() && is_set && lifetime(&base) == lifetime(theirs) {
        // Both created it, and each began a lifetime of its own: that is no change.
        base.deadline = theirs.deadline;
    }
    let mut rule = Rule { mine_wins: matches!(policy, Policy::Mine | Policy::Overwrite), failed: Reasons::new() };
    let mut merged = theirs.clone();
    let own = rule.choose(&base.own, &session.own, &theirs.own, cover);
    let deadline = rule.choose(&base.deadline, &session.deadline, &theirs.deadline, cover);
    (merged.own, merged.deadline) = (own, deadline);
    let mine = session.stored_form();
    let mut names: BTreeSet<&String> = session.pkgs.keys().collect();
    names.extend(base.content.keys());
    for name in names {
        let (was, is) = (base.content.get(name), mine.get(name));
        if was == is {
            continue;
        }
        let (was, is) = (was.cloned().unwrap_or_default(), is.cloned().unwrap_or_default());
        let pkg = &session.pkgs[name];
        let stands = theirs.content.get(name);
        let mut result = stands.cloned().unwrap_or_default();
        let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for key in keys {
            if was.get(key) == is.get(key) {
                continue;
            }
            let (was, is, now) = (was.get(key), is.get(key), result.get(key));
            let value = match pkg.touched.get(key) {
                Some(Touch::Added(delta)) => rule.add(was, is, now, *delta, cover),
                _ => rule.choose(&was.cloned(), &is.cloned(), &now.cloned(), cover),
            };
            match value {
                Some(value) => result.insert(key.clone(), value),
                None => result.remove(key),
            };
        }
        if result.is_empty() && (pkg.is_deleted || stands.is_none()) {
            merged.content.remove(name);
        } else {
            merged.content.insert(name.clone(), result);
        }
    }
    if rule.failed.is_empty() { Ok(merged) } else { Err(rule.failed) }
}

struct Rule {
    mine_wins: bool,
    failed: Reasons,
}

impl Rule {
    fn choose<T: PartialEq + Clone>(&mut self, base: &T, mine: &T, theirs: &T, cover: &mut Cover) -> T {
        if mine == base {
            return theirs.clone();
        }
        if mine == theirs {
            cover.hit("merge: the same change");
        } else if theirs != base {
            self.conflict(cover);
        }
        mine.clone()
    }

    fn add(&mut self, base: Option<&V>, mine: Option<&V>, theirs: Option<&V>, by: i64, cover: &mut Cover) -> Option<V> {
        if base == theirs {
            return mine.cloned();
        }
        let Some(V::Int(theirs)) = theirs else {
            self.conflict(cover);
            return mine.cloned();
        };
        cover.hit("merge: deltas added");
        let sum = theirs.checked_add(by);
        if sum.is_none() {
            cover.hit("merge: deltas overflow");
            self.failed.insert(Status::Range as i32);
        }
        sum.map(V::Int)
    }

    fn conflict(&mut self, cover: &mut Cover) {
        if self.mine_wins {
            cover.hit("merge: mine wins");
        } else {
            cover.hit("merge: conflict");
            self.failed.insert(Status::Conflict as i32);
        }
    }
}
