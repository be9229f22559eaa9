// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The floor of WebSocket over TLS: PORT and a PEM file with certificate and key. OpenSSL works on memory:
// the bytes of one recv are deciphered where they lie, and enciphered bytes go out by one send.
#include "floor.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace {

constexpr std::size_t cipher_size = 128 * 1024;

// What OpenSSL reads from and writes to, shared by all connections, which use it in turn.
struct {
    SSL_CTX* context = nullptr;
    BIO* bio = nullptr;
    char received[cipher_size];
    const char *next = received, *end = received;
    std::string out{};
} wire;

int wire_read(BIO* b, char* to, int size) {
    BIO_clear_retry_flags(b);
    const auto n = std::min(static_cast<std::ptrdiff_t>(size), wire.end - wire.next);
    if (n == 0) return BIO_set_retry_read(b), -1;
    std::memcpy(to, wire.next, static_cast<std::size_t>(n));
    wire.next += n;
    return static_cast<int>(n);
}

int wire_write(BIO*, const char* from, int size) {
    wire.out.append(from, static_cast<std::size_t>(size));
    return size;
}

long wire_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH;
}

class tls_socket {
public:
    explicit tls_socket(int descriptor) : fd(descriptor), ssl_(SSL_new(wire.context), &SSL_free) {
        BIO_up_ref(wire.bio);
        SSL_set_bio(ssl_.get(), wire.bio, wire.bio);
        SSL_set_accept_state(ssl_.get());
    }

    ssize_t receive(char* p, std::size_t n) {
        const auto got = recv(fd, wire.received, std::min(n, cipher_size), 0);
        if (got <= 0) return got;
        wire.next = wire.received;
        wire.end = wire.next + got;
        std::size_t done = 0;
        while (wire.next != wire.end) {
            const int one = SSL_read(ssl_.get(), p + done, static_cast<int>(n - done));
            if (one <= 0) {
                const int why = SSL_get_error(ssl_.get(), one);
                if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN)
                    return ERR_clear_error(), errno = EPROTO, -1;
                break;
            }
            done += static_cast<std::size_t>(one);
        }
        if (!wire.out.empty() && !push()) return -1; // of the handshake
        return done ? static_cast<ssize_t>(done) : (errno = EAGAIN, -1);
    }

    ssize_t send(const char* p, std::size_t n) {
        if (unsent() && !push()) return -1;
        if (unsent()) return errno = EAGAIN, -1;
        if (n && SSL_write(ssl_.get(), p, static_cast<int>(n)) <= 0)
            return ERR_clear_error(), errno = EPROTO, -1;
        return push() ? static_cast<ssize_t>(n) : -1;
    }

    bool unsent() const { return !late_.empty(); }

    int fd;

private:
    // Sends the late and the new bytes; false if that has become impossible.
    bool push() {
        if (unsent()) wire.out.swap(late_.append(wire.out));
        late_.clear();
        const auto n = wire.out.empty() ? 0 : ::send(fd, wire.out.data(), wire.out.size(), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return false;
        const auto sent = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
        if (sent != wire.out.size()) late_.assign(wire.out, sent);
        wire.out.clear();
        return true;
    }

    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    std::string late_{}; // enciphered, not yet taken by the system
};

} // namespace

int main(int, char** argv) {
    wire.context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(wire.context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(wire.context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(wire.context, argv[2], SSL_FILETYPE_PEM) != 1) {
        std::fprintf(stderr, "floor: %s is no certificate with its key\n", argv[2]);
        return 1;
    }
    auto* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "floor");
    BIO_meth_set_read(method, wire_read);
    BIO_meth_set_write(method, wire_write);
    BIO_meth_set_ctrl(method, wire_control);
    wire.bio = BIO_new(method);
    BIO_set_init(wire.bio, 1);
    server<tls_socket, framing::websocket>(argv[1]).run();
}
