// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/message.hpp>
#include <sigfire/net/engine/buffer_pool.hpp>
#include <sigfire/net/engine/loop_totals.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/stream_counters.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Connections that wait to be settled, first in, first out. `N` is the number of the list.
template <class Connection, std::size_t N>
class settle_list {
public:
    bool empty() const noexcept { return first_ == nullptr; }

    void push(Connection& c) noexcept {
        if (c.waits_[N]) return;
        c.waits_[N] = true;
        c.next_[N] = nullptr;
        if (first_)
            last_->next_[N] = &c;
        else
            first_ = &c;
        last_ = &c;
    }

    Connection& pop() noexcept {
        auto& c = *first_;
        first_ = c.next_[N];
        c.waits_[N] = false;
        return c;
    }

private:
    Connection* first_ = nullptr;
    Connection* last_ = nullptr;
};

/// The state that the connections of one engine share. A connection has no other access to its engine.
template <class Connection, class Loop>
struct stream_core {
    stream_core(boost::asio::io_context& io, turn_function turn, void* engine, const stream_limits& l)
        : loop{io, turn, engine}, totals{boost::asio::use_service<loop_totals>(io)}, limits{checked(l)} {}

    Loop loop;
    buffer_pool pool;
    stream_counters counters;
    loop_totals& totals;
    stream_limits limits;
    settle_list<Connection, 0> prompt; // connections with output, or with an end to perform
    settle_list<Connection, 1> bulk;   // the same, if much other output waited already
    std::size_t unflushed = 0;         // bytes written since the last flush
    std::size_t slice_bytes = 0;       // beyond so many unflushed bytes, a connection's slice ends
    std::size_t incomplete = 0;        // received bytes that are not delivered yet
    std::size_t opening = 0;           // connections without an answer yet
    std::uint32_t now = 0;             // ms on the engine's clock, constant within a turn
    int slice = 0;                     // messages until the next look at the slice
    bool in_turn = false;
    std::string_view upgrade_key; // while a connection is opening
    char* frame = nullptr;        // between reserve and commit
    std::size_t head = 0;
    message_type type = message_type::text;
};

} // namespace sigfire::inline v0_1::detail
