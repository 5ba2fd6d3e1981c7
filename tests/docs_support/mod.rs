//! Reading the documents and the sources of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file, by its path from the root.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether there is something at this path from the root.
pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Every document in Markdown, by its path from the root.
pub(crate) fn documents() -> Vec<PathBuf> {
    files("md", Path::new(""))
}

/// Every source in Rust and C, by its path from the root.
pub(crate) fn sources() -> Vec<PathBuf> {
    let ends = ["rs", "c", "h"];
    ["src", "tests", "benches", "examples"]
        .iter()
        .flat_map(|dir| ends.map(|end| files(end, dir.as_ref())))
        .flatten()
        .collect()
}

fn files(end: &str, below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![below.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(root().join(&dir)).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (dir.join(entry.file_name()), entry.file_name().into_string().unwrap());
            // What is built, and what is not of this repository.
            let is_other = name.starts_with('.') || dir == Path::new("") && (name == "target" || name == "build");
            if entry.file_type().unwrap().is_dir() {
                dirs.extend((!is_other).then_some(path));
            } else if path.extension().is_some_and(|found| found == end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text of a document without its fenced blocks: `[a](b)` in a program is no link.
fn prose(text: &str) -> String {
    let mut is_fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Where the links of a document lead.
pub(crate) fn links(text: &str) -> impl Iterator<Item = String> {
    let prose = prose(text);
    let links: Vec<String> =
        prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned()).collect();
    links.into_iter()
}

/// What stands between backticks in a document, fenced blocks aside.
pub(crate) fn code_spans(text: &str) -> impl Iterator<Item = String> {
    let spans: Vec<String> = prose(text).split('`').skip(1).step_by(2).map(words).collect();
    spans.into_iter()
}

/// The anchors of a document's headings.
pub(crate) fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    headings.into_iter().map(|heading| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

/// The text in one line, so that what is looked for may stand on two.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| *word != "//" && *word != "///" && *word != "//!")
        .collect::<Vec<_>>()
        .join(" ")
}
