/*
 * The short forms: each says what it is short for, with the type that its argument has.
 */
#include "fixture.h"

#include "lovely_session_easy.h"

static int32_t type_of(ls_pkg *pkg, const char *key)
{
    int32_t type = -1;
    OK(ls_pkg_type(pkg, key, LS_NTS, &type, E));
    return type;
}

/* contract 7.1 */
TEST(the_type_of_the_argument_is_the_type_of_the_value) {
    fixture f = fixture_new();
    const bool flag = true;
    const char letters[] = "text";
    char buffer[] = "text";
    ls_value *list = NULL;
    OK(ls_value_new_list(&list, E));
    const ls_value *lent = list;

    OK(ls_put(f.pkg, "bool", flag, E));
    CHECK(type_of(f.pkg, "bool") == LS_TYPE_BOOL);
    OK(ls_put_bool(f.pkg, "bool", true, E));
    CHECK(type_of(f.pkg, "bool") == LS_TYPE_BOOL);
    OK(ls_put(f.pkg, "int", 3, E));
    CHECK(type_of(f.pkg, "int") == LS_TYPE_I64);
    OK(ls_put(f.pkg, "long", INT64_MIN, E));
    CHECK(fixture_i64(f.pkg, "long") == INT64_MIN);
    OK(ls_put(f.pkg, "short", (short)-3, E));
    CHECK(fixture_i64(f.pkg, "short") == -3);
    OK(ls_put(f.pkg, "unsigned", 3u, E));
    OK(ls_put(f.pkg, "size", sizeof flag, E));
    CHECK(fixture_i64(f.pkg, "size") == 1);
    OK(ls_put(f.pkg, "float", 3.0f, E));
    OK(ls_put(f.pkg, "double", 3.0, E));
    CHECK(type_of(f.pkg, "double") == LS_TYPE_F64);
    OK(ls_put(f.pkg, "literal", "text", E));
    OK(ls_put(f.pkg, "letters", letters, E));
    OK(ls_put(f.pkg, "buffer", buffer, E));
    CHECK(type_of(f.pkg, "buffer") == LS_TYPE_TEXT);
    OK(ls_put(f.pkg, "value", list, E));
    OK(ls_put(f.pkg, "lent", lent, E));
    CHECK(type_of(f.pkg, "lent") == LS_TYPE_LIST);
    OK(ls_put_null(f.pkg, "null", E));
    CHECK(type_of(f.pkg, "null") == LS_TYPE_NULL);
    OK(ls_put_bytes(f.pkg, "bytes", "a\0b", 3, E));
    CHECK(type_of(f.pkg, "bytes") == LS_TYPE_BYTES);
    ls_value_free(list);
    fixture_free(&f);
}

TEST(the_error_may_be_left_out) {
    fixture f = fixture_new();
    int64_t number = 0;
    CHECK(ls_put(f.pkg, "key", 3) == LS_OK);
    CHECK(ls_get(f.pkg, "key", &number) == LS_OK && number == 3);
    CHECK(ls_get(f.pkg, "absent", &number) == LS_NOT_FOUND && number == 3);
    fixture_free(&f);
}

TEST(an_unsigned_integer_that_does_not_fit_is_refused) {
    fixture f = fixture_new();
    OK(ls_put(f.pkg, "most", (uint64_t)INT64_MAX, E));
    FAILS(LS_ERR_RANGE, "2^63-1", ls_put(f.pkg, "more", (uint64_t)INT64_MAX + 1, E));
    CHECK(ls_put(f.pkg, "more", UINT64_MAX) == LS_ERR_RANGE);
    NOT_FOUND(ls_has(f.pkg, "more", E));
    fixture_free(&f);
}

TEST(what_was_put_is_got_into_a_variable_of_its_type) {
    fixture f = fixture_new();
    bool flag = false;
    int64_t number = 0;
    double real = 0;
    const char *text = NULL;
    const void *bytes = NULL;
    size_t bytes_len = 0;
    const ls_value *value = NULL;
    OK(ls_put_bool(f.pkg, "bool", true, E));
    OK(ls_put(f.pkg, "int", 3, E));
    OK(ls_put(f.pkg, "float", 1.5, E));
    OK(ls_put(f.pkg, "text", "ann", E));
    OK(ls_put_bytes(f.pkg, "bytes", "a\0b", 3, E));
    OK(ls_get(f.pkg, "bool", &flag, E));
    OK(ls_get(f.pkg, "int", &number, E));
    OK(ls_get(f.pkg, "float", &real, E));
    OK(ls_get(f.pkg, "text", &text, E));
    OK(ls_get(f.pkg, "text", &value, E));
    OK(ls_get_bytes(f.pkg, "bytes", &bytes, &bytes_len, E));
    CHECK(flag && number == 3 && real == 1.5 && strcmp(text, "ann") == 0 && ls_value_type(value) == LS_TYPE_TEXT);
    CHECK(bytes_len == 3 && memcmp(bytes, "a\0b", 3) == 0);
    FAILS(LS_ERR_TYPE, "integer", ls_get(f.pkg, "int", &real, E));
    OK(ls_add(f.pkg, "int", 4, &number, E));
    CHECK(number == 7);
    OK(ls_delete(f.pkg, "int", E));
    NOT_FOUND(ls_delete(f.pkg, "int", E));
    fixture_free(&f);
}

TEST(lists_and_maps_are_walked) {
    ls_value *map = NULL;
    OK(ls_value_from_json("{\"a\":[1,2,3],\"b\":[],\"c\":[4]}", LS_NTS, &map, E));
    char keys[8] = "";
    int64_t sum = 0;
    ls_for_map (key, list, map) {
        strcat(keys, key);
        ls_for_list (item, list) {
            int64_t number = 0;
            OK(ls_value_as_i64(item, &number, E));
            if (number == 3) break;
            sum += number;
        }
    }
    CHECK(strcmp(keys, "abc") == 0);
    CHECK(sum == 7);
    ls_value_free(map);
}

#if defined(ls_scoped)
/* Leaves its block in the middle: what it has opened is freed (the sanitizers would tell). */
static int32_t visit(const char *url, int64_t *visits, ls_error *err)
{
    ls_scoped(ls_store, store);
    ls_scoped(ls_container, container);
    ls_scoped(ls_txn, txn);
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    ls_try(ls_open_store(url, &store, err), failed);
    ls_try(ls_open_container(store, "container", &container, err), failed);
    ls_try(ls_txn_begin(&txn, err), failed);
    ls_try(ls_open_session(txn, container, "id", &session, err), failed);
    ls_try(ls_open_pkg(session, "pkg", &pkg, err), failed);
    ls_try(ls_add(pkg, "visits", 1, visits, err), failed);
    return ls_txn_commit(txn, err);
failed:
    return err->status;
}

TEST(what_is_scoped_is_freed_when_the_block_is_left) {
    fixture f = fixture_new();
    ls_scoped(ls_value, value);
    OK(ls_value_new_null(&value, E));
    const char *url = NULL;
    OK(ls_store_name(f.store, &url, NULL, E));
    int64_t visits = 0;
    OK(visit(url, &visits, E));
    OK(visit(url, &visits, E));
    CHECK(visits == 2);
    FAILS(LS_ERR_ARGUMENT, "URL", visit("nonsense", &visits, E));
    fixture_free(&f);
}
#else
TEST(what_is_scoped_is_freed_when_the_block_is_left) {
}
#endif

TEST(sessions_and_packages_go_by_their_names) {
    fixture f = fixture_new();
    ls_pkg *pkg = NULL;
    const char *id = NULL;
    OK(ls_put(f.pkg, "key", 1, E));
    NOT_FOUND(ls_peek_pkg(f.session, "other", &pkg, E));
    OK(ls_peek_pkg(f.session, "pkg", &pkg, E));
    OK(ls_renew_id(f.session, E));
    OK(ls_session_id(f.session, &id, NULL, E));
    CHECK(strlen(id) == 32);
    OK(ls_delete_pkg(f.session, "pkg", E));
    NOT_FOUND(ls_delete_pkg(f.session, "pkg", E));
    OK(ls_destroy_session(f.txn, f.container, "id", E));
    NOT_FOUND(ls_has_session(f.txn, f.container, "id", E));
    fixture_free(&f);
}

TEST(an_error_tells_whether_to_run_again) {
    fixture f = fixture_new();
    ls_txn *other = NULL;
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    OK(ls_txn_begin(&other, E));
    OK(ls_open_session(other, f.container, "id", &session, E));
    OK(ls_open_pkg(session, "pkg", &pkg, E));
    OK(ls_put(pkg, "key", 1, E));
    OK(ls_put(f.pkg, "key", 2, E));
    OK(ls_txn_commit(other, E));
    CHECK(!ls_is_retryable(E));
    STATUS(LS_ERR_CONFLICT, ls_txn_commit(f.txn, E));
    CHECK(ls_is_retryable(E));
    ls_perror("what this test provokes", E);
    ls_txn_free(other);
    fixture_free(&f);
}

int main(void) {
    RUN(the_type_of_the_argument_is_the_type_of_the_value);
    RUN(the_error_may_be_left_out);
    RUN(an_unsigned_integer_that_does_not_fit_is_refused);
    RUN(what_was_put_is_got_into_a_variable_of_its_type);
    RUN(lists_and_maps_are_walked);
    RUN(what_is_scoped_is_freed_when_the_block_is_left);
    RUN(sessions_and_packages_go_by_their_names);
    RUN(an_error_tells_whether_to_run_again);
    return check_done("easy");
}
