#!/usr/bin/env bash
# Runs the tour, compares what it prints with examples/tour.txt, and proves that its checks can fail.
# UPDATE_TOUR=1 writes examples/tour.txt instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

make --no-print-directory build/tour
mkdir -p build/check
build/tour >build/check/tour.txt
if [[ -n ${UPDATE_TOUR:-} ]]; then
    cp build/check/tour.txt examples/tour.txt
fi
diff -u examples/tour.txt build/check/tour.txt
echo "tour: prints what examples/tour.txt says"

make --no-print-directory demo STORE=memory://mine >build/check/demo.txt
sed 's,memory://tour,memory://mine,' examples/tour.txt >build/check/mine.txt
# Whatever make says comes first.
tail -n "$(wc -l <build/check/mine.txt)" build/check/demo.txt | diff -u build/check/mine.txt -
echo "tour: make demo runs it, on another store if told"

make --no-print-directory demo STORE=memcached >build/check/memcached.txt
tail -n "$(wc -l <examples/tour.txt)" build/check/memcached.txt | sed 's,^memcached://.*,memory://tour,' |
    diff -u examples/tour.txt -
echo "tour: it prints the same on a memcached of its own"

# Each of the two checks, with an expectation that is wrong on purpose.
fails_with() {
    local name=$1 edit=$2
    sed "$edit" examples/tour.c >"build/check/$name.c"
    if cmp -s examples/tour.c "build/check/$name.c"; then
        echo "tour: nothing to spoil for $name" >&2
        return 1
    fi
    cc -std=c11 -Iinclude "build/check/$name.c" -o "build/check/$name" -Lbuild/lib -llovely_session \
        -Wl,-rpath,"$PWD/build/lib"
    if "build/check/$name" >/dev/null 2>"build/check/$name.err"; then
        echo "tour: a $name is not noticed" >&2
        return 1
    fi
    grep -q 'expected:' "build/check/$name.err"
    echo "tour: a $name is noticed"
}
fails_with wrong-value 's/"\\"we want to keep this\\""/"\\"something else\\""/'
fails_with wrong-status 's/EXPECT(LS_ERR_GONE/EXPECT(LS_ERR_CONFLICT/'
