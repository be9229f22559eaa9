// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/json_client.hpp>

#include "support/client_calls.hpp"

#include <sigfire/codec/json.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

using namespace sigfire;
using client_calls::decode, client_calls::encode, client_calls::heard_kind;
using namespace std::literals;

static_assert(std::is_same_v<json_client, codec::json_client>);
static_assert(json_client::subprotocol == codec::json_subprotocol);

BOOST_AUTO_TEST_SUITE(codec_json_client)

BOOST_AUTO_TEST_CASE(requests) {
    client_request r;
    r.token = R"("1")", r.command = "session-start", r.target = "bob";
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"session-start","target":"bob","id":"1"})");
    r.data.bytes = "{}", r.target = "b\"b", r.token = "7";
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"session-start","target":"b\"b","data":{},"id":7})");
    r.data.wire = wire_id::peerjs; // JSON text too
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"session-start","target":"b\"b","data":{},"id":7})");
    r.data.wire = wire_id::msgpack;
    BOOST_TEST(encode(json_client{}, r) == "");
    r.data = {}, r.token = "";
    BOOST_TEST(encode(json_client{}, r) == "");
    r.token = "7", r.command = "";
    BOOST_TEST(encode(json_client{}, r) == "");
}

BOOST_AUTO_TEST_CASE(requests_with_extras) {
    client_request r;
    r.token = "1", r.command = "publish", r.topic = "t\"", r.echo = true, r.droppable = true,
    r.data.bytes = "[]";
    BOOST_TEST(encode(json_client{}, r) ==
               R"({"cmd":"publish","topic":"t\"","echo":true,"volatile":true,"data":[],"id":1})");
    r = {};
    r.token = "1", r.command = "respond", r.answered = 4294967295, r.failed = true;
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"respond","request":4294967295,"ok":false,"id":1})");
    r = {};
    r.token = "1", r.command = "resume";
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"resume","id":1})");
    r.resuming = "T\"", r.received = ~std::uint64_t{0};
    BOOST_TEST(encode(json_client{}, r) ==
               R"({"cmd":"resume","token":"T\"","received":18446744073709551615,"id":1})");
    r = {};
    r.command = "ack", r.received = 0;
    BOOST_TEST(encode(json_client{}, r) == R"({"cmd":"ack","received":0})");
}

BOOST_AUTO_TEST_CASE(reads_welcomes) {
    auto d =
        decode(json_client{},
               R"({"id":"m","cmd":"welcome","data":{"id":"al\u0069ce","configuration":{"iceServers":[]}}})");
    BOOST_TEST((d.kind == heard_kind::welcome));
    BOOST_TEST(d.id == "alice");
    BOOST_TEST(d.configuration == R"({"iceServers":[]})");
    BOOST_TEST(d.granted == "");
    d = decode(json_client{},
               R"({"id":"m","cmd":"welcome","data":{"id":"alice","r\u0065sume":{"token":"T"}}})");
    BOOST_TEST(d.id == "alice");
    BOOST_TEST(d.configuration == "");
    BOOST_TEST(d.granted == R"({"token":"T"})");
    for (const auto bad :
         {R"({"id":"m","cmd":"welcome"})", R"({"cmd":"welcome","data":{}})",
          R"({"cmd":"welcome","data":{"id":""}})", R"({"cmd":"welcome","data":{"id":5}})",
          R"({"cmd":"welcome","data":"alice"})", R"({"cmd":"welcome","data":{"id":"a"},"data":[]})"})
        BOOST_TEST((decode(json_client{}, bad).result == errc::bad_welcome), bad);
}

BOOST_AUTO_TEST_CASE(ids_have_a_limit) {
    const auto welcome = [](std::string_view id) {
        return R"({"cmd":"welcome","data":{"id":")" + std::string{id} + R"("}})";
    };
    BOOST_TEST(decode(json_client{}, welcome(std::string(256, 'x'))).id == std::string(256, 'x'));
    BOOST_TEST(decode(json_client{}, welcome(std::string(255, 'x') + R"(\u0078)")).id ==
               std::string(256, 'x'));
    for (const auto& id :
         {std::string(257, 'x'), std::string(256, 'x') + R"(\u0078)", std::string(900'000, 'x')})
        BOOST_TEST((decode(json_client{}, welcome(id)).result == errc::bad_welcome));
}

BOOST_AUTO_TEST_CASE(reads_replies) {
    struct row {
        std::string_view text;
        errc cause;
        std::string_view data;
    };
    using enum errc;
    const row rows[] = {
        {R"({"id":"1","ok":true})", ok, ""},
        {R"({"id":"1","ok":true,"data":{"x":1}})", ok, R"({"x":1})"},
        {R"({"id":"1","ok":false})", denied, ""},
        {R"({"id":"1","ok":false,"data":{"message":"Peer Not Found"}})", unknown,
         R"({"message":"Peer Not Found"})"},
        {R"({"id":"1","ok":false,"data":{"message":"Can\u0027t Send to Yourself"}})", self,
         R"({"message":"Can\u0027t Send to Yourself"})"},
        {R"({"id":"1","ok":false,"data":{"message":"Other words","cause":"full"}})", full,
         R"({"message":"Other words","cause":"full"})"},
        {R"({"id":"1","ok":false,"data":{"message":"Peer Offline","cause":7}})", offline,
         R"({"message":"Peer Offline","cause":7})"},
        {R"({"id":"1","ok":false,"data":{"message":"ok"}})", denied, R"({"message":"ok"})"},
        {R"({"id":"1","ok":false,"data":{"message":"Nobody knows"}})", denied,
         R"({"message":"Nobody knows"})"},
    };
    for (const auto& r : rows) {
        const auto d = decode(json_client{}, r.text);
        BOOST_TEST((d.kind == heard_kind::reply));
        BOOST_TEST(d.token == R"("1")");
        BOOST_TEST(to_string(d.cause) == to_string(r.cause), r.text);
        BOOST_TEST(d.data == r.data);
    }
    BOOST_TEST(
        decode(json_client{}, R"({"id":1,"ok":false,"data":{"message":"a\u0062","cause":"full"}})").text ==
        "ab");
    BOOST_TEST(decode(json_client{}, R"({"id":1,"ok":true,"data":{"message":"x"}})").text == "");
    BOOST_TEST(
        (decode(json_client{}, R"({"id":1,"ok":true,"data":{"polite":true}})").role == politeness::polite));
    BOOST_TEST((decode(json_client{}, R"({"id":1,"ok":true,"data":{"polite":false}})").role ==
                politeness::impolite));
    BOOST_TEST((decode(json_client{}, R"({"id":1,"ok":true,"polite":true})").role == politeness::none));
    for (const auto text :
         {R"({"ok":true})", R"({"id":"1","ok":1})", R"({"id":"1","ok":"true"})", R"({"id":"1"})"})
        BOOST_TEST(decode(json_client{}, text).count == 0, text);
}

BOOST_AUTO_TEST_CASE(reads_relayed_messages) {
    auto d = decode(json_client{},
                    R"({"id":"m","cmd":"answer","origin":"b\u006fb","data":{"answer":1,"offer":1}})");
    BOOST_TEST((d.kind == heard_kind::message));
    BOOST_TEST(d.from == "bob");
    BOOST_TEST(d.command == "answer");
    BOOST_TEST(d.data == R"({"answer":1,"offer":1})");
    BOOST_TEST((d.role == politeness::none));
    d = decode(json_client{}, R"({"cmd":"session-timeout","origin":"bob"})");
    BOOST_TEST(d.command == "session-timeout");
    d = decode(json_client{}, R"({"cmd":"dance","origin":"bob","data":[1]})");
    BOOST_TEST(d.data == "[1]");
    d = decode(json_client{}, R"({"cmd":"ice","origin":"bob","data":[1]})"); // is always an object
    BOOST_TEST(d.data == "");
    d = decode(json_client{}, R"({"cmd":"news","data":[1]})"); // the server itself
    BOOST_TEST((d.kind == heard_kind::message && d.command == "news" && d.from.empty()));
    d = decode(json_client{},
               R"({"cmd":"request","origin":"a","topic":"t\u0031","request":7,"polite":false})");
    BOOST_TEST(d.topic == "t1");
    BOOST_TEST(d.number == 7u);
    BOOST_TEST((d.role == politeness::impolite));
    d = decode(json_client{}, R"({"cmd":"a","d\u0061ta":1,"data":{"id":2},"data":3})"); // the last counts
    BOOST_TEST(d.data == "3");
    for (const auto text :
         {R"({"origin":"bob"})", R"({"cmd":"ice","origin":""})", R"({"cmd":"ice","origin":5})",
          R"({"cmd":5,"origin":"b"})", "{}", R"({"cmd":"ice","origin":"\ud800"})", "[]"})
        BOOST_TEST(decode(json_client{}, text).count == 0, text);
}

BOOST_AUTO_TEST_CASE(text_that_is_no_message_ends_the_connection) {
    struct {
        std::string_view text;
        errc as_text, as_binary;
    } const rows[] = {
        {"null", errc::internal_error, errc::internal_error},
        {" null ", errc::internal_error, errc::internal_error},
        {"7", errc::ok, errc::ok},
        {"", errc::malformed, errc::malformed},
        {"{", errc::malformed, errc::malformed},
        {R"({"cmd":"a"} {})", errc::malformed, errc::malformed},
        {R"({"cmd":"a","data":{"x":}})", errc::malformed, errc::malformed},
        {"\"\xff\"", errc::bad_utf8, errc::malformed},
        {"{\"cmd\":\"\xff\"}", errc::bad_utf8, errc::malformed},
    };
    for (const auto& r : rows) {
        BOOST_TEST((decode(json_client{}, r.text).result == r.as_text), r.text);
        BOOST_TEST((decode(json_client{}, r.text, message_type::binary).result == r.as_binary), r.text);
    }
}

BOOST_AUTO_TEST_CASE(a_cut_message_is_malformed) {
    const std::string whole =
        R"({"id":"m","cmd":"offer","origin":"b","data":{"offer":[1,{"a":"b"}]},"topic":"t"})";
    for (std::size_t n = 0; n < whole.size(); ++n)
        BOOST_TEST((decode(json_client{}, whole.substr(0, n)).result == errc::malformed), n);
}

BOOST_AUTO_TEST_CASE(says_why_it_ends) {
    BOOST_TEST(json_client{}.end(errc::malformed).close_code == 1003);
    BOOST_TEST(json_client{}.end(errc::bad_welcome).close_code == 1008);
    BOOST_TEST(json_client{}.end(errc::too_large).close_code == 1009);
    BOOST_TEST(json_client{}.end(errc::pong_timeout).close_code == 4002);
    BOOST_TEST(json_client{}.end(errc::lost).close_code == 0);
    BOOST_TEST(json_client{}.end(errc::closed).close_code == 1000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
