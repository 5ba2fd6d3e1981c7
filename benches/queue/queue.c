/* Many visitors at once on memcached: a queue on one thread, holding or corked, against a thread for each visitor, with this
 * library's blocking calls and with libmemcached's.
 *
 * A cycle is: load, change, store with compare-and-swap, of 2 KiB; each visitor has a session of its own and begins the next
 * cycle when the last has ended. Prints for each number of visitors the throughput and the quantiles of the time of a cycle.
 * "one" runs one subject alone for so many cycles and prints nothing else, for counting system calls.
 *
 * Usage: queue HOST PORT [SECONDS]; queue HOST PORT one hold|cork VISITORS CYCLES; see run.sh. */
#define _GNU_SOURCE
#include <libmemcached/memcached.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lovely_session.h"

enum { SIZE = 2048, MOST = 1000, SAMPLES = 4000000, BATCH = 64 };
static const int crowds[] = {1, 8, 64, 256, 1000};

static void die(const char *what)
{
    fprintf(stderr, "queue: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static ls_store *store;
static ls_container *container;
static char host[100];
static int port;
static char filler[SIZE];

/* The times of cycles, in milliseconds. */
static float *samples;
static atomic_long sampled;
static double until;

static void sample(double begun)
{
    long at = atomic_fetch_add(&sampled, 1);
    if (at < SAMPLES) samples[at] = (float)(now() - begun);
}

static void change(ls_session *session)
{
    ls_error err;
    ls_pkg *pkg = NULL;
    if (ls_session_pkg(session, "p", LS_NTS, &pkg, &err) < 0 || ls_pkg_add(pkg, "n", LS_NTS, 1, NULL, &err) < 0)
        die(err.message);
}

static void fill(void)
{
    for (int i = 0; i < MOST; i++) {
        ls_error err;
        ls_txn *txn = NULL;
        ls_session *session = NULL;
        ls_pkg *pkg = NULL;
        char id[32];
        snprintf(id, sizeof id, "visitor-%d", i);
        if (ls_txn_begin(&txn, &err) < 0 || ls_session_get(txn, container, id, LS_NTS, &session, &err) < 0 ||
            ls_session_pkg(session, "p", LS_NTS, &pkg, &err) < 0 ||
            ls_pkg_set_bytes(pkg, "payload", LS_NTS, filler, SIZE, &err) < 0 || ls_txn_commit(txn, &err) < 0)
            die(err.message);
        ls_txn_free(txn);
    }
}

/* The queue: one thread, which is also the event loop. */

typedef struct visitor {
    ls_txn *txn;
    double begun;
    int committing;
    char id[32];
} visitor;

static void begin(visitor *v, ls_queue *queue)
{
    ls_error err;
    v->begun = now();
    v->committing = 0;
    if (ls_txn_begin(&v->txn, &err) < 0 ||
        ls_session_get_start(v->txn, container, v->id, LS_NTS, queue, (uintptr_t)v, NULL, &err) < 0)
        die(err.message);
}

static void on_queue(int visitors, int corked, long cycles)
{
    static visitor all[MOST];
    static ls_completion done[BATCH];
    ls_error err;
    ls_queue *queue = NULL;
    long left = cycles;
    int busy = 0;
    if (ls_queue_new(&queue, &err) < 0 || ls_queue_set(queue, LS_QUEUE_CORK, corked, &err) < 0) die(err.message);
    for (int i = 0; i < visitors; i++, busy++) {
        snprintf(all[i].id, sizeof all[i].id, "visitor-%d", i);
        begin(&all[i], queue);
    }
    while (busy > 0) {
        size_t count = 0;
        if (corked && ls_queue_flush(queue, &err) < 0) die(err.message);
        if (ls_queue_wait(queue, done, BATCH, &count, -1, &err) < 0) die(err.message);
        for (size_t i = 0; i < count; i++) {
            visitor *v = (visitor *)(uintptr_t)done[i].user_data;
            if (done[i].status < 0) die(done[i].error.message);
            if (!v->committing) {
                change(done[i].session);
                v->committing = 1;
                if (ls_txn_commit_start(v->txn, queue, (uintptr_t)v, NULL, &err) < 0) die(err.message);
                continue;
            }
            ls_txn_free(v->txn);
            sample(v->begun);
            if (cycles > 0 ? --left >= visitors : now() < until) {
                begin(v, queue);
            } else {
                busy--;
            }
        }
    }
    ls_queue_free(queue);
}

static void hold(int visitors) { on_queue(visitors, 0, 0); }
static void cork(int visitors) { on_queue(visitors, 1, 0); }

/* A thread for each visitor. */

static void *blocking_visitor(void *argument)
{
    char id[32];
    snprintf(id, sizeof id, "visitor-%d", (int)(intptr_t)argument);
    while (now() < until) {
        double begun = now();
        ls_error err;
        ls_txn *txn = NULL;
        ls_session *session = NULL;
        if (ls_txn_begin(&txn, &err) < 0 || ls_session_get(txn, container, id, LS_NTS, &session, &err) < 0)
            die(err.message);
        change(session);
        if (ls_txn_commit(txn, &err) < 0) die(err.message);
        ls_txn_free(txn);
        sample(begun);
    }
    return NULL;
}

static void *peer_visitor(void *argument)
{
    char options[200], key[64];
    snprintf(options, sizeof options, "--SERVER=%s:%d --TCP-NODELAY --SUPPORT-CAS", host, port);
    memcached_st *peer = memcached(options, strlen(options));
    if (peer == NULL) die("libmemcached: options");
    const char *keys[1] = {key};
    size_t lengths[1] = {(size_t)snprintf(key, sizeof key, "bench/peer-%d", (int)(intptr_t)argument)};
    if (memcached_set(peer, key, lengths[0], filler, SIZE, 3600, 0) != MEMCACHED_SUCCESS) die("libmemcached: set");
    while (now() < until) {
        double begun = now();
        memcached_return_t rc;
        if (memcached_mget(peer, keys, lengths, 1) != MEMCACHED_SUCCESS) die("libmemcached: gets");
        memcached_result_st *result = memcached_fetch_result(peer, NULL, &rc);
        if (result == NULL) die("libmemcached: not found");
        uint64_t version = memcached_result_cas(result);
        char *value = memcached_result_take_value(result);
        memcached_result_free(result);
        if (memcached_fetch_result(peer, NULL, &rc) != NULL) die("libmemcached: more than was asked for");
        value[0]++;
        if (memcached_cas(peer, key, lengths[0], value, SIZE, 3600, 0, version) != MEMCACHED_SUCCESS)
            die("libmemcached: cas");
        free(value);
        sample(begun);
    }
    memcached_free(peer);
    return NULL;
}

static void in_threads(int visitors, void *(*visit)(void *))
{
    static pthread_t threads[MOST];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    for (int i = 0; i < visitors; i++)
        if (pthread_create(&threads[i], &small, visit, (void *)(intptr_t)i) != 0) die("no thread");
    for (int i = 0; i < visitors; i++) pthread_join(threads[i], NULL);
}

static void blocking(int visitors) { in_threads(visitors, blocking_visitor); }
static void peers(int visitors) { in_threads(visitors, peer_visitor); }

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static void (*const run[])(int) = {hold, cork, blocking, peers};
    static const char *const names[] = {"queue, hold", "queue, cork", "blocking threads", "libmemcached threads"};
    char url[200];
    ls_error err;
    if (argc < 3) die("usage: queue HOST PORT [SECONDS]");
    snprintf(host, sizeof host, "%s", argv[1]);
    port = atoi(argv[2]);
    samples = malloc(SAMPLES * sizeof *samples);
    snprintf(url, sizeof url, "memcached://%s:%d/bench?exchange_timeout=20000&connect_timeout=20000", host, port);
    if (samples == NULL) die("no memory");
    if (ls_store_open(url, LS_NTS, NULL, &store, &err) < 0) die(err.message);
    if (ls_container_open(store, "queue", LS_NTS, &container, &err) < 0) die(err.message);
    if (argc > 6) {
        on_queue(atoi(argv[5]), strcmp(argv[4], "cork") == 0, atol(argv[6]));
    } else {
        double seconds = argc > 3 ? atof(argv[3]) : 2;
        fill();
        printf("%-24s %9s %14s %10s %10s\n", "", "visitors", "cycles/s", "p50 ms", "p99 ms");
        for (size_t c = 0; c < sizeof crowds / sizeof *crowds; c++) {
            for (size_t s = 0; s < sizeof run / sizeof *run; s++) {
                atomic_store(&sampled, 0);
                double begun = now();
                until = begun + seconds * 1e3;
                run[s](crowds[c]);
                double took = (now() - begun) / 1e3;
                long n = atomic_load(&sampled);
                size_t kept = (size_t)(n < SAMPLES ? n : SAMPLES);
                if (kept == 0) die("nothing was done");
                qsort(samples, kept, sizeof *samples, compare);
                printf("%-24s %9d %14.0f %10.3f %10.3f\n", names[s], crowds[c], (double)n / took, samples[kept / 2],
                       samples[kept * 99 / 100]);
                fflush(stdout);
            }
        }
    }
    ls_container_free(container);
    ls_store_free(store);
    free(samples);
    return 0;
}
