//! The notation in which `tests/golden/*.json` say what is in the `.bin` beside them; see the README there.

use std::fs;
use std::path::PathBuf;

use lovely_session::record::{Header, Stamp, Tombstone};
use lovely_session::value::{Text, Value};
use serde_json::Value as Json;

use super::{Model, nested};

pub enum Content {
    Session(Model),
    Tombstone(Tombstone),
}

pub struct Golden {
    pub name: String,
    pub bytes: Vec<u8>,
    pub content: Content,
}

pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// All golden files, each of which has to have both its halves.
pub fn all() -> Vec<Golden> {
    let names = |extension: &str| {
        let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
        let wanted = files.filter(|path| path.extension().is_some_and(|found| found == extension));
        let mut names: Vec<String> =
            wanted.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("bin"), names("json"), "a golden file without its other half");
    names("bin").into_iter().map(read).collect()
}

fn read(name: String) -> Golden {
    let bytes = fs::read(directory().join(format!("{name}.bin"))).unwrap();
    let text = fs::read_to_string(directory().join(format!("{name}.json"))).unwrap();
    let json: Json = serde_json::from_str(&text).unwrap();
    let content = match json["kind"].as_str().unwrap() {
        "session" => Content::Session(model(&json)),
        "tombstone" => Content::Tombstone(Tombstone {
            writer: number(&json["writer"]),
            destroyed_ms: number(&json["destroyed_ms"]),
        }),
        other => panic!("{name}: kind {other}"),
    };
    Golden { name, bytes, content }
}

fn model(json: &Json) -> Model {
    let header = &json["header"];
    let optional = |field: &str| (!header[field].is_null()).then_some(&header[field]);
    let header = Header {
        stamp: Stamp {
            incarnation: number(&header["incarnation"]),
            sequence: number(&header["sequence"]),
            writer: number(&header["writer"]),
        },
        successor_of: number(&header["successor_of"]),
        created_ms: number(&header["created_ms"]),
        accessed_ms: number(&header["accessed_ms"]),
        timeout_ms: number(&header["timeout_ms"]),
        max_timeout_ms: number(&header["max_timeout_ms"]),
        own_timeout_ms: optional("own_timeout_ms").map(number),
        deadline_ms: optional("deadline_ms").map(number),
    };
    let packages = pairs(&json["packages"])
        .map(|(name, package)| (name, pairs(package).map(|(key, value)| (key, self::value(value))).collect()))
        .collect();
    Model { header, packages }
}

/// Numbers are text: JSON's own are not good for 64 bits everywhere.
fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(json: &Json) -> T {
    json.as_str().unwrap().parse().unwrap()
}

fn pairs(json: &Json) -> impl Iterator<Item = (String, &Json)> {
    json.as_array().unwrap().iter().map(|pair| (pair[0].as_str().unwrap().to_owned(), &pair[1]))
}

fn value(json: &Json) -> Value {
    let (kind, content) = json.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "null" => Value::Null,
        "boolean" => Value::Bool(content.as_bool().unwrap()),
        "integer" => Value::Int(number(content)),
        "float" => Value::Float(f64::from_bits(u64::from_str_radix(content.as_str().unwrap(), 16).unwrap())),
        "text" => Value::text(content.as_str().unwrap()),
        "bytes" => Value::bytes(&unhex(content.as_str().unwrap())),
        "list" => Value::list(content.as_array().unwrap().iter().map(value).collect()).unwrap(),
        "map" => Value::map(pairs(content).map(|(key, item)| (Text::new(&key), value(item))).collect()).unwrap(),
        "nested" => nested(number(&content[0]), value(&content[1])),
        "repeated_text" => Value::text(&content[1].as_str().unwrap().repeat(number(&content[0]))),
        "repeated_list" => Value::list(vec![value(&content[1]); number(&content[0])]).unwrap(),
        other => panic!("no such value: {other}"),
    }
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
