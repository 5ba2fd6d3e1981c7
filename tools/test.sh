#!/usr/bin/env bash
# Runs everything, stage by stage; `make test` calls it after tools/setup.sh.
#
# Benchmarks are run once each, to see that they work; their times are for `make bench`.
#
# A stage that fails does not keep the next ones from running, so that one run shows all there is to repair. The last
# lines are a table of the stages with their times, and a total: each test of a stage counts, or the stage itself where
# it has none.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

logs=build/test
mkdir -p "$logs"
table=()
failed_stages=0 passed=0 failed=0 skipped=0
began=$SECONDS
trap 'echo "make test: interrupted" >&2; exit 130' INT TERM

# Adds up what the test runners said in a log: cargo's closing lines, and "N passed, N failed" alone on a line.
counts() {
    sed -nE \
        -e 's/^test result: [a-zA-Z]+\. ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored;.*/\1 \2 \3/p' \
        -e 's/^([a-z]+: )?([0-9]+) passed, ([0-9]+) failed$/\2 \3 0/p' "$1" |
        awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }'
}

# stage NAME COMMAND...
stage() {
    local name=$1 log status start ok bad skip
    shift
    log=$logs/${name// /-}.log
    printf '\n=== %s: %s\n' "$name" "$*"
    start=$SECONDS
    "$@" </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r ok bad skip < <(counts "$log")
    if [[ $((ok + bad)) -eq 0 ]]; then
        if [[ $status -eq 0 ]]; then ok=1; else bad=1; fi
    elif [[ $status -ne 0 && $bad -eq 0 ]]; then
        bad=1
    elif [[ $status -eq 0 && $bad -ne 0 ]]; then
        status=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    if [[ $status -eq 0 ]]; then word=ok; else word=FAILED failed_stages=$((failed_stages + 1)); fi
    table+=("$(printf '%-10s %-7s %5d passed %3d failed %5d s' "$name" "$word" "$ok" "$bad" $((SECONDS - start)))")
    echo "=== $name: $word, $((SECONDS - start)) s"
}

documentation() {
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
}

# Compiled, and that is all that can be said of them here; where the toolchain has what it takes.
other_systems() {
    local target status=0
    for target in x86_64-unknown-freebsd x86_64-apple-darwin; do
        if [[ -d $(rustc --print target-libdir --target "$target" 2>/dev/null) ]]; then
            cargo check --locked --lib --target "$target" || status=1
        else
            echo "$target: not checked, its standard library is not installed (rustup target add $target)"
        fi
    done
    return $status
}

stage format cargo fmt --check
stage lints cargo clippy --locked --all-targets -- -D warnings
stage rust cargo test --locked --no-fail-fast
stage rustdoc documentation
stage other-systems other_systems
stage golden python3 tests/golden/make.py --check
stage library make --no-print-directory lib
stage c tests/capi/run.sh
stage ruby tools/test-ruby.sh
stage cpp tests/cpp/run.sh
stage install tests/install/run.sh
stage deb tests/install/deb.sh
stage examples tests/examples/run.sh
stage event-loop tests/examples/event_loop.sh
stage shops tests/examples/shops.sh
stage interop tests/interop/run.sh
stage tour tools/check-tour.sh
stage readme tools/check-readme.sh
stage faults make --no-print-directory test-faults test-faults-planted
stage go tools/test-go.sh
stage benches cargo bench --locked --profile dev -- --test

printf '\n=== stages\n'
printf '%s\n' "${table[@]}"
[[ $skipped -eq 0 ]] || echo "$skipped tests are marked to be ignored"
if [[ $failed_stages -eq 0 ]]; then
    echo "make test: all ${#table[@]} stages passed in $((SECONDS - began)) s"
else
    echo "make test: $failed_stages of ${#table[@]} stages FAILED, after $((SECONDS - began)) s"
fi
echo "total: $passed passed, $failed failed"
[[ $failed_stages -eq 0 ]]
