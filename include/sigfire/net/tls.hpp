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

namespace sigfire {

namespace transport {

/** TLS 1.2 or newer under any stream transport: `tls{websocket{io, {.port = 443}}, {.certificates = {...}}}`
 *  serves `wss://`, `tls{tcp{...}, ...}` the same messages as `tcp` over TLS (`tls+tcp://`). Models
 *  Transport. Needs OpenSSL 3 (CMake target `sigfire::tls`).
 *
 *  The transport's limits hold; its handshake time includes that of TLS. A peer that does not speak TLS, or
 *  has a certificate that is not trusted, is cut before anybody hears of it but `tls_options::on_failure`;
 *  one that breaks TLS later ends with `tls_failed`. Renegotiation, compression and early data are off;
 *  sessions are resumed by tickets.
 *
 *  A description that is copied shares its certificates with the copies, on other threads too. */
template <class T>
class tls : public T {
public:
    using loop_type = detail::tls_loop<typename T::loop_type>;

    template <class State>
    using connection = detail::stream_connection<tls, loop_type, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<tls, loop_type, State>::template with<Sink>;

    /// @throws std::runtime_error that says which certificate, key or CA is of no use, and why.
    tls(T inner, tls_options options)
        : T{std::move(inner)},
          server_{std::make_shared<detail::tls_server>(std::move(options), T::upgrades)} {}

    /** Reads certificates, keys and CA again, for this description, its copies and the servers made of it.
     *  Connections that stand go on as they are. Thread-safe.
     *  @throws std::runtime_error if one is of no use; the old ones stay in force. */
    void reload() const { server_->reload(); }

    /// When the first of its certificates ends: after that, clients refuse the server. Thread-safe.
    std::chrono::system_clock::time_point expiry() const { return server_->expiry(); }

    /// As of the transport within: `wss://...`, `tls+tcp://...`, `tls+unix:...`.
    std::string address(const detail::stream_acceptor& a) const {
        auto inner = T::address(a);
        return inner.starts_with("ws:") ? "wss" + inner.substr(2) : "tls+" + inner;
    }

    /// Has a loop of this transport's engine serve TLS.
    void prepare(loop_type& loop) const {
        if constexpr (requires(const T& t) { t.prepare(loop.inner()); }) T::prepare(loop.inner());
        loop.use(server_);
    }

private:
    std::shared_ptr<detail::tls_server> server_;
};

} // namespace transport

using transport::tls;

} // namespace sigfire
