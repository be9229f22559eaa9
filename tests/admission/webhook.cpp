// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/webhook.hpp>

#include "support/print_errc.hpp"
#include "support/web_server.hpp"

#include <sigfire/hub/hooks.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
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
namespace js = boost::json;
using namespace sigfire;
using namespace std::chrono_literals;
using web_world::web;

static_assert(Hook<webhook>);

struct fixture {
    asio::io_context io;
    web service{io};
    std::vector<std::string> failures;

    webhook_options options() {
        webhook_options o;
        o.url = service.url();
        o.secret = "north";
        o.back_off = 1ms, o.longest_back_off = 2ms;
        o.on_failure = [this](std::string_view why, std::uint64_t) { failures.emplace_back(why); };
        return o;
    }
    webhook hook(webhook_options o, http_client_options c = {}) {
        c.proxies.emplace();
        return {std::make_shared<http_client>(io, std::move(c)), std::move(o)};
    }

    void until(const std::function<bool()>& done) {
        for (io.restart(); !done();) BOOST_TEST_REQUIRE(io.run_one_for(10s) != 0u);
    }
    errc admit(webhook& w, admission& a, const request& r = {"GET", "/x?token=T", {}, "192.0.2.7"}) {
        BOOST_TEST_REQUIRE(w.on_admit(r, a) == errc::deferred);
        std::optional<errc> out;
        asio::co_spawn(io, w.on_admit_deferred(r, a), [&](const std::exception_ptr& thrown, errc e) {
            BOOST_TEST(!thrown);
            out = e;
        });
        until([&] { return out.has_value(); });
        return *out;
    }
    static js::object body(const std::string& heard) {
        return js::parse(heard.substr(heard.find("\r\n\r\n") + 4)).as_object();
    }
};

std::string events_of(const js::object& body) {
    std::string out;
    for (const auto& e : body.at("events").as_array())
        out += std::string{e.at("event").as_string()} + ' ' + std::string{e.at("id").as_string()} + ';';
    return out;
}

BOOST_FIXTURE_TEST_SUITE(webhook_, fixture)

BOOST_AUTO_TEST_CASE(the_service_decides_and_sets_the_terms) {
    service.script = {
        web::ok(
            R"({"allow":true,"id":"ann","id_verified":true,"metadata":[1],"grants":{"targets":["bob"]},"iceServers":[{"urls":"turn:a"}],"valid_for":60})"),
        web::ok(R"({"allow":false,"status":429,"close_code":4429,"text":"slow down","retry_after":5})"),
        web::ok(R"({"allow":true})")};
    auto w = hook(options());
    admission a;
    BOOST_TEST(admit(w, a) == errc::ok);
    BOOST_TEST((a.id == "ann" && a.id_verified && a.metadata == "[1]" && a.valid_for == 60s));
    BOOST_TEST(a.rtc_configuration == R"({"iceServers":[{"urls":"turn:a"}]})");
    BOOST_TEST_REQUIRE((a.attached.find<grants>() != nullptr));
    BOOST_TEST((a.attached.find<grants>()->targets == std::vector<std::string>{"bob"}));

    admission b;
    BOOST_TEST(admit(w, b) == errc::denied);
    BOOST_TEST_REQUIRE(b.refused_as.has_value());
    BOOST_TEST((b.refused_as->http_status == 429 && b.refused_as->close_code == 4429 &&
                b.refused_as->text == "slow down" && b.refused_as->retry_after == 5s));

    admission c;
    c.id = "own", c.metadata = "1", c.rtc_configuration = "{}", c.valid_for = 1s;
    BOOST_TEST(admit(w, c) == errc::ok);
    BOOST_TEST((c.id == "own" && c.metadata == "1" && c.rtc_configuration == "{}" && c.valid_for == 1s &&
                c.attached.find<grants>() != nullptr && !c.attached.find<grants>()->targets));
    BOOST_TEST(failures.empty());
    BOOST_TEST(service.accepted == 1u);
}

BOOST_AUTO_TEST_CASE(grants_of_the_service_replace_those_of_a_token_but_not_who_it_is) {
    service.script = {web::ok(R"({"allow":true,"grants":{"targets":["bob"]}})"), web::ok(R"({"allow":true})"),
                      "nonsense\r\n\r\n"};
    auto o = options();
    o.fail_open = true;
    auto w = hook(o);
    for (int i = 0; i < 3; ++i) {
        admission a;
        grants token;
        token.issuer = "i", token.subject = "s", token.id = "ann", token.token_id = "t";
        token.targets.emplace();
        a.attached.put(token);
        BOOST_TEST(admit(w, a) == errc::ok);
        const auto& now = *a.attached.find<grants>();
        BOOST_TEST((now.issuer == "i" && now.subject == "s" && now.id == "ann" && now.token_id == "t"));
        BOOST_TEST((now.targets->size() == (i == 0 ? 1u : 0u)));
    }
    // The policy `granted` refuses a peer without grants everything: open would not be open.
    admission b;
    service.script.push_back("nonsense\r\n\r\n");
    BOOST_TEST(admit(w, b) == errc::ok);
    BOOST_TEST((b.attached.find<grants>() != nullptr));
}

BOOST_AUTO_TEST_CASE(a_question_is_signed_and_has_no_secret) {
    auto w = hook(options());
    admission a;
    admit(w, a);
    const auto& heard = service.heard.at(0);
    BOOST_TEST(heard.starts_with("POST /x?y HTTP/1.1\r\n"), heard);
    BOOST_TEST(heard.find("Content-Type: application/json\r\n") != heard.npos);
    const auto text = heard.substr(heard.find("\r\n\r\n") + 4);
    BOOST_TEST(text == R"({"event":"admit","remote":"192.0.2.7","path":"/x","secure":false})");
    const auto at = heard.find("X-Sigfire-Signature: t=") + 23;
    const auto t = std::stoll(heard.substr(at));
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    BOOST_TEST((t <= now && t > now - 60));
    BOOST_TEST(heard.find(detail::webhook_signature("north", std::chrono::seconds{t}, text) + "\r\n") !=
               heard.npos);
    BOOST_TEST(heard.find("north") == heard.npos);
}

BOOST_AUTO_TEST_CASE(every_other_answer_is_a_failure) {
    for (const bool open : {false, true}) {
        auto o = options();
        o.fail_open = open;
        http_client_options c;
        c.body = 1000, c.header = 1000, c.response_timeout = 1s;
        service.script.clear(), service.next = 0;
        for (const std::string answer :
             {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n",
              "HTTP/1.1 403 No\r\nContent-Length: 15\r\n\r\n{\"allow\":false}",
              "HTTP/1.1 302 No\r\nLocation: /\r\nContent-Length: 14\r\n\r\n{\"allow\":true}",
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
              "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
              "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "nonsense\r\n\r\n"})
            service.script.push_back(answer);
        const auto rows = service.script.size();
        service.script.push_back("HTTP/1.1 200 OK\r\n"); // late
        auto w = hook(o, c);
        failures.clear();
        for (std::size_t i = 0; i <= rows; ++i) {
            admission a;
            BOOST_TEST(admit(w, a) == (open ? errc::ok : errc::overloaded), i);
            BOOST_TEST(a.refused_as.has_value() == !open);
            if (!open) BOOST_TEST((a.refused_as->http_status == 503 && a.refused_as->close_code == 4503));
            BOOST_TEST(a.id == "");
        }
        // Told once: not for each connection.
        BOOST_TEST_REQUIRE(failures.size() == 1u);
        BOOST_TEST(failures[0] == "the status is 500");
        service.script.push_back(web::ok(R"({"allow":true})"));
        service.script.push_back("HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n");
        admission a, b;
        BOOST_TEST(admit(w, a) == errc::ok);
        admit(w, b);
        BOOST_TEST_REQUIRE(failures.size() == 2u);
        BOOST_TEST(failures[1] == "the service redirects, with status 302");
    }
}

BOOST_AUTO_TEST_CASE(questions_are_bounded) {
    service.script = {"HTTP/1.1 200 OK\r\n"};
    http_client_options c;
    c.connections = 1, c.waiting = 0;
    auto w = hook(options(), c);
    admission a, b;
    const request r{};
    int ends = 0;
    asio::cancellation_signal stop;
    asio::co_spawn(
        io, w.on_admit_deferred(r, a),
        asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&, errc) { ++ends; }));
    until([&] { return service.heard.size() == 1; });
    BOOST_TEST(admit(w, b) == errc::overloaded);
    BOOST_TEST_REQUIRE(failures.size() == 1u);
    BOOST_TEST(failures[0] == to_string(errc::full));
    stop.emit(asio::cancellation_type::terminal);
    until([&] { return ends == 1; });
}

BOOST_AUTO_TEST_CASE(a_listener_that_gives_up_is_no_failure_of_the_service) {
    service.script = {"HTTP/1.1 200 OK\r\n"};
    auto w = hook(options());
    admission a;
    const request r{};
    int ends = 0;
    asio::cancellation_signal stop;
    asio::co_spawn(
        io, w.on_admit_deferred(r, a),
        asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr&, errc) { ++ends; }));
    until([&] { return service.heard.size() == 1; });
    stop.emit(asio::cancellation_type::terminal);
    until([&] { return ends == 1; });
    BOOST_TEST(failures.empty());
}

BOOST_AUTO_TEST_CASE(the_service_need_not_be_asked) {
    auto o = options();
    o.admit = false;
    auto w = hook(o);
    admission a;
    BOOST_TEST(w.on_admit(request{}, a) == errc::ok);
}

BOOST_AUTO_TEST_CASE(peers_that_come_and_go) {
    auto w = hook(options());
    admission a, b;
    a.id = "ann", a.remote = "192.0.2.7", b.id = "bob";
    w.on_open({1, 1}, a);
    w.on_open({2, 1}, b); // while the first is on its way
    w.on_close({1, 1}, errc::lost);
    w.on_close({1, 1}, errc::lost); // nobody is there
    w.on_close({2, 7}, errc::lost);
    BOOST_TEST(w.waiting() == 3u);
    until([&] { return w.waiting() == 0; });
    BOOST_TEST_REQUIRE(service.heard.size() == 2u);
    const auto first = body(service.heard[0]), second = body(service.heard[1]);
    BOOST_TEST(events_of(first) == "connect ann;");
    BOOST_TEST(events_of(second) == "connect bob;disconnect ann;");
    BOOST_TEST((first.at("event") == "peers" && first.at("number") == 1 && second.at("number") == 2));
    BOOST_TEST((first.at("source") == second.at("source") && first.at("source").as_string().size() == 21u));
    BOOST_TEST(!first.contains("lost"));
    const auto& came = first.at("events").at(0);
    const auto& left = second.at("events").at(1);
    BOOST_TEST((came.at("remote") == "192.0.2.7" && came.at("time").is_int64()));
    BOOST_TEST((left.at("cause") == "lost" && left.at("seconds") == 0));
    auto o = options();
    o.events = false;
    auto silent = hook(o);
    silent.on_open({1, 1}, a);
    silent.on_close({1, 1}, errc::lost);
    BOOST_TEST(silent.waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(an_event_is_sent_again_until_the_service_has_it) {
    service.script = {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "nonsense\r\n\r\n",
                      "HTTP/1.1 204 OK\r\n\r\n"};
    auto w = hook(options());
    admission a;
    a.id = "ann";
    w.on_open({1, 1}, a);
    until([&] { return w.waiting() == 0; });
    BOOST_TEST_REQUIRE(service.heard.size() == 3u);
    for (const auto& heard : service.heard) BOOST_TEST(body(heard).at("number") == 1);
    BOOST_TEST((w.lost() == 0u && failures.size() == 1u));
}

BOOST_AUTO_TEST_CASE(events_are_lost_after_the_last_attempt_and_told) {
    service.script = {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                      "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
    auto o = options();
    o.attempts = 2;
    auto w = hook(o);
    admission a, b;
    a.id = "ann", b.id = "bob";
    w.on_open({1, 1}, a);
    until([&] { return w.waiting() == 0; });
    BOOST_TEST(w.lost() == 1u);
    w.on_open({2, 1}, b);
    until([&] { return w.waiting() == 0; });
    BOOST_TEST_REQUIRE(service.heard.size() == 3u);
    const auto told = body(service.heard[2]);
    BOOST_TEST((told.at("number") == 2 && told.at("lost") == 1 && events_of(told) == "connect bob;"));
}

BOOST_AUTO_TEST_CASE(a_stopping_server_does_not_wait_for_a_service_that_is_down) {
    unsigned short nobody = 0;
    {
        const web_world::tcp::acceptor probe{io, {asio::ip::make_address("127.0.0.1"), 0}};
        nobody = probe.local_endpoint().port();
    }
    auto o = options();
    o.url = "http://127.0.0.1:" + std::to_string(nobody);
    o.back_off = o.longest_back_off = 1h;
    auto w = hook(o);
    admission a;
    w.on_open({1, 1}, a);
    until([&] { return failures.size() == 1; });
    BOOST_TEST(w.waiting() == 1u);
    w.stop();
    until([&] { return w.waiting() == 0; });
    BOOST_TEST(w.lost() == 1u);
}

BOOST_AUTO_TEST_CASE(after_the_stop_nothing_keeps_the_loop_busy) {
    asio::io_context other;
    http_client_options c;
    c.proxies.emplace();
    const auto client = std::make_shared<http_client>(other, std::move(c));
    webhook w{client, options()};
    admission a;
    w.on_open({1, 1}, a);
    w.on_close({1, 1}, errc::closed);
    w.stop();
    const auto poll = [&](const auto& done) {
        while (!done()) {
            io.restart();
            io.poll();
            other.restart();
            other.poll();
        }
    };
    poll([&] { return w.waiting() == 0; });
    BOOST_TEST(client->connections() == 0u);
    poll([&] { return other.stopped(); });
    BOOST_TEST(w.lost() == 0u);
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused_without_the_secret) {
    const auto refused = [&](auto change) {
        auto o = options();
        change(o);
        BOOST_CHECK_EXCEPTION(hook(o), std::invalid_argument, [](const std::exception& e) {
            const std::string text = e.what();
            return text.starts_with("sigfire: ") && text.find("north") == text.npos;
        });
    };
    refused([](auto& o) { o.url = "ftp://x"; });
    refused([](auto& o) { o.secret.clear(); });
    refused([](auto& o) { o.batch = 0; });
    refused([](auto& o) { o.attempts = 0; });
    refused([](auto& o) { o.back_off = 0ms; });
    refused([](auto& o) { o.longest_back_off = 0ms; });
    refused([](auto& o) { o.headers = {"a:"}; });
    BOOST_CHECK_THROW((webhook{nullptr, options()}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
