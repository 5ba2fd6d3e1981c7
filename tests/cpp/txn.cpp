// Transactions, and work that is run again.
#include <atomic>
#include <set>
#include <thread>
#include <utility>

#include "check.hpp"

using namespace std::chrono_literals;
using lovely::Package;
using lovely::Status;
using lovely::Transaction;

static_assert(!std::is_copy_constructible_v<Transaction> && std::is_nothrow_move_constructible_v<Transaction>);
static_assert(!std::is_copy_constructible_v<lovely::Store> && std::is_nothrow_move_constructible_v<lovely::Store>);
static_assert(!std::is_copy_constructible_v<lovely::Container>);
static_assert(!std::is_copy_constructible_v<lovely::Options>);
static_assert(std::is_trivially_copyable_v<lovely::Session> && sizeof(lovely::Session) == sizeof(void*));
static_assert(std::is_trivially_copyable_v<Package> && std::is_trivially_copyable_v<lovely::ValueView>);
static_assert(std::is_nothrow_move_constructible_v<lovely::Value>);

TEST(a_transaction_that_is_not_committed_stores_nothing) {
    const Fixture fixture;
    {
        Transaction txn;
        txn.open(fixture.container, "id")["pkg"]["key"] = 1;
    }
    Transaction txn;
    CHECK(!txn.exists(fixture.container, "id"));
}

TEST(what_a_transaction_lent_stays_good_when_it_is_moved) {
    const Fixture fixture;
    Transaction txn;
    auto pkg = txn.open(fixture.container, "id")["pkg"];
    Transaction moved = std::move(txn);
    pkg["key"] = 1;
    moved.commit();
    CHECK(moved.state() == lovely::State::committed);
    // contract 2.6
    THROWS(Status::misuse, pkg.set("key", 2));
    THROWS(Status::misuse, moved.commit());
    THROWS(Status::argument, txn.commit());  // NOLINT(*-use-after-move)
}

// contract 3.1, 3.3
TEST(savepoints_are_rolled_back_to) {
    const Fixture fixture;
    Transaction txn;
    auto pkg = txn.open(fixture.container, "id")["pkg"];
    const auto first = txn.savepoint();
    pkg["key"] = 1;
    const auto second = txn.savepoint();
    pkg["key"] = 2;
    txn.rollback(second);
    CHECK(pkg.get<int>("key") == 1);
    txn.rollback(first);
    CHECK(!pkg.contains("key"));
    CHECK(txn.is_valid(first));
    CHECK(!txn.is_valid(second));
    THROWS(Status::savepoint, txn.rollback(second));
}

TEST(an_attempt_that_throws_is_rolled_back) {
    const Fixture fixture;
    Transaction txn;
    auto pkg = txn.open(fixture.container, "id")["pkg"];
    pkg["key"] = 1;
    bool caught = false;
    try {
        txn.attempt([&] {
            pkg["key"] = 2;
            throw 5;
        });
    } catch (int number) {
        caught = number == 5;
    }
    CHECK(caught);
    CHECK(pkg.get<int>("key") == 1);
    CHECK(txn.attempt([&] {
        pkg["key"] = 3;
        return 7;
    }) == 7);
    CHECK(pkg.get<int>("key") == 3);
    THROWS(Status::gone, txn.attempt([&] {
        txn.abort();
        throw lovely::Error(Status::gone, "the step's own");
    }));
}

TEST(sessions_are_created_destroyed_and_listed) {
    const Fixture fixture;
    Transaction txn;
    const auto created = txn.create(fixture.container);
    const std::string id(created.id());
    CHECK(txn.sessions().size() == 1);
    CHECK(txn.sessions().at(0).id() == id);
    txn.commit();
    CHECK(txn.sessions().empty());
    Transaction other;
    CHECK(other.exists(fixture.container, id));
    other.destroy(fixture.container, id);
    THROWS(Status::gone, (void)other.open(fixture.container, id));
    other.commit();
    Transaction third;
    CHECK(!third.exists(fixture.container, id));
}

// contract 2.5
TEST(the_report_says_what_became_of_each_session) {
    const Fixture fixture;
    Transaction txn;
    txn.open(fixture.container, "a")["pkg"]["key"] = 1;
    txn.destroy(fixture.container, "b");
    CHECK(txn.report().empty());
    txn.set(lovely::TxnOption::commit_timeout, 3000);
    CHECK(txn.get(lovely::TxnOption::commit_timeout) == 3000);
    txn.prepare();
    CHECK(txn.state() == lovely::State::prepared);
    txn.commit();
    const auto report = txn.report();
    CHECK(report.size() == 2);
    for (const auto& entry : report) {
        CHECK(entry.container == fixture.container.name());
        CHECK(entry.outcome == lovely::Outcome::stored);
        CHECK(entry.status == Status::ok);
        CHECK(entry.kind == (entry.id == "a" ? lovely::ReportKind::write : lovely::ReportKind::destroy));
        CHECK(entry.timeout == lovely::Milliseconds(1h));
    }
}

TEST(an_error_says_whether_to_run_again) {
    const Fixture fixture;
    Transaction first;
    Transaction second;
    first.open(fixture.container, "id")["pkg"]["key"] = 1;
    second.open(fixture.container, "id")["pkg"]["key"] = 2;
    first.commit();
    bool caught = false;
    try {
        second.commit();
    } catch (const lovely::Error& error) {
        caught = true;
        CHECK(error.status() == Status::conflict);
        CHECK(error.retryable());
        CHECK(error.sys_errno() == 0);
        CHECK(std::string(error.what()).find("LS_ERR_CONFLICT: ") == 0);
        // contract 6.5: names, but no id
        CHECK(std::string(error.what()).find("\"id\"") == std::string::npos);
    }
    CHECK(caught);
    CHECK(second.state() == lovely::State::failed);
}

TEST(transact_commits_and_hands_back_what_the_work_returns) {
    const Fixture fixture;
    const int found = lovely::transact([&](Transaction& txn) {
        auto pkg = txn.open(fixture.container, "id")["pkg"];
        pkg["key"] = 5;
        return pkg.get<int>("key").value();
    });
    CHECK(found == 5);
    lovely::transact(fixture.store, [&](Transaction& txn) {
        CHECK(txn.open(fixture.container, "id")["pkg"].get<int>("key") == 5);
    });
    const auto name = lovely::transact(
        fixture.store, [](Transaction&, const lovely::Store& store) { return std::string(store.name()); });
    CHECK(name == fixture.store.name());
}

TEST(transact_runs_the_work_again_after_a_conflict) {
    const Fixture fixture;
    int runs = 0;
    lovely::transact([&](Transaction& txn) {
        auto pkg = txn.open(fixture.container, "id")["pkg"];
        if (++runs < 3) fixture.with([&](Package other) { other["key"] = runs; });
        pkg["key"] = pkg.get<int>("key").value_or(0) + 100;
    });
    CHECK(runs == 3);
    fixture.with([](Package pkg) { CHECK(pkg.get<int>("key") == 102); });
}

TEST(transact_gives_up_at_the_deadline) {
    const Fixture fixture;
    int runs = 0;
    THROWS(Status::conflict, lovely::transact(
                                 [&](Transaction& txn) {
                                     auto pkg = txn.open(fixture.container, "id")["pkg"];
                                     ++runs;
                                     fixture.with([&](Package other) { other["key"] = runs; });
                                     pkg["key"] = -1;
                                 },
                                 20ms));
    CHECK(runs > 1);
    runs = 0;
    THROWS(Status::conflict, lovely::transact(
                                 [&](Transaction& txn) {
                                     auto pkg = txn.open(fixture.container, "id")["pkg"];
                                     fixture.with([&](Package other) { other["key"] = ++runs; });
                                     pkg["key"] = -2;
                                 },
                                 0ms));
    CHECK(runs == 1);
}

TEST(transact_does_not_run_again_what_is_not_retryable) {
    const Fixture fixture;
    int runs = 0;
    THROWS(Status::type, lovely::transact([&](Transaction& txn) {
               ++runs;
               auto pkg = txn.open(fixture.container, "id")["pkg"];
               pkg["key"] = "text";
               (void)pkg.get<int>("key");
           }));
    CHECK(runs == 1);
    bool caught = false;
    try {
        lovely::transact([&](Transaction& txn) {
            txn.open(fixture.container, "id")["pkg"]["key"] = 1;
            throw 5;
        });
    } catch (int) {
        caught = true;
    }
    CHECK(caught);
    Transaction txn;
    CHECK(!txn.exists(fixture.container, "id"));
}

TEST(work_may_end_its_transaction_itself) {
    const Fixture fixture;
    lovely::transact([&](Transaction& txn) {
        txn.open(fixture.container, "id")["pkg"]["key"] = 1;
        txn.abort();
    });
    lovely::transact([&](Transaction& txn) {
        CHECK(!txn.exists(fixture.container, "id"));
        txn.commit();
    });
    lovely::transact([&](Transaction& txn) {
        txn.open(fixture.container, "id")["pkg"]["key"] = 1;
        txn.prepare();
    });
    Transaction txn;
    CHECK(txn.exists(fixture.container, "id"));
}

// Each appends what nobody else does: the same change made twice would be no conflict (contract 5.2).
TEST(threads_that_append_to_one_list_lose_nothing_with_transact) {
    const Fixture fixture;
    constexpr int each = 50;
    std::vector<std::thread> threads;
    std::atomic<int> broken{0};
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            try {
                for (int turn = 0; turn < each; ++turn) {
                    lovely::transact(
                        [&](Transaction& txn) {
                            auto pkg = txn.open(fixture.container, "id")["pkg"];
                            auto list = pkg.get<lovely::Value>("list").value_or(lovely::Value::list());
                            pkg["list"] = list.push_back(thread * each + turn);
                        },
                        60s);
                }
            } catch (const std::exception& error) {
                std::printf("%s\n", error.what());
                ++broken;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(broken == 0);
    fixture.with([](Package pkg) {
        const auto list = pkg.get<std::vector<int>>("list").value();
        CHECK(list.size() == 4 * each);
        CHECK(std::set<int>(list.begin(), list.end()).size() == 4 * each);
    });
}
