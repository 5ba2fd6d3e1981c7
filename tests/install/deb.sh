#!/usr/bin/env bash
# Makes the Debian packages and looks at them; then installs them on this machine for a moment, builds programs against them as
# a user would, and purges them, after which nothing is left. It needs Debian and root, or sudo that asks for no password.
# `make lib` comes before.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=$PWD/tests/install
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soversion=${version%%.*}
packages=("liblovely-session$soversion" liblovely-session-dev)
work=$(mktemp -d)
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
is_installed=
as_root=()
leave() {
    kill "$memcached_process" 2>/dev/null
    [[ -z $is_installed ]] || "${as_root[@]}" dpkg --purge "${packages[@]}" >/dev/null 2>&1
    rm -rf "$work"
}
trap leave EXIT

# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh
# grep reads to the end: what writes to it must not be stopped half-way, which counts as a failure.
has() { dpkg-deb -c "$1" | awk '{ print $6 }' | grep -xE "\./$2" >/dev/null; }
has_not() { ! has "$@"; }
is() { [[ $1 == "$2" ]] || { echo "$1, not $2" && return 1; }; }
field() { dpkg-deb -f "$1" "$2"; }

echo "== make deb"
check "without cargo" make --no-print-directory deb PATH="$here/no-cargo:$PATH"
runtime=$(echo build/deb/liblovely-session"$soversion"_*.deb)
dev=$(echo build/deb/liblovely-session-dev_*.deb)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
check "the runtime package has the library and its SONAME" has "$runtime" "usr/lib/$multiarch/liblovely_session.so.$soversion"
check "and nothing of the other" has_not "$runtime" 'usr/(include.*|.*\.a|.*\.pc|.*\.so)'
for file in include/lovely_session.h include/lovely_session_easy.h include/lovely_session.hpp "lib/$multiarch/liblovely_session.a" \
    "lib/$multiarch/liblovely_session.so" "lib/$multiarch/pkgconfig/lovely_session.pc" \
    "lib/$multiarch/cmake/LovelySession/LovelySessionConfig.cmake" share/doc/liblovely-session-dev/html/index.html; do
    check "the other has $file" has "$dev" "usr/$file"
done
check "it needs the library of the same version" grep -qF "liblovely-session$soversion (= $(field "$dev" Version))" <(field "$dev" Depends)
check "the library needs what dpkg found in it" grep -q '^libc6 (>= ' <(field "$runtime" Depends)
# The address is for whoever gives the packages out to set, in DEBEMAIL.
check "lintian has no errors to show" lintian --fail-on error --allow-root --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$runtime" "$dev"

echo "== install, build, purge"
if dpkg -s "${packages[0]}" >/dev/null 2>&1; then
    echo "deb: ${packages[0]} is installed on this machine already, and is left alone" >&2
    check "the machine is free for the test" false
else
    [[ $(id -u) -eq 0 ]] || as_root=(sudo -n)
    traces() { find /usr /etc /var/lib/dpkg/info -xdev \( -name '*lovely?session*' -o -name 'LovelySession*' \) -not -path "$PWD/*" 2>/dev/null | sort; }
    before=$(traces)
    is_installed=yes
    check "they install" "${as_root[@]}" dpkg -i "$runtime" "$dev"
    cp "$here"/program.* "$here/cmake/CMakeLists.txt" "$work"
    for language in c cpp; do
        case $language in c) compiler="cc -std=c11" ;; cpp) compiler="c++ -std=c++17" ;; esac
        for kind in "" --static; do
            # shellcheck disable=SC2046,SC2086
            check "$language, pkg-config $kind" $compiler -Wall -Wextra -pedantic -Werror "$work/program.$language" -o "$work/$language$kind" \
                ${kind:+-static} $(env -u PKG_CONFIG_PATH pkg-config --cflags --libs $kind lovely_session)
            for store in memory://deb "$memcached_url/deb-$language$kind"; do
                check "runs on ${store%%:*}" is "$(env -u LD_LIBRARY_PATH "$work/$language$kind" "$store")" "$version 2"
            done
        done
    done
    check "CMake finds them" cmake -S "$work" -B "$work/build"
    check "its programs build" cmake --build "$work/build" -j 2
    check "and run" is "$(env -u LD_LIBRARY_PATH "$work/build/cpp_lovely_session" memory://deb)" "$version 2"
    mkdir "$work/debian" && printf 'Source: x\n\nPackage: x\nArchitecture: any\n' >"$work/debian/control"
    depends=$(cd "$work" && dpkg-shlibdeps -O "$work/c")
    check "a program's package depends on the library's" grep -qF "liblovely-session$soversion (>= ${version%.*})" <<<"$depends"
    check "they purge" "${as_root[@]}" dpkg --purge "${packages[@]}"
    is_installed=
    check "nothing is left" is "$(traces)" "$before"
    gone() { ! ldconfig -p | grep liblovely_session >/dev/null; }
    check "nor in the loader's cache" gone
fi

echo "deb: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
