// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#if !__has_include(<openssl/ssl.h>)
#error "sigfire: TLS needs OpenSSL 3: install its headers (libssl-dev), and link CMake's target sigfire::tls"
#endif

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace sigfire::inline v0_1::detail {

template <auto Free>
struct openssl_free {
    void operator()(auto* p) const noexcept { Free(p); }
};

using ssl_context_ptr = std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free>>;
using certificate_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, openssl_free<SSL_SESSION_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;

/// OpenSSL's text for its first error since the last `ERR_clear_error`.
inline std::string openssl_reason() {
    const auto e = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(e)) return std::strerror(ERR_GET_REASON(e));
    const char* text = ERR_reason_error_string(e);
    return text ? text : "unknown error";
}

/// Whether a PEM source is the text itself (it contains `-----BEGIN`), and not the path of a file.
inline bool is_pem_text(const std::string& source) {
    return source.find("-----BEGIN") != source.npos;
}

/// Throws an error: `what` from `source` cannot be used, and why.
[[noreturn]] inline void refuse_pem(std::string_view what, const std::string& source,
                                    const std::string& why) {
    ERR_clear_error();
    throw std::runtime_error{"sigfire: TLS " + std::string{what} + ' ' +
                             (is_pem_text(source) ? "given as text" : '\'' + source + '\'') + ": " + why};
}

inline bio_ptr open_pem(std::string_view what, const std::string& source) {
    ERR_clear_error();
    bio_ptr in{is_pem_text(source) ? BIO_new_mem_buf(source.data(), static_cast<int>(source.size()))
                                   : BIO_new_file(source.c_str(), "rb")};
    if (!in) refuse_pem(what, source, openssl_reason());
    return in;
}

/// Keeps OpenSSL from asking for a password on the terminal.
inline int no_password(char*, int, int, void*) {
    return -1;
}

/// Reads the certificates of a PEM source, at least one.
inline std::vector<certificate_ptr> read_certificates(std::string_view what, const std::string& source) {
    const auto in = open_pem(what, source);
    std::vector<certificate_ptr> out;
    while (certificate_ptr c{PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)})
        out.push_back(std::move(c));
    // OpenSSL reports the end of a file like a file without a certificate.
    if (out.empty() || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        refuse_pem(what, source, out.empty() ? "it contains no certificate" : openssl_reason());
    ERR_clear_error();
    return out;
}

/// Gives `context` a certificate, its intermediate certificates, and its key. An empty `key` = same source.
inline void use_certificate(SSL_CTX* context, const std::string& chain, const std::string& key) {
    const auto certificates = read_certificates("certificate", chain);
    if (SSL_CTX_use_certificate(context, certificates.front().get()) != 1)
        refuse_pem("certificate", chain, openssl_reason());
    for (std::size_t i = 1; i < certificates.size(); ++i) {
        if (X509_check_issued(certificates[i].get(), certificates[i - 1].get()) != X509_V_OK)
            refuse_pem("certificate", chain,
                       "certificate " + std::to_string(i + 1) + " is not the issuer of certificate " +
                           std::to_string(i));
        if (SSL_CTX_add1_chain_cert(context, certificates[i].get()) != 1)
            refuse_pem("certificate", chain, openssl_reason());
    }
    const auto& source = key.empty() ? chain : key;
    const auto in = open_pem("key", source);
    const key_ptr k{PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr)};
    if (!k) refuse_pem("key", source, "it contains no private key without a password");
    if (X509_check_private_key(certificates.front().get(), k.get()) != 1)
        refuse_pem("key", source, "the key does not belong to the certificate");
    if (SSL_CTX_use_PrivateKey(context, k.get()) != 1) refuse_pem("key", source, openssl_reason());
}

/// Makes `context` trust the certificates of a PEM source. A server also sends their names to its clients.
inline void trust(SSL_CTX* context, const std::string& ca) {
    const auto store = SSL_CTX_get_cert_store(context);
    for (const auto& c : read_certificates("CA", ca))
        if (X509_STORE_add_cert(store, c.get()) != 1 || SSL_CTX_add_client_CA(context, c.get()) != 1)
            refuse_pem("CA", ca, openssl_reason());
}

/// Makes a client's `context` verify servers by the CAs of the PEM source `ca`. An empty one = the CAs that
/// this system trusts. Without `verify`, it accepts every certificate.
inline void verify_servers(SSL_CTX* context, const std::string& ca, bool verify) {
    if (!ca.empty())
        trust(context, ca);
    else if (verify && SSL_CTX_set_default_verify_paths(context) != 1)
        throw std::runtime_error{"sigfire: TLS: cannot load the CAs of this system: " + openssl_reason()};
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
}

/// Makes a client's session ask for the server `name`, a host name or a numeric address. The certificate must
/// hold for it. With `http`, the session proposes HTTP/1.1 (ALPN, RFC 7301).
inline void expect_server(SSL* session, const std::string& name, bool http) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    if (no_address) {
        // What SSL_set_tlsext_host_name does, without the C cast of that macro.
        SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(name.c_str()));
        SSL_set1_host(session, name.c_str());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str());
    }
    constexpr unsigned char http_1_1[] = "\x08http/1.1";
    if (http) SSL_set_alpn_protos(session, http_1_1, sizeof http_1_1 - 1);
}

/// A context with the settings of both sides: TLS 1.2 or newer, ciphers with forward secrecy, little memory
/// while idle.
inline ssl_context_ptr make_context(const SSL_METHOD* method) {
    ssl_context_ptr c{SSL_CTX_new(method)};
    if (!c || SSL_CTX_set_min_proto_version(c.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(c.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        throw std::runtime_error{"sigfire: OpenSSL: " + openssl_reason()};
    SSL_CTX_set_options(c.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c.get(), SSL_MODE_RELEASE_BUFFERS);
    return c;
}

} // namespace sigfire::inline v0_1::detail
