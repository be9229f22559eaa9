// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

/// Decisions of an HTTP client, as functions of texts and times (RFC 9110, RFC 9112).
namespace sigfire::inline v0_1::detail {

/// Whether a second request of this method does no more than the first (RFC 9110, 9.2.2).
constexpr bool is_idempotent(std::string_view method) noexcept {
    for (const std::string_view m : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
        if (m == method) return true;
    return false;
}

/// Whether `s` is a token (RFC 9110, 5.6.2): a method or the name of a header field.
constexpr bool is_http_token(std::string_view s) noexcept {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !s.empty() && std::all_of(s.begin(), s.end(), [&](char c) {
        const char l = lower(c);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
    });
}

/// Whether `s` can be the value of a header field.
constexpr bool is_field_value(std::string_view s) noexcept {
    return std::none_of(s.begin(), s.end(),
                        [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

/// A number of at most nine digits, and nothing else.
inline std::optional<std::uint32_t> short_number(std::string_view text) noexcept {
    std::uint32_t n = 0;
    const auto end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, n);
    if (text.empty() || text.size() > 9 || failed != std::errc{} || at != end) return {};
    return n;
}

/** Reads `Retry-After` or `Expires` (RFC 9110, 10.2.3): seconds, or a date such as `Sun, 06 Nov 1994 08:49:37
 *  GMT`. A past date is 0, and the result at most 999,999,999 s. Empty for any other text. */
inline std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                             std::chrono::system_clock::time_point now) {
    using namespace std::chrono;
    text = trim(text);
    if (const auto n = short_number(text)) return seconds{*n};
    if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT") || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
        return {};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto name = std::find(months.begin(), months.end(), text.substr(8, 3));
    const auto day_of = short_number(text.substr(5, 2)), in_year = short_number(text.substr(12, 4));
    const auto hour = short_number(text.substr(17, 2)), minute = short_number(text.substr(20, 2)),
               second = short_number(text.substr(23, 2));
    if (name == months.end() || !day_of || !in_year || !hour || !minute || !second || *hour > 23 ||
        *minute > 59 || *second > 60)
        return {};
    const year_month_day date{year{static_cast<int>(*in_year)},
                              month{static_cast<unsigned>(name - months.begin() + 1)}, day{*day_of}};
    if (!date.ok()) return {};
    const auto at = sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
    // In seconds: the clock itself has no room for the year 9999.
    return std::clamp(at - floor<seconds>(now), seconds{0}, seconds{999'999'999});
}

/// How long an idle connection lasts: `longest`, or one second less than the server says in `Keep-Alive:
/// timeout=N`.
inline std::chrono::milliseconds idle_time(std::string_view keep_alive, std::chrono::milliseconds longest) {
    any_in_list(keep_alive, [&](std::string_view item) {
        const auto equals = item.find('=');
        if (equals == item.npos || !equal_ignoring_case(trim(item.substr(0, equals)), "timeout"))
            return false;
        if (const auto n = short_number(trim(item.substr(equals + 1))))
            longest = std::min(longest, std::chrono::milliseconds{
                                            std::max<std::int64_t>(0, std::int64_t{1000} * *n - 1000)});
        return true;
    });
    return longest;
}

/// Time limits of a request.
struct http_time_limits {
    std::chrono::milliseconds connect, response, whole;
};

/** The deadlines and the one retry of a request. Does no I/O and reads no clock.
 *
 *  A request begins with `whole`. `connecting` adds the limit of the connection, and `sending` replaces it
 *  by that of the answer. */
class http_attempt {
public:
    http_attempt(http_time_limits limits, bool idempotent, time_point now) noexcept
        : limits_{limits}, idempotent_{idempotent}, end_{now + limits.whole} {}

    void connecting(time_point now) noexcept {
        reused_ = false;
        step(now + limits_.connect, errc::connect_timeout);
    }
    /// `reused`: the connection has carried another request before.
    void sending(time_point now, bool reused) noexcept {
        reused_ = reused;
        step(now + limits_.response, errc::request_timeout);
    }
    /// The request waits for another connection.
    void waiting() noexcept { step(time_point::max(), errc::request_timeout); }

    time_point deadline() const noexcept { return std::min(step_, end_); }
    /// The cause if a deadline has passed, else `ok`.
    errc expired(time_point now) const noexcept {
        if (step_ <= now) return step_cause_;
        return end_ <= now ? errc::request_timeout : errc::ok;
    }

    /// Whether to send the request again after a failure. A reused connection may have ended before the
    /// request came; the server has then seen nothing of it, as far as the client knows.
    bool retries(bool answer_begun) noexcept {
        if (!reused_ || answer_begun || !idempotent_ || retried_) return false;
        retried_ = true;
        waiting();
        return true;
    }

private:
    void step(time_point at, errc cause) noexcept {
        step_ = at;
        step_cause_ = cause;
    }

    http_time_limits limits_;
    bool idempotent_, reused_ = false, retried_ = false;
    time_point end_, step_ = time_point::max();
    errc step_cause_ = errc::request_timeout;
};

} // namespace sigfire::inline v0_1::detail
