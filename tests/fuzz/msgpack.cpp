// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as a message to both sides of the MessagePack codec, and through the translation either way: no
// crash; the scanner and the translation agree on what is valid; what is made of valid bytes is valid.
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

bool is_msgpack(std::string_view s) {
    detail::msgpack_scanner scan{s};
    return !scan.value().empty() && scan.finished();
}

bool is_json(std::string_view s) {
    detail::json_scanner scan{s};
    return scan.first() != '\0' && !scan.value().empty() && scan.finished();
}

template <class Codec>
std::string encode(const Codec& codec, const envelope& e) {
    const typename Codec::state st{};
    const auto bound = codec.bound(e, st);
    std::vector<char> room(bound);
    const auto size = codec.encode(e, st, room.data());
    require(size <= bound && (size == 0) == (bound == 0));
    return {room.data(), size};
}

template <class Codec>
void decode(const Codec& codec, std::string_view text) {
    std::vector<char> bytes(text.begin(), text.end());
    typename Codec::state st{};
    const auto result = codec.decode({bytes}, st, [&](envelope& e) {
        constexpr bool is_client = std::is_same_v<Codec, binary_client>;
        require(is_client || e.what != verb::send || !e.to.empty() || !e.topic.empty() ||
                e.status != errc::ok);
        require(e.data.signal.empty() || e.data.bytes.find(e.data.signal) != e.data.bytes.npos);
        if (e.data.format == payload_format::binary) require(is_msgpack(e.data.bytes));
        if (is_client || e.what == verb::resume) return; // whose bytes are a bare token
        if (!e.id.empty()) require(detail::is_msgpack_token(e.id) && is_msgpack(e.id.substr(2)));
        // what others are told of it, and its reply
        const codec::transcoded<json> other;
        const auto token = e.id;
        for (const auto what : {verb::send, verb::reply}) {
            if (what == verb::reply && token.empty()) continue;
            e.what = what, e.status = errc::ok, e.from = "a", e.id = what == verb::reply ? token : "m1";
            const auto same = encode(codec, e);
            require(same.empty() || is_msgpack(same));
            json::state extras{.extras = true};
            std::vector<char> room(other.bound(e, extras));
            const auto size = other.encode(e, extras, room.data());
            require(size <= room.size() && (size == 0) == room.empty());
            require(room.empty() || is_json({room.data(), size}));
        }
    });
    require(std::string_view(bytes.data(), bytes.size()) == text);
    if (result == errc::malformed) require(!is_msgpack(text));
    if (result == errc::ok) require(is_msgpack(text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> copy(data, data + size);
    const std::string_view text{copy.data(), size};
    decode(binary{}, text);
    decode(binary_client{}, text);

    // There and back again: what was translated once, no longer changes.
    const auto as_json = codec::json_from_msgpack(text);
    require(as_json.has_value() == is_msgpack(text));
    if (as_json) {
        require(is_json(*as_json));
        const auto again = codec::msgpack_from_json(*as_json);
        require(again && is_msgpack(*again));
        require(*codec::json_from_msgpack(*again) == *as_json);
    }
    const auto packed = codec::msgpack_from_json(text);
    require(packed.has_value() == is_json(text));
    if (packed) {
        require(is_msgpack(*packed));
        const auto back = codec::json_from_msgpack(*packed);
        require(back && is_json(*back));
    }
    return 0;
}
