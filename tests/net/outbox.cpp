// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/outbox.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <random>
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

BOOST_AUTO_TEST_CASE(what_is_put_in_comes_out) {
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

BOOST_AUTO_TEST_CASE(a_reservation_adds_only_what_is_committed) {
    detail::buffer_pool pool;
    outbox o;
    BOOST_TEST(o.reserve(pool, 100, 1000));
    BOOST_TEST(o.size() == 0u);
    std::memcpy(o.reserve(pool, 100, 1000), "abc", 3);
    o.commit(2);
    BOOST_TEST(o.pending() == "ab");
    o.clear(pool);
}

BOOST_AUTO_TEST_CASE(the_limit_counts_what_waits) {
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
    BOOST_TEST(b.pending().data() == buffer, "the buffer went back to the pool");
    b.clear(pool);
    static_assert(sizeof(outbox) <= 24);
}

BOOST_AUTO_TEST_SUITE_END()
