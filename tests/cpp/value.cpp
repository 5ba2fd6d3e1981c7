// Values: trees of one's own and views, and what becomes what.
#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <unordered_map>

#include "check.hpp"

using namespace std::string_literals;
using namespace std::string_view_literals;
using lovely::Bytes;
using lovely::BytesView;
using lovely::Status;
using lovely::Type;
using lovely::Value;
using lovely::ValueView;

namespace {

struct Point {
    int x;
    int y;
};

}  // namespace

template <>
struct lovely::Convert<Point> {
    static Value to(const Point& point) { return Value::list({point.x, point.y}); }
    static Point from(ValueView value) { return {value.at(0).as<int>(), value.at(1).as<int>()}; }
};

// contract 7.1
TEST(every_type_becomes_a_value_of_that_type) {
    CHECK(Value().type() == Type::null);
    CHECK(Value(nullptr).is_null());
    CHECK(Value(true).type() == Type::boolean);
    CHECK(Value(1).type() == Type::i64);
    CHECK(Value(1u).type() == Type::i64);
    CHECK(Value(1LL).type() == Type::i64);
    CHECK(Value(1.0).type() == Type::f64);
    CHECK(Value(1.0F).type() == Type::f64);
    CHECK(Value("text").type() == Type::text);
    CHECK(Value("text"s).type() == Type::text);
    CHECK(Value("text"sv).type() == Type::text);
    const char* pointer = "text";
    CHECK(Value(pointer).type() == Type::text);
    CHECK(Value(Bytes()).type() == Type::bytes);
    CHECK(Value(BytesView("text"sv)).type() == Type::bytes);
    CHECK(Value(std::vector<unsigned char>{1}).type() == Type::bytes);
    CHECK(Value(std::vector<int>{1}).type() == Type::list);
    CHECK(Value(std::map<std::string, int>{{"a", 1}}).type() == Type::map);
}

TEST(integers_keep_all_64_bits_and_what_does_not_fit_is_refused) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    CHECK(Value(least).as<std::int64_t>() == least);
    CHECK(Value(most).as<std::int64_t>() == most);
    CHECK(Value(most).as<std::uint64_t>() == static_cast<std::uint64_t>(most));
    CHECK(Value(std::numeric_limits<int>::min()).as<int>() == std::numeric_limits<int>::min());
    THROWS(Status::range, (void)Value{std::numeric_limits<std::uint64_t>::max()});
    THROWS(Status::range, (void)Value(most).as<int>());
    THROWS(Status::range, (void)Value(-1).as<unsigned>());
    THROWS(Status::range, (void)Value(-1).as<std::uint64_t>());
    THROWS(Status::range, (void)Value(128).as<signed char>());
    CHECK(Value(127).as<signed char>() == 127);
}

TEST(floats_keep_all_bits_those_of_nan_included) {
    const double nan = std::nan("7");
    const double back = Value(nan).as<double>();
    CHECK(std::memcmp(&nan, &back, sizeof nan) == 0);
    CHECK(std::isinf(Value(-std::numeric_limits<double>::infinity()).as<double>()));
    CHECK(std::signbit(Value(-0.0).as<double>()));
    CHECK(Value(0.0) != Value(-0.0));
    CHECK(Value(nan) == Value(nan));
    CHECK(Value(1.5F).as<float>() == 1.5F);
}

TEST(text_and_bytes_are_kept_apart_and_may_hold_nul) {
    const auto text = "a\0b"s;
    CHECK(Value(text).as<std::string>() == text);
    CHECK(Value(text).size() == 3);
    const Value bytes = BytesView(text);
    CHECK(bytes.as<Bytes>() == BytesView(text).copy());
    CHECK(bytes.as<BytesView>().chars() == text);
    CHECK((bytes.as<std::vector<unsigned char>>() == std::vector<unsigned char>{'a', 0, 'b'}));
    THROWS(Status::type, (void)bytes.as<std::string>());
    THROWS(Status::type, (void)Value(text).as<Bytes>());
    CHECK(Value(text) != bytes);
    CHECK(Value("").as<std::string>().empty());
    CHECK(Value(Bytes()).as<Bytes>().empty());
    CHECK(Value(BytesView()).as<BytesView>().empty());
    THROWS(Status::argument, (void)Value{"\xff"sv});
}

// contract 2.2
TEST(types_are_strict) {
    THROWS(Status::type, (void)Value(1).as<double>());
    THROWS(Status::type, (void)Value(1.0).as<int>());
    THROWS(Status::type, (void)Value(1).as<bool>());
    THROWS(Status::type, (void)Value("1").as<int>());
    THROWS(Status::type, (void)Value().as<int>());
    THROWS(Status::type, (void)ValueView(Value(1)).items());
    THROWS(Status::type, (void)ValueView(Value(1)).entries());
    CHECK(Value(1) != Value(1.0));
    CHECK(Value(1) != Value(true));
    CHECK(Value(1) == Value(1L));
}

TEST(trees_are_made_of_nested_initialisers) {
    const Value cart = Value::map({
        {"apples", 3},
        {"sizes", Value::list({1, 2.5, "large", nullptr, true})},
        {"address", Value::map({{"city", "Bregenz"}})},
        {"none", Value::list()},
    });
    CHECK(cart.to_json() ==
          R"({"address":{"city":"Bregenz"},"apples":3,"none":[],"sizes":[1,2.5,"large",null,true]})");
    CHECK(cart.at("sizes").at(2).as<std::string_view>() == "large");
    CHECK(cart.get<int>("apples") == 3);
    CHECK(!cart.get<int>("pears"));
    CHECK(!cart.at("sizes").find(5));
    CHECK(cart.at("address").get<std::string>("city") == "Bregenz");
    THROWS(Status::not_found, (void)cart.at("pears"));
    THROWS(Status::not_found, (void)cart.at("sizes").at(5));
    THROWS(Status::type, (void)cart.find(0));
    THROWS(Status::type, (void)cart.at("apples").find("x"));
}

TEST(containers_become_lists_and_maps_and_come_back) {
    const std::map<std::string, std::vector<int>> map{{"a", {1, 2}}, {"b", {}}};
    CHECK((Value(map).as<std::map<std::string, std::vector<int>>>() == map));
    const std::unordered_map<std::string, std::string> hashed{{"k", "v"}};
    CHECK((Value(hashed).as<std::unordered_map<std::string, std::string>>() == hashed));
    const std::vector<std::optional<double>> gaps{1.5, std::nullopt};
    CHECK((Value(gaps).as<std::vector<std::optional<double>>>() == gaps));
    const std::vector<bool> flags{true, false};
    CHECK(Value(flags).as<std::vector<bool>>() == flags);
    CHECK(Value(flags).at(1).as<bool>() == false);
    CHECK((Value(std::list<std::string>{"x"}).as<std::deque<std::string>>() == std::deque<std::string>{"x"}));
    CHECK((Value(std::set<int>{3, 1}).as<std::vector<int>>() == std::vector<int>{1, 3}));
    CHECK((Value(std::array<int, 2>{1, 2}).as<std::set<int>>() == std::set<int>{1, 2}));
    CHECK((Value(std::vector<Value>{1, "a"}).to_json() == R"([1,"a"])"));
    CHECK(Value(std::vector<std::vector<std::string_view>>{{"a"}, {}}).to_json() == R"([["a"],[]])");
    THROWS(Status::type, (void)Value::list({1, "a"}).as<std::vector<int>>());
}

TEST(types_of_ones_own_are_converted) {
    const Value point = Point{1, 2};
    CHECK(point.to_json() == "[1,2]");
    CHECK(point.as<Point>().y == 2);
    const auto points = Value(std::vector<Point>{{1, 2}, {3, 4}}).as<std::vector<Point>>();
    CHECK(points.size() == 2 && points.at(1).x == 3);
}

TEST(lists_and_maps_are_walked) {
    std::string seen;
    const Value list = Value::list({"a", "b"});
    for (const ValueView item : list.items()) seen += item.as<std::string>();
    CHECK(seen == "ab");
    const Value map = Value::map({{"b", 2}, {"a", 1}});
    seen.clear();
    for (const auto& [key, item] : map.entries()) seen += std::string(key) + std::to_string(item.as<int>());
    CHECK(seen == "a1b2");
    CHECK(map.entries().size() == 2);
    CHECK(!map.entries().empty());
    CHECK(map.entries().find("b")->as<int>() == 2);
    THROWS(Status::not_found, (void)map.entries()[2]);
    auto second = map.entries().begin();
    CHECK((*second++).first == "a");
    CHECK((*second).first == "b");
    CHECK(++second == map.entries().end());
}

TEST(a_copy_does_not_change_with_the_original) {
    Value list = Value::list({1});
    const Value copy = list;
    list.push_back(2).push_back(list);
    CHECK(copy.to_json() == "[1]");
    CHECK(list.to_json() == "[1,2,[1,2]]");
    Value map = Value::map();
    map.set("a", list).set("a", 1);
    CHECK(map.to_json() == R"({"a":1})");
    map = static_cast<const Value&>(map);
    CHECK(map.to_json() == R"({"a":1})");
    const Value moved = std::move(map);
    CHECK(moved.to_json() == R"({"a":1})");
    map = 5;
    CHECK(map.as<int>() == 5);
    const ValueView view = moved;
    CHECK(Value(view) == moved);
    THROWS(Status::type, map.push_back(1));
    THROWS(Status::type, map.set("a", 1));
}

// contract 7.3
TEST(json_and_messagepack_go_both_ways) {
    const Value value = Value::from_json(R"({"a":[1,1.0,"x",null,true]})");
    CHECK(value.to_json() == R"({"a":[1,1.0,"x",null,true]})");
    CHECK(Value::from_msgpack(value.to_msgpack()) == value);
    CHECK((Value::list({1}).to_msgpack() == Bytes{std::byte{0x91}, std::byte{0x01}}));
    THROWS(Status::argument, (void)Value::from_json("{"));
    THROWS(Status::range, (void)Value::from_json("9223372036854775808"));
    THROWS(Status::argument, (void)Value::from_msgpack(BytesView()));
    THROWS(Status::type, (void)Value(BytesView("x"sv)).to_json());
}

TEST(a_value_that_was_moved_from_throws_and_can_be_assigned) {
    Value value = 1;
    const Value other = std::move(value);
    THROWS(Status::argument, (void)value.as<int>());  // NOLINT(*-use-after-move)
    value = other;
    CHECK(value == other);
}
