/**
 * @file
 * @brief Short forms of the C functions, header-only, C11.
 *
 * What `lovely_session.h` says with lengths and types is said here for NUL-terminated text, with the type taken from the argument:
 *
 *     ls_put(pkg, "items", 3);
 *     ls_put(pkg, "user", "ann", &err);
 *     if (ls_get(pkg, "items", &items, &err) < 0) goto fail;
 *
 * Each is one call of `lovely_session.h`, whose status it returns. `&err` may be left out where an example shows both. Texts and
 * names end at their NUL; who has others calls the long forms, which mix freely with these.
 *
 * The type counts: 3 is an integer, 3.0 a float, "3" text, and they differ (contract 2.2). In C before C23 `true`, `false`, `'a'`
 * and the result of `==` are integers: say #ls_put_bool for a boolean.
 */
#ifndef LOVELY_SESSION_EASY_H
#define LOVELY_SESSION_EASY_H

#include <stdio.h>
#include <string.h>

#include "lovely_session.h"

/*
 * Statuses and errors.
 */

/**
 * Goes to a label if a call failed: `ls_try(ls_txn_begin(&txn, &err), fail);`. LS_NOT_FOUND is no failure.
 */
#define ls_try(call, label) \
    do {                    \
        if ((call) < 0)     \
            goto label;     \
    } while (0)

/**
 * Prints an error to stderr, as perror() does: what it was about, the name of the status, what and where.
 */
static inline void ls_perror(const char *what, const ls_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, ls_status_name(err->status), err->message);
}

/**
 * Whether the same work, run again in a new transaction, may succeed.
 */
static inline bool ls_is_retryable(const ls_error *err)
{
    return (err->flags & (uint32_t)LS_ERROR_RETRYABLE) != 0;
}

/*
 * Opening and getting, by NUL-terminated names.
 */

/**
 * Opens a store by its URL; NULL is the one that the environment names. See ls_store_open().
 */
static inline int32_t ls_open_store(const char *url, ls_store **out, ls_error *err)
{
    return ls_store_open(url, LS_NTS, NULL, out, err);
}

/**
 * Opens a container. See ls_container_open().
 */
static inline int32_t ls_open_container(const ls_store *store, const char *name, ls_container **out, ls_error *err)
{
    return ls_container_open(store, name, LS_NTS, out, err);
}

/**
 * Opens a session. See ls_session_get().
 */
static inline int32_t ls_open_session(ls_txn *txn, const ls_container *container, const char *id, ls_session **out, ls_error *err)
{
    return ls_session_get(txn, container, id, LS_NTS, out, err);
}

/**
 * Asks whether there is a session. See ls_session_exists().
 */
static inline int32_t ls_has_session(ls_txn *txn, const ls_container *container, const char *id, ls_error *err)
{
    return ls_session_exists(txn, container, id, LS_NTS, err);
}

/**
 * Destroys a session at commit. See ls_session_destroy().
 */
static inline int32_t ls_destroy_session(ls_txn *txn, const ls_container *container, const char *id, ls_error *err)
{
    return ls_session_destroy(txn, container, id, LS_NTS, err);
}

/**
 * Gives the session a new, random id at commit. See ls_session_regenerate().
 */
static inline int32_t ls_renew_id(ls_session *session, ls_error *err)
{
    return ls_session_regenerate(session, NULL, 0, err);
}

/**
 * Gets a package, created if it is not there. See ls_session_pkg().
 */
static inline int32_t ls_open_pkg(ls_session *session, const char *name, ls_pkg **out, ls_error *err)
{
    return ls_session_pkg(session, name, LS_NTS, out, err);
}

/**
 * Gets a package if it is there. See ls_session_peek_pkg().
 */
static inline int32_t ls_peek_pkg(ls_session *session, const char *name, ls_pkg **out, ls_error *err)
{
    return ls_session_peek_pkg(session, name, LS_NTS, out, err);
}

/**
 * Deletes a package. See ls_session_delete_pkg().
 */
static inline int32_t ls_delete_pkg(ls_session *session, const char *name, ls_error *err)
{
    return ls_session_delete_pkg(session, name, LS_NTS, err);
}

/*
 * Keys of packages.
 */

/**
 * Asks whether a key is there. See ls_pkg_contains().
 */
static inline int32_t ls_has(ls_pkg *pkg, const char *key, ls_error *err)
{
    return ls_pkg_contains(pkg, key, LS_NTS, err);
}

/**
 * Deletes a key. See ls_pkg_delete().
 */
static inline int32_t ls_delete(ls_pkg *pkg, const char *key, ls_error *err)
{
    return ls_pkg_delete(pkg, key, LS_NTS, err);
}

/**
 * Adds to an integer; `out` may be NULL. See ls_pkg_add().
 */
static inline int32_t ls_add(ls_pkg *pkg, const char *key, int64_t delta, int64_t *out, ls_error *err)
{
    return ls_pkg_add(pkg, key, LS_NTS, delta, out, err);
}

/**
 * Sets a key to null.
 */
static inline int32_t ls_put_null(ls_pkg *pkg, const char *key, ls_error *err)
{
    return ls_pkg_set_null(pkg, key, LS_NTS, err);
}

/**
 * Sets a key to a boolean.
 */
static inline int32_t ls_put_bool(ls_pkg *pkg, const char *key, bool value, ls_error *err)
{
    return ls_pkg_set_bool(pkg, key, LS_NTS, value, err);
}

/**
 * Sets a key to an integer.
 */
static inline int32_t ls_put_i64(ls_pkg *pkg, const char *key, int64_t value, ls_error *err)
{
    return ls_pkg_set_i64(pkg, key, LS_NTS, value, err);
}

/**
 * Sets a key to an integer; over 2^63-1 is LS_ERR_RANGE.
 */
static inline int32_t ls_put_u64(ls_pkg *pkg, const char *key, uint64_t value, ls_error *err)
{
    if (value <= (uint64_t)INT64_MAX) return ls_put_i64(pkg, key, (int64_t)value, err);
    if (err != NULL) {
        memset(err, 0, sizeof *err);
        err->status = LS_ERR_RANGE;
        strcpy(err->message, "the integer is over 2^63-1");
    }
    return LS_ERR_RANGE;
}

/**
 * Sets a key to a float.
 */
static inline int32_t ls_put_f64(ls_pkg *pkg, const char *key, double value, ls_error *err)
{
    return ls_pkg_set_f64(pkg, key, LS_NTS, value, err);
}

/**
 * Sets a key to text.
 */
static inline int32_t ls_put_text(ls_pkg *pkg, const char *key, const char *value, ls_error *err)
{
    return ls_pkg_set_text(pkg, key, LS_NTS, value, LS_NTS, err);
}

/**
 * Sets a key to bytes.
 */
static inline int32_t ls_put_bytes(ls_pkg *pkg, const char *key, const void *value, size_t value_len, ls_error *err)
{
    return ls_pkg_set_bytes(pkg, key, LS_NTS, value, value_len, err);
}

/**
 * Sets a key to a copy of a value.
 */
static inline int32_t ls_put_value(ls_pkg *pkg, const char *key, const ls_value *value, ls_error *err)
{
    return ls_pkg_set(pkg, key, LS_NTS, value, err);
}

/**
 * Gets a boolean.
 */
static inline int32_t ls_get_bool(ls_pkg *pkg, const char *key, bool *out, ls_error *err)
{
    return ls_pkg_get_bool(pkg, key, LS_NTS, out, err);
}

/**
 * Gets an integer.
 */
static inline int32_t ls_get_i64(ls_pkg *pkg, const char *key, int64_t *out, ls_error *err)
{
    return ls_pkg_get_i64(pkg, key, LS_NTS, out, err);
}

/**
 * Gets a float.
 */
static inline int32_t ls_get_f64(ls_pkg *pkg, const char *key, double *out, ls_error *err)
{
    return ls_pkg_get_f64(pkg, key, LS_NTS, out, err);
}

/**
 * Gets text, lent until ls_txn_free().
 */
static inline int32_t ls_get_text(ls_pkg *pkg, const char *key, const char **out, ls_error *err)
{
    return ls_pkg_get_text(pkg, key, LS_NTS, out, NULL, err);
}

/**
 * Gets a value, lent until ls_txn_free().
 */
static inline int32_t ls_get_value(ls_pkg *pkg, const char *key, const ls_value **out, ls_error *err)
{
    return ls_pkg_get(pkg, key, LS_NTS, out, err);
}

/**
 * Gets bytes, lent until ls_txn_free().
 */
static inline int32_t ls_get_bytes(ls_pkg *pkg, const char *key, const void **out, size_t *out_len, ls_error *err)
{
    return ls_pkg_get_bytes(pkg, key, LS_NTS, out, out_len, err);
}

#ifndef __cplusplus

/**
 * Sets a key to what its argument is: `ls_put(pkg, key, value)` or `ls_put(pkg, key, value, &err)`, the value being an integer,
 * a `bool`, a float, text, or an `ls_value`. Returns the status.
 */
#define ls_put(pkg, ...) LS_EASY_FOURTH_(__VA_ARGS__, LS_EASY_PUT_, LS_EASY_PUT_ALONE_, 0)(pkg, __VA_ARGS__)

/**
 * Gets what a key holds into a variable of its type: `ls_get(pkg, key, &out)` or `ls_get(pkg, key, &out, &err)`, `out` being an
 * `int64_t`, a `bool`, a `double`, a `const char *` or a `const ls_value *`. Returns the status; unless it is LS_OK, numbers stay
 * what they were.
 */
#define ls_get(pkg, ...) LS_EASY_FOURTH_(__VA_ARGS__, LS_EASY_GET_, LS_EASY_GET_ALONE_, 0)(pkg, __VA_ARGS__)

#ifndef DOXYGEN

/* Which form is meant: behind two arguments the fourth is the one alone, behind three the one with an error. */
#define LS_EASY_FOURTH_(a, b, c, d, ...) d

#define LS_EASY_PUT_ALONE_(pkg, key, value) LS_EASY_PUT_(pkg, key, value, NULL)
#define LS_EASY_GET_ALONE_(pkg, key, out) LS_EASY_GET_(pkg, key, out, NULL)

#define LS_EASY_PUT_(pkg, key, value, err)        \
    _Generic((value),                             \
        bool: ls_put_bool,                        \
        signed char: ls_put_i64,                  \
        short: ls_put_i64,                        \
        int: ls_put_i64,                          \
        long: ls_put_i64,                         \
        long long: ls_put_i64,                    \
        unsigned char: ls_put_i64,                \
        unsigned short: ls_put_i64,               \
        unsigned: ls_put_u64,                     \
        unsigned long: ls_put_u64,                \
        unsigned long long: ls_put_u64,           \
        float: ls_put_f64,                        \
        double: ls_put_f64,                       \
        char *: ls_put_text,                      \
        const char *: ls_put_text,                \
        ls_value *: ls_put_value,                 \
        const ls_value *: ls_put_value)(pkg, key, value, err)

#define LS_EASY_GET_(pkg, key, out, err)   \
    _Generic((out),                        \
        bool *: ls_get_bool,               \
        int64_t *: ls_get_i64,             \
        double *: ls_get_f64,              \
        const char **: ls_get_text,        \
        const ls_value **: ls_get_value)(pkg, key, out, err)

#endif /* DOXYGEN */
#endif /* __cplusplus */

/*
 * Lists and maps, to read.
 */

/**
 * Walks a list: `ls_for_list (item, list) { ... }`, `item` being a new `const ls_value *`.
 */
#define ls_for_list(item, list)                                                                         \
    for (size_t item##_at_ = 0, item##_on_ = 1; item##_on_ != 0; item##_on_ = 0)                        \
        for (const ls_value *item = NULL; ls_value_list_at((list), item##_at_, &item, NULL) == LS_OK; ++item##_at_)

/**
 * Walks a map: `ls_for_map (key, item, map) { ... }`, `key` being a new `const char *` and `item` a new `const ls_value *`.
 */
#define ls_for_map(key, item, map)                                                                      \
    for (size_t item##_at_ = 0, item##_on_ = 1; item##_on_ != 0; item##_on_ = 0)                        \
        for (const char *key = NULL; item##_on_ != 0; item##_on_ = 0)                                   \
            for (const ls_value *item = NULL; ls_value_map_at((map), item##_at_, &key, NULL, &item, NULL) == LS_OK; ++item##_at_)

/*
 * Freeing at the end of a block, where the compiler can.
 */

#if defined(__GNUC__) || defined(DOXYGEN)

/**
 * Declares a pointer that is NULL at first and freed when its block is left, however: `ls_scoped(ls_txn, txn);`. For `ls_store`,
 * `ls_container`, `ls_options`, `ls_txn` and `ls_value`. Only where the compiler has `__attribute__((cleanup))`, as GCC and Clang.
 */
#define ls_scoped(type, name) __attribute__((cleanup(type##_scoped_free_))) type *name = NULL

#ifndef DOXYGEN

static inline void ls_store_scoped_free_(ls_store **handle) { ls_store_free(*handle); }
static inline void ls_container_scoped_free_(ls_container **handle) { ls_container_free(*handle); }
static inline void ls_options_scoped_free_(ls_options **handle) { ls_options_free(*handle); }
static inline void ls_txn_scoped_free_(ls_txn **handle) { ls_txn_free(*handle); }
static inline void ls_value_scoped_free_(ls_value **handle) { ls_value_free(*handle); }

#endif /* DOXYGEN */
#endif /* __GNUC__ */

#endif /* LOVELY_SESSION_EASY_H */
