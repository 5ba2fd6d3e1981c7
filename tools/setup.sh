#!/usr/bin/env bash
# Installs what is missing: the one list of what this project needs beside Rust and git.
#
#   tools/setup.sh make|demo|memcached|manual|deb|test|ruby|bench-ruby|bench-cycle
#
# what `make`, `make demo` (on memcached), `make manual`, `make test`, `make test-ruby`, `make bench-ruby` or `make bench-cycle` needs.
#
# If nothing is missing, nothing is installed and nothing is fetched. What cannot be installed is named, with the way to
# install it by hand, and the exit status is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:?make, demo, memcached, manual, deb, test, ruby, bench-ruby or bench-cycle}

# For whom; what is looked for (a command, or a probe below); the Debian packages that have it; what for.
needs() {
    sed 's/ *| */|/g' <<'LIST'
make       | make             | make                  | the front door
demo test bench-cycle  | cc               | gcc libc6-dev         | Rust's linker, and the C examples
demo test bench-cycle  | probe_c          | gcc libc6-dev         | the headers of C
memcached test bench-ruby ruby bench-cycle | memcached    | memcached             | the server that sessions are kept on
bench-cycle | probe_libmemcached | libmemcached-dev    | what is compared with
manual test | doxygen         | doxygen               | the reference manual
ruby test bench-ruby | ruby             | ruby                  | the gem
ruby test bench-ruby | probe_ffi        | ruby-ffi              | its way to the C functions
ruby test bench-ruby | probe_msgpack    | ruby-msgpack          | how it hands over lists and maps
ruby test  | probe_minitest   | ruby-minitest         | its tests
ruby test bench-ruby | probe_rack       | ruby-rack             | the middleware of Rack
bench-ruby | probe_dalli     | ruby-dalli ruby-connection-pool | what is compared with
ruby test  | probe_rails      | ruby-railties ruby-actionpack | the session store of Rails, in a real application
ruby test  | puma             | puma                  | a server of several processes
ruby test  | rubocop          | rubocop               | lints of Ruby
ruby test  | yard             | yard                  | its reference manual
test       | cmake            | cmake                 | programs that find the library by CMake
test       | pkg-config       | pkg-config            | programs that find it by pkg-config
deb test   | dpkg-shlibdeps   | dpkg-dev              | the packages for Debian
deb test   | strip            | binutils              | the same
test       | lintian          | lintian               | what Debian says about them
test       | curl             | curl                  | what drives the shop of the examples
test       | probe_httplib    | libcpp-httplib-dev    | what that shop serves HTTP with
test       | probe_sqlite     | libsqlite3-dev        | the example that commits together with SQL
test       | wrk              | wrk                   | the load on the event loop of the examples
test       | strace           | strace                | counting system calls
test       | gcc              | gcc libc6-dev         | C tests
test       | g++              | g++                   | the header under C++
test       | clang            | clang                 | the header under a second compiler
test       | clang++          | clang                 | the same for C++
test       | nm               | binutils              | the names that the library exports
test       | readelf          | binutils              | the library's own name
test       | probe_sanitizers | gcc libc6-dev         | C tests under ASan and UBSan
test       | python3          | python3               | the second implementation that the golden files are from
test       | valgrind         | valgrind              | C tests under valgrind
test       | probe_valgrind   | valgrind libc6-dbg    | the debug symbols without which valgrind does not start
LIST
}

# Builds and runs, with the options given, a C program that does nothing.
runs_c() {
    local dir status=0
    dir=$(mktemp -d)
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$dir/probe.c"
    { cc "$@" "$dir/probe.c" -o "$dir/probe" && ${RUNNER:-} "$dir/probe"; } </dev/null >/dev/null 2>&1 || status=1
    rm -rf "$dir"
    return $status
}
probe_c() { runs_c; }
probe_libmemcached() { [ -e /usr/include/libmemcached/memcached.h ]; }
has_gem() { ruby -e 'ARGV.each { |name| require name }' "$@" >/dev/null 2>&1; }
probe_ffi() { has_gem ffi; }
probe_msgpack() { has_gem msgpack; }
probe_minitest() { has_gem minitest; }
probe_rack() { has_gem rack rack/session/abstract/id; }
probe_dalli() { has_gem rack/session/dalli; }
probe_rails() { has_gem rails action_controller/railtie; }
probe_sqlite() { [ -e /usr/include/sqlite3.h ]; }
probe_httplib() { pkg-config --exists cpp-httplib 2>/dev/null; }
probe_sanitizers() { runs_c -fsanitize=address,undefined; }
probe_valgrind() { RUNNER="valgrind -q --error-exitcode=1" runs_c; }

is_there() {
    case $1 in
    probe_*) "$1" ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The lines of the list that are for $what and whose thing is not there.
missing() {
    local who thing packages why
    while IFS='|' read -r who thing packages why; do
        if [[ " $who " == *" $what "* ]] && ! is_there "$thing"; then
            printf '%s|%s|%s\n' "$thing" "$packages" "$why"
        fi
    done < <(needs)
}

complain() {
    printf 'setup: %s\n' "$@" >&2
}

install_packages() {
    local packages=("$@") as_root=()
    if ! command -v apt-get >/dev/null; then
        complain "this is no Debian; install by hand what Debian calls: ${packages[*]}"
        return 1
    fi
    if [[ $(id -u) -ne 0 ]]; then
        if ! command -v sudo >/dev/null; then
            complain "neither root nor sudo; run as root: apt-get update && apt-get install ${packages[*]}"
            return 1
        fi
        as_root=(sudo)
        # Without a terminal nobody can type a password: fail rather than wait for one.
        [[ -t 0 ]] || as_root+=(-n)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    echo "setup: installing ${packages[*]}"
    "${as_root[@]}" apt-get update -q </dev/null &&
        "${as_root[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}" </dev/null || {
        complain "could not be installed; try: apt-get update && apt-get install ${packages[*]}"
        return 1
    }
}

# The toolchain is not ours to choose: what it lacks is said, and only its own components are added.
check_rust() {
    local wanted found tool
    if ! command -v cargo >/dev/null; then
        complain "cargo is missing; install Rust, see https://www.rust-lang.org/tools/install"
        return 1
    fi
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | cut -d ' ' -f 2)
    if [[ $(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1) != "$wanted" ]]; then
        complain "Rust $found is older than $wanted, which Cargo.toml asks for; try: rustup update"
        return 1
    fi
    [[ $what == test ]] || return 0
    for tool in fmt clippy; do
        if ! cargo "$tool" --version >/dev/null 2>&1; then
            echo "setup: adding cargo $tool"
            rustup component add "${tool/fmt/rustfmt}" </dev/null || {
                complain "cargo $tool is missing; try: rustup component add ${tool/fmt/rustfmt}"
                return 1
            }
        fi
    done
    # What other systems are checked with. Without it they are not, which the tests say.
    if command -v rustup >/dev/null; then
        rustup target list --installed | grep -q apple-darwin ||
            rustup target add x86_64-unknown-freebsd x86_64-apple-darwin </dev/null || true
    fi
}

lacking=$(missing)
if [[ -n $lacking ]]; then
    while IFS='|' read -r thing packages why; do
        echo "setup: $thing is missing ($why)"
    done <<<"$lacking"
    mapfile -t packages < <(cut -d '|' -f 2 <<<"$lacking" | tr ' ' '\n' | sort -u)
    install_packages "${packages[@]}"
    lacking=$(missing)
    if [[ -n $lacking ]]; then
        while IFS='|' read -r thing packages why; do
            complain "$thing is still missing after installing $packages ($why)"
        done <<<"$lacking"
        exit 1
    fi
fi
[[ $what == make || $what == manual || $what == deb ]] || check_rust
