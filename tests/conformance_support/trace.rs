//! The trace files: one JSON object, described in `tests/conformance/README.md`.
//!
//! Reading is strict: an operation, a field or a label that is not known here stops the test, so that nothing in a
//! trace is ever skipped because nobody understood it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

/// A recorded trace.
#[derive(Debug)]
pub struct Trace {
    /// The name of its file, without `.json`.
    pub file: String,
    /// Unix seconds at which its clock starts.
    pub clock: i64,
    pub containers: Vec<TraceContainer>,
    pub clean: bool,
    pub steps: Vec<Step>,
}

/// A container of a trace's world; times in seconds.
#[derive(Debug)]
pub struct TraceContainer {
    /// What the steps call it.
    pub key: String,
    /// Its own name.
    pub name: String,
    pub timeout: i64,
    pub resolution: i64,
}

#[derive(Debug)]
pub struct Step {
    pub actor: String,
    /// What the returned handle is called from now on.
    pub bind: Option<String>,
    pub op: Op,
    pub expect: Expected,
    pub quirk: Option<String>,
}

/// What the ancestor answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Ok(Json),
    Error(String),
}

#[rustfmt::skip]
#[derive(Debug, Clone)]
pub enum Op {
    Open { container: String, id: String },
    Contains { container: String, id: String },
    Items { container: String },
    ContainerSet,
    Begin,
    Abort,
    Commit,
    Savepoint,
    Rollback { savepoint: String },
    Valid { savepoint: String },
    Pkg { session: String, pkg: String },
    PkgPeek { session: String, pkg: String },
    PkgIn { session: String, pkg: String },
    Pkgs { session: String },
    PkgDel { session: String, pkg: String },
    PkgSet { session: String, pkg: String, value: Json },
    SessionDump { session: String },
    SessionClear { session: String },
    SessionLastAccess { session: String },
    Set { pkg: String, key: String, value: Json },
    Get { pkg: String, key: String },
    Peek { pkg: String, key: String, default: Json },
    Del { pkg: String, key: String },
    In { pkg: String, key: String },
    Keys { pkg: String },
    Len { pkg: String },
    Dump { pkg: String },
    Clear { pkg: String },
    Update { pkg: String, value: Json },
    Push { pkg: String, key: String, value: Json },
    PutIn { pkg: String, key: String, inner: String, value: Json },
    Nested { pkg: String, key: String },
    NestedPush { nested: String, value: Json },
    NestedDump { nested: String },
    SetUnserialisable,
    SameHandle { a: String, b: String },
    Stored { container: String, id: String },
    FreshRead { container: String, id: String },
    Evict { container: String, id: String },
    ServerDown,
    ServerUp,
    Clock { advance: i64 },
    Configure { container: String, timeout: Option<i64>, resolution: Option<i64>, last_access: Option<i64> },
    ContainerLastAccess { container: String },
}

/// All traces of a directory, in the order of their names.
pub fn read_all(directory: &Path) -> Vec<Trace> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Trace {
    let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let mut trace = Fields::new(serde_json::from_str(&text).unwrap(), file.clone());
    assert_eq!(trace.text("format"), "lovely-session-trace/1", "{file}");
    let mut world = trace.object("world");
    let containers = world.object("containers").map.into_iter().map(|(key, container)| {
        let mut container = Fields::new(container, format!("{file}, container {key}"));
        let (name, timeout, resolution) =
            (container.text("name"), container.integer("timeout"), container.integer("resolution"));
        container.end();
        TraceContainer { key, name, timeout, resolution }
    });
    let containers = containers.collect();
    let steps = trace.array("steps").into_iter().enumerate();
    let steps: Vec<Step> = steps.map(|(at, step)| read_step(Fields::new(step, format!("{file}, step {at}")))).collect();
    let (clean, quirks) = (trace.boolean("clean"), trace.array("quirks"));
    let labels: BTreeSet<&str> = quirks.iter().map(|label| label.as_str().unwrap()).collect();
    let met: BTreeSet<&str> =
        steps.iter().filter_map(|step| step.quirk.as_deref()).flat_map(|quirk| quirk.split(", ")).collect();
    assert_eq!(labels, met, "{file}: labels of the trace and of its steps");
    assert_eq!(clean, labels.is_empty(), "{file}: clean is to have no quirk");
    trace.ignore(["name", "title", "kind"]);
    let clock = world.integer("clock");
    world.end();
    trace.end();
    Trace { file, clock, containers, clean, steps }
}

fn read_step(mut step: Fields) -> Step {
    let actor = step.take("actor").map_or_else(|| "A".to_owned(), |actor| actor.as_str().unwrap().to_owned());
    let (bind, quirk) = (step.optional_text("as"), step.optional_text("quirk"));
    let mut expect = step.object("expect");
    let expected = match (expect.take("ok"), expect.take("error")) {
        (Some(ok), None) => Expected::Ok(ok),
        (None, Some(error)) => Expected::Error(error.as_str().unwrap().to_owned()),
        both => panic!("{}: {both:?}", expect.what),
    };
    expect.end();
    let name = step.text("op");
    let op = read_op(&name, &mut step);
    step.end();
    Step { actor, bind, op, expect: expected, quirk }
}

fn read_op(name: &str, s: &mut Fields) -> Op {
    match name {
        "open" => Op::Open { container: s.text("container"), id: s.text("id") },
        "container_get" => {
            // The default is ignored: opening creates.
            s.ignore(["default"]);
            Op::Open { container: s.text("container"), id: s.text("id") }
        }
        "contains" => Op::Contains { container: s.text("container"), id: s.text("id") },
        "items" => Op::Items { container: s.text("container") },
        "container_set" => {
            s.ignore(["container", "id", "value"]);
            Op::ContainerSet
        }
        "begin" => Op::Begin,
        "abort" => Op::Abort,
        "commit" => Op::Commit,
        "savepoint" => {
            // Every savepoint of ours is one.
            s.take("optimistic");
            Op::Savepoint
        }
        "rollback" => Op::Rollback { savepoint: s.text("savepoint") },
        "valid" => Op::Valid { savepoint: s.text("savepoint") },
        "pkg" => Op::Pkg { session: s.text("session"), pkg: s.text("pkg") },
        "pkg_peek" => Op::PkgPeek { session: s.text("session"), pkg: s.text("pkg") },
        "pkg_in" => Op::PkgIn { session: s.text("session"), pkg: s.text("pkg") },
        "pkgs" => Op::Pkgs { session: s.text("session") },
        "pkg_del" => Op::PkgDel { session: s.text("session"), pkg: s.text("pkg") },
        "pkg_set" => Op::PkgSet { session: s.text("session"), pkg: s.text("pkg"), value: s.value() },
        "session_dump" => Op::SessionDump { session: s.text("session") },
        "session_clear" => Op::SessionClear { session: s.text("session") },
        "session_last_access" => Op::SessionLastAccess { session: s.text("session") },
        "set" => Op::Set { pkg: s.text("pkg_handle"), key: s.text("key"), value: s.value() },
        "get" => Op::Get { pkg: s.text("pkg_handle"), key: s.text("key") },
        "peek" => Op::Peek { pkg: s.text("pkg_handle"), key: s.text("key"), default: s.take("default").unwrap() },
        "del" => Op::Del { pkg: s.text("pkg_handle"), key: s.text("key") },
        "in" => Op::In { pkg: s.text("pkg_handle"), key: s.text("key") },
        "keys" => Op::Keys { pkg: s.text("pkg_handle") },
        "len" => Op::Len { pkg: s.text("pkg_handle") },
        "dump" => Op::Dump { pkg: s.text("pkg_handle") },
        "clear" => Op::Clear { pkg: s.text("pkg_handle") },
        "update" => Op::Update { pkg: s.text("pkg_handle"), value: s.value() },
        "push" => Op::Push { pkg: s.text("pkg_handle"), key: s.text("key"), value: s.value() },
        "put_in" => {
            Op::PutIn { pkg: s.text("pkg_handle"), key: s.text("key"), inner: s.text("inner"), value: s.value() }
        }
        "nested" => Op::Nested { pkg: s.text("pkg_handle"), key: s.text("key") },
        "nested_push" => Op::NestedPush { nested: s.text("nested"), value: s.value() },
        "nested_dump" => Op::NestedDump { nested: s.text("nested") },
        "set_unserialisable" => {
            s.ignore(["pkg_handle", "key"]);
            Op::SetUnserialisable
        }
        "same_handle" => Op::SameHandle { a: s.text("a"), b: s.text("b") },
        "stored" => Op::Stored { container: s.text("container"), id: s.text("id") },
        "fresh_read" => Op::FreshRead { container: s.text("container"), id: s.text("id") },
        "evict" => Op::Evict { container: s.text("container"), id: s.text("id") },
        "server_down" => Op::ServerDown,
        "server_up" => Op::ServerUp,
        "clock" => Op::Clock { advance: s.integer("advance") },
        "configure" => Op::Configure {
            container: s.text("container"),
            timeout: s.optional_integer("timeout"),
            resolution: s.optional_integer("resolution"),
            last_access: s.optional_integer("lastAccessTime"),
        },
        "container_last_access" => Op::ContainerLastAccess { container: s.text("container") },
        other => panic!("{}: operation {other} is not known", s.what),
    }
}

/// The fields of an object that were not read yet.
struct Fields {
    map: Map<String, Json>,
    what: String,
}

impl Fields {
    fn new(json: Json, what: String) -> Self {
        match json {
            Json::Object(map) => Self { map, what },
            other => panic!("{what}: {other} is not an object"),
        }
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        self.map.remove(name)
    }

    fn need(&mut self, name: &str) -> Json {
        self.take(name).unwrap_or_else(|| panic!("{}: no {name}", self.what))
    }

    fn text(&mut self, name: &str) -> String {
        self.need(name).as_str().unwrap_or_else(|| panic!("{}: {name} is not text", self.what)).to_owned()
    }

    fn optional_text(&mut self, name: &str) -> Option<String> {
        self.map.contains_key(name).then(|| self.text(name))
    }

    fn integer(&mut self, name: &str) -> i64 {
        self.need(name).as_i64().unwrap_or_else(|| panic!("{}: {name} is not an integer", self.what))
    }

    fn optional_integer(&mut self, name: &str) -> Option<i64> {
        self.map.contains_key(name).then(|| self.integer(name))
    }

    fn boolean(&mut self, name: &str) -> bool {
        self.need(name).as_bool().unwrap_or_else(|| panic!("{}: {name} is not a boolean", self.what))
    }

    fn array(&mut self, name: &str) -> Vec<Json> {
        match self.need(name) {
            Json::Array(items) => items,
            other => panic!("{}: {name} is {other}, not a list", self.what),
        }
    }

    fn object(&mut self, name: &str) -> Self {
        let json = self.need(name);
        Self::new(json, format!("{}, {name}", self.what))
    }

    fn value(&mut self) -> Json {
        self.need("value")
    }

    /// Takes fields that have to be there and mean nothing here.
    fn ignore<const N: usize>(&mut self, names: [&str; N]) {
        for name in names {
            self.need(name);
        }
    }

    fn end(self) {
        assert!(self.map.is_empty(), "{}: {:?} is not known", self.what, self.map);
    }
}
