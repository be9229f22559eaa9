// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/json.hpp>
#include <sigfire/detail/json_scan.hpp>
#include <sigfire/detail/json_wire.hpp>
#include <sigfire/detail/pending_calls.hpp>
#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>
#include <sigfire/message.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::detail {

/** What a client makes of messages: the welcome, its requests and their replies. Does no I/O, reads no
 *  clock. */
template <class Waiter>
class client_session {
public:
    pending_calls<Waiter> calls; ///< the requests whose reply is awaited

    /** Appends the request to `out`. `data` is JSON or empty.
     *  @returns `malformed` if the message would not be valid JSON in UTF-8 that says just this, `too_large`
     *  if it is over `limit` bytes; `out` is then as it was. */
    static errc compose(std::uint64_t number, std::string_view to, std::string_view command,
                        std::string_view data, std::size_t limit, std::string& out) {
        while (!data.empty() && is_json_blank(data.front())) data.remove_prefix(1);
        while (!data.empty() && is_json_blank(data.back())) data.remove_suffix(1);
        const auto id = '"' + (prefix + std::to_string(number)) + '"';
        envelope e;
        e.what = verb::send;
        e.id = id;
        e.to = to;
        e.command = command;
        e.data.bytes = data;
        const codec::json_client::state st;
        const auto size = codec::json_client{}.bound(e, st);
        if (size == 0) return errc::malformed;
        if (size > limit) return errc::too_large;
        const auto start = out.size();
        out.resize(start + size);
        out.resize(start + codec::json_client{}.encode(e, st, out.data() + start));

        // One look at the whole tells more than one at each part: nesting, UTF-8, and that `data` is one
        // value, not one with further members behind it.
        json_scanner text{std::string_view{out}.substr(start)};
        json_request_members seen;
        if (read_members(text, seen) && seen.data == data && seen.id == id) return errc::ok;
        out.resize(start);
        return errc::malformed;
    }

    /** Reads a message of the server's and calls one of `to.on_welcome(envelope&)`, `to.on_reply(Waiter,
     *  errc)`, `to.on_signal(envelope&)`, or none. Replies nobody waits for are ignored, so are further
     *  welcomes.
     *  @returns why the connection has to end, or `ok`: `bad_welcome` if the first message is another. */
    template <class Handler>
    errc received(message m, Handler&& to) {
        codec::json_client::state st;
        bool welcome = false;
        const auto e = codec::json_client{}.decode(m, st, [&](envelope& said) {
            welcome = said.what == verb::welcome;
            if (welcome != !greeted_) return;
            if (welcome) {
                greeted_ = true;
                to.on_welcome(said);
            } else if (said.what == verb::send) {
                to.on_signal(said);
            } else if (said.what == verb::reply) {
                calls.forget(number_of(said.id), [&](Waiter w) { to.on_reply(std::move(w), said.status); });
            }
        });
        return e == errc::ok && !greeted_ ? errc::bad_welcome : e;
    }

private:
    // So that an id is true in JavaScript, whatever the number.
    static constexpr char prefix[] = "r";

    // The request that a reply's id names; 0 = none of ours.
    static std::uint64_t number_of(std::string_view id) noexcept {
        if (id.size() < 4 || id[0] != '"' || id[1] != prefix[0]) return 0;
        return pending_calls<Waiter>::number(id.substr(2, id.size() - 3));
    }

    bool greeted_ = false;
};

} // namespace sigfire::detail
