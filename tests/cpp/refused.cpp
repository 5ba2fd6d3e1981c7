// What must not compile, a number each; without a number it does.
#include <lovely_session.hpp>

using lovely::Package;
using lovely::Transaction;
using lovely::Value;

void misuse(Package pkg, const lovely::Container& container) {
    (void)pkg;
    (void)container;
#if CASE == 1  // An entry that is kept.
    auto entry = pkg["key"];
    entry = 3;
#elif CASE == 2  // Text, or the number 97?
    pkg["key"] = 'a';
#elif CASE == 3  // A view that dies with the transaction.
    (void)lovely::transact([&](Transaction& txn) { return txn.open(container, "id"); });
#elif CASE == 4
    (void)lovely::transact([&](Transaction&) { return pkg.get<std::string_view>("key").value(); });
#elif CASE == 5  // The items of a temporary.
    for (auto item : Value::list({1}).items()) (void)item;
#elif CASE == 6  // A handle that is copied.
    Transaction first;
    Transaction second = first;
#elif CASE == 7  // A type that no value has.
    struct Unknown {};
    pkg["key"] = Unknown{};
#elif CASE == 8  // A number that is taken for a savepoint.
    Transaction().rollback(5);
#elif CASE == 9  // What is there may be absent.
    const int number = pkg.get<int>("key");
    (void)number;
#endif
}
