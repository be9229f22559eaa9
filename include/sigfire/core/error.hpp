// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/requirements.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace sigfire {

using boost::system::error_code;

/** The result of a parse function: a value, or the `error_code` that says why there is none. Nothing that
 *  reads a peer's bytes throws. */
template <class T>
using result = boost::system::result<T>;

/** The causes. One list for the whole library; `condition` groups them by the remedy.
 *
 *  The first four are verdicts, not failures: an `error_code` made of one tests as false. */
enum class errc : unsigned char {
    ok,        ///< done
    held,      ///< an admission waits for something; the connection is not being read
    forwarded, ///< another hub has it now
    deferred,  ///< the verdict comes later

    // causes with which a request ends
    unknown,           ///< no peer has that id
    offline,           ///< the peer is known, but not connected
    self,              ///< sender and target are one peer
    full,              ///< the target cannot take more
    denied,            ///< a hook refused it
    expired,           ///< nobody took it in time
    malformed,         ///< not a message of this wire
    too_large,         ///< over the message limit
    rate,              ///< too many, too fast
    missing_target,    ///< a request that names nobody
    missing_offer,     ///< an offer without its description
    missing_answer,    ///< an answer without its description
    missing_candidate, ///< an ICE message without its candidate
    unknown_command,   ///< a command that this server, or the peer it is for, does not have
    no_session,        ///< an answer to, or the end of, a session that is not there
    session_exists,    ///< a session with that peer has begun already

    // why a connection ended
    closed,                ///< the peer closed it properly
    lost,                  ///< it broke: reset, or an end without a close
    protocol_violation,    ///< the peer broke the rules of the framing
    bad_utf8,              ///< text that is not UTF-8
    flood,                 ///< control or empty frames without end
    missing_id,            ///< a request without an id, which could not be answered
    internal_error,        ///< host code threw; or the message was JSON `null`
    overloaded,            ///< no room is left: for incomplete messages, or for one peer more
    slow_consumer,         ///< the peer does not read its messages
    pong_timeout,          ///< the peer no longer answers pings, or sends heartbeats
    id_in_use,             ///< another living connection has that id
    replaced,              ///< a newer connection took over this peer
    stopping,              ///< the server stops
    handshake_timeout,     ///< no complete upgrade request in time
    bad_handshake,         ///< the upgrade request or its answer is not valid
    header_too_large,      ///< the header of a request is over its limit
    version_not_supported, ///< a WebSocket version other than 13
    forbidden_origin,      ///< the page's origin is not on the list
    upgrade_required,      ///< this address speaks WebSocket only
    tls_failed,            ///< no agreement on TLS, a certificate that is not trusted, or broken records

    // causes that only a client sees
    connect_timeout, ///< no connection in time
    welcome_timeout, ///< connected, but not greeted in time
    request_timeout, ///< no reply in time
    close_timeout,   ///< the server did not answer the close in time
    not_connected,   ///< the client is not connected
    bad_url,         ///< an address that names no transport of ours
    bad_welcome,     ///< the server's first message was not a welcome
    no_tls,          ///< the address needs TLS, and `client_options::tls` is empty: see `client_tls.hpp`

    // how a session ended
    rejected,  ///< the other side does not want it
    cancelled, ///< the other side gave it up before it was accepted
    ended,     ///< the other side ended it
};

/** The remedy for a cause: `if (ec == condition::reconnect) ...`. */
enum class condition : unsigned char {
    fix_request = 1, ///< the request is wrong: sending it again cannot help
    try_later,       ///< nothing is wrong with it: the same request may succeed later
    reconnect,       ///< the connection is gone: open a new one
    stay_away,       ///< the other side does not want this peer back as it is
};

namespace detail {

struct errc_row {
    errc code;
    condition remedy;
    const char* name; // on the wire
    const char* text;
};

// The one message table. Where Signal-Fire has a text for a cause, this is that text: its clients show it.
inline constexpr errc_row errc_table[] = {
    {errc::ok, {}, "ok", "OK"},
    {errc::held, {}, "held", "Held until admitted"},
    {errc::forwarded, {}, "forwarded", "Forwarded to another hub"},
    {errc::deferred, {}, "deferred", "Deferred"},
    {errc::unknown, condition::try_later, "unknown", "Peer Not Found"},
    {errc::offline, condition::try_later, "offline", "Peer Offline"},
    {errc::self, condition::fix_request, "self", "Can't Send to Yourself"},
    {errc::full, condition::try_later, "full", "Peer Cannot Take More"},
    {errc::denied, condition::stay_away, "denied", "Denied"},
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
    {errc::internal_error, condition::reconnect, "null_message", "Internal Server Error"},
    {errc::overloaded, condition::reconnect, "overloaded", "Try Again Later"},
    {errc::slow_consumer, condition::reconnect, "slow_consumer", "Slow Consumer"},
    {errc::pong_timeout, condition::reconnect, "pong_timeout", "No Pong in Time"},
    {errc::id_in_use, condition::stay_away, "id_in_use", "ID In Use"},
    {errc::replaced, condition::stay_away, "replaced", "Replaced by a Newer Connection"},
    {errc::stopping, condition::reconnect, "stopping", "Server Stopping"},
    {errc::handshake_timeout, condition::reconnect, "handshake_timeout", "Handshake Timeout"},
    {errc::bad_handshake, condition::fix_request, "bad_handshake", "Bad WebSocket Handshake"},
    {errc::header_too_large, condition::fix_request, "header_too_large", "Request Header Fields Too Large"},
    {errc::version_not_supported, condition::fix_request, "version_not_supported",
     "WebSocket Version Not Supported"},
    {errc::forbidden_origin, condition::stay_away, "forbidden_origin", "Origin Not Allowed"},
    {errc::upgrade_required, condition::fix_request, "upgrade_required", "Upgrade Required"},
    {errc::tls_failed, condition::reconnect, "tls_failed", "TLS Failed"},
    {errc::connect_timeout, condition::reconnect, "connect_timeout", "Connect Timeout"},
    {errc::welcome_timeout, condition::reconnect, "welcome_timeout", "No Welcome in Time"},
    {errc::request_timeout, condition::try_later, "request_timeout", "No Reply in Time"},
    {errc::close_timeout, condition::reconnect, "close_timeout", "Close Not Answered in Time"},
    {errc::not_connected, condition::reconnect, "not_connected", "Not Connected"},
    {errc::bad_url, condition::fix_request, "bad_url", "Bad URL"},
    {errc::bad_welcome, condition::stay_away, "bad_welcome", "First Message Was Not a Welcome"},
    {errc::no_tls, condition::fix_request, "no_tls",
     "TLS Is Not There: #include <sigfire/client/tls.hpp> and Set client_options::tls"},
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

/// The one text of `e`, English, ASCII, static storage.
constexpr std::string_view to_string(errc e) noexcept {
    return detail::row(e).text;
}

/// The name of `e` on the wire: that of its enumerator. Static storage.
constexpr std::string_view cause_name(errc e) noexcept {
    return detail::row(e).name;
}

/// The failure with that `cause_name` or, failing that, that `to_string`; `denied` if there is none.
constexpr errc cause_from(std::string_view text) noexcept {
    for (const auto& row : detail::errc_table)
        if (!is_verdict(row.code) && row.name == text) return row.code;
    for (const auto& row : detail::errc_table)
        if (!is_verdict(row.code) && row.text == text) return row.code;
    return errc::denied;
}

namespace detail {

#ifdef __GNUC__ // the destructor of Boost's class is protected, yet g++ warns
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

// Both have an id, drawn by lot: by it they are the same in each shared object of a process.
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
        case condition::fix_request: return "the request is wrong";
        case condition::try_later: return "try the same again later";
        case condition::reconnect: return "open a new connection";
        case condition::stay_away: return "do not come back as you are";
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

inline error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), detail::errc_category_instance};
}

inline boost::system::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), detail::condition_category_instance};
}

} // namespace sigfire

template <>
struct boost::system::is_error_code_enum<sigfire::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<sigfire::condition> : std::true_type {};
