// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/topic_table.hpp>

#include "support/naive_topic_table.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace sigfire;
using namespace std::chrono_literals;

namespace {

constexpr peer_handle ann{0, 1}, bob{1, 1}, eve{2, 1}, nobody{};

constexpr payload json(std::string_view text) {
    return {text};
}

std::string members(topic_table& t, std::string_view topic) {
    std::string out;
    t.for_each(topic, [&](peer_handle p, payload metadata) {
        out += "abcdefgh"[p.slot];
        out += metadata.bytes;
    });
    return out;
}

std::string topics_of(const topic_table& t, peer_handle p) {
    std::string out;
    t.for_each_topic(p, [&](std::string_view topic, payload metadata) {
        out += topic;
        out += metadata.bytes;
    });
    return out;
}

std::string entries(const topic_table& t, std::string_view topic) {
    std::string out;
    t.for_each_entry(topic, [&](const topic_entry& e) {
        out += std::string{e.key} + "=" + std::string{e.value.bytes} + ";";
    });
    return out;
}

bool is(const result<topic_change>& r, topic_change c) {
    return r.has_value() && *r == c;
}

bool is(const result<topic_change>& r, errc e) {
    return r.has_error() && r.error() == e;
}

} // namespace

BOOST_AUTO_TEST_SUITE(topic_table_)

BOOST_AUTO_TEST_CASE(an_empty_one_knows_nothing) {
    topic_table t;
    BOOST_TEST(t.size() == 0u);
    BOOST_TEST(t.memberships() == 0u);
    BOOST_TEST(t.members("x") == 0u);
    BOOST_TEST(t.entries("x") == 0u);
    BOOST_TEST(t.joined(ann) == 0u);
    BOOST_TEST(!t.contains("x", ann));
    BOOST_TEST(!t.metadata("x", ann));
    BOOST_TEST((t.for_each("x", [](auto) {}) == errc::unknown));
    BOOST_TEST((t.for_each_entry("x", [](auto&) {}) == errc::unknown));
    BOOST_TEST((t.next_expiry() == time_point::max()));
    t.leave_all(ann);
    t.expire(time_point::max(), [](auto, auto&) { BOOST_ERROR("nothing is there"); });
}

BOOST_AUTO_TEST_CASE(members_stand_in_the_order_in_which_they_joined) {
    topic_table t;
    BOOST_TEST(is(t.join("x", bob, json("1")), topic_change::added));
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    BOOST_TEST(is(t.join("y", bob), topic_change::added));
    BOOST_TEST(is(t.join("x", eve, json("3")), topic_change::added));
    BOOST_TEST(members(t, "x") == "b1ac3");
    BOOST_TEST(topics_of(t, bob) == "x1y");
    BOOST_TEST(t.size() == 2u);
    BOOST_TEST(t.memberships() == 4u);
    BOOST_TEST(t.members("x") == 3u);
    BOOST_TEST(t.joined(bob) == 2u);
    BOOST_TEST((t.leave("x", bob) == errc::ok));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(members(t, "x") == "ac3b");
    BOOST_TEST(topics_of(t, bob) == "yx");
}

BOOST_AUTO_TEST_CASE(joining_again_keeps_the_place_and_replaces_the_metadata) {
    topic_table t;
    BOOST_TEST(is(t.join("x", ann, json("1")), topic_change::added));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(is(t.join("x", ann, json("1")), topic_change::none));
    BOOST_TEST(is(t.join("x", ann, json("2")), topic_change::updated));
    BOOST_TEST(members(t, "x") == "a2b");
    BOOST_TEST(is(t.join("x", ann), topic_change::updated));
    BOOST_TEST(is(t.join("x", ann), topic_change::none));
    BOOST_TEST(members(t, "x") == "ab");
    BOOST_TEST(t.metadata("x", ann).value().bytes == "");
    BOOST_TEST(t.memberships() == 2u);
}

BOOST_AUTO_TEST_CASE(metadata_and_values_keep_their_wire) {
    topic_table t;
    const payload packed{"1", wire_id::msgpack};
    BOOST_TEST(is(t.join("x", ann, packed), topic_change::added));
    BOOST_TEST((t.metadata("x", ann).value().wire == wire_id::msgpack));
    BOOST_TEST(is(t.join("x", ann, packed), topic_change::none));
    BOOST_TEST(is(t.join("x", ann, json("1")), topic_change::updated)); // other bytes, though they look alike
    t.for_each("x", [](peer_handle, payload p) { BOOST_TEST((p.wire == wire_id::json && p.bytes == "1")); });
    BOOST_TEST(is(t.set("x", ann, "k", packed), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "k", packed), topic_change::none));
    BOOST_TEST(is(t.set("x", ann, "k", json("1")), topic_change::updated));
    BOOST_TEST(is(t.set("x", ann, "k", packed), topic_change::updated));
    t.for_each_entry("x", [&](const topic_entry& e) { BOOST_TEST((e.value.wire == wire_id::msgpack)); });
    // nothing is nothing in all wires
    BOOST_TEST(is(t.join("x", ann, {}), topic_change::updated));
    BOOST_TEST(is(t.join("x", ann, {"", wire_id::msgpack}), topic_change::none));
}

BOOST_AUTO_TEST_CASE(a_topic_is_open_if_it_was_made_so) {
    topic_table t;
    BOOST_TEST(!t.is_open("x"));
    BOOST_TEST(is(t.join("x", ann, {}, true), topic_change::added));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(is(t.join("y", bob), topic_change::added));
    BOOST_TEST(is(t.join("y", ann, {}, true), topic_change::added));
    BOOST_TEST(t.is_open("x"));
    BOOST_TEST(!t.is_open("y"));
    t.leave_all(ann);
    BOOST_TEST(t.is_open("x"));
    t.leave_all(bob);
    BOOST_TEST(!t.is_open("x"));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(!t.is_open("x"));
}

BOOST_AUTO_TEST_CASE(a_walk_ends_when_it_is_told_to) {
    topic_table t;
    for (std::uint32_t i = 0; i < 100; ++i) BOOST_TEST_REQUIRE(t.join("x", {i, 1}).has_value());
    std::size_t visited = 0;
    BOOST_TEST((t.for_each("x", [&](peer_handle) { return ++visited < 3; }) == errc::ok));
    BOOST_TEST(visited == 3u);
    BOOST_TEST((t.for_each("x", [&](peer_handle, payload) { return ++visited < 5; }) == errc::ok));
    BOOST_TEST(visited == 5u);
    t.for_each("x", [&](peer_handle p) {
        t.leave("x", p);
        return false;
    });
    BOOST_TEST(t.members("x") == 99u);
}

BOOST_AUTO_TEST_CASE(a_topic_lasts_as_long_as_it_has_members) {
    topic_table t{{.total_topics = 1}};
    for (int i = 0; i < 1000; ++i) {
        const auto name = "topic " + std::to_string(i);
        BOOST_TEST_REQUIRE(is(t.join(name, ann), topic_change::added));
        BOOST_TEST_REQUIRE((t.leave(name, ann) == errc::ok));
        BOOST_TEST_REQUIRE(t.size() == 0u);
        BOOST_TEST_REQUIRE((t.for_each(name, [](auto) {}) == errc::unknown));
    }
}

// With the gaps of all members that left, the walks would take minutes.
BOOST_AUTO_TEST_CASE(members_that_left_cost_no_walk) {
    topic_table t;
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    std::size_t visited = 0;
    for (int i = 0; i < 300'000; ++i) {
        BOOST_REQUIRE(is(t.join("x", bob), topic_change::added));
        BOOST_REQUIRE(t.leave("x", bob) == errc::ok);
        t.for_each("x", [&](peer_handle) { ++visited; });
    }
    BOOST_TEST(visited == 300'000u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_no_member_cannot_leave) {
    topic_table t;
    BOOST_TEST((t.leave("x", ann) == errc::unknown));
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    BOOST_TEST((t.leave("x", bob) == errc::unknown));
    BOOST_TEST((t.leave("x", nobody) == errc::unknown));
    BOOST_TEST((t.leave("x", {0, 2}) == errc::unknown));
    BOOST_TEST((t.leave("x", ann) == errc::ok));
    BOOST_TEST((t.leave("x", ann) == errc::unknown));
}

BOOST_AUTO_TEST_CASE(names_are_utf8_of_1_to_256_bytes) {
    struct {
        std::string name;
        bool good;
    } const rows[] = {
        {"", false},
        {"x", true},
        {std::string(256, 'x'), true},
        {std::string(257, 'x'), false},
        {std::string("\0", 1), true},
        {"\xf0\x9f\x94\xa5", true},
        {"\xf0\x9f\x94", false},
        {"\xc0\x80", false},
        {"\xed\xa0\x80", false},
        {"\xff", false},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT("name of " << row.name.size() << " bytes: " << row.name) {
            topic_table t;
            BOOST_TEST(is(t.join("x", ann), topic_change::added));
            if (row.good) {
                BOOST_TEST(is(t.set("x", ann, row.name, json("v")), topic_change::added));
                BOOST_TEST((t.erase("x", ann, row.name) == errc::ok));
                BOOST_TEST((t.leave(row.name, bob) == errc::unknown));
                BOOST_TEST(is(t.set(row.name, bob, "k", json("v")), errc::unknown));
                BOOST_TEST((t.erase(row.name, bob, "k") == errc::unknown));
                BOOST_TEST(is(t.join(row.name, bob), topic_change::added));
            } else {
                BOOST_TEST(is(t.join(row.name, bob), errc::malformed));
                BOOST_TEST((t.leave(row.name, bob) == errc::malformed));
                BOOST_TEST(is(t.set(row.name, ann, "k", json("v")), errc::malformed));
                BOOST_TEST(is(t.set("x", ann, row.name, json("v")), errc::malformed));
                BOOST_TEST((t.erase(row.name, ann, "k") == errc::malformed));
                BOOST_TEST((t.erase("x", ann, row.name) == errc::malformed));
                BOOST_TEST(t.memberships() == 1u);
                BOOST_TEST(t.entries("x") == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_limit_holds_and_lets_go) {
    {
        topic_table t{{.total_topics = 2}};
        BOOST_TEST(is(t.join("x", ann), topic_change::added));
        BOOST_TEST(is(t.join("y", ann), topic_change::added));
        BOOST_TEST(is(t.join("z", ann), errc::full));
        BOOST_TEST(t.size() == 2u);
        BOOST_TEST(is(t.join("y", bob), topic_change::added));
        BOOST_TEST((t.leave("x", ann) == errc::ok));
        BOOST_TEST(is(t.join("z", ann), topic_change::added));
    }
    {
        topic_table t{{.topics_per_peer = 2}};
        BOOST_TEST(is(t.join("x", ann), topic_change::added));
        BOOST_TEST(is(t.join("y", ann), topic_change::added));
        BOOST_TEST(is(t.join("z", ann), errc::full));
        BOOST_TEST(is(t.join("y", ann, json("again")), topic_change::updated));
        BOOST_TEST(is(t.join("z", bob), topic_change::added));
        BOOST_TEST((t.leave("x", ann) == errc::ok));
        BOOST_TEST(is(t.join("z", ann), topic_change::added));
    }
    {
        topic_table t{{.members_per_topic = 2}};
        BOOST_TEST(is(t.join("x", ann), topic_change::added));
        BOOST_TEST(is(t.join("x", bob), topic_change::added));
        BOOST_TEST(is(t.join("x", eve), errc::full));
        BOOST_TEST(is(t.join("x", bob, json("again")), topic_change::updated));
        BOOST_TEST(is(t.join("y", eve), topic_change::added));
        BOOST_TEST((t.leave("x", ann) == errc::ok));
        BOOST_TEST(is(t.join("x", eve), topic_change::added));
    }
    {
        topic_table t{{.total_topics = 0}};
        BOOST_TEST(is(t.join("x", ann), errc::full));
        topic_table u{{.members_per_topic = 0}};
        BOOST_TEST(is(u.join("x", ann), errc::full));
        topic_table v{{.topics_per_peer = 0}};
        BOOST_TEST(is(v.join("x", ann), errc::full));
        BOOST_TEST(t.size() + u.size() + v.size() == 0u);
    }
    {
        topic_table t{{.metadata_bytes = 3}};
        BOOST_TEST(is(t.join("x", ann, json("1234")), errc::too_large));
        BOOST_TEST(!t.contains("x", ann));
        BOOST_TEST(is(t.join("x", ann, json("123")), topic_change::added));
        BOOST_TEST(is(t.join("x", ann, json("1234")), errc::too_large));
        BOOST_TEST(t.metadata("x", ann).value().bytes == "123");
    }
    {
        topic_table t{{.entries_per_topic = 2, .value_bytes = 3}};
        for (auto p : {ann, bob}) BOOST_TEST(is(t.join("x", p), topic_change::added));
        BOOST_TEST(is(t.join("y", bob), topic_change::added));
        BOOST_TEST(is(t.set("x", ann, "1", json("1234")), errc::too_large));
        BOOST_TEST(is(t.set("x", ann, "1", json("123")), topic_change::added));
        BOOST_TEST(is(t.set("x", bob, "2", json("")), topic_change::added));
        BOOST_TEST(is(t.set("x", bob, "3", json("")), errc::full));
        BOOST_TEST(is(t.set("x", ann, "1", json("1234")), errc::too_large));
        BOOST_TEST(is(t.set("x", ann, "1", json("124")), topic_change::updated));
        BOOST_TEST(is(t.set("y", bob, "3", json("")), topic_change::added));
        BOOST_TEST((t.leave("x", ann) == errc::ok));
        BOOST_TEST(is(t.set("x", bob, "3", json("")), topic_change::added));
        BOOST_TEST(entries(t, "x") == "2=;3=;");
    }
    {
        topic_table t{{.entries_per_peer = 2}};
        for (auto topic : {"x", "y"})
            for (auto p : {ann, bob}) BOOST_TEST(is(t.join(topic, p), topic_change::added));
        BOOST_TEST(is(t.set("x", ann, "1", json("")), topic_change::added));
        BOOST_TEST(is(t.set("y", ann, "1", json(""), time_point{5s}), topic_change::added));
        BOOST_TEST(is(t.set("x", ann, "2", json("")), errc::full));
        BOOST_TEST(is(t.set("x", bob, "2", json("")), topic_change::added));
        t.expire(time_point{5s}, [](auto, auto&) {});
        BOOST_TEST(is(t.set("x", ann, "3", json("")), topic_change::added));
    }
}

BOOST_AUTO_TEST_CASE(a_handle_that_names_nobody_joins_nothing) {
    topic_table t;
    BOOST_TEST(is(t.join("x", nobody), errc::unknown));
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    // the slot's next tenant has to wait until the former one is gone from here
    const peer_handle next{ann.slot, 2};
    BOOST_TEST(is(t.join("y", next), errc::unknown));
    BOOST_TEST(!t.contains("x", next));
    BOOST_TEST(t.joined(next) == 0u);
    BOOST_TEST(is(t.set("x", next, "k", json("v")), errc::unknown));
    t.leave_all(next);
    BOOST_TEST(t.contains("x", ann));
    t.leave_all(ann);
    BOOST_TEST(is(t.join("y", next), topic_change::added));
    BOOST_TEST(is(t.join("y", ann), errc::unknown));
    BOOST_TEST(t.memberships() == 1u);
}

BOOST_AUTO_TEST_CASE(leaving_all_tells_each_topic_once_it_is_left) {
    topic_table t;
    for (auto topic : {"z", "x", "y"}) BOOST_TEST(is(t.join(topic, ann), topic_change::added));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(is(t.set("y", ann, "k", json("v")), topic_change::added));
    std::string told;
    t.leave_all(ann, [&](std::string_view topic) {
        BOOST_TEST(!t.contains(topic, ann));
        BOOST_TEST(t.entries("y") == 0u);
        BOOST_TEST((t.for_each(topic, [&](peer_handle p) { told += p == bob ? "b" : "?"; }) == errc::ok));
        told += topic;
        // the rest of the world may change meanwhile
        t.leave_all(bob);
        for (std::uint32_t i = 10; i < 200; ++i) BOOST_TEST_REQUIRE(t.join("crowd", {i, 1}).has_value());
    });
    BOOST_TEST(told == "zxy"); // bob left while z was told of
    BOOST_TEST(t.size() == 1u);
    BOOST_TEST(t.joined(ann) == 0u);
}

BOOST_AUTO_TEST_CASE(a_walk_allows_every_change) {
    topic_table t;
    for (std::uint32_t i = 0; i < 8; ++i) BOOST_TEST(is(t.join("x", {i, 1}), topic_change::added));
    std::string seen;
    t.for_each("x", [&](peer_handle p) {
        seen += "abcdefgh"[p.slot];
        if (p.slot == 1) {
            for (std::uint32_t i = 0; i < 6; ++i) BOOST_TEST((t.leave("x", {i, 1}) == errc::ok));
            BOOST_TEST(is(t.join("x", {4, 1}), topic_change::added)); // behind the others, after this walk
            for (std::uint32_t i = 100; i < 200; ++i) BOOST_TEST_REQUIRE(t.join("x", {i, 1}).has_value());
            for (std::uint32_t i = 100; i < 200; ++i) BOOST_TEST_REQUIRE((t.leave("x", {i, 1}) == errc::ok));
        }
    });
    BOOST_TEST(seen == "abgh");
    BOOST_TEST(members(t, "x") == "ghe");

    // a topic that empties under a walk can be filled again, or is freed when the walk ends
    for (const bool back : {true, false}) {
        t.for_each("x", [&](peer_handle p) {
            for (std::uint32_t i = 0; i < 8; ++i) t.leave_all({i, 1});
            BOOST_TEST(is(t.join("other", bob), topic_change::added));
            if (back) BOOST_TEST(is(t.join("x", p), topic_change::added));
        });
        BOOST_TEST(members(t, "x") == (back ? "g" : ""));
        BOOST_TEST(t.size() == (back ? 2u : 1u));
        t.leave_all(bob);
    }
    BOOST_TEST(t.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_walk_that_throws_ends_like_any_other) {
    topic_table t;
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    BOOST_CHECK_THROW(t.for_each("x",
                                 [&](peer_handle p) {
                                     t.leave("x", p);
                                     throw std::runtime_error{"no"};
                                 }),
                      std::runtime_error);
    BOOST_TEST(t.size() == 0u);
}

BOOST_AUTO_TEST_CASE(an_entry_is_its_owners) {
    topic_table t;
    BOOST_TEST(is(t.set("x", ann, "k", json("v")), errc::unknown));
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(is(t.join("y", ann), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "k", json("1")), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "k", json("1")), topic_change::none));
    BOOST_TEST(is(t.set("x", ann, "k", json("2")), topic_change::updated));
    BOOST_TEST(is(t.set("y", ann, "k", json("3")), topic_change::added));
    BOOST_TEST(is(t.set("x", bob, "k", json("4")), errc::denied));
    BOOST_TEST(is(t.set("x", eve, "k", json("4")), errc::unknown));
    BOOST_TEST((t.erase("x", bob, "k") == errc::denied));
    BOOST_TEST((t.erase("x", eve, "k") == errc::unknown));
    BOOST_TEST((t.erase("x", ann, "l") == errc::unknown));
    BOOST_TEST((t.erase("z", ann, "k") == errc::unknown));
    BOOST_TEST(is(t.set("x", bob, "j", json("5")), topic_change::added));
    BOOST_TEST(entries(t, "x") == "j=5;k=2;");
    BOOST_TEST(entries(t, "y") == "k=3;");
    BOOST_TEST((t.leave("x", ann) == errc::ok));
    BOOST_TEST(entries(t, "x") == "j=5;");
    BOOST_TEST(entries(t, "y") == "k=3;");
    BOOST_TEST((t.erase("x", bob, "j") == errc::ok));
    BOOST_TEST((t.erase("x", bob, "j") == errc::unknown));
    BOOST_TEST(t.entries("x") == 0u);
}

BOOST_AUTO_TEST_CASE(all_entries_of_an_owner_go_at_once) {
    topic_table t;
    for (auto topic : {"x", "y"})
        for (auto p : {ann, bob}) BOOST_TEST(is(t.join(topic, p), topic_change::added));
    BOOST_TEST(is(t.set("y", ann, "2", json("a")), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "1", json("b"), time_point{1s}), topic_change::added));
    BOOST_TEST(is(t.set("x", bob, "3", json("c")), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "0", json("d")), topic_change::added));
    std::string told;
    t.erase_all(ann, [&](std::string_view topic, const topic_entry& e) {
        BOOST_TEST((e.owner == ann));
        told += std::string{topic} + std::string{e.key} + std::string{e.value.bytes} + " ";
    });
    BOOST_TEST(told == "y2a x1b x0d ");
    BOOST_TEST(entries(t, "x") == "3=c;");
    BOOST_TEST((t.next_expiry() == time_point::max()));
    t.erase_all(eve, [](auto, auto&) { BOOST_ERROR("has none"); });
}

BOOST_AUTO_TEST_CASE(leaving_tells_of_each_entry_that_goes_with_it) {
    topic_table t;
    for (const auto* topic : {"x", "y"})
        for (const auto p : {ann, bob}) t.join(topic, p);
    t.set("x", ann, "2", json("b"));
    t.set("x", bob, "3", json("c"));
    t.set("y", ann, "4", json("d"));
    t.set("x", ann, "1", json("a"));
    std::string told;
    const auto tell = [&](std::string_view topic, const topic_entry& e) {
        told += std::string{topic} + std::string{e.key} + std::string{e.value.bytes};
        BOOST_TEST((e.owner == ann));
        BOOST_TEST(t.contains("x", ann));
    };
    BOOST_TEST((t.leave("z", ann, tell) == errc::unknown));
    BOOST_TEST((t.leave("x", eve, tell) == errc::unknown));
    BOOST_TEST(told == "");
    BOOST_TEST((t.leave("x", ann, tell) == errc::ok));
    BOOST_TEST(told == "x2bx1a");
    BOOST_TEST(entries(t, "x") == "3=c;");
    BOOST_TEST(entries(t, "y") == "4=d;");
}

BOOST_AUTO_TEST_CASE(entries_expire_in_the_order_of_their_times) {
    topic_table t;
    const auto at = [](auto d) { return time_point{d}; };
    BOOST_TEST(is(t.join("x", ann), topic_change::added));
    BOOST_TEST(is(t.join("x", bob), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "a", json("1"), at(30s)), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "b", json("2"), at(10s)), topic_change::added));
    BOOST_TEST(is(t.set("x", bob, "c", json("3"), at(20s)), topic_change::added));
    BOOST_TEST(is(t.set("x", bob, "d", json("4"), at(10s)), topic_change::added));
    BOOST_TEST(is(t.set("x", bob, "e", json("5")), topic_change::added));
    BOOST_TEST((t.next_expiry() == at(10s)));
    std::string told;
    const auto tell = [&](std::string_view topic, const topic_entry& e) {
        told += std::string{topic} + std::string{e.key} + std::string{e.value.bytes} +
                (e.owner == ann ? "a " : "b ");
    };
    t.expire(at(10s) - 1ns, tell);
    BOOST_TEST(told == "");
    t.expire(at(10s), tell);
    BOOST_TEST(told == "xb2a xd4b ");
    BOOST_TEST((t.next_expiry() == at(20s)));

    // set again: later, sooner, never, and from never
    BOOST_TEST(is(t.set("x", bob, "c", json("3"), at(40s)), topic_change::none));
    BOOST_TEST((t.next_expiry() == at(30s)));
    BOOST_TEST(is(t.set("x", ann, "a", json("1")), topic_change::none));
    BOOST_TEST((t.next_expiry() == at(40s)));
    BOOST_TEST(is(t.set("x", bob, "c", json("6"), at(35s)), topic_change::updated));
    BOOST_TEST(is(t.set("x", bob, "e", json("5"), at(33s)), topic_change::none));
    told.clear();
    t.expire(at(1000s), tell);
    BOOST_TEST(told == "xe5b xc6b ");
    BOOST_TEST(entries(t, "x") == "a=1;");
    t.expire(time_point::max(), tell);
    BOOST_TEST(entries(t, "x") == "a=1;");

    // the owner may leave, and the topic end, while it is told
    BOOST_TEST((t.leave("x", bob) == errc::ok));
    BOOST_TEST(is(t.set("x", ann, "f", json("7"), at(2000s)), topic_change::added));
    BOOST_TEST(is(t.set("x", ann, "g", json("8"), at(2001s)), topic_change::added));
    told.clear();
    t.expire(at(3000s), [&](std::string_view topic, const topic_entry& e) {
        t.leave_all(ann);
        tell(topic, e);
    });
    BOOST_TEST(told == "xf7a ");
    BOOST_TEST(t.size() == 0u);
}

BOOST_AUTO_TEST_CASE(it_moves) {
    static_assert(!std::is_copy_constructible_v<topic_table>);
    topic_table a;
    BOOST_TEST(is(a.join("x", ann, json("1")), topic_change::added));
    BOOST_TEST(is(a.set("x", ann, "k", json("v"), time_point{1s}), topic_change::added));
    topic_table b{std::move(a)};
    BOOST_TEST(members(b, "x") == "a1");
    BOOST_TEST(entries(b, "x") == "k=v;");
    a = topic_table{};
    BOOST_TEST(members(a, "x") == "");
    BOOST_TEST(is(a.join("x", bob), topic_change::added));
    b = std::move(a);
    BOOST_TEST(members(b, "x") == "b");
}

// Random operations, also from inside of walks, with small and with large topics and limits.
BOOST_AUTO_TEST_CASE(it_behaves_like_a_naive_one) {
    const topic_limits tight{.total_topics = 5,
                             .topics_per_peer = 3,
                             .members_per_topic = 4,
                             .metadata_bytes = 30,
                             .entries_per_topic = 4,
                             .entries_per_peer = 3,
                             .value_bytes = 30};
    for (unsigned seed = 1; seed <= 12; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937 random{seed};
            std::vector<std::uint8_t> bytes(40'000);
            for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
            const bool small = seed % 2 == 0;
            naive::driver d{small ? tight : topic_limits{}, small ? 8u : 3u, small ? 8u : 100u,
                            [](bool agree) { BOOST_REQUIRE(agree); }};
            d.run(bytes);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
