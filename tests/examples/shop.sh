# For bash scripts to source: what starts a shop of the examples, drives it with curl, and counts checks. It needs $work, a
# directory for what it writes.

# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh
server=

# Starts the shop on a free port: the command. Sets base and server. Its output goes to $shop_log.
start_shop() {
    shop_log=${shop_log:-$work/shop.log}
    : >"$shop_log"
    "$@" >"$shop_log" 2>&1 &
    server=$!
    for _ in {1..300}; do
        # As ours say it, and puma.
        base=$(sed -n 's/^\(\* L\|l\)istening on //p' "$shop_log")
        [[ -z $base ]] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    bad "the shop does not start" "$shop_log"
    return 1
}
stop_shop() {
    kill -TERM "$server"
    wait "$server"
    local status=$?
    server=
    [[ $status -eq 0 ]] && good "$1: the shop ends clean" || bad "$1: the shop ends with $status" "$shop_log"
}
# What curl is told, and the session id in a jar.
request() { curl -sS --max-time 60 "$@"; }
jar_id() { awk '$6 == "shop" { print $7 }' "$1" 2>/dev/null; }
cart() { request -b "shop=$1" "$base/cart"; }
is() { [[ $1 == "$2" ]] || { echo "$1, not $2" && return 1; }; }
# The parts of a cookie, in an order of their own.
attributes() { tr ';' '\n' <<<"$1" | tr -d ' ' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//'; }
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
    check "$run: signing out takes the cookie away" is "$(attributes "$header")" "HttpOnly Max-Age=0 Path=/ SameSite=Lax shop="
    check "$run: and ends the session" is "$(cart "$user")" '{"cart":{},"user":null}'
    header=$(set_cookie -b "shop=$user" -d item=plums "$base/cart")
    check "$run: which nothing brings back" test "${header#shop=$user}" = "$header" -a -n "$header"
}
