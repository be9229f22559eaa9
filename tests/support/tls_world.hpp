// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/tls/tls_context.hpp>
#include <sigfire/net/tls/tls_session.hpp>
#include <sigfire/net/tls_options.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/evp.h>

/// Certificates made on the spot, and the client's side of TLS. For tests and fuzzing, so a failure throws.
namespace tls_world {

using namespace sigfire;

inline void require(bool done) {
    if (!done) throw std::logic_error{"OpenSSL: " + detail::openssl_reason()};
}

inline std::string pem(auto write) {
    const detail::bio_ptr out{BIO_new(BIO_s_mem())};
    require(write(out.get()) == 1);
    char* bytes = nullptr;
    const auto n = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(n)};
}

/// A certificate with its key. Made by nobody it is a root, which vouches for others.
class identity {
public:
    explicit identity(const std::string& name, const identity* issuer = nullptr,
                      const std::vector<std::string>& hosts = {}, long seconds = 3600,
                      detail::key_ptr key = detail::key_ptr{EVP_EC_gen("P-256")}, long begin = -7200)
        : key_{std::move(key)}, certificate_{X509_new()} {
        static long serial = 0;
        auto* const c = certificate_.get();
        X509_set_version(c, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(c), begin);
        X509_gmtime_adj(X509_getm_notAfter(c), seconds);
        X509_set_pubkey(c, key_.get());
        auto* const subject = X509_get_subject_name(c);
        const auto part = [&](const char* field, const std::string& value) {
            X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0);
        };
        part("O", "Example");
        part("CN", name);
        X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer->certificate_.get() : c));
        extend(NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
        std::string names;
        for (const auto& h : hosts) names += (names.empty() ? "" : ",") + h;
        if (!names.empty()) extend(NID_subject_alt_name, names);
        require(X509_sign(c, (issuer ? issuer->key_ : key_).get(), EVP_sha256()) > 0);
    }

    std::string certificate() const {
        return pem([&](BIO* b) { return PEM_write_bio_X509(b, certificate_.get()); });
    }
    std::string key() const {
        return pem([&](BIO* b) {
            return PEM_write_bio_PrivateKey(b, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }
    std::string locked_key() const {
        return pem([&](BIO* b) {
            return PEM_write_bio_PrivateKey(b, key_.get(), EVP_aes_128_cbc(),
                                            reinterpret_cast<const unsigned char*>("pass"), 4, nullptr,
                                            nullptr);
        });
    }
    tls_certificate served() const { return {certificate(), key()}; }

private:
    void extend(int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, certificate_.get(), certificate_.get(), nullptr, nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, detail::openssl_free<X509_EXTENSION_free>> e{
            X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
        require(e && X509_add_ext(certificate_.get(), e.get(), -1) == 1);
    }

    detail::key_ptr key_;
    detail::certificate_ptr certificate_;
};

/// One for all tests that need no particular one.
inline const identity& root() {
    static const identity it{"Test Root"};
    return it;
}
inline const identity& localhost() {
    static const identity it{"localhost", &root(), {"DNS:localhost", "IP:127.0.0.1"}};
    return it;
}

/// A client's settings; trusts `root()` if nothing else is said.
inline detail::ssl_context_ptr client_context(const identity* own = nullptr, const identity& ca = root()) {
    auto c = detail::make_context(TLS_client_method());
    detail::trust(c.get(), ca.certificate());
    SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
    if (own) detail::use_certificate(c.get(), own->certificate(), own->key());
    return c;
}

/// The client's side of TLS between the framing and the wire of a peer. Trusts `root()`.
class layer {
public:
    explicit layer(SSL_CTX* context = nullptr, const char* server_name = nullptr)
        : state_{std::make_unique<state>(context, server_name)} {}

    void seal(std::string& said, std::string& wire) {
        auto& s = *state_;
        if (!s.begun) hear({});
        if (s.session.established() && !s.over) {
            require(s.session.send(said));
            said.clear();
        }
        wire += std::exchange(s.wire.out, {});
    }

    std::string open(std::string_view bytes) {
        hear(bytes);
        return std::exchange(state_->said, {});
    }

    bool over() const { return state_->over; }
    bool failed() const { return state_->failed; }
    bool established() const { return state_->session.established(); }
    SSL* ssl() const { return state_->session.native(); }
    void finish() { state_->session.finish(); }

private:
    struct state {
        state(SSL_CTX* given, const char* server_name)
            : context{given ? nullptr : client_context()},
              session{given ? given : context.get(), wire, false} {
            if (server_name) SSL_set_tlsext_host_name(session.native(), server_name);
        }
        detail::ssl_context_ptr context;
        detail::tls_wire wire;
        detail::tls_session session;
        std::string said;
        bool begun = false, over = false, failed = false;
    };

    void hear(std::string_view bytes) {
        auto& s = *state_;
        s.begun = true;
        if (s.over) return;
        std::vector<char> room(bytes.size() + 17'000);
        const auto p = s.session.receive(s.wire, bytes, room);
        s.said.append(room.data(), p.bytes);
        s.over = p.end.failed();
        s.failed = p.end == errc::tls_failed;
    }

    std::unique_ptr<state> state_;
};

} // namespace tls_world
