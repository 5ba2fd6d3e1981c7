/*
 * Every type of value, as C writes and reads it; tests/interop/run.sh says what for.
 *
 *     values URL write ID       values URL check ID       values URL copy FROM TO
 */
#include <inttypes.h>
#include <lovely_session.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG 200000

static ls_error err;
static ls_pkg *pkg;
static bool is_writing;
static size_t rows;

static void failed(int line, const char *what)
{
    fprintf(stderr, "line %d: %s: %s %s\n", line, what, ls_status_name(err.status), err.message);
    exit(1);
}

#define DO(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != LS_OK) failed(__LINE__, #call);                                                                  \
    } while (0)

static void same(const char *key, bool is_same)
{
    if (is_same) return;
    fprintf(stderr, "%s is not as it was written\n", key);
    exit(1);
}

static void is_type(const char *key, size_t len, int32_t want)
{
    int32_t type = -1;
    DO(ls_pkg_type(pkg, key, len, &type, &err));
    same(key, type == want);
}

/* A row is written, or read and compared. */
static void row_null(const char *key, size_t len)
{
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_null(pkg, key, len, &err));
    } else {
        is_type(key, len, LS_TYPE_NULL);
    }
}

static void row_bool(const char *key, bool want)
{
    bool got = !want;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_bool(pkg, key, LS_NTS, want, &err));
    } else {
        DO(ls_pkg_get_bool(pkg, key, LS_NTS, &got, &err));
        same(key, got == want);
    }
}

static void row_i64(const char *key, size_t len, int64_t want)
{
    int64_t got = ~want;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_i64(pkg, key, len, want, &err));
    } else {
        DO(ls_pkg_get_i64(pkg, key, len, &got, &err));
        same(key, got == want);
    }
}

static void row_f64(const char *key, double want)
{
    double got = 0;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_f64(pkg, key, LS_NTS, want, &err));
    } else {
        DO(ls_pkg_get_f64(pkg, key, LS_NTS, &got, &err));
        same(key, memcmp(&got, &want, sizeof got) == 0);
    }
}

static void row_text(const char *key, const char *want, size_t size)
{
    const char *got = NULL;
    size_t len = 0;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_text(pkg, key, LS_NTS, want, size, &err));
    } else {
        DO(ls_pkg_get_text(pkg, key, LS_NTS, &got, &len, &err));
        same(key, len == size && memcmp(got, want, size) == 0 && got[size] == 0);
    }
}

static void row_bytes(const char *key, const void *want, size_t size)
{
    const void *got = NULL;
    size_t len = 0;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set_bytes(pkg, key, LS_NTS, want, size, &err));
    } else {
        DO(ls_pkg_get_bytes(pkg, key, LS_NTS, &got, &len, &err));
        same(key, len == size && (size == 0 || memcmp(got, want, size) == 0));
    }
}

static void row_value(const char *key, ls_value *want)
{
    const ls_value *got = NULL;
    rows++;
    if (is_writing) {
        DO(ls_pkg_set(pkg, key, LS_NTS, want, &err));
    } else {
        DO(ls_pkg_get(pkg, key, LS_NTS, &got, &err));
        same(key, ls_value_equal(got, want));
    }
    ls_value_free(want);
}

static double bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static ls_value *list(void)
{
    ls_value *made = NULL;
    DO(ls_value_new_list(&made, &err));
    return made;
}

static ls_value *map(void)
{
    ls_value *made = NULL;
    DO(ls_value_new_map(&made, &err));
    return made;
}

static void push(ls_value *to, ls_value *item)
{
    DO(ls_value_list_push(to, item, &err));
    ls_value_free(item);
}

static void put(ls_value *to, const char *key, size_t len, ls_value *item)
{
    DO(ls_value_map_set(to, key, len, item, &err));
    ls_value_free(item);
}

static ls_value *nested(void)
{
    ls_value *made = map(), *mixed = list(), *raw = list(), *item = NULL, *outer = NULL;
    DO(ls_value_new_null(&item, &err));
    push(mixed, item);
    DO(ls_value_new_bool(true, &item, &err));
    push(mixed, item);
    push(mixed, list());
    push(mixed, map());
    DO(ls_value_new_f64(-0.0, &item, &err));
    push(mixed, item);
    DO(ls_value_new_f64(bits(UINT64_C(0x7ff8000000000001)), &item, &err));
    push(mixed, item);
    DO(ls_value_new_i64(INT64_MIN, &item, &err));
    push(mixed, item);
    DO(ls_value_new_i64(INT64_MAX, &item, &err));
    push(mixed, item);
    put(made, "", 0, mixed);
    DO(ls_value_new_bytes("\0\xff", 2, &item, &err));
    push(raw, item);
    DO(ls_value_new_bytes(NULL, 0, &item, &err));
    push(raw, item);
    DO(ls_value_new_text("", 0, &item, &err));
    push(raw, item);
    put(made, "bytes and text", LS_NTS, raw);
    DO(ls_value_new_i64(1, &item, &err));
    for (int i = 0; i < 40; i++) {
        outer = list();
        push(outer, item);
        item = outer;
    }
    put(made, "deep", LS_NTS, item);
    DO(ls_value_new_text("\0 \xf0\x9d\x84\x9e", 6, &item, &err));
    put(made, "\xf0\x9d\x84\x9e\0", 5, item);
    return made;
}

static void table(void)
{
    static char text[LONG];
    unsigned char all[256];
    size_t len = 0;
    for (size_t i = 0; i < LONG; i += 2) memcpy(text + i, "\xc3\xa4", 2);
    for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;

    row_null("null", LS_NTS);
    row_null("", 0);
    row_bool("true", true);
    row_bool("false", false);
    row_i64("zero", LS_NTS, 0);
    row_i64("min", LS_NTS, INT64_MIN);
    row_i64("max", LS_NTS, INT64_MAX);
    row_i64("key\0NUL", 7, -1);
    row_i64("\xf0\x9d\x84\x9e", LS_NTS, 119070);
    row_f64("one", 1.0);
    row_f64("minus zero", -0.0);
    row_f64("huge", 1e308);
    row_f64("tiny", 5e-324);
    row_f64("infinity", INFINITY);
    row_f64("minus infinity", -INFINITY);
    row_f64("nan", bits(UINT64_C(0x7ff8000000000000)));
    row_f64("odd nan", bits(UINT64_C(0xfff8deadbeef0001)));
    row_text("empty text", "", 0);
    row_text("text", "a\0b \xe2\x98\x83 \xf0\x9d\x84\x9e", 12);
    row_text("long text", text, LONG);
    row_bytes("no bytes", NULL, 0);
    row_bytes("bytes", all, sizeof all);
    row_value("empty list", list());
    row_value("empty map", map());
    row_value("nested", nested());
    if (is_writing) return;
    DO(ls_pkg_len(pkg, &len, &err));
    if (len == rows) return;
    fprintf(stderr, "%zu keys, not %zu\n", len, rows);
    exit(1);
}

static void copy(ls_pkg *to)
{
    const ls_value *keys = NULL, *key = NULL, *value = NULL;
    const char *text = NULL;
    size_t len = 0;
    DO(ls_pkg_keys(pkg, &keys, &err));
    for (size_t i = 0; i < ls_value_len(keys); i++) {
        DO(ls_value_list_at(keys, i, &key, &err));
        DO(ls_value_as_text(key, &text, &len, &err));
        DO(ls_pkg_get(pkg, text, len, &value, &err));
        DO(ls_pkg_set(to, text, len, value, &err));
    }
}

static ls_pkg *open_pkg(ls_txn *txn, ls_container *container, const char *id)
{
    ls_session *session = NULL;
    ls_pkg *opened = NULL;
    DO(ls_session_get(txn, container, id, LS_NTS, &session, &err));
    DO(ls_session_pkg(session, "values", LS_NTS, &opened, &err));
    return opened;
}

int main(int argc, char **argv)
{
    ls_store *store = NULL;
    ls_container *container = NULL;
    ls_txn *txn = NULL;

    if (argc < 4) return 2;
    DO(ls_store_open(argv[1], LS_NTS, NULL, &store, &err));
    DO(ls_container_open(store, "interop", LS_NTS, &container, &err));
    DO(ls_txn_begin(&txn, &err));
    pkg = open_pkg(txn, container, argv[3]);
    if (strcmp(argv[2], "copy") == 0 && argc == 5) {
        copy(open_pkg(txn, container, argv[4]));
    } else {
        is_writing = strcmp(argv[2], "write") == 0;
        table();
    }
    DO(ls_txn_commit(txn, &err));
    ls_txn_free(txn);
    ls_container_free(container);
    ls_store_free(store);
    return 0;
}
