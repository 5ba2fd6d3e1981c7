#!/usr/bin/env bash
# Makes the reference manual in HTML from the headers, into build/manual/html; `make manual` calls it.
# What the headers do not document, or refer to in vain, fails it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
rm -rf build/manual
mkdir -p build
{
    cat bindings/c/manual/Doxyfile
    echo "PROJECT_NUMBER = $version"
    echo "OUTPUT_DIRECTORY = build/manual.new"
} >build/Doxyfile
rm -rf build/manual.new
mkdir -p build/manual.new
doxygen build/Doxyfile || {
    rm -rf build/manual.new
    echo "manual: the headers are not documented as they should be" >&2
    exit 1
}
mv build/manual.new build/manual
echo "manual: build/manual/html/index.html"
