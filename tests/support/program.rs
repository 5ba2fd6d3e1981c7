//! A C program linked with the library as any host is.

use std::env;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `source`, named from the root of the repository, in `dir`, against the shared library that cargo built beside this
/// test.
pub fn build(source: &str, dir: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = env::current_exe().unwrap().parent().unwrap().to_owned();
    // As installed: programs look for the library by the name in it.
    symlink(libraries.join("liblovely_session.so"), dir.join("liblovely_session.so.0")).unwrap();
    let source = root.join(source);
    let program = dir.join(source.file_stem().unwrap());
    let output = Command::new(env::var("CC").as_deref().unwrap_or("cc"))
        .args(["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .arg(root.join("include"))
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .arg(dir.join("liblovely_session.so.0"))
        .arg(format!("-Wl,-rpath,{}", dir.display()))
        .output()
        .expect("a C compiler; `make test` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}
