/*
 * What somebody would write who found the installed library: adds to a counter in one transaction and reads it in another, on
 * the store that is given.
 */
#include <inttypes.h>
#include <stdio.h>

#include <lovely_session.h>

static int add(const ls_container *visitors, int64_t *sum, ls_error *err)
{
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *pkg = NULL;
    int32_t rc;

    if ((rc = ls_txn_begin(&txn, err)) < 0) goto done;
    if ((rc = ls_session_get(txn, visitors, "somebody", LS_NTS, &session, err)) < 0) goto done;
    if ((rc = ls_session_pkg(session, "visits", LS_NTS, &pkg, err)) < 0) goto done;
    if ((rc = ls_pkg_add(pkg, "count", LS_NTS, 1, sum, err)) < 0) goto done;
    rc = ls_txn_commit(txn, err);
done:
    ls_txn_free(txn);
    return rc;
}

int main(int argc, char **argv)
{
    ls_error err = {0};
    ls_store *store = NULL;
    ls_container *visitors = NULL;
    int64_t sum = 0;
    int rc = 1;

    if (argc != 2) return 2;
    if (ls_store_open(argv[1], LS_NTS, NULL, &store, &err) < 0) goto done;
    if (ls_container_open(store, "visitors", LS_NTS, &visitors, &err) < 0) goto done;
    if (add(visitors, &sum, &err) < 0 || add(visitors, &sum, &err) < 0) goto done;
    printf("%s %" PRId64 "\n", ls_version(), sum);
    rc = 0;
done:
    if (rc != 0) fprintf(stderr, "%s: %s\n", ls_status_name(err.status), err.message);
    ls_container_free(visitors);
    ls_store_free(store);
    return rc;
}
