// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Two servers on two threads share nothing but the program; clients and a host program on a third.
#include <sigfire/server.hpp>

#include <sigfire/net/tcp.hpp>
#include <sigfire/net/websocket.hpp>

#include "support/stream_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

std::string id_in(std::string_view welcome) {
    const auto at = welcome.find(R"("id":")", welcome.find(R"("data")"));
    BOOST_TEST_REQUIRE(at != welcome.npos);
    return std::string{welcome.substr(at + 6, welcome.find('"', at + 6) - at - 6)};
}

BOOST_AUTO_TEST_SUITE(two_servers)

BOOST_AUTO_TEST_CASE(on_two_threads_with_clients_on_a_third) {
    using ws = framing::websocket<framing::role::client>;
    boost::asio::io_context first_io{1}, second_io{1}, io;
    sigfire::server first{sigfire::websocket{first_io, {.reuse_port = true}}};
    const auto address = first.address();
    const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
    sigfire::server second{sigfire::websocket{second_io, {.port = port, .reuse_port = true}}};
    std::thread first_thread{[&] { first_io.run(); }}, second_thread{[&] { second_io.run(); }};

    // The system spreads them over both servers.
    std::list<stream_test::peer<ws>> peers;
    std::vector<strings> heard(20);
    for (int i = 0; i < 20; ++i) peers.emplace_back(io, address);
    const auto collect = [&](auto enough) {
        return stream_test::drive(io, &stream_test::peer<ws>::pump, [&] {
            bool all = true;
            std::size_t i = 0;
            for (auto& p : peers) {
                for (auto& m : p.take()) heard[i].push_back(std::move(m));
                all = enough(heard[i++]) && all;
            }
            return all;
        });
    };
    BOOST_TEST_REQUIRE(collect([](const strings& s) { return s.size() == 1; }));

    // Each sends to the next; a peer on the other server is unknown, so each request ends in a reply.
    std::vector<std::string> ids;
    for (const auto& h : heard) ids.push_back(id_in(h[0]));
    for (int round = 0; round < 20; ++round) {
        std::size_t i = 0;
        for (auto& p : peers) {
            p.send(R"({"cmd":"session-start","target":")" + ids[(i + 1) % ids.size()] + R"(","id":"r)" +
                   std::to_string(round) + R"("})");
            ++i;
        }
        // a host program beside them
        for (auto* s : {&first, &second})
            s->post([](auto& hub) {
                hub.for_each([&](std::string_view id, peer_handle) { hub.send(id, "notice", "{}"); });
            });
    }
    const auto count = [](const strings& s, std::string_view what) {
        return std::count_if(s.begin(), s.end(),
                             [&](const std::string& m) { return m.find(what) != std::string::npos; });
    };
    BOOST_TEST(collect(
        [&](const strings& s) { return count(s, R"("ok":)") == 20 && count(s, R"("cmd":"notice")") == 20; }));

    std::promise<std::size_t> sizes[2];
    first.post([&](auto& hub) { sizes[0].set_value(hub.size()); });
    second.post([&](auto& hub) { sizes[1].set_value(hub.size()); });
    const std::size_t here = sizes[0].get_future().get(), there = sizes[1].get_future().get();
    BOOST_TEST(here + there == 20u);

    // A server stops on the thread that runs it, whatever thread asks.
    std::promise<std::thread::id> where;
    first.stop(100ms, [&] { where.set_value(std::this_thread::get_id()); });
    boost::asio::post(second_io, [&] { second.stop(100ms); });
    BOOST_TEST(stream_test::drive(io, &stream_test::peer<ws>::pump, [&] {
        return std::all_of(peers.begin(), peers.end(), [](const auto& p) { return p.ended(); });
    }));
    BOOST_TEST((where.get_future().get() == first_thread.get_id()));
    first_thread.join();
    second_thread.join();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
