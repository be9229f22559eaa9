// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/detail/webhook_text.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::webhook_answer_reader, detail::webhook_question;

BOOST_AUTO_TEST_SUITE(webhook_text)

BOOST_AUTO_TEST_CASE(a_question_has_the_chosen_header_fields_and_no_token) {
    const header fields[] = {{"Host", "x"}, {"cookie", "a=\"1\""}, {"Authorization", "Bearer T1"}};
    request r{"GET", "/room%20a?a=1&token=T2&b=&to%6ben=T3&resume=T4&c", fields, "192.0.2.7", "CN=x", true};
    admission a;
    a.id = "ann";
    BOOST_TEST(
        webhook_question(r, a, {"Cookie", "X-None"}, false) ==
        R"({"event":"admit","id":"ann","remote":"192.0.2.7","path":"/room%20a","query":"a=1&b=&c","subject":"CN=x","secure":true,"headers":{"Cookie":"a=\"1\""}})");
    const auto with = webhook_question(r, a, {}, true);
    BOOST_TEST(with.ends_with(R"("secure":true,"token":"T1"})"), with);
    r.headers = {};
    BOOST_TEST(webhook_question(r, a, {}, true).ends_with(R"("token":"T2"})"));
    r.target = "/";
    a.id_generated = true;
    r.secure = false, r.peer_subject = {};
    BOOST_TEST(webhook_question(r, a, {}, true) ==
               R"({"event":"admit","remote":"192.0.2.7","path":"/","secure":false})");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_no_obstacle) {
    const header fields[] = {{"Cookie", "a\xff\xc3\xa9"}};
    const request r{"GET", "/\xff?\xfe", fields, {}};
    BOOST_TEST(
        webhook_question(r, {}, {"Cookie"}, false) ==
        R"({"event":"admit","remote":"","path":"/?","query":"?","secure":false,"headers":{"Cookie":"a???"}})");
    BOOST_TEST(detail::json_safe("\xc3\xa9") == "\xc3\xa9");
}

BOOST_AUTO_TEST_CASE(a_signature) {
    // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac north
    BOOST_TEST(detail::webhook_signature("north", 1'700'000'000s, R"({"a":1})") ==
               "t=1700000000,v1=9412835788608fdba6e8472a372d9e0c2f3d5bfe22088a3cdce2c504bd861ac6");
}

BOOST_AUTO_TEST_CASE(answers_that_admit) {
    auto a = webhook_answer_reader::read(R"({"allow":true})");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST((a->allow && a->admitted.id.empty() && !a->rights && a->admitted.valid_for == 0s));
    a = webhook_answer_reader::read(
        R"( {"allow":true,"id":"\u00e9","id_verified":true,"metadata":{"n":1},"grants":{"canSend":false},"iceServers":[{"urls":"turn:a"}],"iceTransportPolicy":"relay","valid_for":60,"more":0} )");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST((a->admitted.id == "\xc3\xa9" && a->admitted.id_verified && a->admitted.valid_for == 60s));
    BOOST_TEST((a->admitted.metadata == R"({"n":1})" && a->rights.has_value() && !a->rights->send));
    BOOST_TEST(a->admitted.rtc_configuration ==
               R"({"iceServers":[{"urls":"turn:a"}],"iceTransportPolicy":"relay"})");
    a = webhook_answer_reader::read(
        R"({"allow":true,"id":null,"id_verified":null,"metadata":null,"grants":null,"iceServers":null,"iceTransportPolicy":null,"valid_for":null})");
    BOOST_TEST((a.has_value() && a->admitted.metadata.empty()));
    BOOST_TEST(webhook_answer_reader::read(R"({"allow":true,"iceServers":[],"iceTransportPolicy":"all"})")
                   ->admitted.rtc_configuration == R"({"iceServers":[]})");
    // What belongs to refusals does not matter here, and the other way round.
    BOOST_TEST(webhook_answer_reader::read(R"({"allow":true,"status":7})").has_value());
    BOOST_TEST(webhook_answer_reader::read(R"({"allow":false,"id":7})").has_value());
}

BOOST_AUTO_TEST_CASE(answers_that_refuse) {
    auto a = webhook_answer_reader::read(R"({"allow":false})");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST((!a->allow && a->refused.http_status == 403 && a->refused.close_code == 4403 &&
                a->refused.text == "Denied" && a->refused.retry_after == 0s));
    a = webhook_answer_reader::read(
        R"({"allow":false,"status":429,"close_code":4429,"text":"Sp\u00e4ter","retry_after":30})");
    BOOST_TEST_REQUIRE(a.has_value());
    BOOST_TEST(
        (a->refused.http_status == 429 && a->refused.close_code == 4429 && a->refused.retry_after == 30s));
    BOOST_TEST(a->refused.text == "Sp\xc3\xa4ter");
    BOOST_TEST(webhook_answer_reader::read(R"({"allow":false,"status":0})")->refused.http_status == 0u);
}

BOOST_AUTO_TEST_CASE(other_answers_are_failures) {
    const std::string long_name(257, 'x'), long_text(124, 'x'), long_value(4096, '1');
    const std::vector<std::string> wrong{"",
                                         "null",
                                         "true",
                                         "[]",
                                         "{}",
                                         R"({"allow":"true"})",
                                         R"({"allow":1})",
                                         R"({"allow":null})",
                                         R"({"allow":true)",
                                         R"({"allow":true}{})",
                                         "<html>",
                                         R"({"allow":true,"id":7})",
                                         R"({"allow":true,"id":""})",
                                         R"({"allow":true,"id":")" + long_name + "\"}",
                                         R"({"allow":true,"id":"\ud800"})",
                                         R"({"allow":true,"id_verified":true})",
                                         R"({"allow":true,"id":"a","id_verified":1})",
                                         R"({"allow":true,"metadata":")" + long_value + "\"}",
                                         R"({"allow":true,"grants":[]})",
                                         R"({"allow":true,"grants":{"canSing":true}})",
                                         R"({"allow":true,"grants":{"id":"a"}})",
                                         R"({"allow":true,"grants":{"metadata":{}}})",
                                         R"({"allow":true,"iceServers":{}})",
                                         R"({"allow":true,"iceTransportPolicy":"relay"})",
                                         R"({"allow":true,"iceServers":[],"iceTransportPolicy":"none"})",
                                         R"({"allow":true,"valid_for":0})",
                                         R"({"allow":true,"valid_for":-1})",
                                         R"({"allow":false,"status":200})",
                                         R"({"allow":false,"status":399})",
                                         R"({"allow":false,"status":600})",
                                         R"({"allow":false,"status":"403"})",
                                         R"({"allow":false,"close_code":1000})",
                                         R"({"allow":false,"close_code":5000})",
                                         R"({"allow":false,"text":7})",
                                         R"({"allow":false,"text":")" + long_text + "\"}",
                                         R"({"allow":false,"retry_after":-1})",
                                         R"({"allow":false,"retry_after":1.5})",
                                         "{\"allow\":true,\"id\":\"\xff\"}"};
    for (const auto& text : wrong)
        BOOST_TEST((webhook_answer_reader::read(text).error() == errc::malformed), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
