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
// load bursts --port P --pid PID --kind publishes|lookups|large|tls [--rate 250 --seconds 3 --members
// --connections --batch --times --bytes]   a pair at that rate, alone for so long, then beside the burst
// --ordered 0 accepts messages of a pair in any order (each exactly once). --wire names the wire spoken where
// messages are throughput or paced: json unless it is peerjs, socket-signal or y-webrtc.
// --unix PATH instead of --port: a Unix socket, with messages behind their length. --tls 1: TLS on the port.
// One JSON object per report on stdout; exit 1 and a reason on stderr if the server errs or takes too long.
#include "load/bursts.hpp"
#include "load/channel.hpp"
#include "load/framing.hpp"
#include "load/json.hpp"
#include "load/peerjs.hpp"
#include "load/socket_signal.hpp"
#include "load/time.hpp"
#include "load/y_webrtc.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
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

using bench::die;
using bench::heard;
using bench::now;
using bench::patience;
using bench::second;
using std::string;
using std::string_view;
using namespace std::literals;

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

    // The most that was resident since `forget_peak`.
    std::int64_t peak() const {
        std::ifstream status(path + "/status");
        for (string word; status >> word;) {
            std::int64_t kb = 0;
            if (word == "VmHWM:" && status >> kb) return kb * 1024;
        }
        die("no peak of " + path);
    }
    void forget_peak() const {
        if (!(std::ofstream(path + "/clear_refs") << 5 << std::flush)) die("the peak is not forgotten");
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
        most_ = std::max(most_, ns);
    }
    std::uint64_t size() const { return total_; }
    double most() const { return static_cast<double>(most_) / 1000; }
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
    std::int64_t most_ = 0;
};

// ---- connections

struct client : bench::party {
    bench::channel line;
    client* peer = nullptr;
    string in, out;                                  // incomplete input, output the socket did not take
    std::uint32_t sent = 0, acked = 0, received = 0; // received: all numbers below it
    std::deque<std::int64_t> sent_at;                // from number peer->received on; 0: has arrived
    bool waits_for_room = false;
};

// As Chromium sends them, with cookies of a site's own.
constexpr string_view upgrade =
    "Host: 127.0.0.1\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: "
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
    explicit load(const std::map<string, string>& options) : options_(options) {}

    int run(string_view mode) {
        if (mode == "throughput") return throughput();
        if (mode == "paced") return paced();
        if (options_.contains("wire")) die("the other modes are for the wire json");
        if (mode == "idle") return idle();
        if (mode == "stalled") return stalled();
        if (mode == "handshake") return handshake();
        if (mode == "bursts") return bursts();
        die("modes: throughput, paced, idle, stalled, handshake, bursts");
    }

private:
    double option(const char* name, double otherwise) const {
        const auto at = options_.find(name);
        return at == options_.end() ? otherwise : std::atof(at->second.c_str());
    }
    std::size_t count(const char* name, double otherwise) const {
        return static_cast<std::size_t>(option(name, otherwise));
    }
    string word(const char* name) const {
        const auto at = options_.find(name);
        return at == options_.end() ? string() : at->second;
    }
    std::unique_ptr<bench::wire> make_wire(std::size_t size) const {
        const auto name = word("wire");
        if (name.empty() || name == "json") return std::make_unique<bench::json>(size, framing_);
        if (framing_ != bench::framing::websocket) die("the Unix socket is for the wire json");
        if (name == "peerjs") return std::make_unique<bench::peerjs>(size);
        if (name == "socket-signal") return std::make_unique<bench::socket_signal>(size);
        if (name == "y-webrtc") return std::make_unique<bench::y_webrtc>(size);
        die("wires: json, peerjs, socket-signal, y-webrtc");
    }
    process server() const { return process(static_cast<int>(option("pid", 0))); }

    // ---- opening

    // As client `number`.
    bench::channel dial(std::size_t number, int receive_buffer = 0) const {
        bench::channel line(server_, receive_buffer);
        if (framing_ != bench::framing::websocket) return line;
        const auto first = "GET " + wire_->target(number) + " HTTP/1.1\r\n" + protocol_ + string(upgrade) +
                           wire_->hello(number);
        if (line.send(first) != static_cast<ssize_t>(first.size())) die("the upgrade was not taken");
        return line;
    }

    // The client's id: from the welcome, which must be the first message.
    bench::party welcome(bench::channel& line, std::size_t number) const {
        string got;
        for (;;) {
            char part[2048];
            const auto n = line.receive(part, sizeof part);
            if (n <= 0) die("no welcome");
            got.append(part, static_cast<std::size_t>(n));
            std::size_t at_frame = 0;
            if (framing_ == bench::framing::websocket) {
                const auto end = got.find("\r\n\r\n");
                if (end == got.npos) continue;
                if (!got.starts_with("HTTP/1.1 101") || got.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") > end)
                    die("no proper 101: " + got);
                at_frame = end + 4;
            }
            const auto f = front_frame(framing_, string_view(got).substr(at_frame));
            if (!f) continue;
            if (f->kind != wire_->kind() || got.size() != at_frame + f->size) die("no proper welcome");
            const auto who = wire_->greeted(f->payload, number);
            if (!who) die("welcome is " + string(f->payload));
            return *who;
        }
    }

    client* add() {
        const auto number = clients_.size();
        auto& c = *clients_.emplace_back(std::make_unique<client>());
        c.line = dial(number);
        static_cast<bench::party&>(c) = welcome(c.line, number);
        c.line.stop_waiting();
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = &c;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, c.line.descriptor(), &e);
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
            wire_->write(c.out, c, *c.peer, c.sent++);
            c.sent_at.push_back(stamp);
            ++sent_;
        }
        flush(c);
    }

    void flush(client& c) {
        const auto n = c.line.send(c.out);
        if (n < 0 && errno != EAGAIN) die("send: "s + std::strerror(errno));
        c.out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (c.waits_for_room == c.out.empty()) {
            c.waits_for_room = !c.out.empty();
            epoll_event e{};
            e.events = c.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
            e.data.ptr = &c;
            epoll_ctl(epoll_, EPOLL_CTL_MOD, c.line.descriptor(), &e);
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
        const auto got = c.line.receive(buffer_.data() + kept, buffer_.size() - kept);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) die("the server left");
        const auto at = now();
        string_view rest(buffer_.data(), kept + static_cast<std::size_t>(got));
        std::uint32_t answers = 0;
        while (const auto f = front_frame(framing_, rest)) {
            if (f->kind == wire_->kind())
                answers += text(c, f->payload, at);
            else if (f->kind == '\x89')
                pong(c, f->payload);
            else
                die("unexpected frame " + std::to_string(static_cast<unsigned char>(f->kind)));
            rest.remove_prefix(f->size);
        }
        c.in = rest;
        if (answers || !c.out.empty()) send_messages(c, answers, now());
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
        const auto [what, number] = wire_->judge(got, c, *c.peer, c.out);
        if (what == heard::acknowledged) {
            if (number != c.acked++) die("wrong answer: " + string(got.substr(0, 400)));
            ++acked_;
            return 0;
        }
        client& from = *c.peer;
        const auto at_front = what == heard::relayed ? number - c.received : ~0u;
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
        const auto& answered = wire_->acknowledges() ? acked_ : received_;
        while (received_ != sent_ || answered != sent_) {
            if (now() > limit)
                die("lost: " + std::to_string(sent_ - received_) + " messages, " +
                    std::to_string(sent_ - answered) + " answers");
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

    // Sends one way, broadcast evenly; latency counts from when a message was due.
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

        auto reader = dial(0, 4096);
        const auto who = welcome(reader, 0);
        feeder_ = add();
        const auto big_size = count("feed-size", 16384);
        const auto big = make_wire(big_size);
        pace feed{second / option("feed-rate", 1000)};
        latency_ = {};
        string sizes;
        const auto before = server().resident();
        std::int64_t most = before, sample = 0;
        int samples = 0;
        run_paced(rate, seconds, [&](std::int64_t t) {
            if (feed.due(t) && feeder_->out.size() < big_size) {
                big->write(feeder_->out, *feeder_, who, static_cast<std::uint32_t>(feed.done++));
                flush(*feeder_);
            }
            if (t < sample) return;
            const auto resident = server().resident();
            most = std::max(most, resident);
            if (samples++ % 25 == 0) sizes += (sizes.empty() ? "" : ",") + std::to_string(resident / 1024);
            sample = t + 20'000'000;
        });
        pollfd state{reader.descriptor(), POLLRDHUP, 0};
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
            if (recv(c->line.descriptor(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0 || errno != EAGAIN)
                die("not all stayed quiet and open");
        }
        return 0;
    }

    int handshake() {
        const auto n = count("count", 2000);
        auto open_and_close = [&](std::size_t k) {
            std::array<bench::channel, 16> lines;
            for (std::size_t i = 0; i < k; i += lines.size()) {
                for (auto& line : lines) line = dial(0);
                for (auto& line : lines) welcome(line, 0);
                for (auto& line : lines) line = {};
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

    // The pair's messages; it sleeps between them, so that others have the processor.
    template <class Over>
    void run_pair(double rate, Over over) {
        for (pace p{second / rate}; !over();) {
            for (; p.due(now()); ++p.done) send_messages(*clients_[0], 1, p.at());
            const auto left = std::max<std::int64_t>(p.at() - now(), 0);
            const timespec limit{left / 1'000'000'000, left % 1'000'000'000};
            pollfd ready{epoll_, POLLIN, 0};
            ppoll(&ready, 1, &limit, nullptr);
            pump(0);
        }
        drain();
    }

    int bursts() {
        protocol_ = "Sec-WebSocket-Protocol: sigfire.v1.json\r\n";
        const auto rate = option("rate", 250), seconds = option("seconds", 3);
        const bench::burst_size size{count("members", 1000), count("connections", 100), count("batch", 1),
                                     count("times", 1),      count("bytes", 0),         seconds};
        add_pairs(2);
        auto alone = [&](double time) {
            run_pair(rate, [end = now() + static_cast<std::int64_t>(time * second)] { return now() >= end; });
            return std::exchange(latency_, {});
        };
        alone(0.3);
        const auto without = alone(seconds);

        const auto burst = bench::make_burst(word("kind"), size, [this](std::size_t n) {
            std::vector<bench::guest> in(n);
            for (auto& g : in) g.line = dial(0);
            for (auto& g : in) g.who = welcome(g.line, 0);
            return in;
        });
        burst->prepare();
        alone(0.3);
        server().forget_peak();
        const auto before = server().resident(), cpu = server().cpu(), start = now();
        std::atomic<bool> over{false};
        std::int64_t time = 0;
        {
            const auto thread = bench::start(*burst, over);
            run_pair(rate, [&] {
                time = now() - start;
                return over.load();
            });
        }
        if (burst->done() == 0) die("the burst did nothing");
        std::printf(
            R"({"done":%zu,"seconds":%.3f,"cpu_seconds":%.3f,"messages":%llu,"p50_without_us":%.1f,)"
            R"("p99_without_us":%.1f,"max_without_us":%.1f,"p50_us":%.1f,"p99_us":%.1f,"max_us":%.1f,)"
            R"("rss_before":%lld,"rss_most":%lld})"
            "\n",
            burst->done(), static_cast<double>(time) / second,
            static_cast<double>(server().cpu() - cpu) / second,
            static_cast<unsigned long long>(latency_.size()), without.quantile(0.5), without.quantile(0.99),
            without.most(), latency_.quantile(0.5), latency_.quantile(0.99), latency_.most(),
            static_cast<long long>(before), static_cast<long long>(server().peak()));
        return 0;
    }

    std::map<string, string> options_;
    string protocol_; // asked for in the upgrade: a header line
    bench::endpoint server_{word("unix"), static_cast<std::uint16_t>(option("port", 0)),
                            option("tls", 0) != 0};
    bench::framing framing_ = server_.path.empty() ? bench::framing::websocket : bench::framing::length;
    std::unique_ptr<bench::wire> wire_ = make_wire(count("size", 120));
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
