// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/records.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/auth.hpp>
#include <sigfire/mailbox.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace hub_world;

records_options at_noon(records_options o = {}) {
    o.clock = [] { return std::int64_t{1000}; };
    return o;
}

// Lets `permanent-...` ids stay.
struct keeper {
    errc on_admit(const request&, admission& a) {
        a.permanent = a.id.starts_with("permanent");
        if (a.id == "permanent-mia") a.metadata = R"({"name":"Mia"})";
        return errc::ok;
    }
};

template <class S = memory_records>
auto world(S store = S{}, records_options o = at_noon()) {
    return std::make_unique<hub_bench<features<records<S>>, hooks<keeper>>>(
        features{records<S>{std::move(store), o}}, hooks{keeper{}});
}

// A store that answers when it is told to.
struct slow_records {
    std::shared_ptr<std::vector<std::function<void()>>> waiting =
        std::make_shared<std::vector<std::function<void()>>>();
    std::shared_ptr<memory_records> inner = std::make_shared<memory_records>();

    template <class F>
    void find(std::string id, F f) {
        waiting->push_back([=, s = inner] { s->find(id, f); });
    }
    template <class F>
    void put(std::string id, record r, F f) {
        waiting->push_back([=, s = inner] { s->put(id, r, f); });
    }
    template <class F>
    void erase(std::string id, F f) {
        waiting->push_back([=, s = inner] { s->erase(id, f); });
    }
    void answer() {
        for (auto& f : std::exchange(*waiting, {})) f();
    }
};
static_assert(RecordStore<slow_records>);

const std::string offer = R"({"cmd":"offer","target":"permanent-mia","data":{"offer":1}})";

BOOST_AUTO_TEST_SUITE(records_tests)

BOOST_AUTO_TEST_CASE(a_permanent_id_is_offline_and_a_temporary_one_unknown) {
    auto b = world();
    b->connect("bob");
    BOOST_TEST(b->ask("bob", offer) == "unknown");
    b->connect("permanent-mia");
    b->connect("temp");
    BOOST_TEST(b->ask("bob", offer) == "ok");
    b->close("permanent-mia");
    b->close("temp");
    BOOST_TEST(b->ask("bob", offer) == "offline");
    BOOST_TEST(b->ask("bob", R"({"cmd":"offer","target":"temp","data":{"offer":1}})") == "unknown");
    b->connect("permanent-mia");
    BOOST_TEST(b->ask("bob", offer) == "ok");
    BOOST_TEST(b->template get<records<>>().store().size() == 1u);
}

BOOST_AUTO_TEST_CASE(who_asks_learns_what_is_remembered) {
    auto b = world();
    b->connect("bob");
    const auto ask = [&](std::string_view cmd, std::string_view id) {
        return b->ask("bob",
                      R"({"cmd":")" + std::string{cmd} + R"(","target":")" + std::string{id} + R"("})");
    };
    BOOST_TEST(ask("exists", "permanent-mia") == R"(ok {"exists":false})");
    BOOST_TEST(ask("info", "permanent-mia") == "unknown");
    BOOST_TEST(ask("info", "bob") == R"(ok {"online":true,"permanent":false,"last_seen":1000})");
    BOOST_TEST(b->ask("bob", R"({"cmd":"info"})") ==
               R"(ok {"online":true,"permanent":false,"last_seen":1000})");
    b->connect("permanent-mia");
    BOOST_TEST(ask("exists", "permanent-mia") == R"(ok {"exists":true})");
    b->close("permanent-mia");
    BOOST_TEST(ask("info", "permanent-mia") ==
               R"(ok {"online":false,"permanent":true,"last_seen":1000,"metadata":{"name":"Mia"}})");
    BOOST_TEST(ask("exists", "permanent-mia") == R"(ok {"exists":true})");
}

BOOST_AUTO_TEST_CASE(peers_change_their_own_record) {
    auto b = world();
    b->connect("bob");
    BOOST_TEST(b->ask("bob", R"({"cmd":"update","data":{"metadata":{"a":1}}})") == "ok");
    BOOST_TEST(b->ask("bob", R"({"cmd":"info"})") ==
               R"(ok {"online":true,"permanent":false,"last_seen":1000,"metadata":{"a":1}})");
    for (const auto* const bad : {R"({"cmd":"update"})", R"({"cmd":"update","data":{}})",
                                  R"({"cmd":"update","data":[1]})", R"({"cmd":"update","data":"x"})"})
        BOOST_TEST(b->ask("bob", bad) == "malformed");
    BOOST_TEST(b->ask("bob", R"({"cmd":"update","data":{"metadata":")" + std::string(5000, 'x') + R"("}})") ==
               "too_large");
    BOOST_TEST(b->ask("bob", R"({"cmd":"create"})") == "denied");
    BOOST_TEST(b->ask("bob", R"({"cmd":"info"})") ==
               R"(ok {"online":true,"permanent":false,"last_seen":1000,"metadata":{"a":1}})");
    b->close("bob");
    BOOST_TEST(b->template get<records<>>().store().size() == 0u);
}

BOOST_AUTO_TEST_CASE(peers_may_be_let_make_their_ids_permanent) {
    records_options o;
    o.peers_create = true;
    auto b = world(memory_records{}, at_noon(o));
    b->connect("bob");
    b->connect("eve");
    const std::string to_bob = R"({"cmd":"offer","target":"bob","data":{"offer":1}})";
    BOOST_TEST(b->ask("bob", R"({"cmd":"create","data":{"metadata":[1]}})") == "ok");
    b->close("bob");
    BOOST_TEST(b->ask("eve", to_bob) == "offline");
    b->connect("bob");
    BOOST_TEST(b->ask("bob", R"({"cmd":"info"})") ==
               R"(ok {"online":true,"permanent":true,"last_seen":1000,"metadata":[1]})");
    BOOST_TEST(b->ask("bob", R"({"cmd":"delete"})") == "ok");
    b->close("bob");
    BOOST_TEST(b->ask("eve", to_bob) == "unknown");
}

BOOST_AUTO_TEST_CASE(a_store_may_take_its_time) {
    slow_records store;
    auto b = world(store);
    b->connect("bob");
    store.answer();
    BOOST_TEST(b->ask("bob", offer).empty());
    const auto asked = b->asked();
    same(b->heard("bob"), {});
    store.answer();
    BOOST_TEST(b->reply("bob", asked) == "unknown");
    BOOST_TEST(b->ask("bob", R"({"cmd":"exists","target":"x"})").empty());
    const auto second = b->asked();
    store.answer();
    BOOST_TEST(b->reply("bob", second) == R"(ok {"exists":false})");
    BOOST_TEST(b->ask("bob", R"({"cmd":"update","data":{"metadata":1}})").empty());
    const auto third = b->asked();
    store.answer();
    BOOST_TEST(b->reply("bob", third) == "ok");
    // what comes when the peer, or the hub, is gone is nothing
    b->say("bob", R"({"cmd":"exists","target":"x","id":1})");
    b->close("bob");
    b->connect("eve");
    store.answer();
    same(b->heard("eve"), {});
    b->say("eve", R"({"cmd":"info","target":"x","id":1})");
    b.reset();
    store.answer();
}

BOOST_AUTO_TEST_CASE(a_store_that_is_silent_lets_requests_expire) {
    slow_records store;
    records_options o;
    o.lookups = 2;
    auto b = world(store, at_noon(o));
    b->connect("bob");
    BOOST_TEST(b->ask("bob", R"({"cmd":"info","target":"x"})").empty());
    const auto first = b->asked();
    BOOST_TEST(b->ask("bob", offer).empty());
    BOOST_TEST(b->ask("bob", R"({"cmd":"info","target":"x"})") == "full");
    BOOST_TEST(b->ask("bob", offer) == "full");
    b->advance(4999ms);
    same(b->heard("bob"), {});
    b->advance(1ms);
    BOOST_TEST(b->reply("bob", first) == "expired");
    BOOST_TEST(b->reply("bob", first + 1) == "expired");
    store.answer(); // too late
    same(b->heard("bob"), {});
}

BOOST_AUTO_TEST_CASE(memory_is_bounded) {
    memory_records store{1};
    errc said = errc::ok;
    const auto note = [&](errc e) { said = e; };
    store.put("a", {}, note);
    BOOST_TEST(said == errc::ok);
    store.put("b", {}, note);
    BOOST_TEST(said == errc::full);
    store.put("a", {.metadata = "1"}, note);
    BOOST_TEST(said == errc::ok);
    store.find("a", [](const result<record>& r) { BOOST_TEST(r->metadata == "1"); });
    store.find("b", [](const result<record>& r) { BOOST_TEST((r.error() == errc::unknown)); });
    store.erase("b", note);
    BOOST_TEST(said == errc::unknown);
    store.erase("a", note);
    BOOST_TEST(said == errc::ok);
    BOOST_TEST(store.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_mailbox_comes_after) {
    hub_bench<features<records<>>, hooks<keeper>, mailbox<>> b{
        features{records<>{memory_records{}, at_noon()}}, hooks{keeper{}}, mailbox{direct_router{}, 5s}};
    b.connect("bob");
    b.connect("permanent-mia");
    b.close("permanent-mia");
    BOOST_TEST(b.ask("bob", offer) == R"(ok {"held":true})");
    b.connect("permanent-mia");
    same(b.heard("permanent-mia"), {R"({"cmd":"offer","origin":"bob","data":{"offer":1}})"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
