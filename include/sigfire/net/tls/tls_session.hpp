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

namespace sigfire::detail {

/** The place that TLS reads from and writes to while it works: bytes lent on one side, bytes gathered on the
 *  other. All connections of a loop share one, so that none has buffers of its own. Outlives them. One
 *  thread. */
class tls_wire {
public:
    tls_wire() : bio_{BIO_new(method())} {
        if (!bio_) throw std::bad_alloc{};
        BIO_set_data(bio_.get(), this);
        BIO_set_init(bio_.get(), 1);
    }
    tls_wire(const tls_wire&) = delete;
    tls_wire& operator=(const tls_wire&) = delete;

    std::string_view in; ///< lent to the session that is at work
    std::string out;     ///< the bytes that session has to send

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
        } catch (...) { // it cannot pass through C
            return -1;
        }
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    bio_ptr bio_;
};

/** One side of a TLS connection, without I/O: the bytes to send are found in `tls_wire::out` after each call.
 *  Nothing that the other side sends throws. One thread at a time. */
class tls_session {
public:
    tls_session() = default; ///< one that has not begun

    /// The context must have been told whether it serves or connects.
    tls_session(SSL_CTX* context, tls_wire& wire, bool server) : ssl_{SSL_new(context)} {
        if (!ssl_) throw std::bad_alloc{};
        BIO_up_ref(wire.bio());
        SSL_set_bio(ssl_.get(), wire.bio(), wire.bio());
        server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    }

    explicit operator bool() const noexcept { return static_cast<bool>(ssl_); }

    /// Whether both sides have agreed, and nothing has gone wrong since: something can be sent.
    bool established() const noexcept { return established_; }

    struct progress {
        std::size_t bytes = 0;    ///< of the other side's plain text
        bool established = false; ///< it is so since this call
        error_code end{}; ///< behind those bytes: `eof` if the other side said goodbye, or `tls_failed`
    };

    /** Takes all of `bytes` that came, and puts their plain text to `said`, which has room for so many and 16
     * KiB more. On the connecting side a first call without bytes begins. */
    progress receive(tls_wire& wire, std::string_view bytes, std::span<char> said) {
        progress p;
        wire.in = bytes;
        // Others on this thread may have left errors, by which OpenSSL would judge. To look costs less than
        // to clear.
        if (ERR_peek_error() != 0) ERR_clear_error();
        if (!established_) {
            if (const int r = SSL_do_handshake(ssl_.get()); r != 1) {
                p.end = judge(r);
                return p;
            }
            p.established = established_ = true;
        }
        // OpenSSL takes no byte beyond the record it is at: when all are taken it has nothing left to say.
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

    /// Says `bytes`, all of them; `established()` must be true. False if that is impossible.
    bool send(std::string_view bytes) {
        std::size_t n = 0;
        return bytes.empty() || SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) == 1;
    }

    /// Says goodbye, so that the other side knows that nothing is missing.
    void finish() {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }

    /// Why the last call failed, in words.
    std::string reason() const {
        const auto verdict = SSL_get_verify_result(ssl_.get());
        return verdict == X509_V_OK ? openssl_reason() : X509_verify_cert_error_string(verdict);
    }

    /// The subject of the other side's certificate, which was verified, to `out` (RFC 2253); empty if none.
    void subject(std::string& out) const {
        out.clear();
        const auto certificate = SSL_get0_peer_certificate(ssl_.get());
        const bio_ptr text{certificate ? BIO_new(BIO_s_mem()) : nullptr};
        if (!text) return;
        // As UTF-8, which the default flags would escape byte by byte.
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

} // namespace sigfire::detail
