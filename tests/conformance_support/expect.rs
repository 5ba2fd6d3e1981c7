//! How an answer is compared with what the ancestor answered.

use serde_json::Value as Json;

use super::c::Failure;
use super::trace::{Expected, Op};

/// What a step came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    Ok(Json),
    /// The name of the ancestor's exception where there is one, else of the status.
    Error(String),
    /// The step has nothing to do here.
    Skipped,
}

impl From<Failure> for Answered {
    fn from(failure: Failure) -> Self {
        Self::Error(match failure.name.as_str() {
            "LS_ERR_SAVEPOINT" => "InvalidSavepointRollbackError".to_owned(),
            "LS_ERR_FAILED" => "TransactionFailedError".to_owned(),
            _ => format!("{}: {}", failure.name, failure.message),
        })
    }
}

/// "Not found", which the ancestor raised.
pub fn key_error() -> Answered {
    Answered::Error("KeyError".to_owned())
}

/// Says in what an answer differs from what is expected, if it does.
pub fn difference(op: &Op, expected: &Expected, answered: &Answered) -> Option<String> {
    let is_same = match (expected, answered) {
        (_, Answered::Skipped) => true,
        (Expected::Error(expected), Answered::Error(answered)) => expected == answered,
        (Expected::Ok(expected), Answered::Ok(answered)) => match op {
            Op::Open { .. } | Op::FreshRead { .. } | Op::SessionDump { .. } => {
                without_empty_pkgs(expected) == without_empty_pkgs(answered)
            }
            Op::Stored { .. } => {
                without_empty_pkgs(expected.get("data").unwrap_or(&Json::Null)) == without_empty_pkgs(answered)
            }
            _ => expected == answered,
        },
        _ => false,
    };
    (!is_same).then(|| format!("{op:?}: expected {expected:?}, answered {answered:?}"))
}

/// Content without the packages that have no key (contract 1.6).
fn without_empty_pkgs(content: &Json) -> Json {
    match content {
        Json::Object(pkgs) => {
            let is_full = |pkg: &Json| !pkg.as_object().is_some_and(serde_json::Map::is_empty);
            pkgs.iter().filter(|(_, pkg)| is_full(pkg)).map(|(name, pkg)| (name.clone(), pkg.clone())).collect()
        }
        other => other.clone(),
    }
}
