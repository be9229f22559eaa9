// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace memory {

/** An engine on the memory loop, and a sink that writes down what it is told. At the end it checks laws
 *  of every story: each peer that was let in was closed exactly once, nobody else ever, and no sink call
 *  came from inside an operation. */
template <class T>
class world {
public:
    struct state {
        std::size_t number = 0;
    };
    using connection = typename T::template connection<state>;

    struct sink {
        static constexpr bool checks_utf8 = false;
        world& w;

        void opening(connection& c, const request& r) {
            const inside here{w};
            c.state().number = ++w.count;
            w.connections[w.count] = &c;
            if (w.on_opening) return w.on_opening(c, r);
            w.accept(c);
        }
        void failed(connection* c, std::string_view what) {
            w.failures.push_back((c ? std::to_string(c->state().number) + ' ' : "") + std::string{what});
        }
        void refused(std::string_view remote, errc cause) {
            w.refusals.push_back(std::string{remote} + ' ' + std::string{to_string(cause)});
        }
        void received(connection& c, message m) {
            const inside here{w};
            w.heard(c);
            const auto mark = m.type == message_type::text ? " text:" : " binary:";
            w.note(c, mark + (m.bytes.size() < 200 ? std::string{m.view()} : std::to_string(m.bytes.size())));
            if (w.on_received) w.on_received(c, m);
        }
        void alive(connection& c) {
            const inside here{w};
            w.heard(c);
            w.note(c, " alive");
        }
        void closed(connection& c, errc why) {
            const inside here{w};
            w.heard(c);
            BOOST_TEST(++w.closed[c.state().number] == 1);
            BOOST_TEST(c.reserve(message_type::text, 1) == nullptr);
            w.connections.erase(c.state().number);
            w.note(c, " closed:" + std::string{to_string(why)});
            if (w.on_closed) w.on_closed(c);
        }
        bool http(const request& r, response& out) {
            const inside here{w};
            return w.on_http && w.on_http(r, out);
        }
        time_point tick(time_point at) {
            const inside here{w};
            BOOST_TEST((at <= w.network.now && at >= w.now), "loop time does not go back");
            w.now = at;
            if (w.on_tick) w.on_tick();
            return w.due;
        }
    };

    explicit world(options o = {}) : teller{*this}, engine{T{io, o}, teller} {
        error_code ec;
        engine.open(ec);
        BOOST_TEST_REQUIRE(!ec);
    }

    ~world() {
        engine.stop({}, {});
        engine.stop({}, {});
        memory::run(io);
        BOOST_TEST(engine.connections() == 0u);
        BOOST_TEST(io.stopped());
        BOOST_TEST((accepted == closed), "each peer that was let in is closed once, nobody else ever");
        // They may still hold their own ends of the wires; the servers' ends are closed.
        for (const auto& w : network.open) BOOST_TEST(w->server_closed);
    }

    void run() { memory::run(io); }
    void advance(std::chrono::milliseconds time,
                 std::chrono::milliseconds step = std::chrono::milliseconds{250}) {
        memory::advance(io, time, step);
    }

    /// How many calls those were so far.
    std::size_t log_size() const { return log.size(); }

    /// What the sink was told since the last call, `1 open`, `1 text:hello`, ...
    std::vector<std::string> told() { return std::exchange(log, {}); }

    void accept(connection& c, std::string_view subprotocol = {}) {
        ++accepted[c.state().number];
        note(c, " open");
        c.accept(subprotocol);
    }

    /// The answer comes later; its end is told from now on.
    void wait(connection& c) {
        ++accepted[c.state().number];
        note(c, " waits");
        c.hold();
    }

    /// The later answers: `late_accept` lets it in and reads on, `late_refuse` is the last that is heard of
    /// it.
    void late_accept(connection& c, std::string_view subprotocol = {}) {
        c.accept(subprotocol);
        c.release();
    }
    void late_refuse(connection& c, const ending& e) {
        c.refuse(e);
        accepted.erase(c.state().number);
        connections.erase(c.state().number);
    }

    /// Whether there was room for it.
    bool send(connection& c, std::string_view text, message_type type = message_type::text) {
        const bool before = std::exchange(busy_, true);
        const bool room = c.room(text.size());
        char* p = c.reserve(type, text.size());
        BOOST_TEST((p != nullptr) == room);
        if (p) {
            std::memcpy(p, text.data(), text.size());
            c.commit(text.size());
        }
        busy_ = before;
        return p != nullptr;
    }

    /// The connection that opened as the n-th, from 1.
    connection& operator[](std::size_t n) {
        BOOST_TEST_REQUIRE(connections.count(n) == 1u);
        return *connections[n];
    }

    boost::asio::io_context io;
    net& network = boost::asio::use_service<net>(io);
    std::function<void(connection&, const request&)> on_opening;
    std::function<void(connection&, message)> on_received;
    std::function<void(connection&)> on_closed;
    std::function<bool(const request&, response&)> on_http;
    std::function<void()> on_tick;
    time_point due = time_point::max(); ///< when the sink wants to be called
    time_point now{};                   ///< what it was told last
    std::vector<std::string> refusals;  ///< what it was told of refusals, `192.0.2.1 why`
    std::vector<std::string> failures;  ///< what it was told of exceptions, `1 what`

private:
    // Law (a): no operation calls the sink, neither from inside a sink call nor from elsewhere.
    struct inside {
        explicit inside(world& in) : w{in} { BOOST_TEST(!std::exchange(w.busy_, true)); }
        ~inside() { w.busy_ = false; }
        world& w;
    };

    void note(connection& c, const std::string& what) {
        log.push_back(std::to_string(c.state().number) + what);
    }
    void heard(connection& c) {
        BOOST_TEST(accepted.count(c.state().number) == 1u, "only a peer that was let in is heard");
        BOOST_TEST(closed.count(c.state().number) == 0u, "closed is the last call");
    }

    std::size_t count = 0;
    bool busy_ = false; // a sink call, or an operation of a connection
    std::map<std::size_t, connection*> connections;
    std::map<std::size_t, int> accepted, closed;
    std::vector<std::string> log;
    sink teller;

public:
    typename T::template engine<state, sink> engine;
};

} // namespace memory
