/*
 * What stands between Go and the library: the check that they match, the memory that answers are written to, and calls
 * that belong together, so that one crossing does them.
 */
#ifndef LOVELY_BRIDGE_H
#define LOVELY_BRIDGE_H

#include <lovely_session.h>
#include <stdlib.h>

/* While the major number is 0, a new minor number may break the ABI. */
#if !defined(LS_VERSION_NUMBER) || LS_VERSION_NUMBER < 1000 || LS_VERSION_NUMBER >= 2000
#error "this version of lovely.session/go needs lovely_session.h of version 0.1: install the library of that version"
#endif

/*
 * Of what is passed to C, cgo looks through all that may hold pointers, on each call. What the library lends and owns holds
 * none of Go's: its objects get a body without pointers here, and addresses of its memory are numbers in what Go owns.
 */
struct ls_container { char body; };
struct ls_pkg { char body; };
struct ls_queue { char body; };
struct ls_session { char body; };
struct ls_store { char body; };
struct ls_txn { char body; };

/* Where a call writes its answers. Each transaction has one and uses it for one call after the other. */
typedef struct {
    ls_error err;
    uintptr_t handle;
    uintptr_t data;
    size_t len;
    int64_t i64;
    uint64_t u64;
    double f64;
    int32_t i32;
    bool flag;
} lovely_block;

/* How many finished operations are taken at once. */
enum { LOVELY_HAND_OUT = 64 };

/* Where the calls on a queue write. It lies in C's memory. */
typedef struct {
    ls_completion finished[LOVELY_HAND_OUT];
    size_t count;
    uint64_t number;
    ls_error err;
} lovely_queue_memory;

/* One key of a package: its value is in place, or packed, to be freed with ls_bytes_free, if it is a list or map. */
typedef struct {
    const char *key;
    const void *data;
    size_t key_len, len;
    int64_t i64;
    double f64;
    int32_t type;
    bool flag;
} lovely_item;

/* One entry of a report. */
typedef struct {
    const char *container, *id;
    size_t container_len, id_len;
    int64_t timeout;
    int32_t kind, outcome, status;
} lovely_entry;

/* Sets data, len to the MessagePack of a value, to be freed with ls_bytes_free. */
static inline int32_t lovely_pack(const ls_value *value, lovely_block *out)
{
    void *bytes = NULL;
    int32_t rc = ls_value_to_msgpack(value, &bytes, &out->len, &out->err);
    out->data = (uintptr_t)bytes;
    return rc;
}

static inline int32_t lovely_pkg_get_text(ls_pkg *pkg, const char *key, size_t len, lovely_block *out)
{
    const char *text = NULL;
    int32_t rc = ls_pkg_get_text(pkg, key, len, &text, &out->len, &out->err);
    out->data = (uintptr_t)text;
    return rc;
}

static inline int32_t lovely_pkg_get_bytes(ls_pkg *pkg, const char *key, size_t len, lovely_block *out)
{
    const void *bytes = NULL;
    int32_t rc = ls_pkg_get_bytes(pkg, key, len, &bytes, &out->len, &out->err);
    out->data = (uintptr_t)bytes;
    return rc;
}

/* Reads a key, whatever its type: i32 is the type, and a list or map comes as by lovely_pack. */
static inline int32_t lovely_pkg_get(ls_pkg *pkg, const char *key, size_t len, lovely_block *out)
{
    const ls_value *value = NULL;
    int32_t rc = ls_pkg_type(pkg, key, len, &out->i32, &out->err);
    if (rc != LS_OK) return rc;
    switch (out->i32) {
    case LS_TYPE_NULL: return LS_OK;
    case LS_TYPE_BOOL: return ls_pkg_get_bool(pkg, key, len, &out->flag, &out->err);
    case LS_TYPE_I64: return ls_pkg_get_i64(pkg, key, len, &out->i64, &out->err);
    case LS_TYPE_F64: return ls_pkg_get_f64(pkg, key, len, &out->f64, &out->err);
    case LS_TYPE_BYTES: return lovely_pkg_get_bytes(pkg, key, len, out);
    case LS_TYPE_TEXT: return lovely_pkg_get_text(pkg, key, len, out);
    default:
        rc = ls_pkg_get(pkg, key, len, &value, &out->err);
        return rc == LS_OK ? lovely_pack(value, out) : rc;
    }
}

/* Sets a key to what MessagePack says. */
static inline int32_t lovely_pkg_set(ls_pkg *pkg, const char *key, size_t len, const void *bytes, size_t bytes_len,
                                     lovely_block *out)
{
    ls_value *value = NULL;
    int32_t rc = ls_value_from_msgpack(bytes, bytes_len, &value, &out->err);
    if (rc == LS_OK) rc = ls_pkg_set(pkg, key, len, value, &out->err);
    ls_value_free(value);
    return rc;
}

/* Puts the map that MessagePack says into a package: in place of its content, or into it. */
static inline int32_t lovely_pkg_put(ls_pkg *pkg, bool replace, const void *bytes, size_t len, lovely_block *out)
{
    ls_value *map = NULL;
    int32_t rc = ls_value_from_msgpack(bytes, len, &map, &out->err);
    if (rc == LS_OK) rc = replace ? ls_pkg_replace(pkg, map, &out->err) : ls_pkg_update(pkg, map, &out->err);
    ls_value_free(map);
    return rc;
}

static inline void lovely_items_free(lovely_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].type == LS_TYPE_LIST || items[i].type == LS_TYPE_MAP) ls_bytes_free((void *)items[i].data);
    free(items);
}

/* Reads one key of a package into an item, whose key is set. */
static inline int32_t lovely_item_read(ls_pkg *pkg, lovely_item *item, lovely_block *out)
{
    int32_t rc = lovely_pkg_get(pkg, item->key, item->key_len, out);
    if (rc != LS_OK) return rc;
    item->type = out->i32;
    item->flag = out->flag;
    item->i64 = out->i64;
    item->f64 = out->f64;
    item->data = (const void *)out->data;
    item->len = out->len;
    return LS_OK;
}

/* Sets handle, len to the keys of a package, sorted, to be freed with lovely_items_free. */
static inline int32_t lovely_pkg_items(ls_pkg *pkg, lovely_block *out)
{
    const ls_value *keys = NULL, *key = NULL;
    lovely_item *items;
    size_t count, i;
    int32_t rc = ls_pkg_keys(pkg, &keys, &out->err);
    if (rc != LS_OK) return rc;
    count = ls_value_len(keys);
    /* One more, so that there is something to free. */
    items = malloc((count + 1) * sizeof *items);
    if (items == NULL) abort();
    for (i = 0; i < count; i++) {
        rc = ls_value_list_at(keys, i, &key, &out->err);
        if (rc == LS_OK) rc = ls_value_as_text(key, &items[i].key, &items[i].key_len, &out->err);
        if (rc == LS_OK) rc = lovely_item_read(pkg, &items[i], out);
        if (rc != LS_OK) {
            lovely_items_free(items, i);
            return rc;
        }
    }
    out->handle = (uintptr_t)items;
    out->len = count;
    return LS_OK;
}

static inline int32_t lovely_pkg_keys(ls_pkg *pkg, lovely_block *out)
{
    const ls_value *value = NULL;
    int32_t rc = ls_pkg_keys(pkg, &value, &out->err);
    return rc == LS_OK ? lovely_pack(value, out) : rc;
}

static inline int32_t lovely_session_content(ls_session *session, lovely_block *out)
{
    const ls_value *value = NULL;
    int32_t rc = ls_session_content(session, &value, &out->err);
    return rc == LS_OK ? lovely_pack(value, out) : rc;
}

static inline int32_t lovely_session_pkgs(ls_session *session, lovely_block *out)
{
    const ls_value *value = NULL;
    int32_t rc = ls_session_pkg_names(session, &value, &out->err);
    return rc == LS_OK ? lovely_pack(value, out) : rc;
}

/* Handles. */
static inline int32_t lovely_txn_begin(lovely_block *out)
{
    ls_txn *txn = NULL;
    int32_t rc = ls_txn_begin(&txn, &out->err);
    out->handle = (uintptr_t)txn;
    return rc;
}

static inline int32_t lovely_session_create(ls_txn *txn, const ls_container *container, lovely_block *out)
{
    ls_session *session = NULL;
    int32_t rc = ls_session_create(txn, container, &session, &out->err);
    out->handle = (uintptr_t)session;
    return rc;
}

static inline int32_t lovely_session_at(ls_txn *txn, size_t index, lovely_block *out)
{
    ls_session *session = NULL;
    int32_t rc = ls_txn_session_at(txn, index, &session, &out->err);
    out->handle = (uintptr_t)session;
    return rc;
}

static inline int32_t lovely_session_id(ls_session *session, lovely_block *out)
{
    const char *id = NULL;
    int32_t rc = ls_session_id(session, &id, &out->len, &out->err);
    out->data = (uintptr_t)id;
    return rc;
}

/* Destroys a session by the id that it has. */
static inline int32_t lovely_session_destroy(ls_session *session, ls_txn *txn, const ls_container *container,
                                             lovely_block *out)
{
    const char *id = NULL;
    size_t len = 0;
    int32_t rc = ls_session_id(session, &id, &len, &out->err);
    return rc == LS_OK ? ls_session_destroy(txn, container, id, len, &out->err) : rc;
}

static inline int32_t lovely_session_pkg(ls_session *session, bool peek, const char *name, size_t len,
                                         lovely_block *out)
{
    ls_pkg *pkg = NULL;
    int32_t rc = peek ? ls_session_peek_pkg(session, name, len, &pkg, &out->err)
                      : ls_session_pkg(session, name, len, &pkg, &out->err);
    out->handle = (uintptr_t)pkg;
    return rc;
}

static inline int32_t lovely_pkg_name(ls_pkg *pkg, lovely_block *out)
{
    const char *name = NULL;
    int32_t rc = ls_pkg_name(pkg, &name, &out->len, &out->err);
    out->data = (uintptr_t)name;
    return rc;
}

/* The report, entry by entry; len is set to their number by lovely_txn_end. */
static inline int32_t lovely_report_at(ls_txn *txn, size_t index, lovely_entry *entry, ls_error *err)
{
    int32_t rc = ls_txn_report_container(txn, index, &entry->container, &entry->container_len, err);
    if (rc == LS_OK) rc = ls_txn_report_id(txn, index, &entry->id, &entry->id_len, err);
    if (rc == LS_OK) rc = ls_txn_report_kind(txn, index, &entry->kind, err);
    if (rc == LS_OK) rc = ls_txn_report_outcome(txn, index, &entry->outcome, err);
    if (rc == LS_OK) rc = ls_txn_report_status(txn, index, &entry->status, err);
    if (rc == LS_OK) rc = ls_txn_report_timeout(txn, index, &entry->timeout, err);
    return rc;
}

/* Starts opening many sessions, whose ids stand one behind the other; or opens them at once, without a queue. */
static inline int32_t lovely_prefetch(ls_txn *txn, const ls_container *container, const char *ids, const size_t *lens,
                                      size_t n, const ls_queue *queue, uint64_t place, uint64_t *number, ls_error *err)
{
    const char **each = malloc((n + 1) * sizeof *each);
    size_t at = 0;
    int32_t rc;
    if (each == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        each[i] = ids + at;
        at += lens[i];
    }
    rc = queue == NULL ? ls_txn_prefetch(txn, container, each, lens, n, err)
                       : ls_txn_prefetch_start(txn, container, each, lens, n, queue, place, number, err);
    free(each);
    return rc;
}

/* Sends what was started and hands out what is finished, without waiting. `memory` is the address of a lovely_queue_memory. */
static inline int32_t lovely_queue_wait(const ls_queue *queue, uintptr_t memory)
{
    lovely_queue_memory *out = (lovely_queue_memory *)memory;
    return ls_queue_wait(queue, out->finished, LOVELY_HAND_OUT, &out->count, 0, &out->err);
}

#endif
