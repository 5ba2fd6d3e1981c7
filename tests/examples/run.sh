#!/usr/bin/env bash
# Builds the examples of C and C++, runs them and looks at what they print; drives the shop with curl. As they are, under ASan
# and UBSan, and under valgrind; on memory:// and on a memcached of its own. `make lib` comes before. Settings: LIB.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lib=$PWD/${LIB:-build/lib}
work=$PWD/build/examples
warnings=(-Wall -Wextra -pedantic -Werror -Wshadow)
includes=(-Iinclude -Ibindings/c -Ibindings/cpp)
link=("-L$lib" -llovely_session "-Wl,-rpath,$lib" -lpthread)
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
memcheck=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --fair-sched=yes)
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$work"
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
# shellcheck source=tests/examples/shop.sh
. tests/examples/shop.sh
trap 'kill "$memcached_process" $server 2>/dev/null' EXIT

# Compares what a program prints with a file: what, file, command.
prints() {
    local what=$1 expected=$2
    shift 2
    if "$@" >"$work/out" 2>"$work/err" && diff -u "$expected" "$work/out" >>"$work/err"; then good "$what"; else bad "$what" "$work/err"; fi
}

echo "== build"
for kind in plain sanitized; do
    mkdir -p "$work/$kind"
    extra=(-g) && [[ $kind == plain ]] || extra=(-g -O1 "${sanitizers[@]}")
    for example in first login tour; do
        check "$example.c, $kind" cc -std=c11 "${warnings[@]}" "${extra[@]}" "${includes[@]}" "examples/$example.c" \
            -o "$work/$kind/$example" "${link[@]}"
    done
    check "two_phase.c, $kind" cc -std=c11 "${warnings[@]}" "${extra[@]}" "${includes[@]}" examples/two_phase.c \
        -o "$work/$kind/two_phase" "${link[@]}" -lsqlite3
    check "first.cpp, $kind" c++ -std=c++17 "${warnings[@]}" "${extra[@]}" "${includes[@]}" examples/first.cpp \
        -o "$work/$kind/first-cpp" "${link[@]}"
    # shellcheck disable=SC2046
    check "server.cpp, $kind" c++ -std=c++17 "${warnings[@]}" "${extra[@]}" "${includes[@]}" examples/server.cpp \
        $(pkg-config --cflags cpp-httplib) -o "$work/$kind/server" "${link[@]}" $(pkg-config --libs cpp-httplib)
done

echo "== first, tour, login and two_phase"
echo "items in the cart: 1" >"$work/first.txt"
for run in plain sanitized valgrind; do
    tool=() && kind=$run
    [[ $run != valgrind ]] || { tool=("${memcheck[@]}") && kind=plain; }
    for program in first first-cpp; do prints "$program, $run" "$work/first.txt" "${tool[@]}" "$work/$kind/$program"; done
    prints "tour, $run" examples/tour.txt "${tool[@]}" "$work/$kind/tour"
    prints "login, $run" examples/login.txt "${tool[@]}" "$work/$kind/login"
    prints "login on memcached, $run" examples/login.txt "${tool[@]}" "$work/$kind/login" "$memcached_url/login-$run"
    prints "two_phase, $run" examples/two_phase.txt "${tool[@]}" "$work/$kind/two_phase"
    prints "two_phase on memcached, $run" examples/two_phase.txt "${tool[@]}" "$work/$kind/two_phase" "$memcached_url/two-phase-$run"
done

echo "== the shop"
if start_shop "$work/plain/server" --port 0 "$memcached_url/shop"; then
    drive memcached 50
    id=$(set_cookie -d item=apples "$base/cart" | sed 's/^shop=//; s/;.*//')
    stop_shop memcached
    if start_shop "$work/plain/server" --secure --port 0 "$memcached_url/shop"; then
        check "a session outlives the shop" is "$(cart "$id")" '{"cart":{"apples":1},"user":null}'
        check "--secure" grep -q '; Secure$' <(set_cookie -d item=a "$base/cart")
        kill "$memcached_process"
        wait "$memcached_process" 2>/dev/null
        # contract 6.1: an outage is no empty cart
        check "without memcached it says so" is "$(request -o /dev/null -w '%{http_code}' -b "shop=$id" "$base/cart")" 503
        check "the log names no id" test -z "$(grep -F "$id" "$shop_log")"
        stop_shop "--secure"
    fi
fi
if start_shop "$work/sanitized/server" --port 0; then
    drive sanitized 50
    stop_shop sanitized
fi
if start_shop "${memcheck[@]}" "$work/plain/server" --port 0; then
    drive valgrind 8
    stop_shop valgrind
fi

echo "examples: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
