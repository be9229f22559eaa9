// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>
#include <sigfire/net/http/http_proxies.hpp>
#include <sigfire/net/http/http_rules.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of an `http_client`. All times are in milliseconds.
struct http_client_options {
    std::size_t connections = 32;           ///< most connections in all
    std::size_t connections_per_origin = 8; ///< most connections to one scheme, host and port
    std::size_t waiting = 256; ///< most requests that wait for a connection; one more ends with `full`
    std::chrono::milliseconds idle{30'000}; ///< time after which an unused connection closes. The server can
                                            ///< shorten it by `Keep-Alive: timeout=N`
    /// Time for a new connection: name, TCP, proxy and TLS.
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds response_timeout{10'000}; ///< time from the request to the end of its answer
    std::chrono::milliseconds timeout{15'000}; ///< time for all of a request, with waiting and one retry
    std::uint32_t header = 64u << 10;          ///< longest header of an answer, in bytes
    std::uint64_t body = 256u << 10;           ///< longest body of an answer, in bytes
    std::string ca{};   ///< CAs for the certificates of servers: the path of a PEM file, or PEM text; empty =
                        ///< the CAs that this system trusts
    bool verify = true; ///< false: accept every certificate
    /// The proxies; without a value, those of the environment: see `proxies_from`.
    std::optional<http_proxies> proxies{};
    /// Called with a text when a TLS handshake fails; the request only ends with `tls_failed`. It must not
    /// call the client.
    std::function<void(std::string_view why)> on_tls_failure{};
};

/// A request of an `http_client`.
struct http_request {
    std::string url;            ///< `http://host[:port][/path][?query]`, or the same with `https`
    std::string method = "GET"; ///< method in upper case; not `CONNECT`
    std::string body{};         ///< sent unchanged
    std::string content_type{}; ///< media type of `body`; empty = none
    std::vector<std::pair<std::string, std::string>> headers{}; ///< further header fields: name and value
    /// Whether the client may send the request twice. Without a value, as RFC 9110 (9.2.2) has it for the
    /// method. A `POST` that the server recognizes by a number of its own can set it.
    std::optional<bool> idempotent{};
};

/// The answer to an `http_request`, of any status.
struct http_answer {
    unsigned status = 0;                                        ///< HTTP status code: 200 to 599
    std::vector<std::pair<std::string, std::string>> headers{}; ///< in the order received
    std::string body{};                                         ///< without chunk framing

    /// The value of the first header field of that name (without case), or empty. Valid while the answer
    /// does not change.
    std::string_view operator[](std::string_view name) const noexcept {
        for (const auto& [n, value] : headers)
            if (detail::equal_ignoring_case(n, name)) return value;
        return {};
    }
    /// Whether the answer names another place. The client does not follow it: see the field `Location`.
    bool redirects() const noexcept { return status / 100 == 3 && status != 304; }
    /// The time in `Retry-After`, or empty.
    std::optional<std::chrono::seconds>
    retry_after(std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const {
        return detail::parse_retry_after((*this)["Retry-After"], now);
    }
};

} // namespace sigfire::inline v0_1
