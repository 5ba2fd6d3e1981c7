/// @file
/// @brief Sessions: one visitor's data in a transaction.
#pragma once

#include "container.hpp"
#include "pkg.hpp"

namespace lovely {

/// A session that a transaction lends.
class Session {
public:
    /// Of what C lent.
    explicit Session(ls_session* session) noexcept : session_(session) {}

    /// The id that it will have after the commit; lives as long as the transaction.
    [[nodiscard]] std::string_view id() const {
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_session_id(session_, &out, &size, &error), error);
        return {out, size};
    }

    /// Whether nothing was stored under its id when it was opened.
    [[nodiscard]] bool is_new() const noexcept { return ls_session_is_new(session_); }

    /// Gives it a new, random id at commit; the old id is destroyed. For use at login, against session fixation.
    void regenerate() { regenerate({}); }

    /// Gives it this id at commit; a random one if it is empty.
    void regenerate(std::string_view new_id) {
        ls_error error;
        detail::check(ls_session_regenerate(session_, new_id.data(), new_id.size(), &error), error);
    }

    /// A package, created, empty, if it is not there.
    [[nodiscard]] Package package(std::string_view name) const {
        ls_error error;
        ls_pkg* out = nullptr;
        detail::check(ls_session_pkg(session_, name.data(), name.size(), &out, &error), error);
        return Package(out);
    }

    /// As package().
    [[nodiscard]] Package operator[](std::string_view name) const { return package(name); }

    /// A package, if it is there; creates nothing.
    [[nodiscard]] std::optional<Package> peek(std::string_view name) const {
        ls_error error;
        ls_pkg* out = nullptr;
        if (!detail::check(ls_session_peek_pkg(session_, name.data(), name.size(), &out, &error), error)) return std::nullopt;
        return Package(out);
    }

    /// Deletes a package; tells whether it was there.
    bool erase(std::string_view name) {
        ls_error error;
        return detail::check(ls_session_delete_pkg(session_, name.data(), name.size(), &error), error);
    }

    /// Deletes all packages; the session stays.
    void clear() {
        ls_error error;
        detail::check(ls_session_clear(session_, &error), error);
    }

    /// The names of the packages, sorted by their bytes, which live as long as the transaction.
    [[nodiscard]] std::vector<std::string_view> package_names() const {
        ls_error error;
        const ls_value* out = nullptr;
        detail::check(ls_session_pkg_names(session_, &out, &error), error);
        return ValueView(out).as<std::vector<std::string_view>>();
    }

    /// The whole session: a snapshot, a map from the names of packages to maps.
    [[nodiscard]] MapView content() const {
        ls_error error;
        const ls_value* out = nullptr;
        detail::check(ls_session_content(session_, &out, &error), error);
        return ValueView(out).entries();
    }

    /// When it was created.
    [[nodiscard]] Time created() const { return time(&ls_session_created).value(); }
    /// When it was last accessed, this opening included; may lag by the container's resolution.
    [[nodiscard]] Time accessed() const { return time(&ls_session_accessed).value(); }

    /// Its own idle timeout, if it has one; 0 is never.
    [[nodiscard]] std::optional<Milliseconds> timeout() const { return read(&ls_session_timeout); }
    /// Gives it an idle timeout of its own.
    void set_timeout(Milliseconds timeout) {
        ls_error error;
        detail::check(ls_session_set_timeout(session_, timeout.count(), &error), error);
    }
    /// Lets the container's timeout count again.
    void clear_timeout() {
        ls_error error;
        detail::check(ls_session_clear_timeout(session_, &error), error);
    }

    /// When it ends, however much it is used, if it does.
    [[nodiscard]] std::optional<Time> deadline() const { return time(&ls_session_deadline); }
    /// Sets when it ends.
    void set_deadline(Time deadline) {
        ls_error error;
        detail::check(ls_session_set_deadline(session_, deadline.time_since_epoch().count(), &error), error);
    }
    /// Takes that away.
    void clear_deadline() {
        ls_error error;
        detail::check(ls_session_clear_deadline(session_, &error), error);
    }

    /// For C functions.
    [[nodiscard]] ls_session* handle() const noexcept { return session_; }

private:
    using Getter = std::int32_t (*)(ls_session*, std::int64_t*, ls_error*);

    std::optional<Milliseconds> read(Getter getter) const {
        ls_error error;
        std::int64_t out = 0;
        if (!detail::check(getter(session_, &out, &error), error)) return std::nullopt;
        return Milliseconds(out);
    }

    std::optional<Time> time(Getter getter) const {
        const auto since_epoch = read(getter);
        return since_epoch ? std::optional<Time>(Time(*since_epoch)) : std::nullopt;
    }

    ls_session* session_;
};

namespace detail {

struct AsPackage {
    Session session;
    Package operator()(std::string_view name) const { return session.package(name); }
};

}  // namespace detail

/// The packages, sorted by name: `for (lovely::Package pkg : session)`.
inline auto begin(const Session& session) {
    return detail::SnapshotIterator(session.package_names(), detail::AsPackage{session});
}
/// The end of that walk.
inline detail::End end(const Session&) noexcept { return {}; }

}  // namespace lovely
