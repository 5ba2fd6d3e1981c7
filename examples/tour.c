/*
 * The tour: what a session does, step by step, through the C functions.
 *
 * It retells the documentation of the ancestor, the Python package lovely.session. A line that begins with >>> is the
 * line of this file that was run; what stands below it was read back through the library. Each answer is then compared
 * with what it has to be: the first that differs ends the tour with exit status 1.
 *
 * Usage: tour [URL]        the URL of a store, by default memory://tour
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lovely_session.h"

#define ID "mySessionId"

static ls_error err;

/* The list that was shown last, which is the tour's own and not a transaction's. */
static ls_value *shown_ids;

/* ------------------------------------------------------------------------------------------------------------------
 * Run, print, check
 */

/* Runs a call that has to be done, and prints it. */
#define DO(call) (print_line(#call), check_status(__LINE__, #call, LS_OK, (call)))

/* Runs a call that has to give another answer, and prints it and the answer. */
#define EXPECT(status, call) (print_line(#call), check_status(__LINE__, #call, (status), (call)))

/* Prints a value that was read back, as JSON, and checks it. */
#define SHOW(value, json) (print_line(#value), check_json(__LINE__, #value, (json), (value)))

/* Runs a call that has to be done, and does not print it: it belongs to the telling, not to the tale. */
#define QUIETLY(call) check_status(__LINE__, #call, LS_OK, (call))

static void end_badly(int line, const char *what, const char *expected, const char *got)
{
    fflush(stdout);
    fprintf(stderr, "tour: examples/tour.c:%d: %s\n    expected: %s\n    got:      %s\n", line, what, expected, got);
    exit(1);
}

static void print_line(const char *line)
{
    printf(">>> %s\n", line);
}

static void check_status(int line, const char *call, int32_t expected, int32_t got)
{
    char text[400];

    if (expected != LS_OK)
        puts(ls_status_name(got));
    if (got == expected)
        return;
    snprintf(text, sizeof text, "%s %s", ls_status_name(got), err.message);
    end_badly(line, call, ls_status_name(expected), text);
}

static void check_json(int line, const char *what, const char *expected, const ls_value *value)
{
    char *json = NULL;

    QUIETLY(ls_value_to_json(value, &json, NULL, &err));
    puts(json);
    if (strcmp(json, expected) != 0)
        end_badly(line, what, expected, json);
    ls_text_free(json);
}

static void heading(const char *text)
{
    size_t len = strlen(text);

    printf("\n%s\n", text);
    while (len-- > 0)
        putchar('~');
    putchar('\n');
}

static void tell(const char *text)
{
    printf("\n%s\n", text);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Reading back: each asks the library, and lends a value that lives as long as its transaction
 */

/* Everything in a session: a map of its packages. */
static const ls_value *content_of(ls_session *session)
{
    const ls_value *content = NULL;

    QUIETLY(ls_session_content(session, &content, &err));
    return content;
}

/* Everything in a package: a map. */
static const ls_value *pkg_of(ls_session *session, const char *name)
{
    const ls_value *content = NULL;
    ls_pkg *pkg = NULL;

    QUIETLY(ls_session_pkg(session, name, LS_NTS, &pkg, &err));
    QUIETLY(ls_pkg_content(pkg, &content, &err));
    return content;
}

/* One value of a package. */
static const ls_value *value_of(ls_pkg *pkg, const char *key)
{
    const ls_value *value = NULL;

    QUIETLY(ls_pkg_get(pkg, key, LS_NTS, &value, &err));
    return value;
}

/* The ids of the open sessions of a transaction, as a list. */
static const ls_value *open_sessions(ls_txn *txn)
{
    size_t count = ls_txn_session_count(txn);

    ls_value_free(shown_ids);
    QUIETLY(ls_value_new_list(&shown_ids, &err));
    for (size_t at = 0; at < count; at++) {
        ls_session *session = NULL;
        ls_value *text = NULL;
        const char *id = NULL;
        size_t id_len = 0;

        QUIETLY(ls_txn_session_at(txn, at, &session, &err));
        QUIETLY(ls_session_id(session, &id, &id_len, &err));
        QUIETLY(ls_value_new_text(id, id_len, &text, &err));
        QUIETLY(ls_value_list_push(shown_ids, text, &err));
        ls_value_free(text);
    }
    return shown_ids;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The tour
 */

/* A store that outlives the program may hold what an earlier tour left. */
static void begin_empty(const ls_container *sessions)
{
    ls_txn *txn = NULL;

    QUIETLY(ls_txn_begin(&txn, &err));
    if (ls_session_exists(txn, sessions, ID, LS_NTS, &err) == LS_OK)
        QUIETLY(ls_session_destroy(txn, sessions, ID, LS_NTS, &err));
    QUIETLY(ls_txn_commit(txn, &err));
    ls_txn_free(txn);
}

static void timeouts(const ls_store *store, const ls_container *sessions)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *data = NULL;
    int64_t timeout = 0;

    heading("Timeout behaviour");
    QUIETLY(ls_container_get(sessions, LS_CONTAINER_TIMEOUT, &timeout, &err));

    tell("A session is there when it is asked for, whether it was stored or not.");
    DO(ls_txn_begin(&txn, &err));
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    SHOW(content_of(session), "{}");

    tell("So is a package of it.");
    DO(ls_session_pkg(session, "myData1", LS_NTS, &data, &err));
    SHOW(pkg_of(session, "myData1"), "{}");

    tell("Now some data goes into it, and asking for the package again gives the same one.");
    DO(ls_pkg_set_text(data, "info", LS_NTS, "stored in memcache", LS_NTS, &err));
    SHOW(pkg_of(session, "myData1"), "{\"info\":\"stored in memcache\"}");

    tell("Time passes: the timeout is one second, and the store's clock moves on by an hour.");
    DO(ls_container_set(sessions, LS_CONTAINER_TIMEOUT, 1000, &err));
    DO(ls_test_clock_advance(store, 3600 * 1000, &err));

    tell("Opened again, even in the same transaction, the session is empty, and so is its package.");
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    SHOW(content_of(session), "{}");
    SHOW(pkg_of(session, "myData1"), "{}");

    tell("What was taken before does not write into the void: it says that it is over.");
    EXPECT(LS_ERR_MISUSE, ls_pkg_set_text(data, "info", LS_NTS, "too late", LS_NTS, &err));

    DO(ls_txn_abort(txn, &err));
    ls_txn_free(txn);
    QUIETLY(ls_container_set(sessions, LS_CONTAINER_TIMEOUT, timeout, &err));
}

static void transactions(const ls_container *sessions)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *data = NULL;

    heading("Transactions");

    DO(ls_txn_begin(&txn, &err));
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    SHOW(content_of(session), "{}");
    DO(ls_session_pkg(session, "myData", LS_NTS, &data, &err));
    SHOW(pkg_of(session, "myData"), "{}");
    DO(ls_pkg_set_text(data, "info", LS_NTS, "stored in memcache", LS_NTS, &err));
    SHOW(pkg_of(session, "myData"), "{\"info\":\"stored in memcache\"}");

    tell("Nothing is stored before the commit.");
    DO(ls_txn_commit(txn, &err));
    ls_txn_free(txn);

    tell("In a new transaction the session is read back from the store.");
    DO(ls_txn_begin(&txn, &err));
    SHOW(open_sessions(txn), "[]");
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    SHOW(pkg_of(session, "myData"), "{\"info\":\"stored in memcache\"}");

    tell("The transaction knows which sessions are open in it.");
    SHOW(open_sessions(txn), "[\"" ID "\"]");
    DO(ls_txn_abort(txn, &err));
    ls_txn_free(txn);
}

static void savepoints(const ls_container *sessions)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *data = NULL, *newdata = NULL;
    uint64_t savepoint = 0;

    heading("Savepoints");

    tell("First some data is set, then a savepoint, then the data is changed.");
    DO(ls_txn_begin(&txn, &err));
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    DO(ls_session_pkg(session, "myData", LS_NTS, &data, &err));
    DO(ls_pkg_set_text(data, "info", LS_NTS, "we want to keep this", LS_NTS, &err));
    DO(ls_txn_savepoint(txn, &savepoint, &err));
    DO(ls_pkg_set_text(data, "info", LS_NTS, "this should be dumped", LS_NTS, &err));
    SHOW(value_of(data, "info"), "\"this should be dumped\"");

    tell("A rollback brings the value back.");
    DO(ls_txn_rollback(txn, savepoint, &err));
    SHOW(value_of(data, "info"), "\"we want to keep this\"");

    tell("What was added goes away: a new key, and a new package with a key in it.");
    DO(ls_pkg_set_text(data, "newinfo", LS_NTS, "go away", LS_NTS, &err));
    DO(ls_session_pkg(session, "myNewData", LS_NTS, &newdata, &err));
    DO(ls_pkg_set_text(newdata, "foo", LS_NTS, "bar", LS_NTS, &err));
    SHOW(content_of(session),
         "{\"myData\":{\"info\":\"we want to keep this\",\"newinfo\":\"go away\"},\"myNewData\":{\"foo\":\"bar\"}}");
    DO(ls_txn_rollback(txn, savepoint, &err));
    EXPECT(LS_NOT_FOUND, ls_pkg_contains(data, "newinfo", LS_NTS, &err));

    tell("The package is empty: a package is created when it is asked for.");
    SHOW(pkg_of(session, "myNewData"), "{}");

    tell("What is committed is what the rollback left.");
    DO(ls_txn_commit(txn, &err));
    ls_txn_free(txn);

    DO(ls_txn_begin(&txn, &err));
    DO(ls_session_get(txn, sessions, ID, LS_NTS, &session, &err));
    DO(ls_session_pkg(session, "myData", LS_NTS, &data, &err));
    SHOW(content_of(session), "{\"myData\":{\"info\":\"we want to keep this\"}}");
    SHOW(value_of(data, "info"), "\"we want to keep this\"");
    EXPECT(LS_NOT_FOUND, ls_pkg_contains(data, "newinfo", LS_NTS, &err));
    SHOW(pkg_of(session, "myNewData"), "{}");
    DO(ls_txn_abort(txn, &err));
    ls_txn_free(txn);
}

/* Two requests of one visitor that overlap: here the ancestor lost data. */
static void two_at_once(const ls_container *sessions)
{
    ls_txn *one = NULL, *two = NULL, *after = NULL;
    ls_session *session_one = NULL, *session_two = NULL, *session = NULL;
    ls_pkg *cart_one = NULL, *cart_two = NULL;

    heading("Two requests at the same time");

    tell("Both open the session before either commits.");
    DO(ls_txn_begin(&one, &err));
    DO(ls_txn_begin(&two, &err));
    DO(ls_session_get(one, sessions, ID, LS_NTS, &session_one, &err));
    DO(ls_session_get(two, sessions, ID, LS_NTS, &session_two, &err));
    DO(ls_session_pkg(session_one, "cart", LS_NTS, &cart_one, &err));
    DO(ls_session_pkg(session_two, "cart", LS_NTS, &cart_two, &err));
    DO(ls_pkg_add(cart_one, "items", LS_NTS, 2, NULL, &err));
    DO(ls_pkg_set_text(cart_one, "coupon", LS_NTS, "SPRING", LS_NTS, &err));
    DO(ls_pkg_add(cart_two, "items", LS_NTS, 1, NULL, &err));
    DO(ls_pkg_set_bool(cart_two, "gift", LS_NTS, true, &err));
    DO(ls_txn_commit(one, &err));
    DO(ls_txn_commit(two, &err));
    ls_txn_free(one);
    ls_txn_free(two);

    tell("The later commit was merged with the earlier one, key by key, and the counter was added up.");
    DO(ls_txn_begin(&after, &err));
    DO(ls_session_get(after, sessions, ID, LS_NTS, &session, &err));
    SHOW(pkg_of(session, "cart"), "{\"coupon\":\"SPRING\",\"gift\":true,\"items\":3}");
    ls_txn_free(after);

    tell("One logs out while the other is still at work: the session does not come back to life.");
    DO(ls_txn_begin(&one, &err));
    DO(ls_txn_begin(&two, &err));
    DO(ls_session_get(two, sessions, ID, LS_NTS, &session_two, &err));
    DO(ls_session_pkg(session_two, "cart", LS_NTS, &cart_two, &err));
    DO(ls_session_destroy(one, sessions, ID, LS_NTS, &err));
    DO(ls_txn_commit(one, &err));
    DO(ls_pkg_add(cart_two, "items", LS_NTS, 1, NULL, &err));
    EXPECT(LS_ERR_GONE, ls_txn_commit(two, &err));
    ls_txn_free(one);
    ls_txn_free(two);

    DO(ls_txn_begin(&after, &err));
    EXPECT(LS_NOT_FOUND, ls_session_exists(after, sessions, ID, LS_NTS, &err));
    ls_txn_free(after);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "memory://tour";
    const char *name = NULL;
    ls_store *store = NULL;
    ls_container *sessions = NULL;

    puts("The tour of lovely-session. Lines with >>> are run, the lines below them are read back.\n");
    DO(ls_store_open(url, LS_NTS, NULL, &store, &err));
    DO(ls_store_name(store, &name, NULL, &err));
    puts(name);
    DO(ls_container_open(store, "MemCacheSession", LS_NTS, &sessions, &err));

    begin_empty(sessions);
    timeouts(store, sessions);
    transactions(sessions);
    savepoints(sessions);
    two_at_once(sessions);

    ls_value_free(shown_ids);
    ls_container_free(sessions);
    ls_store_free(store);
    puts("\nThe tour is over: every answer was as it has to be.");
    return 0;
}
