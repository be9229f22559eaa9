// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/asio/address_block_of.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/stream_table.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <unordered_map>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The budgets of all connections together, the shares of addresses in them, and the rate of a connection.
template <class Wire, class Loop, class State>
class stream_budget : protected stream_table<Wire, Loop, State> {
    using table = stream_table<Wire, Loop, State>;

protected:
    using table::connections_, table::core_, table::now_, table::read_again_, table::throttled_;
    using table::table;
    using typename table::connection;

    // The bytes that each address holds, while a budget is used up.
    class shares {
    public:
        template <class Bytes>
        shares(stream_budget& all, Bytes bytes, std::size_t budget) : share_{budget / 4} {
            try {
                for (auto& c : all.connections_)
                    if (const auto n = bytes(*c); n != 0) held_[all.source(*c)] += n;
            } catch (const std::bad_alloc&) { // then the budget alone decides
                held_.clear();
            }
        }

        // The address with the most bytes, if that is more than its share and there are others. No block =
        // none.
        address_block largest() const {
            if (held_.size() < 2) return {};
            address_block found{};
            std::size_t most = share_;
            for (const auto& [who, n] : held_)
                if (who && n > most) found = who, most = n;
            return found;
        }

        void subtract(const connection& c, std::size_t n) {
            if (const auto at = held_.find(c.from_); at != held_.end()) at->second -= n;
        }

    private:
        std::size_t share_;
        std::unordered_map<address_block, std::size_t> held_;
    };

    // An address beyond its share makes room for a while, since each search looks at all connections.
    static std::size_t target(std::size_t budget, const address_block& from) {
        return from ? budget - budget / 16 : budget;
    }

    const address_block& source(connection& c) {
        if (!c.from_) c.from_ = address_block_of(numeric_address(core_.loop.remote(c.socket_)));
        return c.from_;
    }

    // Too many incomplete bytes: the connection with the longest time without progress ends, of an address
    // beyond its share if there is one.
    void shed() {
        shares held{*this, held_bytes, core_.limits.incomplete};
        for (address_block from{}; core_.incomplete > target(core_.limits.incomplete, from);) {
            from = held.largest();
            connection* victim = oldest(least_shed, from);
            if (!victim) victim = oldest(1, from);
            if (!victim) return;
            held.subtract(*victim, held_bytes(*victim));
            this->fail(*victim, errc::overloaded);
        }
    }

    connection* oldest(std::size_t least, const address_block& from) {
        connection* found = nullptr;
        std::size_t most = 0;
        for (auto& c : connections_) {
            const auto n = held_bytes(*c);
            if (c->is_.discards || n < least || (from && source(*c) != from)) continue;
            const auto older = found ? static_cast<std::int32_t>(found->grown_ - c->grown_) : 1;
            if (older < 0 || (older == 0 && n <= most)) continue;
            found = c.get();
            most = n;
        }
        return found;
    }

    static std::size_t held_bytes(const connection& c) {
        return c.framing_.incomplete() + (c.kept_ ? c.kept_->size() : 0);
    }

    // Too many unsent bytes of all connections together: the connection with the most ends, of an address
    // beyond its share if there is one.
    void relieve() {
        const auto unsent = [](const connection& c) { return c.is_.cut ? 0 : c.out_.size(); };
        shares held{*this, unsent, core_.limits.unsent};
        for (address_block from{}; core_.totals.unsent > target(core_.limits.unsent, from);) {
            from = held.largest();
            connection* largest = nullptr;
            for (auto& c : connections_)
                if (unsent(*c) > (largest ? unsent(*largest) : 0) && (!from || source(*c) == from))
                    largest = c.get();
            if (!largest) return;
            held.subtract(*largest, unsent(*largest));
            largest->close_slow();
            this->count_unsent(*largest);
        }
    }

    // The peer sent faster than `bytes_per_second`: it is not read until the rate permits.
    void meter(connection& c, std::uint64_t bytes) {
        if (c.silent() || bytes == 0) return;
        const double rate = core_.limits.bytes_per_second;
        const auto time_of = [rate](double n) {
            return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{n / rate});
        };
        c.paid_ =
            std::max(c.paid_, now_ - time_of(core_.limits.bytes_burst)) + time_of(static_cast<double>(bytes));
        if (c.paid_ <= now_ || (c.is_.held & connection::by_rate) != 0) return;
        c.hold_for(connection::by_rate);
        throttled_.push_back(&c);
        read_again_ = std::min(read_again_, c.paid_);
        c.mark();
    }

    // Reads connections again that have waited long enough.
    void end_throttling() {
        read_again_ = time_point::max();
        std::erase_if(throttled_, [this](connection* c) {
            if (!c->silent() && c->paid_ > now_) {
                read_again_ = std::min(read_again_, c->paid_);
                return false;
            }
            c->let_go(connection::by_rate);
            c->mark();
            return true;
        });
    }

    // Fewer incomplete bytes are not worth the end of a connection.
    static constexpr std::size_t least_shed = 4096;
};

} // namespace sigfire::inline v0_1::detail
