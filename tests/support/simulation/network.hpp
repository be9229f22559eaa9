// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/link.hpp"
#include "support/simulation/virtual_clock.hpp"
#include <sigfire/core/concepts.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** A network in memory, in virtual time, with troubles that are drawn from a seed. */
namespace sigfire::inline v0_1::test {

/** A network: its links, its clock, and the server that listens there, if any.
 *
 *  Nothing happens but by `turn`: one turn does all that is due at the next time at which anything is. Sinks
 *  are called by turns only, and told `tick` at the start and at the end of each. One thread. */
class network {
public:
    /// The server's side of all links.
    class server {
    public:
        virtual ~server() = default;
        virtual void opening(link&) = 0;
        virtual void received(link&, std::string&, message_type) = 0;
        virtual void alive(link&) = 0;
        virtual void closed(link&, errc) = 0;
        virtual time_point tick(time_point) = 0;
    };

    explicit network(std::uint64_t seed, const network_options& o = {}, network_observer* watch = nullptr)
        : draw(seed), options(o), watch_(watch != nullptr ? watch : &nobody_) {}
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    generator draw;
    virtual_clock clock;
    const network_options options;

    /** A peer connects, and asks for `target` (`/?id=x`). With a sub-protocol it does so as a WebSocket
     *  client, else like one on a wire without HTTP. */
    link& connect(std::string target, std::string subprotocol = {});

    /// All links there ever were.
    const std::deque<link>& links() const noexcept { return links_; }
    std::deque<link>& links() noexcept { return links_; }

    /// Does the next due act; false if nothing is, or not before `limit`, which then it is.
    bool turn(time_point limit = time_point::max());

    /// Turns until nothing is due within `time`, which then has passed.
    void run(std::chrono::milliseconds time) {
        for (const auto limit = clock.now() + time; turn(limit);) {}
    }

    /// What the server may post to: done by turns too. There are no sockets.
    boost::asio::io_context& context() noexcept { return io_; }

    /// For engines: the listener; null = nobody.
    void listen(server* s) noexcept { server_ = s; }

private:
    friend class link;

    using content = link::content;

    time_point tick() {
        if (server_ == nullptr) return time_point::max();
        watch_->before_tick();
        const auto next = server_->tick(clock.now());
        watch_->after_call(nullptr);
        return next;
    }
    std::chrono::milliseconds delay() { return draw.up_to(options.delay); }
    void fly(link& l, bool up, link::parcel p);
    void arrive_up(link& l);
    void arrive_down(link& l);
    void take_up(link& l, link::parcel& p);
    void flush(link& l);
    void finish(link& l, errc why);
    void tell(link& l);
    void end_peer(link& l, const ending& e, errc why);
    void mark(link& l) {
        if (!std::exchange(l.dirty_, true)) dirty_.push_back(&l);
    }

    boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> open_{io_.get_executor()};
    server* server_ = nullptr;
    network_observer nobody_;
    network_observer* watch_;
    std::deque<link> links_;
    std::vector<link*> dirty_; // to be looked at, at the end of the turn
    time_point deadline_ = time_point::max();
};

inline void link::send(std::string bytes, message_type type) {
    if (peer_open_) net_.fly(*this, true, {content::message, type, std::move(bytes)});
}

inline void link::close() {
    if (!std::exchange(peer_open_, false)) return;
    broken_ = true;
    net_.fly(*this, true, {content::end, {}, {}});
}

inline void link::cut() {
    if (std::exchange(cut_, true)) return;
    broken_ = true;
    up_.flying.clear();
    down_.flying.clear();
    net_.clock.after(net_.delay(), [this] { net_.end_peer(*this, {400, 0, {}}, errc::lost); });
    net_.clock.after(net_.delay(), [this] { net_.finish(*this, errc::lost); });
}

inline void link::vanish() {
    if (!std::exchange(peer_open_, false)) return;
    broken_ = gone_ = true;
    swallows_ = net_.draw.chance(50);
    // Not before it has opened.
    const auto time = net_.options.delay + net_.draw.up_to(net_.options.dead);
    net_.clock.after(time, [this] { net_.finish(*this, errc::pong_timeout); });
}

inline void link::give_up() {
    broken_ = true;
    net_.finish(*this, errc::pong_timeout);
}

inline void link::read() {
    if (!std::exchange(stalled_, false)) return;
    for (auto& p : std::exchange(unread_, {})) take_down(p);
    net_.mark(*this);
}

// The messages read by a peer with an end that is still open.
inline void link::take_down(const parcel& p) {
    if (!peer_open_) return;
    auto bytes = p.bytes;
    if (p.what == content::message && on_message) on_message(bytes);
    if (p.what == content::sign_of_life) net_.fly(*this, true, {content::sign_of_life, {}, {}});
    if (p.what == content::end) net_.end_peer(*this, farewell_, cause_);
}

// No operation of the server's end is allowed after `closed`, nor between `reserve` and `commit`.
inline void link::used(const char* what) {
    if (told_) net_.watch_->broken_law(this, what);
    if (reserving_) net_.watch_->broken_law(this, "an operation between reserve and commit");
}

inline bool link::fits(std::size_t n) const noexcept {
    return n <= net_.options.message && (outbox_.empty() || waiting_ + n <= net_.options.outbox);
}

inline char* link::reserve(message_type type, std::size_t n) {
    used("reserve after closed");
    if (!usable()) return nullptr;
    if (!fits(n)) {
        outbox_.clear();
        waiting_ = 0;
        cause_ = errc::slow_consumer;
        net_.watch_->overflowed(*this);
        cut();
        net_.mark(*this);
        return nullptr;
    }
    reserving_ = true;
    reserved_ = {content::message, type, std::string(n, '#')};
    return reserved_.bytes.data();
}

inline void link::commit(std::size_t n) {
    if (!std::exchange(reserving_, false) || n > reserved_.bytes.size())
        return net_.watch_->broken_law(this, "commit of unreserved bytes");
    reserved_.bytes.resize(n);
    waiting_ += n;
    net_.watch_->committed(*this, reserved_.bytes);
    outbox_.push_back(std::move(reserved_));
    net_.mark(*this);
}

inline bool link::room(std::size_t n) {
    used("room after closed");
    return usable() && fits(n);
}

inline void link::accept(std::string_view subprotocol) {
    if (answered()) return net_.watch_->broken_law(this, "a second answer to the upgrade");
    if (cause_ != errc::ok) return;
    accepted_ = known_ = true;
    subprotocol_ = subprotocol;
}

inline void link::refuse(const ending& e) {
    if (answered()) return net_.watch_->broken_law(this, "a second answer to the upgrade");
    if (cause_ != errc::ok) return;
    refused_ = told_ = cut_ = true;
    farewell_ = e;
    net_.clock.after(net_.delay(), [this] { net_.end_peer(*this, farewell_, errc::denied); });
}

inline void link::hold() {
    used("hold after closed");
    if (lives()) held_ = known_ = true;
}

inline void link::release() {
    used("release after closed");
    if (!lives()) return;
    if (accepted_) held_ = false;
    net_.mark(*this);
}

inline bool link::ping() {
    used("ping after closed");
    if (!usable()) return false;
    asked_ = true;
    net_.watch_->pinged(*this);
    net_.mark(*this);
    return true;
}

inline void link::close(const ending& e, errc why) {
    used("close after closed");
    net_.watch_->ended_by_server(*this, why);
    if (!lives()) return;
    cause_ = why;
    farewell_ = e;
    net_.mark(*this);
}

inline link& network::connect(std::string target, std::string subprotocol) {
    auto& l = links_.emplace_back(link::key{}, *this, static_cast<std::uint32_t>(links_.size() + 1));
    l.target_ = std::move(target);
    l.subprotocol_ = std::move(subprotocol);
    l.header_ = {"Sec-WebSocket-Protocol", l.subprotocol_};
    if (!l.subprotocol_.empty()) l.method_ = "GET";
    const auto time = delay();
    l.up_.last = clock.now() + time;
    clock.after(time, [this, &l] {
        if (l.cut_ || server_ == nullptr) {
            l.told_ = true;
            return end_peer(l, {503, 0, {}}, errc::lost);
        }
        watch_->before_opening(l);
        server_->opening(l);
        watch_->after_call(&l);
        mark(l);
    });
    return l;
}

inline bool network::turn(time_point limit) {
    const auto at = dirty_.empty() ? std::min(clock.next(), deadline_) : clock.now();
    if (at > limit || at == time_point::max()) {
        if (limit != time_point::max()) clock.advance(limit);
        return false;
    }
    clock.advance(at);
    tick();
    do {
        while (clock.run_one()) {}
        io_.poll();
        for (auto* const l : std::exchange(dirty_, {})) {
            l->dirty_ = false;
            flush(*l);
            while (!l->held_ && !l->kept_.empty() && !l->told_) {
                auto p = std::move(l->kept_.front());
                l->kept_.pop_front();
                take_up(*l, p);
            }
            if (l->cause_ != errc::ok) finish(*l, l->cause_);
        }
    } while (clock.next() <= clock.now() || !dirty_.empty());
    deadline_ = tick();
    if (deadline_ <= clock.now()) {
        watch_->broken_law(nullptr, "tick asked for a time that is over");
        deadline_ = time_point::max();
    }
    return true;
}

inline void network::fly(link& l, bool up, link::parcel p) {
    if (l.cut_) return;
    auto& lane = up ? l.up_ : l.down_;
    lane.last = std::max(lane.last, clock.now() + delay());
    lane.flying.push_back(std::move(p));
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(lane.last - clock.now());
    if (up)
        clock.after(time, [this, &l] { arrive_up(l); });
    else
        clock.after(time, [this, &l] { arrive_down(l); });
}

inline void network::arrive_up(link& l) {
    if (l.up_.flying.empty()) return;
    auto p = std::move(l.up_.flying.front());
    l.up_.flying.pop_front();
    // That the peer hung up can be seen without reading, but need not be.
    if (l.held_ && (p.what != content::end || draw.chance(50))) return l.kept_.push_back(std::move(p));
    take_up(l, p);
}

inline void network::take_up(link& l, link::parcel& p) {
    if (!l.usable() || l.cut_ || server_ == nullptr) return;
    if (p.what == content::end) return finish(l, errc::closed);
    if (p.what == content::message) {
        if (p.bytes.size() > options.message) return finish(l, errc::too_large);
        watch_->before_received(l, p.bytes);
        server_->received(l, p.bytes, p.type);
    } else {
        watch_->before_alive(l);
        server_->alive(l);
    }
    watch_->after_call(&l);
}

inline void network::arrive_down(link& l) {
    if (l.down_.flying.empty()) return;
    auto p = std::move(l.down_.flying.front());
    l.down_.flying.pop_front();
    if (l.stalled_)
        l.unread_.push_back(std::move(p));
    else
        l.take_down(p);
}

// Sends waiting messages, if the other side takes them.
inline void network::flush(link& l) {
    if (l.told_ || l.stalled_ || (l.gone_ && !l.swallows_)) return;
    for (auto& p : std::exchange(l.outbox_, {})) fly(l, false, std::move(p));
    l.waiting_ = 0;
    if (std::exchange(l.asked_, false)) fly(l, false, {content::sign_of_life, {}, {}});
    if (l.cause_ != errc::ok && !std::exchange(l.said_goodbye_, true)) fly(l, false, {content::end, {}, {}});
}

// The sink will hear of the end, sooner or later.
inline void network::finish(link& l, errc why) {
    if (!l.known_ || l.told_) return;
    if (l.cause_ == errc::ok) l.cause_ = why;
    if (std::exchange(l.telling_, true)) return;
    clock.after(draw.chance(60) ? std::chrono::milliseconds{0} : draw.up_to(options.late),
                [this, &l] { tell(l); });
}

inline void network::tell(link& l) {
    flush(l);
    watch_->before_closed(l, l.cause_);
    l.told_ = true;
    if (server_ != nullptr) server_->closed(l, l.cause_);
    watch_->after_call(&l);
    if (l.said_goodbye_ && !l.stalled_ && l.unread_.empty()) return;
    l.outbox_.clear();
    l.cut();
}

inline void network::end_peer(link& l, const ending& e, errc why) {
    if (std::exchange(l.peer_open_, false) && l.on_end) l.on_end(e, why);
}

} // namespace sigfire::inline v0_1::test
