// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/tls_world.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// A web server that says what the test tells it.
namespace web_world {

namespace asio = boost::asio;
using asio::ip::tcp;
using tls_world::identity;

/// A server in the same loop. It answers the requests of all connections in the order of `script`; `""` ends
/// the connection without an answer, and with `...` the answer never ends.
struct web {
    explicit web(asio::io_context& loop, const identity* who = nullptr)
        : io{loop}, acceptor{loop, {asio::ip::make_address("127.0.0.1"), 0}} {
        if (who != nullptr) {
            tls.emplace(asio::ssl::context::tls_server);
            sigfire::detail::use_certificate(tls->native_handle(), who->certificate(), who->key());
        }
        asio::co_spawn(io, serve(), asio::detached);
    }

    std::string url(const std::string& host = "127.0.0.1") const {
        return std::string{tls ? "https://" : "http://"} + host + ':' + std::to_string(port()) + "/x?y";
    }
    unsigned short port() const { return acceptor.local_endpoint().port(); }

    asio::awaitable<void> serve() {
        for (;;) {
            auto s = std::make_shared<tcp::socket>(co_await acceptor.async_accept(asio::use_awaitable));
            ++accepted;
            sockets.push_back(s);
            asio::co_spawn(io, connection(s), asio::detached);
        }
    }
    asio::awaitable<void> connection(std::shared_ptr<tcp::socket> s) {
        if (!greeting.empty()) co_await asio::async_write(*s, asio::buffer(greeting), asio::use_awaitable);
        if (!tls) {
            co_await talk(*s, *s);
            co_return;
        }
        if (proxy) co_await dig(*s);
        asio::ssl::stream<tcp::socket&> secure{*s, *tls};
        co_await secure.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
        name = SSL_get_servername(secure.native_handle(), TLSEXT_NAMETYPE_host_name)
                   ? SSL_get_servername(secure.native_handle(), TLSEXT_NAMETYPE_host_name)
                   : "";
        co_await talk(secure, *s);
    }
    asio::awaitable<void> dig(tcp::socket& s) {
        const auto n =
            co_await asio::async_read_until(s, asio::dynamic_buffer(tunnel), "\r\n\r\n", asio::use_awaitable);
        tunnel.resize(n);
        co_await asio::async_write(s, asio::buffer(tunnel_answer), asio::use_awaitable);
    }
    template <class S>
    asio::awaitable<void> talk(S& s, tcp::socket& below) {
        std::string in;
        for (;;) {
            const auto n =
                co_await asio::async_read_until(s, asio::dynamic_buffer(in), "\r\n\r\n", asio::use_awaitable);
            auto head = in.substr(0, n);
            in.erase(0, n);
            std::size_t length = 0;
            if (const auto at = head.find("Content-Length: "); at != head.npos)
                length = std::stoul(head.substr(at + 16));
            while (in.size() < length) {
                char more[4096];
                const auto got = co_await s.async_read_some(asio::buffer(more), asio::use_awaitable);
                in.append(more, got);
            }
            heard.push_back(head + in.substr(0, length));
            in.erase(0, length);
            const auto said = script.size() > next ? script[next++] : ok("late");
            if (said.empty()) co_return below.close();
            co_await asio::async_write(s, asio::buffer(said), asio::use_awaitable);
            if (said.find("Connection: close") != said.npos) co_return below.close();
        }
    }

    static std::string ok(const std::string& body, const std::string& more = {}) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" +
               body;
    }

    asio::io_context& io;
    tcp::acceptor acceptor;
    std::optional<asio::ssl::context> tls;
    std::vector<std::shared_ptr<tcp::socket>> sockets;
    std::vector<std::string> script, heard;
    std::size_t next = 0;
    unsigned accepted = 0;
    bool proxy = false;
    std::string greeting, name, tunnel, tunnel_answer = "HTTP/1.1 200 Fine\r\n\r\n";
};

} // namespace web_world
