// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_to_msgpack.hpp>
#include <sigfire/codec/detail/msgpack_to_json.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/codec/detail/transcoded_part.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

namespace codec {

/** Rules by which JSON (RFC 8259) becomes MessagePack and the other way round. No value is refused; time and
 *  memory are linear in what is read, nothing recurses.
 *
 *  JSON to MessagePack:
 *  - Whole numbers are exact from -2^63 to 2^64-1; `-0` is 0. All others, also those with fraction or
 *    exponent, are the nearest float of 64 bits: `1e400` is infinity, `1e-400` zero.
 *  - Strings lose their escapes; half of a surrogate pair (`"\ud800"`) becomes U+FFFD.
 *
 *  MessagePack to JSON:
 *  - Whole numbers are exact, of 64 bits too, though JavaScript will round them when it reads them. Floats
 * are the shortest text that is read as the same double, whole ones up to 2^53 without fraction or exponent;
 *    NaN and the infinities are `null`.
 *  - Bytes are a string: base64 (RFC 4648, section 4, padded). So is an ext with its type, a timestamp too:
 * the base64 of the whole value as it stood.
 *  - Keys that are no strings become strings: `1`, `-1`, `0.5`, `true` and `nil` as JSON writes them, bytes
 * in base64; ext, arrays and maps as the base64 of the whole value.
 *
 *  Either way members keep their order, and equal keys stay: the last of them counts, for this library as for
 *  JavaScript. A key that becomes equal to another only by this is no exception. Arrays and objects are
 * nested 512 deep at most. */
inline result<std::string> msgpack_from_json(std::string_view text) {
    std::string out;
    detail::transcoded_part none;
    const errc failed = detail::json_to_msgpack(text, out, std::numeric_limits<std::size_t>::max(), none);
    if (failed != errc::ok) return make_error_code(failed);
    return out;
}

/// The other way: the rules stand at `msgpack_from_json`. Error of both: `malformed`, if what is to be read
/// is not valid.
inline result<std::string> json_from_msgpack(std::string_view bytes) {
    std::string out;
    detail::transcoded_part none;
    const errc failed = detail::msgpack_to_json(bytes, out, std::numeric_limits<std::size_t>::max(), none);
    if (failed != errc::ok) return make_error_code(failed);
    return out;
}

/// Longest payload, in bytes, that is made of one in the other format; the same as the default limit of
/// messages.
inline constexpr std::size_t transcoding_limit = 1u << 20;

} // namespace codec

namespace detail {

/** Writes in the format `To` what stands in the other. It keeps the last payload and what became of it, so
 *  that several who ask for the same, or one who asks again, cost a comparison. */
template <payload_format To>
class payload_transcoder {
public:
    explicit payload_transcoder(std::size_t limit) : limit_(limit) {}

    /// Puts `p`, of the other format, into this one. Its views are valid until the next call. Errors:
    /// `malformed`, `too_large`; then `p` has no bytes.
    errc operator()(payload& p) {
        const std::less_equal<> before; // also of pointers into two things
        const bool within = !p.signal.empty() && before(p.bytes.data(), p.signal.data()) &&
                            before(p.signal.data() + p.signal.size(), p.bytes.data() + p.bytes.size());
        const auto at =
            within ? static_cast<std::size_t>(p.signal.data() - p.bytes.data()) : std::string::npos;
        if (at != signal_at_ || source_ != p.bytes || source_.empty()) {
            source_.clear(); // should memory run out, nothing is kept
            text_.clear();
            part_ = transcoded_part{within ? p.signal : std::string_view{}};
            if constexpr (To == payload_format::json)
                failed_ = msgpack_to_json(p.bytes, text_, limit_, part_);
            else
                failed_ = json_to_msgpack(p.bytes, text_, limit_, part_);
            source_ = p.bytes;
            signal_at_ = at;
        }
        const bool good = failed_ == errc::ok;
        p.format = To;
        p.bytes = good ? std::string_view{text_} : std::string_view{};
        p.signal = good ? part_.in(text_) : std::string_view{};
        return failed_;
    }

private:
    std::size_t limit_;
    std::string source_, text_;
    std::size_t signal_at_ = std::string::npos;
    transcoded_part part_;
    errc failed_ = errc::ok;
};

/// Makes envelopes of the other format such of the format `To`: payload, signal, and in replies the token.
template <payload_format To>
class envelope_transcoder {
public:
    explicit envelope_transcoder(std::size_t limit) : payload_(limit), token_(limit) {}

    /// Whether `e` is in this format already.
    static bool is_own(const envelope& e) noexcept {
        return (e.data.format == To || e.data.bytes.empty()) && (e.what != verb::reply || is_own_token(e.id));
    }

    /** `e` in this format; its views are valid until the next call. A payload that cannot be had is left out,
     *  and `failed` says why; a reply then says so itself. */
    envelope operator()(const envelope& e, errc& failed) {
        auto own = e;
        failed = errc::ok;
        if (e.data.format != To) {
            if (e.data.bytes.empty())
                own.data.format = To;
            else
                failed = payload_(own.data);
        }
        if (e.what != verb::reply) return own;
        if (std::exchange(failed, errc::ok) != errc::ok && is_verdict(own.status))
            own.status = errc::too_large;
        if (!is_own_token(e.id)) own.id = own_token(e.id);
        return own;
    }

private:
    static bool is_own_token(std::string_view id) noexcept {
        return is_msgpack_token(id) == (To == payload_format::binary);
    }

    std::string_view own_token(std::string_view id) {
        payload p;
        if constexpr (To == payload_format::json) {
            p.bytes = id.substr(msgpack_token_mark.size());
            return token_(p) == errc::ok ? p.bytes : std::string_view{"null"};
        } else {
            p.bytes = id;
            marked_ = msgpack_token_mark;
            marked_ += token_(p) == errc::ok ? p.bytes : std::string_view{"\xc0"};
            return marked_;
        }
    }

    payload_transcoder<To> payload_, token_;
    std::string marked_;
};

} // namespace detail

namespace codec {

/** A codec `C` whose payloads are JSON, for a hub that also has peers on `codec::binary`: what those say is
 *  translated for its peers, signals included; see `msgpack_from_json`. What is JSON costs a comparison more
 *  than with `C` alone.
 *
 *  A payload that would be longer than `limit` bytes as JSON is not sent: who says it is told `too_large`,
 * and whoever waits for it as the answer to a request too. To the members of a topic it is just not sent.
 *
 *  One object for one loop: it keeps the last payload that it has translated. */
template <class C>
class transcoded : public C {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");

public:
    using state = typename C::state;

    explicit transcoded(C codec = C{}, std::size_t limit = transcoding_limit)
        : C(std::move(codec)), to_json_(limit) {}

    std::size_t bound(const envelope& e, const state& st) const {
        if (is_json(e)) [[likely]]
            return C::bound(e, st);
        errc failed;
        const auto own = to_json_(e, failed);
        return failed == errc::ok ? C::bound(own, st) : 0;
    }

    std::size_t encode(const envelope& e, const state& st, char* p) const {
        if (is_json(e)) [[likely]]
            return C::encode(e, st, p);
        errc failed;
        const auto own = to_json_(e, failed);
        return failed == errc::ok ? C::encode(own, st, p) : 0;
    }

    /// What this wire has against `e`: `too_large`, or `ok`.
    errc objection(const envelope& e, const state&) const {
        if (is_json(e)) [[likely]]
            return errc::ok;
        errc failed;
        to_json_(e, failed);
        return failed;
    }

private:
    static bool is_json(const envelope& e) noexcept {
        return e.data.format == payload_format::json &&
               (e.what != verb::reply || !detail::is_msgpack_token(e.id));
    }

    mutable detail::envelope_transcoder<payload_format::json> to_json_;
};

} // namespace codec

} // namespace sigfire
