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

namespace sigfire::inline v0_1 {

/// A command of a peer, as command functions receive it. The views are valid until the function returns.
struct command_view {
    std::string_view name{};  ///< name of the command, as the peer sent it
    std::string_view from{};  ///< id of the sending peer
    std::string_view to{};    ///< id of the peer that the command names, or empty
    std::string_view topic{}; ///< topic that the command names, or empty
    payload data{};           ///< data of a custom command or of a message; empty if there is none
    bool known = false; ///< the hub knows this command and processes it unless the function replies or fails
};

/** Functions for commands: `hooks{commands{{"exists", f}, {"*", g}}}`. Models Hook.
 *
 *  The hub calls a function for each command of its name, known to the hub or custom. The function `*`
 *  handles each custom command that has no function of its own.
 *
 *  A function replies with `context.reply(data)`. It fails by a returned cause or by `context.fail(text)`. To
 *  decide later, it takes a ticket of `context.defer()` and returns `errc::deferred`. If it does none of
 *  these, the hub processes a known command and replies `ok` to a custom one. `coroutine_hooks.hpp` turns
 *  coroutines into such functions. */
class commands {
public:
    /// A command function. It returns `ok`, `deferred`, or the cause of the failure.
    using function = std::function<errc(message_context&, const command_view&)>;

    /// Takes pairs of a command name and a function. The name `*` matches each custom command without a
    /// function.
    commands(std::initializer_list<std::pair<const std::string, function>> named) : named_(named) {}

    /// Calls the function for the command of `e`. Called by the hub.
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

} // namespace sigfire::inline v0_1
