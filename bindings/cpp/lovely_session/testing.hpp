/// @file
/// @brief For tests of programs: time that passes at once, and stores that fail.
#pragma once

#include "container.hpp"

namespace lovely {

/// For tests of programs.
namespace testing {

/// What goes wrong in a `memory://` store: an `ls_fault`.
enum class Fault : std::int32_t {
    unavailable = LS_FAULT_UNAVAILABLE,          ///< See #LS_FAULT_UNAVAILABLE.
    timeout = LS_FAULT_TIMEOUT,                  ///< See #LS_FAULT_TIMEOUT.
    lost_answer = LS_FAULT_LOST_ANSWER,          ///< See #LS_FAULT_LOST_ANSWER.
    refused = LS_FAULT_REFUSED,                  ///< See #LS_FAULT_REFUSED.
    refused_dropped = LS_FAULT_REFUSED_DROPPED,  ///< See #LS_FAULT_REFUSED_DROPPED.
};

/// Moves the store's clock forward: everything in it ages.
inline void advance_clock(const Store& store, Milliseconds by) {
    ls_error error;
    lovely::detail::check(ls_test_clock_advance(store.handle(), by.count(), &error), error);
}

/// The store's clock.
[[nodiscard]] inline Time now(const Store& store) {
    ls_error error;
    std::int64_t out = 0;
    lovely::detail::check(ls_test_clock_now(store.handle(), &out, &error), error);
    return Time(Milliseconds(out));
}

/// Makes one stored session look idle; tells whether it is stored.
inline bool make_idle(const Container& container, std::string_view id, Milliseconds idle) {
    ls_error error;
    const std::int32_t status = ls_test_session_idle(container.handle(), id.data(), id.size(), idle.count(), &error);
    return lovely::detail::check(status, error);
}

/// Removes one stored session as if it had been evicted; tells whether it was stored.
inline bool drop(const Container& container, std::string_view id) {
    ls_error error;
    return lovely::detail::check(ls_test_session_drop(container.handle(), id.data(), id.size(), &error), error);
}

/// Makes a `memory://` store fail at operations that are a sum of `LS_FAULT_OP_...`: after `skip` items, for `count`, or
/// with 0 until clear_faults().
inline void fail(const Store& store, Fault fault, std::uint32_t operations, std::uint64_t skip = 0, std::uint64_t count = 0) {
    ls_error error;
    const auto kind = static_cast<std::int32_t>(fault);
    lovely::detail::check(ls_test_fault(store.handle(), kind, operations, skip, count, &error), error);
}

/// Forgets all faults of a store.
inline void clear_faults(const Store& store) {
    ls_error error;
    lovely::detail::check(ls_test_fault_clear(store.handle(), &error), error);
}

}  // namespace testing
}  // namespace lovely
