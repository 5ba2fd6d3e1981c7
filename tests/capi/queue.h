/*
 * What the tests of queues start from: a memcached of their own that can be stopped, and a store, a container and a queue.
 * The program defines _DEFAULT_SOURCE before its first include.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define LONG_MS 20000

/* A memcached of this program's own, on a unix socket. */
static pid_t server;
static char server_dir[64], server_url[192];

static inline void nap(int ms) {
    struct timespec time = {0, ms * 1000000L};
    nanosleep(&time, NULL);
}

/* Nobody else is there: the directory is this program's own. */
static inline bool is_listening(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int at = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool is = connect(at, (struct sockaddr *)&address, sizeof address) == 0;
    close(at);
    return is;
}

static inline void start_server(void) {
    char path[96];
    snprintf(server_dir, sizeof server_dir, "/tmp/lovely-queue-XXXXXX");
    CHECK(mkdtemp(server_dir) != NULL);
    snprintf(path, sizeof path, "%s/socket", server_dir);
    snprintf(server_url, sizeof server_url, "memcached+unix://%s?exchange_timeout=10000&connect_timeout=10000", path);
    server = fork();
    if (server == 0) {
        execlp("memcached", "memcached", "-s", path, "-u", "root", "-t", "2", (char *)NULL);
        _exit(127);
    }
    time_t began = time(NULL);
    while (!is_listening(path) && time(NULL) - began < 20) nap(10);
    CHECK(is_listening(path));
}

/* Stops it; returns when all of its threads have stopped. SIGCONT lets it go on. */
static inline void freeze(void) {
    int status;
    kill(server, SIGSTOP);
    CHECK(waitpid(server, &status, WUNTRACED) == server && WIFSTOPPED(status));
}

static inline void stop_server(void) {
    char path[96];
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    snprintf(path, sizeof path, "%s/socket", server_dir);
    unlink(path);
    rmdir(server_dir);
}

typedef struct world {
    ls_store *store;
    ls_container *container;
    ls_queue *queue;
} world;

static inline world world_new(const char *url) {
    world w;
    memset(&w, 0, sizeof w);
    OK(ls_store_open(url, LS_NTS, NULL, &w.store, E));
    OK(ls_container_open(w.store, "container", LS_NTS, &w.container, E));
    OK(ls_queue_new(&w.queue, E));
    return w;
}

static inline world world_memory(void) {
    static int number;
    char url[64];
    snprintf(url, sizeof url, "memory://queue-%d", ++number);
    return world_new(url);
}

static inline void world_free(world *w) {
    ls_queue_free(w->queue);
    ls_container_free(w->container);
    ls_store_free(w->store);
}

static inline ls_txn *begin(void) {
    ls_txn *txn = NULL;
    OK(ls_txn_begin(&txn, E));
    return txn;
}

static inline uint64_t get(world *w, ls_txn *txn, const char *id, uint64_t user_data) {
    uint64_t op = 0;
    OK(ls_session_get_start(txn, w->container, id, LS_NTS, w->queue, user_data, &op, E));
    return op;
}

/* One completion; fails if none comes. */
static inline ls_completion next(world *w) {
    ls_completion done;
    size_t count = 0;
    memset(&done, 0, sizeof done);
    OK(ls_queue_wait(w->queue, &done, 1, &count, LONG_MS, E));
    CHECK(count == 1 && done.status == done.error.status);
    return done;
}

/* Opens, adds one, commits; the counter. */
static inline int64_t visit(world *w, const char *id) {
    ls_txn *txn = begin();
    ls_pkg *pkg = NULL;
    int64_t visits = -1;
    get(w, txn, id, 0);
    ls_completion done = next(w);
    CHECK(done.status == LS_OK);
    OK(ls_session_pkg(done.session, "pkg", LS_NTS, &pkg, E));
    OK(ls_pkg_add(pkg, "n", LS_NTS, 1, &visits, E));
    OK(ls_txn_commit_start(txn, w->queue, 0, NULL, E));
    CHECK(next(w).status == LS_OK);
    CHECK(ls_txn_state(txn) == LS_TXN_STATE_COMMITTED);
    ls_txn_free(txn);
    return visits;
}

#endif
