// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/client_proxy.hpp>

#include "support/client_world.hpp"
#include "support/tls_world.hpp"

#include <sigfire/client.hpp>
#include <sigfire/client/tls.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/tls.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::detail::parse_proxy;
using tcp = asio::ip::tcp;

// Opens tunnels for a client that says the right words, one at a time.
class proxy {
public:
    explicit proxy(asio::io_context& io)
        : acceptor_{io, {asio::ip::address_v4::loopback(), 0}}, in_{io}, out_{io} {
        acceptor_.async_accept(in_, [this, alive = std::weak_ptr{alive_}](error_code ec) {
            if (ec || alive.expired()) return;
            asio::async_read_until(in_, asio::dynamic_buffer(asked), "\r\n\r\n",
                                   [this, alive](error_code failed, std::size_t n) {
                                       if (!failed && !alive.expired()) open(n);
                                   });
        });
    }

    std::string url(std::string_view who = {}) const {
        return "http://" + std::string{who} +
               "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

    std::string asked;                                            // up to the blank line
    std::string answer = "HTTP/1.1 200 Go on\r\nVia: me\r\n\r\n"; // other than 200: no tunnel
    std::size_t piece = 1000;                                     // bytes of the answer in one write

private:
    void open(std::size_t size) {
        asked.resize(size);
        if (answer.starts_with("HTTP/1.1 2")) {
            const auto port = asked.substr(asked.find(':') + 1, asked.find(" HTTP") - asked.find(':') - 1);
            out_.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoi(port))});
        }
        for (std::string_view rest = answer; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
            asio::write(in_, asio::buffer(rest.substr(0, piece)));
        if (!out_.is_open()) return in_.close();
        splice(in_, out_, up_);
        splice(out_, in_, down_);
    }

    using bytes = std::array<char, 4096>;
    void splice(tcp::socket& from, tcp::socket& to, bytes& room) {
        from.async_read_some(asio::buffer(room), [this, &from, &to, &room, alive = std::weak_ptr{alive_}](
                                                     error_code ec, std::size_t n) {
            if (alive.expired()) return;
            error_code ignored;
            if (ec) return void(to.shutdown(to.shutdown_send, ignored));
            asio::write(to, asio::buffer(room, n), ignored);
            splice(from, to, room);
        });
    }

    std::shared_ptr<int> alive_ = std::make_shared<int>(); // pending operations may outlive this object
    tcp::acceptor acceptor_;
    tcp::socket in_, out_;
    bytes up_, down_;
};

BOOST_AUTO_TEST_SUITE(client_proxy_)

BOOST_AUTO_TEST_CASE(addresses) {
    const struct {
        std::string url, host;
        unsigned port;
        std::string credentials;
    } good[] = {
        {"http://p", "p", 80, ""},
        {"HTTP://p:3128/", "p", 3128, ""},
        {"http://[::1]:3128", "::1", 3128, ""},
        {"http://me@p", "p", 80, "Basic bWU6"},
        {"http://me:s%40crt%3a+@p:1", "p", 1, "Basic bWU6c0BjcnQ6Kw=="},
        {"http://a%2:b@c@p", "p", 80, "Basic YSUyOmJAYw=="},
    };
    for (const auto& row : good) BOOST_TEST_CONTEXT(row.url) {
            const auto p = parse_proxy(row.url);
            BOOST_TEST_REQUIRE(p.has_value());
            BOOST_TEST(p->host == row.host);
            BOOST_TEST(p->port == row.port);
            BOOST_TEST(p->credentials == row.credentials);
        }
    for (const char* bad :
         {"", "p", "p:3128", "https://p", "socks5://p", "http://", "http://p:0", "http://p:65536",
          "http://p/x", "http://p//", "http://p?x", "http://me@", "http://a%3ab:c@p", "http://p q"})
        BOOST_TEST_CONTEXT(bad) BOOST_TEST((parse_proxy(bad).error() == errc::bad_url));
}

BOOST_AUTO_TEST_CASE(requests) {
    sigfire::detail::client_url to;
    to.host = "::1", to.port = "443";
    BOOST_TEST(connect_request({"p", 1, ""}, to) == "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
    to.host = "example.org";
    BOOST_TEST(connect_request({"p", 1, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, to) ==
               "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"
               "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(clients_go_through_a_proxy_on_every_wire) {
    asio::io_context io;
    const auto through = [&](auto transport, std::size_t piece) {
        sigfire::server srv{std::move(transport)};
        proxy p{io};
        p.piece = piece;
        client_options o;
        o.proxy = p.url("me:x@");
        o.tls = sigfire::client_tls({.ca = tls_world::root().certificate()});
        client c{io, o};
        BOOST_TEST_CONTEXT(srv.address()) {
            BOOST_TEST(!connect(io, c, srv.address()).first);
            BOOST_TEST(p.asked.find("\r\nProxy-Authorization: Basic bWU6eA==\r\n") != p.asked.npos);
            BOOST_TEST(code(io, c.send("nobody", "offer", R"({"offer":1})")) == errc::unknown);
            BOOST_TEST(!code(io, c.close()));
        }
    };
    const sigfire::tls_options served{.certificates = {tls_world::localhost().served()}};
    through(sigfire::websocket{io}, 1000);
    through(sigfire::websocket{io}, 1);
    through(sigfire::tcp{io}, 1000);
    through(sigfire::tls{sigfire::websocket{io}, served}, 1000);
    through(sigfire::tls{sigfire::tcp{io}, served}, 7);
}

// A server on TCP may greet before the proxy's answer has been read: both come at once.
BOOST_AUTO_TEST_CASE(bytes_behind_the_answer_are_the_servers) {
    asio::io_context io;
    sigfire::server srv{sigfire::tcp{io}};
    proxy p{io};
    std::string greeting = R"({"id":"1","cmd":"welcome","data":{"id":"me"}})";
    greeting.insert(0, {'\0', '\0', '\0', static_cast<char>(greeting.size())});
    p.answer += greeting;
    client_options o;
    o.proxy = p.url();
    client c{io, o};
    BOOST_TEST(!connect(io, c, srv.address()).first);
    BOOST_TEST(c.id() == "me");
}

BOOST_AUTO_TEST_CASE(a_proxy_that_refuses_has_a_cause_of_its_own) {
    asio::io_context io;
    const auto answered = [&](std::string text) {
        proxy p{io};
        p.answer = std::move(text);
        client_options o;
        o.proxy = p.url();
        client c{io, o};
        return connect(io, c, "ws://127.0.0.1:1/").first;
    };
    BOOST_TEST(answered("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nwhat?") ==
               errc::proxy_refused);
    BOOST_TEST(answered("HTTP/1.1 502 Bad Gateway\r\n\r\n") == errc::proxy_refused);
    BOOST_TEST(answered("SSH-2.0-x\r\n\r\n") == errc::proxy_refused);
    BOOST_TEST(answered("HTTP/1.1 " + std::string(9000, '4')) == errc::header_too_large);
    BOOST_TEST(answered("HTTP/1.1 4") == errc::lost);

    client_options o;
    o.proxy = "p:3128";
    client c{io, o};
    BOOST_TEST(connect(io, c, "ws://127.0.0.1:1/").first == errc::bad_url);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
