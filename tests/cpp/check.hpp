// What the C++ tests are written with: tests that register themselves, checks that count.
#pragma once

#include <lovely_session.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

struct Test {
    const char* name;
    void (*body)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Register {
    Register(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

#define TEST(name)                                   \
    static void name();                              \
    static const Register register_##name(#name, &name); \
    static void name()

#define CHECK(...)                                                                    \
    do {                                                                              \
        if (!(__VA_ARGS__)) {                                                         \
            ++failures();                                                             \
            std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #__VA_ARGS__);     \
        }                                                                             \
    } while (false)

// The call throws an Error of this status.
#define THROWS(expected, ...)                                                                              \
    do {                                                                                                   \
        bool thrown = false;                                                                               \
        try {                                                                                              \
            __VA_ARGS__;                                                                                   \
        } catch (const lovely::Error& error) {                                                             \
            thrown = error.status() == (expected);                                                         \
            if (!thrown) std::printf("%s\n", error.what());                                                \
        }                                                                                                  \
        if (!thrown) {                                                                                     \
            ++failures();                                                                                  \
            std::printf("%s:%d: does not throw %s: %s\n", __FILE__, __LINE__, #expected, #__VA_ARGS__);    \
        }                                                                                                  \
    } while (false)

// The store that the tests run on: the program's argument, with a container of each test's own.
inline std::string& url() {
    static std::string text = "memory://tests";
    return text;
}

// What most tests start from.
struct Fixture {
    lovely::Store store{url()};
    lovely::Container container{store, name()};

    static std::string name() {
        static int number = 0;
        return "container-" + std::to_string(++number);
    }

    // Runs the work on package "pkg" of session "id", and commits.
    template <class Work>
    void with(Work&& work) const {
        lovely::Transaction txn;
        work(txn.open(container, "id")["pkg"]);
        txn.commit();
    }
};
