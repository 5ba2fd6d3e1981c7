/* Transactions: savepoints, commit, merging, reports. */
#include "fixture.h"

TEST(a_transaction_goes_through_its_states) {
    fixture f = fixture_new();
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_ACTIVE);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_prepare(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_PREPARED);
    OK(ls_txn_commit(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_COMMITTED);
    STATUS(LS_ERR_MISUSE, ls_txn_commit(f.txn, E));
    STATUS(LS_ERR_MISUSE, ls_txn_prepare(f.txn, E));
    STATUS(LS_ERR_MISUSE, ls_txn_abort(f.txn, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    OK(ls_txn_abort(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_ABORTED);
    STATUS(LS_ERR_MISUSE, ls_txn_abort(f.txn, E));
    STATUS(LS_ERR_MISUSE, ls_txn_commit(f.txn, E));
    fixture_free(&f);
}

/* Every call through a handle of a transaction that is over answers `wanted`, and hands nothing out. */
static void all_calls_answer(fixture *f, int32_t wanted) {
    ls_session *session = f->session;
    ls_pkg *pkg = f->pkg;
    const ls_value *value = (const ls_value *)1;
    ls_value *one = NULL;
    const char *text = NULL;
    int64_t ms = 7;
    size_t length = 7;
    OK(ls_value_from_json("{}", 2, &one, E));
    STATUS(wanted, ls_session_get(f->txn, f->container, "id", 2, &session, E));
    CHECK(session == NULL);
    session = f->session;
    STATUS(wanted, ls_session_create(f->txn, f->container, &session, E));
    STATUS(wanted, ls_session_exists(f->txn, f->container, "id", 2, E));
    STATUS(wanted, ls_session_destroy(f->txn, f->container, "id", 2, E));
    STATUS(wanted, ls_session_id(f->session, &text, &length, E));
    STATUS(wanted, ls_session_created(f->session, &ms, E));
    STATUS(wanted, ls_session_accessed(f->session, &ms, E));
    STATUS(wanted, ls_session_timeout(f->session, &ms, E));
    STATUS(wanted, ls_session_set_timeout(f->session, 1, E));
    STATUS(wanted, ls_session_clear_timeout(f->session, E));
    STATUS(wanted, ls_session_deadline(f->session, &ms, E));
    STATUS(wanted, ls_session_set_deadline(f->session, 1, E));
    STATUS(wanted, ls_session_clear_deadline(f->session, E));
    STATUS(wanted, ls_session_regenerate(f->session, NULL, 0, E));
    STATUS(wanted, ls_session_clear(f->session, E));
    STATUS(wanted, ls_session_pkg_names(f->session, &value, E));
    CHECK(value == NULL);
    STATUS(wanted, ls_session_content(f->session, &value, E));
    STATUS(wanted, ls_session_pkg(f->session, "pkg", 3, &pkg, E));
    CHECK(pkg == NULL);
    STATUS(wanted, ls_session_peek_pkg(f->session, "pkg", 3, &pkg, E));
    STATUS(wanted, ls_session_delete_pkg(f->session, "pkg", 3, E));
    STATUS(wanted, ls_pkg_name(f->pkg, &text, &length, E));
    STATUS(wanted, ls_pkg_get(f->pkg, "n", 1, &value, E));
    STATUS(wanted, ls_pkg_get_i64(f->pkg, "n", 1, &ms, E));
    STATUS(wanted, ls_pkg_get_text(f->pkg, "n", 1, &text, &length, E));
    STATUS(wanted, ls_pkg_set(f->pkg, "n", 1, one, E));
    STATUS(wanted, ls_pkg_set_i64(f->pkg, "n", 1, 1, E));
    STATUS(wanted, ls_pkg_add(f->pkg, "n", 1, 1, &ms, E));
    STATUS(wanted, ls_pkg_delete(f->pkg, "n", 1, E));
    STATUS(wanted, ls_pkg_clear(f->pkg, E));
    STATUS(wanted, ls_pkg_contains(f->pkg, "n", 1, E));
    STATUS(wanted, ls_pkg_len(f->pkg, &length, E));
    STATUS(wanted, ls_pkg_keys(f->pkg, &value, E));
    STATUS(wanted, ls_pkg_content(f->pkg, &value, E));
    STATUS(wanted, ls_pkg_replace(f->pkg, one, E));
    STATUS(wanted, ls_pkg_update(f->pkg, one, E));
    CHECK(value == NULL && text == NULL && ms == 7 && length == 7);
    CHECK(!ls_session_is_new(f->session) && ls_txn_session_count(f->txn) == 0);
    session = f->session;
    NOT_FOUND(ls_txn_session_at(f->txn, 0, &session, E));
    CHECK(session == NULL);
    ls_value_free(one);
}

TEST(after_the_end_every_handle_answers_and_none_dangles) {
    fixture f = fixture_new();
    uint64_t savepoint = 0;
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_commit(f.txn, E));
    all_calls_answer(&f, LS_ERR_MISUSE);
    CHECK(!ls_txn_savepoint_valid(f.txn, savepoint));
    STATUS(LS_ERR_SAVEPOINT, ls_txn_rollback(f.txn, savepoint, E));
    STATUS(LS_ERR_MISUSE, ls_txn_savepoint(f.txn, &savepoint, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_txn_abort(f.txn, E));
    all_calls_answer(&f, LS_ERR_MISUSE);
    fixture_free(&f);
}

TEST(a_failed_commit_keeps_its_report_and_takes_only_abort) {
    fixture f = fixture_new();
    const char *text = NULL;
    size_t length = 0;
    int32_t number = 99;
    int64_t ms = 99;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_test_fault(f.store, LS_FAULT_UNAVAILABLE, LS_FAULT_OP_WRITE, 0, 1, E));
    STATUS(LS_ERR_UNAVAILABLE, ls_txn_commit(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_FAILED);
    all_calls_answer(&f, LS_ERR_FAILED);
    STATUS(LS_ERR_FAILED, ls_txn_commit(f.txn, E));
    STATUS(LS_ERR_FAILED, ls_txn_prepare(f.txn, E));
    OK(ls_txn_abort(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_ABORTED);
    CHECK(ls_txn_report_count(f.txn) == 1);
    OK(ls_txn_report_container(f.txn, 0, &text, &length, E));
    CHECK(strcmp(text, "container") == 0 && length == 9);
    OK(ls_txn_report_id(f.txn, 0, &text, &length, E));
    CHECK(strcmp(text, "id") == 0 && length == 2);
    OK(ls_txn_report_kind(f.txn, 0, &number, E));
    CHECK(number == LS_REPORT_WRITE);
    OK(ls_txn_report_outcome(f.txn, 0, &number, E));
    CHECK(number == LS_OUTCOME_NOT_STORED);
    OK(ls_txn_report_status(f.txn, 0, &number, E));
    CHECK(number == LS_ERR_UNAVAILABLE);
    OK(ls_txn_report_timeout(f.txn, 0, &ms, E));
    CHECK(ms == 3600000);
    fixture_free(&f);
}

TEST(the_report_tells_what_was_stored_and_destroyed) {
    fixture f = fixture_new();
    int32_t kind = 99, outcome = 99;
    const char *id = NULL, *again = NULL;
    size_t length = 0;
    int destroyed = 0;
    CHECK(ls_txn_report_count(f.txn) == 0);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_session_destroy(f.txn, f.container, "a\0b", 3, E));
    OK(ls_txn_commit(f.txn, E));
    CHECK(ls_txn_report_count(f.txn) == 2);
    for (size_t i = 0; i < 2; i++) {
        OK(ls_txn_report_kind(f.txn, i, &kind, E));
        OK(ls_txn_report_outcome(f.txn, i, &outcome, E));
        CHECK(outcome == LS_OUTCOME_STORED);
        OK(ls_txn_report_id(f.txn, i, &id, &length, E));
        OK(ls_txn_report_id(f.txn, i, &again, NULL, E));
        CHECK(id == again);
        if (kind == LS_REPORT_DESTROY) {
            destroyed++;
            CHECK(length == 3 && memcmp(id, "a\0b", 4) == 0);
        }
    }
    CHECK(destroyed == 1);
    id = "untouched";
    NOT_FOUND(ls_txn_report_id(f.txn, 2, &id, &length, E));
    CHECK(strcmp(id, "untouched") == 0);
    NOT_FOUND(ls_txn_report_kind(f.txn, SIZE_MAX, &kind, E));
    fixture_free(&f);
}

TEST(savepoints_restore_and_can_be_used_again) {
    fixture f = fixture_new();
    uint64_t outer = 0, inner = 0;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_savepoint(f.txn, &outer, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_txn_savepoint(f.txn, &inner, E));
    CHECK(inner != outer);
    OK(ls_pkg_delete(f.pkg, "n", 1, E));
    OK(ls_txn_rollback(f.txn, inner, E));
    CHECK(fixture_i64(f.pkg, "n") == 2);
    OK(ls_txn_rollback(f.txn, inner, E));
    OK(ls_txn_rollback(f.txn, outer, E));
    CHECK(fixture_i64(f.pkg, "n") == 1);
    CHECK(ls_txn_savepoint_valid(f.txn, outer) && !ls_txn_savepoint_valid(f.txn, inner));
    STATUS(LS_ERR_SAVEPOINT, ls_txn_rollback(f.txn, inner, E));
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 3, E));
    OK(ls_txn_rollback(f.txn, outer, E));
    CHECK(fixture_i64(f.pkg, "n") == 1);
    fixture_free(&f);
}

TEST(a_savepoint_of_another_transaction_is_an_error) {
    fixture f = fixture_new();
    ls_txn *other = NULL;
    uint64_t mine = 0, theirs = 0;
    OK(ls_txn_begin(&other, E));
    OK(ls_txn_savepoint(other, &theirs, E));
    OK(ls_txn_savepoint(f.txn, &mine, E));
    CHECK(mine != theirs);
    STATUS(LS_ERR_SAVEPOINT, ls_txn_rollback(f.txn, theirs, E));
    STATUS(LS_ERR_SAVEPOINT, ls_txn_rollback(f.txn, 0, E));
    STATUS(LS_ERR_SAVEPOINT, ls_txn_rollback(f.txn, UINT64_MAX, E));
    CHECK(!ls_txn_savepoint_valid(f.txn, theirs) && !ls_txn_savepoint_valid(f.txn, UINT64_MAX));
    ls_txn_free(other);
    fixture_free(&f);
}

TEST(a_session_opened_after_the_savepoint_leaves_on_rollback) {
    fixture f = fixture_new();
    ls_session *late = NULL, *again = NULL;
    ls_pkg *pkg = NULL;
    uint64_t savepoint = 0;
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    OK(ls_session_get(f.txn, f.container, "late", LS_NTS, &late, E));
    OK(ls_session_pkg(late, "pkg", 3, &pkg, E));
    CHECK(ls_txn_session_count(f.txn) == 2);
    OK(ls_txn_rollback(f.txn, savepoint, E));
    CHECK(ls_txn_session_count(f.txn) == 1);
    STATUS(LS_ERR_MISUSE, ls_session_pkg(late, "pkg", 3, &pkg, E));
    CHECK(!ls_session_is_new(late));
    OK(ls_session_get(f.txn, f.container, "late", LS_NTS, &again, E));
    CHECK(again != late);
    STATUS(LS_ERR_MISUSE, ls_session_clear(late, E));
    fixture_free(&f);
}

TEST(open_sessions_are_listed_in_the_order_of_opening) {
    fixture f = fixture_new();
    ls_session *b = NULL, *a = NULL, *at = NULL;
    OK(ls_session_get(f.txn, f.container, "b", 1, &b, E));
    OK(ls_session_get(f.txn, f.container, "a", 1, &a, E));
    CHECK(ls_txn_session_count(f.txn) == 3);
    OK(ls_txn_session_at(f.txn, 0, &at, E));
    CHECK(at == f.session);
    OK(ls_txn_session_at(f.txn, 1, &at, E));
    CHECK(at == b);
    OK(ls_txn_session_at(f.txn, 2, &at, E));
    CHECK(at == a);
    NOT_FOUND(ls_txn_session_at(f.txn, 3, &at, E));
    CHECK(at == NULL);
    fixture_free(&f);
}

TEST(changes_of_different_keys_are_merged) {
    fixture f = fixture_new(), other;
    other = f;
    fixture_begin(&other);
    OK(ls_pkg_set_i64(f.pkg, "mine", LS_NTS, 1, E));
    OK(ls_pkg_add(f.pkg, "counter", LS_NTS, 2, NULL, E));
    OK(ls_pkg_set_i64(other.pkg, "theirs", LS_NTS, 2, E));
    OK(ls_pkg_add(other.pkg, "counter", LS_NTS, 3, NULL, E));
    OK(ls_txn_commit(other.txn, E));
    ls_txn_free(other.txn);
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "mine") == 1 && fixture_i64(f.pkg, "theirs") == 2);
    CHECK(fixture_i64(f.pkg, "counter") == 5);
    CHECK(fixture_stat(&f, LS_STAT_MERGES) == 1);
    fixture_free(&f);
}

TEST(the_same_key_changed_differently_is_a_retryable_conflict) {
    fixture f = fixture_new(), other;
    other = f;
    fixture_begin(&other);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_pkg_set_i64(other.pkg, "n", 1, 2, E));
    OK(ls_txn_commit(other.txn, E));
    ls_txn_free(other.txn);
    STATUS(LS_ERR_CONFLICT, ls_txn_commit(f.txn, E));
    CHECK(check_err.flags == LS_ERROR_RETRYABLE);
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(fixture_i64(f.pkg, "n") == 2);
    fixture_free(&f);
}

TEST(a_prepared_transaction_takes_reads_commit_and_abort) {
    fixture f = fixture_new();
    uint64_t savepoint = 0;
    ls_session *session = NULL;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_prepare(f.txn, E));
    CHECK(fixture_stat(&f, LS_STAT_WRITES) == 0);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_session_get(f.txn, f.container, "id", 2, &session, E));
    CHECK(session == f.session);
    STATUS(LS_ERR_MISUSE, ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    STATUS(LS_ERR_MISUSE, ls_pkg_add(f.pkg, "n", 1, 2, NULL, E));
    STATUS(LS_ERR_MISUSE, ls_session_set_deadline(f.session, 1, E));
    STATUS(LS_ERR_MISUSE, ls_session_destroy(f.txn, f.container, "id", 2, E));
    STATUS(LS_ERR_MISUSE, ls_txn_savepoint(f.txn, &savepoint, E));
    STATUS(LS_ERR_MISUSE, ls_txn_prepare(f.txn, E));
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 9, E));
    OK(ls_txn_prepare(f.txn, E));
    OK(ls_txn_abort(f.txn, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    fixture_free(&f);
}

TEST(an_answer_that_is_lost_is_looked_for_or_said_to_be_unknown) {
    fixture f = fixture_new();
    int32_t outcome = 99;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_test_fault(f.store, LS_FAULT_LOST_ANSWER, LS_FAULT_OP_WRITE, 0, 1, E));
    OK(ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_txn_set(f.txn, LS_TXN_COMMIT_TIMEOUT, 50, E));
    OK(ls_test_fault(f.store, LS_FAULT_LOST_ANSWER, LS_FAULT_OP_WRITE, 0, 0, E));
    OK(ls_test_fault(f.store, LS_FAULT_TIMEOUT, LS_FAULT_OP_LOAD | LS_FAULT_OP_VERSIONS, 0, 0, E));
    STATUS(LS_ERR_UNKNOWN, ls_txn_commit(f.txn, E));
    CHECK(check_err.flags == 0);
    OK(ls_txn_report_outcome(f.txn, 0, &outcome, E));
    CHECK(outcome == LS_OUTCOME_UNKNOWN);
    OK(ls_test_fault_clear(f.store, E));
    fixture_free(&f);
}

TEST(some_sessions_stored_and_some_not_is_partial) {
    fixture f = fixture_new();
    ls_session *second = NULL;
    ls_pkg *pkg = NULL;
    int stored = 0, not_stored = 0;
    OK(ls_session_get(f.txn, f.container, "second", LS_NTS, &second, E));
    OK(ls_session_pkg(second, "pkg", 3, &pkg, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_pkg_set_i64(pkg, "n", 1, 1, E));
    OK(ls_test_fault(f.store, LS_FAULT_UNAVAILABLE, LS_FAULT_OP_WRITE, 1, 0, E));
    STATUS(LS_ERR_PARTIAL, ls_txn_commit(f.txn, E));
    CHECK(check_err.flags == 0);
    for (size_t i = 0; i < ls_txn_report_count(f.txn); i++) {
        int32_t outcome = 99;
        OK(ls_txn_report_outcome(f.txn, i, &outcome, E));
        stored += outcome == LS_OUTCOME_STORED;
        not_stored += outcome == LS_OUTCOME_NOT_STORED;
    }
    CHECK(stored == 1 && not_stored == 1);
    OK(ls_test_fault_clear(f.store, E));
    fixture_free(&f);
}

TEST(one_transaction_spans_containers_of_several_stores) {
    fixture a = fixture_new(), b = fixture_new();
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    OK(ls_session_get(a.txn, b.container, "id", 2, &session, E));
    CHECK(session != a.session);
    OK(ls_session_pkg(session, "pkg", 3, &pkg, E));
    OK(ls_pkg_set_i64(pkg, "n", 1, 2, E));
    OK(ls_pkg_set_i64(a.pkg, "n", 1, 1, E));
    fixture_commit(&a);
    ls_txn_free(b.txn);
    fixture_begin(&b);
    CHECK(fixture_i64(a.pkg, "n") == 1 && fixture_i64(b.pkg, "n") == 2);
    fixture_free(&a);
    fixture_free(&b);
}

TEST(options_are_set_and_read) {
    fixture f = fixture_new();
    int64_t value = 7;
    OK(ls_txn_get(f.txn, LS_TXN_COMMIT_TIMEOUT, &value, E));
    CHECK(value == -1);
    OK(ls_txn_set(f.txn, LS_TXN_COMMIT_TIMEOUT, 250, E));
    OK(ls_txn_get(f.txn, LS_TXN_COMMIT_TIMEOUT, &value, E));
    CHECK(value == 250);
    STATUS(LS_ERR_RANGE, ls_txn_set(f.txn, LS_TXN_COMMIT_TIMEOUT, -1, E));
    FAILS(LS_ERR_ARGUMENT, "99", ls_txn_set(f.txn, 99, 1, E));
    FAILS(LS_ERR_ARGUMENT, "99", ls_txn_get(f.txn, 99, &value, E));
    CHECK(value == 250);
    fixture_free(&f);
}

TEST(nulls_are_refused_by_name) {
    fixture f = fixture_new();
    uint64_t savepoint = 0;
    int64_t value = 0;
    int32_t number = 0;
    const char *text = NULL;
    ls_session *session = f.session;
    NULL_IS_REFUSED("out", ls_txn_begin(NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_savepoint(NULL, &savepoint, E));
    NULL_IS_REFUSED("out", ls_txn_savepoint(f.txn, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_rollback(NULL, 1, E));
    NULL_IS_REFUSED("txn", ls_txn_prepare(NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_commit(NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_abort(NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_set(NULL, LS_TXN_COMMIT_TIMEOUT, 1, E));
    NULL_IS_REFUSED("txn", ls_txn_get(NULL, LS_TXN_COMMIT_TIMEOUT, &value, E));
    NULL_IS_REFUSED("out", ls_txn_get(f.txn, LS_TXN_COMMIT_TIMEOUT, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_session_at(NULL, 0, &session, E));
    CHECK(session == NULL);
    NULL_IS_REFUSED("out", ls_txn_session_at(f.txn, 0, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_report_container(NULL, 0, &text, NULL, E));
    NULL_IS_REFUSED("out", ls_txn_report_container(f.txn, 0, NULL, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_report_id(NULL, 0, &text, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_report_kind(NULL, 0, &number, E));
    NULL_IS_REFUSED("out", ls_txn_report_kind(f.txn, 0, NULL, E));
    NULL_IS_REFUSED("txn", ls_txn_report_outcome(NULL, 0, &number, E));
    NULL_IS_REFUSED("txn", ls_txn_report_status(NULL, 0, &number, E));
    NULL_IS_REFUSED("txn", ls_txn_report_timeout(NULL, 0, &value, E));
    NULL_IS_REFUSED("out_ms", ls_txn_report_timeout(f.txn, 0, NULL, E));
    CHECK(!ls_txn_savepoint_valid(NULL, 1) && ls_txn_state(NULL) == 0);
    CHECK(ls_txn_session_count(NULL) == 0 && ls_txn_report_count(NULL) == 0);
    fixture_free(&f);
}

int main(void) {
    RUN(a_transaction_goes_through_its_states);
    RUN(after_the_end_every_handle_answers_and_none_dangles);
    RUN(a_failed_commit_keeps_its_report_and_takes_only_abort);
    RUN(the_report_tells_what_was_stored_and_destroyed);
    RUN(savepoints_restore_and_can_be_used_again);
    RUN(a_savepoint_of_another_transaction_is_an_error);
    RUN(a_session_opened_after_the_savepoint_leaves_on_rollback);
    RUN(open_sessions_are_listed_in_the_order_of_opening);
    RUN(changes_of_different_keys_are_merged);
    RUN(the_same_key_changed_differently_is_a_retryable_conflict);
    RUN(a_prepared_transaction_takes_reads_commit_and_abort);
    RUN(an_answer_that_is_lost_is_looked_for_or_said_to_be_unknown);
    RUN(some_sessions_stored_and_some_not_is_partial);
    RUN(one_transaction_spans_containers_of_several_stores);
    RUN(options_are_set_and_read);
    RUN(nulls_are_refused_by_name);
    return check_done("txn");
}
