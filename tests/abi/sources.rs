//! The sources of the C surface, and the exports in them.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that hold exports, in the order of the header.
#[allow(dead_code, reason = "each test binary uses its part")]
pub(crate) fn in_order() -> Vec<String> {
    [
        "args",
        "error",
        "version",
        "log",
        "options",
        "store",
        "stats",
        "container",
        "txn",
        "report",
        "session/mod",
        "session/times",
        "queue/mod",
        "queue/start",
        "pkg/mod",
        "pkg/typed",
        "value/mod",
        "value/make",
        "value/read",
        "value/json",
        "value/msgpack",
        "testing",
    ]
    .iter()
    .map(|name| format!("src/capi/{name}.rs"))
    .collect()
}

/// All files of the C surface that have something in the header.
#[allow(dead_code, reason = "each test binary uses its part")]
pub(crate) fn all() -> Vec<String> {
    let mut found = Vec::new();
    visit(&root().join("src/capi"), &mut found);
    let public = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.contains("no_mangle") || text.contains("pub const LS_") || text.contains("pub enum ls_")
    };
    found.retain(public);
    found.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn visit(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// One exported function as its source has it.
#[allow(dead_code, reason = "each test binary uses its part")]
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) file: String,
    pub(crate) name: String,
    /// The docstring, without the slashes.
    pub(crate) doc: Vec<String>,
    /// Name and type.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) returns: Option<String>,
    pub(crate) body: String,
}

/// Reads every export. The sources are formatted by rustfmt, so lines tell where things begin and end.
#[allow(dead_code, reason = "each test binary uses its part")]
pub(crate) fn exports() -> Vec<Export> {
    let mut exports = Vec::new();
    for file in all() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.trim() == "#[unsafe(no_mangle)]") {
            exports.push(export(&file, &lines, at));
        }
    }
    exports
}

fn export(file: &str, lines: &[&str], at: usize) -> Export {
    let doc_start = lines[..at].iter().rposition(|line| !line.starts_with("///")).map_or(0, |last| last + 1);
    let doc = lines[doc_start..at].iter().map(|line| line.trim_start_matches('/').trim().to_owned()).collect();
    let end = at + lines[at..].iter().position(|line| *line == "}").expect("end of the function");
    let item = lines[at + 1..end].join("\n");
    let (signature, body) = item.split_once("{\n").expect("body");
    let name = signature.split("fn ").nth(1).unwrap().split('(').next().unwrap().to_owned();
    let inside = signature.split_once('(').unwrap().1.rsplit_once(')').unwrap();
    let params = inside.0.split(',').filter_map(|param| param.split_once(':'));
    let params = params.map(|(name, ty)| (name.trim().to_owned(), ty.trim().to_owned()));
    let returns = inside.1.split_once("->").map(|(_, ty)| ty.trim().to_owned());
    Export { file: file.to_owned(), name, doc, params: params.collect(), returns, body: body.to_owned() }
}
