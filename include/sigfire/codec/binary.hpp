// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/document.hpp>
#include <sigfire/codec/detail/msgpack_members.hpp>
#include <sigfire/codec/detail/own_requests.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/codec/detail/own_words.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

namespace codec {

/// The sub-protocol by which a peer asks for MessagePack.
inline constexpr std::string_view binary_subprotocol = "sigfire.v1.msgpack";

/** sigfire's own wire in MessagePack, server side: the messages of `codec::json` with the extras. Each
 *  message is one map with the same members (docs/reference/protocol.md).
 *
 *  Reads messages in place and writes them once, in the shortest form, without allocation in either
 *  direction. `data` may hold any value, also bytes, ext and timestamps, and passes unchanged. The codec
 *  checks the whole message: lengths, UTF-8 of strings, nesting of at most 512, nothing after the map. The
 *  last of equal members counts. Truth is as in JavaScript.
 *
 *  Text and binary messages are read alike; the codec writes binary. It cannot write payloads in other
 *  formats: see `binary`. */
class msgpack {
public:
    /// The state of a connection: none.
    struct state {};

    static constexpr wire_id format = wire_id::msgpack; ///< format of payloads on this wire
    static constexpr bool checks_utf8 = true; ///< the message itself is not text, even on a wire without
                                              ///< marks

    /// Sends no RTC configuration.
    msgpack() = default;

    /** `rtc_configuration`: JSON object for the welcome of each peer without a configuration of its own;
     *  empty = none. Throws `std::invalid_argument` if the text is not a JSON object. */
    explicit msgpack(std::string_view rtc_configuration) {
        if (rtc_configuration.empty()) return;
        auto packed = msgpack_from_json(rtc_configuration);
        if (!packed || !detail::is_msgpack_map(*packed))
            throw std::invalid_argument("sigfire: rtc_configuration is not a JSON object");
        configuration_ = *std::move(packed);
    }

    /** Accepts its sub-protocol at any place of the offered list, else answers with none. Never refuses.
     *  Leaves the id to the hub. */
    errc open(const request& rq, state&, admission& ad) const {
        if (rq.any_subprotocol([](std::string_view offered) { return offered == binary_subprotocol; }))
            ad.subprotocol = binary_subprotocol;
        detail::read_resume_query(rq, ad);
        return errc::ok;
    }

    /** Emits at most one event, as `json::decode` does with the extras. Payloads and tokens are
     *  `wire_id::msgpack`. Ignores other valid messages.
     *
     *  Errors: `malformed`, `internal_error` (nil), `missing_id`. */
    template <class Handler>
    errc decode(message m, state&, Handler&& handler) const {
        detail::msgpack_scanner text{m.view()};
        if (!text.at_map()) return detail::decode_msgpack_scalar(text);
        detail::json_request_members in;
        if (!detail::read_members(text, in)) return errc::malformed;
        const auto command = detail::msgpack_text(in.cmd);
        const auto* const known = detail::find_command(command);
        if (!known) return detail::decode_others<detail::msgpack_values>(in, command, m, true, handler);
        if (!detail::msgpack_truthy(in.id)) return errc::missing_id;
        return detail::decode_relayed<detail::msgpack_values>(in, *known, command, m, true, handler);
    }

    /// The exact number of bytes that `encode` will write.
    template <detail::own_word E>
    std::size_t bound(const E& e, const state&) const noexcept {
        return detail::word_size<detail::msgpack_document>(e, {.configuration = configuration_});
    }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    template <detail::own_word E>
    std::size_t encode(const E& e, const state&, char* p) const noexcept {
        return detail::put_word<detail::msgpack_document>(e, {.configuration = configuration_}, p);
    }

    /// Always binary.
    template <detail::own_word E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::binary;
    }

    /// One key for all connections.
    int share_key(const state&) const noexcept { return 0; }

    /// The same ending as `json` for peers with the extras.
    ending end(errc why, const state&) const noexcept { return detail::own_ending(why, true); }

private:
    std::string configuration_; // in MessagePack
};

/// Options of `binary`.
struct binary_options {
    std::string rtc_configuration = {}; ///< JSON object for the welcome of each peer without a configuration
                                        ///< of its own; empty = none
    std::size_t transcoded = transcoding_limit; ///< longest payload, in bytes, translated from another
                                                ///< format; a longer one fails with `too_large`
};

/** `msgpack` that also translates JSON payloads from other peers and from hooks: see `msgpack_from_json`. On
 *  the same hub, use `transcoded<json>` instead of `codec::json`. Otherwise the peers of `codec::json` do not
 *  get the messages of the peers of this codec.
 *
 *  One object for one loop, because the object keeps the last translated payload. */
class binary : public transcoded<msgpack> {
public:
    /// A codec with default options.
    binary() : binary(binary_options{}) {}

    /// Throws `std::invalid_argument` if `rtc_configuration` is neither empty nor a JSON object.
    explicit binary(const binary_options& options) : binary(options, transcoder{options.transcoded}) {}

    /// The same with formats of your own; the limit is that of `formats`, not `options.transcoded`.
    binary(const binary_options& options, transcoder formats)
        : transcoded(msgpack{options.rtc_configuration}, std::move(formats)) {}
};

static_assert(Codec<binary>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::binary;

} // namespace sigfire::inline v0_1
