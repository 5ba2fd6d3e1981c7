/*
 * Writes a session with every type of value, or checks that it is as it was written and that Go then changed it.
 *
 *     roundtrip URL write        roundtrip URL check
 */
#include <float.h>
#include <inttypes.h>
#include <lovely_session.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ls_error err;

#define DO(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != LS_OK) {                                                                                         \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, ls_status_name(err.status), err.message);                   \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

#define SAME(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: not %s\n", __LINE__, #condition);                                                \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static double odd_nan(void)
{
    uint64_t bits = UINT64_C(0xfff8deadbeef0001);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* {"": [null, true, [], {}], "deep": [[[[1]]]]} */
static int nested(ls_value **out)
{
    ls_value *map = NULL, *list = NULL, *item = NULL, *outer = NULL;
    DO(ls_value_new_map(&map, &err));
    DO(ls_value_new_list(&list, &err));
    DO(ls_value_new_null(&item, &err));
    DO(ls_value_list_push(list, item, &err));
    ls_value_free(item);
    DO(ls_value_new_bool(true, &item, &err));
    DO(ls_value_list_push(list, item, &err));
    ls_value_free(item);
    DO(ls_value_new_list(&item, &err));
    DO(ls_value_list_push(list, item, &err));
    ls_value_free(item);
    DO(ls_value_new_map(&item, &err));
    DO(ls_value_list_push(list, item, &err));
    ls_value_free(item);
    DO(ls_value_map_set(map, "", 0, list, &err));
    ls_value_free(list);
    DO(ls_value_new_i64(1, &item, &err));
    for (int i = 0; i < 4; i++) {
        DO(ls_value_new_list(&outer, &err));
        DO(ls_value_list_push(outer, item, &err));
        ls_value_free(item);
        item = outer;
    }
    DO(ls_value_map_set(map, "deep", LS_NTS, item, &err));
    ls_value_free(item);
    *out = map;
    return 0;
}

static int write_all(ls_pkg *pkg)
{
    ls_value *value = NULL;
    DO(ls_pkg_set_null(pkg, "null", LS_NTS, &err));
    DO(ls_pkg_set_bool(pkg, "bool", LS_NTS, true, &err));
    DO(ls_pkg_set_i64(pkg, "min", LS_NTS, INT64_MIN, &err));
    DO(ls_pkg_set_i64(pkg, "max", LS_NTS, INT64_MAX, &err));
    DO(ls_pkg_set_f64(pkg, "one", LS_NTS, 1.0, &err));
    DO(ls_pkg_set_f64(pkg, "nan", LS_NTS, odd_nan(), &err));
    DO(ls_pkg_set_f64(pkg, "infinity", LS_NTS, -INFINITY, &err));
    DO(ls_pkg_set_f64(pkg, "minus zero", LS_NTS, -0.0, &err));
    DO(ls_pkg_set_text(pkg, "empty", LS_NTS, "", 0, &err));
    DO(ls_pkg_set_text(pkg, "text", LS_NTS, "a\0b \xe2\x98\x83", 7, &err));
    DO(ls_pkg_set_bytes(pkg, "bytes", LS_NTS, "\0\xff\0", 3, &err));
    DO(ls_pkg_set_bytes(pkg, "no bytes", LS_NTS, NULL, 0, &err));
    DO(ls_pkg_set_i64(pkg, "key\0NUL", 7, 7, &err));
    if (nested(&value) != 0) return 1;
    DO(ls_pkg_set(pkg, "nested", LS_NTS, value, &err));
    ls_value_free(value);
    return 0;
}

static int bits_are(ls_pkg *pkg, const char *key, double want)
{
    double value = 0;
    DO(ls_pkg_get_f64(pkg, key, LS_NTS, &value, &err));
    SAME(memcmp(&value, &want, sizeof value) == 0);
    return 0;
}

static int check_all(ls_pkg *pkg)
{
    const ls_value *value = NULL;
    ls_value *want = NULL;
    const char *text = NULL;
    const void *bytes = NULL;
    size_t len = 0;
    int64_t number = 0;
    int32_t type = 0;
    bool flag = false;

    DO(ls_pkg_len(pkg, &len, &err));
    SAME(len == 14);
    DO(ls_pkg_type(pkg, "null", LS_NTS, &type, &err));
    SAME(type == LS_TYPE_NULL);
    DO(ls_pkg_get_bool(pkg, "bool", LS_NTS, &flag, &err));
    SAME(flag);
    DO(ls_pkg_get_i64(pkg, "min", LS_NTS, &number, &err));
    SAME(number == INT64_MIN);
    DO(ls_pkg_get_i64(pkg, "max", LS_NTS, &number, &err));
    SAME(number == INT64_MAX);
    if (bits_are(pkg, "one", 1.0) || bits_are(pkg, "nan", odd_nan())) return 1;
    if (bits_are(pkg, "infinity", -INFINITY) || bits_are(pkg, "minus zero", -0.0)) return 1;
    DO(ls_pkg_get_text(pkg, "empty", LS_NTS, &text, &len, &err));
    SAME(len == 0 && text[0] == 0);
    DO(ls_pkg_get_text(pkg, "text", LS_NTS, &text, &len, &err));
    SAME(len == 7 && memcmp(text, "a\0b \xe2\x98\x83", 8) == 0);
    DO(ls_pkg_get_bytes(pkg, "bytes", LS_NTS, &bytes, &len, &err));
    SAME(len == 3 && memcmp(bytes, "\0\xff\0", 3) == 0);
    DO(ls_pkg_get_bytes(pkg, "no bytes", LS_NTS, &bytes, &len, &err));
    SAME(len == 0);
    DO(ls_pkg_get_i64(pkg, "key\0NUL", 7, &number, &err));
    SAME(number == 7);
    DO(ls_pkg_get(pkg, "nested", LS_NTS, &value, &err));
    if (nested(&want) != 0) return 1;
    SAME(ls_value_equal(value, want));
    ls_value_free(want);
    return 0;
}

int main(int argc, char **argv)
{
    ls_store *store = NULL;
    ls_container *container = NULL;
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *by_c = NULL, *by_go = NULL;

    if (argc != 3) return 2;
    DO(ls_store_open(argv[1], LS_NTS, NULL, &store, &err));
    DO(ls_container_open(store, "visitors", LS_NTS, &container, &err));
    DO(ls_txn_begin(&txn, &err));
    DO(ls_session_get(txn, container, "shared", LS_NTS, &session, &err));
    DO(ls_session_pkg(session, "by C", LS_NTS, &by_c, &err));
    if (strcmp(argv[2], "write") == 0) {
        if (write_all(by_c) != 0) return 1;
        DO(ls_txn_commit(txn, &err));
    } else {
        DO(ls_session_pkg(session, "by Go", LS_NTS, &by_go, &err));
        if (check_all(by_c) != 0 || check_all(by_go) != 0) return 1;
    }
    ls_txn_free(txn);
    ls_container_free(container);
    ls_store_free(store);
    return 0;
}
