// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/options.hpp>

#include "support/client_world.hpp"

#include <sigfire/admission/bearer.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/server.hpp>

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <optional>
#include <string>
#include <type_traits>

namespace {

using namespace client_world;
using sigfire::client_hello, sigfire::client_options, sigfire::incoming_kind;

// In braces inside a co_await, g++ 12 destroys such an object twice: here there is nothing to destroy.
static_assert(std::is_trivially_destructible_v<sigfire::join_options> &&
              std::is_trivially_destructible_v<sigfire::publish_options>);

// Letting in a client that has the token, under the id asked for.
template <class Transport>
struct host {
    using check = bool (*)(std::string_view);

    explicit host(Transport net)
        : srv{std::move(net),
              sigfire::hooks{sigfire::bearer{check{[](std::string_view t) { return t == "se\"cret"; }}},
                             sigfire::requested_id{}}} {}

    sigfire::server<Transport, sigfire::hooks<sigfire::bearer<check>, sigfire::requested_id>> srv;
};

client_options saying(std::string token, std::string id) {
    client_options o;
    o.hello = client_hello{std::move(token), std::move(id)};
    return o;
}

// The token opens, the id is given, and a refusal has its cause.
template <class Transport>
void introduce(asio::io_context& io, Transport net) {
    host<Transport> there{std::move(net)};
    client ann{io, saying("se\"cret", "ann \xc3\xa9")}, thief{io, saying("guess", "ann")},
        twin{io, saying("se\"cret", "ann \xc3\xa9")}, nobody{io, saying("", "")};
    const auto [ec, welcome] = connect(io, ann, there.srv.address());
    BOOST_TEST(!ec);
    BOOST_TEST(welcome.id == "ann \xc3\xa9");
    BOOST_TEST(code(io, ann.send("nobody", "bye")) == errc::unknown);
    BOOST_TEST(connect(io, thief, there.srv.address()).first == errc::denied);
    BOOST_TEST(connect(io, twin, there.srv.address()).first == errc::id_in_use);
    BOOST_TEST(connect(io, nobody, there.srv.address()).first == errc::denied);
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_options_)

BOOST_AUTO_TEST_CASE(a_client_introduces_itself_where_there_is_no_http) {
    asio::io_context io;
    introduce(io, sigfire::tcp{io, {.hello = true}});
    introduce(io, sigfire::tcp_lines{io, {.hello = true}});
    const auto path = "/tmp/sigfire-hello-" + std::to_string(::getpid()) + ".sock";
    introduce(io, sigfire::unix_socket{io, {.path = path, .hello = true}});
}

BOOST_AUTO_TEST_CASE(a_client_that_reconnects_resumes_by_its_hello) {
    asio::io_context io;
    puppet first{io, false}, second{io, false};
    first.first = first.frame(R"({"cmd":"welcome","data":{"id":"ann","resume":{"token":"T"}}})");
    second.first = second.frame(R"({"cmd":"welcome","data":{"id":"ann","resume":)"
                                R"({"token":"U","recovered":true,"received":0}}})");
    auto options = saying("secret", "ann");
    options.reconnect.emplace().interval = 0ms;
    options.reconnect->url = [&](const std::string&) { return second.url(); };
    client ann{io, options};
    BOOST_TEST(connect(io, ann, first.url()).second.id == "ann");
    first.say(R"({"id":"1","cmd":"news"})");
    BOOST_TEST(receive(io, ann).second.command == "news");
    BOOST_TEST_REQUIRE(first.got.size() == 1u);
    BOOST_TEST(first.got[0] ==
               R"({"cmd":"hello","data":{"token":"secret","id":"ann","resume":"","received":0},"id":"r0"})");
    first.socket.set_option(asio::socket_base::linger{true, 0});
    first.socket.close();
    BOOST_TEST((receive(io, ann).second.kind == incoming_kind::offline));
    BOOST_TEST(receive(io, ann).second.recovered);
    run_until(io, [&] { return second.got.size() == 2; });
    BOOST_TEST(second.got[0] ==
               R"({"cmd":"hello","data":{"token":"secret","id":"ann","resume":"T","received":1},"id":"r0"})");
}

BOOST_AUTO_TEST_CASE(a_server_that_does_not_ask_is_none_the_worse) {
    asio::io_context io;
    sigfire::server srv{sigfire::tcp{io}};
    client c{io, saying("a", "b")};
    BOOST_TEST(!connect(io, c, srv.address()).first);
    BOOST_TEST(code(io, c.send("nobody", "bye")) == errc::unknown);
}

BOOST_AUTO_TEST_CASE(a_hello_that_is_no_utf8_is_sent_to_nobody) {
    asio::io_context io;
    client c{io, saying("\xff", "")};
    BOOST_TEST(connect(io, c, "tcp://127.0.0.1:1").first == errc::malformed);
}

BOOST_AUTO_TEST_SUITE_END()
