// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/pending_calls.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/scan.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

namespace json = boost::json;

// The messages of both sides, with the member names and order of Wormhole 2.x.

inline json::string_view rpc_text(std::string_view s) noexcept {
    return {s.data(), s.size()};
}

inline json::object rpc_body(std::string_view name, json::array args) {
    json::object data;
    data.emplace("name", rpc_text(name));
    if (!args.empty()) data.emplace("args", std::move(args));
    return data;
}

inline json::value rpc_event(std::string_view name, json::array args) {
    json::object o;
    o.emplace("cmd", "event");
    o.emplace("data", rpc_body(name, std::move(args)));
    return o;
}

inline json::value rpc_command(std::uint64_t number, std::string_view name, json::array args) {
    json::object o;
    o.emplace("cmd", "call-command");
    o.emplace("reqId", std::to_string(number));
    o.emplace("data", rpc_body(name, std::move(args)));
    return o;
}

/// `result` is empty for a command that returns nothing.
inline json::value rpc_succeeded(json::value id, std::optional<json::value> result) {
    json::object o;
    o.emplace("cmd", "command-result");
    o.emplace("resId", std::move(id));
    o.emplace("ok", true);
    if (result) {
        json::object data;
        data.emplace("result", *std::move(result));
        o.emplace("data", std::move(data));
    }
    return o;
}

inline json::value rpc_failed(json::value id, std::string_view text) {
    json::object data;
    data.emplace("message", rpc_text(text));
    json::object o;
    o.emplace("cmd", "command-result");
    o.emplace("resId", std::move(id));
    o.emplace("ok", false);
    o.emplace("data", std::move(data));
    return o;
}

inline constexpr std::string_view rpc_no_command = "Missing function for command '";

/// The failure with the text of a reply; `denied` for an unknown text.
inline errc rpc_cause(std::string_view text) noexcept {
    return text.starts_with(rpc_no_command) ? errc::unknown_command : cause_from(text);
}

/// A reply to a call.
struct rpc_reply {
    errc status = errc::ok;            ///< `ok`, or `rpc_cause(message)`
    std::optional<json::value> result; ///< empty = nothing, or a value that is false in JavaScript
    std::string message;               ///< text of a failure
};

/** The protocol state of one side: events, commands, and the replies to its calls. Does no I/O, reads no
 *  clock. */
template <class Waiter>
class rpc_session {
public:
    static constexpr std::size_t id_limit = 256; ///< most bytes of the id of a call

    pending_calls<Waiter> calls; ///< calls that wait for a reply

    /** Reads a message and calls at most one function of `to`: `on_event(json::value whole)`,
     *  `on_command(json::value id, std::string name, json::array args)`, `on_reply(Waiter,
     *  rpc_reply)` or `on_other(json::value)`. Ignores empty messages, replies without a waiting call, and
     *  node's internal messages. An event is passed whole: see `event_name` and `event_arguments`.
     *  @returns `ok`, or `malformed` if the message is not JSON; the connection must then end */
    template <class Handler>
    errc received(message m, Handler&& to) {
        if (m.bytes.empty()) return errc::ok;
        json::parse_options options;
        options.max_depth = json_max_depth;
        error_code ec;
        auto v = json::parse(rpc_text(m.view()), ec, {}, options);
        if (ec) return errc::malformed;
        const auto cmd = text_at(v, "cmd");
        if (!cmd) return to.on_other(std::move(v)), errc::ok;
        if (cmd->starts_with("NODE_")) return errc::ok;
        auto& o = v.get_object();
        if (*cmd == "event" && body(o)) return to.on_event(std::move(v)), errc::ok;
        if (*cmd == "call-command" && body(o)) {
            const auto id = o.if_contains("reqId");
            if (id && (id->is_number() || (id->is_string() && id->get_string().size() <= id_limit))) {
                auto& data = o.at("data").get_object();
                to.on_command(std::move(*id), std::string{*text_at(o.at("data"), "name")}, arguments(data));
                return errc::ok;
            }
        }
        if (*cmd == "command-result" && reply(o, to)) return errc::ok;
        to.on_other(std::move(v));
        return errc::ok;
    }

    /// Name and arguments of an event that `received` has passed on.
    static std::string_view event_name(const json::value& event) {
        return *text_at(event.get_object().at("data"), "name");
    }
    static json::array event_arguments(const json::value& event) {
        json::array none;
        const auto args = event.get_object().at("data").get_object().if_contains("args");
        return args && args->is_array() ? args->get_array() : none;
    }

private:
    static std::optional<std::string_view> text_at(const json::value& v, const char* key) {
        const auto o = v.if_object();
        const auto text = o ? o->if_contains(key) : nullptr;
        if (!text || !text->is_string()) return {};
        return std::string_view{text->get_string().data(), text->get_string().size()};
    }

    // Whether there are a name and arguments. JavaScript may write absent arguments as `null`.
    static bool body(const json::object& o) {
        const auto data = o.if_contains("data");
        if (!data || !text_at(*data, "name")) return false;
        const auto args = data->get_object().if_contains("args");
        return !args || args->is_array() || args->is_null();
    }

    static json::array arguments(json::object& data) {
        const auto args = data.if_contains("args");
        return args && args->is_array() ? std::move(args->get_array()) : json::array{};
    }

    // The number of the call that the reply answers; 0 = no call of this side.
    static std::uint64_t number_of(const json::object& o) noexcept {
        const auto id = o.if_contains("resId");
        if (!id || !id->is_string()) return 0;
        const auto& text = id->get_string();
        return pending_calls<Waiter>::number({text.data(), text.size()});
    }

    // Returns false if the message is not a reply.
    template <class Handler>
    bool reply(json::object& o, Handler& to) {
        const auto ok = o.if_contains("ok");
        if (!ok || !ok->is_bool() || !o.contains("resId")) return false;
        calls.forget(number_of(o), [&](Waiter w) {
            rpc_reply r;
            const auto data = o.if_contains("data");
            const auto members = data ? data->if_object() : nullptr;
            if (ok->get_bool()) {
                if (const auto result = members ? members->if_contains("result") : nullptr)
                    r.result = std::move(*result);
            } else {
                if (const auto text = data ? text_at(*data, "message") : std::nullopt) r.message = *text;
                r.status = rpc_cause(r.message);
            }
            to.on_reply(std::move(w), std::move(r));
        });
        return true;
    }
};

} // namespace sigfire::inline v0_1::detail
