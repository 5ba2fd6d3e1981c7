//! What is really stored, record by record, compared with what the model says is.

use std::time::{Duration, Instant};

use lovely_session::io::blocking::run;
use lovely_session::record::{self, Record, Stored};
use lovely_session::store::{LoadItem, Loaded};

use crate::sim::{DRIFT_MS, Differ, Sim};
use crate::support::everywhere::is_embedded;
use crate::value::{Content, V};
use crate::world::{Kind, Place, Rec, Sess};

/// A record as it lies in the store.
#[derive(Debug)]
pub(crate) struct Raw {
    stored: Stored,
    left: Option<i64>,
}

impl Sim {
    pub(crate) fn peek(&self, place: &Place) -> Option<Raw> {
        let container = &self.conts[place.0];
        let items = [LoadItem { key: container.key(&place.1), renew: None }];
        let deadline = Instant::now() + Duration::from_secs(5);
        match run(container.store().load(&items, deadline)).unwrap().pop().unwrap().unwrap() {
            Loaded::Absent => None,
            Loaded::Found { blob, left, .. } => {
                let left = left.map(|left| i64::try_from(left.0.as_millis()).unwrap());
                Some(Raw { stored: record::decode(blob).unwrap(), left })
            }
        }
    }

    /// What differs between what is stored and `rec`.
    pub(crate) fn difference(&self, place: &Place, raw: Option<&Raw>, rec: Option<&Rec>) -> Option<Differ> {
        let (raw, rec) = match (raw, rec) {
            (None, None) => return None,
            (Some(raw), Some(rec)) => (raw, rec),
            (raw, rec) => {
                let what = |is| if is { "a record" } else { "nothing" };
                return Some(format!("{} is stored, the model has {}", what(raw.is_some()), what(rec.is_some())));
            }
        };
        let left = rec.expires.map(|expires| expires - self.world.now(place.0));
        // A second more than a session may last: clocks are moved by milliseconds too, and that is rounded up as well.
        let grain = if is_embedded() { 0 } else { 3_000 };
        let is_left = match (raw.left, left) {
            (None, None) => true,
            // A record is renewed up to a drift later, and read up to a drift later.
            (Some(raw), Some(left)) => (-DRIFT_MS..=DRIFT_MS + grain).contains(&(raw - left)),
            _ => false,
        };
        if !is_left {
            return Some(format!("{:?} ms are left, in the model {left:?}", raw.left));
        }
        match (&raw.stored, &rec.kind) {
            (Stored::Tombstone(real), Kind::Tombstone(number)) => (!self.tombstones.agree(*number, real.writer))
                .then(|| "another tombstone is stored than the model has".to_owned()),
            (Stored::Session(record), Kind::Session(sess)) => self.session_difference(place, record, sess),
            (Stored::Tombstone(_), Kind::Session(_)) => Some("a tombstone is stored, the model has a session".into()),
            (Stored::Session(_), Kind::Tombstone(_)) => Some("a session is stored, the model has a tombstone".into()),
        }
    }

    fn session_difference(&self, place: &Place, record: &Record, sess: &Sess) -> Option<Differ> {
        let header = record.header();
        let content = content_of(record);
        if content != sess.content {
            return Some(format!("{content:?} is stored, the model has {:?}", sess.content));
        }
        let own = header.own_timeout_ms.map(|own| i64::try_from(own).unwrap());
        if own != sess.own {
            return Some(format!("the timeout {own:?} is stored, the model has {:?}", sess.own));
        }
        let drawn = sess.deadline.filter(|deadline| deadline.drawn != 0).map(|deadline| deadline.at);
        let deadline = header.deadline_ms.map(|real| self.time(place.0, real, drawn));
        if deadline != sess.deadline.map(|deadline| deadline.at) {
            return Some(format!("the deadline {deadline:?} is stored, the model has {:?}", sess.deadline));
        }
        let created = self.time(place.0, header.created_ms, Some(sess.created));
        if created != sess.created {
            return Some(format!("it was created at {created}, in the model at {}", sess.created));
        }
        let accessed = self.time(place.0, header.accessed_ms, Some(sess.accessed));
        if accessed != sess.accessed {
            return Some(format!("it was accessed at {accessed}, in the model at {}", sess.accessed));
        }
        let stamp = header.stamp;
        if !self.incarnations.agree(sess.incarnation, stamp.incarnation) {
            return Some("it is of another incarnation than in the model".to_owned());
        }
        let version = (stamp.incarnation, stamp.sequence, stamp.writer);
        (!self.versions.agree(sess.version, version)).then(|| "it is of another version than in the model".to_owned())
    }

    /// Compares all that is stored under the ids that were ever used, and learns which random numbers mean what.
    pub(crate) fn verify(&mut self) -> Result<(), Differ> {
        let places = self.ids.iter().enumerate().flat_map(|(cont, ids)| ids.iter().map(move |id| (cont, id.clone())));
        for place in places.collect::<Vec<Place>>() {
            let raw = self.peek(&place);
            let rec = self.world.rec(&place).cloned();
            if let Some(difference) = self.difference(&place, raw.as_ref(), rec.as_ref()) {
                return Err(format!("{}: {difference}", self.name(&place)));
            }
            match (raw.map(|raw| raw.stored), rec.map(|rec| rec.kind)) {
                (Some(Stored::Session(record)), Some(Kind::Session(sess))) => {
                    let stamp = record.header().stamp;
                    self.incarnations.learn(sess.incarnation, stamp.incarnation);
                    self.versions.learn(sess.version, (stamp.incarnation, stamp.sequence, stamp.writer));
                }
                (Some(Stored::Tombstone(real)), Some(Kind::Tombstone(number))) => {
                    self.tombstones.learn(number, real.writer);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Raw {
    pub(crate) fn is_tombstone(&self) -> bool {
        matches!(self.stored, Stored::Tombstone(_))
    }

    /// For the trace of a failure.
    pub(crate) fn describe(&self) -> String {
        match &self.stored {
            Stored::Tombstone(_) => "a tombstone".to_owned(),
            Stored::Session(record) => format!("{:?} {:?}", record.header(), content_of(record)),
        }
    }
}

fn content_of(record: &Record) -> Content {
    let pkgs = (0..record.len()).map(|at| {
        let pkg = record.pkg(at).unwrap();
        let keys = (0..pkg.len()).map(|at| (pkg.key(at).unwrap().to_owned(), V::of(&pkg.value(at).unwrap())));
        (record.name(at).unwrap().to_owned(), keys.collect())
    });
    pkgs.collect()
}
