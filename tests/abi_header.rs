#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
//! The header is what cbindgen makes of the sources, and any C and C++ compiler takes it.

mod abi;

use std::fs;
use std::path::Path;
use std::process::Command;

use abi::sources;

const HEADER: &str = "include/lovely_session.h";

/// What the sources say. The files are given one by one, so that the header has their order and needs no `cargo`.
fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let builder = cbindgen::Builder::new().with_config(config);
    // cbindgen follows the `mod` lines of a `mod.rs`: naming the files below it too would declare everything twice.
    let is_followed = |file: &String| file.matches('/').count() > 2 && !file.ends_with("/mod.rs");
    let files = sources::in_order().into_iter().filter(|file| !is_followed(file));
    let builder = files.fold(builder, |builder, file| builder.with_src(root.join(file)));
    let mut header = Vec::new();
    builder.generate().expect("cbindgen").write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(HEADER);
    let generated = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{HEADER} is not up to date: run UPDATE_HEADER=1 cargo test --test abi_header");
}

#[test]
fn no_source_of_the_c_surface_is_forgotten() {
    let mut listed = sources::in_order();
    let mut found = sources::all();
    listed.sort();
    found.sort();
    assert_eq!(listed, found, "tests/abi/sources.rs lists the files in the order of the header");
}

#[test]
fn the_header_declares_each_function_once() {
    let header = generated();
    for export in sources::exports() {
        let declarations = header.lines().filter(|line| line.contains(&format!("{}(", export.name)));
        let declarations: Vec<&str> = declarations.filter(|line| !line.starts_with(" *")).collect();
        assert_eq!(declarations.len(), 1, "{}: {declarations:?}", export.name);
    }
}

#[test]
fn the_header_names_the_version_of_the_package() {
    let header = generated();
    assert!(header.contains(&format!("#define LS_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn constants_keep_their_numbers() {
    let header = generated();
    let constants = header.lines().filter_map(|line| {
        let line = line.trim();
        let define = line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '));
        let enumerator = line.strip_suffix(',').and_then(|rest| rest.split_once(" = "));
        define.or(enumerator).filter(|(name, _)| name.starts_with("LS_") && !name.starts_with("LS_VERSION"))
    });
    let found: Vec<String> = constants.map(|(name, number)| format!("{name} {number}")).collect();
    let golden = fs::read_to_string(sources::root().join("tests/abi/constants.txt")).unwrap();
    let golden: Vec<&str> = golden.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(found, golden, "tests/abi/constants.txt: numbers never change, new ones are added");
}

#[test]
fn the_first_program_of_the_header_compiles() {
    let header = generated();
    let program =
        header.split(" * A first program\n").nth(1).and_then(|rest| rest.split(" * Statuses\n").next()).unwrap();
    let program: Vec<&str> = program.lines().map(|line| line.trim_start_matches(" *")).collect();
    let program = program.join("\n");
    assert!(program.contains("ls_txn_commit"));
    let text = format!(
        "#include \"lovely_session.h\"\nint main(void) {{\n{program}\nfail:\n    ls_txn_free(txn);\n    \
         ls_container_free(visitors);\n    ls_store_free(store);\n    return (int)-err.status;\n}}\n"
    );
    compiles("cc", "c", "c99", "first", &text);
}

const TWICE: &str = "#include \"lovely_session.h\"\n#include \"lovely_session.h\"\n\
    typedef char error_is_256_bytes[sizeof(ls_error) == 256 ? 1 : -1];\n\
    int main(void) { return LS_OK; }\n";

/// Compiles a program that includes nothing but the header, with all warnings as errors.
fn compiles(compiler: &str, language: &str, standard: &str, name: &str, text: &str) {
    let dir = tempdir(&format!("{name}-{compiler}-{standard}"));
    let source = dir.join(if language == "c" { "header.c" } else { "header.cpp" });
    fs::write(&source, text).unwrap();
    let warnings: &[&str] = if language == "c" { &["-Wstrict-prototypes"] } else { &[] };
    let output = Command::new(compiler)
        .args([&format!("-std={standard}"), "-Wall", "-Wextra", "-pedantic", "-Werror"])
        .args(warnings)
        .arg("-I")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("include"))
        .args(["-c", "-o"])
        .arg(dir.join("header.o"))
        .arg(&source)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}; `make test` installs it"));
    assert!(output.status.success(), "{compiler} {standard}:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn tempdir(name: &str) -> std::path::PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn the_header_alone_is_c99_to_c23() {
    for compiler in ["gcc", "clang"] {
        for standard in ["c99", "c11", "c17", "c2x"] {
            compiles(compiler, "c", standard, "header", TWICE);
        }
    }
}

#[test]
fn the_header_alone_is_cpp11_to_cpp20() {
    for compiler in ["g++", "clang++"] {
        for standard in ["c++11", "c++14", "c++17", "c++20"] {
            compiles(compiler, "c++", standard, "header", TWICE);
        }
    }
}
