// Stores, containers, options, the log, and what tests of programs use.
#include <cstdlib>
#include <mutex>

#include "check.hpp"

using namespace std::chrono_literals;
using lovely::ContainerOption;
using lovely::Status;
using lovely::Store;
using lovely::StoreOption;

TEST(a_store_opens_by_url_and_options) {
    const Store store("memory://options", lovely::Options().set(StoreOption::commit_timeout, 700));
    CHECK(store.name() == "memory://options");
    store.ping();
    store.resolve();
    lovely::Options options;
    options.set(StoreOption::item_limit, 1000);
    CHECK(options.get(StoreOption::item_limit) == 1000);
    THROWS(Status::range, options.set(StoreOption::connect_timeout, 0));
    THROWS(Status::argument, Store("memory://options", lovely::Options().set(StoreOption::commit_timeout, 800)));
    THROWS(Status::argument, Store("nonsense://"));
}

TEST(an_empty_url_is_a_mistake_and_no_url_is_the_default) {
    THROWS(Status::argument, Store(""));
    THROWS(Status::argument, Store{std::string_view()});
    unsetenv("LOVELY_SESSION_URL");
    CHECK(Store().name() == "memory://default");
    setenv("LOVELY_SESSION_URL", "memory://by-environment", 1);
    CHECK(Store().name() == "memory://by-environment");
}

TEST(a_store_is_found_by_the_name_that_it_was_registered_under) {
    CHECK(!Store::find("main"));
    {
        const Store store("memory://registered");
        store.register_as("main");
    }
    CHECK(Store::find("main")->name() == "memory://registered");
    CHECK(Store::unregister("main"));
    CHECK(!Store::unregister("main"));
    CHECK(!Store::find("main"));
}

TEST(counters_count) {
    const Fixture fixture;
    const auto before = fixture.store.stat(lovely::Stat::writes);
    fixture.with([](lovely::Package pkg) { pkg["key"] = 1; });
    CHECK(fixture.store.stat(lovely::Stat::writes) == before + 1);
    CHECK(fixture.store.stats_text().find("writes ") != std::string::npos);
    const auto servers = fixture.store.servers();
    for (std::size_t index = 0; index < servers.size(); ++index) {
        CHECK(fixture.store.server_stat(index, lovely::Stat::connections).value_or(0) > 0);
        CHECK(fixture.store.stats_text().find(servers[index]) != std::string::npos);
    }
    CHECK(!fixture.store.server_stat(servers.size(), lovely::Stat::writes));
}

TEST(a_container_has_options_that_its_handles_share) {
    const Fixture fixture;
    const std::string name(fixture.container.name());
    const lovely::Container other(fixture.store, name);
    fixture.container.set(ContainerOption::timeout, 30min).set(lovely::Policy::mine).set(ContainerOption::recreate, 1);
    CHECK(other.timeout() == lovely::Milliseconds(30min));
    CHECK(other.policy() == lovely::Policy::mine);
    CHECK(other.get(ContainerOption::recreate) == 1);
    CHECK(other.last_access().time_since_epoch().count() > 0);
    THROWS(Status::range, other.set(ContainerOption::timeout, -1ms));
    THROWS(Status::argument, lovely::Container(fixture.store, ""));
}

TEST(time_passes_at_once) {
    const Store store("memory://clock");
    const lovely::Container container(store, "visitors");
    lovely::transact([&](lovely::Transaction& txn) {
        txn.open(container, "a")["pkg"]["key"] = 1;
        txn.open(container, "b")["pkg"]["key"] = 1;
        txn.open(container, "c")["pkg"]["key"] = 1;
    });
    CHECK(lovely::testing::make_idle(container, "a", 2h));
    CHECK(!lovely::testing::make_idle(container, "nobody", 2h));
    CHECK(lovely::testing::drop(container, "b"));
    CHECK(!lovely::testing::drop(container, "b"));
    lovely::Transaction txn;
    CHECK(!txn.exists(container, "a"));
    CHECK(!txn.exists(container, "b"));
    CHECK(txn.exists(container, "c"));
    const auto before = lovely::testing::now(store);
    lovely::testing::advance_clock(store, 2h);
    CHECK(lovely::testing::now(store) - before >= 2h);
    CHECK(!lovely::Transaction().exists(container, "c"));
    store.flush();
    CHECK(store.stat(lovely::Stat::items) == 0);
}

// contract 6.1
TEST(a_store_that_fails_throws_and_never_looks_empty) {
    const Store store("memory://faults");
    const lovely::Container container(store, "visitors");
    lovely::testing::fail(store, lovely::testing::Fault::unavailable, LS_FAULT_OP_LOAD, 0, 1);
    lovely::Transaction txn;
    THROWS(Status::unavailable, (void)txn.open(container, "id"));
    CHECK(txn.open(container, "id").is_new());
    lovely::testing::fail(store, lovely::testing::Fault::unavailable, LS_FAULT_OP_LOAD);
    THROWS(Status::unavailable, (void)txn.open(container, "other"));
    lovely::testing::clear_faults(store);
    CHECK(txn.open(container, "other").is_new());
}

TEST(the_log_has_a_handler_which_may_throw) {
    std::mutex guard;
    std::vector<std::string> lines;
    unsetenv("LOVELY_SESSION_URL");
    lovely::set_log(lovely::LogLevel::warn, [&](lovely::LogLevel, std::string_view line) {
        const std::lock_guard<std::mutex> lock(guard);
        lines.emplace_back(line);
        throw 5;
    });
    CHECK(Store().name() == "memory://default");
    lovely::clear_log();
    const auto seen = lines.size();
    CHECK(seen <= 1);
    CHECK(Store().name() == "memory://default");
    CHECK(lines.size() == seen);
}

// ABI.md
static_assert(sizeof(ls_error) == 256 && sizeof(ls_completion) == 320);

TEST(the_version_of_the_header_is_that_of_the_library) {
    CHECK(std::string(lovely::version()) == LS_VERSION);
    CHECK(lovely::version_number() == LS_VERSION_NUMBER);
    CHECK(std::string(lovely::status_name(Status::gone)) == "LS_ERR_GONE");
}
