// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/records.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using namespace hub_world;

// Answers when the test says so, in the order asked.
struct late_store {
    struct state {
        memory_records kept;
        std::deque<std::function<void()>> asked;
        errc broken = errc::ok; // why nothing can be put

        void answer(std::size_t n = 1) {
            for (; n != 0; --n) {
                BOOST_TEST_REQUIRE(!asked.empty());
                const auto f = std::move(asked.front());
                asked.pop_front();
                f();
            }
        }
        void answer_all() {
            while (!asked.empty()) answer();
        }
        std::optional<record> get(const std::string& id) {
            std::optional<record> r;
            kept.find(id, [&](const record* found) {
                if (found) r = *found;
            });
            return r;
        }
    };
    std::shared_ptr<state> s = std::make_shared<state>();

    template <class F>
    void find(const std::string& id, F f) {
        s->asked.push_back([s = s.get(), id, f] { s->kept.find(id, f); });
    }
    template <class F>
    void put(const std::string& id, const record& r, F f) {
        s->asked.push_back([s = s.get(), id, r, f] {
            if (s->broken != errc::ok) return f(s->broken);
            s->kept.put(id, r, f);
        });
    }
    template <class F>
    void erase(const std::string& id, F f) {
        s->asked.push_back([s = s.get(), id, f] { s->kept.erase(id, f); });
    }
};
static_assert(RecordStore<late_store>);

// Says nothing, ever.
struct silent_store {
    std::size_t asked = 0;

    template <class F>
    void find(const std::string&, F) {
        ++asked;
    }
    template <class F>
    void put(const std::string&, const record&, F) {
        ++asked;
    }
    template <class F>
    void erase(const std::string&, F) {
        ++asked;
    }
};
static_assert(RecordStore<silent_store>);

// Throws as long as it is broken.
struct broken_store {
    std::shared_ptr<bool> broken = std::make_shared<bool>(false);
    memory_records kept{};

    void check() const {
        if (*broken) throw std::runtime_error{"no database"};
    }
    void find(const std::string& id, auto f) { check(), kept.find(id, f); }
    void put(const std::string& id, const record& r, auto f) { check(), kept.put(id, r, f); }
    void erase(const std::string& id, auto f) { check(), kept.erase(id, f); }
};
static_assert(RecordStore<broken_store>);

// A hub with records and peers `a` and `b`, in the year 2000.
template <class Store, class... Fs>
struct basic_bench : hub_bench<features<records<Store>, Fs...>> {
    std::shared_ptr<std::int64_t> ms;

    explicit basic_bench(Store store = Store{}, records_options options = {.peers_may_create = true},
                         std::shared_ptr<std::int64_t> time = std::make_shared<std::int64_t>(946'684'800'000))
        : hub_bench<features<records<Store>, Fs...>>{features<records<Store>, Fs...>{
              records<Store>{std::move(store), with_clock(std::move(options), time)}, Fs{}...}},
          ms(time) {
        this->connect("a");
        this->connect("b");
    }

    static records_options with_clock(records_options o, std::shared_ptr<std::int64_t> time) {
        o.clock = [time] { return *time; };
        return o;
    }
    std::string info(const std::string& of, const std::string& by = "a") {
        return this->ask(by, R"({"cmd":"info","target":")" + of + "\"}");
    }
    std::string exists(const std::string& id) {
        return this->ask("a", R"({"cmd":"exists","target":")" + id + "\"}");
    }
    std::string send(const std::string& to) {
        return this->ask("a", R"({"cmd":"bye","target":")" + to + "\"}");
    }
    auto& store() { return this->template get<records<Store>>().store(); }
};
using bench = basic_bench<memory_records>;
using late_bench = basic_bench<late_store>;

std::string known(const std::string& rest) {
    return "ok {" + rest + "}";
}

const std::string update_1 = R"({"cmd":"update","data":{"metadata":1}})";

BOOST_AUTO_TEST_SUITE(records_)

BOOST_AUTO_TEST_CASE(a_temporary_id_is_known_while_it_is_here) {
    bench b;
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    BOOST_TEST(b.exists("b") == R"(ok {"exists":true})");
    *b.ms += 5;
    BOOST_TEST(b.ask("a", R"({"cmd":"info"})") ==
               known(R"("online":true,"permanent":false,"last_seen":946684800005)")); // its own, and now
    BOOST_TEST(b.ask("b", update_1) == "ok");
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":false,"last_seen":946684800005,"metadata":1)"));
    b.lose("b");
    BOOST_TEST(b.info("b") == "unknown");
    BOOST_TEST(b.exists("b") == R"(ok {"exists":false})");
    BOOST_TEST(b.send("b") == "unknown");
    BOOST_TEST(b.store().size() == 0u);
    b.connect("b");
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":false,"last_seen":946684800005)"));
}

BOOST_AUTO_TEST_CASE(a_permanent_id_is_offline_when_it_is_not_here) {
    basic_bench<memory_records, requests> b;
    b.connect("c", {.id = "c", .permanent = true, .metadata = R"({"name":"Zoë"})"});
    BOOST_TEST(b.send("c") == "ok");
    *b.ms += 1000;
    b.lose("c");
    *b.ms += 1000;
    BOOST_TEST(b.info("c") == known(R"("online":false,"permanent":true,"last_seen":946684801000,)"
                                    R"("metadata":{"name":"Zoë"})"));
    BOOST_TEST(b.exists("c") == R"(ok {"exists":true})");
    b.say("a", R"({"cmd":"bye","target":"c","id":1})");
    same(b.heard("a"), {R"({"id":1,"ok":false,"data":{"message":"Peer Offline","cause":"offline"}})"});
    BOOST_TEST(b.ask("a", R"({"cmd":"request","target":"c"})") == "offline");
    BOOST_TEST(b.ask("a", R"({"cmd":"offer","target":"c"})") == "offline"); // told before the missing offer
    // It keeps what it was, if nobody says otherwise.
    b.connect("c");
    BOOST_TEST(b.send("c") == "ok");
    BOOST_TEST(b.info("c") == known(R"("online":true,"permanent":true,"last_seen":946684802000,)"
                                    R"("metadata":{"name":"Zoë"})"));
    b.close("c");
    BOOST_TEST(b.send("c") == "offline");
    b.connect("c", {.id = "c", .metadata = "2"}); // somebody does
    b.close("c");
    BOOST_TEST(b.info("c") ==
               known(R"("online":false,"permanent":true,"last_seen":946684802000,"metadata":2)"));
}

BOOST_AUTO_TEST_CASE(peers_make_their_ids_permanent_and_temporary) {
    bench b;
    BOOST_TEST(b.ask("b", R"({"cmd":"create"})") == "ok");
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":true,"last_seen":946684800000)"));
    BOOST_TEST(b.ask("b", R"({"cmd":"create","data":{"metadata":[1]}})") == "ok"); // again: replaces
    b.lose("b");
    BOOST_TEST(b.info("b") ==
               known(R"("online":false,"permanent":true,"last_seen":946684800000,"metadata":[1])"));
    b.connect("b");
    BOOST_TEST(b.ask("b", R"({"cmd":"create"})") == "ok"); // without metadata: keeps them
    BOOST_TEST(b.ask("b", R"({"cmd":"delete"})") == "ok");
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":false,"last_seen":946684800000,"metadata":[1])"));
    BOOST_TEST(b.ask("b", R"({"cmd":"delete"})") == "ok");
    b.lose("b");
    BOOST_TEST(b.info("b") == "unknown");
    BOOST_TEST(b.store().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_may_not_create_is_denied) {
    bench b{memory_records{}, {}};
    BOOST_TEST(b.ask("b", R"({"cmd":"create","data":{"metadata":1}})") == "denied");
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    BOOST_TEST(b.ask("b", update_1) == "ok");
    BOOST_TEST(b.ask("b", R"({"cmd":"delete"})") == "ok");
    b.connect("c", {.id = "c", .permanent = true});
    BOOST_TEST(b.ask("c", R"({"cmd":"delete"})") == "ok");
    b.lose("c");
    BOOST_TEST(b.exists("c") == R"(ok {"exists":false})");
}

BOOST_AUTO_TEST_CASE(a_request_wrong_in_itself_changes_nothing) {
    bench b{memory_records{}, {.peers_may_create = true, .metadata_bytes = 8}};
    BOOST_TEST(b.ask("b", update_1) == "ok");
    const struct {
        std::string request, reply;
    } rows[] = {
        {R"({"cmd":"update"})", "malformed"},
        {R"({"cmd":"update","data":null})", "malformed"},
        {R"({"cmd":"update","data":[]})", "malformed"},
        {R"({"cmd":"update","data":"metadata"})", "malformed"},
        {R"({"cmd":"update","data":{}})", "malformed"},
        {R"({"cmd":"update","data":{"Metadata":2}})", "malformed"},
        {R"({"cmd":"update","metadata":2})", "malformed"},
        {R"({"cmd":"update","data":{"metadata":"1234567"}})", "too_large"},
        {R"({"cmd":"update","topic":5,"data":{"metadata":2}})", "malformed"},
        {R"({"cmd":"create","data":7})", "malformed"},
        {R"({"cmd":"create","data":{"metadata":[1,2,3,4]}})", "too_large"},
        {R"({"cmd":"delete","data":[]})", "malformed"},
        {R"({"cmd":"info","target":5})", "malformed"},
        {R"({"cmd":"info","target":{"b":1}})", "malformed"},
        {R"({"cmd":"info","target":")" + std::string(300, 'x') + "\"}", "malformed"},
        {R"({"cmd":"exists","target":")" + std::string(257, 'x') + "\"}", "malformed"},
        {R"({"cmd":"exists","target":")" + std::string(256, 'x') + "\"}", R"(ok {"exists":false})"},
        {R"({"cmd":"info","target":"nobody"})", "unknown"},
        {R"({"cmd":"info","target":"B"})", "unknown"},
    };
    for (const auto& row : rows) {
        BOOST_TEST(b.ask("b", row.request) == row.reply, row.request);
        BOOST_TEST(b.info("b") ==
                   known(R"("online":true,"permanent":false,"last_seen":946684800000,"metadata":1)"));
    }
    // the last of equal members counts, names may hold escapes, and 8 bytes are allowed
    BOOST_TEST(b.ask("b", R"({"cmd":"update","data":{"metadata":2,"met\u0061data":"123456"}})") == "ok");
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":false,"last_seen":946684800000,"metadata":"123456")"));
    b.say("b", R"({"cmd":"info"})");
    BOOST_TEST(b.ended("b") == errc::missing_id);
}

BOOST_AUTO_TEST_CASE(peers_without_the_extras_have_records_and_no_words_for_them) {
    bench b;
    b.connect("x", {.id = "x", .extras = false, .permanent = true});
    BOOST_TEST(b.ask("x", R"({"cmd":"info","target":"a"})") == "Unknown Command");
    BOOST_TEST(b.ask("x", R"({"cmd":"session-start","target":"y"})") == "Peer Not Found");
    b.close("x");
    BOOST_TEST(b.send("x") == "offline");
    b.connect("x", {.id = "x", .extras = false});
    b.connect("y", {.id = "y", .extras = false, .permanent = true});
    b.close("y");
    BOOST_TEST(b.ask("x", R"({"cmd":"session-start","target":"y"})") == "Peer Offline");
}

BOOST_AUTO_TEST_CASE(a_full_store_takes_no_more) {
    bench b{memory_records{1}};
    BOOST_TEST(b.ask("a", R"({"cmd":"create","data":{"metadata":1}})") == "ok");
    BOOST_TEST(b.ask("b", R"({"cmd":"create","data":{"metadata":2}})") == "full");
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    BOOST_TEST(b.ask("a", update_1) == "ok");
    b.lose("b");
    BOOST_TEST(b.send("b") == "unknown");
}

BOOST_AUTO_TEST_CASE(functions_have_records_too) {
    basic_bench<memory_records, requests> b;
    BOOST_TEST(b.h.attach("f", [](call&) {}).has_value());
    BOOST_TEST(b.info("f") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    b.h.close("f", errc::closed);
    BOOST_TEST(b.info("f") == "unknown");
}

// --- a store that takes its time ---

BOOST_AUTO_TEST_CASE(a_late_store_answers_late_and_each_question_once) {
    late_store store;
    auto& s = *store.s;
    s.kept.put("gone", {.metadata = "1", .permanent = true, .last_seen = 7}, [](errc) {});
    late_bench b{store};
    s.answer_all();
    for (const auto* const request :
         {R"({"cmd":"info","target":"gone","id":1})", R"({"cmd":"info","target":"nobody","id":2})",
          R"({"cmd":"exists","target":"gone","id":3})", R"({"cmd":"exists","target":"nobody","id":4})",
          R"({"cmd":"bye","target":"gone","id":5})", R"({"cmd":"bye","target":"nobody","id":6})",
          R"({"cmd":"update","data":{"metadata":2},"id":7})", R"({"cmd":"info","target":"b","id":8})"})
        b.say("a", request);
    // The hub knows without the store which peers are here.
    same(b.heard("a"),
         {R"({"id":8,"ok":true,"data":{"online":true,"permanent":false,"last_seen":946684800000}})"});
    s.answer(3);
    same(b.heard("a"),
         {R"({"id":1,"ok":true,"data":{"online":false,"permanent":true,"last_seen":7,"metadata":1}})",
          R"({"id":2,"ok":false,"data":{"message":"Peer Not Found","cause":"unknown"}})",
          R"({"id":3,"ok":true,"data":{"exists":true}})"});
    s.answer_all();
    same(b.heard("a"), {R"({"id":4,"ok":true,"data":{"exists":false}})",
                        R"({"id":5,"ok":false,"data":{"message":"Peer Offline","cause":"offline"}})",
                        R"({"id":6,"ok":false,"data":{"message":"Peer Not Found","cause":"unknown"}})",
                        R"({"id":7,"ok":true})"});
    b.advance(1h);
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(the_asker_of_a_late_store_may_be_gone) {
    late_store store;
    late_bench b{store};
    store.s->answer_all();
    b.say("a", R"({"cmd":"info","target":"nobody","id":1})");
    b.say("a", R"({"cmd":"create","id":2})");
    b.lose("a");
    b.connect("a"); // in the same place
    store.s->answer_all();
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(a_late_store_takes_changes_in_order_and_loses_none) {
    late_store store;
    auto& s = *store.s;
    late_bench b{store};
    s.answer_all();
    b.say("b", R"({"cmd":"update","data":{"metadata":1},"id":1})");
    b.say("b", R"({"cmd":"create","id":2})");
    b.say("b", R"({"cmd":"update","data":{"metadata":2},"id":3})");
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":true,"last_seen":946684800000,"metadata":2)"));
    s.answer_all();
    same(b.heard("b"), {R"({"id":1,"ok":true})", R"({"id":2,"ok":true})", R"({"id":3,"ok":true})"});
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":true,"last_seen":946684800000,"metadata":2)"));
    BOOST_TEST((s.get("b")->permanent && s.get("b")->metadata == "2"));
    b.say("b", R"({"cmd":"delete","id":4})");
    b.lose("b"); // with the change still on its way
    s.answer_all();
    BOOST_TEST(!s.get("b"));
}

BOOST_AUTO_TEST_CASE(a_change_that_a_late_store_could_not_take_is_taken_back) {
    late_store store;
    auto& s = *store.s;
    late_bench b{store};
    b.ask("b", update_1);
    s.answer_all();
    s.broken = errc::full;
    b.say("b", R"({"cmd":"update","data":{"metadata":2},"id":1})");
    b.say("b", R"({"cmd":"create","id":2})");
    b.heard("b");
    s.answer_all();
    same(b.heard("b"), {R"({"id":1,"ok":false,"data":{"message":"Peer Cannot Take More","cause":"full"}})",
                        R"({"id":2,"ok":false,"data":{"message":"Peer Cannot Take More","cause":"full"}})"});
    BOOST_TEST(b.info("b") ==
               known(R"("online":true,"permanent":false,"last_seen":946684800000,"metadata":1)"));
}

BOOST_AUTO_TEST_CASE(a_change_counts_even_before_a_late_store_has_answered) {
    const record before{.metadata = "0", .permanent = true, .online = false, .last_seen = 7};
    for (const std::string request :
         {"", R"({"cmd":"update","data":{"metadata":1}})", R"({"cmd":"delete"})"}) {
        late_store store;
        auto& s = *store.s;
        late_bench b{store};
        s.answer_all();
        s.kept.put("c", before, [](errc) {});
        b.connect("c");
        if (!request.empty()) b.ask("c", request);
        s.answer_all();
        const bool permanent = !request.starts_with(R"({"cmd":"delete")");
        const std::string metadata = request == update_1 ? "1" : "0";
        BOOST_TEST(b.info("c") ==
                   known(R"("online":true,"permanent":)" + std::string{permanent ? "true" : "false"} +
                         R"(,"last_seen":946684800000,"metadata":)" + metadata));
        b.lose("c");
        s.answer_all();
        BOOST_TEST(s.get("c").has_value() == permanent);
        if (permanent) BOOST_TEST((s.get("c")->metadata == metadata && !s.get("c")->online));
    }
}

BOOST_AUTO_TEST_CASE(a_permanent_id_that_comes_and_goes_before_a_late_store_answers_stays) {
    late_store store;
    auto& s = *store.s;
    late_bench b{store};
    s.answer_all();
    s.kept.put("c", {.metadata = "0", .permanent = true, .last_seen = 7}, [](errc) {});
    b.connect("c");
    b.lose("c");
    s.answer_all();
    BOOST_TEST_REQUIRE(s.get("c").has_value());
    BOOST_TEST(
        (s.get("c")->permanent && s.get("c")->metadata == "0" && s.get("c")->last_seen == 946684800000));
    // The next peer in its place has nothing to do with it.
    b.connect("c");
    b.lose("c");
    b.connect("d");
    s.answer_all();
    BOOST_TEST(b.info("d") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    b.close("d");
    // and comes again
    b.connect("c");
    b.lose("c");
    b.connect("c");
    b.ask("c", update_1);
    s.answer_all();
    BOOST_TEST((s.get("c")->permanent && s.get("c")->metadata == "1" && s.get("c")->online));
    // the hub closes it, and its connection ends later
    b.connect("d");
    b.h.close("d", errc::denied);
    s.answer_all();
    BOOST_TEST(!s.get("d"));
}

BOOST_AUTO_TEST_CASE(a_mailbox_does_not_wait_for_a_late_store) {
    late_store store;
    hub_bench b{features{records<late_store>{store}}, mailbox{direct_router{}, 5s}};
    b.connect("a");
    BOOST_TEST(b.ask("a", R"({"cmd":"bye","target":"c"})") == R"(ok {"held":true})");
    b.connect("c");
    same(b.heard("c"), {R"({"cmd":"bye","origin":"a"})"});
    // a change that it does not take ends as the store says
    store.s->kept.put("d", {.metadata = {}, .permanent = true}, [](errc) {});
    BOOST_TEST(b.ask("a", R"({"cmd":"offer","target":"d"})").empty());
    store.s->answer_all();
    BOOST_TEST(b.reply("a", b.asked()) == "offline");
}

BOOST_AUTO_TEST_CASE(a_hub_may_be_gone_before_its_store_answers) {
    late_store store;
    {
        late_bench b{store};
        b.say("a", R"({"cmd":"info","target":"nobody","id":1})");
        b.say("a", R"({"cmd":"create","id":1})");
        b.lose("b");
    }
    store.s->answer_all();
    BOOST_TEST(store.s->asked.empty());
}

// --- a store that throws ---

BOOST_AUTO_TEST_CASE(a_request_that_meets_an_exception_of_the_store_has_one_reply) {
    basic_bench<broken_store, requests> b;
    auto& broken = *b.store().broken;
    const char* const asked[] = {R"({"cmd":"info","target":"c")",
                                 R"({"cmd":"exists","target":"c")",
                                 R"({"cmd":"bye","target":"c")",
                                 R"({"cmd":"request","target":"c")",
                                 R"({"cmd":"create")",
                                 R"({"cmd":"delete")",
                                 R"({"cmd":"update","data":{"metadata":1})"};
    broken = true;
    int id = 0;
    for (const auto* request : asked) {
        b.say("a", request + (R"(,"id":)" + std::to_string(++id)) + "}");
        same(b.heard("a"),
             {R"({"id":)" + std::to_string(id) +
              R"(,"ok":false,"data":{"message":"Internal Server Error","cause":"internal_error"}})"});
    }
    b.advance(1min); // and none of them expires
    same(b.heard("a"), {});
    BOOST_TEST((b.pause() == clock::duration::max()));
    broken = false;
    BOOST_TEST(b.info("a", "b") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    BOOST_TEST(b.store().kept.size() == 0u);
    BOOST_TEST(b.exists("c") == known(R"("exists":false)"));
    broken = true;
    b.lose("b"); // the peer goes all the same
    BOOST_TEST(b.h.size() == 1u);
}

// --- a store that never answers ---

BOOST_AUTO_TEST_CASE(a_silent_store_lets_questions_expire) {
    basic_bench<silent_store, requests> b{{}, {.peers_may_create = true, .timeout = 5s}};
    b.say("a", R"({"cmd":"info","target":"c","id":1})");
    b.say("a", R"({"cmd":"bye","target":"c","id":2})");
    b.advance(1s);
    b.say("a", R"({"cmd":"create","id":3})");
    b.say("a", R"({"cmd":"request","target":"c","id":4})");
    same(b.heard("a"), {});
    BOOST_TEST((b.pause() == 4s));
    b.advance(4s - 1ms);
    same(b.heard("a"), {});
    b.advance(1ms);
    const std::string expired = R"(,"ok":false,"data":{"message":"Expired","cause":"expired"}})";
    same(b.heard("a"), {R"({"id":1)" + expired, R"({"id":2)" + expired});
    b.advance(1s);
    same(b.heard("a"), {R"({"id":3)" + expired, R"({"id":4)" + expired});
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.lose("b"); // nobody is kept waiting to go
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_connection_that_becomes_another_peer_hears_its_requests_end) {
    basic_bench<silent_store, resume> b{{}, {.peers_may_create = true, .timeout = 5s}};
    const auto token = token_in(b.connect("c", {.id = "c", .target = "/?resume"}));
    b.lose("c");
    b.connect("x");
    b.say("x", R"({"cmd":"info","target":"d","id":1})");
    b.say("x", R"({"cmd":"bye","target":"d","id":2})");
    b.say("x", R"({"cmd":"create","id":3})");
    same(b.heard("x"), {});
    b.say("x", R"({"cmd":"resume","id":4,"received":0,"token":")" + token + "\"}");
    const auto heard = b.heard("x");
    BOOST_TEST_REQUIRE(heard.size() == 4u);
    const std::string expired = R"(,"ok":false,"data":{"message":"Expired","cause":"expired"}})";
    for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(heard[i] == R"({"id":)" + std::to_string(i + 1) + expired);
    BOOST_TEST(heard[3].starts_with(R"({"id":4,"ok":true)"));
    b.advance(1h);
    same(b.heard("x"), {});
}

BOOST_AUTO_TEST_CASE(questions_that_wait_for_the_store_are_bounded) {
    bench quick{memory_records{}, {.pending_requests = 2}};
    for (int i = 0; i < 5; ++i) BOOST_TEST(quick.send("nobody") == "unknown"); // answered at once: none waits
    basic_bench<silent_store> b{{}, {.peers_may_create = true, .pending_requests = 2}};
    const auto asked = b.store().asked;
    b.say("a", R"({"cmd":"info","target":"c","id":1})");
    b.say("b", R"({"cmd":"bye","target":"c","id":2})");
    for (const auto* const request :
         {R"({"cmd":"info","target":"c"})", R"({"cmd":"exists","target":"c"})",
          R"({"cmd":"bye","target":"c"})", R"({"cmd":"update","data":{"metadata":1}})", R"({"cmd":"create"})",
          R"({"cmd":"delete"})"})
        BOOST_TEST(b.ask("a", request) == "full");
    BOOST_TEST(b.store().asked == asked + 2);
    b.advance(5s);
    BOOST_TEST(b.heard("a").size() == 1u);
    BOOST_TEST(b.info("b") == known(R"("online":true,"permanent":false,"last_seen":946684800000)"));
    BOOST_TEST(b.ask("a", R"({"cmd":"info","target":"c"})").empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
