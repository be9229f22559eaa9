// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>
#include <sigfire/net/http/http_proxy.hpp>
#include <sigfire/net/http/http_url.hpp>
#include <sigfire/net/proxy/network_list.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// The proxies of an `http_client`. An empty text stands for none.
struct http_proxies {
    std::string http{};  ///< proxy for `http://` URLs: `http://[user[:password]@]host[:port]`
    std::string https{}; ///< proxy for `https://` URLs, in the same form; it opens a tunnel (RFC 9110, 9.3.6)
    /// Hosts without a proxy, with commas between: a name (with all names below it), `host:port`, an address,
    /// a network such as `10.0.0.0/8`, or `*`. `localhost` and loopback addresses never use a proxy.
    std::string none{};
};

/** Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in lower or upper case; lower case wins. In a CGI
 *  process (with `REQUEST_METHOD`) the upper case `HTTP_PROXY` does not count: a client could set it.
 *  @param get a function `const char*(const char* name)` such as `std::getenv` */
template <class Get>
http_proxies proxies_from(Get get) {
    const auto read = [&](const char* lower, const char* upper) {
        for (const auto name : {lower, upper})
            if (const char* value = get(name); value != nullptr && *value != '\0') return std::string{value};
        return std::string{};
    };
    const char* const upper = get("REQUEST_METHOD") == nullptr ? "HTTP_PROXY" : "http_proxy";
    return {read("http_proxy", upper), read("https_proxy", "HTTPS_PROXY"), read("no_proxy", "NO_PROXY")};
}

namespace detail {

/// Chooses the proxy of each URL.
class http_proxy_rules {
public:
    /// Throws `std::invalid_argument` if a text is not a proxy. The message has no credentials.
    explicit http_proxy_rules(const http_proxies& from)
        : http_{parse(from.http, "http"), parse(from.https, "https")}, none_{from.none} {}

    /// The proxy for `url`, or null.
    const http_proxy* of(const http_url& url) const {
        const auto& chosen = http_[url.secure ? 1 : 0];
        return !chosen || is_loopback(url.host) || is_excepted(url) ? nullptr : &*chosen;
    }

private:
    static std::optional<http_proxy> parse(const std::string& text, const char* scheme) {
        if (text.empty()) return {};
        auto read = parse_http_proxy(text);
        if (read) return *std::move(read);
        throw std::invalid_argument{std::string{"sigfire: the proxy for "} + scheme +
                                    ":// URLs (option, or environment) is not an HTTP proxy: use "
                                    "http://[user[:password]@]host[:port]"};
    }

    static bool is_loopback(const std::string& host) {
        if (host == "localhost" || host.ends_with(".localhost")) return true;
        static const std::array<std::string, 2> loopback{"127.0.0.0/8", "::1"};
        return in(host, loopback);
    }

    template <class Networks>
    static bool in(const std::string& host, const Networks& networks) {
        const network_list list{networks};
        return list.valid() && list.contains(host);
    }

    bool is_excepted(const http_url& url) const {
        return any_in_list(none_, [&](std::string_view entry) {
            if (entry == "*") return true;
            if (const std::array<std::string, 1> one{std::string{entry}};
                entry != "unix" && in(url.host, one))
                return true;
            std::string host;
            std::uint16_t port = url.port;
            if (entry.starts_with("*.")) entry.remove_prefix(1);
            if (!parse_authority(entry, host, port) || port != url.port) return false;
            if (host.starts_with('.')) host.erase(0, 1);
            return !host.empty() && (url.host == host || url.host.ends_with('.' + host));
        });
    }

    std::array<std::optional<http_proxy>, 2> http_; // for http and https
    std::string none_;
};

} // namespace detail

} // namespace sigfire::inline v0_1
