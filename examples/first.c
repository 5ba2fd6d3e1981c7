#include <inttypes.h>
#include <stdio.h>
#include "lovely_session.h"

int main(void)
{
    ls_error err = {0};
    ls_store *store = NULL;
    ls_container *visitors = NULL;
    ls_txn *txn = NULL;
    ls_session *session = NULL;
    ls_pkg *cart = NULL;
    int64_t items = 0;
    int rc = 1;

    if (ls_store_open("memory://shop", LS_NTS, NULL, &store, &err) < 0) goto done;
    if (ls_container_open(store, "visitors", LS_NTS, &visitors, &err) < 0) goto done;
    if (ls_txn_begin(&txn, &err) < 0) goto done;
    if (ls_session_get(txn, visitors, "id from the cookie", LS_NTS, &session, &err) < 0) goto done;
    if (ls_session_pkg(session, "cart", LS_NTS, &cart, &err) < 0) goto done;
    if (ls_pkg_add(cart, "items", LS_NTS, 1, &items, &err) < 0) goto done;
    if (ls_txn_commit(txn, &err) < 0) goto done;
    printf("items in the cart: %" PRId64 "\n", items);
    rc = 0;
done:
    if (rc != 0) fprintf(stderr, "%s: %s\n", ls_status_name(err.status), err.message);
    ls_txn_free(txn);
    ls_container_free(visitors);
    ls_store_free(store);
    return rc;
}
