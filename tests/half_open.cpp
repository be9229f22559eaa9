// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// A stopped process keeps its sockets: the other side of the connection ends it for its silence. Over real
// sockets.
#include "support/client_world.hpp"

#include <sigfire/client.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace client_world;
using namespace sigfire;

// Another process: it calls `f(write)`, by which it may write one line to this one.
class process {
public:
    template <class F>
    explicit process(F f) {
        int ends[2];
        BOOST_TEST_REQUIRE(::pipe(ends) == 0);
        id_ = ::fork();
        if (id_ == 0) {
            f([&](const std::string& text) { return ::write(ends[1], text.data(), text.size()); });
            ::_exit(0);
        }
        BOOST_TEST_REQUIRE(id_ > 0);
        ::close(ends[1]);
        from_ = ends[0];
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process() {
        tell(SIGKILL);
        ::waitpid(id_, nullptr, 0);
        ::close(from_);
    }

    /// The line that it writes.
    std::string line() {
        std::string text(200, '\0');
        const auto n = ::read(from_, text.data(), text.size());
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    void tell(int signal) { ::kill(id_, signal); }
    /// Stops it; returns when it has stopped.
    void stop() {
        tell(SIGSTOP);
        int status = 0;
        BOOST_TEST_REQUIRE(::waitpid(id_, &status, WUNTRACED) == id_);
        BOOST_TEST(WIFSTOPPED(status));
    }

private:
    ::pid_t id_ = -1;
    int from_ = -1;
};

template <class Transport>
void serve(const auto& write) {
    boost::asio::io_context io{1};
    server srv{Transport{io}};
    write(srv.address());
    io.run();
}

struct closings {
    std::vector<errc>* seen;
    void on_close(peer_handle, errc why) { seen->push_back(why); }
};

BOOST_AUTO_TEST_SUITE(half_open)

BOOST_AUTO_TEST_CASE(a_client_leaves_a_server_that_is_stopped) {
    for (const bool ws : {true, false}) BOOST_TEST_CONTEXT((ws ? "WebSocket" : "TCP")) {
            process there{[&](const auto& write) { ws ? serve<websocket>(write) : serve<tcp>(write); }};
            asio::io_context io;
            client me{io, {.ping_interval = 300ms}};
            BOOST_TEST(!connect(io, me, there.line()).first);
            BOOST_TEST(code(io, me.send("nobody", "bye")) == errc::unknown);
            there.stop();
            BOOST_TEST(receive(io, me).first == errc::pong_timeout);
            BOOST_TEST(!me.connected());
        }
}

BOOST_AUTO_TEST_CASE(a_client_that_reconnects_comes_back_when_its_server_runs_again) {
    process there{[](const auto& write) { serve<websocket>(write); }};
    asio::io_context io;
    client_options options;
    options.ping_interval = 300ms;
    options.connect_timeout = 200ms;
    options.reconnect.emplace().interval = 20ms;
    client me{io, options};
    BOOST_TEST(!connect(io, me, there.line()).first);
    there.stop();
    const auto [ec, news] = receive(io, me);
    BOOST_TEST((news.kind == incoming_kind::offline));
    BOOST_TEST(news.cause == errc::pong_timeout);
    io.restart();
    io.run_for(300ms); // an attempt fails meanwhile
    BOOST_TEST(!me.connected());
    there.tell(SIGCONT);
    BOOST_TEST((receive(io, me).second.kind == incoming_kind::online));
    BOOST_TEST(code(io, me.send("nobody", "bye")) == errc::unknown);
}

BOOST_AUTO_TEST_CASE(a_server_ends_a_client_that_is_stopped_and_no_other) {
    asio::io_context io;
    std::vector<errc> seen;
    server srv{websocket{io, {.limits = {.ping_interval = 200ms, .silence_timeout = 600ms}}},
               hooks{closings{&seen}}};
    client stays{io};
    BOOST_TEST(!connect(io, stays, srv.address()).first);
    process there{[url = srv.address()](const auto& write) {
        asio::io_context its;
        client c{its};
        c.connect(url, [&](error_code, const welcome& w) { write(w.id); });
        its.run();
    }};
    std::size_t peers = 0;
    run_until(io, [&] {
        srv.post([&](auto& hub) { peers = hub.size(); });
        return peers == 2;
    });
    const auto id = there.line();
    BOOST_TEST(!code(io, stays.send(id, "bye")));
    there.stop();
    run_until(io, [&] { return !seen.empty(); });
    BOOST_TEST((seen == std::vector{errc::pong_timeout}));
    BOOST_TEST(code(io, stays.send(id, "bye")) == errc::unknown);
    BOOST_TEST(stays.connected());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
