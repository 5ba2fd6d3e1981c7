#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
//! What the shared library exports, and that no export forgets the guard or a part of its documentation.

mod abi;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use abi::sources::{self, Export, exports};

/// The golden list: name, and the version that introduced it.
fn golden() -> BTreeMap<String, String> {
    let text = fs::read_to_string(sources::root().join("tests/abi/symbols.txt")).unwrap();
    let entries = text.lines().filter(|line| !line.starts_with('#'));
    entries.map(|line| line.split_once(' ').expect("name, space, version")).map(|(n, v)| (n.into(), v.into())).collect()
}

/// The shared library, which cargo builds beside this test.
fn library() -> PathBuf {
    let library = std::env::current_exe().unwrap().with_file_name("liblovely_session.so");
    assert!(library.exists(), "{} is not there", library.display());
    library
}

fn tool(name: &str, args: &[&str]) -> String {
    let output = Command::new(name)
        .args(args)
        .arg(library())
        .output()
        .unwrap_or_else(|error| panic!("{name}: {error}; binutils has it"));
    assert!(output.status.success(), "{name} failed");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn exactly_the_names_of_the_golden_list_are_exported() {
    let symbols = tool("nm", &["-D", "--defined-only", "--format=posix"]);
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let golden = golden();
    let expected: BTreeSet<&str> = golden.keys().map(String::as_str).collect();
    assert_eq!(exported, expected, "tests/abi/symbols.txt names what is exported, and the version that introduced it");
}

#[test]
fn the_golden_list_is_sorted() {
    let text = fs::read_to_string(sources::root().join("tests/abi/symbols.txt")).unwrap();
    let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.is_sorted());
}

#[test]
fn the_shared_library_has_its_soname() {
    let dynamic = tool("readelf", &["-d"]);
    assert!(dynamic.contains("Library soname: [liblovely_session.so.0]"), "{dynamic}");
}

#[test]
fn every_export_goes_through_the_guard() {
    for export in exports() {
        // Where there are several outputs they may be put together first.
        let body = export.body.trim_start();
        let first = if body.starts_with("let outs = (") {
            body.split_once('\n').map_or("", |(_, rest)| rest.trim_start())
        } else {
            body
        };
        assert!(first.starts_with("guard::"), "{}: {} does not begin with the guard", export.file, export.name);
        let calls = export.body.lines().filter(|line| line.starts_with("    guard::")).count();
        assert!(calls == 1, "{}: {} calls the guard {calls} times", export.file, export.name);
    }
}

#[test]
fn every_source_export_is_in_the_golden_list() {
    let sources: BTreeSet<String> = exports().into_iter().map(|export| export.name).collect();
    assert_eq!(sources, golden().into_keys().collect());
}

/// What is wrong with the docstring of an export.
fn faults(export: &Export, header: &str, golden: &BTreeMap<String, String>) -> Vec<String> {
    let doc = export.doc.join("\n");
    let mut faults = Vec::new();
    let mut need = |is_right: bool, what: String| {
        if !is_right {
            faults.push(what);
        }
    };
    need(export.doc.first().is_some_and(|line| !line.is_empty()), "says what it does".into());
    for (name, _) in export.params.iter().filter(|(name, _)| name != "err") {
        let described = export.doc.iter().any(|line| line.starts_with('`') && line.contains(&format!("`{name}`")));
        need(described, format!("describes `{name}`"));
    }
    if export.returns.is_some() {
        need(doc.contains("\n\nReturns "), "Returns".into());
    }
    if export.params.iter().any(|(name, _)| name == "err") {
        need(doc.contains("LS_OK"), "says what LS_OK means or that it is returned".into());
    }
    need(doc.contains("\nOwnership: "), "Ownership".into());
    need(doc.contains("\nI/O: "), "I/O".into());
    let since = golden.get(&export.name).cloned().unwrap_or_default();
    need(doc.ends_with(&format!(" Since: {since}.")), format!("Since: {since}."));
    let threads = doc.rsplit("Threads: ").next().and_then(|rest| rest.split('.').next()).unwrap_or_default();
    need(["any", "concurrent", "exclusive"].contains(&threads), "Threads: any, concurrent or exclusive".into());
    // A const receiver may be used by several threads at once, any other by one.
    let receiver = export.params.first().map_or("", |(_, ty)| ty.as_str());
    if receiver.starts_with("*const ls_") {
        need(threads == "concurrent", "const receiver: Threads: concurrent".into());
    } else if receiver.starts_with("*mut ls_") && export.name != "ls_txn_free" {
        need(threads == "exclusive", "receiver that is not const: Threads: exclusive".into());
    }
    // Names in the text have to exist.
    for word in doc.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.len() > 3) {
        if (word.starts_with("ls_") || word.starts_with("LS_")) && !word.ends_with('_') {
            need(header.contains(word), format!("names {word}, which does not exist"));
        }
    }
    faults
}

#[test]
fn every_docstring_is_complete() {
    let header = fs::read_to_string(sources::root().join("include/lovely_session.h")).unwrap();
    // Only code: a name that is mentioned elsewhere does not make it exist.
    let code: String =
        header.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect::<Vec<_>>().join("\n");
    let golden = golden();
    let all: Vec<String> = exports()
        .iter()
        .flat_map(|export| {
            let name = export.name.clone();
            faults(export, &code, &golden).into_iter().map(move |fault| format!("{name}: {fault}"))
        })
        .collect();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

/// Each opaque type's docstring ends with the list of its methods.
#[test]
fn every_type_lists_its_methods() {
    let mut listed = BTreeSet::new();
    for file in sources::all() {
        let text = fs::read_to_string(sources::root().join(&file)).unwrap();
        for list in text.split("/// Methods: ").skip(1) {
            let list = list.lines().take_while(|line| !line.starts_with("#[") && !line.starts_with("// "));
            let joined = list.collect::<Vec<_>>().join(" ");
            listed.extend(joined.split('`').filter(|word| word.starts_with("ls_")).map(str::to_owned));
        }
    }
    let nouns = ["options", "store", "container", "txn", "session", "queue", "pkg", "value"];
    let of_a_noun = |name: &str| nouns.iter().any(|noun| name.starts_with(&format!("ls_{noun}_")));
    let methods: BTreeSet<String> = exports().into_iter().map(|e| e.name).filter(|name| of_a_noun(name)).collect();
    assert_eq!(listed, methods);
}
