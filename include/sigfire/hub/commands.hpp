// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>
#include <sigfire/hub/hooks.hpp>

#include <concepts>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/// A command of a peer, as functions for commands see it. Its views are valid until the function returns.
struct command_view {
    std::string_view name{};  ///< the command
    std::string_view from{};  ///< id of the peer that sends it
    std::string_view to{};    ///< id of the peer that it names, if any
    std::string_view topic{}; ///< the topic that it names, if any
    payload data{};           ///< of a command of your own, or of a message; empty if there is none
    bool known = false; ///< the hub knows this command, and goes on with it if the function does not answer
};

/** Functions for commands: `hooks{commands{{"exists", f}, {"*", g}}}`. Models Hook.
 *
 *  A function is called for its command, be it one that the hub knows or one of your own, and `*` for all
 *  of which nobody else knows. It answers by `context.reply(data)`, or fails by a cause or
 * `context.fail(text)`, now or by a ticket of `context.defer()`. If it does neither, a command that the hub
 * knows goes its way, and the reply to another is `ok`. `coroutine_hooks.hpp` makes functions of coroutines.
 */
class commands {
public:
    using function = std::function<errc(message_context&, const command_view&)>;

    commands(std::initializer_list<std::pair<const std::string, function>> named) : named_(named) {}

    template <std::derived_from<event::incoming> E>
    errc on_message(message_context& context, E& e) {
        constexpr bool known = !std::same_as<E, event::custom>;
        auto found = named_.find(e.command);
        if (found == named_.end() || e.command == "*") found = known ? named_.end() : named_.find("*");
        if (found == named_.end()) return errc::ok;
        command_view c;
        c.name = e.command;
        c.from = context.id();
        c.known = known;
        if constexpr (requires { e.to; }) c.to = e.to;
        if constexpr (requires { e.topic; }) c.topic = e.topic;
        if constexpr (requires { e.data; }) c.data = e.data;
        const errc cause = found->second(context, c);
        if (cause == errc::ok && !known && !context.answered()) context.reply();
        return cause;
    }

private:
    std::map<std::string, function, std::less<>> named_;
};

} // namespace sigfire
