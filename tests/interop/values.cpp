// Every type of value, as C++ writes and reads it; tests/interop/run.sh says what for.
//
//     values URL write ID       values URL check ID       values URL copy FROM TO
#include <lovely_session.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace std::literals;
using lovely::Bytes;
using lovely::Value;

namespace {

double bits(std::uint64_t bits) {
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

Bytes bytes(std::string_view text) {
    const lovely::BytesView view(text);
    return Bytes(view.begin(), view.end());
}

Value nested() {
    Value deep = 1;
    for (int i = 0; i < 40; ++i) deep = Value::list().push_back(deep);
    const auto min = std::numeric_limits<std::int64_t>::min(), max = std::numeric_limits<std::int64_t>::max();
    return Value::map({
        {""sv, Value::list({nullptr, true, Value::list(), Value::map(), -0.0, bits(0x7ff8000000000001), min, max})},
        {"bytes and text"sv, Value::list({bytes("\0\xff"sv), Bytes(), ""sv})},
        {"deep"sv, deep},
        {"\U0001D11E\0"sv, "\0 \U0001D11E"sv},
    });
}

// What is written, or read and compared: each key as its own type, and as a value.
class Table {
public:
    Table(lovely::Package pkg, bool is_writing) : pkg_(pkg), is_writing_(is_writing) {}

    template <class T>
    void row(std::string_view key, const T& want) {
        ++rows_;
        if (is_writing_) {
            pkg_.set(key, want);
            return;
        }
        const auto value = pkg_.find(key);
        if (!value || *value != Value(want)) throw std::runtime_error(std::string(key) + " is not as it was written");
        if constexpr (std::is_same_v<T, double>) {
            const double got = pkg_.get<double>(key).value();
            if (std::memcmp(&got, &want, sizeof got) != 0) throw std::runtime_error(std::string(key) + " has other bits");
        } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::int64_t> || std::is_same_v<T, Bytes>) {
            if (pkg_.get<T>(key).value() != want) throw std::runtime_error(std::string(key) + " is another one as its type");
        }
    }

    void all() {
        std::string text, all;
        for (int i = 0; i < 100000; ++i) text += "\xc3\xa4";
        for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
        const double infinity = std::numeric_limits<double>::infinity();
        row("null", nullptr);
        row("", nullptr);
        row("true", true);
        row("false", false);
        row("zero", std::int64_t(0));
        row("min", std::numeric_limits<std::int64_t>::min());
        row("max", std::numeric_limits<std::int64_t>::max());
        row("key\0NUL"sv, std::int64_t(-1));
        row("\U0001D11E", std::int64_t(119070));
        row("one", 1.0);
        row("minus zero", -0.0);
        row("huge", 1e308);
        row("tiny", 5e-324);
        row("infinity", infinity);
        row("minus infinity", -infinity);
        row("nan", bits(0x7ff8000000000000));
        row("odd nan", bits(0xfff8deadbeef0001));
        row("empty text", ""sv);
        row("text", "a\0b \u2603 \U0001D11E"sv);
        row("long text", std::string_view(text));
        row("no bytes", Bytes());
        row("bytes", bytes(all));
        row("empty list", Value::list());
        row("empty map", Value::map());
        row("nested", nested());
        if (!is_writing_ && pkg_.size() != rows_) throw std::runtime_error("there are other keys");
    }

private:
    lovely::Package pkg_;
    bool is_writing_;
    std::size_t rows_ = 0;
};

void run(const std::string& url, const std::string& what, const std::string& id, const std::string& to) {
    const lovely::Store store(url);
    const lovely::Container container(store, "interop");
    lovely::transact([&](lovely::Transaction& txn) {
        auto pkg = txn.open(container, id).package("values");
        if (what != "copy") {
            Table(pkg, what == "write").all();
            return;
        }
        auto copied = txn.open(container, to).package("values");
        for (const auto& [key, value] : pkg) copied.set(key, value);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    try {
        run(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "");
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
