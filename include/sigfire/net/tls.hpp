// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/tls/tls_loop.hpp>
#include <sigfire/net/tls/tls_server.hpp>
#include <sigfire/net/tls_options.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace sigfire::inline v0_1 {

namespace transport {

/** TLS 1.2 or newer under any stream transport. Models Transport. Needs OpenSSL 3 (CMake target
 *  `sigfire::tls`).
 *
 *      tls{websocket{io, {.port = 443}}, {.certificates = {...}}} // serves wss://
 *      tls{tcp{...}, ...}                                         // tls+tcp://: the messages of tcp over TLS
 *
 *  The limits of the inner transport hold; its time limit for the handshake includes TLS. If a peer does
 *  not use TLS, or its certificate is not trusted, the server drops the connection. Only
 *  `tls_options::on_failure` reports it. If TLS fails later, the connection ends with `tls_failed`.
 *  Renegotiation, compression and early data are off. Clients resume TLS sessions by tickets.
 *
 *  Copies of a description share its certificates, on other threads too. */
template <class T>
class tls : public T {
public:
    /// The loop of the inner transport, with TLS.
    using loop_type = detail::tls_loop<typename T::loop_type>;

    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::stream_connection<tls, loop_type, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = typename detail::stream_engine<tls, loop_type, State>::template with<Sink>;

    /** Describes `inner` with TLS, and reads all certificates and keys.
     *  @throws std::runtime_error if a certificate, key or CA cannot be used; the text has its name and
     *  the reason */
    tls(T inner, tls_options options)
        : T{std::move(inner)},
          server_{std::make_shared<detail::tls_server>(std::move(options), T::upgrades)} {}

    /** Reads certificates, keys and CA again, for this description, its copies and their servers. Open
     *  connections keep the old ones. Session tickets stay valid, unless the keys of the tickets are 24 h old
     * or clients must prove their identity. Thread-safe.
     *  @throws std::runtime_error if one of them cannot be used; the old ones stay in use */
    void reload() const { server_->reload(); }

    /// When all certificates are valid. At other times, clients refuse the server. Thread-safe.
    tls_validity validity() const { return server_->validity(); }

    /// As `address` of the inner transport: `wss://...`, `tls+tcp://...`, `tls+unix:...`.
    std::string address(const detail::stream_acceptor& a) const {
        auto inner = T::address(a);
        return inner.starts_with("ws:") ? "wss" + inner.substr(2) : "tls+" + inner;
    }

    /// Makes a loop of this transport's engine use TLS.
    void prepare(loop_type& loop) const {
        if constexpr (requires(const T& t) { t.prepare(loop.inner()); }) T::prepare(loop.inner());
        loop.use(server_);
    }

private:
    std::shared_ptr<detail::tls_server> server_;
};

} // namespace transport

using transport::tls;

} // namespace sigfire::inline v0_1
