// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/listener.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A PeerJS server without sockets: the test is its transport, and says what time it is.
namespace peerjs_world {

using namespace sigfire;
using namespace std::chrono_literals;
using dialect::peerjs;
using dialect::peerjs_options;
using strings = std::vector<std::string>;

inline void same(const strings& got, const strings& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

/// A client's end of the wire. It hears `open 101 subprotocol`, messages, `close 1005 reason`.
template <class State>
struct basic_connection {
    State its_state;
    strings heard;
    std::string buffer;
    errc ending_for = errc::ok; ///< marked: why it ends
    bool open = false, told = false, pinged = false, held = false, full = false;
    bool answers_pings = true;

    bool usable() const { return open && ending_for == errc::ok; }
    bool room(std::size_t) const { return usable() && !full; }
    char* reserve(message_type type, std::size_t n) {
        BOOST_TEST((type == message_type::text));
        if (!usable()) return nullptr;
        if (full) {
            ending_for = errc::slow_consumer;
            return nullptr;
        }
        buffer.assign(n, '#');
        return buffer.data();
    }
    void commit(std::size_t n) {
        BOOST_TEST_REQUIRE(n <= buffer.size());
        heard.push_back(buffer.substr(0, n));
    }
    void accept(std::string_view subprotocol) {
        open = true;
        heard.push_back("open 101 " + std::string{subprotocol});
    }
    void refuse(const ending& e) {
        heard.push_back("open " + std::to_string(e.http_status) + " " + std::string{e.text});
    }
    void hold() { held = true; }
    void release() { held = false; }
    bool ping() { return pinged = usable(); }
    void close(const ending& e, errc why) {
        if (!usable()) return;
        heard.push_back("close " + std::to_string(e.close_code) + " " + std::string{e.text});
        ending_for = why;
    }
    State& state() { return its_state; }
};

/// What a listener is told to listen on. Models Transport; the test calls the listener itself.
struct transport {
    boost::asio::io_context* io;

    template <class State>
    using connection = basic_connection<State>;

    template <class State, class Sink>
    struct engine {
        engine(const transport&, Sink&) {}
        void open(error_code&) {}
        std::string address() const { return "test:"; }
        void stop(std::chrono::milliseconds, const std::function<void()>& f) {
            if (f) f();
        }
    };

    boost::asio::io_context& context() const { return *io; }
};
static_assert(Transport<transport>);

using all_features = features<identity, heartbeat>;

template <class F = all_features, class H = no_hooks, class Http = no_http>
class basic_world {
public:
    using connection = transport::connection<connection_state<peerjs>>;
    using way = channel<connection, peerjs>;
    using hub_type = hub<local_registry, mailbox<>, way, no_log, H, F>;

    explicit basic_world(const peerjs_options& o = {}, H chain = {}, Http http = {},
                         mailbox_limits limits = {})
        : h{{}, {}, keeper(o, limits), {}, std::move(chain)},
          l{transport{&io_}, peerjs{o}, h, std::move(http)} {
        l.tick(now);
    }

    std::map<std::string, connection> connections;
    hub_type h;
    time_point now{1h};
    listener<transport, peerjs, hub_type, Http> l;

    /// A client connects by any request.
    connection& open(const std::string& name, std::string_view target, std::span<const header> fields = {}) {
        auto& c = connections[name];
        BOOST_TEST_REQUIRE(c.heard.empty(), name << " was connected before and has heard something");
        c = {};
        l.opening(c, {"GET", target, fields, "192.0.2.1"});
        settle();
        return c;
    }
    /// A client connects under its name as id.
    connection& connect(const std::string& name) { return connect(name, name, "token-of-" + name); }
    connection& connect(const std::string& name, const std::string& id, const std::string& token) {
        return open(name, "/peerjs?key=peerjs&id=" + id + "&token=" + token + "&version=1.5.5");
    }

    /// The client says something; `false`: it has no connection.
    bool say(const std::string& name, std::string text, message_type type = message_type::text) {
        auto& c = connections[name];
        if (!c.usable() || c.held) return false;
        l.tick(now);
        l.received(c, {text, type});
        std::fill(text.begin(), text.end(), '#'); // nothing may be kept of it but copies
        settle();
        return true;
    }

    /// The client closes, or answers a close.
    void close(const std::string& name, int code = 1000) {
        auto& c = connections[name];
        if (c.usable()) c.heard.push_back("close " + std::to_string(code) + " ");
        end(c, errc::closed);
    }
    void lose(const std::string& name) { end(connections[name], errc::lost); }

    /// A plain HTTP request; nothing if nobody has an answer.
    std::optional<response> http(std::string_view method, std::string_view target,
                                 std::span<const header> fields = {}) {
        response out;
        if (!l.http({method, target, fields, "192.0.2.1"}, out)) return {};
        return out;
    }

    /// Time passes, a step for each deadline.
    void advance(std::chrono::milliseconds time) {
        for (const auto end = now + time;;) {
            const auto due = l.tick(now);
            settle();
            if (now == end) return;
            now = std::clamp(due, now + 1ms, end);
        }
    }

    /// Takes what a client has heard.
    strings heard(const std::string& name) { return std::exchange(connections[name].heard, {}); }
    void forget_all() {
        for (auto& [name, c] : connections) c.heard.clear();
    }

private:
    static mailbox<> keeper(const peerjs_options& o, mailbox_limits limits) {
        limits.expiry_interval = o.cleanup_out_msgs;
        return mailbox<>{direct_router{}, o.expire_timeout, limits};
    }

    // Ends that were made are told, pings are answered by living clients.
    void settle() {
        for (bool again = true; std::exchange(again, false);)
            for (auto& [name, c] : connections) {
                if (c.open && !c.told && c.ending_for != errc::ok) {
                    c.told = again = true;
                    l.closed(c, c.ending_for);
                }
                if (std::exchange(c.pinged, false) && c.usable() && c.answers_pings) {
                    again = true;
                    l.alive(c);
                }
            }
    }

    void end(connection& c, errc why) {
        if (c.ending_for == errc::ok) c.ending_for = why;
        settle();
        c.open = false;
    }

    boost::asio::io_context io_;
};

using world = basic_world<>;

} // namespace peerjs_world
