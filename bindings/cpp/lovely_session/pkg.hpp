/// @file
/// @brief Packages: named maps in a session.
#pragma once

#include "convert.hpp"

namespace lovely {

class Package;

/// A key of a package: `pkg["cart"] = 3`, `pkg["visits"] += 1`, `pkg["user"].get<std::string>()`. It is used where it is
/// written, and cannot be kept: the key may be gone by then.
class Entry {
public:
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    /// As Package::set.
    template <class T>
    void operator=(const T& content) &&;  // NOLINT(*-assign*)
    /// As Package::add.
    std::int64_t operator+=(std::int64_t delta) &&;
    /// As Package::get.
    template <class T>
    [[nodiscard]] std::optional<T> get() &&;
    /// As Package::contains.
    [[nodiscard]] bool exists() &&;
    /// As Package::erase.
    bool erase() &&;

private:
    friend class Package;
    Entry(ls_pkg* pkg, std::string_view key) noexcept : pkg_(pkg), key_(key) {}

    ls_pkg* pkg_;
    std::string_view key_;
};

/// A package that a transaction lends: a named map in a session. It names the package: after the package was deleted or
/// rolled back it reads as empty, and writing through it creates it anew.
class Package {
public:
    /// Of what C lent.
    explicit Package(ls_pkg* pkg) noexcept : pkg_(pkg) {}

    /// Its name.
    [[nodiscard]] std::string_view name() const {
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_pkg_name(pkg_, &out, &size, &error), error);
        return {out, size};
    }

    /// The value under a key as a C++ type, see lovely::Convert; empty if the key is absent. Throws Status::type if it is of
    /// another type: 1 is no float and "1" no integer.
    template <class T>
    [[nodiscard]] std::optional<T> get(std::string_view key) const {
        ls_error error;
        if constexpr (std::is_same_v<T, bool>) {
            bool out = false;
            if (!detail::check(ls_pkg_get_bool(pkg_, key.data(), key.size(), &out, &error), error)) return std::nullopt;
            return out;
        } else if constexpr (detail::is_integer<T>) {
            std::int64_t out = 0;
            if (!detail::check(ls_pkg_get_i64(pkg_, key.data(), key.size(), &out, &error), error)) return std::nullopt;
            return detail::narrow<T>(out);
        } else if constexpr (std::is_same_v<T, double>) {
            double out = 0;
            if (!detail::check(ls_pkg_get_f64(pkg_, key.data(), key.size(), &out, &error), error)) return std::nullopt;
            return out;
        } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
            const char* out = nullptr;
            std::size_t size = 0;
            if (!detail::check(ls_pkg_get_text(pkg_, key.data(), key.size(), &out, &size, &error), error)) return std::nullopt;
            return T(out, size);
        } else if constexpr (detail::is_bytes<T>) {
            const void* out = nullptr;
            std::size_t size = 0;
            if (!detail::check(ls_pkg_get_bytes(pkg_, key.data(), key.size(), &out, &size, &error), error)) return std::nullopt;
            return Convert<T>::of(out, size);
        } else {
            const ls_value* out = nullptr;
            if (!detail::check(ls_pkg_get(pkg_, key.data(), key.size(), &out, &error), error)) return std::nullopt;
            return ValueView(out).as<T>();
        }
    }

    /// The value under a key, lent.
    [[nodiscard]] std::optional<ValueView> find(std::string_view key) const { return get<ValueView>(key); }

    /// Sets a key, in place of what it had; `nullptr` is null.
    template <class T>
    void set(std::string_view key, const T& content) {
        using Plain = detail::Plain<T>;
        ls_error error;
        if constexpr (std::is_same_v<Plain, std::nullptr_t>) {
            detail::check(ls_pkg_set_null(pkg_, key.data(), key.size(), &error), error);
        } else if constexpr (std::is_same_v<Plain, bool>) {
            detail::check(ls_pkg_set_bool(pkg_, key.data(), key.size(), content, &error), error);
        } else if constexpr (detail::is_integer<Plain>) {
            const auto number = detail::narrow<std::int64_t>(content);
            detail::check(ls_pkg_set_i64(pkg_, key.data(), key.size(), number, &error), error);
        } else if constexpr (std::is_same_v<Plain, double> || std::is_same_v<Plain, float>) {
            detail::check(ls_pkg_set_f64(pkg_, key.data(), key.size(), static_cast<double>(content), &error), error);
        } else if constexpr (detail::is_text<Plain>) {
            const std::string_view text(content);
            detail::check(ls_pkg_set_text(pkg_, key.data(), key.size(), text.data(), text.size(), &error), error);
        } else if constexpr (detail::is_bytes<Plain>) {
            const void* data = content.data();
            detail::check(ls_pkg_set_bytes(pkg_, key.data(), key.size(), data, content.size(), &error), error);
        } else if constexpr (std::is_base_of_v<ValueView, Plain>) {
            detail::check(ls_pkg_set(pkg_, key.data(), key.size(), content.handle(), &error), error);
        } else {
            const Value value(content);
            detail::check(ls_pkg_set(pkg_, key.data(), key.size(), value.handle(), &error), error);
        }
    }

    /// A key, to read or to write.
    [[nodiscard]] Entry operator[](std::string_view key) const noexcept { return {pkg_, key}; }

    /// Adds to an integer, an absent one counting as 0; hands back the sum. Additions by concurrent transactions are all kept.
    std::int64_t add(std::string_view key, std::int64_t delta = 1) {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_pkg_add(pkg_, key.data(), key.size(), delta, &out, &error), error);
        return out;
    }

    /// Deletes a key; tells whether it was there.
    bool erase(std::string_view key) {
        ls_error error;
        return detail::check(ls_pkg_delete(pkg_, key.data(), key.size(), &error), error);
    }

    /// Whether a key is there; null counts.
    [[nodiscard]] bool contains(std::string_view key) const {
        ls_error error;
        return detail::check(ls_pkg_contains(pkg_, key.data(), key.size(), &error), error);
    }

    /// The type of the value under a key, if it is there.
    [[nodiscard]] std::optional<Type> type(std::string_view key) const {
        ls_error error;
        std::int32_t out = 0;
        if (!detail::check(ls_pkg_type(pkg_, key.data(), key.size(), &out, &error), error)) return std::nullopt;
        return static_cast<Type>(out);
    }

    /// The number of keys.
    [[nodiscard]] std::size_t size() const {
        ls_error error;
        std::size_t out = 0;
        detail::check(ls_pkg_len(pkg_, &out, &error), error);
        return out;
    }

    /// Whether there are no keys.
    [[nodiscard]] bool empty() const { return size() == 0; }

    /// Deletes all keys.
    void clear() {
        ls_error error;
        detail::check(ls_pkg_clear(pkg_, &error), error);
    }

    /// The keys, sorted by their bytes, which live as long as the transaction.
    [[nodiscard]] std::vector<std::string_view> keys() const {
        ls_error error;
        const ls_value* out = nullptr;
        detail::check(ls_pkg_keys(pkg_, &out, &error), error);
        return ValueView(out).as<std::vector<std::string_view>>();
    }

    /// Keys and values, sorted by key: a snapshot, which later changes do not change.
    [[nodiscard]] MapView content() const {
        ls_error error;
        const ls_value* out = nullptr;
        detail::check(ls_pkg_content(pkg_, &out, &error), error);
        return ValueView(out).entries();
    }

    /// Makes a map the whole content; other keys are deleted.
    void replace(const Value& map) {
        ls_error error;
        detail::check(ls_pkg_replace(pkg_, map.handle(), &error), error);
    }

    /// Sets each key of a map; other keys stay.
    void update(const Value& map) {
        ls_error error;
        detail::check(ls_pkg_update(pkg_, map.handle(), &error), error);
    }

    /// For C functions.
    [[nodiscard]] ls_pkg* handle() const noexcept { return pkg_; }

private:
    ls_pkg* pkg_;
};

/// As Package::set.
template <class T>
void Entry::operator=(const T& content) && {
    Package(pkg_).set(key_, content);
}

inline std::int64_t Entry::operator+=(std::int64_t delta) && { return Package(pkg_).add(key_, delta); }

/// As Package::get.
template <class T>
std::optional<T> Entry::get() && {
    return Package(pkg_).get<T>(key_);
}

inline bool Entry::exists() && { return Package(pkg_).contains(key_); }

inline bool Entry::erase() && { return Package(pkg_).erase(key_); }

namespace detail {

/// Where a range ends that is walked once, over a snapshot that its iterator has.
struct End {};

/// Walks a snapshot by index, each element made by `Make` of the snapshot's.
template <class Snapshot, class Make>
class SnapshotIterator {
public:
    SnapshotIterator(Snapshot snapshot, Make make) : snapshot_(std::move(snapshot)), make_(make) {}

    auto operator*() const { return make_(snapshot_[index_]); }
    SnapshotIterator& operator++() {
        ++index_;
        return *this;
    }
    friend bool operator!=(const SnapshotIterator& a, End) { return a.index_ != a.snapshot_.size(); }

private:
    Snapshot snapshot_;
    Make make_;
    std::size_t index_ = 0;
};

struct AsIs {
    template <class T>
    T operator()(T element) const {
        return element;
    }
};

}  // namespace detail

/// Keys and values, sorted by key: `for (auto [key, value] : pkg)`. The walk is over a snapshot: changing the package on the
/// way is allowed.
inline auto begin(const Package& pkg) { return detail::SnapshotIterator(pkg.content(), detail::AsIs{}); }
/// The end of that walk.
inline detail::End end(const Package&) noexcept { return {}; }

}  // namespace lovely
