// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/turn.hpp>

#include <sigfire/hub/hooks.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
namespace js = boost::json;

static_assert(Hook<turn>);

std::chrono::system_clock::time_point at(std::int64_t seconds) {
    return std::chrono::system_clock::time_point{std::chrono::seconds{seconds}};
}

turn_options with_secret(std::vector<std::string> urls = {"turn:turn.example.org:3478"}) {
    turn_options o;
    o.servers = {{.urls = std::move(urls), .secret = "north"}};
    o.ttl = 100s;
    o.now = [] { return at(1'700'000'000); };
    return o;
}

admission admit(turn& t, const std::string& id) {
    admission a;
    a.id = id;
    BOOST_TEST((t.on_admit(request{}, a) == errc::ok));
    return a;
}

BOOST_AUTO_TEST_SUITE(turn_)

BOOST_AUTO_TEST_CASE(hmac_as_the_rfcs_have_it) {
    // RFC 2202, 3 (case 2), and RFC 4231, 4.3
    BOOST_TEST(detail::hex(detail::hmac_of("SHA1", "Jefe", "what do ya want for nothing?")) ==
               "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    BOOST_TEST(detail::hex(detail::hmac_of("SHA256", "Jefe", "what do ya want for nothing?")) ==
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // RFC 4231, 4.7: a key longer than a block
    BOOST_TEST(detail::hex(detail::hmac_of("SHA256", std::string(131, '\xaa'),
                                           "Test Using Larger Than Block-Size Key - Hash Key First")) ==
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    BOOST_TEST(detail::hmac_of("no digest", "Jefe", "text") == "");
}

BOOST_AUTO_TEST_CASE(credentials_for_a_user) {
    // printf 1433895918:ann | openssl dgst -sha1 -hmac north -binary | base64
    const auto c = turn_credentials_for("north", 1433895918s, "ann");
    BOOST_TEST(c.username == "1433895918:ann");
    BOOST_TEST(c.password == "zAlhH20kpuDJR8ZKdq5vyQV+Ung=");
    BOOST_TEST(turn_credentials_for("n", 1s, "a:b c\xc3\xa9").username == "1:a%3Ab%20c%C3%A9");
    BOOST_TEST(turn_credentials_for("n", 1s, std::string(256, ' ')).username.size() == 258u);
    BOOST_TEST(turn_credentials_for("other", 1433895918s, "ann").password != c.password);
}

BOOST_AUTO_TEST_CASE(each_peer_gets_credentials_of_its_own) {
    turn t{with_secret(
        {"stun:turn.example.org", "turn:turn.example.org", "turns:turn.example.org:5349?transport=tcp"})};
    const auto ann = admit(t, "ann"), bob = admit(t, "bob");
    const auto made = turn_credentials_for("north", 1'700'000'100s, "ann");
    js::value expected{
        {"iceServers",
         js::array{
             js::object{{"urls", {"stun:turn.example.org"}}},
             js::object{{"urls", {"turn:turn.example.org", "turns:turn.example.org:5349?transport=tcp"}},
                        {"username", made.username},
                        {"credential", made.password}}}}};
    BOOST_TEST(js::serialize(js::parse(ann.rtc_configuration)) == js::serialize(expected));
    BOOST_TEST(ann.rtc_configuration != bob.rtc_configuration);
    const auto* const renewal = ann.attached.find<rtc_renewal>();
    BOOST_TEST_REQUIRE((renewal != nullptr));
    BOOST_TEST((renewal->life == 100s));
}

BOOST_AUTO_TEST_CASE(a_peer_without_an_id_gets_a_random_user) {
    turn t{with_secret()};
    const auto user = [&] {
        const auto a = admit(t, "");
        BOOST_TEST(a.id.empty());
        const auto servers = js::parse(a.rtc_configuration).at("iceServers").as_array();
        return std::string{servers.at(0).at("username").as_string()};
    };
    const auto one = user(), two = user();
    BOOST_TEST((one.starts_with("1700000100:") && one.size() == 32u && one != two));
}

BOOST_AUTO_TEST_CASE(a_renewal_has_the_time_and_the_secret_of_its_moment) {
    auto o = with_secret();
    auto now = at(1000);
    o.now = [&] { return now; };
    turn t{o};
    const auto a = admit(t, "ann");
    now = at(1080);
    std::optional<rtc_lease> got;
    const auto renew = [&] {
        a.attached.find<rtc_renewal>()->renew("ann", [&](rtc_lease l) { got = std::move(l); });
    };
    renew();
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST((got->life == 100s));
    BOOST_TEST(got->configuration.find(turn_credentials_for("north", 1180s, "ann").password) !=
               std::string::npos);
    const turn copy = t;
    o.servers[0].secret = "south", o.ttl = 50s;
    copy.replace(o);
    renew();
    BOOST_TEST((got->life == 50s));
    BOOST_TEST(got->configuration.find(turn_credentials_for("south", 1130s, "ann").password) !=
               std::string::npos);
    o.servers.clear();
    BOOST_CHECK_THROW(copy.replace(o), std::invalid_argument);
    BOOST_TEST(t.lease("ann").configuration == got->configuration); // it keeps what it had
}

BOOST_AUTO_TEST_CASE(fixed_credentials_do_not_end) {
    turn_options o;
    o.servers = {{.urls = {"turn:a"}, .username = "u\"", .credential = "p"}, {.urls = {"stun:b"}}};
    o.policy = ice_policy::relay;
    turn t{o};
    const auto a = admit(t, "ann");
    BOOST_TEST(
        a.rtc_configuration ==
        R"({"iceServers":[{"urls":["turn:a"],"username":"u\"","credential":"p"},{"urls":["stun:b"]}],"iceTransportPolicy":"relay"})");
    BOOST_TEST((a.attached.find<rtc_renewal>() == nullptr));
}

BOOST_AUTO_TEST_CASE(an_earlier_hook_may_have_decided) {
    turn t{with_secret()};
    admission a;
    a.rtc_configuration = "{}";
    BOOST_TEST((t.on_admit(request{}, a) == errc::ok));
    BOOST_TEST(a.rtc_configuration == "{}");
    BOOST_TEST(a.attached.empty());
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused_without_their_secrets) {
    const auto refused = [](turn_options o) {
        BOOST_CHECK_EXCEPTION(turn{o}, std::invalid_argument, [](const std::exception& e) {
            const std::string text = e.what();
            return text.starts_with("sigfire: ") && text.find("north") == text.npos;
        });
    };
    refused({});
    auto o = with_secret();
    o.ttl = 0s;
    refused(o);
    o.ttl = std::chrono::hours{24 * 3661};
    refused(o);
    o = with_secret();
    o.servers[0].username = "both";
    refused(o);
    for (const std::string url :
         {"", "turn", "turn:", "turn://x", "http://x", "turn:a b", "turn:\"", "TURN:x", "turn:\n"})
        refused(with_secret({url}));
    refused(with_secret({}));
    o = with_secret();
    o.servers[0].secret.clear();
    refused(o);
    o.servers[0].urls = {"stun:x"};
    BOOST_CHECK_NO_THROW(turn{o});
}

BOOST_AUTO_TEST_CASE(answers_of_services) {
    const struct {
        std::string text, configuration;
        std::chrono::milliseconds life;
    } rows[] = {
        {R"({"iceServers":[{"urls":"turn:a","username":"u","credential":"c"}]})",
         R"({"iceServers":[{"urls":"turn:a","username":"u","credential":"c"}]})", 60s},
        {R"( {"iceServers":{"urls":["turn:a"],"username":"u"},"ttl":10} )",
         R"({"iceServers":[{"urls":["turn:a"],"username":"u"}]})", 10s},
        {R"({"ttl":"86400","ice_servers":[{"url":"stun:a"}]})", R"({"iceServers":[{"url":"stun:a"}]})",
         86'400s},
        {R"({"username":"1:u","password":"p\"","ttl":5,"uris":["turn:a","turn:b"]})",
         R"({"iceServers":[{"urls":["turn:a","turn:b"],"username":"1:u","credential":"p\""}]})", 5s},
        {R"({"username":"u","password":"p","urls":["turn:a"]})",
         R"({"iceServers":[{"urls":["turn:a"],"username":"u","credential":"p"}]})", 60s},
        {R"({"iceServers":[]})", R"({"iceServers":[]})", 60s},
    };
    for (const auto& row : rows) {
        const auto read = detail::read_ice_answer(row.text, 60s, "");
        BOOST_TEST_REQUIRE(read.has_value(), row.text);
        BOOST_TEST(read->configuration == row.configuration);
        BOOST_TEST((read->life == row.life));
    }
    BOOST_TEST(detail::read_ice_answer(R"({"iceServers":[]})", 60s, "relay")->configuration ==
               R"({"iceServers":[],"iceTransportPolicy":"relay"})");
    for (const std::string text :
         {"", "null", "[]", "{}", "{", R"({"iceServers":7})", R"({"iceServers":[7]})",
          R"({"iceServers":[{}]})", R"({"iceServers":[{"urls":7}]})", R"({"iceServers":[],"ttl":0})",
          R"({"iceServers":[],"ttl":-1})", R"({"iceServers":[],"ttl":1e9})",
          R"({"iceServers":[],"ttl":99999999999})", R"({"iceServers":[],"ttl":"x"})",
          R"({"username":"u","password":"p"})", R"({"username":"u","uris":["turn:a"]})",
          R"({"username":7,"password":"p","uris":["turn:a"]})", R"({"iceServers":[]}x)",
          "{\"iceServers\":[{\"urls\":\"\xff\"}]}"})
        BOOST_TEST((detail::read_ice_answer(text, 60s, "").error() == errc::malformed), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
