// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/stream_core.hpp>
#include <sigfire/net/http/upgrade.hpp>
#include <sigfire/net/outbox.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// A connection on a stream socket. Models Connection. The engine drives it.
template <class Wire, class Loop, class State>
class stream_connection {
public:
    using core_type = stream_core<stream_connection, Loop>;
    using framing_type = typename Wire::framing_type;

    explicit stream_connection(core_type& core) : core_{&core} {}
    stream_connection(const stream_connection&) = delete;
    stream_connection& operator=(const stream_connection&) = delete;
    ~stream_connection() { out_.clear(core_->pool); }

    char* reserve(message_type type, std::size_t n) {
        if (silent()) return nullptr;
        const auto head = framing_type::header_bound(n);
        char* p = out_.reserve(core_->pool, head + n, core_->limits.outbox);
        if (!p) {
            close_slow();
            return nullptr;
        }
        core_->frame = p;
        core_->head = head;
        core_->type = type;
        return p + head;
    }

    void commit(std::size_t n) {
        auto frame = core_->frame;
        auto head = core_->head;
        // If the header is shorter than its bound, the frame begins later, so that the message need not move.
        if (const auto shorter = framing_type::header_bound(n); shorter < head && out_.size() == 0) {
            out_.skip(head - shorter);
            frame += head - shorter;
            head = shorter;
        }
        sent(framing_.seal(core_->type, frame, head, n));
    }

    bool room(std::size_t n) const {
        return !silent() && out_.fits(framing_type::header_bound(n) + n, core_->limits.outbox);
    }

    shared_block share(message_type type, std::string_view bytes) {
        const auto head = framing_type::header_bound(bytes.size());
        shared_block out{head + bytes.size()};
        if (!bytes.empty()) std::memcpy(out.data() + head, bytes.data(), bytes.size());
        out.shrink(framing_.seal(type, out.data(), head, bytes.size()));
        return out;
    }

    bool append(const shared_block& block) {
        const auto n = block.size();
        if (silent()) return false;
        if (!out_.fits(n, core_->limits.outbox)) return close_slow(), false;
        if (n < copied_bytes) {
            std::memcpy(out_.reserve(core_->pool, n, core_->limits.outbox), block.view().data(), n);
            out_.commit(n);
        } else {
            out_.append(block, core_->totals.unsent);
        }
        core_->unflushed += n;
        if (core_->unflushed > core_->slice_bytes) core_->slice = 1;
        mark_bulk();
        return true;
    }

    void accept(std::string_view subprotocol) {
        if (!opening_ || silent()) return;
        end_opening();
        known_ = true;
        if constexpr (Wire::upgrades) {
            if (!is_.held) return write(switching_protocols(core_->upgrade_key, subprotocol));
            write(switching_protocols(std::string_view{*kept_}.substr(0, upgrade_key_size), subprotocol));
            kept_->erase(0, upgrade_key_size);
            core_->incomplete -= upgrade_key_size;
        }
    }

    void refuse(const ending& e) {
        if (!opening_) return;
        known_ = false;
        ++core_->counters.refused_by[static_cast<std::size_t>(errc::denied)];
        turn_down(e, errc::denied);
    }

    void hold() {
        if (opening_ && !is_.held) {
            known_ = true;
            // The answer will need the key, and the request is gone by then.
            if constexpr (Wire::upgrades) keep(core_->upgrade_key);
        }
        hold_for(by_sink);
        mark();
    }

    void release() {
        if (!is_.held) return;
        if (!opening_) let_go(by_sink);
        mark();
    }

    bool ping() {
        if (silent() || !control_message(control::ping, 0, {})) return false;
        return asked_ = true;
    }

    void close(const ending& e, errc cause) {
        if (silent()) return;
        if (opening_) return turn_down(e, cause);
        // A held connection is not read, so the close of the other side would go unseen.
        said_close_ = e.close_code != 0 && control_message(control::close, e.close_code, e.text) && !is_.held;
        if (!is_.cut) finish(cause);
    }

    State& state() { return state_; }

private:
    template <class, class, class>
    friend class stream_engine;
    template <class, class, class>
    friend class stream_table;
    template <class, class, class>
    friend class stream_budget;
    template <class, class, class>
    friend class stream_http;
    template <class, class, class, class>
    friend class stream_turns;
    template <class, class, class, class>
    friend class stream_reader;
    template <class, std::size_t>
    friend class settle_list;

    // Beyond so many bytes, output is flushed after other output. So a message to thousands delays no other
    // message.
    static constexpr std::size_t prompt_bytes = 72 << 10;
    // Bytes that one connection's messages may write before other connections get their turn.
    static constexpr std::size_t slice_bytes = 128 << 10;
    // If others wait, the limit is so many bytes more than came.
    static constexpr std::size_t slice_among_others = 24 << 10;
    // Smaller blocks are copied: a copy costs less than one more piece in a send.
    static constexpr std::size_t copied_bytes = 1 << 10;

    void end_opening() noexcept {
        if (std::exchange(opening_, false)) --core_->opening;
    }

    // Adds a reason not to read, or takes it back.
    void hold_for(unsigned char reason) noexcept { is_.held = static_cast<unsigned char>(is_.held | reason); }
    void let_go(unsigned char reason) noexcept {
        is_.held = static_cast<unsigned char>(is_.held & ~reason);
        if (!is_.held) is_.released = true;
    }

    // Whether the sink has ended this connection.
    bool silent() const { return is_.ending || is_.cut; }

    void mark() {
        if (waits_[0]) return;
        // Output of the host program between turns starts a turn of its own.
        if (!core_->in_turn) [[unlikely]]
            wake();
        core_->prompt.push(*this);
    }

    // Out of line, so that the path of relayed messages is still inlined.
    [[gnu::noinline]] void wake() {
        if (core_->prompt.empty() && core_->bulk.empty()) core_->loop.wake();
    }

    // Messages to many peers are flushed after messages to one peer.
    void mark_bulk() {
        if (!core_->in_turn) return mark();
        if (!waits_[0]) core_->bulk.push(*this);
    }

    void sent(std::size_t n) {
        out_.commit(n);
        core_->unflushed += n;
        if (core_->unflushed > slice_among_others) [[unlikely]]
            return sent_much();
        mark();
    }

    [[gnu::noinline]] void sent_much() {
        if (core_->unflushed > core_->slice_bytes) core_->slice = 1; // look at the slice after this message
        if (core_->unflushed > prompt_bytes) return mark_bulk();
        mark();
    }

    void write(std::string_view bytes) {
        char* p = out_.reserve(core_->pool, bytes.size(), core_->limits.outbox);
        if (!p) return cut(errc::slow_consumer, true);
        std::memcpy(p, bytes.data(), bytes.size());
        sent(bytes.size());
    }

    bool control_message(control c, std::uint16_t code, std::string_view text) {
        if constexpr (framing_type::control_bound == 0) {
            return false;
        } else {
            char* p = out_.reserve(core_->pool, framing_type::control_bound, core_->limits.outbox);
            if (!p) {
                close_slow();
                return false;
            }
            sent(framing_.write_control(c, code, text, p));
            return true;
        }
    }

    // Ends a connection that was not admitted.
    void turn_down([[maybe_unused]] const ending& e, errc cause) {
        end_opening();
        if constexpr (Wire::upgrades)
            if (e.http_status != 0) write(compose(refusal_response(e)));
        finish(cause);
    }

    // Writes nothing more; pending output is still sent.
    void finish(errc cause) {
        if (std::exchange(is_.ending, true)) return;
        cause_ = cause;
        mark();
    }

    // The wire is cut at the end of the turn; with `reset`, by a TCP reset.
    void cut(errc cause, bool reset) {
        if (std::exchange(is_.cut, true)) return;
        if (!is_.ending) cause_ = cause;
        reset_ = reset;
        mark();
    }

    // The outbox is full, so its memory is freed at once. A close message is sent only if it cannot land
    // inside another message.
    [[gnu::noinline]] void close_slow() {
        const bool whole = !out_.torn();
        out_.clear(core_->pool);
        if constexpr (framing_type::control_bound != 0) {
            constexpr auto n = framing_type::control_bound;
            if (whole)
                out_.commit(framing_.write_control(control::close, 4001, to_string(errc::slow_consumer),
                                                   out_.reserve(core_->pool, n, n)));
        }
        cut(errc::slow_consumer, true);
    }

    // Keeps bytes for later. They count as incomplete until they are delivered.
    void keep(std::string_view bytes) {
        if (!kept_) kept_ = std::make_unique<std::string>();
        kept_->append(bytes);
        core_->incomplete += bytes.size();
        grown_ = core_->now;
    }

    std::unique_ptr<std::string> take_kept() {
        if (kept_) core_->incomplete -= kept_->size();
        return std::move(kept_);
    }

    core_type* core_;
    stream_connection* next_[2]{}; // in the core's lists
    // Bytes of an incomplete request, or bytes that came while held. If the upgrade has no answer yet, its
    // key stands in front of them.
    std::unique_ptr<std::string> kept_;
    outbox out_;
    framing_type framing_;
    typename Loop::socket socket_{};
    std::uint32_t index_ = 0; // in the engine's table
    // In ms on the engine's clock: when bytes came last, or when opening or ending began.
    std::uint32_t stamp_ = 0;
    std::uint32_t begun_ = 0;   // ms: when the incomplete message began
    std::uint32_t grown_ = 0;   // ms: when it last grew
    std::uint32_t moved_ = 0;   // ms: when the peer last took pending output
    std::uint32_t counted_ = 0; // bytes of output in the loop's total
    address_block from_{};      // the client; empty = not known yet, or none
    time_point paid_{};         // until then, the bytes received so far use up `bytes_per_second`
    errc cause_ = errc::closed;
    static constexpr unsigned char by_sink = 1, by_rate = 2;
    // All flags that are false for a usual connection, so that one comparison checks them.
    struct unusual {
        unsigned char held = 0; // not to be read: by_sink, by_rate
        bool released = false;  // to be read again
        bool ending = false;    // nothing more is written
        bool cut = false;       // the wire is cut at the end of the turn
        bool discards = false;  // received bytes are discarded
        bool removed = false;
        bool writes = false; // the loop reports when more can be sent
        bool paused = false; // the loop does not watch for received bytes
    };
    bool usual() const { return std::bit_cast<std::uint64_t>(is_) == 0; }

    unusual is_;
    bool opening_ = true;     // no answer yet; once the sink has it, only while held
    bool queued_ = false;     // to be served later in this turn or in the next
    bool waits_[2]{};         // is in the core's lists
    bool said_close_ = false; // waits for the close of the other side
    bool lingering_ = false;  // our side is shut down; waits for the other side
    bool reset_ = false;
    bool known_ = false;      // to the sink, which did not get `closed` yet
    bool wrote_much_ = false; // in its last slice
    bool answered_ = false;   // a plain request has its answer, and another may come
    bool continued_ = false;  // was sent 100 Continue
    bool asked_ = false;      // the sink waits for a pong
    bool pinged_ = false;
    State state_{};
};

} // namespace sigfire::inline v0_1::detail
