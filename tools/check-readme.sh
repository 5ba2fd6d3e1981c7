#!/usr/bin/env bash
# Does what the README says: the program that it shows is examples/first.c, its commands build and run that, and the
# program prints what the README says.
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
block first.c >build/check/first.c
diff -u examples/first.c build/check/first.c
echo "readme: the program is examples/first.c"

make --no-print-directory lib
block build >build/check/first.sh
block output >build/check/first.expected
[[ -s build/check/first.sh && -s build/check/first.expected ]]
bash -euo pipefail build/check/first.sh >build/check/first.txt
diff -u build/check/first.expected build/check/first.txt
echo "readme: its commands build the program, and it prints what the README says"
