// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_format.hpp>
#include <sigfire/client/detail/client_handshake.hpp>
#include <sigfire/client/detail/client_link.hpp>
#include <sigfire/client/detail/client_proxy.hpp>
#include <sigfire/client/detail/client_stream.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/client/options.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/loopback.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sigfire::inline v0_1::detail {

/// The server of a client: a URL, or a server in this process.
using client_place = std::variant<std::string, transport::loopback>;

/** Starts a connection to `to`; the outcome goes to `events`. `query` is appended to the query of a
 *  WebSocket URL. `hello`, if any, is the first message on sockets without WebSocket. The error names the
 *  fault of `to` or of the options. */
inline result<std::shared_ptr<client_link>> dial(const boost::asio::any_io_executor& executor,
                                                 client_link_events& events, const client_place& to,
                                                 const client_options& options, std::string_view query,
                                                 std::string hello) {
    client_translation translation{options.format};
    if (const auto net = std::get_if<transport::loopback>(&to)) {
        auto link = std::make_shared<client_loopback>(events, std::move(translation));
        link->open(*net);
        return {std::move(link)};
    }
    auto url = parse_url(std::get<std::string>(to));
    if (!url) return url.error();
    if (url->secure && !options.tls) return make_error_code(errc::no_tls);
    if (url->lines && translation) return make_error_code(errc::bad_url); // a line is text
    auto proxy = options.proxy.empty() ? result<http_proxy>{http_proxy{}} : parse_proxy(options.proxy);
    if (!proxy) return proxy.error();
    auto key = sec_websocket_key();
    auto offered = options.subprotocol;
    if (translation)
        offered.insert(0, std::string{translation.subprotocol()} + (offered.empty() ? "" : ", "));
    auto request = std::move(hello);
    if (url->via == scheme::ws) {
        if (!query.empty()) add_to_query(*url, query);
        auto text = upgrade_request(*url, key, offered, options.headers);
        if (!text) return text.error();
        request = std::move(*text);
    }
    const framing_limits framing{options.message, options.idle_frames, !json_client::checks_utf8};
    auto link =
        std::make_shared<client_stream>(executor, events,
                                        client_stream_limits{framing, options.outbox, options.header,
                                                             options.address_timeout, options.ping_interval});
    if (url->secure)
        link->secure(options.tls->begin(url->via == scheme::unix_socket ? "localhost" : url->host,
                                        url->via == scheme::ws));
    if (!options.proxy.empty()) link->connect_through(*std::move(proxy));
    if (translation) link->translate(std::move(translation), url->via != scheme::ws);
    link->open(*url, std::move(request), std::move(key), std::move(offered));
    return {std::move(link)};
}

} // namespace sigfire::inline v0_1::detail
