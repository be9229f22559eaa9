// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/ledger.hpp"
#include "support/simulation/network.hpp"
#include "support/simulation/simulation_options.hpp"
#include "support/simulation/transport.hpp"
#include <sigfire/codec/json.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/listener.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/// sigfire's JSON, where a peer gets the id that it asks for: `/?id=x`. Models Codec.
class simulated_json : public codec::json {
public:
    errc open(const request& rq, state& st, admission& ad) const {
        ad.id = rq.query("id");
        return json::open(rq, st, ad);
    }
};

using simulated_connection = transport::connection<connection_state<simulated_json>>;

/// The channel of a simulated hub: it counts its copies, so that a hub which keeps one too long is found out.
class simulated_channel : public channel<simulated_connection, simulated_json> {
    using base = channel<simulated_connection, simulated_json>;

public:
    simulated_channel(base way) noexcept : base(way) { ++count(); }
    simulated_channel(const simulated_channel& other) noexcept : base(other) { ++count(); }
    simulated_channel& operator=(const simulated_channel&) noexcept = default;
    ~simulated_channel() { --count(); }

    /// How many there are in this thread.
    static std::size_t& count() noexcept {
        thread_local std::size_t n = 0;
        return n;
    }
};

/// The hub that is simulated, with parts of your choice.
template <class Registry = local_registry, class Router = direct_router, class Log = no_log,
          class Hooks = no_hooks, class Features = features<>>
using simulated_hub = hub<Registry, Router, simulated_channel, Log, Hooks, Features>;

/** A hub behind a real listener on a network in memory, watched by a ledger. `make_hub(options)` returns the
 *  hub, by value. Stays where it is. */
template <class MakeHub>
class stage {
public:
    stage(std::uint64_t seed, const simulation_options& o, MakeHub& make_hub, std::vector<std::string>* trace)
        : options(o), book(options, trace), net(seed, o.network, &book), hub(make_hub(options)),
          listener_(transport{net}, simulated_json{}, hub) {
        book.watch(net);
        error_code ec;
        listener_.open(ec);
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    const simulation_options options;
    ledger book;
    network net;
    decltype(std::declval<MakeHub&>()(std::declval<const simulation_options&>())) hub;

    /// Whether the hub knows the peers that it should know.
    void count() {
        book.law(hub.size() == book.holders().size(), [] { return "the hub miscounts its peers"; });
    }

    /// The host program sends something to `target`.
    void host_sends(std::string target) {
        simulated_request r;
        r.by_host = true;
        r.target = std::move(target);
        r.command = "news";
        const auto n = book.next_number();
        r.data = R"({"n":)" + std::to_string(n) + "}";
        const auto to = r.target, data = r.data;
        book.request(std::move(r));
        book.host_asks(n);
        book.host_hears(n, hub.send(to, "news", data));
    }

    /// The host program closes the holder of that id.
    void host_closes(const std::string& id) {
        book.note([&] { return "host closes " + book.name(id); });
        const bool there = book.holder(id) != nullptr;
        book.host_closes(id);
        book.law(hub.close(id, errc::denied) == there, [] { return "close is mistaken about an id"; });
    }

    /// The host program stops the hub.
    void host_stops() {
        book.before_host();
        book.host_stops();
        hub.stop();
        book.after_host();
        book.law(hub.size() == 0, [] { return "a hub that was stopped has peers"; });
    }

    /// When all have gone: nothing is left of them.
    void everybody_has_gone() {
        std::size_t left = hub.size();
        hub.for_each([&](auto...) { ++left; });
        book.law(left == 0, [] { return "peers are left though all have gone"; });
        for (const auto& l : net.links()) {
            book.law(l.told(), [&] { return journal::name(l) + " was never closed"; });
            book.law(!l.open(), [&] { return journal::name(l) + " was not told that it is closed"; });
        }
    }

private:
    listener<transport, simulated_json, decltype(hub)> listener_;
};

} // namespace sigfire::inline v0_1::test
