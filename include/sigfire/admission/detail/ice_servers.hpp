// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/sink.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reads and writes RTC configurations (W3C WebRTC, 4.2.1).
namespace sigfire::inline v0_1::detail {

/// Writes a string or a list of strings.
inline void append_json_strings(std::string& to, const std::vector<std::string>& all) {
    json_writer out{string_sink{to}};
    out.literal("[");
    for (const auto& s : all) {
        if (&s != all.data()) out.literal(",");
        out.string(s);
    }
    out.literal("]");
}

/// Whether `url` is a URL of a STUN or TURN server (RFC 7064, RFC 7065).
inline bool is_ice_url(std::string_view url) noexcept {
    const auto colon = url.find(':');
    const auto scheme = url.substr(0, colon);
    return colon != url.npos && colon + 1 != url.size() && url.substr(colon + 1, 2) != "//" &&
           (scheme == "stun" || scheme == "stuns" || scheme == "turn" || scheme == "turns") &&
           std::all_of(url.begin(), url.end(),
                       [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}
/// Whether `url` needs credentials.
inline bool is_turn_url(std::string_view url) noexcept {
    return url.starts_with("turn:") || url.starts_with("turns:");
}

/// One entry of `iceServers`. Without a user name: no credentials.
inline std::string ice_server(const std::vector<std::string>& urls, std::string_view username,
                              std::string_view credential) {
    std::string text = R"({"urls":)";
    append_json_strings(text, urls);
    json_writer out{string_sink{text}};
    if (!username.empty()) {
        out.literal(R"(,"username":)");
        out.string(username);
        out.literal(R"(,"credential":)");
        out.string(credential);
    }
    out.literal("}");
    return text;
}

/// An RTC configuration. `servers` is a JSON array; `policy` is a value of `iceTransportPolicy`, or empty.
inline std::string rtc_configuration(std::string_view servers, std::string_view policy) {
    std::string text = R"({"iceServers":)";
    text += servers;
    if (!policy.empty()) {
        json_writer out{string_sink{text}};
        out.literal(R"(,"iceTransportPolicy":)");
        out.string(policy);
    }
    return text += '}';
}

/// Whether `value` is an array of objects that each have `urls` (or `url`, as older services write it).
inline bool is_ice_servers(std::string_view value) {
    if (!value.starts_with('[')) return false;
    bool sound = true;
    json_elements(value, [&](std::string_view server) {
        std::string_view urls, url;
        sound = sound && json_members(server, {{"urls", &urls}, {"url", &url}}) &&
                (is_json_string(urls) || urls.starts_with('[') || is_json_string(url));
    });
    return sound;
}

/// A number of seconds from 0 to 10 years, also in quotes.
inline std::optional<std::chrono::seconds> json_seconds(std::string_view value) {
    if (is_json_string(value)) value = json_contents(value);
    const auto n = json_unsigned(value);
    if (!n || *n > std::uint64_t{10} * 366 * 24 * 3600) return {};
    return std::chrono::seconds{static_cast<std::int64_t>(*n)};
}

/** Reads the answer of a service for TURN credentials, a JSON object in one of these forms:
 *  - `{"iceServers":[...]}`, or `{"iceServers":{...}}`, or the same with `ice_servers`
 *  - `{"username":...,"password":...,"uris":[...]}`, or with `urls`
 *
 *  `ttl`, if present, is the life in seconds. `malformed` for any other text. */
inline result<rtc_lease> read_ice_answer(std::string_view text, std::chrono::milliseconds life,
                                         std::string_view policy) {
    const auto bad = make_error_code(errc::malformed);
    std::string_view servers, old, username, password, uris, urls, ttl;
    if (text.empty() || !json_members(text, {{"iceServers", &servers},
                                             {"ice_servers", &old},
                                             {"username", &username},
                                             {"password", &password},
                                             {"uris", &uris},
                                             {"urls", &urls},
                                             {"ttl", &ttl}}))
        return bad;
    if (!ttl.empty()) {
        const auto said = json_seconds(ttl);
        if (!said || said->count() == 0) return bad;
        life = *said;
    }
    if (servers.empty()) servers = old;
    std::string list{servers};
    if (servers.starts_with('{')) list = '[' + list + ']';
    if (servers.empty()) {
        if (uris.empty()) uris = urls;
        if (!is_json_string(username) || !is_json_string(password) || !uris.starts_with('[')) return bad;
        list = R"([{"urls":)" + std::string{uris} + R"(,"username":)" + std::string{username} +
               R"(,"credential":)" + std::string{password} + "}]";
    }
    if (!is_ice_servers(list)) return bad;
    return rtc_lease{rtc_configuration(list, policy), life};
}

} // namespace sigfire::inline v0_1::detail
