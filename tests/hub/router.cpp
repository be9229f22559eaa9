// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/router.hpp>

#include <sigfire/core/concepts.hpp>
#include <sigfire/hub/registry.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

namespace {

static_assert(sigfire::Router<sigfire::direct_router>);
static_assert(sigfire::Router<sigfire::host_router>);

using handles = std::vector<sigfire::peer_handle>;

constexpr sigfire::peer_handle alice{1, 7}, bob{2, 9}, carol{3, 1}, eve{4, 4};

// Peers, and the members of the topic `t`.
struct directory : sigfire::local_registry {
    handles members;

    directory() {
        insert("alice", alice);
        insert("bob", bob);
    }
    template <class F>
    void for_each(std::string_view topic, F f) const {
        if (topic != "t") return;
        for (const auto who : members) f(who);
    }
};

template <class Router>
sigfire::errc route(const directory& d, sigfire::peer_handle from, std::string_view to,
                    std::string_view topic, handles& targets) {
    sigfire::event::send e;
    e.to = to;
    e.topic = topic;
    targets.clear();
    return Router{}.route(d, from, e, [&](sigfire::peer_handle h) { targets.push_back(h); });
}

BOOST_AUTO_TEST_SUITE(router)

BOOST_AUTO_TEST_CASE(it_names_the_peer_asked_for_or_says_why_not) {
    using sigfire::errc;
    sigfire::local_registry registry;
    const sigfire::peer_handle alice{1, 7}, bob{2, 9};
    registry.insert("alice", alice);
    registry.insert("bob", bob);
    const sigfire::direct_router r;

    const struct {
        std::string_view to;
        errc cause;
        std::vector<sigfire::peer_handle> targets;
    } rows[] = {
        {"bob", errc::ok, {bob}}, {"alice", errc::self, {}},        {"carol", errc::unknown, {}},
        {"", errc::unknown, {}},  {"__proto__", errc::unknown, {}},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.to) {
            sigfire::event::send e;
            e.to = row.to;
            std::vector<sigfire::peer_handle> targets;
            const auto cause =
                r.route(registry, alice, e, [&](sigfire::peer_handle h) { targets.push_back(h); });
            BOOST_TEST((cause == row.cause));
            BOOST_TEST((targets == row.targets));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_server_itself_is_nobodys_self) {
    sigfire::local_registry registry;
    registry.insert("alice", {1, 7});
    sigfire::event::send e;
    e.to = "alice";
    int targets = 0;
    BOOST_TEST(
        (sigfire::direct_router{}.route(registry, {}, e, [&](auto) { ++targets; }) == sigfire::errc::ok));
    BOOST_TEST(targets == 1);
}

BOOST_AUTO_TEST_CASE(a_host_hears_its_clients) {
    using sigfire::errc;
    directory d;
    handles to;
    const auto say = [&](sigfire::peer_handle from) {
        return route<sigfire::host_router>(d, from, "", "t", to);
    };
    BOOST_TEST((say(alice) == errc::unknown && to.empty()));
    d.members = {bob, alice, carol};
    BOOST_TEST((say(alice) == errc::ok));
    BOOST_TEST((to == handles{bob}));
    BOOST_TEST((say({}) == errc::ok));
    BOOST_TEST((to == handles{bob}));
    BOOST_TEST((say(bob) == errc::ok));
    BOOST_TEST((to == handles{alice, carol}));
    BOOST_TEST((say(eve) == errc::denied && to.empty()));
    d.members = {alice, carol}; // the host left
    BOOST_TEST((say(carol) == errc::ok));
    BOOST_TEST((to == handles{alice}));
    d.members = {alice};
    BOOST_TEST((say(alice) == errc::offline && to.empty()));
    // A message that names a peer is for that peer, with a topic or without.
    for (const auto* topic : {"", "t"}) {
        BOOST_TEST((route<sigfire::host_router>(d, alice, "bob", topic, to) == errc::ok));
        BOOST_TEST((to == handles{bob}));
    }
    BOOST_TEST((route<sigfire::host_router>(d, alice, "", "", to) == errc::unknown && to.empty()));
    BOOST_TEST((route<sigfire::host_router>(d, alice, "", "u", to) == errc::unknown && to.empty()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
