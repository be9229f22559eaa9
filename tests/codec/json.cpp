// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/codec/json.hpp>

#include "support/codec_calls.hpp"
#include "support/own_words.hpp"

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using codec::json_check, codec::json_options;
using codec_calls::decode, codec_calls::decoded, codec_calls::encode;
using namespace std::literals;

static_assert(std::is_same_v<json, codec::json>);
static_assert(sizeof(json::state) <= 4);

constexpr json::state plain{}, extras{.extras = true};

event::send relayed(std::string_view command, std::string_view bytes = {}, std::string_view body = {},
                    signal_kind kind = signal_kind::none) {
    event::send e;
    e.id = "m1", e.command = command, e.from = "alice";
    e.data.bytes = bytes, e.signal.body = body, e.signal.kind = kind;
    return e;
}

signal_kind step_of(std::string_view command) {
    using enum signal_kind;
    return command == "session-start"    ? session_start
           : command == "session-accept" ? session_accept
           : command == "session-reject" ? session_reject
                                         : session_cancel;
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_json)

BOOST_AUTO_TEST_CASE(relayed_commands) {
    struct row {
        std::string_view text, command, to;
        errc fault;
        std::string_view bytes, body;
        signal_kind kind;
    };
    using enum errc;
    using enum signal_kind;
    const row rows[] = {
        {R"({"cmd":"session-start","target":"bob","id":"1"})", "session-start", "bob", ok, "", "", none},
        {R"({"cmd":"session-start","target":"bob","data":{"a":1},"id":"1"})", "session-start", "bob", ok, "",
         "", none},
        {R"({"cmd":"session-accept","target":"bob","data":{"a":1},"id":"1"})", "session-accept", "bob", ok,
         "", "", none},
        {R"({"cmd":"session-reject","target":"bob","data":{"message":"no"},"id":"1"})", "session-reject",
         "bob", ok, R"({"message":"no"})", "", none},
        {R"({"cmd":"session-cancel","target":"bob","data":{"message":"no"},"id":"1"})", "session-cancel",
         "bob", ok, R"({"message":"no"})", "", none},
        {R"({"cmd":"session-cancel","target":"bob","data":"no","id":"1"})", "session-cancel", "bob", ok, "",
         "", none},
        {R"({"cmd":"session-cancel","target":"bob","id":"1"})", "session-cancel", "bob", ok, "", "", none},
        {R"({"cmd":"ice","target":"bob","data":{"candidate":{"candidate":""}},"id":"1"})", "ice", "bob", ok,
         R"({"candidate":{"candidate":""}})", R"({"candidate":""})", candidate},
        {R"({"cmd":"offer","target":"bob","data":{"offer":{"sdp":"x\r\n"},"more":[1.0]},"id":"1"})", "offer",
         "bob", ok, R"({"offer":{"sdp":"x\r\n"},"more":[1.0]})", R"({"sdp":"x\r\n"})", offer},
        {R"({"cmd":"offer","target":"bob","data":{"offer":"text"},"id":"1"})", "offer", "bob", ok,
         R"({"offer":"text"})", R"("text")", offer},
        {R"({"cmd":"answer","target":"bob","data":{"answer":7},"id":"1"})", "answer", "bob", ok,
         R"({"answer":7})", "7", answer},
        // Signal-Fire@2
        {R"({"cmd":"offer","target":"bob","data":{"sdp":{}},"id":"1"})", "offer", "bob", ok, R"({"sdp":{}})",
         "{}", offer},
        {R"({"cmd":"answer","target":"bob","data":{"sdp":"s","answer":null},"id":"1"})", "answer", "bob", ok,
         R"({"sdp":"s","answer":null})", R"("s")", answer},
        // order, blanks, the last of equal members, unknown members, spoofed ones
        {R"( { "id" : "1" , "data" : { "answer" : 7 } , "target" : "bob" , "cmd" : "answer" } )", "answer",
         "bob", ok, R"({ "answer" : 7 })", "7", answer},
        {R"({"cmd":"x","cmd":"ice","id":2,"id":"1","target":5,"target":"bob","data":{"candidate":1},"data":{"candidate":2,"candidate":3}})",
         "ice", "bob", ok, R"({"candidate":2,"candidate":3})", "3", candidate},
        {R"({"cmd":"session-start","ok":true,"origin":"eve","__proto__":{"id":0},"target":"bob","id":"1"})",
         "session-start", "bob", ok, "", "", none},
        // escapes in names and values
        {R"({"\u0063md":"\u0069ce","t\u0061rget":"b\u006fb","d\u0061ta":{"c\u0061ndidate":1},"\u0069d":"1"})",
         "ice", "bob", ok, R"({"c\u0061ndidate":1})", "1", candidate},
        {R"({"cmd":"session-start","target":"\"\u00e9\ud83d\ude00","id":"1"})", "session-start",
         "\"\xc3\xa9\xf0\x9f\x98\x80", ok, "", "", none},
        {R"({"cmd":"session-start","target":"__proto__","id":"1"})", "session-start", "__proto__", ok, "", "",
         none},
        // no target, in JavaScript's eyes
        {R"({"cmd":"session-start","id":"1"})", "session-start", "", missing_target, "", "", none},
        {R"({"cmd":"session-start","target":"","id":"1"})", "session-start", "", missing_target, "", "",
         none},
        {R"({"cmd":"session-start","target":null,"id":"1"})", "session-start", "", missing_target, "", "",
         none},
        {R"({"cmd":"session-start","target":0,"id":"1"})", "session-start", "", missing_target, "", "", none},
        {R"({"cmd":"session-start","target":false,"id":"1"})", "session-start", "", missing_target, "", "",
         none},
        {R"({"cmd":"ice","id":"1"})", "ice", "", missing_target, "", "", candidate},
        // a target that cannot be a peer
        {R"({"cmd":"session-start","target":5,"id":"1"})", "session-start", "", unknown, "", "", none},
        {R"({"cmd":"session-start","target":{"id":"bob"},"id":"1"})", "session-start", "", unknown, "", "",
         none},
        {R"({"cmd":"ice","target":["bob"],"id":"1"})", "ice", "", unknown, "", "", candidate},
        {R"({"cmd":"session-start","target":"\ud800","id":"1"})", "session-start", "", unknown, "", "", none},
        // no payload, in JavaScript's eyes
        {R"({"cmd":"ice","target":"bob","id":"1"})", "ice", "bob", missing_candidate, "", "", candidate},
        {R"({"cmd":"ice","target":"bob","data":{},"id":"1"})", "ice", "bob", missing_candidate, "{}", "",
         candidate},
        {R"({"cmd":"ice","target":"bob","data":{"candidate":null},"id":"1"})", "ice", "bob",
         missing_candidate, R"({"candidate":null})", "", candidate},
        {R"({"cmd":"ice","target":"bob","data":{"candidate":"","sdp":"x"},"id":"1"})", "ice", "bob",
         missing_candidate, R"({"candidate":"","sdp":"x"})", "", candidate},
        {R"({"cmd":"ice","target":"bob","data":{"candidate":1},"data":{},"id":"1"})", "ice", "bob",
         missing_candidate, "{}", "", candidate},
        {R"({"cmd":"ice","target":"bob","data":{"candidate":1},"data":2,"id":"1"})", "ice", "bob",
         missing_candidate, "", "", candidate},
        {R"({"cmd":"ice","target":"bob","data":{"data":{"candidate":1}},"id":"1"})", "ice", "bob",
         missing_candidate, R"({"data":{"candidate":1}})", "", candidate},
        {R"({"cmd":"offer","target":"bob","data":{"answer":1},"id":"1"})", "offer", "bob", missing_offer,
         R"({"answer":1})", "", offer},
        {R"({"cmd":"offer","target":"bob","data":["offer"],"id":"1"})", "offer", "bob", missing_offer, "", "",
         offer},
        {R"({"cmd":"answer","target":"bob","data":{"answer":0,"offer":1},"id":"1"})", "answer", "bob",
         missing_answer, R"({"answer":0,"offer":1})", "", answer},
        {R"({"cmd":"answer","target":"bob","data":null,"id":"1"})", "answer", "bob", missing_answer, "", "",
         answer},
    };
    for (const auto check : {json_check::full, json_check::trusted})
        for (const auto type : {message_type::text, message_type::binary})
            for (const auto& r : rows) {
                const auto d = decode(json{json_options{.check = check}}, r.text, type);
                BOOST_TEST_CONTEXT(r.text) {
                    BOOST_TEST((d.result == ok));
                    BOOST_TEST_REQUIRE(d.count == 1);
                    BOOST_TEST(d.event == "say");
                    BOOST_TEST(to_string(d.fault) == to_string(r.fault));
                    BOOST_TEST(d.token == R"("1")");
                    BOOST_TEST(d.command == r.command);
                    BOOST_TEST(d.to == r.to);
                    BOOST_TEST(d.topic == "");
                    BOOST_TEST(d.bytes == r.bytes);
                    BOOST_TEST(d.body == r.body);
                    BOOST_TEST((d.kind == (r.command.starts_with("session-") ? step_of(r.command) : r.kind)));
                }
            }
}

BOOST_AUTO_TEST_CASE(an_answer_that_has_an_offer) {
    const auto copied = [](std::string_view data, std::string_view body) {
        const auto text = encode(json{}, relayed("answer", data, body, signal_kind::answer), plain);
        return text.find(std::string{data}) == text.npos;
    };
    const auto with = [&](const char* data) { return copied(data, std::string_view{data}.substr(10, 1)); };
    BOOST_TEST(with(R"({"answer":1})"));
    BOOST_TEST(with(R"({"answer":1,"more":{"offer":2}})"));
    BOOST_TEST(with(R"({"answer":1,"more":"offer"})"));
    BOOST_TEST(!with(R"({"answer":1,"offer":null})"));
    BOOST_TEST(!with(R"({"answer":1,"\u006fffer":2})"));
    BOOST_TEST(!with(R"({"answer":1 , "offer" : [] })"));
    BOOST_TEST(!copied(R"({"offer":0,"answer":1})", "elsewhere"));
    BOOST_TEST(copied(R"({"offers":0,"answer":1})", "elsewhere"));
}

BOOST_AUTO_TEST_CASE(ids) {
    for (const auto id :
         {R"("a")", R"("a\"\u0062\\")", "5", "-0.5", R"({"a":1})", "[]", "true", R"([1, {"b":null}])"}) {
        const auto d =
            decode(json{}, R"({"cmd":"session-start","target":"b","id": )" + std::string(id) + " }");
        BOOST_TEST(d.count == 1);
        BOOST_TEST(d.token == id);
    }
    for (const auto id : {R"("")", "0", "-0.0e5", "null", "false"})
        for (const auto command : {"session-start", "session-accept", "session-reject", "session-cancel",
                                   "ice", "offer", "answer"}) {
            const auto d = decode(json{}, R"({"cmd":")" + std::string(command) + R"(","id":)" + id + "}");
            BOOST_TEST((d.result == errc::missing_id));
            BOOST_TEST(d.count == 0);
        }
    BOOST_TEST((decode(json{}, R"({"cmd":"ice"})").result == errc::missing_id));
    BOOST_TEST((decode(json{}, R"({"cmd":"ice","id":"a","id":""})").result == errc::missing_id));
}

BOOST_AUTO_TEST_CASE(unknown_commands) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"cmd":"dance","id":"1"})", "dance"},
        {R"({"id":"1"})", ""},
        {R"({"cmd":5,"id":"1"})", ""},
        {R"({"cmd":"","id":"1","target":"b"})", ""},
        {R"({"cmd":"ICE","id":"1"})", "ICE"},
        {R"({"cmd":"ice ","id":"1"})", "ice "},
        {R"({"cmd":"\u0064ance","id":"1"})", "dance"},
        {R"({"cmd":"\ud800","id":"1"})", ""},
        {R"({"cmd":"welcome","id":"1"})", "welcome"},
        {R"({"cmd":["ice"],"id":"1"})", ""},
    };
    for (const auto& [text, command] : rows) {
        const auto d = decode(json{}, std::string(text));
        BOOST_TEST((d.result == errc::ok));
        BOOST_TEST(d.count == 1, text);
        BOOST_TEST(d.event == "custom");
        BOOST_TEST(d.token == R"("1")");
        BOOST_TEST(d.command == command);
    }
    for (const auto text : {R"({"cmd":"dance"})", R"({"cmd":"dance","id":""})", "{}",
                            R"({"a":{"cmd":"ice"}})", R"({"cmd":null})"}) {
        const auto d = decode(json{}, text);
        BOOST_TEST((d.result == errc::ok));
        BOOST_TEST(d.count == 0, text);
    }
}

BOOST_AUTO_TEST_CASE(unknown_commands_keep_target_and_data_for_hooks) {
    const auto d = decode(json{}, R"({"cmd":"add","target":"b\u006fb","id":1,"data":[1, 2]})");
    BOOST_TEST(d.event == "custom");
    BOOST_TEST(d.command == "add");
    BOOST_TEST(d.to == "bob");
    BOOST_TEST(d.bytes == "[1, 2]");
    const auto bare = decode(json{}, R"({"cmd":"add","target":7,"id":1})");
    BOOST_TEST(bare.to == "");
    BOOST_TEST(bare.bytes == "");
}

BOOST_AUTO_TEST_CASE(a_message_that_is_no_object_is_ignored_or_refused) {
    struct row {
        std::string_view text;
        errc as_text, as_binary;
    };
    using enum errc;
    const row rows[] = {
        {"[]", ok, ok},
        {R"([{"cmd":"ice"}])", ok, ok},
        {R"("x")", ok, ok},
        {"1e400", ok, ok},
        {"true", ok, ok},
        {" false ", ok, ok},
        {"null", internal_error, internal_error},
        {" null\n", internal_error, internal_error},
        {"", malformed, malformed},
        {" ", malformed, malformed},
        {"\xef\xbb\xbf{}", malformed, malformed},
        {"{", malformed, malformed},
        {"nul", malformed, malformed},
        {"{}{}", malformed, malformed},
        {R"({"cmd":"ice","id":1)", malformed, malformed},
        {R"({"cmd":"session-start","target":"b","id":"1"}x)", malformed, malformed},
        {R"({"a":01})", malformed, malformed},
        {"{\"a\":\"\xff\"}", bad_utf8, malformed},
        {"\xff", bad_utf8, malformed},
        {"{\"cmd\":\"ice\",\"target\":\"\xed\xa0\x80\"}", bad_utf8, malformed},
        {"[1,\"\xc0\x80\"]", bad_utf8, malformed},
        {"{\"a\" \xe2\x82}", bad_utf8, malformed},
    };
    for (const auto& r : rows) {
        const auto as_text = decode(json{}, std::string(r.text));
        const auto as_binary = decode(json{}, std::string(r.text), message_type::binary);
        BOOST_TEST(to_string(as_text.result) == to_string(r.as_text), r.text);
        BOOST_TEST(to_string(as_binary.result) == to_string(r.as_binary), r.text);
        BOOST_TEST(as_text.count + as_binary.count == 0);
    }
    const auto deep = std::string(10'000, '[') + std::string(10'000, ']');
    BOOST_TEST((decode(json{}, deep).result == errc::malformed));
    BOOST_TEST((decode(json{}, R"({"data":{"offer":)" + deep + "}}").result == errc::malformed));
    // a trusted sender's payload is not looked into
    const auto odd = R"({"cmd":"offer","target":"b","id":1,"data":{"offer":[01]}})";
    BOOST_TEST((decode(json{}, odd).result == errc::malformed));
    BOOST_TEST(decode(json{json_options{.check = json_check::trusted}}, odd).body == "[01]");
}

BOOST_AUTO_TEST_CASE(long_names) {
    const std::string escaped = "\\u0061" + std::string(255, 'b');
    auto d = decode(json{}, R"({"cmd":"session-start","id":1,"target":")" + escaped + R"("})");
    BOOST_TEST(d.to == 'a' + std::string(255, 'b'));
    d = decode(json{},
               R"({"cmd":"session-start","id":1,"target":")" + escaped + std::string(5, 'b') + R"("})");
    BOOST_TEST(d.to == "");
    BOOST_TEST((d.fault == errc::unknown));
    d = decode(json{}, R"({"id":1,"cmd":")" + escaped + escaped + R"("})");
    BOOST_TEST(d.event == "custom");
}

BOOST_AUTO_TEST_CASE(welcomes) {
    event::welcome e;
    e.id = "m1", e.peer = "alice";
    for (const auto st : {plain, extras}) {
        BOOST_TEST(encode(json{}, e, st) == R"({"id":"m1","cmd":"welcome","data":{"id":"alice"}})");
        const json with{json_options{.rtc_configuration = R"({"iceServers":[]})"}};
        BOOST_TEST(encode(with, e, st) ==
                   R"({"id":"m1","cmd":"welcome","data":{"id":"alice","configuration":{"iceServers":[]}}})");
    }
    const json with{json_options{.rtc_configuration = R"({"iceServers":[]})"}};
    e.configuration.bytes = R"({"iceServers":[1]})"; // of this peer
    BOOST_TEST(encode(with, e) ==
               R"({"id":"m1","cmd":"welcome","data":{"id":"alice","configuration":{"iceServers":[1]}}})");
    e.configuration = {"\x80", wire_id::msgpack};
    BOOST_TEST(encode(with, e) ==
               R"({"id":"m1","cmd":"welcome","data":{"id":"alice","configuration":{"iceServers":[]}}})");
    e.configuration = {};
    e.peer = "a\"\\\n\x1f\xc3\xa9";
    BOOST_TEST(encode(json{}, e) ==
               "{\"id\":\"m1\",\"cmd\":\"welcome\",\"data\":{\"id\":\"a\\\"\\\\\\u000a\\u001f\xc3\xa9\"}}");
}

BOOST_AUTO_TEST_CASE(configurations) {
    BOOST_CHECK_NO_THROW(json{json_options{.rtc_configuration = " {} "}});
    const std::pair<const char*, const char*> rows[] = {
        {"[]", "offset 0"}, {"{]", "offset 1"},    {R"({"a":1,})", "offset 7"}, {R"({"a":"\x"})", "offset 5"},
        {" ", "offset 1"},  {"{} {}", "offset 2"},
    };
    for (const auto& [text, where] : rows)
        BOOST_CHECK_EXCEPTION(
            json{json_options{.rtc_configuration = text}}, std::invalid_argument,
            [end = where](const std::exception& e) { return std::string_view{e.what()}.ends_with(end); });
}

BOOST_AUTO_TEST_CASE(replies) {
    event::reply e;
    for (const auto id : {R"("1")", "5", R"({"a":"\u0061"})"}) {
        e.token.bytes = id, e.cause = errc::ok;
        for (const auto st : {plain, extras})
            BOOST_TEST(encode(json{}, e, st) == R"({"id":)" + std::string(id) + R"(,"ok":true})");
        e.cause = errc::unknown;
        BOOST_TEST(encode(json{}, e, plain) ==
                   R"({"id":)" + std::string(id) + R"(,"ok":false,"data":{"message":"Peer Not Found"}})");
        BOOST_TEST(encode(json{}, e, extras) ==
                   R"({"id":)" + std::string(id) +
                       R"(,"ok":false,"data":{"message":"Peer Not Found","cause":"unknown"}})");
    }
    e.cause = errc::forwarded;
    BOOST_TEST(encode(json{}, e).ends_with(R"("ok":true})"));
    for (const auto& row : detail::errc_table) {
        BOOST_TEST(detail::json_plain(row.text), row.text);
        BOOST_TEST(detail::json_plain(cause_name(row.code)));
    }
}

BOOST_AUTO_TEST_CASE(replies_tell_of_held_and_of_roles_with_extras_only) {
    const struct {
        errc cause;
        politeness role;
        const char* data;
    } rows[] = {
        {errc::held, politeness::none, R"({"held":true})"},
        {errc::ok, politeness::polite, R"({"polite":true})"},
        {errc::ok, politeness::impolite, R"({"polite":false})"},
    };
    for (const auto& row : rows) {
        event::reply e;
        e.token.bytes = "7", e.cause = row.cause, e.role = row.role;
        BOOST_TEST(encode(json{}, e, plain) == R"({"id":7,"ok":true})");
        BOOST_TEST(encode(json{}, e, extras) == R"({"id":7,"ok":true,"data":)" + std::string{row.data} + "}");
    }
}

BOOST_AUTO_TEST_CASE(replies_of_hooks) {
    event::reply e;
    e.token.bytes = "7";
    e.data.bytes = R"({"sum":3})";
    for (const auto st : {plain, extras})
        BOOST_TEST(encode(json{}, e, st) == R"({"id":7,"ok":true,"data":{"sum":3}})");
    e.cause = errc::denied; // in the words of the refusing part
    BOOST_TEST(encode(json{}, e, extras) == R"({"id":7,"ok":false,"data":{"sum":3}})");
    e.data = {};
    e.text = "\"no\"\n";
    BOOST_TEST(encode(json{}, e, plain) == R"({"id":7,"ok":false,"data":{"message":"\"no\"\u000a"}})");
    BOOST_TEST(encode(json{}, e, extras) ==
               R"({"id":7,"ok":false,"data":{"message":"\"no\"\u000a","cause":"denied"}})");
    const std::string long_text(5000, '\x01');
    e.text = long_text;
    BOOST_TEST(encode(json{}, e).size() > 30000u); // within its bound: the room is as large as that
}

BOOST_AUTO_TEST_CASE(relayed_messages) {
    BOOST_TEST(encode(json{}, relayed("session-start")) ==
               R"({"id":"m1","cmd":"session-start","origin":"alice"})");
    BOOST_TEST(encode(json{}, relayed("ice", R"({"candidate":1})", "1", signal_kind::candidate)) ==
               R"({"id":"m1","cmd":"ice","origin":"alice","data":{"candidate":1}})");
    auto e = relayed("a\"b", "[1]");
    e.from = "\t\\";
    BOOST_TEST(encode(json{}, e) == R"({"id":"m1","cmd":"a\"b","origin":"\u0009\\","data":[1]})");
    e.from = {}; // the server itself
    BOOST_TEST(encode(json{}, e) == R"({"id":"m1","cmd":"a\"b","data":[1]})");
    e.data.wire = wire_id::peerjs; // JSON too
    BOOST_TEST(encode(json{}, e) == R"({"id":"m1","cmd":"a\"b","data":[1]})");
    e.data.wire = wire_id::msgpack;
    BOOST_TEST(encode(json{}, e) == "");
    e.data.bytes = {}; // nothing in another format is nothing
    BOOST_TEST(encode(json{}, e) == R"({"id":"m1","cmd":"a\"b"})");
    e = relayed("");
    BOOST_TEST(encode(json{}, e) == "");
}

// Ids and payloads of every length: each way to copy or to check a string.
BOOST_AUTO_TEST_CASE(every_length) {
    for (std::size_t n = 0; n < 100; ++n)
        for (std::size_t at = 0; at <= n; ++at) {
            std::string name(n, 'a'), escaped = name;
            if (at < n) name[at] = '"', escaped.replace(at, 1, "\\\"");
            auto e = relayed("offer", name);
            e.from = name, e.id = name;
            BOOST_TEST(encode(json{}, e) ==
                       R"({"id":")" + name + R"(","cmd":"offer")" +
                           (n == 0 ? "" : R"(,"origin":")" + escaped + R"(","data":)" + name) + "}");
        }
}

BOOST_AUTO_TEST_CASE(answer_copies) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"answer":7})", R"({"answer":7,"offer":7})"},
        {R"({"answer":{"sdp":"}"}})", R"({"answer":{"sdp":"}"},"offer":7})"},
        {R"({ "answer":7 } )", R"({ "answer":7 ,"offer":7} )"},
        {"{}", R"({"offer":7})"},
        {"{ \n}", "{ \n\"offer\":7}"},
        {"[7]", "[7]"},
        {R"("x")", R"("x")"},
    };
    for (const auto& [data, expected] : rows) {
        auto e = relayed("answer", data, "7", signal_kind::answer);
        const auto head = R"({"id":"m1","cmd":"answer","origin":"alice","data":)"s;
        BOOST_TEST(encode(json{}, e, plain) == head + std::string(expected) + "}");
        BOOST_TEST(encode(json{}, e, extras) == head + std::string(data) + "}");
        BOOST_TEST(encode(json{json_options{.answer_copy = false}}, e, plain) ==
                   head + std::string(data) + "}");
        e.signal.kind = signal_kind::offer;
        BOOST_TEST(encode(json{}, e, plain) == head + std::string(data) + "}");
    }
    const auto d = decode(
        json{}, R"({"cmd":"answer","target":"b","id":1,"data":{"answer":{"type":"answer","sdp":"x"}}})");
    auto e = relayed(d.command, d.bytes, d.body, d.kind);
    BOOST_TEST(
        encode(json{}, e) ==
        R"({"id":"m1","cmd":"answer","origin":"alice","data":{"answer":{"type":"answer","sdp":"x"},"offer":{"type":"answer","sdp":"x"}}})");
}

BOOST_AUTO_TEST_CASE(sub_protocols) {
    struct row {
        std::vector<header> headers;
        std::string_view chosen;
        bool extras;
    };
    const std::string_view name = "Sec-WebSocket-Protocol";
    const row rows[] = {
        {{}, "", false},
        {{{name, "Signal-Fire@3"}}, "Signal-Fire@3", false},
        {{{name, "sigfire.v1.json"}}, "sigfire.v1.json", true},
        {{{name, "chat, other"}}, "chat", false},
        {{{name, "chat, Signal-Fire@3, x"}}, "Signal-Fire@3", false},
        {{{name, "Signal-Fire@3,sigfire.v1.json"}}, "sigfire.v1.json", true},
        {{{name, "chat"}, {"sec-websocket-protocol", "x , sigfire.v1.json"}}, "sigfire.v1.json", true},
        {{{name, " , ,"}}, "", false},
        {{{name, "SIGFIRE.V1.JSON"}}, "SIGFIRE.V1.JSON", false},
    };
    for (const auto& r : rows) {
        request rq;
        rq.method = "GET", rq.headers = r.headers;
        json::state st;
        admission ad;
        ad.id = "kept";
        BOOST_TEST((json{}.open(rq, st, ad) == errc::ok));
        BOOST_TEST(ad.subprotocol == r.chosen);
        BOOST_TEST(st.extras == r.extras);
        BOOST_TEST(ad.id == "kept");
    }
    json::state st;
    admission ad;
    json{}.open({}, st, ad);
    BOOST_TEST(st.extras);
    BOOST_TEST(ad.subprotocol == "");
    BOOST_TEST((json{}.type(event::send{}, st) == message_type::text));
    json{}.open({.method = "GET", .target = {}, .headers = {}, .remote = {}}, st, ad);
    BOOST_TEST(!st.extras);
    BOOST_TEST(ad.subprotocol == "");
}

BOOST_AUTO_TEST_CASE(endings) {
    struct row {
        errc why;
        int code;
        std::string_view text;
    };
    using enum errc;
    const row rows[] = {
        {malformed, 4400, "Bad Request"},
        {missing_id, 4400, "Missing message ID"},
        {internal_error, 4500, "Internal Server Error"},
        {bad_utf8, 1007, "Invalid UTF-8"},
        {too_large, 1009, ""},
        {flood, 1008, to_string(flood)},
        {protocol_violation, 1002, to_string(protocol_violation)},
        {overloaded, 1013, to_string(overloaded)},
        {stopping, 1001, to_string(stopping)},
        {closed, 1000, ""},
        {slow_consumer, 4001, to_string(slow_consumer)},
        {pong_timeout, 4002, to_string(pong_timeout)},
        {id_in_use, 4500, "Internal Server Error"},
        {replaced, 4601, to_string(replaced)},
        {denied, 4400, to_string(denied)},
        {lost, 0, to_string(lost)},
    };
    for (const auto& r : rows) {
        const auto e = json{}.end(r.why, plain);
        BOOST_TEST(e.close_code == r.code, to_string(r.why));
        BOOST_TEST(e.text == r.text);
    }
    BOOST_TEST(json{}.end(id_in_use, extras).close_code == 4600);
    BOOST_TEST(json{}.end(id_in_use, extras).text == "ID In Use");
    for (const auto& row : detail::errc_table)
        for (const auto& e : {json{}.end(row.code, plain), json{}.end(row.code, extras)}) {
            BOOST_TEST(e.http_status >= 400);
            BOOST_TEST(e.http_status < 600);
            BOOST_TEST(e.text.size() <= 123);
            BOOST_TEST((e.close_code == 0 || (e.close_code >= 1000 && e.close_code < 5000)));
            BOOST_TEST((e.close_code < 1004 || e.close_code > 1006));
        }
    const std::pair<errc, unsigned> statuses[] = {{denied, 403},
                                                  {forbidden_origin, 403},
                                                  {id_in_use, 409},
                                                  {too_large, 413},
                                                  {rate, 429},
                                                  {stopping, 503},
                                                  {malformed, 400},
                                                  {internal_error, 500},
                                                  {handshake_timeout, 408},
                                                  {header_too_large, 431},
                                                  {upgrade_required, 426}};
    for (const auto& [why, status] : statuses) BOOST_TEST(json{}.end(why, plain).http_status == status);
}

BOOST_AUTO_TEST_CASE(causes) {
    for (const auto& row : detail::errc_table) {
        if (is_verdict(row.code)) {
            BOOST_TEST((cause_from(cause_name(row.code)) == errc::denied));
            continue;
        }
        BOOST_TEST((cause_from(cause_name(row.code)) == row.code), row.text);
        BOOST_TEST((cause_from(row.text) == row.code), row.text);
    }
    BOOST_TEST((cause_from("Something Else") == errc::denied));
    BOOST_TEST(cause_name(errc::id_in_use) == "id_in_use");
    BOOST_TEST(cause_name(errc::unknown) == "unknown");
    BOOST_TEST(cause_name(errc::missing_candidate) == "missing_candidate");
    BOOST_TEST(cause_name(errc::bad_welcome) == "bad_welcome");
}

// Each message, to the byte.
BOOST_AUTO_TEST_CASE(words) {
    const auto value = [](std::string_view text) { return payload{text, wire_id::json}; };
    const auto token = [](std::string_view text) { return request_token{text, wire_id::json}; };
    int said = 0;
    codec_calls::each_own_word(value, token,
                               [&](const auto& e, std::string_view with_extras, std::string_view without) {
                                   BOOST_TEST(encode(json{}, e, extras) == with_extras);
                                   BOOST_TEST(encode(json{}, e, plain) == without);
                                   BOOST_TEST((json{}.type(e, plain) == message_type::text));
                                   ++said;
                               });
    BOOST_TEST(said > 40);
}

// A codec alone does not know other formats.
BOOST_AUTO_TEST_CASE(data_that_is_not_json_is_left_out) {
    const payload foreign{"\x80", wire_id::msgpack};
    const request_token token{"\x07", wire_id::msgpack};
    event::publish p;
    p.id = "m1", p.topic = "t", p.data = foreign;
    BOOST_TEST(encode(json{}, p, extras) == "");
    event::request q;
    q.id = "m1", q.command = "request", q.number = 1, q.data = foreign;
    BOOST_TEST(encode(json{}, q, extras) == "");
    event::reply r{.token = token, .data = {}};
    BOOST_TEST(encode(json{}, r) == R"({"id":null,"ok":true})");
    r.token = {"7"}, r.data = foreign, r.role = politeness::polite;
    BOOST_TEST(encode(json{}, r, extras) == R"({"id":7,"ok":true})");
    r.cause = errc::denied;
    BOOST_TEST(encode(json{}, r, extras) ==
               R"({"id":7,"ok":false,"data":{"message":"Denied","cause":"denied"}})");
    const event::member who[] = {{"a", foreign, true}};
    BOOST_TEST(encode(json{}, event::member_list{.token = {"7"}, .count = 1, .members = who}, extras) ==
               R"({"id":7,"ok":true,"data":{"count":1,"members":[{"id":"a","away":true}]}})");
    BOOST_TEST(encode(json{}, event::record{.token = {"7"}, .metadata = foreign}, extras) ==
               R"({"id":7,"ok":true,"data":{"online":false,"permanent":false,"last_seen":0}})");
    const event::member_change moved[] = {{"a", event::presence_status::joined, foreign}};
    const event::entry_change stated[] = {{"k", foreign, "a"}};
    BOOST_TEST(
        encode(json{}, event::presence{.id = "m1", .members = moved, .entries = stated}, extras) ==
        R"({"id":"m1","cmd":"presence","data":{"members":[{"id":"a","status":"joined"}],"state":[{"key":"k","owner":"a"}]}})");
    BOOST_TEST(encode(json{}, event::expired{.id = "m1", .from = "b", .token = token}, extras) ==
               R"({"id":"m1","cmd":"expired","origin":"b","data":{"request":null}})");
}

BOOST_AUTO_TEST_CASE(long_tokens_pass_through) {
    const auto token = '"' + std::string(1000, 'x') + '"';
    const auto d = decode(json{}, R"({"cmd":"exists","id":)" + token + "}", extras);
    BOOST_TEST(d.token == token);
    BOOST_TEST((d.fault == errc::ok)); // the hub's to say
    BOOST_TEST(encode(json{}, event::reply{.token = {d.token}}) == R"({"id":)" + token + R"(,"ok":true})");
}

// --- requests with extras ---

namespace {

decoded with_extras(std::string_view text) {
    return decode(json{}, text, extras);
}

// What a request to the hub is, but for its command and token.
decoded asked(std::string_view event, decoded rest = {}) {
    rest.count = 1, rest.event = event, rest.command = event == "erase" ? "delete" : event, rest.token = "1";
    return rest;
}

} // namespace

BOOST_AUTO_TEST_CASE(relayed_with_extras) {
    using enum signal_kind;
    const std::pair<const char*, signal_kind> steps[] = {
        {"bye", bye}, {"renegotiate", other}, {"session-end", session_end}};
    for (const auto& [command, kind] : steps) {
        const auto say = [&](const std::string& rest) {
            auto d = with_extras(R"({"cmd":")"s + command + R"(","id":1)" + rest + "}");
            BOOST_TEST(d.event == "say");
            BOOST_TEST(d.command == command);
            BOOST_TEST((d.kind == kind));
            BOOST_TEST(d.body == "");
            return d;
        };
        auto d = say(R"(,"target":"b","data":[1])");
        BOOST_TEST(d.to == "b");
        BOOST_TEST(d.bytes == "[1]"); // anything
        BOOST_TEST((d.fault == errc::ok));
        d = say(R"(,"target":"b","topic":"t\u0041")");
        BOOST_TEST(d.to == "b");
        BOOST_TEST(d.topic == "tA");
        BOOST_TEST((say(R"(,"topic":"t")").fault == errc::ok));
        BOOST_TEST((say("").fault == errc::missing_target));
        BOOST_TEST((say(R"(,"target":0)").fault == errc::missing_target));
        BOOST_TEST((say(R"(,"target":7)").fault == errc::unknown));
        BOOST_TEST((say(R"(,"target":"b","topic":7)").fault == errc::malformed));
        BOOST_TEST((with_extras(R"({"cmd":")"s + command + R"(","target":"b"})").result == errc::missing_id));
        // without the extras a command like any other
        const auto plainly = decode(json{}, R"({"cmd":")"s + command + R"(","id":1,"target":"b"})");
        BOOST_TEST(plainly.event == "custom");
        BOOST_TEST(plainly.to == "b");
    }
    // commands of Signal-Fire: a topic counts where no target is
    auto d = with_extras(R"({"cmd":"offer","id":1,"topic":"t","data":{"offer":1}})");
    BOOST_TEST(d.topic == "t");
    BOOST_TEST((d.fault == errc::ok));
    d = with_extras(R"({"cmd":"offer","id":1,"topic":"t","target":"b","data":{"offer":1}})");
    BOOST_TEST(d.topic == "");
    BOOST_TEST((with_extras(R"({"cmd":"offer","id":1,"topic":7})").fault == errc::missing_target));
    BOOST_TEST((decode(json{}, R"({"cmd":"offer","id":1,"topic":"t","data":{"offer":1}})").fault ==
                errc::missing_target));
    // and a session may start with data
    BOOST_TEST(with_extras(R"({"cmd":"session-start","id":1,"target":"b","data":{"a":1}})").bytes ==
               R"({"a":1})");
    BOOST_TEST(with_extras(R"({"cmd":"session-start","id":1,"target":"b","data":[1]})").bytes == "");
}

BOOST_AUTO_TEST_CASE(requests_to_the_hub) {
    const auto metadata = R"({"a":[1]})"s;
    const std::pair<const char*, decoded> rows[] = {
        {R"({"cmd":"publish","id":1,"topic":"t","data":null,"echo":1,"volatile":"y"})",
         asked("publish", {.topic = "t", .bytes = "null", .echo = true, .droppable = true})},
        {R"({"cmd":"publish","id":1,"topic":"t","echo":0,"volatile":""})", asked("publish", {.topic = "t"})},
        {R"({"cmd":"publish","id":1})", asked("publish")}, // the hub says what it misses
        {R"({"cmd":"request","id":1,"target":"b","topic":"t","data":7})",
         asked("request", {.to = "b", .topic = "t", .bytes = "7"})},
        {R"({"cmd":"respond","id":1,"request":7,"data":[1]})",
         asked("respond", {.bytes = "[1]", .number = 7})},
        {R"({"cmd":"respond","id":1,"request":7,"ok":false})",
         asked("respond", {.outcome = errc::denied, .number = 7})},
        {R"({"cmd":"respond","id":1,"request":-1,"ok":0,"target":7,"topic":7})", asked("respond")},
        {R"({"cmd":"respond","id":1})", asked("respond")},
        {R"({"cmd":"join","id":1,"topic":"t"})", asked("join", {.topic = "t"})},
        {R"({"cmd":"join","id":1,"topic":"t\u0041","target":"b","data":{}})", asked("join", {.topic = "tA"})},
        {R"({"cmd":"join","id":1,"topic":"t","data":{"metadata":{"a":[1]},"limit":0,"match":2,"x":1}})",
         asked("join", {.topic = "t", .metadata = metadata, .limit = 0, .match = 2})},
        {R"({"cmd":"join","id":1,"topic":"t","data":{"l\u0069mit":1,"limit":18446744073709551615}})",
         asked("join", {.topic = "t", .limit = ~std::uint64_t{0}})},
        {R"({"cmd":"leave","id":1,"topic":"t"})", asked("leave", {.topic = "t"})},
        {R"({"cmd":"leave","id":1,"topic":"t","data":7})", asked("leave", {.topic = "t"})},
        {R"({"cmd":"lookup","id":1,"topic":"t"})", asked("lookup", {.topic = "t"})},
        {R"({"cmd":"lookup","id":1,"topic":"t","data":{"limit":7}})",
         asked("lookup", {.topic = "t", .limit = 7})},
        {R"({"cmd":"set","id":1,"topic":"t","data":{"key":"k\u0041","value":null,"ttl":1}})",
         asked("set", {.topic = "t", .key = "kA", .value = "null", .ttl = 1})},
        {R"({"cmd":"set","id":1,"data":{"key":"","value":[ 1 ]}})", asked("set", {.value = "[ 1 ]"})},
        {R"({"cmd":"unset","id":1,"topic":"t","data":{"key":"k"}})",
         asked("unset", {.topic = "t", .key = "k"})},
        {R"({"cmd":"watch","id":1,"topic":"t"})", asked("watch", {.topic = "t"})},
        {R"({"cmd":"watch","id":1,"target":"b"})", asked("watch", {.peer = "b"})},
        {R"({"cmd":"unwatch","id":1,"target":"b","topic":"t"})",
         asked("unwatch", {.topic = "t", .peer = "b"})},
        {R"({"cmd":"create","id":1})", asked("create")},
        {R"({"cmd":"create","id":1,"data":{"metadata":{"a":[1]}}})", asked("create", {.metadata = metadata})},
        {R"({"cmd":"create","id":1,"data":{"metadata":7}})", asked("create", {.metadata = "7"})},
        {R"({"cmd":"update","id":1,"data":{"metadata":{"a":[1]}}})", asked("update", {.metadata = metadata})},
        {R"({"cmd":"delete","id":1})", asked("erase")},
        {R"({"cmd":"info","id":1,"target":"b"})", asked("info", {.id = "b"})},
        {R"({"cmd":"info","id":1})", asked("info")},
        {R"({"cmd":"exists","id":1,"target":"\u0062"})", asked("exists", {.id = "b"})},
        {R"({"cmd":"resume","id":1})", asked("resume")},
        {R"({"cmd":"resume","id":1,"token":"","received":5})",
         asked("resume", {.proof = "?", .received = 5})},
        {R"({"cmd":"resume","id":1,"token":0})", asked("resume")},
        {R"({"cmd":"resume","id":1,"token":7})", asked("resume", {.proof = "?"})},
        {R"({"cmd":"resume","id":1,"token":"T\u0041","received":5})",
         asked("resume", {.proof = "TA", .received = 5})},
        {R"({"cmd":"resume","id":1,"token":"T","received":-5})", asked("resume", {.proof = "T"})},
        {R"({"cmd":"ack","id":1,"received":5})", asked("ack", {.received = 5})},
        {R"({"cmd":"authenticate","id":1,"data":{"token":"a.b-c_d"}})",
         asked("authenticate", {.proof = "a.b-c_d"})},
        {R"({"cmd":"ack","id":1,"received":1.5})", asked("ack")},
        {R"({"\u0063md":"\u006aoin","id":1,"t\u006fpic":"t"})", asked("join", {.topic = "t"})},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(with_extras(text) == expected, text);
    const std::string token(8192, 't'); // longer than any name
    BOOST_TEST(with_extras(R"({"cmd":"authenticate","id":1,"data":{"token":")" + token + R"("}})").proof ==
               token);
    // these two want no reply
    for (const auto command : {"respond", "ack"})
        for (const auto id : {"", R"("id":0,)", R"("id":"",)"}) {
            const auto d = with_extras("{"s + id + R"("cmd":")" + command + R"("})");
            BOOST_TEST(d.event == command);
            BOOST_TEST(d.token == "");
        }
    for (const auto& c : detail::json_extra_commands) {
        const auto text = R"({"cmd":")" + std::string{c.name} + R"("})";
        const bool may = c.name == "ack" || c.name == "respond";
        BOOST_TEST((with_extras(text).result == (may ? errc::ok : errc::missing_id)), text);
        BOOST_TEST(decode(json{}, text).count == 0, text);
    }
}

BOOST_AUTO_TEST_CASE(wrong_requests_to_the_hub_say_so) {
    const auto long_key = '"' + std::string(257, 'k') + '"';
    const std::pair<const char*, std::string> rows[] = {
        {"authenticate", ""},
        {"authenticate", R"("data":"t")"},
        {"authenticate", R"("data":{"token":""})"},
        {"authenticate", R"("data":{"token":7})"},
        {"authenticate", R"("data":{"token":"\u0074"})"},
        {"publish", R"("topic":7)"},
        {"publish", R"("topic":"")"},
        {"publish", R"("topic":"t","target":7)"},
        {"request", R"("target":["b"])"},
        {"request", R"("target":"b","topic":7)"},
        {"request", R"("target":)" + long_key},
        {"join", ""},
        {"join", R"("topic":7)"},
        {"join", R"("topic":"t","target":7)"},
        {"join", R"("topic":"t","data":7)"},
        {"join", R"("topic":"t","data":null)"},
        {"join", R"("topic":"t","data":[])"},
        {"join", R"("topic":"t","data":{"metadata":7})"},
        {"join", R"("topic":"t","data":{"metadata":null})"},
        {"join", R"("topic":"t","data":{"limit":-1})"},
        {"join", R"("topic":"t","data":{"limit":1.5})"},
        {"join", R"("topic":"t","data":{"limit":"1"})"},
        {"join", R"("topic":"t","data":{"limit":18446744073709551616})"},
        {"join", R"("topic":"t","data":{"match":1})"},
        {"join", R"("topic":"t","data":{"match":null})"},
        {"leave", ""},
        {"lookup", R"("topic":"t","data":[1])"},
        {"lookup", R"("topic":"t","data":{"limit":-1})"},
        {"lookup", R"("topic":"t","data":{"limit":null})"},
        {"set", R"("topic":"t")"},
        {"set", R"("topic":"t","data":7)"},
        {"set", R"("topic":"t","data":{"value":1})"},
        {"set", R"("topic":"t","data":{"key":"k"})"},
        {"set", R"("topic":"t","data":{"key":7,"value":1})"},
        {"set", R"("topic":"t","data":{"key":"\ud800","value":1})"},
        {"set", R"("topic":"t","data":{"key":)" + long_key + R"(,"value":1})"},
        {"set", R"("topic":"t","data":{"key":"k","value":1,"ttl":0})"},
        {"set", R"("topic":"t","data":{"key":"k","value":1,"ttl":-1})"},
        {"set", R"("topic":"t","data":{"key":"k","value":1,"ttl":1e3})"},
        {"unset", R"("topic":"t")"},
        {"unset", R"("topic":"t","data":{"key":null})"},
        {"watch", R"("topic":7)"},
        {"unwatch", R"("target":{})"},
        {"create", R"("data":7)"},
        {"create", R"("data":[])"},
        {"update", ""},
        {"update", R"("data":{})"},
        {"update", R"("data":7)"},
        {"delete", R"("data":7)"},
        {"info", R"("target":7)"},
        {"exists", R"("target":)" + long_key},
        {"resume", R"("target":7)"},
    };
    for (const auto& [command, rest] : rows) {
        const auto d =
            with_extras(R"({"cmd":")"s + command + R"(","id":"x")" + (rest.empty() ? "" : ",") + rest + "}");
        BOOST_TEST_CONTEXT(command << ' ' << rest) {
            BOOST_TEST((d.result == errc::ok));
            BOOST_TEST(d.event == (command == "delete"s ? "erase" : command));
            BOOST_TEST((d.fault == errc::malformed));
            BOOST_TEST(d.token == R"("x")");
        }
    }
    // A trusted sender's data is looked into where it is read.
    const json trusting{json_options{.check = json_check::trusted}};
    const auto d =
        decode(trusting, R"({"cmd":"join","id":1,"topic":"t","data":{"metadata":{"a":01}}})", extras);
    BOOST_TEST((d.fault == errc::malformed));
}

BOOST_AUTO_TEST_CASE(unknown_commands_with_extras) {
    auto d = with_extras(R"({"cmd":"dance","id":1,"target":"b","topic":"t","data":[1]})");
    BOOST_TEST(d.event == "custom");
    BOOST_TEST(d.to == "b");
    BOOST_TEST(d.topic == "t");
    BOOST_TEST(d.bytes == "[1]");
    BOOST_TEST(decode(json{}, R"({"cmd":"dance","id":1,"topic":"t"})").topic == "");
    BOOST_TEST((with_extras(R"({"cmd":"dance","topic":"t"})").result == errc::ok));
    BOOST_TEST(with_extras(R"({"cmd":"dance","topic":"t"})").count == 0);
}

BOOST_AUTO_TEST_CASE(laws) {
    const auto check = [](bool holds, const char* law) { BOOST_TEST(holds, law); };
    test::codec_laws(json{}, check);
}

BOOST_AUTO_TEST_SUITE_END()
