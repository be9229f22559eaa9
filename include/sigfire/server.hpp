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

template <class P>
concept looks_like_a_hook =
    names_on_admit<P> || names_on_admit_deferred<P> || names_on_open<P> || names_on_message<P> ||
    names_on_deliver<P> || names_on_close<P> || names_on_outcome<P>;

// Converts to every type: an argument for functions with unknown parameters.
struct anything {
    template <class T>
    operator T() const;
};

template <class P>
concept looks_like_a_log = requires(P& p, log_level l, anything a) { p(l, a, a); } ||
                           requires(P& p, log_level l, anything a) { p(l, a); } ||
                           requires(P& p, std::string_view text) { p(text); };

template <class P, class Hub>
concept looks_like_a_handler =
    requires(P& p, request& r) { p(r); } || requires(P& p, request& r, response& out) { p(r, out); } ||
    requires(P& p, request& r, response& out, Hub& hub) { p(r, out, hub); };

template <class P, class Hub>
concept answers_with_void = requires(P& p, const request& r, response& out) {
    { p(r, out) } -> std::same_as<void>;
} || requires(P& p, const request& r, response& out, Hub& hub) {
    { p(r, out, hub) } -> std::same_as<void>;
};

template <class P>
constexpr bool is_named_options() {
    return std::string_view{__PRETTY_FUNCTION__}.ends_with("_options]");
}

/** Reports errors for a part `P` of a server that models no concept. Each error names one missing member. The
 *  compiler names `P` beside it. One telltale member decides which concept `P` should model. */
template <class P, class Hub>
struct part_check {
    static constexpr bool value = false; // the server reports its own error too

    static_assert(!Transport<P>, "sigfire: a server has one transport, its first part. For more transports, "
                                 "use one listener for each");
    static_assert(!looks_like_a_hook<P>,
                  "sigfire: put the hooks of a server into one chain: hooks{your_hook{}}");
    static_assert(!names_permit<P> || Policy<P>, "sigfire: permit of this Policy has the wrong signature: "
                                                 "expected errc permit(const act&, const auto& here)");
    static_assert(
        !names_route<P> || Router<P>,
        "sigfire: route of this Router has the wrong signature: expected errc route(const auto& registry, "
        "peer_handle from, const event::send&, auto to)");
    static_assert(!answers_with_void<P, Hub>,
                  "sigfire: this HttpHandler returns void: expected bool operator()(const request&, "
                  "response&), true for an answer");
    static_assert(!looks_like_a_handler<P, Hub> || answers_with_void<P, Hub>,
                  "sigfire: this HttpHandler has the wrong signature: expected bool operator()(const "
                  "request&, response&), or with the hub of the server as the third parameter");
    static_assert(!looks_like_a_log<P>,
                  "sigfire: this Log has the wrong signature: expected void operator()(log_level, "
                  "std::string_view event, std::span<const log_field> fields)");
    static_assert(
        !is_named_options<P>(),
        "sigfire: options are no part of a server: give them to the part that they belong to, as in "
        "topics{topics_options{}}");

    static constexpr bool registry = names_insert<P>;
    static_assert(
        !registry || requires(P& p, std::string_view id, peer_handle h) {
            { p.insert(id, h) } -> std::same_as<bool>;
        }, "sigfire: this Registry lacks bool insert(std::string_view id, peer_handle)");
    static_assert(
        !registry || requires(P& p, std::string_view id) {
            { p.erase(id) } -> std::same_as<bool>;
        }, "sigfire: this Registry lacks bool erase(std::string_view id)");
    static_assert(
        !registry || requires(const P& p, std::string_view id) {
            { p.find(id) } -> std::same_as<peer_handle>;
        }, "sigfire: this Registry lacks peer_handle find(std::string_view id) const");
    static_assert(
        !registry || requires(const P& p) {
            { p.size() } -> std::same_as<std::size_t>;
        }, "sigfire: this Registry lacks std::size_t size() const");
    static_assert(
        !registry || requires(const P& p, archetype::visit f) { p.for_each_peer(f); },
        "sigfire: this Registry lacks void for_each_peer(auto f) const");

    static constexpr bool codec = names_decode<P>;
    static constexpr bool codec_with_state = [] {
        if constexpr (requires { typename P::state; })
            return codec && std::default_initializable<typename P::state>;
        return false;
    }();
    static_assert(!codec || codec_with_state,
                  "sigfire: this Codec lacks struct state with a default constructor");
    static_assert(
        !codec_with_state || requires {
            { P::checks_utf8 } -> std::convertible_to<bool>;
        }, "sigfire: this Codec lacks static constexpr bool checks_utf8");
    static_assert(
        !codec_with_state || requires(P& p, const request& r, typename P::state& s, admission& a) {
            { p.open(r, s, a) } -> std::same_as<errc>;
        }, "sigfire: this Codec lacks errc open(const request&, state&, admission&)");
    static_assert(
        !codec_with_state || requires(P& p, message m, typename P::state& s, archetype::handler h) {
            { p.decode(m, s, h) } -> std::same_as<errc>;
        }, "sigfire: this Codec lacks errc decode(message, state&, auto&& handler)");
    static_assert(
        !codec_with_state || requires(const P& p, const typename P::state& s) {
            { p.share_key(s) } -> std::same_as<int>;
        }, "sigfire: this Codec lacks int share_key(const state&) const");
    static_assert(
        !codec_with_state || requires(const P& p, errc why, const typename P::state& s) {
            { p.end(why, s) } -> std::same_as<ending>;
        }, "sigfire: this Codec lacks ending end(errc, const state&) const");
    static_assert(
        !codec_with_state ||
            (has_word<P, event::welcome> && has_word<P, event::reply> && has_word<P, event::send>),
        "sigfire: this Codec lacks bound, encode or type for event::welcome, event::reply or event::send");
};

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
