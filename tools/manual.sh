#!/usr/bin/env bash
# Makes the reference manual in HTML from the headers, into build/manual/html; `make manual` calls it.
# Another header or place: MANUAL_HEADER, MANUAL_OUT.
# What the headers do not document, or refer to in vain, fails it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
header=${MANUAL_HEADER:-include/lovely_session.h}
out=${MANUAL_OUT:-build/manual}
new=$out.new
rm -rf "$out" "$new"
mkdir -p "$new"
# Of one interface: what is special about it.
manual() {
    {
        cat bindings/c/manual/Doxyfile
        echo "PROJECT_NUMBER = $version"
        echo "OUTPUT_DIRECTORY = $new"
        printf '%s\n' "$@"
    } >"$new/Doxyfile"
    doxygen "$new/Doxyfile" || {
        rm -rf "$new"
        echo "manual: the headers are not documented as they should be" >&2
        exit 1
    }
}
manual "INPUT = $header" "GENERATE_TAGFILE = $new/c.tag"
# Parameters of these are said by their names, and by the C functions that the text refers to.
manual 'INPUT = bindings/cpp bindings/c/lovely_session_easy.h' 'RECURSIVE = YES' 'USE_MDFILE_AS_MAINPAGE = bindings/cpp/README.md' \
    'HTML_OUTPUT = html/cpp' "TAGFILES = $new/c.tag=.." 'OPTIMIZE_OUTPUT_FOR_C = NO' 'EXTRACT_STATIC = YES' 'WARN_NO_PARAMDOC = NO' \
    'EXCLUDE_SYMBOLS = lovely::detail lovely::detail::*'
rm "$new/c.tag"
rm "$new/Doxyfile"
mv "$new" "$out"
echo "manual: $out/html/index.html"
