# For bash scripts to source: a memcached of their own.

# Starts one with the options given, on a free port of the loopback, and stops it when the script ends. Sets memcached_port,
# memcached_process, and memcached_url, without a prefix.
start_memcached() {
    local log until ended=
    log=$(mktemp)
    for _ in {1..20}; do
        # Somebody else may have it; but no outgoing connection does: Linux gives these ports from 32768 on.
        memcached_port=$((20000 + RANDOM % 12000))
        # Root is refused without a user; `-u` counts for nobody else.
        memcached -l 127.0.0.1 -p "$memcached_port" -U 0 -u "$(id -un)" "$@" 2>"$log" &
        memcached_process=$!
        # The machine may be busy.
        until=$((SECONDS + 10)) ended='has not answered for 10 s'
        while ((SECONDS <= until)); do
            if is_memcached_process_there; then
                memcached_url=memcached://127.0.0.1:$memcached_port
                rm -f "$log"
                trap 'kill "$memcached_process" 2>/dev/null' EXIT
                return
            fi
            kill -0 "$memcached_process" 2>/dev/null || { ended=ended && break; }
            sleep 0.05
        done
        kill "$memcached_process" 2>/dev/null || true
        wait "$memcached_process" 2>/dev/null || true
    done
    echo "no memcached could be started: it $ended on port $memcached_port, and said: $(<"$log")" >&2
    rm -f "$log"
    exit 1
}

# Whether it answers, and not somebody else in its place, who may never answer.
is_memcached_process_there() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$memcached_port" && printf 'stats\r\n' >&3 && IFS= read -r -t 1 line <&3 &&
            [[ $line == "STAT pid $memcached_process"$'\r' ]]
    ) 2>/dev/null
}
