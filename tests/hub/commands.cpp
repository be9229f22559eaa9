// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/commands.hpp>

#include "support/hub_wires.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

namespace {

using namespace hub_wires;

// Judges behind the functions, and notes the messages that come that far.
struct witness {
    std::string name;
    script* notes;

    errc on_message(message_context& c, event::incoming& e) {
        notes->push_back(name + " message " + std::string{e.command} + " of " + std::string{c.id()});
        return errc::ok;
    }
    bool on_deliver(peer_handle, const event::send& e) {
        notes->push_back(name + " deliver " + std::string{e.command} + " to " + std::string{e.to});
        return true;
    }
};

static_assert(Hook<commands>);

BOOST_AUTO_TEST_SUITE(commands_)

BOOST_AUTO_TEST_CASE(commands_are_answered_by_name) {
    script called;
    const auto note = [&](const char* name) {
        return [&called, name](message_context&, const command_view& c) {
            called.push_back(name + (" " + std::string(c.name)));
            return errc::ok;
        };
    };
    script seen;
    hooked b{
        hooks{commands{
                  {"add",
                   [](message_context& c, const command_view&) { return c.reply(R"({"sum":3})"), errc::ok; }},
                  {"thanks", [](message_context& c, const command_view&) { return c.reply(), errc::ok; }},
                  {"steal", [](message_context& c, const command_view&) { return c.fail("Not \"yours\""); }},
                  {"hurry", [](message_context&, const command_view&) { return errc::rate; }},
                  {"offer", note("named")},
                  {"answer", [](message_context& c, const command_view&) { return c.reply(), errc::ok; }},
                  {"*", note("any")},
              },
              witness{"h", &seen}}};
    auto& a = b.connect("a");
    b.connect("c");
    b.take();
    seen.clear();
    const struct {
        const char* command;
        bool known;
        script notes, called, seen;
    } rows[] = {
        {"add", false, {R"(a reply r1: OK{"sum":3})"}, {}, {}},
        {"thanks", false, {"a reply r1: OK"}, {}, {}},
        {"steal", false, {"a reply r1: Not \"yours\""}, {}, {}},
        {"hurry", false, {"a reply r1: Too Many Requests"}, {}, {}},
        {"dance", false, {"a reply r1: OK"}, {"any dance"}, {}},
        {"*", false, {"a reply r1: OK"}, {"any *"}, {}},
        {"", false, {"a reply r1: OK"}, {"any "}, {}},
        {"offer",
         true,
         {"a reply r1: OK", "c offer from <a> {}"},
         {"named offer"},
         {"h message offer of a", "h deliver offer to c"}},
        {"answer", true, {"a reply r1: OK"}, {}, {}},
        {"ice",
         true,
         {"a reply r1: OK", "c ice from <a> {}"},
         {},
         {"h message ice of a", "h deliver ice to c"}},
    };
    for (const auto& row : rows) BOOST_TEST_CONTEXT(row.command) {
            if (row.known)
                b.say(a, "c", row.command);
            else
                b.say<event::custom>(a, "c", row.command);
            same(b.take(), row.notes);
            same(std::exchange(called, {}), row.called);
            same(std::exchange(seen, {}), row.seen);
        }
    b.say<event::custom>(a, "c", "steal", "");
    same(b.take(), {});
}

BOOST_AUTO_TEST_CASE(without_a_catch_all_unknown_commands_stay_unknown) {
    hooked b{hooks{commands{{"add", [](message_context&, const command_view&) { return errc::ok; }}}}};
    auto& a = b.connect("a");
    b.take();
    b.say<event::custom>(a, "", "add");
    b.say<event::custom>(a, "", "dance");
    same(b.take(), {"a reply r1: OK", "a reply r1: Unknown Command"});
}

BOOST_AUTO_TEST_CASE(a_function_sees_the_command_as_the_wire_has_it) {
    std::optional<std::string> seen;
    const auto look = [&](message_context& context, const command_view& c) {
        BOOST_TEST(c.from == context.id());
        seen = std::string{c.name} + "|" + std::string{c.from} + "|" + std::string{c.to} + "|" +
               std::string{c.topic} + "|" + std::string{c.data.bytes} + "|" + (c.known ? "known" : "own");
        return errc::ok;
    };
    hooked b{hooks{commands{{"offer", look}, {"join", look}, {"*", look}}}};
    auto& a = b.connect("a");
    b.say(a, "c");
    BOOST_TEST(seen.value() == "offer|a|c||{}|known");
    event::join join;
    join.command = "join";
    join.topic = "t";
    b.h.received(a.who, join);
    BOOST_TEST(seen.value() == "join|a||t||known");
    event::custom own;
    own.command = "dance";
    own.topic = "t";
    own.data = {"\x80", wire_id::msgpack};
    b.h.received(a.who, own);
    BOOST_TEST(seen.value() == "dance|a||t|\x80|own");
}

BOOST_AUTO_TEST_CASE(a_function_may_answer_later) {
    std::vector<deferral> tickets;
    hooked b{hooks{commands{{"find", [&](message_context& c, const command_view&) {
                                 tickets.push_back(c.defer());
                                 return errc::deferred;
                             }}}}};
    auto& a = b.connect("a");
    b.take();
    b.say<event::custom>(a, "", "find");
    b.say<event::custom>(a, "", "find", "r2");
    same(b.take(), {});
    BOOST_TEST_REQUIRE(tickets.size() == 1u); // the second one waits behind the first
    tickets[0].reply("[7]");
    b.h.resumed();
    same(b.take(), {"a reply r1: OK[7]"});
    BOOST_TEST_REQUIRE(tickets.size() == 2u);
    tickets[1].refuse(errc::denied, "Not today");
    b.h.resumed();
    same(b.take(), {"a reply r2: Not today"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
