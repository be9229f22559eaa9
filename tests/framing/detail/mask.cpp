// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/framing/detail/mask.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(detail_mask)

// Every length around the word size, at every alignment, with every rotation of the key.
BOOST_AUTO_TEST_CASE(masks_every_length_at_every_alignment) {
    const std::string key = "\x01\x20\x83\xf4";
    for (std::size_t n = 0; n < 70; ++n)
        for (std::size_t at = 0; at < 8; ++at) {
            std::string bytes(at + n + 1, 'x'), expected = bytes;
            for (std::size_t i = 0; i < n; ++i) expected[at + i] = static_cast<char>('x' ^ key[i % 4]);
            std::uint32_t k;
            std::memcpy(&k, key.data(), 4);
            detail::mask(&bytes[at], n / 3, k);
            detail::mask(&bytes[at] + n / 3, n - n / 3, detail::advance_mask(k, n / 3));
            BOOST_TEST(bytes == expected);
        }
}

BOOST_AUTO_TEST_CASE(keys_differ) {
    std::set<std::uint32_t> keys;
    for (int i = 0; i < 1000; ++i) keys.insert(detail::fresh_mask_key());
    BOOST_TEST(keys.size() >= 998u); // two of a thousand drawn from 2^32 may meet
}

BOOST_AUTO_TEST_SUITE_END()
