// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/engine/stream_http.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The order of service: the rounds of a turn, the slices of a connection, and the flushes. `Engine` is the
/// derived class; it reads and feeds.
template <class Engine, class Wire, class Loop, class State>
class stream_turns : protected stream_http<Wire, Loop, State> {
    using table = stream_table<Wire, Loop, State>;

protected:
    using table::again_, table::arrived_, table::core_, table::handshakes_, table::serving_;
    using typename table::connection;
    using stream_http<Wire, Loop, State>::stream_http;

    static constexpr std::size_t flush_events = 16;      // cork: flush after so many events ...
    static constexpr std::size_t flush_bytes = 64 << 10; // ... or when so many bytes are pending
    // Messages of one connection before others get their turn: `slices` times `slice_messages`.
    static constexpr int slice_messages = 16, slices = 4;
    static constexpr int steps = 16; // steps of opening connections in a round

    // Serves each ready connection once. Returns whether nothing is left to read. Connections with few
    // messages go before those that used up a slice.
    bool take_round() {
        std::size_t n = 0;
        serve(arrived_, n);
        const auto events = core_.loop.wait();
        for (auto next = events.begin(); next != events.end();) {
            try {
                for (; next != events.end(); ++next) {
                    on_event(*next);
                    cork(++n);
                }
            } catch (...) {
                self().blame(*static_cast<connection*>((next++)->tag));
            }
        }
        if (!again_.empty()) serve_again(n);
        flush();
        serve_handshakes();
        // Only now: an event later in the batch may have pointed at one of the closed connections.
        table::free_removed();
        return events.empty() && arrived_.empty() && again_.empty() && handshakes_.empty();
    }

    void cork(std::size_t n) {
        if (late_) return; // the end of the round sends enough
        const bool much = core_.unflushed > flush_bytes;
        if (n % flush_events != 0 && !much) return;
        // Messages to many wait until all connections have been served, unless much output is pending.
        much ? flush() : flush_prompt();
        if (n % (4 * flush_events) == 0 || much) late();
    }

    // Whether this turn's time is up. Then the rest waits for the next turn, after other work.
    bool late() { return late_ = late_ || core_.loop.now() >= ends_; }

    void enqueue(std::vector<connection*>& queue, connection& c) {
        if (!std::exchange(c.queued_, true)) queue.push_back(&c);
    }

    // Called now and then: whether to serve others before this connection continues.
    bool look_at_slice(connection& c) {
        core_.slice = slice_messages;
        if (core_.unflushed > core_.slice_bytes)
            c.wrote_much_ = true;
        else if (--looks_ != 0 && !late())
            return false;
        enqueue(again_, c);
        return true;
    }

    void serve(std::vector<connection*>& queue, std::size_t& n) {
        if (queue.empty()) return;
        serving_.swap(queue);
        auto next = serving_.begin();
        for (; next != serving_.end() && !late_; ++next) {
            auto& c = **next;
            // Its effects are sent first. Otherwise the outboxes of readers would grow although these read
            // well.
            if (c.wrote_much_ && !core_.bulk.empty() && !c.is_.removed) {
                queue.push_back(&c);
                continue;
            }
            c.queued_ = c.wrote_much_ = false;
            if (!c.is_.removed) self().guard(c, [&] { go_on(c); });
            cork(++n);
        }
        queue.insert(queue.begin(), next, serving_.end());
        serving_.clear();
    }

    void serve_again(std::size_t& n) {
        if (!late_) return serve(again_, n);
        // A part of each turn's time is for these, under any load.
        late_ = false;
        ends_ = core_.loop.now() + core_.limits.turn / 4;
        serve(again_, n);
        late_ = true;
    }

    // Handshakes cost much time, so each round serves only a few, after the admitted connections.
    void serve_handshakes() {
        if (handshakes_.empty()) return;
        serving_.swap(handshakes_);
        auto next = serving_.begin();
        for (int i = 0; i < steps && next != serving_.end(); ++i) {
            auto& c = **next++;
            c.queued_ = false;
            if (!c.is_.removed) self().guard(c, [&] { self().read(c); });
            if (late()) break;
        }
        handshakes_.insert(handshakes_.begin(), next, serving_.end());
        serving_.clear();
        flush();
    }

    void go_on(connection& c) {
        if ((c.is_.held & connection::by_rate) != 0) return;
        if (!c.kept_ || c.is_.held || c.opening_) return self().read(c);
        const auto kept = c.take_kept();
        if (!c.silent()) self().feed(c, {kept->data(), kept->size()});
    }

    void on_event(const ready& e) {
        if (!e.tag) return self().accept();
        auto& c = *static_cast<connection*>(e.tag);
        if (c.is_.removed) return;
        if (e.writable) c.mark();
        if (!e.readable || c.queued_) return;
        if (c.opening_ && !c.is_.held) return enqueue(handshakes_, c);
        if (late_) return enqueue(arrived_, c);
        self().read(c);
    }

    void flush_prompt() noexcept {
        core_.unflushed = 0;
        for (std::size_t n = 1; !core_.prompt.empty(); ++n) {
            settle(core_.prompt.pop());
            if (n % (4 * flush_events) == 0 && late()) break;
        }
    }

    void flush_bulk() noexcept {
        for (std::size_t n = 1; !core_.bulk.empty(); ++n) {
            settle(core_.bulk.pop());
            if (n % flush_events == 0 && late()) break;
        }
    }

    // Sends pending output; a part of it even if the turn's time is up.
    void flush() noexcept {
        flush_prompt();
        if (!core_.bulk.empty()) [[unlikely]]
            flush_bulk();
        if (core_.totals.unsent > core_.limits.unsent) [[unlikely]]
            this->relieve();
    }

    // Sends pending output, and takes the next step of an end.
    void settle(connection& c) noexcept {
        if (!c.usual() || c.out_.shares()) [[unlikely]]
            return settle_slowly(c);
        if (c.out_.size() == 0) return;
        error_code ec;
        const auto n = core_.loop.send(c.socket_, c.out_.pending_own(), ec);
        table::sent(c, n, ec);
        if (ec || c.out_.size() != 0) [[unlikely]] {
            table::check_send(c, ec);
            self().guard(c, [&] { self().finish_settling(c); });
        }
    }

    void settle_slowly(connection& c) noexcept {
        if (c.is_.removed) return;
        if (c.out_.size() != 0) table::send(c);
        self().guard(c, [&] { self().finish_settling(c); });
    }

    // `n`: the received bytes; the answer may have as many more.
    void begin_slice(std::size_t n) {
        const bool others = arrived_.size() + again_.size() + serving_.size() > 1;
        core_.slice_bytes =
            core_.unflushed + (others ? std::min(n + connection::slice_among_others, connection::slice_bytes)
                                      : connection::slice_bytes);
        core_.slice = slice_messages;
        looks_ = slices;
    }

    Engine& self() { return static_cast<Engine&>(*this); }

    int looks_ = 0;     // looks left for this slice
    time_point ends_{}; // real time at which this turn should end
    bool late_ = false; // that time has come
    bool told_ = false; // a call of the sink may have set a deadline
};

} // namespace sigfire::inline v0_1::detail
