// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/// The state of a connection of `transport_laws`.
struct probe_state {
    std::size_t number = 0; ///< number of the connection, from 1, in the order of opening
};

/// A sink that answers by script and checks the laws about its calls.
template <class C>
struct transport_probe {
    /// As in Codec: the transport must check text messages.
    static constexpr bool checks_utf8 = false;
    std::function<void(bool, const char*)> check;            ///< takes the result and the text of each law
    std::map<std::size_t, C*> open{};                        ///< open connections by number
    std::map<std::size_t, std::vector<std::string>> heard{}; ///< received messages by number of the
                                                             ///< connection
    std::map<std::size_t, errc> ended{};                     ///< causes of ended connections by number
    /// Number of connections so far.
    std::size_t count = 0, alive_count = 0; ///< number of answered pings
    std::size_t ticks = 0;                  ///< number of calls of `tick`
    /// Whether `opening` refuses each connection.
    bool refuse = false,
         hold = false, ///< whether `opening` answers and then holds each connection
        wait = false,  ///< whether `opening` holds each connection without an answer
        echo = false;  ///< whether `received` sends each message back
    bool busy = false; ///< whether a call of the sink, or an operation, is running

    /// Checks that no operation has called the sink.
    void enter() { check(!std::exchange(busy, true), "no operation of a connection calls the sink"); }
    /// Checks that the connection is open.
    void known(C& c) {
        check(open.count(c.state().number) == 1, "opening is the first call, and closed the last");
    }
    /// Sends `text` and returns whether there was room.
    bool say(C& c, std::string_view text) {
        const bool room = c.room(text.size());
        char* p = c.reserve(message_type::text, text.size());
        check(room == (p != nullptr), "room returns whether reserve succeeds");
        if (p && !text.empty()) std::memcpy(p, text.data(), text.size());
        if (p) c.commit(text.size());
        return p != nullptr;
    }

    /// As in Sink.
    void opening(C& c, const request&) {
        enter();
        check(c.state().number == 0, "a connection opens once");
        c.state().number = ++count;
        if (refuse) {
            c.refuse({403, 4000, "refused"});
        } else {
            open[count] = &c;
            if (!wait) c.accept({});
            if (hold || wait) c.hold();
        }
        busy = false;
    }
    /// As in Sink; the message "close me" closes the connection.
    void received(C& c, message m) {
        enter();
        known(c);
        heard[c.state().number].emplace_back(m.view());
        if (echo) say(c, m.view());
        if (m.view() == "close me") {
            c.close({403, 4000, "as you like"}, errc::denied);
            check(!c.room(0) && !c.reserve(message_type::text, 1), "after close, reserve fails");
            c.close({403, 4000, "again"}, errc::stopping);
        }
        busy = false;
    }
    /// As in Sink.
    void alive(C& c) {
        enter();
        known(c);
        ++alive_count;
        busy = false;
    }
    /// As in Sink.
    void closed(C& c, errc why) {
        enter();
        known(c);
        open.erase(c.state().number);
        check(ended.emplace(c.state().number, why).second, "closed is called once");
        check(!c.room(0) && !c.reserve(message_type::text, 1), "after the end, reserve fails");
        busy = false;
    }
    /// Answers no request.
    bool http(const request&, response&) { return false; }
    /// Counts the call.
    time_point tick(time_point) { return ++ticks, time_point::max(); }
};

/** Checks the laws of Transport and Connection, and of the calls to their sink.
 *
 *  @param transport takes messages of `message_limit` bytes and has an outbox limit of `outbox_limit`
 *  @param message_limit in bytes, at least 200,000
 *  @param outbox_limit in bytes, less than half of `message_limit`
 *  @param dial `dial(address)` makes a peer `p` with a connection to `engine.address()`. `p.send(text)` sends
 *    a message. `p.take()` returns the messages since the last call. `p.ended()` returns whether the server
 *    has ended the connection. `p.hang_up()` disconnects. `p.stall()` stops reading.
 *  @param drive `drive(condition)` runs the io_context and the peers until `condition()` holds. It returns
 *    whether that happened within a reasonable time.
 *  @param check `check(bool, const char* law)` takes the result and the text of each law */
template <Transport T>
void transport_laws(const T& transport, std::size_t message_limit, std::size_t outbox_limit, auto dial,
                    auto drive, auto&& check) {
    using connection = typename T::template connection<probe_state>;
    using probe = transport_probe<connection>;
    static_assert(Connection<connection> && Sink<probe, connection>);

    probe sink{.check = [&](bool b, const char* law) { check(b, law); }};
    typename T::template engine<probe_state, probe> engine{transport, sink};
    error_code ec;
    engine.open(ec);
    check(!ec, "open binds the address");

    // Order and wholeness, in both directions.
    auto talker = dial(engine.address());
    check(drive([&] { return sink.open.size() == 1; }), "the transport accepts a peer");
    sink.echo = true;
    std::vector<std::string> said, got;
    for (const std::size_t n : {std::size_t{1}, std::size_t{0}, std::size_t{125}, std::size_t{126},
                                std::size_t{65'535}, std::size_t{65'536}, message_limit, std::size_t{2}}) {
        said.push_back(std::string(n, static_cast<char>('a' + said.size())));
        talker.send(said.back());
        // One at a time: together, the messages would exceed the outbox limit.
        drive([&] {
            for (auto& m : talker.take()) got.push_back(std::move(m));
            return got.size() == said.size();
        });
    }
    for (int i = 0; i < 200; ++i) talker.send(said.emplace_back(std::to_string(i)));
    drive([&] {
        for (auto& m : talker.take()) got.push_back(std::move(m));
        return got.size() == said.size();
    });
    check(sink.heard[1] == said, "the sink gets messages whole and in order");
    check(got == said, "messages arrive whole and in the order committed");
    sink.echo = false;

    // A message to a held connection arrives after the release.
    sink.hold = true;
    auto held = dial(engine.address());
    check(drive([&] { return sink.open.size() == 2; }), "the transport accepts a second peer");
    sink.hold = false;
    for (int i = 0; i < 20; ++i) held.send(std::to_string(i));
    talker.send("meanwhile");
    check(drive([&] { return sink.heard[1].back() == "meanwhile"; }),
          "a held connection does not delay others");
    check(sink.heard[2].empty(), "a held connection delivers no messages");
    sink.open[2]->release();
    check(drive([&] { return sink.heard[2].size() == 20; }),
          "messages of a held connection arrive after release");
    for (std::size_t i = 0; i < sink.heard[2].size(); ++i)
        check(sink.heard[2][i] == std::to_string(i), "messages of a held connection arrive in order");

    // Ends: by the peer, by the sink, by refusal.
    held.hang_up();
    check(drive([&] { return sink.ended.count(2) == 1; }), "closed is called when a peer leaves");
    auto closing = dial(engine.address());
    closing.send("close me");
    closing.send("never heard");
    check(drive([&] { return sink.ended.count(3) == 1 && closing.ended(); }), "close ends a connection");
    check(sink.ended[3] == errc::denied, "the first cause of an end counts");
    check(sink.heard[3] == std::vector<std::string>{"close me"}, "after close, the sink gets no messages");
    sink.refuse = true;
    auto refused = dial(engine.address());
    refused.send("never heard");
    check(drive([&] { return refused.ended(); }), "refuse ends a connection");
    check(sink.heard[4].empty() && sink.ended.count(4) == 0,
          "the sink gets no call for a refused connection");
    sink.refuse = false;

    // Only a stalled reader is disconnected; an empty outbox takes any message.
    auto stalled = dial(engine.address());
    check(drive([&] { return sink.open.count(5) == 1; }), "the transport accepts a peer after a refused one");
    stalled.stall();
    const std::string large(message_limit, 'x');
    bool taken = sink.say(*sink.open[5], large);
    check(taken, "an empty outbox takes any message within the limit");
    // The operating system takes some messages before the outbox fills up.
    for (int i = 0; taken && i < 200; ++i) {
        taken = sink.say(*sink.open[5], large.substr(0, outbox_limit / 2));
        if (taken) drive([&, once = 0]() mutable { return ++once > 2; });
    }
    check(!taken, "an outbox is bounded");
    check(!sink.open[5]->room(0) && !sink.open[5]->reserve(message_type::text, 1),
          "a slow consumer is marked");
    talker.take();
    check(sink.say(*sink.open[1], "unharmed"), "a slow consumer takes no room of others");
    check(drive([&] { return sink.ended.count(5) == 1; }), "a slow consumer is closed");
    check(sink.ended[5] == errc::slow_consumer, "the cause is slow_consumer");
    got.clear();
    check(drive([&] {
              for (auto& m : talker.take()) got.push_back(std::move(m));
              return !got.empty();
          }),
          "a slow consumer does not delay others");
    check(got == std::vector<std::string>{"unharmed"}, "a slow consumer does not change messages of others");

    // A sign of life, if the wire has one.
    if (sink.open[1]->ping()) {
        check(drive([&] { return sink.alive_count == 1; }), "alive is called for an answered ping");
    }

    // Connections held before the answer.
    sink.wait = true;
    const auto first = sink.count + 1;
    const auto waiting = [&](std::size_t n) {
        auto p = dial(engine.address());
        p.send("early");
        check(drive([&] { return sink.count == first + n; }),
              "a connection that waits for its answer does not delay others");
        return p;
    };
    auto late = waiting(0), turned_away = waiting(1), cut = waiting(2), gone = waiting(3),
         stopped = waiting(4);
    const auto ticks = sink.ticks;
    sink.open[first]->release();
    check(drive([&] { return sink.ticks > ticks; }), "release before the answer causes a turn");
    check(sink.heard[first].empty(), "a connection delivers no messages before its answer");
    sink.open[first]->accept({});
    sink.open[first]->release();
    sink.say(*sink.open[first], "welcome");
    got.clear();
    check(drive([&] {
              for (auto& m : late.take()) got.push_back(std::move(m));
              return !sink.heard[first].empty() && !got.empty();
          }),
          "a connection accepted late can send and receive");
    check(sink.heard[first] == std::vector<std::string>{"early"}, "messages from before the answer arrive");
    check(got == std::vector<std::string>{"welcome"}, "messages written with the answer arrive");
    sink.open[first + 1]->refuse({403, 4000, "refused"});
    sink.open.erase(first + 1);
    check(drive([&] { return turned_away.ended(); }), "refuse ends a waiting connection");
    check(sink.ended.count(first + 1) == 0, "the sink gets no call for a connection refused late");
    sink.open[first + 2]->close({403, 4000, "closed"}, errc::denied);
    check(drive([&] { return cut.ended() && sink.ended.count(first + 2) == 1; }),
          "close ends a waiting connection");
    check(sink.ended[first + 2] == errc::denied, "closed gets the cause of an end before the answer");
    gone.hang_up();
    drive([&, once = 0]() mutable { return ++once > 2; });
    if (sink.open.count(first + 3) == 1) {
        sink.open[first + 3]->accept({});
        sink.open[first + 3]->release();
    }
    check(drive([&] { return sink.ended.count(first + 3) == 1; }),
          "closed is called when a waiting peer leaves");

    bool done = false;
    engine.stop(std::chrono::milliseconds{0}, [&] { done = true; });
    check(!done, "stop does not call its function directly");
    check(drive([&] { return done; }), "stop ends");
    check(stopped.take().empty() && sink.ended[first + 4] == errc::stopping,
          "stop drops waiting connections");
    check(sink.open.empty() && sink.ended.size() == 8,
          "closed is called once for each accepted or waiting connection");
}

} // namespace sigfire::inline v0_1::test
