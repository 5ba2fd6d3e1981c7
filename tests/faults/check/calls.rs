//! What single calls answered, and how long they took.

use lovely_session::error::Status;

use super::world::{Called, World};
use super::{Findings, Promise};
use crate::history::Call;

/// What every call is allowed beyond its deadline.
const GRACE_MS: u64 = 2_000;

pub(super) fn check(world: &World, findings: &mut Findings) {
    for call in &world.calls {
        let name = |status: Status| status as i32 == call.status;
        findings.check(
            Promise::Statuses,
            None,
            call.t1,
            call.status == 0 || allowed(call.what, world).into_iter().any(name),
            || format!("{:?} of {} answered {}: {}", call.what, call.tag, call.status, call.message),
        );
        let took_ms = (call.t1 - call.t0) / 1_000_000;
        let allowed_ms = call.allowed_ms + GRACE_MS + call.starved_ms.max(stalled_ms(world, call));
        findings.check(Promise::Deadlines, None, call.t1, took_ms <= allowed_ms, || {
            format!("{:?} of {} took {took_ms} ms and was allowed {} ms", call.what, call.tag, call.allowed_ms)
        });
    }
    for (tag, at, text) in &world.wrongs {
        findings.check(Promise::Statuses, None, *at, false, || format!("{tag}: {text}"));
    }
}

/// How a call may fail when servers and links do, and transactions meet.
fn allowed(what: Call, world: &World) -> Vec<Status> {
    let mut allowed = vec![Status::Unavailable, Status::Timeout, Status::Cancelled];
    if world.has_repeats {
        // An answer that comes twice is one that belongs to no request.
        allowed.push(Status::Protocol);
    }
    if world.may_refuse && what == Call::Commit {
        allowed.push(Status::Lost);
    }
    match what {
        Call::Open | Call::Exists | Call::Prefetch => {}
        Call::Prepare => allowed.extend([Status::Conflict, Status::Gone]),
        Call::Commit => allowed.extend([Status::Conflict, Status::Gone, Status::Unknown, Status::Partial]),
    }
    allowed
}

/// For how long the machine did not run its processes while this call was under way.
fn stalled_ms(world: &World, call: &Called) -> u64 {
    let overlap = |(t0, t1): &(u64, u64)| (*t1).min(call.t1).saturating_sub((*t0).max(call.t0));
    // Of several processes that saw the same stall, the one that saw most of it.
    world.stalls.iter().map(overlap).max().unwrap_or(0) / 1_000_000
}
