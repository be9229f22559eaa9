// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/outbox.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <string>

using namespace sigfire;

namespace {

bool put(outbox& o, detail::buffer_pool& pool, std::string_view s, std::size_t limit = 1 << 20) {
    char* p = o.reserve(pool, s.size(), limit);
    if (!p) return false;
    std::memcpy(p, s.data(), s.size());
    o.commit(s.size());
    return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(outbox_)

BOOST_AUTO_TEST_CASE(bytes_that_are_put_in_come_out) {
    detail::buffer_pool pool;
    outbox o;
    BOOST_TEST(o.size() == 0u);
    BOOST_TEST(put(o, pool, "one"));
    BOOST_TEST(put(o, pool, "two"));
    BOOST_TEST(o.pending() == "onetwo");
    BOOST_TEST(!o.torn());
    o.sent(pool, 4);
    BOOST_TEST(o.pending() == "wo");
    BOOST_TEST(o.torn());
    o.sent(pool, 2);
    BOOST_TEST(o.size() == 0u);
    BOOST_TEST(!o.torn());
}

BOOST_AUTO_TEST_CASE(a_reservation_adds_only_committed_bytes) {
    detail::buffer_pool pool;
    outbox o;
    BOOST_TEST(o.reserve(pool, 100, 1000));
    BOOST_TEST(o.size() == 0u);
    std::memcpy(o.reserve(pool, 100, 1000), "abc", 3);
    o.commit(2);
    BOOST_TEST(o.pending() == "ab");
    o.clear(pool);
}

BOOST_AUTO_TEST_CASE(the_limit_counts_waiting_bytes) {
    detail::buffer_pool pool;
    outbox o;
    BOOST_TEST(o.fits(1 << 20, 10));
    BOOST_TEST(put(o, pool, std::string(50, 'x'), 10), "an empty outbox takes anything");
    BOOST_TEST(!o.fits(1, 50));
    BOOST_TEST(!put(o, pool, "y", 50));
    BOOST_TEST(o.fits(1, 51));
    o.sent(pool, 49);
    BOOST_TEST(put(o, pool, std::string(49, 'z'), 50));
    BOOST_TEST(!put(o, pool, "y", 50));
    BOOST_TEST(o.pending() == "x" + std::string(49, 'z'));
    o.clear(pool);
    BOOST_TEST(o.size() == 0u);
}

// Buffers grow, move and come back in any order of puts and sends.
BOOST_AUTO_TEST_CASE(against_a_string) {
    detail::buffer_pool pool;
    outbox o;
    std::string expected;
    std::mt19937 random{7};
    for (int i = 0; i < 20'000; ++i) {
        if (random() % 3) {
            const std::string s(random() % 3000, static_cast<char>('a' + i % 26));
            BOOST_REQUIRE(put(o, pool, s, 1 << 30));
            expected += s;
        } else {
            const auto n = expected.empty() ? 0 : random() % (2 * expected.size());
            const auto sent = std::min<std::size_t>(n, expected.size());
            if (sent) o.sent(pool, sent);
            expected.erase(0, sent);
        }
        if (o.pending() != expected) BOOST_FAIL("differs after " << i);
    }
    o.clear(pool);
}

BOOST_AUTO_TEST_CASE(an_idle_outbox_holds_no_buffer) {
    detail::buffer_pool pool;
    outbox a, b;
    BOOST_TEST(put(a, pool, "x"));
    const auto* buffer = a.pending().data();
    a.sent(pool, 1);
    BOOST_TEST(put(b, pool, "y"));
    BOOST_TEST((b.pending().data() == buffer), "the buffer went back to the pool");
    b.clear(pool);
    static_assert(sizeof(outbox) <= 32);
}

shared_block block_of(std::string_view s) {
    shared_block b{s.size()};
    std::memcpy(b.data(), s.data(), s.size());
    return b;
}

std::string all_of(const outbox& o) {
    std::array<std::string_view, 64> pieces;
    std::string out;
    for (const auto p : std::span{pieces}.first(o.pieces(pieces))) out += p;
    return out;
}

BOOST_AUTO_TEST_CASE(blocks_stand_where_they_were_appended_and_once_in_memory) {
    detail::buffer_pool pool;
    std::size_t total = 0;
    outbox a, b;
    const auto block = block_of("shared");
    BOOST_TEST(put(a, pool, "one "));
    a.append(block, total);
    BOOST_TEST(put(a, pool, " two "));
    a.append(block, total);
    a.append(block, total);
    BOOST_TEST(put(a, pool, " three"));
    b.append(block, total);
    BOOST_TEST(total == 6u, "it waits in two outboxes, and counts once");
    BOOST_TEST(a.size() == 33u);
    BOOST_TEST(a.own_size() == 15u);
    BOOST_TEST(!a.fits(1, 33));
    BOOST_TEST(all_of(a) == "one shared two sharedshared three");
    BOOST_TEST(a.pending() == "one ");
    std::array<std::string_view, 4> pieces;
    BOOST_TEST(a.pieces(pieces) == 4u);
    BOOST_TEST((pieces[1].data() == block.view().data() && pieces[3].data() == block.view().data()));
    a.sent(pool, 7);
    BOOST_TEST(a.torn());
    BOOST_TEST(all_of(a) == "red two sharedshared three");
    a.sent(pool, 14);
    BOOST_TEST(all_of(a) == "shared three");
    a.sent(pool, 6);
    BOOST_TEST(!a.shares());
    BOOST_TEST(a.pending() == " three");
    BOOST_TEST(total == 6u);
    b.clear(pool);
    BOOST_TEST(total == 0u);
    a.sent(pool, 6);
    BOOST_TEST(a.size() == 0u);
    BOOST_TEST(!a.torn());
}

BOOST_AUTO_TEST_CASE(blocks_against_a_string) {
    detail::buffer_pool pool;
    std::size_t total = 0;
    {
        outbox o;
        std::string expected;
        std::mt19937 random{11};
        for (int i = 0; i < 20'000; ++i) {
            const std::string s(random() % 3000, static_cast<char>('a' + i % 26));
            const auto what = random() % 4;
            if (what == 0) {
                BOOST_REQUIRE(put(o, pool, s, 1 << 30));
                expected += s;
            } else if (what == 1) {
                o.append(block_of(s), total);
                expected += s;
            } else {
                std::size_t next = 0;
                std::array<std::string_view, 5> pieces;
                for (const auto p : std::span{pieces}.first(o.pieces(pieces))) {
                    if (expected.compare(next, p.size(), p) != 0) BOOST_FAIL("differs after " << i);
                    next += p.size();
                }
                const auto sent = next == 0 ? 0 : random() % (next + 1);
                if (sent) o.sent(pool, sent);
                expected.erase(0, sent);
            }
            if (o.size() != expected.size()) BOOST_FAIL("another size after " << i);
        }
        o.clear(pool);
    }
    BOOST_TEST(total == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
