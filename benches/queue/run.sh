#!/usr/bin/env bash
# Builds and runs queue.c against a memcached of its own, on all CPUs. An argument goes on to it: seconds for each line.
#
# `make bench-queue` calls it. Needs memcached, libmemcached (libmemcached-dev), a C compiler, and the release library, which
# it builds unless `LIB` names the directory of one. With strace it also counts the calls that send.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${CARGO_TARGET_DIR:-target}
if [ -z "${LIB:-}" ]; then
    cargo build --release --locked
    LIB=$out/release
fi
mkdir -p build
cc -std=c11 -O2 -Wall -Wextra -Iinclude benches/queue/queue.c -o build/queue "$LIB/liblovely_session.a" \
    -lmemcached -lpthread -lm -ldl

# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached -t 2 -m 64 -c 4096
memcached -V
echo "on $(nproc) CPUs, 2 KiB"
build/queue 127.0.0.1 "$memcached_port" "$@"
if command -v strace >/dev/null; then
    for mode in hold cork; do
        strace -f -c -o build/queue.strace -e trace=sendmsg,recvfrom,epoll_wait,write,read,epoll_ctl,timerfd_settime \
            build/queue 127.0.0.1 "$memcached_port" one "$mode" 64 6400
        awk -v mode="$mode" '$NF ~ /^[a-z_]+$/ && $4 ~ /^[0-9]+$/ && $NF != "total" && $NF != "syscall" {
            line = line sprintf(" %s %.3f", $NF, $4 / 6400) } END {
            print "calls a cycle of 64 visitors, " mode ":" line }' build/queue.strace
    done
fi
