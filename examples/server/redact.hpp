// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

/// The text that stands for a secret in logs and reports.
inline constexpr std::string_view redaction_mask = "***";

namespace redaction {

inline char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// In lower case, without percent-encoding; `-` counts as `_`.
inline std::string plain_name(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (c == '%' && i + 2 < name.size() && hex(name[i + 1]) >= 0 && hex(name[i + 2]) >= 0) {
            c = static_cast<char>(hex(name[i + 1]) * 16 + hex(name[i + 2]));
            i += 2;
        }
        out += c == '-' ? '_' : lower(c);
    }
    return out;
}

inline bool is_name_char(char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-.%"}.find(c) != std::string_view::npos;
}

inline std::size_t skip_spaces(std::string_view s, std::size_t at) {
    while (at < s.size() && (s[at] == ' ' || s[at] == '\t')) ++at;
    return at;
}

inline std::size_t end_of(std::string_view s, std::size_t at, std::string_view delimiters) {
    return std::min(s.find_first_of(delimiters, at), s.size());
}

// The index behind the string that begins with a quote at `at`, or the size of the text.
inline std::size_t end_of_quoted(std::string_view s, std::size_t at) {
    const char quote = s[at];
    for (++at; at < s.size() && s[at] != quote; ++at)
        if (s[at] == '\\') ++at;
    return std::min(at + 1, s.size());
}

// The index behind the JSON array or object that begins at `at`, or the size of the text.
inline std::size_t end_of_nested(std::string_view s, std::size_t at) {
    std::size_t depth = 0;
    while (at < s.size()) {
        if (s[at] == '"') {
            at = end_of_quoted(s, at);
            continue;
        }
        if (s[at] == '[' || s[at] == '{') ++depth;
        if ((s[at] == ']' || s[at] == '}') && --depth == 0) return at + 1;
        ++at;
    }
    return s.size();
}

// The words before a secret in an Authorization header (RFC 9110, section 11.6.2).
inline bool is_scheme(std::string_view word) {
    const auto name = plain_name(word);
    return name == "bearer" || name == "basic" || name == "digest";
}

inline constexpr std::string_view value_ends = " \t\r\n&;,#\"'<>";

// The index behind a value that stands behind `=`.
inline std::size_t end_of_value(std::string_view s, std::size_t at) {
    const auto end = end_of(s, at, value_ends);
    const auto next = skip_spaces(s, end);
    return is_scheme(s.substr(at, end - at)) && next != end ? end_of(s, next, value_ends) : end;
}

// The shape of a JSON Web Token: its first part begins like the JSON text `{"`.
inline bool is_web_token(std::string_view word) {
    return word.starts_with("eyJ") && word.size() > 20 && word.find('.') != word.npos;
}

} // namespace redaction

/** Whether a field, header, query parameter, member or option with that name holds a secret. The name
 *  contains token, authorization, password, passwd, secret, credential, cookie, api_key or private_key, in
 *  any case and percent-encoding. A name that ends with `file` or `path` names a place and is no secret. */
inline bool is_secret_name(std::string_view name) {
    const auto plain = redaction::plain_name(name);
    if (plain.ends_with("file") || plain.ends_with("path")) return false;
    for (const std::string_view word : {"token", "authorization", "password", "passwd", "secret",
                                        "credential", "cookie", "api_key", "apikey", "private_key"})
        if (plain.find(word) != plain.npos) return true;
    return false;
}

/** Copies a text and replaces each secret by `***`: query parameters, headers, JSON members and `name=value`
 *  with a secret name; the word behind Bearer, Basic or Digest; JSON Web Tokens; the password in a URL. The
 *  text may be anything; a cut or broken one loses more rather than less. Takes time linear in the text. */
inline std::string redacted(std::string_view text) {
    using namespace redaction;
    std::string out;
    std::size_t i = 0;
    const auto copy_to = [&](std::size_t end) {
        out += text.substr(i, end - i);
        i = end;
    };
    const auto mask_to = [&](std::size_t end) {
        out += redaction_mask;
        i = end;
    };
    while (i < text.size()) {
        if (text.substr(i).starts_with("://")) {
            copy_to(i + 3);
            const auto end = end_of(text, i, "/?# \t\r\n\"'<>");
            const auto at = text.substr(0, end).rfind('@');
            const auto colon = text.find(':', i);
            if (at != text.npos && at >= i && colon < at) {
                copy_to(colon + 1);
                mask_to(at);
            }
            continue;
        }
        if (!is_name_char(text[i])) {
            copy_to(i + 1);
            continue;
        }
        auto end = i;
        while (end < text.size() && is_name_char(text[end])) ++end;
        const auto word = text.substr(i, end - i);
        if (is_web_token(word)) {
            mask_to(end);
            continue;
        }
        copy_to(end);
        const auto next = skip_spaces(text, end);
        if (is_scheme(word) && next != end && next < text.size()) {
            copy_to(next);
            mask_to(end_of(text, next, value_ends));
            continue;
        }
        if (!is_secret_name(word)) continue;
        auto sign = end;
        while (sign < text.size() && (text[sign] == '\\' || text[sign] == '"' || text[sign] == '\'')) ++sign;
        sign = skip_spaces(text, sign);
        if (sign == text.size() || (text[sign] != '=' && text[sign] != ':')) continue;
        const auto value = skip_spaces(text, sign + 1);
        copy_to(value);
        if (value == text.size()) continue;
        if (text[value] == '"' || text[value] == '\'') {
            const auto behind = end_of_quoted(text, value);
            copy_to(value + 1);
            mask_to(behind);
            out += text[value];
        } else if (text[value] == '[' || text[value] == '{') {
            mask_to(end_of_nested(text, value));
        } else if (text[sign] == ':') { // a header, up to the end of its line
            if (const auto behind = end_of(text, value, "\r\n"); behind != value) mask_to(behind);
        } else {
            if (const auto behind = end_of_value(text, value); behind != value) mask_to(behind);
        }
    }
    return out;
}

/// The value of a named field as logs and reports may show it.
inline std::string redacted(std::string_view name, std::string_view value) {
    return is_secret_name(name) ? std::string{value.empty() ? value : redaction_mask} : redacted(value);
}
