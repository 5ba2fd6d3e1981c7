/// @file
/// @brief Statuses, the one exception class, and what turns a C status into it.
#pragma once

#include <lovely_session.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

/// Web sessions with transactions, savepoints and merging of concurrent changes.
namespace lovely {

/// What went wrong: an `ls_status`. Later versions may add some.
enum class Status : std::int32_t {
    ok = LS_OK,                        ///< See #LS_OK.
    not_found = LS_NOT_FOUND,          ///< See #LS_NOT_FOUND.
    argument = LS_ERR_ARGUMENT,        ///< See #LS_ERR_ARGUMENT.
    misuse = LS_ERR_MISUSE,            ///< See #LS_ERR_MISUSE.
    type = LS_ERR_TYPE,                ///< See #LS_ERR_TYPE.
    too_large = LS_ERR_TOO_LARGE,      ///< See #LS_ERR_TOO_LARGE.
    range = LS_ERR_RANGE,              ///< See #LS_ERR_RANGE.
    unsupported = LS_ERR_UNSUPPORTED,  ///< See #LS_ERR_UNSUPPORTED.
    savepoint = LS_ERR_SAVEPOINT,      ///< See #LS_ERR_SAVEPOINT.
    unavailable = LS_ERR_UNAVAILABLE,  ///< See #LS_ERR_UNAVAILABLE.
    timeout = LS_ERR_TIMEOUT,          ///< See #LS_ERR_TIMEOUT.
    protocol = LS_ERR_PROTOCOL,        ///< See #LS_ERR_PROTOCOL.
    unknown = LS_ERR_UNKNOWN,          ///< See #LS_ERR_UNKNOWN.
    cancelled = LS_ERR_CANCELLED,      ///< See #LS_ERR_CANCELLED.
    corrupt = LS_ERR_CORRUPT,          ///< See #LS_ERR_CORRUPT.
    conflict = LS_ERR_CONFLICT,        ///< See #LS_ERR_CONFLICT.
    gone = LS_ERR_GONE,                ///< See #LS_ERR_GONE.
    partial = LS_ERR_PARTIAL,          ///< See #LS_ERR_PARTIAL.
    failed = LS_ERR_FAILED,            ///< See #LS_ERR_FAILED.
    lost = LS_ERR_LOST,                ///< See #LS_ERR_LOST.
    panic = LS_ERR_PANIC,              ///< See #LS_ERR_PANIC.
};

/// The name of a status, such as "LS_ERR_CONFLICT".
[[nodiscard]] inline const char* status_name(Status status) noexcept {
    return ls_status_name(static_cast<std::int32_t>(status));
}

/// The version of the library that was loaded, such as "0.1.0"; #LS_VERSION is that of the header.
[[nodiscard]] inline const char* version() noexcept { return ls_version(); }

/// The version of the library that was loaded as a number; #LS_VERSION_NUMBER is that of the header.
[[nodiscard]] inline std::uint32_t version_number() noexcept { return ls_version_number(); }

/// A call that failed. `what()` is one line: the name of the status, and what and where; never a session id or a value.
class Error : public std::runtime_error {
public:
    /// From what a C function said.
    explicit Error(const ls_error& error)
        : std::runtime_error(std::string(ls_status_name(error.status)) + ": " + error.message),
          status_(static_cast<Status>(error.status)),
          sys_errno_(error.sys_errno),
          flags_(error.flags) {}

    /// For what C++ alone can find wrong: a number that the type asked for cannot hold.
    Error(Status status, const std::string& message)
        : std::runtime_error(std::string(status_name(status)) + ": " + message), status_(status) {}

    /// What went wrong.
    [[nodiscard]] Status status() const noexcept { return status_; }

    /// Whether the same work, run again in a new transaction, may succeed; lovely::transact does that.
    [[nodiscard]] bool retryable() const noexcept { return (flags_ & std::uint32_t{LS_ERROR_RETRYABLE}) != 0; }

    /// The system's error number behind the failure, or 0.
    [[nodiscard]] int sys_errno() const noexcept { return sys_errno_; }

private:
    Status status_;
    std::int32_t sys_errno_ = 0;
    std::uint32_t flags_ = 0;
};

/// Not for users.
namespace detail {

/// Throws for a failure; else tells whether there is something to hand back.
inline bool check(std::int32_t status, const ls_error& error) {
    if (status < 0) throw Error(error);
    return status == LS_OK;
}

/// Frees a handle by the C function that is meant for it.
template <auto Free>
struct Deleter {
    template <class Handle>
    void operator()(Handle* handle) const noexcept {
        Free(handle);
    }
};

/// Owns a handle.
template <class Handle, auto Free>
using Owned = std::unique_ptr<Handle, Deleter<Free>>;

}  // namespace detail
}  // namespace lovely
