// Queues: what is started comes out once, as the call that waits would have ended.
#include <poll.h>

#include <map>

#include "check.hpp"

using namespace std::chrono_literals;
using lovely::Completion;
using lovely::Operation;
using lovely::Queue;
using lovely::Status;
using lovely::Transaction;

namespace {

// Waits for one operation, which has to be the one that is given.
Completion finish(const Queue& queue, Operation operation) {
    Completion done;
    CHECK(queue.wait(&done, 1, 10s) == 1);
    CHECK(done.operation() == operation);
    return done;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<Queue> && std::is_nothrow_move_constructible_v<Queue>);

TEST(a_session_is_opened_changed_and_committed_on_a_queue) {
    const Fixture fixture;
    const Queue queue;
    {
        Transaction txn;
        const auto done = finish(queue, queue.open(txn, fixture.container, "id", 7));
        CHECK(done.tag() == 7);
        CHECK(done.status() == Status::ok);
        done.session()["pkg"]["key"] = 1;
        CHECK(finish(queue, queue.prepare(txn)).check());
        CHECK(txn.state() == lovely::State::prepared);
        const auto committed = finish(queue, queue.commit(txn, 8));
        CHECK(committed.tag() == 8);
        CHECK(committed.check());
        THROWS(Status::misuse, (void)committed.session());
        CHECK(txn.report().size() == 1);
    }
    fixture.with([](lovely::Package pkg) { CHECK(pkg.get<int>("key") == 1); });
}

TEST(what_was_not_found_is_an_answer_and_what_failed_throws) {
    const Fixture fixture;
    const Queue queue;
    Transaction txn;
    const auto nobody = finish(queue, queue.exists(txn, fixture.container, "nobody"));
    CHECK(nobody.status() == Status::not_found);
    CHECK(!nobody.check());
    txn.destroy(fixture.container, "id");
    const auto gone = finish(queue, queue.open(txn, fixture.container, "id"));
    THROWS(Status::gone, gone.check());
    THROWS(Status::gone, (void)gone.session());
}

TEST(many_sessions_are_opened_at_once) {
    const Fixture fixture;
    const Queue queue;
    const std::vector<std::string> ids{"a", "b", "c"};
    Transaction txn;
    CHECK(finish(queue, queue.prefetch(txn, fixture.container, ids)).check());
    CHECK(txn.sessions().size() == 3);
    txn.prefetch(fixture.container, {"d", "a"});
    CHECK(txn.sessions().size() == 4);
    txn.prefetch(fixture.container, std::vector<std::string_view>{"e"});
    CHECK(txn.sessions().size() == 5);
    const auto requests = fixture.store.stat(lovely::Stat::requests);
    CHECK(txn.open(fixture.container, "e").is_new());
    CHECK(fixture.store.stat(lovely::Stat::requests) == requests);
}

TEST(a_transaction_takes_no_call_until_its_operation_is_handed_out) {
    const Fixture fixture;
    const Queue queue;
    Transaction txn;
    const auto operation = queue.open(txn, fixture.container, "id");
    THROWS(Status::misuse, (void)txn.savepoint());
    THROWS(Status::misuse, queue.commit(txn));
    (void)finish(queue, operation);
    CHECK(txn.is_valid(txn.savepoint()));
}

TEST(destroying_a_transaction_cancels_its_operation) {
    const Fixture fixture;
    const Queue queue;
    Operation operation{};
    {
        Transaction txn;
        operation = queue.open(txn, fixture.container, "id");
    }
    const auto done = finish(queue, operation);
    THROWS(done.status() == Status::ok ? Status::misuse : done.status(), (void)done.session());
}

TEST(an_operation_is_cancelled) {
    const Fixture fixture;
    const Queue queue;
    Transaction txn;
    const auto operation = queue.open(txn, fixture.container, "id");
    queue.cancel(operation);
    const auto done = finish(queue, operation);
    CHECK(done.status() == Status::cancelled || done.status() == Status::ok);
    queue.cancel(operation);
    CHECK(queue.wait(0ms).empty());
}

TEST(the_descriptor_is_readable_when_there_is_something_to_do) {
    const Fixture fixture;
    const Queue queue;
    queue.set(lovely::QueueOption::cork, 1);
    CHECK(queue.get(lovely::QueueOption::cork) == 1);
    std::vector<Transaction> txns(10);
    std::map<std::uint64_t, int> seen;
    for (std::size_t at = 0; at < txns.size(); ++at) {
        (void)queue.open(txns.at(at), fixture.container, "id-" + std::to_string(at), at);
    }
    queue.flush();
    while (seen.size() < txns.size()) {
        pollfd watched{queue.fd(), POLLIN, 0};
        CHECK(poll(&watched, 1, 10000) == 1);
        for (const auto& done : queue.wait(0ms, 3)) {
            CHECK(done.session().is_new());
            ++seen[done.tag()];
        }
        if (failures() != 0) return;
    }
    for (const auto& [tag, times] : seen) CHECK(times == 1 && tag < txns.size());
    THROWS(Status::range, queue.set(lovely::QueueOption::connections, 99));
}

TEST(a_store_is_asked_and_emptied_on_a_queue) {
    const lovely::Store store("memory://queue");
    const Queue queue;
    CHECK(finish(queue, queue.ping(store)).check());
    lovely::transact([&](Transaction& txn) {
        txn.open(lovely::Container(store, "visitors"), "id")["pkg"]["key"] = 1;
    });
    CHECK(store.stat(lovely::Stat::items) == 1);
    CHECK(finish(queue, queue.flush_store(store)).check());
    CHECK(store.stat(lovely::Stat::items) == 0);
}
