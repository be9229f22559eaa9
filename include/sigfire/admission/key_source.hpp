// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <concepts>
#include <string>

namespace sigfire::inline v0_1 {

/** KeySource: brings a key that the verifier lacks, by the `kid` of a token. `jwt` awaits it.
 *
 *  `s.fetch(kid)` is a coroutine, `boost::asio::awaitable<errc>`, on the loop of the server. It puts keys
 *  into the `key_set` that the verifier uses. Include `<sigfire/admission/coroutine_hooks.hpp>`.
 *
 *  A source may have `boost::asio::io_context& context()`, the loop of the server. Then a peer that renews
 *  its token waits for the key too. Otherwise its token is refused at once.
 *
 *  Result of `fetch`: `ok` if the key may be there now; the verifier decides. `unknown` if the source knows
 *  no such key. Any other value if the source could not find out: the client is refused with 503 and may come
 *  again.
 *
 *  Laws:
 *  - It ends within a bounded time, also when it is cancelled.
 *  - Calls may overlap. Calls for one key share one question, and a key that was not found is not asked for
 *    again at once. So strangers cannot make the server ask all the time.
 *  - Copies share their state. It outlives the coroutines that it has started.
 *  - It keeps the old keys if it cannot get new ones. */
template <class S>
concept KeySource = std::copy_constructible<S> && requires(S& s, const std::string& kid) {
    s.fetch(kid);
    requires std::same_as<typename decltype(s.fetch(kid))::value_type, errc>;
    typename decltype(s.fetch(kid))::executor_type;
};

} // namespace sigfire::inline v0_1
