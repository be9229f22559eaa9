// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/client_liveness.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace {

using namespace std::literals;
using sigfire::time_point;
using liveness = sigfire::detail::client_liveness;
using enum liveness::verdict;

time_point at(std::chrono::milliseconds t) {
    return time_point{1h + t};
}

struct world {
    liveness server{30s};
    world() { server.begin(at(0s)); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(client_liveness)

BOOST_FIXTURE_TEST_CASE(a_silent_server_is_asked_and_then_gone, world) {
    BOOST_TEST((server.deadline() == at(30s)));
    BOOST_TEST((server.look(at(29999ms)) == fine));
    BOOST_TEST((server.look(at(30s)) == ask));
    BOOST_TEST((server.deadline() == at(60s)));
    BOOST_TEST((server.look(at(59999ms)) == fine));
    BOOST_TEST((server.look(at(60s)) == gone));
}

BOOST_FIXTURE_TEST_CASE(any_byte_is_a_sign_of_life, world) {
    server.heard(at(20s));
    BOOST_TEST((server.deadline() == at(50s)));
    BOOST_TEST((server.look(at(30s)) == fine));
    BOOST_TEST((server.look(at(50s)) == ask));
    server.heard(at(79s));
    BOOST_TEST((server.look(at(80s)) == fine));
    BOOST_TEST((server.look(at(109s)) == ask)); // from the beginning
    BOOST_TEST((server.look(at(139s)) == gone));
}

BOOST_AUTO_TEST_CASE(counts_only_while_a_connection_stands) {
    liveness server{30s};
    BOOST_TEST((server.deadline() == time_point::max()));
    BOOST_TEST((server.look(at(1h)) == fine));
    server.begin(at(0s));
    BOOST_TEST((server.look(at(30s)) == ask));
    server.end();
    BOOST_TEST((server.deadline() == time_point::max()));
    server.begin(at(40s));
    BOOST_TEST((server.look(at(60s)) == fine));
    BOOST_TEST((server.look(at(70s)) == ask));
    liveness never{0ms};
    never.begin(at(0s));
    BOOST_TEST((never.deadline() == time_point::max()));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_does_not_listen_does_not_judge, world) {
    server.hold();
    for (int i = 1; i < 10; ++i) BOOST_TEST((server.look(at(i * 30s)) == ask));
    server.release(at(280s));
    BOOST_TEST((server.deadline() == at(310s)));
    BOOST_TEST((server.look(at(310s)) == ask));
    BOOST_TEST((server.look(at(340s)) == gone));
    world other;
    other.server.release(at(20s)); // was not held: no byte came
    BOOST_TEST((other.server.look(at(30s)) == ask));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_stood_still_asks_anew, world) {
    BOOST_TEST((server.look(at(30s)) == ask));
    BOOST_TEST((server.look(at(1000s)) == ask)); // the answer may lie there unread
    BOOST_TEST((server.look(at(1030s)) == gone));
    world late;
    BOOST_TEST((late.server.look(at(500s)) == ask));
    BOOST_TEST((late.server.look(at(530s) + liveness::stalled) == gone));
}

BOOST_AUTO_TEST_SUITE_END()
