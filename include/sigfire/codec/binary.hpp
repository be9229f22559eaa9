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

namespace sigfire {

namespace codec {

/// The sub-protocol by which a peer asks for MessagePack.
inline constexpr std::string_view binary_subprotocol = "sigfire.v1.msgpack";

/** sigfire's own words in MessagePack, server side: those of `codec::json` with the extras, one map a message
 *  with the same members (docs/reference/protocol.md).
 *
 *  Messages are read in place and written once, in the shortest form; neither direction allocates. `data` is
 *  opaque and may hold anything, also bytes, ext and timestamps; it is passed on as it stands. All of a
 *  message is checked: lengths, UTF-8 of strings, nesting of at most 512, nothing behind the map. The last of
 *  equal members counts. A value is true if JavaScript takes it for true.
 *
 *  A message is read alike whether it is marked as text or binary; the codec writes binary. Payloads in other
 *  formats it cannot write: see `binary`. */
class msgpack {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr wire_id format = wire_id::msgpack; ///< of the payloads that it reads and writes
    static constexpr bool checks_utf8 = true;           // messages are no text, even on a wire without marks

    msgpack() = default;

    /// `rtc_configuration`: JSON object sent to each peer in its welcome, unless it has one of its own; empty
    /// = none. Throws `std::invalid_argument` if it is neither.
    explicit msgpack(std::string_view rtc_configuration) {
        if (rtc_configuration.empty()) return;
        auto packed = msgpack_from_json(rtc_configuration);
        if (!packed || !detail::is_msgpack_map(*packed))
            throw std::invalid_argument("sigfire: rtc_configuration is not a JSON object");
        configuration_ = *std::move(packed);
    }

    /// Answers with its sub-protocol if that is offered, anywhere in the list, else with none. Never refuses.
    /// The id is left to the hub.
    errc open(const request& rq, state&, admission& ad) const {
        if (rq.any_subprotocol([](std::string_view offered) { return offered == binary_subprotocol; }))
            ad.subprotocol = binary_subprotocol;
        detail::read_resume_query(rq, ad);
        return errc::ok;
    }

    /** Emits at most one event, as `json::decode` does with the extras. Payloads and tokens are
     *  `wire_id::msgpack`. Other valid messages are ignored.
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

    /// The exact size that `encode` will write.
    template <detail::own_word E>
    std::size_t bound(const E& e, const state&) const noexcept {
        return detail::word_size<detail::msgpack_document>(e, {.configuration = configuration_});
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    template <detail::own_word E>
    std::size_t encode(const E& e, const state&, char* p) const noexcept {
        return detail::put_word<detail::msgpack_document>(e, {.configuration = configuration_}, p);
    }

    template <detail::own_word E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::binary;
    }

    /// One for all.
    int share_key(const state&) const noexcept { return 0; }

    /// As `json` ends it for peers with the extras.
    ending end(errc why, const state&) const noexcept { return detail::own_ending(why, true); }

private:
    std::string configuration_; // in MessagePack
};

/// Options of `binary`.
struct binary_options {
    std::string rtc_configuration = {}; ///< JSON object sent to each peer in its welcome, unless it has one
                                        ///< of its own; empty = none
    std::size_t transcoded = transcoding_limit; ///< longest payload, in bytes, made of one in another format;
                                                ///< a longer one is `too_large`
};

/** `msgpack`, and payloads in JSON, those of other peers and of the hub's hooks, are translated: see
 *  `msgpack_from_json`. Listeners with `codec::json` on the same hub want to be `transcoded<json>`, else
 * their peers do not hear the peers of this codec.
 *
 *  One object for one loop: it keeps the last payload that it has translated. */
class binary : public transcoded<msgpack> {
public:
    binary() : binary(binary_options{}) {}

    /// Throws `std::invalid_argument` if `rtc_configuration` is not empty and not a JSON object.
    explicit binary(const binary_options& options) : binary(options, transcoder{options.transcoded}) {}

    /// The same with formats of your own; the limit is that of the transcoder.
    binary(const binary_options& options, transcoder formats)
        : transcoded(msgpack{options.rtc_configuration}, std::move(formats)) {}
};

static_assert(Codec<binary>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::binary;

} // namespace sigfire
