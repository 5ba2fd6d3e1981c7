// As program.c: what somebody would write in C++ who found the installed library.
#include <cstdio>
#include <lovely_session.hpp>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        const lovely::Store store(argv[1]);
        const lovely::Container visitors(store, "visitors");
        const auto visit = [&](lovely::Transaction& txn) { return txn.open(visitors, "somebody")["visits"].add("count"); };
        lovely::transact(visit);
        std::printf("%s %d\n", lovely::version(), static_cast<int>(lovely::transact(visit)));
        return 0;
    } catch (const lovely::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
