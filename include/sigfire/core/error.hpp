// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/requirements.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1 {

/// An error code with its category, as Boost.System defines it.
using boost::system::error_code;

/** The result of a parse function: a value, or the `error_code` of the failure. A function that reads bytes
 *  from a peer never throws. */
template <class T>
using result = boost::system::result<T>;

/** The causes of failures, ends and refusals: one list for the whole library. `condition` groups them by
 *  remedy.
 *
 *  The first four are verdicts, not failures: an `error_code` made of a verdict tests as false. */
enum class errc : unsigned char {
    ok,        ///< success
    held,      ///< an admission waits for a decision; the connection is not read meanwhile
    forwarded, ///< another hub has taken the message
    deferred,  ///< the verdict comes later

    // Causes of failed requests.
    unknown,           ///< no peer has that id
    offline,           ///< the peer is known, but not connected
    self,              ///< sender and target are the same peer
    full,              ///< the target has no room
    denied,            ///< a hook, policy or feature refused the request
    expired,           ///< no peer took the message in time, or `admission::valid_for` has passed
    malformed,         ///< not a valid message of this wire
    too_large,         ///< over the message limit
    rate,              ///< over the rate limit
    missing_target,    ///< a request without a target
    missing_offer,     ///< an offer without its description
    missing_answer,    ///< an answer without its description
    missing_candidate, ///< an ICE message without its candidate
    unknown_command,   ///< a command that the server, or the target peer, does not have
    no_session,        ///< an answer to, or the end of, a session that does not exist
    session_exists,    ///< a session with that peer already exists

    // Causes of ended or refused connections.
    closed,                ///< the peer closed the connection properly
    lost,                  ///< the connection broke: a reset, or an end without a close
    protocol_violation,    ///< the peer broke the rules of the framing
    bad_utf8,              ///< text that is not UTF-8
    flood,                 ///< too many control or empty frames in a row
    missing_id,            ///< a request without the id that a reply needs
    internal_error,        ///< host code threw, or the message was JSON `null`
    overloaded,            ///< no room for incomplete messages, or for another peer
    slow_consumer,         ///< the peer does not read its messages
    pong_timeout,          ///< the peer stopped answering pings, or sending heartbeats
    id_in_use,             ///< another connected peer has that id
    replaced,              ///< a newer connection took over this peer
    stopping,              ///< the server is stopping
    handshake_timeout,     ///< no complete upgrade request in time
    bad_handshake,         ///< an invalid upgrade request, or an invalid answer to one
    header_too_large,      ///< the header of a request is over its limit
    version_not_supported, ///< a WebSocket version other than 13
    forbidden_origin,      ///< the page's origin is not on the list
    upgrade_required,      ///< this address accepts WebSocket only
    tls_failed,            ///< a failed TLS handshake, an untrusted certificate, or broken records

    // Causes that only a client sees.
    connect_timeout, ///< no connection in time
    welcome_timeout, ///< connected, but no welcome in time
    request_timeout, ///< no reply in time
    close_timeout,   ///< the server did not answer the close in time
    not_connected,   ///< the client is not connected
    bad_url,         ///< the URL names no transport of sigfire
    bad_welcome,     ///< the server's first message was not a welcome
    no_tls,          ///< the URL needs TLS, and `client_options::tls` is empty: see `sigfire/client/tls.hpp`
    proxy_refused,   ///< the proxy of `client_options::proxy` opens no tunnel to the server

    // Causes of ended sessions.
    rejected,  ///< the other peer rejected the session
    cancelled, ///< the other peer cancelled the session before it was accepted
    ended,     ///< the other peer ended the session
};

/// The remedy for a cause: `if (ec == condition::reconnect) ...`.
enum class condition : unsigned char {
    fix_request = 1,  ///< The request is wrong. Sending it again cannot succeed.
    try_later,        ///< The request is right. The same request may succeed later.
    reconnect,        ///< The connection has ended. Open a new one.
    do_not_reconnect, ///< The other side refuses this peer as it is. Do not reconnect unchanged.
};

namespace detail {

struct errc_row {
    errc code;
    condition remedy;
    const char* name; // on the wire
    const char* text;
};

// The only message table. Where Signal-Fire has a text for a cause, the table has the same text, because its
// clients show the text.
inline constexpr errc_row errc_table[] = {
    {errc::ok, {}, "ok", "OK"},
    {errc::held, {}, "held", "Held until admitted"},
    {errc::forwarded, {}, "forwarded", "Forwarded to another hub"},
    {errc::deferred, {}, "deferred", "Deferred"},
    {errc::unknown, condition::try_later, "unknown", "Peer Not Found"},
    {errc::offline, condition::try_later, "offline", "Peer Offline"},
    {errc::self, condition::fix_request, "self", "Can't Send to Yourself"},
    {errc::full, condition::try_later, "full", "Peer Cannot Take More"},
    {errc::denied, condition::do_not_reconnect, "denied", "Denied"},
    {errc::expired, condition::try_later, "expired", "Expired"},
    {errc::malformed, condition::fix_request, "malformed", "Bad Request"},
    {errc::too_large, condition::fix_request, "too_large", "Message Too Large"},
    {errc::rate, condition::try_later, "rate", "Too Many Requests"},
    {errc::missing_target, condition::fix_request, "missing_target", "Missing Target"},
    {errc::missing_offer, condition::fix_request, "missing_offer", "Missing Offer"},
    {errc::missing_answer, condition::fix_request, "missing_answer", "Missing Answer"},
    {errc::missing_candidate, condition::fix_request, "missing_candidate", "Missing ICE Candidate"},
    {errc::unknown_command, condition::fix_request, "unknown_command", "Unknown Command"},
    {errc::no_session, condition::fix_request, "no_session", "No Such Session"},
    {errc::session_exists, condition::try_later, "session_exists", "Session Exists"},
    {errc::closed, condition::reconnect, "closed", "Connection Closed"},
    {errc::lost, condition::reconnect, "lost", "Connection Lost"},
    {errc::protocol_violation, condition::fix_request, "protocol_violation", "Protocol Error"},
    {errc::bad_utf8, condition::fix_request, "bad_utf8", "Invalid UTF-8"},
    {errc::flood, condition::fix_request, "flood", "Too Many Control or Empty Frames"},
    {errc::missing_id, condition::fix_request, "missing_id", "Missing message ID"},
    {errc::internal_error, condition::reconnect, "internal_error", "Internal Server Error"},
    {errc::overloaded, condition::reconnect, "overloaded", "Try Again Later"},
    {errc::slow_consumer, condition::reconnect, "slow_consumer", "Slow Consumer"},
    {errc::pong_timeout, condition::reconnect, "pong_timeout", "No Pong in Time"},
    {errc::id_in_use, condition::do_not_reconnect, "id_in_use", "ID In Use"},
    {errc::replaced, condition::do_not_reconnect, "replaced", "Replaced by a Newer Connection"},
    {errc::stopping, condition::reconnect, "stopping", "Server Stopping"},
    {errc::handshake_timeout, condition::reconnect, "handshake_timeout", "Handshake Timeout"},
    {errc::bad_handshake, condition::fix_request, "bad_handshake", "Bad WebSocket Handshake"},
    {errc::header_too_large, condition::fix_request, "header_too_large", "Request Header Fields Too Large"},
    {errc::version_not_supported, condition::fix_request, "version_not_supported",
     "WebSocket Version Not Supported"},
    {errc::forbidden_origin, condition::do_not_reconnect, "forbidden_origin", "Origin Not Allowed"},
    {errc::upgrade_required, condition::fix_request, "upgrade_required", "Upgrade Required"},
    {errc::tls_failed, condition::reconnect, "tls_failed", "TLS Failed"},
    {errc::connect_timeout, condition::reconnect, "connect_timeout", "Connect Timeout"},
    {errc::welcome_timeout, condition::reconnect, "welcome_timeout", "No Welcome in Time"},
    {errc::request_timeout, condition::try_later, "request_timeout", "No Reply in Time"},
    {errc::close_timeout, condition::reconnect, "close_timeout", "No Close in Time"},
    {errc::not_connected, condition::reconnect, "not_connected", "Not Connected"},
    {errc::bad_url, condition::fix_request, "bad_url", "Bad URL"},
    {errc::bad_welcome, condition::do_not_reconnect, "bad_welcome", "First Message Was Not a Welcome"},
    {errc::no_tls, condition::fix_request, "no_tls",
     "TLS Not Available: #include <sigfire/client/tls.hpp> and Set client_options::tls"},
    {errc::proxy_refused, condition::reconnect, "proxy_refused", "Proxy Refused the Connection"},
    {errc::rejected, condition::try_later, "rejected", "Session Rejected"},
    {errc::cancelled, condition::try_later, "cancelled", "Session Cancelled"},
    {errc::ended, condition::try_later, "ended", "Session Ended"},
};

constexpr const errc_row& row(errc e) noexcept {
    auto i = static_cast<std::size_t>(e);
    return errc_table[i < std::size(errc_table) ? i : static_cast<std::size_t>(errc::malformed)];
}

} // namespace detail

/// True for `ok`, `held`, `forwarded` and `deferred`.
constexpr bool is_verdict(errc e) noexcept {
    return e <= errc::deferred;
}

/// The text of `e`: English, ASCII, static storage.
constexpr std::string_view to_string(errc e) noexcept {
    return detail::row(e).text;
}

/** The name of `e` on the wire: that of its enumerator. Static
 *  storage. */
constexpr std::string_view cause_name(errc e) noexcept {
    return detail::row(e).name;
}

/// The failure with `text` as its `cause_name`, else as its `to_string`. Returns `denied` if there is none.
constexpr errc cause_from(std::string_view text) noexcept {
    for (const auto& row : detail::errc_table)
        if (!is_verdict(row.code) && row.name == text) return row.code;
    for (const auto& row : detail::errc_table)
        if (!is_verdict(row.code) && row.text == text) return row.code;
    return errc::denied;
}

namespace detail {

#ifdef __GNUC__ // the destructor of Boost's class is protected, but g++ warns
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

// Each category has a random id. The id makes equal the copies of a category in the shared objects of a
// process.
struct errc_category final : boost::system::error_category {
    constexpr errc_category() noexcept : error_category{0xa34dca7ce91fd6cf} {}
    const char* name() const noexcept override { return "sigfire"; }
    std::string message(int v) const override { return row(static_cast<errc>(v)).text; }
    bool failed(int v) const noexcept override { return !is_verdict(static_cast<errc>(v)); }
    boost::system::error_condition default_error_condition(int v) const noexcept override;
};

struct condition_category final : boost::system::error_category {
    constexpr condition_category() noexcept : error_category{0x0a8975dc4751de33} {}
    const char* name() const noexcept override { return "sigfire.condition"; }
    std::string message(int v) const override {
        switch (static_cast<condition>(v)) {
        case condition::fix_request: return "correct the request";
        case condition::try_later: return "retry the request later";
        case condition::reconnect: return "open a new connection";
        case condition::do_not_reconnect: return "do not reconnect without a change";
        }
        return "no condition";
    }
};

#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

inline constexpr errc_category errc_category_instance{};
inline constexpr condition_category condition_category_instance{};

inline boost::system::error_condition errc_category::default_error_condition(int v) const noexcept {
    const auto remedy = row(static_cast<errc>(v)).remedy;
    if (remedy == condition{}) return {v, *this};
    return {static_cast<int>(remedy), condition_category_instance};
}

} // namespace detail

/// Makes an `error_code` of a cause, for Boost.System.
inline error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), detail::errc_category_instance};
}

/// Makes an `error_condition` of a remedy, for Boost.System.
inline boost::system::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), detail::condition_category_instance};
}

} // namespace sigfire::inline v0_1

// Doxygen 1.9.4 warns about specializations in namespace boost.
/// @cond
template <>
struct boost::system::is_error_code_enum<sigfire::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<sigfire::condition> : std::true_type {};
/// @endcond
