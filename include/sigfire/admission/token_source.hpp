// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

#include <string>
#include <string_view>

namespace sigfire::inline v0_1 {

/** The token that a client sends with its request, or empty. The first place with a token counts:
 *  1. `Authorization: Bearer TOKEN` (RFC 6750, section 2.1). A `hello` without HTTP has its token here.
 *  2. the query `?token=TOKEN`
 *  3. the sub-protocol `bearer.TOKEN`
 *
 *  A page in a browser cannot set the header. Proxies often log the query, but not the sub-protocols. A page
 *  offers a second sub-protocol too, because the server never answers with the token. */
inline std::string token_of(const request& r) {
    constexpr std::string_view scheme = "bearer ";
    const auto field = r["Authorization"];
    if (detail::equal_ignoring_case(field.substr(0, scheme.size()), scheme))
        return std::string{detail::trim(field.substr(scheme.size()))};
    if (auto token = r.query("token"); !token.empty()) return token;
    return std::string{r.subprotocol_token()};
}

} // namespace sigfire::inline v0_1
