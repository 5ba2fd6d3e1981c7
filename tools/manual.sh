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
{
    cat bindings/c/manual/Doxyfile
    echo "PROJECT_NUMBER = $version"
    echo "OUTPUT_DIRECTORY = $new"
    echo "INPUT = $header"
} >"$new/Doxyfile"
doxygen "$new/Doxyfile" || {
    rm -rf "$new"
    echo "manual: the headers are not documented as they should be" >&2
    exit 1
}
rm "$new/Doxyfile"
mv "$new" "$out"
echo "manual: $out/html/index.html"
