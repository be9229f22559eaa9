// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/turn_provider.hpp>

#include "support/print_errc.hpp"
#include "support/web_server.hpp"

#include <sigfire/hub/hooks.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace sigfire;
using namespace std::chrono_literals;
using web_world::web;

static_assert(Hook<turn_provider>);

const std::string answer = R"({"iceServers":[{"urls":"turn:a","username":"u","credential":"c"}],"ttl":100})";
const std::string configuration = R"({"iceServers":[{"urls":"turn:a","username":"u","credential":"c"}]})";

struct fixture {
    asio::io_context io;
    web service{io};
    std::vector<std::string> failures;

    turn_provider hook(turn_provider_options o = {}) {
        http_client_options c;
        c.proxies.emplace();
        o.request.url = service.url();
        o.request.headers = {{"Authorization", "Bearer K"}};
        o.on_failure = [this](std::string_view why, std::uint64_t) { failures.emplace_back(why); };
        return {std::make_shared<http_client>(io, std::move(c)), std::move(o)};
    }
    void until(const std::function<bool()>& done) {
        for (io.restart(); !done();) BOOST_TEST_REQUIRE(io.run_one_for(10s) != 0u);
    }
    // Admits and returns whether it had to wait.
    bool admit(turn_provider& t, admission& a) {
        const request r{};
        const auto first = t.on_admit(r, a);
        if (first == errc::ok) return false;
        BOOST_TEST(first == errc::deferred);
        std::optional<errc> out;
        asio::co_spawn(io, t.on_admit_deferred(r, a), [&](const std::exception_ptr& thrown, errc e) {
            BOOST_TEST(!thrown);
            out = e;
        });
        until([&] { return out.has_value(); });
        BOOST_TEST(*out == errc::ok);
        return true;
    }
};

BOOST_FIXTURE_TEST_SUITE(turn_provider_, fixture)

BOOST_AUTO_TEST_CASE(the_first_peer_waits_and_the_next_ones_share) {
    service.script = {web::ok(answer)};
    auto t = hook();
    admission a, b, c;
    BOOST_TEST(admit(t, a));
    BOOST_TEST(!admit(t, b));
    for (const auto* one : {&a, &b}) {
        BOOST_TEST(one->rtc_configuration == configuration);
        const auto* const renewal = one->attached.find<rtc_renewal>();
        BOOST_TEST_REQUIRE((renewal != nullptr));
        BOOST_TEST((renewal->life <= 100s && renewal->life > 50s));
    }
    BOOST_TEST(service.heard.size() == 1u);
    BOOST_TEST(service.heard[0].find("Authorization: Bearer K\r\n") != std::string::npos);
    c.rtc_configuration = "{}"; // an earlier hook has decided
    BOOST_TEST(!admit(t, c));
    BOOST_TEST((c.rtc_configuration == "{}" && c.attached.empty()));
}

BOOST_AUTO_TEST_CASE(peers_that_wait_at_once_make_one_question) {
    service.script = {web::ok(answer)};
    auto t = hook({.request = {}, .share = 0ms});
    const request r{};
    admission a[3];
    int ends = 0;
    asio::cancellation_signal stop;
    for (auto& one : a)
        asio::co_spawn(io, t.on_admit_deferred(r, one),
                       asio::bind_cancellation_slot(&one == a ? stop.slot() : asio::cancellation_slot{},
                                                    [&](const std::exception_ptr&, errc) { ++ends; }));
    until([&] { return service.heard.size() == 1; });
    stop.emit(asio::cancellation_type::terminal); // its connection is gone; the others still wait
    until([&] { return ends == 3; });
    BOOST_TEST(service.heard.size() == 1u);
    BOOST_TEST((a[1].rtc_configuration == configuration && a[2].rtc_configuration == configuration));
    service.script.push_back(web::ok(answer));
    admission later;
    BOOST_TEST(admit(t, later)); // without a share, it is asked again
    BOOST_TEST(service.heard.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_gives_up_makes_room_for_another) {
    service.script = {"HTTP/1.1 200 OK\r\n"};
    auto t = hook({.request = {}, .waiting = 1});
    const request r{};
    admission a, b;
    int ends = 0;
    asio::cancellation_signal stop;
    asio::co_spawn(
        io, t.on_admit_deferred(r, a),
        asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&, errc) { ++ends; }));
    until([&] { return service.heard.size() == 1; });
    BOOST_TEST(t.on_admit(r, b) == errc::ok); // too many wait
    BOOST_TEST(b.rtc_configuration.empty());
    stop.emit(asio::cancellation_type::terminal);
    until([&] { return ends == 1; });
    BOOST_TEST(t.on_admit(r, b) == errc::deferred);
}

BOOST_AUTO_TEST_CASE(a_service_that_fails_refuses_nobody) {
    service.script = {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", web::ok("{}"), web::ok(answer)};
    auto t = hook({.request = {}, .pause = 0ms});
    admission a, b, c;
    BOOST_TEST(admit(t, a));
    BOOST_TEST(admit(t, b));
    BOOST_TEST((a.rtc_configuration.empty() && a.attached.empty() && b.rtc_configuration.empty()));
    BOOST_TEST_REQUIRE(failures.size() == 1u);
    BOOST_TEST(failures[0] == "the status is 500");
    BOOST_TEST(admit(t, c));
    BOOST_TEST(c.rtc_configuration == configuration);
    service.script = {"nonsense\r\n\r\n"}, service.next = 0;
    auto patient = hook();
    admission d, e;
    BOOST_TEST(admit(patient, d));
    BOOST_TEST(!admit(patient, e)); // the service has a pause
    BOOST_TEST(e.rtc_configuration.empty());
    BOOST_TEST(failures.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_renewal_asks_again) {
    service.script = {web::ok(answer), web::ok(R"({"iceServers":[],"ttl":7})")};
    auto t = hook({.request = {}, .share = 0ms, .policy = ice_policy::relay});
    admission a;
    admit(t, a);
    std::optional<rtc_lease> made;
    a.attached.find<rtc_renewal>()->renew("a", [&](rtc_lease l) { made = std::move(l); });
    until([&] { return made.has_value(); });
    BOOST_TEST(made->configuration == R"({"iceServers":[],"iceTransportPolicy":"relay"})");
    BOOST_TEST((made->life == 7s));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused) {
    BOOST_CHECK_THROW((turn_provider{nullptr, {.request = {}}}), std::invalid_argument);
    BOOST_CHECK_THROW(hook({.request = {}, .life = 0ms}), std::invalid_argument);
    BOOST_CHECK_THROW(hook({.request = {}, .share = -1ms}), std::invalid_argument);
    BOOST_CHECK_THROW(hook({.request = {}, .pause = -1ms}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
