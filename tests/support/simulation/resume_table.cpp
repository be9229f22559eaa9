// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// All orders in which a connection may end, be continued, be given up and be claimed, against a hub's
// promises.
#include "support/long_run.hpp"
#include "support/simulation/simulated_peer.hpp"
#include "support/simulation/stage.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/resume.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using test::arrival;

using keeps = features<resume>;
using post = mailbox<direct_router>;

const auto make_hub = [](const test::simulation_options& o) {
    return test::simulated_hub<local_registry, post, no_log, no_hooks, keeps>{
        o.hub, {}, post{direct_router{}, o.mailbox}, {}, {}, keeps{resume{*o.resume}}};
};

test::simulation_options options(std::chrono::milliseconds delay, bool yields) {
    test::simulation_options o;
    o.network = {.delay = delay, .late = 0ms, .dead = 30s};
    o.resume = resume_options{.ids_claimable = yields};
    o.mailbox = 5s;
    return o;
}

struct bench : test::stage<decltype(make_hub)> {
    std::vector<std::string> trace;
    test::simulated_peer a{"a", net, book}, b{"b", net, book}, c{"c", net, book}, d{"d", net, book};

    explicit bench(const test::simulation_options& o, bool traced = true)
        : stage(1, o, make_hub, traced ? &trace : nullptr) {
        a.wish = c.wish = "a";
        b.wish = "b";
    }

    void say(test::simulated_peer& p, std::string target) {
        if (!p.online()) return;
        test::simulated_request r;
        r.target = std::move(target);
        r.command = "session-cancel";
        r.data = R"({"n":)" + std::to_string(book.next_number()) + R"(,"reason":"x"})";
        p.ask(std::move(r));
    }

    // Each peer that can continue does; then everything has to have come to its end.
    void settle() {
        for (auto* const p : {&a, &c, &d})
            if (p->has_wire() && !p->open() && !p->token().empty()) p->connect(arrival::by_url);
        net.run(120s);
        book.nothing_is_open();
        for (auto* const p : {&a, &b, &c, &d})
            if (p->has_wire() && p->open() && !p->wire().broken())
                for (const auto n : p->waiting()) book.is_waited_for(n);
        count();
    }

    void leave() {
        for (auto& l : net.links()) {
            l.close();
            if (!l.told()) l.give_up();
        }
        net.run(60s);
        everybody_has_gone();
    }

    std::string text() const {
        std::string out = book.failure();
        for (const auto& line : trace) out += "\n    " + line;
        return out;
    }
};

enum class step { close, late_close, resume, second_resume, expiry, send, claim };
constexpr const char* names[] = {"close", "late close", "resume", "second resume", "expiry", "send", "claim"};

struct table {
    arrival how;                               // of the peers that continue
    bool vanished;                             // whether the first connection is half-open from the beginning
    std::chrono::milliseconds delay;           // of messages
    std::chrono::milliseconds between;         // steps
    bool yields;                               // whether the id of a resumable peer can be claimed
    std::map<std::string, std::size_t> ends{}; // how it was in the end, and how often

    // The token is shown a second time: by a peer that did not hear the answer, or by a thief.
    void again(bench& w) const {
        const auto token = w.a.last_token().empty() ? w.a.token() : w.a.last_token();
        (w.a.token() == token ? w.a : w.d).connect(how, token);
    }

    bool play(const std::vector<step>& steps, bool traced = false) {
        bench w{options(delay, yields), traced};
        w.a.connect(arrival::resumable);
        w.b.connect(arrival::plain);
        w.net.run(100ms);
        w.say(w.b, "a");
        w.say(w.a, "b");
        w.net.run(100ms);
        auto& first = w.a.wire();
        auto* const session = w.book.session_of(first);
        if (vanished) first.vanish();
        for (const auto s : steps) {
            switch (s) {
            case step::close: w.a.wire().cut(); break;
            case step::late_close: first.give_up(); break;
            case step::resume: w.a.connect(how); break;
            case step::second_resume: again(w); break;
            case step::expiry: w.net.run(31s); break;
            case step::claim: w.c.connect(arrival::resumable); break;
            case step::send:
                w.say(w.b, "a");
                w.say(w.a, "b");
                break;
            }
            w.net.run(between);
            w.count();
        }
        w.settle();
        const auto* const now = w.book.holder("a");
        ++ends[session->over     ? now == nullptr ? "nobody is a" : "another is a"
               : session->away() ? "a is away"
                                 : "a is a"];
        w.leave();
        if (!w.book.failed()) return true;
        if (!traced) return play(steps, true);
        std::string order;
        for (const auto s : steps) order += std::string{names[static_cast<int>(s)]} + ", ";
        BOOST_ERROR(order << "by " << (how == arrival::by_url ? "url" : "request")
                          << (vanished ? ", vanished" : "") << (yields ? ", yields" : "") << ": "
                          << w.text());
        return false;
    }

    // All orders of all sets of that many steps at most; returns how many.
    std::size_t play_all(std::size_t most) {
        std::size_t count = 0;
        for (unsigned set = 0; set < 128; ++set) {
            std::vector<step> steps;
            for (int i = 0; i < 7; ++i)
                if ((set >> i & 1) != 0) steps.push_back(static_cast<step>(i));
            if (steps.size() > most) continue;
            do {
                ++count;
                if (!play(steps)) return count;
            } while (std::next_permutation(steps.begin(), steps.end()));
        }
        return count;
    }
};

// Every order keeps the promises. In the short run, sets of four steps; of three in the less usual hub.
void play_tables(arrival how) {
    const bool all = test::long_run();
    const auto orders_of = [](std::size_t most) { return most == 7 ? 13700u : most == 4 ? 1100u : 260u; };
    for (const bool vanished : {false, true})
        for (const bool together : {false, true})
            for (const bool yields : {false, true}) {
                table t{how, vanished, together ? 20ms : 0ms, together ? 7ms : 100ms, yields};
                const std::size_t most = all ? 7 : yields ? 3 : 4;
                const auto orders = orders_of(most);
                BOOST_TEST(t.play_all(most) == orders);
                BOOST_TEST(t.ends["a is a"] > orders / 14);
                BOOST_TEST(t.ends["another is a"] > orders / 14);
                for (const auto& [how_, n] : t.ends) BOOST_TEST_MESSAGE(how_ << ": " << n);
            }
}

// Two suites, so that two processors share them.
BOOST_AUTO_TEST_SUITE(resume_tables_by_url)

BOOST_AUTO_TEST_CASE(every_order_of_ends_returns_and_claims_keeps_the_promises) {
    play_tables(arrival::by_url);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(resume_tables_by_request)

BOOST_AUTO_TEST_CASE(every_order_of_ends_returns_and_claims_keeps_the_promises) {
    play_tables(arrival::by_request);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
