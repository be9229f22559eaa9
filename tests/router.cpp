// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/router.hpp>

#include <sigfire/concepts.hpp>
#include <sigfire/registry.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

namespace {

static_assert(sigfire::Router<sigfire::direct_router>);

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
            sigfire::envelope e;
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
    sigfire::envelope e;
    e.to = "alice";
    int targets = 0;
    BOOST_TEST(
        (sigfire::direct_router{}.route(registry, {}, e, [&](auto) { ++targets; }) == sigfire::errc::ok));
    BOOST_TEST(targets == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
