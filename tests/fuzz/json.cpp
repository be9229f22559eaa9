// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as a message to both sides of the JSON codec: no crash; all kernels agree; what is accepted is
// JSON for Boost.JSON too, and what is made of it as well.
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

template <class Codec, class Other>
void decode(const Codec& codec, const Other& other, std::string_view text, message_type type,
            verdict expected) {
    std::vector<char> bytes(text.begin(), text.end());
    typename Codec::state st{};
    const auto result = codec.decode({bytes, type}, st, [&](envelope& e) {
        // a client may hear from the server itself, which has no id
        if (std::is_same_v<Codec, json_client> && e.from.empty()) e.from = "server";
        require(e.what != verb::send || !e.to.empty() || !e.from.empty() || e.status != errc::ok);
        require(e.data.signal.empty() || e.data.bytes.find(e.data.signal) != e.data.bytes.npos);
        if (e.what != verb::send || e.status != errc::ok) return;
        // turned round
        if (e.from.empty())
            e.from = e.to, e.id = "m1";
        else
            e.to = e.from, e.id = "1";
        typename Other::state other_state{};
        std::vector<char> out(other.bound(e, other_state));
        require(!out.empty());
        const auto written = other.encode(e, other_state, out.data());
        require(written != 0 && written <= out.size());
        require(by_boost({out.data(), written}) != verdict::not_json);
    });
    require(std::equal(bytes.begin(), bytes.end(), text.begin()));
    if (expected == verdict::json) require(result != errc::malformed && result != errc::bad_utf8);
    if (expected == verdict::not_json) require(result == errc::malformed || result == errc::bad_utf8);
    require(type == message_type::text || result != errc::bad_utf8);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> copy(data, data + size);
    const std::string_view text{copy.data(), size};
    kernels_agree<true>(copy.data(), copy.data() + size);
    kernels_agree<false>(copy.data(), copy.data() + size);
    const auto expected = by_boost(std::string(text));
    const json server;
    const json_client client;
    for (const auto type : {message_type::text, message_type::binary}) {
        decode(server, server, text, type, expected);
        decode(client, client, text, type, expected);
    }
    std::vector<char> bytes(copy);
    json::state st;
    codec::json_options options;
    options.check = codec::json_check::trusted;
    json{options}.decode({bytes}, st, [](envelope&) {});
    return 0;
}
