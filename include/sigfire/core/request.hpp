// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/percent.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// A header field, without the blanks around the value.
struct header {
    std::string_view name;  ///< name as received; compare without case
    std::string_view value; ///< value without the blanks around it
};

namespace detail {

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

constexpr std::string_view trim(std::string_view s) noexcept {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

// Calls f(item) for each item of a comma-separated list until f returns true. Returns whether f did.
template <class F>
constexpr bool any_in_list(std::string_view list, F f) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto item = trim(list.substr(0, comma));
        if (!item.empty() && f(item)) return true;
        if (comma == list.npos) break;
        list.remove_prefix(comma + 1);
    }
    return false;
}

} // namespace detail

/// The process at the other end of a Unix socket when it connected, as the operating system reports it.
struct process_identity {
    std::int64_t pid;  ///< process id; 0 where the system does not report one
    std::uint32_t uid; ///< effective user id
    std::uint32_t gid; ///< effective group id
};

struct response;

namespace detail {

/// Destination of a later answer. The transport clears `engine` when the client no longer waits.
struct answer_slot {
    void (*deliver)(void* engine, void* connection, const response& r) = nullptr;
    void* engine = nullptr;
    void* connection = nullptr;

    answer_slot() = default;
    answer_slot(const answer_slot&) = delete;
    answer_slot& operator=(const answer_slot&) = delete;
    ~answer_slot(); // sends 503 if there was no answer
};

/// A transport lends an opener to a request, so that the answer may come later.
struct answer_opener {
    std::shared_ptr<answer_slot> (*open)(answer_opener&);
};

} // namespace detail

/** A later answer to a plain HTTP request. All copies are the same answer. The client gets 503 when the last
 *  copy is destroyed unsent, or after a deadline. Use the object on the loop's thread; other threads `post`
 *  to the loop. The object may outlive the server. */
class [[nodiscard]] later_answer {
public:
    later_answer() = default; ///< an answer without a waiting client
    /// An answer through `slot`; for transports.
    explicit later_answer(std::shared_ptr<detail::answer_slot> slot) noexcept : slot_{std::move(slot)} {}

    /// Whether the client still waits.
    explicit operator bool() const noexcept { return slot_ && slot_->engine != nullptr; }

    /// Sends the answer, after the handler has returned. Does nothing if the client no longer waits.
    void send(const response& r) const {
        if (!*this) return;
        slot_->deliver(std::exchange(slot_->engine, nullptr), slot_->connection, r);
    }

private:
    std::shared_ptr<detail::answer_slot> slot_;
};

/** A view of the HTTP request by which a peer connected. On a transport without HTTP (TCP, Unix socket,
 *  loopback), method, target and headers are empty. When the peer sends a `hello` there, target and headers
 *  are as in a WebSocket request; see `tcp_options::hello`.
 *
 *  All views are valid until the call that takes the request returns. Code that needs the values longer
 *  copies them. */
struct request {
    std::string_view method; ///< `GET`, `HEAD`, ...
    std::string_view target; ///< Path and query as sent, percent-encoded. Begins with `/`, except for the `*`
                             ///< of `OPTIONS *`; never the absolute form.
    std::span<const header> headers; ///< in the order received
    std::string_view remote; ///< numeric address of the client, `192.0.2.1` or `2001:db8::1`; empty = none
    std::string_view peer_subject{}; ///< subject of the client certificate that TLS has verified, RFC 2253:
                                     ///< `CN=robot-7,O=Example`; empty = none
    bool secure = false;             ///< whether the request came over TLS
    std::optional<process_identity> process{}; ///< the client's process, on a Unix socket
    std::string_view body{};                   ///< whole body of a plain HTTP request, without chunk framing
    request_token hello{}; ///< token for the reply to the peer's `hello`, if the `hello` has an id
    detail::answer_opener* opener = nullptr; ///< for `answer_later`; null = the transport has none

    /** Defers the answer to a plain HTTP request. Call it inside the handler only. The handler then returns
     *  true, and its response does not count. If the transport cannot wait, or too many requests already
     *  wait, the result is empty. The handler must then answer at once. */
    later_answer answer_later() const;

    /// The target without its query.
    constexpr std::string_view path() const noexcept { return target.substr(0, target.find('?')); }

    /// The value of the first header field of that name (without case), or empty.
    constexpr std::string_view operator[](std::string_view name) const noexcept {
        for (const auto& h : headers)
            if (detail::equal_ignoring_case(h.name, name)) return h.value;
        return {};
    }

    /** The decoded value of the first query parameter of that name, or empty. `+` and `%20` are blanks; a
     *  broken escape stays as it is. */
    std::string query(std::string_view name) const { return find_query(name).value_or(std::string{}); }

    /// As `query`, but with the last parameter of that name, like `url.parse` of Node.
    std::string last_query(std::string_view name) const {
        return find_query(name, true).value_or(std::string{});
    }

    /// Whether the query has a parameter of that name, with or without a value.
    bool has_query(std::string_view name) const { return find_query(name).has_value(); }

    /** Calls `f(std::string_view)` for each WebSocket sub-protocol that the peer offers, in its order, until
     *  `f` returns true. Returns whether `f` did. sigfire splits the list itself, because `Signal-Fire@3` is
     *  not a valid HTTP token. Leaves out an offered token, so that no codec echoes a secret. */
    template <class F>
    constexpr bool any_subprotocol(F f) const {
        return any_offer([&f](std::string_view offer) { return !is_token(offer) && f(offer); });
    }

    /// The token that the peer offers as the sub-protocol `bearer.TOKEN`, or empty. The first one counts.
    constexpr std::string_view subprotocol_token() const noexcept {
        std::string_view token;
        any_offer([&token](std::string_view offer) {
            if (is_token(offer)) token = offer.substr(token_mark.size());
            return is_token(offer);
        });
        return token;
    }

private:
    static constexpr std::string_view token_mark = "bearer.";

    static constexpr bool is_token(std::string_view offer) noexcept { return offer.starts_with(token_mark); }

    template <class F>
    constexpr bool any_offer(F f) const {
        for (const auto& h : headers)
            if (detail::equal_ignoring_case(h.name, "Sec-WebSocket-Protocol") &&
                detail::any_in_list(h.value, f))
                return true;
        return false;
    }

    std::optional<std::string> find_query(std::string_view name, bool last = false) const {
        std::optional<std::string> found;
        const auto start = target.find('?');
        if (start == target.npos) return found;
        for (auto rest = target.substr(start + 1); !rest.empty();) {
            const auto end = rest.find('&');
            const auto pair = rest.substr(0, end);
            const auto equals = pair.find('=');
            if (decode(pair.substr(0, equals)) == name) {
                found = equals == pair.npos ? std::string{} : decode(pair.substr(equals + 1));
                if (!last) break;
            }
            if (end == rest.npos) break;
            rest.remove_prefix(end + 1);
        }
        return found;
    }

    static std::string decode(std::string_view s) { return detail::percent_decoded(s, true); }
};

/// A copy of a request that owns its bytes. The object cannot move.
class owned_request {
public:
    /// Copies everything but the opener: `answer_later` of the copy is always empty.
    explicit owned_request(const request& r) {
        std::size_t size = r.method.size() + r.target.size() + r.remote.size() + r.peer_subject.size() +
                           r.body.size() + r.hello.bytes.size();
        for (const auto& h : r.headers) size += h.name.size() + h.value.size();
        bytes_.reserve(size); // reserved before any view is taken, so that the bytes never move
        headers_.reserve(r.headers.size());
        for (const auto& h : r.headers) headers_.push_back({keep(h.name), keep(h.value)});
        view_ = {keep(r.method), keep(r.target),       headers_,
                 keep(r.remote), keep(r.peer_subject), r.secure,
                 r.process,      keep(r.body),         {keep(r.hello.bytes), r.hello.wire}};
    }

    /// Not copyable.
    owned_request(const owned_request&) = delete;
    /// Not copyable.
    owned_request& operator=(const owned_request&) = delete;

    /// The copied request, valid for the life of this object.
    const request& view() const noexcept { return view_; }

private:
    std::string_view keep(std::string_view s) {
        const auto at = bytes_.size();
        bytes_ += s;
        return std::string_view{bytes_}.substr(at);
    }

    std::string bytes_;
    std::vector<header> headers_;
    request view_;
};

/** The answer to a plain HTTP request. The transport adds `Content-Length` and `Connection`. It leaves out
 *  header fields with a line break in name or value. */
struct response {
    unsigned status = 200;                                    ///< HTTP status code
    std::string content_type = "text/plain; charset=utf-8";   ///< media type of `body`
    std::string body;                                         ///< sent unchanged; not sent on HEAD
    std::vector<std::pair<std::string, std::string>> headers; ///< further header fields: name and value
};

inline later_answer request::answer_later() const {
    return opener ? later_answer{opener->open(*opener)} : later_answer{};
}

inline detail::answer_slot::~answer_slot() {
    if (engine == nullptr) return;
    try {
        deliver(std::exchange(engine, nullptr), connection,
                {503, "text/plain; charset=utf-8", "No Answer", {}});
    } catch (...) {
        // The client gets its answer from the deadline instead.
    }
}

} // namespace sigfire::inline v0_1
