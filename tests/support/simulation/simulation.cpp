// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "support/simulation/simulation.hpp"
#include "support/long_run.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using test::simulate, test::simulate_many, test::simulated_hub, test::simulated_channel;

const auto plain = [](const test::simulation_options& o) { return simulated_hub<>{o.hub}; };

// A failure of these kinds has to come up within a few schedules, and again with the seed that is printed.
template <class Make>
void is_found_out(Make make, std::string_view failure, test::simulation_options o = {}) {
    const auto r = simulate_many(1, 50, o, make);
    BOOST_TEST(!r, "nothing was found");
    BOOST_TEST(r.failure.find(failure) != std::string::npos, r.text());
    BOOST_TEST(!r.trace.empty());
    const auto again = simulate(r.seed, o, make);
    BOOST_TEST(again.text(10'000) == r.text(10'000));
    BOOST_TEST(r.text().find("SIGFIRE_SIMULATION_SEED=" + std::to_string(r.seed)) != std::string::npos);
}

// A channel that goes wrong with every tenth message that a peer sends to another.
template <class Fault>
class faulty_channel : public simulated_channel {
public:
    using simulated_channel::simulated_channel;
    faulty_channel(channel<test::simulated_connection, test::simulated_json> way) : simulated_channel(way) {}

    template <class E>
    void deliver(const E& e) const {
        if constexpr (std::same_as<E, typename Fault::strikes>)
            if (++so_far % 10 == 0) return Fault::deliver(static_cast<const simulated_channel&>(*this), e);
        simulated_channel::deliver(e);
    }
    template <class E>
    void deliver(const E& e, std::size_t) const {
        deliver(e);
    }
    template <class E>
    void deliver(const E& e, fanout&) const {
        deliver(e);
    }

    static inline unsigned so_far = 0;
};

template <class Fault>
auto with_channel() {
    return [](const test::simulation_options& o) {
        faulty_channel<Fault>::so_far = 0;
        return hub<local_registry, direct_router, faulty_channel<Fault>>{o.hub};
    };
}

template <class E>
struct loses {
    using strikes = E;
    static void deliver(const simulated_channel&, const E&) {}
};

template <class E>
struct doubles {
    using strikes = E;
    static void deliver(const simulated_channel& o, const E& e) {
        o.deliver(e);
        o.deliver(e);
    }
};

struct keeps_a_copy {
    using strikes = event::welcome;
    static inline std::vector<simulated_channel> copies;
    static void deliver(const simulated_channel& o, const event::welcome& e) {
        copies.push_back(o);
        o.deliver(e);
    }
};

struct forges_the_sender {
    using strikes = event::send;
    static void deliver(const simulated_channel& o, event::send e) {
        e.from = "somebody";
        o.deliver(e);
    }
};

struct changes_the_payload {
    using strikes = event::send;
    static void deliver(const simulated_channel& o, event::send e) {
        const auto comma = e.data.bytes.find(',');
        const auto text =
            std::string{e.data.bytes.substr(0, comma)} + (comma == std::string::npos ? "" : "}");
        e.data.bytes = text;
        o.deliver(e);
    }
};

// Says everything with a message's delay: the n-th when the next one is due.
struct late_channel : simulated_channel {
    late_channel(channel<test::simulated_connection, test::simulated_json> way) : simulated_channel(way) {}

    template <class E>
    void deliver(const E& e) const {
        if constexpr (std::same_as<E, event::reply>)
            if (e.cause == errc::ok) return void(held.emplace(*this, std::string{e.token.bytes}));
        simulated_channel::deliver(e);
        if (!held) return;
        event::reply reply;
        reply.token.bytes = held->second;
        held->first.deliver(reply);
        held.reset();
    }
    template <class E>
    void deliver(const E& e, std::size_t) const {
        deliver(e);
    }
    template <class E>
    void deliver(const E& e, fanout&) const {
        deliver(e);
    }

    static inline std::optional<std::pair<simulated_channel, std::string>> held;
};

struct misrouting {
    direct_router right;

    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) {
        peer_handle wrong;
        registry.for_each_peer([&](std::string_view id, peer_handle h) {
            if (id == "p1" && h != from) wrong = h;
        });
        return right.route(registry, from, e, [&](peer_handle h) { to(wrong ? wrong : h); });
    }
};

// Hubs that go wrong at their inputs, in what the class that derives from it says.
template <class Derived>
struct faulty_hub : simulated_hub<> {
    using simulated_hub<>::simulated_hub;
    unsigned count = 0;

    bool strikes() { return ++count % 10 == 0; }
};

struct forgets_who_closed : faulty_hub<forgets_who_closed> {
    using faulty_hub::faulty_hub;
    void closed(attachment a, errc why) {
        if (why != errc::closed) faulty_hub::closed(a, why);
    }
};

struct ignores_messages : faulty_hub<ignores_messages> {
    using faulty_hub::faulty_hub;
    template <class E>
    void received(attachment& a, E& e) {
        if (!strikes()) faulty_hub::received(a, e);
    }
};

struct acts_twice : faulty_hub<acts_twice> {
    using faulty_hub::faulty_hub;
    template <class E>
    void received(attachment& a, E& e) {
        auto again = e;
        again.token = {};
        faulty_hub::received(a, e);
        if (strikes()) faulty_hub::received(a, again);
    }
};

struct ignores_signs_of_life : faulty_hub<ignores_signs_of_life> {
    using faulty_hub::faulty_hub;
    void alive(attachment) {}
};

struct has_no_time : faulty_hub<has_no_time> {
    using faulty_hub::faulty_hub;
    time_point tick(time_point now) {
        faulty_hub::tick(now);
        return now;
    }
};

struct is_slow : faulty_hub<is_slow> {
    explicit is_slow(const hub_options& o) : faulty_hub(hub_options{o.claim_timeout * 2}) {}
};

struct is_hasty : faulty_hub<is_hasty> {
    explicit is_hasty(const hub_options& o) : faulty_hub(hub_options{o.claim_timeout / 2}) {}
};

struct uses_what_is_gone : faulty_hub<uses_what_is_gone> {
    using faulty_hub::faulty_hub;
    std::optional<simulated_channel> last;
    result<attachment> opened(const simulated_channel& way, const admission& wish) {
        if (last) last->hold();
        last = way;
        return faulty_hub::opened(way, wish);
    }
};

template <class Hub>
constexpr auto make = [](const test::simulation_options& o) { return Hub{o.hub}; };

// Refuses, answers and holds back by what a message says of itself.
struct moody_hook {
    errc on_message(message_context& context, event::send& e) {
        const auto n = test::json_number(test::json_member(e.data.bytes, "n"));
        if (n % 7 == 1) return errc::rate;
        if (n % 7 == 2) return context.fail("not today");
        if (n % 7 == 3) context.reply(R"({"from":"the hook"})");
        return errc::ok;
    }
    bool on_deliver(peer_handle, const event::send& e) {
        return test::json_number(test::json_member(e.data.bytes, "n")) % 7 != 4;
    }
};

BOOST_AUTO_TEST_SUITE(simulations)

BOOST_AUTO_TEST_CASE(a_hub_keeps_its_promises_in_many_schedules) {
    const std::uint64_t count = test::long_run() ? 2000 : 200;
    const auto r = simulate_many(1, count, {}, plain);
    BOOST_TEST(static_cast<bool>(r), r.text());
    if (std::getenv("SIGFIRE_SIMULATION_SEED") != nullptr) return;
    // Less than half of that would mean that little happens.
    BOOST_TEST(r.links > 25 * count);
    BOOST_TEST(r.requests > 100 * count);
    BOOST_TEST(r.answers > 75 * count);
    BOOST_TEST(r.deliveries > 40 * count);
}

BOOST_AUTO_TEST_CASE(hooks_may_refuse_and_answer) {
    test::simulation_options o;
    o.hooks_judge = true;
    const auto make_hub = [](const test::simulation_options& all) {
        return simulated_hub<local_registry, direct_router, no_log, hooks<moody_hook>>{
            all.hub, {}, {}, {}, hooks{moody_hook{}}};
    };
    auto r = simulate_many(1, test::long_run() ? 100 : 25, o, make_hub);
    BOOST_TEST(static_cast<bool>(r), r.text());
    o.hooks_judge = false;
    is_found_out(make_hub, "without reason", o);
}

BOOST_AUTO_TEST_CASE(a_network_may_be_quick_or_slow_and_the_crowd_large) {
    const std::uint64_t count = test::long_run() ? 100 : 25;
    test::simulation_options o;
    o.network.delay = 0ms;
    auto r = simulate_many(1, count, o, plain);
    BOOST_TEST(static_cast<bool>(r), r.text());
    o.network.delay = 3s;
    r = simulate_many(1, count, o, plain);
    BOOST_TEST(static_cast<bool>(r), r.text());
    o = {};
    o.peers = 200, o.strangers = 50, o.steps = 2000, o.pause = 5ms;
    r = simulate_many(1, count / 20, o, plain);
    BOOST_TEST(static_cast<bool>(r), r.text());
}

BOOST_AUTO_TEST_CASE(the_same_seed_is_the_same_schedule) {
    test::simulation_options o;
    o.trace = true;
    const auto first = simulate(7, o, plain), second = simulate(7, o, plain), other = simulate(8, o, plain);
    BOOST_TEST(first.trace.size() > 500u);
    BOOST_CHECK_EQUAL_COLLECTIONS(first.trace.begin(), first.trace.end(), second.trace.begin(),
                                  second.trace.end());
    BOOST_TEST((first.trace != other.trace));
    BOOST_TEST(first.text() == "seed 7: all promises were kept");
}

BOOST_AUTO_TEST_CASE(lost_doubled_changed_and_misled_messages_are_found_out) {
    is_found_out(with_channel<loses<event::reply>>(), "is not answered");
    is_found_out(with_channel<loses<event::send>>(), "is not delivered");
    is_found_out(with_channel<loses<event::welcome>>(), "neither welcomed, held nor refused");
    is_found_out(with_channel<doubles<event::reply>>(), "a second reply");
    is_found_out(with_channel<doubles<event::send>>(), "is delivered twice");
    is_found_out(with_channel<doubles<event::welcome>>(), "is welcomed behind other messages");
    is_found_out(with_channel<forges_the_sender>(), "wrong name");
    is_found_out(with_channel<changes_the_payload>(), "was changed");
    is_found_out(
        [](const test::simulation_options& o) { return simulated_hub<local_registry, misrouting>{o.hub}; },
        "foreign mail");
    is_found_out(make<ignores_messages>, "is not answered");
    is_found_out(make<acts_twice>, "is delivered twice");
}

BOOST_AUTO_TEST_CASE(a_reply_behind_its_consequence_is_found_out) {
    const auto make_hub = [](const test::simulation_options& o) {
        late_channel::held.reset();
        return hub<local_registry, direct_router, late_channel>{o.hub};
    };
    is_found_out(make_hub, "is delivered before its reply");
    late_channel::held.reset();
}

BOOST_AUTO_TEST_CASE(wrong_claims_are_found_out) {
    is_found_out(make<ignores_signs_of_life>, "still waits though the holder lives");
    is_found_out(make<is_slow>, "held for longer");
    is_found_out(make<is_hasty>, "before its time is over");
    is_found_out(make<has_no_time>, "a time that is over");
}

BOOST_AUTO_TEST_CASE(leaks_are_found_out) {
    is_found_out(make<forgets_who_closed>, "miscounts");
    is_found_out(with_channel<keeps_a_copy>(), "channels are left");
    keeps_a_copy::copies.clear();
    is_found_out(make<uses_what_is_gone>, "hold after closed");
}

BOOST_AUTO_TEST_CASE(events_not_drawn_from_the_seed_are_reported) {
    unsigned hubs = 0;
    const auto r = simulate(1, {}, [&](const test::simulation_options& o) {
        return is_hasty{hubs++ == 0 ? o.hub : hub_options{2 * o.hub.claim_timeout}};
    });
    BOOST_TEST(r.failure.find("not drawn from the seed") != std::string::npos, r.text());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
