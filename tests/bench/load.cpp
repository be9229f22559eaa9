// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The load on a server under measurement, and the judge of its answers: every acknowledgement and every
// relayed message is compared byte by byte, so a server that skips work fails. Shares no code with any
// contestant.
//
//   load throughput --port P --pid PID [--clients 1000 --window 1 --size 120 --seconds 2 --warmup 0.3 |
//   --messages N] load paced      --port P --pid PID --rate R [--clients --size --seconds]   messages per
//   second of all pairs load idle       --port P --clients N [--base 100]     says "base", then "full"; goes
//   on at a line on stdin load stalled    --port P --pid PID --rate R [--feed-rate 1000 --feed-size 16384
//   --clients --size --seconds 5] load handshake  --port P --pid PID [--count 2000]
// --ordered 0 accepts messages of a pair in any order (each exactly once).
// One JSON object per report on stdout; exit 1 and a reason on stderr if the server errs or takes too long.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using std::string;
using std::string_view;
using namespace std::literals;

[[noreturn]] void die(const string& why) {
    std::fprintf(stderr, "load: %s\n", why.c_str());
    std::exit(1);
}

std::int64_t now() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr double second = 1e9;
constexpr std::int64_t patience = 20'000'000'000;

// ---- the server, seen from outside

struct process {
    string path;

    explicit process(int pid) : path("/proc/" + std::to_string(pid)) {}

    // User and system time of all its threads, ns.
    std::int64_t cpu() const {
        std::int64_t sum = 0, one = 0;
        for (const auto& task : std::filesystem::directory_iterator(path + "/task"))
            if (std::ifstream(task.path() / "schedstat") >> one) sum += one;
        if (sum == 0) die("no processor time of " + path);
        return sum;
    }

    std::int64_t resident() const {
        std::int64_t total = 0, pages = 0;
        std::ifstream(path + "/statm") >> total >> pages;
        return pages * sysconf(_SC_PAGESIZE);
    }
};

// Latencies in ns, to 1.6 %.
class histogram {
public:
    void add(std::int64_t ns) {
        const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 64));
        const int shift = 57 - __builtin_clzll(v);
        ++counts_[static_cast<std::size_t>(shift) * 64 + (v >> shift & 63)];
        ++total_;
    }
    // In µs.
    double quantile(double q) const {
        auto left = static_cast<std::uint64_t>(static_cast<double>(total_) * q);
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] > left) return static_cast<double>((64 + i % 64) << i / 64) / 1000;
            left -= counts_[i];
        }
        return 0;
    }

private:
    std::array<std::uint64_t, 58 * 64> counts_{};
    std::uint64_t total_ = 0;
};

// ---- messages

constexpr std::size_t id_size = 21, digits = 8;
constexpr char mask[] = {0x5a, 0x3c, 0x13, 0x66};

void put_number(char* p, std::uint32_t n) {
    for (std::size_t i = digits; i-- > 0; n /= 10) p[i] = static_cast<char>('0' + n % 10);
}

// What every client of a run sends, but for the target and two numbers.
struct pattern {
    string text, frame; // frame: header, mask, masked text
    std::size_t head, target, data, data_end, number, id;
    string cmd;

    explicit pattern(std::size_t size) {
        const bool small = size < 400;
        cmd = small ? "ice" : "offer";
        const string blank(id_size, '?'), before = R"({"cmd":")" + cmd + R"(","target":")",
                                          between = R"(","data":)", id_name = R"(,"id":")";
        const string open = small ? R"({"candidate":")" : R"({"offer":{"type":"offer","sdp":"v=0\r\no=- )";
        const string close = small ? R"("})" : R"("}})";
        const auto fixed = before.size() + id_size + between.size() + open.size() + digits + close.size() +
                           id_name.size() + id_size + 2;
        if (size < fixed) die("--size is at least " + std::to_string(fixed));
        string fill;
        if (!small) {
            static constexpr string_view lines[] = {
                R"( 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n)",
                R"(m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n)",
                R"(a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlon\r\na=ice-options:trickle\r\n)",
                R"(a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43\r\n)",
                R"(a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=msid:- 6a9e1c0f-4f1d-4b6b-9a43-0f6cd1b0b8a2\r\n)",
                R"(a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=rtcp-mux\r\na=rtcp-rsize\r\n)",
                R"(a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n)",
                R"(a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n)",
            };
            for (std::size_t i = 0; fill.size() + lines[i % 8].size() <= size - fixed; ++i)
                fill += lines[i % 8];
        }
        fill.resize(size - fixed, 'x');
        text = before;
        target = text.size();
        text += blank + between;
        data = text.size();
        text += open;
        number = text.size();
        text += string(digits, '0') + fill + close;
        data_end = text.size();
        text += id_name;
        id = text.size();
        text += "message-id-:-00000000\"}";
        if (text.size() != size || text.size() - id != id_size + 2) die("pattern of a wrong size");
        frame = "\x81";
        if (size < 126) {
            frame += static_cast<char>(0x80 | size);
        } else if (size < 65536) {
            frame += static_cast<char>(0xfe);
            frame += {static_cast<char>(size >> 8), static_cast<char>(size)};
        } else
            die("--size is below 65536");
        frame.append(mask, 4);
        head = frame.size();
        for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(text[i] ^ mask[i & 3]);
    }

    void overlay(char* body, std::size_t at, const char* s, std::size_t n) const {
        for (std::size_t i = 0; i < n; ++i) body[at + i] = static_cast<char>(s[i] ^ mask[(at + i) & 3]);
    }

    void write(string& out, string_view to, std::uint32_t n) const {
        const auto at = out.size();
        out += frame;
        char* const body = out.data() + at + head;
        char number_text[digits];
        put_number(number_text, n);
        overlay(body, target, to.data(), id_size);
        overlay(body, number, number_text, digits);
        overlay(body, id + id_size - digits, number_text, digits);
    }

    // The number of the message, or none if it is not what `from` sent.
    std::optional<std::uint32_t> relayed(string_view got, string_view from) const {
        auto eat = [&](string_view s) {
            return got.starts_with(s) ? (got.remove_prefix(s.size()), true) : false;
        };
        if (!eat(R"({"id":")")) return {};
        const auto quote = got.find('"');
        if (quote == got.npos || quote == 0) return {};
        got.remove_prefix(quote);
        const string_view t = text;
        if (!eat(R"(","cmd":")") || !eat(cmd) || !eat(R"(","origin":")") || !eat(from) ||
            !eat(R"(","data":)") || !eat(t.substr(data, number - data)) || got.size() < digits)
            return {};
        std::uint32_t n = 0;
        for (char c : got.substr(0, digits)) {
            if (c < '0' || c > '9') return {};
            n = n * 10 + static_cast<std::uint32_t>(c - '0');
        }
        got.remove_prefix(digits);
        if (!eat(t.substr(number + digits, data_end - number - digits)) || got != "}") return {};
        return n;
    }

    bool acknowledged(string_view got, std::uint32_t n) const {
        char number_text[digits];
        put_number(number_text, n);
        return got.size() == 7 + id_size + 12 && got.starts_with(R"({"id":")") &&
               got.substr(7, id_size - digits) == string_view(text).substr(id, id_size - digits) &&
               got.substr(7 + id_size - digits, digits) == string_view(number_text, digits) &&
               got.ends_with(R"(","ok":true})");
    }
};

// ---- connections

struct client {
    int fd = -1;
    string id;
    client* peer = nullptr;
    string in, out;                                  // incomplete input, output the socket did not take
    std::uint32_t sent = 0, acked = 0, received = 0; // received: all numbers below it
    std::deque<std::int64_t> sent_at;                // from number peer->received on; 0: has arrived
    bool waits_for_room = false;
};

// As Chromium sends them, with what a site's own cookies add.
constexpr string_view upgrade =
    "GET /socket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: "
    "no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36\r\n"
    "Upgrade: websocket\r\nOrigin: http://127.0.0.1\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, "
    "deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0f6cd1b0b8a24b6b9a434f1d6a9e1c0f; theme=dark; "
    "consent=all\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

class load {
public:
    explicit load(const std::map<string, string>& options) : options_(options), messages_(size()) {}

    int run(string_view mode) {
        if (mode == "throughput") return throughput();
        if (mode == "paced") return paced();
        if (mode == "idle") return idle();
        if (mode == "stalled") return stalled();
        if (mode == "handshake") return handshake();
        die("modes: throughput, paced, idle, stalled, handshake");
    }

private:
    double option(const char* name, double otherwise) const {
        const auto at = options_.find(name);
        return at == options_.end() ? otherwise : std::atof(at->second.c_str());
    }
    std::size_t count(const char* name, double otherwise) const {
        return static_cast<std::size_t>(option(name, otherwise));
    }
    std::size_t size() const { return count("size", 120); }
    process server() const { return process(static_cast<int>(option("pid", 0))); }

    // ---- opening

    int dial(int receive_buffer = 0) const {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) die("socket: "s + std::strerror(errno));
        const int on = 1;
        const linger at_once{1, 0}; // no TIME_WAIT: thousands of connections come and go
        const timeval limit{10, 0};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(option("port", 0)));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            die("connect: "s + std::strerror(errno));
        if (send(fd, upgrade.data(), upgrade.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(upgrade.size()))
            die("the upgrade was not taken");
        return fd;
    }

    // The id in the welcome, which must be the first message.
    static string welcome(int fd) {
        string got;
        for (;;) {
            char part[2048];
            const auto n = recv(fd, part, sizeof part, 0);
            if (n <= 0) die("no welcome");
            got.append(part, static_cast<std::size_t>(n));
            const auto end = got.find("\r\n\r\n");
            if (end == got.npos || got.size() < end + 6) continue;
            if (!got.starts_with("HTTP/1.1 101") || got.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") > end)
                die("no proper 101: " + got);
            const string_view frame = string_view(got).substr(end + 4);
            const auto length = static_cast<std::size_t>(frame[1]);
            if (frame[0] != '\x81' || length > 125) die("no proper welcome");
            if (frame.size() < length + 2) continue;
            const auto text = frame.substr(2);
            const auto at = text.find(R"(","cmd":"welcome","data":{"id":")");
            if (!text.starts_with(R"({"id":")") || text.size() != length || at == text.npos)
                die("welcome is " + string(text));
            const auto id = text.substr(at + 32);
            if (id.size() != id_size + 3 || !id.ends_with("\"}}")) die("ids are not of 21 characters");
            return string(id.substr(0, id_size));
        }
    }

    client* add() {
        auto& c = *clients_.emplace_back(std::make_unique<client>());
        c.fd = dial();
        c.id = welcome(c.fd);
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = &c;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &e);
        return &c;
    }

    void add_pairs(std::size_t n) {
        while (clients_.size() + 1 < n) {
            auto* const a = add();
            auto* const b = add();
            a->peer = b;
            b->peer = a;
        }
    }

    // ---- the engine

    void send_messages(client& c, std::uint32_t n, std::int64_t stamp) {
        for (; n; --n) {
            messages_.write(c.out, c.peer->id, c.sent++);
            c.sent_at.push_back(stamp);
            ++sent_;
        }
        flush(c);
    }

    void flush(client& c) {
        const auto n = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) die("send: "s + std::strerror(errno));
        c.out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (c.waits_for_room == c.out.empty()) {
            c.waits_for_room = !c.out.empty();
            epoll_event e{};
            e.events = c.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
            e.data.ptr = &c;
            epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &e);
        }
    }

    void pump(int timeout_ms) {
        epoll_event events[256];
        const int n = epoll_wait(epoll_, events, 256, timeout_ms);
        for (int i = 0; i < n; ++i) {
            auto& c = *static_cast<client*>(events[i].data.ptr);
            if (events[i].events & EPOLLOUT) flush(c);
            if (events[i].events & ~std::uint32_t{EPOLLOUT}) read(c);
        }
    }

    void read(client& c) {
        const auto kept = c.in.size();
        std::memcpy(buffer_.data(), c.in.data(), kept);
        const auto got = recv(c.fd, buffer_.data() + kept, buffer_.size() - kept, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) die("the server left");
        const auto at = now();
        string_view rest(buffer_.data(), kept + static_cast<std::size_t>(got));
        std::uint32_t answers = 0;
        while (rest.size() >= 2) {
            std::size_t head = 2, length = static_cast<unsigned char>(rest[1]);
            if (length == 126) {
                if (rest.size() < 4) break;
                head = 4;
                length = static_cast<std::size_t>(static_cast<unsigned char>(rest[2]) << 8 |
                                                  static_cast<unsigned char>(rest[3]));
            }
            if (length > 65535 || (head == 2 && length > 125)) die("unexpected frame length");
            if (rest.size() < head + length) break;
            if (rest[0] == '\x81')
                answers += text(c, rest.substr(head, length), at);
            else if (rest[0] == '\x89')
                pong(c, rest.substr(head, length));
            else
                die("unexpected frame " + std::to_string(static_cast<unsigned char>(rest[0])));
            rest.remove_prefix(head + length);
        }
        c.in = rest;
        if (answers) send_messages(c, answers, now());
    }

    void pong(client& c, string_view text) {
        c.out += '\x8a';
        c.out += static_cast<char>(0x80 | text.size());
        c.out.append(4, '\0');
        c.out += text;
        flush(c);
    }

    // Checks one message; how many to send back.
    std::uint32_t text(client& c, string_view got, std::int64_t at) {
        if (&c == feeder_) return 0; // told that its target is gone, perhaps
        if (got.substr(std::min(got.size(), 7 + id_size), 7) == R"(","ok":)") {
            if (!messages_.acknowledged(got, c.acked++)) die("wrong answer: " + string(got));
            ++acked_;
            return 0;
        }
        client& from = *c.peer;
        const auto n = messages_.relayed(got, from.id);
        const auto at_front = n ? *n - c.received : ~0u;
        if (at_front >= from.sent_at.size() || from.sent_at[at_front] == 0 || (at_front != 0 && ordered_))
            die("wrong message: " + string(got.substr(0, 400)));
        ++received_;
        latency_.add(at - std::exchange(from.sent_at[at_front], 0));
        for (; !from.sent_at.empty() && from.sent_at.front() == 0; ++c.received) from.sent_at.pop_front();
        return bounce_;
    }

    // Until nothing is under way any more: all that was sent must have arrived and been acknowledged.
    void drain() {
        bounce_ = 0;
        const auto limit = now() + patience;
        while (received_ != sent_ || acked_ != sent_) {
            if (now() > limit)
                die("lost: " + std::to_string(sent_ - received_) + " messages, " +
                    std::to_string(sent_ - acked_) + " answers");
            pump(100);
        }
    }

    // ---- modes

    int throughput() {
        add_pairs(count("clients", 1000));
        const auto window = static_cast<std::uint32_t>(option("window", 1));
        const auto fixed = static_cast<std::uint64_t>(option("messages", 0));
        bounce_ = 1;
        for (std::size_t i = 0; i < clients_.size(); i += 2) send_messages(*clients_[i], window, now());
        // Longer than asked if a server is so slow that nothing came back by then.
        auto run_until = [&](std::int64_t end) {
            for (const auto had = received_; now() < end || received_ == had; pump(100))
                if (now() > end + patience) die("nothing came back");
        };
        if (fixed == 0) run_until(now() + static_cast<std::int64_t>(option("warmup", 0.3) * second));
        latency_ = {};
        const auto cpu = server().cpu(), start = now();
        const auto before = received_;
        if (fixed == 0) {
            run_until(start + static_cast<std::int64_t>(option("seconds", 2) * second));
        } else {
            const auto limit = start + 30 * patience;
            while (received_ < fixed) {
                if (now() > limit) die("too slow");
                pump(1000);
            }
        }
        const auto used = server().cpu() - cpu, time = now() - start;
        const auto done = received_ - before;
        drain();
        std::printf(
            R"({"messages":%llu,"seconds":%.3f,"rate":%.0f,"cpu_us":%.3f,"p50_us":%.1f,"p99_us":%.1f})"
            "\n",
            static_cast<unsigned long long>(fixed ? received_ : done), static_cast<double>(time) / second,
            static_cast<double>(done) * second / static_cast<double>(time),
            static_cast<double>(used) / 1000 / static_cast<double>(done), latency_.quantile(0.5),
            latency_.quantile(0.99));
        return 0;
    }

    struct pace {
        double interval; // ns
        std::int64_t start = now();
        std::uint64_t done = 0;
        bool due(std::int64_t t) const { return at() <= t; }
        std::int64_t at() const {
            return start + static_cast<std::int64_t>(static_cast<double>(done) * interval);
        }
    };

    // Sends one way, spread evenly; latency counts from when a message was due.
    template <class Each>
    void run_paced(double rate, double seconds, Each each) {
        pace p{second / rate};
        std::size_t next = 0;
        for (auto t = p.start; t < p.start + static_cast<std::int64_t>(seconds * second); t = now()) {
            for (int burst = 0; p.due(t) && burst < 64; ++burst, ++p.done, next = (next + 2) % pairs_end_)
                send_messages(*clients_[next], 1, p.at());
            each(t);
            pump(0);
        }
        drain();
    }

    int paced() {
        add_pairs(pairs_end_ = count("clients", 1000));
        const auto rate = option("rate", 10000), seconds = option("seconds", 2);
        run_paced(rate, 0.3, [](std::int64_t) {});
        latency_ = {};
        const auto cpu = server().cpu();
        const auto before = received_;
        run_paced(rate, seconds, [](std::int64_t) {});
        const auto done = static_cast<double>(received_ - before);
        std::printf(R"({"rate":%.0f,"reached":%.0f,"cpu_us":%.3f,"p50_us":%.1f,"p99_us":%.1f})"
                    "\n",
                    rate, done / seconds, static_cast<double>(server().cpu() - cpu) / 1000 / done,
                    latency_.quantile(0.5), latency_.quantile(0.99));
        return 0;
    }

    int stalled() {
        add_pairs(pairs_end_ = count("clients", 100));
        const auto rate = option("rate", 5000), seconds = option("seconds", 5);
        run_paced(rate, 0.3, [](std::int64_t) {});
        latency_ = {};
        run_paced(rate, seconds, [](std::int64_t) {});
        const double without = latency_.quantile(0.99);

        const int reader = dial(4096);
        const string id = welcome(reader);
        feeder_ = add();
        const pattern big(count("feed-size", 16384));
        pace feed{second / option("feed-rate", 1000)};
        latency_ = {};
        string sizes;
        const auto before = server().resident();
        std::int64_t most = before, sample = 0;
        int samples = 0;
        run_paced(rate, seconds, [&](std::int64_t t) {
            if (feed.due(t) && feeder_->out.size() < big.frame.size()) {
                big.write(feeder_->out, id, static_cast<std::uint32_t>(feed.done++));
                flush(*feeder_);
            }
            if (t < sample) return;
            const auto resident = server().resident();
            most = std::max(most, resident);
            if (samples++ % 25 == 0) sizes += (sizes.empty() ? "" : ",") + std::to_string(resident / 1024);
            sample = t + 20'000'000;
        });
        pollfd state{reader, POLLRDHUP, 0};
        poll(&state, 1, 0);
        std::printf(
            R"({"rate":%.0f,"fed":%llu,"p99_without_us":%.1f,"p99_us":%.1f,"p50_us":%.1f,"rss_before":%lld,)"
            R"("rss_most":%lld,"rss_kb":[%s],"reader":"%s"})"
            "\n",
            rate, static_cast<unsigned long long>(feed.done), without, latency_.quantile(0.99),
            latency_.quantile(0.5), static_cast<long long>(before), static_cast<long long>(most),
            sizes.c_str(),
            state.revents & POLLERR     ? "reset"
            : state.revents & POLLRDHUP ? "closed"
                                        : "open");
        return 0;
    }

    int idle() {
        auto open_to = [&](const char* name, std::size_t n) {
            while (clients_.size() < n) add();
            std::printf("%s\n", name);
            std::fflush(stdout);
            if (std::getchar() == EOF) die("nobody says go on");
        };
        const auto base = count("base", 100);
        open_to("base", base);
        open_to("full", base + count("clients", 10000));
        for (const auto& c : clients_) {
            char byte;
            if (recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0 || errno != EAGAIN)
                die("not all stayed quiet and open");
        }
        return 0;
    }

    int handshake() {
        const auto n = count("count", 2000);
        auto open_and_close = [&](std::size_t k) {
            std::array<int, 16> fds;
            for (std::size_t i = 0; i < k; i += fds.size()) {
                for (auto& fd : fds) fd = dial();
                for (auto fd : fds) welcome(fd);
                for (auto fd : fds) close(fd);
            }
        };
        open_and_close(200);
        const auto before = server().cpu();
        open_and_close(n);
        // The server still has to notice the last closes: done once its clock stands still.
        auto after = server().cpu();
        for (const auto limit = now() + patience; now() < limit;) {
            usleep(20'000);
            const auto later = server().cpu();
            if (later - after < 100'000) break;
            after = later;
        }
        std::printf(R"({"handshakes":%zu,"cpu_us":%.2f})"
                    "\n",
                    (n + 15) / 16 * 16,
                    static_cast<double>(after - before) / 1000 / static_cast<double>((n + 15) / 16 * 16));
        return 0;
    }

    std::map<string, string> options_;
    pattern messages_;
    int epoll_ = epoll_create1(0);
    std::vector<std::unique_ptr<client>> clients_;
    std::vector<char> buffer_ = std::vector<char>(512 * 1024);
    client* feeder_ = nullptr;
    bool ordered_ = option("ordered", 1) != 0;
    std::size_t pairs_end_ = 0;
    std::uint32_t bounce_ = 0;
    std::uint64_t sent_ = 0, received_ = 0, acked_ = 0;
    histogram latency_;
};

} // namespace

int main(int argc, char** argv) {
    std::map<string, string> options;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!string_view(argv[i]).starts_with("--")) die("options are --name value");
        options[argv[i] + 2] = argv[i + 1];
    }
    return load(options).run(argc > 1 ? argv[1] : "");
}
