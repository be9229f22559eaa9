// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/stream_limits.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** A third loop for the stream engine: sockets are pairs of byte queues and the test sets the time.
 * Faults are switches. The remote side is the test itself. */
namespace memory {

using namespace sigfire;

inline constexpr std::size_t unlimited = ~std::size_t{0};

/// A connection: the bytes on the wire, and possible faults.
struct wire {
    std::string to_server, to_peer;
    std::size_t room = unlimited;       ///< bytes the server may still send before it would block
    std::size_t piece = unlimited;      ///< bytes that one send or receive takes at most
    bool peer_shut = false;             ///< nothing more comes from the peer
    bool peer_reset = false;            ///< the peer is gone
    bool hung_up = false;               ///< seen by the server even where it does not read
    bool server_shut = false;           ///< the server sent its end
    bool server_closed = false;         ///< the server closed its socket ...
    bool server_reset = false;          ///< ... by a reset
    bool reads = false, writes = false; ///< what the server waits for
    void* tag = nullptr;
    std::string address = "192.0.2.1"; ///< of the peer
    std::vector<std::size_t> sends;    ///< bytes of each send
    std::function<void()> on_send;     ///< called before each send, if there is one
    std::size_t receives = 0;
};

using wire_ptr = std::shared_ptr<wire>;

class loop;

/// What the loops of an io_context work on; the test finds it by `use_service<memory::net>(io)`.
class net : public boost::asio::execution_context::service {
public:
    using key_type = net;
    inline static boost::asio::execution_context::id id;

    explicit net(boost::asio::execution_context& c) : service{c} {}

    // So far ahead that no real timer, set to a deadline of this clock, will ever fire by itself.
    time_point now = clock::now() + std::chrono::hours{100'000};
    std::deque<wire_ptr> backlog;
    std::vector<wire_ptr> open; ///< accepted, in this order
    std::vector<wire_ptr> adoptable;
    bool no_descriptors = false;
    bool listening = false;
    std::size_t accepts = 0, waits = 0; ///< calls
    std::vector<loop*> loops;

    /// What the servers would see now.
    std::vector<detail::ready> events() {
        std::vector<detail::ready> out;
        std::erase_if(open, [](const wire_ptr& w) { return w->server_closed; });
        if (listening && (no_descriptors || !backlog.empty())) out.push_back({nullptr, true, false});
        for (const auto& w : open) {
            const bool readable =
                w->peer_reset || w->hung_up || (w->reads && (!w->to_server.empty() || w->peer_shut));
            const bool writable = w->writes && w->room != 0;
            if (readable || writable) out.push_back({w->tag, readable, writable});
        }
        return out;
    }

    void wake();

private:
    void shutdown() override {
        backlog.clear();
        open.clear();
        adoptable.clear();
    }
};

class loop {
public:
    using socket = wire_ptr;

    loop(boost::asio::io_context& io, detail::turn_function turn, void* self)
        : io_{io}, net_{boost::asio::use_service<net>(io)}, turn_{turn}, self_{self} {
        net_.loops.push_back(this);
    }

    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    ~loop() {
        *token_ = false;
        std::erase(net_.loops, this);
    }

    std::span<const detail::ready> wait() {
        ++net_.waits;
        ready_ = net_.events();
        return ready_;
    }

    time_point now() const { return net_.now; }

    void wake() {
        if (std::exchange(waking_, true)) return;
        boost::asio::post(io_, [this, token = token_] {
            if (!*token) return;
            waking_ = false;
            turn_(self_);
        });
    }

    void stop() {}
    void listen(detail::stream_acceptor&) { net_.listening = true; }
    void unlisten(detail::stream_acceptor&) { net_.listening = false; }

    socket accept(detail::stream_acceptor&, error_code& ec) {
        ++net_.accepts;
        if (net_.no_descriptors)
            ec = boost::asio::error::no_descriptors;
        else if (net_.backlog.empty())
            ec = boost::asio::error::would_block;
        if (ec) return nullptr;
        auto w = std::move(net_.backlog.front());
        net_.backlog.pop_front();
        return w;
    }

    // Descriptors are numbers in `net::adoptable`.
    socket adopt(int descriptor, error_code&) {
        return net_.adoptable.at(static_cast<std::size_t>(descriptor));
    }

    sockaddr_storage remote(const socket& s) {
        return detail::socket_address(boost::asio::ip::make_address(s->address));
    }

    void add(socket& s, void* tag) {
        s->tag = tag;
        s->reads = true;
        net_.open.push_back(s);
    }

    void watch(socket& s, void*, bool read, bool write) {
        s->reads = read;
        s->writes = write;
    }

    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        ++s->receives;
        if (s->peer_reset) {
            ec = boost::asio::error::connection_reset;
            return 0;
        }
        if (s->to_server.empty()) {
            ec = boost::asio::error::would_block;
            if (s->peer_shut) ec = boost::asio::error::eof;
            return 0;
        }
        const auto n = std::min({bytes.size(), s->to_server.size(), s->piece});
        s->to_server.copy(bytes.data(), n);
        s->to_server.erase(0, n);
        return n;
    }

    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        if (s->on_send) s->on_send();
        if (s->peer_reset) {
            ec = boost::asio::error::broken_pipe;
            return 0;
        }
        const auto n = std::min({bytes.size(), s->room, s->piece});
        if (n == 0) {
            ec = boost::asio::error::would_block;
            return 0;
        }
        s->to_peer += bytes.substr(0, n);
        s->sends.push_back(n);
        if (s->room != unlimited) s->room -= n;
        return n;
    }

    void shutdown(socket& s) { s->server_shut = true; }

    void close(socket& s, bool reset) {
        s->server_closed = s->server_shut = true;
        s->server_reset = reset;
    }

private:
    boost::asio::io_context& io_;
    net& net_;
    std::shared_ptr<bool> token_ = std::make_shared<bool>(true); // tells handlers that outlive the loop
    detail::turn_function turn_;
    void* self_;
    std::vector<detail::ready> ready_;
    bool waking_ = false;
};

inline void net::wake() {
    for (auto* l : loops) l->wake();
}

/// Runs turns until nothing is left to do; gives up after many.
inline void run(boost::asio::io_context& io) {
    auto& n = boost::asio::use_service<net>(io);
    for (int i = 0; i < 10'000; ++i) {
        n.wake();
        if (io.stopped()) io.restart();
        io.poll();
        if (n.events().empty()) break;
    }
}

/// Lets time pass, a turn at each step.
inline void advance(boost::asio::io_context& io, std::chrono::milliseconds time,
                    std::chrono::milliseconds step = std::chrono::milliseconds{250}) {
    for (; time.count() > 0; time -= step) {
        boost::asio::use_service<net>(io).now += std::min(time, step);
        run(io);
    }
}

/// What the test gives the engine to serve.
struct options {
    std::string path{};
    std::vector<std::string> origins{};
    std::vector<std::string> proxies{};
    stream_limits limits{};
    accept_gate gate{};
    bool hello = false;
};

/// A stream transport on the memory loop. Models Transport.
template <class Framing, bool Upgrades>
class basic_transport {
public:
    using loop_type = loop;
    using framing_type = Framing;
    static constexpr bool upgrades = Upgrades;

    template <class State>
    using connection = detail::stream_connection<basic_transport, loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_transport, loop, State>::template with<Sink>;

    basic_transport(boost::asio::io_context& io, options o = {})
        : io_{&io}, options_{std::move(o)}, proxies_{options_.proxies} {}

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }
    const accept_gate& gate() const { return options_.gate; }
    bool hello() const { return options_.hello; }
    bool trusts(std::string_view remote) const { return proxies_.contains(remote); }
    std::string_view path() const { return options_.path; }
    std::span<const std::string> origins() const { return options_.origins; }
    const detail::network_list& proxies() const { return proxies_; }
    forwarded_header forwarded_by() const { return {}; }
    void bind(detail::stream_acceptor&, error_code&) const {}
    void unbind(detail::stream_acceptor&) const {}
    std::string address(const detail::stream_acceptor&) const { return "memory:"; }

private:
    boost::asio::io_context* io_;
    options options_;
    detail::network_list proxies_;
};

using websocket = basic_transport<framing::websocket<framing::role::server>, true>;
using lengths = basic_transport<framing::length, false>;

static_assert(Transport<websocket> && Transport<lengths>);

/// The upgrade request of a well-behaved peer; `fields` are lines more, each with its line break.
inline std::string upgrade_request(std::string_view fields = {}, std::string_view target = "/") {
    std::string out = "GET ";
    out.append(target).append(
        " HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n");
    return out.append(fields).append("\r\n");
}

/// The remote side of a connection. `Framing` is the client's.
template <class Framing>
class basic_peer {
public:
    explicit basic_peer(boost::asio::io_context& io) : at{std::make_shared<wire>()} {
        boost::asio::use_service<net>(io).backlog.push_back(at);
    }

    /// A whole message as it goes over the wire.
    std::string sealed(std::string_view bytes, message_type type = message_type::text) {
        return test::sealed(framing_, type, bytes, Framing::header_bound(bytes.size()));
    }

    std::string sealed_control(control c, std::uint16_t code = 0, std::string_view text = {}) {
        std::string out(Framing::control_bound, '\0');
        out.resize(framing_.write_control(c, code, text, out.data()));
        return out;
    }

    void write(std::string_view bytes) { at->to_server += bytes; }
    void say(std::string_view bytes) { write(sealed(bytes)); }
    void shut() { at->peer_shut = true; }
    void reset() { at->peer_reset = true; }

    /// Takes the bytes that came.
    std::string read() { return std::exchange(at->to_peer, {}); }

    /// Takes the text up to the blank line: the answer to the upgrade.
    std::string read_header() {
        const auto end = at->to_peer.find("\r\n\r\n");
        const auto out = at->to_peer.substr(0, end == std::string::npos ? end : end + 4);
        at->to_peer.erase(0, out.size());
        return out;
    }

    /// Takes the frames that came, as `text:...`, `close:1000:...`, ..., or the error in it.
    std::vector<std::string> events() {
        auto bytes = read();
        test::framing_record record;
        if (const auto e = framing_.feed(bytes, {.message = 1u << 30, .idle_frames = 1u << 30}, record).error;
            e != errc::ok)
            record.events.emplace_back("!" + std::string{to_string(e)});
        return std::move(record.events);
    }

    wire_ptr at;

private:
    Framing framing_;
};

} // namespace memory
