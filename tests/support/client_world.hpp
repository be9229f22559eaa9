// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "print_errc.hpp"

#include <sigfire/client.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/http/upgrade.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/// What tests of clients have in common: running operations to their end, and servers that follow a script.
namespace client_world {

using namespace std::literals;
namespace asio = boost::asio;
using sigfire::client, sigfire::errc, sigfire::error_code, sigfire::incoming;
using operation_result = std::optional<error_code>;

constexpr auto aborted = asio::error::operation_aborted;

// Starts an operation and runs the context until it is done.
template <class... Results, class Operation>
auto outcome(asio::io_context& io, Operation operation) {
    std::optional<std::tuple<error_code, Results...>> out;
    std::move(operation)([&](error_code ec, Results... r) { out.emplace(ec, std::move(r)...); });
    BOOST_REQUIRE_MESSAGE(!out, "completed from within");
    io.restart();
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!out && io.run_one_until(limit) != 0) continue;
    BOOST_REQUIRE(out.has_value());
    return *out;
}

template <class Operation>
error_code code(asio::io_context& io, Operation operation) {
    return std::get<0>(outcome(io, std::move(operation)));
}

inline std::pair<error_code, sigfire::welcome> connect(asio::io_context& io, client& c, std::string url) {
    auto [ec, w] = outcome<sigfire::welcome>(io, c.connect(std::move(url)));
    return {ec, w};
}

inline std::pair<error_code, incoming> receive(asio::io_context& io, client& c) {
    auto [ec, in] = outcome<incoming>(io, c.receive());
    return {ec, in};
}

inline void run_until(asio::io_context& io, const auto& condition) {
    io.restart();
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!condition() && io.run_one_until(limit) != 0) continue;
    BOOST_REQUIRE(condition());
}

/// A server on a socket that does what it is told, for one connection.
struct puppet {
    explicit puppet(asio::io_context& context, bool by_websocket = true)
        : io{context}, ws{by_websocket}, acceptor{io, {asio::ip::address_v4::loopback(), 0}}, socket{io} {
        acceptor.async_accept(socket, [this](error_code ec) {
            if (!ec) ws ? upgrade() : start();
        });
    }

    std::string url() const {
        return (ws ? "ws://" : "tcp://") + ("127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
    }

    void upgrade() {
        asio::async_read_until(
            socket, asio::dynamic_buffer(head), "\r\n\r\n", [this](error_code ec, std::size_t) {
                if (ec) return;
                sigfire::detail::request_header h;
                BOOST_TEST(h.parse(head));
                const auto r = h.view("");
                BOOST_TEST((sigfire::detail::check_upgrade(r, h.http_1_1(), {}) == errc::ok));
                key = r["Sec-WebSocket-Key"];
                start();
            });
    }

    // Answers with what the test put into `first`; {101} is the proper answer.
    void start() {
        if (const auto at = first.find("{101}"); at != first.npos)
            first.replace(at, 5, sigfire::detail::switching_protocols(key, "sigfire.v1.json"));
        if (!first.empty()) write(first);
        read();
    }

    void read() {
        socket.async_read_some(asio::buffer(buffer), [this](error_code ec, std::size_t n) {
            if (ec) {
                ended = true;
                return;
            }
            const auto p = ws ? websocket.feed({buffer.data(), n}, {}, *this)
                              : length.feed({buffer.data(), n}, {}, *this);
            BOOST_TEST((p.error == errc::ok));
            read();
        });
    }

    bool on_message(sigfire::message m) {
        got.emplace_back(m.view());
        return true;
    }
    bool on_control(sigfire::control c, std::uint16_t code, std::string_view text) {
        controls.push_back({c, code, std::string{text}});
        return true;
    }

    std::string frame(std::string_view text) {
        const auto seal = [&](auto& f) {
            const auto front = f.header_bound(text.size());
            std::string out(front, '\0');
            out += text;
            out.resize(f.seal(sigfire::message_type::text, out.data(), front, text.size()));
            return out;
        };
        return ws ? seal(websocket) : seal(length);
    }
    std::string control_frame(sigfire::control c, std::uint16_t code, std::string_view text) {
        std::string out(websocket.control_bound, '\0');
        out.resize(websocket.write_control(c, code, text, out.data()));
        return out;
    }
    void write(std::string_view bytes) {
        error_code ec;
        asio::write(socket, asio::buffer(bytes), ec);
    }
    void say(std::string_view text) { write(frame(text)); }

    struct control_message {
        sigfire::control what;
        std::uint16_t code;
        std::string text;
    };

    asio::io_context& io;
    bool ws;
    asio::ip::tcp::acceptor acceptor;
    asio::ip::tcp::socket socket;
    std::string head, key, first;
    std::array<char, 65536> buffer;
    sigfire::framing::websocket<sigfire::framing::role::server> websocket;
    sigfire::framing::length length;
    std::vector<std::string> got;
    std::vector<control_message> controls;
    bool ended = false;
};

constexpr auto hello = R"({"id":"1","cmd":"welcome","data":{"id":"me"}})";

/// A server in memory that does what it is told, for any number of connections, one after the other.
class script {
    struct nothing {};
    using connection = sigfire::loopback::connection<nothing>;
    friend class sigfire::loopback::engine<nothing, script>;

public:
    explicit script(asio::io_context& io) : net{io}, engine_{net, *this} {
        error_code ec;
        engine_.open(ec);
        BOOST_TEST_REQUIRE(!ec);
    }

    sigfire::loopback net;
    std::deque<std::string> first; ///< said at once, a text for each connection
    std::vector<std::string> got;  ///< that was not taken
    std::string id;                ///< of the last that was taken
    int connections = 0;
    errc ended = errc::ok; ///< why the last one did

    bool open() const { return here_ != nullptr; }
    void say(std::string_view text) {
        BOOST_TEST_REQUIRE(open());
        std::ranges::copy(text, here_->reserve(sigfire::message_type::text, text.size()));
        here_->commit(text.size());
    }
    void end(errc cause, std::uint16_t close_code) { here_->close({0, close_code, {}}, cause); }

    /// Ends all there is, and is not there any more.
    void stop() { engine_.stop(0ms, {}); }

    /// Waits for the next message; returns it without its id, and replies with `ok` and `data` if not empty.
    std::string take(asio::io_context& io, std::string_view reply = {}) {
        run_until(io, [&] { return !got.empty(); });
        auto text = got.front();
        got.erase(got.begin());
        const auto at = text.rfind(R"(,"id":)");
        if (at == text.npos) return text;
        id = text.substr(at + 6, text.size() - at - 7);
        if (!reply.empty()) say(R"({"id":)" + id + ',' + std::string{reply} + '}');
        return text.substr(0, at) + '}';
    }

private:
    void opening(connection& c, const sigfire::request&) {
        c.accept({});
        here_ = &c;
        ++connections;
        if (first.empty()) return;
        say(first.front());
        first.pop_front();
    }
    void received(connection& c, sigfire::message m) {
        if (&c == here_) got.emplace_back(m.view());
    }
    void alive(connection&) {}
    void closed(connection& c, errc why) {
        if (&c == here_) here_ = nullptr, ended = why;
    }
    sigfire::time_point tick(sigfire::time_point) { return sigfire::time_point::max(); }

    connection* here_ = nullptr;
    sigfire::loopback::engine<nothing, script> engine_;
};

} // namespace client_world
