/*
 * A host with default signal handling whose memcached dies between load and commit: each transaction that wrote must be
 * told so, and no signal may end the process. tests/memcached_host.rs builds it, runs it, and kills the server.
 *
 * Arguments: URL, and how many milliseconds to wait before the commits. It loads, says "loaded", waits for a line on its
 * input, which comes when the server is dead, and commits.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <time.h>

#include "check.h"

#define TXNS 4

static void wait_ms(long ms) {
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static const char *url;
static long pause_ms;

TEST(every_commit_after_the_servers_death_is_an_error_and_no_signal_ends_the_host) {
    static char payload[300000];
    ls_store *store;
    ls_container *container;
    ls_txn *txns[TXNS];
    char line[16];
    struct sigaction now;
    int i;

    OK(ls_store_open(url, LS_NTS, NULL, &store, E));
    OK(ls_container_open(store, "host", LS_NTS, &container, E));
    for (i = 0; i < TXNS; i++) {
        ls_session *session;
        ls_pkg *pkg;
        char id[16];
        snprintf(id, sizeof id, "visitor-%d", i);
        OK(ls_txn_begin(&txns[i], E));
        OK(ls_txn_set(txns[i], LS_TXN_COMMIT_TIMEOUT, 500, E));
        OK(ls_session_get(txns[i], container, id, LS_NTS, &session, E));
        OK(ls_session_pkg(session, "pkg", LS_NTS, &pkg, E));
        /* More than a socket takes at once: writing goes on after the peer is known to be dead. */
        OK(ls_pkg_set_bytes(pkg, "blob", LS_NTS, payload, sizeof payload, E));
    }
    puts("loaded");
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin) != NULL);
    wait_ms(pause_ms);

    for (i = 0; i < TXNS; i++) {
        int32_t status = ls_txn_commit(txns[i], E);
        printf("commit: %s: %s\n", ls_status_name(status), check_err.message);
        CHECK(status == LS_ERR_UNAVAILABLE || status == LS_ERR_UNKNOWN);
        CHECK(check_err.status == status && check_err.message[0] != 0);
        CHECK(ls_txn_report_count(txns[i]) == 1);
        ls_txn_free(txns[i]);
    }
    /* Nothing that the library did has changed what the host does with the signal. */
    CHECK(sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    ls_container_free(container);
    ls_store_free(store);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    url = argv[1];
    pause_ms = atol(argv[2]);
    RUN(every_commit_after_the_servers_death_is_an_error_and_no_signal_ends_the_host);
    return check_done("survivor");
}
