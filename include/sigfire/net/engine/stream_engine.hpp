// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/process_of.hpp>
#include <sigfire/net/engine/stream_http.hpp>
#include <sigfire/net/engine/stream_table.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/engine/tell_failure.hpp>
#include <sigfire/net/engine/turn_owner.hpp>
#include <sigfire/net/http/upgrade.hpp>
#include <sigfire/net/proxy/forwarded.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::detail {

/** Moves the bytes of all connections of one transport. Models the engine of Transport.
 *
 *  In each turn it reads ready sockets into one buffer that all share, hands the messages to the sink, and
 *  sends what was written, one send per destination, every few events. */
template <class Wire, class Loop, class State>
class stream_engine {
public:
    template <class Sink>
    class with;
};

/// The engine of `Wire` for a sink.
template <class Wire, class Loop, class State>
template <class Sink>
class stream_engine<Wire, Loop, State>::with : stream_http<Wire, Loop, State> {
    using http = stream_http<Wire, Loop, State>;
    using table = stream_table<Wire, Loop, State>;
    using table::acceptor_, table::again_, table::clock_, table::connections_, table::core_, table::doors_,
        table::drain_until_, table::listening_, table::next_sweep_, table::now_, table::read_until_,
        table::serving_, table::stopping_, table::waiting_, table::wire_;
    using table::deafen, table::fail, table::ms, table::turn_away;
    using typename table::connection;
    using typename table::milliseconds;

public:
    with(const Wire& wire, Sink& sink)
        : http{wire, &with::on_ready, this}, sink_{sink}, timer_{wire_.context()},
          token_{std::make_shared<bool>(true)} {
        table::tells_refusals_ = requires { sink.refused(std::string_view{}, errc{}); };
        framing_limits_ = {core_.limits.message, core_.limits.idle_frames, !Sink::checks_utf8};
    }

    ~with() {
        *token_ = false;
        for (auto& socket : adopted_) core_.loop.close(socket, false);
    }

    /// Binds and accepts.
    void open(error_code& ec) {
        wire_.bind(acceptor_, ec);
        if (ec) return;
        listening_ = true;
        core_.loop.listen(acceptor_);
        arm(loop_now() + table::sweep_every_);
    }

    /// What it is bound to, as a URL without path.
    std::string address() const { return wire_.address(acceptor_); }

    /// Accepts no more, drops what is opening, cuts what is left after `drain`, then calls `f()`.
    void stop(milliseconds drain, std::function<void()> f) {
        const bool again = std::exchange(stopping_, true);
        if (f) stopped_ = std::move(f);
        table::unlisten();
        drain_until_ = again ? loop_now() : loop_now() + drain;
        for (auto& c : connections_)
            if (c->opening_ || again) c->cut(errc::stopping, true);
        // The turn is needed even if there is nobody to wait for: it tells so.
        core_.loop.wake();
        arm(drain_until_);
    }

    /// How many connections there are, whatever their state.
    std::size_t connections() const { return connections_.size(); }

    /// What it has done so far, and holds now. On the loop's thread.
    stream_counters counters() const {
        auto out = core_.counters;
        for (const auto& c : connections_) ++(c->opening_ ? out.opening : out.open);
        out.unsent = core_.totals.unsent;
        out.incomplete = core_.incomplete;
        return out;
    }

    /** Serves a connected stream socket that was accepted elsewhere: in the next turn, as if it had been
     *  accepted here. On the loop's thread. The descriptor is taken over unless `ec` says why not. */
    void adopt(int descriptor, error_code& ec) {
        ec = {};
        if (stopping_) {
            ec = boost::asio::error::operation_aborted;
            return;
        }
        auto socket = core_.loop.adopt(descriptor, ec);
        if (ec) return;
        adopted_.push_back(std::move(socket));
        core_.loop.wake();
    }

private:
    static constexpr std::size_t flush_events = 16;      // cork: flush after so many events ...
    static constexpr std::size_t flush_bytes = 64 << 10; // ... or when so much is pending
    // What a connection may say before others have their turn: so often so many messages.
    static constexpr int slice_messages = 16, slices = 4;
    // The shared receive buffer: what is read from a connection at once.
    static constexpr std::size_t buffer_size = 80 << 10;
    static constexpr int rounds = 8;   // of events in a turn
    static constexpr int accepts = 16; // in a row
    static constexpr int steps = 16;   // steps of connections that are opening, in a round
    // Under a load that never lets the loop read all, what came before so long is thought to be read.
    static constexpr std::chrono::seconds unread{2};

    struct feeder {
        with& engine;
        connection& c;

        bool on_message(message m) {
            if (c.usual() || !c.silent()) engine.sink_.received(c, m);
            if (--engine.core_.slice == 0) [[unlikely]]
                if (engine.look_at_slice(c)) return false;
            return c.usual() || !(c.is_.held || c.is_.cut);
        }
        bool on_control(control k, std::uint16_t code, std::string_view text) {
            return engine.on_control(c, k, code, text);
        }
    };

    static void on_ready(void* self) { static_cast<with*>(self)->turn(); }

    time_point loop_now() const { return clock_.now(core_.loop.now()); }

    void turn() {
        {
            const turn_owner::claim here{owner_};
            take_turn();
            if (!stopping_ || !connections_.empty())
                return arm(std::min(
                    {due_, next_sweep_, stopping_ && drain_until_ > now_ ? drain_until_ : next_sweep_}));
            armed_ = time_point::min(); // nothing is armed any more
            timer_.cancel();
            core_.loop.stop();
        }
        // The last that is done here: the host may destroy this engine, and may throw.
        if (stopped_) std::exchange(stopped_, nullptr)();
    }

    void take_turn() {
        const auto start = core_.loop.now();
        now_ = clock_.turn(start, due_);
        ends_ = core_.limits.turn.count() == 0 ? time_point::max() : start + core_.limits.turn;
        late_ = false;
        core_.now = ms(now_);
        core_.in_turn = true;
        // What stands in the sockets is read before the sink judges whom it has not heard.
        tick(due_ > now_ ? now_ : due_ - clock::duration{1});
        ++core_.counters.turns;
        for (auto& socket : std::exchange(adopted_, {}))
            welcome([&] { return table::admit(std::move(socket)); });
        bool all = false;
        for (int i = 0; i < rounds && !late_ && !all; ++i) all = take_round();
        read_until_ = all ? now_ : std::max(read_until_, now_ - unread);
        if (now_ >= std::min(next_sweep_, drain_until_)) {
            table::sweep();
            http::expire_answers();
        }
        // Once more: what came in this turn may have set a deadline, and so may an end that is told now.
        for (int i = 0; i < 3; ++i) {
            told_ = false;
            tick(read_until_);
            flush();
            if (!told_) break;
        }
        table::clear_graveyard();
        tell_refusals();
        core_.in_turn = false;
        if (!all || !core_.prompt.empty() || !core_.bulk.empty()) core_.loop.wake();
    }

    // Serves each that is ready once. Whether nothing is left to be read.
    bool take_round() {
        std::size_t n = 0;
        serve_again(n);
        const auto events = core_.loop.wait();
        for (auto next = events.begin(); next != events.end();) {
            try {
                for (; next != events.end(); ++next) {
                    on_event(*next);
                    cork(++n);
                }
            } catch (...) {
                blame(*static_cast<connection*>((next++)->tag));
            }
        }
        flush();
        serve_doors();
        // Only now: an event further on in the batch may still have pointed at one of them.
        table::clear_graveyard();
        return events.empty() && again_.empty() && doors_.empty();
    }

    void cork(std::size_t n) {
        const bool much = core_.unflushed > flush_bytes;
        if (n % flush_events != 0 && !much) return;
        flush();
        if (n % (4 * flush_events) == 0 || much) late();
    }

    // Whether this turn's time is up: what is left goes to the next, behind what others have to do.
    bool late() { return late_ = late_ || core_.loop.now() >= ends_; }

    void enqueue(std::vector<connection*>& queue, connection& c) {
        if (!std::exchange(c.queued_, true)) queue.push_back(&c);
    }

    // Now and then: whether others are to be served before it goes on.
    bool look_at_slice(connection& c) {
        core_.slice = slice_messages;
        if (core_.unflushed > connection::slice_bytes)
            c.wrote_much_ = true;
        else if (--looks_ != 0 && !late())
            return false;
        enqueue(again_, c);
        return true;
    }

    void serve_again(std::size_t& n) {
        serving_.swap(again_);
        auto next = serving_.begin();
        for (; next != serving_.end() && !late_; ++next) {
            auto& c = **next;
            // What it caused has to go out first: else its readers' outboxes would grow, which read well.
            if (c.wrote_much_ && !core_.bulk.empty() && !c.is_.buried) {
                again_.push_back(&c);
                continue;
            }
            c.queued_ = c.wrote_much_ = false;
            if (!c.is_.buried) guard(c, [&] { go_on(c); });
            cork(++n);
        }
        again_.insert(again_.begin(), next, serving_.end());
        serving_.clear();
    }

    // Handshakes cost much: a few at a time, behind those that are let in.
    void serve_doors() {
        if (doors_.empty()) return;
        serving_.swap(doors_);
        auto next = serving_.begin();
        for (int i = 0; i < steps && next != serving_.end(); ++i) {
            auto& c = **next++;
            c.queued_ = false;
            if (!c.is_.buried) guard(c, [&] { read(c); });
            if (late()) break;
        }
        doors_.insert(doors_.begin(), next, serving_.end());
        serving_.clear();
        flush();
    }

    void go_on(connection& c) {
        if (!c.kept_ || c.is_.held || c.opening_) return read(c);
        const auto kept = c.take_kept();
        if (!c.silent()) feed(c, {kept->data(), kept->size()});
    }

    void tick(time_point t) noexcept {
        try {
            due_ = sink_.tick(clock_.tell(t));
        } catch (...) {
            tell_failure(nullptr);
            due_ = now_ + table::sweep_every_;
        }
    }

    // Does something for a connection; what it throws costs that connection.
    template <class F>
    void guard(connection& c, F f) noexcept {
        try {
            f();
        } catch (...) {
            blame(c);
        }
    }

    // Inside a handler of an exception.
    void blame(connection& c) noexcept {
        tell_failure(&c);
        give_up(c);
    }

    void tell_failure(connection* c) noexcept { detail::tell_failure(sink_, c); }

    void tell_refusals() noexcept {
        if constexpr (requires { sink_.refused(std::string_view{}, errc{}); })
            for (const auto& r : std::exchange(table::refusals_, {})) {
                try {
                    sink_.refused(r.remote, r.cause);
                } catch (...) {
                    tell_failure(nullptr);
                }
            }
    }

    void give_up(connection& c) noexcept {
        try {
            const auto text = to_string(errc::null_message);
            if (c.opening_ && !c.is_.held)
                c.refuse({500, 0, text});
            else
                c.close({500, framing::close_code(errc::null_message), text}, errc::null_message);
        } catch (...) {
            c.cut(errc::null_message, true);
        }
        c.said_close_ = false; // whatever it answers is not read, so our end goes first
        deafen(c);
        c.mark();
    }

    void on_event(const ready& e) {
        if (!e.tag) return accept();
        auto& c = *static_cast<connection*>(e.tag);
        if (c.is_.buried) return;
        if (e.writable) c.mark();
        if (!e.readable || c.queued_) return;
        if (c.opening_ && !c.is_.held) return enqueue(doors_, c);
        if (late_) return enqueue(again_, c);
        read(c);
    }

    void accept() {
        waiting_ = true;
        for (int i = 0; i < accepts && listening_ && waiting_ && !late_; ++i) {
            welcome([&] { return table::accept(); });
        }
    }

    template <class Accept>
    void welcome(Accept accept) noexcept {
        try {
            [[maybe_unused]] auto* c = accept();
            if constexpr (!Wire::upgrades && !begins_late<Loop>)
                if (c) guard(*c, [&] { open_at_once(*c); });
        } catch (...) {
            tell_failure(nullptr);
        }
    }

    void open_at_once(connection& c) {
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        request r{{}, {}, {}, from};
        describe(c, r);
        if (const auto e = table::pass_gate(c, from); e != errc::ok) return turn_away(c, e);
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
                if (ec.category() == errc_category_instance) {
                    const auto e = static_cast<errc>(ec.value());
                    if (c.opening_) table::refused(numeric_address(core_.loop.remote(c.socket_)), e);
                    return c.cut(e, false);
                }
            // An end between two messages is a proper one where the wire has no other.
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
        if (c.is_.deaf) return;
        if (!c.opening_ && !c.is_.ending) {
            c.stamp_ = core_.now;
            c.pinged_ = false;
        }
        if constexpr (begins_late<Loop>) {
            if constexpr (!Wire::upgrades)
                if (c.opening_ && !c.is_.held && !c.is_.ending) open_at_once(c);
            if (n == 0) return;
        }
        feed(c, {buffer_.get(), n});
    }

    void feed(connection& c, std::span<char> bytes) {
        if constexpr (Wire::upgrades) {
            if (c.opening_ && !c.is_.held) return upgrade(c, bytes);
        }
        // What is kept goes first.
        if (c.is_.held || c.kept_) return keep(c, bytes);
        feed_now(c, bytes);
    }

    void feed_now(connection& c, std::span<char> bytes) {
        core_.slice = slice_messages;
        looks_ = slices;
        const auto progress = feed_framing(c, bytes);
        if (progress.error != errc::ok) return fail(c, progress.error);
        if (progress.consumed < bytes.size() && (c.is_.held || c.queued_))
            return keep(c, bytes.subspan(progress.consumed));
        if (core_.incomplete > core_.limits.incomplete) [[unlikely]]
            table::shed();
    }

    void keep(connection& c, std::span<char> bytes) {
        c.keep({bytes.data(), bytes.size()});
        if (core_.incomplete > core_.limits.incomplete) table::shed();
    }

    framing_progress feed_framing(connection& c, std::span<char> bytes) {
        struct counted { // also if the sink throws
            connection& c;
            std::size_t before = c.framing_.incomplete();
            ~counted() {
                const auto after = c.framing_.incomplete();
                if (after == 0 && before == 0) return;
                c.core_->incomplete += after - before;
                // Pings and pongs between its fragments do not help a message on.
                if (after != before || !controlled) c.grown_ = c.core_->now;
            }
            const bool& controlled;
        };
        controlled_ = false;
        const counted count{.c = c, .controlled = controlled_};
        feeder handler{*this, c};
        return c.framing_.feed(bytes, framing_limits_, handler);
    }

    bool on_control(connection& c, control k, std::uint16_t code, std::string_view text) {
        controlled_ = true;
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
            c.is_.deaf = true;
            c.mark();
            return false;
        }
        return !c.is_.cut;
    }

    // Gathers a request, then lets it in, answers it, or refuses it.
    void upgrade(connection& c, std::span<char> bytes) {
        typename http::whole_header whole;
        if (!http::gather(c, bytes, whole)) return;
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        auto request = whole.fields.view(from);
        describe(c, request);
        // To HEAD no answer may have a body, and an upgrade may be ignored (RFC 9110, 7.8).
        const bool plain = !wants_websocket(request) || request.method == "HEAD";
        request_body body;
        if (plain && has_body(request)) {
            if (!http::gather_body(c, whole, request, body)) return;
            request.body = body.body();
            whole.size = body.size();
        }
        whole.storage = c.take_kept();
        const auto rest = whole.text.substr(whole.size);
        if (!wire_.proxies().empty()) apply_forwarded(request, wire_.proxies());
        if (const auto e = table::pass_gate(c, request.remote); e != errc::ok) return turn_away(c, e);
        if (plain) return answer(c, request, rest);
        if (!wire_.path().empty() && request.path() != wire_.path()) return turn_away(c, errc::unknown);
        if (const auto e = check_upgrade(request, whole.fields.http_1_1(), wire_.origins()); e != errc::ok)
            return turn_away(c, e);
        core_.upgrade_key = request["Sec-WebSocket-Key"];
        open(c, request);
        if (!c.silent() && !rest.empty()) feed(c, {const_cast<char*>(rest.data()), rest.size()});
    }

    void open(connection& c, const request& r) {
        c.stamp_ = core_.now;
        sink_.opening(c, r);
        if (c.opening_ && !c.is_.held) c.refuse({500, 0, "Not Admitted"});
    }

    void answer(connection& c, request& r, std::string_view rest) {
        const bool here = wire_.path().empty() || r.path() == wire_.path();
        const bool head = r.method == "HEAD", keep_alive = http::keeps_alive(r);
        typename http::desk lent{*this, c};
        r.desk = &lent;
        response out;
        const bool answers = sink_.http(r, out);
        if (const auto slot = lent.slot.lock(); answers && slot && slot->engine)
            return http::wait_for_answer(c, lent, head, keep_alive, rest);
        if (answers) return http::respond(c, out, head, keep_alive, rest);
        out = refusal_response(r.method == "GET" && here ? refusal(errc::upgrade_required)
                                                         : ending{404, 0, "Not Found"});
        http::respond(c, out, head, false);
    }

    void flush_bulk() noexcept {
        for (std::size_t n = 1; !core_.bulk.empty(); ++n) {
            settle(core_.bulk.pop());
            if (n % flush_events == 0 && late()) break;
        }
    }

    // Sends what is pending, and some of it even if the turn's time is up.
    void flush() noexcept {
        core_.unflushed = 0;
        for (std::size_t n = 1; !core_.prompt.empty(); ++n) {
            settle(core_.prompt.pop());
            if (n % (4 * flush_events) == 0 && late()) break;
        }
        if (!core_.bulk.empty()) [[unlikely]]
            flush_bulk();
        if (core_.totals.unsent > core_.limits.unsent) [[unlikely]]
            table::relieve();
    }

    // Sends what is pending and takes the next step towards an end that was asked for.
    void settle(connection& c) noexcept {
        if (!c.usual() || c.out_.shares()) [[unlikely]]
            return settle_slowly(c);
        if (c.out_.size() == 0) return;
        error_code ec;
        const auto n = core_.loop.send(c.socket_, c.out_.pending_own(), ec);
        table::sent(c, n, ec);
        if (ec || c.out_.size() != 0) [[unlikely]] {
            table::check_send(c, ec);
            guard(c, [&] { finish_settling(c); });
        }
    }

    void settle_slowly(connection& c) noexcept {
        if (c.is_.buried) return;
        if (c.out_.size() != 0) table::send(c);
        guard(c, [&] { finish_settling(c); });
    }

    void finish_settling(connection& c) {
        table::count_unsent(c);
        if (c.silent() && std::exchange(c.known_, false)) {
            // Nothing is read while an end is told: its own deadline begins here.
            c.stamp_ = core_.now;
            told_ = true;
            sink_.closed(c, c.cause_);
        }
        if (c.is_.cut) return table::bury(c);
        if (c.is_.ending && !c.said_close_ && !c.out_.size() && !std::exchange(c.lingering_, true)) {
            deafen(c);
            c.stamp_ = core_.now;
            core_.loop.shutdown(c.socket_);
        }
        if (c.is_.ending) {
            c.is_.held = false;
            c.take_kept();
        }
        const bool paused = c.is_.held, writes = c.out_.size() != 0;
        if (paused != c.is_.paused || writes != c.is_.writes) {
            if (writes && !c.is_.writes) c.moved_ = core_.now; // from now on it keeps us waiting
            c.is_.paused = paused;
            c.is_.writes = writes;
            core_.loop.watch(c.socket_, &c, !paused, writes);
        }
        if (std::exchange(c.is_.released, false) && c.kept_ && !c.silent()) {
            const auto kept = c.take_kept();
            told_ = true;
            feed(c, {kept->data(), kept->size()});
        }
    }

    void arm(time_point t) {
        if (t >= armed_) return;
        armed_ = t;
        timer_.expires_at(clock_.real(t));
        timer_.async_wait([this, token = token_](error_code ec) {
            if (ec || !*token) return;
            armed_ = time_point::max();
            turn();
        });
    }

    Sink& sink_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> token_; // tells handlers that outlive the engine
    std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    framing_limits framing_limits_;
    std::function<void()> stopped_;
    turn_owner owner_;
    std::vector<typename Loop::socket> adopted_;
    int looks_ = 0;                      // how often it may be looked at
    time_point ends_{};                  // real time at which this turn ought to end
    bool late_ = false;                  // it is that time
    bool controlled_ = false;            // a control message came since the last look
    bool told_ = false;                  // the sink was told something that may have set a deadline
    time_point due_ = time_point::max(); // when the sink wants to be called
    time_point armed_ = time_point::max();
};

} // namespace sigfire::detail
