// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/binary_client.hpp>

#include "support/client_calls.hpp"

#include <sigfire/client/json_client.hpp>
#include <sigfire/codec/binary.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using namespace sigfire;
using client_calls::decode, client_calls::encode, client_calls::heard, client_calls::heard_kind;
using namespace std::literals;

static_assert(std::is_same_v<binary_client, codec::binary_client>);
static_assert(binary_client::subprotocol == codec::binary_subprotocol);
static_assert(binary_client::type == message_type::binary);

std::string packed(std::string_view text) {
    const auto p = codec::msgpack_from_json(text);
    BOOST_TEST_REQUIRE(p.has_value(), text);
    return *p;
}

// What a client that reads JSON heard, with its values in MessagePack.
heard packed(heard h) {
    for (auto* value : {&h.configuration, &h.granted, &h.token, &h.data})
        if (!value->empty()) *value = packed(*value);
    return h;
}

// All that is said and heard on the page.
std::vector<std::string> page() {
    std::vector<std::string> out;
    std::ifstream file{SIGFIRE_TEST_DIR "/../docs/reference/protocol.md"};
    BOOST_TEST_REQUIRE(file.is_open());
    for (std::string s; std::getline(file, s);) {
        const auto at = s.find("{\"");
        if (s.starts_with("| `{\""))
            out.push_back(s.substr(at, s.rfind("` |", s.rfind(" | ")) - at));
        else if (at == 3 || (at == 4 && s[0] != ' '))
            out.push_back(s.substr(at));
    }
    // some are wrong by purpose
    std::erase_if(out, [](const std::string& s) { return !codec::msgpack_from_json(s); });
    BOOST_TEST_REQUIRE(out.size() > 300u);
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_binary_client)

BOOST_AUTO_TEST_CASE(hears_the_same_as_clients_of_json) {
    int kinds[4] = {};
    const auto same = [&](std::string_view text) {
        BOOST_TEST_CONTEXT(text) {
            const auto h = decode(binary_client{}, packed(text));
            BOOST_TEST((h == packed(decode(json_client{}, text))));
            ++kinds[static_cast<int>(h.kind)];
        }
    };
    for (const auto& text : page()) same(text);
    for (const int n : kinds) BOOST_TEST(n > 1);
    for (const auto text : {R"({"cmd":"welcome","data":{"id":"a","resume":{"token":"T"}}})",
                            R"({"cmd":"welcome","data":{"id":""}})",
                            R"({"cmd":"welcome","data":{"id":7}})",
                            R"({"cmd":"welcome"})",
                            R"({"id":1,"ok":false})",
                            R"({"id":[1],"ok":true,"data":{"polite":true}})",
                            R"({"id":1,"ok":true,"data":{"polite":false}})",
                            R"({"id":1,"ok":false,"data":{"message":"?","cause":"full"}})",
                            R"({"ok":true})",
                            R"({"id":1,"ok":1})",
                            R"({"id":1,"ok":false,"data":{"message":"Peer Offline","cause":7}})",
                            R"({"cmd":"x","origin":"a","topic":7,"request":-1,"polite":false})",
                            R"({"cmd":"x","origin":""})",
                            R"({"cmd":"ice","origin":"a","data":[1]})",
                            R"({"cmd":"dance","origin":"a","data":[1]})",
                            R"({"cmd":"a","data":{"id":1},"data":2})",
                            "null",
                            "7",
                            "[]",
                            "{}"})
        same(text);
}

BOOST_AUTO_TEST_CASE(hears_bytes_too) {
    const auto heard = decode(binary_client{}, "\x83\xa3"
                                               "cmd\xa5offer\xa6origin\xa1"
                                               "a\xa4"
                                               "data\x81\xa5offer\xc4\x02\xff\x00"s);
    BOOST_TEST((heard.data == "\x81\xa5offer\xc4\x02\xff\x00"s));
    BOOST_TEST(heard.from == "a");
}

BOOST_AUTO_TEST_CASE(ids_have_a_limit) {
    const auto welcome = [](std::size_t n) {
        return packed(R"({"cmd":"welcome","data":{"id":")" + std::string(n, 'x') + R"("}})");
    };
    BOOST_TEST(decode(binary_client{}, welcome(256)).id == std::string(256, 'x'));
    BOOST_TEST((decode(binary_client{}, welcome(257)).result == errc::bad_welcome));
    BOOST_TEST((decode(binary_client{}, welcome(900'000)).result == errc::bad_welcome));
}

BOOST_AUTO_TEST_CASE(says_the_same_as_clients_of_json) {
    int said = 0;
    for (const std::string_view command : {"", "offer", "ack"})
        for (const std::string_view token : {"", "7", R"("x")"})
            for (const std::string_view data : {"", R"({"a":1.5})", "42"})
                for (const std::string_view name : {"", "b\"ob"})
                    for (const std::uint64_t number : {0u, 300u})
                        for (const bool flag : {false, true}) {
                            client_request r;
                            r.command = command, r.token = token, r.data.bytes = data;
                            r.target = name, r.topic = flag ? name : "t", r.resuming = flag ? "" : name;
                            r.answered = number, r.failed = flag, r.echo = flag, r.droppable = !flag;
                            if (flag) r.received = number;
                            const auto text = encode(json_client{}, r);
                            const auto own = token.empty() ? ""s : packed(token);
                            r.token = own;
                            const auto expected = text.empty() ? text : packed(text);
                            BOOST_TEST((encode(binary_client{}, r) == expected), text);
                            said += !text.empty();
                            if (data.empty()) continue;
                            const auto bytes = packed(data);
                            r.data = {bytes, wire_id::msgpack};
                            BOOST_TEST((encode(binary_client{}, r) == expected), text);
                        }
    BOOST_TEST(said > 100);
}

BOOST_AUTO_TEST_CASE(says_nothing_where_it_cannot) {
    client_request r;
    r.token = "\x07", r.command = "offer", r.data.bytes = "{";
    BOOST_TEST(encode(binary_client{}, r) == "");
    const auto large = '"' + std::string(codec::transcoding_limit, 'x') + '"';
    r.data.bytes = large;
    BOOST_TEST(encode(binary_client{}, r) == "");
    r.data = {"\x01", static_cast<wire_id>(0x0080)};
    BOOST_TEST(encode(binary_client{}, r) == "");
    const binary_client one; // it keeps what it has translated last
    r.data = {};
    r.data.bytes = "[1]";
    const auto first = encode(one, r);
    r.data.bytes = "[2]";
    BOOST_TEST((encode(one, r) != first));
    r.data.bytes = "[1]";
    BOOST_TEST((encode(one, r) == first));
}

BOOST_AUTO_TEST_CASE(a_message_that_is_cut_off_or_goes_on_is_malformed) {
    for (const auto& text : page()) {
        const auto whole = packed(text);
        for (std::size_t n = 0; n < whole.size(); ++n)
            BOOST_TEST(
                (decode(binary_client{}, std::string_view{whole}.substr(0, n)).result == errc::malformed),
                text << " cut at " << n);
        BOOST_TEST((decode(binary_client{}, whole + "\x01").result == errc::malformed), text);
    }
}

BOOST_AUTO_TEST_CASE(invalid_msgpack_is_malformed) {
    const auto many = [](std::string_view s, unsigned n) {
        std::string out;
        while (n-- != 0) out += s;
        return out;
    };
    const auto head = "\x83\xa3"
                      "cmd\xa5offer\xa6origin\xa1"
                      "b\xa4"
                      "data"s;
    BOOST_TEST((decode(binary_client{}, head + "\x81\xa5offer\x01").result == errc::ok));
    BOOST_TEST((decode(binary_client{}, head + many("\x91", 511) + "\x01").result == errc::ok));
    for (const auto& bad : {"\xc1"s, "\x81\xa5offer\xc1"s, "\x81\xa5offer\xdd\xff\xff\xff\xff"s,
                            "\xdf\xff\xff\xff\xff"s, "\xdb\xff\xff\xff\xff"s, "\xa1\xff"s,
                            "\x81\xa5offer\xa1\xff"s, "\x81\xa1\xff\x01"s, many("\x91", 512) + "\x01"})
        BOOST_TEST((decode(binary_client{}, head + bad).result == errc::malformed));
    for (const auto& bad :
         {""s, "\x81"s, "\xa1\xff"s, "\xc1"s, R"({"cmd":"a","id":1})"s, many("\x91", 513) + "\x01"})
        BOOST_TEST((decode(binary_client{}, bad).result == errc::malformed));
    BOOST_TEST((decode(binary_client{}, "\xc0").result == errc::internal_error));
}

BOOST_AUTO_TEST_CASE(ends_as_clients_of_json_do) {
    for (int i = 0; i <= static_cast<int>(errc::ended); ++i) {
        const auto why = static_cast<errc>(i);
        const auto a = binary_client{}.end(why), b = json_client{}.end(why);
        BOOST_TEST((a.http_status == b.http_status && a.close_code == b.close_code && a.text == b.text));
    }
}

BOOST_AUTO_TEST_SUITE_END()
