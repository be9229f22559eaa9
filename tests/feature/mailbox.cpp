// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/mailbox.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

#include <functional>
#include <string>

namespace {

using namespace hub_world;
using box = mailbox<>;

constexpr auto held = R"(ok {"held":true})";

// A hub that keeps messages for 5 s, and two peers that are there.
template <class... Fs>
struct basic_bench : hub_bench<features<Fs...>, no_hooks, box> {
    explicit basic_bench(mailbox_limits limits = {}, std::function<void(std::string_view)> wake = {})
        : hub_bench<features<Fs...>, no_hooks, box>{features<Fs...>{},
                                                    box{direct_router{}, 5s, limits, std::move(wake)}} {
        this->connect("a");
        this->connect("b");
    }

    // What `from` is told when it says something to `to`.
    std::string say_bye(const std::string& from, const std::string& to, const std::string& data = "1") {
        return this->ask(from, R"({"cmd":"bye","target":")" + to + R"(","data":{"n":)" + data + "}}");
    }
    std::size_t size() { return this->template get<box>().size(); }
};
using bench = basic_bench<>;

std::string bye(const std::string& from, const std::string& data) {
    return R"({"cmd":"bye","origin":")" + from + R"(","data":{"n":)" + data + "}}";
}

BOOST_AUTO_TEST_SUITE(mailboxes)

BOOST_AUTO_TEST_CASE(messages_to_an_absent_peer_come_behind_its_welcome) {
    bench b;
    BOOST_TEST(b.say_bye("a", "c", "1") == held);
    BOOST_TEST(b.say_bye("b", "c", "2") == held);
    BOOST_TEST(b.ask("a", R"({"cmd":"answer","target":"c","data":{"answer":{"sdp":"s"}}})") == held);
    BOOST_TEST(b.say_bye("a", "d", "3") == held);
    b.advance(5s - 1ms);
    BOOST_TEST(b.size() == 4u);
    same(b.heard_by_all(), {});
    BOOST_TEST(b.connect("c") == R"({"cmd":"welcome","data":{"id":"c"}})");
    same(b.heard("c"),
         {bye("a", "1"), bye("b", "2"), R"({"cmd":"answer","origin":"a","data":{"answer":{"sdp":"s"}}})"});
    BOOST_TEST(b.size() == 1u);
    // Here it gets messages at once, and those that waited come no second time.
    BOOST_TEST(b.say_bye("a", "c", "4") == "ok");
    same(b.heard("c"), {bye("a", "4")});
    b.lose("c");
    b.connect("c");
    same(b.heard("c"), {});
}

BOOST_AUTO_TEST_CASE(a_peer_without_extras_gets_only_words_of_its_wire) {
    bench b;
    b.connect("x", {.id = "x", .extras = false});
    b.say("x", R"({"cmd":"answer","target":"y","id":"r","data":{"answer":1}})");
    same(b.heard("x"), {R"({"id":"r","ok":true})"});
    b.connect("y", {.id = "y", .extras = false});
    same(b.heard("y"), {R"({"cmd":"answer","origin":"x","data":{"answer":1,"offer":1}})"});
    b.say("x", R"({"cmd":"session-start","target":"z","id":"s"})");
    b.advance(5s);
    same(b.heard("x"), {R"({"id":"s","ok":true})"}); // no word for `expired`
}

BOOST_AUTO_TEST_CASE(unclaimed_messages_expire_and_their_senders_hear_so) {
    bench b;
    b.say("a", R"({"cmd":"bye","target":"c","id":{"x":["\u0061"]}})");
    b.advance(2s);
    b.say("b", R"({"cmd":"bye","target":"d","id":7})");
    b.say("a", R"({"cmd":"bye","target":"c","id":8})");
    b.heard_by_all();
    BOOST_TEST((b.pause() == 3s));
    b.advance(3s);
    same(b.heard_by_all(), {R"(a {"cmd":"expired","origin":"c","data":{"request":{"x":["\u0061"]}}})"});
    BOOST_TEST(b.size() == 2u);
    b.connect("d"); // just in time
    same(b.heard("d"), {R"({"cmd":"bye","origin":"b"})"});
    b.advance(2s);
    same(b.heard_by_all(), {R"(a {"cmd":"expired","origin":"c","data":{"request":8}})"});
    BOOST_TEST(b.size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.connect("c");
    same(b.heard("c"), {});
}

BOOST_AUTO_TEST_CASE(each_message_has_its_own_time) {
    bench b;
    b.say_bye("a", "d");
    b.say_bye("a", "c"); // waits behind the other one, also when it is fetched
    b.advance(1s);
    b.connect("c");
    b.close("c");
    b.say_bye("b", "c");
    b.advance(4s);
    BOOST_TEST(b.heard("a").size() == 1u);
    same(b.heard("b"), {});
    b.advance(1s);
    BOOST_TEST(b.heard("b").size() == 1u);
}

BOOST_AUTO_TEST_CASE(messages_of_a_sender_that_is_gone_arrive_or_expire_unheard) {
    bench b;
    b.say_bye("a", "c");
    b.say_bye("a", "d");
    b.lose("a");
    b.connect("a"); // in the same place, and it has said nothing
    BOOST_TEST(b.size() == 2u);
    b.connect("c");
    same(b.heard("c"), {bye("a", "1")});
    b.advance(5s);
    same(b.heard_by_all(), {});
    BOOST_TEST(b.size() == 0u);
}

BOOST_AUTO_TEST_CASE(only_messages_that_could_be_delivered_are_kept) {
    basic_bench<requests, topics> b;
    const struct {
        std::string request, reply;
    } rows[] = {
        {R"({"cmd":"offer","target":"c"})", "unknown"}, // its payload is missing
        {R"({"cmd":"ice","target":"c","data":{"candidate":""}})", "unknown"},
        {R"({"cmd":"answer","target":"c","data":7})", "unknown"},
        {R"({"cmd":"request","target":"c"})", "unknown"},
        {R"({"cmd":"publish","topic":"c"})", "unknown"},
        {R"({"cmd":"bye"})", "missing_target"},
        {R"({"cmd":"bye","target":5})", "unknown"},
        {R"({"cmd":"bye","target":"a"})", "self"},
        {R"({"cmd":"bye","target":")" + std::string(257, 'x') + "\"}", "unknown"},
        {R"({"cmd":"bye","target":")" + std::string(300, 'x') + "\"}", "unknown"},
        {R"({"cmd":"dance","target":"c"})", "unknown_command"},
        {R"({"cmd":"bye","target":")" + std::string(256, 'x') + "\"}", held},
    };
    for (const auto& row : rows) BOOST_TEST(b.ask("a", row.request) == row.reply);
    BOOST_TEST(b.size() == 1u);
    b.connect("c");
    same(b.heard("c"), {});
    // Nor is it for a peer that is there, but can't take it, nor for messages of the host program.
    b.at("b").full = true;
    BOOST_TEST(b.say_bye("a", "b") == "full");
    BOOST_TEST((b.h.send("nobody", "hello") == errc::unknown));
    BOOST_TEST(b.size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_full_for_an_id) {
    bench b{{.messages_per_id = 2}};
    BOOST_TEST(b.say_bye("a", "c", "1") == held);
    BOOST_TEST(b.say_bye("b", "c", "2") == held);
    BOOST_TEST(b.say_bye("a", "c", "3") == "full");
    BOOST_TEST(b.say_bye("a", "d", "4") == held);
    b.connect("c");
    same(b.heard("c"), {bye("a", "1"), bye("b", "2")});
    b.lose("c");
    BOOST_TEST(b.say_bye("a", "c", "5") == held);
    BOOST_TEST(b.say_bye("a", "c", "6") == held);
    b.advance(5s);
    BOOST_TEST(b.size() == 0u);
    BOOST_TEST(b.say_bye("a", "c", "7") == held);
}

BOOST_AUTO_TEST_CASE(it_is_full_for_a_sender) {
    bench b{{.messages_per_sender = 2}};
    BOOST_TEST(b.say_bye("a", "c") == held);
    BOOST_TEST(b.say_bye("a", "d") == held);
    BOOST_TEST(b.say_bye("a", "e") == "full");
    BOOST_TEST(b.say_bye("b", "e") == held);
    b.connect("c");
    BOOST_TEST(b.say_bye("a", "e") == held);
    BOOST_TEST(b.say_bye("a", "e") == "full");
    b.advance(5s);
    BOOST_TEST(b.say_bye("a", "e") == held);
    // one that comes back begins anew
    BOOST_TEST(b.say_bye("a", "e") == held);
    b.lose("a");
    b.connect("a");
    BOOST_TEST(b.say_bye("a", "e") == held);
}

BOOST_AUTO_TEST_CASE(it_is_full_for_all) {
    bench b{{.total_messages = 2}};
    BOOST_TEST(b.say_bye("a", "c") == held);
    BOOST_TEST(b.say_bye("b", "d") == held);
    BOOST_TEST(b.say_bye("a", "e") == "full");
    BOOST_TEST(b.say_bye("b", "c") == "full");
    b.connect("d");
    BOOST_TEST(b.say_bye("b", "c") == held);
    b.advance(5s);
    BOOST_TEST(b.say_bye("b", "c") == held);
}

BOOST_AUTO_TEST_CASE(its_bytes_are_bounded) {
    bench b{{.total_bytes = 2000}};
    const auto long_one = std::string(1500, '1'), short_one = std::string(100, '1');
    BOOST_TEST(b.say_bye("a", "c", std::string(2000, '1')) == "full");
    BOOST_TEST(b.say_bye("a", "c", long_one) == held);
    BOOST_TEST(b.say_bye("b", "d", long_one) == "full");
    BOOST_TEST(b.say_bye("b", "d", short_one) == held);
    b.connect("c");
    b.heard("c");
    BOOST_TEST(b.say_bye("b", "e", long_one) == held);
    BOOST_TEST(b.say_bye("b", "e", long_one) == "full");
    b.advance(5s);
    BOOST_TEST(b.say_bye("b", "e", long_one) == held);
}

BOOST_AUTO_TEST_CASE(a_long_absence_does_not_kill_the_returning_peer) {
    bench b{{.bytes_per_id = 2000}};
    const auto long_one = std::string(1500, '1');
    BOOST_TEST(b.say_bye("a", "c", long_one) == held);
    BOOST_TEST(b.say_bye("a", "c", long_one) == "full"); // more than its connection could take at once
    BOOST_TEST(b.say_bye("a", "d", long_one) == held);
    b.connect("c");
    BOOST_TEST(b.heard("c").size() == 1u);
    b.lose("c");
    BOOST_TEST(b.say_bye("a", "c", long_one) == held);
    b.advance(3s);
    BOOST_TEST(b.say_bye("a", "c", "1") == held);
    b.advance(2s); // the first one expires
    BOOST_TEST(b.say_bye("a", "c", long_one) == held);
    BOOST_TEST(b.say_bye("a", "c", long_one) == "full");
}

BOOST_AUTO_TEST_CASE(it_wakes_once_in_each_absence) {
    script woken;
    bench b{{.messages_per_id = 2}, [&](std::string_view id) { woken.emplace_back(id); }};
    b.say_bye("a", "c");
    b.say_bye("b", "c");
    b.say_bye("b", "c"); // full
    b.say_bye("b", "d");
    same(std::exchange(woken, {}), {"c", "d"});
    b.advance(5s);
    b.say_bye("a", "c");
    same(woken, {});
    b.connect("c");
    b.say_bye("a", "c");
    same(woken, {});
    b.lose("c");
    b.say_bye("a", "c");
    b.say_bye("a", "d");
    same(woken, {"c"});
    b.ask("a", R"({"cmd":"offer","target":"e"})"); // nothing is kept
    same(woken, {"c"});
}

BOOST_AUTO_TEST_CASE(a_mailbox_belongs_to_the_id_and_not_to_the_connection) {
    bench b;
    b.say_bye("a", "c", "1");
    b.connect("c");
    b.say_bye("a", "d", "2");
    b.close("c");
    b.say_bye("a", "c", "3");
    b.connect("x", {.id = "c"}); // only the id counts
    same(b.heard("x"), {bye("a", "3")});
    b.at("x").answers_pings = false;
    b.connect("y", {.id = "c"});
    BOOST_TEST(b.say_bye("a", "c", "4") == "ok"); // the holder is here as long as nobody knows better
    same(b.heard("y"), {});
    b.advance(2s);
    same(b.heard("y"), {R"({"cmd":"welcome","data":{"id":"c"}})"});
    BOOST_TEST(b.say_bye("a", "c", "5") == "ok");
    same(b.heard("y"), {bye("a", "5")});
}

BOOST_AUTO_TEST_CASE(a_function_is_called_with_messages_that_waited_for_it) {
    basic_bench<requests> b;
    b.say_bye("a", "f", "1");
    script calls;
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              calls.push_back(std::string{c.command} + " " + std::string{c.data.bytes});
                          })
                   .has_value());
    same(calls, {R"(bye {"n":1})"});
}

BOOST_AUTO_TEST_CASE(a_session_that_was_held_begins_when_the_other_side_comes) {
    basic_bench<sessions> b;
    const std::string start = R"({"cmd":"session-start","target":"c"})";
    BOOST_TEST(b.ask("a", start) == held);
    BOOST_TEST(b.ask("b", start) == held);
    b.lose("b");
    b.connect("c");
    same(b.heard("c"), {R"({"cmd":"session-start","origin":"a","polite":true})",
                        R"({"cmd":"session-start","origin":"b"})"});
    BOOST_TEST(b.get<sessions>().size() == 1u);
    BOOST_TEST(b.ask("c", R"({"cmd":"session-accept","target":"b"})") == held);
    BOOST_TEST(b.ask("c", R"({"cmd":"session-accept","target":"a"})") == "ok");
    BOOST_TEST(b.ask("a", start) == "session_exists");
    // one that was given up meanwhile is over
    BOOST_TEST(b.ask("a", R"({"cmd":"session-start","target":"d"})") == held);
    BOOST_TEST(b.ask("a", R"({"cmd":"session-cancel","target":"d"})") == held);
    b.connect("d");
    BOOST_TEST(b.heard("d").size() == 2u);
    BOOST_TEST(b.ask("d", R"({"cmd":"session-accept","target":"a"})") == "no_session");
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_away_has_no_mailbox_and_hears_of_expiry_on_return) {
    basic_bench<resume> b;
    b.connect("c", {.id = "c", .target = "/?resume"});
    const auto token = token_in(b.connect("d", {.id = "d", .target = "/?resume"}));
    b.say_bye("d", "nobody");
    b.lose("c");
    b.lose("d");
    BOOST_TEST(b.say_bye("a", "c") == "ok");
    BOOST_TEST(b.size() == 1u);
    b.advance(5s);
    BOOST_TEST(b.size() == 0u);
    b.connect("d", {.target = "/?resume=" + token + "&received=1"});
    same(b.heard("d"),
         {R"({"cmd":"expired","origin":"nobody","data":{"request":)" + std::to_string(b.asked() - 1) + "}}"});
}

BOOST_AUTO_TEST_CASE(only_accepted_messages_are_kept) {
    bench b{{.accepts = [](const event::send& e) { return e.from == "a"; }}};
    BOOST_TEST(b.say_bye("a", "c") == R"(ok {"held":true})");
    BOOST_TEST(b.say_bye("b", "c") == "unknown");
    BOOST_TEST(b.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_line_is_as_old_as_its_first_message_if_lines_are_checked) {
    bench b{{.expiry_interval = 1s}};
    b.advance(100ms);
    b.say_bye("a", "c"); // 1
    b.advance(4s);
    b.say_bye("b", "c"); // 2
    b.say_bye("a", "d"); // 3
    b.advance(1s);       // at 5.1 s
    b.say_bye("a", "c"); // 4
    b.heard_by_all();
    const auto expired = [](std::string_view from, int request) {
        return R"({"cmd":"expired","origin":")" + std::string{from} + R"(","data":{"request":)" +
               std::to_string(1000 + request) + "}}";
    };
    BOOST_TEST((b.pause() == 900ms));
    b.advance(900ms);
    same(b.heard("a"), {expired("c", 1), expired("c", 4)});
    same(b.heard("b"), {expired("c", 2)});
    BOOST_TEST(b.size() == 1u);
    b.say_bye("a", "c"); // 5, a new line
    b.connect("d");
    b.heard_by_all();
    b.advance(5s - 1ms);
    same(b.heard_by_all(), {});
    b.advance(1ms);
    same(b.heard("a"), {expired("c", 5)});
    BOOST_TEST(b.size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(with_no_time_nothing_is_kept) {
    hub_bench b{features<>{}, mailbox{direct_router{}, 0s}};
    b.connect("a");
    BOOST_TEST(b.ask("a", R"({"cmd":"bye","target":"c"})") == "unknown");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
