// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_to_msgpack.hpp>
#include <sigfire/codec/detail/msgpack_to_json.hpp>
#include <sigfire/codec/detail/transcoded_part.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::codec {

/** Translates JSON (RFC 8259) into MessagePack. The rules hold for both directions. No value is refused. Time
 *  and memory are linear in the bytes read, without recursion. Error: `malformed`, if the bytes to read are
 *  not valid.
 *
 *  JSON to MessagePack:
 *  - Whole numbers are exact from -2^63 to 2^64-1; `-0` becomes 0. All other numbers, also those with
 *    fraction or exponent, become the nearest float of 64 bits: `1e400` becomes infinity, `1e-400` zero.
 *  - Strings lose their escapes; half of a surrogate pair (`"\ud800"`) becomes U+FFFD.
 *
 *  MessagePack to JSON:
 *  - Whole numbers are exact, also with 64 bits, though JavaScript rounds such numbers when it reads them. A
 *    float becomes the shortest text that reads as the same double. A whole float up to 2^53 has no fraction
 *    or exponent. NaN and the infinities become `null`.
 *  - Bytes become a string in base64 (RFC 4648, section 4, padded). An ext, also a timestamp, becomes the
 *    base64 of the whole value with its type.
 *  - Keys that are not strings become strings: `1`, `-1`, `0.5`, `true` and `nil` as JSON writes them, bytes
 *    in base64. Ext, arrays and maps become the base64 of the whole value.
 *
 *  In both directions, members keep their order, and equal keys stay. The last of equal keys counts, for this
 *  library as for JavaScript. This also holds for keys that become equal by the translation. Arrays and
 *  objects may nest at most 512 deep. */
[[nodiscard]] inline result<std::string> msgpack_from_json(std::string_view text) {
    std::string out;
    detail::transcoded_part none;
    const errc failed = detail::json_to_msgpack(text, out, std::numeric_limits<std::size_t>::max(), none);
    if (failed != errc::ok) return make_error_code(failed);
    return out;
}

/** Translates MessagePack into JSON; the rules are at `msgpack_from_json`. Error: `malformed`, if the bytes
 *  to read are not valid. */
[[nodiscard]] inline result<std::string> json_from_msgpack(std::string_view bytes) {
    std::string out;
    detail::transcoded_part none;
    const errc failed = detail::msgpack_to_json(bytes, out, std::numeric_limits<std::size_t>::max(), none);
    if (failed != errc::ok) return make_error_code(failed);
    return out;
}

/// Default limit of translated payloads in bytes; equal to the default limit of messages.
inline constexpr std::size_t transcoding_limit = 1u << 20;

/** Tracks the position of a part of a payload in its translation. A translation function reports each value
 *  by `begins` and `ends`. */
using transcoded_part = detail::transcoded_part;

/** Translates payloads from one format into another.
 *
 *  Knows JSON and MessagePack; `add` adds other formats. `format_of` distinguishes the formats. Without a
 *  function for two formats, translates by way of JSON. Keeps the last translated payload, so the same
 *  translation for several peers costs one translation and one comparison per peer. One thread at a time. */
class transcoder {
public:
    /** A translation function: appends the value of `from`, in another format, to `to`. Returns `malformed`
     *  if `from` is not valid, or `too_large` as soon as `to` has more than `limit` bytes. May report the
     *  positions of values to `part`. Without such reports, the other side gets no signal with the payload.
     *  Must not throw unless memory runs out. */
    using function =
        std::function<errc(std::string_view from, std::string& to, std::size_t limit, transcoded_part& part)>;

    /// `limit`: longest translation in bytes. A longer one fails with `too_large`.
    explicit transcoder(std::size_t limit = transcoding_limit) : limit_(limit) {}

    /// Adds or replaces the function that translates `from` into `to`.
    void add(wire_id from, wire_id to, function f) {
        const pair names{format_of(from), format_of(to)};
        kept_ = {};
        for (auto& e : added_)
            if (e.names == names) {
                e.translate = std::move(f);
                return;
            }
        added_.push_back({names, std::move(f)});
    }

    /// Whether the object can translate `from` into `to`, directly or by way of JSON.
    bool can(wire_id from, wire_id to) const noexcept {
        const auto a = format_of(from), b = format_of(to);
        return has({a, b}) || (has({a, wire_id::json}) && has({wire_id::json, b}));
    }

    /** Appends the value of `p` in the format of `to` to `out`, which must be empty. `body` is a part of the
     *  payload, or empty. It becomes the same part of `out`, or empty. Keeps nothing. Errors: `malformed`,
     *  `too_large`, or `unknown_command` if there is no function for the formats. */
    errc translate(const payload& p, std::string_view& body, wire_id to, std::string& out) const {
        const auto a = format_of(p.wire), b = format_of(to);
        if (has({a, b})) return direct(p.bytes, body, {a, b}, out);
        if (!can(a, b)) return errc::unknown_command;
        std::string json;
        const errc failed = direct(p.bytes, body, {a, wire_id::json}, json);
        return failed != errc::ok ? failed : direct(json, body, {wire_id::json, b}, out);
    }

    /** Translates `p`, and the `body` inside, into the format of `to`. The views are valid until the next
     *  call. Errors are as for `translate`; both views are then empty. */
    errc operator()(payload& p, std::string_view& body, wire_id to) {
        const pair names{format_of(p.wire), format_of(to)};
        const auto at = offset_of(body, p.bytes);
        if (kept_.names != names || kept_.body_before != at || kept_.source != p.bytes) {
            kept_.names = {}; // if memory runs out, nothing is kept
            kept_.text.clear();
            auto part = at == npos ? std::string_view{} : body;
            kept_.failed = translate(p, part, to, kept_.text);
            kept_.body_at = offset_of(part, kept_.text);
            kept_.body_size = part.size();
            kept_.source = p.bytes;
            kept_.body_before = at;
            kept_.names = names;
        }
        const bool good = kept_.failed == errc::ok;
        p.wire = to;
        p.bytes = good ? std::string_view{kept_.text} : std::string_view{};
        body = good && kept_.body_at != npos ? p.bytes.substr(kept_.body_at, kept_.body_size)
                                             : std::string_view{};
        return kept_.failed;
    }

    /// The longest translation in bytes.
    std::size_t limit() const noexcept { return limit_; }

private:
    static constexpr auto npos = std::string_view::npos;

    struct pair {
        wire_id from{}, to{};
        bool operator==(const pair&) const = default;
    };

    struct entry {
        pair names;
        function translate;
    };

    // The last payload and its translation.
    struct translation {
        pair names{};
        std::string source{}, text{};
        std::size_t body_before = npos; // position of the part in the source
        std::size_t body_at = npos, body_size = 0;
        errc failed = errc::ok;
    };

    // The offset of `part` in `whole`, or `npos`.
    static std::size_t offset_of(std::string_view part, std::string_view whole) noexcept {
        const std::less_equal<> before; // also orders pointers into different objects
        const bool within = !part.empty() && before(whole.data(), part.data()) &&
                            before(part.data() + part.size(), whole.data() + whole.size());
        return within ? static_cast<std::size_t>(part.data() - whole.data()) : npos;
    }

    const entry* find(pair names) const noexcept {
        for (const auto& e : added_)
            if (e.names == names) return &e;
        return nullptr;
    }

    static constexpr pair packing{wire_id::json, wire_id::msgpack},
        unpacking{wire_id::msgpack, wire_id::json};

    bool has(pair names) const noexcept {
        return names == packing || names == unpacking || find(names) != nullptr;
    }

    errc direct(std::string_view from, std::string_view& body, pair names, std::string& out) const {
        transcoded_part part{offset_of(body, from) == npos ? std::string_view{} : body};
        const auto* const own = find(names);
        const errc failed = own                ? own->translate(from, out, limit_, part)
                            : names == packing ? detail::json_to_msgpack(from, out, limit_, part)
                                               : detail::msgpack_to_json(from, out, limit_, part);
        body = part.in(out);
        return failed == errc::ok && out.size() > limit_ ? errc::too_large : failed;
    }

    std::size_t limit_;
    std::vector<entry> added_;
    translation kept_;
};

} // namespace sigfire::inline v0_1::codec
