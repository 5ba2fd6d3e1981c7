/* Several threads: who may be inside of what at once. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "fixture.h"

/* How often a thread was kept out because another one was inside. */
static atomic_int kept_out;

/* Adds 1 at least 1,000 times, and until two threads have met; counts how often it was let in, -1 for a wrong answer. */
static void *add_ones(void *argument) {
    ls_pkg *pkg = argument;
    intptr_t added = 0;
    for (int i = 0; i < 1000 || (atomic_load(&kept_out) == 0 && i < 5000000); i++) {
        ls_error err;
        int32_t rc = ls_pkg_add(pkg, "n", 1, 1, NULL, &err);
        if (rc == LS_OK) {
            added++;
        } else if (rc == LS_ERR_MISUSE && err.status == LS_ERR_MISUSE && strstr(err.message, "in use") != NULL) {
            atomic_fetch_add(&kept_out, 1);
        } else {
            return (void *)(intptr_t)-1;
        }
    }
    return (void *)added;
}

TEST(two_threads_on_one_transaction_are_a_misuse_never_a_race) {
    fixture f = fixture_new();
    pthread_t threads[4];
    intptr_t sum = 0;
    atomic_store(&kept_out, 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, add_ones, f.pkg) == 0);
    for (int i = 0; i < 4; i++) {
        void *added = NULL;
        CHECK(pthread_join(threads[i], &added) == 0 && (intptr_t)added >= 0);
        sum += (intptr_t)added;
    }
    CHECK(atomic_load(&kept_out) > 0);
    CHECK(fixture_i64(f.pkg, "n") == (int64_t)sum);
    fixture_free(&f);
}

typedef struct long_call {
    fixture f;
    ls_value *map;
    int32_t rc;
} long_call;

static void *replace(void *argument) {
    long_call *call = argument;
    call->rc = ls_pkg_replace(call->f.pkg, call->map, NULL);
    return NULL;
}

TEST(freeing_during_a_call_takes_effect_when_it_ends) {
    /* A call that takes long enough to be met: it is, or the transaction is freed before or after it: all are fine. */
    ls_value *one = NULL;
    int met = 0;
    long_call call;
    memset(&call, 0, sizeof call);
    OK(ls_value_new_map(&call.map, E));
    OK(ls_value_new_i64(1, &one, E));
    for (int i = 0; i < 20000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        OK(ls_value_map_set(call.map, key, LS_NTS, one, E));
    }
    for (int round = 0; round < 100 && met < 3; round++) {
        pthread_t thread;
        uint64_t savepoint = 0;
        int inside = 0;
        call.f = fixture_new();
        call.rc = 99;
        CHECK(pthread_create(&thread, NULL, replace, &call) == 0);
        for (int tries = 0; tries < 1000000 && !inside; tries++) {
            inside = ls_txn_savepoint(call.f.txn, &savepoint, NULL) == LS_ERR_MISUSE;
            if (!inside) sched_yield();
        }
        if (inside) {
            ls_txn_free(call.f.txn);
            met++;
        }
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(call.rc == LS_OK || call.rc == LS_ERR_MISUSE);
        if (!inside) ls_txn_free(call.f.txn);
        ls_container_free(call.f.container);
        ls_store_free(call.f.store);
    }
    CHECK(met > 0);
    ls_value_free(one);
    ls_value_free(call.map);
}

static void *one_transaction_after_the_other(void *argument) {
    ls_container *container = argument;
    for (int i = 0; i < 200; i++) {
        int32_t rc = LS_ERR_CONFLICT;
        while (rc == LS_ERR_CONFLICT) {
            ls_txn *txn = NULL;
            ls_session *session = NULL;
            ls_pkg *pkg = NULL;
            rc = ls_txn_begin(&txn, NULL);
            if (rc == 0) rc = ls_session_get(txn, container, "shared", LS_NTS, &session, NULL);
            if (rc == 0) rc = ls_session_pkg(session, "pkg", LS_NTS, &pkg, NULL);
            if (rc == 0) rc = ls_pkg_add(pkg, "n", 1, 1, NULL, NULL);
            if (rc == 0) rc = ls_txn_commit(txn, NULL);
            ls_txn_free(txn);
        }
        if (rc != LS_OK) return (void *)(intptr_t)rc;
    }
    return NULL;
}

TEST(stores_and_containers_are_shared_by_threads) {
    fixture f = fixture_new();
    ls_session *session = NULL;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, one_transaction_after_the_other, f.container) == 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed = (void *)1;
        CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    }
    OK(ls_session_get(f.txn, f.container, "shared", LS_NTS, &session, E));
    OK(ls_session_pkg(session, "pkg", LS_NTS, &f.pkg, E));
    CHECK(fixture_i64(f.pkg, "n") == 800);
    fixture_free(&f);
}

TEST(a_transaction_may_move_from_thread_to_thread) {
    fixture f = fixture_new();
    pthread_t thread;
    void *added = NULL;
    atomic_store(&kept_out, 1);
    CHECK(pthread_create(&thread, NULL, add_ones, f.pkg) == 0);
    CHECK(pthread_join(thread, &added) == 0 && (intptr_t)added == 1000);
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1000);
    fixture_free(&f);
}

int main(void) {
    RUN(two_threads_on_one_transaction_are_a_misuse_never_a_race);
    RUN(freeing_during_a_call_takes_effect_when_it_ends);
    RUN(stores_and_containers_are_shared_by_threads);
    RUN(a_transaction_may_move_from_thread_to_thread);
    return check_done("thread");
}
