/*
 * A tiny harness: each TEST is one behaviour, RUN runs it and counts, the last line says "NAME: N passed, N failed".
 *
 * A CHECK that fails says where, and the test goes on: C has no unwinding, and what follows must stand on its own.
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lovely_session.h"

static int check_passed, check_failed, check_bad;

/* The error of the last OK, STATUS or FAILS, for the message of a failed check. */
static ls_error check_err;

#define TEST(name) static void name(void)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("  %s:%d: %s\n", __FILE__, __LINE__, #condition);                                                   \
            check_bad++;                                                                                               \
        }                                                                                                              \
    } while (0)

/* Calls what takes `err` as its last argument, to be written as E, and compares the status: also the one in the error. */
#define E (&check_err)
#define STATUS(wanted, call)                                                                                           \
    do {                                                                                                               \
        memset(&check_err, 0x5a, sizeof check_err);                                                                    \
        int32_t check_got = (call);                                                                                    \
        if (check_got != (wanted) || check_err.status != check_got ||                                                  \
            memchr(check_err.message, 0, sizeof check_err.message) == NULL ||                                          \
            (check_got >= 0) != (check_err.message[0] == 0)) {                                                         \
            printf("  %s:%d: %s: %s (%s), not %s\n", __FILE__, __LINE__, #call, ls_status_name(check_got),             \
                   check_err.message, ls_status_name(wanted));                                                         \
            check_bad++;                                                                                               \
        }                                                                                                              \
    } while (0)
#define OK(call) STATUS(LS_OK, call)
#define NOT_FOUND(call) STATUS(LS_NOT_FOUND, call)

/* The same, and the message names `what`. */
#define FAILS(wanted, what, call)                                                                                      \
    do {                                                                                                               \
        STATUS(wanted, call);                                                                                          \
        if (strstr(check_err.message, what) == NULL) {                                                                 \
            printf("  %s:%d: %s: \"%s\" does not name %s\n", __FILE__, __LINE__, #call, check_err.message, what);      \
            check_bad++;                                                                                               \
        }                                                                                                              \
    } while (0)
/* A NULL argument, which the message names. */
#define NULL_IS_REFUSED(what, call) FAILS(LS_ERR_ARGUMENT, "`" what "` is NULL", call)

static void check_run(const char *name, void (*test)(void)) {
    check_bad = 0;
    test();
    if (check_bad == 0) {
        check_passed++;
    } else {
        check_failed++;
        printf("  FAILED %s\n", name);
    }
}
#define RUN(name) check_run(#name, name)

static int check_done(const char *name) {
    printf("%s: %d passed, %d failed\n", name, check_passed, check_failed);
    return check_failed == 0 && check_passed > 0 ? 0 : 1;
}

#endif
