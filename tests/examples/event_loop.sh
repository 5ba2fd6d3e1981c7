#!/usr/bin/env bash
# examples/event_loop.c under load: `wrk` with 256 connections, every visit counted exactly once; and clients that leave at any
# moment, under ASan and UBSan, and under valgrind. On a memcached of its own. `make lib` comes before.
#
#   tests/examples/event_loop.sh [SECONDS]      of the load, else 5
#
# Settings: LIB.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-5}
connections=256
visitors=100
here=tests/examples
lib=$PWD/${LIB:-build/lib}
work=$PWD/build/event-loop
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
memcheck=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect)
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$work"
# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached -c 4096
server=
trap 'kill "$memcached_process" $server 2>/dev/null' EXIT

is_between() { [[ $1 -le $2 && $2 -le $3 ]] || { echo "$2 is not between $1 and $3" && return 1; }; }

# Starts the server: name of the run, command. Sets server, base, and idle, the descriptors that it has without clients.
start_server() {
    local run=$1
    shift
    # Other tests may take all of the machine for a while.
    "$@" 0 "$memcached_url/$run?exchange_timeout=30000&commit_timeout=60000&connect_timeout=30000" >"$work/out" 2>"$work/err" &
    server=$!
    for _ in {1..300}; do
        base=$(sed -n 's/^\(http.*\)\/$/\1/p' "$work/out")
        if [[ -n $base ]]; then
            visit nobody >/dev/null
            idle=$(descriptors)
            return 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    check "$run: it starts" false
    return 1
}
descriptors() { find "/proc/$server/fd" -mindepth 1 2>/dev/null | wc -l; }
visit() { curl -sS --max-time 120 -b "id=$1" "$base/"; }

# Waits until all clients have gone, ends the server, and sets visits to what it has counted: name of the run.
stop_server() {
    for _ in {1..300}; do
        [[ $(descriptors) -gt $idle ]] || break
        sleep 0.1
    done
    kill "$server"
    local status=0
    wait "$server" || status=$?
    server=
    check "$1: it ends well" test "$status" -eq 0
    check "$1: and has nothing to complain of" test ! -s "$work/err"
    [[ ! -s $work/err ]] || head -n 20 "$work/err"
    visits=$(sed -n 's/ visits$//p' "$work/out")
}

# Sets stored to what the sessions of all visitors have counted, and asked to how often they were asked that, which counts too.
add_up() {
    local visitor n
    stored=0 asked=0
    for ((visitor = 0; visitor < visitors; visitor++)); do
        n=$(visit "visitor-$visitor")
        stored=$((stored + n)) asked=$((asked + 1))
    done
}

# wrk: name of the run, connections, seconds. Sets answered to what it got.
load() {
    local run=$1 many=$2 time=$3
    wrk -t 2 -c "$many" -d "${time}s" --timeout 60s -s "$here/visitors.lua" "$base" >"$work/wrk" 2>&1
    answered=$(sed -n 's/^answered \([0-9]*\) .*/\1/p' "$work/wrk")
    answered=${answered:-0}
    check "$run: no request has failed" grep -q '^answered [0-9]* failed 0$' "$work/wrk"
    echo "    $answered visits in $time s on $many connections"
}

# Nothing is stored but what the server committed; wrk heard of all that, but for what was under way when it stopped: one
# request on each connection at most, and, of clients that left, whatever the last argument says.
add_up_and_stop() {
    local run=$1 many=$2 unheard=${3:-0}
    add_up
    stop_server "$run"
    # The visit of nobody, at the start, is no visitor's.
    check "$run: what was committed is stored, exactly once" is_between $((visits - 1)) "$stored" $((visits - 1))
    check "$run: and was answered, but for what was under way" \
        is_between "$answered" $((stored - asked)) $((answered + many + unheard))
}

echo "== build"
compile=(cc -std=c11 -Wall -Wextra -pedantic -Werror -Wshadow -g -O1 -Iinclude examples/event_loop.c)
link=("-L$lib" -llovely_session "-Wl,-rpath,$lib")
check "event_loop.c" "${compile[@]}" -o "$work/plain" "${link[@]}"
check "event_loop.c, sanitized" "${compile[@]}" "${sanitizers[@]}" -o "$work/sanitized" "${link[@]}"

echo "== visits"
if start_server load "$work/plain"; then
    load load "$connections" "$seconds"
    check "load: something was visited" test "$answered" -gt "$connections"
    add_up_and_stop load "$connections"
fi

echo "== clients that leave"
for run in sanitized valgrind; do
    tool=() && program=$run many=$connections
    [[ $run != valgrind ]] || { tool=("${memcheck[@]}") && program=plain many=32; }
    if start_server "$run" "${tool[@]}" "$work/$program"; then
        python3 "$here/leaving.py" "${base##*:}" "$visitors" 2 >"$work/left" 2>&1 &
        leaving=$!
        load "$run" "$many" 2
        check "$run: clients have left" wait "$leaving"
        unheard=$(sed -n 's/^\([0-9]*\) requests.*/\1/p' "$work/left")
        sed 's/^/    /' "$work/left"
        add_up_and_stop "$run" "$many" "${unheard:-0}"
    fi
done

echo "event loop: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
