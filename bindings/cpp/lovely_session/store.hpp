/// @file
/// @brief Stores, their options and counters.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error.hpp"

namespace lovely {

/// An option of a store: an `ls_option`.
enum class StoreOption : std::int32_t {
    connect_timeout = LS_OPTION_CONNECT_TIMEOUT,    ///< See #LS_OPTION_CONNECT_TIMEOUT.
    exchange_timeout = LS_OPTION_EXCHANGE_TIMEOUT,  ///< See #LS_OPTION_EXCHANGE_TIMEOUT.
    commit_timeout = LS_OPTION_COMMIT_TIMEOUT,      ///< See #LS_OPTION_COMMIT_TIMEOUT.
    memory_size = LS_OPTION_MEMORY_SIZE,            ///< See #LS_OPTION_MEMORY_SIZE.
    item_limit = LS_OPTION_ITEM_LIMIT,              ///< See #LS_OPTION_ITEM_LIMIT.
    flush_allowed = LS_OPTION_FLUSH_ALLOWED,        ///< See #LS_OPTION_FLUSH_ALLOWED.
    retry_pause = LS_OPTION_RETRY_PAUSE,            ///< See #LS_OPTION_RETRY_PAUSE.
};

/// A counter of a store: an `ls_stat`.
enum class Stat : std::int32_t {
    requests = LS_STAT_REQUESTS,                     ///< See #LS_STAT_REQUESTS.
    hits = LS_STAT_HITS,                             ///< See #LS_STAT_HITS.
    misses = LS_STAT_MISSES,                         ///< See #LS_STAT_MISSES.
    writes = LS_STAT_WRITES,                         ///< See #LS_STAT_WRITES.
    conflicts = LS_STAT_CONFLICTS,                   ///< See #LS_STAT_CONFLICTS.
    merges = LS_STAT_MERGES,                         ///< See #LS_STAT_MERGES.
    retries = LS_STAT_RETRIES,                       ///< See #LS_STAT_RETRIES.
    gone = LS_STAT_GONE,                             ///< See #LS_STAT_GONE.
    unknown = LS_STAT_UNKNOWN,                       ///< See #LS_STAT_UNKNOWN.
    refused = LS_STAT_REFUSED,                       ///< See #LS_STAT_REFUSED.
    evictions = LS_STAT_EVICTIONS,                   ///< See #LS_STAT_EVICTIONS.
    expired = LS_STAT_EXPIRED,                       ///< See #LS_STAT_EXPIRED.
    bytes_read = LS_STAT_BYTES_READ,                 ///< See #LS_STAT_BYTES_READ.
    bytes_written = LS_STAT_BYTES_WRITTEN,           ///< See #LS_STAT_BYTES_WRITTEN.
    items = LS_STAT_ITEMS,                           ///< See #LS_STAT_ITEMS.
    bytes_stored = LS_STAT_BYTES_STORED,             ///< See #LS_STAT_BYTES_STORED.
    connections = LS_STAT_CONNECTIONS,               ///< See #LS_STAT_CONNECTIONS.
    connections_open = LS_STAT_CONNECTIONS_OPEN,     ///< See #LS_STAT_CONNECTIONS_OPEN.
    connections_failed = LS_STAT_CONNECTIONS_FAILED, ///< See #LS_STAT_CONNECTIONS_FAILED.
    timeouts = LS_STAT_TIMEOUTS,                     ///< See #LS_STAT_TIMEOUTS.
    set_aside = LS_STAT_SET_ASIDE,                   ///< See #LS_STAT_SET_ASIDE.
    exchanges = LS_STAT_EXCHANGES,                   ///< See #LS_STAT_EXCHANGES.
    latency_p50 = LS_STAT_LATENCY_P50,               ///< See #LS_STAT_LATENCY_P50.
    latency_p90 = LS_STAT_LATENCY_P90,               ///< See #LS_STAT_LATENCY_P90.
    latency_p99 = LS_STAT_LATENCY_P99,               ///< See #LS_STAT_LATENCY_P99.
    latency_p999 = LS_STAT_LATENCY_P999,             ///< See #LS_STAT_LATENCY_P999.
    latency_max = LS_STAT_LATENCY_MAX,               ///< See #LS_STAT_LATENCY_MAX.
};

/// Options to open a store with. What is not set is the default, or as it is in a store that is open already.
///
///     lovely::Store store("memcached://localhost", lovely::Options().set(lovely::StoreOption::commit_timeout, 500));
class Options {
public:
    /// None set.
    Options() {
        ls_error error;
        ls_options* out = nullptr;
        detail::check(ls_options_new(&out, &error), error);
        handle_.reset(out);
    }

    /// Sets one, in the unit that the option states.
    Options& set(StoreOption option, std::int64_t value) & {
        ls_error error;
        detail::check(ls_options_set(handle_.get(), static_cast<std::int32_t>(option), value, &error), error);
        return *this;
    }
    /// Sets one, in the unit that the option states.
    Options&& set(StoreOption option, std::int64_t value) && { return std::move(this->set(option, value)); }

    /// One option as it was set, else its default.
    [[nodiscard]] std::int64_t get(StoreOption option) const {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_options_get(handle_.get(), static_cast<std::int32_t>(option), &out, &error), error);
        return out;
    }

    /// For C functions.
    [[nodiscard]] const ls_options* handle() const noexcept { return handle_.get(); }

private:
    detail::Owned<ls_options, &ls_options_free> handle_;
};

/// A handle to a store: where sessions live. Opening the same one again gives another handle to it.
class Store {
public:
    /// Opens the store that the environment names, see ls_store_open().
    Store() { open(nullptr, 0, nullptr); }

    /// Opens a store by its URL, which must not be empty.
    explicit Store(std::string_view url) { open(url, nullptr); }

    /// Opens a store by its URL and options.
    Store(std::string_view url, const Options& options) { open(url, options.handle()); }

    /// The store that was registered under a name, if there is one.
    [[nodiscard]] static std::optional<Store> find(std::string_view name) {
        ls_error error;
        ls_store* out = nullptr;
        if (!detail::check(ls_store_find(name.data(), name.size(), &out, &error), error)) return std::nullopt;
        return adopt(out);
    }

    /// Makes it known under a name in this process, and keeps it open.
    void register_as(std::string_view name) const {
        ls_error error;
        detail::check(ls_store_register(handle(), name.data(), name.size(), &error), error);
    }

    /// Forgets a name; tells whether it was known.
    static bool unregister(std::string_view name) {
        ls_error error;
        return detail::check(ls_store_unregister(name.data(), name.size(), &error), error);
    }

    /// Asks whether it answers; throws if not.
    void ping() const { call(&ls_store_ping); }

    /// Looks up the host names of its servers again.
    void resolve() const { call(&ls_store_resolve); }

    /// Removes everything, the data of other applications on the same servers included.
    void flush() const { call(&ls_store_flush); }

    /// Its URL in the shortest form; lives as long as this handle.
    [[nodiscard]] std::string_view name() const {
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_store_name(handle(), &out, &size, &error), error);
        return {out, size};
    }

    /// One counter.
    [[nodiscard]] std::uint64_t stat(Stat counter) const {
        ls_error error;
        std::uint64_t out = 0;
        detail::check(ls_store_stat(handle(), static_cast<std::int32_t>(counter), &out, &error), error);
        return out;
    }

    /// All counters for people: one in a line, of all servers together and of each.
    [[nodiscard]] std::string stats_text() const {
        ls_error error;
        char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_store_stats_text(handle(), &out, &size, &error), error);
        const detail::Owned<char, &ls_text_free> owner(out);
        return std::string(out, size);
    }

    /// The names of its servers, as errors and the log have them; none on memory://. They live as long as this handle.
    [[nodiscard]] std::vector<std::string_view> servers() const {
        std::vector<std::string_view> names(ls_store_server_count(handle()));
        for (std::size_t index = 0; index < names.size(); ++index) {
            ls_error error;
            const char* out = nullptr;
            std::size_t size = 0;
            detail::check(ls_store_server_name(handle(), index, &out, &size, &error), error);
            names[index] = {out, size};
        }
        return names;
    }

    /// One counter of one server, in the order of servers(); empty behind the last.
    [[nodiscard]] std::optional<std::uint64_t> server_stat(std::size_t index, Stat counter) const {
        ls_error error;
        std::uint64_t out = 0;
        const auto number = static_cast<std::int32_t>(counter);
        if (!detail::check(ls_store_server_stat(handle(), index, number, &out, &error), error)) return std::nullopt;
        return out;
    }

    /// For C functions.
    [[nodiscard]] const ls_store* handle() const noexcept { return handle_.get(); }

    /// Takes over a handle that a C function gave.
    [[nodiscard]] static Store adopt(ls_store* given) noexcept { return Store(given, Adopted{}); }

private:
    struct Adopted {};
    Store(ls_store* given, Adopted) noexcept : handle_(given) {}

    void open(std::string_view url, const ls_options* options) {
        // An empty URL is a mistake, which C tells from none by the length.
        if (url.empty()) {
            open("", LS_NTS, options);
        } else {
            open(url.data(), url.size(), options);
        }
    }

    void open(const char* url, std::size_t size, const ls_options* options) {
        ls_error error;
        ls_store* out = nullptr;
        detail::check(ls_store_open(url, size, options, &out, &error), error);
        handle_.reset(out);
    }

    void call(std::int32_t (*function)(const ls_store*, ls_error*)) const {
        ls_error error;
        detail::check(function(handle(), &error), error);
    }

    detail::Owned<ls_store, &ls_store_free> handle_;
};

}  // namespace lovely
