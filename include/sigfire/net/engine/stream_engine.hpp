// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/keep_alive.hpp>
#include <sigfire/net/engine/process_of.hpp>
#include <sigfire/net/engine/stream_http.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/stream_reader.hpp>
#include <sigfire/net/engine/stream_table.hpp>
#include <sigfire/net/engine/stream_turns.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/engine/tell_failure.hpp>
#include <sigfire/net/engine/turn_owner.hpp>
#include <sigfire/net/http/upgrade.hpp>
#include <sigfire/net/proxy/forwarded.hpp>

#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/** Moves the bytes of all connections of one transport. Models the engine of Transport.
 *
 *  In each turn, the engine reads ready sockets into one shared buffer, and passes the messages to the
 *  sink. It sends the output every few events, with one send per destination. */
template <class Wire, class Loop, class State>
class stream_engine {
public:
    template <class Sink>
    class with;
};

/// The engine of `Wire` for a sink.
template <class Wire, class Loop, class State>
template <class Sink>
class stream_engine<Wire, Loop, State>::with
    : stream_reader<typename stream_engine<Wire, Loop, State>::template with<Sink>, Wire, Loop, State> {
    friend class stream_turns<with, Wire, Loop, State>;
    friend class stream_reader<with, Wire, Loop, State>;
    using reader = stream_reader<with, Wire, Loop, State>;
    using turns = stream_turns<with, Wire, Loop, State>;
    using http = stream_http<Wire, Loop, State>;
    using table = stream_table<Wire, Loop, State>;
    using reader::feed;
    using table::acceptor_, table::clock_, table::connections_, table::core_, table::drain_until_,
        table::listening_, table::next_sweep_, table::now_, table::read_until_, table::stopping_,
        table::waiting_, table::wire_;
    using table::discard_input, table::fail, table::ms, table::turn_away;
    using turns::ends_, turns::flush, turns::late_, turns::told_;
    using typename table::connection;
    using typename table::milliseconds;

public:
    with(const Wire& wire, Sink& sink)
        : reader{wire, &with::on_ready, this, !Sink::checks_utf8}, sink_{sink}, timer_{wire_.context()},
          token_{std::make_shared<bool>(true)} {
        table::tells_refusals_ = requires { sink.refused(std::string_view{}, errc{}); };
    }

    ~with() {
        *token_ = false;
        for (auto& socket : adopted_) core_.loop.close(socket, false);
    }

    /// Binds and starts to accept.
    void open(error_code& ec) {
        wire_.bind(acceptor_, ec);
        if (ec) return;
        keep_alive(acceptor_.native_handle(), core_.limits.ping_interval); // accepted sockets inherit it
        listening_ = true;
        core_.loop.listen(acceptor_);
        arm(loop_now() + table::sweep_every_);
    }

    /// The bound address, as a URL without path.
    std::string address() const { return wire_.address(acceptor_); }

    /// Whether another thread runs the loop. Thread-safe.
    bool is_elsewhere() const noexcept { return owner_.is_elsewhere(); }

    /// Accepts no more, and drops connections that are opening. Cuts the rest after `drain`, or at once in a
    /// second call. Then calls `f()`.
    void stop(milliseconds drain, std::function<void()> f) {
        const bool again = std::exchange(stopping_, true);
        if (f) stopped_ = std::move(f);
        table::unlisten();
        drain_until_ = again ? loop_now() : loop_now() + drain;
        for (auto& c : connections_)
            if (c->opening_ || again) c->cut(errc::stopping, true);
        // Even without connections, a turn is needed to call `f()`.
        core_.loop.wake();
        arm(drain_until_);
    }

    /// Loop time now: without the time in which the loop did not run.
    time_point now() const { return clock_.now(core_.loop.now()); }

    /// Number of connections, in any stage.
    std::size_t connections() const { return connections_.size(); }

    /// Counters since the start, and the present load. On the loop's thread.
    stream_counters counters() const {
        auto out = core_.counters;
        out.opening = core_.opening;
        out.open = connections_.size() - core_.opening;
        out.unsent = core_.totals.unsent;
        out.incomplete = core_.incomplete;
        return out;
    }

    /// Serves a connected stream socket that was accepted elsewhere, from the next turn on. On the loop's
    /// thread. The engine owns the descriptor, unless `ec` is set.
    void adopt(int descriptor, error_code& ec) {
        ec = {};
        if (stopping_) {
            ec = boost::asio::error::operation_aborted;
            return;
        }
        auto socket = core_.loop.adopt(descriptor, ec);
        if (ec) return;
        keep_alive(descriptor, core_.limits.ping_interval);
        adopted_.push_back(std::move(socket));
        core_.loop.wake();
    }

private:
    static constexpr int rounds = 8;   // rounds of events in a turn
    static constexpr int accepts = 16; // accepted connections in a row
    // Under constant overload, bytes older than this count as read.
    static constexpr std::chrono::seconds unread{2};

    static void on_ready(void* self) { static_cast<with*>(self)->turn(); }

    time_point loop_now() const { return clock_.now(core_.loop.now()); }

    void turn() {
        {
            const turn_owner::claim here{owner_};
            take_turn();
            if (!stopping_ || !connections_.empty())
                return arm(std::min({due_, next_sweep_, table::read_again_,
                                     stopping_ && drain_until_ > now_ ? drain_until_ : next_sweep_}));
            armed_ = time_point::min(); // nothing is armed any more
            timer_.cancel();
            core_.loop.stop();
        }
        // The last step here: the host program may destroy this engine, and may throw.
        if (stopped_) std::exchange(stopped_, nullptr)();
    }

    void take_turn() {
        const auto start = core_.loop.now();
        now_ = clock_.turn(start, due_);
        ends_ = core_.limits.turn.count() == 0 ? time_point::max() : start + core_.limits.turn;
        late_ = false;
        core_.now = ms(now_);
        core_.in_turn = true;
        // Bytes in the sockets are read before the sink judges silent peers.
        tick(due_ > now_ ? now_ : due_ - clock::duration{1});
        ++core_.counters.turns;
        if (now_ >= table::read_again_) [[unlikely]]
            this->end_throttling();
        for (auto& socket : std::exchange(adopted_, {}))
            welcome([&] { return table::admit(std::move(socket)); });
        bool all = false;
        for (int i = 0; i < rounds && !late_ && !all; ++i) all = turns::take_round();
        read_until_ = all ? now_ : std::max(read_until_, now_ - unread);
        if (now_ >= std::min(next_sweep_, drain_until_)) {
            table::sweep();
            http::expire_answers();
        }
        // Repeat the tick: a message in this turn, or an end reported now, may have set a deadline.
        for (int i = 0; i < 3; ++i) {
            told_ = false;
            tick(read_until_);
            flush();
            if (!told_) break;
        }
        if (table::crowded_) [[unlikely]]
            table::continue_after_pause();
        table::free_removed();
        tell_refusals();
        core_.in_turn = false;
        if (!all || !core_.prompt.empty() || !core_.bulk.empty()) core_.loop.wake();
    }

    void tick(time_point t) noexcept {
        try {
            due_ = sink_.tick(clock_.tell(t));
        } catch (...) {
            tell_failure(nullptr);
            due_ = now_ + table::sweep_every_;
        }
    }

    // Runs `f` for a connection. If it throws, only that connection ends.
    template <class F>
    void guard(connection& c, F f) noexcept {
        try {
            f();
        } catch (...) {
            blame(c);
        }
    }

    // Call it inside an exception handler.
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
            const auto text = to_string(errc::internal_error);
            if (c.opening_ && !c.is_.held)
                c.refuse({500, 0, text});
            else
                c.close({500, framing::close_code(errc::internal_error), text}, errc::internal_error);
        } catch (...) {
            c.cut(errc::internal_error, true);
        }
        c.said_close_ = false; // the other side's close is not read, so this side closes first
        discard_input(c);
        c.mark();
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
                if (c && !table::awaits_hello()) guard(*c, [&] { open_at_once(*c); });
        } catch (...) {
            tell_failure(nullptr);
        }
    }

    // For wires without an upgrade. `r` has the data of the `hello`, if the peer sent one.
    void open_at_once(connection& c, request r = {}) {
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        r.remote = from;
        c.from_ = address_block_of(from);
        describe(c, r);
        if (const auto e = table::gate_.pass(&c, from); e != errc::ok) return turn_away(c, e);
        open(c, r);
    }

    // Adds facts that the socket has about the other side.
    void describe(connection& c, request& r) {
        if constexpr (requires { core_.loop.describe(c.socket_, r); }) core_.loop.describe(c.socket_, r);
        if constexpr (requires { Wire::local; }) r.process = process_of(core_.loop.descriptor(c.socket_));
    }

    // Collects a request. Then admits the peer, answers the request, or refuses it.
    void upgrade(connection& c, std::span<char> bytes) {
        typename http::whole_header whole;
        if (!http::gather(c, bytes, whole)) return;
        const auto from = numeric_address(core_.loop.remote(c.socket_));
        auto request = whole.fields.view(from);
        describe(c, request);
        // A response to HEAD has no body, and a server may ignore an upgrade (RFC 9110, 7.8).
        const bool plain = !wants_websocket(request) || request.method == "HEAD";
        request_body body;
        if (plain && has_body(request)) {
            if (!http::gather_body(c, whole, request, body)) return;
            request.body = body.body();
            whole.size = body.size();
        }
        whole.storage = c.take_kept();
        const auto rest = whole.text.substr(whole.size);
        if (!wire_.proxies().empty()) apply_forwarded(request, wire_.proxies(), wire_.forwarded_by());
        c.from_ = address_block_of(request.remote);
        if (const auto e = table::gate_.pass(&c, request.remote); e != errc::ok) return turn_away(c, e);
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
        typename http::opener lent{*this, c};
        r.opener = &lent;
        response out;
        const bool answers = sink_.http(r, out);
        if (const auto slot = lent.slot.lock(); answers && slot && slot->engine)
            return http::wait_for_answer(c, lent, head, keep_alive, rest);
        if (answers) return http::respond(c, out, head, keep_alive, rest);
        out = refusal_response(r.method == "GET" && here ? refusal_of(errc::upgrade_required)
                                                         : ending{404, 0, "Not Found"});
        http::respond(c, out, head, false);
    }

    void finish_settling(connection& c) {
        table::count_unsent(c);
        if (c.silent() && std::exchange(c.known_, false)) {
            // Nothing is read while an end is reported, so its own time limit begins here.
            c.stamp_ = core_.now;
            told_ = true;
            sink_.closed(c, c.cause_);
        }
        if (c.is_.cut) return table::remove(c);
        if (c.is_.ending && !c.said_close_ && !c.out_.size() && !std::exchange(c.lingering_, true)) {
            discard_input(c);
            c.stamp_ = core_.now;
            core_.loop.shutdown(c.socket_);
        }
        if (c.is_.ending) {
            c.is_.held = false;
            c.take_kept();
        }
        const bool paused = c.is_.held, writes = c.out_.size() != 0;
        if (paused != c.is_.paused || writes != c.is_.writes) {
            if (writes && !c.is_.writes) c.moved_ = core_.now; // from now on, the peer delays this output
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
        try {
            timer_.expires_at(clock_.real(t));
            timer_.async_wait([this, token = token_](error_code ec) {
                if (ec || !*token) return;
                armed_ = time_point::max();
                turn();
            });
            armed_ = t;
        } catch (const std::bad_alloc&) { // the next turn arms it
            armed_ = time_point::max();
            core_.loop.wake();
        }
    }

    Sink& sink_;
    boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, loop_executor> timer_;
    std::shared_ptr<bool> token_; // outlives the engine, for pending handlers
    std::function<void()> stopped_;
    turn_owner owner_;
    std::vector<typename Loop::socket> adopted_;
    time_point due_ = time_point::max(); // when to call the sink again
    time_point armed_ = time_point::max();
};

} // namespace sigfire::inline v0_1::detail
