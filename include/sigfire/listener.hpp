// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/pending_admissions.hpp>
#include <sigfire/core/admission.hpp>
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

namespace sigfire {

/// The HttpHandler that answers nothing.
struct no_http {
    bool operator()(const request&, response&) const noexcept { return false; }
};

/// Settings of a listener.
struct listener_options {
    /// How long awaitable hooks may take to let a connection in. Later it is refused: 503, or close code
    /// 4003.
    std::chrono::milliseconds admission_timeout{10'000};
};

namespace detail {

// Where a codec's events go. Its type knows no transport: listeners of several share a codec's code.
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

/** A transport and a codec in front of a hub: lets connections in, and turns messages into events.
 *
 *  It is the transport's sink. Plain HTTP requests go to the codec, if it answers any, and then to `Http`;
 *  `/healthz` is answered here, 200 as long as connections are accepted. The hub and the io_context outlive
 * it; it is used on the thread that runs the io_context. `T` models Transport, `C` Codec, `Http` HttpHandler;
 * `Hub` is a `hub`.
 *
 *  Several listeners share a hub with channels of type `any_channel`. */
template <class T, class C, class Hub, class Http = no_http>
class listener {
    static_assert(Transport<T>, "sigfire: Transport requirements not met");
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(HttpHandlerOf<Http, Hub> || HttpHandler<Http>, "sigfire: HttpHandler requirements not met");

    static constexpr bool awaits = Hub::hooks_type::can_defer;
    using awaited = typename Hub::hooks_type::deferred_type;
    static_assert(!awaits || detail::can_be_awaited<awaited>,
                  "sigfire: hooks with on_admit_deferred need #include "
                  "<sigfire/admission/coroutine_hooks.hpp>");

public:
    using connection = typename T::template connection<connection_state<C>>;
    static constexpr bool checks_utf8 = C::checks_utf8;

    /// Binds nothing yet: see `open`.
    listener(T transport, C codec, Hub& to, Http http = {}, const listener_options& options = {})
        : codec_(std::move(codec)), hub_(to), http_(std::move(http)), options_(options), waiting_(transport),
          engine_(transport, *this) {
        hub_.on_late([io = &transport.context(), self = self_](auto f) {
            boost::asio::post(*io, [self, f = std::move(f)] { f(*self ? (*self)->now() : time_point{}); });
        });
    }

    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener() { *self_ = nullptr; }

    /// Binds and accepts; `ec` tells why not.
    void open(error_code& ec) { engine_.open(ec); }

    /// The time by which the hub is ticked, at this moment.
    time_point now() const {
        if constexpr (requires { engine_.now(); })
            return engine_.now();
        else
            return now_;
    }

    /// The address it is bound to, as a URL without path; while it is not bound, the address asked for.
    std::string address() const { return engine_.address(); }

    /// Accepts no more, refuses connections that wait, cuts those left after `drain`, then calls `f()`. Peers
    /// are closed by the hub.
    void stop(std::chrono::milliseconds drain, std::function<void()> f) {
        if constexpr (awaits)
            while (waiting_.front() != nullptr) {
                auto& c = *waiting_.front()->connection;
                const auto w = waiting_.remove(c);
                turn_down(c, w->asked.view(), w->wish, codec_.end(errc::stopping, c.state().codec),
                          errc::stopping);
            }
        engine_.stop(drain, std::move(f));
    }

    /// @name Called by the transport (Sink)
    /// @{
    void opening(connection& c, const request& r) {
        admission wish;
        wish.remote = r.remote;
        std::size_t first = 0;
        errc cause = codec_.open(r, c.state().codec, wish);
        if (cause == errc::ok) cause = hub_.admit(r, wish, first);
        if constexpr (awaits)
            if (cause == errc::deferred) {
                waiting_.add(c, r, std::move(wish), now_ + options_.admission_timeout,
                             [this, first](const request& asked, admission& a) {
                                 return hub_.await_admission(asked, a, first);
                             });
                return;
            }
        decide(c, r, wish, cause);
    }

    void received(connection& c, message m) {
        auto& [who, state] = c.state();
        const errc e = codec_.decode(m, state, detail::to_hub<Hub>{hub_, who});
        if (e != errc::ok) hub_.close(who, e);
    }

    void alive(connection& c) { hub_.alive(c.state().who); }

    void closed(connection& c, errc why) {
        if constexpr (awaits)
            if (waiting_.remove(c) != nullptr) return;
        hub_.closed(c.state().who, why);
    }

    bool http(const request& r, response& out) {
        std::string what = "unknown exception";
        try {
            return answer(r, out);
        } catch (const std::exception& e) {
            what = e.what();
        } catch (...) { // a handler of the host program costs its own request, and nothing else
        }
        hub_.failed(what);
        out = {};
        out.status = 500;
        out.body = to_string(errc::internal_error);
        return true;
    }

    time_point tick(time_point now) {
        now_ = now;
        auto due = hub_.tick(now);
        if constexpr (awaits) {
            if (decide_waiting()) due = hub_.tick(now);
            if (waiting_.front() != nullptr) due = std::min(due, waiting_.front()->deadline);
        }
        return due;
    }

    void failed(connection*, std::string_view what) { hub_.failed(what); }
    void refused(std::string_view remote, errc cause) { hub_.refused(remote, cause); }
    /// @}

private:
    bool answer(const request& r, response& out) {
        if (r.path() == "/healthz" && (r.method == "GET" || r.method == "HEAD")) {
            out.body = "ok\n";
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

    // The hooks' answer about a connection.
    void decide(connection& c, const request& r, const admission& wish, errc cause) {
        if (cause != errc::ok) return refuse(c, r, wish, cause);
        auto& [who, state] = c.state();
        let_in(c, wish);
        const auto entered = hub_.opened(channel<connection, C>{c, codec_}, wish);
        if (entered) {
            who = *entered;
        } else {
            const auto why = static_cast<errc>(entered.error().value());
            part(c, r, codec_.end(why, state), why);
        }
    }

    void refuse(connection& c, const request& r, const admission& wish, errc cause) {
        ending how = codec_.end(cause, c.state().codec);
        if (wish.refused_as) how = *wish.refused_as;
        turn_down(c, r, wish, how, cause);
    }

    void turn_down(connection& c, const request& r, const admission& wish, const ending& how, errc cause) {
        hub_.refused(wish.remote, cause);
        if (how.http_status != 0 && r.hello.empty()) return c.refuse(how);
        let_in(c, wish);
        part(c, r, how, cause);
    }

    // The reply to a hello tells the cause: wires without HTTP have no status and no close code for it.
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

    // Not held from here on, unless the hub does so.
    void let_in(connection& c, const admission& wish) {
        c.accept(wish.subprotocol);
        if constexpr (awaits) c.release();
    }

    // Whether anybody's waiting came to an end.
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
                turn_down(c, w->asked.view(), w->wish, codec_.end(errc::internal_error, c.state().codec),
                          errc::internal_error);
            } else {
                decide(c, w->asked.view(), w->wish, w->cause);
            }
        }
        while (waiting_.front() != nullptr && waiting_.front()->deadline <= now_) {
            any = true;
            auto& c = *waiting_.front()->connection;
            constexpr auto late = errc::handshake_timeout;
            const auto w = waiting_.remove(c);
            turn_down(c, w->asked.view(), w->wish, {503, 4003, to_string(late)}, late);
        }
        return any;
    }

    C codec_;
    Hub& hub_;
    [[no_unique_address]] Http http_;
    listener_options options_;
    time_point now_{};
    std::shared_ptr<listener*> self_ = std::make_shared<listener*>(this); // null once it is gone
    [[no_unique_address]] std::conditional_t<awaits, detail::pending_admissions<T, connection, awaited>,
                                             detail::no_pending_admissions> waiting_;
    typename T::template engine<connection_state<C>, listener> engine_;
};

} // namespace sigfire
