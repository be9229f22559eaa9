// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/hmac.hpp>
#include <sigfire/admission/detail/ice_servers.hpp>
#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/token_source.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/object.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a webhook says and hears.
namespace sigfire::inline v0_1::detail {

/// `text` if it is UTF-8; else with `?` for each byte that is not ASCII. JSON has no other bytes.
inline std::string json_safe(std::string_view text) {
    std::string out{text};
    if (!is_utf8(text))
        std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<signed char>(c) < 0; }, '?');
    return out;
}

/// The query of `target` without the parameters that have these names. The rest is unchanged.
template <class Names>
std::string query_without(std::string_view target, const Names& names) {
    std::string out;
    const auto begin = target.find('?');
    if (begin == target.npos) return out;
    for (auto rest = target.substr(begin + 1); !rest.empty();) {
        const auto pair = rest.substr(0, rest.find('&'));
        const auto name = percent_decoded(pair.substr(0, pair.find('=')), true);
        if (std::find(names.begin(), names.end(), name) == names.end())
            (out += out.empty() ? "" : "&") += pair;
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    }
    return out;
}

/// Query parameters that are secrets: tokens of the client, and of an earlier connection.
inline constexpr std::array<std::string_view, 3> secret_parameters{"token", "access_token", "resume"};

/// The members of a connection.
inline void add_connection(json_object& to, const request& r, const std::vector<std::string>& fields) {
    to.text("remote", json_safe(r.remote)).text("path", json_safe(r.path()));
    if (const auto query = query_without(r.target, secret_parameters); !query.empty())
        to.text("query", json_safe(query));
    if (!r.peer_subject.empty()) to.text("subject", json_safe(r.peer_subject));
    to.json("secure", r.secure ? "true" : "false");
    json_object headers;
    for (const auto& name : fields)
        if (const auto value = r[name]; !value.empty()) headers.text(name, json_safe(value));
    to.json("headers", headers.take());
}

/// The question about an admission.
inline std::string webhook_question(const request& r, const admission& a,
                                    const std::vector<std::string>& fields, bool with_token) {
    json_object out;
    out.text("event", "admit");
    if (!a.id.empty() && !a.id_generated) out.text("id", json_safe(a.id));
    add_connection(out, r, fields);
    if (const auto token = token_of(r); with_token && !token.empty()) out.text("token", json_safe(token));
    return out.take();
}

/// The header field that proves where a body comes from: `t=SECONDS,v1=HEX`, with the HMAC-SHA256 of
/// `SECONDS.BODY`.
inline std::string webhook_signature(std::string_view secret, std::chrono::seconds now,
                                     std::string_view body) {
    const auto t = std::to_string(now.count());
    return "t=" + t + ",v1=" + hex(hmac_of("SHA256", secret, t + '.' + std::string{body}));
}

/// The answer of a webhook. `admitted` has the terms of the peer, `refused` the refusal.
struct webhook_answer {
    bool allow = false;
    admission admitted{};
    refusal refused{};
    std::optional<sigfire::grants> rights{}; // `grants`
};

/// Reads the members of an answer.
class webhook_answer_reader {
public:
    /// `malformed` if the text is not a JSON object with a boolean `allow`, or if a known member has a wrong
    /// type or a value out of range. A member that is `null` is absent.
    static result<webhook_answer> read(std::string_view text) {
        webhook_answer_reader r;
        if (text.empty() || !r.find(text) || (r.allow_ != "true" && r.allow_ != "false"))
            return make_error_code(errc::malformed);
        r.out_.allow = r.allow_ == "true";
        const bool sound = r.out_.allow ? r.read_terms() : r.read_refusal();
        if (!sound) return make_error_code(errc::malformed);
        return std::move(r.out_);
    }

private:
    bool find(std::string_view text) {
        if (!json_members(text, {{"allow", &allow_},
                                 {"id", &id_},
                                 {"id_verified", &verified_},
                                 {"metadata", &metadata_},
                                 {"grants", &grants_},
                                 {"iceServers", &servers_},
                                 {"iceTransportPolicy", &policy_},
                                 {"valid_for", &valid_for_},
                                 {"status", &status_},
                                 {"close_code", &code_},
                                 {"text", &text_},
                                 {"retry_after", &retry_after_}}))
            return false;
        for (auto* const value : {&id_, &verified_, &metadata_, &grants_, &servers_, &policy_, &valid_for_,
                                  &status_, &code_, &text_, &retry_after_})
            if (*value == "null") *value = {};
        return true;
    }

    bool read_terms() {
        auto& a = out_.admitted;
        if (!id_.empty()) {
            a.id = json_string(id_);
            if (!is_name(a.id)) return false;
        }
        if (verified_ != "" && verified_ != "true" && verified_ != "false") return false;
        a.id_verified = verified_ == "true";
        if (a.id_verified && a.id.empty()) return false;
        a.metadata = metadata_;
        if (a.metadata.size() > 4096) return false;
        if (!grants_.empty()) {
            auto rights = parse_grants(grants_);
            // They stand beside the grants here: in it, they would be lost.
            if (!rights || !rights->id.empty() || !rights->metadata.empty()) return false;
            out_.rights = *std::move(rights);
        }
        if (!policy_.empty() && policy_ != "\"relay\"" && policy_ != "\"all\"") return false;
        if (!servers_.empty()) {
            if (!is_ice_servers(servers_)) return false;
            a.rtc_configuration = rtc_configuration(servers_, policy_ == "\"relay\"" ? "relay" : "");
        } else if (!policy_.empty()) {
            return false; // without servers it would be lost
        }
        if (valid_for_.empty()) return true;
        const auto s = json_seconds(valid_for_);
        if (!s || s->count() == 0) return false;
        a.valid_for = *s;
        return true;
    }

    bool read_refusal() {
        auto& r = out_.refused;
        if (!status_.empty()) {
            const auto n = json_unsigned(status_);
            if (!n || (*n != 0 && (*n < 400 || *n > 599))) return false;
            r.http_status = static_cast<unsigned>(*n);
        }
        if (!code_.empty()) {
            const auto n = json_unsigned(code_);
            if (!n || *n < 4000 || *n > 4999) return false;
            r.close_code = static_cast<std::uint16_t>(*n);
        }
        r.text = "Denied";
        if (!text_.empty()) {
            r.text = json_string(text_);
            // A close reason has no room for more (RFC 6455, 5.5).
            if (!is_json_string(text_) || r.text.size() > 123) return false;
        }
        if (retry_after_.empty()) return true;
        const auto s = json_seconds(retry_after_);
        if (!s) return false;
        r.retry_after = *s;
        return true;
    }

    webhook_answer out_;
    std::string_view allow_, id_, verified_, metadata_, grants_, servers_, policy_, valid_for_, status_,
        code_, text_, retry_after_;
};

} // namespace sigfire::inline v0_1::detail
