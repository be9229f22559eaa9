// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/test/conformance.hpp>

#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>

namespace {

using namespace sigfire;

// Which laws a model breaks.
using breaches = std::set<std::string>;

auto into(breaches& b) {
    return [&b](bool holds, const char* law) {
        if (!holds) b.insert(law);
    };
}

struct map_registry {
    bool insert(std::string_view id, peer_handle h) { return peers.emplace(id, h).second; }
    bool erase(std::string_view id) { return peers.erase(std::string{id}) == 1; }
    peer_handle find(std::string_view id) const {
        const auto i = peers.find(std::string{id});
        return i == peers.end() ? peer_handle{} : i->second;
    }
    std::size_t size() const { return peers.size(); }
    void for_each_peer(auto f) const {
        for (const auto& [id, h] : peers) f(std::string_view{id}, h);
    }
    std::map<std::string, peer_handle> peers;
};

struct greedy_registry : map_registry {
    bool insert(std::string_view id, peer_handle h) { return peers[std::string{id}] = h, true; }
};

struct registry_of_c_strings : map_registry {
    bool insert(std::string_view id, peer_handle h) { return map_registry::insert(id.data(), h); }
    peer_handle find(std::string_view id) const { return map_registry::find(id.data()); }
};

struct everyone_router {
    errc route(const auto& registry, peer_handle from, const event::send&, auto to) const {
        bool any = false;
        registry.for_each_peer([&](std::string_view, peer_handle h) {
            if (h != from) to(h), any = true;
        });
        return any ? errc::ok : errc::unknown;
    }
};

struct echo_router {
    errc route(const auto&, peer_handle from, const event::send&, auto to) const {
        return to(from), errc::ok;
    }
};

struct silent_router {
    errc route(const auto&, peer_handle, const event::send&, auto) const { return errc::ok; }
};

// Writes the text of a payload, in any format, and a byte more than it said.
struct careless_codec {
    struct state {};
    static constexpr bool checks_utf8 = true;
    errc open(const request&, state&, admission&) const { return errc::ok; }
    template <class Handler>
    errc decode(message m, state&, Handler handler) const {
        event::send e;
        if (m.view() == "1") e.to = m.view();
        handler(e);
        return errc::ok;
    }
    std::size_t bound(const event::send& e, const state&) const { return e.data.bytes.size(); }
    std::size_t encode(const event::send& e, const state&, char* p) const {
        const auto n = e.data.bytes.copy(p, e.data.bytes.size());
        p[n] = '.';
        return n + 1;
    }
    std::size_t bound(const event::reply&, const state&) const { return 2; }
    std::size_t encode(const event::reply&, const state&, char*) const { return 0; }
    std::size_t bound(const event::welcome&, const state&) const { return 0; }
    std::size_t encode(const event::welcome&, const state&, char*) const { return 0; }
    message_type type(const auto&, const state&) const { return message_type{7}; }
    int share_key(const state&) const { return 0; }
    ending end(errc, const state&) const { return {200, 1000, why}; }

    std::string why = std::string(124, '.');
};

BOOST_AUTO_TEST_SUITE(conformance)

BOOST_AUTO_TEST_CASE(right_registries_and_routers_break_no_law) {
    breaches b;
    test::registry_laws(local_registry{}, into(b));
    test::registry_laws(map_registry{}, into(b));
    test::router_laws(direct_router{}, local_registry{}, into(b));
    test::router_laws(everyone_router{}, map_registry{}, into(b));
    BOOST_TEST(b == breaches{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(broken_ones_are_found_out) {
    breaches b;
    test::registry_laws(greedy_registry{}, into(b));
    BOOST_TEST(b.count("insert refuses a used id") == 1u);
    b.clear();
    test::registry_laws(registry_of_c_strings{}, into(b));
    BOOST_TEST(!b.empty());
    b.clear();
    test::router_laws(echo_router{}, map_registry{}, into(b));
    BOOST_TEST(b.count("the sender is not a target") == 1u);
    b.clear();
    test::router_laws(silent_router{}, map_registry{}, into(b));
    BOOST_TEST(b.count("ok means that there is a target") == 1u);
}

BOOST_AUTO_TEST_CASE(a_careless_codec_is_found_out) {
    breaches b;
    test::codec_laws(careless_codec{}, into(b));
    const breaches all = {"encode writes at most bound bytes",
                          "encode writes something if bound is not 0",
                          "type is text or binary",
                          "bound is 0 for a payload in an unknown format",
                          "an event without a target has a fault",
                          "a close reason has at most 123 bytes",
                          "a refusal has an HTTP status of 400 to 599"};
    BOOST_TEST(b == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
