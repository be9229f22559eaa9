// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/activation.hpp>

#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>

#include "support/stream_peer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace sigfire;
namespace fs = std::filesystem;
using local = boost::asio::local::stream_protocol;

void say(const char* pid, const char* count, const char* names) {
    ::setenv("LISTEN_PID", pid, 1);
    ::setenv("LISTEN_FDS", count, 1);
    names ? ::setenv("LISTEN_FDNAMES", names, 1) : ::unsetenv("LISTEN_FDNAMES");
}

struct open_sink {
    static constexpr bool checks_utf8 = false;
    int opened = 0;
    void opening(auto& c, const request&) { ++opened, c.accept({}); }
    void received(auto&, message) {}
    void alive(auto&) {}
    void closed(auto&, errc) {}
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }
};

BOOST_AUTO_TEST_SUITE(activation)

BOOST_AUTO_TEST_CASE(the_variables_name_the_sockets) {
    const auto me = std::to_string(::getpid()), other = std::to_string(::getppid());
    const auto told = [](const std::string& pid, const char* count, const char* names) {
        say(pid.c_str(), count, names);
        std::string out;
        for (const auto& s : activated_sockets()) out += std::to_string(s.descriptor) + s.name + ' ';
        BOOST_TEST(std::getenv("LISTEN_PID") == nullptr);
        BOOST_TEST(std::getenv("LISTEN_FDS") == nullptr);
        BOOST_TEST(std::getenv("LISTEN_FDNAMES") == nullptr);
        return out;
    };
    BOOST_TEST(told(me, "2", nullptr) == "3 4 ");
    BOOST_TEST(told(me, "3", "web:unix:") == "3web 4unix 5 ");
    BOOST_TEST(told(me, "3", "web") == "3web 4 5 ");
    BOOST_TEST(told(me, "1", "web:unix") == "3web ");
    for (const char* none : {"0", "-1", "", "x", "2x", "99999999999999999999", "5000"})
        BOOST_TEST(told(me, none, "web") == "");
    BOOST_TEST(told(other, "2", nullptr) == "");
    BOOST_TEST(told("", "2", nullptr) == "");
    BOOST_TEST(activated_sockets().empty());
}

BOOST_AUTO_TEST_CASE(sockets_that_were_handed_over_are_served) {
    boost::asio::io_context io;
    open_sink sink;
    error_code ec;
    {
        boost::asio::ip::tcp::acceptor theirs{io, {boost::asio::ip::address_v4::loopback(), 0}};
        const auto port = theirs.local_endpoint().port();
        const int fd = theirs.release();
        sigfire::websocket::engine<int, open_sink> e{sigfire::websocket{io, {.descriptor = fd}}, sink};
        e.open(ec);
        BOOST_TEST(!ec);
        BOOST_TEST(e.address() == "ws://127.0.0.1:" + std::to_string(port));
        BOOST_TEST((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        using peer = stream_test::peer<framing::websocket<framing::role::client>>;
        peer p{io, e.address()};
        BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return sink.opened == 1; }));
    }
    const auto path = (fs::temp_directory_path() / ("sigfire-fd-" + std::to_string(::getpid()))).string();
    fs::remove(path);
    for (const std::string& name : {path, std::string(1, '\0') + "sigfire-" + std::to_string(::getpid())}) {
        local::acceptor theirs{io, {name}};
        const auto shown = name.front() ? name : '@' + name.substr(1);
        sigfire::unix_socket::engine<int, open_sink> e{
            sigfire::unix_socket{io, {.descriptor = theirs.release()}}, sink};
        e.open(ec);
        BOOST_TEST(!ec);
        BOOST_TEST(e.address() == "unix:" + shown);
    }
    BOOST_TEST(fs::exists(path), "its maker removes it");
    fs::remove(path);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_does_not_listen_is_refused) {
    boost::asio::io_context io;
    open_sink sink;
    boost::asio::ip::tcp::socket idle{io, boost::asio::ip::tcp::v4()};
    for (const int wrong : {idle.native_handle(), ::dup(0), 9999}) {
        sigfire::websocket::engine<int, open_sink> e{sigfire::websocket{io, {.descriptor = wrong}}, sink};
        error_code ec;
        e.open(ec);
        BOOST_TEST(ec.failed());
    }
    BOOST_TEST(idle.is_open());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
