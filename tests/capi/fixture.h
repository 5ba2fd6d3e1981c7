/*
 * What most tests start from: a store of their own, a container, and a transaction with a session and a package.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "check.h"

typedef struct fixture {
    ls_store *store;
    ls_container *container;
    ls_txn *txn;
    ls_session *session;
    ls_pkg *pkg;
} fixture;

/* Begins a transaction and opens session "id" and package "pkg" in it. */
static inline void fixture_begin(fixture *f) {
    f->txn = NULL;
    f->session = NULL;
    f->pkg = NULL;
    OK(ls_txn_begin(&f->txn, E));
    OK(ls_session_get(f->txn, f->container, "id", LS_NTS, &f->session, E));
    OK(ls_session_pkg(f->session, "pkg", LS_NTS, &f->pkg, E));
}

/* Each test has a store that no other knows. */
static inline fixture fixture_new(void) {
    static int number;
    char url[64];
    fixture f;
    memset(&f, 0, sizeof f);
    snprintf(url, sizeof url, "memory://fixture-%d", ++number);
    OK(ls_store_open(url, LS_NTS, NULL, &f.store, E));
    OK(ls_container_open(f.store, "container", LS_NTS, &f.container, E));
    fixture_begin(&f);
    return f;
}

/* Commits, and begins the next one. */
static inline void fixture_commit(fixture *f) {
    OK(ls_txn_commit(f->txn, E));
    ls_txn_free(f->txn);
    fixture_begin(f);
}

static inline void fixture_free(fixture *f) {
    ls_txn_free(f->txn);
    ls_container_free(f->container);
    ls_store_free(f->store);
}

/* The integer under a key; -1 and a failed check if there is none. */
static inline int64_t fixture_i64(ls_pkg *pkg, const char *key) {
    int64_t found = -1;
    OK(ls_pkg_get_i64(pkg, key, LS_NTS, &found, E));
    return found;
}

static inline uint64_t fixture_stat(fixture *f, int32_t counter) {
    uint64_t count = 0;
    OK(ls_store_stat(f->store, counter, &count, E));
    return count;
}

#endif
