#!/usr/bin/env bash
# Runs the tests of the Ruby gem, each file in a process of its own, for five minutes at most; `make test-ruby` and
# tools/test.sh call it. With arguments: only these files of bindings/ruby/test.
#
# The last line is the sum of what minitest said.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../bindings/ruby"

[[ -e ../../build/lib/liblovely_session.so.0 ]] || make -C ../.. --no-print-directory lib || exit 1

files=("$@")
[[ ${#files[@]} -gt 0 ]] || files=(test/*_test.rb)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
for file in "${files[@]}"; do
    # Plug-ins that happen to be installed are not for us.
    MT_NO_PLUGINS=1 RUBYOPT= timeout 300 ruby -w -I lib -I test "$file" >"$log" 2>&1 </dev/null
    status=$?
    read -r runs bad < <(sed -nE 's/^([0-9]+) runs, [0-9]+ assertions, ([0-9]+) failures, ([0-9]+) errors, .*/\1 \2 \3/p' "$log" |
        awk '{ r += $1; b += $2 + $3 } END { print r + 0, b + 0 }')
    # A file that ends otherwise than minitest says has failed, if only once.
    [[ $status -eq 0 || $bad -gt 0 ]] || bad=1 runs=$((runs > 0 ? runs : 1))
    [[ $runs -gt 0 ]] || bad=1 runs=1
    if [[ $bad -gt 0 ]]; then
        cat "$log"
        echo "$file: FAILED"
    else
        echo "$file: $runs passed"
    fi
    passed=$((passed + runs - bad)) failed=$((failed + bad))
done
echo "ruby: $passed passed, $failed failed"
[[ $failed -eq 0 ]]
