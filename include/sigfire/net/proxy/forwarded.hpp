// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>
#include <sigfire/net/proxy/network_list.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace sigfire::detail {

/// The address in an item of `X-Forwarded-For`: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`.
inline std::string_view forwarded_address(std::string_view item) {
    if (item.starts_with('[')) return item.substr(1, item.find(']') - 1);
    const auto colon = item.find(':');
    return colon != item.npos && item.find(':', colon + 1) == item.npos ? item.substr(0, colon) : item;
}

/** Believes `X-Forwarded-For` and `X-Forwarded-Proto` as far as they come from `proxies`: the remote address
 *  becomes the last one that none of them has, `secure` as the nearest of them says. Items are read from the
 *  end, where each proxy adds the address that it saw; a stranger's items in front are never reached. */
inline void apply_forwarded(request& r, const network_list& proxies) {
    if (!proxies.contains(r.remote)) return;
    const auto last = [](std::string_view& list) {
        const auto comma = list.rfind(',');
        const auto item = trim(list.substr(comma == list.npos ? 0 : comma + 1));
        list = comma == list.npos ? std::string_view{} : list.substr(0, comma);
        return item;
    };
    bool told = false;
    for (auto i = r.headers.size(); i-- > 0;) {
        auto list = r.headers[i].value;
        if (!told && equal_ignoring_case(r.headers[i].name, "X-Forwarded-Proto")) {
            const auto proto = last(list);
            r.secure = equal_ignoring_case(proto, "https") || equal_ignoring_case(proto, "wss");
            told = true;
        }
    }
    for (auto i = r.headers.size(); i-- > 0;) {
        if (!equal_ignoring_case(r.headers[i].name, "X-Forwarded-For")) continue;
        for (auto list = r.headers[i].value; !list.empty();) {
            const auto address = forwarded_address(last(list));
            if (!address_bytes(address)) return;
            r.remote = address;
            if (!proxies.contains(address)) return;
        }
    }
}

} // namespace sigfire::detail
