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
    /* The message names the path of what JSON has not: keys of 2 bytes a character, cut at either parity. */
    for (int shift = 0; shift < 2; shift++) {
        char key[400];
        ls_value *map = NULL, *bytes = NULL;
        char *json = NULL;
        size_t length, at = 0;
        if (shift) key[at++] = 'x';
        while (at + 2 < sizeof key) {
            key[at++] = (char)0xc3;
            key[at++] = (char)0xa4;
        }
        OK(ls_value_new_map(&map, E));
        OK(ls_value_new_bytes("b", 1, &bytes, E));
        OK(ls_value_map_set(map, key, at, bytes, E));
        STATUS(LS_ERR_TYPE, ls_value_to_json(map, &json, NULL, E));
        CHECK(json == NULL);
        length = strlen(check_err.message);
        CHECK(length < LS_ERROR_MESSAGE_SIZE);
        /* Reading it back as text refuses half a character. */
        ls_value *text = NULL;
        OK(ls_value_new_text(check_err.message, length, &text, &check_err));
        ls_value_free(text);
        ls_value_free(bytes);
        ls_value_free(map);
    }
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
