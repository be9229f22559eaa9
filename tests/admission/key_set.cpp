// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/key_set.hpp>

#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/json_fields.hpp>

#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace sigfire;
using namespace token_keys;
using detail::base64url, detail::base64url_decoded, detail::json_fields;

// A file that is removed in the end.
struct temporary {
    explicit temporary(std::string_view text) {
        path += "/tmp/sigfire-keys-XXXXXX";
        const int fd = ::mkstemp(path.data());
        BOOST_TEST_REQUIRE(fd >= 0);
        ::close(fd);
        write(text);
    }
    temporary(const temporary&) = delete;
    temporary& operator=(const temporary&) = delete;
    ~temporary() { std::remove(path.c_str()); }

    void write(std::string_view text) { std::ofstream{path, std::ios::binary} << text; }

    std::string path;
};

// The fault of a text, or an empty text.
std::string wrong(const std::string& text) {
    std::string why;
    return detail::keys_of_text(text, why).empty() ? why : std::string{};
}

// The names of the algorithms of the only key in a text.
std::string allowed(const std::string& text) {
    std::string why, out;
    const auto keys = detail::keys_of_text(text, why);
    BOOST_TEST_REQUIRE(keys.size() == 1u, why);
    for (std::size_t i = 0; i < std::size(detail::jws_algorithms); ++i)
        if (keys[0].allows(static_cast<detail::jws_algorithm>(i)))
            out += std::string{out.empty() ? "" : " "} + std::string{detail::jws_algorithms[i].name};
    return out;
}

const std::string n2048 = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-"
                          "XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqV"
                          "wGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-"
                          "OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJls"
                          "de3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_"
                          "qixoR7jig3__kRhuaxwUkRz5iaiQkq"
                          "gc5gHdrNP5zw";
const std::string k32 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

BOOST_AUTO_TEST_SUITE(key_set_)

BOOST_AUTO_TEST_CASE(base64url_has_one_text_for_each_value) {
    const struct {
        std::string_view bytes, text;
    } rows[] = {{"", ""},
                {"f", "Zg"},
                {"fo", "Zm8"},
                {"foo", "Zm9v"},
                {"\xff", "_w"},
                {"\xfb\xef\xbe", "----"},
                {"\xff\xff\xff", "____"}};
    for (const auto& row : rows) {
        BOOST_TEST(base64url(row.bytes) == row.text);
        BOOST_TEST(base64url_decoded(row.text).value() == row.bytes);
    }
    for (const auto* bad : {"Zg==", "Zg=", "Zm8=", "Zh", "Zm9", "Z", "Zm9vZ", "Zm9v ", " Zm9v", "Zm9v\n",
                            "Zm+v", "Zm/v", "Zm9v.", "\xc3\xa4", "Zm9v="})
        BOOST_TEST(!base64url_decoded(bad), bad);
    std::mt19937 random{7};
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes(size, '\0');
        for (auto& c : bytes) c = static_cast<char>(random());
        BOOST_TEST(base64url_decoded(base64url(bytes)).value() == bytes);
    }
}

BOOST_AUTO_TEST_CASE(an_object_has_each_name_once) {
    const auto read = json_fields::read(R"( {"a":1,"b":"x\u0041","":true} )");
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->raw("a") == "1");
    BOOST_TEST(read->raw("") == "true");
    BOOST_TEST(!read->has("c"));
    std::string text = "unchanged";
    BOOST_TEST(read->text("c", text));
    BOOST_TEST(text == "unchanged");
    BOOST_TEST(read->text("b", text));
    BOOST_TEST(text == "xA");
    BOOST_TEST(!read->text("a", text));
    for (const auto* bad : {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"\ud800":1})", "[]", "", "{}x",
                            "1", R"({"a":"\ud800)", "{", R"({"a":})", "{\"a\":\"\xff\"}"})
        BOOST_TEST(!json_fields::read(bad), bad);
    std::string many = "{";
    for (int i = 0; i < 257; ++i) many += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
    BOOST_TEST(!json_fields::read(many + '}'));
}

BOOST_AUTO_TEST_CASE(times_are_seconds_with_a_fraction) {
    const auto ms = [](std::string_view raw) -> std::int64_t {
        const auto t = detail::json_time(raw);
        return t ? t->time_since_epoch().count() : -1;
    };
    BOOST_TEST(ms("0") == 0);
    BOOST_TEST(ms("1700000000") == 1'700'000'000'000);
    BOOST_TEST(ms("1700000000.5") == 1'700'000'000'500);
    BOOST_TEST(ms("1.0019") == 1'001);
    BOOST_TEST(ms("253402300799") == 253'402'300'799'000);
    for (const auto* bad : {"-1", "-0.5", "1e3", "1E3", "1.5e3", "253402300800", "9999999999999999999999",
                            "true", "\"1700000000\"", "null", "", "[1]"})
        BOOST_TEST(ms(bad) == -1, bad);
}

BOOST_AUTO_TEST_CASE(the_key_decides_the_algorithm) {
    BOOST_TEST(allowed(rsa().open) == "RS256 RS384 RS512 PS256 PS384 PS512");
    BOOST_TEST(allowed(p256().open) == "ES256");
    BOOST_TEST(allowed(p384().open) == "ES384");
    BOOST_TEST(allowed(ed25519().open) == "EdDSA");
    BOOST_TEST(allowed(std::string(32, 'x')) == "HS256");
    BOOST_TEST(allowed(std::string(47, 'x') + "\n") == "HS256");
    BOOST_TEST(allowed(std::string(48, 'x')) == "HS256 HS384");
    BOOST_TEST(allowed(std::string(64, 'x') + "\r\n") == "HS256 HS384 HS512");
    BOOST_TEST(allowed(R"({"kty":"RSA","alg":"PS384","e":"AQAB","n":")" + n2048 + "\"}") == "PS384");
    BOOST_TEST(allowed(R"({"kty":"oct","alg":"HS256","k":")" + base64url(secret()) + "\"}") == "HS256");
    BOOST_TEST(allowed("\xEF\xBB\xBF \n"
                       R"({"kty":"oct","k":")" +
                       k32 + "\"}") == "HS256");
    BOOST_TEST(allowed("Bag Attributes\n" + p256().open) == "ES256");
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_used_is_told_apart) {
    const struct {
        std::string text;
        std::string_view why;
    } rows[] = {
        {"", "a secret has less than 32 bytes"},
        {std::string(31, 'x') + "\n", "a secret has less than 32 bytes"},
        {rsa().secret, "it contains a private key"},
        {rsa().open + p256().secret, "it contains a private key"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "it contains a broken public key"},
        {rsa().open + "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "it contains a broken public key"},
        {"-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n", "it contains no public key"},
        {pem_of(EVP_RSA_gen(1024)).open, "an RSA key has 1024 bits"},
        {pem_of(EVP_EC_gen("P-521")).open, "an EC key is on neither P-256 nor P-384"},
        {pem_of(EVP_EC_gen("secp256k1")).open, "an EC key is on neither P-256 nor P-384"},
        {pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")).open, "a key is neither RSA, EC nor Ed25519"},
        {"{", "it is no JSON object"},
        {R"({"kty":"oct","k":")" + k32 + R"(","k":"x"})", "it is no JSON object, or has a member twice"},
        {R"({"kty":"oct","k":"MDEy"})", "a secret has less than 32 bytes"},
        {R"({"kty":"oct","k":")" + k32 + "=\"}", "a secret has less than 32 bytes"},
        {R"({"kty":"oct","alg":"HS384","k":")" + k32 + "\"}", "a JWK has an algorithm that does not fit"},
        {R"({"kty":"oct","alg":"RS256","k":")" + k32 + "\"}", "a JWK has an algorithm that does not fit"},
        {R"({"kty":"oct","alg":"HS1","k":")" + k32 + "\"}", "a JWK has an unknown algorithm"},
        {R"({"kty":"oct","alg":1,"k":")" + k32 + "\"}", "a member of a JWK has the wrong type"},
        {R"({"kty":"oct","use":"enc","k":")" + k32 + "\"}", "a JWK is not for signatures (use)"},
        {R"({"kty":"oct","key_ops":["sign"],"k":")" + k32 + "\"}", "a JWK is not for signatures (key_ops)"},
        {R"({"kty":"oct","key_ops":"verify","k":")" + k32 + "\"}", "a member of a JWK has the wrong type"},
        {R"({"kty":"RSA","e":"AQAB","d":"AQAB","n":")" + n2048 + "\"}", "a JWK is a private key"},
        {R"({"kty":"RSA","e":"AQAA","n":")" + n2048 + "\"}", "a JWK is no valid key"},
        {R"({"kty":"RSA","e":"AQ","n":")" + n2048 + "\"}", "a JWK is no valid key"},
        {R"({"kty":"RSA","e":"AQAB","n":")" + n2048.substr(0, 340) + "\"}", "an RSA key has 2040 bits"},
        {R"({"kty":"RSA","e":"AQAB"})", "a JWK is no valid key"},
        {R"({"kty":"EC","crv":"P-256","x":")" + k32 + R"(","y":")" + k32 + "\"}", "a JWK is no valid key"},
        {R"({"kty":"EC","crv":"P-521","x":")" + k32 + R"(","y":")" + k32 + "\"}",
         "a JWK has an unknown type"},
        {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", "a JWK is no valid key"},
        {R"({"kty":"OKP","crv":"X25519","x":")" + k32 + "\"}", "a JWK has an unknown type"},
        {R"({"kty":"new"})", "a JWK has an unknown type"},
        {R"({"keys":[]})", "it contains no key"},
        {R"({"keys":{}})", "its member 'keys' is no list"},
        {R"({"keys":[{"kty":"new"}]})", "a JWK has an unknown type"},
        {R"({"keys":[1]})", "a key is no JSON object"},
    };
    for (const auto& row : rows)
        BOOST_TEST(wrong(row.text).starts_with(row.why), wrong(row.text) << ", not: " << row.why);
}

// Otherwise anybody could sign by the public key as if it were a secret.
BOOST_AUTO_TEST_CASE(a_public_key_in_another_form_is_no_secret) {
    const auto& pem = rsa().open;
    std::string base64, der;
    for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at) base64 += pem[at];
    std::string bare;
    for (const char c : base64)
        if (c != '\n' && c != '=') bare += c == '+' ? '-' : c == '/' ? '_' : c;
    der = base64url_decoded(bare).value();
    const auto why = "it is a public key or a certificate, but neither PEM nor JWK";
    BOOST_TEST(wrong(der) == why);
    BOOST_TEST(wrong(base64) == why);
    BOOST_TEST(wrong(bare) == why);
    BOOST_TEST(wrong("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 ann@example.org") == why);
    // what looks like base64 may be a secret
    BOOST_TEST(wrong(k32) == "");
}

BOOST_AUTO_TEST_CASE(a_set_leaves_out_keys_that_it_cannot_use) {
    key_set keys;
    const auto one = R"({"kty":"oct","kid":"a","k":")" + k32 + "\"}";
    BOOST_TEST((keys.replace(R"({"keys":[{"kty":"new","kid":"n"},7,{"kty":"oct","k":"AA"},)" + one + "]}") ==
                errc::ok));
    BOOST_TEST(keys.size() == 1u);
    BOOST_TEST(keys.contains("a"));
    BOOST_TEST(!keys.contains("n"));
    std::string many = R"({"keys":[)" + one;
    for (int i = 0; i < 63; ++i) many += "," + one;
    BOOST_TEST((keys.replace(many + "]}") == errc::ok));
    BOOST_TEST(keys.size() == 64u);
    BOOST_TEST((keys.replace(many + "," + one + "]}") == errc::malformed));
    BOOST_TEST(keys.size() == 64u);
}

BOOST_AUTO_TEST_CASE(a_source_may_bring_no_key_but_not_nonsense) {
    key_set keys = keys_of(secret());
    for (const auto* bad : {"", "[]", "{}", R"({"keys":{}})", "<html>", R"({"keys":[]}x)"})
        BOOST_TEST((keys.replace_by_jwks(bad) == errc::malformed), bad);
    BOOST_TEST(keys.size() == 1u);
    BOOST_TEST((keys.replace_by_jwks(R"({"keys":[]})") == errc::ok));
    BOOST_TEST(keys.size() == 0u);
}

BOOST_AUTO_TEST_CASE(files_are_read_again_and_bad_ones_change_nothing) {
    temporary first{p256().open}, second{secret()};
    const key_set keys{{first.path, second.path}}, copy = keys;
    BOOST_TEST(keys.size() == 2u);
    first.write(p256().open + p384().open);
    keys.reload();
    BOOST_TEST(copy.size() == 3u); // copies share the keys
    first.write("short");
    const auto says = [&](std::string_view what) {
        return [&, what](const std::runtime_error& e) {
            BOOST_TEST_MESSAGE(e.what());
            return std::string_view{e.what()} ==
                   "sigfire: the key file '" + first.path + "': " + std::string{what};
        };
    };
    BOOST_CHECK_EXCEPTION(keys.reload(), std::runtime_error, says("a secret has less than 32 bytes"));
    std::remove(first.path.c_str());
    BOOST_CHECK_EXCEPTION(copy.reload(), std::runtime_error, says("it cannot be read"));
    BOOST_TEST(keys.size() == 3u);
    first.write(std::string((1u << 20) + 1, 'x'));
    BOOST_CHECK_EXCEPTION(keys.reload(), std::runtime_error, says("it has more than 1 MiB"));
    BOOST_CHECK_THROW((key_set{{"/nowhere"}}), std::runtime_error);
    BOOST_CHECK_THROW((key_set{{"/tmp"}}), std::runtime_error);
    key_set{}.reload(); // without files there is nothing to do
}

BOOST_AUTO_TEST_CASE(threads_replace_and_read_at_once) {
    const key_set keys = keys_of(secret());
    std::atomic<bool> done{false};
    std::thread other{[&] {
        for (int i = 0; i < 200; ++i) keys.replace(i % 2 ? secret() : p256().open);
        done = true;
    }};
    while (!done) {
        const auto now = keys.keys();
        for (const auto& key : *now) static_cast<void>(key.allows_any());
    }
    other.join();
    BOOST_TEST(keys.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
