// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/json_client.hpp>

#include "support/codec_calls.hpp"

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace sigfire;
using codec_calls::decode, codec_calls::encode;
using namespace std::literals;

static_assert(std::is_same_v<json_client, codec::json_client>);

BOOST_AUTO_TEST_SUITE(codec_json_client)

BOOST_AUTO_TEST_CASE(requests) {
    envelope e;
    e.what = verb::send;
    e.id = R"("1")", e.command = "session-start", e.to = "bob";
    BOOST_TEST(encode(json_client{}, e) == R"({"cmd":"session-start","target":"bob","id":"1"})");
    e.data.bytes = "{}", e.to = "b\"b", e.id = "7";
    BOOST_TEST(encode(json_client{}, e) == R"({"cmd":"session-start","target":"b\"b","data":{},"id":7})");
    e.id = "";
    BOOST_TEST(encode(json_client{}, e) == "");
}

BOOST_AUTO_TEST_CASE(requests_with_extras) {
    envelope e;
    e.what = verb::send;
    e.id = "1", e.command = "publish", e.topic = "t\"", e.echo = true, e.droppable = true,
    e.data.bytes = "[]";
    BOOST_TEST(encode(json_client{}, e) ==
               R"({"cmd":"publish","topic":"t\"","echo":true,"volatile":true,"data":[],"id":1})");
    e = {};
    e.what = verb::send;
    e.id = "1", e.command = "respond", e.number = 4294967295, e.status = errc::denied;
    BOOST_TEST(encode(json_client{}, e) == R"({"cmd":"respond","request":4294967295,"ok":false,"id":1})");
    e = {};
    e.what = verb::resume;
    e.id = "1", e.command = "resume", e.number = 7;
    BOOST_TEST(encode(json_client{}, e) == R"({"cmd":"resume","id":1})");
    e.data.bytes = "T\"", e.number = ~std::uint64_t{0};
    BOOST_TEST(encode(json_client{}, e) ==
               R"({"cmd":"resume","token":"T\"","received":18446744073709551615,"id":1})");
    e.what = verb::ack;
    e.command = "ack", e.id = {}, e.data.bytes = {}, e.number = 0;
    BOOST_TEST(encode(json_client{}, e) == R"({"cmd":"ack","received":0})");
}

BOOST_AUTO_TEST_CASE(reads_welcomes) {
    auto d =
        decode(json_client{},
               R"({"id":"m","cmd":"welcome","data":{"id":"al\u0069ce","configuration":{"iceServers":[]}}})");
    BOOST_TEST((d.what == verb::welcome));
    BOOST_TEST(d.to == "alice");
    BOOST_TEST(d.bytes == R"({"iceServers":[]})");
    d = decode(json_client{}, R"({"id":"m","cmd":"welcome","data":{"id":"alice"}})");
    BOOST_TEST(d.to == "alice");
    BOOST_TEST(d.bytes == "");
    for (const auto bad :
         {R"({"id":"m","cmd":"welcome"})", R"({"cmd":"welcome","data":{}})",
          R"({"cmd":"welcome","data":{"id":""}})", R"({"cmd":"welcome","data":{"id":5}})",
          R"({"cmd":"welcome","data":"alice"})", R"({"cmd":"welcome","data":{"id":"a"},"data":[]})"})
        BOOST_TEST((decode(json_client{}, bad).result == errc::bad_welcome), bad);
}

BOOST_AUTO_TEST_CASE(reads_replies) {
    struct row {
        std::string_view text;
        errc status;
        std::string_view bytes;
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
        const auto d = decode(json_client{}, std::string(r.text));
        BOOST_TEST((d.what == verb::reply));
        BOOST_TEST(d.id == R"("1")");
        BOOST_TEST(to_string(d.status) == to_string(r.status), r.text);
        BOOST_TEST(d.bytes == r.bytes);
    }
    for (const auto text :
         {R"({"ok":true})", R"({"id":"1","ok":1})", R"({"id":"1","ok":"true"})", R"({"id":"1"})"})
        BOOST_TEST(decode(json_client{}, text).count == 0, text);
}

BOOST_AUTO_TEST_CASE(reads_relayed_messages) {
    auto d = decode(json_client{},
                    R"({"id":"m","cmd":"answer","origin":"b\u006fb","data":{"answer":1,"offer":1}})");
    BOOST_TEST((d.what == verb::send));
    BOOST_TEST(d.from == "bob");
    BOOST_TEST(d.command == "answer");
    BOOST_TEST(d.id == "");
    BOOST_TEST(d.signal == "1");
    BOOST_TEST(d.has_offer);
    BOOST_TEST((d.kind == signal_kind::answer));
    d = decode(json_client{}, R"({"cmd":"session-timeout","origin":"bob"})");
    BOOST_TEST(d.command == "session-timeout");
    BOOST_TEST((d.kind == signal_kind::none));
    d = decode(json_client{}, R"({"cmd":"dance","origin":"bob","data":[1]})");
    BOOST_TEST(d.bytes == "[1]");
    d = decode(json_client{}, R"({"cmd":"news","data":[1]})"); // the server itself
    BOOST_TEST((d.what == verb::send && d.command == "news" && d.from.empty()));
    for (const auto text :
         {R"({"origin":"bob"})", R"({"cmd":"ice","origin":""})", R"({"cmd":"ice","origin":5})",
          R"({"cmd":5,"origin":"b"})", "{}", R"({"cmd":"ice","origin":"\ud800"})", "[]"})
        BOOST_TEST(decode(json_client{}, text).count == 0, text);
}

BOOST_AUTO_TEST_CASE(laws) {
    test::codec_laws(json_client{}, [](bool kept, const char* law) { BOOST_TEST(kept, law); });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
