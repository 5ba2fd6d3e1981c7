/* Queues: operations that are started and come out once; threads, deadlines, forks. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "queue.h"

static bool readable(int fd) {
    struct pollfd watch = {fd, POLLIN, 0};
    return poll(&watch, 1, 0) == 1;
}

TEST(misuse_is_refused) {
    world w = world_memory();
    ls_txn *txn = begin();
    ls_completion done;
    size_t count = 7;
    int64_t value = 0;
    NULL_IS_REFUSED("out", ls_queue_new(NULL, E));
    NULL_IS_REFUSED("queue", ls_queue_wait(NULL, &done, 1, &count, 0, E));
    NULL_IS_REFUSED("out", ls_queue_wait(w.queue, NULL, 1, &count, 0, E));
    NULL_IS_REFUSED("count", ls_queue_wait(w.queue, &done, 1, NULL, 0, E));
    NULL_IS_REFUSED("queue", ls_session_get_start(txn, w.container, "a", LS_NTS, NULL, 0, NULL, E));
    NULL_IS_REFUSED("container", ls_session_get_start(txn, NULL, "a", LS_NTS, w.queue, 0, NULL, E));
    NULL_IS_REFUSED("txn", ls_session_get_start(NULL, w.container, "a", LS_NTS, w.queue, 0, NULL, E));
    NULL_IS_REFUSED("ids", ls_txn_prefetch(txn, w.container, NULL, NULL, 1, E));
    NULL_IS_REFUSED("queue", ls_queue_flush(NULL, E));
    NULL_IS_REFUSED("queue", ls_queue_cancel(NULL, 1, E));
    CHECK(ls_queue_fd(NULL) == -1);
    OK(ls_queue_wait(w.queue, NULL, 0, &count, 0, E));
    CHECK(count == 0);
    STATUS(LS_ERR_ARGUMENT, ls_queue_set(w.queue, 99, 1, E));
    STATUS(LS_ERR_ARGUMENT, ls_queue_get(w.queue, 99, &value, E));
    STATUS(LS_ERR_RANGE, ls_queue_set(w.queue, LS_QUEUE_CONNECTIONS, 0, E));
    STATUS(LS_ERR_RANGE, ls_queue_set(w.queue, LS_QUEUE_CONNECTIONS, 5, E));
    STATUS(LS_ERR_RANGE, ls_queue_set(w.queue, LS_QUEUE_CORK, 2, E));
    OK(ls_queue_set(w.queue, LS_QUEUE_CONNECTIONS, 3, E));
    OK(ls_queue_get(w.queue, LS_QUEUE_CONNECTIONS, &value, E));
    CHECK(value == 3);
    OK(ls_queue_get(w.queue, LS_QUEUE_CORK, &value, E));
    CHECK(value == 0);
    OK(ls_queue_cancel(w.queue, 12345, E));
    /* What is wrong with the operation itself comes out of the queue. */
    get(&w, txn, "", 0);
    CHECK(next(&w).status == LS_ERR_ARGUMENT);
    ls_queue_free(NULL);
    ls_txn_free(txn);
    world_free(&w);
}

TEST(each_operation_comes_out_once_and_the_descriptor_tells_of_it) {
    world w = world_memory();
    ls_txn *txn = begin();
    ls_completion done;
    size_t count = 7;
    int fd = ls_queue_fd(w.queue);
    CHECK(fd >= 0 && !readable(fd));
    uint64_t op = get(&w, txn, "visitor", 42);
    CHECK(readable(fd));
    done = next(&w);
    CHECK(done.op == op && done.user_data == 42 && done.status == LS_OK && done.session != NULL);
    CHECK(done.error.message[0] == 0 && ls_session_is_new(done.session));
    CHECK(!readable(fd));
    OK(ls_queue_wait(w.queue, &done, 1, &count, 0, E));
    CHECK(count == 0);
    ls_txn_free(txn);
    world_free(&w);
}

/* A host that watches for changes only is told again of what it left behind. */
TEST(what_did_not_fit_is_told_of_again) {
    world w = world_memory();
    ls_txn *txns[5];
    ls_completion done[3];
    size_t count = 0;
    struct epoll_event event = {EPOLLIN | EPOLLET, {0}};
    int set = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ls_queue_fd(w.queue), &event) == 0);
    for (uint64_t i = 0; i < 5; i++) get(&w, txns[i] = begin(), "visitor", i);
    CHECK(epoll_wait(set, &event, 1, 0) == 1);
    OK(ls_queue_wait(w.queue, done, 3, &count, 0, E));
    CHECK(count == 3);
    CHECK(epoll_wait(set, &event, 1, 0) == 1);
    OK(ls_queue_wait(w.queue, done, 3, &count, 0, E));
    CHECK(count == 2);
    CHECK(epoll_wait(set, &event, 1, 0) == 0);
    for (int i = 0; i < 5; i++) ls_txn_free(txns[i]);
    close(set);
    world_free(&w);
}

TEST(a_transaction_is_in_use_until_its_operation_is_handed_out) {
    world w = world_memory();
    ls_txn *txn = begin();
    uint64_t savepoint = 0;
    get(&w, txn, "visitor", 0);
    STATUS(LS_ERR_MISUSE, ls_txn_savepoint(txn, &savepoint, E));
    STATUS(LS_ERR_MISUSE, ls_txn_commit(txn, E));
    STATUS(LS_ERR_MISUSE, ls_txn_commit_start(txn, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_OK);
    OK(ls_txn_savepoint(txn, &savepoint, E));
    ls_txn_free(txn);
    world_free(&w);
}

static void every_twin(const char *url) {
    world w = world_new(url);
    ls_txn *txn = begin();
    ls_session *session = NULL;
    const char *ids[] = {"one", "two", "one"};
    size_t lens[] = {3, LS_NTS, 3};
    uint64_t requests = 0, after = 0;
    OK(ls_store_ping_start(w.store, w.queue, 5, NULL, E));
    ls_completion done = next(&w);
    CHECK(done.status == LS_OK && done.user_data == 5 && done.session == NULL);
    for (int i = 1; i <= 3; i++) CHECK(visit(&w, "visitor") == i);
    OK(ls_session_exists_start(txn, w.container, "visitor", LS_NTS, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_OK);
    OK(ls_session_exists_start(txn, w.container, "nobody", LS_NTS, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_NOT_FOUND);
    OK(ls_txn_prefetch_start(txn, w.container, ids, lens, 3, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_OK);
    CHECK(ls_txn_session_count(txn) == 2);
    OK(ls_txn_prefetch(txn, w.container, ids, NULL, 3, E));
    OK(ls_txn_prefetch(txn, w.container, NULL, NULL, 0, E));
    OK(ls_store_stat(w.store, LS_STAT_REQUESTS, &requests, E));
    OK(ls_session_get(txn, w.container, "one", LS_NTS, &session, E));
    OK(ls_store_stat(w.store, LS_STAT_REQUESTS, &after, E));
    CHECK(requests == after);
    OK(ls_txn_prepare_start(txn, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_OK);
    CHECK(ls_txn_state(txn) == LS_TXN_STATE_PREPARED);
    OK(ls_txn_commit_start(txn, w.queue, 0, NULL, E));
    CHECK(next(&w).status == LS_OK);
    OK(ls_store_flush_start(w.store, w.queue, 0, NULL, E));
    done = next(&w);
    CHECK(done.status == (strncmp(url, "memory", 6) == 0 ? LS_OK : LS_ERR_UNSUPPORTED));
    ls_txn_free(txn);
    world_free(&w);
}

TEST(every_call_that_waits_has_a_twin_that_does_not) {
    every_twin("memory://twins");
    every_twin(server_url);
}

/* Deadlines need no timer of the host: the descriptor becomes readable. */
TEST(a_deadline_wakes_whoever_watches_the_descriptor) {
    char url[224];
    snprintf(url, sizeof url, "%s&prefix=late", server_url);
    world w = world_new(url);
    ls_txn *txn = begin();
    ls_pkg *pkg = NULL;
    get(&w, txn, "late", 0);
    OK(ls_session_pkg(next(&w).session, "pkg", LS_NTS, &pkg, E));
    OK(ls_pkg_add(pkg, "n", LS_NTS, 1, NULL, E));
    OK(ls_txn_set(txn, LS_TXN_COMMIT_TIMEOUT, 50, E));
    freeze();
    OK(ls_txn_commit_start(txn, w.queue, 0, NULL, E));
    struct pollfd watch = {ls_queue_fd(w.queue), POLLIN, 0};
    CHECK(poll(&watch, 1, LONG_MS) == 1);
    CHECK(next(&w).status == LS_ERR_UNKNOWN);
    kill(server, SIGCONT);
    ls_txn_free(txn);
    world_free(&w);
}

enum { STARTERS = 4, WAITERS = 2, EACH = 300 };

typedef struct crowd {
    world w;
    atomic_int handed_out, bad;
} crowd;

static void *starter(void *argument) {
    crowd *c = argument;
    for (int i = 0; i < EACH; i++) {
        ls_txn *txn = NULL;
        if (ls_txn_begin(&txn, NULL) != LS_OK ||
            ls_session_get_start(txn, c->w.container, "crowd", LS_NTS, c->w.queue, (uintptr_t)txn, NULL, NULL) != LS_OK)
            atomic_fetch_add(&c->bad, 1);
    }
    return NULL;
}

static void *waiter(void *argument) {
    crowd *c = argument;
    while (atomic_load(&c->handed_out) < STARTERS * EACH) {
        ls_completion done[8];
        size_t count = 0;
        if (ls_queue_wait(c->w.queue, done, 8, &count, 50, NULL) != LS_OK) atomic_fetch_add(&c->bad, 1);
        for (size_t i = 0; i < count; i++) {
            if (done[i].status != LS_OK) atomic_fetch_add(&c->bad, 1);
            ls_txn_free((ls_txn *)(uintptr_t)done[i].user_data);
        }
        atomic_fetch_add(&c->handed_out, (int)count);
    }
    return NULL;
}

TEST(threads_start_and_wait_on_one_queue) {
    const char *urls[] = {"memory://crowd", server_url};
    for (int i = 0; i < 2; i++) {
        crowd c = {world_new(urls[i]), 0, 0};
        pthread_t threads[STARTERS + WAITERS];
        for (int t = 0; t < STARTERS + WAITERS; t++)
            CHECK(pthread_create(&threads[t], NULL, t < STARTERS ? starter : waiter, &c) == 0);
        for (int t = 0; t < STARTERS + WAITERS; t++) CHECK(pthread_join(threads[t], NULL) == 0);
        CHECK(atomic_load(&c.handed_out) == STARTERS * EACH && atomic_load(&c.bad) == 0);
        world_free(&c.w);
    }
}

TEST(a_queue_is_dead_in_a_forked_child) {
    world w = world_new(server_url);
    ls_txn *txn = begin();
    CHECK(visit(&w, "fork") == 1);
    get(&w, txn, "fork", 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ls_completion done;
        size_t count = 0;
        bool good = ls_queue_wait(w.queue, &done, 1, &count, 0, NULL) == LS_ERR_MISUSE &&
                    ls_queue_fd(w.queue) == -1 && ls_queue_flush(w.queue, NULL) == LS_ERR_MISUSE;
        ls_queue_free(w.queue);
        ls_txn_free(txn);
        _exit(good ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(next(&w).status == LS_OK);
    ls_txn_free(txn);
    CHECK(visit(&w, "fork") == 2);
    world_free(&w);
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) != -1;
    return count;
}

TEST(thousands_of_operations_cost_one_connection) {
    enum { OPERATIONS = 2000 };
    static ls_txn *txns[OPERATIONS];
    int before = open_descriptors();
    world w = world_new(server_url);
    for (int i = 0; i < OPERATIONS; i++) {
        char id[32];
        snprintf(id, sizeof id, "many %d", i);
        get(&w, txns[i] = begin(), id, (uint64_t)i);
    }
    int finished = 0;
    while (finished < OPERATIONS && check_bad == 0) {
        CHECK(next(&w).status == LS_OK);
        finished++;
    }
    /* The set, its alarm, its bell and one socket. */
    CHECK(open_descriptors() == before + 4);
    for (int i = 0; i < OPERATIONS; i++) ls_txn_free(txns[i]);
    world_free(&w);
    CHECK(open_descriptors() == before);
}

int main(void) {
    start_server();
    RUN(misuse_is_refused);
    RUN(each_operation_comes_out_once_and_the_descriptor_tells_of_it);
    RUN(what_did_not_fit_is_told_of_again);
    RUN(a_transaction_is_in_use_until_its_operation_is_handed_out);
    RUN(every_call_that_waits_has_a_twin_that_does_not);
    RUN(a_deadline_wakes_whoever_watches_the_descriptor);
    RUN(threads_start_and_wait_on_one_queue);
    RUN(a_queue_is_dead_in_a_forked_child);
    RUN(thousands_of_operations_cost_one_connection);
    stop_server();
    return check_done("queue");
}
