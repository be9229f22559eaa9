// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/requests.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/resume.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace hub_world;

// Three peers; `a` asks `b`.
struct bench : hub_bench<features<requests>> {
    explicit bench(requests_options options = {}) : hub_bench{features{requests{options}}} {
        for (const auto* name : {"a", "b", "c"}) connect(name);
    }

    void question(const std::string& from, const std::string& to, const std::string& id) {
        say(from, R"({"cmd":"request","target":")" + to + R"(","id":)" + id + R"(,"data":"q"})");
    }

    std::size_t open() { return get<requests>().size(); }
};

std::string failure(const std::string& id, errc cause) {
    return R"({"id":)" + id + R"(,"ok":false,"data":{"message":")" + std::string{to_string(cause)} +
           R"(","cause":")" + std::string{cause_name(cause)} + R"("}})";
}

const std::string question_1 = R"({"cmd":"request","origin":"a","request":1,"data":"q"})";

BOOST_AUTO_TEST_SUITE(requests_tests)

BOOST_AUTO_TEST_CASE(a_question_is_answered_once_by_its_target) {
    bench b;
    b.question("a", "b", "7");
    same(b.heard("a"), {});
    same(b.heard("b"), {question_1});
    BOOST_TEST(b.open() == 1u);
    // a stranger, a wrong number, and numbers that are none
    for (const auto* const junk :
         {R"({"cmd":"respond","request":2,"id":1})", R"({"cmd":"respond","request":0,"id":1})",
          R"({"cmd":"respond","request":"1","id":1})", R"({"cmd":"respond","request":1.0,"id":1})",
          R"({"cmd":"respond","request":-1,"id":1})", R"({"cmd":"respond","request":4294967297,"id":1})",
          R"({"cmd":"respond","request":[1],"id":1})", R"({"cmd":"respond","id":1})"}) {
        b.say("b", junk);
        same(b.heard("b"), {failure("1", errc::expired)});
    }
    b.say("c", R"({"cmd":"respond","request":1,"id":"x","data":"forged"})");
    same(b.heard("c"), {failure("\"x\"", errc::expired)});
    b.say("a", R"({"cmd":"respond","request":1,"data":"my own"})");
    same(b.heard("a"), {});
    BOOST_TEST(b.open() == 1u);

    b.say("b", R"({"cmd":"respond","request":1,"id":9,"data":{"x":[1,2]}})");
    same(b.heard_by_all(), {R"(b {"id":9,"ok":true})", R"(a {"id":7,"ok":true,"data":{"x":[1,2]}})"});
    BOOST_TEST(b.open() == 0u);
    b.say("b", R"({"cmd":"respond","request":1,"id":10,"data":"again"})");
    same(b.heard("b"), {failure("10", errc::expired)});
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(an_answer_may_do_without_id_and_data_and_may_be_a_failure) {
    bench b;
    const struct {
        std::string answer, reply;
    } rows[] = {
        {"", R"({"id":"r","ok":true})"},
        {R"(,"ok":true)", R"({"id":"r","ok":true})"},
        {R"(,"ok":false)", failure("\"r\"", errc::denied)},
        {R"(,"ok":false,"data":{"message":"no"})", R"({"id":"r","ok":false,"data":{"message":"no"}})"},
        {R"(,"ok":false,"data":0)", R"({"id":"r","ok":false,"data":0})"},
        {R"(,"ok":"false","data":null)", R"({"id":"r","ok":true,"data":null})"},
        {R"(,"topic":5,"target":[],"data":"what it has nothing to do with is ignored")",
         R"({"id":"r","ok":true,"data":"what it has nothing to do with is ignored"})"},
    };
    unsigned number = 0;
    for (const auto& row : rows) {
        b.question("a", "b", "\"r\"");
        b.say("b", R"({"cmd":"respond","request":)" + std::to_string(++number) + row.answer + "}");
        same(b.heard("a"), {row.reply});
        BOOST_TEST(b.heard("b").size() == 1u); // the question; it asked for no reply
    }
    // the last of equal members counts
    b.question("a", "b", "1");
    b.say("b", R"({"cmd":"respond","request":99,"ok":false,"request":8,"ok":true,"data":1,"data":2})");
    same(b.heard("a"), {R"({"id":1,"ok":true,"data":2})"});
}

BOOST_AUTO_TEST_CASE(a_question_that_cannot_be_asked_ends_in_its_cause_at_once) {
    bench b;
    const struct {
        std::string members;
        errc cause;
    } rows[] = {
        {"", errc::missing_target},
        {R"(,"target":null)", errc::missing_target},
        {R"(,"target":"")", errc::missing_target},
        {R"(,"target":5)", errc::malformed},
        {R"(,"target":["b"])", errc::malformed},
        {R"(,"target":")" + std::string(257, 'x') + '"', errc::malformed},
        {R"(,"target":")" + std::string(256, 'x') + '"', errc::unknown},
        {R"(,"target":"nobody")", errc::unknown},
        {R"(,"target":"B")", errc::unknown},
        {R"(,"target":"a")", errc::self},
        {R"(,"target":"b","topic":5)", errc::malformed},
    };
    for (const auto& row : rows) {
        b.say("a", R"({"cmd":"request","id":[1])" + row.members + "}");
        same(b.heard("a"), {failure("[1]", row.cause)});
    }
    BOOST_TEST(b.open() == 0u);
    same(b.heard("b"), {});
    b.say("a", R"({"cmd":"request","target":"b","target":"\u0063","id":1})"); // escaped, and the last counts
    same(b.heard("c"), {R"({"cmd":"request","origin":"a","request":1})"});
    b.say("a", R"({"cmd":"request","target":"b"})"); // could not be answered
    BOOST_TEST(b.ended("a") == errc::missing_id);
}

BOOST_AUTO_TEST_CASE(equal_tokens_are_questions_of_their_own) {
    bench b;
    b.question("a", "b", "1");
    b.question("a", "b", "1");
    b.question("c", "b", "1");
    b.say("b", R"({"cmd":"respond","request":3,"data":3})");
    b.say("b", R"({"cmd":"respond","request":2,"data":2})");
    same(b.heard("c"), {R"({"id":1,"ok":true,"data":3})"});
    same(b.heard("a"), {R"({"id":1,"ok":true,"data":2})"});
    b.say("b", R"({"cmd":"respond","request":1,"data":1})");
    same(b.heard("a"), {R"({"id":1,"ok":true,"data":1})"});
}

BOOST_AUTO_TEST_CASE(a_question_that_nobody_answers_expires) {
    bench b{{.timeout = 10s}};
    b.question("a", "b", "1");
    b.advance(4s);
    b.question("c", "b", "2");
    b.question("a", "b", "3");
    b.say("b", R"({"cmd":"respond","request":3})");
    b.heard("a");
    b.advance(6s - 1ms);
    same(b.heard("a"), {});
    b.advance(1ms);
    same(b.heard("a"), {failure("1", errc::expired)});
    same(b.heard("c"), {});
    b.heard("b");
    b.say("b", R"({"cmd":"respond","request":1,"id":5})");
    same(b.heard("b"), {failure("5", errc::expired)});
    BOOST_TEST((b.pause() == 4s));
    b.advance(4s);
    same(b.heard("c"), {failure("2", errc::expired)});
    BOOST_TEST((b.pause() == clock::duration::max()));
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(the_asked_peer_goes_and_the_asker_hears_so_at_once) {
    bench b;
    b.question("a", "b", "1");
    b.question("c", "b", "2");
    b.question("b", "a", "3");
    b.question("a", "c", "4");
    b.heard("a");
    b.heard("b");
    b.lose("b");
    same(b.heard("a"), {failure("1", errc::offline)});
    BOOST_TEST(b.heard("c").back() == failure("2", errc::offline));
    BOOST_TEST(b.open() == 1u);
    // the other's id is free, and the next peer with it has nothing to do with it
    b.connect("b");
    b.say("b", R"({"cmd":"respond","request":1,"id":1})");
    same(b.heard("b"), {failure("1", errc::expired)});
    b.say("a", R"({"cmd":"respond","request":3,"id":1})");
    same(b.heard("a"), {failure("1", errc::expired)});
    b.advance(1h);
    same(b.heard("a"), {failure("4", errc::expired)});
    same(b.heard("b"), {});
}

BOOST_AUTO_TEST_CASE(the_asker_goes_and_the_answer_is_for_nobody) {
    bench b;
    b.question("a", "b", "1");
    b.question("c", "b", "2");
    b.lose("a");
    BOOST_TEST(b.open() == 1u);
    b.connect("a");
    b.heard("b");
    b.say("b", R"({"cmd":"respond","request":1,"id":1})");
    same(b.heard("b"), {failure("1", errc::expired)});
    b.advance(1h);
    same(b.heard("a"), {});
    same(b.heard("c"), {failure("2", errc::expired)});
}

BOOST_AUTO_TEST_CASE(a_connection_that_becomes_another_peer_hears_its_requests_end) {
    hub_bench b{features{requests{}, resume{}}};
    b.connect("b");
    const auto token = token_in(b.connect("a", {.id = "a", .target = "/?resume"}));
    b.say("a", R"({"cmd":"request","target":"b","id":9,"data":"q"})");
    b.lose("a");
    b.connect("x");
    for (const std::string id : {"1", "2"})
        b.say("x", R"({"cmd":"request","target":"b","id":)" + id + R"(,"data":"q"})");
    b.heard("b");
    b.say("x", R"({"cmd":"resume","id":3,"received":0,"token":")" + token + "\"}");
    const auto heard = b.heard("x");
    BOOST_TEST_REQUIRE(heard.size() == 3u);
    same({heard[0], heard[1]}, {failure("1", errc::expired), failure("2", errc::expired)});
    BOOST_TEST(heard[2].starts_with(R"({"id":3,"ok":true,"data":{"id":"a",)"));
    // The peer that it is now still waits for what it asked before.
    BOOST_TEST(b.get<requests>().size() == 1u);
    b.say("b", R"({"cmd":"respond","request":2,"id":1})");
    same(b.heard("b"), {failure("1", errc::expired)});
    b.say("b", R"({"cmd":"respond","request":1,"data":"r"})");
    same(b.heard("x"), {R"({"id":9,"ok":true,"data":"r"})"});
    b.advance(1h);
    same(b.heard("x"), {});
}

BOOST_AUTO_TEST_CASE(open_questions_are_bounded_for_each_and_for_all) {
    bench b{{.per_peer = 2, .total = 3}};
    for (const auto* id : {"1", "2", "3"}) b.question("a", "b", id);
    same(b.heard("a"), {failure("3", errc::full)});
    b.question("c", "b", "4");
    b.question("c", "b", "5");
    same(b.heard("c"), {failure("5", errc::full)});
    BOOST_TEST(b.open() == 3u);
    BOOST_TEST(b.heard("b").size() == 3u);
    b.say("b", R"({"cmd":"respond","request":1})");
    b.heard("a");
    b.question("a", "b", "6");
    same(b.heard("a"), {});
    b.lose("a");
    b.question("c", "b", "7");
    same(b.heard("c"), {});
    b.question("c", "b", "8");
    same(b.heard("c"), {failure("8", errc::full)});
}

BOOST_AUTO_TEST_CASE(a_peer_that_cannot_take_the_question_is_full) {
    bench b;
    b.at("b").full = true;
    b.question("a", "b", "1");
    same(b.heard("a"), {failure("1", errc::full)});
    BOOST_TEST(b.open() == 0u);
    BOOST_TEST(b.ended("b") == errc::slow_consumer);
}

BOOST_AUTO_TEST_CASE(a_peer_without_the_extras_neither_asks_nor_answers) {
    bench b;
    b.connect("old", {.id = "old", .extras = false});
    b.question("old", "b", "1");
    same(b.heard("old"), {R"({"id":1,"ok":false,"data":{"message":"Unknown Command"}})"});
    b.question("a", "old", "2");
    same(b.heard("old"), {}); // has no word for it
    same(b.heard("a"), {failure("2", errc::unknown_command)});
    BOOST_TEST(b.open() == 0u);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_all_questions) {
    bench b;
    b.question("a", "b", "1");
    b.question("b", "c", "2");
    b.question("c", "a", "3");
    BOOST_TEST(b.h.attach("f", [](call&) {}).has_value());
    b.h.stop();
    BOOST_TEST(b.open() == 0u);
    BOOST_TEST(b.h.size() == 0u);
    b.settle();
    for (const auto* name : {"a", "b", "c"}) BOOST_TEST(b.ended(name) == errc::stopping);
    BOOST_TEST(!b.h.attach("g", [](call&) {}).has_value());
    BOOST_TEST((b.pause() == clock::duration::max()));
}

// --- functions that are peers ---

BOOST_AUTO_TEST_CASE(a_function_answers_like_a_peer) {
    bench b;
    script calls;
    BOOST_TEST(b.h.attach("f",
                          [&calls](call& c) {
                              calls.push_back(std::string{c.command} + " from " + std::string{c.from} + ": " +
                                              std::string{c.data.bytes});
                              if (c.data.bytes == R"("data")") c.reply(R"({"n":1})");
                              if (c.data.bytes == R"("refused")") c.refuse(errc::rate);
                              if (c.data.bytes == R"("in words")") c.refuse(errc::denied, "Not \"today\"");
                              if (c.data.bytes == R"("a verdict")") c.refuse(errc::held);
                              if (c.data.bytes == R"("twice")") c.refuse(errc::denied), c.reply();
                          })
                   .has_value());
    const struct {
        std::string data, reply;
    } rows[] = {
        {R"("nothing")", R"({"id":1,"ok":true})"},
        {R"("data")", R"({"id":1,"ok":true,"data":{"n":1}})"},
        {R"("refused")", failure("1", errc::rate)},
        {R"("in words")", R"({"id":1,"ok":false,"data":{"message":"Not \"today\"","cause":"denied"}})"},
        {R"("a verdict")", failure("1", errc::denied)},
        {R"("twice")", R"({"id":1,"ok":true})"},
    };
    for (const auto& row : rows) {
        b.say("a", R"({"cmd":"request","target":"f","id":1,"data":)" + row.data + "}");
        same(b.heard("a"), {row.reply});
        same(std::exchange(calls, {}), {"request from a: " + row.data});
    }
    BOOST_TEST(b.open() == 0u);
    // other messages to it are calls too, without an answer
    b.say("a", R"({"cmd":"offer","target":"f","id":1,"data":{"offer":{}}})");
    same(b.heard("a"), {R"({"id":1,"ok":true})"});
    same(calls, {R"(offer from a: {"offer":{}})"});
    BOOST_TEST((b.h.send("f", "hello", "1") == errc::ok));
    BOOST_TEST(calls.back() == "hello from : 1");
}

BOOST_AUTO_TEST_CASE(a_function_answers_later) {
    bench b{{.timeout = 10s}};
    std::vector<deferral> tickets;
    BOOST_TEST(b.h.attach("f", [&](call& c) { tickets.push_back(c.defer()); }).has_value());
    for (const auto* id : {"1", "2", "3", "4", "5", "6"}) b.question("a", "f", id);
    b.say("a", R"({"cmd":"offer","target":"f","id":7,"data":{"offer":{}}})");
    BOOST_TEST_REQUIRE(tickets.size() == 7u);
    same(b.heard("a"), {R"({"id":7,"ok":true})"});
    tickets[1].reply("[2]");
    same(b.heard("a"), {}); // not from inside the host program's call
    tickets[0].pass();
    tickets[2].refuse(errc::full);
    tickets[3].refuse(errc::full, "Come back");
    tickets.erase(tickets.begin() + 4); // dropped
    tickets.back().reply("1");          // of a message that was no question: nothing
    b.settle();
    same(b.heard("a"), {R"({"id":2,"ok":true,"data":[2]})", R"({"id":1,"ok":true})", failure("3", errc::full),
                        R"({"id":4,"ok":false,"data":{"message":"Come back","cause":"full"}})",
                        failure("5", errc::denied)});
    BOOST_TEST(b.open() == 1u);
    b.advance(10s);
    same(b.heard("a"), {failure("6", errc::expired)});
    tickets[4].reply("6"); // too late
    b.settle();
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(a_function_that_throws_costs_its_request_alone) {
    bench b;
    std::vector<deferral> tickets;
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              if (c.data.bytes == "1") throw std::runtime_error{"no"};
                              if (c.data.bytes == "2") c.reply("2"), throw 2;
                              if (c.data.bytes == "3") tickets.push_back(c.defer()), throw 3;
                              if (c.command == "bye") throw 4;
                              c.reply("\"fine\"");
                          })
                   .has_value());
    for (const std::string n : {"1", "2", "3"}) {
        b.say("a", R"({"cmd":"request","target":"f","id":)" + n + R"(,"data":)" + n + "}");
        same(b.heard("a"), {failure(n, errc::internal_error)});
        BOOST_TEST(b.open() == 0u);
    }
    tickets.clear(); // of a question that is over
    b.settle();
    BOOST_TEST(b.ask("a", R"({"cmd":"bye","target":"f"})") == "ok"); // it was delivered
    BOOST_TEST((b.h.send("f", "bye") == errc::ok));
    BOOST_TEST(b.ask("a", R"({"cmd":"request","target":"f"})") == R"(ok "fine")");
    same(b.heard("a"), {});
    BOOST_TEST(b.is_open("a"));
}

BOOST_AUTO_TEST_CASE(a_function_may_call_the_hub) {
    bench b;
    script calls;
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              calls.emplace_back(c.data.bytes);
                              if (c.data.bytes == "1") {
                                  // more than any table has room for without moving
                                  for (int i = 0; i < 300; ++i)
                                      BOOST_TEST_REQUIRE(b.h.attach("g" + std::to_string(i),
                                                                    [](call& d) { d.reply("\"g\""); })
                                                             .has_value());
                                  for (int i = 0; i < 300; ++i)
                                      BOOST_TEST((b.h.send("b", "note", std::to_string(i)) == errc::ok));
                              }
                              if (c.data.bytes == "2") b.h.close("f", errc::closed);
                              c.reply(std::string{c.data.bytes});
                          })
                   .has_value());
    const auto ask = [&](const std::string& n) {
        return b.ask("a", R"({"cmd":"request","target":"f","data":)" + n + "}");
    };
    BOOST_TEST(ask("1") == "ok 1");
    BOOST_TEST(b.heard("b").size() == 300u);
    BOOST_TEST(b.ask("a", R"({"cmd":"request","target":"g7"})") == R"(ok "g")");
    const auto last = ask("2"); // its own end
    BOOST_TEST((last == "ok 2" || last == "offline"), last);
    BOOST_TEST(ask("3") == "unknown");
    same(calls, {"1", "2"});
    BOOST_TEST(b.open() == 0u);

    // one that ends the peer that asks, by its reply to which nobody listens any more
    BOOST_TEST(b.h.attach("f", [&](call&) { b.h.close("c", errc::denied); }).has_value());
    b.say("c", R"({"cmd":"request","target":"f","id":1})");
    BOOST_TEST(b.ended("c") == errc::denied);
    BOOST_TEST(b.open() == 0u);
    // and one that asks itself to be called
    int depth = 0;
    BOOST_TEST(b.h.attach("h",
                          [&](call&) {
                              if (++depth < 5) BOOST_TEST((b.h.send("h", "again") == errc::ok));
                          })
                   .has_value());
    b.ask("a", R"({"cmd":"bye","target":"h"})");
    BOOST_TEST(depth == 5);
}

BOOST_AUTO_TEST_CASE(a_function_is_told_the_wire_of_its_data_and_answers_in_one) {
    bench b;
    wire_id seen{};
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              seen = c.data.wire;
                              c.reply("7", wire_id::json);
                          })
                   .has_value());
    BOOST_TEST(b.ask("a", R"({"cmd":"request","target":"f","data":1})") == "ok 7");
    BOOST_TEST((seen == wire_id::json));
    BOOST_TEST((b.h.send("f", "note", "\x01", wire_id::msgpack) == errc::ok));
    BOOST_TEST((seen == wire_id::msgpack));
}

BOOST_AUTO_TEST_CASE(a_function_that_defers_and_drops_or_defers_twice_answers_once) {
    bench b;
    std::optional<deferral> ticket;
    BOOST_TEST(b.h.attach("drops", [](call& c) { static_cast<void>(c.defer()); }).has_value());
    BOOST_TEST(
        b.h.attach("twice", [&](call& c) { static_cast<void>(c.defer()), ticket = c.defer(); }).has_value());
    b.question("a", "drops", "1");
    same(b.heard("a"), {failure("1", errc::denied)});
    b.question("a", "twice", "2");
    same(b.heard("a"), {});
    ticket->reply("2");
    b.settle();
    same(b.heard("a"), {R"({"id":2,"ok":true,"data":2})"});
    BOOST_TEST(b.open() == 0u);
}

BOOST_AUTO_TEST_CASE(late_answers_after_either_side_or_the_hub_has_gone_are_nothing) {
    std::vector<deferral> tickets;
    {
        bench b;
        BOOST_TEST(b.h.attach("f", [&](call& c) { tickets.push_back(c.defer()); }).has_value());
        b.question("a", "f", "1");
        b.question("c", "f", "2");
        b.question("c", "f", "3");
        b.lose("a");
        b.connect("a"); // in the same slot
        tickets[0].reply("1");
        b.settle();
        same(b.heard("a"), {});
        BOOST_TEST(b.h.close("f", errc::closed));
        same(b.heard("c"), {failure("2", errc::offline), failure("3", errc::offline)});
        tickets[1].reply("2");
        b.settle();
        same(b.heard("c"), {});
    }
    tickets[2].reply("3");
}

BOOST_AUTO_TEST_CASE(a_function_has_an_id_like_a_peer) {
    bench b;
    const auto first = b.h.attach("f", [](call& c) { c.reply("1"); });
    BOOST_TEST_REQUIRE(first.has_value());
    BOOST_TEST((b.h.find("f") == *first));
    BOOST_TEST((b.h.attach("f", [](call&) {}).error() == errc::id_in_use));
    BOOST_TEST((b.h.attach("a", [](call&) {}).error() == errc::id_in_use));
    for (const auto& bad : {std::string{}, std::string(257, 'x'), std::string{"\xff"}})
        BOOST_TEST((b.h.attach(bad, [](call&) {}).error() == errc::malformed));
    BOOST_TEST(b.connect("f").empty());
    BOOST_TEST(b.ended("f") == errc::id_in_use); // it needs no pong
    BOOST_TEST(b.h.attach(std::string(256, 'x'), [](call&) {}).has_value());
    BOOST_TEST(b.h.size() == 5u);

    BOOST_TEST(b.h.close("f", errc::closed));
    b.question("a", "f", "1");
    same(b.heard("a"), {failure("1", errc::unknown)});
    BOOST_TEST(b.h.attach("f", [](call& c) { c.reply("2"); }).has_value());
    b.question("a", "f", "2");
    same(b.heard("a"), {R"({"id":2,"ok":true,"data":2})"});
    b.h.close("f", errc::closed);
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> alive = held;
    BOOST_TEST(b.h.attach("f", [mine = std::move(held)](call&) {}).has_value());
    BOOST_TEST(!alive.expired());
    b.h.close("f", errc::closed);
    BOOST_TEST(alive.expired());
    b.connect("f"); // a peer in its place is no function
    b.question("a", "f", "3");
    same(b.heard("a"), {});
    BOOST_TEST(b.heard("f").size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
