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
#include <sigfire/hub/part_check.hpp>
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
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

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
// A router that is also a feature counts as a router: the hub handles both roles.
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

// Only a part without another role may be an HttpHandler that takes the hub.
template <class P, class Hub>
concept OnlyHttpHandlerOf = (roles<P> == 0) && HttpHandlerOf<P, Hub>;

// Number of parts with a role.
template <template <class> class Is, class... Parts>
constexpr int players = (0 + ... + static_cast<int>(Is<Parts>::value));

// The part with a role, or the default.
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

/** A complete signaling server: `sigfire::server srv{sigfire::websocket{io, {.port = 3003}}};`, then
 *  `io.run()`.
 *
 *  The first argument is the transport. Any of these parts follow, in any order:
 *  - a Codec; default `codec::json`
 *  - a Registry; default `local_registry`
 *  - a Router; default `direct_router`
 *  - a Log; default none
 *  - an HttpHandler; default none
 *  - `hooks{...}`; default none
 *  - a Policy, such as `private_rooms`; default `permit_all`
 *  - `hub_options` and `listener_options`
 *  - any number of features: `topics`, `presence`, `requests`, `sessions`, `records`, `resume`, or your own
 *
 *  The server recognises each part by its concept and moves it in.
 *
 *  The io_context must outlive the server, and one thread runs it. If a second thread runs it too, `run`
 *  throws `std::logic_error`. Other threads may call only `post`, and only while the server lives. To use
 *  more cores, start more servers, each with its own io_context. Peers of different servers do not reach each
 *  other, also not on one port (`reuse_port`).
 *  @tparam T models Transport
 *  @tparam Parts the other parts */
template <class T, class... Parts>
class server {
    static_assert(Transport<T>,
                  "sigfire: Transport requirements not met: the first part of a server must be a "
                  "transport");

    template <class P>
    static constexpr int times = (0 + ... + static_cast<int>(std::is_same_v<P, Parts>));
    static_assert(((times<Parts> == 1) && ...), "sigfire: a part of this server is given twice");

    template <template <class> class Is, class Default>
    using part = typename detail::player<Is, Default, Parts...>::type;

    using codec_type = part<detail::is_codec, codec::json>;
    using log_type = part<detail::is_log, no_log>;
    using hooks_type = part<detail::is_hooks, no_hooks>;
    using policy_type = part<detail::is_policy, permit_all>;
    using features_type = typename detail::pick_features<features<>, Parts...>::type;
    using connection = typename T::template connection<connection_state<codec_type>>;

public:
    /// The type of the hub of this server, for functions that `post` calls and for HttpHandlers.
    using hub_type = hub<part<detail::is_registry, local_registry>, part<detail::is_router, direct_router>,
                         channel<connection, codec_type>, log_type, hooks_type, features_type, policy_type>;

private:
    // An HttpHandler, with or without the hub as a parameter.
    template <class P>
    struct answers_http : std::bool_constant<HttpHandler<P> || detail::OnlyHttpHandlerOf<P, hub_type>> {};
    using http_type = part<answers_http, no_http>;

    template <class P>
    static constexpr bool recognised = [] {
        if constexpr (detail::roles<P> != 0 || answers_http<P>::value)
            return true;
        else
            return detail::part_check<P, hub_type>::value;
    }();

    static_assert((recognised<Parts> && ...),
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
    /// Binds the address and accepts connections. Messages flow as soon as the io_context runs.
    /// @throws boost::system::system_error with the address, if the server cannot bind it.
    explicit server(T transport, Parts... parts)
        requires(!std::same_as<T, error_code>)
        : server(std::move(transport), std::tuple<Parts...>{std::move(parts)...}) {
        error_code ec;
        running_->front.open(ec);
        if (ec) throw boost::system::system_error{ec, "sigfire: cannot listen on " + address()};
    }

    /// Binds the address and accepts connections; on failure, sets `ec` instead of throwing and accepts no
    /// connections.
    server(error_code& ec, T transport, Parts... parts)
        : server(std::move(transport), std::tuple<Parts...>{std::move(parts)...}) {
        ec.clear();
        running_->front.open(ec);
    }

    server(server&&) noexcept = default; ///< Afterwards, the source can only be destroyed or assigned to.
    server& operator=(server&&) noexcept = default; ///< Cuts the connections of this server first.
    /// Cuts all connections, and calls `on_close` of hooks and features for each peer. Call `stop` first to
    /// end the connections gracefully. Pending calls of `post` do not run.
    ~server() = default;

    /// The bound address as a URL without path: `ws://127.0.0.1:3003`, `tcp://[::1]:9000`,
    /// `unix:/run/signal`.
    std::string address() const { return running_->front.address(); }

    /// Calls `f(hub)` soon, on the thread that runs the io_context. The host program uses it to send, close,
    /// find and count peers. Thread-safe. If the server is gone by then, `f` does not run.
    template <class F>
    void post(F f) {
        boost::asio::post(running_->io, [weak = std::weak_ptr{running_}, f = std::move(f)]() mutable {
            const auto running = weak.lock();
            if (!running) return;
            running->core.set_time(running->front.now());
            f(running->core);
        });
    }

    /// Does not compile. Send from a function that `post` runs.
    template <class... Args>
    void send(const Args&...) {
        static_assert(sizeof...(Args) > 99,
                      "sigfire: send through the hub: srv.post([](auto& hub) { hub.send(...); })");
    }
    /// Does not compile. Close peers from a function that `post` runs.
    template <class... Args>
    void close(const Args&...) {
        static_assert(sizeof...(Args) > 99,
                      "sigfire: close peers through the hub: srv.post([](auto& hub) { hub.close(...); })");
    }

    /** Writes the metrics of the server: those of its transport and features, and of its hook `metrics`.
     *  Include `observe/metrics.hpp`. On the thread that runs the io_context.
     *  @param out where to write: a `prometheus_text`
     *  @param counted a copy of the hook */
    template <class Text, class Counted>
    void report(Text& out, const Counted& counted) const {
        write_metrics(out, running_->core, counted);
        if constexpr (requires { running_->front.counters(); })
            write_metrics(out, running_->front.counters(), address());
    }

    /** Stops the server gracefully. It accepts no more connections, disconnects every peer (close code 1001)
     *  and sends all pending output. After the last connection it calls `done()` and leaves no work to the
     *  io_context.
     *
     *  A second call cuts all connections at once, and its `done` replaces that of the first call.
     * Thread-safe for the transports of sigfire: while another thread runs the io_context, the server stops
     * there, soon.
     *  @param drain milliseconds until the server cuts the remaining connections
     *  @param done called after the last connection has ended; may be empty */
    void stop(std::chrono::milliseconds drain = std::chrono::seconds{5}, std::function<void()> done = {}) {
        if (!running_->front.is_elsewhere()) return running_->stop(drain, std::move(done));
        boost::asio::post(running_->io,
                          [weak = std::weak_ptr{running_}, drain, done = std::move(done)]() mutable {
                              if (const auto running = weak.lock()) running->stop(drain, std::move(done));
                          });
    }

private:
    // On the heap, because the listener refers to the hub, and a server can be moved.
    struct assembly {
        assembly(T transport, std::tuple<Parts...>& parts)
            : io{transport.context()}, core{detail::take<hub_options>(parts),
                                            detail::take<part<detail::is_registry, local_registry>>(parts),
                                            detail::take<part<detail::is_router, direct_router>>(parts),
                                            detail::take<log_type>(parts),
                                            detail::take<hooks_type>(parts),
                                            detail::take_features(std::type_identity<features_type>{}, parts),
                                            detail::take<policy_type>(parts)},
              front{std::move(transport), detail::take<codec_type>(parts), core,
                    detail::take<http_type>(parts), detail::take<listener_options>(parts)} {}
        assembly(const assembly&) = delete;
        assembly& operator=(const assembly&) = delete;
        ~assembly() {
            try {
                core.stop(errc::stopping);
            } catch (...) { // without memory, hooks do not learn of the rest
            }
        }

        void stop(std::chrono::milliseconds drain, std::function<void()> done) {
            core.stop(errc::stopping);
            front.stop(drain, std::move(done));
        }

        boost::asio::io_context& io;
        hub_type core;
        listener<T, codec_type, hub_type, http_type> front;
    };

    server(T transport, std::tuple<Parts...> parts)
        : running_{std::make_shared<assembly>(std::move(transport), parts)} {}

    std::shared_ptr<assembly> running_; // posted calls hold it while they run
};

/// The types of the parts are those of the arguments.
template <class T, class... Parts>
server(T, Parts...) -> server<T, Parts...>;
/// The types of the parts are those of the arguments.
template <class T, class... Parts>
server(error_code&, T, Parts...) -> server<T, Parts...>;

} // namespace sigfire::inline v0_1
