/// @file
/// @brief Containers: named families of sessions in a store.
#pragma once

#include <chrono>

#include "store.hpp"

namespace lovely {

/// A span of time, as everywhere here.
using Milliseconds = std::chrono::milliseconds;

/// A point in time by a store's clock.
using Time = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;

/// An option of a container: an `ls_container_option`.
enum class ContainerOption : std::int32_t {
    timeout = LS_CONTAINER_TIMEOUT,          ///< See #LS_CONTAINER_TIMEOUT.
    resolution = LS_CONTAINER_RESOLUTION,    ///< See #LS_CONTAINER_RESOLUTION.
    max_timeout = LS_CONTAINER_MAX_TIMEOUT,  ///< See #LS_CONTAINER_MAX_TIMEOUT.
    lifetime = LS_CONTAINER_LIFETIME,        ///< See #LS_CONTAINER_LIFETIME.
    policy = LS_CONTAINER_POLICY,            ///< See #LS_CONTAINER_POLICY.
    recreate = LS_CONTAINER_RECREATE,        ///< See #LS_CONTAINER_RECREATE.
};

/// What a commit does about a key that somebody else changed differently: an `ls_policy`.
enum class Policy : std::int32_t {
    merge = LS_POLICY_MERGE,          ///< See #LS_POLICY_MERGE.
    mine = LS_POLICY_MINE,            ///< See #LS_POLICY_MINE.
    strict = LS_POLICY_STRICT,        ///< See #LS_POLICY_STRICT.
    overwrite = LS_POLICY_OVERWRITE,  ///< See #LS_POLICY_OVERWRITE.
};

/// A handle to a container. All handles to the container of this store and name share its options.
class Container {
public:
    /// Opens a container; it keeps the store open.
    Container(const Store& store, std::string_view name) {
        ls_error error;
        ls_container* out = nullptr;
        detail::check(ls_container_open(store.handle(), name.data(), name.size(), &out, &error), error);
        handle_.reset(out);
    }

    /// Its name, as it was given; lives as long as this handle.
    [[nodiscard]] std::string_view name() const {
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_container_name(handle(), &out, &size, &error), error);
        return {out, size};
    }

    /// Sets one option; see ls_container_set().
    const Container& set(ContainerOption option, std::int64_t value) const {
        ls_error error;
        detail::check(ls_container_set(handle(), static_cast<std::int32_t>(option), value, &error), error);
        return *this;
    }
    /// Sets one that is a time.
    const Container& set(ContainerOption option, Milliseconds value) const { return set(option, value.count()); }
    /// Sets the policy.
    const Container& set(Policy policy) const { return set(ContainerOption::policy, static_cast<std::int64_t>(policy)); }

    /// One option, times in milliseconds.
    [[nodiscard]] std::int64_t get(ContainerOption option) const {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_container_get(handle(), static_cast<std::int32_t>(option), &out, &error), error);
        return out;
    }

    /// The idle timeout of its sessions.
    [[nodiscard]] Milliseconds timeout() const { return Milliseconds(get(ContainerOption::timeout)); }
    /// The policy.
    [[nodiscard]] Policy policy() const { return static_cast<Policy>(get(ContainerOption::policy)); }

    /// When a session of it was last opened in this process.
    [[nodiscard]] Time last_access() const {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_container_last_access(handle(), &out, &error), error);
        return Time(Milliseconds(out));
    }

    /// For C functions.
    [[nodiscard]] const ls_container* handle() const noexcept { return handle_.get(); }

private:
    detail::Owned<ls_container, &ls_container_free> handle_;
};

}  // namespace lovely
