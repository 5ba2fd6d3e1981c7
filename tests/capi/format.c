/* JSON and MessagePack, out and in. */
#include <math.h>

#include "check.h"

TEST(json_goes_out_and_in) {
    static const char text[] = "{\"a\":[1,-9223372036854775808,1.0,1e300,true,null,\"\\u0000\xc3\xa4\"],\"b\":{}}";
    ls_value *value = NULL, *again = NULL;
    const ls_value *list = NULL, *item = NULL;
    char *json = NULL;
    size_t length = 0;
    OK(ls_value_from_json(text, LS_NTS, &value, E));
    OK(ls_value_map_get(value, "a", 1, &list, E));
    OK(ls_value_list_at(list, 0, &item, E));
    CHECK(ls_value_type(item) == LS_TYPE_I64);
    OK(ls_value_list_at(list, 2, &item, E));
    CHECK(ls_value_type(item) == LS_TYPE_F64);
    OK(ls_value_to_json(value, &json, &length, E));
    CHECK(strlen(json) == length);
    OK(ls_value_from_json(json, length, &again, E));
    CHECK(ls_value_equal(value, again));
    ls_text_free(json);
    OK(ls_value_to_json(value, &json, NULL, E));
    ls_text_free(json);
    ls_value_free(again);
    ls_value_free(value);
}

TEST(json_that_is_none_is_refused) {
    ls_value *value = (ls_value *)1;
    char deep[201];
    STATUS(LS_ERR_ARGUMENT, ls_value_from_json("", 0, &value, E));
    CHECK(value == NULL);
    STATUS(LS_ERR_ARGUMENT, ls_value_from_json("{\"a\":1,\"a\":2}", LS_NTS, &value, E));
    STATUS(LS_ERR_ARGUMENT, ls_value_from_json("\"\\ud800\"", LS_NTS, &value, E));
    STATUS(LS_ERR_ARGUMENT, ls_value_from_json("1 2", LS_NTS, &value, E));
    STATUS(LS_ERR_ARGUMENT, ls_value_from_json("\"\xff\"", LS_NTS, &value, E));
    STATUS(LS_ERR_RANGE, ls_value_from_json("9223372036854775808", LS_NTS, &value, E));
    STATUS(LS_ERR_RANGE, ls_value_from_json("1e400", LS_NTS, &value, E));
    memset(deep, '[', 200);
    deep[200] = 0;
    STATUS(LS_ERR_TOO_LARGE, ls_value_from_json(deep, LS_NTS, &value, E));
    CHECK(value == NULL);
}

TEST(json_nested_100000_deep_is_an_error) {
    size_t size = 100000;
    char *deep = malloc(size);
    ls_value *value = NULL;
    memset(deep, '[', size);
    STATUS(LS_ERR_TOO_LARGE, ls_value_from_json(deep, size, &value, E));
    free(deep);
}

TEST(what_json_has_not_is_a_type_error_that_names_the_path) {
    ls_value *map = NULL, *list = NULL, *nan_value = NULL;
    char *json = (char *)1;
    OK(ls_value_new_map(&map, E));
    OK(ls_value_new_list(&list, E));
    OK(ls_value_new_f64((double)NAN, &nan_value, E));
    OK(ls_value_list_push(list, nan_value, E));
    OK(ls_value_map_set(map, "prices", LS_NTS, list, E));
    FAILS(LS_ERR_TYPE, "prices", ls_value_to_json(map, &json, NULL, E));
    CHECK(json == NULL);
    ls_value_free(nan_value);
    ls_value_free(list);
    ls_value_free(map);
}

TEST(msgpack_goes_out_and_in) {
    /* {"a": [1, -1, 1.0, nil, "\0", bin 00 ff], "b": {}} */
    static const char bytes[] = "\x82\xa1" "a\x96\x01\xff\xcb\x3f\xf0\0\0\0\0\0\0\xc0\xa1\0\xc4\x02\0\xff\xa1" "b\x80";
    ls_value *value = NULL, *again = NULL;
    const ls_value *list = NULL, *item = NULL;
    void *packed = NULL;
    size_t length = 0;
    OK(ls_value_from_msgpack(bytes, sizeof bytes - 1, &value, E));
    OK(ls_value_map_get(value, "a", 1, &list, E));
    CHECK(ls_value_len(list) == 6);
    OK(ls_value_list_at(list, 2, &item, E));
    CHECK(ls_value_type(item) == LS_TYPE_F64);
    OK(ls_value_list_at(list, 5, &item, E));
    CHECK(ls_value_type(item) == LS_TYPE_BYTES && ls_value_len(item) == 2);
    OK(ls_value_to_msgpack(value, &packed, &length, E));
    CHECK(length == sizeof bytes - 1 && memcmp(packed, bytes, length) == 0);
    OK(ls_value_from_msgpack(packed, length, &again, E));
    CHECK(ls_value_equal(value, again));
    ls_bytes_free(packed);
    ls_value_free(again);
    ls_value_free(value);
}

TEST(msgpack_that_has_no_value_is_refused) {
    ls_value *value = (ls_value *)1;
    STATUS(LS_ERR_ARGUMENT, ls_value_from_msgpack("", 0, &value, E));
    CHECK(value == NULL);
    FAILS(LS_ERR_ARGUMENT, "twice", ls_value_from_msgpack("\x82\xa1" "a\x01\xa1" "a\x02", 7, &value, E));
    FAILS(LS_ERR_ARGUMENT, "byte 1", ls_value_from_msgpack("\x91\xa1\xff", 3, &value, E));
    FAILS(LS_ERR_ARGUMENT, "byte 1", ls_value_from_msgpack("\x01\x02", 2, &value, E));
    FAILS(LS_ERR_TYPE, "byte 1", ls_value_from_msgpack("\x81\x01\x01", 3, &value, E));
    FAILS(LS_ERR_TYPE, "ext", ls_value_from_msgpack("\xd4\x01\x01", 3, &value, E));
    FAILS(LS_ERR_RANGE, "2^63-1", ls_value_from_msgpack("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, &value, E));
    FAILS(LS_ERR_TOO_LARGE, "1000000", ls_value_from_msgpack("\xdd\xff\xff\xff\xff", 5, &value, E));
    CHECK(value == NULL);
}

TEST(msgpack_nested_100000_deep_is_an_error) {
    size_t size = 100000;
    char *deep = malloc(size);
    ls_value *value = NULL;
    memset(deep, '\x91', size);
    FAILS(LS_ERR_TOO_LARGE, "64", ls_value_from_msgpack(deep, size, &value, E));
    free(deep);
}

TEST(freeing_no_text_and_no_bytes_is_allowed) {
    ls_text_free(NULL);
    ls_bytes_free(NULL);
}

int main(void) {
    RUN(json_goes_out_and_in);
    RUN(json_that_is_none_is_refused);
    RUN(json_nested_100000_deep_is_an_error);
    RUN(what_json_has_not_is_a_type_error_that_names_the_path);
    RUN(msgpack_goes_out_and_in);
    RUN(msgpack_that_has_no_value_is_refused);
    RUN(msgpack_nested_100000_deep_is_an_error);
    RUN(freeing_no_text_and_no_bytes_is_allowed);
    return check_done("format");
}
