// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/adopt_descriptor.hpp>

#include <sigfire/net/engine/loop_wait.hpp>
#include <sigfire/net/unix_socket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace sigfire;

// Lets everybody in and says one shared message between two of its own, several times.
struct talker {
    static constexpr bool checks_utf8 = false;
    std::string shared;
    int opened = 0;

    void opening(auto& c, const request&) {
        ++opened;
        c.accept({});
        const auto block = c.share(message_type::text, shared);
        for (int i = 0; i < 30; ++i) {
            const auto text = std::to_string(i);
            std::memcpy(c.reserve(message_type::text, text.size()), text.data(), text.size());
            c.commit(text.size());
            BOOST_TEST(c.append(block));
        }
    }
    void received(auto&, message) {}
    void alive(auto&) {}
    void closed(auto&, errc) {}
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }
};

std::string framed(const std::string& text) {
    const auto n = text.size();
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(n >> shift);
    return out + text;
}

template <class Loop>
void serve_one(const std::string& path) {
    boost::asio::io_context io;
    talker sink{.shared = std::string(50'000, 's')};
    using transport = transport::basic_unix_socket<Loop>;
    typename transport::template engine<int, talker> engine{transport{io, {.path = path}}, sink};
    error_code ec;
    engine.open(ec);
    BOOST_TEST_REQUIRE(!ec);
    std::array<int, 2> pair{};
    BOOST_TEST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    engine.adopt(pair[0], ec);
    BOOST_TEST_REQUIRE(!ec);
    std::string expected, got;
    for (int i = 0; i < 30; ++i) expected += framed(std::to_string(i)) + framed(sink.shared);
    std::array<char, 7'000> piece;
    const auto limit = clock::now() + std::chrono::seconds{20};
    while (got.size() < expected.size() && clock::now() < limit) {
        io.poll();
        const auto n = ::recv(pair[1], piece.data(), piece.size(), MSG_DONTWAIT);
        if (n > 0) got.append(piece.data(), static_cast<std::size_t>(n));
    }
    BOOST_TEST((got == expected), "all of it, in order, however the socket takes it");
    BOOST_TEST(sink.opened == 1);
    BOOST_TEST(engine.counters().bytes_out == expected.size());
    BOOST_TEST(engine.counters().unsent == 0u);
    ::close(pair[1]);
}

BOOST_AUTO_TEST_SUITE(adopt_descriptor)

BOOST_AUTO_TEST_CASE(a_connected_socket_is_served) {
    serve_one<detail::native_loop>("@sigfire-adopt-test-1-" + std::to_string(::getpid()));
    serve_one<detail::loop_wait>("@sigfire-adopt-test-2-" + std::to_string(::getpid()));
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_not_connected_is_refused_and_left_open) {
    boost::asio::io_context io;
    talker sink;
    unix_socket::engine<int, talker> engine{
        unix_socket{io, {.path = "@sigfire-adopt-test-3-" + std::to_string(::getpid())}}, sink};
    error_code ec;
    const int lonely = ::socket(AF_UNIX, SOCK_STREAM, 0);
    engine.adopt(lonely, ec);
    BOOST_TEST(static_cast<bool>(ec));
    BOOST_TEST(::close(lonely) == 0);
    std::array<int, 2> pair{};
    BOOST_TEST_REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair.data()) == 0);
    engine.adopt(pair[0], ec);
    BOOST_TEST((ec == boost::asio::error::invalid_argument));
    BOOST_TEST(::close(pair[0]) == 0);
    BOOST_TEST(::close(pair[1]) == 0);
    engine.adopt(-1, ec);
    BOOST_TEST(static_cast<bool>(ec));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
