// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/engine/gate_book.hpp>
#include <sigfire/net/engine/loop_clock.hpp>
#include <sigfire/net/engine/stream_connection.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/http/upgrade.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The connections of an engine, with their bounds and time limits: everything that needs no sink.
template <class Wire, class Loop, class State>
class stream_table {
protected:
    using connection = stream_connection<Wire, Loop, State>;
    using milliseconds = std::chrono::milliseconds;

    stream_table(const Wire& wire, turn_function turn, void* self)
        : wire_{wire}, core_{wire_.context(), turn, self, wire_.limits()},
          clock_{boost::asio::use_service<loop_clock>(wire_.context())}, acceptor_{wire_.context()},
          now_{clock_.now(core_.loop.now())}, read_until_{now_}, epoch_{now_} {
        if constexpr (requires { wire_.prepare(core_.loop); }) wire_.prepare(core_.loop);
        const auto& l = core_.limits;
        auto shortest = std::min({l.handshake_timeout, l.close_timeout, l.silence_timeout});
        for (const auto other : {l.ping_interval, l.write_timeout, l.message_timeout, l.message_deadline})
            if (other.count() != 0) shortest = std::min(shortest, other);
        sweep_every_ = std::clamp(shortest / 4, milliseconds{5}, milliseconds{1000});
    }

    stream_table(const stream_table&) = delete;
    stream_table& operator=(const stream_table&) = delete;

    ~stream_table() {
        for (auto& c : connections_) {
            gate_.leave(c.get());
            forget_answer(*c);
            core_.loop.close(c->socket_, false);
        }
        unlisten();
    }

    // Accepts one waiting connection. Null if there is none, or if it cannot be accepted.
    connection* accept() {
        error_code ec;
        if (core_.limits.opening != 0 && core_.opening >= core_.limits.opening && !make_room()) {
            pause();
            crowded_ = true;
            return nullptr;
        }
        auto socket = core_.loop.accept(acceptor_, ec);
        if (ec == boost::asio::error::no_descriptors || ec == boost::asio::error::no_buffer_space ||
            ec == boost::asio::error::no_memory || ec == boost::system::errc::too_many_files_open_in_system) {
            pause();
            refused({}, errc::overloaded); // the address of a waiting connection is not known
            return nullptr;
        }
        if (ec == boost::asio::error::would_block) waiting_ = false;
        if (ec) return nullptr;
        return admit(std::move(socket));
    }

    // The backlog stays readable, so the loop would spin without a pause. The next sweep tries again.
    void pause() {
        core_.loop.unlisten(acceptor_);
        listening_ = false;
        paused_ = true;
    }

    // Accepts again as soon as half of the opening connections have their answers.
    void continue_after_pause() {
        if (core_.opening <= core_.limits.opening / 2) resume_accepting();
    }

    void resume_accepting() {
        if (stopping_ || !std::exchange(paused_, false)) return;
        crowded_ = false;
        listening_ = true;
        core_.loop.listen(acceptor_);
    }

    // Cuts the opening connection that has kept the server waiting the longest. False if none has for long.
    bool make_room() {
        connection* slowest = nullptr;
        std::int32_t most = static_cast<std::int32_t>((core_.limits.handshake_timeout / 5).count());
        for (auto& c : connections_) {
            if (!c->opening_ || c->queued_ || c->is_.held) continue;
            const auto age = static_cast<std::int32_t>(core_.now - c->stamp_);
            if (age < most) continue;
            slowest = c.get();
            most = age;
        }
        if (!slowest) return false;
        // Without an open request there is nothing to refuse.
        if (slowest->answered_ && !slowest->kept_)
            slowest->end_opening();
        else
            turn_away(*slowest, errc::overloaded);
        slowest->cut(errc::closed, false); // without a wait for its end, so that its place is free
        return true;
    }

    // Takes an accepted connection, unless the gate or a limit refuses it.
    connection* admit(typename Loop::socket socket) {
        ++core_.counters.accepted;
        if (core_.limits.connections != 0 && connections_.size() >= core_.limits.connections &&
            !make_room()) {
            const auto from = numeric_address(core_.loop.remote(socket));
            core_.loop.close(socket, true);
            refused(from, errc::overloaded);
            return nullptr;
        }
        if (!gate_) return add(std::move(socket));
        const auto from = numeric_address(core_.loop.remote(socket));
        if (trusts(from)) return add(std::move(socket));
        if (const auto e = gate_.ask(from); e != errc::ok) {
            core_.loop.close(socket, true);
            refused(from, e);
            return nullptr;
        }
        auto* c = add(std::move(socket));
        gate_.note(c, from);
        return c;
    }

    // The connection does not wait for an answer any more.
    void forget_answer(const connection& c) noexcept {
        const auto at = answers_.find(&c);
        if (at == answers_.end()) return;
        if (const auto slot = at->second.slot.lock()) slot->engine = nullptr;
        answers_.erase(at);
    }

    // Whether the address is that of a proxy, so not the client's own.
    bool trusts([[maybe_unused]] std::string_view remote) const {
        if constexpr (requires { wire_.trusts(remote); }) return wire_.trusts(remote);
        return false;
    }

    // Whether a peer's first message is a `hello`.
    bool awaits_hello() const noexcept {
        if constexpr (requires { wire_.hello(); }) return wire_.hello();
        return false;
    }

    // The sink gets the refusal at the end of the turn.
    void refused(std::string_view remote, errc cause) {
        ++core_.counters.refused_by[static_cast<std::size_t>(cause)];
        if (tells_refusals_) refusals_.push_back({std::string{remote}, cause});
    }

    connection* add(typename Loop::socket socket) {
        try {
            if (connections_.size() == connections_.capacity())
                connections_.reserve(2 * connections_.size() + 16);
            // Waiting and ending must not need memory. Queues can also hold as many connections that are
            // gone.
            for (auto* queue : {&arrived_, &again_, &handshakes_, &serving_, &throttled_})
                queue->reserve(2 * connections_.capacity());
            removed_.reserve(2 * connections_.capacity());
            connections_.push_back(std::make_unique<connection>(core_));
        } catch (...) {
            core_.loop.close(socket, true);
            throw;
        }
        auto& c = *connections_.back();
        ++core_.opening;
        c.socket_ = std::move(socket);
        c.stamp_ = core_.now;
        c.index_ = static_cast<std::uint32_t>(connections_.size() - 1);
        core_.loop.add(c.socket_, &c);
        return &c;
    }

    // The peer broke the framing. The server sends the cause, and reads no more from the peer.
    void fail(connection& c, errc e) {
        if (c.opening_ && !c.is_.held) return turn_away(c, e);
        // Signal-Fire's server gives no reason for a message that is too large.
        const auto text = e == errc::too_large ? std::string_view{} : to_string(e);
        if (!c.silent()) c.close({503, framing::close_code(e), text}, e);
        c.said_close_ = false; // the other side's close is not read, so this side closes first
        discard_input(c);
        c.mark();
    }

    void turn_away(connection& c, errc e) {
        refused(numeric_address(core_.loop.remote(c.socket_)), e);
        c.known_ = false;
        c.turn_down(e == errc::unknown ? ending{404, 0, "Not Found"} : refusal_of(e), e);
        discard_input(c);
    }

    // Reads no more from the connection. The part of a message that came is dropped.
    void discard_input(connection& c) {
        c.is_.discards = true;
        core_.incomplete -= c.framing_.incomplete();
        c.framing_ = {};
        c.take_kept();
    }

    void send(connection& c) {
        error_code ec;
        if (c.out_.shares()) [[unlikely]]
            send_pieces(c, ec);
        else
            sent(c, core_.loop.send(c.socket_, c.out_.pending(), ec), ec);
        check_send(c, ec);
    }

    void check_send(connection& c, const error_code& ec) {
        if (ec && ec != boost::asio::error::would_block && ec != boost::asio::error::interrupted) {
            c.out_.clear(core_.pool);
            if (!std::exchange(c.is_.cut, true) && !c.is_.ending) c.cause_ = errc::lost;
        }
    }

    void send_pieces(connection& c, error_code& ec) {
        while (c.out_.size() != 0 && !ec) {
            std::size_t all = 0, n = 0;
            std::array<std::string_view, 16> pieces;
            const auto next = std::span{pieces}.first(c.out_.pieces(pieces));
            if constexpr (requires { core_.loop.send(c.socket_, std::span<const std::string_view>{}, ec); }) {
                for (const auto& p : next) all += p.size();
                n = core_.loop.send(c.socket_, std::span<const std::string_view>{next}, ec);
            } else {
                all = next.front().size();
                n = core_.loop.send(c.socket_, next.front(), ec);
            }
            sent(c, n, ec);
            if (n != all) return;
        }
    }

    void sent(connection& c, std::size_t n, const error_code& ec) {
        if (ec || n == 0) return;
        core_.counters.bytes_out += n;
        c.out_.sent(core_.pool, n);
        if (c.out_.size() != 0) c.moved_ = core_.now;
    }

    // Counts the bytes that are unsent after a send. Shared blocks count themselves.
    void count_unsent(connection& c) {
        const auto left = static_cast<std::uint32_t>(c.out_.own_size());
        if (left == c.counted_) return;
        core_.totals.unsent += left;
        core_.totals.unsent -= std::exchange(c.counted_, left);
    }

    void remove(connection& c) {
        c.is_.removed = true;
        c.end_opening();
        gate_.leave(&c);
        if (!throttled_.empty()) std::erase(throttled_, &c);
        forget_answer(c);
        discard_input(c);
        c.out_.clear(core_.pool);
        count_unsent(c);
        core_.loop.close(c.socket_, c.reset_);
        const auto i = c.index_;
        removed_.push_back(std::move(connections_[i]));
        if (i + 1 != connections_.size()) {
            connections_[i] = std::move(connections_.back());
            connections_[i]->index_ = i;
        }
        connections_.pop_back();
    }

    // Frees connections that nothing points to any more.
    void free_removed() {
        if (!removed_.empty())
            std::erase_if(removed_,
                          [](const auto& c) { return !c->queued_ && !c->waits_[0] && !c->waits_[1]; });
    }

    // The only check of time limits: it looks at every connection, a few times per limit. Ages end at the
    // time up to which all bytes have been read.
    void sweep() {
        next_sweep_ = now_ + sweep_every_;
        resume_accepting();
        const bool reset_idle_count = now_ >= next_forgiveness_;
        if (reset_idle_count)
            next_forgiveness_ = now_ + std::max(core_.limits.ping_interval, milliseconds{1000});
        const auto at = ms(read_until_);
        for (auto& c : connections_) {
            try {
                judge(*c, at);
            } catch (...) { // there is no memory for a close message
                c->cut(errc::internal_error, true);
            }
            // A heartbeat over hours is not a flood.
            if (reset_idle_count) c->framing_.reset_idle_count();
        }
    }

    void judge(connection& c, std::uint32_t at) {
        const auto& l = core_.limits;
        const auto since = [at](std::uint32_t stamp) {
            return milliseconds{std::max(static_cast<std::int32_t>(at - stamp), std::int32_t{0})};
        };
        const auto age = since(c.stamp_);
        if (stopping_ && now_ >= drain_until_)
            c.cut(errc::stopping, true);
        else if (c.is_.ending) {
            // A peer that used up its time gets little more, or it would keep its descriptor twice as long.
            const bool late = c.cause_ == errc::handshake_timeout;
            if (age > (late ? std::min(l.close_timeout, milliseconds{1000}) : l.close_timeout))
                c.cut(c.cause_, true);
        } else if (c.opening_) {
            // The sink decides how long a request waits for its answer.
            if (c.answered_ && !c.kept_ && !c.is_.held) {
                if (age > l.keep_alive) c.finish(errc::closed);
            } else if (age > l.handshake_timeout && !c.is_.held) {
                turn_away(c, errc::handshake_timeout);
            }
        } else if (c.is_.writes && l.write_timeout.count() != 0 && since(c.moved_) > l.write_timeout) {
            c.close_slow();
        } else if (c.framing_.incomplete() != 0 && !c.is_.held && !c.kept_ &&
                   ((l.message_timeout.count() != 0 && since(c.grown_) > l.message_timeout) ||
                    (l.message_deadline.count() != 0 && since(c.begun_) > l.message_deadline))) {
            fail(c, errc::overloaded);
        } else if (c.queued_) {
            // Its messages may lie in the socket until its turn comes.
        } else if (c.pinged_ && age > l.silence_timeout) {
            fail(c, errc::pong_timeout);
        } else if (l.ping_interval.count() != 0 && !c.pinged_ && !c.is_.held && age > l.ping_interval) {
            c.pinged_ = c.control_message(control::ping, 0, {});
        }
    }

    void unlisten() {
        error_code ignored;
        if (std::exchange(listening_, false)) core_.loop.unlisten(acceptor_);
        if (acceptor_.is_open()) {
            wire_.unbind(acceptor_);
            acceptor_.close(ignored);
        }
        paused_ = false;
    }

    std::uint32_t ms(time_point t) const {
        return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(t - epoch_).count());
    }

    // A request with a later answer.
    struct pending_answer {
        std::weak_ptr<answer_slot> slot;
        bool head, keep_alive;
    };
    struct refusal_event {
        std::string remote;
        errc cause;
    };

    Wire wire_;
    typename connection::core_type core_;
    loop_clock& clock_;
    stream_acceptor acceptor_;
    std::vector<std::unique_ptr<connection>> connections_;
    std::vector<std::unique_ptr<connection>> removed_;
    std::vector<connection*> arrived_;          // served in the next turn, in this order
    std::vector<connection*> again_;            // the same, for connections that had a slice already
    std::vector<connection*> handshakes_;       // the same, for connections that are opening
    std::vector<connection*> serving_;          // being served
    std::vector<connection*> throttled_;        // not read, because they sent too fast
    time_point read_again_ = time_point::max(); // when to read the first of these
    gate_book gate_{wire_.gate()};
    std::unordered_map<const connection*, pending_answer> answers_;
    std::vector<refusal_event> refusals_; // not reported yet
    bool tells_refusals_ = false;
    milliseconds sweep_every_;
    time_point now_;        // loop time, constant within a turn
    time_point read_until_; // bytes up to this time have been read
    time_point epoch_;
    time_point next_sweep_{};
    time_point next_forgiveness_{};
    time_point drain_until_ = time_point::max();
    bool listening_ = false;
    bool waiting_ = false; // there may be more connections to accept
    bool paused_ = false;  // not accepting until the next sweep: out of descriptors, or crowded
    bool crowded_ = false; // too many connections wait for their answers
    bool stopping_ = false;
};

} // namespace sigfire::inline v0_1::detail
