/// @file
/// @brief lovely::Convert for the types of the language and its library.
#pragma once

#include <cstdint>
#include <limits>

#include "value.hpp"

namespace lovely {
namespace detail {

template <class T>
inline constexpr bool is_character = std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
                                     std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

/// Integers that are numbers. A `char` is refused: is 'a' text or 97?
template <class T>
inline constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool> && !is_character<T>;

/// What reads as text without a copy.
template <class T>
inline constexpr bool is_text = std::is_convertible_v<const T&, std::string_view> && !std::is_same_v<T, std::nullptr_t>;

template <class T>
inline constexpr bool is_bytes =
    std::is_same_v<T, Bytes> || std::is_same_v<T, BytesView> || std::is_same_v<T, std::vector<unsigned char>>;

template <class T, class = void>
inline constexpr bool is_range = false;
template <class T>
inline constexpr bool is_range<T, std::void_t<decltype(std::declval<const T&>().begin()), typename T::value_type>> = true;

template <class T, class = void>
inline constexpr bool has_mapped = false;
template <class T>
inline constexpr bool has_mapped<T, std::void_t<typename T::mapped_type>> = true;

template <class T>
inline constexpr bool is_map = is_range<T> && has_mapped<T>;
template <class T>
inline constexpr bool is_list = is_range<T> && !has_mapped<T> && !is_text<T> && !is_bytes<T> && !std::is_base_of_v<ValueView, T>;

/// Whether `number`, which C hands out or is to take, is the same number as an `To`.
template <class To, class From>
constexpr bool fits(From number) noexcept {
    const To converted = static_cast<To>(number);
    return static_cast<From>(converted) == number && (converted < To{}) == (number < From{});
}

template <class To, class From>
To narrow(From number) {
    if (!fits<To>(number)) throw Error(Status::range, "the integer does not fit in the type that it is to have");
    return static_cast<To>(number);
}

}  // namespace detail

/// Booleans.
template <>
struct Convert<bool> {
    /// To a value.
    static Value to(bool content) { return Value::adopt(Value::make(&ls_value_new_bool, content)); }
    /// From a value.
    static bool from(ValueView value) {
        ls_error error;
        bool out = false;
        detail::check(ls_value_as_bool(value.handle(), &out, &error), error);
        return out;
    }
};

/// Integers, signed or not; what does not fit is Status::range.
template <class T>
struct Convert<T, std::enable_if_t<detail::is_integer<T>>> {
    /// To a value.
    static Value to(T content) {
        return Value::adopt(Value::make(&ls_value_new_i64, detail::narrow<std::int64_t>(content)));
    }
    /// From a value.
    static T from(ValueView value) {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_value_as_i64(value.handle(), &out, &error), error);
        return detail::narrow<T>(out);
    }
};

/// Floats. An integer is none, as everywhere in lovely-session.
template <class T>
struct Convert<T, std::enable_if_t<std::is_same_v<T, double> || std::is_same_v<T, float>>> {
    /// To a value.
    static Value to(T content) { return Value::adopt(Value::make(&ls_value_new_f64, static_cast<double>(content))); }
    /// From a value; a `float` is rounded.
    static T from(ValueView value) {
        ls_error error;
        double out = 0;
        detail::check(ls_value_as_f64(value.handle(), &out, &error), error);
        return static_cast<T>(out);
    }
};

/// Text: `std::string`, and into values whatever reads as `std::string_view`. A view that comes out lives as long as the value.
template <class T>
struct Convert<T, std::enable_if_t<detail::is_text<T>>> {
    /// To a value.
    static Value to(const T& content) {
        const std::string_view text(content);
        return Value::adopt(Value::make(&ls_value_new_text, text.data(), text.size()));
    }
    /// From a value.
    static T from(ValueView value) {
        static_assert(std::is_constructible_v<T, std::string_view>, "ask for std::string or std::string_view");
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_value_as_text(value.handle(), &out, &size, &error), error);
        return T(std::string_view(out, size));
    }
};

/// Bytes: lovely::Bytes, lovely::BytesView, `std::vector<unsigned char>`. A view that comes out lives as long as the value.
template <class T>
struct Convert<T, std::enable_if_t<detail::is_bytes<T>>> {
    /// To a value.
    static Value to(const T& content) {
        return Value::adopt(Value::make(&ls_value_new_bytes, static_cast<const void*>(content.data()), content.size()));
    }
    /// From a value.
    static T from(ValueView value) {
        ls_error error;
        const void* out = nullptr;
        std::size_t size = 0;
        detail::check(ls_value_as_bytes(value.handle(), &out, &size, &error), error);
        return of(out, size);
    }
    /// From where they are.
    static T of(const void* data, std::size_t size) {
        if constexpr (std::is_same_v<T, BytesView>) {
            return BytesView(data, size);
        } else {
            const auto* first = static_cast<const typename T::value_type*>(data);
            return size == 0 ? T() : T(first, first + size);
        }
    }
};

/// Null.
template <>
struct Convert<std::nullptr_t> {
    /// To a value.
    static Value to(std::nullptr_t) { return Value(); }
};

/// Any value, kept as it is.
template <>
struct Convert<Value> {
    /// To a value.
    static Value to(const Value& content) { return content; }
    /// From a value.
    static Value from(ValueView value) { return Value(value); }
};

/// Any value, lent.
template <>
struct Convert<ValueView> {
    /// To a value.
    static Value to(ValueView content) { return Value(content); }
    /// From a value.
    static ValueView from(ValueView value) { return value; }
};

/// What may be null.
template <class T>
struct Convert<std::optional<T>> {
    /// To a value.
    static Value to(const std::optional<T>& content) { return content ? Value(*content) : Value(); }
    /// From a value.
    static std::optional<T> from(ValueView value) {
        if (value.is_null()) return std::nullopt;
        return value.as<T>();
    }
};

/// Containers with keys and values: `std::map<std::string, T>` and its like.
template <class T>
struct Convert<T, std::enable_if_t<detail::is_map<T>>> {
    /// To a value.
    static Value to(const T& content) {
        Value made = Value::map();
        for (const auto& [key, item] : content) made.set(key, Value(item));
        return made;
    }
    /// From a value.
    static T from(ValueView value) {
        T made;
        for (const auto& [key, item] : value.entries()) {
            made.emplace(typename T::key_type(key), item.template as<typename T::mapped_type>());
        }
        return made;
    }
};

/// Other containers: `std::vector<T>` and its like.
template <class T>
struct Convert<T, std::enable_if_t<detail::is_list<T>>> {
    /// To a value.
    static Value to(const T& content) {
        Value made = Value::list();
        for (const auto& item : content) made.push_back(Value(static_cast<const typename T::value_type&>(item)));
        return made;
    }
    /// From a value.
    static T from(ValueView value) {
        T made;
        for (const ValueView item : value.items()) made.insert(made.end(), item.as<typename T::value_type>());
        return made;
    }
};

template <class T>
T ValueView::as() const {
    return Convert<T>::from(*this);
}

}  // namespace lovely
