// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_cipher.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/tls/tls_context.hpp>
#include <sigfire/net/tls/tls_session.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/// How a client checks its server's identity, and proves its own. Certificates, keys and CAs are each the
/// path of a PEM file or, if it holds `-----BEGIN`, PEM text.
struct client_tls_options {
    std::string ca{};          ///< CAs that vouch for servers; empty = those that this system trusts
    std::string certificate{}; ///< this client's own, if the server wants one
    std::string key{};         ///< its key, not encrypted; empty = in the same place
    std::string server_name{}; ///< name that the server has to prove; empty = the host in the URL,
                               ///< `localhost` on a Unix socket
    bool verify = true;        ///< false: talk to any server that answers
    /// Told why, in words, when TLS fails; the client only ends with `tls_failed`. Must not call the client.
    std::function<void(std::string_view why)> on_failure{};
};

namespace detail {

class openssl_client final : public client_cipher {
public:
    openssl_client(SSL_CTX* context, const client_tls_options& options)
        : session_{context, wire_, false}, on_failure_{options.on_failure} {}

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
};

class openssl_security final : public client_security {
public:
    explicit openssl_security(client_tls_options options)
        : options_{std::move(options)}, context_{make_context(TLS_client_method())} {
        if (!options_.ca.empty())
            trust(context_.get(), options_.ca);
        else if (options_.verify && SSL_CTX_set_default_verify_paths(context_.get()) != 1)
            throw std::runtime_error{"sigfire: TLS: this system's CAs: " + openssl_reason()};
        if (!options_.certificate.empty())
            use_certificate(context_.get(), options_.certificate, options_.key);
        SSL_CTX_set_verify(context_.get(), options_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    }

    std::unique_ptr<client_cipher> begin(const std::string& host, bool http) const override {
        auto c = std::make_unique<openssl_client>(context_.get(), options_);
        const auto ssl = c->native();
        const auto& name = options_.server_name.empty() ? host : options_.server_name;
        error_code no_address;
        boost::asio::ip::make_address(name, no_address);
        if (no_address) {
            // What SSL_set_tlsext_host_name does, without the C cast of that macro.
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(name.c_str()));
            SSL_set1_host(ssl, name.c_str());
        } else {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
        }
        constexpr unsigned char http_1_1[] = "\x08http/1.1";
        if (http) SSL_set_alpn_protos(ssl, http_1_1, sizeof http_1_1 - 1);
        return c;
    }

private:
    client_tls_options options_;
    ssl_context_ptr context_;
};

} // namespace detail

/** TLS for clients: `client c{io, {.tls = client_tls()}}` may `connect` to `wss://` and `tls+tcp://`. One may
 *  serve many clients, on several threads. Needs OpenSSL 3 (CMake target `sigfire::tls`).
 *
 *  A server's certificate that is not trusted, or is for another name, ends `connect` with `tls_failed`.
 *  @throws std::runtime_error that says which certificate, key or CA is of no use, and why. */
inline std::shared_ptr<const detail::client_security> client_tls(client_tls_options options = {}) {
    return std::make_shared<detail::openssl_security>(std::move(options));
}

} // namespace sigfire
