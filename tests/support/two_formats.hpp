// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hub_world {

using namespace sigfire;

/** Codecs of both formats in one, for peers that all talk JSON on the outside: the messages of one in two
 *  are made MessagePack before they are decoded, and those to it are made JSON when they were encoded. Those
 *  without the extras stay with JSON. */
class two_formats {
public:
    struct state {
        bool extras = false;
        bool packed = false; ///< this one is on MessagePack
        json::state json_state = {};
    };

    static constexpr bool checks_utf8 = true;

    /// `packed_first`: whether it is the first peer, or the second one, that is on MessagePack.
    explicit two_formats(const std::string& rtc_configuration = {}, bool packed_first = true)
        : json_{json{{.rtc_configuration = rtc_configuration}}},
          binary_{{.rtc_configuration = rtc_configuration}}, packed_next_(packed_first) {}

    /// The next peer is on MessagePack, or it is not; then they take turns again.
    void next_is_packed(bool packed) { packed_next_ = packed; }

    errc open(const request& rq, state& st, admission& ad) {
        const errc e = json_.open(rq, st.json_state, ad);
        st.extras = st.json_state.extras;
        st.packed = st.extras && packed_next_;
        if (st.extras) packed_next_ = !packed_next_;
        return e;
    }

    template <class Handler>
    errc decode(message m, state& st, Handler handler) const {
        if (!st.packed) return json_.decode(m, st.json_state, handler);
        const auto packed = codec::msgpack_from_json(m.view());
        auto bytes = packed ? *packed : std::string{"\xc1"}; // text that is no JSON is not MessagePack either
        binary::state none;
        const errc e = binary_.decode({bytes, message_type::binary}, none, handler);
        bytes.assign(bytes.size(), '#'); // nothing may be kept of it but copies
        return e;
    }

    template <class E>
        requires detail::has_word<json, E>
    std::size_t bound(const E& e, const state& st) const {
        if (!st.packed) return json_.bound(e, st.json_state);
        return text(e).size();
    }
    template <class E>
        requires detail::has_word<json, E>
    std::size_t encode(const E& e, const state& st, char* p) const {
        if (!st.packed) return json_.encode(e, st.json_state, p);
        const auto said = text(e);
        return said.copy(p, said.size());
    }
    template <class E>
        requires detail::has_word<json, E>
    errc objection(const E& e, const state& st) const {
        return st.packed ? binary_.objection(e, {}) : json_.objection(e, st.json_state);
    }
    template <class E>
        requires detail::has_word<json, E>
    message_type type(const E&, const state&) const {
        return message_type::text;
    }
    int share_key(const state& st) const { return st.packed ? 2 : json_.share_key(st.json_state); }
    ending end(errc why, const state& st) const { return json_.end(why, {st.extras}); }

private:
    template <class E>
    std::string text(const E& e) const {
        std::string bytes(binary_.bound(e, {}), '\0');
        if (bytes.empty()) return {};
        bytes.resize(binary_.encode(e, {}, bytes.data()));
        return codec::json_from_msgpack(bytes).value(); // throws if it is not valid
    }

    codec::transcoded<json> json_;
    binary binary_;
    bool packed_next_;
};

} // namespace hub_world
