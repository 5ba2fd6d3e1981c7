/* What tests of other programs use: the clock, lost sessions, faults. */
#include "fixture.h"

TEST(the_clock_moves_forward_only) {
    fixture f = fixture_new();
    int64_t before = 0, after = 0;
    OK(ls_test_clock_now(f.store, &before, E));
    OK(ls_test_clock_advance(f.store, 86400000, E));
    OK(ls_test_clock_now(f.store, &after, E));
    CHECK(after - before >= 86400000 && after - before < 86410000);
    OK(ls_test_clock_advance(f.store, 0, E));
    FAILS(LS_ERR_RANGE, "-1", ls_test_clock_advance(f.store, -1, E));
    STATUS(LS_ERR_RANGE, ls_test_clock_advance(f.store, INT64_MAX, E));
    OK(ls_test_clock_now(f.store, &before, E));
    CHECK(before >= after && before - after < 10000);
    fixture_free(&f);
}

TEST(a_session_that_is_not_opened_for_its_timeout_is_gone) {
    fixture f = fixture_new();
    OK(ls_container_set(f.container, LS_CONTAINER_TIMEOUT, 60000, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    ls_txn_free(f.txn);
    OK(ls_test_clock_advance(f.store, 50000, E));
    fixture_begin(&f);
    CHECK(!ls_session_is_new(f.session));
    ls_txn_free(f.txn);
    OK(ls_test_clock_advance(f.store, 50000, E));
    fixture_begin(&f);
    CHECK(!ls_session_is_new(f.session));
    ls_txn_free(f.txn);
    OK(ls_test_clock_advance(f.store, 60000, E));
    fixture_begin(&f);
    CHECK(ls_session_is_new(f.session));
    fixture_free(&f);
}

TEST(one_session_is_made_to_look_idle) {
    fixture f = fixture_new();
    ls_session *other = NULL;
    ls_pkg *pkg = NULL;
    OK(ls_session_get(f.txn, f.container, "other", LS_NTS, &other, E));
    OK(ls_session_pkg(other, "pkg", 3, &pkg, E));
    OK(ls_pkg_set_i64(pkg, "n", 1, 1, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
    OK(ls_txn_begin(&f.txn, E));
    OK(ls_test_session_idle(f.container, "id", 2, 1000000, E));
    OK(ls_session_exists(f.txn, f.container, "id", 2, E));
    OK(ls_test_session_idle(f.container, "id", 2, 3000000, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "id", 2, E));
    OK(ls_session_exists(f.txn, f.container, "other", LS_NTS, E));
    NOT_FOUND(ls_test_session_idle(f.container, "id", 2, 1, E));
    NOT_FOUND(ls_test_session_idle(f.container, "nobody", LS_NTS, 1, E));
    STATUS(LS_ERR_RANGE, ls_test_session_idle(f.container, "other", LS_NTS, -1, E));
    STATUS(LS_ERR_ARGUMENT, ls_test_session_idle(f.container, "", 0, 1, E));
    fixture_free(&f);
}

TEST(a_dropped_session_is_as_if_evicted) {
    fixture f = fixture_new();
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_test_session_drop(f.container, "id", 2, E));
    NOT_FOUND(ls_test_session_drop(f.container, "id", 2, E));
    STATUS(LS_ERR_ARGUMENT, ls_test_session_drop(f.container, "", 0, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    STATUS(LS_ERR_GONE, ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
    /* Unless the container says otherwise. */
    fixture_begin(&f);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_container_set(f.container, LS_CONTAINER_RECREATE, 1, E));
    OK(ls_test_session_drop(f.container, "id", 2, E));
    OK(ls_pkg_set_i64(f.pkg, "m", 1, 2, E));
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1 && fixture_i64(f.pkg, "m") == 2);
    fixture_free(&f);
}

TEST(faults_come_in_the_order_of_the_script_and_end) {
    fixture f = fixture_new();
    OK(ls_test_fault(f.store, LS_FAULT_UNAVAILABLE, LS_FAULT_OP_LOAD, 1, 1, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "x", 1, E));
    STATUS(LS_ERR_UNAVAILABLE, ls_session_exists(f.txn, f.container, "x", 1, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "x", 1, E));
    OK(ls_test_fault(f.store, LS_FAULT_TIMEOUT, LS_FAULT_OP_LOAD, 0, 0, E));
    STATUS(LS_ERR_TIMEOUT, ls_session_exists(f.txn, f.container, "x", 1, E));
    STATUS(LS_ERR_TIMEOUT, ls_session_exists(f.txn, f.container, "x", 1, E));
    OK(ls_test_fault_clear(f.store, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "x", 1, E));
    fixture_free(&f);
}

TEST(a_server_that_drops_what_it_refuses_loses_the_session) {
    fixture f = fixture_new();
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_test_fault(f.store, LS_FAULT_REFUSED, LS_FAULT_OP_WRITE, 0, 1, E));
    STATUS(LS_ERR_UNAVAILABLE, ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_test_fault(f.store, LS_FAULT_REFUSED_DROPPED, LS_FAULT_OP_WRITE, 0, 1, E));
    STATUS(LS_ERR_LOST, ls_txn_commit(f.txn, E));
    fixture_free(&f);
}

TEST(nulls_and_unknown_numbers_are_refused) {
    fixture f = fixture_new();
    int64_t ms = 7;
    NULL_IS_REFUSED("store", ls_test_clock_advance(NULL, 1, E));
    NULL_IS_REFUSED("store", ls_test_clock_now(NULL, &ms, E));
    NULL_IS_REFUSED("out_ms", ls_test_clock_now(f.store, NULL, E));
    NULL_IS_REFUSED("container", ls_test_session_idle(NULL, "id", 2, 1, E));
    NULL_IS_REFUSED("id", ls_test_session_idle(f.container, NULL, 2, 1, E));
    NULL_IS_REFUSED("container", ls_test_session_drop(NULL, "id", 2, E));
    NULL_IS_REFUSED("id", ls_test_session_drop(f.container, NULL, LS_NTS, E));
    NULL_IS_REFUSED("store", ls_test_fault(NULL, LS_FAULT_TIMEOUT, LS_FAULT_OP_LOAD, 0, 1, E));
    NULL_IS_REFUSED("store", ls_test_fault_clear(NULL, E));
    FAILS(LS_ERR_ARGUMENT, "99", ls_test_fault(f.store, 99, LS_FAULT_OP_LOAD, 0, 1, E));
    STATUS(LS_ERR_ARGUMENT, ls_test_fault(f.store, LS_FAULT_TIMEOUT, 0, 0, 1, E));
    STATUS(LS_ERR_ARGUMENT, ls_test_fault(f.store, LS_FAULT_TIMEOUT, 8, 0, 1, E));
    fixture_free(&f);
}

int main(void) {
    RUN(the_clock_moves_forward_only);
    RUN(a_session_that_is_not_opened_for_its_timeout_is_gone);
    RUN(one_session_is_made_to_look_idle);
    RUN(a_dropped_session_is_as_if_evicted);
    RUN(faults_come_in_the_order_of_the_script_and_end);
    RUN(a_server_that_drops_what_it_refuses_loses_the_session);
    RUN(nulls_and_unknown_numbers_are_refused);
    return check_done("testing");
}
