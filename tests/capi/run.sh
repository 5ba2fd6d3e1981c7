#!/bin/sh
# Builds and runs the C tests: shared, static, with ASan and UBSan, under valgrind; and proves that these tools are on.
# Fails if anything fails. Settings: CC, CXX, CFLAGS, CARGO, CARGO_TARGET_DIR, PROFILE (debug or release), VALGRIND.
set -u

# Names from here have no spaces in them, which lists of flags could not have.
cd "$(dirname "$0")/../.." || exit 1
here=tests/capi
CC=${CC:-cc}
CXX=${CXX:-c++}
CARGO=${CARGO:-cargo}
VALGRIND=${VALGRIND:-valgrind}
PROFILE=${PROFILE:-debug}
target=${CARGO_TARGET_DIR:-target}
lib=$target/$PROFILE
work=$target/capi/$PROFILE
nouns="error value format store container session pkg txn thread queue cancel testing easy"
warnings="-Wall -Wextra -pedantic -Werror -Wstrict-prototypes -Wshadow"
flags="-g -O1 -Iinclude -Ibindings/c ${CFLAGS:-}"
# What the static library needs from the system; tests/install/run.sh compares it with what rustc says.
system_libs=$(cat bindings/c/native-libs)

passed=0
failed=0
stage=
began=0

fail() {
    failed=$((failed + 1))
    echo "  FAILED $1"
}

begin() {
    stage=$1
    began=$(date +%s)
    echo "== $stage"
}

end() {
    echo "   $stage: $(($(date +%s) - began)) s"
}

# Compiles a program in one way: name, directory, compiler flags, linker flags.
compile() {
    mkdir -p "$work/$2"
    # The flags are lists of words.
    # shellcheck disable=SC2086
    $CC -std=c11 $warnings $flags $3 "$here/$1.c" -o "$work/$2/$1" $4
}

# Runs a program, counts what its closing line says, and shows what failed: name, then the command.
run() {
    name=$1
    shift
    log=$work/$name.log
    "$@" >"$log" 2>&1
    status=$?
    closing=$(grep -E '^[a-z]+: [0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    good=$(echo "$closing" | sed -n 's/^[a-z]*: \([0-9]*\) passed.*/\1/p')
    bad=$(echo "$closing" | sed -n 's/.* \([0-9]*\) failed$/\1/p')
    passed=$((passed + ${good:-0}))
    if [ "$status" -ne 0 ] || [ -z "$closing" ] || [ "${bad:-1}" -ne 0 ] || [ "${good:-0}" -eq 0 ]; then
        fail "$name (exit status $status)"
        sed 's/^/    /' "$log" | tail -n 60
    else
        echo "  $closing"
    fi
}

# Compiles and runs every noun in one way: directory, compiler flags, linker flags, and the command to run it with.
suite() {
    dir=$1 compiler_flags=$2 linker_flags=$3
    shift 3
    for noun in $nouns; do
        if compile "$noun" "$dir" "$compiler_flags" "$linker_flags"; then
            run "$noun" "$@" "$work/$dir/$noun"
        else
            fail "$noun does not compile"
        fi
    done
}

# A mistake that a tool has to end the program for, with words that only it says: mistake, words, then the command.
caught() {
    mistake=$1 words=$2
    shift 2
    "$@" "$mistake" >"$work/canary.log" 2>&1
    status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 2 ] && grep -q "$words" "$work/canary.log"; then
        passed=$((passed + 1))
        echo "  canary: $mistake was caught"
    else
        fail "canary: $mistake was not caught (exit status $status)"
        sed 's/^/    /' "$work/canary.log" | tail -n 20
    fi
}

for tool in "$CC" "$CXX" "$CARGO" "$VALGRIND"; do
    # The first word: a compiler may be given with flags.
    command -v "${tool%% *}" >/dev/null || { echo "$tool is not installed (make test installs it)"; exit 1; }
done

begin "build the library"
if [ "$PROFILE" = release ]; then release=--release; else release=; fi
# shellcheck disable=SC2086
$CARGO build --quiet --lib $release || { echo "the library does not build"; exit 1; }
mkdir -p "$work/lib"
# As installed: programs look for the SONAME.
ln -sf "$(cd "$lib" && pwd)/liblovely_session.so" "$work/lib/liblovely_session.so.0"
ln -sf liblovely_session.so.0 "$work/lib/liblovely_session.so"
shared="-L$work/lib -llovely_session -Wl,-rpath,\$ORIGIN/../lib -lpthread -lm"
end

begin "C++"
mkdir -p "$work/shared"
# shellcheck disable=SC2086
if $CXX -std=c++11 -Wall -Wextra -pedantic -Werror $flags "$here/smoke.cpp" -o "$work/shared/smoke" $shared; then
    run smoke "$work/shared/smoke"
else
    fail "smoke does not compile"
fi
end

begin "the easy header, C11 to C23"
for compiler in gcc clang; do
    for standard in c11 c17 c2x; do
        # shellcheck disable=SC2086
        if $compiler -std=$standard $warnings -Wconversion $flags -fsyntax-only "$here/easy.c"; then
            passed=$((passed + 1))
        else
            fail "easy under $compiler, $standard"
        fi
    done
done
end

begin "shared"
suite shared "" "$shared"
end

begin "static"
suite static "" "$lib/liblovely_session.a $system_libs"
end

begin "shared, ASan and UBSan"
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
suite sanitized "$sanitizers" "$shared"
if compile canary sanitized "$sanitizers" "$shared"; then
    caught overflow heap-buffer-overflow "$work/sanitized/canary"
    caught lent heap-use-after-free "$work/sanitized/canary"
    caught leak LeakSanitizer "$work/sanitized/canary"
    caught undefined "signed integer overflow" "$work/sanitized/canary"
else
    fail "canary does not compile"
fi
end

begin "shared, valgrind"
memcheck="$VALGRIND --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --fair-sched=yes"
# shellcheck disable=SC2086
suite plain "" "$shared" $memcheck
if compile canary plain "" "$shared"; then
    # shellcheck disable=SC2086
    caught lent "Invalid read" $memcheck "$work/plain/canary"
    # shellcheck disable=SC2086
    caught leak "definitely lost" $memcheck "$work/plain/canary"
else
    fail "canary does not compile"
fi
end

echo "capi: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
