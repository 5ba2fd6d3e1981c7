// Runs all tests of the files that this is linked with; an argument is the URL of the store.
#include "check.hpp"

int main(int argc, char** argv) {
    if (argc > 1) url() = argv[1];
    int passed = 0;
    int failed = 0;
    for (const Test& test : tests()) {
        failures() = 0;
        try {
            test.body();
        } catch (const std::exception& error) {
            ++failures();
            std::printf("%s: %s\n", test.name, error.what());
        }
        if (failures() == 0) {
            ++passed;
        } else {
            ++failed;
            std::printf("FAILED %s\n", test.name);
        }
    }
    std::printf("cpp: %d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
