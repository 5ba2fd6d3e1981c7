#!/usr/bin/env bash
# Runs the tour on the store that STORE names; `make demo` calls it after building.
#
#   STORE=memcached               starts a memcached on a free port, and stops it afterwards
#   STORE=memcached://HOST:PORT   one that is there; without a prefix of the caller's, each run has its own
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

store=${STORE:-memory://tour}

# shellcheck source=tools/memcached.sh
. tools/memcached.sh

case $store in
memcached)
    start_memcached
    url=$memcached_url/tour
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
