/* Containers and their options. */
#include "fixture.h"

static int64_t get(ls_container *container, int32_t option) {
    int64_t value = -99;
    OK(ls_container_get(container, option, &value, E));
    return value;
}

TEST(a_container_starts_with_the_defaults) {
    fixture f = fixture_new();
    CHECK(get(f.container, LS_CONTAINER_TIMEOUT) == 3600000);
    CHECK(get(f.container, LS_CONTAINER_RESOLUTION) == 300000);
    CHECK(get(f.container, LS_CONTAINER_MAX_TIMEOUT) == 3600000);
    CHECK(get(f.container, LS_CONTAINER_LIFETIME) == 0);
    CHECK(get(f.container, LS_CONTAINER_POLICY) == LS_POLICY_MERGE);
    CHECK(get(f.container, LS_CONTAINER_RECREATE) == 0);
    fixture_free(&f);
}

TEST(options_are_shared_by_all_handles) {
    fixture f = fixture_new();
    ls_container *other = NULL, *different = NULL;
    OK(ls_container_open(f.store, "container", LS_NTS, &other, E));
    OK(ls_container_open(f.store, "different", LS_NTS, &different, E));
    OK(ls_container_set(f.container, LS_CONTAINER_TIMEOUT, 1000, E));
    CHECK(get(other, LS_CONTAINER_TIMEOUT) == 1000);
    CHECK(get(different, LS_CONTAINER_TIMEOUT) == 3600000);
    ls_container_free(different);
    ls_container_free(other);
    fixture_free(&f);
}

TEST(options_outside_what_they_may_be_are_refused) {
    fixture f = fixture_new();
    int64_t value = 7;
    STATUS(LS_ERR_RANGE, ls_container_set(f.container, LS_CONTAINER_TIMEOUT, -1, E));
    STATUS(LS_ERR_RANGE, ls_container_set(f.container, LS_CONTAINER_TIMEOUT, INT64_MAX, E));
    STATUS(LS_ERR_RANGE, ls_container_set(f.container, LS_CONTAINER_RESOLUTION, INT64_MIN, E));
    STATUS(LS_ERR_RANGE, ls_container_set(f.container, LS_CONTAINER_LIFETIME, -1, E));
    STATUS(LS_ERR_ARGUMENT, ls_container_set(f.container, LS_CONTAINER_POLICY, 4, E));
    STATUS(LS_ERR_ARGUMENT, ls_container_set(f.container, LS_CONTAINER_RECREATE, 2, E));
    FAILS(LS_ERR_ARGUMENT, "7", ls_container_set(f.container, 7, 0, E));
    FAILS(LS_ERR_ARGUMENT, "-1", ls_container_get(f.container, -1, &value, E));
    CHECK(value == 7 && get(f.container, LS_CONTAINER_TIMEOUT) == 3600000);
    /* Contract 4.2: more than 30 days works, and so does a date past 2038. */
    OK(ls_container_set(f.container, LS_CONTAINER_TIMEOUT, INT64_C(30) * 365 * 86400 * 1000, E));
    OK(ls_container_set(f.container, LS_CONTAINER_TIMEOUT, 0, E));
    fixture_free(&f);
}

TEST(a_container_has_its_name_as_it_was_given) {
    fixture f = fixture_new();
    ls_container *container = NULL;
    const char *name = NULL, *again = NULL;
    size_t length;
    OK(ls_container_open(f.store, "a/b \xc3\xa4\0c", 8, &container, E));
    OK(ls_container_name(container, &name, &length, E));
    CHECK(length == 8 && memcmp(name, "a/b \xc3\xa4\0c", 9) == 0);
    OK(ls_container_name(container, &again, NULL, E));
    CHECK(again == name);
    ls_container_free(container);
    fixture_free(&f);
}

TEST(names_end_at_100_characters_as_they_are_encoded) {
    fixture f = fixture_new();
    ls_container *container = NULL;
    char name[102];
    memset(name, 'n', sizeof name);
    OK(ls_container_open(f.store, name, 100, &container, E));
    ls_container_free(container);
    FAILS(LS_ERR_TOO_LARGE, "100", ls_container_open(f.store, name, 101, &container, E));
    CHECK(container == NULL);
    memset(name, '/', sizeof name);
    OK(ls_container_open(f.store, name, 33, &container, E));
    ls_container_free(container);
    STATUS(LS_ERR_TOO_LARGE, ls_container_open(f.store, name, 34, &container, E));
    STATUS(LS_ERR_ARGUMENT, ls_container_open(f.store, "", 0, &container, E));
    FAILS(LS_ERR_ARGUMENT, "`name`", ls_container_open(f.store, "\xff", 1, &container, E));
    fixture_free(&f);
}

TEST(the_last_access_is_told) {
    fixture f = fixture_new();
    int64_t before = 0, after = 0, now = 0;
    OK(ls_container_last_access(f.container, &before, E));
    OK(ls_test_clock_advance(f.store, 600000, E));
    ls_txn_free(f.txn);
    fixture_begin(&f);
    OK(ls_container_last_access(f.container, &after, E));
    OK(ls_test_clock_now(f.store, &now, E));
    CHECK(after - before >= 599000 && now - after < 300000);
    fixture_free(&f);
}

TEST(nulls_are_refused_by_name) {
    fixture f = fixture_new();
    ls_container *container = (ls_container *)1;
    const char *name;
    int64_t value;
    NULL_IS_REFUSED("store", ls_container_open(NULL, "n", 1, &container, E));
    CHECK(container == NULL);
    NULL_IS_REFUSED("name", ls_container_open(f.store, NULL, 1, &container, E));
    NULL_IS_REFUSED("out", ls_container_open(f.store, "n", 1, NULL, E));
    NULL_IS_REFUSED("container", ls_container_name(NULL, &name, NULL, E));
    NULL_IS_REFUSED("out", ls_container_name(f.container, NULL, NULL, E));
    NULL_IS_REFUSED("container", ls_container_set(NULL, LS_CONTAINER_TIMEOUT, 1, E));
    NULL_IS_REFUSED("container", ls_container_get(NULL, LS_CONTAINER_TIMEOUT, &value, E));
    NULL_IS_REFUSED("out", ls_container_get(f.container, LS_CONTAINER_TIMEOUT, NULL, E));
    NULL_IS_REFUSED("container", ls_container_last_access(NULL, &value, E));
    NULL_IS_REFUSED("out_ms", ls_container_last_access(f.container, NULL, E));
    fixture_free(&f);
}

int main(void) {
    RUN(a_container_starts_with_the_defaults);
    RUN(options_are_shared_by_all_handles);
    RUN(options_outside_what_they_may_be_are_refused);
    RUN(a_container_has_its_name_as_it_was_given);
    RUN(names_end_at_100_characters_as_they_are_encoded);
    RUN(the_last_access_is_told);
    RUN(nulls_are_refused_by_name);
    return check_done("container");
}
