// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/asio/completion.hpp>

#include <boost/asio/async_result.hpp>

#include <memory>
#include <utility>

namespace sigfire::inline v0_1::detail {

template <class>
struct completion_of;
template <class... Args>
struct completion_of<void(Args...)> {
    using type = completion<Args...>;
};

/** Starts an asynchronous operation of `Signature`. When the token initiates the operation, it calls
 *  `f(*core, completion, args...)`. A deferred operation owns the core, since the core's owner may be gone
 *  by then. */
template <class Signature, class Core, class Token, class F, class... Args>
auto start_operation(Token& token, std::shared_ptr<Core> core, F f, Args... args) {
    return boost::asio::async_initiate<Token, Signature>(
        [core = std::move(core), f](auto handler, Args... given) {
            f(*core, typename completion_of<Signature>::type{std::move(handler), core->executor()}, given...);
        },
        token, std::move(args)...);
}

} // namespace sigfire::inline v0_1::detail
