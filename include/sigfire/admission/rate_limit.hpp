// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/grants.hpp>
#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/core/token_bucket.hpp>
#include <sigfire/hub/hooks.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// A rate for one command of each peer, see `rate_limit`.
struct command_rate {
    std::string command;          ///< name of the command on the wire: `lookup`
    std::uint32_t per_second = 1; ///< requests per second, on average; 0 = no limit
    std::uint32_t burst = 10;     ///< requests at once
};

/// Settings of `rate_limit`. In each rate, 0 = no limit.
struct rate_limit_options {
    std::uint32_t per_second = 100;          ///< messages of one peer per second, on average
    std::uint32_t burst = 500;               ///< messages of one peer at once
    std::uint32_t address_per_second = 1000; ///< messages of all peers of one address per second
    std::uint32_t address_burst = 5000;      ///< messages of all peers of one address at once
    std::vector<command_rate> commands{};    ///< rates of single commands, at most 16
};

/** Limits how fast peers send. Models Hook: `hooks{rate_limit{}}`.
 *
 *  Each peer has a token bucket, each address (see `address_block`) has one for all its peers, and each peer
 *  has one for each command of `rate_limit_options::commands`. A message costs one token, or more if it costs
 *  the server more: `authenticate`, `lookup` and `watch` cost 10; `join`, `publish`, `create` and
 *  `update` cost 5; `info` and `exists` cost 2. Acknowledgements and resumes cost nothing. A message without
 * enough tokens ends with `rate`, and costs nothing. On sigfire's own wires the reply has `retry_after`, and
 * the welcome has the rate of the peer. A wire without such a reply gets none: choose a `burst` that its
 * clients do not exceed.
 *
 *  A hook in front may set `admission::rate` for a peer of its own rate, or attach `grants` with one.
 *
 *  One thread: that of the hub. Each message costs one or two look-ups. Memory: 64 bytes a slot, 16 more for
 * each command with a rate, and about 100 bytes an address; addresses without peers are forgotten when their
 * bucket is full again. */
class rate_limit {
public:
    /// Takes the settings.
    explicit rate_limit(rate_limit_options options = {}) : options_(std::move(options)) {
        if (options_.commands.size() > 16) options_.commands.resize(16);
    }

    /// Sets the rate of the peer, unless a hook in front has. Returns `ok`.
    errc on_admit(const request&, admission& a) const noexcept {
        const auto* const granted = a.attached.find<grants>();
        if (a.rate.per_second == 0 && granted != nullptr && granted->message_rate != 0)
            a.rate = {granted->message_rate, std::max(granted->message_rate, granted->message_burst)};
        if (a.rate.per_second == 0) a.rate = {options_.per_second, options_.burst};
        return errc::ok;
    }

    /// Gives the peer its buckets.
    void on_open(peer_handle peer, const admission& a) {
        if (peers_.size() <= peer.slot) peers_.resize(peer.slot + 1);
        peer_state fresh{.rate = a.rate, .address = a.address};
        fresh.commands.resize(options_.commands.size());
        if (fresh.address) ++addresses_[fresh.address].peers;
        peers_[peer.slot] = std::move(fresh);
    }

    /// Takes the cost of a message from the buckets of its sender. Causes: `rate`.
    template <class E>
    errc on_message(message_context& context, E& e) {
        const auto from = context.from().slot;
        return from < peers_.size() ? spend(context, peers_[from], e.command, cost_of<E>) : errc::ok;
    }

    /// Writes the metrics of the hook, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.counter("rate_limited_total", "Messages that were refused with `rate`.", refused_);
    }

    /// Number of refused messages so far.
    std::uint64_t refused() const noexcept { return refused_; }

    /// Forgets the peer.
    void on_close(peer_handle peer, errc) {
        if (peer.slot >= peers_.size()) return;
        const auto p = std::exchange(peers_[peer.slot], {});
        const auto at = addresses_.find(p.address);
        if (at != addresses_.end() && --at->second.peers == 0 && ++idle_ > addresses_.size() / 2 + 1000)
            forget_idle();
    }

    /// Number of addresses in memory.
    std::size_t addresses() const noexcept { return addresses_.size(); }

private:
    struct peer_state {
        event::rate_terms rate{};
        address_block address{};
        token_bucket all{};
        std::vector<token_bucket> commands{}; // as in the options
    };
    struct address_state {
        token_bucket all;
        std::size_t peers = 0;
    };
    // A bucket that a message costs.
    struct debit {
        token_bucket* bucket;
        double per_second, burst;
    };

    template <class E, class... Es>
    static constexpr bool is_any = (std::is_same_v<E, Es> || ...);
    template <class E>
    static constexpr double cost_of =
        is_any<E, event::authenticate, event::lookup, event::watch>            ? 10
        : is_any<E, event::join, event::publish, event::create, event::update> ? 5
        : is_any<E, event::info, event::exists>                                ? 2
                                                                               : 1;

    errc spend(message_context& context, peer_state& p, std::string_view command, double cost) {
        now_ = context.now();
        std::array<debit, 3> debits;
        std::size_t n = 0;
        const auto add = [&](token_bucket& b, std::uint32_t per_second, std::uint32_t burst) {
            debits[n++] = {&b, static_cast<double>(per_second), static_cast<double>(burst)};
        };
        add(p.all, p.rate.per_second, p.rate.burst);
        const auto at = options_.address_per_second == 0 ? addresses_.end() : addresses_.find(p.address);
        if (at != addresses_.end()) add(at->second.all, options_.address_per_second, options_.address_burst);
        for (std::size_t i = 0; i < p.commands.size(); ++i)
            if (const auto& c = options_.commands[i]; c.command == command) {
                add(p.commands[i], c.per_second, c.burst);
                break;
            }
        std::chrono::milliseconds wait{0};
        for (const auto& d : std::span{debits}.first(n))
            wait = std::max(wait, d.bucket->wait(cost, now_, d.per_second, d.burst));
        if (wait.count() != 0) return ++refused_, context.retry_after(wait);
        for (const auto& d : std::span{debits}.first(n)) d.bucket->take(cost, now_, d.per_second, d.burst);
        return errc::ok;
    }

    // Forgets addresses without peers that have nothing spent.
    void forget_idle() {
        idle_ = 0;
        const double burst = static_cast<double>(options_.address_burst);
        std::erase_if(addresses_, [&](auto& a) {
            auto& [who, state] = a;
            return state.peers == 0 &&
                   state.all.wait(burst, now_, options_.address_per_second, burst).count() == 0;
        });
    }

    rate_limit_options options_;
    std::vector<peer_state> peers_; // by slot
    std::unordered_map<address_block, address_state> addresses_;
    time_point now_{}; // of the last message
    std::uint64_t refused_ = 0;
    std::size_t idle_ = 0; // addresses that lost their last peer since the last look
};

} // namespace sigfire::inline v0_1
