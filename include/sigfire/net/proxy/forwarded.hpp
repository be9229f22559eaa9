// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>
#include <sigfire/net/proxy/network_list.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1 {

/// The header in which a proxy sends its client's address. Only the header that your proxy writes is safe to
/// trust: a proxy passes the other headers on as any client wrote them.
enum class forwarded_header : unsigned char {
    x_forwarded, ///< `X-Forwarded-For` and `X-Forwarded-Proto`, as most proxies send
    forwarded,   ///< `Forwarded` (RFC 7239)
    x_real_ip,   ///< `X-Real-IP` and `X-Forwarded-Proto`
};

namespace detail {

/// The address in an item of such a header: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, each also in
/// quotes.
inline std::string_view forwarded_address(std::string_view item) {
    if (item.size() > 1 && item.starts_with('"') && item.ends_with('"'))
        item = item.substr(1, item.size() - 2);
    if (item.starts_with('[')) return item.substr(1, item.find(']') - 1);
    const auto colon = item.find(':');
    return colon != item.npos && item.find(':', colon + 1) == item.npos ? item.substr(0, colon) : item;
}

/// The value of a pair in an element of `Forwarded` (RFC 7239, 4): `for` in `for=192.0.2.1;proto=https`.
inline std::string_view forwarded_pair(std::string_view element, std::string_view name) {
    while (!element.empty()) {
        const auto end = std::min(element.find(';'), element.size());
        const auto pair = trim(element.substr(0, end));
        element.remove_prefix(std::min(end + 1, element.size()));
        const auto equals = pair.find('=');
        if (equals != pair.npos && equal_ignoring_case(pair.substr(0, equals), name))
            return pair.substr(equals + 1);
    }
    return {};
}

/** Reads the header of that kind, if `proxies` contains the remote address. The remote address becomes the
 *  last address that is not a proxy's. `secure` comes from the nearest proxy. Items are read from the end,
 *  where each proxy adds the address that it saw. So items that a client wrote in front are never read. */
inline void apply_forwarded(request& r, const network_list& proxies,
                            forwarded_header kind = forwarded_header::x_forwarded) {
    if (!proxies.contains(r.remote)) return;
    const bool standard = kind == forwarded_header::forwarded;
    // Calls f(item) for all items of the fields with that name, last ones first, until f returns false.
    const auto each = [&](std::string_view name, auto f) {
        for (auto i = r.headers.size(); i-- > 0;) {
            if (!equal_ignoring_case(r.headers[i].name, name)) continue;
            for (auto list = r.headers[i].value; !list.empty();) {
                const auto comma = list.rfind(',');
                if (!f(trim(list.substr(comma == list.npos ? 0 : comma + 1)))) return;
                list = comma == list.npos ? std::string_view{} : list.substr(0, comma);
            }
        }
    };
    each(standard ? "Forwarded" : "X-Forwarded-Proto", [&](std::string_view item) {
        const auto proto = standard ? forwarded_pair(item, "proto") : item;
        if (!proto.empty() || !standard)
            r.secure = equal_ignoring_case(proto, "https") || equal_ignoring_case(proto, "wss");
        return false;
    });
    const auto* const name = standard                              ? "Forwarded"
                             : kind == forwarded_header::x_real_ip ? "X-Real-IP"
                                                                   : "X-Forwarded-For";
    each(name, [&](std::string_view item) {
        const auto address = forwarded_address(standard ? forwarded_pair(item, "for") : item);
        if (!address_bytes(address)) return false;
        r.remote = address;
        return proxies.contains(address);
    });
}

} // namespace detail

} // namespace sigfire::inline v0_1
