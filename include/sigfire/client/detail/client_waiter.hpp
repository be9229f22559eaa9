// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/server_message.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/error.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>

namespace sigfire::inline v0_1::detail {

/// The operation that waits for the reply to a request, or none.
class client_waiter {
public:
    using without_data = completion<error_code>;
    using with_data = completion<error_code, std::string>;
    /// Called before the user's handler, for the client itself. `reply` is empty if none came.
    using first = std::function<void(error_code why, const server_reply& reply)>;

    client_waiter() = default;
    client_waiter(without_data done) : done_{std::move(done)} {}
    client_waiter(with_data done) : done_{std::move(done)} {}

    std::uint64_t number = 0; ///< of the request
    first then;               ///< may be empty

    template <class F>
    void on_cancel(boost::asio::cancellation_type kinds, F f) const {
        if (const auto d = std::get_if<without_data>(&done_))
            d->on_cancel(kinds, std::move(f));
        else if (const auto e = std::get_if<with_data>(&done_))
            e->on_cancel(kinds, std::move(f));
    }

    /// Ends the wait. Only once.
    void settle(error_code why, const server_reply& reply = {}) {
        if (then) then(why, reply);
        if (const auto d = std::get_if<without_data>(&done_))
            d->complete(why);
        else if (const auto e = std::get_if<with_data>(&done_))
            e->complete(why, std::string{reply.data.bytes});
    }

private:
    std::variant<std::monostate, without_data, with_data> done_;
};

} // namespace sigfire::inline v0_1::detail
