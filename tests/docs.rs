//! What stands twice agrees: documents with the tree, versions, the places that a C function touches.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod abi;
mod docs_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use abi::sources::{exports, in_order};
use docs_support::{anchors, code_spans, documents, exists, links, read, root, sources, words};

/// Fails with all that was found, not with the first of it.
fn assert_none(what: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for link in links(&read(&document)).filter(|link| !link.contains("://")) {
            seen += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let is_dead = !root().join(&target).exists()
                || !anchor.is_empty() && !anchors(&read(&target)).any(|heading| heading == anchor);
            if is_dead {
                dead.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} links were found");
    assert_none("dead links", dead);
}

#[test]
fn every_path_that_the_documents_name_is_there() {
    let begins = ["src/", "tests/", "docs/", "tools/", "include/", "examples/", "benches/", ".ci/"];
    let mut wrong = Vec::new();
    for document in documents() {
        for span in code_spans(&read(&document)) {
            let is_path = begins.iter().any(|begin| span.starts_with(begin)) && !span.contains([' ', '*']);
            // NOUN stands for any of them.
            let path = span.replace("NOUN.rs", "store.rs").replace("NOUN.c", "store.c");
            if is_path && !exists(&path) {
                wrong.push(format!("{}: {span}", document.display()));
            }
        }
    }
    assert_none("paths that are not there", wrong);
}

#[test]
fn every_module_of_the_library_has_its_place_in_the_architecture() {
    let text = read("ARCHITECTURE.md".as_ref());
    let linked: BTreeSet<String> = links(&text).collect();
    let lib = read("src/lib.rs".as_ref());
    let modules: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 5);
    let is_linked = |module: &&str| {
        [format!("src/{module}.rs"), format!("src/{module}/mod.rs")].iter().any(|path| linked.contains(path))
    };
    assert_none(
        "modules that ARCHITECTURE.md does not link",
        modules.iter().filter(|m| !is_linked(m)).map(|m| (*m).to_owned()),
    );
}

/// The targets of the Makefile that have a line in `make help`.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile".as_ref());
    makefile
        .lines()
        .filter(|line| line.contains(": "))
        .filter_map(|line| line.split_once(" ## ")?.0.split(':').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn documented_make_targets_are_there_and_all_are_documented() {
    let mut documented = BTreeSet::new();
    for document in documents() {
        let text = read(&document);
        let spans = code_spans(&text).filter_map(|span| span.strip_prefix("make ").map(str::to_owned));
        let lines = text.lines().filter_map(|line| line.strip_prefix("make ").map(str::to_owned));
        documented.extend(spans.chain(lines).map(|target| target.split(' ').next().unwrap().to_owned()));
    }
    assert_eq!(documented, targets());
    let makefile = read("Makefile".as_ref());
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY: ")).unwrap();
    assert_eq!(phony.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), targets());
}

#[test]
fn the_versions_agree() {
    let version = env!("CARGO_PKG_VERSION");
    let header = read("include/lovely_session.h".as_ref());
    assert!(header.contains(&format!("#define LS_VERSION \"{version}\"\n")), "the header names another version");
    let changelog = read("CHANGELOG.md".as_ref());
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## [")?.split(']').next()).unwrap();
    assert_eq!(newest, version, "the newest section of CHANGELOG.md");
    let (major, minor) = version.split_once('.').unwrap();
    assert!(read("build.rs".as_ref()).contains(&format!("liblovely_session.so.{major}")), "SONAME in build.rs");
    let (minor, _) = minor.split_once('.').unwrap();
    assert!(
        read("README.md".as_ref()).contains(&format!("version {major}.{minor}")),
        "README.md names another version"
    );
    let manifest = read("Cargo.toml".as_ref());
    let rust = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"')).unwrap();
    assert!(read("README.md".as_ref()).contains(&format!("[{rust} or later]")), "README.md asks for another Rust");
}

#[test]
fn the_stored_format_of_the_documents_is_the_one_that_is_written() {
    let version = lovely_session::record::FORMAT_VERSION;
    for document in ["docs/format.md", "README.md", "CHANGELOG.md"] {
        assert!(words(&read(document.as_ref())).contains(&format!("ormat version {version}")), "{document}");
    }
}

#[test]
fn c_names_in_the_documents_are_in_the_headers() {
    let header =
        ["include/lovely_session.h", "bindings/c/lovely_session_easy.h"].map(|header| read(header.as_ref())).join("\n");
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let known: BTreeSet<&str> = header.split(|char| !is_name(char)).collect();
    let mut unknown = BTreeSet::new();
    for document in documents() {
        for span in code_spans(&read(&document)) {
            for name in span.split(|char| !is_name(char) && char != '*') {
                let is_known = match name.split_once('*') {
                    Some((prefix, _)) => known.iter().any(|known| known.starts_with(prefix)),
                    None => known.contains(name),
                };
                if (name.starts_with("ls_") || name.starts_with("LS_")) && !is_known {
                    unknown.insert(format!("{}: {name}", document.display()));
                }
            }
        }
    }
    assert_none("names that the header has not", unknown);
}

#[test]
fn clauses_of_the_contract_that_the_code_names_are_there() {
    let contract = read("docs/contract.md".as_ref());
    let clauses: BTreeSet<&str> = contract.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut unknown = BTreeSet::new();
    let mut named = 0;
    for source in sources() {
        for mention in words(&read(&source)).to_lowercase().split("contract ").skip(1) {
            let clause: String = mention.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect();
            let clause = clause.trim_end_matches('.');
            if clause.contains('.') {
                named += 1;
                if !clauses.contains(clause) {
                    unknown.insert(format!("{}: contract {clause}", source.display()));
                }
            }
        }
    }
    assert!(named > 20, "only {named} mentions were found");
    assert_none("clauses that docs/contract.md has not", unknown);
}

/// Name and introducing version of each export, from the golden list.
fn symbols() -> BTreeMap<String, String> {
    let text = read("tests/abi/symbols.txt".as_ref());
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

#[test]
fn every_c_function_is_in_the_golden_list() {
    let listed = symbols();
    let missing = exports().into_iter().filter(|export| !listed.contains_key(&export.name));
    assert_none("not in tests/abi/symbols.txt", missing.map(|export| export.name));
}

#[test]
fn every_c_function_is_called_by_a_c_test() {
    let dir = root().join("tests/capi");
    let files = fs::read_dir(&dir).expect("tests/capi").map(|entry| entry.unwrap().path());
    let tests: String = files
        .filter(|file| file.extension().is_some_and(|end| end == "c"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_called = |name: &str| {
        tests
            .match_indices(&format!("{name}("))
            .any(|(at, _)| !tests[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    };
    assert_none("called by no test in tests/capi", symbols().into_keys().filter(|name| !is_called(name)));
}

#[test]
fn the_changelog_names_every_c_function_in_the_section_of_its_version() {
    let changelog = read("CHANGELOG.md".as_ref());
    let missing = symbols().into_iter().filter(|(name, version)| {
        let sections = changelog.split("\n## [").skip(1).filter(|section| section.starts_with(&format!("{version}.")));
        !sections.flat_map(code_spans).any(|span| match span.strip_suffix('*') {
            Some(prefix) => prefix.starts_with("ls_") && name.starts_with(prefix),
            None => span == *name,
        })
    });
    assert_none("not in CHANGELOG.md", missing.map(|(name, version)| format!("{name}, section {version}")));
}

/// `docs/functions.md` as the sources have it: each function under the file that it stands in, with its first sentence.
fn function_index() -> String {
    let mut index = String::from(
        "# The C functions\n\nGenerated by `make header`: every function with the first sentence of its manual, which stands in\n\
         [lovely_session.h](../include/lovely_session.h).\n",
    );
    let mut noun = String::new();
    for file in in_order() {
        for export in exports().into_iter().filter(|export| export.file == file) {
            let path = file.trim_start_matches("src/capi/").trim_end_matches(".rs");
            let this = path.split('/').next().unwrap();
            if this != noun {
                this.clone_into(&mut noun);
                write!(index, "\n## {noun}\n\n| function | what it does |\n|---|---|\n").unwrap();
            }
            let doc =
                export.doc.iter().take_while(|line| !line.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ");
            let sentence = doc.split_once(". ").map_or(doc.trim_end_matches('.'), |(first, _)| first);
            writeln!(index, "| `{}` | {} |", export.name, sentence.replace('|', "\\|")).unwrap();
        }
    }
    index
}

#[test]
fn the_function_index_is_what_the_sources_say() {
    let index = function_index();
    let path = root().join("docs/functions.md");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &index).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == index, "docs/functions.md is not up to date: run `make header`");
}
