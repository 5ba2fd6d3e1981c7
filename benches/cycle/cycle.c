/* What one request costs on memcached: this library, plain sockets, and libmemcached, side by side.
 *
 * Two cycles: load, change, store with compare-and-swap; and load only. Each renews the idle timeout. The plain sockets do
 * the least that a session needs (`mg` with a renewal, `ms` with a version, no decoding, no checking); libmemcached does it
 * over the text protocol that it speaks (gets, touch, cas). The three take turns in short runs, so that whatever else the
 * machine does meets all of them; of the runs the median is taken.
 *
 * Usage: cycle HOST PORT [RUNS [CYCLES]]; see run.sh, which pins it and the server to one CPU. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <libmemcached/memcached.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lovely_session.h"

enum { SUBJECTS = 3, CYCLES = 2, SIZES = 4, MAX_RUNS = 200 };
static const char *const names[SUBJECTS] = {"lovely-session", "plain sockets", "libmemcached"};
static const char *const cycles[CYCLES] = {"load, change, store", "load only"};
static const size_t sizes[SIZES] = {200, 2048, 16384, 200 * 1024};

static void die(const char *what)
{
    fprintf(stderr, "cycle: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* This library: one package with the payload, and a counter that is changed. */

static ls_store *store;
static ls_container *container;

static void lovely_open(const char *host, int port)
{
    char url[200];
    ls_error err = {0};
    snprintf(url, sizeof url, "memcached://%s:%d/bench", host, port);
    if (ls_store_open(url, LS_NTS, NULL, &store, &err) < 0) die(err.message);
    if (ls_container_open(store, "cycle", LS_NTS, &container, &err) < 0) die(err.message);
}

static void lovely_cycle(size_t size, int writes, int64_t number, int fill)
{
    ls_error err = {0};
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    char id[32];
    snprintf(id, sizeof id, "session-%zu", size);
    if (ls_txn_begin(&txn, &err) < 0 || ls_session_get(txn, container, id, LS_NTS, &session, &err) < 0 ||
        ls_session_pkg(session, "p", LS_NTS, &pkg, &err) < 0)
        die(err.message);
    if (fill) {
        char *bytes = calloc(1, size);
        if (bytes == NULL || ls_pkg_set_bytes(pkg, "payload", LS_NTS, bytes, size, &err) < 0) die(err.message);
        free(bytes);
    }
    if (writes && ls_pkg_set_i64(pkg, "number", LS_NTS, number, &err) < 0) die(err.message);
    if (ls_txn_commit(txn, &err) < 0) die(err.message);
    ls_txn_free(txn);
}

/* Plain sockets: the same two commands, and nothing else. */

static int raw;
static char *raw_buffer;
static unsigned long long raw_version;

static void raw_open(const char *host, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    raw = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, host, &address.sin_addr);
    setsockopt(raw, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(raw, (struct sockaddr *)&address, sizeof address) != 0) die("no connection");
    /* Where a large block of malloc begins, 16 bytes into a page, the system copies 200 KiB at half the speed (150
     * instead of 90 microseconds a cycle): plain sockets shall be as fast as they can be. */
    raw_buffer = aligned_alloc(4096, (1 << 20) + 4096);
    if (raw_buffer == NULL) die("no memory");
}

static void raw_store(size_t size, const char *payload, int compare)
{
    char line[200], version[40] = "";
    if (compare) snprintf(version, sizeof version, " C%llu", raw_version);
    int len = snprintf(line, sizeof line, "ms bench/raw-%zu %zu T3601 c%s\r\n", size, size, version);
    struct iovec pieces[3] = {{line, (size_t)len}, {(char *)payload, size}, {"\r\n", 2}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 3};
    if (sendmsg(raw, &message, MSG_NOSIGNAL) != (ssize_t)((size_t)len + size + 2)) die("not sent");
    ssize_t got = recv(raw, line, sizeof line - 1, 0);
    if (got < 4 || strncmp(line, "HD ", 3) != 0) die("not stored");
}

static const char *raw_load(size_t size)
{
    int len = snprintf(raw_buffer, 200, "mg bench/raw-%zu v c t T3601\r\n", size);
    if (send(raw, raw_buffer, (size_t)len, MSG_NOSIGNAL) != len) die("not sent");
    size_t have = 0, need = 1, begin = 0;
    while (have < need) {
        ssize_t got = recv(raw, raw_buffer + have, (1 << 20) + 4096 - have, 0);
        if (got <= 0) die("not received");
        have += (size_t)got;
        char *end = begin == 0 ? memchr(raw_buffer, '\n', have) : NULL;
        if (end != NULL) {
            size_t length;
            if (sscanf(raw_buffer, "VA %zu c%llu", &length, &raw_version) != 2) die("not found");
            begin = (size_t)(end - raw_buffer) + 1;
            need = begin + length + 2;
        }
    }
    return raw_buffer + begin;
}

static void raw_cycle(size_t size, int writes, int64_t number, int fill)
{
    if (fill) {
        char *bytes = calloc(1, size);
        raw_store(size, bytes, 0);
        free(bytes);
    }
    char *payload = (char *)raw_load(size);
    if (writes) {
        memcpy(payload, &number, sizeof number);
        /* The line is written over the buffer's begin, the payload stays where it is. */
        raw_store(size, payload, 1);
    }
}

/* libmemcached, as a session layer on it has to: gets, touch, cas. */

static memcached_st *peer;

static void peer_open(const char *host, int port)
{
    char options[200];
    snprintf(options, sizeof options, "--SERVER=%s:%d --TCP-NODELAY --SUPPORT-CAS", host, port);
    peer = memcached(options, strlen(options));
    if (peer == NULL) die("libmemcached: options");
}

static void peer_cycle(size_t size, int writes, int64_t number, int fill)
{
    char key[64];
    const char *keys[1] = {key};
    size_t lengths[1] = {(size_t)snprintf(key, sizeof key, "bench/peer-%zu", size)};
    memcached_return_t rc;
    if (fill) {
        char *bytes = calloc(1, size);
        if (memcached_set(peer, key, lengths[0], bytes, size, 3600, 0) != MEMCACHED_SUCCESS) die("libmemcached: set");
        free(bytes);
    }
    if (memcached_mget(peer, keys, lengths, 1) != MEMCACHED_SUCCESS) die("libmemcached: gets");
    memcached_result_st *result = memcached_fetch_result(peer, NULL, &rc);
    if (result == NULL) die("libmemcached: not found");
    size_t length = memcached_result_length(result);
    uint64_t version = memcached_result_cas(result);
    char *value = memcached_result_take_value(result);
    memcached_result_free(result);
    if (memcached_fetch_result(peer, NULL, &rc) != NULL) die("libmemcached: more than was asked for");
    if (memcached_touch(peer, key, lengths[0], 3600) != MEMCACHED_SUCCESS) die("libmemcached: touch");
    if (writes) {
        memcpy(value, &number, sizeof number);
        if (memcached_cas(peer, key, lengths[0], value, length, 3600, 0, version) != MEMCACHED_SUCCESS)
            die("libmemcached: cas");
    }
    free(value);
}

typedef void cycle_fn(size_t size, int writes, int64_t number, int fill);
static cycle_fn *const run[SUBJECTS] = {lovely_cycle, raw_cycle, peer_cycle};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 3) die("usage: cycle HOST PORT [RUNS [CYCLES]]");
    int port = atoi(argv[2]);
    int runs = argc > 3 ? atoi(argv[3]) : 31;
    int count = argc > 4 ? atoi(argv[4]) : 300;
    if (runs < 1 || runs > MAX_RUNS || count < 1) die("1 to 200 runs, 1 or more cycles");
    lovely_open(argv[1], port);
    raw_open(argv[1], port);
    peer_open(argv[1], port);
    int64_t number = 0;
    printf("microseconds a cycle: median of %d runs of %d; in brackets: of plain sockets\n\n", runs, count);
    printf("%-22s %10s", "", "");
    for (int subject = 0; subject < SUBJECTS; subject++) printf(" %20s", names[subject]);
    printf("\n");
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        for (int s = 0; s < SIZES; s++) {
            static double times[SUBJECTS][MAX_RUNS];
            int most = sizes[s] > 100000 ? count / 4 + 1 : count;
            for (int subject = 0; subject < SUBJECTS; subject++) run[subject](sizes[s], 0, 0, 1);
            for (int i = 0; i < runs; i++) {
                for (int turn = 0; turn < SUBJECTS; turn++) {
                    /* Nobody always comes after the same neighbour. */
                    int subject = (turn + i) % SUBJECTS;
                    double begun = now();
                    for (int j = 0; j < most; j++) run[subject](sizes[s], cycle == 0, ++number, 0);
                    times[subject][i] = (now() - begun) / most;
                }
            }
            double medians[SUBJECTS];
            for (int subject = 0; subject < SUBJECTS; subject++) {
                qsort(times[subject], (size_t)runs, sizeof(double), compare);
                medians[subject] = times[subject][runs / 2];
            }
            printf("%-22s %8zu B", cycles[cycle], sizes[s]);
            for (int subject = 0; subject < SUBJECTS; subject++)
                printf(" %12.1f (%5.2f)", medians[subject], medians[subject] / medians[1]);
            printf("\n");
        }
    }
    ls_container_free(container);
    ls_store_free(store);
    memcached_free(peer);
    close(raw);
    free(raw_buffer);
    return 0;
}
