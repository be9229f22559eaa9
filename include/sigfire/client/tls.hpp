// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_cipher.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/tls/tls_context.hpp>
#include <sigfire/net/tls/tls_session.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// How a client verifies its server, and proves its own identity. Each certificate, key and CA is the path of
/// a PEM file. If it contains `-----BEGIN`, it is PEM text.
struct client_tls_options {
    std::string ca{}; ///< CAs for the certificates of servers; empty = the CAs that this system trusts
    std::string certificate{}; ///< this client's own certificate, if the server asks for one
    std::string key{};         ///< key of that certificate, not encrypted; empty = in the same source
    /// Name that the server's certificate must hold for. Empty = the host of the URL, or `localhost` on a
    /// Unix socket.
    std::string server_name{};
    bool verify = true; ///< false: accept every certificate
    /// Called with a text when TLS fails; the operation itself only ends with `tls_failed`. It must not call
    /// the client.
    std::function<void(std::string_view why)> on_failure{};
};

namespace detail {

/// The TLS sessions that servers gave to a client, one for each name. The next handshake with that server is
/// shorter (RFC 8446, 2.2). Each is used for one connection, so that an observer cannot link two connections
/// of a client (RFC 8446, C.4).
class tls_tickets {
public:
    static constexpr std::size_t most = 64; ///< names

    void put(const std::string& name, session_ptr session) {
        const std::lock_guard guard{mutex_};
        if (kept_.size() == most && !kept_.contains(name)) kept_.erase(kept_.begin());
        kept_[name] = std::move(session);
    }

    session_ptr take(const std::string& name) {
        const std::lock_guard guard{mutex_};
        auto node = kept_.extract(name);
        return node ? std::move(node.mapped()) : session_ptr{};
    }

private:
    std::mutex mutex_;
    std::map<std::string, session_ptr> kept_;
};

class openssl_client final : public client_cipher {
public:
    openssl_client(SSL_CTX* context, const client_tls_options& options, std::string name,
                   std::shared_ptr<tls_tickets> tickets)
        : session_{context, wire_, false}, on_failure_{options.on_failure}, name_{std::move(name)},
          tickets_{std::move(tickets)} {
        SSL_set_app_data(native(), this);
        if (const auto ticket = tickets_->take(name_)) SSL_set_session(native(), ticket.get());
    }

    /// OpenSSL's callback: keeps the ticket that the server gives.
    static int keep(SSL* ssl, SSL_SESSION* session) {
        const auto& self = *static_cast<const openssl_client*>(SSL_get_app_data(ssl));
        // A copy: OpenSSL spoils the session of a connection that ends without a goodbye.
        if (session_ptr copy{SSL_SESSION_dup(session)}) try {
                self.tickets_->put(self.name_, std::move(copy));
            } catch (...) { // it cannot pass through C; the next handshake is a full one
            }
        return 0;
    }

    SSL* native() const { return session_.native(); }

    progress receive(std::string_view bytes, std::string& said, std::string& wire) override {
        const auto before = said.size();
        said.resize(before + bytes.size() + SSL3_RT_MAX_PLAIN_LENGTH);
        const auto p = session_.receive(wire_, bytes, {said.data() + before, said.size() - before});
        said.resize(before + p.bytes);
        if (p.end == errc::tls_failed && on_failure_) on_failure_(session_.reason());
        take(wire);
        return {p.established, p.end};
    }

    void send(std::string_view bytes, std::string& wire) override {
        session_.send(bytes);
        take(wire);
    }

    void finish(std::string& wire) override {
        session_.finish();
        take(wire);
    }

private:
    void take(std::string& wire) {
        wire += wire_.out;
        wire_.out.clear();
    }

    tls_wire wire_;
    tls_session session_;
    std::function<void(std::string_view)> on_failure_;
    std::string name_;
    std::shared_ptr<tls_tickets> tickets_;
};

class openssl_security final : public client_security {
public:
    explicit openssl_security(client_tls_options options)
        : options_{std::move(options)}, context_{make_context(TLS_client_method())} {
        verify_servers(context_.get(), options_.ca, options_.verify);
        if (!options_.certificate.empty())
            use_certificate(context_.get(), options_.certificate, options_.key);
        SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context_.get(), openssl_client::keep);
    }

    std::unique_ptr<client_cipher> begin(const std::string& host, bool http) const override {
        const auto& name = options_.server_name.empty() ? host : options_.server_name;
        auto c = std::make_unique<openssl_client>(context_.get(), options_, name, tickets_);
        expect_server(c->native(), name, http);
        return c;
    }

private:
    client_tls_options options_;
    ssl_context_ptr context_;
    std::shared_ptr<tls_tickets> tickets_ = std::make_shared<tls_tickets>();
};

} // namespace detail

/** TLS for clients: with `client c{io, {.tls = client_tls()}}`, `connect` accepts `wss://` and `tls+...`
 *  URLs. Several clients may share one object, on several threads. The object keeps the last session
 *  ticket of each server name, at most 64: the next handshake with that server is shorter. Needs OpenSSL 3
 *  (CMake target `sigfire::tls`).
 *
 *  If the server's certificate is not trusted, or holds for another name, `connect` ends with
 *  `tls_failed`.
 *  @throws std::runtime_error if a certificate, key or CA cannot be used; the text has its name and the
 *  reason */
[[nodiscard]] inline std::shared_ptr<const detail::client_security>
client_tls(client_tls_options options = {}) {
    return std::make_shared<detail::openssl_security>(std::move(options));
}

} // namespace sigfire::inline v0_1
