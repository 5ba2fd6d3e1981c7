/*
 * A visitor signs in and out.
 *
 *   1. visit      no cookie yet: a session under a random id, which goes into the cookie
 *   2. sign_in    the session gets a new id, so that whoever planted or saw the old one is left with nothing (session fixation);
 *                 a step that may fail runs behind a savepoint, and takes nothing else down with it
 *   3. sign_out   the session is destroyed, and stays destroyed: a request that is still running cannot bring it back
 *
 *     cc -std=c11 login.c $(pkg-config --cflags --libs lovely_session) -o login
 *     ./login memcached://localhost
 *
 * Each function is what one request does: begin, open, change, commit. Without an argument it runs on a store of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lovely_session_easy.h>

/* Ids that ls_session_create() and ls_renew_id() make are 32 characters. */
struct cookie {
    char id[33];
};

/* Commits, and hands out the id that the session has from now on: a cookie is set only for what is stored. */
static int32_t commit(ls_txn *txn, ls_session *session, struct cookie *cookie, ls_error *err)
{
    const char *id = NULL;
    int32_t rc = ls_session_id(session, &id, NULL, err);
    char kept[sizeof cookie->id];

    if (rc < 0) return rc;
    snprintf(kept, sizeof kept, "%s", id);
    rc = ls_txn_commit(txn, err);
    if (rc == LS_OK) memcpy(cookie->id, kept, sizeof kept);
    return rc;
}

static int32_t visit(const ls_container *visitors, struct cookie *cookie, ls_error *err)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *cart = NULL;
    int32_t rc;

    if ((rc = ls_txn_begin(&txn, err)) < 0) goto done;
    if ((rc = ls_session_create(txn, visitors, &session, err)) < 0) goto done;
    if ((rc = ls_open_pkg(session, "cart", &cart, err)) < 0) goto done;
    if ((rc = ls_add(cart, "apples", 3, NULL, err)) < 0) goto done;
    rc = commit(txn, session, cookie, err);
done:
    ls_txn_free(txn);
    return rc;
}

/* Something that changes the session and may fail half-way: here it does. */
static bool apply_voucher(ls_pkg *cart, ls_error *err)
{
    if (ls_add(cart, "free pears", 1, NULL, err) < 0) return false;
    return false;
}

static int32_t sign_in(const ls_container *visitors, struct cookie *cookie, const char *user, ls_error *err)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *shop = NULL, *cart = NULL;
    uint64_t before_voucher = 0;
    int32_t rc;

    if ((rc = ls_txn_begin(&txn, err)) < 0) goto done;
    if ((rc = ls_open_session(txn, visitors, cookie->id, &session, err)) < 0) goto done;
    /* The id of the cookie is not known (any more): never take it over, make one. */
    if (ls_session_is_new(session) && (rc = ls_session_create(txn, visitors, &session, err)) < 0) goto done;
    /* What was put into the cart before signing in stays; only the id is another. */
    if ((rc = ls_renew_id(session, err)) < 0) goto done;
    if ((rc = ls_open_pkg(session, "shop", &shop, err)) < 0) goto done;
    if ((rc = ls_open_pkg(session, "cart", &cart, err)) < 0) goto done;
    if ((rc = ls_put(shop, "user", user, err)) < 0) goto done;

    if ((rc = ls_txn_savepoint(txn, &before_voucher, err)) < 0) goto done;
    if (!apply_voucher(cart, err)) {
        printf("the voucher is not valid: signing in goes on without it\n");
        if ((rc = ls_txn_rollback(txn, before_voucher, err)) < 0) goto done;
    }
    rc = commit(txn, session, cookie, err);
done:
    ls_txn_free(txn);
    return rc;
}

static int32_t sign_out(const ls_container *visitors, struct cookie *cookie, ls_error *err)
{
    ls_txn *txn = NULL;
    int32_t rc;

    if ((rc = ls_txn_begin(&txn, err)) < 0) goto done;
    if ((rc = ls_destroy_session(txn, visitors, cookie->id, err)) < 0) goto done;
    rc = ls_txn_commit(txn, err);
done:
    ls_txn_free(txn);
    return rc;
}

/* What a page would show to whoever presents this id. Reading stores nothing, also for an id that nobody has. */
static int32_t show(const ls_container *visitors, const char *who, const char *id, ls_error *err)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *shop = NULL, *cart = NULL;
    const char *user = "nobody";
    const ls_value *content = NULL;
    int32_t rc;

    if ((rc = ls_txn_begin(&txn, err)) < 0) goto done;
    if ((rc = ls_open_session(txn, visitors, id, &session, err)) < 0) goto done;
    if ((rc = ls_open_pkg(session, "shop", &shop, err)) < 0) goto done;
    if ((rc = ls_open_pkg(session, "cart", &cart, err)) < 0) goto done;
    /* LS_NOT_FOUND is an answer: the variable is NULL then. */
    if ((rc = ls_get(shop, "user", &user, err)) < 0) goto done;
    if ((rc = ls_pkg_content(cart, &content, err)) < 0) goto done;
    printf("%s: %s is signed in", who, user != NULL ? user : "nobody");
    ls_for_map (item, count, content) {
        int64_t number = 0;
        if ((rc = ls_value_as_i64(count, &number, err)) < 0) goto done;
        printf(", %" PRId64 " %s", number, item);
    }
    printf("\n");
done:
    ls_txn_free(txn);
    return rc;
}

int main(int argc, char **argv)
{
    ls_error err = {0};
    ls_store *store = NULL;
    ls_container *visitors = NULL;
    ls_txn *late = NULL;
    ls_session *session = NULL;
    ls_pkg *cart = NULL;
    struct cookie cookie = {""}, old = {""};
    int rc = EXIT_FAILURE;

    ls_try(ls_open_store(argc > 1 ? argv[1] : "memory://login", &store, &err), done);
    ls_try(ls_open_container(store, "visitors", &visitors, &err), done);

    ls_try(visit(visitors, &cookie, &err), done);
    ls_try(show(visitors, "a new visitor", cookie.id, &err), done);

    old = cookie;
    ls_try(sign_in(visitors, &cookie, "ann", &err), done);
    printf("the id is %s\n", strcmp(old.id, cookie.id) != 0 ? "another one" : "the same");
    ls_try(show(visitors, "the new id", cookie.id, &err), done);
    ls_try(show(visitors, "the old id", old.id, &err), done);

    /* A slow request opens the session, the visitor signs out meanwhile, and then the slow one commits. */
    ls_try(ls_txn_begin(&late, &err), done);
    ls_try(ls_open_session(late, visitors, cookie.id, &session, &err), done);
    ls_try(ls_open_pkg(session, "cart", &cart, &err), done);
    ls_try(ls_add(cart, "plums", 1, NULL, &err), done);
    ls_try(sign_out(visitors, &cookie, &err), done);
    if (ls_txn_commit(late, &err) != LS_ERR_GONE) goto done;
    printf("the late request: %s\n", ls_status_name(err.status));
    ls_try(show(visitors, "after signing out", cookie.id, &err), done);
    rc = EXIT_SUCCESS;
done:
    if (rc != EXIT_SUCCESS) ls_perror("login", &err);
    ls_txn_free(late);
    ls_container_free(visitors);
    ls_store_free(store);
    return rc;
}
