// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/unix_socket.hpp>

#include <sigfire/net/engine/loop_wait.hpp>

#include "support/transport_laws.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace sigfire;
namespace fs = std::filesystem;

struct no_sink {
    static constexpr bool checks_utf8 = false;
    std::optional<process_identity> process;
    int opened = 0;
    void opening(auto& c, const request& r) {
        ++opened;
        process = owned_request{r}.view().process;
        c.accept({});
    }
    void received(auto&, message) {}
    void alive(auto&) {}
    void closed(auto&, errc) {}
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }
};

using engine = sigfire::unix_socket::engine<int, no_sink>;

struct place {
    place() : path{(fs::temp_directory_path() / ("sigfire-test-" + std::to_string(::getpid()))).string()} {
        fs::remove(path);
    }
    ~place() { fs::remove(path); }

    boost::asio::io_context io;
    no_sink sink;
    std::string path;
    error_code ec;
};

BOOST_AUTO_TEST_SUITE(unix_socket)

BOOST_FIXTURE_TEST_CASE(it_keeps_the_laws, place) {
    const unix_socket_options options{.path = path, .limits = {.message = 300'000, .outbox = 100'000}};
    stream_test::check_laws<framing::length>(io, sigfire::unix_socket{io, options}, 300'000, 100'000);
    stream_test::check_laws<framing::line>(io, sigfire::unix_socket_lines{io, options}, 300'000, 100'000);
    stream_test::check_laws<framing::length>(io, transport::basic_unix_socket<detail::loop_wait>{io, options},
                                             300'000, 100'000);
}

BOOST_FIXTURE_TEST_CASE(the_path_comes_and_goes_with_the_engine, place) {
    {
        engine e{sigfire::unix_socket{io, {.path = path}}, sink};
        BOOST_TEST(!fs::exists(path));
        BOOST_TEST(e.address() == "unix:" + path);
        e.open(ec);
        BOOST_TEST(!ec);
        BOOST_TEST(fs::is_socket(path));
    }
    BOOST_TEST(!fs::exists(path));
}

BOOST_FIXTURE_TEST_CASE(a_stale_path_is_taken_over, place) {
    {
        boost::asio::local::stream_protocol::acceptor dead{io, {path}}; // closes, but leaves its path
    }
    BOOST_TEST_REQUIRE(fs::exists(path));
    engine e{sigfire::unix_socket{io, {.path = path}}, sink};
    e.open(ec);
    BOOST_TEST(!ec);
    stream_test::peer<framing::length> p{io, e.address()};
}

BOOST_FIXTURE_TEST_CASE(a_path_that_somebody_listens_on_is_left_alone, place) {
    {
        boost::asio::local::stream_protocol::acceptor living{io, {path}};
        engine e{sigfire::unix_socket{io, {.path = path}}, sink};
        e.open(ec);
        BOOST_TEST((ec == boost::asio::error::address_in_use));
    }
    BOOST_TEST(fs::exists(path), "an engine that could not have it does not remove it");
}

BOOST_FIXTURE_TEST_CASE(a_path_that_another_has_by_now_is_left_alone, place) {
    engine newer{sigfire::unix_socket{io, {.path = path}}, sink};
    {
        engine older{sigfire::unix_socket{io, {.path = path}}, sink};
        older.open(ec);
        BOOST_TEST_REQUIRE(!ec);
        fs::remove(path); // by an operator, say
        newer.open(ec);
        BOOST_TEST_REQUIRE(!ec);
    }
    BOOST_TEST(fs::is_socket(path));
    stream_test::peer<framing::length> p{io, newer.address()};
}

BOOST_FIXTURE_TEST_CASE(of_two_that_take_over_a_path_at_once_one_gets_it, place) {
    for (int round = 0; round < 400; ++round) {
        {
            boost::asio::local::stream_protocol::acceptor dead{io, {path}};
        }
        std::atomic<int> ready = 0, got = 0;
        const auto start = [&] {
            boost::asio::io_context own;
            no_sink nobody;
            error_code why;
            engine e{sigfire::unix_socket{own, {.path = path}}, nobody};
            ++ready;
            while (ready < 2) std::this_thread::yield();
            e.open(why);
            if (!why) {
                ++got;
                boost::asio::local::stream_protocol::socket reaches{own};
                reaches.connect({path}, why);
                if (why) got = -1;
            }
            ++ready;
            while (ready < 4) std::this_thread::yield();
        };
        std::thread other{start};
        start();
        other.join();
        BOOST_TEST(got == 1);
        fs::remove(path);
    }
}

BOOST_FIXTURE_TEST_CASE(a_folder_that_is_locked_for_something_else_is_not_waited_for_long, place) {
    const int folder = ::open(fs::path{path}.parent_path().c_str(), O_RDONLY | O_DIRECTORY);
    BOOST_TEST_REQUIRE(folder >= 0);
    BOOST_TEST_REQUIRE(::flock(folder, LOCK_SH) == 0);
    engine e{sigfire::unix_socket{io, {.path = path}}, sink};
    e.open(ec);
    ::close(folder);
    BOOST_TEST(!ec);
    BOOST_TEST(fs::is_socket(path));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_no_socket_is_left_alone, place) {
    std::ofstream{path} << "precious";
    {
        engine e{sigfire::unix_socket{io, {.path = path}}, sink};
        e.open(ec);
        BOOST_TEST(ec.failed());
    }
    BOOST_TEST(fs::is_regular_file(path));
}

BOOST_FIXTURE_TEST_CASE(paths_that_cannot_be, place) {
    for (const std::string& wrong : {std::string{}, std::string(108, 'x'), std::string{"/nowhere/at/all"}}) {
        engine e{sigfire::unix_socket{io, {.path = wrong}}, sink};
        e.open(ec);
        BOOST_TEST(ec.failed(), wrong);
    }
}

BOOST_FIXTURE_TEST_CASE(the_process_that_connects_is_known, place) {
    engine e{sigfire::unix_socket{io, {.path = path}}, sink};
    e.open(ec);
    using peer = stream_test::peer<framing::length>;
    peer p{io, e.address()};
    BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return sink.opened == 1; }));
    BOOST_TEST_REQUIRE(sink.process.has_value());
    BOOST_TEST(sink.process->pid == ::getpid());
    BOOST_TEST(sink.process->uid == ::geteuid());
    BOOST_TEST(sink.process->gid == ::getegid());
}

BOOST_FIXTURE_TEST_CASE(an_abstract_name_leaves_no_file, place) {
    const auto name = "@sigfire-test-" + std::to_string(::getpid());
    engine e{sigfire::unix_socket{io, {.path = name, .mode = 0600}}, sink};
    e.open(ec);
    BOOST_TEST_REQUIRE(!ec);
    BOOST_TEST(e.address() == "unix:" + name);
    BOOST_TEST(!fs::exists(name));
    boost::asio::local::stream_protocol::socket s{io};
    s.connect({'\0' + name.substr(1)}, ec);
    BOOST_TEST(!ec);
    engine second{sigfire::unix_socket{io, {.path = name}}, sink};
    second.open(ec);
    BOOST_TEST((ec == boost::asio::error::address_in_use));
}

BOOST_FIXTURE_TEST_CASE(the_socket_file_has_the_given_mode, place) {
    for (const unsigned mode : {0600u, 0666u, 0660u}) {
        engine e{sigfire::unix_socket{io, {.path = path, .mode = mode}}, sink};
        e.open(ec);
        BOOST_TEST(!ec);
        struct stat there{};
        BOOST_TEST(::stat(path.c_str(), &there) == 0);
        BOOST_TEST((there.st_mode & 0777) == mode);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
