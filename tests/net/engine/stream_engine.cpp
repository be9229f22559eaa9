// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/stream_engine.hpp>

#include "support/engine_world.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

const strings nothing;

// WebSocket peers that are let in at once.
struct ws_world : memory::world<memory::websocket> {
    struct peer : memory::basic_peer<framing::websocket<framing::role::client>> {
        explicit peer(ws_world& w) : basic_peer{w.io} {
            write(memory::upgrade_request());
            w.run();
            BOOST_TEST_REQUIRE(read_header().starts_with("HTTP/1.1 101 "));
            at->sends.clear();
            w.told();
        }
    };
    using world::world;
};

// The same without an upgrade.
struct plain_world : memory::world<memory::lengths> {
    struct peer : memory::basic_peer<framing::length> {
        explicit peer(plain_world& w) : basic_peer{w.io} {
            w.run();
            w.told();
        }
    };
    using world::world;
};

BOOST_AUTO_TEST_SUITE(stream_engine)

// --- messages ---

BOOST_AUTO_TEST_CASE(messages_pass_both_ways_in_order_however_they_are_cut) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{7}}) {
        ws_world w;
        ws_world::peer p{w};
        p.at->piece = piece;
        std::size_t heard = 0;
        w.on_received = [&](auto& c, message m) {
            ++heard;
            w.send(c, m.view(), m.type);
        };
        strings expected;
        for (int i = 0; i < 50; ++i) {
            const std::string text(static_cast<std::size_t>(i * i % 300), static_cast<char>('a' + i % 26));
            p.write(p.sealed(text, i % 2 ? message_type::text : message_type::binary));
            expected.push_back((i % 2 ? "text:" : "binary:") + text);
        }
        w.run();
        BOOST_TEST(heard == 50u);
        BOOST_TEST(p.events() == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_wire_without_upgrade_opens_at_once) {
    plain_world w;
    memory::basic_peer<framing::length> p{w.io};
    w.on_opening = [&](auto& c, const request& r) {
        BOOST_TEST(r.method.empty());
        BOOST_TEST(r.target.empty());
        BOOST_TEST(r.headers.empty());
        BOOST_TEST(r.remote == "192.0.2.1");
        w.accept(c);
        w.send(c, "welcome");
        BOOST_TEST(!c.ping(), "this wire has no pings");
    };
    p.say("hello");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 open", "1 text:hello"}));
    BOOST_TEST(p.events() == strings{"text:welcome"});
    p.shut();
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Connection Closed"});
}

BOOST_AUTO_TEST_CASE(a_wire_without_upgrade_refuses_without_a_word) {
    plain_world w;
    w.on_opening = [](auto& c, const request&) { c.refuse({403, 4000, "no"}); };
    memory::basic_peer<framing::length> p{w.io};
    p.say("hello");
    w.run();
    BOOST_TEST(p.read() == "");
    BOOST_TEST(p.at->server_shut);
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(how_an_end_of_the_wire_is_told) {
    const struct {
        const char* what;
        std::string last;
        bool reset;
        const char* cause;
    } rows[] = {
        {"between messages", "", false, "closed:Connection Closed"},
        {"inside a header", std::string(2, '\0'), false, "closed:Connection Lost"},
        {"inside a message", std::string{"\0\0\0\x09hi", 6}, false, "closed:Connection Lost"},
        {"reset", "", true, "closed:Connection Lost"},
    };
    for (const auto& row : rows) {
        plain_world w;
        plain_world::peer p{w};
        p.say("a");
        p.write(row.last);
        w.run();
        row.reset ? p.reset() : p.shut();
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:a", "1 " + std::string{row.cause}}), row.what);
    }
    ws_world w;
    ws_world::peer p{w};
    p.shut();
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Connection Lost"}); // WebSocket has a close message
}

BOOST_AUTO_TEST_CASE(one_send_for_all_that_a_batch_caused) {
    ws_world w;
    ws_world::peer a{w}, b{w}, target{w};
    w.on_received = [&](auto&, message m) { w.send(w[3], m.view()); };
    for (int i = 0; i < 5; ++i) {
        a.say("a" + std::to_string(i));
        b.say("b" + std::to_string(i));
    }
    w.run();
    BOOST_TEST(target.at->sends.size() == 1u);
    BOOST_TEST(target.events() == (strings{"text:a0", "text:a1", "text:a2", "text:a3", "text:a4", "text:b0",
                                           "text:b1", "text:b2", "text:b3", "text:b4"}));
}

BOOST_AUTO_TEST_CASE(a_long_batch_is_flushed_every_few_events) {
    ws_world w;
    ws_world::peer target{w};
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 40; ++i) many.emplace_back(w);
    w.on_received = [&](auto&, message m) { w.send(w[1], m.view()); };
    for (auto& p : many) p.say("x");
    w.run();
    BOOST_TEST(target.events().size() == 40u);
    BOOST_TEST((target.at->sends == std::vector<std::size_t>{16 * 3, 16 * 3, 8 * 3}));
}

BOOST_AUTO_TEST_CASE(much_output_is_flushed_before_the_batch_is_over) {
    ws_world w;
    ws_world::peer target{w}, a{w}, b{w};
    w.on_received = [&](auto&, message m) { w.send(w[1], m.view()); };
    a.say(std::string(70'000, 'a'));
    b.say("b");
    w.run();
    BOOST_TEST(target.at->sends.size() == 2u);
    BOOST_TEST(target.events().size() == 2u);
}

BOOST_AUTO_TEST_CASE(messages_written_between_turns_are_sent) {
    ws_world w;
    ws_world::peer p{w}, q{w};
    boost::asio::post(w.io, [&] {
        w.send(w[1], "one");
        w.send(w[2], "two");
        w.send(w[1], "three");
    });
    w.io.poll(); // no event on any socket
    BOOST_TEST(p.at->sends.size() == 1u);
    BOOST_TEST(p.events() == (strings{"text:one", "text:three"}));
    BOOST_TEST(q.events() == strings{"text:two"});
}

BOOST_AUTO_TEST_CASE(short_sends_lose_nothing) {
    ws_world w;
    ws_world::peer p{w};
    p.at->piece = 3;
    for (int i = 0; i < 100; ++i) w.send(w[1], "message " + std::to_string(i));
    w.run();
    const auto events = p.events();
    BOOST_TEST_REQUIRE(events.size() == 100u);
    for (std::size_t i = 0; i < events.size(); ++i)
        BOOST_TEST(events[i] == "text:message " + std::to_string(i));
}

// --- ends ---

BOOST_AUTO_TEST_CASE(the_peer_closes) {
    const struct {
        std::uint16_t code;
        const char* answer;
    } rows[] = {{1000, "close:1000:"}, {1001, "close:1001:"}, {4567, "close:4567:"}, {0, "close:"}};
    for (const auto& row : rows) {
        ws_world w;
        ws_world::peer p{w};
        p.say("last words");
        p.write(p.sealed_control(control::close, row.code, "bye"));
        p.say("too late");
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:last words", "1 closed:Connection Closed"}));
        BOOST_TEST(p.events() == strings{row.answer});
        BOOST_TEST(p.at->server_shut);
        BOOST_TEST(!p.at->server_closed, "lingers until the peer has read");
        p.shut();
        w.run();
        BOOST_TEST(p.at->server_closed);
        BOOST_TEST(!p.at->server_reset);
        BOOST_TEST(w.told() == nothing);
    }
}

BOOST_AUTO_TEST_CASE(the_sink_closes) {
    ws_world w;
    ws_world::peer p{w};
    w.send(w[1], "last words");
    w[1].close({400, 4600, "In Use"}, errc::id_in_use);
    BOOST_TEST(!w.send(w[1], "too late"));
    BOOST_TEST(!w[1].ping());
    w[1].close({400, 1000, "again"}, errc::closed);
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:ID In Use"});
    BOOST_TEST(p.events() == (strings{"text:last words", "close:4600:In Use"}));
    BOOST_TEST(!p.at->server_shut, "waits for the answer");
    p.say("not heard");
    p.write(p.sealed_control(control::close, 4600));
    w.run();
    BOOST_TEST(p.at->server_shut);
    p.shut();
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(!p.at->server_reset);
    BOOST_TEST(p.read() == "");
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(codes_that_must_not_be_sent_are_not) {
    for (const std::uint16_t code : std::initializer_list<std::uint16_t>{1005, 1006, 1015, 999, 5000}) {
        ws_world w;
        ws_world::peer p{w};
        w[1].close({400, code, "reason"}, errc::closed);
        w.run();
        BOOST_TEST(p.events() == strings{"close:"});
    }
    ws_world w;
    ws_world::peer p{w};
    w[1].close({400, 0, "no message at all"}, errc::closed);
    w.run();
    BOOST_TEST(p.read() == "");
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_agree_to_a_close_is_cut) {
    ws_world w;
    ws_world::peer p{w};
    w.advance(10s);
    w[1].close({400, 1000, ""}, errc::denied);
    w.advance(4900ms, 100ms);
    BOOST_TEST(!p.at->server_closed);
    w.advance(2s);
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(p.at->server_reset);
    BOOST_TEST(w.told() == strings{"1 closed:Denied"});
}

BOOST_AUTO_TEST_CASE(a_peer_that_answers_a_close_with_garbage_is_not_waited_for) {
    ws_world w;
    ws_world::peer p{w};
    w[1].close({400, 1000, ""}, errc::denied);
    w.run();
    BOOST_TEST(!p.at->server_shut);
    p.write("garbage");
    w.run();
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_CASE(a_close_inside_received_ends_the_batch) {
    ws_world w;
    ws_world::peer p{w}, other{w};
    w.on_received = [&](auto& c, message m) {
        if (m.view() == "close") c.close({400, 4000, "asked for"}, errc::denied);
        if (m.view() == "close the other") w[1].close({400, 4001, ""}, errc::denied);
    };
    p.write(p.sealed("one") + p.sealed("close") + p.sealed("two"));
    other.say("after");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:close", "2 text:after", "1 closed:Denied"}));
    BOOST_TEST(p.events() == strings{"close:4000:asked for"});

    // In one batch, before and behind the one that is closed.
    ws_world::peer third{w};
    other.say("x");
    third.say("close the other");
    w.on_received = [&](auto&, message m) {
        if (m.view() == "close the other") w[2].close({400, 4001, ""}, errc::denied);
        if (m.view() == "x") w[3].close({400, 4002, ""}, errc::stopping);
    };
    w.run();
    BOOST_TEST(w.told() == (strings{"2 text:x", "3 closed:Server Stopping"}));
}

BOOST_AUTO_TEST_CASE(a_peer_that_breaks_the_framing_is_told_and_heard_no_more) {
    const auto masked = [](std::string head, std::string_view payload) {
        head[1] = static_cast<char>(head[1] | 0x80);
        return head.append(4, '\0').append(payload);
    };
    std::string huge{"\x82\xff\0\0\0\0\0\x10\0\x01", 10}; // 1 MiB and a byte, announced
    const struct {
        std::string bytes;
        const char* answer;
        const char* cause;
    } rows[] = {
        {masked({"\x83\x01", 2}, "x"), "close:1002:Protocol Error", "Protocol Error"},
        {{"\x81\x01x", 3}, "close:1002:Protocol Error", "Protocol Error"}, // not masked
        {masked({"\x88\x01", 2}, "x"), "close:1002:Protocol Error", "Protocol Error"},
        {masked({"\x88\x02", 2}, "\x03\xed"), "close:1002:Protocol Error", "Protocol Error"}, // 1005
        {masked({"\x81\x01", 2}, "\xff"), "close:1007:Invalid UTF-8", "Invalid UTF-8"},
        {huge + std::string(4, '\0'), "close:1009:", "Message Too Large"},
    };
    for (const auto& row : rows)
        for (const std::size_t piece : {memory::unlimited, std::size_t{1}}) {
            ws_world w;
            ws_world::peer p{w}, other{w};
            p.at->piece = piece;
            p.write(p.sealed("fine") + row.bytes + p.sealed("not heard"));
            w.run();
            BOOST_TEST(w.told() == (strings{"1 text:fine", "1 closed:" + std::string{row.cause}}));
            BOOST_TEST(p.events() == strings{row.answer});
            BOOST_TEST(p.at->server_shut, "after an error our end goes first");
            other.say("unharmed");
            p.shut();
            w.run();
            BOOST_TEST(p.at->server_closed);
            BOOST_TEST(w.told() == strings{"2 text:unharmed"});
        }
}

// --- time ---

BOOST_AUTO_TEST_CASE(a_silent_peer_is_pinged_and_its_pong_keeps_it) {
    ws_world w;
    ws_world::peer p{w};
    w.advance(29s, 1s);
    BOOST_TEST(p.events() == nothing);
    for (int i = 0; i < 20; ++i) {
        w.advance(3s, 1s);
        BOOST_TEST(p.events() == strings{"ping:"});
        p.write(p.sealed_control(control::pong));
        w.advance(29s, 1s);
        BOOST_TEST(p.events() == nothing);
    }
    BOOST_TEST(w.told() == nothing, "nobody asked, so nobody is told");
}

BOOST_AUTO_TEST_CASE(a_peer_that_answers_no_ping_is_told_so_and_cut) {
    ws_world w;
    ws_world::peer p{w}, talks{w};
    for (int i = 0; i < 60; ++i) {
        talks.say("still here");
        w.advance(1s, 1s);
    }
    w.told();
    BOOST_TEST(!p.at->server_closed);
    BOOST_TEST(p.events() == strings{"ping:"}, "one ping is enough");
    w.advance(2s);
    BOOST_TEST(p.events() == strings{"close:4002:No Pong in Time"});
    BOOST_TEST(w.told() == strings{"1 closed:No Pong in Time"}, "its id is free at once");
    BOOST_TEST(p.at->server_shut);
    w.advance(6s, 1s);
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(talks.events() == nothing, "a peer that sends messages needs no ping");
}

BOOST_AUTO_TEST_CASE(a_dead_peer_whose_socket_takes_nothing_is_cut_by_a_reset) {
    ws_world w{memory::options{.limits = {.write_timeout = 0ms}}};
    ws_world::peer p{w};
    p.at->room = 0;
    w.advance(61s, 1s);
    BOOST_TEST(!p.at->server_reset);
    w.advance(7s, 1s);
    BOOST_TEST(p.at->server_reset);
    BOOST_TEST(w.told() == strings{"1 closed:No Pong in Time"});
}

BOOST_AUTO_TEST_CASE(pings_can_be_switched_off) {
    ws_world w{memory::options{.limits = {.ping_interval = 0ms}}};
    ws_world::peer p{w};
    w.advance(10min, 1s);
    BOOST_TEST(p.at->sends.empty());
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(a_wire_without_pings_never_thinks_a_peer_dead) {
    plain_world w;
    plain_world::peer p{w};
    w.advance(10min, 1s);
    BOOST_TEST(p.at->sends.empty());
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(a_sign_of_life_is_told_if_it_was_asked_for) {
    ws_world w;
    ws_world::peer p{w};
    p.write(p.sealed_control(control::pong));
    w.run();
    BOOST_TEST(w.told() == nothing);
    BOOST_TEST(w[1].ping());
    w.run();
    BOOST_TEST(p.events() == strings{"ping:"});
    p.write(p.sealed_control(control::pong) + p.sealed_control(control::pong));
    w.run();
    BOOST_TEST(w.told() == strings{"1 alive"});
}

BOOST_AUTO_TEST_CASE(a_ping_is_answered_with_its_bytes) {
    ws_world w;
    ws_world::peer p{w};
    p.write(p.sealed_control(control::ping, 0, "echo"));
    w.run();
    BOOST_TEST(p.events() == strings{"pong:echo"});
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(a_flood_ends_but_a_heartbeat_over_hours_does_not) {
    {
        ws_world w;
        ws_world::peer p{w};
        for (int i = 0; i < 3 * 3600 / 10; ++i) {
            p.write(p.sealed_control(control::ping) + p.sealed_control(control::pong));
            w.advance(10s, 10s);
        }
        BOOST_TEST(w.told() == nothing);
    }
    for (const std::string& frame : {std::string{"\x89\x80\0\0\0\0", 6}, std::string{"\x8a\x80\0\0\0\0", 6},
                                     std::string{"\x81\x80\0\0\0\0", 6}}) { // pings, pongs, empty messages
        ws_world w;
        ws_world::peer p{w};
        for (int i = 0; i < 1000; ++i) p.write(frame);
        w.run();
        w.told();
        BOOST_TEST(!p.at->server_shut);
        p.write(frame);
        w.run();
        BOOST_TEST(p.events().back() == "close:1008:Too Many Control or Empty Frames");
        BOOST_TEST(w.told().back() == "1 closed:Too Many Control or Empty Frames");
    }
}

BOOST_AUTO_TEST_CASE(empty_fragments_without_end_are_a_flood) {
    ws_world w;
    ws_world::peer p{w};
    p.write({"\x01\x80\0\0\0\0", 6});
    for (int i = 0; i < 5000; ++i) p.write({"\0\x80\0\0\0\0", 6});
    w.run();
    BOOST_TEST(p.events() == strings{"close:1008:Too Many Control or Empty Frames"});
}

// --- memory ---

BOOST_AUTO_TEST_CASE(over_the_budget_the_message_without_progress_goes_and_no_other) {
    ws_world w{memory::options{.limits = {.incomplete = 700'000}}};
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 4; ++i) peers.emplace_back(w);
    // a message of 250,000 bytes each, of which so much has come
    std::size_t there[] = {200'000, 60'000, 150'000, 0};
    strings whole(4);
    for (std::size_t i = 0; i < 4; ++i) {
        whole[i] = peers[i].sealed(std::string(250'000, 'x'));
        peers[i].write(std::string_view{whole[i]}.substr(0, there[i]));
        w.advance(1s);
    }
    peers[0].write(std::string_view{whole[0]}.substr(there[0], 1)); // the oldest, but it goes on
    ++there[0];
    w.run();
    BOOST_TEST(w.told() == nothing);
    peers[3].write(std::string_view{whole[3]}.substr(0, 249'000));
    w.run();
    BOOST_TEST(w.told() == strings{"2 closed:Try Again Later"});
    BOOST_TEST(peers[1].events() == strings{"close:1013:Try Again Later"});
    // It goes on talking; its memory is free and the others are well.
    peers[1].write(std::string_view{whole[1]}.substr(there[1]));
    peers[3].write(std::string_view{whole[3]}.substr(249'000));
    w.run();
    BOOST_TEST(w.told() == strings{"4 text:250000"});
    peers[0].write(std::string_view{whole[0]}.substr(there[0]));
    peers[2].write(std::string_view{whole[2]}.substr(there[2]));
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:250000", "3 text:250000"}));
}

BOOST_AUTO_TEST_CASE(a_message_that_does_not_go_on_is_not_waited_for) {
    ws_world w;
    ws_world::peer p{w}, slow{w};
    const auto whole = p.sealed(std::string(1000, 'x'));
    p.write(std::string_view{whole}.substr(0, 500));
    for (std::size_t i = 0; i < 20; ++i) {
        slow.write(std::string_view{whole}.substr(i, 1));
        w.advance(1s);
        if (i < 9) BOOST_TEST(p.events() == nothing);
    }
    BOOST_TEST(p.events() == strings{"close:1013:Try Again Later"});
    BOOST_TEST(w.told() == strings{"1 closed:Try Again Later"});
    slow.write(std::string_view{whole}.substr(20));
    w.run();
    BOOST_TEST(w.told() == strings{"2 text:1000"});
}

BOOST_AUTO_TEST_CASE(a_message_that_goes_on_in_drops_is_not_waited_for_either) {
    ws_world w;
    ws_world::peer drops{w}, fragments{w}, busy{w}, large{w};
    const auto whole = drops.sealed(std::string(1000, 'x'));
    const auto first = [&](const std::string& s) { return s.substr(0, 7); };
    // Each message of `busy` ends, and the next begins in the same bytes.
    const auto next = whole.substr(7) + first(whole);
    const auto fragment = [&](char opcode) {
        auto frame = fragments.sealed("x");
        frame[0] = opcode; // and not the last
        return frame;
    };
    drops.write(first(whole));
    fragments.write(fragment(1));
    busy.write(first(whole));
    large.write(first(whole));
    for (std::size_t i = 0; i < 6; ++i) {
        w.advance(9s);
        drops.write(whole.substr(7 + i, 1));
        large.write(whole.substr(7 + i * 100, 100));
        fragments.write(fragments.sealed_control(control::ping) + fragment(0));
        busy.write(next);
        w.run();
        BOOST_TEST(drops.events() == nothing);
        BOOST_TEST(w.told() == strings{"3 text:1000"});
    }
    large.write(whole.substr(607));
    w.run();
    BOOST_TEST(w.told() == strings{"4 text:1000"});
    w.advance(9s);
    BOOST_TEST(drops.events() == strings{"close:1013:Try Again Later"});
    BOOST_TEST(fragments.events().back() == "close:1013:Try Again Later");
    BOOST_TEST(busy.events() == nothing);
}

BOOST_AUTO_TEST_CASE(the_time_limits_of_a_message_can_be_off) {
    const auto ends = [](std::chrono::milliseconds timeout, std::chrono::milliseconds deadline) {
        ws_world w{memory::options{
            .limits = {.ping_interval = 0ms, .message_timeout = timeout, .message_deadline = deadline}}};
        ws_world::peer p{w};
        p.write(p.sealed("text").substr(0, 9));
        for (int s = 1; s <= 300; ++s) {
            w.advance(1s);
            if (p.events() != nothing) return s;
        }
        return 0;
    };
    BOOST_TEST(ends(0s, 0s) == 0);
    BOOST_TEST(ends(10s, 0s) == 11);
    BOOST_TEST(ends(0s, 60s) == 61);
}

BOOST_AUTO_TEST_CASE(bytes_that_wait_for_an_answer_are_in_the_budget) {
    ws_world w{memory::options{.limits = {.incomplete = 100'000}}};
    w.on_opening = [&](auto& c, const request&) { w.wait(c); };
    std::deque<memory::basic_peer<framing::websocket<framing::role::client>>> peers;
    for (int i = 0; i < 8; ++i) {
        auto& p = peers.emplace_back(w.io);
        p.write(memory::upgrade_request() + p.sealed(std::string(20'000, 'x')));
        w.advance(100ms);
    }
    const auto told = w.told();
    BOOST_TEST(std::count(told.begin(), told.end(), "1 closed:Try Again Later") == 1);
    BOOST_TEST(w.engine.connections() >= 4u);
    BOOST_TEST(peers[0].read().starts_with("HTTP/1.1 503 "));
    BOOST_TEST(peers[7].read() == "");
    BOOST_TEST(!peers[7].at->server_shut);
}

BOOST_AUTO_TEST_CASE(all_readers_together_have_a_limit) {
    ws_world w{memory::options{.limits = {.unsent = 250'000}}};
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 4; ++i) peers.emplace_back(w).at->room = 0;
    const std::size_t sizes[] = {90'000, 100'000, 50'000, 30'000};
    for (std::size_t i = 0; i < 4; ++i) {
        w.send(w[i + 1], std::string(sizes[i], 'x'));
        w.run();
    }
    BOOST_TEST(w.told() == strings{"2 closed:Slow Consumer"});
    for (auto& p : peers) p.at->room = memory::unlimited;
    w.run();
    for (std::size_t i = 1; i < 5; ++i)
        if (i != 2) w.send(w[i], std::string(100'000, 'y'));
    w.run();
    BOOST_TEST(w.told() == nothing, "what was taken does not count");
}

BOOST_AUTO_TEST_CASE(a_reader_that_answers_pings_and_takes_nothing_is_ended) {
    ws_world w;
    ws_world::peer stalled{w}, slow{w};
    stalled.at->room = slow.at->room = 0;
    w.send(w[1], std::string(1000, 'x'));
    w.send(w[2], std::string(1000, 'x'));
    for (int i = 0; i < 20; ++i) {
        stalled.write(stalled.sealed_control(control::pong));
        slow.at->room = 1;
        if (i < 8) w.send(w[1], "more that is not taken");
        w.advance(1s);
        if (i == 8) BOOST_TEST(w.told() == nothing);
    }
    BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
    BOOST_TEST(stalled.at->server_reset);
}

BOOST_AUTO_TEST_CASE(the_budget_counts_no_connection_that_is_gone) {
    ws_world w{memory::options{.limits = {.incomplete = 100'000}}};
    for (int i = 0; i < 20; ++i) {
        ws_world::peer p{w};
        p.write(p.sealed(std::string(80'000, 'x')).substr(0, 60'000));
        w.run();
        const auto how = i % 3;
        if (how == 0) p.reset();
        if (how == 1) w[static_cast<std::size_t>(i) + 1].close({400, 0, ""}, errc::denied); // lingers
        if (how == 2) p.write({"\x83\x80\0\0\0\0", 6});                                     // payload
        if (how == 2) p.shut();
        w.run();
    }
    for (const auto& line : w.told()) BOOST_TEST(line.find("Try Again") == line.npos);
    ws_world::peer p{w};
    p.say(std::string(90'000, 'y'));
    w.run();
    BOOST_TEST(w.told() == strings{"21 text:90000"});
}

BOOST_AUTO_TEST_CASE(a_stalled_reader_costs_its_outbox_and_nobody_else_anything) {
    for (const bool torn : {false, true}) {
        ws_world w{memory::options{.limits = {.outbox = 100'000}}};
        ws_world::peer stalled{w}, other{w};
        stalled.at->room = torn ? 10'005 : 0;
        const std::string text(10'000, 'x');
        w.send(w[1], text);
        if (torn) w.send(w[1], text);
        w.run();
        int sent = 0;
        while (w.send(w[1], text) && sent < 100) {
            ++sent;
            w.run();
        }
        BOOST_TEST(sent == 8); // nine of 10,004 bytes fit into 100,000
        BOOST_TEST(!w[1].room(0), "marked");
        stalled.read();
        stalled.at->room = memory::unlimited;
        w.send(w[2], "unharmed");
        w.run();
        BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
        BOOST_TEST(stalled.at->server_closed);
        BOOST_TEST(stalled.at->server_reset);
        if (torn)
            BOOST_TEST(stalled.read() == "", "nothing may land inside a message");
        else
            BOOST_TEST(stalled.events() == strings{"close:4001:Slow Consumer"});
        BOOST_TEST(other.events() == strings{"text:unharmed"});
    }
}

BOOST_AUTO_TEST_CASE(an_empty_outbox_takes_any_message) {
    ws_world w{memory::options{.limits = {.outbox = 1000}}};
    ws_world::peer p{w};
    const std::string large(1u << 20, 'x');
    BOOST_TEST(w.send(w[1], large));
    BOOST_TEST(!w[1].room(1));
    w.run();
    BOOST_TEST(p.events() == strings{"text:" + large});
    BOOST_TEST(w.send(w[1], large));
    w.run();
    BOOST_TEST(p.events().size() == 1u);
}

BOOST_AUTO_TEST_CASE(room_does_not_mark_but_a_reservation_in_vain_does) {
    ws_world w{memory::options{.limits = {.outbox = 1000}}};
    ws_world::peer p{w};
    p.at->room = 0;
    BOOST_TEST(w.send(w[1], std::string(900, 'x')));
    BOOST_TEST(!w[1].room(100));
    BOOST_TEST(w[1].room(94));
    w.run();
    BOOST_TEST(w.told() == nothing);
    BOOST_TEST((w[1].reserve(message_type::text, 100) == nullptr));
    BOOST_TEST(!w[1].room(94));
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
}

BOOST_AUTO_TEST_CASE(a_full_outbox_is_the_cause_also_of_a_close_that_has_no_room) {
    ws_world w{memory::options{.limits = {.outbox = 1000}}};
    ws_world::peer p{w};
    p.at->room = 0;
    w.send(w[1], std::string(990, 'x'));
    w.run();
    w[1].close({400, 4600, "In Use"}, errc::id_in_use);
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
    BOOST_TEST(p.at->server_reset);
}

// --- messages that are shared ---

static_assert(SharingConnection<ws_world::connection> && SharingConnection<plain_world::connection>);

BOOST_AUTO_TEST_CASE(a_shared_message_is_as_any_other) {
    for (const std::size_t n : {0u, 10u, 2'000u, 100'000u})
        for (const std::size_t piece : {memory::unlimited, std::size_t{777}}) {
            ws_world w;
            ws_world::peer a{w}, b{w};
            a.at->piece = piece;
            const std::string text(n, 'x');
            const auto block = w[1].share(message_type::text, text);
            w.send(w[1], "before");
            BOOST_TEST(w[1].append(block));
            BOOST_TEST(w[2].append(block));
            BOOST_TEST(w[1].append(block));
            w.send(w[1], "after");
            w.run();
            BOOST_TEST(a.events() == (strings{"text:before", "text:" + text, "text:" + text, "text:after"}));
            BOOST_TEST(b.events() == strings{"text:" + text});
        }
}

BOOST_AUTO_TEST_CASE(a_shared_message_counts_whole_for_each_reader) {
    ws_world w{memory::options{.limits = {.outbox = 10'000}}};
    ws_world::peer a{w};
    a.at->room = 0;
    const auto block = w[1].share(message_type::text, std::string(4'000, 'x'));
    BOOST_TEST(w[1].append(block));
    BOOST_TEST(w[1].append(block));
    w.run();
    BOOST_TEST(w[1].room(1'900));
    BOOST_TEST(!w[1].room(2'000));
    BOOST_TEST(!w[1].append(block));
    BOOST_TEST(!w[1].append(block), "marked");
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
    BOOST_TEST(a.at->server_reset);
}

BOOST_AUTO_TEST_CASE(a_shared_message_stands_once_in_the_total) {
    ws_world w{memory::options{.limits = {.unsent = 250'000}}};
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 10; ++i) peers.emplace_back(w).at->room = 0;
    const auto block = w[1].share(message_type::text, std::string(100'000, 'x'));
    for (std::size_t n = 1; n <= 10; ++n) w[n].append(block);
    w.run();
    BOOST_TEST(w.told() == nothing);
    w[5].append(w[5].share(message_type::text, std::string(160'000, 'y')));
    w.run();
    BOOST_TEST(w.told() == strings{"5 closed:Slow Consumer"});
}

// --- hold and release ---

BOOST_AUTO_TEST_CASE(messages_held_back_are_delivered_after_release) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{11}}) {
        ws_world w;
        memory::basic_peer<framing::websocket<framing::role::client>> p{w.io};
        p.at->piece = piece;
        w.on_opening = [&](auto& c, const request&) {
            w.accept(c);
            c.hold();
        };
        p.write(memory::upgrade_request() + p.sealed("one") + p.sealed("two"));
        w.run();
        p.say("three");
        w.run();
        BOOST_TEST(w.told() == strings{"1 open"});
        BOOST_TEST(!p.at->reads);
        BOOST_TEST(!p.at->to_server.empty(), "held means: not read");
        w[1].release();
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two", "1 text:three"}));
        p.say("four");
        w.run();
        BOOST_TEST(w.told() == strings{"1 text:four"});
    }
}

BOOST_AUTO_TEST_CASE(a_hold_inside_received_stops_reading) {
    ws_world w;
    ws_world::peer p{w};
    w.on_received = [](auto& c, message m) {
        if (m.view() == "hold") c.hold();
    };
    p.write(p.sealed("hold") + p.sealed("two") + p.sealed("hold") + p.sealed("four"));
    w.run();
    const std::string more(3u << 20, 'x'); // more than the socket of a real peer would take
    p.write(p.sealed(more.substr(0, 1u << 20)));
    w.run();
    BOOST_TEST(w.told() == strings{"1 text:hold"});
    BOOST_TEST(p.at->to_server.size() > (1u << 20), "what a held peer sends stays on the wire");
    w[1].release();
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:two", "1 text:hold"}));
    w[1].release();
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:four", "1 text:1048576"}));
}

BOOST_AUTO_TEST_CASE(a_release_in_the_same_batch_keeps_the_order) {
    ws_world w;
    ws_world::peer p{w}, q{w};
    w.on_received = [&](auto& c, message m) {
        if (m.view() == "hold") c.hold();
        if (m.view() == "release") w[1].release();
        if (m.view() == "both") c.hold(), c.release();
    };
    p.write(p.sealed("hold") + p.sealed("1") + p.sealed("2"));
    q.say("release");
    w.run();
    p.say("3");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:hold", "2 text:release", "1 text:1", "1 text:2", "1 text:3"}));
    p.write(p.sealed("both") + p.sealed("4"));
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:both", "1 text:4"}));
}

BOOST_AUTO_TEST_CASE(a_hang_up_is_seen_while_held_and_keeps_the_order) {
    ws_world w;
    ws_world::peer releases{w}, p{w};
    w.on_received = [&](auto& c, message m) {
        if (m.view() == "hold") c.hold();
        if (m.view() == "release") w[2].release();
    };
    p.write(p.sealed("hold") + p.sealed("1"));
    w.run();
    releases.say("release");
    p.say("2");
    p.shut();
    p.at->hung_up = true;
    w.run();
    BOOST_TEST(w.told() == (strings{"2 text:hold", "1 text:release", "2 text:1", "2 text:2",
                                    "2 closed:Connection Lost"}));
}

BOOST_AUTO_TEST_CASE(a_held_connection_can_be_closed_and_can_end) {
    {
        ws_world w;
        ws_world::peer p{w};
        w.on_received = [](auto& c, message) { c.hold(); };
        p.write(p.sealed("one") + p.sealed("never heard"));
        w.run();
        w[1].close({400, 4600, "In Use"}, errc::id_in_use);
        w.run();
        BOOST_TEST(p.events() == strings{"close:4600:In Use"});
        BOOST_TEST(w.told() == (strings{"1 text:one", "1 closed:ID In Use"}));
        BOOST_TEST(p.at->server_shut);
        p.shut();
        w.run();
        BOOST_TEST(p.at->server_closed);
    }
    ws_world w;
    ws_world::peer p{w};
    w.on_received = [](auto& c, message) { c.hold(); };
    p.say("one");
    w.run();
    p.reset();
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 closed:Connection Lost"}));
}

// --- held before the answer ---

using ws_peer = memory::basic_peer<framing::websocket<framing::role::client>>;

// Each connection that comes waits for an answer.
struct waiting_world : ws_world {
    explicit waiting_world(memory::options o = {}) : ws_world{o} {
        on_opening = [this](auto& c, const request&) { wait(c); };
    }
};

BOOST_AUTO_TEST_CASE(an_answer_may_come_between_turns_with_waiting_messages_behind_it) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{11}})
        for (const bool in_a_turn : {false, true}) {
            waiting_world w;
            ws_peer p{w.io};
            p.at->piece = piece;
            p.write(memory::upgrade_request() + p.sealed("one") + p.sealed("two"));
            w.run();
            p.say("three");
            w.run();
            BOOST_TEST(w.told() == strings{"1 waits"});
            BOOST_TEST(p.read() == "");
            BOOST_TEST(!p.at->reads);
            BOOST_TEST(!p.at->to_server.empty(), "nothing is read");
            if (in_a_turn) {
                w.on_tick = [&] {
                    w.on_tick = {};
                    w.late_accept(w[1], "chat");
                    w.send(w[1], "welcome");
                };
                w[1].release(); // has that turn run
            } else {
                w.late_accept(w[1], "chat");
                w.send(w[1], "welcome");
            }
            w.io.poll(); // no event on any socket
            if (piece == memory::unlimited) BOOST_TEST(p.at->sends.size() == 1u);
            w.run();
            BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two", "1 text:three"}));
            const auto answer = p.read_header();
            BOOST_TEST(answer.starts_with("HTTP/1.1 101 "), answer);
            BOOST_TEST(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != answer.npos,
                       answer);
            BOOST_TEST(answer.find("Sec-WebSocket-Protocol: chat\r\n") != answer.npos);
            BOOST_TEST(p.events() == strings{"text:welcome"});
            p.say("four");
            w.run();
            BOOST_TEST(w.told() == strings{"1 text:four"});
        }
}

BOOST_AUTO_TEST_CASE(each_answer_belongs_to_its_own_upgrade) {
    waiting_world w;
    ws_peer a{w.io}, b{w.io};
    auto other = memory::upgrade_request();
    const std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
    other.replace(other.find(key), key.size(), "x3JJHMbDL1EzLkh9GBhXDw==");
    a.write(memory::upgrade_request());
    b.write(other);
    w.run();
    w.late_accept(w[2]);
    w.late_accept(w[1]);
    w.run();
    BOOST_TEST(a.read_header().find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
    BOOST_TEST(b.read_header().find("HSmrc0sMlYUkAGmm5OPpG2HaGWk=") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(accepted_late_it_can_be_held_on) {
    waiting_world w;
    ws_peer p{w.io};
    p.write(memory::upgrade_request() + p.sealed("one"));
    w.run();
    w.late_accept(w[1]);
    w[1].hold();
    w.run();
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(w.told() == strings{"1 waits"});
    w[1].release();
    w.run();
    BOOST_TEST(w.told() == strings{"1 text:one"});
}

BOOST_AUTO_TEST_CASE(refused_late_it_is_answered_and_never_heard_of) {
    waiting_world w;
    ws_peer p{w.io};
    p.write(memory::upgrade_request() + p.sealed("never heard"));
    w.run();
    w.late_refuse(w[1], {403, 4400, "Not You"});
    w.io.poll();
    const auto answer = p.read();
    BOOST_TEST(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), answer);
    BOOST_TEST(answer.ends_with("\r\n\r\nNot You"), answer);
    BOOST_TEST(p.at->server_shut);
    p.say("neither");
    p.shut();
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(!p.at->server_reset);
    BOOST_TEST(w.told() == strings{"1 waits"});
}

BOOST_AUTO_TEST_CASE(closed_before_its_answer_it_is_answered_and_the_end_is_told) {
    waiting_world w;
    ws_peer p{w.io}, q{w.io};
    p.write(memory::upgrade_request() + p.sealed("never heard"));
    q.write(memory::upgrade_request());
    w.run();
    w[1].close({503, 1013, "Later"}, errc::overloaded);
    w[1].accept({});
    w[1].release();
    w[2].close({0, 1000, {}}, errc::denied);
    w.run();
    BOOST_TEST(p.read().ends_with("\r\n\r\nLater"));
    BOOST_TEST(q.read() == "", "there is no status to answer with");
    BOOST_TEST(p.at->server_shut);
    BOOST_TEST(q.at->server_shut);
    BOOST_TEST(w.told() == (strings{"1 waits", "2 waits", "1 closed:Try Again Later", "2 closed:Denied"}));
}

BOOST_AUTO_TEST_CASE(a_peer_may_go_before_its_answer) {
    for (const bool answered : {false, true}) {
        waiting_world w;
        ws_peer p{w.io};
        p.write(memory::upgrade_request());
        w.run();
        BOOST_TEST(w.told() == strings{"1 waits"});
        if (answered) // before anybody could see that it has gone
            w.late_accept(w[1]);
        p.reset();
        w.run();
        BOOST_TEST(w.told() == strings{"1 closed:Connection Lost"});
        BOOST_TEST(p.at->server_closed);
    }
    waiting_world w;
    ws_peer p{w.io};
    p.write(memory::upgrade_request());
    w.run();
    p.shut(); // seen when it is read
    w.run();
    BOOST_TEST(w.told() == strings{"1 waits"});
    w.late_accept(w[1]);
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Connection Lost"});
}

BOOST_AUTO_TEST_CASE(how_long_it_waits_is_up_to_the_sink) {
    waiting_world w;
    ws_peer p{w.io};
    p.write(memory::upgrade_request());
    w.advance(2min, 1s);
    BOOST_TEST(w.told() == strings{"1 waits"});
    w.late_accept(w[1]);
    w.run();
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
}

BOOST_AUTO_TEST_CASE(a_connection_that_waits_is_dropped_when_the_engine_stops) {
    waiting_world w;
    ws_peer p{w.io}, q{w.io};
    p.write(memory::upgrade_request());
    q.write(memory::upgrade_request());
    w.run();
    bool done = false;
    w.late_refuse(w[2], {503, 1001, "Stopping"}); // a connection that has its answer is told it first
    w.engine.stop(5s, [&] { done = true; });
    w[1].accept({}); // too late
    w[1].release();
    w.run();
    BOOST_TEST(w.told() == (strings{"1 waits", "2 waits", "1 closed:Server Stopping"}));
    BOOST_TEST(p.at->server_reset);
    BOOST_TEST(p.read() == "");
    BOOST_TEST(q.read().starts_with("HTTP/1.1 503 "));
    q.shut();
    w.run();
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_CASE(a_wire_without_upgrade_waits_too) {
    plain_world w;
    w.on_opening = [&](auto& c, const request&) { w.wait(c); };
    memory::basic_peer<framing::length> p{w.io}, q{w.io};
    p.say("one");
    q.say("never heard");
    w.run();
    p.say("two");
    BOOST_TEST(w.told() == (strings{"1 waits", "2 waits"}));
    w.late_accept(w[1]);
    w.late_refuse(w[2], {403, 4400, "Not You"});
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two"}));
    BOOST_TEST(q.read() == "");
    BOOST_TEST(q.at->server_shut);
}

// --- admission of connections ---

// A gate that lets in so many of an address at a time.
struct counting_gate {
    std::map<std::string, int> there;
    int most = 1;
    strings asked;

    accept_gate gate() {
        return {[this](std::string_view remote) {
                    asked.emplace_back(remote);
                    auto& n = there[std::string{remote}];
                    if (n == most) return errc::rate;
                    ++n;
                    return errc::ok;
                },
                [this](std::string_view remote) { --there[std::string{remote}]; }};
    }
};

BOOST_AUTO_TEST_CASE(the_gate_is_asked_before_a_byte_is_read) {
    counting_gate g;
    ws_world w{memory::options{.gate = g.gate()}};
    ws_world::peer in{w};
    memory::basic_peer<framing::websocket<framing::role::client>> second{w.io}, other{w.io};
    other.at->address = "192.0.2.2";
    second.write(memory::upgrade_request());
    other.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(second.at->server_closed);
    BOOST_TEST(second.at->receives == 0u);
    BOOST_TEST(other.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(g.asked == (strings{"192.0.2.1", "192.0.2.1", "192.0.2.2"}));
    BOOST_TEST(w.refusals == strings{"192.0.2.1 Too Many Requests"});
    BOOST_TEST(w.engine.counters().refused(errc::rate) == 1u);
    BOOST_TEST(w.engine.counters().accepted == 3u);
    BOOST_TEST(w.engine.counters().open == 2u);
    in.reset();
    w.run();
    BOOST_TEST(g.there["192.0.2.1"] == 0);
    ws_world::peer again{w};
}

BOOST_AUTO_TEST_CASE(the_gate_is_asked_about_the_client_that_a_proxy_names) {
    counting_gate g;
    ws_world w{memory::options{.proxies = {"192.0.2.1"}, .gate = g.gate()}};
    const auto come = [&](auto& p, std::string_view from) {
        p.write(memory::upgrade_request(from.empty() ? std::string{}
                                                     : "X-Forwarded-For: " + std::string{from} + "\r\n"));
        w.run();
    };
    memory::basic_peer<framing::websocket<framing::role::client>> a{w.io}, b{w.io}, c{w.io}, d{w.io};
    come(a, "198.51.100.7");
    come(b, "198.51.100.8");
    come(c, "198.51.100.7");
    come(d, "");
    BOOST_TEST(a.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(b.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(c.read().starts_with("HTTP/1.1 429 "));
    BOOST_TEST(d.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(g.asked == (strings{"198.51.100.7", "198.51.100.8", "198.51.100.7", "192.0.2.1"}));
    for (auto* p : {&a, &b, &c, &d}) p->reset();
    w.run();
    for (const auto& [remote, n] : g.there) BOOST_TEST(n == 0, remote);
}

BOOST_AUTO_TEST_CASE(a_gate_that_throws_refuses) {
    plain_world w{
        memory::options{.gate = {[](std::string_view) -> errc { throw std::runtime_error{"no"}; }, {}}}};
    memory::basic_peer<framing::length> p{w.io};
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(w.refusals == strings{"192.0.2.1 Internal Server Error"});
}

BOOST_AUTO_TEST_CASE(refusals_of_requests_are_told_and_counted) {
    ws_world w{memory::options{.path = "/rtc", .origins = {"https://example.org"}}};
    for (const auto& bytes : {memory::upgrade_request({}, "/rtc"), memory::upgrade_request({}, "/"),
                              std::string{"\x16\x03\x01", 3}, std::string{"GET /"}}) {
        memory::basic_peer<framing::length> p{w.io};
        p.write(bytes);
        w.run();
        w.advance(7s, 1s);
    }
    BOOST_TEST(w.refusals == (strings{"192.0.2.1 Origin Not Allowed", "192.0.2.1 Peer Not Found",
                                      "192.0.2.1 Bad WebSocket Handshake", "192.0.2.1 Handshake Timeout"}));
    BOOST_TEST(w.engine.counters().refused(errc::handshake_timeout) == 1u);
}

BOOST_AUTO_TEST_CASE(counters_tell_of_bytes_turns_and_connections) {
    plain_world w;
    plain_world::peer p{w};
    w.on_received = [&](auto& c, message m) { w.send(c, m.view()); };
    p.say("12345");
    w.run();
    p.write(std::string_view{"\0\0\0\x09hi", 6});
    p.at->room = 0;
    w.run();
    w.send(w[1], "1234567");
    w.run();
    const auto n = w.engine.counters();
    BOOST_TEST(n.bytes_in == 9u + 6u);
    BOOST_TEST(n.bytes_out == 9u);
    BOOST_TEST(n.turns > 3u);
    BOOST_TEST(n.open == 1u);
    BOOST_TEST(n.opening == 0u);
    BOOST_TEST(n.unsent >= 11u);
    BOOST_TEST(n.incomplete > 0u);
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_accepted_elsewhere_is_served) {
    plain_world w;
    memory::basic_peer<framing::length> p{w.io};
    w.network.adoptable.push_back(w.network.backlog.front());
    w.network.backlog.clear();
    p.say("hello");
    error_code ec;
    w.engine.adopt(0, ec);
    BOOST_TEST(!ec);
    BOOST_TEST(w.told() == nothing, "not from inside adopt");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 open", "1 text:hello"}));
    w.engine.stop({}, {});
    w.engine.adopt(0, ec);
    BOOST_TEST(ec == boost::asio::error::operation_aborted);
}

// --- a turn is bounded and fair ---

BOOST_AUTO_TEST_CASE(a_flood_of_messages_is_served_in_slices) {
    ws_world w;
    ws_world::peer flood{w}, other{w};
    std::string many;
    for (int i = 0; i < 1000; ++i) many += flood.sealed(std::to_string(i));
    flood.write(many);
    other.say("fine");
    w.run();
    const auto told = w.told();
    BOOST_TEST_REQUIRE(told.size() == 1001u);
    const auto fine = std::find(told.begin(), told.end(), "2 text:fine");
    BOOST_TEST((fine - told.begin() <= 64), "others wait for one slice at most");
    strings in_order;
    for (const auto& t : told)
        if (t.starts_with("1 text:")) in_order.push_back(t.substr(7));
    for (std::size_t i = 0; i < 1000; ++i) BOOST_TEST(in_order[i] == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(a_turn_ends_when_its_time_is_up) {
    ws_world w;
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 40; ++i) peers.emplace_back(w);
    int heard = 0, most = 0;
    w.on_received = [&](auto&, message) {
        ++heard;
        w.network.now += 1ms;
    };
    for (auto& p : peers)
        for (int i = 0; i < 40; ++i) p.say(std::to_string(i));
    // Other work on the io_context has its turns between ours.
    bool more = true;
    std::function<void()> others = [&] {
        most = std::max(most, std::exchange(heard, 0));
        if (std::exchange(more, heard != 0 || w.network.events().size() != 0 || most == 0))
            boost::asio::post(w.io, others);
    };
    boost::asio::post(w.io, others);
    w.run();
    BOOST_TEST(most > 0);
    BOOST_TEST(most <= 40, "the time is looked at every few messages");
    const auto told = w.told();
    BOOST_TEST(told.size() == 1600u);
    std::vector<int> next(41);
    for (const auto& t : told) {
        const auto n = static_cast<std::size_t>(std::stoi(t));
        BOOST_TEST(t.substr(t.find(':') + 1) == std::to_string(next[n]++));
    }
}

BOOST_AUTO_TEST_CASE(without_a_limit_a_turn_ends_when_all_is_done) {
    ws_world w{memory::options{.limits = {.turn = 0ms}}};
    ws_world::peer p{w};
    w.on_received = [&](auto&, message) { w.network.now += 1ms; };
    for (int i = 0; i < 40; ++i) p.say("x");
    w.network.wake();
    BOOST_TEST(w.io.run_one() == 1u);
    BOOST_TEST(w.told().size() == 40u);
}

BOOST_AUTO_TEST_CASE(messages_to_many_do_not_delay_a_message_to_one) {
    ws_world w;
    ws_world::peer loud{w}, quiet{w}, target{w};
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 500; ++i) many.emplace_back(w);
    w.on_received = [&](auto& c, message m) {
        if (c.state().number == 1)
            for (std::size_t n = 4; n < 504; ++n) w.send(w[n], m.view());
        else
            w.send(w[3], m.view());
    };
    // Each send takes time: the whole takes many turns.
    for (auto& p : many) p.at->on_send = [&] { w.network.now += 100us; };
    std::size_t sent_before = 0, publications_before = 0;
    target.at->on_send = [&] {
        for (auto& p : many) sent_before += p.at->sends.size();
        publications_before = w.log_size();
    };
    std::string publications;
    for (int i = 0; i < 20; ++i) publications += loud.sealed(std::string(1000, 'x'));
    loud.write(publications);
    quiet.say("to one");
    w.run();
    BOOST_TEST(target.events() == strings{"text:to one"});
    BOOST_TEST(sent_before < 200u);
    BOOST_TEST(publications_before <= 3u, "a publication waits until those before it have gone out");
    for (auto& p : many) BOOST_TEST(p.events().size() == 20u);
    BOOST_TEST(w.engine.connections() == 503u);
}

BOOST_AUTO_TEST_CASE(peers_that_speak_do_not_wait_for_messages_to_many) {
    ws_world w;
    ws_world::peer loud{w};
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 500; ++i) many.emplace_back(w);
    std::size_t sent = 0, sent_before = 0, heard = 0;
    w.on_received = [&](auto& c, message m) {
        if (c.state().number == 1)
            for (std::size_t n = 2; n < 502; ++n) w.send(w[n], m.view());
        else if (++heard == 300)
            sent_before = sent;
    };
    for (auto& p : many)
        p.at->on_send = [&] {
            w.network.now += 100us;
            ++sent;
        };
    loud.say(std::string(1000, 'x'));
    w.network.wake();
    w.io.run_one();
    for (std::size_t i = 0; i < 300; ++i) many[i].say("me");
    const auto so_far = sent;
    w.run();
    BOOST_TEST(heard == 300u);
    BOOST_TEST(sent == 500u);
    BOOST_TEST(sent_before - so_far < 100u);
}

BOOST_AUTO_TEST_CASE(a_publisher_that_is_too_fast_is_slowed_down_and_harms_no_reader) {
    ws_world w{memory::options{.limits = {.outbox = 20'000}}};
    ws_world::peer loud{w};
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 300; ++i) many.emplace_back(w);
    w.on_received = [&](auto&, message m) {
        for (std::size_t n = 2; n < 302; ++n) w.send(w[n], m.view());
    };
    for (auto& p : many) p.at->on_send = [&] { w.network.now += 1ms; };
    std::string publications;
    for (int i = 0; i < 60; ++i) publications += loud.sealed(std::string(1000, 'x'));
    loud.write(publications);
    w.run();
    for (auto& p : many) BOOST_TEST(p.events().size() == 60u);
}

BOOST_AUTO_TEST_CASE(costly_replies_to_many_do_not_delay_a_cheap_one_to_another) {
    ws_world w;
    std::deque<ws_world::peer> loud;
    for (int i = 0; i < 50; ++i) loud.emplace_back(w);
    std::deque<ws_world::peer> quiet;
    for (int i = 0; i < 20; ++i) quiet.emplace_back(w);
    std::size_t costly = 0, before = 0;
    const std::string reply(31'000, 'x');
    w.on_received = [&](auto& c, message) {
        w.network.now += 1ms;
        if (c.state().number > 50) {
            before = costly;
            return;
        }
        ++costly;
        w.send(c, reply);
    };
    std::string questions;
    for (int i = 0; i < 20; ++i) questions += loud.front().sealed("how many");
    for (auto& p : loud) p.write(questions);
    w.network.wake();
    while (costly < 60) w.io.run_one(); // each had a turn, and waits for the next
    const auto so_far = costly;
    for (auto& p : quiet) p.say("hello"); // more than a turn takes
    w.run();
    BOOST_TEST(costly == 1000u);
    BOOST_TEST(before - so_far < 30u, "it need not wait until each of the others had a message");
}

BOOST_AUTO_TEST_CASE(cheap_messages_of_many_let_costly_ones_go_on) {
    ws_world w;
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 200; ++i) many.emplace_back(w);
    ws_world::peer loud{w};
    std::size_t costly = 0, cheap = 0;
    w.on_received = [&](auto& c, message) {
        w.network.now += 1ms;
        if (c.state().number == 201) {
            ++costly;
            w.send(c, std::string(31'000, 'x'));
        } else if (++cheap < 20'000 && costly < 20) {
            many[c.state().number - 1].say("more"); // the loop never runs out of these
        }
    };
    std::string questions;
    for (int i = 0; i < 20; ++i) questions += loud.sealed("how many");
    loud.write(questions);
    for (auto& p : many) p.say("hello");
    w.run();
    BOOST_TEST(costly == 20u);
    BOOST_TEST(cheap < 5000u, "a turn or two of cheap messages for each costly one");
}

BOOST_AUTO_TEST_CASE(a_peer_that_relays_much_is_not_cut_short_among_others) {
    ws_world w{memory::options{.limits = {.turn = 0ms}}};
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 20; ++i) peers.emplace_back(w);
    w.on_received = [&](auto& c, message m) { w.send(w[c.state().number % 20 + 1], m.view()); };
    const std::string offer(4000, 'x');
    std::string offers;
    for (int i = 0; i < 16; ++i) offers += peers.front().sealed(offer);
    // Others wait for their turns, too.
    std::string many;
    for (int i = 0; i < 100; ++i) many += peers.front().sealed("x");
    for (std::size_t i = 0; i < 20; ++i) peers[i].write(i < 10 ? many : offers);
    w.run();
    std::size_t spells = 0, last = 0;
    for (const auto& t : w.told())
        if (const auto n = static_cast<std::size_t>(std::stoi(t)); n > 10 && n != std::exchange(last, n))
            ++spells;
    BOOST_TEST(spells == 10u);
}

BOOST_AUTO_TEST_CASE(a_turn_that_is_late_sends_no_more_for_each_event) {
    ws_world w;
    ws_world::peer loud{w};
    std::deque<ws_world::peer> many;
    for (int i = 0; i < 300; ++i) many.emplace_back(w);
    w.on_received = [&](auto& c, message) {
        if (c.state().number != 1) return;
        for (std::size_t n = 2; n < 302; ++n) w.send(w[n], "news");
        w.network.now += 6ms; // this turn's time is up
    };
    for (auto& p : many) p.at->on_send = [&] { w.network.now += 500us; };
    loud.say("to all");
    for (auto& p : many) p.say("me too");
    const auto before = w.network.now;
    w.network.wake();
    w.io.run_one();
    BOOST_TEST((w.network.now - before < 120ms));
    w.run();
    for (auto& p : many) BOOST_TEST(p.events() == strings{"text:news"});
}

BOOST_AUTO_TEST_CASE(a_connection_that_waits_for_its_turn_is_not_silent) {
    ws_world w{memory::options{.limits = {.ping_interval = 1s, .silence_timeout = 2s}}};
    ws_world::peer p{w};
    std::size_t heard = 0;
    w.on_received = [&](auto&, message) {
        ++heard;
        w.network.now += 5ms;
    };
    std::string all;
    for (int i = 0; i < 2000; ++i) all += p.sealed("x");
    p.write(all);
    w.run();
    BOOST_TEST(heard == 2000u);
    BOOST_TEST(w.engine.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(opening_connections_do_not_delay_open_ones) {
    ws_world w;
    ws_world::peer in{w};
    std::deque<memory::basic_peer<framing::websocket<framing::role::client>>> knock;
    w.on_opening = [&](auto& c, const request&) {
        w.network.now += 2ms;
        w.accept(c);
    };
    for (int i = 0; i < 100; ++i) knock.emplace_back(w.io).write(memory::upgrade_request());
    w.network.wake();
    w.io.run_one(); // accepts
    in.say("one");
    w.io.run_one();
    const auto told = w.told();
    BOOST_TEST(std::count(told.begin(), told.end(), "1 text:one") == 1);
    BOOST_TEST(told.size() < 10u);
    w.run();
    BOOST_TEST(w.engine.connections() == 101u);
}

BOOST_AUTO_TEST_CASE(a_message_that_comes_while_many_open_waits_for_a_few_of_them) {
    ws_world w;
    ws_world::peer in{w};
    std::deque<memory::basic_peer<framing::websocket<framing::role::client>>> knock;
    bool said = false;
    w.on_opening = [&](auto& c, const request&) {
        if (!std::exchange(said, true)) in.say("one");
        w.accept(c);
    };
    for (int i = 0; i < 100; ++i) knock.emplace_back(w.io);
    w.run(); // accepts all
    for (auto& k : knock) k.write(memory::upgrade_request());
    w.run();
    const auto told = w.told();
    BOOST_TEST_REQUIRE(told.size() == 101u);
    const auto one = std::find(told.begin(), told.end(), "1 text:one");
    BOOST_TEST((one - told.begin() <= 16));
}

// --- what the sink throws ---

BOOST_AUTO_TEST_CASE(an_exception_costs_the_connection_that_it_is_about) {
    ws_world w;
    ws_world::peer p{w}, other{w};
    w.on_received = [&](auto& c, message m) {
        w.send(c, "half done");
        if (m.view() == "throw") throw std::runtime_error{"broken handler"};
        if (m.view() == "throw anything") throw 7;
    };
    p.write(p.sealed("throw") + p.sealed("not heard"));
    other.say("fine");
    w.run();
    BOOST_TEST(w.failures == strings{"1 broken handler"});
    BOOST_TEST(p.events() == (strings{"text:half done", "close:1011:Internal Server Error"}));
    BOOST_TEST(p.at->server_shut);
    BOOST_TEST(w.told() == (strings{"1 text:throw", "2 text:fine", "1 closed:Internal Server Error"}));
    BOOST_TEST(other.events() == strings{"text:half done"});
    other.say("throw anything");
    w.run();
    BOOST_TEST(w.failures.back() == "2 an exception that is not a std::exception");
    BOOST_TEST(w.told() == (strings{"2 text:throw anything", "2 closed:Internal Server Error"}));
}

BOOST_AUTO_TEST_CASE(an_exception_out_of_a_message_in_pieces_gives_its_memory_back) {
    ws_world w{memory::options{.limits = {.incomplete = 100'000}}};
    for (int i = 0; i < 10; ++i) {
        ws_world::peer p{w};
        w.on_received = [&](auto&, message) { throw std::runtime_error{"broken handler"}; };
        const auto whole = p.sealed(std::string(80'000, 'x'));
        p.write(std::string_view{whole}.substr(0, 50'000));
        w.run();
        p.write(std::string_view{whole}.substr(50'000));
        p.write(std::string_view{whole}.substr(0, 50'000));
        w.run();
        BOOST_TEST(p.events() == strings{"close:1011:Internal Server Error"});
    }
}

BOOST_AUTO_TEST_CASE(an_exception_while_opening_is_answered_by_500) {
    for (const bool accepted : {false, true}) {
        ws_world w;
        memory::basic_peer<framing::websocket<framing::role::client>> p{w.io};
        w.on_opening = [&](auto& c, const request&) {
            if (accepted) w.accept(c);
            throw std::runtime_error{"broken hook"};
        };
        p.write(memory::upgrade_request());
        w.run();
        BOOST_TEST(w.failures == strings{"1 broken hook"});
        if (accepted) {
            BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
            BOOST_TEST(p.events() == strings{"close:1011:Internal Server Error"});
            BOOST_TEST(w.told() == (strings{"1 open", "1 closed:Internal Server Error"}));
        } else {
            BOOST_TEST(p.read().starts_with("HTTP/1.1 500 "));
            BOOST_TEST(w.told() == nothing);
        }
    }
    plain_world w;
    w.on_opening = [&](auto&, const request&) { throw std::runtime_error{"broken hook"}; };
    memory::basic_peer<framing::length> p{w.io};
    w.run();
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_CASE(an_exception_of_an_http_handler_is_answered_by_500) {
    ws_world w;
    w.on_http = [](const request&, response&) -> bool { throw std::out_of_range{"substr"}; };
    memory::basic_peer<framing::length> p{w.io};
    p.write("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    w.run();
    BOOST_TEST(p.read().starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    BOOST_TEST(w.failures.size() == 1u);
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_CASE(an_exception_of_closed_ends_nothing_else) {
    ws_world w;
    ws_world::peer p{w}, other{w};
    w.on_closed = [](auto&) { throw std::runtime_error{"broken hook"}; };
    p.reset();
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(w.failures == strings{"1 broken hook"});
    w.on_closed = {};
    other.say("fine");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 closed:Connection Lost", "2 text:fine"}));
}

BOOST_AUTO_TEST_CASE(an_exception_of_tick_leaves_the_loop_as_it_was) {
    ws_world w;
    ws_world::peer p{w};
    w.on_tick = [] { throw std::runtime_error{"broken clock"}; };
    p.say("heard");
    w.run();
    BOOST_TEST(w.failures.at(0) == "broken clock");
    w.on_tick = {};
    w.told();
    w.send(w[1], "sent");
    w.io.poll(); // a turn of its own: `in_turn` was reset
    BOOST_TEST(p.events() == strings{"text:sent"});
    w.advance(31s, 1s);
    BOOST_TEST(p.events() == strings{"ping:"}, "deadlines are met as before");
}

// --- time that was lost ---

BOOST_AUTO_TEST_CASE(a_process_that_stood_still_punishes_nobody) {
    ws_world w;
    std::deque<ws_world::peer> peers;
    for (int i = 0; i < 600; ++i) peers.emplace_back(w); // more than one batch
    w.advance(59s, 1s);
    for (auto& p : peers) {
        BOOST_TEST(p.events() == strings{"ping:"});
        p.write(p.sealed_control(control::pong));
    }
    w.network.now += 14s;
    w.run();
    w.advance(20s, 1s);
    BOOST_TEST(w.told() == nothing);
    BOOST_TEST(w.engine.connections() == 600u);
}

BOOST_AUTO_TEST_CASE(a_gap_moves_the_deadlines_of_the_sink) {
    ws_world w;
    ws_world::peer p{w};
    const auto start = w.now;
    w.due = start + 10s;
    w.run();
    w.advance(4s, 1s);
    w.network.now += 14s;
    w.run();
    BOOST_TEST((w.now <= start + 5s), "a gap counts as a second");
    w.advance(4s, 1s);
    BOOST_TEST((w.now < w.due));
    w.advance(1s, 500ms);
    BOOST_TEST((w.now >= w.due));
}

BOOST_AUTO_TEST_CASE(a_message_in_time_is_heard_before_the_sink_judges) {
    for (const auto late : {1ms, 200ms, 3000ms}) {
        bool judged = false, heard = false;
        ws_world w;
        ws_world::peer p{w};
        w.due = w.now + 2s;
        w.run();
        w.on_tick = [&] { judged = judged || w.now >= w.due; };
        w.on_received = [&](auto&, message) {
            heard = true;
            BOOST_TEST(!judged);
            w.due = time_point::max(); // it lives
        };
        p.say("here I am");
        w.network.now += 2s + late;
        w.run();
        BOOST_TEST(heard);
        BOOST_TEST(!judged);
        if (late > 1s) BOOST_TEST((w.network.now - w.now == late), "a turn that took long moves deadlines");
    }
}

BOOST_AUTO_TEST_CASE(limits_that_contradict_each_other_are_refused) {
    const auto sentence = [](stream_limits l) -> std::string {
        try {
            ws_world w{memory::options{.limits = l}};
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return {};
    };
    const std::string refused = "sigfire: stream_limits: a pinged peer needs time to answer; set "
                                "silence_timeout longer than ping_interval, or ping_interval to 0";
    BOOST_TEST(sentence({.ping_interval = 30s, .silence_timeout = 20s}) == refused);
    BOOST_TEST(sentence({.ping_interval = 30s, .silence_timeout = 30s}) == refused);
    BOOST_TEST(sentence({.ping_interval = 0s, .silence_timeout = 1s}) == "");
}

// --- the engine itself ---

BOOST_AUTO_TEST_CASE(out_of_descriptors_it_pauses_instead_of_spinning) {
    ws_world w;
    ws_world::peer served{w};
    w.network.no_descriptors = true;
    memory::basic_peer<framing::websocket<framing::role::client>> waiting{w.io};
    waiting.write(memory::upgrade_request());
    const auto before = w.network.accepts;
    w.run();
    BOOST_TEST(w.network.accepts == before + 1);
    BOOST_TEST(w.refusals == strings{" Try Again Later"}, "an operator has to know");
    w.advance(10s, 100ms);
    BOOST_TEST(w.network.accepts <= before + 12);
    BOOST_TEST(w.refusals.size() <= 12u, "at most one line a second");
    served.say("served as before");
    w.run();
    BOOST_TEST(w.told() == strings{"1 text:served as before"});
    w.network.no_descriptors = false;
    w.advance(1s);
    BOOST_TEST(w.told() == strings{"2 open"});
}

BOOST_AUTO_TEST_CASE(stop_drains_and_then_cuts) {
    ws_world w;
    ws_world::peer agrees{w}, reads{w}, stalled{w};
    memory::basic_peer<framing::websocket<framing::role::client>> opening{w.io};
    opening.write("GET /");
    stalled.at->room = 0;
    w.run();
    int done = 0;
    for (const std::size_t n : {1u, 2u, 3u}) {
        w.send(w[n], "last words");
        w[n].close({503, 1001, "Server Stopping"}, errc::stopping);
    }
    w.engine.stop(2s, [&] { ++done; });
    w.run();
    BOOST_TEST(opening.at->server_reset);
    memory::basic_peer<framing::length> late{w.io};
    w.run();
    BOOST_TEST(!w.network.listening);
    BOOST_TEST(agrees.events() == (strings{"text:last words", "close:1001:Server Stopping"}));
    agrees.write(agrees.sealed_control(control::close, 1001));
    w.run();
    agrees.shut();
    w.run();
    BOOST_TEST(agrees.at->server_closed);
    BOOST_TEST(!agrees.at->server_reset);
    w.advance(1900ms, 100ms);
    BOOST_TEST(!reads.at->server_closed);
    BOOST_TEST(!stalled.at->server_closed);
    BOOST_TEST(done == 0);
    w.advance(100ms, 100ms);
    BOOST_TEST(reads.at->server_reset);
    BOOST_TEST(stalled.at->server_reset);
    BOOST_TEST(done == 1);
    BOOST_TEST(w.io.stopped(), "out of work");
    w.network.backlog.clear();
}

BOOST_AUTO_TEST_CASE(a_second_stop_cuts_at_once) {
    ws_world w;
    ws_world::peer p{w};
    int done = 0;
    w.engine.stop(1h, [&] { ++done; });
    w.run();
    BOOST_TEST(!p.at->server_closed);
    w.engine.stop(1h, {});
    w.run();
    BOOST_TEST(p.at->server_reset);
    BOOST_TEST(done == 1);
    BOOST_TEST(w.told() == strings{"1 closed:Server Stopping"});
    BOOST_TEST(w.io.stopped());
}

BOOST_AUTO_TEST_CASE(stop_with_nobody_there_is_done_in_the_next_turn) {
    ws_world w;
    bool done = false;
    w.engine.stop(1h, [&] { done = true; });
    BOOST_TEST(!done, "not from inside stop");
    w.io.poll();
    BOOST_TEST(done);
    BOOST_TEST(w.io.stopped());
}

BOOST_AUTO_TEST_CASE(the_sink_may_stop_the_engine) {
    ws_world w;
    ws_world::peer p{w};
    bool done = false;
    w.on_received = [&](auto& c, message) {
        c.close({503, 1001, ""}, errc::stopping);
        w.engine.stop(0ms, [&] { done = true; });
    };
    p.write(p.sealed("stop") + p.sealed("never heard"));
    w.run();
    BOOST_TEST(done);
    BOOST_TEST(w.told() == (strings{"1 text:stop", "1 closed:Server Stopping"}));
}

std::string refused_turn(ws_world& w) {
    w.network.wake();
    try {
        w.io.poll();
    } catch (const std::logic_error& e) {
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_CASE(a_second_thread_at_the_same_time_is_refused) {
    ws_world w;
    ws_world::peer p{w};
    std::string sentence;
    w.on_received = [&](auto&, message) { std::thread{[&] { sentence = refused_turn(w); }}.join(); };
    p.say("one");
    w.run();
    BOOST_TEST(sentence == "sigfire: only one thread may run an io_context with a server; use one io_context "
                           "and one server per thread");
    w.on_received = {};
    p.say("two");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two"}), "it goes on as before");
}

BOOST_AUTO_TEST_CASE(threads_may_take_turns_one_after_the_other) {
    ws_world w;
    ws_world::peer p{w};
    p.say("one");
    std::thread{[&] { w.run(); }}.join();
    p.say("two");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two"}));
}

BOOST_AUTO_TEST_CASE(a_handler_must_not_run_the_loop) {
    ws_world w;
    ws_world::peer p{w};
    w.on_received = [&](auto&, message) {
        BOOST_TEST(refused_turn(w) ==
                   "sigfire: a handler must not run the io_context that calls it; post the "
                   "work and return");
    };
    p.say("one");
    w.run();
    p.say("two");
    w.run();
    BOOST_TEST(w.told() == (strings{"1 text:one", "1 text:two"}));
}

BOOST_AUTO_TEST_CASE(many_come_and_go_in_any_order) {
    ws_world w;
    w.on_received = [&](auto& c, message m) { w.send(c, m.view()); };
    std::deque<ws_world::peer> peers;
    std::uint32_t random = 7;
    for (int i = 0; i < 500; ++i) {
        random = random * 1664525 + 1013904223;
        peers.emplace_back(w);
        auto& p = peers[(random >> 8) % peers.size()];
        p.say("x");
        if (random >> 30 == 0) p.shut();
        if (random >> 30 == 1) p.write(p.sealed_control(control::close, 1000));
        if (random >> 30 == 2) p.reset();
    }
    w.run();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
