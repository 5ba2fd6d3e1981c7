#!/usr/bin/env bash
# Tests the Go package: `make test-go` and `make test` call it.
#
# Looks at the code (gofmt, go vet, staticcheck), runs the tests on memory:// and on a memcached of their own with the race
# detector, again with the garbage collector run in each call and a count of what is not freed, and then builds a program
# against an installed library, shared and static. It ends with a line of counts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v go >/dev/null; then
    echo "test-go: Go is missing; install 1.24 or later, see https://go.dev/doc/install" >&2
    exit 1
fi
# What is installed counts: no other version is fetched.
export GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:-} -buildvcs=false"
wanted=1.24 found=$(go env GOVERSION)
if [[ $(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1) != "$wanted" ]]; then
    echo "test-go: $found is older than go$wanted, which bindings/go needs; see https://go.dev/doc/install" >&2
    exit 1
fi

make --no-print-directory lib
# Go does not see when a header changes that is not in the package: the flag makes it another build.
CGO_CFLAGS="$(go env CGO_CFLAGS) -DLOVELY_TREE=$(cksum <include/lovely_session.h | cut -d ' ' -f 1)"
export CGO_CFLAGS
logs=$PWD/build/test-go
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0

# note NAME COMMAND...: one check that counts as a test.
note() {
    local name=$1
    shift
    if "$@" >"$logs/note.log" 2>&1; then
        passed=$((passed + 1))
        echo "test-go: $name"
    else
        failed=$((failed + 1))
        cat "$logs/note.log"
        echo "test-go: $name: FAILED" >&2
    fi
}

# run NAME ARGUMENTS...: go test, of which each test counts.
run() {
    local name=$1 status=0
    shift
    go test -v "$@" >"$logs/$name.log" 2>&1 || status=$?
    local ok bad
    ok=$(grep -c '^ *--- PASS' "$logs/$name.log" || true)
    bad=$(grep -c '^ *--- FAIL' "$logs/$name.log" || true)
    if [[ $status -ne 0 ]]; then
        grep -v '^ *--- PASS\|^=== \|^PASS' "$logs/$name.log" || true
        [[ $bad -gt 0 ]] || bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
    echo "test-go: $name: $ok tests passed, $bad failed ($(grep -E '^(ok|FAIL)' "$logs/$name.log" | tr '\n' ' '))"
}

cd bindings/go
formatted() {
    local unformatted
    unformatted=$(gofmt -l .)
    [[ -z $unformatted ]] || { echo "gofmt would change: $unformatted"; return 1; }
}
note "gofmt changes nothing" formatted
note "go vet finds nothing" go vet -tags lovely_tree ./...
note "go vet finds nothing with lovely_debug" go vet -tags lovely_tree,lovely_debug ./...
note "the benchmarks compile" go -C bench vet -tags lovely_tree ./...
note "staticcheck finds nothing" go tool -modfile=tools/go.mod staticcheck -tags lovely_tree ./...
note "the module requires nothing" bash -c '! grep -q require go.mod'

run race -race -count=1 -tags lovely_tree ./...
GOGC=1 GODEBUG=cgocheck=1 run collect -short -count=1 -tags lovely_tree,lovely_debug ./...

# The stores for other session packages are modules of their own.
staticcheck=$(go tool -modfile=tools/go.mod -n staticcheck)
for module in scsstore gorillastore gorillastore/ginstore; do
    cd "$module"
    note "go vet finds nothing in $module" go vet -tags lovely_tree ./...
    note "staticcheck finds nothing in $module" "$staticcheck" -tags lovely_tree ./...
    run "${module##*/}" -race -count=1 -tags lovely_tree ./...
    cd "$OLDPWD"
done

# Against an installed library, from a module outside of the tree.
prefix=$logs/prefix outside=$logs/outside
(cd ../.. && PREFIX=$prefix LIBDIR=$prefix/lib INCLUDEDIR=$prefix/include DOCDIR=$prefix/doc LIB=build/lib tools/install.sh install)
mkdir -p "$outside"
cp testdata/outside/main.go.txt "$outside/main.go"
cat >"$outside/go.mod" <<MOD
module example.org/outside

go 1.24

require lovely.session/go v0.0.0

replace lovely.session/go => "$PWD"
MOD
outside() {
    (cd "$outside" && PKG_CONFIG_PATH=$prefix/lib/pkgconfig go build -tags "$1" -o "./$2" . &&
        LD_LIBRARY_PATH=$prefix/lib "./$2" | grep -x 'items in the cart: 1' >/dev/null)
}
needs_library() { readelf -d "$outside/$1" | grep 'NEEDED.*liblovely_session' >/dev/null; }
note "a program finds the installed library by pkg-config" outside "" shared
note "it is linked to the shared library" needs_library shared
note "with the tag lovely_static it runs" outside lovely_static static
is_static() { ! needs_library static; }
note "and is not linked to the shared library" is_static

# A header of another version does not compile.
mismatch() {
    cp -R "$prefix" "$prefix-other"
    sed -i 's/^#define LS_VERSION_NUMBER .*/#define LS_VERSION_NUMBER 2000/' "$prefix-other/include/lovely_session.h"
    sed -i "s,^prefix=.*,prefix=$prefix-other," "$prefix-other/lib/pkgconfig/lovely_session.pc"
    ! (cd "$outside" && CGO_CFLAGS="$CGO_CFLAGS -DLOVELY_OTHER" PKG_CONFIG_PATH=$prefix-other/lib/pkgconfig go build -o ./mismatch .) >"$logs/mismatch.log" 2>&1 &&
        grep -q 'needs lovely_session.h of version 0.1' "$logs/mismatch.log"
}
note "a header of another version does not compile" mismatch

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
