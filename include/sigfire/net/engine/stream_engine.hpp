// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/engine/process_of.hpp>
#include <sigfire/net/engine/stream_connection.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/http/upgrade.hpp>
#include <sigfire/net/proxy/forwarded.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sigfire::detail {

/** Moves the bytes of all connections of one transport. Models the engine of Transport.
 *
 *  In each turn it reads every ready socket once into one buffer that all share, hands the messages to the
 *  sink, and sends what was written, one send per destination, every few events.
 *
 *  Long, but one piece: reading, settling and sweeping all decide about the same few states of a connection.
 */
template <class Wire, class Loop, class State>
class stream_engine {
public:
    template <class Sink>
    class with;
};

/// The engine of `Wire` for a sink.
template <class Wire, class Loop, class State>
template <class Sink>
class stream_engine<Wire, Loop, State>::with {
    using connection = stream_connection<Wire, Loop, State>;
    using milliseconds = std::chrono::milliseconds;

public:
    with(const Wire& wire, Sink& sink)
        : wire_{wire}, sink_{sink}, core_{wire_.context(), &with::on_ready, this, wire_.limits()},
          acceptor_{wire_.context()}, timer_{wire_.context()}, token_{std::make_shared<bool>(true)},
          now_{core_.loop.now()}, epoch_{now_} {
        if constexpr (requires { wire_.prepare(core_.loop); }) wire_.prepare(core_.loop);
        const auto& l = core_.limits;
        framing_limits_ = {l.message, l.idle_frames, !Sink::checks_utf8};
        auto shortest = std::min({l.handshake, l.closing, l.dead});
        if (l.ping.count() != 0) shortest = std::min(shortest, l.ping);
        sweep_every_ = std::clamp(shortest / 4, milliseconds{5}, milliseconds{1000});
    }

    with(const with&) = delete;
    with& operator=(const with&) = delete;

    ~with() {
        *token_ = false;
        for (auto& c : connections_) core_.loop.close(c->socket_, false);
        unlisten();
    }

    /// Binds and accepts.
    void open(error_code& ec) {
        wire_.bind(acceptor_, ec);
        if (ec) return;
        listening_ = true;
        core_.loop.listen(acceptor_);
        arm(core_.loop.now() + sweep_every_);
    }

    /// What it is bound to, as a URL without path.
    std::string address() const { return wire_.address(acceptor_); }

    /// Accepts no more, drops what is opening, cuts what is left after `drain`, then calls `f()`.
    void stop(milliseconds drain, std::function<void()> f) {
        const bool again = std::exchange(stopping_, true);
        if (f) stopped_ = std::move(f);
        unlisten();
        drain_until_ = again ? core_.loop.now() : core_.loop.now() + drain;
        for (auto& c : connections_)
            if (c->opening_ || again) c->cut(errc::stopping, true);
        // The turn is needed even if there is nobody to wait for: it tells so.
        core_.loop.wake();
        arm(drain_until_);
    }

    /// How many connections there are, whatever their state.
    std::size_t connections() const { return connections_.size(); }

private:
    static constexpr std::size_t flush_events = 16;       // cork: flush after so many events ...
    static constexpr std::size_t flush_bytes = 64 << 10;  // ... or when so much is pending
    static constexpr std::size_t buffer_size = 256 << 10; // the shared receive buffer
    static constexpr int rounds = 8;                      // of events in a turn
    static constexpr int accepts = 64;                    // in a row

    struct feeder {
        with& engine;
        connection& c;

        bool on_message(message m) {
            if (!c.silent()) engine.sink_.received(c, m);
            return !(c.held_ || c.cut_);
        }
        bool on_control(control k, std::uint16_t code, std::string_view text) {
            return engine.on_control(c, k, code, text);
        }
    };

    static void on_ready(void* self) { static_cast<with*>(self)->turn(); }

    void turn() {
        const auto here = std::this_thread::get_id();
        if (owner_ == std::thread::id{})
            owner_ = here;
        else if (owner_ != here)
            throw std::logic_error{"sigfire: an io_context with a server must be run by one thread; use one "
                                   "io_context and one server per thread"};
        now_ = core_.loop.now();
        core_.in_turn = true;
        sink_.tick(now_);
        for (int i = 0; i < rounds; ++i) {
            const auto events = core_.loop.wait();
            if (events.empty()) break;
            std::size_t n = 0;
            for (const auto& e : events) {
                on_event(e);
                if (++n % flush_events == 0 || core_.unflushed > flush_bytes) flush();
            }
            flush();
            // Only now: an event further on in the batch may still have pointed at one of them.
            graveyard_.clear();
        }
        if (now_ >= std::min(next_sweep_, drain_until_)) sweep();
        flush();
        graveyard_.clear();
        core_.in_turn = false;
        if (stopping_ && connections_.empty()) {
            armed_ = time_point::min(); // nothing is armed any more
            timer_.cancel();
            core_.loop.stop();
            if (stopped_) std::exchange(stopped_, nullptr)();
            return;
        }
        // Once more: what came in this turn may have set a deadline.
        const auto due = sink_.tick(now_);
        arm(std::min({due, next_sweep_, stopping_ && drain_until_ > now_ ? drain_until_ : next_sweep_}));
    }

    void on_event(const ready& e) {
        if (!e.tag) return accept();
        auto& c = *static_cast<connection*>(e.tag);
        if (e.writable && !c.buried_) c.mark();
        if (e.readable && !c.buried_) read(c);
    }

    void accept() {
        for (int i = 0; i < accepts && listening_; ++i) {
            error_code ec;
            auto socket = core_.loop.accept(acceptor_, ec);
            if (ec == boost::asio::error::would_block) return;
            if (ec == boost::asio::error::no_descriptors || ec == boost::asio::error::no_buffer_space ||
                ec == boost::asio::error::no_memory ||
                ec == boost::system::errc::too_many_files_open_in_system) {
                // The backlog stays readable: without a pause this would spin. The next sweep tries again.
                core_.loop.unlisten(acceptor_);
                listening_ = false;
                paused_ = true;
                return;
            }
            if (ec) continue;
            auto c = std::make_unique<connection>(core_);
            c->socket_ = std::move(socket);
            c->stamp_ = ms();
            c->index_ = static_cast<std::uint32_t>(connections_.size());
            core_.loop.add(c->socket_, c.get());
            connections_.push_back(std::move(c));
            if constexpr (!Wire::upgrades && !begins_late<Loop>) open_at_once(*connections_.back());
        }
    }

    void open_at_once(connection& c) {
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        request r{{}, {}, {}, from};
        describe(c, r);
        open(c, r);
    }

    // What the socket itself knows of the other side.
    void describe(connection& c, request& r) {
        if constexpr (requires { core_.loop.describe(c.socket_, r); }) core_.loop.describe(c.socket_, r);
        if constexpr (requires { Wire::local; }) r.process = process_of(core_.loop.descriptor(c.socket_));
    }

    void read(connection& c) {
        error_code ec;
        const auto n = core_.loop.receive(c.socket_, {buffer_.get(), buffer_size}, ec);
        if (ec) {
            if (ec == boost::asio::error::would_block || ec == boost::asio::error::interrupted) return;
            if constexpr (begins_late<Loop>)
                if (ec.category() == errc_category_instance)
                    return c.cut(static_cast<errc>(ec.value()), false);
            // An end between two messages is a proper one where the wire has no other.
            const bool proper =
                ec == boost::asio::error::eof && !Wire::upgrades && c.framing_.incomplete() == 0;
            return c.cut(proper ? errc::closed : errc::lost, false);
        }
        if (c.deaf_) return;
        if (!c.opening_ && !c.ending_) {
            c.stamp_ = ms();
            c.pinged_ = false;
        }
        if constexpr (begins_late<Loop>) {
            if constexpr (!Wire::upgrades)
                if (c.opening_ && !c.held_ && !c.ending_) open_at_once(c);
            if (n == 0) return;
        }
        feed(c, {buffer_.get(), n});
    }

    void feed(connection& c, std::span<char> bytes) {
        if constexpr (Wire::upgrades) {
            if (c.opening_ && !c.held_) return upgrade(c, bytes);
        }
        // What is kept goes first.
        if (c.held_ || c.kept_) return keep(c, bytes);
        feeder handler{*this, c};
        const auto before = c.framing_.incomplete();
        const auto progress = c.framing_.feed(bytes, framing_limits_, handler);
        incomplete_ += c.framing_.incomplete() - before;
        if (progress.error != errc::ok) return fail(c, progress.error);
        if (progress.consumed < bytes.size() && c.held_) return keep(c, bytes.subspan(progress.consumed));
        if (incomplete_ > core_.limits.incomplete) [[unlikely]]
            shed();
    }

    // The peer broke the framing: it is told why, and not listened to any longer.
    void fail(connection& c, errc e) {
        // Signal-Fire's server gives no reason for a message that is too large.
        const auto text = e == errc::too_large ? std::string_view{} : to_string(e);
        if (!c.silent()) c.close({0, framing::close_code(e), text}, e);
        c.said_close_ = false; // whatever it answers is not read, so our end goes first
        deafen(c);
        c.mark();
    }

    // Nothing more is heard from it: what it had begun to say is dropped.
    void deafen(connection& c) {
        c.deaf_ = true;
        incomplete_ -= c.framing_.incomplete();
        c.framing_ = {};
        c.kept_.reset();
    }

    void keep(connection& c, std::span<const char> bytes) {
        if (!c.kept_) c.kept_ = std::make_unique<std::string>();
        c.kept_->append(bytes.data(), bytes.size());
    }

    void shed() {
        connection* largest = nullptr;
        for (auto& c : connections_)
            if (!c->deaf_ && (!largest || c->framing_.incomplete() > largest->framing_.incomplete()))
                largest = c.get();
        if (largest) fail(*largest, errc::overloaded);
    }

    bool on_control(connection& c, control k, std::uint16_t code, std::string_view text) {
        switch (k) {
        case control::ping:
            if (!c.silent()) c.control_message(control::pong, 0, text);
            break;
        case control::pong:
            if (std::exchange(c.asked_, false) && !c.silent()) sink_.alive(c);
            break;
        case control::close:
            // The same code goes back, without the reason (RFC 6455, 5.5.1); then our end is shut first.
            if (!c.silent()) {
                c.close({0, static_cast<std::uint16_t>(code ? code : 1005), {}}, errc::closed);
            }
            c.said_close_ = false;
            c.deaf_ = true;
            c.mark();
            return false;
        }
        return !c.cut_;
    }

    // Gathers a request, then lets it in, answers it, or refuses it.
    void upgrade(connection& c, std::span<char> bytes) {
        if (c.kept_) {
            keep(c, bytes);
            bytes = {c.kept_->data(), c.kept_->size()};
        }
        const std::string_view text{bytes.data(), bytes.size()};
        const auto end = text.find("\r\n\r\n");
        const auto size = end == text.npos ? text.size() : end + 4;
        // No method begins like that: TLS, or noise. Waiting for a blank line would be waiting for nothing.
        if (!text.empty() && !std::isalpha(static_cast<unsigned char>(text.front())))
            return turn_away(c, errc::bad_handshake);
        if (size > core_.limits.header) return turn_away(c, errc::header_too_large);
        if (end == text.npos) {
            if (!c.kept_) keep(c, bytes);
            return;
        }
        const auto whole = std::move(c.kept_);
        request_header header;
        if (!header.parse(text.substr(0, size))) return turn_away(c, errc::bad_handshake);
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        auto request = header.view(from);
        describe(c, request);
        if (!wire_.proxies().empty()) apply_forwarded(request, wire_.proxies());
        // To HEAD no answer may have a body, and an upgrade may be ignored (RFC 9110, 7.8).
        if (!wants_websocket(request) || request.method == "HEAD") return answer(c, request);
        if (!wire_.path().empty() && request.path() != wire_.path()) return turn_away(c, errc::unknown);
        if (const auto e = check_upgrade(request, header.http_1_1(), wire_.origins()); e != errc::ok)
            return turn_away(c, e);
        core_.upgrade_key = request["Sec-WebSocket-Key"];
        open(c, request);
        if (!c.silent() && size < bytes.size()) feed(c, bytes.subspan(size));
    }

    void open(connection& c, const request& r) {
        c.stamp_ = ms();
        sink_.opening(c, r);
        if (c.opening_ && !c.held_) c.refuse({500, 0, "Not Admitted"});
    }

    void turn_away(connection& c, errc e) {
        c.refuse(e == errc::unknown ? ending{404, 0, "Not Found"} : refusal(e));
        deafen(c);
    }

    void answer(connection& c, const request& r) {
        const bool here = wire_.path().empty() || r.path() == wire_.path();
        response out;
        if (!sink_.http(r, out))
            out = refusal_response(r.method == "GET" && here ? refusal(errc::upgrade_required)
                                                             : ending{404, 0, "Not Found"});
        c.opening_ = false;
        c.write(compose(out, r.method == "HEAD"));
        c.finish(errc::closed);
        c.deaf_ = true;
    }

    void flush() {
        core_.unflushed = 0;
        while (auto* c = core_.marked) {
            core_.marked = c->next_marked_;
            c->marked_ = false;
            if (!c->buried_) settle(*c);
        }
    }

    // Sends what is pending and takes the next step towards an end that was asked for.
    void settle(connection& c) {
        if (c.out_.size()) send(c);
        if (c.silent() && std::exchange(c.known_, false)) {
            // Nothing is read while an end is told: its own deadline begins here.
            c.stamp_ = ms();
            sink_.closed(c, c.cause_);
        }
        if (c.cut_) return bury(c);
        if (c.ending_ && !c.said_close_ && !c.out_.size() && !std::exchange(c.lingering_, true)) {
            deafen(c);
            c.stamp_ = ms();
            core_.loop.shutdown(c.socket_);
        }
        if (c.ending_) {
            c.held_ = false;
            c.kept_.reset();
        }
        const bool reads = !c.held_, writes = c.out_.size() != 0;
        if (reads != c.reads_ || writes != c.writes_) {
            c.reads_ = reads;
            c.writes_ = writes;
            core_.loop.watch(c.socket_, &c, reads, writes);
        }
        if (std::exchange(c.released_, false) && c.kept_ && !c.silent()) {
            const auto kept = std::move(c.kept_);
            feed(c, {kept->data(), kept->size()});
        }
    }

    void send(connection& c) {
        error_code ec;
        const auto n = core_.loop.send(c.socket_, c.out_.pending(), ec);
        if (!ec)
            c.out_.sent(core_.pool, n);
        else if (ec != boost::asio::error::would_block && ec != boost::asio::error::interrupted) {
            c.out_.clear(core_.pool);
            if (!std::exchange(c.cut_, true) && !c.ending_) c.cause_ = errc::lost;
        }
    }

    void bury(connection& c) {
        c.buried_ = true;
        incomplete_ -= c.framing_.incomplete();
        core_.loop.close(c.socket_, c.reset_);
        const auto i = c.index_;
        graveyard_.push_back(std::move(connections_[i]));
        if (i + 1 != connections_.size()) {
            connections_[i] = std::move(connections_.back());
            connections_[i]->index_ = i;
        }
        connections_.pop_back();
    }

    // The one deadline mechanism: a look at every connection, a few times per deadline.
    void sweep() {
        next_sweep_ = now_ + sweep_every_;
        if (std::exchange(paused_, false) && !stopping_) {
            listening_ = true;
            core_.loop.listen(acceptor_);
        }
        const auto& l = core_.limits;
        const bool forgive = now_ >= next_forgiveness_;
        if (forgive) next_forgiveness_ = now_ + std::max(l.ping, milliseconds{1000});
        for (auto& owned : connections_) {
            auto& c = *owned;
            const milliseconds age{ms() - c.stamp_};
            if (stopping_ && now_ >= drain_until_)
                c.cut(errc::stopping, true);
            else if (c.ending_) {
                if (age > l.closing) c.cut(c.cause_, true);
            } else if (c.opening_) {
                // How long a request waits for its answer is up to the sink.
                if (age > l.handshake && !c.held_) turn_away(c, errc::handshake_timeout);
            } else if (c.pinged_ && age > l.dead) {
                c.cut(errc::pong_timeout, true);
            } else if (l.ping.count() != 0 && !c.pinged_ && !c.held_ && age > l.ping) {
                c.pinged_ = c.control_message(control::ping, 0, {});
            }
            // A heartbeat over hours is no flood.
            if (forgive) c.framing_.forgive();
        }
    }

    void arm(time_point t) {
        if (t >= armed_) return;
        armed_ = t;
        timer_.expires_at(t);
        timer_.async_wait([this, token = token_](error_code ec) {
            if (ec || !*token) return;
            armed_ = time_point::max();
            turn();
        });
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

    std::uint32_t ms() const {
        return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(now_ - epoch_).count());
    }

    Wire wire_;
    Sink& sink_;
    typename connection::core_type core_;
    stream_acceptor acceptor_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> token_; // tells handlers that outlive the engine
    std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    framing_limits framing_limits_;
    std::vector<std::unique_ptr<connection>> connections_;
    std::vector<std::unique_ptr<connection>> graveyard_;
    std::size_t incomplete_ = 0; // bytes of messages that have begun
    std::function<void()> stopped_;
    std::thread::id owner_;
    milliseconds sweep_every_;
    time_point now_;
    time_point epoch_;
    time_point next_sweep_{};
    time_point next_forgiveness_{};
    time_point drain_until_ = time_point::max();
    time_point armed_ = time_point::max();
    bool listening_ = false;
    bool paused_ = false; // out of descriptors: not accepting until the next sweep
    bool stopping_ = false;
};

} // namespace sigfire::detail
