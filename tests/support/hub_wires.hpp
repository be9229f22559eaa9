// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// A hub with chosen parts, and far ends that note what they are told: no codec, no transport.
namespace hub_wires {

using namespace sigfire;
using namespace std::chrono_literals;
using script = std::vector<std::string>;

inline void same(const script& got, const script& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

/// The far end of a channel: notes what it is told, in one list for all wires.
struct wire {
    std::string name;
    script* notes = nullptr;
    bool full = false, can_ping = true, held = false;
    int pings = 0;
    errc ended = errc::ok;
    attachment who;
    std::string welcomed_as, last_id, configuration;

    void note(const std::string& text) const {
        if (notes != nullptr) notes->push_back(name + " " + text);
    }
};

/// A channel that knows all events.
struct recorder {
    wire* w;

    template <class E>
    errc ready(const E& e, std::size_t& bound) const {
        if constexpr (requires { e.id; }) BOOST_TEST(!e.id.empty());
        bound = 1;
        if (w->full) w->note("cannot take it");
        return w->full ? errc::full : errc::ok;
    }
    template <class E>
    void deliver(const E& e, std::size_t) const {
        deliver(e);
    }
    template <class E>
    void deliver(const E& e, fanout&) const {
        deliver(e);
    }
    template <class E>
    void deliver(const E& e) const {
        if constexpr (requires { e.id; }) w->last_id = e.id;
        if constexpr (std::is_same_v<E, event::welcome>) {
            w->welcomed_as = e.peer;
            w->configuration = e.configuration.bytes;
            w->note("welcome");
        } else if constexpr (std::is_same_v<E, event::reply>) {
            w->note("reply " + std::string{e.token.bytes} + ": " +
                    std::string{e.text.empty() ? to_string(e.cause) : e.text} + std::string{e.data.bytes});
        } else if constexpr (std::is_same_v<E, event::send>) {
            w->note(std::string{e.command} + " from <" + std::string{e.from} + "> " +
                    std::string{e.data.bytes});
        } else {
            w->note("something else");
        }
    }
    template <class E>
    bool has_room(const E&) const {
        return !w->full;
    }
    bool ping() const {
        w->pings += w->can_ping;
        return w->can_ping;
    }
    void hold() const { w->held = true; }
    void release() const { w->held = false; }
    void close(errc why) const {
        w->ended = why;
        w->note("closed: " + std::string{to_string(why)});
    }
};
static_assert(Channel<recorder>);

/// A log that keeps what it is told: `! ` in front of warnings, `!! ` in front of errors.
struct line_log {
    script* lines = nullptr;
    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        std::string text{level == log_level::error ? "!! " : level == log_level::warn ? "! " : ""};
        text += event;
        for (const auto& f : fields) text += " " + std::string{f.name} + "=" + std::string{f.value};
        lines->push_back(text);
    }
};

template <class Router = direct_router, class Log = no_log, class Hooks = no_hooks,
          class Features = features<>, class Rules = permit_all>
struct bench {
    using hub_type = hub<local_registry, Router, recorder, Log, Hooks, Features, Rules>;

    script notes;
    std::deque<wire> wires;
    hub_type h;
    time_point now{1h};

    explicit bench(const hub_options& o = {}, Log log = {}, Hooks chain = {}, Features parts = {},
                   Rules rules = {})
        : h(o, {}, {}, std::move(log), std::move(chain), std::move(parts), std::move(rules)) {
        h.tick(now);
    }

    wire& add(std::string name) {
        wire& w = wires.emplace_back();
        w.name = std::move(name);
        w.notes = &notes;
        return w;
    }
    wire& connect(std::string name, const admission& wish) {
        wire& w = add(std::move(name));
        if (const auto r = h.opened({&w}, wish))
            w.who = *r;
        else
            w.ended = static_cast<errc>(r.error().value());
        return w;
    }
    wire& connect(std::string name, const std::string& id) {
        admission wish;
        wish.id = id;
        return connect(std::move(name), wish);
    }
    wire& connect(const std::string& name) { return connect(name, name); }

    /// A peer sends an event of that type.
    template <class E = event::send>
    void say(wire& w, std::string_view to, std::string_view command = "offer", std::string_view token = "r1",
             errc fault = errc::ok) {
        E e;
        e.token.bytes = token;
        e.command = command;
        e.fault = fault;
        if constexpr (requires { e.to; }) e.to = to;
        if constexpr (requires { e.from; }) e.from = "forged";
        if constexpr (requires { e.data; }) e.data.bytes = "{}";
        h.received(w.who, e);
    }

    script take() { return std::exchange(notes, {}); }
    time_point pass(clock::duration d) { return h.tick(now += d); }
    /// How long the hub can do without being told the time, once `d` has passed.
    clock::duration wait_after(clock::duration d) { return pass(d) - now; }
};

/// The same with hooks: `hooked b{hooks{mine{}}};`
template <class... Hs>
struct hooked : bench<direct_router, no_log, hooks<Hs...>> {
    explicit hooked(hooks<Hs...> chain)
        : bench<direct_router, no_log, hooks<Hs...>>({}, {}, std::move(chain)) {}
};

} // namespace hub_wires
