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
for try in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 20000))
    taskset -c "$cpu" memcached -l 127.0.0.1 -p "$port" -U 0 -t 1 -m 64 -u "$(id -un)" &
    server=$!
    sleep 0.5
    kill -0 "$server" 2>/dev/null && break
    [ "$try" = 10 ] && { echo "no memcached could be started" >&2; exit 1; }
done
trap 'kill "$server"' EXIT
memcached -V
echo "pinned to CPU $cpu"
taskset -c "$cpu" build/cycle 127.0.0.1 "$port" "$@"
