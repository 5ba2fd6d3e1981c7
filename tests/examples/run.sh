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
passed=0 failed=0
mkdir -p "$work"
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
server=
trap 'kill "$memcached_process" $server 2>/dev/null' EXIT

good() { passed=$((passed + 1)) && echo "  $1"; }
bad() {
    failed=$((failed + 1))
    echo "  FAILED $1"
    [[ -z ${2:-} ]] || sed 's/^/    /' "$2" | head -n 40
}
check() {
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then good "$what"; else bad "$what" "$work/log"; fi
}
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

# Starts the shop on a free port: the command. Sets base and server.
start_shop() {
    : >"$work/shop.log"
    "$@" >"$work/shop.log" 2>&1 &
    server=$!
    for _ in {1..300}; do
        base=$(sed -n 's/^listening on //p' "$work/shop.log")
        [[ -z $base ]] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    bad "the shop does not start" "$work/shop.log"
    return 1
}
stop_shop() {
    kill -TERM "$server"
    wait "$server"
    local status=$?
    server=
    [[ $status -eq 0 ]] && good "$1: the shop ends clean" || bad "$1: the shop ends with $status" "$work/shop.log"
}
# What curl is told, and the session id in a jar.
request() { curl -sS --max-time 60 "$@"; }
jar_id() { awk '$6 == "shop" { print $7 }' "$1" 2>/dev/null; }
cart() { request -b "shop=$1" "$base/cart"; }
is() { [[ $1 == "$2" ]] || { echo "$1, not $2" && return 1; }; }
set_cookie() { request -o "$work/body" -D - "$@" | tr -d '\r' | sed -n 's/^Set-Cookie: //p'; }

# A visitor's way through the shop: name of the run, how many requests at once.
drive() {
    local run=$1 many=$2 jar=$work/jar guest user status header
    rm -f "$jar"
    check "$run: looking sets no cookie" is "$(set_cookie "$base/")" ""
    check "$run: nothing is in the cart" is "$(cart '')" '{"cart":{},"user":null}'
    request -o /dev/null -c "$jar" -d item=apples "$base/cart"
    guest=$(jar_id "$jar")
    check "$run: a cart has a session" is "$(cart "$guest")" '{"cart":{"apples":1},"user":null}'
    check "$run: which keeps its id" is "$(set_cookie -b "shop=$guest" -d item=apples "$base/cart")" ""
    seq "$many" | xargs -P "$many" -I @ curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' -b "shop=$guest" -d item=pears "$base/cart" |
        sort | uniq -c | tr -s ' ' >"$work/codes"
    check "$run: $many requests at once are all answered" is "$(cat "$work/codes")" " $many 303"
    check "$run: and all counted" is "$(cart "$guest")" "{\"cart\":{\"apples\":2,\"pears\":$many},\"user\":null}"

    header=$(set_cookie -b "shop=$guest" --data-urlencode 'user=Ann <b>' "$base/signin")
    user=$(sed -n 's/^shop=\([^;]*\);.*/\1/p' <<<"$header")
    check "$run: the flags of the cookie" is "${header#*; }" "Path=/; HttpOnly; SameSite=Lax"
    check "$run: signing in gives another id" test -n "$user" -a "$user" != "$guest"
    check "$run: and keeps the cart" is "$(cart "$user")" "{\"cart\":{\"apples\":2,\"pears\":$many},\"user\":\"Ann <b>\"}"
    check "$run: the old id is worth nothing" is "$(cart "$guest")" '{"cart":{},"user":null}'
    check "$run: the page is escaped" grep -q 'Hello, Ann &lt;b&gt;' <(request -b "shop=$user" "$base/")

    # contract 5.5: an id that somebody planted is not taken over
    local planted=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    header=$(set_cookie -b "shop=$planted" -d user=eve "$base/signin")
    check "$run: a planted id is answered with a fresh one" test -n "$header" -a "${header#shop=$planted}" = "$header"
    check "$run: and nothing stands under it" is "$(cart "$planted")" '{"cart":{},"user":null}'
    status=$(request -o /dev/null -w '%{http_code}' -b "shop=$(printf 'x%.0s' {1..4000})" -d item=plums "$base/cart")
    check "$run: a cookie of 4,000 characters is just unknown" is "$status" 303
    for wrong in user= "user=$(printf 'x%.0s' {1..200})" user=%ff; do
        status=$(request -o /dev/null -w '%{http_code}' -d "$wrong" "$base/signin")
        check "$run: ${wrong:0:20} is refused" is "$status" 400
    done
    for wrong in item= 'item=a&count=0' 'item=a&count=1x' 'item=a&count=99999999999'; do
        status=$(request -o /dev/null -w '%{http_code}' -d "$wrong" "$base/cart")
        check "$run: $wrong is refused" is "$status" 400
    done

    header=$(set_cookie -b "shop=$user" -d '' "$base/signout")
    check "$run: signing out takes the cookie away" is "$header" "shop=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
    check "$run: and ends the session" is "$(cart "$user")" '{"cart":{},"user":null}'
    header=$(set_cookie -b "shop=$user" -d item=plums "$base/cart")
    check "$run: which nothing brings back" test "${header#shop=$user}" = "$header" -a -n "$header"
}

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
        check "the log names no id" test -z "$(grep -F "$id" "$work/shop.log")"
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
