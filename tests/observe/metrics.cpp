// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/observe/metrics.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace hub_world;

std::string value_of(const std::string& text, std::string_view sample) {
    const auto at = text.find("\n" + std::string{sample} + ' ');
    if (at == text.npos) return "none";
    const auto begin = at + sample.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics_)

BOOST_AUTO_TEST_CASE(messages_requests_and_peers_are_counted) {
    metrics counted;
    hub_bench b{features{topics{}, requests{}, sessions{}, resume{}}, hooks{counted},
                mailbox{direct_router{}, 5s}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    b.connect("eve", {.id = "eve", .target = "/?resume"});
    for (int i = 0; i < 3; ++i) BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"ann"})") == "self");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"nobody"})").starts_with("ok")); // kept
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})").starts_with("ok"));
    BOOST_TEST(b.ask("bob", R"({"cmd":"join","topic":"t"})").starts_with("ok"));
    BOOST_TEST(b.ask("bob", R"({"cmd":"lookup","topic":"none"})") == "unknown");
    BOOST_TEST(b.ask("ann", R"({"cmd":"request","target":"bob"})") == "");
    BOOST_TEST(b.ask("ann", R"({"cmd":"session-start","target":"bob"})").starts_with("ok"));
    b.connect("second bob", {.id = "bob"});
    b.settle(); // bob is there
    b.lose("eve");
    b.close("ann");
    b.connect("ann 2");

    const auto& c = counted.count();
    BOOST_TEST(c.opened == 4u);
    BOOST_TEST(c.requests[static_cast<std::size_t>(errc::self)] == 1u);
    BOOST_TEST(c.closed[static_cast<std::size_t>(errc::closed)] == 1u);
    prometheus_text out;
    write_metrics(out, b.h, counted);
    const auto text = "\n" + out.text();
    const auto is = [&](std::string_view sample, std::string_view value) {
        BOOST_TEST(value_of(text, sample) == value, sample << ": " << value_of(text, sample));
    };
    is(R"(sigfire_messages_received_total{verb="send"})", "6");
    is(R"(sigfire_messages_received_total{verb="join"})", "2");
    is(R"(sigfire_messages_received_total{verb="lookup"})", "1");
    is(R"(sigfire_messages_received_total{verb="request"})", "1");
    is(R"(sigfire_messages_received_total{verb="custom"})", "0");
    is(R"(sigfire_requests_total{cause="ok"})", "6"); // without the request, which is expired
    is(R"(sigfire_requests_total{cause="expired"})", "1");
    is(R"(sigfire_requests_total{cause="self"})", "1");
    is(R"(sigfire_requests_total{cause="held"})", "1");
    is(R"(sigfire_requests_total{cause="unknown"})", "1");
    is(R"(sigfire_requests_total{cause="offline"})", "none");
    is("sigfire_connections_opened_total", "4");
    is(R"(sigfire_connections_closed_total{cause="closed"})", "1");
    is(R"(sigfire_peers{state="online"})", "2");
    is(R"(sigfire_peers{state="away"})", "1");
    is("sigfire_topics", "1");
    is("sigfire_memberships", "1");
    is("sigfire_mailbox_messages", "1");
    is("sigfire_open_requests", "0");
    is(R"(sigfire_sessions{state="started"})", "0");
    is(R"(sigfire_build_info{version="0.1.0"})", "1");
    for (const auto& line : {"# TYPE sigfire_requests_total counter", "# TYPE sigfire_peers gauge"})
        BOOST_TEST(text.find(line) != text.npos);
}

BOOST_AUTO_TEST_CASE(refusals_are_counted) {
    metrics counted;
    hub_bench b{features{}, hooks{counted}};
    b.connect("ann");
    b.h.refused("192.0.2.1", errc::forbidden_origin);
    b.h.refused("192.0.2.1", errc::forbidden_origin);
    b.at("ann").answers_pings = true;
    b.connect("claimant", {.id = "ann"});
    prometheus_text out;
    write_metrics(out, b.h, counted);
    const auto text = "\n" + out.text();
    BOOST_TEST(value_of(text, R"(sigfire_connections_refused_total{cause="forbidden_origin"})") == "2");
    BOOST_TEST(value_of(text, R"(sigfire_admissions_total{result="admitted"})") == "1");
    BOOST_TEST(value_of(text, R"(sigfire_admissions_total{result="refused"})") == "3"); // and the claimant
}

BOOST_AUTO_TEST_SUITE_END()
