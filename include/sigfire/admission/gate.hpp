// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/gate_table.hpp>
#include <sigfire/admission/gate_options.hpp>
#include <sigfire/core/asio/address_block_of.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/proxy/network_list.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** Limits the connections of each address, and bans addresses that fail too often. One gate serves any number
 *  of listeners and threads; copies of a gate share its state.
 *
 *  Give it to each transport, and to the hooks, which report failed admissions:
 *  `gate g; server srv{websocket{io, {.port = 3003, .gate = g}}, hooks{bearer{check}, g}};`
 *
 *  An address is one `address_block`: an IPv4 address, or an IPv6 network of 64 bits. Connections without an
 *  address (Unix sockets) count only for `gate_options::connections`.
 *
 *  The server closes a connection that the gate refuses, before it reads a byte. Behind a trusted proxy, the
 *  client gets an HTTP status. Causes: `rate` (429) for too many connections of its address, `denied` (403)
 *  for a banned address, `overloaded` (503) for too many connections in all.
 *
 *  Models Hook, and converts to `accept_gate`. Thread-safe. Memory: about 150 bytes for each known address.
 */
class gate {
public:
    /// Takes the settings.
    /// @throws std::invalid_argument if `gate_options::exempt` has a text that is no network
    explicit gate(gate_options options = {}) : state_(std::make_shared<state>(std::move(options))) {}

    /// The functions for a transport. They share the state of this gate, and may outlive it.
    operator accept_gate() const {
        return {[s = state_](std::string_view remote) {
                    const std::lock_guard lock{s->mutex};
                    return s->table.enter(s->block_of(remote), s->options.now());
                },
                [s = state_](std::string_view remote) {
                    const std::lock_guard lock{s->mutex};
                    s->table.leave(s->block_of(remote));
                }};
    }

    /// Counts the failure of a connection; enough failures of an address ban it. Failures are refusals with
    /// `denied`, `bad_handshake` and `tls_failed`.
    void on_outcome(const outcome& o) {
        if (o.peer ||
            (o.cause != errc::denied && o.cause != errc::bad_handshake && o.cause != errc::tls_failed))
            return;
        const std::lock_guard lock{state_->mutex};
        state_->table.failed(state_->block_of(o.remote), state_->options.now());
    }

    /** Bans an address. Its open connections stay open.
     *  @param remote a numeric address
     *  @param duration milliseconds until the ban ends
     *  @return whether `remote` is an address, and not exempt */
    bool ban(std::string_view remote, std::chrono::milliseconds duration) {
        const std::lock_guard lock{state_->mutex};
        const auto who = state_->block_of(remote);
        if (!who) return false;
        state_->table.ban(who, state_->options.now(), duration);
        return true;
    }

    /// Ends the ban of an address, and forgets its failures. Returns whether it was banned.
    bool unban(std::string_view remote) {
        const std::lock_guard lock{state_->mutex};
        return state_->table.unban(state_->block_of(remote), state_->options.now());
    }

    /// Whether an address is banned now.
    bool is_banned(std::string_view remote) const {
        const std::lock_guard lock{state_->mutex};
        return state_->table.is_banned(state_->block_of(remote), state_->options.now());
    }

    /// A banned address.
    struct banned {
        std::string address;                 ///< IPv4 address, or IPv6 network: `2001:db8::/64`
        std::chrono::milliseconds remaining; ///< time until the ban ends
    };
    /// The banned addresses, in no order.
    std::vector<banned> bans() const {
        std::vector<banned> out;
        const std::lock_guard lock{state_->mutex};
        const auto now = state_->options.now();
        state_->table.for_each_ban(now, [&](const address_block& who, time_point until) {
            out.push_back({to_string(who), std::chrono::ceil<std::chrono::milliseconds>(until - now)});
        });
        return out;
    }

    /// Writes the metrics of the gate, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.gauge("bans", "Banned addresses.", bans().size());
        out.gauge("gate_connections", "Open connections that the gate counts.", connections());
    }

    /// Number of open connections that the gate counts.
    std::size_t connections() const {
        const std::lock_guard lock{state_->mutex};
        return state_->table.connections();
    }

private:
    struct state {
        explicit state(gate_options o) : options(std::move(o)), exempt(options.exempt), table(options) {
            if (!exempt.valid())
                throw std::invalid_argument{
                    "sigfire: gate_options::exempt has a text that is no network; write "
                    "10.0.0.0/8 or 2001:db8::/32"};
        }
        // No block for exempt addresses: they count as connections without an address.
        address_block block_of(std::string_view remote) const {
            return remote.empty() || exempt.contains(remote) ? address_block{} : address_block_of(remote);
        }

        gate_options options;
        detail::network_list exempt;
        std::mutex mutex;
        detail::gate_table table;
    };

    static std::string to_string(const address_block& who) {
        namespace ip = boost::asio::ip;
        ip::address_v6::bytes_type bytes;
        for (std::size_t i = 0; i < 8; ++i) {
            bytes[i] = static_cast<unsigned char>(who.high >> (56 - 8 * i));
            bytes[i + 8] = static_cast<unsigned char>(who.low >> (56 - 8 * i));
        }
        const ip::address_v6 a{bytes};
        if (a.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a).to_string();
        return a.to_string() + (who.low == 0 ? "/64" : "");
    }

    std::shared_ptr<state> state_;
};

} // namespace sigfire::inline v0_1
