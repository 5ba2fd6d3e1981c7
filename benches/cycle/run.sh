#!/usr/bin/env bash
# Builds and runs cycle.c against a memcached of its own, both pinned to one CPU. Arguments go on to it: runs, cycles.
#
# `make bench-cycle` calls it. Needs memcached, libmemcached (libmemcached-dev), a C compiler, and the release library, which
# it builds unless `LIB` names the directory of one.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${CARGO_TARGET_DIR:-target}
if [ -z "${LIB:-}" ]; then
    cargo build --release --locked
    LIB=$out/release
fi
mkdir -p build
cc -std=c11 -O2 -Wall -Wextra -Iinclude benches/cycle/cycle.c -o build/cycle "$LIB/liblovely_session.a" \
    -lmemcached -lpthread -lm -ldl

# One that several CPUs share would be placed now here, now there: timings would have two values.
cpu=${CPU:-$(taskset -cp $$ | sed 's/.*[ ,-]//')}
taskset -cp "$cpu" $$ >/dev/null
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached -t 1 -m 64
memcached -V
echo "pinned to CPU $cpu"
build/cycle 127.0.0.1 "$memcached_port" "$@"
