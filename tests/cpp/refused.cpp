// What must not compile, a number each; without a number it does.
#include <lovely_session.hpp>

#include <map>
#include <string>
#include <tuple>
#include <vector>

using lovely::Package;
using lovely::Transaction;
using lovely::Value;

// What an id is made of on the way.
struct MadeIds {
    struct Iterator {
        int at;
        std::string operator*() const { return std::to_string(at); }
        Iterator& operator++() { return ++at, *this; }
        bool operator!=(Iterator other) const { return at != other.at; }
    };
    Iterator begin() const { return {0}; }
    Iterator end() const { return {3}; }
};

// A type of JSON that holds itself.
struct Json {
    using value_type = Json;
};

void misuse(Package pkg, const lovely::Container& container) {
    (void)pkg;
    (void)container;
    (void)lovely::transact([&](Transaction&) { return pkg.get<std::string>("key"); });
    (void)lovely::transact([&](Transaction&) { return std::map<std::string, std::vector<Value>>(); });
    (void)lovely::transact([&](Transaction&) { return Json(); });
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
#elif CASE == 10  // Views in what may be absent, in lists, in pairs.
    (void)lovely::transact([&](Transaction&) { return pkg.get<std::string_view>("key"); });
#elif CASE == 11
    (void)lovely::transact([&](Transaction&) { return pkg.keys(); });
#elif CASE == 12
    (void)lovely::transact([&](Transaction&) { return std::map<std::string, lovely::ValueView>(); });
#elif CASE == 13
    (void)lovely::transact([&](Transaction&) { return std::make_tuple(1, pkg.find("key")); });
#elif CASE == 14  // Ids that are gone when they are asked for.
    Transaction().prefetch(container, MadeIds());
#endif
}
