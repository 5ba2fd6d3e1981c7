/// @file
/// @brief Values: lent views, and trees of one's own.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "error.hpp"

namespace lovely {

/// The type of a value: an `ls_type`.
enum class Type : std::int32_t {
    null = LS_TYPE_NULL,    ///< See #LS_TYPE_NULL.
    boolean = LS_TYPE_BOOL,  ///< See #LS_TYPE_BOOL.
    i64 = LS_TYPE_I64,      ///< See #LS_TYPE_I64.
    f64 = LS_TYPE_F64,      ///< See #LS_TYPE_F64.
    text = LS_TYPE_TEXT,    ///< See #LS_TYPE_TEXT.
    bytes = LS_TYPE_BYTES,  ///< See #LS_TYPE_BYTES.
    list = LS_TYPE_LIST,    ///< See #LS_TYPE_LIST.
    map = LS_TYPE_MAP,      ///< See #LS_TYPE_MAP.
};

/// Bytes of one's own. `std::string` is text, this is not.
using Bytes = std::vector<std::byte>;

/// Bytes of somebody else's, who has to outlive the view.
class BytesView {
public:
    /// No bytes.
    constexpr BytesView() noexcept = default;
    /// `size` bytes from `data` on.
    BytesView(const void* data, std::size_t size) noexcept : data_(static_cast<const std::byte*>(data)), size_(size) {}
    /// Those of a vector.
    BytesView(const Bytes& bytes) noexcept : data_(bytes.data()), size_(bytes.size()) {}  // NOLINT(*-explicit-*)
    /// The characters of text, as bytes.
    explicit BytesView(std::string_view text) noexcept : BytesView(text.data(), text.size()) {}

    /// The first byte.
    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    /// The number of bytes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The first byte.
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    /// Behind the last byte.
    [[nodiscard]] const std::byte* end() const noexcept { return data_ == nullptr ? nullptr : data_ + size_; }
    /// As characters, whatever they mean.
    [[nodiscard]] std::string_view chars() const noexcept {
        return {static_cast<const char*>(static_cast<const void*>(data_)), size_};
    }
    /// A copy of one's own.
    [[nodiscard]] Bytes copy() const { return Bytes(begin(), end()); }

    /// Whether they are the same bytes.
    friend bool operator==(BytesView a, BytesView b) noexcept { return a.chars() == b.chars(); }
    /// Whether they differ.
    friend bool operator!=(BytesView a, BytesView b) noexcept { return !(a == b); }

private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

class ListView;
class MapView;
class Value;

/// A value that a transaction or a lovely::Value lends: readable until that is destroyed, or the lovely::Value is changed.
class ValueView {
public:
    /// Of what C lent.
    explicit ValueView(const ls_value* value) noexcept : value_(value) {}

    /// The type.
    [[nodiscard]] Type type() const noexcept { return static_cast<Type>(ls_value_type(value_)); }
    /// Whether it is null, which is a value and differs from an absent key.
    [[nodiscard]] bool is_null() const noexcept { return type() == Type::null; }
    /// The number of entries of a list or map, of bytes of text or bytes; 0 for anything else.
    [[nodiscard]] std::size_t size() const noexcept { return ls_value_len(value_); }

    /// The content as a C++ type, see lovely::Convert; throws Status::type if it is of another type, and Status::range for
    /// an integer that `T` cannot hold.
    template <class T>
    [[nodiscard]] T as() const;

    /// Its items, if it is a list.
    [[nodiscard]] ListView items() const;
    /// Its entries, if it is a map.
    [[nodiscard]] MapView entries() const;

    /// An item of a list by its index, or the value under a key of a map, if it is there.
    template <class Place>
    [[nodiscard]] std::optional<ValueView> find(const Place& place) const {
        ls_error error;
        const ls_value* out = nullptr;
        std::int32_t status = 0;
        if constexpr (std::is_integral_v<Place>) {
            status = ls_value_list_at(value_, static_cast<std::size_t>(place), &out, &error);
        } else {
            const std::string_view key(place);
            status = ls_value_map_get(value_, key.data(), key.size(), &out, &error);
        }
        return detail::check(status, error) ? std::optional<ValueView>(ValueView(out)) : std::nullopt;
    }

    /// An item of a list, or the value under a key of a map; throws Status::not_found if it is not there.
    template <class Place>
    [[nodiscard]] ValueView at(const Place& place) const {
        if (const auto found = find(place)) return *found;
        throw Error(Status::not_found, "the value has no such item");
    }

    /// As find(), converted as as() does.
    template <class T, class Place>
    [[nodiscard]] std::optional<T> get(const Place& place) const {
        if (const auto found = find(place)) return found->template as<T>();
        return std::nullopt;
    }

    /// As JSON; throws Status::type for bytes, NaN and infinities.
    [[nodiscard]] std::string to_json() const {
        ls_error error;
        char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_value_to_json(value_, &out, &size, &error), error);
        const detail::Owned<char, &ls_text_free> owner(out);
        return std::string(out, size);
    }

    /// As MessagePack, which has a form for every value.
    [[nodiscard]] Bytes to_msgpack() const {
        ls_error error;
        void* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_value_to_msgpack(value_, &out, &size, &error), error);
        const detail::Owned<void, &ls_bytes_free> owner(out);
        return BytesView(out, size).copy();
    }

    /// For C functions.
    [[nodiscard]] const ls_value* handle() const noexcept { return value_; }

    /// Whether they are equal: of the same type, in depth, floats by their bits.
    friend bool operator==(const ValueView& a, const ValueView& b) noexcept { return ls_value_equal(a.value_, b.value_); }
    /// Whether they differ.
    friend bool operator!=(const ValueView& a, const ValueView& b) noexcept { return !(a == b); }

protected:
    const ls_value* value_;  ///< What C lent, or made.
};

namespace detail {

/// Walks a range that is read by index.
template <class Range>
class IndexIterator {
public:
    using value_type = typename Range::value_type;
    using reference = value_type;
    using pointer = void;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    IndexIterator(Range range, std::size_t index) : range_(range), index_(index) {}

    reference operator*() const { return range_[index_]; }
    IndexIterator& operator++() {
        ++index_;
        return *this;
    }
    IndexIterator operator++(int) {
        IndexIterator before = *this;
        ++index_;
        return before;
    }
    friend bool operator==(const IndexIterator& a, const IndexIterator& b) { return a.index_ == b.index_; }
    friend bool operator!=(const IndexIterator& a, const IndexIterator& b) { return a.index_ != b.index_; }

private:
    Range range_;
    std::size_t index_;
};

}  // namespace detail

/// The items of a list: `for (lovely::ValueView item : view.items())`.
class ListView {
public:
    using value_type = ValueView;                            ///< What it holds.
    using iterator = detail::IndexIterator<ListView>;        ///< What walks it.

    /// Of a list; ValueView::items looks at the type.
    explicit ListView(ValueView list) : list_(list), size_(list.size()) {}

    /// The number of items.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// An item; throws Status::not_found behind the last one.
    [[nodiscard]] ValueView operator[](std::size_t index) const { return list_.at(index); }
    /// The first item.
    [[nodiscard]] iterator begin() const { return {*this, 0}; }
    /// Behind the last one.
    [[nodiscard]] iterator end() const { return {*this, size_}; }

private:
    ValueView list_;
    std::size_t size_;
};

/// The entries of a map, sorted by the bytes of their keys: `for (auto [key, value] : view.entries())`.
class MapView {
public:
    using value_type = std::pair<std::string_view, ValueView>;  ///< Key and value.
    using iterator = detail::IndexIterator<MapView>;            ///< What walks it.

    /// Of a map; ValueView::entries looks at the type.
    explicit MapView(ValueView map) : map_(map), size_(map.size()) {}

    /// The number of entries.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// An entry by its place; throws Status::not_found behind the last one.
    [[nodiscard]] value_type operator[](std::size_t index) const {
        ls_error error;
        const char* key = nullptr;
        std::size_t key_size = 0;
        const ls_value* out = nullptr;
        if (!detail::check(ls_value_map_at(map_.handle(), index, &key, &key_size, &out, &error), error)) {
            throw Error(Status::not_found, "the map has no such entry");
        }
        return {std::string_view(key, key_size), ValueView(out)};
    }
    /// The value under a key, if it is there.
    [[nodiscard]] std::optional<ValueView> find(std::string_view key) const { return map_.find(key); }
    /// The first entry.
    [[nodiscard]] iterator begin() const { return {*this, 0}; }
    /// Behind the last one.
    [[nodiscard]] iterator end() const { return {*this, size_}; }

private:
    ValueView map_;
    std::size_t size_;
};

inline ListView ValueView::items() const {
    if (type() != Type::list) throw Error(Status::type, "the value is no list");
    return ListView(*this);
}

inline MapView ValueView::entries() const {
    if (type() != Type::map) throw Error(Status::type, "the value is no map");
    return MapView(*this);
}

/// How a C++ type becomes a value and a value becomes a C++ type. `convert.hpp` has it for booleans, numbers, text, bytes,
/// `nullptr`, `std::optional` (empty is null) and containers of those. For a type of one's own:
///
///     template <> struct lovely::Convert<Point> {
///         static Value to(const Point& p) { return Value::list({p.x, p.y}); }
///         static Point from(ValueView v) { return {v.at(0).as<int>(), v.at(1).as<int>()}; }
///     };
template <class T, class = void>
struct Convert {
    /// There is none for this type.
    static constexpr bool is_missing = true;
};

template <>
struct Convert<bool>;
template <>
struct Convert<std::nullptr_t>;
template <>
struct Convert<ValueView>;
template <>
struct Convert<Value>;

namespace detail {

template <class T, class = void>
inline constexpr bool is_convertible = true;
template <class T>
inline constexpr bool is_convertible<T, std::void_t<decltype(Convert<T>::is_missing)>> = false;

/// What `const T&` is when it is handed on by value: literals become pointers.
template <class T>
using Plain = std::decay_t<const T&>;

}  // namespace detail

struct Member;

/// A value of one's own: null, boolean, integer, float, text, bytes, list or map. Copying is cheap: content is shared until
/// it is changed.
///
///     auto cart = lovely::Value::map({{"apples", 3}, {"sizes", lovely::Value::list({1, 2.5, "large"})}});
class Value : public ValueView {
public:
    /// Null.
    Value() : ValueView(make(&ls_value_new_null)) {}
    /// A copy of a value that is lent.
    Value(ValueView other) : ValueView(duplicate(other.handle())) {}  // NOLINT(*-explicit-*)
    /// A copy.
    Value(const Value& other) : ValueView(duplicate(other.handle())) {}
    /// Takes the other's content.
    Value(Value&& other) noexcept : ValueView(std::exchange(other.value_, nullptr)) {}
    /// What lovely::Convert makes of it.
    template <class T, class = std::enable_if_t<!std::is_base_of_v<ValueView, T> && detail::is_convertible<detail::Plain<T>>>>
    Value(const T& content) : Value(Convert<detail::Plain<T>>::to(content)) {}  // NOLINT(*-explicit-*)
    ~Value() { ls_value_free(handle()); }

    /// Takes the other's content, or a copy of it.
    Value& operator=(Value other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }

    /// A list of these.
    [[nodiscard]] static Value list(std::initializer_list<Value> items = {}) {
        Value made = adopt(make(&ls_value_new_list));
        for (const Value& item : items) made.push_back(item);
        return made;
    }

    /// A map of these.
    [[nodiscard]] static Value map(std::initializer_list<Member> members = {});

    /// Reads JSON; a number without '.' and 'e' is an integer.
    [[nodiscard]] static Value from_json(std::string_view text) {
        ls_error error;
        ls_value* out = nullptr;
        detail::check(ls_value_from_json(text.data(), text.size(), &out, &error), error);
        return adopt(out);
    }

    /// Reads MessagePack.
    [[nodiscard]] static Value from_msgpack(BytesView bytes) {
        ls_error error;
        ls_value* out = nullptr;
        detail::check(ls_value_from_msgpack(bytes.data(), bytes.size(), &out, &error), error);
        return adopt(out);
    }

    /// Takes over what a C function made.
    [[nodiscard]] static Value adopt(ls_value* made) noexcept { return Value(made, Adopted{}); }

    /// Its items, if it is a list.
    [[nodiscard]] ListView items() const& { return ValueView::items(); }
    /// Not of a temporary: it would be gone when the loop over its items begins.
    ListView items() const&& = delete;
    /// Its entries, if it is a map.
    [[nodiscard]] MapView entries() const& { return ValueView::entries(); }
    /// Not of a temporary: it would be gone when the loop over its entries begins.
    MapView entries() const&& = delete;

    /// Appends to a list.
    Value& push_back(const Value& item) {
        ls_error error;
        detail::check(ls_value_list_push(handle(), item.value_, &error), error);
        return *this;
    }

    /// Sets a key of a map.
    Value& set(std::string_view key, const Value& item) {
        ls_error error;
        detail::check(ls_value_map_set(handle(), key.data(), key.size(), item.value_, &error), error);
        return *this;
    }

    using ValueView::handle;
    /// For C functions.
    [[nodiscard]] ls_value* handle() noexcept { return const_cast<ls_value*>(value_); }

private:
    struct Adopted {};
    Value(ls_value* made, Adopted) noexcept : ValueView(made) {}

    template <class Make, class... Content>
    static ls_value* make(Make function, Content... content) {
        ls_error error;
        ls_value* out = nullptr;
        detail::check(function(content..., &out, &error), error);
        return out;
    }

    static ls_value* duplicate(const ls_value* value) {
        ls_error error;
        ls_value* out = nullptr;
        detail::check(ls_value_copy(value, &out, &error), error);
        return out;
    }

    template <class T, class>
    friend struct Convert;
};

/// A key and its value, in Value::map.
struct Member {
    std::string_view key;  ///< The key.
    Value value;           ///< Its value.
};

inline Value Value::map(std::initializer_list<Member> members) {
    Value made = adopt(make(&ls_value_new_map));
    for (const Member& member : members) made.set(member.key, member.value);
    return made;
}

}  // namespace lovely
