// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "channel.hpp"
#include "form.hpp"
#include "time.hpp"
#include "wire.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// A connection that the server has welcomed.
struct guest {
    channel line;
    party who;
};

/// How large a burst is.
struct burst_size {
    std::size_t members = 0;     ///< of the topic, besides the publisher
    std::size_t connections = 0; ///< that ask or connect at the same time
    std::size_t batch = 1;       ///< publications in one write, or look-ups under way on one connection
    std::size_t times = 1;       ///< how often a batch is published
    std::size_t bytes = 0;       ///< of the data of a publication
    double seconds = 0;          ///< how long it goes on, if it has no end of its own
};

/** The work of others on a server while a pair talks, by the protocol `sigfire.v1.json`. All connections are
 * open once it is made. */
class burst {
public:
    /// Opens so many connections, all at the same time.
    using opener = std::function<std::vector<guest>(std::size_t)>;

    virtual ~burst() = default;
    /// Just before it begins: nothing of its opening is left to be done.
    virtual void prepare() {}
    /// From its begin to its end. Dies at a wrong answer, and if the server does not go on.
    virtual void run() = 0;
    /// How much of its work is done.
    std::size_t done() const { return done_; }

protected:
    std::size_t done_ = 0;
};

/// Connections of a burst, all served by one thread.
class burst_of_many : public burst {
protected:
    explicit burst_of_many(opener open) : opener_(std::move(open)) {}

    /// Lets `n` members into the topic, and has them in the order in which they joined.
    std::vector<guest> members(std::size_t n) {
        std::vector<guest> all(n);
        for (std::size_t left = n; left != 0;) {
            auto some = strangers(std::min<std::size_t>(left, 64));
            left -= some.size();
            for (auto& g : some) say(g.line, R"({"cmd":"join","id":1,"topic":"t"})");
            for (auto& g : some) {
                const auto place = joined(hear(g.line)) - joined_ - 1;
                if (place >= n || all[place].line.descriptor() >= 0) die("a member has a place of another");
                all[place] = std::move(g);
            }
        }
        joined_ += n;
        return all;
    }

    std::vector<guest> strangers(std::size_t n) { return opener_(n); }

    /// Has `pump` look after the connection; `tag` names it.
    void watch(channel& line, void* tag) {
        line.stop_waiting();
        control(EPOLL_CTL_ADD, line, tag, EPOLLIN);
    }

    void control(int operation, const channel& line, void* tag, std::uint32_t events) const {
        epoll_event e{};
        e.events = events;
        e.data.ptr = tag;
        epoll_ctl(epoll_, operation, line.descriptor(), &e);
    }

    /// Calls `on_event(tag, events)` for connections that are ready until `over()`; dies if none is for long.
    template <class OnEvent, class Over>
    void pump(OnEvent on_event, Over over) const {
        while (!over()) {
            epoll_event events[256];
            const int n = epoll_wait(epoll_, events, 256, static_cast<int>(patience / 1'000'000));
            if (n == 0) die("the burst does not go on");
            for (int i = 0; i < n; ++i) on_event(events[i].data.ptr, events[i].events);
        }
    }

    /// The `kept` bytes and all that have come behind them; empty if none have.
    std::string_view receive(channel& line, std::string_view kept = {}) {
        std::memcpy(buffer_.data(), kept.data(), kept.size());
        const auto n = line.receive(buffer_.data() + kept.size(), buffer_.size() - kept.size());
        if (n < 0 && errno == EAGAIN) return {};
        if (n <= 0) die("the server left one of the burst");
        return {buffer_.data(), kept.size() + static_cast<std::size_t>(n)};
    }

    /// Sends as much of `out` as the socket takes, and tells whether something is left.
    static bool send(channel& line, std::string& out) {
        const auto n = out.empty() ? 0 : line.send(out);
        if (n < 0 && errno != EAGAIN) die(std::string("send: ") + std::strerror(errno));
        out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        return !out.empty();
    }

    /// A sign of life, which nobody answers.
    static void live(channel& line) {
        if (line.send({"\x8a\x80\0\0\0\0", 6}) != 6) die("a pong was not taken");
    }

private:
    static void say(channel& line, std::string_view request) {
        std::string out;
        form{}.text(request).write(out, '\x81', {});
        if (line.send(out) != static_cast<ssize_t>(out.size())) die("a request was not taken");
    }

    // The next message, behind which nothing has come.
    static std::string hear(channel& line) {
        std::string got;
        for (;;) {
            char part[1024];
            const auto n = line.receive(part, sizeof part);
            if (n <= 0) die("a request is not answered");
            got.append(part, static_cast<std::size_t>(n));
            const auto f = front_frame(framing::websocket, got);
            if (f && f->size != got.size()) die("too many answers");
            if (f) return std::string(f->payload);
        }
    }

    // How many members there were, by the reply to the last of them.
    static std::size_t joined(std::string_view reply) {
        constexpr std::string_view begin = R"({"id":1,"ok":true,"data":{"topic":"t","members":)", end = "}}";
        const auto whole = reply;
        if (reply.starts_with(begin) && reply.ends_with(end)) {
            reply.remove_prefix(begin.size());
            reply.remove_suffix(end.size());
            if (const auto n = read_number(reply)) return *n;
        }
        die("wrong reply: " + std::string(whole));
    }

    opener opener_;
    int epoll_ = epoll_create1(0);
    std::size_t joined_ = 0;
    std::vector<char> buffer_ = std::vector<char>(512 * 1024);
};

/** One member publishes, all others read: batches of publications in one write, the next when all have heard
 * the last. All members hear the same bytes, so each is compared with the first, which is judged by itself.
 */
class publications : public burst_of_many {
public:
    publications(const burst_size& size, opener open) : burst_of_many(std::move(open)), size_(size) {
        for (auto& g : members(size.members)) members_.emplace_back(std::move(g.line));
        for (auto& m : members_) watch(m.line, &m);
        auto g = std::move(members(1).front());
        publisher_ = std::move(g.line);
        watch(publisher_, nullptr);
        const std::string data =
            size.bytes ? R"(,"data":")" + std::string(remaining(size.bytes, 2), 'x') + R"("})" : "}";
        request_.text(R"({"cmd":"publish","id":"p)").hole(digits).text(R"(","topic":"t")" + data);
        reply_.text(R"({"id":"p)").hole(digits).text(R"(","ok":true})");
        heard_.text(R"({"id":")").hole(21).text(R"(","cmd":"publish","origin":")" + g.who.id);
        heard_.text(R"(","topic":"t")" + data);
        heard_size_ = heard_.size() + (heard_.size() < 126 ? 2 : heard_.size() < 65536 ? 4 : 10);
    }

    void prepare() override {
        // Those that were let in first have been silent for long, and may have been asked whether they live.
        std::int64_t n = 0;
        for (auto& m : members_) {
            for (auto got = receive(m.line); !got.empty(); got = receive(m.line)) {
                while (got.starts_with(std::string_view{"\x89\0", 2})) got.remove_prefix(2);
                if (!got.empty()) die("a member hears something before the burst");
            }
            live(m.line);
            // Not all at the same time: that would be a burst of its own.
            m.lived = now() - lives_for * n++ / static_cast<std::int64_t>(members_.size());
        }
    }

    void run() override {
        for (std::size_t i = 0; i < size_.times; ++i) publish();
    }

private:
    struct reader {
        explicit reader(channel c) : line(std::move(c)) {}
        channel line;
        std::size_t heard = 0; // bytes of this batch
        std::int64_t lived = 0;
    };

    static constexpr std::int64_t lives_for = 10 * second;

    void publish() {
        for (auto& m : members_) m.heard = 0;
        all_.clear();
        through_ = replies_ = 0;
        for (std::size_t i = 0; i < size_.batch; ++i)
            request_.write(out_, '\x81', {number_text{static_cast<std::uint32_t>(i)}});
        push();
        pump(
            [this](void* tag, std::uint32_t events) {
                if (tag) return read(*static_cast<reader*>(tag));
                if (events & EPOLLOUT) push();
                if (events & ~std::uint32_t{EPOLLOUT}) read_replies();
            },
            [this] { return through_ == members_.size() && replies_ == size_.batch; });
        std::string_view rest = all_;
        while (const auto f = front_frame(framing::websocket, rest)) {
            std::string_view id;
            if (f->kind != '\x81' || !heard_.read(f->payload, {&id}))
                die("wrong publication: " + std::string(f->payload.substr(0, 400)));
            rest.remove_prefix(f->size);
        }
        if (!rest.empty()) die("half a publication");
        done_ += size_.batch * members_.size();
    }

    void push() {
        const bool waits = send(publisher_, out_);
        control(EPOLL_CTL_MOD, publisher_, nullptr, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }

    void read(reader& m) {
        const auto got = receive(m.line);
        const auto known = std::min(got.size(), all_.size() - m.heard);
        if (got.substr(0, known) != std::string_view{all_}.substr(m.heard, known))
            die("a member hears other bytes than the first");
        all_ += got.substr(known);
        m.heard += got.size();
        if (m.heard > size_.batch * heard_size_) die("a member hears too much");
        if (!got.empty() && m.heard == size_.batch * heard_size_) ++through_;
        if (const auto t = now(); t - m.lived > lives_for) {
            live(m.line);
            m.lived = t;
        }
    }

    void read_replies() {
        auto rest = receive(publisher_, in_);
        if (rest.empty()) return;
        while (const auto f = front_frame(framing::websocket, rest)) {
            std::string_view number;
            if (f->kind == '\x89')
                live(publisher_);
            else if (!reply_.read(f->payload, {&number}) || read_number(number) != replies_++)
                die("wrong reply: " + std::string(f->payload.substr(0, 400)));
            rest.remove_prefix(f->size);
        }
        in_ = rest;
    }

    burst_size size_;
    form request_, reply_, heard_;
    std::size_t heard_size_;
    std::vector<reader> members_;
    channel publisher_;
    std::string in_, out_;    // of the publisher
    std::string all_;         // heard by the quickest member
    std::size_t through_ = 0; // members that have heard all
    std::size_t replies_ = 0;
};

/// Connections look up a topic of many members, again and again, some look-ups of each under way.
class lookups : public burst_of_many {
public:
    lookups(const burst_size& size, opener open) : burst_of_many(std::move(open)), size_(size) {
        members_ = members(size.members);
        const auto told = std::min<std::size_t>(size.members, 1000);
        std::string list;
        for (std::size_t i = 0; i < told; ++i)
            list += (i == 0 ? R"({"id":")" : R"(,{"id":")") + members_[i].who.id + R"("})";
        request_.text(R"({"cmd":"lookup","id":"l)").hole(digits);
        request_.text(R"(","topic":"t","data":{"limit":)" + std::to_string(told) + "}}");
        reply_.text(R"({"id":"l)").hole(digits).text(R"(","ok":true,"data":{"count":)");
        reply_.text(std::to_string(size.members) + R"(,"members":[)" + list + "]}}");
        for (auto& g : strangers(size.connections)) askers_.emplace_back(std::move(g.line));
        for (auto& a : askers_) watch(a.line, &a);
    }

    void run() override {
        for (auto& a : askers_) ask(a, size_.batch);
        const auto end = now() + static_cast<std::int64_t>(size_.seconds * second);
        pump(
            [&](void* tag, std::uint32_t events) {
                auto& a = *static_cast<asker*>(tag);
                const auto answers = events & ~std::uint32_t{EPOLLOUT} ? read(a) : 0;
                ask(a, now() < end ? answers : 0);
            },
            [&] { return done_ == asked_ && now() >= end; });
    }

private:
    struct asker {
        explicit asker(channel c) : line(std::move(c)) {}
        channel line;
        std::string in, out;
        std::uint32_t asked = 0, answered = 0;
        bool waits = false;
    };

    void ask(asker& a, std::size_t n) {
        asked_ += n;
        for (; n; --n) request_.write(a.out, '\x81', {number_text{a.asked++}});
        if (const bool waits = send(a.line, a.out); waits != std::exchange(a.waits, waits))
            control(EPOLL_CTL_MOD, a.line, &a, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }

    std::size_t read(asker& a) {
        auto rest = receive(a.line, a.in);
        if (rest.empty()) return 0;
        std::size_t n = 0;
        for (; const auto f = front_frame(framing::websocket, rest); ++n) {
            std::string_view number;
            if (!reply_.read(f->payload, {&number}) || read_number(number) != a.answered++)
                die("wrong reply: " + std::string(f->payload.substr(0, 400)));
            rest.remove_prefix(f->size);
        }
        a.in = rest;
        done_ += n;
        return n;
    }

    burst_size size_;
    form request_, reply_;
    std::vector<guest> members_;
    std::vector<asker> askers_;
    std::size_t asked_ = 0;
};

/// Connections come, are welcomed, and go, again and again.
class connects : public burst {
public:
    connects(const burst_size& size, opener open) : size_(size), opener_(std::move(open)) {}

    void run() override {
        std::atomic<std::size_t> welcomed{0};
        {
            const auto end = now() + static_cast<std::int64_t>(size_.seconds * second);
            // Each waits for its own handshake.
            std::vector<std::jthread> visitors;
            for (std::size_t i = 0; i < size_.connections; ++i)
                visitors.emplace_back([&] {
                    for (; now() < end; ++welcomed) opener_(1);
                });
        }
        done_ = welcomed;
    }

private:
    burst_size size_;
    opener opener_;
};

/// The burst of that name.
inline std::unique_ptr<burst> make_burst(std::string_view kind, const burst_size& size, burst::opener open) {
    if (kind == "publishes" || kind == "large") return std::make_unique<publications>(size, std::move(open));
    if (kind == "lookups") return std::make_unique<lookups>(size, std::move(open));
    if (kind == "tls") return std::make_unique<connects>(size, std::move(open));
    die("bursts: publishes, lookups, large, tls");
}

/// Runs a burst on a thread of its own that gives way to this one.
inline std::jthread start(burst& b, std::atomic<bool>& over) {
    return std::jthread([&] {
        setpriority(PRIO_PROCESS, 0, 19);
        b.run();
        over = true;
    });
}

} // namespace bench
