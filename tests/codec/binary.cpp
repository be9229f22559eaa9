// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/codec/binary.hpp>

#include "support/codec_calls.hpp"
#include "support/own_words.hpp"

#include <sigfire/codec/json.hpp>

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::literals;
using codec::msgpack_from_json, codec::json_from_msgpack;
using codec_calls::decode, codec_calls::decoded, codec_calls::encode;

static_assert(std::is_same_v<binary, codec::binary>);
static_assert(std::is_empty_v<binary::state>);
static_assert(binary::format == wire_id::msgpack && json::format == wire_id::json);

std::string packed(std::string_view text) {
    auto r = msgpack_from_json(text);
    BOOST_TEST_REQUIRE(r.has_value(), text);
    return *r;
}

constexpr json::state extras{.extras = true};

// What JSON's codec made of a message, with all values in MessagePack.
decoded packed(decoded d) {
    for (auto* const value : {&d.token, &d.bytes, &d.body, &d.metadata, &d.value})
        if (!value->empty()) *value = packed(*value);
    return d;
}

// Both codecs make the same of the same message.
void same_for_both(std::string_view text) {
    BOOST_TEST(decode(binary{}, packed(text)) == packed(decode(json{}, text, extras)), text);
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
    std::erase_if(out,
                  [](const std::string& s) { return !msgpack_from_json(s); }); // some are wrong by purpose
    BOOST_TEST_REQUIRE(out.size() > 300u);
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_binary)

BOOST_AUTO_TEST_CASE(laws) {
    const auto check = [](bool law, const char* what) { BOOST_TEST(law, what); };
    sigfire::test::codec_laws(binary{}, check);
    sigfire::test::codec_laws(codec::msgpack{}, check);
}

BOOST_AUTO_TEST_CASE(all_that_stands_on_the_page_is_read_as_json_is) {
    for (const auto& text : page()) same_for_both(text);
}

BOOST_AUTO_TEST_CASE(odd_requests_are_read_as_json_is) {
    for (
        const auto text : {
            R"({"cmd":"offer","id":1,"target":"b"})",
            R"({"cmd":"offer","id":1,"target":"b","data":7})",
            R"({"cmd":"offer","id":1,"target":7,"data":{"offer":1}})",
            R"({"cmd":"offer","id":1,"target":{},"data":{"offer":1}})",
            R"({"cmd":"offer","id":1,"target":0,"data":{"offer":1}})",
            R"({"cmd":"offer","id":1,"topic":"t","data":{"offer":1}})",
            R"({"cmd":"offer","id":1,"topic":7,"data":{"offer":1}})",
            R"({"cmd":"offer","id":1,"data":{"sdp":"v=0","offer":""},"target":"b"})",
            R"({"cmd":"offer","id":1,"data":{"sdp":"v=0","offer":0.0},"target":"b"})",
            R"({"cmd":"answer","id":1,"data":{"answer":1,"offer":null},"target":"b"})",
            R"({"cmd":"ice","id":1,"data":{"candidate":1},"data":{},"target":"b"})",
            R"({"cmd":"ice","id":1,"data":{"candidate":1},"data":2,"target":"b"})",
            R"({"cmd":"ice","id":1,"data":2,"data":{"candidate":[1]},"target":"b"})",
            R"({"cmd":"x","cmd":"ice","id":2,"id":[1],"target":5,"target":"b","data":{"candidate":2,"candidate":3}})",
            R"({"cmd":"session-start","id":1,"target":"b","data":{"a":{"b":[]}}})",
            R"({"cmd":"session-start","id":1,"target":"b","data":[1]})",
            R"({"cmd":"bye","id":1,"target":"b","data":[1]})",
            R"({"cmd":"bye","id":1})",
            R"({"cmd":"bye","id":1,"target":[]})",
            R"({"cmd":"bye","id":"","target":"b"})",
            R"({"cmd":"bye","id":{"a":1},"target":"b","topic":"t"})",
            R"({"cmd":"publish","id":1,"topic":"t","echo":1,"volatile":"yes","data":null})",
            R"({"cmd":"publish","id":1,"topic":"t","echo":0,"volatile":""})",
            R"({"cmd":"publish","id":1,"topic":[]})",
            R"({"cmd":"request","id":1,"target":"b"})",
            R"({"cmd":"request","id":1,"target":["b"]})",
            R"({"cmd":"respond","request":18446744073709551615,"ok":false})",
            R"({"cmd":"respond","request":-1,"ok":0})",
            R"({"cmd":"respond","request":"1","ok":null,"id":0})",
            R"({"cmd":"resume","id":1,"token":"abc","received":7})",
            R"({"cmd":"resume","id":1,"token":"","received":7})",
            R"({"cmd":"resume","id":1,"token":7})",
            R"({"cmd":"resume","id":1,"token":0,"data":{"a":1}})",
            R"({"cmd":"resume","id":1,"data":{"a":1}})",
            R"({"cmd":"ack","received":1.5})",
            R"({"cmd":"join","topic":"t"})",
            R"({"cmd":"join","topic":"t","id":1,"data":{"metadata":{"a":[1,{"b":null}]},"limit":3}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":"k\u00e9\"","value":0.5}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":"","value":null,"ttl":1}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":7,"value":1}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":"k"}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":"k","value":1,"ttl":0}})",
            R"({"cmd":"set","topic":"t","id":1,"data":{"key":"k","value":1,"ttl":-1}})",
            R"({"cmd":"set","topic":"t","id":1,"data":[]})",
            R"({"cmd":"unset","topic":"t","id":1,"data":{}})",
            R"({"cmd":"join","topic":"t","id":1,"data":{"metadata":7}})",
            R"({"cmd":"join","topic":"t","id":1,"data":{"match":1}})",
            R"({"cmd":"join","topic":"t","id":1,"data":{"match":2,"limit":1.5}})",
            R"({"cmd":"join","topic":"t","id":1,"data":{"limit":"1"}})",
            R"({"cmd":"join","topic":"t","id":1,"data":null})",
            R"({"cmd":"join","topic":"t","id":1,"target":"b"})",
            R"({"cmd":"leave","id":1,"data":7})",
            R"({"cmd":"lookup","topic":"t","id":1,"data":{"limit":null}})",
            R"({"cmd":"lookup","topic":"t","id":1,"data":{"limit":18446744073709551615}})",
            R"({"cmd":"create","id":1,"data":{"metadata":[1]}})",
            R"({"cmd":"create","id":1,"data":1})",
            R"({"cmd":"update","id":1,"data":{}})",
            R"({"cmd":"delete","id":1,"data":"x"})",
            R"({"cmd":"watch","target":7,"id":1})",
            R"({"cmd":"delete","id":true})",
            R"({"cmd":"dance","id":1,"target":"b","data":[1,"x"]})",
            R"({"cmd":"dance"})",
            R"({"cmd":["ice"],"id":1})",
            R"({"id":1})",
            R"({"a":{"cmd":"ice"}})",
            R"([{"cmd":"ice"}])",
            R"("x")",
            R"(1e400)",
            R"(null)",
            R"({})",
        })
        same_for_both(text);
}

BOOST_AUTO_TEST_CASE(payloads_stand_where_they_stood) {
    // bytes, ext, a timestamp, float32 and a length longer than needed; bytes are no texts
    const auto data = "\x85\xa5offer\xc4\x02\xff\xfe\xa1t\xd6\xff\x00\x00\x00\x01\xa1x\xd4\x05z\xa1"
                      "f\xca\x3f\x80\x00\x00\x01\xd9\x01y"s;
    const auto said = "\x84\xa3"
                      "cmd\xa5offer\xa6target\xa1"
                      "b\xa2id\xd9\x01q\xa4"
                      "data" +
                      data;
    const auto d = decode(binary{}, said);
    BOOST_TEST((d.fault == errc::ok));
    BOOST_TEST((d.bytes == data));
    BOOST_TEST((d.body == "\xc4\x02\xff\xfe"));
    BOOST_TEST((d.token == "\xd9\x01q"));

    event::send e;
    e.id = "m1", e.command = "offer", e.from = "a";
    e.data = {data, wire_id::msgpack}, e.signal.kind = signal_kind::offer;
    const auto passed_on = "\x84\xa2id\xa2m1\xa3"
                           "cmd\xa5offer\xa6origin\xa1"
                           "a\xa4"
                           "data" +
                           data;
    BOOST_TEST((encode(binary{}, e) == passed_on));
}

BOOST_AUTO_TEST_CASE(tokens_come_back_as_they_came) {
    for (const auto token :
         {"\x07"sv, "\xa1x"sv, "\xd9\x01x"sv, "\xc4\x01\xff"sv, "\xd4\x05z"sv, "\x91\xc0"sv, "\x80"sv,
          "\xc3"sv, "\xff"sv, "\xcd\x00\x01"sv, "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"sv})
        for (const auto name : {"\xa2id"sv, "\xd9\x02id"sv, "\xda\x00\x02id"sv}) {
            const auto said = "\x82\xa3"
                              "cmd\xa6"
                              "exists"s.append(name)
                                  .append(token);
            std::vector<char> bytes(said.begin(), said.end());
            binary::state st;
            std::string back;
            binary{}.decode({bytes}, st,
                            [&](auto& e) { back = encode(binary{}, event::reply{.token = e.token}); });
            BOOST_TEST((back == "\x82\xa2id" + std::string{token} + "\xa2ok\xc3"));
        }
    for (const auto none : {"\xc0"sv, "\xc2"sv, "\0"sv, "\xcc\0"sv, "\xa0"sv, "\xca\0\0\0\0"sv}) {
        const auto said = "\x82\xa3"
                          "cmd\xa6"
                          "exists\xa2id"s.append(none);
        BOOST_TEST((decode(binary{}, said).result == errc::missing_id));
    }
    // of a connection on JSON
    event::reply r{.token = {R"(["x"])", wire_id::json}};
    BOOST_TEST((encode(binary{}, r) == "\x82\xa2id\x91\xa1x\xa2ok\xc3"));
    BOOST_TEST((encode(codec::msgpack{}, r) == "\x82\xa2id\xc0\xa2ok\xc3")); // it knows no JSON
    BOOST_TEST((binary{}.objection(r, {}) == errc::ok));
    // however long: the hub's to refuse
    const auto token = "\xda\x03\xe8" + std::string(1000, 'x');
    const auto d = decode(binary{}, "\x82\xa3"
                                    "cmd\xa6"
                                    "exists\xa2id" +
                                        token);
    BOOST_TEST((d.token == token && d.fault == errc::ok));
    r.token = {d.token, wire_id::msgpack};
    BOOST_TEST((encode(binary{}, r) == "\x82\xa2id" + token + "\xa2ok\xc3"));
}

BOOST_AUTO_TEST_CASE(words) {
    std::vector<std::string> bytes; // the texts behind the views
    bytes.reserve(1000);
    const auto own = [&bytes](std::string_view text) -> std::string_view {
        return bytes.emplace_back(packed(text));
    };
    int said = 0;
    const auto check = [&](const auto& e, std::string_view text, std::string_view) {
        const auto expected = text.empty() ? std::string{text} : packed(text);
        BOOST_TEST((encode(binary{}, e) == expected), text);
        BOOST_TEST((binary{}.type(e, {}) == message_type::binary));
        if constexpr (requires { binary{}.objection(e, {}); })
            BOOST_TEST((binary{}.objection(e, {}) == errc::ok));
        ++said;
    };
    codec_calls::each_own_word([&](auto text) { return payload{own(text), wire_id::msgpack}; },
                               [&](auto text) { return request_token{own(text), wire_id::msgpack}; }, check);
    // the same of peers and hooks on JSON
    codec_calls::each_own_word([](auto text) { return payload{text, wire_id::json}; },
                               [](auto text) { return request_token{text, wire_id::json}; }, check);
    codec_calls::each_own_word([](auto text) { return payload{text, wire_id::peerjs}; },
                               [&](auto text) { return request_token{own(text), wire_id::msgpack}; }, check);
    BOOST_TEST(said > 120);
    BOOST_TEST(binary{}.share_key({}) == 0);
}

BOOST_AUTO_TEST_CASE(events_of_the_hub_are_written_as_json_is) {
    const auto configuration = R"({"iceServers":[{"urls":"stun:stun.example.org"}]})";
    const json as_json{{.rtc_configuration = configuration}};
    const binary as_binary{{.rtc_configuration = configuration}};
    int written = 0;
    const auto compare = [&](const auto& e) {
        const auto text = encode(as_json, e, extras);
        const auto expected = text.empty() ? text : packed(text);
        BOOST_TEST((encode(as_binary, e) == expected), text);
        // the same in its own format
        auto own = e;
        std::string bytes, token;
        if constexpr (requires { own.data; })
            if (!own.data.empty()) {
                bytes = packed(own.data.bytes);
                own.data = {bytes, wire_id::msgpack};
            }
        if constexpr (requires { own.cause; })
            if (!own.token.empty()) {
                token = packed(own.token.bytes);
                own.token = {token, wire_id::msgpack};
            }
        BOOST_TEST((encode(as_binary, own) == expected), text);
        written += !text.empty();
    };
    for (const auto role : {politeness::none, politeness::polite, politeness::impolite})
        for (const auto data : {"", R"({"a":[1,"x",null,2.5]})", R"("hello")"})
            for (const auto text : {"", "offer", "a rather long command with \"quotes\" in it"}) {
                for (const auto cause :
                     {errc::ok, errc::held, errc::forwarded, errc::denied, errc::too_large})
                    compare(event::reply{
                        .token = {R"("t")"}, .cause = cause, .text = text, .data = {data}, .role = role});
                for (const std::uint64_t number : {1u, 7u, 536'870'911u})
                    for (const auto topic : {"", "lobby\n"})
                        for (const auto from : {"", "ann"}) {
                            const auto fill = [&](auto e) {
                                e.id = "m1", e.command = text, e.topic = topic, e.from = from;
                                e.data.bytes = data;
                                if constexpr (requires { e.role; }) e.role = role;
                                if constexpr (requires { e.number; }) e.number = number;
                                compare(e);
                            };
                            fill(event::send{}), fill(event::publish{}), fill(event::request{});
                        }
            }
    for (const int ms : {0, 1, 70'000}) {
        event::reply limited{.token = {R"("t")"}, .cause = errc::rate};
        limited.retry_after = std::chrono::milliseconds{ms};
        compare(limited);
    }
    for (const auto to : {"bob", "b\n"}) {
        event::welcome w{.id = "m1", .peer = to, .configuration = {}};
        compare(w);
        w.rate = {100, 70'000};
        compare(w);
        w.rate = {};
        w.configuration.bytes = R"({"iceServers":[1]})"; // of this peer
        compare(w);
        w.configuration.bytes = "{"; // is none
        BOOST_TEST((encode(as_binary, w) == packed(encode(as_json, event::welcome{.id = "m1", .peer = to}))));
    }
    BOOST_TEST(written > 1000);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_cut_off_or_goes_on_is_malformed) {
    for (const auto& text : page()) {
        const auto whole = packed(text);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto cut = std::string_view{whole}.substr(0, n);
            BOOST_TEST((decode(binary{}, cut).result == errc::malformed), text << " cut at " << n);
        }
        BOOST_TEST((decode(binary{}, whole + "\xc0").result == errc::malformed), text);
    }
}

BOOST_AUTO_TEST_CASE(invalid_msgpack_is_malformed) {
    const auto head = "\x84\xa3"
                      "cmd\xa5offer\xa6target\xa1"
                      "b\xa2id\x07\xa4"
                      "data"s;
    const auto in_data = [&](std::string_view value) {
        return decode(binary{}, head + std::string{value}).result;
    };
    BOOST_TEST((in_data("\x81\xa5offer\x01") == errc::ok));
    const auto many = [](std::string_view s, unsigned n) {
        std::string out;
        while (n-- != 0) out += s;
        return out;
    };
    for (const auto& bad :
         {"\xc1"s, "\x81\xa5offer\xc1"s, "\x81\xa5offer\xdd\xff\xff\xff\xff"s, "\xdf\xff\xff\xff\xff"s,
          "\xdb\xff\xff\xff\xff"s, "\xa1\xff"s, "\x81\xa5offer\xa1\xff"s, "\x81\xa1\xff\x01"s,
          many("\x91", 600) + "\x01", many("\x81\x01", 600) + "\x01", many("\x91", 512) + "\x01"}) {
        BOOST_TEST((in_data(bad) == errc::malformed));
    }
    BOOST_TEST((in_data(many("\x91", 511) + "\x01") == errc::ok));
    for (const auto& bad : {""s, "\xdf\xff\xff\xff\xff"s, "\xdd\xff\xff\xff\xff"s, "\x81"s, "\xa1\xff"s,
                            "\xc1"s, R"({"cmd":"exists","id":1})"s, many("\x91", 513) + "\x01"}) {
        BOOST_TEST((decode(binary{}, bad).result == errc::malformed));
    }
    for (const auto& nothing :
         {"\x01"s, "\x90"s, "\x80"s, "\xa1x"s, "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"s, "\xc4\x01\xff"s}) {
        BOOST_TEST((decode(binary{}, nothing).result == errc::ok));
        BOOST_TEST(decode(binary{}, nothing).count == 0);
    }
    BOOST_TEST((decode(binary{}, "\xc0").result == errc::internal_error));
    // members' names are texts
    BOOST_TEST(decode(binary{}, "\x82\xc4\x03"
                                "cmd\xa6"
                                "exists\xa2id\x01")
                   .command == "");
}

// No detour by way of JSON: a peer's words on itself are passed on as they stand.
BOOST_AUTO_TEST_CASE(values_for_the_hub_itself_stay_msgpack) {
    const auto head = "\x84\xa3"
                      "cmd\xa3set\xa2id\x01\xa5topic\xa1t\xa4"
                      "data"s;
    auto d =
        decode(binary{}, head + "\x83\xa3key\xa1k\xa5value\xc4\x02\xff\xfe\xa3ttl\xcb\x40\x59\0\0\0\0\0\0"s);
    BOOST_TEST((d.fault == errc::ok));
    BOOST_TEST(d.key == "k");
    BOOST_TEST((d.value == "\xc4\x02\xff\xfe"));
    BOOST_TEST((d.ttl == 100u)); // some JavaScript writes whole numbers as floats
    for (const auto bad :
         {"\x82\xa3key\xc4\x01k\xa5value\x01"sv, // bytes are no texts
          "\x82\xa3key\xa1k\xc4\x05value\x01"sv, "\x83\xa3key\xa1k\xa5value\x01\xa3ttl\xff"sv,
          "\x83\xa3key\xa1k\xa5value\x01\xa3ttl\xcb\x3f\xe0\0\0\0\0\0\0"sv})
        BOOST_TEST((decode(binary{}, head + std::string{bad}).fault == errc::malformed));
    // a key of 256 bytes, and one more
    for (const std::size_t n : {256u, 257u}) {
        const auto key = (n == 256 ? "\xda\x01\0"s : "\xda\x01\x01"s) + std::string(n, 'k');
        d = decode(binary{}, head + "\x82\xa3key" + key + "\xa5value\xc0");
        BOOST_TEST((d.fault == (n == 256 ? errc::ok : errc::malformed)));
    }
}

BOOST_AUTO_TEST_CASE(a_translation_that_would_be_too_long_is_not_written) {
    const binary small{{.transcoded = 10}};
    event::send e;
    e.id = "m1", e.command = "bye", e.from = "a", e.data.bytes = R"("123456789")";
    BOOST_TEST((small.objection(e, {}) == errc::ok));
    BOOST_TEST((encode(small, e) == packed(R"({"id":"m1","cmd":"bye","origin":"a","data":"123456789"})")));
    e.data.bytes = R"("1234567890")";
    BOOST_TEST((small.objection(e, {}) == errc::too_large));
    BOOST_TEST(encode(small, e) == "");
    event::reply r{.token = {"\x07", wire_id::msgpack}, .data = e.data};
    const auto too_large =
        packed(R"({"id":7,"ok":false,"data":{"message":"Message Too Large","cause":"too_large"}})");
    BOOST_TEST((encode(small, r) == too_large));
    BOOST_TEST((small.objection(r, {}) == errc::ok));
    // text that is no JSON at all, by any peer
    e.data.bytes = "{";
    BOOST_TEST((binary{}.objection(e, {}) == errc::malformed));
    BOOST_TEST(encode(binary{}, e) == "");
}

// A codec alone does not know other formats.
BOOST_AUTO_TEST_CASE(data_that_is_not_msgpack_is_left_out) {
    const codec::msgpack alone;
    event::send e;
    e.id = "m1", e.command = "bye", e.data.bytes = "{}";
    BOOST_TEST(encode(alone, e) == "");
    e.data.bytes = {};
    BOOST_TEST(encode(alone, e) != "");
    event::reply r{.token = {"\x07", wire_id::msgpack}, .data = {"{}"}};
    BOOST_TEST((encode(alone, r) == packed(R"({"id":7,"ok":true})")));
    const event::member who[] = {{"a", {"{}"}}};
    BOOST_TEST((encode(alone, event::member_list{.token = r.token, .count = 1, .members = who}) ==
                packed(R"({"id":7,"ok":true,"data":{"count":1,"members":[{"id":"a"}]}})")));
}

BOOST_AUTO_TEST_CASE(opening) {
    const auto opened = [](std::string_view offered, std::string_view target = "/") {
        const header headers[] = {{"Sec-WebSocket-Protocol", offered}};
        admission ad;
        binary::state st;
        BOOST_TEST((binary{}.open({"GET", target, headers, {}}, st, ad) == errc::ok));
        return ad;
    };
    BOOST_TEST(opened("sigfire.v1.msgpack").subprotocol == "sigfire.v1.msgpack");
    BOOST_TEST(opened("sigfire.v1.json, sigfire.v1.msgpack").subprotocol == "sigfire.v1.msgpack");
    BOOST_TEST(opened("sigfire.v1.json").subprotocol == "");
    BOOST_TEST(opened("").subprotocol == "");
    BOOST_TEST(!opened("").resumable);
    const auto back = opened("", "/?resume=abc&received=12");
    BOOST_TEST(back.resumable);
    BOOST_TEST(back.token == "abc");
    BOOST_TEST(back.received == 12u);
    BOOST_TEST(opened("", "/?resume").resumable);
    BOOST_TEST(opened("", "/?resume=a&received=x").received == 0u);

    for (const auto bad : {"{", "7", "[]", "null"})
        BOOST_CHECK_THROW(binary{{.rtc_configuration = bad}}, std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(endings) {
    for (const auto& row : detail::errc_table) {
        const auto a = binary{}.end(row.code, {}), b = json{}.end(row.code, extras);
        BOOST_TEST((a.http_status == b.http_status && a.close_code == b.close_code && a.text == b.text),
                   row.name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
