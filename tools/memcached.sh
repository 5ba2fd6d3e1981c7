# For bash scripts to source: a memcached of their own.

# Starts one with the options given, on a free port of the loopback, and stops it when the script ends. Sets memcached_port,
# and memcached_url, without a prefix.
start_memcached() {
    local _
    for _ in {1..20}; do
        memcached_port=$((20000 + RANDOM % 30000))
        # Root is refused without a user; `-u` counts for nobody else.
        memcached -l 127.0.0.1 -p "$memcached_port" -U 0 -u "$(id -un)" "$@" 2>/dev/null &
        memcached_process=$!
        for _ in {1..50}; do
            if (exec 3<>"/dev/tcp/127.0.0.1/$memcached_port") 2>/dev/null && kill -0 "$memcached_process" 2>/dev/null; then
                memcached_url=memcached://127.0.0.1:$memcached_port
                trap 'kill "$memcached_process" 2>/dev/null' EXIT
                return
            fi
            kill -0 "$memcached_process" 2>/dev/null || break
            sleep 0.05
        done
        kill "$memcached_process" 2>/dev/null || true
    done
    echo "no memcached could be started" >&2
    exit 1
}
