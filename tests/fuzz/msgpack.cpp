// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as a message to both sides of the MessagePack codec, and through the translation either way: no
// crash; the scanner and the translation agree on valid bytes; the result of valid bytes is valid.
#include <sigfire/client/binary_client.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>

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

template <class Codec, class E>
std::string encode(const Codec& codec, const E& e, typename Codec::state st = {}) {
    const auto bound = codec.bound(e, st);
    std::vector<char> room(bound);
    const auto size = bound == 0 ? 0 : codec.encode(e, st, room.data());
    require(size <= bound && (size == 0) == (bound == 0));
    return {room.data(), size};
}

// What peers on either format are told of it.
template <class E>
void tell(const E& e) {
    const binary same;
    const codec::transcoded<json> other;
    const auto bytes = encode(same, e);
    require(bytes.empty() || is_msgpack(bytes));
    for (const bool extras : {false, true}) {
        const auto text = encode(other, e, {.extras = extras});
        require(text.empty() || is_json(text));
    }
}

void decode_as_server(std::string_view text) {
    std::vector<char> bytes(text.begin(), text.end());
    binary::state st{};
    const auto result = binary{}.decode({bytes}, st, [&]<class E>(E& e) {
        require(e.token.wire == wire_id::msgpack && (e.token.empty() || is_msgpack(e.token.bytes)));
        const auto valid = [](const payload& p) {
            require(p.wire == wire_id::msgpack && (p.empty() || is_msgpack(p.bytes)));
        };
        if constexpr (requires { e.data; }) valid(e.data);
        if constexpr (std::is_same_v<E, event::send>)
            require(!e.to.empty() || !e.topic.empty() || e.fault != errc::ok);
        if constexpr (requires { e.signal; })
            require(e.signal.body.empty() || e.data.bytes.find(e.signal.body) != e.data.bytes.npos);
        if constexpr (requires { e.from; }) {
            e.from = "a", e.id = "m1";
            tell(e);
        }
        if (!e.token.empty()) {
            tell(event::reply{.token = e.token, .text = e.command, .data = {}});
            if constexpr (requires { e.data; }) tell(event::reply{.token = e.token, .data = e.data});
        }
        if constexpr (requires { e.metadata; }) {
            valid(e.metadata);
            const event::member who[] = {{"a", e.metadata}};
            tell(event::member_list{.token = e.token, .members = who});
        }
        if constexpr (requires { e.value; }) {
            valid(e.value);
            const event::entry_change stated[] = {{e.key, e.value, "a"}};
            tell(event::presence{.id = "m1", .entries = stated});
        }
    });
    require(std::string_view(bytes.data(), bytes.size()) == text);
    if (result == errc::malformed) require(!is_msgpack(text));
    if (result == errc::ok) require(is_msgpack(text));
}

void decode_as_client(std::string_view text) {
    std::vector<char> bytes(text.begin(), text.end());
    const auto result = binary_client{}.decode({bytes}, [](auto& e) {
        if constexpr (requires { e.data; }) require(e.data.empty() || is_msgpack(e.data.bytes));
    });
    require(std::string_view(bytes.data(), bytes.size()) == text);
    if (result == errc::malformed) require(!is_msgpack(text));
    if (result == errc::ok) require(is_msgpack(text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> copy(data, data + size);
    const std::string_view text{copy.data(), size};
    decode_as_server(text);
    decode_as_client(text);

    // There and back again: a translated value no longer changes.
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
