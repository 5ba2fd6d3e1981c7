/// @file
/// @brief Queues: what does I/O, started and not waited for.
#pragma once

#include "txn.hpp"

namespace lovely {

/// An option of a queue: an `ls_queue_option`.
enum class QueueOption : std::int32_t {
    connections = LS_QUEUE_CONNECTIONS,  ///< See #LS_QUEUE_CONNECTIONS.
    cork = LS_QUEUE_CORK,                ///< See #LS_QUEUE_CORK.
};

/// The number of an operation that was started.
enum class Operation : std::uint64_t {};

/// A finished operation. It says what the call that does the same and waits would have returned or thrown.
class Completion : private ls_completion {
public:
    /// None yet: memory for Queue::wait.
    Completion() noexcept {}  // NOLINT(*-member-init)

    /// Which operation.
    [[nodiscard]] Operation operation() const noexcept { return Operation{op}; }
    /// The number that was given with it.
    [[nodiscard]] std::uint64_t tag() const noexcept { return user_data; }
    /// How it ended.
    [[nodiscard]] Status status() const noexcept { return static_cast<Status>(ls_completion::status); }

    /// Throws if it failed; else whether there is something: a Queue::exists that found nothing is false.
    bool check() const { return detail::check(ls_completion::status, error); }

    /// The session of a Queue::open; throws if that failed.
    [[nodiscard]] Session session() const {
        check();
        if (ls_completion::session == nullptr) throw Error(Status::misuse, "the operation has no session to hand out");
        return Session(ls_completion::session);
    }

private:
    friend class Queue;
};

/// Many operations at once, for hosts that must not block. Each start returns at once, and its operation comes out of wait()
/// exactly once, with the tag that was given with it. Until then its transaction takes no other call; destroying the
/// transaction cancels the operation.
///
///     queue.open(txn, visitors, id, 7);
///     for (const auto& done : queue.wait(lovely::Milliseconds(100))) {
///         if (done.tag() == 7) done.session()["cart"].add("items");
///     }
class Queue {
public:
    /// Makes one.
    Queue() {
        ls_error error;
        ls_queue* out = nullptr;
        detail::check(ls_queue_new(&out, &error), error);
        handle_.reset(out);
    }

    /// Sets one option.
    const Queue& set(QueueOption option, std::int64_t value) const {
        ls_error error;
        detail::check(ls_queue_set(handle(), static_cast<std::int32_t>(option), value, &error), error);
        return *this;
    }

    /// One option.
    [[nodiscard]] std::int64_t get(QueueOption option) const {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_queue_get(handle(), static_cast<std::int32_t>(option), &out, &error), error);
        return out;
    }

    /// The descriptor to watch, which is readable when wait() has something to do; -1 in a forked child.
    [[nodiscard]] int fd() const noexcept { return ls_queue_fd(handle()); }

    /// Starts Transaction::open.
    Operation open(Transaction& txn, const Container& container, std::string_view id, std::uint64_t tag = 0) const {
        return start(&ls_session_get_start, txn.handle(), container.handle(), id.data(), id.size(), handle(), tag);
    }

    /// Starts Transaction::exists.
    Operation exists(Transaction& txn, const Container& container, std::string_view id, std::uint64_t tag = 0) const {
        return start(&ls_session_exists_start, txn.handle(), container.handle(), id.data(), id.size(), handle(), tag);
    }

    /// Starts Transaction::prefetch.
    template <class Ids>
    Operation prefetch(Transaction& txn, const Container& container, const Ids& ids, std::uint64_t tag = 0) const {
        const detail::IdList list(ids);
        return start(&ls_txn_prefetch_start, txn.handle(), container.handle(), list.data(), list.sizes(), list.size(), handle(),
                     tag);
    }

    /// Starts Transaction::prepare.
    Operation prepare(Transaction& txn, std::uint64_t tag = 0) const {
        return start(&ls_txn_prepare_start, txn.handle(), handle(), tag);
    }

    /// Starts Transaction::commit.
    Operation commit(Transaction& txn, std::uint64_t tag = 0) const {
        return start(&ls_txn_commit_start, txn.handle(), handle(), tag);
    }

    /// Starts Store::ping.
    Operation ping(const Store& store, std::uint64_t tag = 0) const {
        return start(&ls_store_ping_start, store.handle(), handle(), tag);
    }

    /// Starts Store::flush: everything is removed from the store.
    Operation flush_store(const Store& store, std::uint64_t tag = 0) const {
        return start(&ls_store_flush_start, store.handle(), handle(), tag);
    }

    /// Goes on with everything that can go on, and writes finished operations to `out`, which has room for `most`; hands back
    /// how many. If it is as many, call it again before sleeping. A timeout of 0 is not to wait, below 0 for ever.
    [[nodiscard]] std::size_t wait(Completion* out, std::size_t most, Milliseconds timeout) const {
        static_assert(sizeof(Completion) == sizeof(ls_completion));
        ls_error error;
        std::size_t count = 0;
        detail::check(ls_queue_wait(handle(), out, most, &count, timeout.count(), &error), error);
        return count;
    }

    /// The same, with memory of its own.
    [[nodiscard]] std::vector<Completion> wait(Milliseconds timeout, std::size_t most = 64) const {
        std::vector<Completion> done(most);
        done.resize(wait(done.data(), most, timeout));
        return done;
    }

    /// Sends what was started and not sent; of use with QueueOption::cork.
    void flush() const {
        ls_error error;
        detail::check(ls_queue_flush(handle(), &error), error);
    }

    /// Cancels an operation, which comes out of wait() like any other.
    void cancel(Operation operation) const {
        ls_error error;
        detail::check(ls_queue_cancel(handle(), static_cast<std::uint64_t>(operation), &error), error);
    }

    /// For C functions.
    [[nodiscard]] const ls_queue* handle() const noexcept { return handle_.get(); }

private:
    template <class Function, class... Arguments>
    static Operation start(Function function, Arguments... arguments) {
        ls_error error;
        std::uint64_t op = 0;
        detail::check(function(arguments..., &op, &error), error);
        return Operation{op};
    }

    detail::Owned<ls_queue, &ls_queue_free> handle_;
};

}  // namespace lovely
