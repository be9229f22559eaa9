// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as a message to both sides of the JSON codec: no crash; all kernels agree; an accepted text is
// JSON for Boost.JSON too, and so is the text made of it.
#include <sigfire/client/json_client.hpp>
#include <sigfire/codec/json.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

enum class verdict { json, not_json, no_boost_value };

verdict by_boost(std::string text) {
    // No surrogates: Boost refuses those that stand alone.
    for (std::size_t i = 0; i + 2 < text.size(); ++i)
        if (text[i] == '\\' && text[i + 1] == 'u' && (text[i + 2] | 0x20) == 'd') text[i + 2] = '0';
    boost::json::parse_options options;
    options.max_depth = detail::json_max_depth;
    boost::json::stream_parser parser{{}, options};
    boost::system::error_code ec;
    parser.write(text, ec);
    if (!ec) parser.finish(ec);
    if (ec == boost::json::error::exponent_overflow) return verdict::no_boost_value;
    return ec ? verdict::not_json : verdict::json;
}

template <bool Check>
void kernels_agree(const char* p, const char* end) {
    using loop = detail::json_string_loop<Check>;
    const auto expected = loop::template run<detail::swar>(p, end);
    require(expected == loop::template run<detail::baseline>(p, end));
    require(expected == detail::best_kernel<loop>::call(p, end));
}

template <class Write>
void require_json(std::size_t bound, Write write) {
    std::vector<char> out(bound);
    const auto size = bound == 0 ? 0 : write(out.data());
    require(size <= out.size() && (size == 0) == out.empty());
    if (size != 0) require(by_boost({out.data(), size}) != verdict::not_json);
}

void require_verdict(errc result, message_type type, verdict expected) {
    if (expected == verdict::json) require(result != errc::malformed && result != errc::bad_utf8);
    if (expected == verdict::not_json) require(result == errc::malformed || result == errc::bad_utf8);
    require(type == message_type::text || result != errc::bad_utf8);
}

void decode_as_server(std::string_view text, message_type type, bool extras, verdict expected) {
    const json codec;
    std::vector<char> bytes(text.begin(), text.end());
    json::state st{extras};
    const auto tell = [&](const auto& e) {
        for (const json::state to : {json::state{false}, json::state{true}})
            require_json(codec.bound(e, to), [&](char* p) { return codec.encode(e, to, p); });
    };
    const auto result = codec.decode({bytes, type}, st, [&]<class E>(E& e) {
        if constexpr (std::is_same_v<E, event::send>) {
            require(!e.to.empty() || !e.topic.empty() || e.fault != errc::ok);
            require(e.signal.body.empty() || e.data.bytes.find(e.signal.body) != e.data.bytes.npos);
        }
        if constexpr (requires { e.from, e.to; }) { // turned round
            e.id = "m1", e.from = e.to;
            tell(e);
        }
        if (!e.token.empty()) tell(event::reply{.token = e.token, .text = e.command, .data = {}});
        if constexpr (requires { e.metadata; }) {
            const event::member who[] = {{e.command, e.metadata}};
            tell(event::member_list{.token = {"1"}, .members = who});
            if (!e.metadata.empty()) require(by_boost(std::string{e.metadata.bytes}) != verdict::not_json);
        }
        if constexpr (requires { e.value; }) {
            const event::entry_change stated[] = {{e.key, e.value, e.topic}};
            if (e.fault == errc::ok) tell(event::presence{.id = "m1", .entries = stated});
        }
    });
    require(std::equal(bytes.begin(), bytes.end(), text.begin()));
    require_verdict(result, type, expected);
}

void decode_as_client(std::string_view text, message_type type, verdict expected) {
    const json_client codec;
    std::vector<char> bytes(text.begin(), text.end());
    const auto result = codec.decode({bytes, type}, [&](auto& e) {
        if constexpr (requires { e.from; }) {
            client_request r;
            r.command = e.command, r.target = e.from, r.topic = e.topic, r.data = e.data, r.token = "1";
            require_json(codec.bound(r), [&](char* p) { return codec.encode(r, p); });
        }
    });
    require(std::equal(bytes.begin(), bytes.end(), text.begin()));
    require_verdict(result, type, expected);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> copy(data, data + size);
    const std::string_view text{copy.data(), size};
    kernels_agree<true>(copy.data(), copy.data() + size);
    kernels_agree<false>(copy.data(), copy.data() + size);
    const auto expected = by_boost(std::string(text));
    for (const auto type : {message_type::text, message_type::binary}) {
        decode_as_server(text, type, false, expected);
        decode_as_server(text, type, true, expected);
        decode_as_client(text, type, expected);
    }
    std::vector<char> bytes(copy);
    json::state st;
    codec::json_options options;
    options.check = codec::json_check::trusted;
    json{options}.decode({bytes}, st, [](auto&) {});
    return 0;
}
