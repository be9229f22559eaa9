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

namespace sigfire::test {

/// The state of a connection of `transport_laws`.
struct probe_state {
    std::size_t number = 0; ///< from 1, in the order of opening
};

/// A sink that answers by script and watches the laws of being called.
template <class C>
struct transport_probe {
    static constexpr bool checks_utf8 = false;
    std::function<void(bool, const char*)> check;
    std::map<std::size_t, C*> open{};
    std::map<std::size_t, std::vector<std::string>> heard{};
    std::map<std::size_t, errc> ended{};
    std::size_t count = 0, alive_count = 0;
    std::size_t ticks = 0;
    bool refuse = false, hold = false, wait = false, echo = false;
    bool busy = false; // inside a sink call or an operation

    void enter() { check(!std::exchange(busy, true), "no operation calls the sink"); }
    void known(C& c) { check(open.count(c.state().number) == 1, "opening comes first, and closed last"); }
    bool say(C& c, std::string_view text) {
        const bool room = c.room(text.size());
        char* p = c.reserve(message_type::text, text.size());
        check(room == (p != nullptr), "room tells whether reserve would succeed");
        if (p && !text.empty()) std::memcpy(p, text.data(), text.size());
        if (p) c.commit(text.size());
        return p != nullptr;
    }

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
    void received(C& c, message m) {
        enter();
        known(c);
        heard[c.state().number].emplace_back(m.view());
        if (echo) say(c, m.view());
        if (m.view() == "close me") {
            c.close({403, 4000, "as you like"}, errc::denied);
            check(!c.room(0) && !c.reserve(message_type::text, 1), "after close nothing is taken");
            c.close({403, 4000, "again"}, errc::stopping);
        }
        busy = false;
    }
    void alive(C& c) {
        enter();
        known(c);
        ++alive_count;
        busy = false;
    }
    void closed(C& c, errc why) {
        enter();
        known(c);
        open.erase(c.state().number);
        check(ended.emplace(c.state().number, why).second, "closed comes once");
        check(!c.room(0) && !c.reserve(message_type::text, 1), "after the end nothing is taken");
        busy = false;
    }
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return ++ticks, time_point::max(); }
};

/** Laws of `Transport`, `Connection`, and of how they call their sink.
 *
 *  `transport` takes messages of `message` bytes, at least 200,000, and has an outbox limit of `outbox`, less
 *  than half of that. `dial(address)` makes a peer that is connected to `engine.address()`: `p.send(text)`,
 *  `p.take()` -> the messages that came since the last call, `p.ended()` -> whether the server ended it,
 *  `p.hang_up()`, `p.stall()` -> it reads no more. `drive(condition)` runs the io_context and the peers until
 *  `condition()` holds, and returns whether it did within a reasonable time. */
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
    check(!ec, "a description that can be bound is bound");

    // Order and wholeness, both ways.
    auto talker = dial(engine.address());
    check(drive([&] { return sink.open.size() == 1; }), "a peer is let in");
    sink.echo = true;
    std::vector<std::string> said, got;
    for (const std::size_t n : {std::size_t{1}, std::size_t{0}, std::size_t{125}, std::size_t{126},
                                std::size_t{65'535}, std::size_t{65'536}, message_limit, std::size_t{2}}) {
        said.push_back(std::string(n, static_cast<char>('a' + said.size())));
        talker.send(said.back());
        // One after the other: together they would be over the outbox limit.
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
    check(sink.heard[1] == said, "messages are heard whole and in order");
    check(got == said, "messages arrive whole and in the order committed");
    sink.echo = false;

    // A message that came while held is heard after the release.
    sink.hold = true;
    auto held = dial(engine.address());
    check(drive([&] { return sink.open.size() == 2; }), "a second peer is let in");
    sink.hold = false;
    for (int i = 0; i < 20; ++i) held.send(std::to_string(i));
    talker.send("meanwhile");
    check(drive([&] { return sink.heard[1].back() == "meanwhile"; }), "a held peer holds nobody else");
    check(sink.heard[2].empty(), "nobody hears a held peer");
    sink.open[2]->release();
    check(drive([&] { return sink.heard[2].size() == 20; }), "what came while held is heard afterwards");
    for (std::size_t i = 0; i < sink.heard[2].size(); ++i)
        check(sink.heard[2][i] == std::to_string(i), "what came while held is heard in order");

    // Ends: by the peer, by the sink, by refusal.
    held.hang_up();
    check(drive([&] { return sink.ended.count(2) == 1; }), "the end of a peer is told");
    auto closing = dial(engine.address());
    closing.send("close me");
    closing.send("never heard");
    check(drive([&] { return sink.ended.count(3) == 1 && closing.ended(); }), "close ends a connection");
    check(sink.ended[3] == errc::denied, "the cause of an end is the first");
    check(sink.heard[3] == std::vector<std::string>{"close me"}, "after close nothing is heard");
    sink.refuse = true;
    auto refused = dial(engine.address());
    refused.send("never heard");
    check(drive([&] { return refused.ended(); }), "refuse ends a connection");
    check(sink.heard[4].empty() && sink.ended.count(4) == 0, "who was refused is never heard of");
    sink.refuse = false;

    // A stalled reader ends, alone; an empty outbox takes any message.
    auto stalled = dial(engine.address());
    check(drive([&] { return sink.open.count(5) == 1; }), "a peer is let in behind one that was refused");
    stalled.stall();
    const std::string large(message_limit, 'x');
    bool taken = sink.say(*sink.open[5], large);
    check(taken, "an empty outbox takes any message within the limit");
    // The system may take some: until it has enough there is always room in the end.
    for (int i = 0; taken && i < 200; ++i) {
        taken = sink.say(*sink.open[5], large.substr(0, outbox_limit / 2));
        if (taken) drive([&, once = 0]() mutable { return ++once > 2; });
    }
    check(!taken, "an outbox is bounded");
    check(!sink.open[5]->room(0) && !sink.open[5]->reserve(message_type::text, 1),
          "a slow consumer is marked");
    talker.take();
    check(sink.say(*sink.open[1], "unharmed"), "a slow consumer takes nobody else's room");
    check(drive([&] { return sink.ended.count(5) == 1; }), "a slow consumer is closed");
    check(sink.ended[5] == errc::slow_consumer, "the cause is slow_consumer");
    got.clear();
    check(drive([&] {
              for (auto& m : talker.take()) got.push_back(std::move(m));
              return !got.empty();
          }),
          "a slow consumer delays nobody else");
    check(got == std::vector<std::string>{"unharmed"}, "a slow consumer changes nobody else's messages");

    // A sign of life, where the wire has one.
    if (sink.open[1]->ping()) {
        check(drive([&] { return sink.alive_count == 1; }), "a ping that is answered is told");
    }

    // Held before the answer.
    sink.wait = true;
    const auto first = sink.count + 1;
    const auto waiting = [&](std::size_t n) {
        auto p = dial(engine.address());
        p.send("early");
        check(drive([&] { return sink.count == first + n; }), "who waits delays nobody else");
        return p;
    };
    auto late = waiting(0), turned_away = waiting(1), cut = waiting(2), gone = waiting(3),
         stopped = waiting(4);
    const auto ticks = sink.ticks;
    sink.open[first]->release();
    check(drive([&] { return sink.ticks > ticks; }), "release before the answer has a turn run");
    check(sink.heard[first].empty(), "nobody is heard before the answer");
    sink.open[first]->accept({});
    sink.open[first]->release();
    sink.say(*sink.open[first], "welcome");
    got.clear();
    check(drive([&] {
              for (auto& m : late.take()) got.push_back(std::move(m));
              return !sink.heard[first].empty() && !got.empty();
          }),
          "who is let in late is heard, and hears");
    check(sink.heard[first] == std::vector<std::string>{"early"}, "what came before the answer is heard");
    check(got == std::vector<std::string>{"welcome"}, "what was written with the answer arrives");
    sink.open[first + 1]->refuse({403, 4000, "refused"});
    sink.open.erase(first + 1);
    check(drive([&] { return turned_away.ended(); }), "refuse ends who waits");
    check(sink.ended.count(first + 1) == 0, "who is refused late is never heard of");
    sink.open[first + 2]->close({403, 4000, "closed"}, errc::denied);
    check(drive([&] { return cut.ended() && sink.ended.count(first + 2) == 1; }), "close ends who waits");
    check(sink.ended[first + 2] == errc::denied, "the cause of an end before the answer is told");
    gone.hang_up();
    drive([&, once = 0]() mutable { return ++once > 2; });
    if (sink.open.count(first + 3) == 1) {
        sink.open[first + 3]->accept({});
        sink.open[first + 3]->release();
    }
    check(drive([&] { return sink.ended.count(first + 3) == 1; }), "that a peer has gone is told in the end");

    bool done = false;
    engine.stop(std::chrono::milliseconds{0}, [&] { done = true; });
    check(!done, "stop calls nothing from inside");
    check(drive([&] { return done; }), "stop ends");
    check(stopped.take().empty() && sink.ended[first + 4] == errc::stopping, "who waits is dropped by stop");
    check(sink.open.empty() && sink.ended.size() == 8, "each that was let in, or waited, is closed once");
}

} // namespace sigfire::test
