#!/usr/bin/env bash
# The shops in C++, Go and Ruby side by side on one memcached: a visitor goes from one to another, and each of them sees, changes
# and ends the same session. `make lib` comes before. Settings: LIB.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lib=$PWD/${LIB:-build/lib}
work=$PWD/build/shops
mkdir -p "$work"
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
# shellcheck source=tests/examples/shop.sh
. tests/examples/shop.sh
declare -A shop=() process=()
trap 'kill "$memcached_process" $server "${process[@]}" 2>/dev/null' EXIT
# What is installed counts.
export GOTOOLCHAIN=local RUBYLIB=$PWD/bindings/ruby/lib RUBYOPT='' LOVELY_SESSION_URL=$memcached_url/shops

echo "== build"
# shellcheck disable=SC2046
check "the shop in C++" c++ -std=c++17 -O1 -Iinclude -Ibindings/cpp examples/server.cpp $(pkg-config --cflags cpp-httplib) -o "$work/cpp-shop" \
    "-L$lib" -llovely_session "-Wl,-rpath,$lib" -lpthread $(pkg-config --libs cpp-httplib)
check "the shop in Go is formatted" is "$(gofmt -l examples/go-shop 2>&1)" ""
check "the shop in Go, looked at" go -C examples/go-shop vet -buildvcs=false -tags lovely_tree ./...
check "the shop in Go" go -C examples/go-shop build -buildvcs=false -tags lovely_tree -o "$work/go-shop" .

start() {
    local name=$1
    shift
    shop_log=$work/$name.log
    start_shop "$@" || return 1
    shop[$name]=$base process[$name]=$server server=
}
start cpp "$work/cpp-shop" --port 0 "$LOVELY_SESSION_URL" &&
    start go "$work/go-shop" -port 0 "$LOVELY_SESSION_URL" &&
    start ruby puma --quiet --environment production --bind tcp://127.0.0.1:0 examples/rack_shop.ru || exit 1

# The shop in Go alone, as that in C++ is driven.
echo "== the shop in Go"
base=${shop[go]}
drive go 50
check "the page of the administration is not for guests" is "$(request -o /dev/null -w '%{http_code}' "$base/admin")" 403
rm -f "$work/jar"
request -o /dev/null -c "$work/jar" -d user=admin "$base/signin"
request -o "$work/admin" -b "$work/jar" "$base/admin"
check "but for the admin" grep -q '&#34;user&#34;: &#34;admin&#34;' "$work/admin"
check "and shows how the store does" grep -q '^requests' "$work/admin"
check "and no id" test -z "$(grep -F "$(jar_id "$work/jar")" "$work/admin")"

# Whether all shops show a visitor the same: what, id, the answer.
all_show() {
    local name
    for name in cpp go ruby; do
        base=${shop[$name]}
        check "$1, at $name" is "$(cart "$2")" "$3"
    done
}

# One visitor: where he signs in, where he signs out, and the third shop.
round() {
    local in=$1 out=$2 other=$3 run="in at $1, out at $2" jar=$work/jar guest user name many=15 sum
    rm -f "$jar"
    request -o /dev/null -c "$jar" -d item=apples "${shop[$other]}/cart"
    guest=$(jar_id "$jar")
    request -o /dev/null -b "$jar" -c "$jar" -d item=apples -d count=2 "${shop[$out]}/cart"
    check "$run: a guest's cart keeps its id" is "$(jar_id "$jar")" "$guest"
    all_show "$run: what a guest put into the cart" "$guest" '{"cart":{"apples":3},"user":null}'

    request -o /dev/null -b "$jar" -c "$jar" --data-urlencode 'user=Änn <b>' "${shop[$in]}/signin"
    user=$(jar_id "$jar")
    check "$run: signing in gives another id" test -n "$user" -a "$user" != "$guest"
    all_show "$run: the visitor" "$user" '{"cart":{"apples":3},"user":"Änn <b>"}'
    all_show "$run: the old id is worth nothing" "$guest" '{"cart":{},"user":null}'

    for _ in $(seq "$many"); do printf '%s\n' "${shop[@]}"; done |
        xargs -P 12 -I @ curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' -b "shop=$user" -d item=pears @/cart | sort | uniq -c | tr -s ' ' >"$work/codes"
    sum=$((3 * many))
    check "$run: requests at all at once are all answered" is "$(cat "$work/codes")" " $sum 303"
    all_show "$run: and add up" "$user" "{\"cart\":{\"apples\":3,\"pears\":$sum},\"user\":\"Änn <b>\"}"

    request -o /dev/null -b "$jar" -c "$jar" -d '' "${shop[$out]}/signout"
    check "$run: signing out takes the cookie away" is "$(jar_id "$jar")" ""
    all_show "$run: gone" "$user" '{"cart":{},"user":null}'
    # contract 5.5
    for name in cpp go ruby; do
        rm -f "$jar"
        request -o /dev/null -c "$jar" -b "shop=$user" -d item=plums "${shop[$name]}/cart"
        check "$run: nothing brings it back at $name" test -n "$(jar_id "$jar")" -a "$(jar_id "$jar")" != "$user"
    done
    all_show "$run: still gone" "$user" '{"cart":{},"user":null}'
}

echo "== one visitor at three shops"
round cpp ruby go
round cpp cpp ruby
round go cpp ruby
round go go cpp
round ruby go cpp
round ruby ruby go

echo "== an id that somebody planted"
for name in cpp go ruby; do
    planted=$(printf 'A%.0s' {1..32})
    rm -f "$work/jar"
    request -o /dev/null -c "$work/jar" -b "shop=$planted" -d user=eve "${shop[$name]}/signin"
    check "$name answers it with a fresh one" test -n "$(jar_id "$work/jar")" -a "$(jar_id "$work/jar")" != "$planted"
    all_show "nothing stands under it" "$planted" '{"cart":{},"user":null}'
done

echo "== without memcached"
rm -f "$work/jar"
request -o /dev/null -c "$work/jar" -d item=apples "${shop[cpp]}/cart"
id=$(jar_id "$work/jar")
kill "$memcached_process"
wait "$memcached_process" 2>/dev/null
for name in cpp go ruby; do
    # contract 6.1
    check "$name shows no empty cart" grep -q '^50[03]$' <(request -o /dev/null -w '%{http_code}\n' -b "shop=$id" "${shop[$name]}/cart")
    check "the log of $name names no id" test -z "$(grep -F "$id" "$work/$name.log")"
done
for name in cpp go; do
    server=${process[$name]} shop_log=$work/$name.log
    stop_shop "$name"
    unset "process[$name]"
done

echo "shops: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
