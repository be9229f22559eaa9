// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/simd.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace sigfire::detail;

// What the kernels are meant to say, byte by byte.
struct plainly {
    static string_masks classify(const char* p) {
        string_masks m{};
        for (unsigned i = 0; i < 64; ++i) {
            const std::uint64_t bit = std::uint64_t{1} << i;
            if (p[i] == '"') m.quote |= bit;
            if (p[i] == '\\') m.backslash |= bit;
            if (p[i] == 'r' || p[i] == 'n') m.r_or_n |= bit;
            if (static_cast<unsigned char>(p[i]) < 0x20 || static_cast<unsigned char>(p[i]) > 0x7f)
                m.unplain |= bit;
        }
        return m;
    }

    static unsigned first_special(const char* p, unsigned from) {
        for (; from < 16; ++from)
            if (const auto c = static_cast<unsigned char>(p[from]);
                c == '"' || c == '\\' || c < 0x20 || c > 0x7f)
                return from;
        return 16;
    }
};

template <class Kernel>
void compare_blocks(std::uint32_t seed) {
    std::mt19937 random{seed};
    long wrong = 0;
    for (int round = 0; round < 5000; ++round) {
        // Exactly 64 bytes on the heap: a kernel that reads more is caught by AddressSanitizer.
        std::vector<char> block(64);
        for (auto& c : block)
            c = round % 2 ? static_cast<char>(random()) : "a\"\\rn\x1f \x7f\x80"[random() % 9];
        const auto expected = plainly::classify(block.data()), got = Kernel::classify(block.data());
        wrong += expected.quote != got.quote || expected.backslash != got.backslash ||
                 expected.r_or_n != got.r_or_n || expected.unplain != got.unplain;
    }
    BOOST_TEST(wrong == 0);
}

template <class Kernel>
void compare_prefixes() {
    long wrong = 0;
    for (int c = 0; c < 256; ++c)
        for (unsigned at = 0; at < 16; ++at)
            for (unsigned from = 0; from <= 16; ++from) {
                std::vector<char> block(16, 'a');
                block[at] = static_cast<char>(c);
                block[(at * 7 + 3) % 16] = c % 3 == 0 ? '"' : ' ';
                wrong +=
                    Kernel::first_special(block.data(), from) != plainly::first_special(block.data(), from);
            }
    BOOST_TEST(wrong == 0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(detail_simd)

BOOST_AUTO_TEST_CASE(blocks) {
    compare_blocks<swar>(1);
    compare_blocks<baseline>(2);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) compare_blocks<avx2>(3);
#endif
}

BOOST_AUTO_TEST_CASE(prefixes) {
    compare_prefixes<swar>();
    compare_prefixes<baseline>();
}

BOOST_AUTO_TEST_SUITE_END()
