// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/responder.hpp>

#include "support/client_world.hpp"

#include <sigfire/client.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::responder;

struct two_clients {
    two_clients() {
        for (auto* c : {&asks, &knows}) BOOST_TEST_REQUIRE(!code(c->connect(net)));
        id = knows.id();
    }

    error_code code(auto operation) {
        return std::get<0>(outcome<sigfire::welcome>(io, std::move(operation)));
    }
    std::pair<error_code, std::string> ask(std::string data) {
        auto [ec, answer] = outcome<std::string>(io, asks.request(id, std::move(data)));
        return {ec, answer};
    }

    asio::io_context io;
    sigfire::loopback net{io};
    sigfire::server<sigfire::loopback, sigfire::requests> srv{net, sigfire::requests{}};
    client asks{io}, knows{io};
    std::string id;
};

BOOST_FIXTURE_TEST_SUITE(responder_, two_clients)

BOOST_AUTO_TEST_CASE(a_handler_answers_the_requests_of_other_peers) {
    std::vector<std::string> heard;
    knows.on_request([&](const incoming& request, responder reply) {
        heard.push_back(request.from + ": " + request.data);
        if (request.data == "1") return reply.respond(R"({"is":"one"})");
        if (request.data == "2") return reply.refuse(R"({"is":"too many"})");
        if (request.data == "3") return reply.respond("no JSON");
        // else it is dropped
    });
    const std::string who{asks.id()};
    BOOST_TEST((ask("1") == std::pair{error_code{}, std::string{R"({"is":"one"})"}}));
    BOOST_TEST(ask("2").first == errc::denied);
    BOOST_TEST(ask("3").first == errc::denied);
    BOOST_TEST(ask("4").first == errc::denied);
    BOOST_TEST((heard == std::vector{who + ": 1", who + ": 2", who + ": 3", who + ": 4"}));
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_later_and_counts_once) {
    std::optional<responder> kept;
    knows.on_request([&](const incoming&, responder reply) { kept.emplace(std::move(reply)); });
    std::optional<std::pair<error_code, std::string>> got;
    asks.request(id, "{}")([&](error_code ec, std::string data) { got.emplace(ec, std::move(data)); });
    run_until(io, [&] { return kept.has_value(); });
    BOOST_TEST(!got.has_value());
    kept->respond("1");
    kept->respond("2");
    kept->refuse();
    kept.reset();
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST((*got == std::pair{error_code{}, std::string{"1"}}));

    // A responder that is assigned to refuses its request first.
    got.reset();
    asks.request(id, "{}")([&](error_code ec, std::string data) { got.emplace(ec, std::move(data)); });
    run_until(io, [&] { return kept.has_value(); });
    auto first = *std::exchange(kept, {});
    std::optional<error_code> second;
    asks.request(id, "{}")([&](error_code ec, const std::string&) { second = ec; });
    run_until(io, [&] { return kept.has_value(); });
    first = *std::exchange(kept, {});
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST(got->first == errc::denied);
    first.respond("{}");
    run_until(io, [&] { return second.has_value(); });
    BOOST_TEST(!*second);
}

BOOST_AUTO_TEST_CASE(other_messages_and_requests_without_a_handler_wait_for_receive) {
    knows.on_request([](const incoming&, responder reply) { reply.respond("{}"); });
    BOOST_TEST(!client_world::code(io, asks.send(id, "offer", R"({"offer":1})")));
    BOOST_TEST(receive(io, knows).second.command == "offer");
    BOOST_TEST(!ask("{}").first);
    knows.on_request({});
    std::optional<error_code> got;
    asks.request(id, "7")([&](error_code ec, const std::string&) { got = ec; });
    const auto in = receive(io, knows).second;
    BOOST_TEST(in.command == "request");
    BOOST_TEST(!client_world::code(io, knows.respond(in.request, "8")));
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST(!*got);
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_refuses_and_a_client_that_is_gone_does_not_answer) {
    std::optional<responder> kept;
    knows.on_request([&](const incoming& request, responder reply) {
        if (request.data == "1") throw std::runtime_error{"no"};
        kept.emplace(std::move(reply));
    });
    std::optional<error_code> got;
    asks.request(id, "1")([&](error_code ec, const std::string&) { got = ec; });
    BOOST_CHECK_THROW(run_until(io, [&] { return got.has_value(); }), std::runtime_error);
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST(*got == errc::denied);

    got.reset();
    asks.request(id, "2")([&](error_code ec, const std::string&) { got = ec; });
    run_until(io, [&] { return kept.has_value(); });
    { const client dying{std::move(knows)}; }
    kept->respond("{}"); // to nobody
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST(*got == errc::offline);
}

// After the server has forgotten the client, the numbers of its requests mean others.
BOOST_AUTO_TEST_CASE(an_answer_does_not_reach_a_server_that_has_forgotten_the_client) {
    script server{io};
    server.first = {hello, hello};
    client_options o;
    o.reconnect.emplace();
    o.reconnect->interval = 1ms;
    o.reconnect->resumable = false;
    client c{io, o};
    BOOST_TEST_REQUIRE(!code(c.connect(server.net)));
    std::vector<responder> kept;
    c.on_request([&](const incoming&, responder reply) { kept.push_back(std::move(reply)); });
    server.say(R"({"cmd":"request","origin":"x","request":1,"id":"a"})");
    run_until(io, [&] { return kept.size() == 1; });
    server.end(errc::stopping, 1012);
    BOOST_TEST((receive(io, c).second.kind == sigfire::incoming_kind::offline));
    BOOST_TEST((receive(io, c).second.kind == sigfire::incoming_kind::online));
    server.say(R"({"cmd":"request","origin":"y","request":1,"id":"a"})");
    run_until(io, [&] { return kept.size() == 2; });
    kept[0].respond(R"("old")");
    kept[1].respond(R"("new")");
    BOOST_TEST(server.take(io) == R"({"cmd":"respond","request":1,"data":"new"})");
    BOOST_TEST(server.got.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
