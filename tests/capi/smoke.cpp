// The header from C++: it compiles, links, and enumerators are plain constants.
#include "lovely_session.h"

#include <cstdio>
#include <cstring>

int main() {
    ls_error err;
    ls_value *value = nullptr;
    int64_t number = 0;
    const bool works = std::strcmp(ls_version(), LS_VERSION) == 0 && ls_value_new_i64(42, &value, &err) == LS_OK &&
                       ls_value_as_i64(value, &number, &err) == LS_OK && number == 42 &&
                       ls_value_type(value) == LS_TYPE_I64 &&
                       ls_value_list_push(value, value, &err) == LS_ERR_TYPE && err.status == LS_ERR_TYPE;
    ls_value_free(value);
    std::printf("smoke: %d passed, %d failed\n", works ? 1 : 0, works ? 0 : 1);
    return works ? 0 : 1;
}
