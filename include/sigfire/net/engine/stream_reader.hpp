// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/hello_request.hpp>
#include <sigfire/net/engine/stream_turns.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The way from sockets to the sink: reads into one shared buffer, and feeds framings from it. `Engine` is
/// the derived class; it has the sink and opens connections.
template <class Engine, class Wire, class Loop, class State>
class stream_reader : protected stream_turns<Engine, Wire, Loop, State> {
    using turns = stream_turns<Engine, Wire, Loop, State>;
    using table = stream_table<Wire, Loop, State>;
    friend turns;

protected:
    using table::core_;
    using turns::self;
    using typename table::connection;

    stream_reader(const Wire& wire, turn_function turn, void* engine, bool checks_utf8)
        : turns{wire, turn, engine},
          framing_limits_{core_.limits.message, core_.limits.idle_frames, checks_utf8} {}

    // The shared receive buffer: bytes of one read.
    static constexpr std::size_t buffer_size = 80 << 10;

    struct feeder {
        stream_reader& engine;
        connection& c;

        bool on_message(message m) {
            engine.delivered_ = true;
            if (c.usual() || !c.silent()) engine.self().sink_.received(c, m);
            if (--engine.core_.slice == 0) [[unlikely]]
                if (engine.look_at_slice(c)) return false;
            return c.usual() || !(c.is_.held || c.is_.cut);
        }
        bool on_control(control k, std::uint16_t code, std::string_view text) {
            return engine.on_control(c, k, code, text);
        }
    };

    void read(connection& c) {
        if (core_.limits.bytes_per_second == 0 || c.opening_) [[likely]]
            return read_once(c);
        const auto before = core_.counters.bytes_in;
        read_once(c);
        this->meter(c, core_.counters.bytes_in - before);
    }

    void read_once(connection& c) {
        error_code ec;
        const auto n = core_.loop.receive(c.socket_, {buffer_.get(), buffer_size}, ec);
        if (ec) {
            if (ec == boost::asio::error::would_block || ec == boost::asio::error::interrupted) return;
            if constexpr (begins_late<Loop>)
                if (ec.category() == errc_category_instance) {
                    const auto e = static_cast<errc>(ec.value());
                    if (c.opening_) table::refused(numeric_address(core_.loop.remote(c.socket_)), e);
                    return c.cut(e, false);
                }
            // If the wire has no close message, an end between two messages is a proper close.
            const bool proper =
                ec == boost::asio::error::eof && !Wire::upgrades && c.framing_.incomplete() == 0;
            return c.cut(proper ? errc::closed : errc::lost, false);
        }
        core_.counters.bytes_in += n;
        if (c.usual() && !c.opening_ && !c.kept_ && n != 0) [[likely]] {
            c.stamp_ = core_.now;
            c.pinged_ = false;
            return feed_now(c, {buffer_.get(), n});
        }
        if (c.is_.discards) return;
        if (!c.opening_ && !c.is_.ending) {
            c.stamp_ = core_.now;
            c.pinged_ = false;
        }
        if constexpr (begins_late<Loop>) {
            if constexpr (!Wire::upgrades)
                if (c.opening_ && !c.is_.held && !c.is_.ending && !table::awaits_hello())
                    self().open_at_once(c);
            if (n == 0) return;
        }
        feed(c, {buffer_.get(), n});
    }

    void feed(connection& c, std::span<char> bytes) {
        if constexpr (Wire::upgrades) {
            if (c.opening_ && !c.is_.held) return self().upgrade(c, bytes);
        } else {
            if (c.opening_ && !c.is_.held) return greet(c, bytes);
        }
        // Kept bytes go first.
        if (c.is_.held || c.kept_) return keep(c, bytes);
        feed_now(c, bytes);
    }

    // The first message of a peer that is not admitted yet.
    struct first_message {
        hello_request said;
        std::optional<errc> verdict; // none: the message is incomplete

        bool on_message(message m) {
            verdict = said.read(m.view());
            return false;
        }
        bool on_control(control, std::uint16_t, std::string_view) { return true; }
    };

    void greet(connection& c, std::span<char> bytes) {
        if (c.silent()) return;
        first_message first;
        auto limits = framing_limits_;
        limits.message = std::min(limits.message, core_.limits.header);
        const auto progress = feed_framing(c, bytes, limits, first);
        if (progress.error != errc::ok) return table::fail(c, progress.error);
        if (!first.verdict) {
            if (core_.incomplete > core_.limits.incomplete) this->shed();
            return;
        }
        if (*first.verdict != errc::ok) return table::turn_away(c, *first.verdict);
        self().open_at_once(c, first.said.view());
        if (!c.silent() && progress.consumed < bytes.size()) feed(c, bytes.subspan(progress.consumed));
    }

    void feed_now(connection& c, std::span<char> bytes) {
        this->begin_slice(bytes.size());
        feeder handler{*this, c};
        const auto progress = feed_framing(c, bytes, framing_limits_, handler);
        if (progress.error != errc::ok) return table::fail(c, progress.error);
        if (progress.consumed < bytes.size() && (c.is_.held || c.queued_))
            return keep(c, bytes.subspan(progress.consumed));
        if (core_.incomplete > core_.limits.incomplete) [[unlikely]]
            this->shed();
    }

    void keep(connection& c, std::span<char> bytes) {
        c.keep({bytes.data(), bytes.size()});
        if (core_.incomplete > core_.limits.incomplete) this->shed();
    }

    template <class Handler>
    framing_progress feed_framing(connection& c, std::span<char> bytes, const framing_limits& limits,
                                  Handler& handler) {
        struct counted { // also if the sink throws
            const stream_reader& reader;
            connection& c;
            std::size_t before = c.framing_.incomplete();
            ~counted() {
                const auto after = c.framing_.incomplete();
                if (after == 0 && before == 0) return;
                c.core_->incomplete += after - before;
                if (before == 0 || reader.delivered_) c.begun_ = c.core_->now;
                // Pings and pongs between fragments are no progress of the message.
                if (after != before || !reader.controlled_) c.grown_ = c.core_->now;
            }
        };
        controlled_ = delivered_ = false;
        const counted count{.reader = *this, .c = c};
        return c.framing_.feed(bytes, limits, handler);
    }

    bool on_control(connection& c, control k, std::uint16_t code, std::string_view text) {
        controlled_ = true;
        switch (k) {
        case control::ping:
            if (!c.silent()) c.control_message(control::pong, 0, text);
            break;
        case control::pong:
            if (std::exchange(c.asked_, false) && !c.silent()) self().sink_.alive(c);
            break;
        case control::close:
            // Send the same code back, without the reason (RFC 6455, 5.5.1). Then this side shuts down first.
            if (!c.silent()) {
                c.close({0, static_cast<std::uint16_t>(code ? code : 1005), {}}, errc::closed);
            }
            c.said_close_ = false;
            c.is_.discards = true;
            c.mark();
            return false;
        }
        return !c.is_.cut;
    }

    std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    framing_limits framing_limits_;
    // A control message, or another message, came since these were reset.
    bool controlled_ = false, delivered_ = false;
};

} // namespace sigfire::inline v0_1::detail
