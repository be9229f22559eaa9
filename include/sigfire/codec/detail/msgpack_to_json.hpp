// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/transcoded_part.hpp>
#include <sigfire/core/detail/base64.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/msgpack/scan.hpp>
#include <sigfire/text/sink.hpp>
#include <sigfire/text/utf8.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Appends the JSON of a value that is not text, bytes, ext, array or map.
inline void append_json_scalar(std::string& out, const msgpack_value& v) {
    char digits[32];
    const auto number = [&](auto n) { out.append(digits, std::to_chars(digits, std::end(digits), n).ptr); };
    switch (v.kind) {
    case msgpack_kind::boolean: out += v.number != 0 ? "true" : "false"; break;
    case msgpack_kind::number: number(v.number); break;
    case msgpack_kind::negative: number(static_cast<std::int64_t>(v.number)); break;
    case msgpack_kind::real: {
        const auto d = std::bit_cast<double>(v.number);
        if (!std::isfinite(d))
            out += "null";
        else if (d == 0 && std::signbit(d))
            out += "-0.0"; // `-0` would read as the whole number 0, without the sign
        else if (d == std::floor(d) && std::abs(d) <= 9007199254740992.0)
            number(static_cast<std::int64_t>(d)); // all digits, as in JavaScript
        else
            number(d);
        break;
    }
    default: out += "null";
    }
}

/** Appends the value of the MessagePack `bytes`, as JSON, to `out`. Errors: `malformed` if `bytes` are not
 *  valid, `too_large` as soon as `out` has more than `limit` bytes. */
inline errc msgpack_to_json(std::string_view bytes, std::string& out, std::size_t limit,
                            transcoded_part& part) {
    struct container {
        std::uint64_t due; // missing values
        bool is_map, empty;
    };
    container open[msgpack_max_depth];
    unsigned depth = 0;
    const auto end = bytes.data() + bytes.size();
    for (auto p = bytes.data();;) {
        const auto v = read_msgpack(p, end);
        const bool is_key = depth != 0 && open[depth - 1].is_map && open[depth - 1].due % 2 == 0;
        if (depth != 0) {
            auto& in = open[depth - 1];
            if (in.is_map && !is_key)
                out += ':';
            else if (!in.empty)
                out += ',';
            in.empty = false;
        }
        part.begins(p, depth, out.size());
        // Writes the bytes of a value that JSON cannot represent.
        const auto opaque = [&](std::string_view shown) {
            out += '"';
            append_base64(out, shown);
            out += '"';
        };
        auto behind = v.behind;
        switch (v.kind) {
        case msgpack_kind::wrong: return errc::malformed;
        case msgpack_kind::text:
            if (!is_utf8(v.contents)) return errc::malformed;
            json_writer{string_sink{out}}.string(v.contents);
            break;
        case msgpack_kind::bytes: opaque(v.contents); break;
        case msgpack_kind::ext: opaque({p, behind}); break;
        case msgpack_kind::array:
        case msgpack_kind::map: {
            if (is_key) {
                behind = skip_msgpack(p, end, depth);
                if (behind == nullptr) return errc::malformed;
                opaque({p, behind});
                break;
            }
            if (depth == msgpack_max_depth) return errc::malformed;
            const bool is_map = v.is(msgpack_kind::map);
            out += is_map ? '{' : '[';
            if (v.number != 0) {
                open[depth++] = {v.parts(), is_map, true};
                p = behind;
                continue;
            }
            out += is_map ? '}' : ']';
            break;
        }
        default:
            if (is_key) out += '"';
            append_json_scalar(out, v);
            if (is_key) out += '"';
        }
        p = behind;
        part.ends(depth, out.size());
        while (depth != 0 && --open[depth - 1].due == 0) {
            out += open[--depth].is_map ? '}' : ']';
            part.ends(depth, out.size());
        }
        if (out.size() > limit) return errc::too_large;
        if (depth == 0) return p == end ? errc::ok : errc::malformed;
    }
}

} // namespace sigfire::inline v0_1::detail
