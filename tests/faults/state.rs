//! What a session holds here, so that whatever is read tells which commits it is made of.
//!
//! Packages `a` and `b` hold the same keys `k0` to `k5`, set and deleted together, each value naming the transaction that
//! set it. Package `n` holds a counter, and beside it what each transaction added. All three hold the mark of the
//! incarnation: who created it. Package `m` holds the session's own id.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::history::Tag;

/// How many keys a session has in each of the packages `a` and `b`.
pub const KEYS: u8 = 6;
/// What a value has behind the transaction's name if that transaction rolled it back.
pub const ROLLED_BACK: char = '!';

/// A value as it is kept in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Datum {
    Int(i64),
    Text(String),
}

/// Packages with their keys and values.
pub type Content = BTreeMap<String, BTreeMap<String, Datum>>;

/// What a session's content says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The id that it says it has.
    pub id: Option<String>,
    /// Who created it. More than one where several found nothing there at the same time, and were merged.
    pub creators: BTreeSet<Tag>,
    /// The transactions whose changes are in it, and what each added to the counter.
    pub members: BTreeMap<Tag, i64>,
    /// Who set each key.
    pub keys: BTreeMap<u8, Tag>,
    pub counter: i64,
}

impl State {
    /// Reads a content; the texts say what does not fit together.
    pub fn read(content: &Content) -> (Self, Vec<String>) {
        let empty = BTreeMap::new();
        let pkg = |name: &str| content.get(name).unwrap_or(&empty);
        let mut wrong = Vec::new();
        let mut state = Self::default();
        if let Some(Datum::Text(id)) = pkg("m").get("id") {
            state.id = Some(id.clone());
        }
        for (key, value) in pkg("n") {
            match (key.as_bytes(), value) {
                (b"counter", Datum::Int(counter)) => state.counter = *counter,
                ([b'+', ..], Datum::Int(delta)) => match Tag::parse(&key[1..]) {
                    Some(tag) => drop(state.members.insert(tag, *delta)),
                    None => wrong.push(format!("{key} = {delta} was rolled back")),
                },
                ([b'@', ..], Datum::Int(_)) => {}
                _ => wrong.push(format!("n holds {key} = {value:?}")),
            }
        }
        let sum: i64 = state.members.values().sum();
        if sum != state.counter {
            wrong.push(format!("the counter is {}, and what was added makes {sum}", state.counter));
        }
        let [of_a, of_b, of_n] = ["a", "b", "n"].map(|name| creators(pkg(name)));
        if of_a != of_b || of_b != of_n || of_a.is_empty() {
            wrong.push(format!("packages of different incarnations: {of_a:?}, {of_b:?}, {of_n:?}"));
        }
        state.creators = of_a.into_iter().chain(of_b).chain(of_n).collect();
        let (a, b) = (pkg("a"), pkg("b"));
        for number in 0..KEYS {
            let name = format!("k{number}");
            let (in_a, in_b) = (a.get(&name), b.get(&name));
            if in_a != in_b {
                wrong.push(format!("{name} is {in_a:?} in one package and {in_b:?} in the other"));
            }
            match in_a {
                Some(Datum::Text(text)) => match Tag::parse(text) {
                    Some(tag) => drop(state.keys.insert(number, tag)),
                    None => wrong.push(format!("{name} holds {text:?}, which was rolled back")),
                },
                Some(Datum::Int(other)) => wrong.push(format!("{name} holds {other}")),
                None => {}
            }
        }
        (state, wrong)
    }
}

fn creators(pkg: &BTreeMap<String, Datum>) -> BTreeSet<Tag> {
    pkg.keys().filter_map(|key| Tag::parse(key.strip_prefix('@')?)).collect()
}
