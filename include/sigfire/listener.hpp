// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/pending_admissions.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/asio/address_block_of.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/hub/channel.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// The HttpHandler that answers nothing: the client gets 404, or 426 where the server expects a WebSocket
/// upgrade.
struct no_http {
    /// Returns false: there is no answer.
    bool operator()(const request&, response&) const noexcept { return false; }
};

/// Settings of a listener.
struct listener_options {
    /// Time for awaitable hooks to admit a connection, in milliseconds. After that time the listener refuses
    /// the connection with status 503 or close code 4003.
    std::chrono::milliseconds admission_timeout{10'000};
    /// Connections that wait for awaitable hooks at a time; of one address at most a quarter. The listener
    /// refuses a further one with status 503 or close code 1013.
    std::size_t pending_admissions = 1000;
};

namespace detail {

// Passes the events of a codec to the hub. Its type does not depend on the transport, so listeners share the
// code of a codec.
template <class Hub>
struct to_hub {
    Hub& hub;
    attachment& from;

    template <class Event>
    void operator()(Event& said) const {
        hub.received(from, said);
    }
};

} // namespace detail

/** A transport and a codec in front of a hub: admits connections and turns messages into events. Models Sink.
 *
 *  A plain HTTP request goes to the codec, if the codec has HTTP routes, and then to `Http`. The listener
 *  itself answers `/healthz` with status 200 as long as it accepts connections. It answers `/readyz` with 200
 *  while `hub::is_ready`, else with 503.
 *
 *  Hub and io_context must outlive the listener. One thread: the thread that runs the io_context. Several
 *  listeners can share a hub with channels of type `any_channel`.
 *  @tparam T models Transport
 *  @tparam C models Codec
 *  @tparam Hub a `hub`
 *  @tparam Http models HttpHandler */
template <class T, class C, class Hub, class Http = no_http>
class listener {
    static_assert(Transport<T>, "sigfire: Transport requirements not met");
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(HttpHandlerOf<Http, Hub> || HttpHandler<Http>, "sigfire: HttpHandler requirements not met");

    static constexpr bool awaits = Hub::hooks_type::can_defer;
    using awaited = typename Hub::hooks_type::deferred_type;
    using engine_type = typename T::template engine<connection_state<C>, listener>;
    static_assert(!awaits || detail::can_be_awaited<awaited>,
                  "sigfire: hooks with on_admit_deferred need #include "
                  "<sigfire/admission/coroutine_hooks.hpp>");

public:
    /// The connection type of the transport.
    using connection = typename T::template connection<connection_state<C>>;
    /// Whether the codec checks UTF-8 itself, see Codec.
    static constexpr bool checks_utf8 = C::checks_utf8;

    /** Creates a listener that does not listen yet: see `open`.
     *  @param transport the transport
     *  @param codec the codec
     *  @param to the hub, which must outlive the listener
     *  @param http the handler of plain HTTP requests
     *  @param options the settings */
    listener(T transport, C codec, Hub& to, Http http = {}, const listener_options& options = {})
        : codec_(std::move(codec)), hub_(to), http_(std::move(http)), options_(options),
          waiting_(transport, options.pending_admissions), engine_(transport, *this) {
        hub_.set_scheduler([io = &transport.context(), self = self_](auto f) {
            boost::asio::post(*io, [self, f = std::move(f)] { f(*self ? (*self)->now() : time_point{}); });
        });
    }

    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    /// Closes the sockets of the transport.
    ~listener() { *self_ = nullptr; }

    /// Binds the address and accepts connections. On failure, `ec` is the error.
    void open(error_code& ec) { engine_.open(ec); }

    /// The current time on the clock of the hub.
    time_point now() const {
        if constexpr (requires { engine_.now(); })
            return engine_.now();
        else
            return now_;
    }

    /// The bound address as a URL without path. Before `open`, the requested address.
    std::string address() const { return engine_.address(); }

    /// The counters of the transport: `stream_counters` of stream transports.
    auto counters() const
        requires requires(const engine_type& e) { e.counters(); }
    {
        return engine_.counters();
    }

    /// Whether another thread runs the loop of the transport, as far as the transport knows. Thread-safe.
    bool is_elsewhere() const noexcept {
        if constexpr (requires { engine_.is_elsewhere(); })
            return engine_.is_elsewhere();
        else
            return false;
    }

    /** Stops accepting connections and refuses those that wait for a hook. The hub disconnects the peers:
     *  call `hub::stop` first.
     *  @param drain milliseconds until the listener cuts the remaining connections; a second call cuts at
     *    once
     *  @param f called after the last connection has ended */
    void stop(std::chrono::milliseconds drain, std::function<void()> f) {
        if constexpr (awaits)
            while (waiting_.front() != nullptr) {
                auto& c = *waiting_.front()->connection;
                const auto w = waiting_.remove(c);
                turn_down(c, w->asked.view(), w->entry, codec_.end(errc::stopping, c.state().codec),
                          errc::stopping);
            }
        engine_.stop(drain, std::move(f));
    }

    /// @name Called by the transport (Sink)
    /// @{

    /// A connection asks for admission.
    void opening(connection& c, const request& r) {
        admission entry;
        entry.remote = r.remote;
        entry.address = address_block_of(r.remote);
        std::size_t first = 0;
        errc cause = codec_.open(r, c.state().codec, entry);
        if (cause == errc::ok) cause = hub_.admit(r, entry, first);
        if constexpr (awaits)
            if (cause == errc::deferred) {
                constexpr auto full = errc::overloaded;
                if (!waiting_.has_room(entry.address))
                    return turn_down(c, r, entry, {503, 1013, to_string(full), {}, std::chrono::seconds{1}},
                                     full);
                waiting_.add(c, r, std::move(entry), now_ + options_.admission_timeout,
                             [this, first](const request& asked, admission& a) {
                                 return hub_.await_admission(asked, a, first);
                             });
                return;
            }
        decide(c, r, entry, cause);
    }

    /// A message arrived.
    void received(connection& c, message m) {
        auto& [who, state] = c.state();
        const errc e = codec_.decode(m, state, detail::to_hub<Hub>{hub_, who});
        if (e != errc::ok) hub_.close(who, e);
    }

    /// A connection answered a ping.
    void alive(connection& c) { hub_.alive(c.state().who); }

    /// A connection is gone.
    void closed(connection& c, errc why) {
        if constexpr (awaits)
            if (waiting_.remove(c) != nullptr) return;
        hub_.closed(c.state().who, why);
    }

    /// A plain HTTP request arrived. Returns whether `out` is the answer. If a handler throws, the
    /// answer is 500.
    bool http(const request& r, response& out) {
        std::string what = "unknown exception";
        try {
            return answer(r, out);
        } catch (const std::exception& e) {
            what = e.what();
        } catch (...) { // an exception of a handler fails only its own request
        }
        hub_.failed(what);
        out = {};
        out.status = 500;
        out.body = to_string(errc::internal_error);
        return true;
    }

    /// Sets the time. Returns the latest time of the next call.
    time_point tick(time_point now) {
        now_ = now;
        auto due = hub_.tick(now);
        if constexpr (awaits) {
            if (decide_waiting()) due = hub_.tick(now);
            if (waiting_.front() != nullptr) due = std::min(due, waiting_.front()->deadline);
        }
        return due;
    }

    /// A member of the listener threw.
    void failed(connection*, std::string_view what) { hub_.failed(what); }
    /// The transport refused a connection before `opening`.
    void refused(std::string_view remote, errc cause) { hub_.refused(remote, cause); }
    /// @}

private:
    bool answer(const request& r, response& out) {
        if (r.path() == "/healthz" && (r.method == "GET" || r.method == "HEAD")) {
            out.body = "ok\n";
            return true;
        }
        if (r.path() == "/readyz" && (r.method == "GET" || r.method == "HEAD")) {
            out.status = hub_.is_ready() ? 200 : 503;
            out.body = hub_.is_ready() ? "ready\n" : "not ready\n";
            return true;
        }
        if constexpr (requires(const typename Hub::directory& here) { codec_.http(r, out, here); }) {
            if (codec_.http(r, out, typename Hub::directory{hub_})) return true;
            response other;
            if (!ask_http(r, other)) return out.status != 200;
            out = std::move(other);
            return true;
        } else {
            return ask_http(r, out);
        }
    }

    bool ask_http(const request& r, response& out) {
        if constexpr (HttpHandlerOf<Http, Hub>)
            return http_(r, out, hub_);
        else
            return http_(r, out);
    }

    // Applies the answer of the hooks for a connection.
    void decide(connection& c, const request& r, const admission& entry, errc cause) {
        if (cause != errc::ok) return refuse(c, r, entry, cause);
        auto& [who, state] = c.state();
        let_in(c, entry);
        const auto entered = hub_.opened(channel<connection, C>{c, codec_}, entry);
        if (entered) {
            who = *entered;
        } else {
            const auto why = static_cast<errc>(entered.error().value());
            part(c, r, codec_.end(why, state), why);
        }
    }

    void refuse(connection& c, const request& r, const admission& entry, errc cause) {
        ending how = codec_.end(cause, c.state().codec);
        if (entry.refused_as) how = *entry.refused_as;
        if (cause == errc::stopping) how.retry_after = hub_.retry_after();
        turn_down(c, r, entry, how, cause);
    }

    void turn_down(connection& c, const request& r, const admission& entry, const ending& how, errc cause) {
        hub_.refused(entry.remote, cause);
        if (how.http_status != 0 && r.hello.empty()) return c.refuse(how);
        let_in(c, entry);
        part(c, r, how, cause);
    }

    // Sends the cause in a reply to `hello`: a wire without HTTP has no status and no close code for it.
    void part(connection& c, const request& r, const ending& how, errc cause) {
        if (!r.hello.empty()) {
            event::reply e;
            e.token = r.hello;
            e.cause = cause;
            e.text = how.text;
            channel<connection, C>{c, codec_}.deliver(e);
        }
        detail::say_goodbye(c, how, cause);
    }

    // Ends the hold of the connection; the hub may hold it again.
    void let_in(connection& c, const admission& entry) {
        c.accept(entry.subprotocol);
        if constexpr (awaits) c.release();
    }

    // Whether a connection was answered or timed out.
    bool decide_waiting()
        requires awaits
    {
        bool any = false;
        for (const auto& w : waiting_.take_answered()) {
            if (w->connection == nullptr) continue;
            any = true;
            auto& c = *w->connection;
            waiting_.remove(c);
            if (w->failure) {
                hub_.failed(*w->failure);
                turn_down(c, w->asked.view(), w->entry, codec_.end(errc::internal_error, c.state().codec),
                          errc::internal_error);
            } else {
                decide(c, w->asked.view(), w->entry, w->cause);
            }
        }
        while (waiting_.front() != nullptr && waiting_.front()->deadline <= now_) {
            any = true;
            auto& c = *waiting_.front()->connection;
            constexpr auto late = errc::handshake_timeout;
            const auto w = waiting_.remove(c);
            turn_down(c, w->asked.view(), w->entry, {503, 4003, to_string(late)}, late);
        }
        return any;
    }

    C codec_;
    Hub& hub_;
    [[no_unique_address]] Http http_;
    listener_options options_;
    time_point now_{};
    std::shared_ptr<listener*> self_ = std::make_shared<listener*>(this); // null after the destructor
    [[no_unique_address]] std::conditional_t<awaits, detail::pending_admissions<T, connection, awaited>,
                                             detail::no_pending_admissions> waiting_;
    engine_type engine_;
};

} // namespace sigfire::inline v0_1
