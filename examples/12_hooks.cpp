// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Hooks take part in the decisions of the hub. `bearer` checks the token of each connection. The hook
// `few_words` replaces the reason of each rejection and limits each peer to three messages. `vote` is a
// custom command: a coroutine that replies later.

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

// A hook has any of on_admit, on_open, on_message, on_deliver, on_outcome, on_close.
struct few_words {
    sigfire::peer_states<int> said = {};

    void on_open(sigfire::peer_handle peer, const sigfire::admission& admitted) {
        std::cout << admitted.id << " is here\n";
        said.emplace(peer, 0);
    }
    sigfire::errc on_message(sigfire::message_context& context, sigfire::event::send& e) {
        if (++*said.find(context.from()) > 3) return sigfire::errc::rate; // the reply to the sender
        if (e.command == "session-reject") {
            e.data = {context.keep(R"({"message":"not now"})")}; // valid until the message is delivered
            e.signal.body = {};
        }
        return sigfire::errc::ok;
    }
    void on_close(sigfire::peer_handle peer, sigfire::errc why) {
        std::cout << "somebody left: " << to_string(why) << '\n';
        said.erase(peer);
    }
};
static_assert(sigfire::Hook<few_words>);

boost::asio::awaitable<sigfire::command_reply> vote(sigfire::command_request asked) {
    boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, std::chrono::milliseconds{10}};
    co_await timer.async_wait(boost::asio::use_awaitable);
    if (asked.data.empty())
        co_return sigfire::command_reply{.cause = sigfire::errc::malformed, .text = "For whom?"};
    std::cout << asked.from << " votes " << asked.data << '\n';
    co_return sigfire::command_reply{.data = R"({"counted":true})"};
}

int main() {
    boost::asio::io_context io{1};
    const auto knows = [](std::string_view token, sigfire::admission& admission) {
        admission.id = token.substr(0, token.find(':')); // the token contains the id of the peer
        return token == "ann:secret" || token == "bob:secret";
    };
    const sigfire::commands own{{"vote", sigfire::coroutine_command(io, vote)}};
    sigfire::server srv{sigfire::websocket{io}, sigfire::hooks{sigfire::bearer{knows}, own, few_words{}}};

    sigfire::client ann{io, {.headers = {{"Authorization", "Bearer ann:secret"}}}}, bob{io}, eve{io};
    int surprises = 5;
    const auto answered = [&](sigfire::error_code cause) {
        if (cause != sigfire::errc::rate) return;
        std::cout << "ann: " << cause.message() << '\n';
        --surprises;
        srv.stop();
    };
    eve.connect(srv.address() + "/?token=eve:guess", [&](sigfire::error_code ec, const sigfire::welcome&) {
        std::cout << "eve: " << ec.message() << '\n';
        if (ec) --surprises;
        bob.connect(srv.address() + "/?token=bob:secret", [&](sigfire::error_code, const sigfire::welcome&) {
            bob.receive([&](sigfire::error_code, const sigfire::incoming& heard) {
                std::cout << heard.from << ": " << heard.data << '\n';
                if (heard.data == R"({"message":"not now"})") --surprises;
            });
            ann.connect(srv.address(), [&](sigfire::error_code, const sigfire::welcome& welcome) {
                if (welcome.id == "ann") --surprises;
                ann.send("", "vote", R"("bob")", [&](sigfire::error_code why) {
                    if (!why) --surprises;
                });
                for (int i = 0; i < 4; ++i)
                    ann.send("bob", "session-reject", R"({"message":"leave me alone!"})", answered);
            });
        });
    });
    io.run();
    return surprises;
}
