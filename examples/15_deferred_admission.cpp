// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The ids of peers are in a database. A hook with on_admit_deferred queries it. The server holds the
// connection until the answer arrives, and serves other peers meanwhile.

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <map>

using namespace std::chrono_literals;
using boost::asio::awaitable;

// A database that answers after 20 ms, or after an hour for an unknown token.
struct database {
    std::map<std::string, std::string> tokens{{"secret-1", "ann"}, {"secret-2", "bob"}};

    awaitable<std::string> name_of(std::string token) const {
        const auto found = tokens.find(token);
        const auto patience = found == tokens.end() ? 1h : 20ms;
        boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, patience};
        co_await timer.async_wait(boost::asio::use_awaitable); // throws when the server cancels it
        co_return found->second;
    }
};

struct token_in_database {
    const database* tokens;

    awaitable<sigfire::errc> on_admit_deferred(const sigfire::request& asked, sigfire::admission& admission) {
        const auto token = asked.query("token");
        if (token.empty()) {
            admission.refused_as = sigfire::refusal{401, 4401, "A token, please"};
            co_return sigfire::errc::denied;
        }
        admission.id = co_await tokens->name_of(token); // asked and admission live until the coroutine ends
        co_return sigfire::errc::ok;
    }
};
static_assert(sigfire::Hook<token_in_database>);

int main() {
    const database tokens;
    boost::asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}, sigfire::hooks{token_in_database{&tokens}},
                        sigfire::listener_options{.admission_timeout = 200ms}};

    sigfire::client ann{io}, bob{io}, eve{io}, nobody{io};
    int surprises = 4, waits = 4;
    const auto came = [&](std::string expected) {
        return [&, expected](sigfire::error_code ec, const sigfire::welcome& welcome) {
            std::cout << expected << ": " << (ec ? ec.message() : "welcome, " + welcome.id) << '\n';
            if (ec ? expected == "refused" : welcome.id == expected) --surprises;
            if (--waits == 0) srv.stop();
        };
    };
    eve.connect(srv.address() + "/?token=guess", came("refused")); // the database takes too long: status 503
    nobody.connect(srv.address(), came("refused"));                // status 401
    ann.connect(srv.address() + "/?token=secret-1", came("ann"));
    bob.connect(srv.address() + "/?token=secret-2", came("bob"));
    io.run();
    return surprises;
}
