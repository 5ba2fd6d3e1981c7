/*
 * Proof that the tools are on: each argument makes one mistake that a tool has to end the program for. run.sh fails if
 * it does not.
 */
#include <limits.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lovely_session.h"

int main(int argc, char **argv) {
    const char *mistake = argc > 1 ? argv[1] : "";
    if (strcmp(mistake, "overflow") == 0) {
        /* Of a size that the compiler does not know: it is ASan that has to see it. */
        size_t size = (size_t)argc * 4;
        volatile char *bytes = malloc(size);
        bytes[size] = 1;
    } else if (strcmp(mistake, "lent") == 0) {
        /* Text that the library lent, read after its owner was freed. */
        ls_value *value = NULL;
        const char *text = NULL;
        if (ls_value_new_text("lent", LS_NTS, &value, NULL) != LS_OK) return 2;
        if (ls_value_as_text(value, &text, NULL, NULL) != LS_OK) return 2;
        ls_value_free(value);
        printf("%c\n", *(volatile const char *)text);
    } else if (strcmp(mistake, "leak") == 0) {
        /* Many: of the last one or two a register may still know. */
        for (int i = 0; i < 100; i++) {
            ls_value *value = NULL;
            if (ls_value_new_list(&value, NULL) != LS_OK) return 2;
        }
    } else if (strcmp(mistake, "undefined") == 0) {
        volatile int number = INT_MAX;
        number = number + 1;
    } else {
        return 2;
    }
    return 0;
}
