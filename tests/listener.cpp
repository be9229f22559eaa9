// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/listener.hpp>

#include <sigfire/codec/json.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/net/loopback.hpp>

#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using common_hub = hub<local_registry, direct_router, any_channel>;

// The id in a welcome.
std::string id_in(std::string_view welcome) {
    const auto at = welcome.find(R"("data":{"id":")");
    BOOST_TEST_REQUIRE(at != welcome.npos);
    return std::string{welcome.substr(at + 14, welcome.find('"', at + 14) - at - 14)};
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// JSON under the id that the query asks for.
struct named_json : codec::json {
    errc open(const request& r, state& st, admission& ad) {
        ad.id = r.query("id");
        if (ad.id == "nobody") return errc::denied;
        return codec::json::open(r, st, ad);
    }
};

BOOST_AUTO_TEST_SUITE(listener)

BOOST_AUTO_TEST_CASE(peers_of_two_transports_reach_each_other_on_one_hub) {
    boost::asio::io_context io;
    common_hub h;
    sigfire::loopback net{io};
    sigfire::listener<memory::websocket, codec::json, common_hub> a{memory::websocket{io}, {}, h};
    sigfire::listener<memory::lengths, codec::json, common_hub> b{memory::lengths{io}, {}, h};
    sigfire::listener<sigfire::loopback, codec::json, common_hub> c{net, {}, h};
    error_code ec;
    c.open(ec);
    BOOST_TEST(!ec);
    a.open(ec);
    BOOST_TEST(!ec);

    memory::basic_peer<framing::websocket<framing::role::client>> browser{io};
    browser.write(memory::upgrade_request());
    strings heard;
    auto end = net.connect();
    end.on_message([&](message m) { heard.emplace_back(m.view()); });
    memory::run(io);
    browser.read_header();
    const auto browser_id = id_in(browser.events().at(0));
    const auto end_id = id_in(heard.at(0));
    BOOST_TEST(h.size() == 2u);

    browser.say(R"({"cmd":"session-start","target":")" + end_id + R"(","id":"1"})");
    memory::run(io);
    BOOST_TEST(browser.events() == strings{R"(text:{"id":"1","ok":true})"});
    BOOST_TEST_REQUIRE(heard.size() == 2u);
    BOOST_TEST(contains(heard[1], R"("cmd":"session-start","origin":")" + browser_id));
    end.send(R"({"cmd":"session-accept","target":")" + browser_id + R"(","id":"2"})");
    memory::run(io);
    BOOST_TEST(contains(browser.events().at(0), R"("cmd":"session-accept","origin":")" + end_id));

    // Each is stopped for itself; the hub serves the other.
    browser.reset();
    memory::run(io);
    BOOST_TEST(h.size() == 1u);
    end.send(R"({"cmd":"session-accept","target":")" + browser_id + R"(","id":"3"})");
    memory::run(io);
    BOOST_TEST(contains(heard.back(), "Peer Not Found"));
    BOOST_TEST(a.address() == "memory:");
    BOOST_TEST(b.address() == "memory:");
    BOOST_TEST(c.address() == "loopback:loopback");
}

BOOST_AUTO_TEST_CASE(a_codec_that_refuses_is_obeyed) {
    boost::asio::io_context io;
    common_hub h;
    sigfire::listener<memory::websocket, named_json, common_hub> l{memory::websocket{io}, {}, h};
    error_code ec;
    l.open(ec);
    memory::basic_peer<framing::websocket<framing::role::client>> p{io};
    p.write(memory::upgrade_request({}, "/?id=nobody"));
    memory::run(io);
    BOOST_TEST(p.read().starts_with("HTTP/1.1 4"));
    BOOST_TEST(h.size() == 0u);
}

struct claim {
    boost::asio::io_context io;
    common_hub h;
    sigfire::listener<memory::websocket, named_json, common_hub> l{memory::websocket{io}, {}, h};
    memory::basic_peer<framing::websocket<framing::role::client>> holder{io};
    error_code ec;

    claim() {
        l.open(ec);
        holder.write(memory::upgrade_request({}, "/?id=alice"));
        memory::run(io);
        holder.read_header();
        BOOST_TEST_REQUIRE(holder.events().size() == 1u);
    }
};

BOOST_FIXTURE_TEST_CASE(a_living_holder_keeps_its_id, claim) {
    memory::basic_peer<framing::websocket<framing::role::client>> claimant{io};
    claimant.write(memory::upgrade_request({}, "/?id=alice") + claimant.sealed(R"({"cmd":"x","id":"1"})"));
    memory::run(io);
    BOOST_TEST(holder.events() == strings{"ping:"});
    BOOST_TEST(claimant.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(claimant.read() == "");
    holder.write(holder.sealed_control(control::pong));
    memory::run(io);
    // what Signal-Fire says
    BOOST_TEST(claimant.events() == strings{"close:4500:Internal Server Error"});
    holder.say(R"({"cmd":"x","id":"1"})");
    memory::run(io);
    BOOST_TEST(contains(holder.events().at(0), "Unknown Command"));
    BOOST_TEST(h.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_dead_holder_gives_way_and_nothing_said_meanwhile_is_lost, claim) {
    memory::basic_peer<framing::websocket<framing::role::client>> claimant{io};
    claimant.write(memory::upgrade_request({}, "/?id=alice") + claimant.sealed(R"({"cmd":"x","id":"1"})"));
    memory::run(io);
    claimant.say(R"({"cmd":"y","id":"2"})");
    memory::advance(io, 1900ms, 100ms);
    claimant.read_header();
    BOOST_TEST(claimant.read() == "");
    memory::advance(io, 200ms, 100ms);
    const auto got = claimant.events();
    BOOST_TEST_REQUIRE(got.size() == 3u);
    BOOST_TEST(id_in(got[0]) == "alice");
    BOOST_TEST(contains(got[1], R"({"id":"1",)"));
    BOOST_TEST(contains(got[2], R"({"id":"2",)"));
    BOOST_TEST(h.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(text_that_is_no_message_ends_the_peer, claim) {
    holder.say("null");
    memory::run(io);
    BOOST_TEST(holder.events().back().starts_with("close:"));
    BOOST_TEST(h.size() == 0u);
    holder.shut();
    memory::run(io);
    BOOST_TEST(holder.at->server_closed);
}

// --- refused peers

struct clerk {
    strings* told;
    errc on_admit(const request& r, admission& a) {
        if (r.has_query("late")) a.refused_as = refusal{0, 4403, "Not you, " + r.query("id")};
        return r.has_query("out") || r.has_query("late") ? errc::rate : errc::ok;
    }
    void on_outcome(const outcome& o) {
        if (!o.peer) told->push_back("outcome " + std::string{cause_name(o.cause)});
    }
};

struct line_log {
    strings* told;
    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        if (level != log_level::warn) return;
        told->emplace_back(event);
        for (const auto& f : fields) told->back() += " " + std::string{f.name} + "=" + std::string{f.value};
    }
};

BOOST_AUTO_TEST_CASE(each_refusal_is_told_to_hooks_and_log) {
    using watched_hub = hub<local_registry, direct_router, any_channel, line_log, hooks<clerk>>;
    boost::asio::io_context io;
    strings told;
    watched_hub h{{}, {}, {}, line_log{&told}, hooks{clerk{&told}}};
    sigfire::listener<memory::websocket, named_json, watched_hub> l{memory::websocket{io}, {}, h};
    error_code ec;
    l.open(ec);
    const auto come = [&](std::string_view target) {
        memory::basic_peer<framing::websocket<framing::role::client>> p{io};
        p.write(memory::upgrade_request({}, target));
        memory::run(io);
        return p.read();
    };
    const std::string from = "connection_refused remote=192.0.2.1 cause=";
    BOOST_TEST(come("/?id=nobody").starts_with("HTTP/1.1 403 ")); // by the codec
    BOOST_TEST(told == (strings{"outcome denied", from + "denied"}), boost::test_tools::per_element());
    told.clear();
    BOOST_TEST(come("/?id=ann&out").starts_with("HTTP/1.1 429 ")); // by a hook
    BOOST_TEST(told == (strings{"outcome rate", from + "rate"}), boost::test_tools::per_element());
    told.clear();
    const auto late = come("/?id=ann&late"); // by a hook, for a page to read
    BOOST_TEST(late.starts_with("HTTP/1.1 101 "));
    BOOST_TEST(late.ends_with("Not you, ann"));
    BOOST_TEST(told == (strings{"outcome rate", from + "rate"}), boost::test_tools::per_element());
    told.clear();
    BOOST_TEST(come("/?id=" + std::string(257, 'x')).starts_with("HTTP/1.1 101 ")); // by the hub
    BOOST_TEST(told == (strings{"outcome malformed", from + "malformed"}), boost::test_tools::per_element());
    BOOST_TEST(h.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
