/* The value tree. */
#include <math.h>

#include "check.h"

static ls_value *new_i64(int64_t number) {
    ls_value *value = NULL;
    OK(ls_value_new_i64(number, &value, E));
    return value;
}

static ls_value *new_list(void) {
    ls_value *value = NULL;
    OK(ls_value_new_list(&value, E));
    return value;
}

static ls_value *new_map(void) {
    ls_value *value = NULL;
    OK(ls_value_new_map(&value, E));
    return value;
}

TEST(every_type_comes_back_as_it_was_made) {
    ls_value *value = NULL;
    bool flag = false;
    double number = 0;
    int64_t integer = 0;
    const char *text;
    const void *bytes;
    size_t length;

    OK(ls_value_new_null(&value, E));
    CHECK(ls_value_type(value) == LS_TYPE_NULL && ls_value_len(value) == 0);
    ls_value_free(value);

    OK(ls_value_new_bool(true, &value, E));
    OK(ls_value_as_bool(value, &flag, E));
    CHECK(ls_value_type(value) == LS_TYPE_BOOL && flag);
    ls_value_free(value);

    OK(ls_value_new_i64(INT64_MIN, &value, E));
    OK(ls_value_as_i64(value, &integer, E));
    CHECK(ls_value_type(value) == LS_TYPE_I64 && integer == INT64_MIN);
    ls_value_free(value);

    OK(ls_value_new_f64(-0.0, &value, E));
    OK(ls_value_as_f64(value, &number, E));
    CHECK(ls_value_type(value) == LS_TYPE_F64 && number == 0 && signbit(number));
    ls_value_free(value);

    OK(ls_value_new_text("a\0b\xc3\xa4", 5, &value, E));
    OK(ls_value_as_text(value, &text, &length, E));
    CHECK(ls_value_type(value) == LS_TYPE_TEXT && length == 5 && memcmp(text, "a\0b\xc3\xa4", 6) == 0);
    CHECK(ls_value_len(value) == 5);
    ls_value_free(value);

    OK(ls_value_new_bytes("\xff\0\n", 3, &value, E));
    OK(ls_value_as_bytes(value, &bytes, &length, E));
    CHECK(ls_value_type(value) == LS_TYPE_BYTES && length == 3 && memcmp(bytes, "\xff\0\n", 3) == 0);
    ls_value_free(value);
}

TEST(the_bits_of_nan_are_kept) {
    uint64_t bits = UINT64_C(0x7ff4dead00000001), back = 0;
    double number;
    ls_value *value = NULL;
    memcpy(&number, &bits, sizeof number);
    OK(ls_value_new_f64(number, &value, E));
    OK(ls_value_as_f64(value, &number, E));
    memcpy(&back, &number, sizeof back);
    CHECK(back == bits);
    ls_value_free(value);
}

TEST(empty_text_and_bytes_can_be_read) {
    ls_value *value = NULL;
    const char *text = NULL;
    const void *bytes = NULL;
    size_t length = 9;
    /* With length 0 the pointer is ignored. */
    OK(ls_value_new_text(NULL, 0, &value, E));
    OK(ls_value_as_text(value, &text, &length, E));
    CHECK(text != NULL && text[0] == 0 && length == 0);
    ls_value_free(value);
    OK(ls_value_new_bytes((const void *)1, 0, &value, E));
    OK(ls_value_as_bytes(value, &bytes, &length, E));
    CHECK(bytes != NULL && length == 0);
    ls_value_free(value);
}

TEST(the_length_of_text_may_be_unwanted) {
    ls_value *value = NULL;
    const char *text = NULL;
    OK(ls_value_new_text("text", LS_NTS, &value, E));
    OK(ls_value_as_text(value, &text, NULL, E));
    CHECK(strcmp(text, "text") == 0);
    ls_value_free(value);
}

TEST(reading_as_another_type_is_a_type_error) {
    ls_value *one = new_i64(1), *text = NULL;
    bool flag = true;
    double number = 7;
    int64_t integer = 7;
    const char *string = "untouched";
    const void *bytes = "untouched";
    size_t length = 7;
    const ls_value *item = one;
    OK(ls_value_new_text("1", 1, &text, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_as_bool(one, &flag, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_as_f64(one, &number, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_as_text(one, &string, &length, E));
    FAILS(LS_ERR_TYPE, "text", ls_value_as_bytes(text, &bytes, &length, E));
    FAILS(LS_ERR_TYPE, "text", ls_value_as_i64(text, &integer, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_list_at(one, 0, &item, E));
    CHECK(item == NULL);
    item = one;
    FAILS(LS_ERR_TYPE, "integer", ls_value_map_get(one, "k", 1, &item, E));
    CHECK(item == NULL);
    FAILS(LS_ERR_TYPE, "integer", ls_value_map_at(one, 0, &string, &length, &item, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_list_push(one, text, E));
    FAILS(LS_ERR_TYPE, "integer", ls_value_map_set(one, "k", 1, text, E));
    /* Outputs other than handles are written only on success. */
    CHECK(flag && number == 7 && integer == 7 && length == 7);
    CHECK(strcmp(string, "untouched") == 0 && strcmp(bytes, "untouched") == 0);
    ls_value_free(text);
    ls_value_free(one);
}

TEST(nulls_are_refused_by_name) {
    ls_value *one = new_i64(1);
    const ls_value *item;
    const char *text;
    const void *bytes;
    bool flag;
    int64_t integer;
    double number;
    size_t length;
    char *json;
    void *packed = one;
    ls_value *made = one;
    NULL_IS_REFUSED("out", ls_value_new_null(NULL, E));
    NULL_IS_REFUSED("out", ls_value_new_bool(true, NULL, E));
    NULL_IS_REFUSED("out", ls_value_new_i64(1, NULL, E));
    NULL_IS_REFUSED("out", ls_value_new_f64(1, NULL, E));
    NULL_IS_REFUSED("out", ls_value_new_list(NULL, E));
    NULL_IS_REFUSED("out", ls_value_new_map(NULL, E));
    NULL_IS_REFUSED("text", ls_value_new_text(NULL, 1, &made, E));
    CHECK(made == NULL);
    NULL_IS_REFUSED("text", ls_value_new_text(NULL, LS_NTS, &made, E));
    NULL_IS_REFUSED("bytes", ls_value_new_bytes(NULL, 1, &made, E));
    NULL_IS_REFUSED("text", ls_value_from_json(NULL, 1, &made, E));
    NULL_IS_REFUSED("value", ls_value_list_push(NULL, one, E));
    NULL_IS_REFUSED("item", ls_value_list_push(one, NULL, E));
    NULL_IS_REFUSED("value", ls_value_map_set(NULL, "k", 1, one, E));
    NULL_IS_REFUSED("key", ls_value_map_set(one, NULL, 1, one, E));
    NULL_IS_REFUSED("item", ls_value_map_set(one, "k", 1, NULL, E));
    NULL_IS_REFUSED("value", ls_value_as_bool(NULL, &flag, E));
    NULL_IS_REFUSED("out", ls_value_as_bool(one, NULL, E));
    NULL_IS_REFUSED("value", ls_value_as_i64(NULL, &integer, E));
    NULL_IS_REFUSED("out", ls_value_as_i64(one, NULL, E));
    NULL_IS_REFUSED("value", ls_value_as_f64(NULL, &number, E));
    NULL_IS_REFUSED("value", ls_value_as_text(NULL, &text, &length, E));
    NULL_IS_REFUSED("out", ls_value_as_text(one, NULL, &length, E));
    NULL_IS_REFUSED("value", ls_value_as_bytes(NULL, &bytes, &length, E));
    NULL_IS_REFUSED("out_len", ls_value_as_bytes(one, &bytes, NULL, E));
    NULL_IS_REFUSED("value", ls_value_list_at(NULL, 0, &item, E));
    NULL_IS_REFUSED("out", ls_value_list_at(one, 0, NULL, E));
    NULL_IS_REFUSED("value", ls_value_map_at(NULL, 0, &text, &length, &item, E));
    NULL_IS_REFUSED("key", ls_value_map_at(one, 0, NULL, &length, &item, E));
    NULL_IS_REFUSED("value", ls_value_map_get(NULL, "k", 1, &item, E));
    NULL_IS_REFUSED("value", ls_value_copy(NULL, &made, E));
    NULL_IS_REFUSED("value", ls_value_to_json(NULL, &json, &length, E));
    NULL_IS_REFUSED("out", ls_value_to_json(one, NULL, &length, E));
    NULL_IS_REFUSED("bytes", ls_value_from_msgpack(NULL, 1, &made, E));
    NULL_IS_REFUSED("out", ls_value_from_msgpack("\xc0", 1, NULL, E));
    NULL_IS_REFUSED("value", ls_value_to_msgpack(NULL, &packed, &length, E));
    CHECK(packed == NULL);
    NULL_IS_REFUSED("out", ls_value_to_msgpack(one, NULL, &length, E));
    packed = one;
    NULL_IS_REFUSED("out_len", ls_value_to_msgpack(one, &packed, NULL, E));
    CHECK(packed == NULL);
    CHECK(ls_value_type(NULL) == -1 && ls_value_len(NULL) == 0);
    CHECK(!ls_value_equal(NULL, one) && !ls_value_equal(one, NULL) && !ls_value_equal(NULL, NULL));
    ls_value_free(one);
}

TEST(lengths_that_cannot_be_are_refused) {
    ls_value *made = NULL;
    FAILS(LS_ERR_ARGUMENT, "`text`", ls_value_new_text("x", (size_t)-2, &made, E));
    FAILS(LS_ERR_ARGUMENT, "`bytes`", ls_value_new_bytes("x", SIZE_MAX / 2 + 1, &made, E));
    CHECK(made == NULL);
}

TEST(text_that_is_not_utf8_is_refused) {
    ls_value *made = NULL, *map = new_map(), *one = new_i64(1);
    const ls_value *item;
    FAILS(LS_ERR_ARGUMENT, "byte 2", ls_value_new_text("ab\xff", LS_NTS, &made, E));
    FAILS(LS_ERR_ARGUMENT, "`key`", ls_value_map_set(map, "\xc3", 1, one, E));
    FAILS(LS_ERR_ARGUMENT, "`key`", ls_value_map_get(map, "\xed\xa0\x80", 3, &item, E));
    CHECK(made == NULL && ls_value_len(map) == 0);
    ls_value_free(one);
    ls_value_free(map);
}

TEST(lists_keep_their_order) {
    ls_value *list = new_list();
    const ls_value *item = NULL;
    int64_t integer;
    for (int64_t i = 0; i < 100; i++) {
        ls_value *number = new_i64(i);
        OK(ls_value_list_push(list, number, E));
        ls_value_free(number);
    }
    CHECK(ls_value_len(list) == 100);
    for (size_t i = 0; i < 100; i++) {
        OK(ls_value_list_at(list, i, &item, E));
        OK(ls_value_as_i64(item, &integer, E));
        CHECK(integer == (int64_t)i);
    }
    NOT_FOUND(ls_value_list_at(list, 100, &item, E));
    CHECK(item == NULL);
    NOT_FOUND(ls_value_list_at(list, SIZE_MAX, &item, E));
    ls_value_free(list);
}

TEST(maps_are_sorted_by_the_bytes_of_their_keys) {
    static const char *const keys[] = {"b", "a", "\xc3\xa4", "B", "", "ab"};
    static const char *const sorted[] = {"", "B", "a", "ab", "b", "\xc3\xa4"};
    ls_value *map = new_map();
    const ls_value *item;
    const char *key;
    size_t key_len;
    for (size_t i = 0; i < 6; i++) {
        ls_value *number = new_i64((int64_t)i);
        OK(ls_value_map_set(map, keys[i], LS_NTS, number, E));
        ls_value_free(number);
    }
    CHECK(ls_value_len(map) == 6);
    for (size_t i = 0; i < 6; i++) {
        const ls_value *same = NULL;
        OK(ls_value_map_at(map, i, &key, &key_len, &item, E));
        CHECK(strcmp(key, sorted[i]) == 0 && key_len == strlen(key));
        OK(ls_value_map_get(map, key, key_len, &same, E));
        CHECK(same == item);
    }
    NOT_FOUND(ls_value_map_at(map, 6, &key, &key_len, &item, E));
    CHECK(item == NULL);
    NOT_FOUND(ls_value_map_get(map, "c", 1, &item, E));
    CHECK(item == NULL);
    ls_value_free(map);
}

TEST(keys_with_a_nul_are_other_keys) {
    ls_value *map = new_map(), *one = new_i64(1), *two = new_i64(2);
    const ls_value *item;
    OK(ls_value_map_set(map, "k", 1, one, E));
    OK(ls_value_map_set(map, "k\0", 2, two, E));
    CHECK(ls_value_len(map) == 2);
    OK(ls_value_map_get(map, "k", LS_NTS, &item, E));
    CHECK(ls_value_equal(item, one));
    OK(ls_value_map_get(map, "k\0", 2, &item, E));
    CHECK(ls_value_equal(item, two));
    ls_value_free(two);
    ls_value_free(one);
    ls_value_free(map);
}

TEST(what_was_put_does_not_change_with_what_it_was) {
    ls_value *outer = new_list(), *inner = new_list(), *one = new_i64(1);
    const ls_value *item;
    OK(ls_value_list_push(outer, inner, E));
    OK(ls_value_list_push(inner, one, E));
    OK(ls_value_list_at(outer, 0, &item, E));
    CHECK(ls_value_len(item) == 0 && ls_value_len(inner) == 1);
    ls_value_free(inner);
    CHECK(ls_value_type(item) == LS_TYPE_LIST);
    ls_value_free(one);
    ls_value_free(outer);
}

TEST(a_list_can_be_put_into_itself) {
    ls_value *list = new_list(), *map = new_map();
    const ls_value *item;
    OK(ls_value_list_push(list, list, E));
    OK(ls_value_list_push(list, list, E));
    CHECK(ls_value_len(list) == 2);
    OK(ls_value_list_at(list, 1, &item, E));
    CHECK(ls_value_len(item) == 1);
    /* An item of the list itself, which moves when the list grows. */
    for (int i = 0; i < 50; i++) {
        OK(ls_value_list_at(list, 0, &item, E));
        OK(ls_value_list_push(list, item, E));
    }
    CHECK(ls_value_len(list) == 52);
    OK(ls_value_map_set(map, "self", LS_NTS, map, E));
    OK(ls_value_map_get(map, "self", LS_NTS, &item, E));
    CHECK(ls_value_len(item) == 0);
    ls_value_free(map);
    ls_value_free(list);
}

TEST(equality_is_strict_on_types_and_bits) {
    ls_value *one = new_i64(1), *also = new_i64(1), *real = NULL, *flag = NULL, *text = NULL, *plus = NULL, *minus = NULL;
    OK(ls_value_new_f64(1.0, &real, E));
    OK(ls_value_new_bool(true, &flag, E));
    OK(ls_value_new_text("1", 1, &text, E));
    OK(ls_value_new_f64(0.0, &plus, E));
    OK(ls_value_new_f64(-0.0, &minus, E));
    CHECK(ls_value_equal(one, also) && ls_value_equal(one, one));
    CHECK(!ls_value_equal(one, real) && !ls_value_equal(one, flag) && !ls_value_equal(one, text));
    CHECK(!ls_value_equal(plus, minus));
    ls_value_free(minus);
    ls_value_free(plus);
    ls_value_free(text);
    ls_value_free(flag);
    ls_value_free(real);
    ls_value_free(also);
    ls_value_free(one);
}

TEST(copies_stand_on_their_own) {
    ls_value *list = new_list(), *copy = NULL, *one = new_i64(1);
    OK(ls_value_list_push(list, one, E));
    OK(ls_value_copy(list, &copy, E));
    CHECK(ls_value_equal(list, copy) && copy != list);
    OK(ls_value_list_push(copy, one, E));
    CHECK(ls_value_len(list) == 1 && ls_value_len(copy) == 2);
    ls_value_free(list);
    CHECK(ls_value_len(copy) == 2);
    ls_value_free(copy);
    ls_value_free(one);
}

TEST(nesting_ends_at_64) {
    ls_value *value = new_list();
    for (int depth = 1; depth < 64; depth++) {
        ls_value *outer = new_list();
        OK(ls_value_list_push(outer, value, E));
        ls_value_free(value);
        value = outer;
    }
    ls_value *list = new_list(), *map = new_map();
    FAILS(LS_ERR_TOO_LARGE, "64", ls_value_list_push(list, value, E));
    FAILS(LS_ERR_TOO_LARGE, "64", ls_value_map_set(map, "k", 1, value, E));
    CHECK(ls_value_len(list) == 0 && ls_value_len(map) == 0);
    ls_value_free(map);
    ls_value_free(list);
    ls_value_free(value);
}

TEST(a_key_has_up_to_65535_bytes) {
    char *key = malloc(65536);
    ls_value *map = new_map(), *one = new_i64(1);
    memset(key, 'k', 65536);
    OK(ls_value_map_set(map, key, 65535, one, E));
    FAILS(LS_ERR_TOO_LARGE, "65535", ls_value_map_set(map, key, 65536, one, E));
    CHECK(ls_value_len(map) == 1);
    ls_value_free(one);
    ls_value_free(map);
    free(key);
}

TEST(a_list_has_up_to_a_million_entries) {
    ls_value *list = new_list(), *one = new_i64(1);
    int32_t bad = 0;
    for (int i = 0; i < 1000000; i++) bad |= ls_value_list_push(list, one, NULL);
    CHECK(bad == 0 && ls_value_len(list) == 1000000);
    FAILS(LS_ERR_TOO_LARGE, "1000000", ls_value_list_push(list, one, E));
    CHECK(ls_value_len(list) == 1000000);
    ls_value_free(one);
    ls_value_free(list);
}

int main(void) {
    RUN(every_type_comes_back_as_it_was_made);
    RUN(the_bits_of_nan_are_kept);
    RUN(empty_text_and_bytes_can_be_read);
    RUN(the_length_of_text_may_be_unwanted);
    RUN(reading_as_another_type_is_a_type_error);
    RUN(nulls_are_refused_by_name);
    RUN(lengths_that_cannot_be_are_refused);
    RUN(text_that_is_not_utf8_is_refused);
    RUN(lists_keep_their_order);
    RUN(maps_are_sorted_by_the_bytes_of_their_keys);
    RUN(keys_with_a_nul_are_other_keys);
    RUN(what_was_put_does_not_change_with_what_it_was);
    RUN(a_list_can_be_put_into_itself);
    RUN(equality_is_strict_on_types_and_bits);
    RUN(copies_stand_on_their_own);
    RUN(nesting_ends_at_64);
    RUN(a_key_has_up_to_65535_bytes);
    RUN(a_list_has_up_to_a_million_entries);
    return check_done("value");
}
