// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "form.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace bench {

/// Where the server is, and what its bytes go through.
struct endpoint {
    std::string path{};     ///< of a Unix socket; empty = a port of 127.0.0.1
    std::uint16_t port = 0; ///< of TCP
    bool tls = false;
};

/** The load's end of a connection: a socket, with TLS on it if the endpoint has it. Its calls wait (up to 10
 * s) until `stop_waiting`, and end as those of the system do. Resets a TCP connection at its end. */
class channel {
public:
    channel() = default; ///< none

    /// Dies if there is no connection to be had.
    explicit channel(const endpoint& to, int receive_buffer = 0)
        : fd_(socket(to.path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM, 0)) {
        const int on = 1;
        const linger at_once{1, 0}; // no TIME_WAIT: thousands of connections come and go
        const timeval limit{10, 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (receive_buffer) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        int status = 0;
        if (to.path.empty()) {
            setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(to.port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            status = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        } else {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            to.path.copy(address.sun_path, sizeof address.sun_path - 1);
            status = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        }
        if (status != 0) die(std::string("connect: ") + std::strerror(errno));
        if (!to.tls) return;
        ssl_.reset(SSL_new(context()));
        SSL_set_fd(ssl_.get(), fd_);
        if (SSL_connect(ssl_.get()) != 1) die("no TLS");
    }

    channel(channel&& other) noexcept : fd_(std::exchange(other.fd_, -1)), ssl_(std::move(other.ssl_)) {}
    channel& operator=(channel other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(ssl_, other.ssl_);
        return *this;
    }
    ~channel() {
        if (fd_ >= 0) close(fd_);
    }

    int descriptor() const { return fd_; }

    void stop_waiting() { fcntl(fd_, F_SETFL, O_NONBLOCK); }

    /// Bytes that were not taken have to stand at the front of the next call.
    ssize_t send(std::string_view s) {
        if (!ssl_) return ::send(fd_, s.data(), s.size(), MSG_NOSIGNAL);
        std::size_t n = 0;
        return SSL_write_ex(ssl_.get(), s.data(), s.size(), &n) == 1 ? static_cast<ssize_t>(n) : failed(0);
    }

    /// All that has come, as long as that is less than `n`; the system tells again of nothing else.
    ssize_t receive(char* p, std::size_t n) {
        if (!ssl_) return recv(fd_, p, n, 0);
        std::size_t done = 0;
        do {
            std::size_t one = 0;
            if (const int r = SSL_read_ex(ssl_.get(), p + done, n - done, &one); r != 1)
                return done ? static_cast<ssize_t>(done) : failed(r);
            done += one;
        } while (done < n && SSL_has_pending(ssl_.get()));
        return static_cast<ssize_t>(done);
    }

private:
    struct free_ssl {
        void operator()(SSL* s) const { SSL_free(s); }
    };

    ssize_t failed(int r) const {
        const int why = SSL_get_error(ssl_.get(), r);
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
        return -1;
    }

    // One version and cipher, so that all servers do the same work. Certificates are not verified.
    static SSL_CTX* context() {
        static SSL_CTX* const made = [] {
            std::signal(SIGPIPE, SIG_IGN);
            auto* const c = SSL_CTX_new(TLS_client_method());
            SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
            SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
            SSL_CTX_set_read_ahead(c, 1);
            SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
            return c;
        }();
        return made;
    }

    int fd_ = -1;
    std::unique_ptr<SSL, free_ssl> ssl_;
};

} // namespace bench
