// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/tls/tls_context.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/** The input and output of a TLS session while it works: `in` has received bytes, `out` collects bytes to
 *  send. All connections of a loop share one, so that none has buffers of its own. Outlives its sessions.
 *  One thread. */
class tls_wire {
public:
    tls_wire() : bio_{BIO_new(method())} {
        if (!bio_) throw std::bad_alloc{};
        BIO_set_data(bio_.get(), this);
        BIO_set_init(bio_.get(), 1);
    }
    tls_wire(const tls_wire&) = delete;
    tls_wire& operator=(const tls_wire&) = delete;

    std::string_view in; ///< received bytes for the session that is working
    std::string out;     ///< bytes that the session has to send

    BIO* bio() const noexcept { return bio_.get(); }

private:
    static const BIO_METHOD* method() {
        static const std::unique_ptr<BIO_METHOD, openssl_free<BIO_meth_free>> m{[] {
            const auto made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sigfire");
            if (!made) throw std::bad_alloc{};
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }()};
        return m.get();
    }

    static tls_wire& of(BIO* b) { return *static_cast<tls_wire*>(BIO_get_data(b)); }

    static int read(BIO* b, char* to, int size) {
        auto& in = of(b).in;
        BIO_clear_retry_flags(b);
        if (in.empty()) {
            BIO_set_retry_read(b);
            return -1;
        }
        const auto n = std::min(in.size(), static_cast<std::size_t>(size));
        std::memcpy(to, in.data(), n);
        in.remove_prefix(n);
        return static_cast<int>(n);
    }

    static int write(BIO* b, const char* from, int size) {
        BIO_clear_retry_flags(b);
        try {
            of(b).out.append(from, static_cast<std::size_t>(size));
            return size;
        } catch (...) { // an exception must not pass through C code
            return -1;
        }
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    bio_ptr bio_;
};

/// One side of a TLS connection, without I/O. After each call, the bytes to send are in `tls_wire::out`. No
/// input from the other side makes it throw. One thread at a time.
class tls_session {
public:
    tls_session() = default; ///< a session that has not begun

    /// `context` must be one for the same side: server or client.
    tls_session(SSL_CTX* context, tls_wire& wire, bool server) : ssl_{SSL_new(context)} {
        if (!ssl_) throw std::bad_alloc{};
        BIO_up_ref(wire.bio());
        SSL_set_bio(ssl_.get(), wire.bio(), wire.bio());
        server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    }

    explicit operator bool() const noexcept { return static_cast<bool>(ssl_); }

    /// Whether the handshake is complete and nothing has failed since; so bytes can be sent.
    bool established() const noexcept { return established_; }

    struct progress {
        std::size_t bytes = 0;    ///< bytes of plain text
        bool established = false; ///< the handshake is complete since this call
        error_code end{};         ///< follows those bytes: `eof` after a close alert, or `tls_failed`
    };

    /// Takes all of `bytes`, and puts their plain text into `said`. `said` needs room for as many bytes and
    /// 16 KiB more. On the client side, the first call without bytes starts the handshake.
    progress receive(tls_wire& wire, std::string_view bytes, std::span<char> said) {
        progress p;
        wire.in = bytes;
        // Other code on this thread may have left errors, and OpenSSL would judge by them. A check costs less
        // than a clear.
        if (ERR_peek_error() != 0) ERR_clear_error();
        if (!established_) {
            if (const int r = SSL_do_handshake(ssl_.get()); r != 1) {
                p.end = judge(r);
                return p;
            }
            p.established = established_ = true;
        }
        // OpenSSL reads no byte beyond the current record. So when all bytes are taken, it has no more plain
        // text.
        while (!wire.in.empty() && p.bytes < said.size()) {
            std::size_t n = 0;
            const int r = SSL_read_ex(ssl_.get(), said.data() + p.bytes, said.size() - p.bytes, &n);
            if (r != 1) {
                p.end = judge(r);
                break;
            }
            p.bytes += n;
        }
        return p;
    }

    /// Encrypts all of `bytes`. `established()` must be true. False on failure.
    bool send(std::string_view bytes) {
        std::size_t n = 0;
        return bytes.empty() || SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) == 1;
    }

    /// Sends a close alert, so that the other side knows that no bytes are missing.
    void finish() {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }

    /// Why the last call failed, in words.
    std::string reason() const {
        const auto verdict = SSL_get_verify_result(ssl_.get());
        return verdict == X509_V_OK ? openssl_reason() : X509_verify_cert_error_string(verdict);
    }

    /// Writes the subject of the other side's verified certificate to `out` (RFC 2253); empty if there is
    /// none.
    void subject(std::string& out) const {
        out.clear();
        const auto certificate = SSL_get0_peer_certificate(ssl_.get());
        const bio_ptr text{certificate ? BIO_new(BIO_s_mem()) : nullptr};
        if (!text) return;
        // As UTF-8: the default flags would escape it byte by byte.
        X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                           XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
        char* bytes = nullptr;
        const auto n = BIO_get_mem_data(text.get(), &bytes);
        out.assign(bytes, static_cast<std::size_t>(n));
    }

    SSL* native() const noexcept { return ssl_.get(); }

private:
    error_code judge(int r) {
        switch (SSL_get_error(ssl_.get(), r)) {
        case SSL_ERROR_WANT_READ: return {};
        case SSL_ERROR_ZERO_RETURN: return boost::asio::error::eof;
        default: established_ = false; return errc::tls_failed;
        }
    }

    std::unique_ptr<SSL, openssl_free<SSL_free>> ssl_;
    bool established_ = false;
};

} // namespace sigfire::inline v0_1::detail
