// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/registry.hpp>

#include <sigfire/core/concepts.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <map>
#include <random>
#include <string>

namespace {

using sigfire::local_registry;
using sigfire::peer_handle;

static_assert(sigfire::Registry<local_registry>);

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(an_empty_one_knows_nobody) {
    local_registry r;
    BOOST_TEST(r.size() == 0u);
    BOOST_TEST(!r.find("a"));
    BOOST_TEST(!r.erase("a"));
    r.for_each_peer([](auto, auto) { BOOST_ERROR("nobody is there"); });
}

BOOST_AUTO_TEST_CASE(an_id_is_taken_once) {
    local_registry r;
    BOOST_TEST(r.insert("a", {1, 1}));
    BOOST_TEST(!r.insert("a", {2, 1}));
    BOOST_TEST(r.find("a").slot == 1u);
    BOOST_TEST(r.size() == 1u);
    BOOST_TEST(r.erase("a"));
    BOOST_TEST(!r.erase("a"));
    BOOST_TEST(r.insert("a", {2, 1}));
    BOOST_TEST(r.find("a").slot == 2u);
}

BOOST_AUTO_TEST_CASE(ids_are_bytes_of_any_length) {
    std::deque<std::string> ids;
    for (std::size_t n = 0; n < 300; ++n) {
        ids.push_back(std::string(n, 'x'));
        ids.push_back(std::string(n, '\0') + "y");
    }
    local_registry r;
    for (std::uint32_t i = 0; i < ids.size(); ++i) BOOST_TEST_REQUIRE(r.insert(ids[i], {i, 1}));
    for (std::uint32_t i = 0; i < ids.size(); ++i) {
        const std::string copy = ids[i];
        BOOST_TEST_REQUIRE(r.find(copy).slot == i);
    }
    BOOST_TEST(!r.find(std::string(301, 'x')));
}

BOOST_AUTO_TEST_CASE(every_byte_of_an_id_counts) {
    for (std::size_t n = 1; n < 70; ++n) {
        std::deque<std::string> ids{std::string(n, 'a')};
        for (std::size_t i = 0; i < n; ++i) {
            ids.push_back(ids.front());
            ids.back()[i] = 'b';
        }
        local_registry r;
        for (const auto& id : ids) BOOST_TEST_REQUIRE(r.insert(id, {1, 1}));
        BOOST_TEST(r.size() == n + 1);
    }
}

// Random operations, compared with std::map after each; few ids, so that there is much to find and to erase.
BOOST_AUTO_TEST_CASE(it_behaves_like_a_map) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937 random{seed};
            const unsigned names = seed % 2 == 0 ? 40 : 5000;
            std::deque<std::string> ids;
            for (unsigned i = 0; i < names; ++i) ids.push_back("peer-" + std::to_string(i * i));
            std::map<std::string_view, peer_handle> model;
            local_registry r;
            for (std::uint32_t step = 0; step < 30000; ++step) {
                const std::string_view id = ids[random() % names];
                const peer_handle h{step, 1};
                // Growing and shrinking take turns.
                if (random() % 4 < (step / 5000 % 2 == 0 ? 3u : 1u))
                    BOOST_TEST_REQUIRE(r.insert(id, h) == model.emplace(id, h).second);
                else
                    BOOST_TEST_REQUIRE(r.erase(id) == (model.erase(id) == 1));
                BOOST_TEST_REQUIRE(r.size() == model.size());
                const std::string_view other = ids[random() % names];
                const auto found = model.find(other);
                BOOST_TEST_REQUIRE((r.find(other) == (found == model.end() ? peer_handle{} : found->second)));
            }
            std::map<std::string_view, peer_handle> all;
            r.for_each_peer(
                [&](std::string_view id, peer_handle h) { BOOST_TEST(all.emplace(id, h).second); });
            BOOST_TEST((all == model));
        }
    }
}

// So many that some share all bits of their hash.
BOOST_AUTO_TEST_CASE(ids_are_told_apart_by_more_than_their_hash) {
    std::deque<std::string> ids;
    local_registry r;
    for (std::uint32_t i = 0; i < 400000; ++i)
        BOOST_TEST_REQUIRE(r.insert(ids.emplace_back(std::to_string(i)), {i, 1}));
    for (std::uint32_t i = 0; i < ids.size(); ++i)
        if (r.find(ids[i]).slot != i) BOOST_ERROR("lost " << i);
}

BOOST_AUTO_TEST_CASE(it_moves) {
    local_registry a;
    a.insert("a", {1, 1});
    local_registry b{std::move(a)};
    BOOST_TEST(b.find("a").slot == 1u);
    a = local_registry{};
    BOOST_TEST(!a.find("a"));
    BOOST_TEST(a.insert("c", {3, 1}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
