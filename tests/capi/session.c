/* Sessions: ids, handles, timeouts, packages. */
#include "fixture.h"

TEST(an_unknown_id_is_a_new_empty_session_and_is_not_stored) {
    fixture f = fixture_new();
    const ls_value *names = NULL;
    CHECK(ls_session_is_new(f.session));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    OK(ls_txn_commit(f.txn, E));
    CHECK(fixture_stat(&f, LS_STAT_WRITES) == 0);
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(ls_session_is_new(f.session));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    CHECK(!ls_session_is_new(f.session));
    OK(ls_session_pkg_names(f.session, &names, E));
    CHECK(ls_value_len(names) == 1);
    fixture_free(&f);
}

TEST(the_same_session_and_package_have_the_same_handle) {
    fixture f = fixture_new();
    ls_session *session = NULL, *other = NULL;
    ls_pkg *pkg = NULL;
    ls_container *container = NULL;
    OK(ls_container_open(f.store, "container", LS_NTS, &container, E));
    OK(ls_session_get(f.txn, container, "id", 2, &session, E));
    CHECK(session == f.session);
    OK(ls_session_get(f.txn, container, "other", LS_NTS, &other, E));
    CHECK(other != session);
    OK(ls_session_pkg(session, "pkg", 3, &pkg, E));
    CHECK(pkg == f.pkg);
    OK(ls_session_peek_pkg(session, "pkg", 3, &pkg, E));
    CHECK(pkg == f.pkg);
    OK(ls_session_pkg(other, "pkg", 3, &pkg, E));
    CHECK(pkg != f.pkg);
    /* A hundred more, so that whatever holds the handles has to grow: they stay where they are. */
    for (int i = 0; i < 100; i++) {
        char id[16];
        ls_session *another = NULL;
        snprintf(id, sizeof id, "id-%d", i);
        OK(ls_session_get(f.txn, container, id, LS_NTS, &another, E));
    }
    OK(ls_session_get(f.txn, container, "id", 2, &session, E));
    CHECK(session == f.session);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    ls_container_free(container);
    fixture_free(&f);
}

/* Stores under an id, reads it back, and compares what the session calls its id. */
static void stores_under(fixture *f, const char *id, size_t id_len, int64_t number) {
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    const char *told = NULL, *again = NULL;
    size_t told_len = 0;
    OK(ls_session_get(f->txn, f->container, id, id_len, &session, E));
    CHECK(ls_session_is_new(session));
    OK(ls_session_id(session, &told, &told_len, E));
    CHECK(told_len == id_len && memcmp(told, id, id_len) == 0 && told[id_len] == 0);
    OK(ls_session_id(session, &again, NULL, E));
    CHECK(again == told);
    OK(ls_session_pkg(session, "pkg", 3, &pkg, E));
    OK(ls_pkg_set_i64(pkg, "n", 1, number, E));
    fixture_commit(f);
    OK(ls_session_get(f->txn, f->container, id, id_len, &session, E));
    CHECK(!ls_session_is_new(session));
    OK(ls_session_pkg(session, "pkg", 3, &pkg, E));
    CHECK(fixture_i64(pkg, "n") == number);
}

TEST(ids_are_any_1_to_8192_bytes) {
    fixture f = fixture_new();
    ls_session *session = (ls_session *)1;
    char *id = malloc(8193);
    memset(id, 'i', 8193);
    stores_under(&f, "a", 1, 1);
    stores_under(&f, "a\0", 2, 2);
    stores_under(&f, "a\0b", 3, 3);
    stores_under(&f, "a\n", 2, 4);
    stores_under(&f, "a\r\nset x 0 0 1\r\n", 16, 5);
    stores_under(&f, "\xff\xfe", 2, 6);
    stores_under(&f, " ", 1, 7);
    stores_under(&f, id, 8192, 8);
    FAILS(LS_ERR_TOO_LARGE, "8192", ls_session_get(f.txn, f.container, id, 8193, &session, E));
    CHECK(session == NULL);
    FAILS(LS_ERR_ARGUMENT, "empty", ls_session_get(f.txn, f.container, "", 0, &session, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_get(f.txn, f.container, "", LS_NTS, &session, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_get(f.txn, f.container, NULL, 0, &session, E));
    STATUS(LS_ERR_TOO_LARGE, ls_session_exists(f.txn, f.container, id, 8193, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_exists(f.txn, f.container, "", 0, E));
    STATUS(LS_ERR_TOO_LARGE, ls_session_destroy(f.txn, f.container, id, 8193, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_destroy(f.txn, f.container, "", 0, E));
    STATUS(LS_ERR_TOO_LARGE, ls_session_regenerate(f.session, id, 8193, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_regenerate(f.session, "", LS_NTS, E));
    free(id);
    fixture_free(&f);
}

TEST(errors_never_show_the_id) {
    fixture f = fixture_new();
    ls_session *session = NULL;
    OK(ls_session_destroy(f.txn, f.container, "secret-id", LS_NTS, E));
    STATUS(LS_ERR_GONE, ls_session_get(f.txn, f.container, "secret-id", LS_NTS, &session, E));
    CHECK(strstr(check_err.message, "secret") == NULL);
    OK(ls_test_fault(f.store, LS_FAULT_UNAVAILABLE, LS_FAULT_OP_LOAD, 0, 1, E));
    STATUS(LS_ERR_UNAVAILABLE, ls_session_get(f.txn, f.container, "secret-too", LS_NTS, &session, E));
    CHECK(strstr(check_err.message, "secret") == NULL);
    fixture_free(&f);
}

TEST(a_created_session_has_a_random_id_and_is_stored_empty) {
    fixture f = fixture_new();
    ls_session *a = NULL, *b = NULL;
    const char *id_a = NULL, *id_b = NULL;
    char kept[33];
    size_t length = 0;
    OK(ls_session_create(f.txn, f.container, &a, E));
    OK(ls_session_create(f.txn, f.container, &b, E));
    OK(ls_session_id(a, &id_a, &length, E));
    OK(ls_session_id(b, &id_b, NULL, E));
    CHECK(a != b && length == 32 && strlen(id_a) == 32 && strcmp(id_a, id_b) != 0);
    CHECK(strspn(id_a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == 32);
    memcpy(kept, id_a, sizeof kept);
    CHECK(ls_session_is_new(a));
    fixture_commit(&f);
    OK(ls_session_exists(f.txn, f.container, kept, LS_NTS, E));
    fixture_free(&f);
}

TEST(exists_tells_without_opening_or_renewing) {
    fixture f = fixture_new();
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
    OK(ls_txn_begin(&f.txn, E));
    OK(ls_test_clock_advance(f.store, 3000000, E));
    OK(ls_session_exists(f.txn, f.container, "id", 2, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "nobody", LS_NTS, E));
    CHECK(ls_txn_session_count(f.txn) == 0);
    /* Had it renewed the timeout, the session would live. */
    OK(ls_test_clock_advance(f.store, 700000, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "id", 2, E));
    fixture_free(&f);
}

TEST(a_destroyed_session_is_gone_for_its_handles_and_for_others) {
    fixture f = fixture_new(), other;
    ls_session *session = (ls_session *)1;
    ls_pkg *pkg = NULL;
    uint64_t savepoint = 0;
    int64_t number = 0;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    other = f;
    fixture_begin(&other);
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    OK(ls_session_destroy(f.txn, f.container, "id", 2, E));
    STATUS(LS_ERR_GONE, ls_pkg_get_i64(f.pkg, "n", 1, &number, E));
    STATUS(LS_ERR_GONE, ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    STATUS(LS_ERR_GONE, ls_session_pkg(f.session, "pkg", 3, &pkg, E));
    STATUS(LS_ERR_GONE, ls_session_get(f.txn, f.container, "id", 2, &session, E));
    CHECK(session == NULL && pkg == NULL);
    NOT_FOUND(ls_session_exists(f.txn, f.container, "id", 2, E));
    /* A rollback brings it back, with its handles. */
    OK(ls_txn_rollback(f.txn, savepoint, E));
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_session_destroy(f.txn, f.container, "id", 2, E));
    OK(ls_txn_commit(f.txn, E));
    /* Whoever had it open and changed it is told. */
    OK(ls_pkg_set_i64(other.pkg, "n", 1, 3, E));
    STATUS(LS_ERR_GONE, ls_txn_commit(other.txn, E));
    CHECK(check_err.flags == 0);
    ls_txn_free(other.txn);
    fixture_free(&f);
}

TEST(a_new_id_takes_the_content_and_destroys_the_old) {
    fixture f = fixture_new();
    const char *id = NULL, *before = NULL;
    char kept[64];
    size_t length = 0;
    int64_t created = 0, after = 0;
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    uint64_t savepoint = 0;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_session_created(f.session, &created, E));
    OK(ls_session_id(f.session, &before, NULL, E));
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_regenerate(f.session, "id", 2, E));
    OK(ls_session_regenerate(f.session, NULL, 0, E));
    OK(ls_session_id(f.session, &id, &length, E));
    CHECK(length == 32);
    OK(ls_txn_rollback(f.txn, savepoint, E));
    OK(ls_session_id(f.session, &id, &length, E));
    CHECK(length == 2 && id == before);
    OK(ls_session_regenerate(f.session, "new\0id", 6, E));
    OK(ls_session_regenerate(f.session, NULL, 0, E));
    OK(ls_session_id(f.session, &id, &length, E));
    CHECK(length == 32 && strcmp(before, "id") == 0);
    memcpy(kept, id, 33);
    fixture_commit(&f);
    /* fixture_commit opened "id" again: a new, empty session. */
    CHECK(ls_session_is_new(f.session));
    OK(ls_session_get(f.txn, f.container, kept, LS_NTS, &session, E));
    CHECK(!ls_session_is_new(session));
    OK(ls_session_pkg(session, "pkg", 3, &pkg, E));
    CHECK(fixture_i64(pkg, "n") == 1);
    OK(ls_session_created(session, &after, E));
    CHECK(after == created);
    fixture_free(&f);
}

TEST(times_are_those_of_the_store) {
    fixture f = fixture_new();
    int64_t now = 0, created = 0, accessed = 0, container = 0;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_session_created(f.session, &created, E));
    OK(ls_test_clock_advance(f.store, 1000000, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    OK(ls_test_clock_now(f.store, &now, E));
    OK(ls_session_accessed(f.session, &accessed, E));
    OK(ls_container_last_access(f.container, &container, E));
    CHECK(now - created >= 1000000 && now - created < 1010000);
    CHECK(now - accessed < 300000 && now - container < 300000);
    fixture_free(&f);
}

TEST(a_timeout_of_its_own) {
    fixture f = fixture_new();
    int64_t ms = 7;
    NOT_FOUND(ls_session_timeout(f.session, &ms, E));
    CHECK(ms == 7);
    STATUS(LS_ERR_RANGE, ls_session_set_timeout(f.session, 3600001, E));
    STATUS(LS_ERR_RANGE, ls_session_set_timeout(f.session, -1, E));
    STATUS(LS_ERR_RANGE, ls_session_set_timeout(f.session, 0, E));
    OK(ls_session_set_timeout(f.session, 60000, E));
    OK(ls_session_timeout(f.session, &ms, E));
    CHECK(ms == 60000);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_session_timeout(f.session, &ms, E));
    CHECK(ms == 60000);
    OK(ls_session_clear_timeout(f.session, E));
    OK(ls_session_clear_timeout(f.session, E));
    NOT_FOUND(ls_session_timeout(f.session, &ms, E));
    ls_txn_free(f.txn);
    OK(ls_txn_begin(&f.txn, E));
    OK(ls_test_clock_advance(f.store, 60001, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "id", 2, E));
    fixture_free(&f);
}

TEST(a_deadline_ends_a_session_however_much_it_is_used) {
    fixture f = fixture_new();
    int64_t now = 0, ms = 7;
    NOT_FOUND(ls_session_deadline(f.session, &ms, E));
    OK(ls_test_clock_now(f.store, &now, E));
    OK(ls_session_set_deadline(f.session, now + 10000, E));
    OK(ls_session_deadline(f.session, &ms, E));
    CHECK(ms == now + 10000);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    CHECK(!ls_session_is_new(f.session));
    OK(ls_test_clock_advance(f.store, 10001, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(ls_session_is_new(f.session));
    OK(ls_session_clear_deadline(f.session, E));
    fixture_free(&f);
}

TEST(packages_are_listed_looked_at_and_deleted) {
    fixture f = fixture_new();
    const ls_value *names = NULL, *same = NULL, *content = NULL, *item = NULL;
    ls_pkg *pkg = (ls_pkg *)1, *b = NULL;
    const char *text = NULL;
    NOT_FOUND(ls_session_peek_pkg(f.session, "b", 1, &pkg, E));
    CHECK(pkg == NULL);
    NOT_FOUND(ls_session_delete_pkg(f.session, "b", 1, E));
    OK(ls_session_pkg(f.session, "b", 1, &b, E));
    OK(ls_pkg_set_i64(b, "n", 1, 1, E));
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_session_pkg_names(f.session, &names, E));
    OK(ls_session_pkg_names(f.session, &same, E));
    CHECK(names == same && ls_value_len(names) == 2);
    OK(ls_value_list_at(names, 0, &item, E));
    OK(ls_value_as_text(item, &text, NULL, E));
    CHECK(strcmp(text, "b") == 0);
    OK(ls_session_content(f.session, &content, E));
    OK(ls_value_map_get(content, "pkg", 3, &item, E));
    CHECK(ls_value_type(item) == LS_TYPE_MAP && ls_value_len(item) == 1);
    OK(ls_session_delete_pkg(f.session, "b", 1, E));
    NOT_FOUND(ls_session_peek_pkg(f.session, "b", 1, &pkg, E));
    CHECK(ls_value_len(names) == 2);
    OK(ls_session_clear(f.session, E));
    OK(ls_session_pkg_names(f.session, &names, E));
    CHECK(ls_value_len(names) == 0);
    fixture_free(&f);
}

TEST(package_names_are_utf8_of_up_to_65535_bytes) {
    fixture f = fixture_new();
    char *name = malloc(65536);
    ls_pkg *pkg = NULL;
    const char *told = NULL;
    size_t length = 0;
    memset(name, 'p', 65536);
    OK(ls_session_pkg(f.session, name, 65535, &pkg, E));
    OK(ls_pkg_set_i64(pkg, "n", 1, 1, E));
    FAILS(LS_ERR_TOO_LARGE, "65535", ls_session_pkg(f.session, name, 65536, &pkg, E));
    CHECK(pkg == NULL);
    OK(ls_session_pkg(f.session, "", 0, &pkg, E));
    OK(ls_session_pkg(f.session, "a\0b", 3, &pkg, E));
    OK(ls_pkg_name(pkg, &told, &length, E));
    CHECK(length == 3 && memcmp(told, "a\0b", 4) == 0);
    FAILS(LS_ERR_ARGUMENT, "`name`", ls_session_pkg(f.session, "\xff", 1, &pkg, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_peek_pkg(f.session, "\xff", 1, &pkg, E));
    STATUS(LS_ERR_ARGUMENT, ls_session_delete_pkg(f.session, "\xff", 1, E));
    fixture_commit(&f);
    OK(ls_session_peek_pkg(f.session, name, 65535, &pkg, E));
    CHECK(fixture_i64(pkg, "n") == 1);
    free(name);
    fixture_free(&f);
}

TEST(a_store_that_is_away_never_looks_like_an_empty_session) {
    fixture f = fixture_new();
    ls_session *session = (ls_session *)1;
    ls_txn *txn = NULL;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_txn_begin(&txn, E));
    OK(ls_test_fault(f.store, LS_FAULT_UNAVAILABLE, LS_FAULT_OP_LOAD, 0, 1, E));
    STATUS(LS_ERR_UNAVAILABLE, ls_session_get(txn, f.container, "id", 2, &session, E));
    CHECK(session == NULL);
    OK(ls_test_fault(f.store, LS_FAULT_TIMEOUT, LS_FAULT_OP_LOAD, 0, 1, E));
    STATUS(LS_ERR_TIMEOUT, ls_session_get(txn, f.container, "id", 2, &session, E));
    /* Opening again tries again. */
    OK(ls_session_get(txn, f.container, "id", 2, &session, E));
    CHECK(!ls_session_is_new(session));
    ls_txn_free(txn);
    fixture_free(&f);
}

TEST(nulls_are_refused_by_name) {
    fixture f = fixture_new();
    ls_session *session = (ls_session *)1;
    ls_pkg *pkg = NULL;
    const ls_value *value = NULL;
    const char *id = NULL;
    int64_t ms = 0;
    NULL_IS_REFUSED("txn", ls_session_get(NULL, f.container, "id", 2, &session, E));
    CHECK(session == NULL);
    NULL_IS_REFUSED("container", ls_session_get(f.txn, NULL, "id", 2, &session, E));
    NULL_IS_REFUSED("id", ls_session_get(f.txn, f.container, NULL, LS_NTS, &session, E));
    NULL_IS_REFUSED("out", ls_session_get(f.txn, f.container, "id", 2, NULL, E));
    NULL_IS_REFUSED("txn", ls_session_create(NULL, f.container, &session, E));
    NULL_IS_REFUSED("container", ls_session_create(f.txn, NULL, &session, E));
    NULL_IS_REFUSED("out", ls_session_create(f.txn, f.container, NULL, E));
    NULL_IS_REFUSED("txn", ls_session_exists(NULL, f.container, "id", 2, E));
    NULL_IS_REFUSED("container", ls_session_exists(f.txn, NULL, "id", 2, E));
    NULL_IS_REFUSED("txn", ls_session_destroy(NULL, f.container, "id", 2, E));
    NULL_IS_REFUSED("container", ls_session_destroy(f.txn, NULL, "id", 2, E));
    NULL_IS_REFUSED("session", ls_session_id(NULL, &id, NULL, E));
    NULL_IS_REFUSED("out", ls_session_id(f.session, NULL, NULL, E));
    NULL_IS_REFUSED("session", ls_session_created(NULL, &ms, E));
    NULL_IS_REFUSED("out_ms", ls_session_created(f.session, NULL, E));
    NULL_IS_REFUSED("session", ls_session_accessed(NULL, &ms, E));
    NULL_IS_REFUSED("session", ls_session_timeout(NULL, &ms, E));
    NULL_IS_REFUSED("session", ls_session_set_timeout(NULL, 1, E));
    NULL_IS_REFUSED("session", ls_session_clear_timeout(NULL, E));
    NULL_IS_REFUSED("session", ls_session_deadline(NULL, &ms, E));
    NULL_IS_REFUSED("session", ls_session_set_deadline(NULL, 1, E));
    NULL_IS_REFUSED("session", ls_session_clear_deadline(NULL, E));
    NULL_IS_REFUSED("session", ls_session_regenerate(NULL, NULL, 0, E));
    NULL_IS_REFUSED("new_id", ls_session_regenerate(f.session, NULL, LS_NTS, E));
    NULL_IS_REFUSED("session", ls_session_clear(NULL, E));
    NULL_IS_REFUSED("session", ls_session_pkg_names(NULL, &value, E));
    NULL_IS_REFUSED("session", ls_session_content(NULL, &value, E));
    NULL_IS_REFUSED("session", ls_session_pkg(NULL, "p", 1, &pkg, E));
    NULL_IS_REFUSED("name", ls_session_pkg(f.session, NULL, 1, &pkg, E));
    NULL_IS_REFUSED("out", ls_session_pkg(f.session, "p", 1, NULL, E));
    NULL_IS_REFUSED("session", ls_session_peek_pkg(NULL, "p", 1, &pkg, E));
    NULL_IS_REFUSED("session", ls_session_delete_pkg(NULL, "p", 1, E));
    CHECK(!ls_session_is_new(NULL));
    fixture_free(&f);
}

int main(void) {
    RUN(an_unknown_id_is_a_new_empty_session_and_is_not_stored);
    RUN(the_same_session_and_package_have_the_same_handle);
    RUN(ids_are_any_1_to_8192_bytes);
    RUN(errors_never_show_the_id);
    RUN(a_created_session_has_a_random_id_and_is_stored_empty);
    RUN(exists_tells_without_opening_or_renewing);
    RUN(a_destroyed_session_is_gone_for_its_handles_and_for_others);
    RUN(a_new_id_takes_the_content_and_destroys_the_old);
    RUN(times_are_those_of_the_store);
    RUN(a_timeout_of_its_own);
    RUN(a_deadline_ends_a_session_however_much_it_is_used);
    RUN(packages_are_listed_looked_at_and_deleted);
    RUN(package_names_are_utf8_of_up_to_65535_bytes);
    RUN(a_store_that_is_away_never_looks_like_an_empty_session);
    RUN(nulls_are_refused_by_name);
    return check_done("session");
}
