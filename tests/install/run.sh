#!/usr/bin/env bash
# Installs into a directory outside of the tree, and builds C and C++ programs against what is there: pkg-config and CMake,
# shared and static; runs each on memory:// and on a memcached of its own. Then it looks at what else `make install` promises.
# `make lib` comes before. Settings: LIB (where the libraries are), CARGO_TARGET_DIR.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=$PWD/tests/install
warnings=(-Wall -Wextra -pedantic -Werror)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
outside=$(mktemp -d)
work=$outside
# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh
trap 'kill "$memcached_process" 2>/dev/null; rm -rf "$outside"' EXIT

# Runs a program on both stores, each time a new one: name, program.
number=0
runs() {
    local store
    number=$((number + 1))
    for store in "memory://install-$number" "$memcached_url/install-$number"; do
        check "$1 on ${store%%:*}" says "$version 2" "$2" "$store"
    done
}
says() {
    local expected=$1 found
    shift
    found=$("$@") || return 1
    [[ $found == "$expected" ]] || { echo "$found, not $expected" && return 1; }
}
# Whether a program needs the shared library.
needs_shared() { readelf -d "$1" | grep 'NEEDED.*liblovely_session\.so\.0' >/dev/null; }
needs_none() { ! needs_shared "$1"; }

echo "== make install"
stage=$outside/stage
# No cargo: what is built is installed as it is.
check "without cargo" make --no-print-directory install PREFIX=/opt/lovely "DESTDIR=$stage" CARGO=false PATH="$here/no-cargo:$PATH"
root=$stage/opt/lovely
export LD_LIBRARY_PATH=$root/lib
for file in include/lovely_session.{h,hpp} lib/liblovely_session.{a,so,so.0,"so.$version"} lib/pkgconfig/lovely_session.pc \
    lib/cmake/LovelySession/LovelySessionConfig{,Version}.cmake share/doc/lovely-session/html/{,cpp/}index.html; do
    check "$file" test -s "$root/$file"
done
check "links are relative" test "$(readlink "$root/lib/liblovely_session.so.0")" = "liblovely_session.so.$version"
no_paths() { ! grep -rlE "$stage|$PWD|/opt/lovely" "$root/lib/cmake" "$root/include" "$root/share"; }
check "no absolute path in headers, CMake files and manual" no_paths

echo "== pkg-config"
export PKG_CONFIG_PATH=$root/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage
flags() { pkg-config "$@" lovely_session; }
mkdir -p "$outside/pkg" && cp "$here"/program.* "$outside/pkg"
# Name, compiler, source, what comes before and after the flags of the library.
built() {
    local name=$1 compiler=$2 source=$3
    shift 3
    # shellcheck disable=SC2046
    (cd "$outside/pkg" && $compiler "${warnings[@]}" $(flags --cflags) "$source" -o "$name" "$@") >"$outside/log" 2>&1 || {
        bad "$name does not build" "$outside/log"
        return
    }
    case $name in *shared) check "$name uses the shared library" needs_shared "$outside/pkg/$name" ;; *) check "$name does not" needs_none "$outside/pkg/$name" ;; esac
    runs "$name" "$outside/pkg/$name"
}
check "the version" test "$(flags --modversion)" = "$version"
# shellcheck disable=SC2046
for language in c cpp; do
    case $language in c) compiler="cc -std=c11" ;; cpp) compiler="c++ -std=c++17" ;; esac
    built "$language-shared" "$compiler" "program.$language" $(flags --libs)
    # Our part static, the system's shared; and all of it static.
    built "$language-static" "$compiler" "program.$language" -Wl,-Bstatic $(flags --libs) -Wl,-Bdynamic $(flags --libs --static)
    built "$language-all-static" "$compiler" "program.$language" -static $(flags --libs --static)
done

echo "== CMake"
mkdir -p "$outside/cmake" && cp "$here"/program.* "$here/cmake/CMakeLists.txt" "$outside/cmake"
# Moved as a whole: nothing in it may know where it was.
mkdir -p "$outside/moved" && cp -a "$root" "$outside/moved/"
check "configures" cmake -S "$outside/cmake" -B "$outside/cmake/build" "-DCMAKE_PREFIX_PATH=$outside/moved/lovely" \
    -DCMAKE_C_FLAGS="${warnings[*]}" -DCMAKE_CXX_FLAGS="${warnings[*]}"
check "builds" cmake --build "$outside/cmake/build" -j 2
for program in c_lovely_session cpp_lovely_session; do
    check "$program uses the shared library" needs_shared "$outside/cmake/build/$program"
    check "${program}_static does not" needs_none "$outside/cmake/build/${program}_static"
    runs "$program" "$outside/cmake/build/$program"
    runs "${program}_static" "$outside/cmake/build/${program}_static"
done
# Whether find_package takes a version.
takes() {
    mkdir -p "$outside/version" && cat >"$outside/version/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.19)
project(version C)
find_package(LovelySession $1 QUIET)
if(NOT LovelySession_FOUND)
    message(FATAL_ERROR "refused")
endif()
CMAKE
    rm -rf "$outside/version/build"
    cmake -S "$outside/version" -B "$outside/version/build" "-DCMAKE_PREFIX_PATH=$root"
}
refuses() { ! takes "$1"; }
series=${version%.*}
check "takes $version" takes "$version EXACT"
check "takes $series" takes "$series"
check "takes a range" takes "$series...1.0"
check "refuses the next minor" refuses "0.99"
check "refuses an older minor, while the major is 0" refuses "0.0.9"
check "refuses the next major" refuses "1.0"
without_library() {
    mkdir -p "$outside/partial" && cp -a "$root" "$outside/partial/" && rm "$outside/partial/lovely/lib/liblovely_session.a"
    cmake -S "$outside/cmake" -B "$outside/partial/build" "-DCMAKE_PREFIX_PATH=$outside/partial/lovely" >"$outside/said" 2>&1
    tr -s '\n ' ' ' <"$outside/said" | grep 'liblovely_session.a, a part of the package, is not there' >/dev/null
}
check "says what is missing" without_library

echo "== other directories, and uninstall"
multiarch=$outside/multiarch
settings=(PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu INCLUDEDIR=/usr/include/lovely "DESTDIR=$multiarch")
check "installs there" make --no-print-directory install "${settings[@]}"
check "pkg-config follows the prefix" grep -qxF 'libdir=${prefix}/lib/x86_64-linux-gnu' "$multiarch/usr/lib/x86_64-linux-gnu/pkgconfig/lovely_session.pc"
check "CMake finds it" cmake -S "$outside/cmake" -B "$outside/cmake/multiarch" "-DCMAKE_PREFIX_PATH=$multiarch/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu
check "uninstalls" make --no-print-directory uninstall "${settings[@]}"
nothing_left() { [[ -z $(find "$multiarch" ! -type d) ]]; }
check "nothing is left" nothing_left
check "GNU names count too" make --no-print-directory install prefix=/usr libdir=/usr/lib64 "DESTDIR=$outside/gnu"
check "libdir" test -e "$outside/gnu/usr/lib64/liblovely_session.so.$version"
refuses_relative() { ! make --no-print-directory install PREFIX=opt "DESTDIR=$outside/relative"; }
check "refuses a relative prefix" refuses_relative
refuses_stale() {
    mkdir "$outside/old" && cp -P "${LIB:-build/lib}"/liblovely_session.* "$outside/old" && touch -d 2000-01-01 "$outside/old/liblovely_session.a"
    ! make --no-print-directory install "LIB=$outside/old" "DESTDIR=$outside/stale"
}
check "refuses a library that is older than its sources" refuses_stale

echo "== what stands twice"
# What rustc says that a static library of this crate needs, but for what every C compiler adds by itself.
native_libs() {
    local deps=${CARGO_TARGET_DIR:-target}/debug/deps rlib
    rlib=$(ls -t "$deps"/liblovely_session-*.rlib 2>/dev/null | head -n 1)
    [[ -n $rlib ]] || { cargo build --quiet --locked --lib && rlib=${CARGO_TARGET_DIR:-target}/debug/liblovely_session.rlib; }
    echo 'pub use lovely_session as inside;' >"$outside/all.rs"
    rustc --edition 2024 --crate-type staticlib --crate-name all --extern "lovely_session=$rlib" -L "dependency=$deps" \
        --print native-static-libs -o "$outside/liball.a" "$outside/all.rs" 2>&1 |
        sed -n 's/^note: native-static-libs: //p' | tr ' ' '\n' | grep -vxE -e '-lgcc_s|-lc' | awk '!seen[$0]++' | paste -sd ' '
}
check "the native libraries are those that rustc names" test "$(native_libs)" = "$(cat bindings/c/native-libs)"
fails_undocumented() {
    sed 's,^ \* `key`\, `key_len`: see "Text".$, *,' include/lovely_session.h >"$outside/lovely_session.h"
    ! cmp -s include/lovely_session.h "$outside/lovely_session.h" &&
        ! MANUAL_HEADER=$outside/lovely_session.h MANUAL_OUT=$outside/manual tools/manual.sh
}
check "a parameter without a word fails the manual" fails_undocumented

echo "install: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
