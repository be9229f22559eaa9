// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/json_client.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::literals;
using codec::msgpack_from_json, codec::json_from_msgpack;

static_assert(std::is_same_v<binary, codec::binary> && std::is_same_v<binary_client, codec::binary_client>);
static_assert(std::is_empty_v<binary::state> && std::is_empty_v<binary_client::state>);

std::string packed(std::string_view text) {
    auto r = msgpack_from_json(text);
    BOOST_TEST_REQUIRE(r.has_value(), text);
    return *r;
}

// What became of a message, copied; payload and token as MessagePack, whatever they were.
struct decoded {
    errc result = errc::ok;
    int count = 0;
    verb what = verb::other;
    errc status = errc::ok;
    politeness role = politeness::none;
    bool echo = false, droppable = false, has_offer = false;
    std::uint64_t number = 0;
    std::string id, command, from, to, topic, bytes, signal;
    signal_kind kind = signal_kind::none;
    payload_format format = payload_format::json;

    // But for how the payload was written.
    bool operator==(const decoded& o) const {
        const auto all = [](const decoded& d) {
            return std::tie(d.result, d.count, d.what, d.status, d.role, d.echo, d.droppable, d.has_offer,
                            d.number, d.id, d.command, d.from, d.to, d.topic, d.bytes, d.signal, d.kind);
        };
        return all(*this) == all(o);
    }
};

std::ostream& operator<<(std::ostream& out, const decoded& d) {
    const auto shown = [](const std::string& s) { return s.empty() ? s : *json_from_msgpack(s); };
    return out << cause_name(d.result) << ' ' << d.count << " verb " << static_cast<int>(d.what) << ' '
               << cause_name(d.status) << " role " << static_cast<int>(d.role) << ' ' << d.echo << d.droppable
               << d.has_offer << ' ' << d.number << " id " << shown(d.id) << " command " << d.command
               << " from " << d.from << " to " << d.to << " topic " << d.topic << " data " << shown(d.bytes)
               << " signal " << shown(d.signal) << " kind " << static_cast<int>(d.kind);
}

template <class Codec>
decoded decode(const Codec& codec, std::string_view text, typename Codec::state st = {}) {
    decoded d;
    // memory of exactly the message's size
    std::vector<char> bytes(text.begin(), text.end());
    constexpr bool is_server = std::is_same_v<Codec, binary> || std::is_same_v<Codec, json>;
    d.result = codec.decode({bytes, message_type::binary}, st, [&](envelope& e) {
        ++d.count;
        d.what = e.what, d.status = e.status, d.role = e.role, d.echo = e.echo, d.droppable = e.droppable;
        d.number = e.number, d.command = e.command, d.from = e.from, d.to = e.to, d.topic = e.topic;
        d.kind = e.data.kind, d.has_offer = e.data.has_offer, d.format = e.data.format;
        const auto as_msgpack = [](std::string_view s, bool is_json) {
            return s.empty() || !is_json ? std::string{s} : packed(s);
        };
        const bool is_json = e.data.format == payload_format::json && e.what != verb::resume;
        d.bytes = as_msgpack(e.data.bytes, is_json);
        d.signal = as_msgpack(e.data.signal, is_json);
        if (detail::is_msgpack_token(e.id))
            d.id = e.id.substr(2);
        else
            d.id = as_msgpack(e.id, std::is_same_v<Codec, json> || std::is_same_v<Codec, json_client>);
        BOOST_TEST((e.whole.bytes.data() == bytes.data() && e.whole.bytes.size() == bytes.size()));
        BOOST_TEST((!is_server || e.what != verb::send || !e.to.empty() || !e.topic.empty() ||
                    e.status != errc::ok));
        BOOST_TEST((e.data.signal.empty() || e.data.bytes.find(e.data.signal) != e.data.bytes.npos));
    });
    BOOST_TEST(std::string(bytes.begin(), bytes.end()) == text);
    BOOST_TEST(d.count <= 1);
    BOOST_TEST((d.count == 0 || d.result == errc::ok));
    return d;
}

template <class Codec>
std::string encode(const Codec& codec, const envelope& e, typename Codec::state st = {}) {
    const auto bound = codec.bound(e, st);
    std::vector<char> room(bound + 1, '!');
    const auto size = codec.encode(e, st, room.data());
    BOOST_TEST(size <= bound);
    BOOST_TEST((size == 0) == (bound == 0));
    BOOST_TEST(room[bound] == '!');
    return {room.data(), size};
}

constexpr json::state extras{.extras = true};

// Both codecs make the same of the same message.
void same_for_both(std::string_view text) {
    BOOST_TEST_CONTEXT(text) {
        BOOST_TEST(decode(binary{}, packed(text)) == decode(json{}, text, extras));
        BOOST_TEST(decode(binary_client{}, packed(text)) == decode(json_client{}, text));
    }
}

// All that is said and heard on the page.
std::vector<std::string> page() {
    std::vector<std::string> out;
    std::ifstream file{SIGFIRE_TEST_DIR "/../examples/protocol.md"};
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

// The same envelope as JSON's codec has it and as this one has it: token and payload differ.
std::string packed_token(std::string_view id) {
    return "id" + packed(id);
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_binary)

BOOST_AUTO_TEST_CASE(laws) {
    const auto check = [](bool law, const char* what) { BOOST_TEST(law, what); };
    sigfire::test::codec_laws(binary{}, check);
    sigfire::test::codec_laws(binary_client{}, check);
}

BOOST_AUTO_TEST_CASE(all_that_stands_on_the_page_is_read_as_json_is) {
    for (const auto& text : page()) same_for_both(text);
}

BOOST_AUTO_TEST_CASE(so_is_what_is_odd) {
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
            // to a client
            R"({"id":"m","cmd":"welcome","data":{"id":""}})",
            R"({"id":"m","cmd":"welcome","data":7})",
            R"({"ok":true})",
            R"({"id":1,"ok":true,"data":0})",
            R"({"id":1,"ok":1})",
            R"({"id":1,"ok":false})",
            R"({"id":1,"ok":false,"data":{"message":"Peer Not Found"}})",
            R"({"id":1,"ok":false,"data":{"message":"Peer Not Found","cause":7}})",
            R"({"id":"m","cmd":"news"})",
            R"({"id":"m","cmd":"news","origin":7})",
            R"({"id":"m","cmd":"news","origin":"","polite":0,"request":2,"topic":7})",
            R"({"id":"m","cmd":"news","origin":"a","polite":true,"request":"2","topic":"t"})",
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
    BOOST_TEST((d.status == errc::ok && d.format == payload_format::binary));
    BOOST_TEST((d.bytes == data));
    BOOST_TEST((d.signal == "\xc4\x02\xff\xfe"));
    BOOST_TEST((d.id == "\xd9\x01q"));

    envelope e;
    e.what = verb::send, e.id = "m1", e.command = "offer", e.from = "a";
    e.data = {data, {}, payload_format::binary, signal_kind::offer, false};
    const auto passed_on = "\x84\xa2id\xa2m1\xa3"
                           "cmd\xa5offer\xa6origin\xa1"
                           "a\xa4"
                           "data" +
                           data;
    BOOST_TEST((encode(binary{}, e) == passed_on));
    const auto heard = decode(binary_client{}, passed_on);
    BOOST_TEST((heard.bytes == data));
    BOOST_TEST((heard.signal == d.signal));
    BOOST_TEST((heard.from == "a"));
    BOOST_TEST((heard.format == payload_format::binary));
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
            binary{}.decode({bytes}, st, [&](envelope& e) {
                envelope r;
                r.what = verb::reply, r.id = e.id;
                back = encode(binary{}, r);
            });
            BOOST_TEST((back == "\x82\xa2id" + std::string{token} + "\xa2ok\xc3"));
        }
    for (const auto none : {"\xc0"sv, "\xc2"sv, "\0"sv, "\xcc\0"sv, "\xa0"sv, "\xca\0\0\0\0"sv}) {
        const auto said = "\x82\xa3"
                          "cmd\xa6"
                          "exists\xa2id"s.append(none);
        BOOST_TEST((decode(binary{}, said).result == errc::missing_id));
    }
    // of a connection on JSON
    envelope r;
    r.what = verb::reply, r.id = R"(["x"])";
    BOOST_TEST((encode(binary{}, r) == "\x82\xa2id\x91\xa1x\xa2ok\xc3"));
    BOOST_TEST((binary{}.objection(r, {}) == errc::ok));
}

BOOST_AUTO_TEST_CASE(what_the_hub_says_is_written_as_json_is) {
    const auto configuration = R"({"iceServers":[{"urls":"stun:stun.example.org"}]})";
    const json as_json[] = {json{}, json{{.rtc_configuration = configuration}}};
    const binary as_binary[] = {binary{}, binary{{.rtc_configuration = configuration}}};
    int written = 0;
    for (const auto what : {verb::other, verb::welcome, verb::reply, verb::send, verb::publish, verb::request,
                            verb::notice, verb::join, verb::ack})
        for (const auto status : {errc::ok, errc::held, errc::denied, errc::too_large})
            for (const auto role : {politeness::none, politeness::polite, politeness::impolite})
                for (const auto data : {"", R"({"a":[1,"x",null,2.5]})", R"("hello")"})
                    for (const auto command : {"", "offer", "a rather long command with \"quotes\" in it"})
                        for (const std::uint64_t number : {0u, 7u, 4'000'000'000u})
                            for (const auto topic : {"", "lobby\n"}) {
                                if (what == verb::welcome && *data == '"') continue;
                                envelope e;
                                e.what = what, e.status = status, e.role = role, e.command = command;
                                e.number = number, e.topic = topic, e.to = "bob",
                                e.from = number == 7 ? "" : "ann";
                                e.id = what == verb::reply ? R"("t")" : "m1";
                                e.data.bytes = data;
                                for (const auto i : {0, 1}) {
                                    const auto text = encode(as_json[i], e, extras);
                                    const auto expected = text.empty() ? text : packed(text);
                                    BOOST_TEST((encode(as_binary[i], e) == expected), text);
                                    // the same in its own format
                                    auto own = e;
                                    const auto bytes = e.data.bytes.empty() ? ""s : packed(data);
                                    own.data.bytes = bytes, own.data.format = payload_format::binary;
                                    const auto token = packed_token(R"("t")");
                                    if (what == verb::reply) own.id = token;
                                    BOOST_TEST((encode(as_binary[i], own) == expected), text);
                                    BOOST_TEST((as_binary[i].objection(own, {}) == errc::ok));
                                    written += !text.empty();
                                }
                            }
    BOOST_TEST(written > 1000);
    BOOST_TEST((binary{}.type({}, {}) == message_type::binary));
    BOOST_TEST(binary{}.share_key({}, {}) == 0);
}

BOOST_AUTO_TEST_CASE(what_clients_say_is_written_as_json_is) {
    for (const auto what : {verb::other, verb::send, verb::resume, verb::ack, verb::reply})
        for (const auto id : {"", "7", R"("x")"})
            for (const auto data : {"", R"({"a":1.5})", "42"})
                for (const auto to : {"", "bob"})
                    for (const auto topic : {"", "t"})
                        for (const std::uint64_t number : {0u, 300u})
                            for (const auto status : {errc::ok, errc::denied})
                                for (const bool flag : {false, true}) {
                                    envelope e;
                                    e.what = what, e.command = flag ? "publish" : "offer", e.id = id,
                                    e.to = to;
                                    e.topic = topic, e.number = number, e.status = status, e.echo = flag;
                                    e.droppable = flag, e.data.bytes = data;
                                    const auto text = encode(json_client{}, e);
                                    const auto token = e.id.empty() ? ""s : packed(id);
                                    e.id = token;
                                    const auto expected = text.empty() ? text : packed(text);
                                    BOOST_TEST((encode(binary_client{}, e) == expected), text);
                                    if (e.data.bytes.empty() || what == verb::resume) continue;
                                    const auto bytes = packed(data);
                                    e.data.bytes = bytes, e.data.format = payload_format::binary;
                                    BOOST_TEST((encode(binary_client{}, e) == expected), text);
                                }
    envelope bad;
    bad.what = verb::send, bad.id = "\x07", bad.command = "offer", bad.data.bytes = "{";
    BOOST_TEST(encode(binary_client{}, bad) == "");
    bad.command = "", bad.data.bytes = {};
    BOOST_TEST(encode(binary_client{}, bad) == "");
    BOOST_TEST((binary_client{}.type({}, {}) == message_type::binary));
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_or_goes_on) {
    for (const auto& text : page()) {
        const auto whole = packed(text);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto cut = std::string_view{whole}.substr(0, n);
            BOOST_TEST((decode(binary{}, cut).result == errc::malformed), text << " cut at " << n);
            BOOST_TEST((decode(binary_client{}, cut).result == errc::malformed), text << " cut at " << n);
        }
        BOOST_TEST((decode(binary{}, whole + "\xc0").result == errc::malformed), text);
        BOOST_TEST((decode(binary_client{}, whole + "\x01").result == errc::malformed), text);
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_valid) {
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
        BOOST_TEST((decode(binary_client{}, head + bad).result == errc::malformed));
    }
    BOOST_TEST((in_data(many("\x91", 511) + "\x01") == errc::ok));
    for (const auto& bad : {""s, "\xdf\xff\xff\xff\xff"s, "\xdd\xff\xff\xff\xff"s, "\x81"s, "\xa1\xff"s,
                            "\xc1"s, R"({"cmd":"exists","id":1})"s, many("\x91", 513) + "\x01"}) {
        BOOST_TEST((decode(binary{}, bad).result == errc::malformed));
        BOOST_TEST((decode(binary_client{}, bad).result == errc::malformed));
    }
    for (const auto& nothing :
         {"\x01"s, "\x90"s, "\x80"s, "\xa1x"s, "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"s, "\xc4\x01\xff"s}) {
        BOOST_TEST((decode(binary{}, nothing).result == errc::ok));
        BOOST_TEST(decode(binary{}, nothing).count == 0);
    }
    BOOST_TEST((decode(binary{}, "\xc0").result == errc::null_message));
    // members' names are texts
    BOOST_TEST(decode(binary{}, "\x82\xc4\x03"
                                "cmd\xa6"
                                "exists\xa2id\x01")
                   .command == "");
}

BOOST_AUTO_TEST_CASE(data_for_the_hub_itself_is_json) {
    for (const auto command : {"join", "leave", "lookup", "set", "unset", "watch", "unwatch", "create",
                               "update", "info", "exists", "delete"}) {
        const auto text =
            R"({"cmd":")"s + command + R"(","id":1,"topic":"t","data":{"key":"k","value":[1,2]}})";
        BOOST_TEST((decode(binary{}, packed(text)).format == payload_format::json), command);
        std::vector<char> bytes;
        for (const char c : packed(text)) bytes.push_back(c);
        binary::state st;
        binary{}.decode({bytes}, st,
                        [](envelope& e) { BOOST_TEST(e.data.bytes == R"({"key":"k","value":[1,2]})"); });
    }
    for (const auto command : {"publish", "request", "respond", "bye", "dance"}) {
        const auto text = R"({"cmd":")"s + command + R"(","id":1,"target":"b","topic":"t","data":[1]})";
        BOOST_TEST((decode(binary{}, packed(text)).format == payload_format::binary), command);
    }
    const binary small{{.transcoded = 10}};
    const auto d =
        decode(small, packed(R"({"cmd":"set","id":1,"topic":"t","data":{"key":"k","value":"long"}})"));
    BOOST_TEST((d.status == errc::too_large));
    BOOST_TEST(d.bytes == "");
}

BOOST_AUTO_TEST_CASE(what_would_be_too_long) {
    const binary small{{.transcoded = 10}};
    envelope e;
    e.what = verb::send, e.id = "m1", e.command = "bye", e.from = "a", e.data.bytes = R"("123456789")";
    BOOST_TEST((small.objection(e, {}) == errc::ok));
    BOOST_TEST((encode(small, e) == packed(R"({"id":"m1","cmd":"bye","origin":"a","data":"123456789"})")));
    e.data.bytes = R"("1234567890")";
    BOOST_TEST((small.objection(e, {}) == errc::too_large));
    BOOST_TEST(encode(small, e) == "");
    envelope r;
    r.what = verb::reply, r.id = "id\x07", r.data.bytes = e.data.bytes;
    const auto too_large =
        packed(R"({"id":7,"ok":false,"data":{"message":"Message Too Large","cause":"too_large"}})");
    BOOST_TEST((encode(small, r) == too_large));
    BOOST_TEST((small.objection(r, {}) == errc::ok));
    // what is no JSON at all, by whoever
    e.data.bytes = "{";
    BOOST_TEST((binary{}.objection(e, {}) == errc::malformed));
    BOOST_TEST(encode(binary{}, e) == "");
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

    admission ad;
    binary_client::state st;
    BOOST_TEST((binary_client{}.open({}, st, ad) == errc::ok));
    BOOST_TEST(ad.subprotocol == "sigfire.v1.msgpack");
    for (const auto bad : {"{", "7", "[]", "null"})
        BOOST_CHECK_THROW(binary{{.rtc_configuration = bad}}, std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(endings) {
    for (const auto& row : detail::errc_table) {
        const auto a = binary{}.end(row.code, {}), b = json{}.end(row.code, extras);
        BOOST_TEST((a.http_status == b.http_status && a.close_code == b.close_code && a.text == b.text),
                   row.name);
        const auto c = binary_client{}.end(row.code, {}), d = json_client{}.end(row.code, {});
        BOOST_TEST((c.http_status == d.http_status && c.close_code == d.close_code && c.text == d.text),
                   row.name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
