// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/json.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <type_traits>
#include <vector>

/// Calls of a JSON codec, with memory of exactly the size that is asked for.
namespace codec_calls {

using namespace sigfire;

/// What became of a message, copied.
struct decoded {
    errc result = errc::ok;
    int count = 0;
    verb what = verb::other;
    errc status = errc::ok;
    std::string id, command, from, to, bytes, signal, whole;
    signal_kind kind = signal_kind::none;
    bool has_offer = false;
};

template <class Codec>
decoded decode(const Codec& codec, std::string text, message_type type = message_type::text) {
    decoded d;
    const auto before = text;
    typename Codec::state st{};
    // memory of exactly the message's size
    std::vector<char> bytes(text.begin(), text.end());
    d.result = codec.decode({bytes, type}, st, [&](envelope& e) {
        ++d.count;
        d.what = e.what, d.status = e.status, d.kind = e.data.kind, d.has_offer = e.data.has_offer;
        d.id = e.id, d.command = e.command, d.from = e.from, d.to = e.to;
        d.bytes = e.data.bytes, d.signal = e.data.signal, d.whole = e.whole.view();
        if constexpr (std::is_same_v<Codec, codec::json>) // a client may hear from the server itself
            BOOST_TEST((e.what != verb::send || !e.to.empty() || e.status != errc::ok));
        BOOST_TEST((e.data.format == payload_format::json));
        BOOST_TEST((e.whole.type == type));
    });
    BOOST_TEST(std::string(bytes.begin(), bytes.end()) == before);
    BOOST_TEST(d.count <= 1);
    if (d.count != 0) BOOST_TEST(d.whole == before);
    return d;
}

template <class Codec>
std::string encode(const Codec& codec, const envelope& e, typename Codec::state st = {}) {
    std::vector<char> room(codec.bound(e, st));
    const auto size = codec.encode(e, st, room.data());
    BOOST_TEST(size <= room.size());
    BOOST_TEST((size == 0) == room.empty());
    return {room.data(), size};
}

} // namespace codec_calls
