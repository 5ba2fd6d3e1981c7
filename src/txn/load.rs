//! Loading one session, and renewing it in the same round trip; what that renewed wrongly is put right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::container::{Container, Policy};
use crate::error::{Error, Result};
use crate::io::now;
use crate::record::Record;
use crate::session::{Origin, Place, Session, clock};
use crate::store::{Action, Left, LoadItem, Token, WriteItem, Written};
use crate::txn::job::refused;
use crate::txn::stands::Stands;

/// Loads a session and renews it; what is not there, or no more, is a new one.
pub(super) async fn load(container: &Container, id: impl AsRef<[u8]> + Into<Arc<[u8]>>) -> Result<Box<Session>> {
    let place = Place::new(container, id.as_ref());
    let (deadline, renewal) = (deadline(&place), container.options().renewal());
    let stands = look_until(&place, renewal, deadline).await?;
    settle(place, id.into(), stands, deadline).await
}

/// Loads several sessions in one round trip to each server: one result for each, in their order.
pub(super) async fn load_all(container: &Container, ids: &[&[u8]]) -> Vec<Result<Box<Session>>> {
    let places: Vec<Place> = ids.iter().map(|id| Place::new(container, id)).collect();
    let Some(deadline) = places.first().map(deadline) else { return Vec::new() };
    let options = container.options();
    let items: Vec<LoadItem> =
        places.iter().map(|place| LoadItem { key: place.key.clone(), renew: options.renewal() }).collect();
    let mut loaded = container.store().load(&items, deadline).await.into_iter();
    let mut sessions = Vec::with_capacity(ids.len());
    for (place, id) in places.into_iter().zip(ids) {
        let stands =
            loaded.next().unwrap_or_else(|| Err(no_answer())).and_then(|found| Stands::read(&place, &options, found));
        sessions.push(match stands {
            Ok(stands) => settle(place, Arc::from(*id), stands, deadline).await,
            Err(error) => Err(error),
        });
    }
    sessions
}

/// The session that `stands` is, once it is renewed as it has to be.
async fn settle(place: Place, id: Arc<[u8]>, mut stands: Stands, deadline: Instant) -> Result<Box<Session>> {
    let container = place.container.clone();
    let options = container.options();
    let absent = |over, tombstone| Origin::Absent { over, tombstone };
    let origin = loop {
        if options.policy != Policy::Overwrite {
            // Found out here rather than at the commit: what is opened could not be stored safely.
            container.store().check_versions(&place.key)?;
        }
        match stands {
            Stands::Nothing => break absent(None, 0),
            Stands::Tombstone { writer, token } => break absent(Some(token), writer),
            Stands::Session { record, token, expired: false, .. } => {
                let clock = place.container.store().clock();
                if let Some(ttl) = clock::longer_life(record.header(), &options, clock) {
                    // On the heap, as what follows: nearly no opening needs it, and in place each would be as large.
                    Box::pin(keep(&place, ttl, deadline)).await?;
                }
                return Ok(Box::new(Session::loaded(place, id, record, token)));
            }
            // What is created here follows the same destruction as what expired.
            Stands::Session { record, token, left, .. } => {
                let after = record.header().successor_of;
                // If somebody was faster, what stands there now may be another session.
                if let Some(token) = Box::pin(let_expire(&place, &record, token, left, deadline)).await? {
                    break absent(Some(token), after);
                }
            }
        }
        stands = Box::pin(look_until(&place, options.renewal(), deadline)).await?;
    };
    Ok(Box::new(Session::absent(place, id, origin)))
}

/// Reads what stands at a place, without renewing it.
pub(super) async fn look(place: &Place) -> Result<Stands> {
    look_until(place, None, deadline(place)).await
}

async fn look_until(place: &Place, renew: Option<Duration>, deadline: Instant) -> Result<Stands> {
    let items = [LoadItem { key: place.key.clone(), renew }];
    let loaded = place.container.store().load(&items, deadline).await.pop().unwrap_or_else(|| Err(no_answer()))?;
    Stands::read(place, &place.container.options(), loaded)
}

/// Renews a session once more if it lives longer than what the container renews with, which it does when the
/// container's timeout was lowered after the session was stored (contract 2.3).
async fn keep(place: &Place, ttl: Option<Duration>, deadline: Instant) -> Result<()> {
    let items = [WriteItem { key: place.key.clone(), action: Action::Touch, ttl }];
    match place.container.store().write(&items, deadline).await.pop() {
        // What went away meanwhile is the commit's business.
        Some(Written::Done(_) | Written::Absent | Written::Changed) => Ok(()),
        Some(Written::Failed(error) | Written::Unknown(error)) => Err(error),
        Some(Written::Refused(message)) => Err(refused(place, &message)),
        None => Err(no_answer()),
    }
}

/// Takes back the renewal of a session that turned out to have been idle for too long: else the next one to open it
/// would find it alive. Its version then, or nothing if somebody else wrote there meanwhile.
///
/// By compare-and-swap, because a time to live set on whatever stands there could end a session that is new.
async fn let_expire(
    place: &Place,
    record: &Record,
    token: Token,
    left: Option<Left>,
    deadline: Instant,
) -> Result<Option<Token>> {
    /// Soon, whatever was left: stores that count in seconds must not add one at each opening.
    const SOON: Duration = Duration::from_secs(1);
    let (store, options) = (place.container.store(), place.container.options());
    let Some(left) = left.filter(|_| options.renewal().is_some()) else { return Ok(Some(token)) };
    if clock::is_past_deadline(record.header(), store.clock()) {
        // The header says so, however long the record lives.
        return Ok(Some(token));
    }
    if store.check_versions(&place.key).is_err() {
        // Where nothing can be compared, it is found again until it expires by itself.
        return Ok(Some(token));
    }
    let soon = left.0.min(SOON);
    // Where the longest timeout was lowered since, the session would look alive: as if it had been given no more than
    // that, and had so little left of it, or what becomes of that where seconds are rounded up.
    let seen = Some(Left(soon + 3 * store.grain()));
    let ttl = if clock::is_expired(record.header(), seen, store, &options) { soon } else { Duration::ZERO };
    let action = Action::Replace(record.blob().clone().into(), token);
    let items = [WriteItem { key: place.key.clone(), action, ttl: Some(ttl) }];
    match store.write(&items, deadline).await.pop() {
        Some(Written::Done(token)) => Ok(Some(token)),
        Some(Written::Changed | Written::Absent) => Ok(None),
        Some(Written::Failed(error) | Written::Unknown(error)) => Err(error),
        Some(Written::Refused(message)) => Err(refused(place, &message)),
        None => Err(no_answer()),
    }
}

fn deadline(place: &Place) -> Instant {
    let options = place.container.store().options();
    now() + options.connect_timeout() + options.exchange_timeout()
}

fn no_answer() -> Error {
    Error::Panic("a store gave no answer for an item".into())
}
