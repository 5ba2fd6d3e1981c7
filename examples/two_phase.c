/*
 * Commits a session together with SQLite: an order goes into the database and the cart is emptied, both or neither.
 *
 *   1. prepare the session     the store votes: it answers, nobody changed the session, nothing is too large. Nothing is stored
 *   2. COMMIT in SQL           this decides
 *   3. commit the session
 *
 * What can be left half. Memcached keeps no promise over time: between 1 and 3 its server may die, another request may change the
 * same keys, or this process may be killed. Then the order stands, and the cart is still full. The other way round cannot
 * happen: the session is stored only after SQL has committed.
 *
 * How it is repaired. The same number stands in both: a cart has the id of the order that it is going to be, from its first
 * item on, and that id is the primary key of the orders. So nothing is ordered twice, whatever is tried again, and each
 * request that finds a cart whose order stands in the database knows what happened, and empties it. The price: what another
 * request put into that cart between 1 and 3 goes with it. Who cannot pay that moves the items into SQL as well.
 *
 *     cc -std=c11 two_phase.c $(pkg-config --cflags --libs lovely_session sqlite3) -o two_phase
 *     ./two_phase memcached://localhost orders.db
 *
 * Without arguments it runs on a store and a database of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lovely_session.h>
#include <sqlite3.h>

static const char *const schema =
    "PRAGMA foreign_keys = ON;"
    "CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, items INTEGER NOT NULL,"
    "  account INTEGER NOT NULL REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);"
    "INSERT OR IGNORE INTO accounts VALUES (1);";

/* One request: a transaction with the visitor's cart. */
struct request {
    sqlite3 *db;
    ls_txn *txn;
    ls_pkg *cart;
    ls_error err;
};

static int sql_failed(sqlite3 *db)
{
    printf("  SQL: %s\n", sqlite3_errmsg(db));
    return -1;
}

/* Runs a statement with an order's id in it: how many rows it has, or -1. */
static int sql_order(sqlite3 *db, const char *sql, const char *order, int64_t items, int64_t account)
{
    sqlite3_stmt *statement = NULL;
    int rows = 0, rc;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) return sql_failed(db);
    sqlite3_bind_text(statement, 1, order, -1, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(statement) == 3) {
        sqlite3_bind_int64(statement, 2, items);
        sqlite3_bind_int64(statement, 3, account);
    }
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) rows++;
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? rows : sql_failed(db);
}

static int is_ordered(sqlite3 *db, const char *order)
{
    return sql_order(db, "SELECT 1 FROM orders WHERE id = ?", order, 0, 0);
}

static int ls_failed(struct request *request)
{
    printf("  session: %s\n", ls_status_name(request->err.status));
    return -1;
}

static void end_request(struct request *request)
{
    ls_txn_free(request->txn);
    request->txn = NULL;
}

/* Begins a request. A cart that was ordered already, by a request that did not get to its end, is emptied here. */
static int begin_request(struct request *request, const ls_container *visitors, const char *id)
{
    ls_session *session = NULL;
    const char *order = NULL;
    int32_t found;

    if (ls_txn_begin(&request->txn, &request->err) < 0) return ls_failed(request);
    if (ls_session_get(request->txn, visitors, id, LS_NTS, &session, &request->err) < 0) return ls_failed(request);
    if (ls_session_pkg(session, "cart", LS_NTS, &request->cart, &request->err) < 0) return ls_failed(request);
    found = ls_pkg_get_text(request->cart, "order", LS_NTS, &order, NULL, &request->err);
    if (found < 0) return ls_failed(request);
    if (found == LS_NOT_FOUND || is_ordered(request->db, order) != 1) return 0;
    printf("  the cart was ordered already: it is emptied\n");
    return ls_pkg_clear(request->cart, &request->err) < 0 ? ls_failed(request) : 0;
}

/* Puts something into the cart; the first item gives it the id of the order that it will be. */
static int add_item(struct request *request)
{
    unsigned char random[16];
    char order[2 * sizeof random + 1];

    if (ls_pkg_contains(request->cart, "order", LS_NTS, &request->err) == LS_NOT_FOUND) {
        sqlite3_randomness(sizeof random, random);
        for (size_t at = 0; at < sizeof random; at++) snprintf(order + 2 * at, 3, "%02x", random[at]);
        if (ls_pkg_set_text(request->cart, "order", LS_NTS, order, LS_NTS, &request->err) < 0) return ls_failed(request);
    }
    return ls_pkg_add(request->cart, "items", LS_NTS, 1, NULL, &request->err) < 0 ? ls_failed(request) : 0;
}

/*
 * Orders what is in the cart. What is true after it:
 *   0, the order stands and the cart is empty; -1, neither; 1, the order stands and the cart is still full, or may be.
 * With `dies`, this process is killed in the middle, as far as the store and the database can tell.
 */
static int place_order(struct request *request, int64_t account, int dies)
{
    const char *text = NULL;
    char order[64];
    int64_t items = 0;

    if (ls_pkg_get_text(request->cart, "order", LS_NTS, &text, NULL, &request->err) != LS_OK) return ls_failed(request);
    if (ls_pkg_get_i64(request->cart, "items", LS_NTS, &items, &request->err) != LS_OK) return ls_failed(request);
    snprintf(order, sizeof order, "%s", text);
    if (ls_pkg_clear(request->cart, &request->err) < 0) return ls_failed(request);

    /* Everything that SQL has to do, but its commit: what fails here leaves nothing anywhere. */
    if (sqlite3_exec(request->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return sql_failed(request->db);
    if (sql_order(request->db, "INSERT INTO orders VALUES (?, ?, ?)", order, items, account) < 0) goto rollback;

    /* The vote. A conflict is found here, as long as the database can still take everything back. */
    if (ls_txn_prepare(request->txn, &request->err) < 0) {
        ls_failed(request);
        goto rollback;
    }
    /* The decision. If it fails, nothing of the session was stored, and nothing will be. */
    if (sqlite3_exec(request->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        sql_failed(request->db);
        goto rollback;
    }
    if (dies) return 1;
    /* From here on the order stands, whatever the session's store says. */
    if (ls_txn_commit(request->txn, &request->err) < 0) {
        ls_failed(request);
        return 1;
    }
    return 0;

rollback:
    sqlite3_exec(request->db, "ROLLBACK", NULL, NULL, NULL);
    ls_txn_abort(request->txn, NULL);
    return -1;
}

/* Prints what stands in both. */
static int show(struct request *request, const ls_container *visitors, const char *id)
{
    sqlite3_stmt *statement = NULL;
    int64_t items = 0;
    int rc = begin_request(request, visitors, id);

    if (rc == 0 && ls_pkg_get_i64(request->cart, "items", LS_NTS, &items, &request->err) < 0) rc = ls_failed(request);
    if (rc == 0 && ls_txn_commit(request->txn, &request->err) < 0) rc = ls_failed(request);
    end_request(request);
    if (rc < 0 || sqlite3_prepare_v2(request->db, "SELECT count(*) FROM orders", -1, &statement, NULL) != SQLITE_OK) return -1;
    sqlite3_step(statement);
    printf("  %" PRId64 " orders, %" PRId64 " items in the cart\n", (int64_t)sqlite3_column_int64(statement, 0), items);
    sqlite3_finalize(statement);
    return 0;
}

/* Another request of the same visitor, from its begin to its end. */
static int add_and_commit(sqlite3 *db, const ls_container *visitors, const char *id)
{
    struct request request = {.db = db};
    int rc = begin_request(&request, visitors, id);

    if (rc == 0) rc = add_item(&request);
    if (rc == 0 && ls_txn_commit(request.txn, &request.err) < 0) rc = ls_failed(&request);
    end_request(&request);
    return rc;
}

static int run(sqlite3 *db, const ls_container *visitors)
{
    static const char id[] = "id from the cookie";
    struct request request = {.db = db};

    printf("an order and its cart are committed together\n");
    if (add_and_commit(db, visitors, id) < 0 || add_and_commit(db, visitors, id) < 0) return -1;
    if (begin_request(&request, visitors, id) < 0 || place_order(&request, 1, 0) != 0) return -1;
    end_request(&request);
    if (show(&request, visitors, id) < 0) return -1;

    printf("another request puts something in meanwhile: the vote fails, and SQL takes the order back\n");
    if (add_and_commit(db, visitors, id) < 0) return -1;
    if (begin_request(&request, visitors, id) < 0 || add_and_commit(db, visitors, id) < 0) return -1;
    if (place_order(&request, 1, 0) != -1) return -1;
    end_request(&request);
    if (show(&request, visitors, id) < 0) return -1;

    printf("the database refuses to commit, as there is no such account: the cart stays\n");
    if (begin_request(&request, visitors, id) < 0 || place_order(&request, 2, 0) != -1) return -1;
    end_request(&request);
    if (show(&request, visitors, id) < 0) return -1;

    printf("the process dies after the database has committed: the order stands, and the cart is still full\n");
    if (begin_request(&request, visitors, id) < 0 || place_order(&request, 1, 1) != 1) return -1;
    end_request(&request);
    printf("the next request sees it\n");
    return show(&request, visitors, id);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "memory://two-phase";
    const char *file = argc > 2 ? argv[2] : ":memory:";
    ls_error err = {0};
    ls_store *store = NULL;
    ls_container *visitors = NULL;
    sqlite3 *db = NULL;
    int rc = EXIT_FAILURE;

    if (sqlite3_open(file, &db) != SQLITE_OK || sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "two_phase: %s\n", sqlite3_errmsg(db));
        goto done;
    }
    if (ls_store_open(url, LS_NTS, NULL, &store, &err) < 0 ||
        ls_container_open(store, "visitors", LS_NTS, &visitors, &err) < 0) {
        fprintf(stderr, "two_phase: %s\n", err.message);
        goto done;
    }
    if (run(db, visitors) == 0) rc = EXIT_SUCCESS;
done:
    ls_container_free(visitors);
    ls_store_free(store);
    sqlite3_close(db);
    return rc;
}
