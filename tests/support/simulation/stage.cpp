// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Scenes that random schedules came upon, each played for its fault.
#include "support/simulation/stage.hpp"
#include "support/simulation/simulated_peer.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using test::arrival, test::simulated_request;

using parts = features<resume, topics>;
using post = mailbox<direct_router>;

const auto make_hub = [](const test::simulation_options& o) {
    return test::simulated_hub<local_registry, post, no_log, no_hooks, parts>{
        o.hub, {}, post{direct_router{}, o.mailbox}, {}, {}, parts{resume{*o.resume}, topics{}}};
};

test::simulation_options settings(const resume_options& r = {}) {
    test::simulation_options o;
    o.network = {.delay = 5ms, .late = 0ms, .dead = 30s, .outbox = 3000};
    o.resume = r;
    o.mailbox = 5s;
    return o;
}

struct bench : test::stage<decltype(make_hub)> {
    std::vector<std::string> trace;
    test::simulated_peer a{"a", net, book}, b{"b", net, book};

    explicit bench(const resume_options& r = {}, arrival how = arrival::resumable)
        : stage(1, settings(r), make_hub, &trace) {
        a.wish = "a";
        b.wish = "b";
        a.connect(how);
        b.connect(arrival::plain);
        net.run(1s);
    }

    void ask(test::simulated_peer& p, simulated_request r, std::size_t length = 1) {
        r.data =
            R"({"n":)" + std::to_string(book.next_number()) + R"(,"x":")" + std::string(length, 'x') + "\"}";
        p.ask(std::move(r));
    }
    void say(test::simulated_peer& p, std::string target, std::size_t length = 1) {
        simulated_request r;
        r.target = std::move(target);
        r.command = "session-cancel";
        ask(p, std::move(r), length);
    }
    void in_topic(test::simulated_peer& p, simulated_request::kind what, std::size_t length = 1) {
        simulated_request r;
        r.what = what;
        r.command = what == simulated_request::join ? "join" : "publish";
        r.topic = "t";
        r.droppable = what == simulated_request::publish;
        ask(p, std::move(r), length);
    }

    // a comes back if it can; then everything has to have come to its end.
    void settle() {
        if (!a.open()) a.connect(arrival::by_url);
        net.run(120s);
        book.nothing_is_open();
        for (auto* const p : {&a, &b})
            for (const auto n : p->waiting()) book.is_waited_for(n);
        count();
        std::string text = book.failure();
        for (const auto& line : trace) text += "\n    " + line;
        BOOST_TEST(!book.failed(), text);
    }
    unsigned losses() { return book.holder("a")->losses; }
};

BOOST_AUTO_TEST_SUITE(stages)

BOOST_AUTO_TEST_CASE(the_reply_to_a_first_resume_request_is_not_counted) {
    bench w{{}, arrival::ask_later};
    for (int i = 0; i < 3; ++i) w.say(w.b, "a");
    w.net.run(1s);
    w.a.wire().cut();
    w.net.run(1s);
    w.settle();
}

BOOST_AUTO_TEST_CASE(the_refusal_of_a_token_is_not_counted_either) {
    bench w;
    w.a.resume_in_vain();
    w.net.run(1s);
    for (int i = 0; i < 3; ++i) w.say(w.b, "a");
    w.net.run(1s);
    w.a.wire().cut();
    w.net.run(1s);
    w.settle();
}

BOOST_AUTO_TEST_CASE(a_peer_that_did_not_hear_of_a_loss_is_told_again) {
    bench w{{.messages = 2}};
    for (int i = 0; i < 2; ++i) w.say(w.b, "a");
    w.say(w.a, "b");
    w.net.run(1s);
    w.a.wire().vanish();
    for (int i = 0; i < 5; ++i) w.say(w.b, "a"); // more than is kept
    w.net.run(1s);
    w.a.connect(arrival::by_url);
    w.a.wire().vanish();
    w.net.run(1s);
    // As many as it had of the older ones.
    for (int i = 0; i < 3; ++i) w.say(w.b, "a");
    w.net.run(1s);
    w.settle();
    BOOST_TEST(w.losses() == 2u);
}

BOOST_AUTO_TEST_CASE(news_of_an_unfetched_message_is_kept_or_missed_knowingly) {
    bench w{{.messages = 1}};
    w.say(w.a, "nobody");
    w.net.run(1s);
    w.a.wire().cut();
    w.net.run(1s);
    w.say(w.b, "a"); // as much as is kept
    w.net.run(10s);
    w.settle();
    BOOST_TEST(w.losses() == 1u);
}

BOOST_AUTO_TEST_CASE(volatile_publications_end_nobody) {
    for (const auto how : {arrival::plain, arrival::resumable}) {
        bench w{{}, how};
        for (auto* const p : {&w.a, &w.b}) w.in_topic(*p, simulated_request::join);
        w.net.run(1s);
        w.a.wire().stall();
        for (int i = 0; i < 5; ++i) w.in_topic(w.b, simulated_request::publish, 1000);
        w.net.run(1s);
        BOOST_TEST(w.a.open());
        w.a.wire().read();
        w.settle();
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
