// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/detail/jwks_cache.hpp>

#include "support/print_errc.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::jwks_cache;
using script = std::vector<std::string>;

struct fixture {
    jwks_cache c{{.pause = 10s, .stale = 100s, .unknown = 60s, .waiting = 3, .unknown_keys = 2}};
    time_point now{1h};
    script told;
    std::set<std::string> keys;

    std::string look(const std::string& key) const {
        const auto known = c.look(key, now);
        return known ? std::string{cause_name(*known)} : "?";
    }
    // Whether the caller has to ask the server.
    bool wait(const std::string& key) {
        c.wait(key, [this, key](errc e) { told.push_back(key + ' ' + std::string{cause_name(e)}); });
        return c.begin(now);
    }
    void worked(std::chrono::milliseconds life = 30s) {
        c.worked(now, life, [this](const std::string& key) { return keys.contains(key); });
    }
    void same(const script& expected) {
        BOOST_CHECK_EQUAL_COLLECTIONS(told.begin(), told.end(), expected.begin(), expected.end());
        told.clear();
    }
};

BOOST_FIXTURE_TEST_SUITE(jwks_cache_, fixture)

BOOST_AUTO_TEST_CASE(one_question_serves_all_who_wait) {
    BOOST_TEST((c.deadline() == time_point::max()));
    BOOST_TEST(!c.begin(now)); // nobody needs a key
    BOOST_TEST(look("a") == "?");
    BOOST_TEST(wait("a"));
    BOOST_TEST(!wait("a"));
    BOOST_TEST(!wait("b"));
    BOOST_TEST(look("c") == "overloaded"); // three wait already
    c.forget(2);
    BOOST_TEST(look("c") == "?");
    keys = {"a"};
    worked();
    same({"a ok", "b unknown"});
}

BOOST_AUTO_TEST_CASE(a_key_that_the_set_lacks_is_remembered) {
    wait("a"), worked();
    now += 10s;
    BOOST_TEST(look("a") == "unknown");
    BOOST_TEST(look("b") == "?");
    now += 50s - 1ms;
    BOOST_TEST(look("a") == "unknown");
    now += 1ms;
    BOOST_TEST(look("a") == "?");
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_later_is_not_unknown_any_more) {
    wait("a"), worked();
    now += 10s;
    wait("b");
    keys = {"a", "b"};
    worked();
    same({"a unknown", "b ok"});
    now += 10s;
    BOOST_TEST(look("a") == "?"); // the verifier has it
}

BOOST_AUTO_TEST_CASE(strangers_cannot_make_it_ask_all_the_time) {
    wait("a"), worked(1h);
    for (const auto key : {"b", "c", "d"}) BOOST_TEST(look(key) == "overloaded");
    now += 10s - 1ms;
    BOOST_TEST(look("b") == "overloaded");
    now += 1ms;
    BOOST_TEST(look("b") == "?");
    // And not remember without end.
    wait("b"), wait("c"), wait("d"), worked(1h);
    now += 10s;
    BOOST_TEST((look("a") == "unknown" && look("b") == "unknown" && look("c") == "?" && look("d") == "?"));
}

BOOST_AUTO_TEST_CASE(keys_are_fetched_again_after_their_life) {
    wait("a"), worked(30s);
    BOOST_TEST((c.deadline() == now + 30s));
    now += 30s - 1ms;
    BOOST_TEST(!c.begin(now));
    now += 1ms;
    BOOST_TEST(c.begin(now));
    BOOST_TEST(!c.begin(now));
    BOOST_TEST((c.deadline() == now + 100s)); // until then the old keys serve
    worked(1ms);
    BOOST_TEST((c.deadline() == now + 10s)); // a short life does not shorten the pause
}

BOOST_AUTO_TEST_CASE(pauses_grow_with_failures) {
    wait("a");
    c.failed(now);
    same({"a overloaded"});
    BOOST_TEST(look("a") == "overloaded"); // it is not known to be unknown
    for (const auto pause : {10s, 20s, 40s, 80s, 160s, 320s, 320s}) {
        now += pause - 1ms;
        BOOST_TEST(look("a") == "overloaded");
        now += 1ms;
        BOOST_TEST(look("a") == "?");
        BOOST_TEST(wait("a"));
        c.failed(now);
    }
    now += 320s;
    wait("a"), worked();
    now += 10s;
    BOOST_TEST(look("b") == "?");
}

BOOST_AUTO_TEST_CASE(old_keys_serve_for_a_while_when_the_server_fails) {
    wait("a"), worked(30s);
    now += 30s;
    BOOST_TEST(c.begin(now));
    c.failed(now);
    BOOST_TEST((c.deadline() == now + 10s));
    now += 10s;
    BOOST_TEST(c.begin(now));
    c.failed(now);
    now += 90s - 1ms;
    BOOST_TEST(!c.outdated(now));
    now += 1ms;
    BOOST_TEST(c.outdated(now));
    BOOST_TEST(!c.outdated(now)); // once
    BOOST_TEST(c.begin(now));     // and it goes on asking
    worked(30s);
    BOOST_TEST(!c.outdated(now));
    now += 130s;
    BOOST_TEST(c.outdated(now));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
