// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "support/client_world.hpp"

#include <sigfire/text/json/object.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::incoming_kind, sigfire::reconnect_options;

struct world {
    explicit world(client_options options = {}) : s{io}, c{io, std::move(options)} {
        s.first.push_back(hello);
        BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(s.net))) == error_code{});
    }

    // Starts an operation; returns the message that it sends, and answers so.
    template <class Operation>
    std::string said(Operation operation, std::string_view reply = R"("ok":true)") {
        done.reset(), data.clear();
        std::move(operation)([this](error_code ec, std::string d = {}) { done = ec, data = std::move(d); });
        io.restart();
        while (io.poll() != 0) continue;
        if (done) return "";
        const auto text = s.take(io, reply);
        run_until(io, [&] { return done.has_value(); });
        return text;
    }
    incoming hear(std::string_view text) {
        s.say(text);
        return receive(io, c).second;
    }

    asio::io_context io;
    script s;
    client c;
    operation_result done;
    std::string data;
};

} // namespace

BOOST_AUTO_TEST_SUITE(client_requests)

BOOST_AUTO_TEST_CASE(objects) {
    using object = sigfire::detail::json_object;
    BOOST_TEST(object{}.take() == "");
    BOOST_TEST(object{}.json("a", "").take() == "");
    BOOST_TEST(object{}.json("a", " [1] ").text("b", "\"\n").number("c", 7).take() ==
               R"({"a": [1] ,"b":"\"\u000a","c":7})");
    for (const auto bad : {" ", "{", R"(1,"b":2)", "}", "\"\xff\""})
        BOOST_TEST(object{}.json("a", bad).number("b", 1).take() == "{", bad);
}

BOOST_AUTO_TEST_CASE(each_operation_says_its_words) {
    world w;
    auto& c = w.c;
    BOOST_TEST(w.said(c.join("t")) == R"({"cmd":"join","topic":"t"})");
    BOOST_TEST(w.said(c.join("t", {.metadata = R"({"a":1})", .limit = 2, .match = 3}),
                      R"("ok":true,"data":{"topic":"t","members":1})") ==
               R"({"cmd":"join","topic":"t","data":{"metadata":{"a":1},"limit":2,"match":3}})");
    BOOST_TEST(w.data == R"({"topic":"t","members":1})");
    BOOST_TEST(w.said(c.leave("a\"b")) == R"({"cmd":"leave","topic":"a\"b"})");
    BOOST_TEST(w.said(c.lookup("t", 5), R"("ok":true,"data":{"count":0,"members":[]})") ==
               R"({"cmd":"lookup","topic":"t","data":{"limit":5}})");
    BOOST_TEST(w.data == R"({"count":0,"members":[]})");
    BOOST_TEST(w.said(c.publish("t", "[1]")) == R"({"cmd":"publish","topic":"t","data":[1]})");
    BOOST_TEST(w.said(c.publish("t", "1", {.echo = true, .droppable = true})) ==
               R"({"cmd":"publish","topic":"t","echo":true,"volatile":true,"data":1})");
    BOOST_TEST(w.said(c.watch("t")) == R"({"cmd":"watch","topic":"t"})");
    BOOST_TEST(w.said(c.unwatch("t")) == R"({"cmd":"unwatch","topic":"t"})");
    BOOST_TEST(w.said(c.watch_peer("you")) == R"({"cmd":"watch","target":"you"})");
    BOOST_TEST(w.said(c.unwatch_peer("you")) == R"({"cmd":"unwatch","target":"you"})");
    BOOST_TEST(w.said(c.authenticate("a.b-c_d")) == R"({"cmd":"authenticate","data":{"token":"a.b-c_d"}})");
    BOOST_TEST(w.said(c.authenticate("x"), R"("ok":false,"data":{"cause":"expired"})") != "");
    BOOST_TEST((w.done == errc::expired));
    BOOST_TEST(w.said(c.set("t", "k", "null")) ==
               R"({"cmd":"set","topic":"t","data":{"key":"k","value":null}})");
    BOOST_TEST(w.said(c.set("t", "k", "1", 1500ms)) ==
               R"({"cmd":"set","topic":"t","data":{"key":"k","value":1,"ttl":1500}})");
    BOOST_TEST(w.said(c.set("t", "k", "1", -1ms)) ==
               R"({"cmd":"set","topic":"t","data":{"key":"k","value":1,"ttl":0}})");
    BOOST_TEST(w.said(c.unset("t", "k")) == R"({"cmd":"unset","topic":"t","data":{"key":"k"}})");
    BOOST_TEST(w.said(c.respond(12, "{}")) == R"({"cmd":"respond","request":12,"data":{}})");
    BOOST_TEST(w.said(c.refuse(4294967295, "")) == R"({"cmd":"respond","request":4294967295,"ok":false})");
    BOOST_TEST(w.said(c.command("create", "")) == R"({"cmd":"create"})");
    BOOST_TEST(w.said(c.command("info", "", "you"), R"("ok":true,"data":{"online":true})") ==
               R"({"cmd":"info","target":"you"})");
    BOOST_TEST(w.data == R"({"online":true})");
    BOOST_TEST(w.said(c.command("mine", "{\"x\":1}"), R"("ok":false,"data":{"cause":"full","more":1})") ==
               R"({"cmd":"mine","data":{"x":1}})");
    BOOST_TEST((w.done == errc::full));
    BOOST_TEST(w.data == R"({"cause":"full","more":1})");
    BOOST_TEST(w.said(c.join("t", {.metadata = R"(1,"limit":9)"})) == "");
    BOOST_TEST((w.done == errc::malformed));
    BOOST_TEST(w.said(c.set("t", "k", "")) == R"({"cmd":"set","topic":"t","data":{"key":"k"}})");
    BOOST_TEST(w.said(c.set("t", "\xff", "1")) == "");
    BOOST_TEST((w.done == errc::malformed));
}

BOOST_AUTO_TEST_CASE(calls_between_peers) {
    world w;
    BOOST_TEST(w.said(w.c.request("you", "[1]"), R"("ok":true,"data":{"sum":1})") ==
               R"({"cmd":"request","target":"you","data":[1]})");
    BOOST_TEST((w.done == error_code{}));
    BOOST_TEST(w.data == R"({"sum":1})");
    w.said(w.c.request("you", "[1]"), R"("ok":false,"data":{"message":"Peer Offline","cause":"offline"})");
    BOOST_TEST((w.done == errc::offline));
    w.said(w.c.request("you", "[1]"), R"("ok":false,"data":["no"])");
    BOOST_TEST((w.done == errc::denied));
    BOOST_TEST(w.data == R"(["no"])");

    const auto in = w.hear(R"({"id":"m5","cmd":"request","origin":"you","request":12,"data":{"a":1}})");
    BOOST_TEST(in.command == "request");
    BOOST_TEST(in.from == "you");
    BOOST_TEST(in.request == 12u);
    BOOST_TEST(in.data == R"({"a":1})");
    w.said(w.c.respond(in.request, "1"), R"("ok":false,"data":{"cause":"expired"})");
    BOOST_TEST((w.done == errc::expired));
    for (const auto none : {"-1", "18446744073709551616", "\"7\"", "null", "{}"})
        BOOST_TEST(
            w.hear(R"({"cmd":"request","origin":"you","request":)" + std::string{none} + "}").request == 0u);
}

BOOST_AUTO_TEST_CASE(messages_in_topics_are_heard_with_their_topic) {
    world w;
    auto in = w.hear(R"({"id":"m","cmd":"publish","topic":"t\u0031","origin":"you","data":"x"})");
    BOOST_TEST(in.command == "publish");
    BOOST_TEST(in.topic == "t1");
    BOOST_TEST(in.from == "you");
    BOOST_TEST(in.data == "\"x\"");
    in = w.hear(R"({"id":"m","cmd":"presence","topic":"t","data":{"snapshot":true,"members":[]}})");
    BOOST_TEST(in.command == "presence");
    BOOST_TEST(in.topic == "t");
    BOOST_TEST(in.from == "");
    BOOST_TEST(w.hear(R"({"id":"m","cmd":"presence","topic":7,"data":{}})").topic == "");
    BOOST_TEST(w.hear(R"({"id":"m","cmd":"session-start","origin":"you","data":{"who":"me"}})").data ==
               R"({"who":"me"})");
}

BOOST_AUTO_TEST_CASE(a_stranger_joins_and_watches_again) {
    client_options options;
    options.reconnect = reconnect_options{};
    options.reconnect->interval = 0ms;
    options.reconnect->resumable = false;
    world w{options};
    w.said(w.c.join("a", {.metadata = R"({"n":1})"}));
    w.said(w.c.join("any", {.metadata = R"({"n":2})", .limit = 9, .match = 2}),
           R"("ok":true,"data":{"topic":"any/3","members":1})");
    w.said(w.c.join("b"));
    w.said(w.c.join("refused"), R"("ok":false)");
    w.said(w.c.join("left"));
    w.said(w.c.leave("left"));
    w.said(w.c.leave("b"), R"("ok":false)"); // so it is still there
    w.said(w.c.watch("a"));
    w.said(w.c.watch_peer("you"));
    w.said(w.c.watch("c"));
    w.said(w.c.unwatch("c"));
    w.said(w.c.watch_peer("a"));
    w.said(w.c.unwatch_peer("a")); // not the topic of that name
    for (const bool all : {true, false}) {
        w.s.first.push_back(hello);
        w.s.end(errc::lost, 0);
        BOOST_TEST((receive(w.io, w.c).second.kind == incoming_kind::offline));
        operation_result kept;
        w.c.publish("a", "1", [&](error_code ec) { kept = ec; });
        BOOST_TEST((receive(w.io, w.c).second.kind == incoming_kind::online));
        std::vector<std::string> said;
        for (int i = 0; i < (all ? 5 : 4); ++i)
            said.push_back(
                w.s.take(w.io, i == 0 && all ? R"("ok":false,"data":{"cause":"full"})" : R"("ok":true)"));
        std::vector<std::string> expected{R"({"cmd":"join","topic":"any/3","data":{"metadata":{"n":2}}})",
                                          R"({"cmd":"join","topic":"a","data":{"metadata":{"n":1}}})",
                                          R"({"cmd":"watch","target":"you"})",
                                          R"({"cmd":"watch","topic":"a"})"};
        expected.insert(expected.begin(), R"({"cmd":"join","topic":"b"})");
        if (!all) expected.erase(expected.begin()); // "b" let it in no more
        BOOST_TEST(said == expected, boost::test_tools::per_element());
        BOOST_TEST(w.s.take(w.io, R"("ok":true)") == R"({"cmd":"publish","topic":"a","data":1})");
        run_until(w.io, [&] { return kept.has_value(); });
        BOOST_TEST((kept == error_code{}));
        if (!all) break;
        const auto in = receive(w.io, w.c).second;
        BOOST_TEST((in.kind == incoming_kind::refused));
        BOOST_TEST(in.command == "join");
        BOOST_TEST(in.topic == "b");
        BOOST_TEST(in.cause == errc::full);
    }
    // A connection of the user's own begins with nothing.
    BOOST_TEST(code(w.io, w.c.close()) == error_code{});
    w.s.first.push_back(hello);
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(w.io, w.c.connect(w.s.net))) == error_code{});
    w.s.first.push_back(hello);
    w.s.end(errc::lost, 0);
    BOOST_TEST((receive(w.io, w.c).second.kind == incoming_kind::offline));
    BOOST_TEST((receive(w.io, w.c).second.kind == incoming_kind::online));
    BOOST_TEST(w.said(w.c.leave("x")) == R"({"cmd":"leave","topic":"x"})");
}

asio::awaitable<void> talk(client& c, std::string& heard) {
    heard = co_await c.request("you", "1", asio::use_awaitable);
    co_await c.publish("t", "2", {.echo = true}, asio::use_awaitable);
    heard += co_await c.command("x", "3");
    // As users write it: these lines crash where the options have something to destroy (g++ 12).
    heard += co_await c.join("robots",
                             {.metadata = R"({"name":"a robot with quite a long name","can":["drive"]})"},
                             asio::use_awaitable);
    heard += co_await c.join("robots", {.metadata = R"({"n":)" + heard + "}", .limit = 2});
    heard += co_await c.join("robots", {.match = 2}, asio::use_awaitable);
    co_await c.publish("robots", "7", {.echo = true, .droppable = true});
}

BOOST_AUTO_TEST_CASE(coroutines) {
    world w;
    std::string heard;
    asio::co_spawn(w.io, talk(w.c, heard), asio::detached);
    w.s.take(w.io, R"("ok":true,"data":4)");
    w.s.take(w.io, R"("ok":true)");
    w.s.take(w.io, R"("ok":true,"data":5)");
    BOOST_TEST(w.s.take(w.io, R"("ok":true,"data":6)") ==
               R"({"cmd":"join","topic":"robots","data":{"metadata":)"
               R"({"name":"a robot with quite a long name","can":["drive"]}}})");
    BOOST_TEST(w.s.take(w.io, R"("ok":true,"data":7)") ==
               R"({"cmd":"join","topic":"robots","data":{"metadata":{"n":456},"limit":2}})");
    BOOST_TEST(w.s.take(w.io, R"("ok":true,"data":8)") ==
               R"({"cmd":"join","topic":"robots","data":{"match":2}})");
    run_until(w.io, [&] { return heard == "45678"; });
    BOOST_TEST(w.s.take(w.io, R"("ok":true)") ==
               R"({"cmd":"publish","topic":"robots","echo":true,"volatile":true,"data":7})");
}

BOOST_AUTO_TEST_SUITE_END()
