// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/identity.hpp>

#include "support/hub_bench.hpp"
#include "support/peerjs_world.hpp"

#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using dialect::peerjs;
using hub_world::entrance;
using hub_world::hub_bench;
using peerjs_world::strings;

namespace names_world {

using namespace hub_world;

struct world {
    hub_bench<features<topics, requests, identity>> b;

    explicit world(identity_options options = {}) : b{features{topics{}, requests{}, identity{options}}} {
        for (const auto* name : {"ann", "bob", "eve"}) b.connect(name);
    }
    // As a wire says it on which peers name themselves.
    template <class E>
    std::string says(const std::string& name, std::string_view topic, std::string_view as) {
        E e;
        e.topic = topic;
        e.as = as;
        e.token.bytes = "1";
        b.h.received(b.at(name).its_state.who, e);
        b.settle();
        return b.reply(name, 1);
    }
    std::string joins(const std::string& name, std::string_view topic, std::string_view as) {
        return says<event::join>(name, topic, as);
    }
    std::string leaves(const std::string& name, std::string_view topic, std::string_view as) {
        return says<event::leave>(name, topic, as);
    }
    std::string gives_up(const std::string& name) {
        event::release_id e;
        e.token.bytes = "2";
        b.h.received(b.at(name).its_state.who, e);
        b.settle();
        return b.reply(name, 2);
    }
    std::string id(const std::string& name) { return std::string{b.context().id(b.peer(name))}; }
    std::string members(const std::string& topic) {
        std::string all;
        b.get<topics>().for_each_member(topic, [&](peer_handle p) {
            all += b.context().id(p);
            all += ' ';
        });
        return all;
    }
};

} // namespace names_world

template <class W>
strings ids(W& w) {
    strings out;
    typename W::hub_type::directory{w.h}.for_each_peer([&](std::string_view id, peer_handle peer) {
        BOOST_TEST((peer == w.h.find(id)));
        out.emplace_back(id);
    });
    return out;
}

const std::string opened = R"({"type":"OPEN"})";
const std::string taken = R"({"type":"ID-TAKEN","payload":{"msg":"ID is taken"}})";

BOOST_AUTO_TEST_SUITE(identity_)

// --- names by which peers join

BOOST_AUTO_TEST_CASE(a_peer_that_joins_by_an_id_has_it) {
    names_world::world w;
    BOOST_TEST(w.joins("ann", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("ann") == "A");
    BOOST_TEST(w.b.get<identity>().names() == 1u);
    BOOST_TEST(w.joins("ann", "u", "A") == R"(ok {"topic":"u","members":1})");
    BOOST_TEST(w.joins("bob", "t", "") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.joins("bob", "t", "bob") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.members("t") == "A bob ");
    BOOST_TEST(w.members("u") == "A ");
    // another id is another's memberships
    BOOST_TEST(w.joins("ann", "t", "A2") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.members("t") == "bob A2 ");
    BOOST_TEST(w.members("u") == "");
    BOOST_TEST(w.joins("ann", "t", std::string(257, 'x')) == "malformed");
    BOOST_TEST(w.id("ann") == "A2");
    w.b.close("ann");
    BOOST_TEST(w.b.get<identity>().names() == 0u);
    BOOST_TEST(w.members("t") == "bob ");
}

BOOST_AUTO_TEST_CASE(the_newest_claimant_takes_over_the_id) {
    names_world::world w;
    w.joins("ann", "t", "A");
    w.joins("ann", "u", "A");
    w.joins("bob", "t", "A");
    BOOST_TEST(w.id("bob") == "A");
    BOOST_TEST(w.id("ann").size() == 21u);
    BOOST_TEST(w.members("t") == "A ");
    BOOST_TEST(w.members("u") == "");
    BOOST_TEST(w.b.get<identity>().names() == 1u);
    // only the peer that has an id can leave by it
    BOOST_TEST(w.leaves("ann", "t", "A") == "unknown");
    BOOST_TEST(w.leaves("ann", "", "A") == "unknown");
    BOOST_TEST(w.members("t") == "A ");
    w.b.close("ann");
    BOOST_TEST(w.members("t") == "A ");
    w.joins("bob", "u", "A");
    BOOST_TEST(w.leaves("bob", "t", "A") == "ok");
    BOOST_TEST(w.members("t") == "");
    BOOST_TEST(w.leaves("bob", "", "A") == "ok");
    BOOST_TEST(w.members("u") == "");
}

// Counts the lines of each level.
struct level_counts {
    std::array<int, 4>* lines;
    void operator()(log_level level, std::string_view, std::span<const log_field>) const {
        ++(*lines)[static_cast<std::size_t>(level)];
    }
};

BOOST_AUTO_TEST_CASE(changes_of_ids_without_end_do_not_fill_the_log) {
    std::array<int, 4> lines{};
    hub_bench<features<topics, identity>, no_hooks, direct_router, hub_world::counting_json, permit_all,
              level_counts>
        b{features{topics{}, identity{}}, {}, {}, {}, {}, level_counts{&lines}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    const auto join = [&](const std::string& name, std::string_view as) {
        event::join e;
        e.topic = "t";
        e.as = as;
        b.h.received(b.at(name).its_state.who, e);
        b.settle();
    };
    lines = {};
    for (int i = 0; i < 100; ++i) {
        join("ann", std::to_string(i)); // each time another one
        join("bob", "it");              // ... and each time the other peer's
        join("ann", "it");
    }
    const auto at = [&](log_level l) { return lines[static_cast<std::size_t>(l)]; };
    BOOST_TEST(at(log_level::debug) > 300);
    BOOST_TEST(at(log_level::info) == 2);
    BOOST_TEST(at(log_level::warn) + at(log_level::error) == 0);
}

BOOST_AUTO_TEST_CASE(an_id_given_by_the_hub_is_not_taken_over) {
    names_world::world w;
    BOOST_TEST(w.joins("ann", "t", "bob") == "id_in_use");
    BOOST_TEST(w.id("ann") == "ann");
    BOOST_TEST(w.members("t") == "");
    BOOST_TEST((w.b.h.attach("function", [](call&) {}).has_value()));
    BOOST_TEST(w.joins("ann", "t", "function") == "id_in_use");
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"join","topic":"t","target":"X"})") ==
               R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("ann") == "ann"); // sigfire's own wire has no word for it
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"leave","topic":"t","target":"X"})") == "ok");
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"leave"})") == "malformed");
}

BOOST_AUTO_TEST_CASE(strictly_the_first_keeps_an_id_and_has_no_other) {
    names_world::world w{{.unique_names = true}};
    BOOST_TEST(w.joins("ann", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.joins("bob", "t", "A") == "id_in_use");
    BOOST_TEST(w.joins("ann", "t", "A2") == "id_in_use");
    BOOST_TEST(w.joins("ann", "u", "A") == R"(ok {"topic":"u","members":1})");
    w.b.close("ann");
    BOOST_TEST(w.joins("bob", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("bob") == "A");
}

BOOST_AUTO_TEST_CASE(a_topic_with_a_target_means_that_member) {
    names_world::world w;
    w.joins("bob", "t", "B");
    const auto send = [&](const std::string& topic) {
        return w.b.ask("ann", R"({"cmd":"bye","target":"B")" + topic + "}");
    };
    const auto request = [&](const std::string& topic) {
        return w.b.ask("ann", R"({"cmd":"request","target":"B")" + topic + "}");
    };
    BOOST_TEST(send("") == "ok");
    BOOST_TEST(send(R"(,"topic":"t")") == "ok");
    BOOST_TEST(send(R"(,"topic":"u")") == "unknown");
    BOOST_TEST(request(R"(,"topic":"u")") == "unknown");
    BOOST_TEST(request(R"(,"topic":"t")") == "");
    BOOST_TEST(request("") == "");
    BOOST_TEST(w.b.get<requests>().size() == 2u);
}

BOOST_AUTO_TEST_CASE(open_questions_survive_a_new_id) {
    names_world::world w;
    w.b.ask("ann", R"({"cmd":"request","target":"bob"})");
    const auto asked = w.b.asked();
    w.joins("ann", "t", "A");
    w.joins("bob", "t", "B");
    w.b.say("bob", R"({"cmd":"respond","request":1,"data":7})");
    BOOST_TEST(w.b.reply("ann", asked) == "ok 7");
}
// --- a part that is not used leaves all others as they are

BOOST_AUTO_TEST_CASE(tokens_count_only_where_they_are_no_resume_tokens) {
    hub_bench<features<topics, resume, identity>> b;
    const std::string token = "secret";
    // Resumable: the token is for the resume, and proves nothing here.
    b.connect("a", entrance{.id = "x", .target = "/?resume", .token = token});
    BOOST_TEST(b.connect("b", entrance{.id = "x", .token = token}).empty());
    BOOST_TEST(b.is_open("a"));
    // A peer that came without one has nothing to prove itself by.
    b.connect("c", entrance{.id = "y"});
    BOOST_TEST(b.connect("d", entrance{.id = "y", .token = token}).empty());
    BOOST_TEST(b.is_open("c"));
}

BOOST_AUTO_TEST_CASE(a_peer_that_gave_up_its_name_has_none_that_could_be_taken) {
    names_world::world w;
    w.joins("ann", "t", "A");
    BOOST_TEST(w.gives_up("ann") == "ok");
    BOOST_TEST(w.b.get<identity>().names() == 0u);
    BOOST_TEST(w.id("ann") == "A");
    BOOST_TEST((!w.b.h.find("A") && w.members("t").empty()));
    BOOST_TEST(w.joins("bob", "t", "A") == R"(ok {"topic":"t","members":1})");
    const auto drawn = w.id("ann");
    BOOST_TEST(drawn.size() == 21u);
    BOOST_TEST(w.joins("eve", "t", drawn) == "id_in_use");
    BOOST_TEST(w.joins("bob", "t", "A") == R"(ok {"topic":"t","members":1})");
    // a request for all ids names it no more, but a peer may call it by its id
    std::string all;
    BOOST_TEST(w.b.get<identity>().for_each_arrival(
        [&](peer_handle p) { all += std::string{w.b.context().id(p)} + " "; }));
    BOOST_TEST(all == "A eve ");
    BOOST_TEST(w.b.ask("bob", R"({"cmd":"bye","target":")" + drawn + "\"}") == "ok");
    BOOST_TEST(w.gives_up("ann") == "ok");
}

BOOST_AUTO_TEST_CASE(a_peer_that_gave_up_its_id_may_take_it_again) {
    names_world::world w;
    w.joins("ann", "t", "A");
    BOOST_TEST(w.gives_up("ann") == "ok");
    BOOST_TEST(w.joins("ann", "t", "A2") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.joins("ann", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST((w.b.h.find("A") == w.b.peer("ann") && !w.b.h.find("A2")));
}

BOOST_AUTO_TEST_CASE(a_peer_that_gives_up_its_id_counts_until_its_connection_ends) {
    peerjs_world::world w{{.concurrent_limit = 1}};
    w.connect("a");
    for (int i = 0; i < 3; ++i) w.say("a", R"({"type":"LEAVE"})");
    peerjs_world::same(ids(w), {});
    w.connect("b");
    BOOST_TEST(!w.connections["b"].usable());
    w.close("a");
    w.connect("c");
    BOOST_TEST(w.connections["c"].usable());
}

// --- the order of arrival, and parties

BOOST_AUTO_TEST_CASE(peers_are_named_in_the_order_in_which_they_came) {
    peerjs_world::world w;
    peerjs_world::same(ids(w), {});
    for (int i = 20; i-- > 0;) w.connect(std::to_string(i));
    strings expected;
    for (int i = 20; i-- > 0;)
        if (i % 3 == 0)
            w.close(std::to_string(i));
        else
            expected.push_back(std::to_string(i));
    peerjs_world::same(ids(w), expected);
    w.connect("x");
    expected.push_back("x");
    peerjs_world::same(ids(w), expected);
    w.h.stop();
    peerjs_world::same(ids(w), {});
}

BOOST_AUTO_TEST_CASE(without_it_they_are_named_in_any_order) {
    peerjs_world::basic_world<features<>> w;
    for (const auto name : {"c", "a", "b"}) w.connect(name);
    auto found = ids(w);
    std::sort(found.begin(), found.end());
    peerjs_world::same(found, {"a", "b", "c"});
}

BOOST_AUTO_TEST_CASE(a_party_is_counted_for_itself) {
    peerjs_world::world w{{.concurrent_limit = 2}};
    // another listener of the same hub
    boost::asio::io_context io;
    listener<peerjs_world::transport, peerjs, peerjs_world::world::hub_type> other{
        peerjs_world::transport{&io}, peerjs{{.concurrent_limit = 1}}, w.h};
    w.connect("a");
    peerjs_world::world::connection b, c;
    other.opening(b, {"GET", "/peerjs?key=peerjs&id=b&token=t", {}, {}});
    w.connect("d");
    other.opening(c, {"GET", "/peerjs?key=peerjs&id=c&token=t", {}, {}});
    w.connect("e");
    BOOST_TEST(w.h.size() == 3u);
    BOOST_TEST((b.usable() && !c.usable() && w.connections["d"].usable() && !w.connections["e"].usable()));
    peerjs_world::same(ids(w), {"a", "b", "d"});
    b.ending_for = errc::closed;
    other.closed(b, errc::closed);
    peerjs_world::world::connection f;
    other.opening(f, {"GET", "/peerjs?key=peerjs&id=f&token=t", {}, {}});
    BOOST_TEST(f.usable());
    peerjs_world::same(ids(w), {"a", "d", "f"});
}

BOOST_AUTO_TEST_CASE(a_holder_with_a_token_is_not_asked_whether_it_is_there) {
    identity i;
    struct {
    } hub;
    admission with_token;
    with_token.token = "secret";
    i.on_open(hub, {1, 1}, with_token);
    i.on_open(hub, {2, 1}, {});
    BOOST_TEST((i.on_claim(hub, {1, 1}, {}) == errc::id_in_use));
    BOOST_TEST((i.on_claim(hub, {2, 1}, {}) == errc::ok));
    i.on_close(hub, {1, 1}, errc::lost);
    BOOST_TEST((i.on_claim(hub, {1, 1}, {}) == errc::ok));
}

BOOST_AUTO_TEST_CASE(parties_that_are_gone_are_forgotten) {
    identity i;
    struct {
    } hub;
    const party one{party::fresh_number(), 1};
    admission wish;
    wish.counted_with = one;
    BOOST_TEST((i.on_enter(hub, wish) == errc::ok));
    i.on_open(hub, {1, 1}, wish);
    BOOST_TEST(i.count(one) == 1u);
    BOOST_TEST((i.on_enter(hub, wish) == errc::overloaded));
    BOOST_TEST((i.on_enter(hub, admission{}) == errc::ok));
    i.on_close(hub, {2, 1}, errc::lost); // nobody it knows
    i.on_close(hub, {1, 2}, errc::lost);
    BOOST_TEST(i.count(one) == 1u);
    i.on_close(hub, {1, 1}, errc::lost);
    BOOST_TEST(i.count(one) == 0u);
    BOOST_TEST((i.on_enter(hub, wish) == errc::ok));
}

BOOST_AUTO_TEST_CASE(arrivals_stay_in_order_when_others_go) {
    identity i;
    struct {
    } hub;
    const auto seen = [&] {
        std::string s;
        BOOST_TEST(i.for_each_arrival(
            [&](peer_handle p) { s += std::to_string(p.slot) + "." + std::to_string(p.generation) + " "; }));
        return s;
    };
    BOOST_TEST(seen() == "");
    for (const std::uint32_t slot : {3u, 0u, 7u, 1u}) i.on_open(hub, {slot, 1}, {});
    BOOST_TEST(seen() == "3.1 0.1 7.1 1.1 ");
    i.on_close(hub, {7, 1}, errc::lost);
    i.on_open(hub, {7, 2}, {});
    BOOST_TEST(seen() == "3.1 0.1 1.1 7.2 ");
    i.on_close(hub, {3, 1}, errc::lost); // the first
    i.on_close(hub, {7, 2}, errc::lost); // and the last
    BOOST_TEST(seen() == "0.1 1.1 ");
    i.on_close(hub, {7, 2}, errc::lost); // once more
    i.on_close(hub, {0, 1}, errc::lost);
    i.on_close(hub, {1, 1}, errc::lost);
    BOOST_TEST(seen() == "");
}

// --- tokens that prove a peer on a new connection

BOOST_AUTO_TEST_CASE(only_the_token_is_proof) {
    peerjs_world::world w;
    w.connect("a", "x", "secret");
    w.forget_all();
    for (const std::string token : {"Secret", "secre", "secret0", "%00"}) {
        w.connect("b", "x", token);
        peerjs_world::same(w.heard("b"), {"open 101 ", taken, "close 1005 "});
    }
    // nor is it one for another id
    w.connect("c", "y", "secret");
    peerjs_world::same(w.heard("c"), {"open 101 ", opened});
    BOOST_TEST(w.heard("a").empty());
    BOOST_TEST(w.connections["a"].usable());
}

BOOST_AUTO_TEST_CASE(without_it_nobody_takes_over) {
    peerjs_world::basic_world<features<>> w;
    w.connect("a", "x", "secret");
    w.forget_all();
    w.connect("b", "x", "secret");
    peerjs_world::same(w.heard("b"), {"open 101 ", taken, "close 1005 "});
    BOOST_TEST(w.heard("a").empty());
}

BOOST_AUTO_TEST_CASE(a_stranger_is_refused_at_once_and_the_holder_may_return) {
    peerjs_world::world w;
    w.connect("a", "x", "secret");
    w.connections["a"].answers_pings = false;
    w.connect("b", "x", "other");
    peerjs_world::same(w.heard("b"), {"open 101 ", taken, "close 1005 "});
    w.forget_all();
    w.connect("c", "x", "secret");
    peerjs_world::same(w.heard("a"), {"close 1005 "});
    peerjs_world::same(w.heard("c"), {"open 101 ", opened});
    w.advance(3s);
    BOOST_TEST(w.connections["c"].usable());
}

BOOST_AUTO_TEST_CASE(a_token_is_forgotten_with_its_peer) {
    peerjs_world::world w;
    w.connect("a", "x", "secret");
    w.close("a");
    w.connect("b", "x", "other");
    w.forget_all();
    w.connect("c", "x", "secret");
    peerjs_world::same(w.heard("c"), {"open 101 ", taken, "close 1005 "});
    w.connect("d", "x", "other");
    peerjs_world::same(w.heard("b"), {"close 1005 "});
}

BOOST_AUTO_TEST_CASE(again_and_again) {
    peerjs_world::world w;
    for (int i = 0; i < 5; ++i) {
        w.connect(std::to_string(i), "x", "t");
        BOOST_TEST(w.h.size() == 1u);
    }
    for (int i = 0; i < 4; ++i)
        peerjs_world::same(w.heard(std::to_string(i)), {"open 101 ", opened, "close 1005 "});
    BOOST_TEST(w.connections["4"].usable());
}

BOOST_AUTO_TEST_CASE(resumption_leaves_such_peers_alone) {
    peerjs_world::basic_world<features<resume, identity>> w;
    w.connect("a", "x", "t");
    w.connect("b", "x", "t");
    peerjs_world::same(w.heard("a"), {"open 101 ", opened, "close 1005 "});
    peerjs_world::same(w.heard("b"), {"open 101 ", opened});
    w.lose("b");
    BOOST_TEST(w.h.size() == 0u);
}

// Peers of other wires have no token, or one that is for resuming.
BOOST_AUTO_TEST_CASE(nothing_is_no_token) {
    hub_world::hub_bench<features<resume, identity>> b;
    using hub_world::entrance;
    BOOST_TEST(!b.connect("a", entrance{.id = "x"}).empty());
    BOOST_TEST(b.connect("b", entrance{.id = "x"}).empty());
    BOOST_TEST(b.is_open("a"));
    BOOST_TEST(!b.connect("c", entrance{}).empty()); // a peer that names no id is nobody's successor
    BOOST_TEST(!b.connect("d", entrance{.id = "y", .target = "/?resume", .token = "t"}).empty());
    BOOST_TEST(b.connect("e", entrance{.id = "y", .target = "/?resume", .token = "t"}).empty());
    BOOST_TEST(b.is_open("d"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
