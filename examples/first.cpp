#include <cstdio>
#include "lovely_session.hpp"

int main() {
    try {
        const lovely::Store store("memory://shop");
        const lovely::Container visitors(store, "visitors");
        const auto items = lovely::transact([&](lovely::Transaction& txn) {
            auto cart = txn.open(visitors, "id from the cookie")["cart"];
            cart["user"] = "ann";
            return cart.add("items");
        });
        std::printf("items in the cart: %d\n", static_cast<int>(items));
        return 0;
    } catch (const lovely::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
