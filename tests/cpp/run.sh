#!/usr/bin/env bash
# Builds and runs the C++ tests: gcc and clang, C++17, 20 and 23, all warnings as errors, on memory:// and on a memcached of its
# own, under ASan and UBSan and under valgrind; and looks whether C++ reaches every C function. `make lib` comes before.
# Settings: LIB (where the libraries are), JOBS.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lib=$PWD/${LIB:-build/lib}
work=$PWD/build/cpp
jobs=${JOBS:-2}
warnings=(-Wall -Wextra -pedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor)
includes=(-Iinclude -Ibindings/cpp)
read -ra system_libs <bindings/c/native-libs
link=("-L$lib" -llovely_session "-Wl,-rpath,$lib" "${system_libs[@]}")
tests=(main value pkg txn queue store)
mkdir -p "$work"
# shellcheck source=tests/support/checks.sh
. tests/support/checks.sh

# Compiles all tests, each a translation unit that includes the header, and links them: compiler, name, flags.
build() {
    local compiler=$1 name=$2 dir=$work/$2
    shift 2
    mkdir -p "$dir"
    for test in "${tests[@]}"; do
        printf '%s\0' "$test"
    done | xargs -0 -P "$jobs" -I @ "$compiler" "$@" -g "${warnings[@]}" "${includes[@]}" -c tests/cpp/@.cpp \
        -o "$dir/@.o" >"$dir/compile.log" 2>&1 &&
        "$compiler" "$@" "$dir"/*.o -o "$dir/tests" "${link[@]}" >>"$dir/compile.log" 2>&1
}

# Runs a program, adds up its closing line: name, command.
run() {
    local name=$1 log=$work/run.log status closing
    shift
    "$@" >"$log" 2>&1
    status=$?
    closing=$(grep -E '^[a-z]+: [0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    if [[ $status -eq 0 && $closing =~ :\ ([1-9][0-9]*)\ passed,\ 0\  ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        echo "  $name: $closing"
    else
        bad "$name (exit status $status)" "$log"
    fi
}

suite() {
    local compiler=$1 name=$2
    shift 2
    if build "$compiler" "$name" "$@"; then run "$name" "$work/$name/tests"; else bad "$name does not compile" "$work/$name/compile.log"; fi
}

[[ -e $lib/liblovely_session.so ]] || { echo "cpp: $lib has no library; make lib"; exit 1; }
# shellcheck source=tools/memcached.sh
. tools/memcached.sh
start_memcached

echo "== every C function and every constant is reached"
for name in $(sed '/^#/d; s/ .*//' tests/abi/symbols.txt); do
    grep -rqE "\b$name\b" bindings/cpp/lovely_session && passed=$((passed + 1)) || bad "no C++ class uses $name"
done
for name in $(sed '/^#/d; s/ .*//' tests/abi/constants.txt); do
    case $name in LS_ERROR_MESSAGE_SIZE | LS_FAULT_OP_* | LS_NTS) continue ;; esac
    grep -rqE "\b$name\b" bindings/cpp/lovely_session && passed=$((passed + 1)) || bad "C++ has no name for $name"
done

echo "== each header compiles alone"
for header in bindings/cpp/lovely_session/*.hpp; do
    if printf '#include "%s"\n' "$PWD/$header" | c++ -std=c++17 -fsyntax-only "${warnings[@]}" "${includes[@]}" -x c++ - 2>"$work/header.log"; then
        good "${header##*/}"
    else
        bad "$header" "$work/header.log"
    fi
done

echo "== what must not compile"
count=$(grep -c 'CASE ==' tests/cpp/refused.cpp)
for ((number = 0; number <= count; number++)); do
    if c++ -std=c++17 -fsyntax-only "-DCASE=$number" "${includes[@]}" tests/cpp/refused.cpp 2>"$work/refused.log"; then
        [[ $number -eq 0 ]] && good "the rest does" || bad "case $number compiles"
    else
        [[ $number -gt 0 ]] && good "case $number" || bad "what must compile" "$work/refused.log"
    fi
done

echo "== compilers and standards"
for standard in 17 20 2b; do
    for compiler in g++ clang++; do
        suite "$compiler" "$compiler-$standard" "-std=c++$standard"
    done
done

echo "== on memcached"
run memcached "$work/g++-17/tests" "$memcached_url/cpp"

echo "== ASan and UBSan"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
suite g++ sanitized -std=c++17 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all

echo "== valgrind"
# Of Debian 12 it does not read what clang writes for debuggers.
run valgrind valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --fair-sched=yes "$work/g++-17/tests"

echo "cpp: $passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
