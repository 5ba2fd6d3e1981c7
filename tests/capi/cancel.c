/* Operations on a queue that end early: cancelled, or their transaction or queue freed; everything stays whole. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdint.h>

#include "queue.h"

/* What was not sent is not stored; the server never hears of it. */
TEST(a_commit_that_is_cancelled_before_it_is_sent_stores_nothing) {
    world w = world_new(server_url);
    ls_txn *txn = begin();
    ls_pkg *pkg = NULL;
    uint64_t op = 0;
    CHECK(visit(&w, "unsent") == 1);
    get(&w, txn, "unsent", 0);
    OK(ls_session_pkg(next(&w).session, "pkg", LS_NTS, &pkg, E));
    OK(ls_pkg_add(pkg, "n", LS_NTS, 100, NULL, E));
    OK(ls_queue_set(w.queue, LS_QUEUE_CORK, 1, E));
    OK(ls_txn_commit_start(txn, w.queue, 0, &op, E));
    OK(ls_queue_cancel(w.queue, op, E));
    OK(ls_queue_flush(w.queue, E));
    CHECK(next(&w).status == LS_ERR_CANCELLED);
    CHECK(ls_txn_state(txn) == LS_TXN_STATE_FAILED);
    ls_txn_free(txn);
    OK(ls_queue_set(w.queue, LS_QUEUE_CORK, 0, E));
    CHECK(visit(&w, "unsent") == 2);
    world_free(&w);
}

TEST(a_commit_that_is_cancelled_after_it_was_sent_is_unknown) {
    world w = world_new(server_url);
    ls_txn *txn = begin();
    ls_pkg *pkg = NULL;
    uint64_t op = 0;
    int32_t outcome = -1;
    CHECK(visit(&w, "sent") == 1);
    get(&w, txn, "sent", 0);
    OK(ls_session_pkg(next(&w).session, "pkg", LS_NTS, &pkg, E));
    OK(ls_pkg_add(pkg, "n", LS_NTS, 100, NULL, E));
    freeze();
    OK(ls_txn_commit_start(txn, w.queue, 0, &op, E));
    OK(ls_queue_flush(w.queue, E));
    OK(ls_queue_cancel(w.queue, op, E));
    CHECK(next(&w).status == LS_ERR_UNKNOWN);
    kill(server, SIGCONT);
    CHECK(ls_txn_report_count(txn) == 1);
    OK(ls_txn_report_outcome(txn, 0, &outcome, E));
    CHECK(outcome == LS_OUTCOME_UNKNOWN);
    ls_txn_free(txn);
    /* The connection goes on: the answer that nobody waits for is dropped when it comes. */
    CHECK(visit(&w, "sent") == 102);
    world_free(&w);
}

TEST(a_load_that_is_cancelled_leaves_the_transaction_usable) {
    world w = world_new(server_url);
    ls_txn *txn = begin();
    CHECK(visit(&w, "load") == 1);
    freeze();
    uint64_t op = get(&w, txn, "load", 0);
    OK(ls_queue_cancel(w.queue, op, E));
    ls_completion done = next(&w);
    CHECK(done.status == LS_ERR_CANCELLED && done.session == NULL);
    kill(server, SIGCONT);
    get(&w, txn, "load", 0);
    done = next(&w);
    CHECK(done.status == LS_OK && !ls_session_is_new(done.session));
    ls_txn_free(txn);
    world_free(&w);
}

TEST(freeing_a_transaction_cancels_its_operation_which_still_comes_out) {
    world w = world_new(server_url);
    freeze();
    ls_txn *txn = begin();
    get(&w, txn, "freed", 9);
    ls_txn_free(txn);
    ls_completion done = next(&w);
    CHECK(done.status == LS_ERR_CANCELLED && done.session == NULL && done.user_data == 9);
    kill(server, SIGCONT);
    world_free(&w);
    /* Finished and not handed out: there is nothing to cancel, and no handle either. */
    w = world_memory();
    txn = begin();
    get(&w, txn, "freed", 9);
    ls_txn_free(txn);
    done = next(&w);
    CHECK(done.status == LS_OK && done.session == NULL && done.user_data == 9);
    world_free(&w);
}

TEST(freeing_a_queue_cancels_its_operations_and_leaves_their_transactions) {
    world w = world_new(server_url);
    ls_txn *loading = begin(), *committing = begin();
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    get(&w, committing, "queue", 0);
    OK(ls_session_pkg(next(&w).session, "pkg", LS_NTS, &pkg, E));
    OK(ls_pkg_add(pkg, "n", LS_NTS, 1, NULL, E));
    freeze();
    get(&w, loading, "queue", 0);
    OK(ls_txn_commit_start(committing, w.queue, 0, NULL, E));
    ls_queue_free(w.queue);
    w.queue = NULL;
    kill(server, SIGCONT);
    CHECK(ls_txn_state(committing) == LS_TXN_STATE_FAILED && ls_txn_report_count(committing) == 1);
    OK(ls_session_get(loading, w.container, "queue", LS_NTS, &session, E));
    ls_txn_free(loading);
    ls_txn_free(committing);
    world_free(&w);
}

static uint32_t chance(uint32_t *seed, uint32_t n) {
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* What ASan and valgrind look at: everything ends at any moment. */
TEST(operations_queues_and_transactions_end_at_random_moments) {
    enum { CLIENTS = 40, ROUNDS = 30 };
    uint32_t seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        world w = world_new(round % 3 == 0 ? "memory://random" : server_url);
        ls_txn *txns[CLIENTS];
        uint64_t ops[CLIENTS];
        bool in_flight[CLIENTS];
        size_t started = 0, finished = 0;
        bool stopped = round % 5 == 1;
        if (chance(&seed, 2)) OK(ls_queue_set(w.queue, LS_QUEUE_CORK, 1, E));
        OK(ls_queue_set(w.queue, LS_QUEUE_CONNECTIONS, 1 + chance(&seed, 4), E));
        for (int i = 0; i < CLIENTS; i++) {
            char id[32];
            snprintf(id, sizeof id, "random %d", i % 7);
            if (i == CLIENTS / 2 && stopped) freeze();
            ops[i] = get(&w, txns[i] = begin(), id, (uint64_t)i);
            in_flight[i] = true;
            started++;
            if (chance(&seed, 8) == 0) OK(ls_queue_flush(w.queue, E));
            if (chance(&seed, 6) == 0) OK(ls_queue_cancel(w.queue, ops[chance(&seed, (uint32_t)i + 1)], E));
            if (chance(&seed, 6) == 0) {
                uint32_t at = chance(&seed, (uint32_t)i + 1);
                ls_txn_free(txns[at]);
                txns[at] = NULL;
            }
            ls_completion done[4];
            size_t count = 0;
            if (chance(&seed, 3) == 0) OK(ls_queue_wait(w.queue, done, 4, &count, 0, E));
            for (size_t at = 0; at < count; at++) {
                ls_txn *txn = txns[done[at].user_data];
                ls_pkg *pkg = NULL;
                finished++;
                CHECK(in_flight[done[at].user_data]);
                in_flight[done[at].user_data] = false;
                CHECK(txn != NULL || done[at].session == NULL);
                if (done[at].session != NULL && done[at].status == LS_OK) {
                    OK(ls_session_pkg(done[at].session, "pkg", LS_NTS, &pkg, E));
                    OK(ls_pkg_add(pkg, "n", LS_NTS, 1, NULL, E));
                    OK(ls_txn_commit_start(txn, w.queue, done[at].user_data, &ops[done[at].user_data], E));
                    in_flight[done[at].user_data] = true;
                    started++;
                }
            }
        }
        if (stopped) kill(server, SIGCONT);
        if (chance(&seed, 2)) {
            while (finished < started) {
                next(&w);
                finished++;
                if (check_bad > 0) break;
            }
        }
        ls_queue_free(w.queue);
        w.queue = NULL;
        for (int i = 0; i < CLIENTS; i++) ls_txn_free(txns[i]);
        world_free(&w);
        if (check_bad > 0) break;
    }
}

static void *wait_for_ever(void *argument) {
    world *w = argument;
    ls_completion done;
    size_t count = 0;
    return (void *)(intptr_t)ls_queue_wait(w->queue, &done, 1, &count, -1, NULL);
}

TEST(freeing_a_queue_wakes_whoever_waits_on_it) {
    world w = world_memory();
    pthread_t thread;
    void *status = NULL;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, &w) == 0);
    nap(100);
    ls_queue_free(w.queue);
    CHECK(pthread_join(thread, &status) == 0 && (intptr_t)status == LS_ERR_MISUSE);
    w.queue = NULL;
    world_free(&w);
}

int main(void) {
    start_server();
    RUN(a_commit_that_is_cancelled_before_it_is_sent_stores_nothing);
    RUN(a_commit_that_is_cancelled_after_it_was_sent_is_unknown);
    RUN(a_load_that_is_cancelled_leaves_the_transaction_usable);
    RUN(freeing_a_transaction_cancels_its_operation_which_still_comes_out);
    RUN(freeing_a_queue_cancels_its_operations_and_leaves_their_transactions);
    RUN(operations_queues_and_transactions_end_at_random_moments);
    RUN(freeing_a_queue_wakes_whoever_waits_on_it);
    stop_server();
    return check_done("cancel");
}
