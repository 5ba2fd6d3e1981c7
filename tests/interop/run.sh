#!/usr/bin/env bash
# Every type of value in every direction (contract 7.1): written by each of C, C++, Go and Ruby, read exactly by each; and read by
# each without knowing what it is, written as a copy, and that read exactly by each. On a memcached of its own. `make lib` comes
# before. Settings: LIB.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lib=$PWD/${LIB:-build/lib}
work=$PWD/build/interop
mkdir -p "$work"
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached
export GOTOOLCHAIN=local RUBYLIB=$PWD/bindings/ruby/lib RUBYOPT=''
# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh
link=("-L$lib" -llovely_session "-Wl,-rpath,$lib" -lpthread)
check "C is built" cc -std=c11 -Wall -Wextra -pedantic -Werror -Iinclude tests/interop/values.c -o "$work/c" "${link[@]}"
check "C++ is built" c++ -std=c++17 -Wall -Wextra -Werror -Iinclude -Ibindings/cpp tests/interop/values.cpp -o "$work/cpp" "${link[@]}"
check "Go is built" go -C tests/interop/go build -buildvcs=false -tags lovely_tree -o "$work/go" .
check "Go is looked at" go -C tests/interop/go vet -buildvcs=false -tags lovely_tree .
check "Go is formatted" test -z "$(gofmt -l tests/interop/go 2>&1)"

values() {
    local language=$1 program=("$work/$1")
    shift
    [[ $language != ruby ]] || program=(ruby -w tests/interop/values.rb)
    timeout 60 "${program[@]}" "$memcached_url" "$@"
}

# A check that finds nothing fails.
misses() { ! values "$1" check nothing; }

languages=(c cpp go ruby)
for writer in "${languages[@]}"; do
    check "$writer writes" values "$writer" write "by-$writer"
    for reader in "${languages[@]}"; do
        check "$reader reads what $writer wrote" values "$reader" check "by-$writer"
    done
done
for copier in "${languages[@]}"; do
    check "$copier copies" values "$copier" copy by-c "copied-by-$copier"
    for reader in "${languages[@]}"; do
        check "$reader reads what $copier copied" values "$reader" check "copied-by-$copier"
    done
    check "$copier misses what was not written" misses "$copier"
done

echo "interop: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
