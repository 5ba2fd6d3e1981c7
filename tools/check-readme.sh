#!/usr/bin/env bash
# Does what the README says: the programs that it shows are examples/first.c and examples/first.cpp, its commands build and
# run them, and they print what the README says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The fenced block of the README that follows the marker <!-- NAME -->.
block() {
    awk -v marker="<!-- $1 -->" '
        $0 == marker { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }
    ' README.md
}

mkdir -p build/check
make --no-print-directory lib
block output >build/check/first.expected
[[ -s build/check/first.expected ]]

# The program, and the marker of the commands that build it.
does() {
    block "$1" >"build/check/$1"
    diff -u "examples/$1" "build/check/$1"
    echo "readme: the program is examples/$1"
    block "$2" >build/check/first.sh
    [[ -s build/check/first.sh ]]
    bash -euo pipefail build/check/first.sh >build/check/first.txt
    diff -u build/check/first.expected build/check/first.txt
    echo "readme: its commands build the program, and it prints what the README says"
}
does first.c build
does first.cpp "build in C++"
