// Packages and sessions.
#include <limits>
#include <map>

#include "check.hpp"

using namespace std::string_literals;
using namespace std::string_view_literals;
using namespace std::chrono_literals;
using lovely::Package;
using lovely::Status;
using lovely::Type;
using lovely::Value;

TEST(what_was_set_is_got_in_the_same_and_in_the_next_transaction) {
    const Fixture fixture;
    fixture.with([](Package pkg) {
        pkg["null"] = nullptr;
        pkg["bool"] = true;
        pkg["int"] = std::numeric_limits<std::int64_t>::min();
        pkg["unsigned"] = 7u;
        pkg["float"] = 1.5;
        pkg["text"] = "text";
        pkg["string"] = "a\0b"s;
        pkg["bytes"] = lovely::BytesView("a\0b"sv);
        pkg["list"] = std::vector<int>{1, 2};
        pkg["map"] = Value::map({{"a", Value::list({1})}});
        pkg[""] = "empty key";
    });
    fixture.with([](Package pkg) {
        CHECK(pkg.size() == 11);
        CHECK(pkg.find("null")->is_null());
        CHECK(pkg.get<bool>("bool") == true);
        CHECK(pkg.get<std::int64_t>("int") == std::numeric_limits<std::int64_t>::min());
        THROWS(Status::range, (void)pkg.get<int>("int"));
        CHECK(pkg.get<unsigned>("unsigned") == 7u);
        CHECK(pkg.get<double>("float") == 1.5);
        CHECK(pkg.get<float>("float") == 1.5F);
        CHECK(pkg.get<std::string>("text") == "text");
        CHECK(pkg.get<std::string_view>("string") == "a\0b"sv);
        CHECK(pkg.get<lovely::Bytes>("bytes") == lovely::BytesView("a\0b"sv).copy());
        CHECK(pkg.get<lovely::BytesView>("bytes") == lovely::BytesView("a\0b"sv));
        CHECK((pkg.get<std::vector<int>>("list") == std::vector<int>{1, 2}));
        CHECK(pkg.get<Value>("map")->to_json() == R"({"a":[1]})");
        CHECK(pkg[""].get<std::string>() == "empty key");
        CHECK(pkg.type("bytes") == Type::bytes);
        CHECK(pkg.name() == "pkg");
    });
}

TEST(an_absent_key_is_empty_and_not_null) {
    const Fixture fixture;
    fixture.with([](Package pkg) {
        pkg["null"] = nullptr;
        CHECK(!pkg.get<int>("absent"));
        CHECK(!pkg.get<std::string>("absent"));
        CHECK(!pkg.get<lovely::Bytes>("absent"));
        CHECK(!pkg.get<Value>("absent"));
        CHECK(!pkg.get<bool>("absent"));
        CHECK(!pkg.get<double>("absent"));
        CHECK(!pkg.find("absent"));
        CHECK(!pkg.type("absent"));
        CHECK(!pkg.contains("absent"));
        CHECK(pkg.contains("null"));
        CHECK(pkg["null"].exists());
        CHECK(pkg.get<std::optional<int>>("null").has_value());
        CHECK(!pkg.get<std::optional<int>>("null").value());
        THROWS(Status::type, (void)pkg.get<int>("null"));
    });
}

TEST(keys_are_deleted_replaced_and_walked) {
    const Fixture fixture;
    fixture.with([](Package pkg) {
        pkg.update(Value::map({{"b", 2}, {"a", 1}}));
        CHECK((pkg.keys() == std::vector<std::string_view>{"a", "b"}));
        std::string seen;
        for (const auto& [key, value] : pkg) {
            seen += std::string(key) + std::to_string(value.as<int>());
            // The walk is over a snapshot.
            pkg.set("c", 3);
        }
        CHECK(seen == "a1b2");
        CHECK(pkg.erase("a"));
        CHECK(!pkg.erase("a"));
        CHECK(pkg["b"].erase());
        pkg.replace(Value::map({{"d", 4}}));
        CHECK((pkg.keys() == std::vector<std::string_view>{"d"}));
        CHECK(pkg.content().find("d")->as<int>() == 4);
        pkg.clear();
        CHECK(pkg.empty());
        THROWS(Status::type, pkg.replace(1));
    });
}

// contract 5.4
TEST(counters_of_concurrent_transactions_add_up) {
    const Fixture fixture;
    lovely::Transaction first;
    lovely::Transaction second;
    auto a = first.open(fixture.container, "id")["pkg"];
    auto b = second.open(fixture.container, "id")["pkg"];
    CHECK(a.add("count") == 1);
    CHECK((b["count"] += 2) == 2);
    first.commit();
    second.commit();
    fixture.with([](Package pkg) { CHECK(pkg.get<int>("count") == 3); });
}

TEST(packages_are_peeked_listed_walked_and_deleted) {
    const Fixture fixture;
    lovely::Transaction txn;
    auto session = txn.open(fixture.container, "id");
    CHECK(!session.peek("a"));
    session["b"]["key"] = 1;
    session["a"]["key"] = 1;
    CHECK(session.peek("a").has_value());
    CHECK((session.package_names() == std::vector<std::string_view>{"a", "b"}));
    std::string names;
    for (Package pkg : session) names += pkg.name();
    CHECK(names == "ab");
    CHECK(session.content().find("a")->get<int>("key") == 1);
    CHECK(session.erase("a"));
    CHECK(!session.erase("a"));
    session.clear();
    CHECK(session.package_names().empty());
}

TEST(a_session_tells_its_times_and_takes_others) {
    const Fixture fixture;
    fixture.container.set(lovely::ContainerOption::max_timeout, 2h);
    lovely::Transaction txn;
    auto session = txn.open(fixture.container, "id");
    CHECK(session.is_new());
    CHECK(session.id() == "id");
    CHECK(lovely::testing::now(fixture.store) - session.created() < 1h);
    CHECK(session.accessed() >= session.created());
    CHECK(!session.timeout());
    session.set_timeout(90min);
    CHECK(session.timeout() == lovely::Milliseconds(90min));
    session.clear_timeout();
    CHECK(!session.timeout());
    CHECK(!session.deadline());
    const auto deadline = lovely::testing::now(fixture.store) + 24h;
    session.set_deadline(deadline);
    CHECK(session.deadline() == deadline);
    session.clear_deadline();
    CHECK(!session.deadline());
    THROWS(Status::range, session.set_timeout(3h));
}

TEST(a_session_gets_a_new_id_and_the_old_one_is_gone) {
    const Fixture fixture;
    fixture.with([](Package pkg) { pkg["user"] = "ann"; });
    std::string id;
    {
        lovely::Transaction txn;
        auto session = txn.open(fixture.container, "id");
        session.regenerate();
        id = session.id();
        txn.commit();
    }
    CHECK(id.size() == 32);
    lovely::Transaction txn;
    CHECK(!txn.exists(fixture.container, "id"));
    CHECK(txn.open(fixture.container, id)["pkg"].get<std::string>("user") == "ann");
    auto session = txn.open(fixture.container, id);
    session.regenerate("chosen");
    CHECK(session.id() == "chosen");
}
