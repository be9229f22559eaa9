// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/concepts.hpp>

#include "compile_fail/models.hpp"

#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/net/loopback.hpp>

// For each named requirement the least model, which has nothing but the required members, and twins of it,
// each broken in one way in which users break it. The least models are instantiated by the parts that use
// them.

namespace sf = sigfire;

// --- Framing
// ---------------------------------------------------------------------------------------------------

struct framing {
    static constexpr std::size_t control_bound = 0;
    sf::framing_progress feed(std::span<char>, const sf::framing_limits&, auto&) { return {}; }
    static std::size_t header_bound(std::size_t) { return 0; }
    std::size_t seal(sf::message_type, char*, std::size_t, std::size_t) { return 0; }
    std::size_t write_control(sf::control, std::uint16_t, std::string_view, char*) { return 0; }
    std::size_t incomplete() const { return 0; }
    void reset_idle_count() {}
};
static_assert(sf::Framing<framing>);

// feed tells how far it came, not only whether it went well: the rest of the bytes would be lost.
struct framing_that_forgets_the_rest : framing {
    sf::errc feed(std::span<char>, const sf::framing_limits&, auto&) { return {}; }
};
static_assert(!sf::Framing<framing_that_forgets_the_rest>);

// It hands messages to any handler: the engine, the client and tests each have their own.
struct framing_of_own_handler : framing {
    struct only_this {};
    sf::framing_progress feed(std::span<char>, const sf::framing_limits&, only_this&) { return {}; }
};
static_assert(!sf::Framing<framing_of_own_handler>);

// The room for a header is known without an object, before there is a message.
struct framing_with_late_bound : framing {
    std::size_t header_bound(std::size_t) { return 0; }
};
static_assert(!sf::Framing<framing_with_late_bound>);

// Its entries must be countable, or nothing bounds it.
struct framing_without_count : framing {
    void incomplete() const {}
};
static_assert(!sf::Framing<framing_without_count>);

// --- Codec
// -----------------------------------------------------------------------------------------------------

static_assert(sf::Codec<models::codec>);

struct codec_without_state {
    static constexpr bool checks_utf8 = true;
};
static_assert(!sf::Codec<codec_without_state>);

// Events are emitted, none or more a message, not returned.
struct codec_that_returns : models::codec {
    sf::result<sf::event::send> decode(sf::message, state&) { return sf::event::send{}; }
};
static_assert(!sf::Codec<codec_that_returns>);

// Encoding for one peer must not change the codec that all share.
struct codec_that_changes : models::codec {
    std::size_t encode(const auto&, const state&, char*) { return 0; }
};
static_assert(!sf::Codec<codec_that_changes>);

// A wire has to greet, to reply and to pass messages on; any other word may be missing.
struct codec_without_say : models::codec {
    std::size_t bound(const sf::event::send&, const state&) const = delete;
    std::size_t bound(const sf::event::welcome&, const state&) const { return 0; }
    std::size_t bound(const sf::event::reply&, const state&) const { return 0; }
};
struct codec_without_reply : models::codec {
    std::size_t bound(const sf::event::send&, const state&) const { return 0; }
    std::size_t bound(const sf::event::welcome&, const state&) const { return 0; }
};
struct codec_with_more : models::codec {
    using models::codec::bound, models::codec::encode, models::codec::type;
    std::size_t bound(const sf::event::joined&, const state&) const { return 0; }
    std::size_t encode(const sf::event::joined&, const state&, char*) const { return 0; }
    sf::message_type type(const sf::event::joined&, const state&) const { return {}; }
};
static_assert(!sf::Codec<codec_without_say> && !sf::Codec<codec_without_reply>);
static_assert(sf::Codec<codec_with_more> && sf::detail::has_word<codec_with_more, sf::event::joined> &&
              !sf::detail::has_word<models::codec, sf::event::joined>);

// Events are decoded for any hub: each event goes to a template.
struct codec_of_own_emit : models::codec {
    struct only_this {};
    sf::errc decode(sf::message, state&, only_this) { return {}; }
};
static_assert(!sf::Codec<codec_of_own_emit>);

// Whether texts may be shared is asked about the state alone, before anything is encoded.
struct codec_that_shares_by_event : models::codec {
    int share_key(const sf::event::send&, const state&) const { return 0; }
};
static_assert(!sf::Codec<codec_that_shares_by_event>);

// It must say whether it checks UTF-8: else text is checked twice, or never.
struct codec_that_leaves_utf8_open {
    struct state {};
    sf::errc open(const sf::request&, state&, sf::admission&) { return {}; }
    sf::errc decode(sf::message, state&, auto) { return {}; }
    std::size_t bound(const auto&, const state&) const { return 0; }
    std::size_t encode(const auto&, const state&, char*) const { return 0; }
    sf::message_type type(const auto&, const state&) const { return {}; }
    int share_key(const state&) const { return -1; }
    sf::ending end(sf::errc, const state&) const { return {}; }
};
static_assert(!sf::Codec<codec_that_leaves_utf8_open>);

// Room is asked for before writing: a codec that cannot say how much is no codec of a corked output.
struct codec_without_bound : models::codec {
    void bound(const auto&, const state&) const {}
};
static_assert(!sf::Codec<codec_without_bound>);

// --- Connection and Channel
// ---------------------------------------------------------------------------------------

static_assert(sf::Connection<models::connection>);
static_assert(sf::Channel<models::channel>);

// A full output is an answer, not an exception: reserve yields null.
struct connection_of_buffers : models::connection {
    std::span<char> reserve(sf::message_type, std::size_t) { return {}; }
};
static_assert(!sf::Connection<connection_of_buffers>);

// Whether the wire can ping is said at once: the hub decides by it.
struct connection_with_silent_ping : models::connection {
    void ping() {}
};
static_assert(!sf::Connection<connection_with_silent_ping>);

// The sink's state lives with the connection, to be reached without a look-up.
struct connection_without_state : models::connection {
    sf::connection_state<models::codec>& state() = delete;
};
static_assert(!sf::Connection<connection_without_state>);

struct channel {
    sf::errc ready(const auto&, std::size_t&) const { return {}; }
    void deliver(const auto&) const {}
    void deliver(const auto&, std::size_t) const {}
    void deliver(const auto&, sf::fanout&) const {}
    bool has_room(const auto&) const { return true; }
    bool ping() const { return false; }
    void hold() const {}
    void release() const {}
    void close(sf::errc) const {}
};
static_assert(sf::Channel<channel>);

// The hub copies channels into its slots.
struct channel_for_one : channel {
    channel_for_one(const channel_for_one&) = delete;
};
static_assert(!sf::Channel<channel_for_one>);

// Why it cannot take more is a cause.
struct channel_of_few_words : channel {
    bool ready(const auto&, std::size_t&) const { return true; }
};
static_assert(!sf::Channel<channel_of_few_words>);

// A question from before a delivery is not asked again: the bound is handed over.
struct channel_that_asks_twice : channel {
    sf::errc ready(const auto&) const { return {}; }
};
static_assert(!sf::Channel<channel_that_asks_twice>);

// --- Registry and Router
// -------------------------------------------------------------------------------------------

static_assert(sf::Registry<models::registry>);
static_assert(sf::Router<models::router>);
template class sf::hub<models::registry, models::router, channel>;

// A taken id is an answer: insert says false.
struct registry_that_keeps_quiet : models::registry {
    void insert(std::string_view, sf::peer_handle) {}
};
static_assert(!sf::Registry<registry_that_keeps_quiet>);

// Looking up must not change anything: routers are given a constant registry.
struct registry_that_counts_looks : models::registry {
    sf::peer_handle find(std::string_view) { return {}; }
};
static_assert(!sf::Registry<registry_that_counts_looks>);

// Nobody is a handle too, so that finding costs no allocation and no exception.
struct registry_of_pointers : models::registry {
    sf::peer_handle* find(std::string_view) const { return nullptr; }
};
static_assert(!sf::Registry<registry_of_pointers>);

// A router that finds nobody says why.
struct router_without_verdict : models::router {
    void route(const auto&, sf::peer_handle, const sf::event::send&, auto) const {}
};
static_assert(!sf::Router<router_without_verdict>);

// The message is everybody's: a router must not change it.
struct router_that_rewrites : models::router {
    sf::errc route(const auto&, sf::peer_handle, sf::event::send&, auto) const { return {}; }
};
static_assert(!sf::Router<router_that_rewrites>);

// --- Policy
// --------------------------------------------------------------------------------------------------------

struct policy {
    sf::errc permit(const sf::act&, const auto&) { return {}; }
};
static_assert(sf::Policy<policy> && sf::Policy<sf::permit_all> && sf::Policy<sf::private_rooms>);
template class sf::hub<models::registry, models::router, channel, sf::no_log, sf::no_hooks, sf::features<>,
                       policy>;

// The peer is told why.
struct policy_of_few_words {
    bool permit(const sf::act&, const auto&) { return true; }
};
static_assert(!sf::Policy<policy_of_few_words>);

// It is handed what it may ask.
struct policy_of_nothing_to_ask {
    sf::errc permit(const sf::act&) { return {}; }
};
static_assert(!sf::Policy<policy_of_nothing_to_ask>);

// --- Log and HttpHandler
// -------------------------------------------------------------------------------------------

static_assert(sf::Log<sf::no_log>);
static_assert(sf::Log<void (*)(sf::log_level, std::string_view, std::span<const sf::log_field>)>);
// Events are told with level and fields.
static_assert(!sf::Log<void (*)(std::string_view)>);

static_assert(sf::HttpHandler<sf::no_http>);
// Whether it answered decides between its answer and 404.
static_assert(!sf::HttpHandler<void (*)(const sf::request&, sf::response&)>);

// --- Hook
// ----------------------------------------------------------------------------------------------------------

struct hook {
    sf::errc on_message(sf::message_context&, sf::event::send&) { return {}; }
};
static_assert(sf::Hook<hook>);
template class sf::hub<models::registry, models::router, channel, sf::no_log, sf::hooks<hook>>;

struct whole_hook : hook {
    sf::errc on_admit(const sf::request&, sf::admission&) { return {}; }
    void on_open(sf::peer_handle, const sf::admission&) {}
    bool on_deliver(sf::peer_handle, const sf::event::send&) { return true; }
    void on_outcome(const sf::outcome&) {}
    void on_close(sf::peer_handle, sf::errc) {}
};
static_assert(sf::Hook<whole_hook>);
template class sf::hub<models::registry, models::router, channel, sf::no_log, sf::hooks<whole_hook, hook>>;

// A hook with no say is a mistake: a name was misspelt.
struct hook_of_nothing {
    sf::errc on_mesage(sf::message_context&, sf::event::send&) { return {}; }
};
static_assert(!sf::Hook<hook_of_nothing>);
static_assert(!sf::Hook<int>);

// Right names with wrong shapes, next to a right one: they would never be called.
struct hook_that_admits_by_bool : hook {
    bool on_admit(const sf::request&, sf::admission&) { return true; }
};
// A callback that has to be awaited has a name of its own: whether a hook may defer is known without a
// connection.
template <class T>
struct awaitable {
    using value_type = T;
    using executor_type = int;
};
struct hook_that_awaits_in_on_admit : hook {
    awaitable<sf::errc> on_admit(const sf::request&, sf::admission&) { return {}; }
};
struct hook_that_awaits_a_bool : hook {
    awaitable<bool> on_admit_deferred(const sf::request&, sf::admission&) { return {}; }
};
struct hook_that_awaits : hook {
    awaitable<sf::errc> on_admit_deferred(const sf::request&, sf::admission&) { return {}; }
};
static_assert(!sf::Hook<hook_that_awaits_in_on_admit> && !sf::Hook<hook_that_awaits_a_bool> &&
              sf::Hook<hook_that_awaits>);
struct hook_that_judges_outcomes : hook {
    sf::errc on_outcome(const sf::outcome&) { return {}; }
};
// One of two is right, and the other would never be called.
struct hook_with_one_of_two_wrong : hook {
    using hook::on_message;
    bool on_message(sf::message_context&, sf::event::join&) { return true; }
};
static_assert(!sf::Hook<hook_that_judges_outcomes> && !sf::Hook<hook_with_one_of_two_wrong>);
struct hook_that_opens_nobody : hook {
    static void on_open() {}
};
struct hook_that_opens_later : hook { // its result would be dropped
    int on_open(sf::peer_handle, const sf::admission&) { return 0; }
};
struct hook_that_admits_a_constant : hook {
    int on_admit = 0;
};
struct hook_without_cause : hook {
    void on_message(sf::message_context&, sf::event::send&) {}
};
struct hook_of_overloads : hook {
    void on_close(sf::peer_handle) {}
    void on_close(sf::errc) {}
};
struct hook_of_templates : hook {
    template <class T>
    void on_close(T) {}
};
// A message to many is the same for all.
struct hook_that_changes_what_is_delivered : hook {
    bool on_deliver(sf::peer_handle, sf::event::send&) { return true; }
};
struct final_hook final : hook {
    void on_close(sf::errc) {}
};
class secret_hook : public hook {
    void on_close(sf::peer_handle, sf::errc) {}
};
static_assert(!sf::Hook<hook_that_admits_by_bool> && !sf::Hook<hook_that_opens_nobody> &&
              !sf::Hook<hook_that_opens_later> && !sf::Hook<hook_that_admits_a_constant> &&
              !sf::Hook<hook_without_cause> && !sf::Hook<hook_of_overloads> && !sf::Hook<hook_of_templates> &&
              !sf::Hook<hook_that_changes_what_is_delivered> && !sf::Hook<final_hook> &&
              !sf::Hook<secret_hook>);

// Overloads and templates are fine if one of them fits.
struct hook_with_a_choice {
    void on_close(sf::peer_handle, auto) {}
    void on_close(int) {}
};
static_assert(sf::Hook<hook_with_a_choice>);

// --- Transport and Sink
// ------------------------------------------------------------------------------------------

struct transport {
    boost::asio::io_context& context() const { return *io; }
    boost::asio::io_context* io = nullptr;
    template <class State>
    using connection = models::connection;
    template <class State, class Sink>
    struct engine {
        engine(const transport&, Sink&) {}
        void open(sf::error_code&) {}
        std::string address() const { return {}; }
        void stop(std::chrono::milliseconds, std::function<void()>) {}
    };
};
static_assert(sf::Transport<transport>);
template class sf::listener<transport, models::codec,
                            sf::hub<models::registry, models::router, models::channel>>;

// A transport describes where to listen: it can be copied; the engine owns the sockets.
struct transport_with_sockets : transport {
    transport_with_sockets(const transport_with_sockets&) = delete;
};
static_assert(!sf::Transport<transport_with_sockets>);

struct transport_without_engine {
    boost::asio::io_context& context() const;
    template <class State>
    using connection = models::connection;
};
static_assert(!sf::Transport<transport_without_engine>);

struct transport_without_context {
    template <class State>
    using connection = models::connection;
    template <class State, class Sink>
    using engine = transport::engine<State, Sink>;
};
static_assert(!sf::Transport<transport_without_context>);

using loopback_connection = sf::loopback::connection<sf::archetype::connection_state>;
using least_sink = sf::archetype::sink<loopback_connection>;
static_assert(sf::Sink<least_sink, loopback_connection>);

// Deadlines: a sink says when it wants to be called again.
struct sink_without_deadline : least_sink {
    void tick(sf::time_point) {}
};
static_assert(!sf::Sink<sink_without_deadline, loopback_connection>);
