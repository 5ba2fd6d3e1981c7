/* Statuses, ls_error, versions. */
#include "check.h"

TEST(an_error_is_256_bytes) {
    CHECK(sizeof(ls_error) == 256);
    CHECK(offsetof(ls_error, status) == 0);
    CHECK(offsetof(ls_error, sys_errno) == 4);
    CHECK(offsetof(ls_error, flags) == 8);
    CHECK(offsetof(ls_error, message) == 12);
    CHECK(sizeof(check_err.message) == LS_ERROR_MESSAGE_SIZE);
}

TEST(statuses_keep_their_numbers) {
    CHECK(LS_OK == 0 && LS_NOT_FOUND == 1);
    CHECK(LS_ERR_ARGUMENT == -10 && LS_ERR_MISUSE == -11 && LS_ERR_TYPE == -12 && LS_ERR_TOO_LARGE == -13);
    CHECK(LS_ERR_RANGE == -14 && LS_ERR_UNSUPPORTED == -15 && LS_ERR_SAVEPOINT == -16);
    CHECK(LS_ERR_UNAVAILABLE == -20 && LS_ERR_TIMEOUT == -21 && LS_ERR_PROTOCOL == -22);
    CHECK(LS_ERR_UNKNOWN == -23 && LS_ERR_CANCELLED == -24 && LS_ERR_CORRUPT == -30);
    CHECK(LS_ERR_CONFLICT == -40 && LS_ERR_GONE == -41 && LS_ERR_PARTIAL == -42 && LS_ERR_FAILED == -43);
    CHECK(LS_ERR_LOST == -44 && LS_ERR_PANIC == -90);
}

TEST(statuses_have_names) {
    CHECK(strcmp(ls_status_name(LS_OK), "LS_OK") == 0);
    CHECK(strcmp(ls_status_name(LS_NOT_FOUND), "LS_NOT_FOUND") == 0);
    CHECK(strcmp(ls_status_name(LS_ERR_CONFLICT), "LS_ERR_CONFLICT") == 0);
    CHECK(strcmp(ls_status_name(LS_ERR_PANIC), "LS_ERR_PANIC") == 0);
    CHECK(strcmp(ls_status_name(12345), "unknown status") == 0);
    CHECK(strcmp(ls_status_name(INT32_MIN), "unknown status") == 0);
}

TEST(header_and_library_have_one_version) {
    CHECK(strcmp(ls_version(), LS_VERSION) == 0);
    CHECK(ls_version_number() == LS_VERSION_NUMBER);
}

TEST(an_error_need_not_be_there) {
    ls_value *value = NULL;
    CHECK(ls_value_new_i64(1, &value, NULL) == LS_OK);
    CHECK(ls_value_list_push(value, value, NULL) == LS_ERR_TYPE);
    CHECK(ls_txn_begin(NULL, NULL) == LS_ERR_ARGUMENT);
    ls_value_free(value);
}

TEST(success_clears_what_the_error_said) {
    ls_error err;
    ls_value *value = NULL;
    memset(&err, 0x5a, sizeof err);
    CHECK(ls_value_new_null(NULL, &err) == LS_ERR_ARGUMENT);
    CHECK(err.status == LS_ERR_ARGUMENT && err.message[0] != 0 && err.flags == 0 && err.sys_errno == 0);
    CHECK(ls_value_new_null(&value, &err) == LS_OK);
    CHECK(err.status == LS_OK && err.message[0] == 0 && err.flags == 0 && err.sys_errno == 0);
    ls_value_free(value);
}

TEST(a_message_that_is_too_long_is_cut_between_characters) {
    /* A message that shows a long name in characters of 4 bytes, so shifted that the cut comes at each place in one. */
    ls_store *store = NULL, *other = NULL;
    OK(ls_store_open("memory://long-a", LS_NTS, NULL, &store, E));
    OK(ls_store_open("memory://long-b", LS_NTS, NULL, &other, E));
    for (size_t shift = 0; shift < 4; shift++) {
        char name[404];
        size_t length = shift;
        ls_value *text = NULL;
        ls_error err;
        memset(name, 'x', shift);
        for (; length < 4 * 97 + shift; length += 4) memcpy(name + length, "\xf0\x9f\x98\x80", 4);
        OK(ls_store_register(store, name, length, E));
        STATUS(LS_ERR_ARGUMENT, ls_store_register(other, name, length, E));
        CHECK(strlen(check_err.message) > LS_ERROR_MESSAGE_SIZE - 5);
        /* Half a character would not be UTF-8. */
        CHECK(ls_value_new_text(check_err.message, LS_NTS, &text, &err) == LS_OK);
        ls_value_free(text);
        OK(ls_store_unregister(name, length, E));
    }
    ls_store_free(other);
    ls_store_free(store);
}

TEST(freeing_null_is_nothing) {
    ls_options_free(NULL);
    ls_store_free(NULL);
    ls_container_free(NULL);
    ls_txn_free(NULL);
    ls_value_free(NULL);
    ls_text_free(NULL);
}

int main(void) {
    RUN(an_error_is_256_bytes);
    RUN(statuses_keep_their_numbers);
    RUN(statuses_have_names);
    RUN(header_and_library_have_one_version);
    RUN(an_error_need_not_be_there);
    RUN(success_clears_what_the_error_said);
    RUN(a_message_that_is_too_long_is_cut_between_characters);
    RUN(freeing_null_is_nothing);
    return check_done("error");
}
