# For bash scripts to source: what counts checks, in $passed and $failed. It needs $work, a directory for what they print.

passed=0 failed=0

good() { passed=$((passed + 1)) && echo "  $1"; }
# What failed, and a file that says why.
bad() {
    failed=$((failed + 1))
    echo "  FAILED $1"
    [[ -z ${2:-} ]] || cut -c 1-300 "$2" | sed 's/^/    /' | head -n 40
}
# Counts a command as a test: what it shows, the command.
check() {
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then good "$what"; else bad "$what" "$work/log"; fi
}
