// A shop: sign in, fill a cart, sign out, with one session for each visitor, found by a cookie.
//
// What it keeps, so that shops in other languages can serve the same visitors from the same store:
//
//   cookie "shop"         the session id, 32 characters; HttpOnly, SameSite=Lax, Path=/, and Secure with --secure
//   container "visitors"
//   package "shop"        "user": text, who is signed in; absent for a guest
//   package "cart"        each item's name: integer, how many, changed only by adding, so that concurrent requests add up
//
// An id is used only if a session stands under it. Any other cookie, unknown, expired or made up, is answered with a fresh id,
// and signing in gives the session a new one: an id that somebody planted is worth nothing (session fixation).
//
//     c++ -std=c++17 server.cpp $(pkg-config --cflags --libs lovely_session cpp-httplib) -lpthread -o server
//     ./server --port 8080 memcached://localhost
//
//   GET /        the page                      POST /signin    user=NAME
//   GET /cart    {"cart":{...},"user":...}     POST /cart      item=NAME, count=NUMBER (1 if it is not there)
//                                              POST /signout
#include <httplib.h>
#include <lovely_session.hpp>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace {

using httplib::Request;
using httplib::Response;

// What the client got wrong.
struct BadRequest : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string html(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += c;
        }
    }
    return escaped;
}

// A field of a form, of a length that a person would type.
std::string field(const Request& request, const char* name) {
    std::string value = request.get_param_value(name);
    if (value.empty() || value.size() > 100) throw BadRequest(std::string(name) + ": 1 to 100 bytes");
    return value;
}

class Shop {
public:
    Shop(const lovely::Store& store, bool is_secure) : visitors_(store, "visitors"), is_secure_(is_secure) {}

    // What a request shows: nothing is stored, and a visitor without a session gets none by looking.
    lovely::Value look(const Request& request) const {
        return lovely::transact([&](lovely::Transaction& txn) {
            auto seen = lovely::Value::map({{"user", nullptr}, {"cart", lovely::Value::map()}});
            if (const auto session = known(txn, request)) {
                const auto shop = session->package("shop");
                if (const auto user = shop.find("user")) seen.set("user", *user);
                auto cart = lovely::Value::map();
                for (const auto& [item, count] : session->package("cart")) cart.set(item, count);
                seen.set("cart", cart);
            }
            return seen;
        });
    }

    // A request that changes the session, and goes back to the page. The cookie is set once the session is stored.
    template <class Work>
    void change(const Request& request, Response& response, Work&& work) const {
        const auto id = lovely::transact([&](lovely::Transaction& txn) {
            auto found = known(txn, request);
            auto session = found ? *found : txn.create(visitors_);
            work(session);
            return std::string(session.id());
        });
        if (id != cookie(request)) response.set_header("Set-Cookie", "shop=" + id + attributes());
        response.set_redirect("/", 303);
    }

    void sign_out(const Request& request, Response& response) const {
        lovely::transact([&](lovely::Transaction& txn) {
            if (const auto session = known(txn, request)) txn.destroy(visitors_, session->id());
        });
        response.set_header("Set-Cookie", "shop=; Max-Age=0" + attributes());
        response.set_redirect("/", 303);
    }

private:
    // The session that the cookie names, if there is one.
    std::optional<lovely::Session> known(lovely::Transaction& txn, const Request& request) const {
        const std::string id = cookie(request);
        if (id.size() != 32) return std::nullopt;
        const auto session = txn.open(visitors_, id);
        return session.is_new() ? std::nullopt : std::optional(session);
    }

    static std::string cookie(const Request& request) {
        const std::string header = request.get_header_value("Cookie");
        std::string_view rest = header;
        while (!rest.empty()) {
            const auto end = rest.find(';');
            auto pair = rest.substr(0, end);
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
            while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
            if (pair.substr(0, 5) == "shop=") return std::string(pair.substr(5));
        }
        return {};
    }

    std::string attributes() const {
        return std::string("; Path=/; HttpOnly; SameSite=Lax") + (is_secure_ ? "; Secure" : "");
    }

    lovely::Container visitors_;
    bool is_secure_;
};

std::string page(const lovely::Value& seen) {
    const auto user = seen.get<std::optional<std::string>>("user").value();
    std::string body = "<!doctype html>\n<title>Shop</title>\n<h1>Hello, " + html(user.value_or("guest")) + "</h1>\n<ul>\n";
    const auto cart = seen.at("cart");
    for (const auto& [item, count] : cart.entries()) {
        body += "<li>" + std::to_string(count.as<std::int64_t>()) + " " + html(item) + "\n";
    }
    return body +
           "</ul>\n<form method=post action=/cart><input name=item> <button>Add to cart</button></form>\n" +
           (user ? "<form method=post action=/signout><button>Sign out</button></form>\n"
                 : "<form method=post action=/signin><input name=user> <button>Sign in</button></form>\n");
}

std::int64_t count_of(const Request& request) {
    if (!request.has_param("count")) return 1;
    const std::string text = request.get_param_value("count");
    int count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > 1000) {
        throw BadRequest("count: 1 to 1000");
    }
    return count;
}

// What the visitor is told. The log gets the rest, which names neither ids nor values.
void fail(Response& response, std::exception_ptr failure) {
    const auto say = [&](int status, const std::string& text) {
        response.status = status;
        response.set_content(text + "\n", "text/plain; charset=utf-8");
    };
    try {
        std::rethrow_exception(failure);
    } catch (const BadRequest& error) {
        say(400, error.what());
    } catch (const lovely::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        switch (error.status()) {
            case lovely::Status::argument:
            case lovely::Status::range:
            case lovely::Status::too_large: say(400, "that cannot be kept in a session"); break;
            // Signed out, or signed in under a new id, by another request meanwhile.
            case lovely::Status::gone: say(409, "this session has ended; please go on from the start page"); break;
            case lovely::Status::conflict: say(409, "too many changes at once; please try again"); break;
            case lovely::Status::unavailable:
            case lovely::Status::timeout: say(503, "sessions cannot be reached; please try again"); break;
            default: say(500, "something went wrong");
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        say(500, "something went wrong");
    }
}

void route(httplib::Server& server, const Shop& shop) {
    server.Get("/", [&](const Request& request, Response& response) {
        response.set_content(page(shop.look(request)), "text/html; charset=utf-8");
    });
    server.Get("/cart", [&](const Request& request, Response& response) {
        response.set_content(shop.look(request).to_json() + "\n", "application/json");
    });
    server.Post("/signin", [&](const Request& request, Response& response) {
        const auto user = field(request, "user");
        shop.change(request, response, [&](lovely::Session session) {
            // A new session has a new id already.
            if (!session.is_new()) session.regenerate();
            session["shop"]["user"] = user;
        });
    });
    server.Post("/cart", [&](const Request& request, Response& response) {
        const auto item = field(request, "item");
        const auto count = count_of(request);
        shop.change(request, response, [&](lovely::Session session) { session["cart"][item] += count; });
    });
    server.Post("/signout", [&](const Request& request, Response& response) { shop.sign_out(request, response); });
    server.set_default_headers({{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
    server.set_exception_handler([](const Request&, Response& response, std::exception_ptr failure) { fail(response, failure); });
    server.set_payload_max_length(8192);
}

int run(bool is_secure, int port, std::string_view url) {
    const lovely::Store store(url);
    store.ping();
    const Shop shop(store, is_secure);
    httplib::Server server;
    route(server, shop);

    // SIGINT and SIGTERM are taken by one thread, which stops the server; the others inherit that they are blocked.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    if (port == 0) {
        port = server.bind_to_any_port("127.0.0.1");
    } else if (!server.bind_to_port("127.0.0.1", port)) {
        port = -1;
    }
    if (port < 0) {
        std::fprintf(stderr, "the port is taken\n");
        return 1;
    }
    std::thread stopper([&] {
        int signal = 0;
        sigwait(&ends, &signal);
        server.stop();
    });
    std::printf("listening on http://127.0.0.1:%d\n", port);
    std::fflush(stdout);
    const bool ended_well = server.listen_after_bind();
    if (!ended_well) pthread_kill(stopper.native_handle(), SIGTERM);
    stopper.join();
    return ended_well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    bool is_secure = false;
    int port = 8080;
    std::string_view url = "memory://shop";
    for (int at = 1; at < argc; ++at) {
        const std::string_view argument = argv[at];
        if (argument == "--secure") {
            is_secure = true;
        } else if (argument == "--port" && at + 1 < argc) {
            ++at;
            const char* const end = argv[at] + std::strlen(argv[at]);
            if (std::from_chars(argv[at], end, port).ptr != end || port < 0 || port > 65535) {
                std::fprintf(stderr, "--port: 0 to 65535\n");
                return 2;
            }
        } else if (argument.substr(0, 2) == "--") {
            std::fprintf(stderr, "usage: %s [--secure] [--port NUMBER] [URL]\n", argv[0]);
            return 2;
        } else {
            url = argument;
        }
    }
    try {
        return run(is_secure, port, url);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
