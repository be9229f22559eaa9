// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/rtc_refresh.hpp>

#include "support/hub_bench.hpp"
#include "support/two_formats.hpp"

#include <sigfire/feature/resume.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// What the test's source of configurations was asked, and what it says.
struct source {
    std::chrono::milliseconds life = 100s;
    bool late = false, fails = false, throws = false;
    unsigned made = 0;
    script asked;
    std::vector<std::function<void(rtc_lease)>> open;

    rtc_lease make() { return {R"({"n":)" + std::to_string(++made) + '}', life}; }
    rtc_renewal renewal() {
        return {life, [this](std::string_view id, std::function<void(rtc_lease)> done) {
                    asked.emplace_back(id);
                    if (throws) throw std::runtime_error{"no"};
                    if (late) return open.push_back(std::move(done));
                    done(fails ? rtc_lease{} : make());
                }};
    }
};

struct lender {
    source* from;

    errc on_admit(const request&, admission& a) const {
        if (from->life.count() < 0) return errc::ok; // it has none for anybody
        a.rtc_configuration = from->make().configuration;
        a.attached.put(from->renewal());
        return errc::ok;
    }
};

using parts = features<rtc_refresh, resume>;

struct fixture {
    source s;
    hub_bench<parts, hooks<lender>> b{parts{}, hooks{lender{&s}}};

    rtc_refresh& refresh() { return b.get<rtc_refresh>(); }
};

std::string news(unsigned n) {
    return R"({"cmd":"configuration","data":{"n":)" + std::to_string(n) + "}}";
}

BOOST_FIXTURE_TEST_SUITE(rtc_refresh_, fixture)

BOOST_AUTO_TEST_CASE(a_configuration_comes_anew_at_four_fifths_of_its_life) {
    BOOST_TEST(b.connect("a") == R"({"cmd":"welcome","data":{"id":"a","configuration":{"n":1}}})");
    b.advance(80s - 1ms);
    same(b.heard("a"), {});
    b.advance(1ms);
    same(b.heard("a"), {news(2)});
    s.life = 10s; // of the next ones
    b.advance(80s);
    same(b.heard("a"), {news(3)});
    b.advance(8s);
    same(b.heard("a"), {news(4)});
    same(s.asked, {"a", "a", "a"});
    BOOST_TEST((refresh().sent() == 3u && refresh().failed() == 0u && refresh().size() == 1u));
    b.close("a");
    BOOST_TEST(refresh().size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(peers_without_an_end_cost_nothing) {
    s.life = 0s;
    b.connect("a");
    s.life = -1s;
    b.connect("b");
    BOOST_TEST(refresh().size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(a_configuration_without_end_is_the_last) {
    b.connect("a");
    s.life = 0s;
    b.advance(80s);
    same(b.heard("a"), {news(2)});
    BOOST_TEST(refresh().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_failure_is_tried_again) {
    b.connect("a");
    s.fails = true;
    b.advance(80s);
    BOOST_TEST(refresh().failed() == 1u);
    b.advance(5s);
    BOOST_TEST(refresh().failed() == 2u);
    s.fails = false, s.throws = true;
    b.advance(5s);
    BOOST_TEST(refresh().failed() == 3u);
    s.throws = false;
    b.advance(5s - 1ms);
    same(b.heard("a"), {});
    b.advance(1ms);
    same(b.heard("a"), {news(2)});
    b.advance(80s);
    same(b.heard("a"), {news(3)});
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_later) {
    s.late = true;
    b.connect("a"), b.connect("b");
    b.advance(80s);
    BOOST_TEST_REQUIRE(s.open.size() == 2u);
    b.close("b");
    s.open[1]({R"({"n":7})", 10s}); // nobody is there for it
    s.open[0]({R"({"n":8})", 10s});
    b.settle();
    b.advance(0s);
    same(b.heard_by_all(), {"a " + news(8)});
    b.advance(8s);
    BOOST_TEST_REQUIRE(s.open.size() == 3u);
    b.advance(1s); // at least: a twentieth of the life is less
    BOOST_TEST_REQUIRE(s.open.size() == 4u);
    s.open[2]({R"({"n":9})", 10s}); // too late: it was asked again
    b.settle();
    b.advance(0s);
    same(b.heard("a"), {});
    s.open[3]({R"({"n":10})", 10s});
    b.settle();
    b.advance(0s);
    same(b.heard("a"), {news(10)});
}

BOOST_AUTO_TEST_CASE(a_source_cannot_keep_the_hub_busy) {
    s.life = 1ms;
    b.connect("a");
    b.advance(10s);
    BOOST_TEST(b.heard("a").size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_away_gets_it_on_its_return) {
    s.life = 10s;
    b.connect("a");
    const auto token = token_in(b.ask("a", R"({"cmd":"resume"})"));
    b.lose("a");
    b.advance(9s);
    BOOST_TEST(s.asked.empty());
    b.connect("c"); // a connection with a configuration of its own, which then becomes `a`
    b.heard("c");
    b.ask("c", R"({"cmd":"resume","token":")" + token + R"("})");
    b.settle();
    b.advance(0s);
    same(s.asked, {"a"});
    const auto heard = b.heard("c");
    BOOST_TEST_REQUIRE(!heard.empty());
    BOOST_TEST(heard.back() == news(3));
}

BOOST_AUTO_TEST_CASE(a_new_connection_brings_a_new_configuration) {
    s.life = 10s;
    b.connect("a", {.id = "a", .target = "/?resume"});
    const auto token = token_in(b.ask("a", R"({"cmd":"resume"})"));
    b.lose("a");
    b.advance(9s);
    b.connect("c", {.token = token});
    b.heard("c");
    b.advance(8s - 1ms);
    BOOST_TEST(s.asked.empty());
    b.advance(1ms);
    same(s.asked, {"a"});
    same(b.heard("c"), {news(3)});
}

BOOST_AUTO_TEST_CASE(wires_without_the_word_are_asked_once) {
    b.connect("a", {.id = "a", .extras = false});
    b.advance(1000s);
    same(b.heard("a"), {});
    same(s.asked, {"a"});
    BOOST_TEST(refresh().size() == 0u);
}

BOOST_AUTO_TEST_CASE(it_is_said_in_both_formats) {
    hub_bench<parts, hooks<lender>, direct_router, two_formats> two{parts{}, hooks{lender{&s}}};
    two.codec.next_is_packed(true);
    two.connect("a"), two.connect("b");
    two.advance(80s);
    same(two.heard_by_all(), {"a " + news(3), "b " + news(4)});
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused) {
    BOOST_CHECK_THROW(rtc_refresh{{.percent = 0}}, std::invalid_argument);
    BOOST_CHECK_THROW(rtc_refresh{{.percent = 100}}, std::invalid_argument);
    BOOST_CHECK_THROW(rtc_refresh{{.pause = 0ms}}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
