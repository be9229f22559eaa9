// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "memory_loop.hpp"

#include <sigfire/net/engine/socket_name.hpp>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Peers on real sockets that never block: they move their bytes when `drive` lets them.
namespace stream_test {

using namespace sigfire;

/// Where `ws://127.0.0.1:3003`, `tcp://[::1]:9000` or `unix:/tmp/x` leads.
inline boost::asio::generic::stream_protocol::endpoint endpoint_of(std::string_view url) {
    if (const auto at = url.find("unix:"); at != url.npos)
        return boost::asio::local::stream_protocol::endpoint{
            detail::socket_name(std::string{url.substr(at + 5)})};
    url.remove_prefix(url.find("//") + 2);
    const auto colon = url.rfind(':');
    auto host = url.substr(0, colon);
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    return boost::asio::ip::tcp::endpoint{
        boost::asio::ip::make_address(std::string{host}),
        static_cast<unsigned short>(std::stoul(std::string{url.substr(colon + 1)}))};
}

/// The layer between framing and socket: nothing.
struct no_layer {
    /// Takes the bytes of messages, and adds to the bytes for the wire.
    void seal(std::string& said, std::string& wire) { wire += std::exchange(said, {}); }
    /// Says goodbye.
    void finish() {}
    /// What bytes of the wire say.
    std::string open(std::string_view bytes) { return std::string{bytes}; }
    /// Whether the other side said goodbye, or this one cannot go on.
    bool over() const { return false; }
};

template <class Framing, class Layer = no_layer>
class peer {
public:
    /// `upgrade`: the request that opens a WebSocket.
    peer(boost::asio::io_context& io, std::string_view url, Layer layer = {},
         std::string upgrade = memory::upgrade_request())
        : body_{std::make_unique<body>(io, std::move(layer))} {
        const auto to = endpoint_of(url);
        body_->socket.open(to.protocol());
        body_->socket.connect(to); // the kernel answers, not the server
        body_->socket.non_blocking(true);
        error_code ignored; // by a Unix socket, which does not wait anyway
        body_->socket.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
        if constexpr (Framing::control_bound != 0) {
            body_->out = std::move(upgrade);
            body_->upgrading = true;
        }
        all().insert(body_.get());
    }
    peer(peer&&) = default;
    ~peer() {
        if (body_) all().erase(body_.get());
    }

    void send(std::string_view bytes, message_type type = message_type::text) {
        body_->out += test::sealed(body_->framing, type, bytes, Framing::header_bound(bytes.size()));
    }
    void write(std::string_view bytes) { body_->out += bytes; }

    std::vector<std::string> take() { return std::exchange(body_->messages, {}); }
    /// The bytes that came before the first frame: the answer to the upgrade.
    const std::string& raw() const { return body_->in; }
    const std::vector<std::string>& controls() const { return body_->controls; }
    bool ended() const { return body_->ended; }
    Layer& layer() { return body_->layer; }
    void stall() { body_->stalled = true; }
    /// Ends it properly; for a WebSocket that is to ask the server to.
    void close() {
        if constexpr (Framing::control_bound != 0) {
            std::string frame(Framing::control_bound, '\0');
            frame.resize(body_->framing.write_control(control::close, 1000, {}, frame.data()));
            write(frame);
        }
        body_->step();
        if (Framing::control_bound != 0 || ended()) return;
        layer().finish();
        body_->step();
        hang_up();
    }
    /// Breaks off within a message, which no server takes for a proper end.
    void cut() {
        write("{");
        body_->step();
        hang_up();
    }
    void hang_up() {
        error_code ignored;
        body_->socket.close(ignored);
    }

    /// One step of every peer.
    static void pump() {
        for (auto* b : all()) b->step();
    }

private:
    struct body {
        body(boost::asio::io_context& io, Layer l) : socket{io}, layer{std::move(l)} {}

        boost::asio::generic::stream_protocol::socket socket;
        Layer layer;
        Framing framing;
        std::string out, wire, in;
        std::vector<std::string> messages, controls;
        bool upgrading = false, stalled = false, ended = false;

        bool on_message(message m) { return messages.emplace_back(m.view()), true; }
        bool on_control(control c, std::uint16_t code, std::string_view text) {
            std::string answer(Framing::control_bound, '\0');
            if (c == control::ping)
                answer.resize(framing.write_control(control::pong, 0, text, answer.data()));
            if (c == control::close)
                answer.resize(framing.write_control(control::close, code, {}, answer.data()));
            if (c != control::pong) out += answer;
            controls.push_back((c == control::close ? "close:" + std::to_string(code) + ":" : "ping:") +
                               std::string{text});
            return true;
        }

        void step() {
            if (!socket.is_open() || ended) return;
            error_code ec;
            layer.seal(out, wire);
            while (!wire.empty() && !ec) wire.erase(0, socket.send(boost::asio::buffer(wire), 0, ec));
            // Once: to fill it in each call takes minutes under sanitizers.
            static std::vector<char> bytes(1u << 18);
            for (ec = {}; !stalled;) {
                const auto n = socket.receive(boost::asio::buffer(bytes), 0, ec);
                if (ec == boost::asio::error::would_block) return;
                if (ec) {
                    ended = true;
                    socket.close(ec);
                    return;
                }
                auto opened = layer.open({bytes.data(), n});
                std::span<char> got{opened};
                std::string late;
                if (upgrading) {
                    in.append(got.data(), got.size());
                    const auto end = in.find("\r\n\r\n");
                    if (end == in.npos || !in.starts_with("HTTP/1.1 101 ")) continue;
                    late = in.substr(end + 4);
                    in.resize(end + 4);
                    upgrading = false;
                    got = late;
                }
                // A framing that tells no text from bytes may carry either.
                constexpr framing_limits limits{
                    .message = 1u << 30, .idle_frames = 1u << 30, .check_utf8 = Framing::control_bound != 0};
                framing.feed(got, limits, *this);
                if (layer.over()) {
                    ended = true;
                    socket.close(ec);
                    return;
                }
            }
        }
    };

    static std::set<body*>& all() {
        static std::set<body*> peers;
        return peers;
    }

    std::unique_ptr<body> body_;
};

/// Runs the io_context and what `pump` does until `condition()` holds; false after some seconds without.
inline bool drive(boost::asio::io_context& io, const std::function<void()>& pump,
                  const std::function<bool()>& condition,
                  std::chrono::seconds limit = std::chrono::seconds{10}) {
    const auto deadline = clock::now() + limit;
    for (;;) {
        if (io.stopped()) io.restart();
        io.poll();
        if (pump) pump();
        if (condition()) return true;
        if (clock::now() > deadline) return false;
        io.run_one_for(std::chrono::milliseconds{1});
    }
}

} // namespace stream_test
