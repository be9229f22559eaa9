// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/simulated_peer.hpp"
#include "support/simulation/simulation_options.hpp"
#include "support/simulation/stage.hpp"

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
namespace sigfire::inline v0_1::test {

/// How a schedule went.
struct simulation_report {
    std::uint64_t seed = 0;
    std::string failure;            ///< the broken promise, in words; empty = there is none
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

template <class MakeHub>
class simulation {
public:
    simulation(std::uint64_t seed, const simulation_options& o, MakeHub& make_hub,
               std::vector<std::string>* trace)
        : stage_(seed, o, make_hub, trace), o_(stage_.options), book_(stage_.book), net_(stage_.net) {
        for (unsigned i = 0; i < o.peers + o.strangers; ++i) {
            const bool own = i < o.peers;
            auto& p = add((own ? "p" : "s") + std::to_string(own ? i : i - o.peers));
            if (own && i % 3 != 2) p.wish = p.name();
        }
    }

    void run(simulation_report& r) {
        for (unsigned i = 0; i < o_.steps && !book_.failed(); ++i) {
            step();
            // Half of all acts happen while messages are on their way.
            net_.run(up_to(draw().chance(50) ? o_.network.delay : o_.pause));
            stage_.count();
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
    using milliseconds = std::chrono::milliseconds;
    using asks = simulated_request;

    generator& draw() { return net_.draw; }
    milliseconds up_to(milliseconds longest) { return draw().up_to(longest); }

    simulated_peer& add(std::string name) {
        auto& p = peers_.emplace_back(std::move(name), net_, book_);
        p.on_end = [this, &p] {
            // Each peer that can continue does so at the end.
            const bool again = ending_ ? !stopping_ && !p.token().empty() : draw().chance(70);
            if (again)
                net_.clock.after(up_to(o_.pause * 10), [this, &p] {
                    if (!p.open() && !stopping_) connect(p);
                });
        };
        p.on_question = [this, &p](std::string_view text) { consider(p, text); };
        return p;
    }

    simulated_peer& any() { return peers_[draw().below(static_cast<std::uint32_t>(peers_.size()))]; }

    void step() {
        auto& p = any();
        const auto what = draw().below(100);
        if (!p.open()) return connect(p);
        if (what < 5) return note(p, "closes"), p.wire().close();
        if (what < 8) return note(p, "is cut off"), p.wire().cut();
        if (what < 12) return note(p, "vanishes"), p.wire().vanish();
        if (what < 14) return note(p, "is somewhere else"), p.wire().vanish(), connect(p);
        if (what < 18) return note(p, "stalls"), p.wire().stall();
        if (what < 26) return note(p, "reads"), p.wire().read();
        if (what < 28) return note(p, "talks nonsense"), p.wire().send(R"({"cmd":)");
        if (what < 32) return net_.clock.after({}, [this] { host(); });
        if (what < 34 && p.online() && !p.token().empty()) return p.resume_in_vain();
        if (p.online())
            for (auto n = draw().below(4) + 1; n-- != 0;) ask(p);
    }

    void note(const simulated_peer& p, const char* what) {
        book_.note([&] { return journal::name(p.wire()) + " " + what; });
    }

    void connect(simulated_peer& p) {
        if (!p.token().empty()) tokens_.push_back(p.token());
        if (p.name()[0] == 's') {
            // Strangers want to be somebody else, every time.
            p.give_up();
            p.wish = peers_[draw().below(o_.peers)].name();
            if (o_.resume && !tokens_.empty() && draw().chance(30)) {
                const auto& token = tokens_[draw().below(static_cast<std::uint32_t>(tokens_.size()))];
                if (book_.owner(token) == nullptr)
                    return p.connect(draw().chance(50) ? arrival::by_url : arrival::by_request, token);
            }
        }
        if (!p.token().empty() && (ending_ || draw().chance(85)))
            return p.connect(draw().chance(60) ? arrival::by_url : arrival::by_request);
        constexpr arrival ways[] = {arrival::legacy, arrival::plain, arrival::resumable, arrival::ask_later};
        p.connect(ways[draw().below(o_.resume ? 4 : 2)]);
    }

    // A payload that can be told from all others.
    std::string payload(std::string_view member = "x", bool empty = false) {
        auto data = R"({"n":)" + std::to_string(book_.next_number());
        if (!empty)
            data += ",\"" + std::string{member} + R"(":")" +
                    std::string(draw().below(draw().chance(5) ? 2000 : 50) + 1, 'x') + '"';
        return data + '}';
    }

    void ask(simulated_peer& p) {
        simulated_request r;
        const auto what = draw().below(100);
        if (!p.legacy() && o_.topics && what < 35) {
            r.what = what < 10 ? asks::join : what < 14 ? asks::leave : asks::publish;
            r.command = what < 10 ? "join" : what < 14 ? "leave" : "publish";
            r.topic = "t" + std::to_string(draw().below(3));
            r.echo = r.what == asks::publish && draw().chance(30);
            r.droppable = r.what == asks::publish && draw().chance(30);
            r.data = payload();
            return void(p.ask(std::move(r)));
        }
        const auto target = draw().below(100);
        const auto& other = any();
        r.target = target < 3 ? "" : target < 6 || other.id().empty() ? "nobody" : other.id();
        if (!p.legacy() && o_.requests && what < 55) {
            r.what = asks::question;
            r.command = "request";
            r.data = payload();
            return void(p.ask(std::move(r)));
        }
        constexpr const char *commands[] = {"offer", "answer", "ice", "session-reject", "session-cancel"},
                             *members[] = {"offer", "answer", "candidate", "reason", "reason"};
        constexpr errc flaws[] = {errc::missing_offer, errc::missing_answer, errc::missing_candidate};
        const auto kind = draw().below(5);
        r.command = commands[kind];
        if (kind < 3 && draw().chance(3)) r.flaw = flaws[kind];
        r.data = payload(members[kind], r.flaw != errc::ok);
        if (draw().chance(2)) r.command = "dance", r.flaw = errc::unknown_command;
        p.ask(std::move(r));
    }

    // A peer was asked something; mostly it answers, and not always once.
    void consider(simulated_peer& p, std::string_view text) {
        const wire_text m{text};
        auto number = json_number(m.request);
        questions_.push_back(number);
        if (draw().chance(5))
            number = questions_[draw().below(static_cast<std::uint32_t>(questions_.size()))];
        for (auto times = draw().chance(75) ? 1 : draw().chance(20) ? 2 : 0; times-- != 0;)
            net_.clock.after(up_to(milliseconds{3000}), [this, &p, number] {
                if (!p.online() || p.legacy()) return;
                simulated_request r;
                r.what = asks::respond;
                r.command = "respond";
                r.hub_number = number;
                r.answerable = draw().chance(60);
                r.fails = draw().chance(20);
                r.data = payload();
                p.ask(std::move(r));
            });
    }

    void host() {
        book_.before_host();
        const auto what = draw().below(10);
        if (what == 0) {
            stage_.host_closes(any().id());
        } else if (what < 4) {
            book_.note([] { return "host sends to all"; });
            std::size_t count = 0;
            stage_.hub.for_each([&](std::string_view id, peer_handle h) {
                ++count;
                book_.law(stage_.hub.find(id) == h, [] { return "for_each and find disagree"; });
                stage_.host_sends(std::string{id});
            });
            // Those that are away are there too.
            book_.law(count == book_.holders().size(), [] { return "for_each leaves somebody out"; });
        } else {
            stage_.host_sends(draw().chance(10) ? "nobody" : any().id());
        }
        book_.after_host();
    }

    void read_all() {
        for (auto& p : peers_)
            if (p.has_wire()) p.wire().read();
    }

    // No more trouble: acts under way end, and each peer that can continue does.
    void calm_down() {
        ending_ = true;
        book_.note([] { return "the network calms down"; });
        read_all();
        for (auto& p : peers_)
            if (!p.open() && !p.token().empty()) connect(p);
        net_.run(o_.quiet);
        book_.nothing_is_open();
        for (const auto& p : peers_)
            if (p.open() && !p.wire().broken())
                for (const auto n : p.waiting()) book_.is_waited_for(n);
        stage_.count();
        for (const auto& [id, s] : book_.holders())
            book_.law(static_cast<bool>(stage_.hub.find(id)),
                      [&, name = book_.name(id)] { return name + " is not found"; });
    }

    void end() {
        ending_ = stopping_ = true;
        const bool stops = draw().chance(50);
        book_.note([&] { return stops ? "host stops the hub" : "all peers leave"; });
        if (stops) {
            net_.clock.after({}, [this] { stage_.host_stops(); });
            net_.turn();
            add("late").connect(arrival::plain);
        } else {
            for (auto& p : peers_)
                if (p.has_wire()) p.wire().close();
        }
        net_.run(o_.quiet);
        read_all();
        net_.run(o_.quiet);
        stage_.everybody_has_gone();
    }

    stage<MakeHub> stage_;
    const simulation_options& o_;
    ledger& book_;
    network& net_;
    std::deque<simulated_peer> peers_;
    std::vector<std::string> tokens_;      // that somebody had
    std::vector<std::uint32_t> questions_; // that somebody was asked
    bool ending_ = false, stopping_ = false;
};

template <class MakeHub>
simulation_report simulate_once(std::uint64_t seed, const simulation_options& o, MakeHub& make_hub,
                                bool trace) {
    simulation_report r;
    r.seed = seed;
    const auto before = simulated_channel::count();
    {
        simulation<MakeHub> s{seed, o, make_hub, trace ? &r.trace : nullptr};
        s.run(r);
        if (r.failure.empty() && simulated_channel::count() != before)
            r.failure = "channels are left though all have gone";
    }
    return r;
}

} // namespace detail

/** Plays the schedule of one seed to the hub that `make_hub(options)` returns, by value, a `simulated_hub` or
 *  one like it. If it fails it is played again, for the trace; so `make_hub` has to make equal hubs.
 *
 *  Hooks may refuse or answer requests if `hooks_judge` says so; they must not redirect or change them, nor
 *  refuse admissions, and routers must find the holder of the id. */
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

} // namespace sigfire::inline v0_1::test
