/* Stores, options, the registry, the log. */
#define _POSIX_C_SOURCE 200809L
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static ls_store *open_store(const char *url) {
    ls_store *store = NULL;
    OK(ls_store_open(url, LS_NTS, NULL, &store, E));
    return store;
}

TEST(options_have_defaults_and_ranges) {
    ls_options *options = NULL;
    int64_t value = 0;
    OK(ls_options_new(&options, E));
    OK(ls_options_get(options, LS_OPTION_COMMIT_TIMEOUT, &value, E));
    CHECK(value == 5000);
    OK(ls_options_set(options, LS_OPTION_COMMIT_TIMEOUT, 250, E));
    OK(ls_options_get(options, LS_OPTION_COMMIT_TIMEOUT, &value, E));
    CHECK(value == 250);
    STATUS(LS_ERR_RANGE, ls_options_set(options, LS_OPTION_COMMIT_TIMEOUT, -1, E));
    FAILS(LS_ERR_ARGUMENT, "99", ls_options_set(options, 99, 1, E));
    value = 7;
    FAILS(LS_ERR_ARGUMENT, "0", ls_options_get(options, 0, &value, E));
    CHECK(value == 7);
    NULL_IS_REFUSED("out", ls_options_new(NULL, E));
    NULL_IS_REFUSED("options", ls_options_set(NULL, LS_OPTION_COMMIT_TIMEOUT, 1, E));
    NULL_IS_REFUSED("options", ls_options_get(NULL, LS_OPTION_COMMIT_TIMEOUT, &value, E));
    NULL_IS_REFUSED("out", ls_options_get(options, LS_OPTION_COMMIT_TIMEOUT, NULL, E));
    ls_options_free(options);
}

TEST(options_take_effect_and_must_agree) {
    ls_options *options = NULL;
    ls_store *store = NULL, *other = NULL;
    OK(ls_options_new(&options, E));
    OK(ls_options_set(options, LS_OPTION_ITEM_LIMIT, 4096, E));
    OK(ls_store_open("memory://options", LS_NTS, options, &store, E));
    OK(ls_store_open("memory://options", LS_NTS, NULL, &other, E));
    ls_store_free(other);
    other = store;
    STATUS(LS_ERR_ARGUMENT, ls_store_open("memory://options?item_limit=8k", LS_NTS, NULL, &other, E));
    CHECK(other == NULL);
    STATUS(LS_ERR_ARGUMENT, ls_store_open("memory://options2?item_limit=8k", LS_NTS, options, &other, E));
    ls_options_free(options);
    ls_store_free(store);
}

TEST(one_name_is_one_store) {
    ls_store *a = open_store("memory://one"), *b = open_store("memory://one"), *c = open_store("memory://two");
    int64_t now_a, now_b, now_c;
    OK(ls_test_clock_advance(a, 3600000, E));
    OK(ls_test_clock_now(a, &now_a, E));
    OK(ls_test_clock_now(b, &now_b, E));
    OK(ls_test_clock_now(c, &now_c, E));
    CHECK(now_b - now_a < 1000 && now_a - now_c > 3500000);
    ls_store_free(c);
    ls_store_free(b);
    ls_store_free(a);
}

TEST(a_store_has_a_name) {
    ls_store *store = open_store("memory://named?commit_timeout=100");
    const char *name = NULL, *again = NULL;
    size_t length = 0;
    OK(ls_store_name(store, &name, &length, E));
    CHECK(strcmp(name, "memory://named") == 0 && length == strlen(name));
    OK(ls_store_name(store, &again, NULL, E));
    CHECK(again == name);
    ls_store_free(store);
}

TEST(urls_that_cannot_be_understood_are_refused) {
    static const char *const bad[] = {"", "memory:/x", "redis://x", "memory://x?size=1&size=2", "memory://x?nothing=1",
                                      "memory://x?size=x", "memory://\xff", "memory://a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ls_store *store = (ls_store *)1;
        STATUS(LS_ERR_ARGUMENT, ls_store_open(bad[i], LS_NTS, NULL, &store, E));
        CHECK(store == NULL);
    }
}

TEST(without_a_url_it_is_that_of_the_environment) {
    ls_store *store = NULL;
    const char *name = NULL;
    setenv("LOVELY_SESSION_URL", "memory://from-environment", 1);
    OK(ls_store_open(NULL, 0, NULL, &store, E));
    OK(ls_store_name(store, &name, NULL, E));
    CHECK(strcmp(name, "memory://from-environment") == 0);
    ls_store_free(store);
    OK(ls_store_open(NULL, LS_NTS, NULL, &store, E));
    ls_store_free(store);
    unsetenv("LOVELY_SESSION_URL");
}

TEST(nulls_are_refused_by_name) {
    ls_store *store = open_store("memory://nulls"), *found = store;
    const char *name;
    char *text;
    uint64_t count;
    NULL_IS_REFUSED("out", ls_store_open("memory://x", LS_NTS, NULL, NULL, E));
    NULL_IS_REFUSED("store", ls_store_ping(NULL, E));
    NULL_IS_REFUSED("store", ls_store_resolve(NULL, E));
    NULL_IS_REFUSED("store", ls_store_flush(NULL, E));
    NULL_IS_REFUSED("store", ls_store_name(NULL, &name, NULL, E));
    NULL_IS_REFUSED("out", ls_store_name(store, NULL, NULL, E));
    NULL_IS_REFUSED("store", ls_store_stat(NULL, LS_STAT_HITS, &count, E));
    NULL_IS_REFUSED("out", ls_store_stat(store, LS_STAT_HITS, NULL, E));
    NULL_IS_REFUSED("store", ls_store_stats_text(NULL, &text, NULL, E));
    NULL_IS_REFUSED("out", ls_store_stats_text(store, NULL, NULL, E));
    NULL_IS_REFUSED("store", ls_store_register(NULL, "n", 1, E));
    NULL_IS_REFUSED("name", ls_store_register(store, NULL, 1, E));
    NULL_IS_REFUSED("name", ls_store_find(NULL, 1, &found, E));
    NULL_IS_REFUSED("out", ls_store_find("n", 1, NULL, E));
    NULL_IS_REFUSED("name", ls_store_unregister(NULL, LS_NTS, E));
    CHECK(found == NULL);
    ls_store_free(store);
}

TEST(a_store_answers_and_can_be_emptied) {
    fixture f = fixture_new();
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    OK(ls_store_ping(f.store, E));
    OK(ls_store_resolve(f.store, E));
    OK(ls_session_exists(f.txn, f.container, "id", 2, E));
    OK(ls_store_flush(f.store, E));
    ls_txn_free(f.txn);
    OK(ls_txn_begin(&f.txn, E));
    NOT_FOUND(ls_session_exists(f.txn, f.container, "id", 2, E));
    fixture_free(&f);
}

TEST(a_store_counts) {
    fixture f = fixture_new();
    uint64_t count = 0;
    char *text = NULL;
    size_t length = 0;
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    fixture_commit(&f);
    CHECK(fixture_stat(&f, LS_STAT_MISSES) == 1);
    CHECK(fixture_stat(&f, LS_STAT_HITS) == 1);
    CHECK(fixture_stat(&f, LS_STAT_WRITES) == 1);
    CHECK(fixture_stat(&f, LS_STAT_ITEMS) == 1);
    FAILS(LS_ERR_ARGUMENT, "99", ls_store_stat(f.store, 99, &count, E));
    OK(ls_store_stats_text(f.store, &text, &length, E));
    CHECK(strlen(text) == length && strstr(text, "hits 1\n") != NULL);
    ls_text_free(text);
    fixture_free(&f);
}

TEST(a_store_on_servers_counts_for_each) {
    static const char *const names[] = {"127.0.0.1:1", "[::1]:11211", "localhost:2"};
    ls_store *store = open_store("memcached://localhost:2,127.0.0.1:1,[::1]"), *memory = open_store("memory://no-servers");
    const char *name = NULL;
    char *text = NULL;
    size_t length = 0;
    uint64_t count = 0, failed = 0;
    CHECK(ls_store_server_count(store) == 3 && ls_store_server_count(memory) == 0 && ls_store_server_count(NULL) == 0);
    for (size_t index = 0; index < 3; index++) {
        OK(ls_store_server_name(store, index, &name, &length, E));
        CHECK(strcmp(name, names[index]) == 0 && length == strlen(name));
    }
    FAILS(LS_ERR_UNAVAILABLE, "127.0.0.1:1", ls_store_ping(store, E));
    OK(ls_store_server_stat(store, 0, LS_STAT_CONNECTIONS_FAILED, &failed, E));
    CHECK(failed == 1);
    OK(ls_store_server_stat(store, 0, LS_STAT_SET_ASIDE, &failed, E));
    CHECK(failed == 1);
    OK(ls_store_stat(store, LS_STAT_CONNECTIONS_FAILED, &failed, E));
    CHECK(failed >= 1);
    OK(ls_store_stat(store, LS_STAT_LATENCY_P99, &count, E));
    CHECK(count == 0);
    OK(ls_store_stats_text(store, &text, NULL, E));
    CHECK(strstr(text, "  all  127.0.0.1:1  [::1]:11211  localhost:2\n") != NULL);
    ls_text_free(text);
    NOT_FOUND(ls_store_server_name(store, 3, &name, &length, E));
    NOT_FOUND(ls_store_server_stat(store, 3, LS_STAT_HITS, &count, E));
    NOT_FOUND(ls_store_server_stat(memory, 0, LS_STAT_HITS, &count, E));
    FAILS(LS_ERR_ARGUMENT, "99", ls_store_server_stat(store, 0, 99, &count, E));
    NULL_IS_REFUSED("store", ls_store_server_name(NULL, 0, &name, NULL, E));
    NULL_IS_REFUSED("out", ls_store_server_name(store, 0, NULL, NULL, E));
    NULL_IS_REFUSED("store", ls_store_server_stat(NULL, 0, LS_STAT_HITS, &count, E));
    NULL_IS_REFUSED("out", ls_store_server_stat(store, 0, LS_STAT_HITS, NULL, E));
    ls_store_free(store);
    ls_store_free(memory);
}

TEST(a_registered_store_is_found_and_stays_open) {
    ls_store *store = open_store("memory://registered"), *found = NULL, *other = open_store("memory://other");
    int64_t before = 0, after = 0;
    NOT_FOUND(ls_store_find("the name", LS_NTS, &found, E));
    CHECK(found == NULL);
    OK(ls_store_register(store, "the name", LS_NTS, E));
    OK(ls_store_register(store, "the name", LS_NTS, E));
    STATUS(LS_ERR_ARGUMENT, ls_store_register(other, "the name", LS_NTS, E));
    FAILS(LS_ERR_ARGUMENT, "UTF-8", ls_store_register(store, "\xff", 1, E));
    OK(ls_test_clock_advance(store, 1000000, E));
    OK(ls_test_clock_now(store, &before, E));
    ls_store_free(store);
    OK(ls_store_find("the name", LS_NTS, &found, E));
    OK(ls_test_clock_now(found, &after, E));
    CHECK(after - before < 1000 && after >= before);
    OK(ls_store_unregister("the name", LS_NTS, E));
    NOT_FOUND(ls_store_unregister("the name", LS_NTS, E));
    OK(ls_store_ping(found, E));
    ls_store_free(found);
    ls_store_free(other);
}

/* What the callback of the log saw and did. */
static struct {
    int lines;
    int32_t level;
    char last[256];
    ls_txn *txn;
    int32_t from_inside;
} seen;

static void on_line(void *user_data, int32_t level, const char *line, size_t line_len) {
    CHECK(user_data == &seen && strlen(line) == line_len);
    seen.lines++;
    seen.level = level;
    snprintf(seen.last, sizeof seen.last, "%s", line);
    /* It may call the library: a store, a transaction, even the log. */
    if (seen.txn != NULL) {
        uint64_t savepoint;
        seen.from_inside = ls_txn_savepoint(seen.txn, &savepoint, NULL);
    }
    ls_store *store = open_store("memory://from-the-callback");
    OK(ls_store_ping(store, E));
    ls_store_free(store);
    OK(ls_log_set(NULL, NULL, 0, E));
}

TEST(the_log_is_called_and_may_call_back) {
    ls_store *store = NULL;
    unsetenv("LOVELY_SESSION_URL");
    OK(ls_txn_begin(&seen.txn, E));
    FAILS(LS_ERR_ARGUMENT, "9", ls_log_set(on_line, &seen, 9, E));
    FAILS(LS_ERR_ARGUMENT, "0", ls_log_set(on_line, &seen, 0, E));
    OK(ls_log_set(on_line, &seen, LS_LOG_WARN, E));
    /* The one line that a program without a URL gets. */
    OK(ls_store_open(NULL, 0, NULL, &store, E));
    CHECK(seen.lines == 1 && seen.level == LS_LOG_WARN && strstr(seen.last, "memory://default") != NULL);
    CHECK(seen.from_inside == LS_OK);
    ls_store_free(store);
    OK(ls_store_open(NULL, 0, NULL, &store, E));
    CHECK(seen.lines == 1);
    ls_store_free(store);
    ls_txn_free(seen.txn);
    OK(ls_log_set(NULL, NULL, LS_LOG_DEBUG, E));
}

/* Runs in the child, and says by its exit status which line failed. */
#define CHILD(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) _exit(__LINE__ & 0x7f ? __LINE__ & 0x7f : 1);                                               \
    } while (0)

TEST(after_a_fork_the_child_cannot_use_what_the_parent_opened) {
    fixture f = fixture_new();
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    OK(ls_store_register(f.store, "forked", LS_NTS, E));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int64_t number;
        uint64_t savepoint;
        ls_session *session = f.session;
        ls_store *store = NULL;
        ls_txn *txn = NULL;
        CHILD(ls_pkg_get_i64(f.pkg, "n", 1, &number, NULL) == LS_ERR_MISUSE);
        CHILD(ls_session_get(f.txn, f.container, "id", 2, &session, NULL) == LS_ERR_MISUSE && session == NULL);
        CHILD(ls_txn_savepoint(f.txn, &savepoint, NULL) == LS_ERR_MISUSE);
        CHILD(ls_txn_commit(f.txn, NULL) == LS_ERR_MISUSE);
        CHILD(ls_txn_state(f.txn) == 0 && ls_txn_session_count(f.txn) == 0 && !ls_session_is_new(f.session));
        ls_txn_free(f.txn);
        CHILD(ls_store_ping(f.store, NULL) == LS_ERR_UNSUPPORTED);
        CHILD(ls_test_fault_clear(f.store, NULL) == LS_ERR_UNSUPPORTED);
        CHILD(ls_txn_begin(&txn, NULL) == LS_OK);
        CHILD(ls_session_get(txn, f.container, "id", 2, &session, NULL) == LS_ERR_UNSUPPORTED);
        ls_txn_free(txn);
        /* Opened again it is a new one. */
        CHILD(ls_store_open("memory://fork-again", LS_NTS, NULL, &store, NULL) == LS_OK);
        CHILD(ls_store_ping(store, NULL) == LS_OK);
        ls_store_free(store);
        ls_container_free(f.container);
        ls_store_free(f.store);
        _exit(0);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) printf("  line %d mod 128 failed\n", WEXITSTATUS(status));
    /* The parent is as it was. */
    CHECK(fixture_i64(f.pkg, "n") == 1);
    OK(ls_txn_commit(f.txn, E));
    OK(ls_store_unregister("forked", LS_NTS, E));
    fixture_free(&f);
}

TEST(handles_are_freed_in_any_order) {
    fixture f = fixture_new();
    ls_store_free(f.store);
    OK(ls_pkg_set_i64(f.pkg, "n", 1, 1, E));
    ls_container_free(f.container);
    OK(ls_txn_commit(f.txn, E));
    ls_txn_free(f.txn);
}

int main(void) {
    RUN(options_have_defaults_and_ranges);
    RUN(options_take_effect_and_must_agree);
    RUN(one_name_is_one_store);
    RUN(a_store_has_a_name);
    RUN(urls_that_cannot_be_understood_are_refused);
    RUN(without_a_url_it_is_that_of_the_environment);
    RUN(nulls_are_refused_by_name);
    RUN(a_store_answers_and_can_be_emptied);
    RUN(a_store_counts);
    RUN(a_store_on_servers_counts_for_each);
    RUN(a_registered_store_is_found_and_stays_open);
    RUN(the_log_is_called_and_may_call_back);
    RUN(after_a_fork_the_child_cannot_use_what_the_parent_opened);
    RUN(handles_are_freed_in_any_order);
    return check_done("store");
}
