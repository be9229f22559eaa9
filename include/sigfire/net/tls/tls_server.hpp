// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/tls/tls_context.hpp>
#include <sigfire/net/tls_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The certificates of a server and its demands on clients. All listeners of one description share it.
/// Thread-safe.
class tls_server {
public:
    /// `http`: the inner protocol is HTTP. Then clients that offer only other protocols by ALPN are refused.
    tls_server(tls_options options, bool http)
        : options_{std::move(options)}, http_{http}, context_{load()} {}

    /// Keys of tickets that are older do not survive a reload: with a key, an attacker reads all sessions
    /// that resume by its tickets (RFC 8446, C.4).
    static constexpr std::chrono::hours ticket_keys{24};

    /// Reads all files again. Throws if they cannot be used; then the old ones stay in use.
    void reload(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) {
        auto fresh = load();
        const std::lock_guard lock{mutex_};
        const bool old = now - keys_since_ >= ticket_keys;
        if (old) keys_since_ = now;
        // Clients may resume their sessions without a new proof of identity, unless that proof may have
        // become invalid.
        if (options_.verify == tls_verify::none && !old) {
            unsigned char keys[256];
            const auto size = SSL_CTX_get_tlsext_ticket_keys(context_.get(), nullptr, 0);
            if (size > 0 && static_cast<std::size_t>(size) <= sizeof keys &&
                SSL_CTX_get_tlsext_ticket_keys(context_.get(), keys, size) == 1)
                SSL_CTX_set_tlsext_ticket_keys(fresh.get(), keys, size);
            OPENSSL_cleanse(keys, sizeof keys);
        }
        context_ = std::move(fresh);
    }

    /// The context for the next connection, as an own reference.
    ssl_context_ptr context() const {
        const std::lock_guard lock{mutex_};
        SSL_CTX_up_ref(context_.get());
        return ssl_context_ptr{context_.get()};
    }

    /// When all of the server's certificates are valid, with those of their chains.
    tls_validity validity() const {
        const auto first = context();
        tls_validity out;
        narrow(out, first.get());
        for (const auto& c : *static_cast<contexts*>(SSL_CTX_get_ex_data(first.get(), others_index())))
            narrow(out, c.get());
        return out;
    }

    /// Reports to `tls_options::on_failure` that TLS failed for a connection of `remote`.
    void failed(std::string_view remote, std::string_view why) const {
        if (options_.on_failure) options_.on_failure(remote, why);
    }

private:
    using contexts = std::vector<ssl_context_ptr>;

    // Certificates for other names live as long as the context: its connections may need them.
    static int others_index() {
        static const int index = SSL_CTX_get_ex_new_index(
            0, nullptr, nullptr, nullptr,
            [](void*, void* p, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<contexts*>(p); });
        return index;
    }

    static std::chrono::system_clock::time_point time_of(const ASN1_TIME* t) {
        std::tm parts{};
        if (ASN1_TIME_to_tm(t, &parts) != 1) return {};
        return std::chrono::system_clock::from_time_t(::timegm(&parts));
    }

    static void narrow(tls_validity& v, const X509* c) {
        v.begin = std::max(v.begin, time_of(X509_get0_notBefore(c)));
        v.end = std::min(v.end, time_of(X509_get0_notAfter(c)));
    }

    static void narrow(tls_validity& v, SSL_CTX* c) {
        narrow(v, SSL_CTX_get0_certificate(c));
        STACK_OF(X509)* chain = nullptr;
        if (SSL_CTX_get0_chain_certs(c, &chain) == 1)
            for (int i = 0; i < sk_X509_num(chain); ++i) narrow(v, sk_X509_value(chain, i));
    }

    ssl_context_ptr load() const {
        if (options_.certificates.empty())
            throw std::runtime_error{"sigfire: TLS needs a certificate: tls_options::certificates is empty"};
        auto first = make(options_.certificates.front());
        auto others = std::make_unique<contexts>();
        for (std::size_t i = 1; i < options_.certificates.size(); ++i)
            others->push_back(make(options_.certificates[i]));
        if (SSL_CTX_set_ex_data(first.get(), others_index(), others.get()) != 1) throw std::bad_alloc{};
        others.release();
        // What SSL_CTX_set_tlsext_servername_callback does, without the C cast of that macro.
        SSL_CTX_callback_ctrl(first.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(choose));
        return first;
    }

    ssl_context_ptr make(const tls_certificate& c) const {
        auto context = make_context(TLS_server_method());
        use_certificate(context.get(), c.certificate, c.key);
        if (options_.verify != tls_verify::none) {
            if (options_.ca.empty())
                throw std::runtime_error{"sigfire: TLS needs tls_options::ca to verify client certificates"};
            trust(context.get(), options_.ca);
            SSL_CTX_set_verify(
                context.get(),
                SSL_VERIFY_PEER |
                    (options_.verify == tls_verify::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                nullptr);
        }
        // Tickets: the client keeps the session, not the server.
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
        constexpr unsigned char name[] = "sigfire";
        SSL_CTX_set_session_id_context(context.get(), name, sizeof name - 1);
        if (http_) SSL_CTX_set_alpn_select_cb(context.get(), agree, nullptr);
        return context;
    }

    // SNI (RFC 6066, 3): chooses the certificate for the name; the first one if none holds for it.
    static int choose(SSL* ssl, int*, void*) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        const auto first = SSL_get_SSL_CTX(ssl);
        const auto holds = [&](SSL_CTX* c) {
            return X509_check_host(SSL_CTX_get0_certificate(c), name, 0, 0, nullptr) == 1;
        };
        if (!name || holds(first)) return SSL_TLSEXT_ERR_OK;
        for (const auto& c : *static_cast<contexts*>(SSL_CTX_get_ex_data(first, others_index())))
            if (holds(c.get())) {
                SSL_set_SSL_CTX(ssl, c.get());
                break;
            }
        return SSL_TLSEXT_ERR_OK;
    }

    // ALPN (RFC 7301, 3.2).
    static int agree(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                     unsigned offered_size, void*) {
        constexpr std::string_view http = "http/1.1";
        for (std::string_view rest{reinterpret_cast<const char*>(offered), offered_size}; !rest.empty();) {
            const auto n = static_cast<unsigned char>(rest.front());
            const auto name = rest.substr(1, n);
            if (name == http) {
                *chosen = reinterpret_cast<const unsigned char*>(name.data());
                *size = n;
                return SSL_TLSEXT_ERR_OK;
            }
            rest.remove_prefix(std::min<std::size_t>(rest.size(), n + 1u));
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    tls_options options_;
    bool http_;
    mutable std::mutex mutex_;
    ssl_context_ptr context_;
    std::chrono::steady_clock::time_point keys_since_ = std::chrono::steady_clock::now(); // keys of tickets
};

} // namespace sigfire::inline v0_1::detail
