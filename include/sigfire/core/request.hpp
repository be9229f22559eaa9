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

namespace sigfire {

/// A header field: name and value, without the blanks around the value.
struct header {
    std::string_view name;
    std::string_view value;
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

// Calls f(item) for each item of a comma-separated list until f returns true; says whether it did.
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

/// A process at the other end of a Unix socket, as it was when it connected; the system says so.
struct process_identity {
    std::int64_t pid;  ///< process id; 0 where the system does not tell
    std::uint32_t uid; ///< effective user id
    std::uint32_t gid; ///< effective group id
};

struct response;

namespace detail {

/// Where an answer that comes later is to go; the transport empties it when nobody waits any more.
struct answer_slot {
    void (*deliver)(void* engine, void* connection, const response& r) = nullptr;
    void* engine = nullptr;
    void* connection = nullptr;

    answer_slot() = default;
    answer_slot(const answer_slot&) = delete;
    answer_slot& operator=(const answer_slot&) = delete;
    ~answer_slot(); // unanswered: 503
};

/// A transport lends this to a request, so that its answer may come later.
struct answer_opener {
    std::shared_ptr<answer_slot> (*open)(answer_opener&);
};

} // namespace detail

/** An answer to a plain HTTP request that comes later. Copies are the same answer; when the last one is
 *  dropped unsent, the client gets 503, as it does after a deadline. Used on the loop's thread: `post` there
 *  from others. It may outlive the server. */
class later_answer {
public:
    later_answer() = default; ///< one for which nobody waits
    explicit later_answer(std::shared_ptr<detail::answer_slot> slot) noexcept : slot_{std::move(slot)} {}

    /// Whether the client still waits.
    explicit operator bool() const noexcept { return slot_ && slot_->engine != nullptr; }

    /// Answers; nothing if nobody waits. After the handler has returned.
    void send(const response& r) const {
        if (!*this) return;
        slot_->deliver(std::exchange(slot_->engine, nullptr), slot_->connection, r);
    }

private:
    std::shared_ptr<detail::answer_slot> slot_;
};

/** The HTTP request by which a peer connected: a view of it. A peer on a transport without HTTP (TCP, Unix
 *  socket, loopback) has an empty method, target and header list; if it said `hello`, as `tcp_options::hello`
 *  asks for, target and headers are those that a WebSocket would have had for it.
 *
 *  Everything in it is valid until the call that was handed the request returns; code that needs it longer
 *  copies from it. */
struct request {
    std::string_view method; ///< `GET`, `HEAD`, ...
    std::string_view target; ///< path and query as sent, percent-encoded: begins with `/`, but for the `*` of
                             ///< `OPTIONS *`; never the absolute form
    std::span<const header> headers; ///< in the order received
    std::string_view
        remote; ///< numeric address of the other side, `192.0.2.1` or `2001:db8::1`; empty if none
    std::string_view peer_subject{}; ///< subject of the certificate that the peer has proved to be its own by
                                     ///< TLS, RFC 2253: `CN=robot-7,O=Example`; empty if none
    bool secure = false;             ///< whether it came by TLS
    std::optional<process_identity> process{}; ///< the peer's process, if it came by a Unix socket
    std::string_view body{};                   ///< of a plain HTTP request, whole and without its chunks
    request_token hello{};                     ///< for the reply to its `hello`, if that has an id
    detail::answer_opener* opener = nullptr;   ///< for `answer_later`

    /** Puts the answer to a plain HTTP request off: the handler returns true, and the response that it wrote
     *  does not count. An empty one, where the transport cannot wait or too many wait already, has to be
     *  answered at once. Inside the handler only. */
    later_answer answer_later() const;

    /// The target without its query.
    constexpr std::string_view path() const noexcept { return target.substr(0, target.find('?')); }

    /// The first field of that name (case ignored), or empty.
    constexpr std::string_view operator[](std::string_view name) const noexcept {
        for (const auto& h : headers)
            if (detail::equal_ignoring_case(h.name, name)) return h.value;
        return {};
    }

    /** The decoded value of a query parameter, or empty: `+` and `%20` are blanks, a broken escape stays as
     *  it is. Only the first parameter of that name counts. */
    std::string query(std::string_view name) const { return find_query(name).value_or(std::string{}); }

    /// The same, but of several parameters of that name the last one counts, as in Node's `url.parse`.
    std::string last_query(std::string_view name) const {
        return find_query(name, true).value_or(std::string{});
    }

    /// Whether there is a query parameter of that name, with a value or without.
    bool has_query(std::string_view name) const { return find_query(name).has_value(); }

    /** Calls `f(std::string_view)` for each WebSocket sub-protocol the peer offers, in its order, until `f`
     *  returns true; says whether it did. The list is split by hand: `Signal-Fire@3` is no HTTP token. */
    template <class F>
    constexpr bool any_subprotocol(F f) const {
        for (const auto& h : headers)
            if (detail::equal_ignoring_case(h.name, "Sec-WebSocket-Protocol") &&
                detail::any_in_list(h.value, f))
                return true;
        return false;
    }

private:
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

/** A copy of a request that lives as long as it is needed; it stays where it is. */
class owned_request {
public:
    explicit owned_request(const request& r) {
        std::size_t size = r.method.size() + r.target.size() + r.remote.size() + r.peer_subject.size() +
                           r.body.size() + r.hello.bytes.size();
        for (const auto& h : r.headers) size += h.name.size() + h.value.size();
        bytes_.reserve(size); // from here on nothing moves
        headers_.reserve(r.headers.size());
        for (const auto& h : r.headers) headers_.push_back({keep(h.name), keep(h.value)});
        view_ = {keep(r.method), keep(r.target),       headers_,
                 keep(r.remote), keep(r.peer_subject), r.secure,
                 r.process,      keep(r.body),         {keep(r.hello.bytes), r.hello.wire}};
    }

    owned_request(const owned_request&) = delete;
    owned_request& operator=(const owned_request&) = delete;

    /// Valid for the life of this object.
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

/** The answer to a plain HTTP request. The transport adds `Content-Length` and `Connection`; header
 *  names and values must not contain line breaks (those that do are left out). */
struct response {
    unsigned status = 200;                                    ///< HTTP status code
    std::string content_type = "text/plain; charset=utf-8";   ///< media type of `body`
    std::string body;                                         ///< sent as it is; not sent on HEAD
    std::vector<std::pair<std::string, std::string>> headers; ///< further fields
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
        // It has a deadline all the same.
    }
}

} // namespace sigfire
