// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

// The least cost of the job: the same protocol, checks and answers as the library's server, made by hand in
// one file that shares no code with it. Not a server to run: no ping, no deadlines, no fragmented messages.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using std::string_view;

constexpr std::size_t receive_size = 512 * 1024, padding = 64, message_limit = receive_size / 2,
                      outbox_limit = 4 << 20, cork_limit = 64 * 1024, id_size = 21;
constexpr int flush_events = 16, max_depth = 512;

// ---- JSON: one pass, RFC 8259 grammar, UTF-8 and depth; a NUL behind the text makes every end check
// needless

constexpr bool hex_digit(char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

struct member {
    string_view raw;
    char first = 0;
    explicit operator bool() const { return first; }

    bool truthy() const {
        if (first == 0 || first == 'n' || first == 'f' || raw == "\"\"") return false;
        if (first != '-' && (first < '0' || first > '9')) return true;
        for (char c : raw) {
            if (c >= '1' && c <= '9') return true;
            if ((c | 32) == 'e') break;
        }
        return false;
    }
};

struct envelope {
    member id, command, target, data, offer, answer, candidate;
};

// Member names are sent escaped by nobody, but they may be.
std::string unescape(string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '\\') {
            out += s[i];
        } else if (s[++i] != 'u') {
            constexpr string_view from = "bfnrt", to = "\b\f\n\r\t";
            const auto at = from.find(s[i]);
            out += at == from.npos ? s[i] : to[at];
        } else {
            const auto code = std::strtoul(std::string(s.substr(i + 1, 4)).c_str(), nullptr, 16);
            out += code < 128 ? static_cast<char>(code) : '?'; // no name or id of ours is beyond ASCII
            i += 4;
        }
    }
    return out;
}

enum level { top, payload, deep };

struct scanner {
    const char* p;
    int depth = 0;
    bool escaped = false;
    envelope found{};

    void blanks() {
        while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') ++p;
    }

    bool utf8() {
        auto at = [&](int i) { return static_cast<unsigned char>(p[i]); };
        auto tail = [&](int i) { return (at(i) & 0xc0) == 0x80; };
        const unsigned c = at(0), d = at(1);
        if (c < 0xc2 || c > 0xf4) return false;
        if (c < 0xe0) return tail(1) && (p += 2);
        if (c < 0xf0)
            return tail(1) && tail(2) && !(c == 0xe0 && d < 0xa0) && !(c == 0xed && d > 0x9f) && (p += 3);
        return tail(1) && tail(2) && tail(3) && !(c == 0xf0 && d < 0x90) && !(c == 0xf4 && d > 0x8f) &&
               (p += 4);
    }

    bool escape() {
        escaped = true;
        switch (p[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't': p += 2; return true;
        case 'u':
            if (!hex_digit(p[2]) || !hex_digit(p[3]) || !hex_digit(p[4]) || !hex_digit(p[5])) return false;
            p += 6;
            return true;
        default: return false;
        }
    }

    // From behind the opening quote to behind the closing one.
    [[gnu::target("avx2,bmi")]] bool string() {
        const auto quote = _mm256_set1_epi8('"'), back = _mm256_set1_epi8('\\'),
                   blank = _mm256_set1_epi8(' ');
        for (;;) {
            const auto v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
            // signed: control characters and everything beyond ASCII are "less" than a blank
            const auto special =
                _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, back)),
                                _mm256_cmpgt_epi8(blank, v));
            const auto mask = static_cast<unsigned>(_mm256_movemask_epi8(special));
            if (mask == 0) {
                p += 32;
                continue;
            }
            p += _tzcnt_u32(mask);
            if (*p == '"') return ++p, true;
            if (*p == '\\') {
                do
                    if (!escape()) return false;
                while (*p == '\\');
            } else if (static_cast<unsigned char>(*p) < ' ' || !utf8())
                return false;
        }
    }

    bool digits() {
        if (*p < '0' || *p > '9') return false;
        do ++p;
        while (*p >= '0' && *p <= '9');
        return true;
    }

    bool number() {
        if (*p == '-') ++p;
        if (*p == '0')
            ++p;
        else if (!digits())
            return false;
        if (*p == '.' && (++p, !digits())) return false;
        if ((*p | 32) == 'e') {
            ++p;
            if (*p == '+' || *p == '-') ++p;
            return digits();
        }
        return true;
    }

    bool literal(string_view word) {
        if (std::strncmp(p, word.data(), word.size()) != 0) return false;
        p += word.size();
        return true;
    }

    bool value() {
        switch (*p) {
        case '"': return ++p, string();
        case '{': return object<deep>();
        case '[': return array();
        case 't': return literal("true");
        case 'f': return literal("false");
        case 'n': return literal("null");
        default: return number();
        }
    }

    bool array() {
        if (++depth > max_depth) return false;
        ++p;
        blanks();
        if (*p != ']') {
            for (;;) {
                if (!value()) return false;
                blanks();
                if (*p != ',') break;
                ++p;
                blanks();
            }
            if (*p != ']') return false;
        }
        return ++p, --depth, true;
    }

    template <level L>
    member* place(string_view name) {
        if constexpr (L == top) {
            if (name == "id") return &found.id;
            if (name == "cmd") return &found.command;
            if (name == "target") return &found.target;
            if (name == "data") return &found.data;
        } else if constexpr (L == payload) {
            if (name == "offer") return &found.offer;
            if (name == "answer") return &found.answer;
            if (name == "candidate") return &found.candidate;
        }
        return nullptr;
    }

    template <level L>
    bool object() {
        if (++depth > max_depth) return false;
        ++p;
        blanks();
        if (*p != '}') {
            for (;;) {
                if (*p != '"') return false;
                const char* const name = ++p;
                escaped = false;
                if (!string()) return false;
                member* m = nullptr;
                if constexpr (L != deep) {
                    const string_view raw(name, static_cast<std::size_t>(p - name - 1));
                    m = escaped ? place<L>(unescape(raw)) : place<L>(raw);
                }
                blanks();
                if (*p != ':') return false;
                ++p;
                blanks();
                const char* const start = p;
                bool inside = false;
                if constexpr (L == top)
                    if (m == &found.data) {
                        found.offer = found.answer = found.candidate = {}; // the last duplicate wins
                        inside = *p == '{';
                    }
                if (inside ? !object<payload>() : !value()) return false;
                if constexpr (L != deep)
                    if (m) *m = {string_view(start, static_cast<std::size_t>(p - start)), *start};
                blanks();
                if (*p != ',') break;
                ++p;
                blanks();
            }
            if (*p != '}') return false;
        }
        return ++p, --depth, true;
    }
};

// ---- ids: random for peers, random prefix and counter for messages

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void random_id(char* p) {
    unsigned char r[id_size];
    if (getrandom(r, sizeof r, 0) != sizeof r) std::abort();
    for (std::size_t i = 0; i < id_size; ++i) p[i] = alphabet[r[i] & 63];
}

struct message_ids {
    char text[id_size];
    char next[128] = {};

    message_ids() {
        random_id(text);
        for (int i = 0; i < 64; ++i) next[static_cast<int>(alphabet[i])] = alphabet[(i + 1) & 63];
    }

    char* put(char* p) {
        std::memcpy(p, text, id_size);
        for (std::size_t i = id_size; i-- > id_size - 10;)
            if ((text[i] = next[static_cast<int>(text[i])]) != alphabet[0]) break;
        return p + id_size;
    }
};

// ---- connections

// The layer between a connection and the system.
struct plain_socket {
    explicit plain_socket(int descriptor) : fd(descriptor) {}

    // As the system's calls do it.
    ssize_t receive(char* p, std::size_t n) { return recv(fd, p, n, 0); }
    ssize_t send(const char* p, std::size_t n) { return ::send(fd, p, n, MSG_NOSIGNAL); }
    // Whether something was taken but not sent: `send` has to be called again, if with nothing.
    static constexpr bool unsent() { return false; }

    int fd;
};

enum class framing { websocket, length };

struct buffer {
    char* data = nullptr;
    std::size_t size = 0, capacity = 0;
};

template <class Socket>
struct connection_of : Socket {
    using Socket::Socket;
    bool open = false, dead = false, corked = false, blocked = false;
    char id[id_size] = {};
    buffer in{};          // the beginning of a message that is not complete
    buffer out{};         // corked, or not yet taken by the socket
    std::size_t sent = 0; // of out
};

// Random ids of one length: their first eight bytes are hash enough.
template <class Connection>
struct table {
    std::vector<Connection*> slots = std::vector<Connection*>(1024);
    std::size_t count = 0;

    std::size_t home(const char* id) const {
        std::uint64_t h;
        std::memcpy(&h, id, sizeof h);
        return static_cast<std::size_t>((h * 0x9e3779b97f4a7c15u) >> 32) & (slots.size() - 1);
    }
    std::size_t after(std::size_t i) const { return (i + 1) & (slots.size() - 1); }

    Connection* find(string_view id) const {
        if (id.size() != id_size) return nullptr;
        for (auto i = home(id.data()); slots[i]; i = after(i))
            if (std::memcmp(slots[i]->id, id.data(), id_size) == 0) return slots[i];
        return nullptr;
    }
    void place(Connection* c) {
        auto i = home(c->id);
        while (slots[i]) i = after(i);
        slots[i] = c;
    }
    void insert(Connection* c) {
        if (++count * 2 > slots.size()) {
            auto old = std::exchange(slots, std::vector<Connection*>(slots.size() * 2));
            for (auto* o : old)
                if (o) place(o);
        }
        place(c);
    }
    void erase(Connection* c) {
        auto i = home(c->id);
        while (slots[i] != c) i = after(i);
        slots[i] = nullptr;
        --count;
        for (i = after(i); slots[i]; i = after(i)) place(std::exchange(slots[i], nullptr));
    }
};

// ---- the upgrade

std::string accept_key(string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const std::uint64_t bits = text.size() * 8;
    text += '\x80';
    while (text.size() % 64 != 56) text += '\0';
    for (int i = 56; i >= 0; i -= 8) text += static_cast<char>(bits >> i);
    std::uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    auto turn = [](std::uint32_t x, int n) { return x << n | x >> (32 - n); };
    for (std::size_t at = 0; at < text.size(); at += 64) {
        std::uint32_t w[80];
        for (int i = 0; i < 16; ++i) {
            std::memcpy(&w[i], &text[at + static_cast<std::size_t>(i) * 4], 4);
            w[i] = __builtin_bswap32(w[i]);
        }
        for (int i = 16; i < 80; ++i) w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        auto [a, b, c, d, e] = h;
        for (int i = 0; i < 80; ++i) {
            const auto f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                           : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                           : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                    : (b ^ c ^ d) + 0xca62c1d6;
            const auto t = turn(a, 5) + f + e + w[i];
            e = d, d = c, c = turn(b, 30), b = a, a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    unsigned char digest[21] = {};
    for (int i = 0; i < 20; ++i) digest[i] = static_cast<unsigned char>(h[i / 4] >> (24 - i % 4 * 8));
    constexpr string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (int i = 0; i < 21; i += 3) {
        const unsigned n = static_cast<unsigned>(digest[i]) << 16 |
                           static_cast<unsigned>(digest[i + 1]) << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) out += base64[n >> shift & 63];
    }
    out.back() = '=';
    return out;
}

string_view header(string_view head, string_view name) {
    for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at)) {
        at += 2;
        if (head.size() - at > name.size() && head[at + name.size()] == ':' &&
            strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
            auto value = head.substr(at + name.size() + 1);
            value = value.substr(0, value.find("\r\n"));
            value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
            return value;
        }
    }
    return {};
}

// ---- the server

template <class Socket, framing Framing>
class server {
    using connection = connection_of<Socket>;
    static constexpr std::size_t head_size = Framing == framing::length ? 4 : 10; // at most

public:
    // On a port, or at a path.
    explicit server(const char* address) {
        sigset_t signals;
        sigemptyset(&signals);
        for (int s : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, s);
        sigprocmask(SIG_BLOCK, &signals, nullptr);
        signals_ = signalfd(-1, &signals, SFD_NONBLOCK);
        listen_at(address);
        watch(listener_, EPOLLIN, &listener_);
        watch(signals_, EPOLLIN, &signals_);
        std::printf("listening on %s\n", address);
        std::fflush(stdout);
    }

    void run() {
        epoll_event events[1024];
        for (;;) {
            const int n = epoll_wait(epoll_, events, 1024, -1);
            for (int i = 0; i < n; ++i) {
                void* const p = events[i].data.ptr;
                if (p == &listener_)
                    accept_all();
                else if (p == &signals_) {
                    if (!signalled()) return;
                } else
                    ready(static_cast<connection*>(p), events[i].events);
                if ((i + 1) % flush_events == 0) flush_all();
            }
            flush_all();
            for (auto* c : dead_) std::free(c->in.data), std::free(c->out.data), delete c;
            dead_.clear();
        }
    }

private:
    void listen_at(const char* where) {
        sockaddr_un path{.sun_family = AF_UNIX, .sun_path = {}};
        sockaddr_in port{};
        const bool local = *where == '/';
        if (local) {
            std::strncpy(path.sun_path, where, sizeof path.sun_path - 1);
        } else {
            port.sin_family = AF_INET;
            port.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where)));
            port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        listener_ = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        const int on = 1;
        if (!local) setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const auto address = local ? reinterpret_cast<sockaddr*>(&path) : reinterpret_cast<sockaddr*>(&port);
        if (bind(listener_, address, local ? sizeof path : sizeof port) != 0 ||
            listen(listener_, 4096) != 0) {
            std::perror("floor: listen");
            std::exit(1);
        }
    }

    void watch(int fd, std::uint32_t what, void* tag, int how = EPOLL_CTL_ADD) {
        epoll_event e{};
        e.events = what;
        e.data.ptr = tag;
        epoll_ctl(epoll_, how, fd, &e);
    }

    bool signalled() {
        signalfd_siginfo s;
        while (read(signals_, &s, sizeof s) == sizeof s) {
            if (s.ssi_signo != SIGUSR1) return false;
            std::fprintf(stderr, "heap %zu\n", mallinfo2().uordblks);
        }
        return true;
    }

    void accept_all() {
        for (int i = 0; i < 64; ++i) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) return;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            auto* const c = new connection(fd);
            watch(fd, EPOLLIN, c);
            if constexpr (Framing == framing::length) welcome(c);
        }
    }

    void drop(connection* c) {
        if (std::exchange(c->dead, true)) return;
        if (c->open) peers_.erase(c);
        close(c->fd);
        dead_.push_back(c);
    }

    void reset(connection* c) {
        const linger at_once{1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        drop(c);
    }

    void ready(connection* c, std::uint32_t what) {
        if (c->dead) return;
        if (what & EPOLLOUT) flush(c);
        if (c->dead || !(what & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
        const auto kept = c->in.size;
        if (kept) std::memcpy(receive_, c->in.data, kept);
        const auto got = c->receive(receive_ + kept, receive_size - kept);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) drop(c);
            return;
        }
        char* const end = receive_ + kept + got;
        char* p = receive_;
        while (!c->dead) {
            char* const next = c->open ? frame(c, p, end) : upgrade(c, p, end);
            if (!next) break;
            p = next;
        }
        if (c->dead) return;
        const auto rest = static_cast<std::size_t>(end - p);
        if (rest > c->in.capacity) {
            c->in.capacity = std::max(rest, std::size_t{4096});
            c->in.data = static_cast<char*>(std::realloc(c->in.data, c->in.capacity));
        }
        if (rest)
            std::memcpy(c->in.data, p, rest);
        else if (c->in.data) {
            std::free(c->in.data);
            c->in = {};
        }
        c->in.size = rest;
    }

    char* upgrade(connection* c, char* p, char* end) {
        const string_view all(p, static_cast<std::size_t>(end - p));
        const auto size = all.find("\r\n\r\n");
        if (size == all.npos) {
            if (all.size() > 8192) drop(c);
            return nullptr;
        }
        const auto head = all.substr(0, size + 2);
        const auto key = header(head, "Sec-WebSocket-Key");
        if (key.size() != 24 || header(head, "Sec-WebSocket-Version") != "13" || !head.starts_with("GET ")) {
            append(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            flush(c);
            drop(c);
            return nullptr;
        }
        auto protocol = header(head, "Sec-WebSocket-Protocol");
        protocol = protocol.substr(0, protocol.find_first_of(", "));
        append(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: ");
        append(c, accept_key(key));
        if (!protocol.empty()) {
            append(c, "\r\nSec-WebSocket-Protocol: ");
            append(c, protocol);
        }
        append(c, "\r\n\r\n");
        welcome(c);
        return p + size + 4;
    }

    void welcome(connection* c) {
        random_id(c->id);
        c->open = true;
        peers_.insert(c);
        char* o = frame_of(c, sizeof(R"({"id":"","cmd":"welcome","data":{"id":""}})") - 1 + 2 * id_size);
        o = ids_.put(put(o, R"({"id":")"));
        o = put(put(put(o, R"(","cmd":"welcome","data":{"id":")"), {c->id, id_size}), R"("}})");
        commit(c, o);
    }

    // The frame at p: returns the place behind it, or null if it is not complete or the connection has ended.
    [[gnu::target("avx2")]] char* frame(connection* c, char* p, char* end) {
        if constexpr (Framing == framing::length) {
            if (end - p < 4) return nullptr;
            std::uint32_t size;
            std::memcpy(&size, p, 4);
            size = __builtin_bswap32(size);
            if (size > message_limit) return fail(c, 1009, "");
            if (end - p - 4 < static_cast<std::ptrdiff_t>(size)) return nullptr;
            received(c, p + 4, size);
            return p + 4 + size;
        }
        if (end - p < 6) return nullptr;
        const auto b0 = static_cast<unsigned char>(p[0]), b1 = static_cast<unsigned char>(p[1]);
        std::uint64_t size = b1 & 0x7f;
        char* mask = p + 2;
        if (size == 126) {
            size = static_cast<std::uint64_t>(static_cast<unsigned char>(p[2]) << 8 |
                                              static_cast<unsigned char>(p[3]));
            mask = p + 4;
        } else if (size == 127) {
            if (end - p < 14) return nullptr;
            std::memcpy(&size, p + 2, 8);
            size = __builtin_bswap64(size);
            mask = p + 10;
        }
        if ((b0 & 0xf0) != 0x80 || !(b1 & 0x80) || size > message_limit || ((b0 & 8) && size > 125))
            return fail(c, size > message_limit ? 1009 : 1002, "");
        char* const body = mask + 4;
        if (end - body < static_cast<std::ptrdiff_t>(size)) return nullptr;
        unmask(mask, body, size);
        const string_view text(body, size);
        switch (b0 & 0x0f) {
        case 1:
        case 2: received(c, body, size); break;
        case 8:
            return fail(c,
                        size >= 2 ? static_cast<unsigned>(static_cast<unsigned char>(body[0]) << 8 |
                                                          static_cast<unsigned char>(body[1]))
                                  : 1000,
                        "");
        case 9: commit(c, put(frame_of(c, size, 10), text)); break;
        case 10: break;
        default: return fail(c, 1002, "");
        }
        return body + size;
    }

    [[gnu::target("avx2")]] static void unmask(const char* mask, char* p, std::size_t n) {
        std::uint32_t key;
        std::memcpy(&key, mask, 4);
        const auto wide = _mm256_set1_epi32(static_cast<int>(key));
        for (; n >= 32; p += 32, n -= 32) {
            auto* const v = reinterpret_cast<__m256i*>(p);
            _mm256_storeu_si256(v, _mm256_xor_si256(_mm256_loadu_si256(v), wide));
        }
        const std::uint64_t twice = std::uint64_t{key} << 32 | key;
        for (; n >= 8; p += 8, n -= 8) {
            std::uint64_t v;
            std::memcpy(&v, p, 8);
            v ^= twice;
            std::memcpy(p, &v, 8);
        }
        for (std::size_t i = 0; i < n; ++i) p[i] = static_cast<char>(p[i] ^ mask[i]);
    }

    void received(connection* c, char* p, std::size_t size) {
        const char kept = std::exchange(p[size], '\0');
        route(c, p, size);
        p[size] = kept;
    }

    void route(connection* c, const char* text, std::size_t size) {
        scanner s{text};
        s.blanks();
        if (!(*s.p == '{' ? s.object<top>() : s.value())) return void(fail(c, 4400, "Bad Request"));
        s.blanks();
        if (s.p != text + size) return void(fail(c, 4400, "Bad Request"));
        const envelope& e = s.found;
        if (e.command.first != '"') return;
        const auto command = inner(e.command.raw);
        const member* payload = nullptr;
        string_view missing;
        if (command == "offer")
            payload = &e.offer, missing = "Missing Offer";
        else if (command == "answer")
            payload = &e.answer, missing = "Missing Answer";
        else if (command == "ice")
            payload = &e.candidate, missing = "Missing ICE Candidate";
        else if (command != "session-start" && command != "session-accept" && command != "session-reject" &&
                 command != "session-cancel")
            return;
        if (!e.id.truthy()) return void(fail(c, 4400, "Missing message ID"));
        if (!e.target.truthy()) return refuse(c, e.id.raw, "Missing Target");
        auto target = inner(e.target.raw);
        connection* const to =
            target.find('\\') == target.npos ? peers_.find(target) : peers_.find(unescape(target));
        if (!to) return refuse(c, e.id.raw, "Peer Not Found");
        if (to == c) return refuse(c, e.id.raw, "Can't Send to Yourself");
        if (payload && !payload->truthy()) return refuse(c, e.id.raw, missing);

        char* o = frame_of(c, e.id.raw.size() + sizeof(R"({"id":,"ok":true})") - 1);
        commit(c, put(put(put(o, R"({"id":)"), e.id.raw), R"(,"ok":true})"));
        const auto data = payload ? e.data.raw : string_view{};
        o = frame_of(to, sizeof(R"({"id":"","cmd":"","origin":""})") - 1 + 2 * id_size + command.size() +
                             (payload ? sizeof(R"(,"data":)") - 1 + data.size() : 0));
        o = put(ids_.put(put(o, R"({"id":")")), R"(","cmd":")");
        o = put(put(put(o, command), R"(","origin":")"), {c->id, id_size});
        o = put(o, R"(")");
        if (payload) o = put(put(o, R"(,"data":)"), data);
        commit(to, put(o, "}"));
    }

    static string_view inner(string_view raw) {
        return raw.front() == '"' ? raw.substr(1, raw.size() - 2) : string_view{};
    }

    void refuse(connection* c, string_view id, string_view why) {
        char* const o =
            frame_of(c, id.size() + why.size() + sizeof(R"({"id":,"ok":false,"data":{"message":""}})") - 1);
        commit(c, put(put(put(put(put(o, R"({"id":)"), id), R"(,"ok":false,"data":{"message":")"), why),
                      R"("}})"));
    }

    char* fail(connection* c, unsigned code, string_view why) {
        if constexpr (Framing == framing::websocket) {
            char* o = frame_of(c, 2 + why.size(), 8);
            *o++ = static_cast<char>(code >> 8);
            *o++ = static_cast<char>(code);
            commit(c, put(o, why));
            flush(c);
        }
        drop(c);
        return nullptr;
    }

    // ---- output

    static char* put(char* p, string_view s) {
        std::memcpy(p, s.data(), s.size());
        return p + s.size();
    }

    char* reserve(connection* c, std::size_t n) {
        buffer& b = c->out;
        if (!b.data && !pool_.empty()) {
            b = pool_.back();
            pool_.pop_back();
        }
        if (b.size + n > b.capacity) {
            b.capacity = std::max(std::size_t{16384}, (b.size + n) * 2);
            b.data = static_cast<char*>(std::realloc(b.data, b.capacity));
        }
        return b.data + b.size;
    }

    // Room for a frame of n bytes, behind its header.
    char* frame_of(connection* c, std::size_t n, int opcode = 1) {
        char* p = reserve(c, n + head_size);
        if constexpr (Framing == framing::length) {
            const auto big = __builtin_bswap32(static_cast<std::uint32_t>(n));
            std::memcpy(p, &big, 4);
            return p + 4;
        }
        *p++ = static_cast<char>(0x80 | opcode);
        if (n < 126)
            *p++ = static_cast<char>(n);
        else if (n < 65536) {
            *p++ = 126;
            *p++ = static_cast<char>(n >> 8);
            *p++ = static_cast<char>(n);
        } else {
            *p++ = 127;
            const auto big = __builtin_bswap64(n);
            std::memcpy(p, &big, 8);
            p += 8;
        }
        return p;
    }

    void append(connection* c, string_view s) { commit(c, put(reserve(c, s.size()), s)); }

    void commit(connection* c, char* end) {
        const auto size = static_cast<std::size_t>(end - c->out.data);
        pending_ += size - c->out.size;
        c->out.size = size;
        if (c->blocked) {
            if (size - c->sent > outbox_limit) reset(c);
            return;
        }
        if (!c->corked) {
            c->corked = true;
            corked_.push_back(c);
        }
        if (pending_ > cork_limit) flush_all();
    }

    void flush_all() {
        for (std::size_t i = 0; i < corked_.size(); ++i) {
            corked_[i]->corked = false;
            flush(corked_[i]);
        }
        corked_.clear();
        pending_ = 0;
    }

    void flush(connection* c) {
        buffer& b = c->out;
        if (c->dead || (b.size == c->sent && !c->unsent())) return;
        const auto n = c->send(b.data + c->sent, b.size - c->sent);
        if (n < 0 && errno != EAGAIN) return drop(c);
        if (n > 0) c->sent += static_cast<std::size_t>(n);
        const bool all = c->sent == b.size;
        if (all) {
            b.size = c->sent = 0;
            if (pool_.size() < 64 && b.capacity <= 4 * cork_limit)
                pool_.push_back(b);
            else
                std::free(b.data);
            b = {};
        } else if (c->sent > b.size / 2) {
            b.size -= c->sent;
            std::memmove(b.data, b.data + c->sent, b.size);
            c->sent = 0;
        }
        const bool done = all && !c->unsent();
        if (c->blocked == done) {
            c->blocked = !done;
            watch(c->fd, done ? EPOLLIN : EPOLLIN | EPOLLOUT, c, EPOLL_CTL_MOD);
        }
    }

    int epoll_ = epoll_create1(0), listener_, signals_;
    table<connection> peers_;
    message_ids ids_;
    std::vector<connection*> corked_, dead_;
    std::vector<buffer> pool_;
    std::size_t pending_ = 0;
    char* receive_ = static_cast<char*>(std::aligned_alloc(64, receive_size + padding));
};

} // namespace
