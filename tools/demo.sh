#!/usr/bin/env bash
# Runs the tour on the store that STORE names; `make demo` calls it after building.
#
#   STORE=memcached               starts a memcached on a free port, and stops it afterwards
#   STORE=memcached://HOST:PORT   one that is there; without a prefix of the caller's, each run has its own
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

store=${STORE:-memory://tour}

# Sets url to that of a memcached that was started, and server to its process.
start_memcached() {
    local port _
    for _ in {1..20}; do
        port=$((20000 + RANDOM % 30000))
        # Root is refused without a user; `-u` counts for nobody else.
        memcached -l 127.0.0.1 -p "$port" -U 0 -u "$(id -un)" 2>/dev/null &
        server=$!
        for _ in {1..50}; do
            if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$server" 2>/dev/null; then
                url=memcached://127.0.0.1:$port/tour
                return
            fi
            kill -0 "$server" 2>/dev/null || break
            sleep 0.05
        done
        kill "$server" 2>/dev/null || true
    done
    echo "demo: no memcached could be started" >&2
    exit 1
}

case $store in
memcached)
    start_memcached
    trap 'kill "$server"' EXIT
    ;;
memcached://*/* | memcached+unix://*\?*prefix=* | memory://* | "") url=$store ;;
memcached://*\?*) url=${store%%\?*}/tour-$$?${store#*\?} ;;
memcached://*) url=$store/tour-$$ ;;
memcached+unix://*\?*) url="$store&prefix=tour-$$" ;;
memcached+unix://*) url="$store?prefix=tour-$$" ;;
*) url=$store ;;
esac
echo "+ build/tour $url"
build/tour "$url"
