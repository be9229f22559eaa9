// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/proxy/network_list.hpp>
#include <sigfire/net/proxy/proxy_loop.hpp>

#include <boost/asio/error.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// The proxies in front of a server.
struct proxied_options {
    /// Addresses and networks (`10.0.0.0/8`) of the proxies; their connections begin with a PROXY header.
    /// `unix` = connections over a Unix socket. All other connections keep the address of their socket.
    std::vector<std::string> proxies{};
};

namespace transport {

/** A stream transport behind proxies that send the PROXY protocol (HAProxy's, versions 1 and 2).
 *
 *      proxied{websocket{io, {.port = 3003}}, {.proxies = {"10.0.0.1"}}}
 *      tls{proxied{tcp{...}, ...}, ...}
 *
 *  `request::remote` is then the client's address, and `request::secure` comes from the PROXY header.
 *  Models Transport.
 *
 *  The time limit of the handshake includes the PROXY header. If a proxy sends anything else, the server
 *  drops the connection. */
template <class T>
class proxied : public T {
public:
    /// The loop of the inner transport, with PROXY headers.
    using loop_type = detail::proxy_loop<typename T::loop_type>;

    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::stream_connection<proxied, loop_type, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = typename detail::stream_engine<proxied, loop_type, State>::template with<Sink>;

    /// Describes `inner` behind proxies.
    proxied(T inner, proxied_options options)
        : T{std::move(inner)}, options_{std::move(options)}, proxies_{options_.proxies} {}

    /// As `bind` of the inner transport. `invalid_argument` if a listed proxy is neither an address, a
    /// network nor `unix`.
    void bind(detail::stream_acceptor& a, error_code& ec) {
        if (!proxies_.valid())
            ec = boost::asio::error::invalid_argument;
        else
            T::bind(a, ec);
    }

    /// Whether `remote`, a numeric address, is that of a trusted proxy.
    bool trusts(std::string_view remote) const {
        if constexpr (requires(const T& t) { t.trusts(remote); })
            if (T::trusts(remote)) return true;
        return proxies_.contains(remote);
    }

    /// Makes a loop of this transport's engine expect PROXY headers.
    void prepare(loop_type& loop) const {
        if constexpr (requires(const T& t) { t.prepare(loop.inner()); }) T::prepare(loop.inner());
        loop.expect(proxies_);
    }

private:
    proxied_options options_;
    detail::network_list proxies_;
};

} // namespace transport

using transport::proxied;

} // namespace sigfire::inline v0_1
