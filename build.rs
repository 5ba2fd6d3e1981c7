//! Names the shared library: programs that were linked to it look for this name, whatever the file is called.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target == "linux" || target == "android" || target.ends_with("bsd") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblovely_session.so.0");
    }
}
