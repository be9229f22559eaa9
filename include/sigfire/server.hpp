// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/json.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/hub_options.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/listener.hpp>

#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire {

namespace detail {

template <class P>
struct is_codec : std::bool_constant<Codec<P>> {};
template <class P>
struct is_registry : std::bool_constant<Registry<P>> {};
template <class P>
struct is_router : std::bool_constant<Router<P>> {};
template <class P>
struct is_log : std::bool_constant<Log<P>> {};
template <class P>
struct is_http_handler : std::bool_constant<HttpHandler<P>> {};
template <class P>
struct is_hub_options : std::is_same<P, hub_options> {};
// A router that is a feature too is a router: the hub knows.
template <class P>
struct is_feature : std::bool_constant<Feature<P> && !Router<P>> {};
template <class P>
struct is_policy : std::bool_constant<Policy<P>> {};
template <class P>
struct is_listener_options : std::is_same<P, listener_options> {};

template <class P>
constexpr int roles = is_codec<P>::value + is_registry<P>::value + is_router<P>::value + is_log<P>::value +
                      is_http_handler<P>::value + is_hooks<P>::value + is_hub_options<P>::value +
                      is_listener_options<P>::value + is_feature<P>::value + is_policy<P>::value;

// A part that is nothing else may be an HttpHandler of the hub.
template <class P, class Hub>
concept OnlyHttpHandlerOf = (roles<P> == 0) && HttpHandlerOf<P, Hub>;

// How many of the parts play a role.
template <template <class> class Is, class... Parts>
constexpr int players = (0 + ... + static_cast<int>(Is<Parts>::value));

// The part that plays a role, or the default.
template <template <class> class Is, class Default, class... Parts>
struct player {
    using type = Default;
};
template <template <class> class Is, class Default, class P, class... Parts>
struct player<Is, Default, P, Parts...> {
    using type =
        typename std::conditional_t<Is<P>::value, std::type_identity<P>, player<Is, Default, Parts...>>::type;
};

// The features among the parts, in their order.
template <class Found, class... Parts>
struct pick_features {
    using type = Found;
};
template <class... Found, class P, class... Parts>
struct pick_features<features<Found...>, P, Parts...> {
    using type = typename pick_features<
        std::conditional_t<is_feature<P>::value, features<Found..., P>, features<Found...>>, Parts...>::type;
};

template <class Part, class... Parts>
Part take(std::tuple<Parts...>& parts) {
    if constexpr ((std::is_same_v<Part, Parts> || ...))
        return std::move(std::get<Part>(parts));
    else
        return Part{};
}

template <class... Fs, class... Parts>
features<Fs...> take_features(std::type_identity<features<Fs...>>, std::tuple<Parts...>& parts) {
    return features<Fs...>{take<Fs>(parts)...};
}

} // namespace detail

/** A whole signaling server: `sigfire::server srv{sigfire::websocket{io, {.port = 3003}}};` and `io.run()`.
 *
 *  The first argument is the transport. Behind it, in any order and any subset: a Codec (default
 *  `codec::json`), a Registry (`local_registry`), a Router (`direct_router`), a Log (none), an HttpHandler
 *  (none), `hooks{...}`, `hub_options`, `listener_options`, and any number of features (`topics`, `presence`,
 *  `requests`, `sessions`, `records`, `resume`, your own), a Policy (`private_rooms`). Each is recognised by
 * its concept and moved in.
 *
 *  The io_context outlives the server and is run by one thread; a second one is refused by `std::logic_error`
 *  out of `run`. Only `post` may be called from other threads, and only while the server lives. For more
 *  cores use more servers, each with an io_context of its own, on one port (`reuse_port`). */
template <class T, class... Parts>
class server {
    static_assert(Transport<T>,
                  "sigfire: Transport requirements not met: the first part of a server must be a "
                  "transport");

    template <template <class> class Is, class Default>
    using part = typename detail::player<Is, Default, Parts...>::type;

    using codec_type = part<detail::is_codec, codec::json>;
    using log_type = part<detail::is_log, no_log>;
    using hooks_type = part<detail::is_hooks, no_hooks>;
    using policy_type = part<detail::is_policy, permit_all>;
    using features_type = typename detail::pick_features<features<>, Parts...>::type;
    using connection = typename T::template connection<connection_state<codec_type>>;

public:
    /// The hub behind this server, as `post` and an HttpHandler are handed it.
    using hub_type = hub<part<detail::is_registry, local_registry>, part<detail::is_router, direct_router>,
                         channel<connection, codec_type>, log_type, hooks_type, features_type, policy_type>;

private:
    // With or without the hub.
    template <class P>
    struct answers_http : std::bool_constant<HttpHandler<P> || detail::OnlyHttpHandlerOf<P, hub_type>> {};
    using http_type = part<answers_http, no_http>;

    static_assert(((detail::roles<Parts> != 0 || answers_http<Parts>::value) && ...),
                  "sigfire: a part of this server is not a Codec, Registry, Router, Log, HttpHandler, "
                  "hooks{...}, Feature, Policy, hub_options or listener_options");
    static_assert(((detail::roles<Parts> < 2) && ...),
                  "sigfire: a part of this server could play two roles: give its functions exact parameters");
    static_assert(detail::players<detail::is_codec, Parts...> < 2 &&
                      detail::players<detail::is_registry, Parts...> < 2 &&
                      detail::players<detail::is_router, Parts...> < 2 &&
                      detail::players<detail::is_log, Parts...> < 2 &&
                      detail::players<answers_http, Parts...> < 2 &&
                      detail::players<detail::is_hooks, Parts...> < 2 &&
                      detail::players<detail::is_policy, Parts...> < 2 &&
                      detail::players<detail::is_hub_options, Parts...> < 2 &&
                      detail::players<detail::is_listener_options, Parts...> < 2,
                  "sigfire: two parts of this server play the same role");

public:
    /** Binds and starts to accept; messages flow once the io_context runs.
     *  @throws boost::system::system_error naming the address, if it cannot be bound. */
    explicit server(T transport, Parts... parts)
        requires(!std::same_as<T, error_code>)
        : server(std::move(transport), std::tuple<Parts...>{std::move(parts)...}) {
        error_code ec;
        listener_.open(ec);
        if (ec) throw boost::system::system_error{ec, "sigfire: cannot listen on " + listener_.address()};
    }

    /// The same, but tells by `ec` why it could not be bound; it then serves nobody.
    server(error_code& ec, T transport, Parts... parts)
        : server(std::move(transport), std::tuple<Parts...>{std::move(parts)...}) {
        ec.clear();
        listener_.open(ec);
    }

    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() { *token_ = false; }

    /// The address it is bound to: `ws://127.0.0.1:3003`, `tcp://[::1]:9000`, `unix:/run/signal`.
    std::string address() const { return listener_.address(); }

    /** Calls `f(hub)` on the thread that runs the io_context, soon. The way for a host program to `send`,
     *  `close`, `find`, count. Thread-safe; `f` is dropped if the server is gone by then. */
    template <class F>
    void post(F f) {
        boost::asio::post(io_, [this, token = token_, f = std::move(f)]() mutable {
            if (!*token) return;
            hub_.set_time(listener_.now());
            f(hub_);
        });
    }

    /** Stops gracefully: accepts no more, tells every peer (close code 1001), sends all that is pending, cuts
     *  the peers left after `drain` (milliseconds), then calls `done()` and leaves the io_context without
     *  work. A second call cuts at once, and its `done` takes the place of the first one's. On the thread of
     *  the io_context only. */
    void stop(std::chrono::milliseconds drain = std::chrono::seconds{5}, std::function<void()> done = {}) {
        hub_.stop(errc::stopping);
        listener_.stop(drain, std::move(done));
    }

private:
    server(T transport, std::tuple<Parts...> parts)
        : io_{transport.context()}, hub_{detail::take<hub_options>(parts),
                                         detail::take<part<detail::is_registry, local_registry>>(parts),
                                         detail::take<part<detail::is_router, direct_router>>(parts),
                                         detail::take<log_type>(parts),
                                         detail::take<hooks_type>(parts),
                                         detail::take_features(std::type_identity<features_type>{}, parts),
                                         detail::take<policy_type>(parts)},
          listener_{std::move(transport), detail::take<codec_type>(parts), hub_,
                    detail::take<http_type>(parts), detail::take<listener_options>(parts)} {}

    boost::asio::io_context& io_;
    std::shared_ptr<bool> token_ = std::make_shared<bool>(true); // tells posted calls that outlive the server
    hub_type hub_;
    listener<T, codec_type, hub_type, http_type> listener_;
};

template <class T, class... Parts>
server(T, Parts...) -> server<T, Parts...>;
template <class T, class... Parts>
server(error_code&, T, Parts...) -> server<T, Parts...>;

} // namespace sigfire
