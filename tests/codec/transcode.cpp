// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/codec/transcode.hpp>

#include "support/codec_calls.hpp"
#include "support/own_words.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::literals;
using codec::json_from_msgpack, codec::msgpack_from_json, codec::transcoded;
using codec_calls::encode;

std::string packed(std::string_view text) {
    auto r = msgpack_from_json(text);
    BOOST_TEST_REQUIRE(r.has_value(), text);
    return *r;
}

std::string unpacked(std::string_view bytes) {
    auto r = json_from_msgpack(bytes);
    BOOST_TEST_REQUIRE(r.has_value());
    return *r;
}

std::string repeated(std::string_view s, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += s;
    return out;
}

using js = transcoded<json>;
constexpr json::state plain{}, extras{.extras = true};

event::send said(std::string_view command, std::string_view bytes, std::string_view body = {},
                 signal_kind kind = signal_kind::none) {
    event::send e;
    e.id = "m1", e.command = command, e.from = "alice";
    e.data = {bytes, wire_id::msgpack}, e.signal.body = body, e.signal.kind = kind;
    return e;
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_transcode)

BOOST_AUTO_TEST_CASE(json_becomes_msgpack) {
    const std::pair<std::string_view, std::string> rows[] = {
        {"null", "\xc0"},
        {"true", "\xc3"},
        {" false ", "\xc2"},
        {"0", "\0"s},
        {"-0", "\0"s},
        {"127", "\x7f"},
        {"128", "\xcc\x80"},
        {"-1", "\xff"},
        {"-33", "\xd0\xdf"},
        {"18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
        {"9223372036854775808", "\xcf\x80\x00\x00\x00\x00\x00\x00\x00"s},
        {"-9223372036854775808", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s},
        // beyond: the nearest float
        {"18446744073709551616", "\xcb\x43\xf0\x00\x00\x00\x00\x00\x00"s},
        {"-9223372036854775809", "\xcb\xc3\xe0\x00\x00\x00\x00\x00\x00"s},
        {"0.5", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"s},
        {"1.0", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"s},
        {"1e0", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"s},
        {"-0.0", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00"s},
        {"0.1", "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"},
        {"5e-324", "\xcb\x00\x00\x00\x00\x00\x00\x00\x01"s},
        {"1.7976931348623157e308", "\xcb\x7f\xef\xff\xff\xff\xff\xff\xff"},
        {"1e400", "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"s},
        {"-1e400", "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"s},
        {"1E+99999999999999999999", "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"s},
        {"1e-400", "\xcb\x00\x00\x00\x00\x00\x00\x00\x00"s},
        {"-1e-99999999999999999999", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00"s},
        {"0e99999999999999999999", "\xcb\x00\x00\x00\x00\x00\x00\x00\x00"s},
        {"0.0001e400", "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"s},
        {R"("")", "\xa0"},
        {R"("no")", "\xa2no"},
        {R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00")",
         "\xb2\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {R"("\u0000")", "\xa1\0"s},
        // halves of surrogate pairs
        {R"("\ud800")", "\xa3\xef\xbf\xbd"},
        {R"("\udc00x")", "\xa4\xef\xbf\xbdx"},
        {R"("\ud800\u0041")", "\xa4\xef\xbf\xbd"
                              "A"},
        {R"("\ud800\ud83d\ude00")", "\xa7\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {R"("\ud83dude00")", "\xa8\xef\xbf\xbdude00"},
        {"[]", "\x90"},
        {"{}", "\x80"},
        {"[ ]", "\x90"},
        {"{ }", "\x80"},
        {R"([1, [2,"a,]" ,[]],{ "b" : [3] , "c":{}} ])", "\x93\x01\x93\x02\xa3"
                                                         "a,]\x90\x82\xa1"
                                                         "b\x91\x03\xa1"
                                                         "c\x80"},
        {R"({"a":1,"a":2})", "\x82\xa1"
                             "a\x01\xa1"
                             "a\x02"},
        {R"({"\u0061":1})", "\x81\xa1"
                            "a\x01"},
        {R"(["\\","\"",{"x\\\"":1}])", "\x93\xa1\\\xa1\"\x81\xa3x\\\"\x01"},
    };
    for (const auto& [text, bytes] : rows) BOOST_TEST((packed(text) == bytes), text);
    // heads for many
    const auto list = [](std::size_t n) { return "[" + repeated("1,", n - 1) + "1]"; };
    BOOST_TEST((packed(list(15)) == "\x9f" + std::string(15, '\x01')));
    BOOST_TEST((packed(list(16)) == "\xdc\x00\x10"s + std::string(16, '\x01')));
    BOOST_TEST((packed(list(65536)) == "\xdd\x00\x01\x00\x00"s + std::string(65536, '\x01')));
}

BOOST_AUTO_TEST_CASE(msgpack_becomes_json) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"\xc0", "null"},
        {"\xc2", "false"},
        {"\xc3", "true"},
        {"\x05", "5"},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
        {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"sv, "-9223372036854775808"},
        {"\xff", "-1"},
        {"\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"sv, "0.5"},
        {"\xca\x3f\x00\x00\x00"sv, "0.5"},
        {"\xca\x3d\xcc\xcc\xcd"sv, "0.10000000149011612"},
        {"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"sv, "0.1"},
        {"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"sv, "1"},
        {"\xcb\x42\x02\xa0\x5f\x20\x00\x00\x00"sv, "10000000000"},
        {"\xcb\x43\x40\x00\x00\x00\x00\x00\x00"sv, "9007199254740992"},
        {"\xcb\xc3\x40\x00\x00\x00\x00\x00\x00"sv, "-9007199254740992"},
        {"\xcb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50"sv, "1e+21"},
        {"\xcb\x80\x00\x00\x00\x00\x00\x00\x00"sv, "-0.0"},
        {"\xcb\x00\x00\x00\x00\x00\x00\x00\x01"sv, "5e-324"},
        {"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"sv, "null"},
        {"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"sv, "null"},
        {"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"sv, "null"},
        {"\xca\x7f\xc0\x00\x00"sv, "null"},
        {"\xa0", R"("")"},
        {"\xa6\"\\/\n\x7f\0"sv, R"("\"\\/\u000a)"
                                "\x7f"
                                R"(\u0000")"},
        {"\xa2\xc3\xa9", "\"\xc3\xa9\""},
        // bytes and ext
        {"\xc4\0"sv, R"("")"},
        {"\xc4\x01\xff"sv, R"("/w==")"},
        {"\xc4\x02\xff\xfb"sv, R"("//s=")"},
        {"\xc4\x03"
         "Man",
         R"("TWFu")"},
        {"\xd4\x05z", R"("1AV6")"},
        {"\xd6\xff\x00\x00\x00\x01"sv, R"("1v8AAAAB")"},
        {"\x92\xd4\x05z\x01", R"(["1AV6",1])"},
        {"\x90", "[]"},
        {"\x80", "{}"},
        {"\x93\x01\x92\x02\x90\x81\xa1"
         "a\x91\x80",
         R"([1,[2,[]],{"a":[{}]}])"},
        // keys
        {"\x81\x01\x02", R"({"1":2})"},
        {"\x81\xff\x02", R"({"-1":2})"},
        {"\x81\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\x02"sv, R"({"0.5":2})"},
        {"\x81\xc0\x02", R"({"null":2})"},
        {"\x81\xc3\x02", R"({"true":2})"},
        {"\x81\xca\x7f\xc0\x00\x00\x02"sv, R"({"null":2})"},
        {"\x81\xc4\x01\xff\x02", R"({"/w==":2})"},
        {"\x81\xd4\x05z\x02", R"({"1AV6":2})"},
        {"\x81\x91\x01\x02", R"({"kQE=":2})"},
        {"\x81\x80\x80", R"({"gA==":{}})"},
        {"\x82\x81\x80\x80\x01\x02\x03", R"({"gYCA":1,"2":3})"},
        // equal ones, by themselves and by becoming strings
        {"\x82\xa1"
         "a\x01\xa1"
         "a\x02",
         R"({"a":1,"a":2})"},
        {"\x82\xa1"
         "1\x01\x01\x02",
         R"({"1":1,"1":2})"},
    };
    for (const auto& [bytes, text] : rows) {
        BOOST_TEST(unpacked(bytes) == text);
        for (std::size_t n = 0; n < bytes.size(); ++n)
            BOOST_TEST((json_from_msgpack(bytes.substr(0, n)).error() == make_error_code(errc::malformed)));
        BOOST_TEST(
            (json_from_msgpack(std::string{bytes} + '\x01').error() == make_error_code(errc::malformed)));
    }
}

BOOST_AUTO_TEST_CASE(invalid_input_is_malformed) {
    for (const auto text : {""sv, " "sv, "{"sv, "[1,]"sv, "01"sv, "nul"sv, "{}{}"sv, "\"\xff\""sv,
                            "\xef\xbb\xbf{}"sv, R"("\u12")"sv, "\"\n\""sv, R"({"a"})"sv, "[1}"sv, "NaN"sv})
        BOOST_TEST((msgpack_from_json(text).error() == make_error_code(errc::malformed)), text);
    for (const auto bytes :
         {""sv, "\xc1"sv, "\x91\xc1"sv, "\xa1\xff"sv, "\x81\xa1\xff\x01"sv, "\xdd\xff\xff\xff\xff"sv,
          "\x81\x91\xa1\xff\x01"sv, "\x81\xdd\xff\xff\xff\xff\x01"sv})
        BOOST_TEST((json_from_msgpack(bytes).error() == make_error_code(errc::malformed)));
}

BOOST_AUTO_TEST_CASE(nesting) {
    const auto deep = [](std::size_t n) { return repeated("[", n) + repeated("]", n); };
    BOOST_TEST(unpacked(packed(deep(512))) == deep(512));
    BOOST_TEST(!msgpack_from_json(deep(513)));
    BOOST_TEST(!json_from_msgpack(repeated("\x91", 512) + "\x90"));
    BOOST_TEST(!json_from_msgpack(repeated("\x81\x01", 512) + "\x80"));
    BOOST_TEST(!json_from_msgpack(repeated("\x91", 100'000) + "\x90"));
    // Keys within keys: no doubling of escapes.
    const auto keys = repeated("\x81", 500) + repeated("\x01", 501);
    BOOST_TEST(unpacked(keys).size() < 2 * keys.size());
    BOOST_TEST(!json_from_msgpack(repeated("\x81", 514) + repeated("\x01", 515)));
}

BOOST_AUTO_TEST_CASE(there_and_back_by_another_reader) {
    for (
        const auto text :
        {R"({"offer":{"type":"offer","sdp":"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"},"note":"h\u00ed"})",
         R"([0,-1,1.5,1e21,1e-7,123456789012345678,18446744073709551615,-9223372036854775808,true,null,""])",
         R"({"a":{"b":{"c":[[],{},[{}]]}},"k\"\\":["\u0000\u001f/"]})", "7", R"("x")"}) {
        const auto back = unpacked(packed(text));
        BOOST_TEST((boost::json::parse(back) == boost::json::parse(text)), back);
        BOOST_TEST((packed(back) == packed(text)));
    }
    // Most doubles: each is written so that it reads as the same.
    std::uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20'000; ++i) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        std::string bytes = "\xcb";
        for (int k = 56; k >= 0; k -= 8) bytes += static_cast<char>(bits >> k);
        const auto text = unpacked(bytes);
        if (text == "null") continue;
        if (text.find_first_of(".e") == text.npos) continue; // whole: written without a fraction
        BOOST_TEST_REQUIRE((packed(text) == bytes), text);
    }
}

BOOST_AUTO_TEST_CASE(laws) {
    sigfire::test::codec_laws(js{}, [](bool law, const char* what) { BOOST_TEST(law, what); });
}

BOOST_AUTO_TEST_CASE(json_is_as_it_was) {
    const js c;
    auto e = said("offer", R"({"offer": 1.50})", "1.50", signal_kind::offer);
    for (const auto wire : {wire_id::json, wire_id::peerjs}) {
        e.data.wire = wire;
        for (const auto st : {plain, extras}) BOOST_TEST(encode(c, e, st) == encode(json{}, e, st));
        BOOST_TEST((c.objection(e, extras) == errc::ok));
    }
    event::reply r{.token = {R"("idle")"}};
    BOOST_TEST(encode(c, r, extras) == R"({"id":"idle","ok":true})");
    r.cause = errc::denied, r.data.bytes = R"({"a": 1})";
    BOOST_TEST(encode(c, r, extras) == R"({"id":"idle","ok":false,"data":{"a": 1}})");
    BOOST_TEST(encode(c, event::welcome{.id = "id0", .peer = "bob"}, extras) ==
               R"({"id":"id0","cmd":"welcome","data":{"id":"bob"}})");
    BOOST_TEST((c.type(e, extras) == message_type::text));
}

// For all words of the hub: the text is the same, whether its values come from peers on JSON or not.
BOOST_AUTO_TEST_CASE(words) {
    const js c;
    std::vector<std::string> bytes; // the texts behind the views
    bytes.reserve(1000);
    const auto own = [&bytes](std::string_view text) -> std::string_view {
        return bytes.emplace_back(packed(text));
    };
    // Text that once was MessagePack has lost the ways JSON may be written in.
    const auto plainly = [](std::string_view text) { return text.empty() ? "" : unpacked(packed(text)); };
    int said = 0;
    codec_calls::each_own_word([&](auto text) { return payload{own(text), wire_id::msgpack}; },
                               [&](auto text) { return request_token{own(text), wire_id::msgpack}; },
                               [&](const auto& e, std::string_view with_extras, std::string_view without) {
                                   BOOST_TEST(plainly(encode(c, e, extras)) == plainly(with_extras));
                                   BOOST_TEST(plainly(encode(c, e, plain)) == plainly(without));
                                   BOOST_TEST((c.objection(e, extras) == errc::ok));
                                   ++said;
                               });
    BOOST_TEST(said > 40);
}

BOOST_AUTO_TEST_CASE(messages_of_peers_on_msgpack_are_written_as_json) {
    const js c;
    const auto data = packed(R"({"note":[1,2],"answer":{"sdp":"x"},"more":0.5})");
    const auto at = data.find("\x81\xa3sdp");
    auto e = said("answer", data, std::string_view{data}.substr(at, 7), signal_kind::answer);
    BOOST_TEST(
        encode(c, e, extras) ==
        R"({"id":"m1","cmd":"answer","origin":"alice","data":{"note":[1,2],"answer":{"sdp":"x"},"more":0.5}})");
    // The signal is known on the other side, where those without the extras need a copy of it.
    BOOST_TEST(
        encode(c, e, plain) ==
        R"({"id":"m1","cmd":"answer","origin":"alice","data":{"note":[1,2],"answer":{"sdp":"x"},"more":0.5,"offer":{"sdp":"x"}}})");
    e.signal.body = "elsewhere";
    BOOST_TEST(encode(c, e, plain).find("offer") == std::string::npos);

    e = said("bye", {});
    BOOST_TEST(encode(c, e, extras) == R"({"id":"m1","cmd":"bye","origin":"alice"})");
    event::publish p;
    p.id = "m1", p.from = "alice", p.topic = "t", p.command = "publish";
    p.data = {"\xa5hello", wire_id::msgpack};
    BOOST_TEST(encode(c, p, extras) ==
               R"({"id":"m1","cmd":"publish","origin":"alice","topic":"t","data":"hello"})");
    BOOST_TEST(encode(c, p, plain) == "");
    // Without the translation it is left out.
    BOOST_TEST(encode(json{}, p, extras) == "");

    event::reply r{.token = {"7"}};
    r.data = {"\x81\xa1"
              "a\x01",
              wire_id::msgpack};
    BOOST_TEST(encode(c, r, extras) == R"({"id":7,"ok":true,"data":{"a":1}})");
    BOOST_TEST(encode(json{}, r, extras) == R"({"id":7,"ok":true})");
    r.cause = errc::denied;
    BOOST_TEST(encode(c, r, extras) == R"({"id":7,"ok":false,"data":{"a":1}})");
    BOOST_TEST(encode(json{}, r, extras) ==
               R"({"id":7,"ok":false,"data":{"message":"Denied","cause":"denied"}})");
}

BOOST_AUTO_TEST_CASE(tokens_of_a_connection_on_msgpack) {
    const js c;
    for (const auto& [token, text] :
         {std::pair{"\x07"sv, "7"}, {"\xa1x"sv, R"("x")"}, {"\x91\xc0"sv, "[null]"}, {"\xc1"sv, "null"}}) {
        const event::reply r{.token = {token, wire_id::msgpack}};
        BOOST_TEST(encode(c, r, extras) == R"({"id":)" + std::string{text} + R"(,"ok":true})");
        BOOST_TEST((c.objection(r, extras) == errc::ok));
    }
}

BOOST_AUTO_TEST_CASE(a_translation_that_would_be_too_long_is_not_written) {
    const js c{json{}, 100};
    const auto fits = "\xb0" + std::string(16, '\x01'), not_any_more = "\xb1" + std::string(17, '\x01');
    BOOST_TEST((c.objection(said("bye", fits), extras) == errc::ok));
    BOOST_TEST(encode(c, said("bye", fits), extras).size() > 100u);
    for (const auto& bad : {not_any_more, "\xdd\xff"s}) {
        const auto e = said("bye", bad);
        BOOST_TEST((c.objection(e, extras) == (bad == not_any_more ? errc::too_large : errc::malformed)));
        BOOST_TEST(encode(c, e, extras) == "");
        // A peer that waits for an answer gets one.
        event::reply r{.token = {"7"}, .data = e.data};
        BOOST_TEST((c.objection(r, extras) == errc::ok));
        BOOST_TEST(encode(c, r, extras) ==
                   R"({"id":7,"ok":false,"data":{"message":"Message Too Large","cause":"too_large"}})");
        r.cause = errc::denied;
        BOOST_TEST(encode(c, r, extras) ==
                   R"({"id":7,"ok":false,"data":{"message":"Denied","cause":"denied"}})");
        // and so does a peer that asks for a list; an invalid item is only left out of it
        const bool valid = bad == not_any_more;
        const auto expected = [&](const char* otherwise) {
            return valid
                       ? R"({"id":7,"ok":false,"data":{"message":"Message Too Large","cause":"too_large"}})"s
                       : R"({"id":7,"ok":true,"data":)"s + otherwise + "}";
        };
        const event::member who[] = {{"a", {"\x01", wire_id::msgpack}}, {"b", e.data}};
        BOOST_TEST(encode(c, event::member_list{.token = {"7"}, .count = 2, .members = who}, extras) ==
                   expected(R"({"count":2,"members":[{"id":"a","metadata":1},{"id":"b"}]})"));
        BOOST_TEST(encode(c, event::record{.token = {"7"}, .metadata = e.data}, extras) ==
                   expected(R"({"online":false,"permanent":false,"last_seen":0})"));
        // News are told without it.
        const event::member_change moved[] = {{"a", {}, {"\x01", wire_id::msgpack}}, {"b", {}, e.data}};
        const event::entry_change stated[] = {{"k", e.data, "a"}};
        const event::presence news{.id = "m1", .members = moved, .entries = stated};
        BOOST_TEST(
            encode(c, news, extras) ==
            R"({"id":"m1","cmd":"presence","data":{"members":[{"id":"a","status":"joined","metadata":1},{"id":"b","status":"joined"}],"state":[{"key":"k","owner":"a"}]}})");
        BOOST_TEST((c.objection(news, extras) == errc::ok));
        BOOST_TEST(encode(c, event::welcome{.id = "m1", .peer = "a", .configuration = e.data}) ==
                   R"({"id":"m1","cmd":"welcome","data":{"id":"a"}})");
    }
    // All values of a list together are no longer than one payload may be.
    const auto third = "\xd9\x28" + std::string(40, 'x');
    const event::member who[] = {
        {"a", {third, wire_id::msgpack}}, {"b", {third, wire_id::msgpack}}, {"c", {}}};
    BOOST_TEST(encode(c, event::member_list{.token = {"7"}, .members = who}, extras).size() > 100u);
    const event::member more[] = {who[0], who[1], who[0]};
    BOOST_TEST(encode(c, event::member_list{.token = {"7"}, .members = more}, extras).find("too_large") !=
               std::string::npos);
    // The work ends where the limit is reached.
    const auto much = "\xdb\x00\x10\x00\x00"s + std::string(1 << 20, '\x01');
    BOOST_TEST((js{}.objection(said("bye", much), extras) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(the_last_payload_is_kept_and_no_other) {
    const js c;
    auto one = packed(R"({"offer":1})"), two = packed(R"({"offer":2})");
    const auto tell = [&](std::string_view data) {
        return encode(c, said("offer", data, data.substr(data.size() - 1), signal_kind::offer), extras);
    };
    const auto first = tell(one), second = tell(two);
    BOOST_TEST(first.ends_with(R"({"offer":1}})"));
    BOOST_TEST(second.ends_with(R"({"offer":2}})"));
    BOOST_TEST(tell(one) == first);
    BOOST_TEST(tell(std::string{one}) == first); // another place, the same bytes
    one = two;                                   // the same place, other bytes
    BOOST_TEST(tell(one) == second);
    // the same bytes with another signal
    const auto data = packed(R"({"answer":1,"sdp":2})");
    const auto answer = [&](std::size_t at) {
        return encode(c, said("answer", data, std::string_view{data}.substr(at, 1), signal_kind::answer),
                      plain);
    };
    BOOST_TEST(answer(8).ends_with(R"("offer":1}})"));
    BOOST_TEST(answer(data.size() - 1).ends_with(R"("offer":2}})"));
}

BOOST_AUTO_TEST_SUITE_END()
