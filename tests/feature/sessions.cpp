// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/sessions.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/requests.hpp>

#include <string>
#include <utility>

namespace {

using namespace hub_world;

struct bench : hub_bench<features<sessions>> {
    explicit bench(sessions_options options = {}) : hub_bench{features{sessions{options}}} {
        for (const auto* name : {"a", "b", "c"}) connect(name);
    }

    // What `from` is told when it says `command` to `to`.
    std::string tell(const std::string& from, const std::string& to, const std::string& command) {
        return ask(from, R"({"cmd":")" + command + R"(","target":")" + to + '"' + payload(command) + "}");
    }
    std::size_t size() { return get<sessions>().size(); }

    static std::string payload(const std::string& command) {
        if (command == "offer") return R"(,"data":{"offer":{"sdp":"o"}})";
        if (command == "answer") return R"(,"data":{"answer":{"sdp":"a"}})";
        if (command == "ice") return R"(,"data":{"candidate":{"candidate":"c"}})";
        return {};
    }
};

// How two peers stand, `a` being the one that calls.
enum class state { none, started, accepted };

void enter(bench& b, state s) {
    if (s != state::none) BOOST_TEST(b.tell("a", "b", "session-start") == R"(ok {"polite":false})");
    if (s == state::accepted) BOOST_TEST(b.tell("b", "a", "session-accept") == "ok");
    b.heard("a");
    b.heard("b");
}

// A command that only one of the states allows. It changes the state.
state state_of(bench& b) {
    if (b.size() == 0) return state::none;
    return b.tell("b", "a", "session-accept") == "ok" || b.tell("a", "b", "session-accept") == "ok"
               ? state::started
               : state::accepted;
}

std::ostream& boost_test_print_type(std::ostream& out, state s) {
    return out << (s == state::none ? "none" : s == state::started ? "started" : "accepted");
}

BOOST_AUTO_TEST_SUITE(sessions_tests)

BOOST_AUTO_TEST_CASE(each_state_takes_the_commands_of_the_table_from_each_side) {
    using enum state;
    const struct {
        state before;
        const char *from, *command, *reply;
        state after;
    } table[] = {
        {none, "a", "session-start", R"(ok {"polite":false})", started},
        {none, "b", "session-start", R"(ok {"polite":false})", started},
        {none, "a", "session-accept", "no_session", none},
        {none, "a", "session-reject", "no_session", none},
        {none, "a", "session-cancel", "no_session", none},
        {none, "a", "session-end", "no_session", none},
        {none, "a", "bye", "ok", none},
        {none, "a", "offer", "ok", none},
        {none, "a", "answer", "ok", none},
        {none, "a", "ice", "ok", none},
        {none, "a", "renegotiate", "ok", none},

        {started, "a", "session-start", "session_exists", started},
        {started, "b", "session-start", "session_exists", started}, // glare: the first one counts
        {started, "a", "session-accept", "no_session", started},
        {started, "b", "session-accept", "ok", accepted},
        {started, "a", "session-reject", "no_session", started},
        {started, "b", "session-reject", "ok", none},
        {started, "a", "session-cancel", "ok", none},
        {started, "b", "session-cancel", "no_session", started},
        {started, "a", "session-end", "ok", none},
        {started, "b", "session-end", "ok", none},
        {started, "a", "bye", "ok", none},
        {started, "b", "bye", "ok", none},
        {started, "a", "offer", "ok", started},
        {started, "b", "answer", "ok", started},
        {started, "a", "ice", "ok", started},
        {started, "a", "renegotiate", "ok", started},

        {accepted, "a", "session-start", "session_exists", accepted},
        {accepted, "b", "session-start", "session_exists", accepted},
        {accepted, "a", "session-accept", "no_session", accepted},
        {accepted, "b", "session-accept", "no_session", accepted},
        {accepted, "a", "session-reject", "no_session", accepted},
        {accepted, "b", "session-reject", "no_session", accepted},
        {accepted, "a", "session-cancel", "no_session", accepted},
        {accepted, "b", "session-cancel", "no_session", accepted},
        {accepted, "a", "session-end", "ok", none},
        {accepted, "b", "session-end", "ok", none},
        {accepted, "a", "bye", "ok", none},
        {accepted, "b", "bye", "ok", none},
        {accepted, "a", "offer", "ok", accepted},
        {accepted, "b", "answer", "ok", accepted},
        {accepted, "b", "ice", "ok", accepted},
        {accepted, "a", "renegotiate", "ok", accepted},
    };
    for (const auto& row : table) {
        BOOST_TEST_CONTEXT(row.from << " says " << row.command << " when it is " << row.before) {
            bench b;
            enter(b, row.before);
            const std::string from = row.from, to = from == "a" ? "b" : "a";
            BOOST_TEST(b.tell(from, to, row.command) == row.reply);
            // a refused message reaches nobody
            BOOST_TEST(b.heard(to).size() == (std::string{row.reply}.starts_with("ok") ? 1u : 0u));
            BOOST_TEST(b.tell(from, "c", "session-accept") == "no_session"); // nor has it to do with others
            BOOST_TEST(state_of(b) == row.after);
        }
    }
}

BOOST_AUTO_TEST_CASE(steps_are_relayed_with_their_data_and_the_role_is_told_to_both) {
    bench b;
    b.say("a", R"({"cmd":"session-start","target":"b","id":1,"data":{"video":true}})");
    b.say("b", R"({"cmd":"session-accept","target":"a","id":2,"data":{"video":false}})");
    b.say("a", R"({"cmd":"session-end","target":"b","id":3,"data":{"why":"tired"}})");
    same(b.heard_by_all(),
         {R"(a {"id":1,"ok":true,"data":{"polite":false}})",
          R"(b {"cmd":"session-start","origin":"a","polite":true,"data":{"video":true}})",
          R"(b {"id":2,"ok":true})", R"(a {"cmd":"session-accept","origin":"b","data":{"video":false}})",
          R"(a {"id":3,"ok":true})", R"(b {"cmd":"session-end","origin":"a","data":{"why":"tired"}})"});
    BOOST_TEST(b.size() == 0u);
    // The other way round the roles are, too.
    b.say("b", R"({"cmd":"session-start","target":"a","id":1})");
    same(b.heard_by_all(), {R"(b {"id":1,"ok":true,"data":{"polite":false}})",
                            R"(a {"cmd":"session-start","origin":"b","polite":true})"});
}

BOOST_AUTO_TEST_CASE(an_undelivered_message_starts_and_ends_nothing) {
    bench b;
    BOOST_TEST(b.tell("a", "nobody", "session-start") == "unknown");
    BOOST_TEST(b.tell("a", "a", "session-start") == "self");
    BOOST_TEST(b.ask("a", R"({"cmd":"session-start"})") == "missing_target");
    BOOST_TEST(b.ask("a", R"({"cmd":"session-start","target":5})") == "unknown");
    b.at("b").full = true;
    BOOST_TEST(b.tell("a", "b", "session-start") == "full");
    BOOST_TEST(b.size() == 0u);
    BOOST_TEST(b.ended("b") == errc::slow_consumer);

    BOOST_TEST(b.tell("a", "c", "session-start") == R"(ok {"polite":false})");
    BOOST_TEST(b.tell("c", "nobody", "session-accept") == "unknown");
    BOOST_TEST(b.tell("c", "c", "session-accept") == "self");
    b.at("a").full = true;
    BOOST_TEST(b.tell("c", "a", "session-accept") == "full");
    same(b.heard("c"), {R"({"cmd":"session-start","origin":"a","polite":true})",
                        R"({"cmd":"bye","origin":"a","data":{"cause":"slow_consumer"}})"});
    BOOST_TEST(b.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_message_that_a_hook_refuses_starts_nothing) {
    struct strict_hook {
        bool* refuse_sender;
        errc on_message(message_context&, event::send&) { return *refuse_sender ? errc::rate : errc::ok; }
        bool on_deliver(peer_handle, const event::send& e) { return e.from != "a"; }
    };
    bool refuse = true;
    hub_bench b{features{sessions{}}, hooks{strict_hook{&refuse}}};
    b.connect("a");
    b.connect("b");
    BOOST_TEST(b.ask("b", R"({"cmd":"session-start","target":"a"})") == "rate");
    refuse = false;
    BOOST_TEST(b.ask("a", R"({"cmd":"session-start","target":"b"})") == "denied");
    BOOST_TEST(b.get<sessions>().size() == 0u);
    BOOST_TEST(b.ask("b", R"({"cmd":"session-start","target":"a"})") == R"(ok {"polite":false})");
    BOOST_TEST(b.get<sessions>().size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_unanswered_session_times_out_on_both_sides) {
    bench b{{.timeout = 30s}};
    b.tell("a", "b", "session-start");
    b.advance(10s);
    b.tell("c", "a", "session-start");
    b.tell("c", "b", "session-start");
    b.tell("a", "c", "session-accept");
    b.heard_by_all();
    BOOST_TEST((b.pause() == 20s));
    b.advance(20s - 1ms);
    same(b.heard_by_all(), {});
    b.advance(1ms);
    same(b.heard_by_all(),
         {R"(a {"cmd":"session-timeout","origin":"b"})", R"(b {"cmd":"session-timeout","origin":"a"})"});
    BOOST_TEST(b.size() == 2u);
    BOOST_TEST(b.tell("b", "a", "session-accept") == "no_session");
    BOOST_TEST(b.tell("a", "b", "session-cancel") == "no_session");
    b.advance(10s);
    same(b.heard_by_all(),
         {R"(c {"cmd":"session-timeout","origin":"b"})", R"(b {"cmd":"session-timeout","origin":"c"})"});
    b.advance(24h);
    same(b.heard_by_all(), {});
    BOOST_TEST(b.size() == 1u); // accepted: it has no end of its own
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(a_second_session_has_its_own_time) {
    bench b{{.timeout = 30s}};
    b.tell("a", "c", "session-start");
    b.tell("a", "b", "session-start"); // waits behind the other one, also when it is over
    b.tell("a", "b", "session-cancel");
    b.advance(20s);
    b.tell("b", "a", "session-start");
    b.heard_by_all();
    b.advance(10s);
    same(b.heard_by_all(),
         {R"(a {"cmd":"session-timeout","origin":"c"})", R"(c {"cmd":"session-timeout","origin":"a"})"});
    b.advance(20s - 1ms);
    same(b.heard_by_all(), {});
    b.advance(1ms);
    same(b.heard_by_all(),
         {R"(b {"cmd":"session-timeout","origin":"a"})", R"(a {"cmd":"session-timeout","origin":"b"})"});
}

BOOST_AUTO_TEST_CASE(a_peer_left_behind_hears_bye_with_the_cause) {
    const struct {
        const char *goes, *stays;
        state when;
        errc cause;
    } rows[] = {
        {"a", "b", state::started, errc::lost},
        {"b", "a", state::started, errc::closed},
        {"a", "b", state::accepted, errc::malformed},
        {"b", "a", state::accepted, errc::pong_timeout},
    };
    for (const auto& row : rows) {
        bench b{{.timeout = 30s}};
        enter(b, row.when);
        b.tell("b", "c", "session-start");
        b.heard_by_all();
        b.close(row.goes, row.cause);
        const auto bye = R"( {"cmd":"bye","origin":")" + std::string{row.goes} + R"(","data":{"cause":")" +
                         std::string{cause_name(row.cause)} + R"("}})";
        if (std::string{row.goes} == "b")
            same(b.heard_by_all(), {row.stays + bye, "c" + bye});
        else
            same(b.heard_by_all(), {row.stays + bye});
        BOOST_TEST(b.size() == (std::string{row.goes} == "b" ? 0u : 1u));
        // The next peer in its place has nothing to do with it.
        b.connect(row.goes);
        BOOST_TEST(b.tell(row.stays, row.goes, "session-end") == "no_session");
        BOOST_TEST(b.tell(row.goes, row.stays, "session-start") == R"(ok {"polite":false})");
    }
}

BOOST_AUTO_TEST_CASE(sessions_of_a_peer_are_bounded_on_either_side) {
    bench b{{.per_peer = 2}};
    b.connect("d");
    BOOST_TEST(b.tell("a", "b", "session-start") == R"(ok {"polite":false})");
    BOOST_TEST(b.tell("c", "a", "session-start") == R"(ok {"polite":false})");
    BOOST_TEST(b.tell("a", "d", "session-start") == "full");
    BOOST_TEST(b.tell("d", "a", "session-start") == "full");
    BOOST_TEST(b.tell("a", "b", "session-start") == "session_exists");
    BOOST_TEST(b.size() == 2u);
    BOOST_TEST(b.tell("a", "c", "session-accept") == "ok"); // it counts as before
    BOOST_TEST(b.tell("a", "d", "session-start") == "full");
    BOOST_TEST(b.tell("b", "a", "session-reject") == "ok");
    BOOST_TEST(b.tell("a", "d", "session-start") == R"(ok {"polite":false})");
    b.close("d");
    BOOST_TEST(b.tell("a", "b", "session-start") == R"(ok {"polite":false})");
    b.advance(30s); // one of them is accepted
    BOOST_TEST(b.size() == 1u);
    BOOST_TEST(b.tell("a", "b", "session-start") == R"(ok {"polite":false})");
}

BOOST_AUTO_TEST_CASE(where_it_is_strict_nothing_is_negotiated_without_a_session) {
    const auto refused = [](state s, const std::string& command) {
        bench b{{.strict = true}};
        enter(b, s);
        const auto first = b.tell("a", "b", command), second = b.tell("b", "a", command);
        BOOST_TEST((command == "bye" || first == second));
        BOOST_TEST((first == "ok" || first == "no_session"));
        return first == "no_session";
    };
    for (const auto* command : {"offer", "answer", "ice"}) {
        BOOST_TEST(refused(state::none, command));
        BOOST_TEST(refused(state::started, command));
        BOOST_TEST(!refused(state::accepted, command));
    }
    BOOST_TEST(refused(state::none, "bye"));
    BOOST_TEST(!refused(state::started, "bye"));
    BOOST_TEST(!refused(state::accepted, "bye"));
    for (const auto s : {state::none, state::started, state::accepted})
        BOOST_TEST(!refused(s, "renegotiate"));
    bench b{{.strict = true}};
    BOOST_TEST(b.tell("a", "nobody", "offer") == "unknown");
    BOOST_TEST(b.tell("a", "a", "offer") == "self");
}

BOOST_AUTO_TEST_CASE(where_there_is_a_gate_candidates_come_behind_a_description_of_their_side) {
    bench b{{.gate = true}};
    BOOST_TEST(b.tell("a", "b", "ice") == "ok"); // no session: no gate
    enter(b, state::started);
    BOOST_TEST(b.tell("a", "b", "ice") == "ok");
    BOOST_TEST(b.tell("b", "a", "session-accept") == "ok");
    BOOST_TEST(b.tell("a", "b", "ice") == "missing_offer");
    BOOST_TEST(b.tell("b", "a", "ice") == "missing_offer");
    BOOST_TEST(b.ask("a", R"({"cmd":"offer","target":"b"})") == "missing_offer"); // it described nothing
    BOOST_TEST(b.tell("a", "b", "ice") == "missing_offer");
    BOOST_TEST(b.tell("a", "b", "offer") == "ok");
    BOOST_TEST(b.tell("a", "b", "ice") == "ok");
    BOOST_TEST(b.tell("b", "a", "ice") == "missing_offer");
    BOOST_TEST(b.tell("b", "a", "answer") == "ok");
    BOOST_TEST(b.tell("b", "a", "ice") == "ok");
    // the next session begins anew
    b.tell("a", "b", "session-end");
    b.tell("b", "a", "session-start");
    b.tell("a", "b", "session-accept");
    BOOST_TEST(b.tell("a", "b", "ice") == "missing_offer");
    BOOST_TEST(b.tell("b", "a", "ice") == "missing_offer");
}

BOOST_AUTO_TEST_CASE(peers_without_the_extras_have_sessions_in_the_words_of_2021) {
    bench b{{.timeout = 30s}};
    b.connect("x", {.id = "x", .extras = false});
    b.connect("y", {.id = "y", .extras = false});
    b.say("x", R"({"cmd":"session-start","target":"y","id":1,"data":{"not":"relayed"}})");
    b.say("y", R"({"cmd":"session-start","target":"x","id":2})");
    b.say("y", R"({"cmd":"session-accept","target":"x","id":3})");
    b.say("x", R"({"cmd":"session-cancel","target":"y","id":4})");
    same(b.heard_by_all(), {R"(x {"id":1,"ok":true})", R"(y {"cmd":"session-start","origin":"x"})",
                            R"(y {"id":2,"ok":false,"data":{"message":"Session Exists"}})",
                            R"(y {"id":3,"ok":true})", R"(x {"cmd":"session-accept","origin":"y"})",
                            R"(x {"id":4,"ok":false,"data":{"message":"No Such Session"}})"});
    // they can't say `session-end`, but can go
    b.close("y");
    same(b.heard_by_all(), {R"(x {"cmd":"bye","origin":"y","data":{"cause":"closed"}})"});
    b.say("x", R"({"cmd":"session-start","target":"a","id":5})");
    b.advance(30s);
    same(b.heard_by_all(),
         {R"(x {"id":5,"ok":true})", R"(a {"cmd":"session-start","origin":"x","polite":true})",
          R"(x {"cmd":"session-timeout","origin":"a"})", R"(a {"cmd":"session-timeout","origin":"x"})"});
    BOOST_TEST(b.tell("a", "x", "session-start") == R"(ok {"polite":false})");
    same(b.heard("x"), {R"({"cmd":"session-start","origin":"a"})"});
}

BOOST_AUTO_TEST_CASE(a_function_is_called_in_vain) {
    hub_bench b{features{sessions{}, requests{}}};
    b.connect("a");
    BOOST_TEST(b.h.attach("f", [](call&) {}).has_value());
    BOOST_TEST(b.ask("a", R"({"cmd":"session-start","target":"f"})") == R"(ok {"polite":false})");
    b.h.close("f", errc::closed);
    same(b.heard("a"), {R"({"cmd":"bye","origin":"f","data":{"cause":"closed"}})"});
}

BOOST_AUTO_TEST_CASE(a_function_that_is_told_of_an_end_may_end_others) {
    hub_bench b{features{sessions{{.timeout = 5s}}, requests{}}};
    for (const auto* name : {"a", "b", "c"}) b.connect(name);
    script told;
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              if (c.command == "session-start") return;
                              told.push_back(std::string{c.command} + " " + std::string{c.from} + " " +
                                             std::string{cause_name(c.cause)});
                              b.h.close("c", errc::denied);
                              b.h.close("f", errc::closed);
                          })
                   .has_value());
    for (const std::string to : {"f", "c", "b"})
        BOOST_TEST(b.ask("a", R"({"cmd":"session-start","target":")" + to + "\"}") ==
                   R"(ok {"polite":false})");
    BOOST_TEST(b.ask("c", R"({"cmd":"session-start","target":"f"})") == R"(ok {"polite":false})");
    b.heard_by_all();
    b.lose("a");
    same(told, {"bye a lost", "bye c denied"});
    BOOST_TEST(b.ended("c") == errc::denied);
    BOOST_TEST(!b.h.find("f"));
    BOOST_TEST(b.get<sessions>().size() == 0u);
    same(b.heard("b"), {R"({"cmd":"bye","origin":"a","data":{"cause":"lost"}})"});
    // the same where time ends them
    BOOST_TEST(b.h.attach("f",
                          [&](call& c) {
                              if (c.command == "session-timeout") b.h.close("b", errc::denied);
                          })
                   .has_value());
    b.connect("c");
    for (const std::string from : {"c", "b"}) b.ask(from, R"({"cmd":"session-start","target":"f"})");
    b.ask("c", R"({"cmd":"session-start","target":"b"})");
    b.advance(5s);
    BOOST_TEST(b.get<sessions>().size() == 0u);
    BOOST_TEST(b.ended("b") == errc::denied);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_all) {
    bench b;
    enter(b, state::accepted);
    b.tell("c", "a", "session-start");
    b.heard_by_all();
    b.h.stop();
    BOOST_TEST(b.size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
