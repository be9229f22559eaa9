// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/service_manager.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(program_service_manager)

BOOST_AUTO_TEST_CASE(the_address_is_a_path_or_an_abstract_name) {
    const auto path = parse_notify_address("/run/x");
    BOOST_REQUIRE(path.has_value());
    BOOST_TEST(path->to.sun_family == AF_UNIX);
    BOOST_TEST(std::string{path->to.sun_path} == "/run/x");
    BOOST_TEST(path->size == offsetof(sockaddr_un, sun_path) + 7);
    const auto abstract = parse_notify_address("@name");
    BOOST_REQUIRE(abstract.has_value());
    BOOST_TEST(std::string(abstract->to.sun_path, 5) == std::string("\0name", 5));
    BOOST_TEST(abstract->size == offsetof(sockaddr_un, sun_path) + 5);
    for (const std::string_view odd : {"", "/", "@", "relative", "vsock:2:1", "tcp://x"})
        BOOST_TEST(!parse_notify_address(odd).has_value(), std::string{odd});
    BOOST_TEST(!parse_notify_address(std::string("/a\0b", 4)).has_value());
    constexpr auto room = sizeof(sockaddr_un::sun_path);
    BOOST_TEST(parse_notify_address("/" + std::string(room - 2, 'x')).has_value());
    BOOST_TEST(!parse_notify_address("/" + std::string(room - 1, 'x')).has_value());
}

BOOST_AUTO_TEST_CASE(the_watchdog_is_for_this_process) {
    BOOST_TEST((parse_watchdog("30000000", "", 7) == 30s));
    BOOST_TEST((parse_watchdog("30000000", "7", 7) == 30s));
    BOOST_TEST((parse_watchdog("30000000", "8", 7) == 0s));
    BOOST_TEST((parse_watchdog("", "7", 7) == 0s));
    BOOST_TEST((parse_watchdog("-1", "", 7) == 0s));
    BOOST_TEST((parse_watchdog("1s", "", 7) == 0s));
    BOOST_TEST((parse_watchdog("99999999999999999999", "", 7) == 0s));
}

// A service manager: an abstract socket of this test, named in the environment.
struct manager_end {
    manager_end() : fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)} {
        const auto at = *parse_notify_address(name);
        BOOST_REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&at.to), at.size) == 0);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
        ::setenv("WATCHDOG_USEC", "4000000", 1);
    }
    ~manager_end() { ::close(fd); }
    manager_end(const manager_end&) = delete;
    manager_end& operator=(const manager_end&) = delete;

    strings take() {
        strings all;
        char text[512];
        for (ssize_t n = 0; (n = ::recv(fd, text, sizeof text, 0)) > 0;)
            all.emplace_back(text, static_cast<std::size_t>(n));
        return all;
    }

    std::string name = "@sigfire-test-" + std::to_string(::getpid());
    int fd;
};

BOOST_AUTO_TEST_CASE(the_manager_hears_each_state) {
    manager_end other;
    const service_manager m;
    BOOST_TEST(static_cast<bool>(m));
    BOOST_TEST(std::getenv("NOTIFY_SOCKET") == nullptr);
    BOOST_TEST(std::getenv("WATCHDOG_USEC") == nullptr);
    BOOST_TEST((m.watchdog() == 2s));
    m.ready("Serving\nREADY=0");
    m.status("all well");
    m.alive();
    m.stopping("Draining", 3s);
    BOOST_TEST((other.take() == strings{"READY=1\nSTATUS=Serving\n", "STATUS=all well\n", "WATCHDOG=1\n",
                                        "STOPPING=1\nEXTEND_TIMEOUT_USEC=3000000\nSTATUS=Draining\n"}));
    m.reloading("Reloading");
    const auto told = other.take();
    BOOST_REQUIRE(told.size() == 1u);
    constexpr std::string_view begin = "RELOADING=1\nMONOTONIC_USEC=";
    BOOST_TEST(told[0].starts_with(begin));
    BOOST_TEST(told[0].ends_with("\nSTATUS=Reloading\n"));
    BOOST_TEST(std::stoll(told[0].substr(begin.size())) > 0);
}

BOOST_AUTO_TEST_CASE(nobody_listens_and_nothing_happens) {
    { const manager_end gone; }
    const service_manager m;
    m.ready("x");
    ::setenv("NOTIFY_SOCKET", "nonsense", 1);
    ::setenv("WATCHDOG_USEC", "4000000", 1);
    const service_manager none;
    BOOST_TEST(!static_cast<bool>(none));
    BOOST_TEST((none.watchdog() == 0s));
    none.ready("x");
    none.alive();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
