// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/json.hpp>
#include <sigfire/hub.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/outlet.hpp>
#include <sigfire/registry.hpp>
#include <sigfire/router.hpp>
#include <sigfire/test/ledger.hpp>
#include <sigfire/test/network.hpp>
#include <sigfire/test/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** Lets a hub live through schedules that nobody would think of: peers that talk, claim each other's ids,
 * break off, stall, vanish and come back, in an order that is drawn from a seed. Every schedule is compared
 * with what a hub promises; one that fails can be played again, event by event. */
namespace sigfire::test {

/// sigfire's JSON, where a peer gets the id that it asks for: `/?id=x`. Models Codec.
class simulated_json : public codec::json {
public:
    errc open(const request& rq, state& st, admission& ad) const {
        ad.id = rq.query("id");
        return json::open(rq, st, ad);
    }
};

using simulated_connection = transport::connection<connection_state<simulated_json>>;

/// The outlet of a simulated hub: it counts its copies, so that a hub which keeps one too long is found out.
class simulated_outlet : public outlet<simulated_connection, simulated_json> {
    using base = outlet<simulated_connection, simulated_json>;

public:
    simulated_outlet(base way) noexcept : base(way) { ++count(); }
    simulated_outlet(const simulated_outlet& other) noexcept : base(other) { ++count(); }
    simulated_outlet& operator=(const simulated_outlet&) noexcept = default;
    ~simulated_outlet() { --count(); }

    /// How many there are in this thread.
    static std::size_t& count() noexcept {
        thread_local std::size_t n = 0;
        return n;
    }
};

/// The hub that `simulate` is meant for, with parts of your choice.
template <class Registry = local_registry, class Router = direct_router, class Log = no_log,
          class Hooks = no_hooks>
using simulated_hub = hub<Registry, Router, simulated_outlet, Log, Hooks>;

/// What a schedule looks like.
struct simulation_options {
    hub_options hub{};
    network_options network{.outbox = 3000};
    unsigned peers = 6;     ///< who have an id of their own; every third has it drawn by the hub
    unsigned strangers = 2; ///< who claim the ids of others
    unsigned steps = 150;   ///< things that peers, network and host program do
    std::chrono::milliseconds pause{200};     ///< longest time between two steps
    bool hooks_judge = false;                 ///< hooks may refuse or answer any request
    bool trace = false;                       ///< keep a trace even if all goes well
    std::chrono::milliseconds quiet{150'000}; ///< how long to wait, at the end, for what is under way
};

/// How a schedule went.
struct simulation_report {
    std::uint64_t seed = 0;
    std::string failure;            ///< what broke a promise, in words; empty = nothing did
    std::vector<std::string> trace; ///< of a schedule that failed, or was to be traced: all that happened
    std::size_t schedules = 1, links = 0, requests = 0, answers = 0, deliveries = 0; ///< how much happened

    explicit operator bool() const noexcept { return failure.empty(); }

    /// The failure with its seed and the last `n` lines of the trace, for the message of a test.
    std::string text(std::size_t n = 40) const {
        if (failure.empty()) return "seed " + std::to_string(seed) + ": all promises were kept";
        std::string out = "seed " + std::to_string(seed) + ": " + failure + "\n";
        for (auto i = trace.size() - std::min(trace.size(), n); i < trace.size(); ++i)
            out += "    " + trace[i] + "\n";
        return out + "SIGFIRE_SIMULATION_SEED=" + std::to_string(seed) + " plays it again";
    }
};

namespace detail {

/// One that is on the network, or not.
struct simulated_peer {
    std::string name;
    std::string wish;     // the id it asks for; empty = any
    link* wire = nullptr; // its last one
    std::string id;       // its last one
    bool welcome = false;

    bool open() const noexcept { return wire != nullptr && wire->open(); }
    bool online() const noexcept { return open() && welcome; }
};

template <class MakeHub>
class simulation {
public:
    simulation(std::uint64_t seed, const simulation_options& o, MakeHub& make_hub,
               std::vector<std::string>* trace)
        : o_(o), book_(o.hub.claim_timeout, o.hooks_judge, trace), net_(seed, o.network, &book_),
          hub_(make_hub(o.hub)), listener_(transport{net_}, simulated_json{}, hub_) {
        book_.watch(net_);
        for (unsigned i = 0; i < o.peers + o.strangers; ++i) {
            auto& p = peers_.emplace_back();
            const bool own = i < o.peers;
            p.name = (own ? "p" : "s") + std::to_string(own ? i : i - o.peers);
            if (own && i % 3 != 2) p.wish = p.name;
        }
        error_code ec;
        listener_.open(ec);
    }

    void run(simulation_report& r) {
        for (unsigned i = 0; i < o_.steps && !book_.failed(); ++i) {
            step();
            // Half of what happens, happens while messages are on their way.
            net_.run(draw().up_to(draw().chance(50) ? o_.network.delay : o_.pause));
            book_.law(hub_.size() == book_.holders().size(), [] { return "the hub miscounts its peers"; });
        }
        // A host program may stop in the middle of everything.
        if (!book_.failed() && draw().chance(75)) calm_down();
        if (!book_.failed()) end();
        r.failure = book_.failure();
        r.links = net_.links().size();
        r.requests = book_.requests();
        r.answers = book_.answers();
        r.deliveries = book_.deliveries();
    }

private:
    generator& draw() { return net_.draw; }

    void step() {
        auto& p = peers_[draw().below(static_cast<std::uint32_t>(peers_.size()))];
        const auto what = draw().below(100);
        if (!p.open()) return connect(p);
        if (what < 5) return note(p, "closes"), p.wire->close();
        if (what < 8) return note(p, "is cut off"), p.wire->cut();
        if (what < 12) return note(p, "vanishes"), p.wire->vanish();
        if (what < 17) return note(p, "stalls"), p.wire->stall();
        if (what < 25) return note(p, "reads"), p.wire->read();
        if (what < 27) return note(p, "talks nonsense"), p.wire->send(R"({"cmd":)");
        if (what < 31) return net_.clock.after({}, [this] { host(); });
        if (p.online()) say(p);
    }

    void note(const simulated_peer& p, const char* what) {
        book_.note([&] { return book_.name(*p.wire) + " " + what; });
    }

    void connect(simulated_peer& p) {
        // Strangers want to be somebody else, every time.
        if (p.name[0] == 's') p.wish = peers_[draw().below(o_.peers)].name;
        auto& l =
            net_.connect(p.wish.empty() ? "/" : "/?id=" + p.wish, draw().chance(50) ? "Signal-Fire@3" : "");
        l.name = p.name;
        p.wire = &l;
        p.welcome = false;
        book_.opened(l, p.wish);
        note(p, "connects");
        l.on_message = [this, &p](std::string& text) {
            book_.heard(*p.wire, text);
            p.id = book_.id(*p.wire);
            p.welcome = true;
        };
        l.on_end = [this, &p](const ending&, errc why) {
            book_.note([&] { return book_.name(*p.wire) + " is closed: " + std::string{cause_name(why)}; });
            if (!ending_ && draw().chance(70))
                net_.clock.after(draw().up_to(o_.pause * 10), [this, &p] {
                    if (!p.open() && !ending_) connect(p);
                });
        };
    }

    // A request with a payload that can be told from all others.
    simulated_request make_request() {
        simulated_request r;
        const auto target = draw().below(100);
        const auto& other = peers_[draw().below(static_cast<std::uint32_t>(peers_.size()))];
        r.target = target < 3 ? "" : target < 6 || other.id.empty() ? "nobody" : other.id;
        constexpr const char *commands[] = {"offer", "answer", "ice", "session-reject", "session-cancel"},
                             *members[] = {"offer", "answer", "candidate", "reason", "reason"};
        constexpr errc flaws[] = {errc::missing_offer, errc::missing_answer, errc::missing_candidate};
        const auto kind = draw().below(5);
        r.command = commands[kind];
        r.data = R"({"n":)" + std::to_string(book_.next_number());
        if (kind < 3 && draw().chance(3))
            r.flaw = flaws[kind];
        else
            r.data += ",\"" + std::string{members[kind]} + R"(":")" +
                      std::string(draw().below(draw().chance(5) ? 2000 : 50) + 1, 'x') + '"';
        r.data += '}';
        if (draw().chance(2)) r.command = "dance", r.flaw = errc::unknown_command;
        return r;
    }

    void say(simulated_peer& p) {
        for (auto n = draw().below(4) + 1; n-- != 0;) {
            auto r = make_request();
            r.from = p.wire;
            r.origin = p.id;
            std::string text =
                R"({"cmd":")" + r.command + R"(","target":")" + r.target + R"(","data":)" + r.data;
            book_.note([&] {
                return book_.name(*p.wire) + " says " + std::to_string(book_.next_number()) + " to " +
                       book_.name(r.target);
            });
            const auto number = book_.request(std::move(r));
            p.wire->send(text + R"(,"id":)" + std::to_string(number) + "}");
        }
    }

    void host() {
        book_.before_host();
        const auto what = draw().below(10);
        if (what == 0) {
            const auto& p = peers_[draw().below(static_cast<std::uint32_t>(peers_.size()))];
            book_.note([&] { return "host closes " + book_.name(p.id); });
            const bool there = book_.holders().count(p.id) != 0;
            book_.law(hub_.close(p.id, errc::denied) == there,
                      [] { return "close is mistaken about an id"; });
        } else if (what < 4) {
            book_.note([] { return "host sends to all"; });
            std::size_t count = 0;
            hub_.for_each([&](std::string_view id, peer_handle h) {
                ++count;
                book_.law(hub_.find(id) == h, [] { return "for_each and find disagree"; });
                host_send(std::string{id});
            });
            book_.law(count == book_.holders().size(), [] { return "for_each leaves somebody out"; });
        } else {
            book_.note([] { return "host sends"; });
            auto r = make_request();
            host_send(r.target);
        }
        book_.after_host();
    }

    void host_send(std::string target) {
        simulated_request r;
        r.target = std::move(target);
        r.command = "news";
        const auto n = book_.next_number();
        r.data = R"({"n":)" + std::to_string(n) + "}";
        r.arrived = true;
        const auto to = r.target, data = r.data;
        book_.request(std::move(r));
        book_.host_answer(n, hub_.send(to, "news", data));
    }

    void read_all() {
        for (auto& p : peers_)
            if (p.wire != nullptr) p.wire->read();
    }

    // No more trouble: whatever is under way ends.
    void calm_down() {
        ending_ = true;
        book_.note([] { return "the network calms down"; });
        read_all();
        net_.run(o_.quiet);
        book_.nothing_is_open();
        book_.law(hub_.size() == book_.holders().size(), [] { return "the hub miscounts its peers"; });
        for (auto& [id, l] : book_.holders())
            book_.law(static_cast<bool>(hub_.find(id)),
                      [&, name = book_.name(id)] { return name + " is not found"; });
    }

    void end() {
        ending_ = true;
        const bool stops = draw().chance(50);
        book_.note([&] { return stops ? "host stops the hub" : "all peers leave"; });
        if (stops) {
            net_.clock.after({}, [this] {
                book_.before_host();
                hub_.stop();
                book_.after_host();
                book_.law(hub_.size() == 0, [] { return "a hub that was stopped has peers"; });
            });
            net_.turn();
            auto& late = peers_.emplace_back();
            late.name = "late";
            connect(late);
        } else {
            for (auto& p : peers_)
                if (p.wire != nullptr) p.wire->close();
        }
        net_.run(o_.quiet);
        read_all();
        net_.run(o_.quiet);
        std::size_t left = hub_.size();
        hub_.for_each([&](auto...) { ++left; });
        book_.law(left == 0, [] { return "peers are left though all have gone"; });
        for (auto& l : net_.links()) {
            book_.law(l.told(), [&] { return ledger::name(l) + " was never closed"; });
            book_.law(!l.open(), [&] { return ledger::name(l) + " was not told that it is closed"; });
        }
    }

    const simulation_options o_;
    ledger book_;
    network net_;
    decltype(std::declval<MakeHub&>()(std::declval<const hub_options&>())) hub_;
    listener<transport, simulated_json, decltype(hub_)> listener_;
    std::deque<simulated_peer> peers_;
    bool ending_ = false;
};

template <class MakeHub>
simulation_report simulate_once(std::uint64_t seed, const simulation_options& o, MakeHub& make_hub,
                                bool trace) {
    simulation_report r;
    r.seed = seed;
    const auto before = simulated_outlet::count();
    auto* const lines = trace ? &r.trace : nullptr;
    simulation<MakeHub> s{seed, o, make_hub, lines};
    s.run(r);
    if (r.failure.empty() && simulated_outlet::count() != before)
        r.failure = "outlets are left though all have gone";
    return r;
}

} // namespace detail

/** Plays the schedule of one seed to the hub that `make_hub(hub_options)` returns, by value, a
 * `simulated_hub` or one like it. If it fails it is played again, for the trace; so `make_hub` has to make
 * equal hubs. */
template <class MakeHub>
simulation_report simulate(std::uint64_t seed, const simulation_options& o, MakeHub make_hub) {
    auto r = detail::simulate_once(seed, o, make_hub, o.trace);
    if (r || o.trace) return r;
    auto again = detail::simulate_once(seed, o, make_hub, true);
    if (again.failure == r.failure) return again;
    r.failure += " (it did not fail like this when it was played again: something in the hub is not drawn "
                 "from the seed)";
    return r;
}

/** Plays the schedules of `count` seeds, from `first` on, and returns the first report of a failure, or one
 *  with the sums of all. With SIGFIRE_SIMULATION_SEED in the environment only that seed is played, and its
 *  trace goes to standard error. */
template <class MakeHub>
simulation_report simulate_many(std::uint64_t first, std::uint64_t count, const simulation_options& o,
                                MakeHub make_hub) {
    if (const char* const one = std::getenv("SIGFIRE_SIMULATION_SEED")) {
        auto r = detail::simulate_once(std::strtoull(one, nullptr, 10), o, make_hub, true);
        for (const auto& line : r.trace) std::cerr << line << '\n';
        return r;
    }
    simulation_report sum;
    sum.schedules = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto r = simulate(first + i, o, make_hub);
        if (!r) return r;
        sum.seed = r.seed;
        sum.schedules += r.schedules;
        sum.links += r.links;
        sum.requests += r.requests;
        sum.answers += r.answers;
        sum.deliveries += r.deliveries;
    }
    return sum;
}

} // namespace sigfire::test
