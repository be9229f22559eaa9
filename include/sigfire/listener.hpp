// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>
#include <sigfire/outlet.hpp>
#include <sigfire/request.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace sigfire {

/// The HttpHandler that answers nothing.
struct no_http {
    bool operator()(const request&, response&) const noexcept { return false; }
};

/** A transport and a codec in front of a hub: lets connections in, and turns messages into envelopes.
 *
 *  It is the transport's sink. Plain HTTP requests go to `Http`; `/healthz` is answered here, 200 as long
 *  as connections are accepted. The hub and the io_context outlive it; it is used on the thread that runs the
 *  io_context. `T` models Transport, `C` Codec, `Http` HttpHandler; `Hub` is a `hub`.
 *
 *  Several listeners share a hub whose outlets are `any_outlet`. */
template <class T, class C, class Hub, class Http = no_http>
class listener {
    static_assert(Transport<T>, "sigfire: Transport requirements not met");
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(HttpHandler<Http>, "sigfire: HttpHandler requirements not met");

public:
    using connection = typename T::template connection<connection_state<C>>;
    static constexpr bool checks_utf8 = C::checks_utf8;

    /// Binds nothing yet: see `open`.
    listener(T transport, C codec, Hub& to, Http http = {})
        : codec_(std::move(codec)), hub_(to), http_(std::move(http)), engine_(transport, *this) {}

    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    /// Binds and accepts; `ec` tells why not.
    void open(error_code& ec) { engine_.open(ec); }

    /// What it is bound to, as a URL without path; what it was asked to bind to while it is not.
    std::string address() const { return engine_.address(); }

    /// Accepts no more, cuts what is left after `drain`, then calls `f()`. Peers are closed by the hub.
    void stop(std::chrono::milliseconds drain, std::function<void()> f) { engine_.stop(drain, std::move(f)); }

    /// @name What the transport tells (Sink)
    /// @{
    void opening(connection& c, const request& r) {
        auto& [who, state] = c.state();
        admission wish;
        errc cause = codec_.open(r, state, wish);
        if (cause == errc::ok) cause = hub_.admit(r, wish);
        if (cause != errc::ok) {
            const ending how = wish.refusal ? *wish.refusal : codec_.end(cause, state);
            if (how.http_status != 0) return c.refuse(how);
            c.accept(wish.subprotocol);
            return c.close(how, cause);
        }
        c.accept(wish.subprotocol);
        const auto entered = hub_.opened(outlet<connection, C>{c, codec_}, wish);
        if (entered) {
            who = *entered;
        } else {
            const auto why = static_cast<errc>(entered.error().value());
            c.close(codec_.end(why, state), why);
        }
    }

    void received(connection& c, message m) {
        auto& [who, state] = c.state();
        const errc e = codec_.decode(m, state, [&](envelope& said) { hub_.received(who, said); });
        if (e != errc::ok) hub_.close(who, e);
    }

    void alive(connection& c) { hub_.alive(c.state().who); }

    void closed(connection& c, errc why) { hub_.closed(c.state().who, why); }

    bool http(const request& r, response& out) {
        if (r.path() == "/healthz" && (r.method == "GET" || r.method == "HEAD")) {
            out.body = "ok\n";
            return true;
        }
        return http_(r, out);
    }

    time_point tick(time_point now) { return hub_.tick(now); }
    /// @}

private:
    C codec_;
    Hub& hub_;
    [[no_unique_address]] Http http_;
    typename T::template engine<connection_state<C>, listener> engine_;
};

} // namespace sigfire
