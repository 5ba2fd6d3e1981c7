#!/usr/bin/env bash
# Compares what sessions cost a request of a Go server with gorilla/sessions and scs over gomemcache, pinned with a memcached of
# its own to one CPU. `make bench-go` calls it, after `make lib`. Arguments go on to bindings/go/bench/request.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mkdir -p build
go -C bindings/go/bench build -tags lovely_tree -o "$PWD/build/bench-request" ./request
cpu=${CPU:-$(taskset -cp $$ | sed 's/.*[ ,-]//')}
taskset -cp "$cpu" $$ >/dev/null
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached -t 1 -m 256
echo "pinned to CPU $cpu, with $(memcached -V)"
build/bench-request -server "127.0.0.1:$memcached_port" "$@"
