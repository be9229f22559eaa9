// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <boost/asio/execution_context.hpp>

#include <cstddef>

namespace sigfire::inline v0_1::detail {

/// Totals of all engines of one io_context. One thread at a time.
class loop_totals : public boost::asio::execution_context::service {
public:
    using key_type = loop_totals;
    inline static boost::asio::execution_context::id id;

    explicit loop_totals(boost::asio::execution_context& c) : service{c} {}

    std::size_t unsent = 0; ///< bytes that wait for slow peers

private:
    void shutdown() override {}
};

} // namespace sigfire::inline v0_1::detail
