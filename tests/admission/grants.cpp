// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/grants.hpp>

#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hub_world;

grants read(std::string_view json) {
    const auto got = parse_grants(json);
    BOOST_TEST_REQUIRE(got.has_value(), json);
    return *got;
}

// Gives each peer the grants that stand in the query of its request.
struct by_query {
    errc on_admit(const request& r, admission& a) {
        if (const auto json = r.query("grants"); !json.empty()) {
            auto rights = read(json);
            rights.id = a.id;
            a.attached.put(std::move(rights));
        }
        return errc::ok;
    }
};

bool permits(std::string_view json, const act& a) {
    return granted::permits(read(json), a);
}

act sending(std::string_view to, std::string_view command = "offer") {
    act a;
    a.from_id = "me";
    a.to_id = to;
    a.command = command;
    return a;
}

act on_topic(action what, std::string_view topic, std::string_view command = "join") {
    act a;
    a.what = what;
    a.from_id = "me";
    a.topic = topic;
    a.command = command;
    return a;
}

BOOST_AUTO_TEST_SUITE(grants_)

BOOST_AUTO_TEST_CASE(each_member_is_read) {
    const auto g =
        read(R"({"id":"robot-7","commands":["offer","ice"],"targets":["desk","robot-*"],"canSend":false,
        "topics":[{"topic":"floor-*","canJoin":false,"canPublish":true,"canLookup":false,"canWatch":true,"canSet":false},
                  {"topic":"hall"}],
        "metadata":{"name":"Seven"},"rate":{"messages":20,"burst":40}})");
    BOOST_TEST(g.id == "robot-7");
    BOOST_TEST((g.commands == std::vector<std::string>{"offer", "ice"}));
    BOOST_TEST((g.targets == std::vector<std::string>{"desk", "robot-*"}));
    BOOST_TEST(!g.send);
    BOOST_TEST_REQUIRE((g.topics && g.topics->size() == 2));
    const auto& floor = g.topics->front();
    BOOST_TEST(floor.topic == "floor-*");
    BOOST_TEST((!floor.join && floor.publish && !floor.lookup && floor.watch && !floor.set));
    const auto& hall = g.topics->back();
    BOOST_TEST((hall.join && hall.publish && hall.lookup && hall.watch && hall.set));
    BOOST_TEST(g.metadata == R"({"name":"Seven"})");
    BOOST_TEST((g.message_rate == 20 && g.message_burst == 40));
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_not_limited_but_an_empty_list_permits_nothing) {
    const auto none = read("{}");
    BOOST_TEST((!none.commands && !none.targets && !none.topics && none.send && none.message_rate == 0));
    BOOST_TEST(permits("{}", sending("anybody")));
    BOOST_TEST(permits("{}", on_topic(action::set, "anything")));
    BOOST_TEST(!permits(R"({"targets":[]})", sending("anybody")));
    BOOST_TEST(!permits(R"({"commands":[]})", sending("anybody")));
    BOOST_TEST(!permits(R"({"topics":[]})", on_topic(action::join, "anything")));
}

BOOST_AUTO_TEST_CASE(a_claim_with_a_mistake_grants_nothing) {
    const std::string long_name(257, 'x');
    std::string many = R"({"commands":[)";
    for (int i = 0; i < 257; ++i) many += i ? R"(,"c")" : R"("c")";
    for (const auto& bad : std::vector<std::string>{"",
                                                    "[]",
                                                    "1",
                                                    "null",
                                                    R"({"target":["a"]})",
                                                    R"({"targets":"a"})",
                                                    R"({"targets":[1]})",
                                                    R"({"targets":["a"],"targets":["b"]})",
                                                    R"({"targets":[""]})",
                                                    R"({"targets":["a*b"]})",
                                                    R"({"targets":["**"]})",
                                                    R"({"targets":[")" + long_name + "\"]}",
                                                    R"({"targets":null})",
                                                    R"({"commands":{}})",
                                                    R"({"commands":[["offer"]]})",
                                                    many + "]}",
                                                    R"({"canSend":1})",
                                                    R"({"canSend":"true"})",
                                                    R"({"id":7})",
                                                    R"({"topics":{}})",
                                                    R"({"topics":["a"]})",
                                                    R"({"topics":[{}]})",
                                                    R"({"topics":[{"topic":""}]})",
                                                    R"({"topics":[{"topic":"a","join":true}]})",
                                                    R"({"topics":[{"topic":"a","canJoin":"yes"}]})",
                                                    R"({"metadata":[]})",
                                                    R"({"metadata":"x"})",
                                                    R"({"rate":20})",
                                                    R"({"rate":{"messages":0}})",
                                                    R"({"rate":{"messages":-1}})",
                                                    R"({"rate":{"burst":1000001}})",
                                                    R"({"rate":{"bytes":1}})"})
        BOOST_TEST(!parse_grants(bad), bad);
    BOOST_TEST((parse_grants("[]").error() == make_error_code(errc::malformed)));
}

BOOST_AUTO_TEST_CASE(patterns_are_names_or_beginnings) {
    const auto json = R"({"targets":["desk","robot-*"]})";
    for (const auto* to : {"desk", "robot-", "robot-7", "robot-*"})
        BOOST_TEST(permits(json, sending(to)), to);
    for (const auto* to : {"desk2", "des", "robot", "Robot-7", "x", "*"})
        BOOST_TEST(!permits(json, sending(to)), to);
    BOOST_TEST(permits(R"({"targets":["*"]})", sending("anybody")));
    BOOST_TEST(permits(json, sending("me"))); // itself
}

BOOST_AUTO_TEST_CASE(the_table_of_denials) {
    const std::string topics =
        R"({"topics":[{"topic":"t","canJoin":false,"canPublish":false,"canLookup":false,)"
        R"("canWatch":false,"canSet":false)";
    const struct {
        action what;
        std::string_view right;
    } rows[] = {{action::join, "canJoin"},     {action::publish, "canPublish"},
                {action::send, "canPublish"},  {action::request, "canPublish"},
                {action::lookup, "canLookup"}, {action::watch, "canWatch"},
                {action::set, "canSet"}};
    for (const auto& row : rows) BOOST_TEST_CONTEXT(row.right) {
            BOOST_TEST(!permits(topics + "}]}", on_topic(row.what, "t")));
            // the right, and only this one, in a second entry: one of them is enough
            std::string other = topics + R"(},{"topic":"t")";
            for (const auto* name : {"canJoin", "canPublish", "canLookup", "canWatch", "canSet"})
                other += ",\"" + std::string{name} + "\":" + (row.right == name ? "true" : "false");
            BOOST_TEST(permits(other + "}]}", on_topic(row.what, "t")));
            BOOST_TEST(!permits(other + "}]}", on_topic(row.what, "u")));
        }
    BOOST_TEST(!permits(R"({"canSend":false})", sending("you")));
    BOOST_TEST(!permits(R"({"canSend":false})", on_topic(action::request, "t")));
    BOOST_TEST(permits(R"({"canSend":false})", on_topic(action::publish, "t")));
    BOOST_TEST(!permits(R"({"commands":["ice"]})", sending("you")));
    BOOST_TEST(permits(R"({"commands":["ice","offer"]})", sending("you")));
    BOOST_TEST(!permits(R"({"commands":["offer"]})", on_topic(action::join, "t")));
    auto watch = sending("you", "watch");
    watch.what = action::watch;
    BOOST_TEST(permits(R"({"targets":["you"],"topics":[]})", watch));
    BOOST_TEST(!permits(R"({"targets":["we"]})", watch));
    auto info = sending("you", "info");
    info.what = action::info;
    BOOST_TEST(!permits(R"({"targets":[]})", info));
    info.to_id = {};
    BOOST_TEST(permits(R"({"targets":[]})", info)); // its own record
}

BOOST_AUTO_TEST_CASE(a_peer_with_an_id_of_its_token_takes_no_other) {
    auto take = on_topic(action::join, "t");
    take.to_id = "other";
    BOOST_TEST(permits("{}", take));
    BOOST_TEST(permits(R"({"targets":[]})", take)); // that is no target
    BOOST_TEST(!permits(R"({"id":"me"})", take));
    take.to_id = "me";
    BOOST_TEST(permits(R"({"id":"me"})", take));
}

BOOST_AUTO_TEST_CASE(the_hub_refuses_what_is_not_granted) {
    hub_bench<features<topics, presence, requests, records<>>, hooks<by_query>, direct_router, counting_json,
              granted>
        b{features{topics{}, presence{}, requests{}, records<>{}}, hooks{by_query{}}};
    b.connect("ann",
              {.id = "ann",
               .target = R"(/?grants={"targets":["bob"],"topics":[{"topic":"in","canPublish":false}]})"});
    b.connect("bob", {.id = "bob", .target = "/?grants={}"});
    b.connect("eve");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"eve"})") == "denied");
    // that does not tell whether there is such a peer
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"nobody"})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"request","target":"eve","data":{}})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"watch","target":"eve"})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"exists","target":"eve"})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"in"})").starts_with("ok"));
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"in","data":1})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"out"})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"leave","topic":"in"})") == "ok");
    BOOST_TEST(b.ask("bob", R"({"cmd":"join","topic":"out"})").starts_with("ok"));
    // without grants: nothing
    BOOST_TEST(b.ask("eve", R"({"cmd":"bye","target":"bob"})") == "denied");
    BOOST_TEST(b.ask("eve", R"({"cmd":"join","topic":"in"})") == "denied");
}

// Gives each peer grants; those of `ann` have her id.
struct by_id {
    errc on_admit(const request&, admission& a) {
        grants rights;
        if (a.id == "ann") rights.id = a.id;
        a.attached.put(std::move(rights));
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(the_hub_renames_no_peer_with_an_id_of_its_token) {
    hub_bench<features<topics, identity>, hooks<by_id>, direct_router, counting_json, granted> b{
        features{topics{}, identity{}}, hooks{by_id{}}};
    const auto join_as = [&](const std::string& name, std::string_view as) {
        event::join e;
        e.token = {"1"};
        e.command = "join";
        e.topic = "t";
        e.as = as;
        b.h.received(b.at(name).its_state.who, e);
        return b.reply(name, 1);
    };
    b.connect("ann");
    b.connect("bob");
    BOOST_TEST(join_as("ann", "eve") == "denied");
    BOOST_TEST(b.context().id(b.peer("ann")) == "ann");
    BOOST_TEST(join_as("ann", "ann").starts_with("ok"));
    BOOST_TEST(join_as("bob", "eve").starts_with("ok"));
    BOOST_TEST(b.context().id(b.peer("bob")) == "eve");
}

struct no_notes {
    const notes* notes_of(peer_handle) const { return nullptr; }
};

BOOST_AUTO_TEST_CASE(a_peer_without_grants_has_those_of_the_policy) {
    BOOST_TEST((granted{}.permit(sending("a"), no_notes{}) == errc::denied));
    BOOST_TEST((granted{grants{}}.permit(sending("a"), no_notes{}) == errc::ok));
    BOOST_TEST((granted{read(R"({"targets":["b"]})")}.permit(sending("a"), no_notes{}) == errc::denied));
    BOOST_TEST(!granted{grants{}}.is_idle());
    BOOST_TEST(granted::everything().is_idle());
    BOOST_TEST((granted::everything().permit(sending("a"), no_notes{}) == errc::ok));
}

// A policy that nobody may ask while it is idle.
struct sleeper {
    bool awake = false;
    int* asked = nullptr;

    bool is_idle() const { return !awake; }
    errc permit(const act&, const auto&) {
        ++*asked;
        return errc::denied;
    }
};
static_assert(Policy<sleeper>);

BOOST_AUTO_TEST_CASE(an_idle_policy_is_not_asked) {
    int asked = 0;
    for (const bool awake : {false, true}) {
        hub_bench<features<>, no_hooks, direct_router, counting_json, sleeper> b{
            features<>{}, no_hooks{}, direct_router{}, hub_options{}, sleeper{awake, &asked}};
        b.connect("ann");
        b.connect("bob");
        b.say("ann", R"({"cmd":"bye","id":1,"target":"bob"})");
        BOOST_TEST(asked == (awake ? 1 : 0));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
