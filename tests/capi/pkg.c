/* Packages: keys and their values. */
#include <math.h>

#include "fixture.h"

TEST(every_type_goes_in_and_comes_back_in_the_next_transaction) {
    fixture f = fixture_new();
    bool flag = false;
    int64_t integer = 0;
    double number = 0;
    const char *text = NULL;
    const void *bytes = NULL;
    size_t length = 0;
    int32_t type = -1;
    OK(ls_pkg_set_null(f.pkg, "null", LS_NTS, E));
    OK(ls_pkg_set_bool(f.pkg, "bool", LS_NTS, true, E));
    OK(ls_pkg_set_i64(f.pkg, "i64", LS_NTS, INT64_MIN, E));
    OK(ls_pkg_set_f64(f.pkg, "f64", LS_NTS, (double)-INFINITY, E));
    OK(ls_pkg_set_text(f.pkg, "text", LS_NTS, "a\0\xc3\xa4", 4, E));
    OK(ls_pkg_set_bytes(f.pkg, "bytes", LS_NTS, "\xff\0", 2, E));
    /* Once from what is staged, once from what was stored. */
    for (int round = 0; round < 2; round++) {
        static const char *const names[] = {"null", "bool", "i64", "f64", "text", "bytes"};
        for (int32_t i = 0; i < 6; i++) {
            OK(ls_pkg_type(f.pkg, names[i], LS_NTS, &type, E));
            CHECK(type == i);
        }
        OK(ls_pkg_get_bool(f.pkg, "bool", LS_NTS, &flag, E));
        OK(ls_pkg_get_i64(f.pkg, "i64", LS_NTS, &integer, E));
        OK(ls_pkg_get_f64(f.pkg, "f64", LS_NTS, &number, E));
        CHECK(flag && integer == INT64_MIN && isinf(number) && number < 0);
        OK(ls_pkg_get_text(f.pkg, "text", LS_NTS, &text, &length, E));
        CHECK(length == 4 && memcmp(text, "a\0\xc3\xa4", 5) == 0);
        OK(ls_pkg_get_bytes(f.pkg, "bytes", LS_NTS, &bytes, &length, E));
        CHECK(length == 2 && memcmp(bytes, "\xff\0", 2) == 0);
        fixture_commit(&f);
    }
    fixture_free(&f);
}

TEST(absent_is_an_answer_and_null_is_a_value) {
    fixture f = fixture_new();
    const ls_value *value = (const ls_value *)1;
    int64_t integer = 7;
    int32_t type = 7;
    bool flag = true;
    double number = 7;
    const char *text = "untouched";
    const void *bytes = "untouched";
    size_t length = 7;
    NOT_FOUND(ls_pkg_get(f.pkg, "absent", LS_NTS, &value, E));
    CHECK(value == NULL);
    NOT_FOUND(ls_pkg_type(f.pkg, "absent", LS_NTS, &type, E));
    NOT_FOUND(ls_pkg_get_bool(f.pkg, "absent", LS_NTS, &flag, E));
    NOT_FOUND(ls_pkg_get_i64(f.pkg, "absent", LS_NTS, &integer, E));
    NOT_FOUND(ls_pkg_get_f64(f.pkg, "absent", LS_NTS, &number, E));
    NOT_FOUND(ls_pkg_get_text(f.pkg, "absent", LS_NTS, &text, &length, E));
    NOT_FOUND(ls_pkg_get_bytes(f.pkg, "absent", LS_NTS, &bytes, &length, E));
    NOT_FOUND(ls_pkg_contains(f.pkg, "absent", LS_NTS, E));
    NOT_FOUND(ls_pkg_delete(f.pkg, "absent", LS_NTS, E));
    CHECK(integer == 7 && type == 7 && flag && number == 7 && length == 7);
    CHECK(strcmp(text, "untouched") == 0 && strcmp(bytes, "untouched") == 0);
    OK(ls_pkg_set_null(f.pkg, "null", LS_NTS, E));
    OK(ls_pkg_contains(f.pkg, "null", LS_NTS, E));
    OK(ls_pkg_get(f.pkg, "null", LS_NTS, &value, E));
    CHECK(ls_value_type(value) == LS_TYPE_NULL);
    fixture_free(&f);
}

TEST(reading_as_another_type_is_a_type_error) {
    fixture f = fixture_new();
    int64_t integer = 7;
    double number = 7;
    bool flag = true;
    const char *text = NULL;
    const void *bytes = NULL;
    size_t length = 7;
    OK(ls_pkg_set_i64(f.pkg, "one", LS_NTS, 1, E));
    OK(ls_pkg_set_text(f.pkg, "text", LS_NTS, "1", 1, E));
    FAILS(LS_ERR_TYPE, "integer", ls_pkg_get_f64(f.pkg, "one", LS_NTS, &number, E));
    FAILS(LS_ERR_TYPE, "integer", ls_pkg_get_bool(f.pkg, "one", LS_NTS, &flag, E));
    FAILS(LS_ERR_TYPE, "integer", ls_pkg_get_text(f.pkg, "one", LS_NTS, &text, &length, E));
    FAILS(LS_ERR_TYPE, "text", ls_pkg_get_bytes(f.pkg, "text", LS_NTS, &bytes, &length, E));
    FAILS(LS_ERR_TYPE, "text", ls_pkg_get_i64(f.pkg, "text", LS_NTS, &integer, E));
    CHECK(integer == 7 && number == 7 && flag && text == NULL && bytes == NULL && length == 7);
    fixture_free(&f);
}

TEST(a_value_goes_in_as_a_copy_and_is_lent) {
    fixture f = fixture_new();
    ls_value *list = NULL, *one = NULL;
    const ls_value *lent = NULL, *again = NULL, *item = NULL;
    OK(ls_value_new_list(&list, E));
    OK(ls_value_new_i64(1, &one, E));
    OK(ls_value_list_push(list, one, E));
    OK(ls_pkg_set(f.pkg, "list", LS_NTS, list, E));
    OK(ls_value_list_push(list, one, E));
    OK(ls_pkg_get(f.pkg, "list", LS_NTS, &lent, E));
    CHECK(ls_value_len(lent) == 1);
    OK(ls_pkg_get(f.pkg, "list", LS_NTS, &again, E));
    CHECK(again == lent);
    /* What is lent can be put elsewhere, also under its own key. */
    OK(ls_pkg_set(f.pkg, "list", LS_NTS, lent, E));
    OK(ls_value_list_at(lent, 0, &item, E));
    OK(ls_pkg_set(f.pkg, "item", LS_NTS, item, E));
    CHECK(fixture_i64(f.pkg, "item") == 1);
    ls_value_free(one);
    ls_value_free(list);
    fixture_free(&f);
}

TEST(what_is_lent_lives_until_the_transaction_is_freed) {
    fixture f = fixture_new();
    const ls_value *loaded = NULL, *again = NULL, *staged = NULL;
    const char *text = NULL, *same = NULL, *text_staged = NULL;
    const void *bytes = NULL;
    size_t length = 0, bytes_len = 0;
    uint64_t savepoint = 0;
    OK(ls_pkg_set_text(f.pkg, "k", 1, "before", LS_NTS, E));
    OK(ls_pkg_set_bytes(f.pkg, "b", 1, "bytes", 5, E));
    fixture_commit(&f);
    OK(ls_pkg_get(f.pkg, "k", 1, &loaded, E));
    OK(ls_pkg_get(f.pkg, "k", 1, &again, E));
    CHECK(loaded == again);
    OK(ls_pkg_get_text(f.pkg, "k", 1, &text, &length, E));
    OK(ls_pkg_get_text(f.pkg, "k", 1, &same, NULL, E));
    CHECK(text == same);
    OK(ls_pkg_get_bytes(f.pkg, "b", 1, &bytes, &bytes_len, E));
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    OK(ls_pkg_set_text(f.pkg, "k", 1, "after", LS_NTS, E));
    OK(ls_pkg_get(f.pkg, "k", 1, &staged, E));
    OK(ls_pkg_get_text(f.pkg, "k", 1, &text_staged, NULL, E));
    CHECK(strcmp(text, "before") == 0 && strcmp(text_staged, "after") == 0);
    OK(ls_pkg_delete(f.pkg, "k", 1, E));
    OK(ls_pkg_clear(f.pkg, E));
    OK(ls_session_delete_pkg(f.session, "pkg", LS_NTS, E));
    OK(ls_session_clear(f.session, E));
    OK(ls_txn_rollback(f.txn, savepoint, E));
    OK(ls_pkg_set_text(f.pkg, "k", 1, "last", LS_NTS, E));
    OK(ls_txn_commit(f.txn, E));
    CHECK(strcmp(text, "before") == 0 && length == 6 && strcmp(text_staged, "after") == 0);
    CHECK(bytes_len == 5 && memcmp(bytes, "bytes", 5) == 0);
    OK(ls_value_as_text(loaded, &text, NULL, E));
    CHECK(strcmp(text, "before") == 0);
    OK(ls_value_as_text(staged, &text, NULL, E));
    CHECK(strcmp(text, "after") == 0);
    fixture_free(&f);
}

TEST(a_value_that_is_lent_can_be_copied_out) {
    fixture f = fixture_new();
    const ls_value *lent = NULL;
    ls_value *copy = NULL;
    int64_t integer = 0;
    OK(ls_pkg_set_i64(f.pkg, "k", 1, 42, E));
    fixture_commit(&f);
    OK(ls_pkg_get(f.pkg, "k", 1, &lent, E));
    OK(ls_value_copy(lent, &copy, E));
    fixture_free(&f);
    OK(ls_value_as_i64(copy, &integer, E));
    CHECK(integer == 42);
    ls_value_free(copy);
}

TEST(counters_are_added_to) {
    fixture f = fixture_new();
    int64_t sum = 0;
    OK(ls_pkg_add(f.pkg, "n", 1, 5, &sum, E));
    CHECK(sum == 5);
    OK(ls_pkg_add(f.pkg, "n", 1, -7, &sum, E));
    CHECK(sum == -2);
    OK(ls_pkg_add(f.pkg, "n", 1, 1, NULL, E));
    CHECK(fixture_i64(f.pkg, "n") == -1);
    OK(ls_pkg_set_i64(f.pkg, "max", LS_NTS, INT64_MAX, E));
    sum = 7;
    STATUS(LS_ERR_RANGE, ls_pkg_add(f.pkg, "max", LS_NTS, 1, &sum, E));
    CHECK(sum == 7 && fixture_i64(f.pkg, "max") == INT64_MAX);
    OK(ls_pkg_set_f64(f.pkg, "f", 1, 1.0, E));
    STATUS(LS_ERR_TYPE, ls_pkg_add(f.pkg, "f", 1, 1, &sum, E));
    OK(ls_pkg_set_null(f.pkg, "null", LS_NTS, E));
    STATUS(LS_ERR_TYPE, ls_pkg_add(f.pkg, "null", LS_NTS, 1, &sum, E));
    fixture_free(&f);
}

TEST(keys_are_bytes_of_utf8_with_a_limit) {
    fixture f = fixture_new();
    char *key = malloc(65536);
    const ls_value *keys = NULL;
    memset(key, 'k', 65536);
    OK(ls_pkg_set_i64(f.pkg, key, 65535, 1, E));
    FAILS(LS_ERR_TOO_LARGE, "65535", ls_pkg_set_i64(f.pkg, key, 65536, 1, E));
    STATUS(LS_ERR_TOO_LARGE, ls_pkg_add(f.pkg, key, 65536, 1, NULL, E));
    OK(ls_pkg_set_i64(f.pkg, "", 0, 2, E));
    OK(ls_pkg_set_i64(f.pkg, "\0", 1, 3, E));
    FAILS(LS_ERR_ARGUMENT, "`key`", ls_pkg_set_i64(f.pkg, "\xff", 1, 4, E));
    FAILS(LS_ERR_ARGUMENT, "`text`", ls_pkg_set_text(f.pkg, "k", 1, "\xff", 1, E));
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "") == 2);
    OK(ls_pkg_contains(f.pkg, "\0", 1, E));
    OK(ls_pkg_contains(f.pkg, key, 65535, E));
    OK(ls_pkg_keys(f.pkg, &keys, E));
    CHECK(ls_value_len(keys) == 3);
    free(key);
    fixture_free(&f);
}

TEST(keys_content_and_length_are_snapshots) {
    fixture f = fixture_new();
    const ls_value *keys = NULL, *same = NULL, *content = NULL, *item = NULL;
    const char *text = NULL;
    size_t count = 99;
    OK(ls_pkg_len(f.pkg, &count, E));
    CHECK(count == 0);
    OK(ls_pkg_set_i64(f.pkg, "b", 1, 2, E));
    OK(ls_pkg_set_i64(f.pkg, "a", 1, 1, E));
    OK(ls_pkg_len(f.pkg, &count, E));
    CHECK(count == 2);
    OK(ls_pkg_keys(f.pkg, &keys, E));
    OK(ls_pkg_keys(f.pkg, &same, E));
    CHECK(keys == same);
    OK(ls_pkg_content(f.pkg, &content, E));
    OK(ls_pkg_delete(f.pkg, "a", 1, E));
    OK(ls_pkg_set_i64(f.pkg, "c", 1, 3, E));
    CHECK(ls_value_len(keys) == 2 && ls_value_len(content) == 2);
    OK(ls_value_list_at(keys, 0, &item, E));
    OK(ls_value_as_text(item, &text, NULL, E));
    CHECK(strcmp(text, "a") == 0);
    OK(ls_pkg_keys(f.pkg, &keys, E));
    OK(ls_value_list_at(keys, 0, &item, E));
    OK(ls_value_as_text(item, &text, NULL, E));
    CHECK(strcmp(text, "b") == 0 && ls_value_len(keys) == 2);
    fixture_free(&f);
}

TEST(a_map_replaces_or_updates_the_content) {
    fixture f = fixture_new();
    ls_value *map = NULL, *list = NULL;
    const ls_value *content = NULL;
    OK(ls_value_from_json("{\"b\":2,\"c\":3}", LS_NTS, &map, E));
    OK(ls_value_new_list(&list, E));
    OK(ls_pkg_set_i64(f.pkg, "a", 1, 1, E));
    OK(ls_pkg_update(f.pkg, map, E));
    OK(ls_pkg_content(f.pkg, &content, E));
    CHECK(ls_value_len(content) == 3);
    OK(ls_pkg_replace(f.pkg, map, E));
    OK(ls_pkg_content(f.pkg, &content, E));
    CHECK(ls_value_equal(content, map));
    /* With what it lends itself. */
    OK(ls_pkg_replace(f.pkg, content, E));
    OK(ls_pkg_update(f.pkg, content, E));
    FAILS(LS_ERR_TYPE, "list", ls_pkg_replace(f.pkg, list, E));
    FAILS(LS_ERR_TYPE, "list", ls_pkg_update(f.pkg, list, E));
    OK(ls_pkg_content(f.pkg, &content, E));
    CHECK(ls_value_equal(content, map));
    OK(ls_pkg_clear(f.pkg, E));
    NOT_FOUND(ls_pkg_contains(f.pkg, "b", 1, E));
    ls_value_free(list);
    ls_value_free(map);
    fixture_free(&f);
}

TEST(a_value_of_64_levels_can_be_stored) {
    fixture f = fixture_new();
    char json[129];
    ls_value *value = NULL;
    const ls_value *back = NULL;
    memset(json, '[', 64);
    memset(json + 64, ']', 64);
    OK(ls_value_from_json(json, 128, &value, E));
    OK(ls_pkg_set(f.pkg, "deep", LS_NTS, value, E));
    fixture_commit(&f);
    OK(ls_pkg_get(f.pkg, "deep", LS_NTS, &back, E));
    CHECK(ls_value_equal(value, back));
    ls_value_free(value);
    fixture_free(&f);
}

TEST(a_handle_names_its_package_whatever_became_of_it) {
    fixture f = fixture_new();
    const char *name = NULL;
    size_t length = 0, count = 9;
    uint64_t savepoint = 0;
    OK(ls_txn_savepoint(f.txn, &savepoint, E));
    OK(ls_pkg_set_i64(f.pkg, "k", 1, 1, E));
    OK(ls_txn_rollback(f.txn, savepoint, E));
    OK(ls_pkg_len(f.pkg, &count, E));
    CHECK(count == 0);
    OK(ls_pkg_set_i64(f.pkg, "k", 1, 2, E));
    OK(ls_session_delete_pkg(f.session, "pkg", LS_NTS, E));
    NOT_FOUND(ls_pkg_contains(f.pkg, "k", 1, E));
    OK(ls_pkg_set_i64(f.pkg, "k", 1, 3, E));
    OK(ls_pkg_name(f.pkg, &name, &length, E));
    CHECK(strcmp(name, "pkg") == 0 && length == 3);
    fixture_commit(&f);
    CHECK(fixture_i64(f.pkg, "k") == 3);
    fixture_free(&f);
}

TEST(a_record_over_the_limit_is_too_large_and_nothing_is_stored) {
    fixture f = fixture_new();
    size_t size = 2u << 20;
    char *big = calloc(1, size);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 2, E));
    OK(ls_pkg_set_bytes(f.pkg, "big", LS_NTS, big, size, E));
    STATUS(LS_ERR_TOO_LARGE, ls_txn_commit(f.txn, E));
    CHECK(ls_txn_state(f.txn) == LS_TXN_STATE_FAILED);
    ls_txn_free(f.txn);
    fixture_begin(&f);
    CHECK(fixture_i64(f.pkg, "n") == 1);
    free(big);
    fixture_free(&f);
}

TEST(nulls_are_refused_by_name) {
    fixture f = fixture_new();
    ls_value *map = NULL;
    const ls_value *value = (const ls_value *)1;
    const char *text;
    const void *bytes;
    bool flag;
    int64_t integer;
    int32_t type;
    double number;
    size_t length;
    OK(ls_value_new_map(&map, E));
    NULL_IS_REFUSED("pkg", ls_pkg_name(NULL, &text, &length, E));
    NULL_IS_REFUSED("out", ls_pkg_name(f.pkg, NULL, &length, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get(NULL, "k", 1, &value, E));
    CHECK(value == NULL);
    NULL_IS_REFUSED("key", ls_pkg_get(f.pkg, NULL, 1, &value, E));
    NULL_IS_REFUSED("key", ls_pkg_get(f.pkg, NULL, LS_NTS, &value, E));
    NULL_IS_REFUSED("out", ls_pkg_get(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set(NULL, "k", 1, map, E));
    NULL_IS_REFUSED("key", ls_pkg_set(f.pkg, NULL, 1, map, E));
    NULL_IS_REFUSED("value", ls_pkg_set(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_type(NULL, "k", 1, &type, E));
    NULL_IS_REFUSED("out", ls_pkg_type(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get_bool(NULL, "k", 1, &flag, E));
    NULL_IS_REFUSED("out", ls_pkg_get_bool(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get_i64(NULL, "k", 1, &integer, E));
    NULL_IS_REFUSED("out", ls_pkg_get_i64(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get_f64(NULL, "k", 1, &number, E));
    NULL_IS_REFUSED("out", ls_pkg_get_f64(f.pkg, "k", 1, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get_text(NULL, "k", 1, &text, &length, E));
    NULL_IS_REFUSED("out", ls_pkg_get_text(f.pkg, "k", 1, NULL, &length, E));
    NULL_IS_REFUSED("pkg", ls_pkg_get_bytes(NULL, "k", 1, &bytes, &length, E));
    NULL_IS_REFUSED("out", ls_pkg_get_bytes(f.pkg, "k", 1, NULL, &length, E));
    NULL_IS_REFUSED("out_len", ls_pkg_get_bytes(f.pkg, "k", 1, &bytes, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_null(NULL, "k", 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_bool(NULL, "k", 1, true, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_i64(NULL, "k", 1, 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_f64(NULL, "k", 1, 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_text(NULL, "k", 1, "t", 1, E));
    NULL_IS_REFUSED("text", ls_pkg_set_text(f.pkg, "k", 1, NULL, 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_set_bytes(NULL, "k", 1, "b", 1, E));
    NULL_IS_REFUSED("bytes", ls_pkg_set_bytes(f.pkg, "k", 1, NULL, 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_add(NULL, "k", 1, 1, &integer, E));
    NULL_IS_REFUSED("pkg", ls_pkg_delete(NULL, "k", 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_clear(NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_contains(NULL, "k", 1, E));
    NULL_IS_REFUSED("pkg", ls_pkg_len(NULL, &length, E));
    NULL_IS_REFUSED("out", ls_pkg_len(f.pkg, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_keys(NULL, &value, E));
    NULL_IS_REFUSED("pkg", ls_pkg_content(NULL, &value, E));
    NULL_IS_REFUSED("pkg", ls_pkg_replace(NULL, map, E));
    NULL_IS_REFUSED("map", ls_pkg_replace(f.pkg, NULL, E));
    NULL_IS_REFUSED("pkg", ls_pkg_update(NULL, map, E));
    NULL_IS_REFUSED("map", ls_pkg_update(f.pkg, NULL, E));
    /* None of these did anything. */
    OK(ls_pkg_len(f.pkg, &length, E));
    CHECK(length == 0);
    ls_value_free(map);
    fixture_free(&f);
}

int main(void) {
    RUN(every_type_goes_in_and_comes_back_in_the_next_transaction);
    RUN(absent_is_an_answer_and_null_is_a_value);
    RUN(reading_as_another_type_is_a_type_error);
    RUN(a_value_goes_in_as_a_copy_and_is_lent);
    RUN(what_is_lent_lives_until_the_transaction_is_freed);
    RUN(a_value_that_is_lent_can_be_copied_out);
    RUN(counters_are_added_to);
    RUN(keys_are_bytes_of_utf8_with_a_limit);
    RUN(keys_content_and_length_are_snapshots);
    RUN(a_map_replaces_or_updates_the_content);
    RUN(a_value_of_64_levels_can_be_stored);
    RUN(a_handle_names_its_package_whatever_became_of_it);
    RUN(a_record_over_the_limit_is_too_large_and_nothing_is_stored);
    RUN(nulls_are_refused_by_name);
    return check_done("pkg");
}
