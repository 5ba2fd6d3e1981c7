/// @file
/// @brief The log of the library.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "error.hpp"

namespace lovely {

/// How much a line of the log matters: an `ls_log_level`.
enum class LogLevel : std::int32_t {
    error = LS_LOG_ERROR,  ///< See #LS_LOG_ERROR.
    warn = LS_LOG_WARN,    ///< See #LS_LOG_WARN.
    info = LS_LOG_INFO,    ///< See #LS_LOG_INFO.
    debug = LS_LOG_DEBUG,  ///< See #LS_LOG_DEBUG.
};

/// Takes one line of the log, on whatever thread is inside a call, several at once if several are. What it throws is dropped.
using LogHandler = std::function<void(LogLevel, std::string_view)>;

namespace detail {

inline void log_line(void* handler, std::int32_t level, const char* line, std::size_t size) {
    try {
        (*static_cast<LogHandler*>(handler))(static_cast<LogLevel>(level), std::string_view(line, size));
    } catch (...) {
        // No exception may leave through C, and there is nobody else to tell.
    }
}

}  // namespace detail

/// Sets who takes the log of the process, and which lines: this important and more. The handlers before are kept for good,
/// because a thread may still be inside of one.
inline void set_log(LogLevel level, LogHandler handler) {
    static std::mutex guard;
    static auto* const kept = new std::vector<std::unique_ptr<LogHandler>>();
    const std::lock_guard<std::mutex> lock(guard);
    kept->push_back(std::make_unique<LogHandler>(std::move(handler)));
    ls_error error;
    detail::check(ls_log_set(&detail::log_line, kept->back().get(), static_cast<std::int32_t>(level), &error), error);
}

/// Silences the log, which it is at first.
inline void clear_log() {
    ls_error error;
    detail::check(ls_log_set(nullptr, nullptr, 0, &error), error);
}

}  // namespace lovely
