// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/asio/completion.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace {

// Counts the blocks that are out.
template <class T>
struct counting {
    using value_type = T;

    explicit counting(int& blocks, bool& full) : out{&blocks}, exhausted{&full} {}
    template <class U>
    explicit counting(const counting<U>& other) : out{other.out}, exhausted{other.exhausted} {}

    T* allocate(std::size_t n) {
        if (*exhausted) throw std::bad_alloc{};
        ++*out;
        return std::allocator<T>{}.allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        --*out;
        std::allocator<T>{}.deallocate(p, n);
    }
    bool operator==(const counting&) const = default;

    int* out;
    bool* exhausted;
};

using completion = sigfire::detail::completion<int, std::string>;

struct completion_fixture {
    template <class F>
    completion make(F f) {
        return {boost::asio::bind_allocator(counting<char>{blocks, full}, std::move(f)), io.get_executor()};
    }

    boost::asio::io_context io;
    int blocks = 0;
    bool full = false;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(completion_, completion_fixture)

BOOST_AUTO_TEST_CASE(memory_is_of_the_handlers_allocator_and_given_back_before_the_call) {
    int out = -1, said = 0;
    std::string text;
    auto c = make([&](int n, std::string t) { out = blocks, said = n, text = std::move(t); });
    BOOST_TEST(blocks == 1);
    c.complete(7, "seven");
    BOOST_TEST(!c);
    BOOST_TEST(said == 0); // never from within
    io.run();
    BOOST_TEST(said == 7);
    BOOST_TEST(text == "seven");
    BOOST_TEST(out == 0);
    BOOST_TEST(blocks == 0);
}

BOOST_AUTO_TEST_CASE(a_dropped_handler_gives_its_memory_back) {
    const auto held = std::make_shared<int>();
    {
        const auto c = make([held](int, const std::string&) {});
        BOOST_TEST(held.use_count() == 2);
    }
    BOOST_TEST(held.use_count() == 1);
    BOOST_TEST(blocks == 0);
    {
        boost::asio::io_context other;
        completion c{[held](int, const std::string&) {}, other.get_executor()};
        c.complete(1, ""); // and nobody runs it
    }
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(an_allocator_without_memory_throws_and_nothing_is_lost) {
    const auto held = std::make_shared<int>();
    full = true;
    BOOST_CHECK_THROW(make([held](int, const std::string&) {}), std::bad_alloc);
    BOOST_TEST(held.use_count() == 1);
    BOOST_TEST(blocks == 0);
}

BOOST_AUTO_TEST_SUITE_END()
