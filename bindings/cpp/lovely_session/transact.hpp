/// @file
/// @brief Work that is run again when another transaction was faster.
#pragma once

#include <chrono>
#include <random>
#include <thread>
#include <tuple>

#include "txn.hpp"

namespace lovely {
namespace detail {

/// How long to wait before an attempt: a random part of 1 ms that doubles up to 64 ms, so that two who met part.
class Backoff {
public:
    std::chrono::microseconds next() {
        std::uniform_int_distribution<std::int64_t> pause(0, most_.count());
        if (most_ < std::chrono::milliseconds(64)) most_ *= 2;
        return std::chrono::microseconds(pause(random_));
    }

private:
    // Threads and processes differ by the time and by where this stands on the stack.
    static std::minstd_rand::result_type seed(const void* here) {
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        return static_cast<std::minstd_rand::result_type>(static_cast<std::uint64_t>(now) ^
                                                          reinterpret_cast<std::uintptr_t>(here));
    }

    std::chrono::microseconds most_{1000};
    std::minstd_rand random_{seed(this)};
};

template <class T, class = void>
inline constexpr bool holds_lent = false;

/// What dies with the transaction that lent it, alone or in an optional, a list, a pair and the like.
template <class T>
inline constexpr bool is_lent = std::is_same_v<T, Session> || std::is_same_v<T, Package> || std::is_same_v<T, ValueView> ||
                                std::is_same_v<T, BytesView> || std::is_same_v<T, std::string_view> ||
                                std::is_same_v<T, ListView> || std::is_same_v<T, MapView> || holds_lent<T>;

// There are types of JSON that hold themselves.
template <class T>
inline constexpr bool holds_lent<T, std::enable_if_t<!std::is_same_v<typename T::value_type, T>>> =
    is_lent<std::remove_cv_t<typename T::value_type>>;
template <class... Parts>
inline constexpr bool holds_lent<std::tuple<Parts...>> = (is_lent<std::remove_cv_t<Parts>> || ...);
template <class First, class Second>
inline constexpr bool holds_lent<std::pair<First, Second>> = is_lent<std::remove_cv_t<First>> || is_lent<std::remove_cv_t<Second>>;

/// Commits, unless the work has ended the transaction itself.
inline void finish(Transaction& txn) {
    const State state = txn.state();
    if (state == State::active || state == State::prepared) txn.commit();
}

}  // namespace detail

/// Runs `work(txn)` in a transaction of its own and commits it; what `work` returns is handed back. If another transaction
/// was faster, which Error::retryable() says, the work is run again in a new one after a short random pause, until the
/// deadline; then the conflict is thrown. Any other exception, also one of the work's own, aborts and goes on.
///
///     const auto items = lovely::transact([&](lovely::Transaction& txn) {
///         auto cart = txn.open(visitors, id)["cart"];
///         auto wishes = cart.get<std::vector<std::string>>("wishes").value_or(std::vector<std::string>());
///         wishes.push_back(wish);
///         cart["wishes"] = wishes;
///         return wishes.size();
///     });
///
/// The work may run more than once, so it should do nothing but what the transaction undoes. The deadline says when no
/// attempt begins any more; how long one takes is for the timeouts of the store.
///
/// Counting is for Package::add, which never conflicts: two that both read 5 and set 6 made the same change, which is no
/// conflict but under Policy::strict.
template <class Work>
auto transact(Work&& work, Milliseconds deadline = std::chrono::seconds(5)) -> decltype(work(std::declval<Transaction&>())) {
    using Result = decltype(work(std::declval<Transaction&>()));
    static_assert(!detail::is_lent<std::decay_t<Result>>,
                  "what a transaction lends dies with it: return a std::string, a lovely::Value or the like");
    const auto until = std::chrono::steady_clock::now() + deadline;
    detail::Backoff backoff;
    for (;;) {
        std::chrono::microseconds pause;
        // The transaction is gone before the pause.
        try {
            Transaction txn;
            if constexpr (std::is_void_v<Result>) {
                work(txn);
                detail::finish(txn);
                return;
            } else {
                Result result = work(txn);
                detail::finish(txn);
                return result;
            }
        } catch (const Error& error) {
            if (!error.retryable()) throw;
            pause = backoff.next();
            if (std::chrono::steady_clock::now() + pause >= until) throw;
        }
        std::this_thread::sleep_for(pause);
    }
}

/// The same for work that wants the store that it is about: `work(txn, store)`, or `work(txn)`.
template <class Work>
auto transact(const Store& store, Work&& work, Milliseconds deadline = std::chrono::seconds(5)) {
    return transact(
        [&](Transaction& txn) {
            if constexpr (std::is_invocable_v<Work&, Transaction&, const Store&>) {
                return work(txn, store);
            } else {
                return work(txn);
            }
        },
        deadline);
}

}  // namespace lovely
