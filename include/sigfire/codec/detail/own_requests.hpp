// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/own_members.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

/// Makes an event of the members of a message. `Values` reads the format: `json_values` or `msgpack_values`.
namespace sigfire::inline v0_1::detail {

/// Emits a relayed command of Signal-Fire 2021, `known`. The command has an id. Always returns `ok`.
template <class Values, class Handler>
[[gnu::always_inline]] inline errc decode_relayed(const json_request_members& in, const json_command& known,
                                                  std::string_view command, message m, bool extras,
                                                  Handler&& handler) {
    typename Values::buffer room;
    payload data{{}, Values::wire};
    call_signal signal{known.kind};
    std::string_view to, topic;
    errc fault = errc::ok;
    if (known.carries_data || extras) read_payload<Values>(in.data, in.inner, known, data, signal);
    if (Values::truthy(in.target)) [[likely]] {
        to = Values::text(in.target, room, in.plain);
        if (to.empty()) fault = errc::unknown;
    } else {
        if (extras && in.extra) topic = Values::text(in.extra->topic, room);
        if (topic.empty()) fault = errc::missing_target;
    }
    if (fault == errc::ok && signal.body.empty()) fault = known.missing;
    // Sets each member once, from a variable. For constants, GCC clears the event first, which doubles the
    // cost.
    event::incoming head{{in.id, Values::wire}, command, fault};
    std::string_view unset;
    bool no = false;
    auto role = politeness::none;
    event::send e{head, to, topic, data, signal, m, no, no, unset, unset, role};
    handler(e);
    return errc::ok;
}

/// The members in the `data` of a request to the hub.
template <class Values>
struct own_data {
    std::string_view metadata, limit, match, key, value, ttl, token;
    bool is_map; // also true without `data`

    explicit own_data(std::string_view raw) noexcept
        : is_map(Values::members(raw, {{"metadata", &metadata},
                                       {"limit", &limit},
                                       {"match", &match},
                                       {"key", &key},
                                       {"value", &value},
                                       {"ttl", &ttl},
                                       {"token", &token}})) {}

    /** Reads the whole number `raw` into `to`, if `raw` is not empty. Returns false if `raw` is not such a
     *  number. */
    static bool number(std::string_view raw, std::optional<std::uint64_t>& to) noexcept {
        if (!raw.empty()) to = Values::number(raw);
        return raw.empty() || to.has_value();
    }

    /// Reads the key into `to`. Returns false if the key is not a text of at most 256 bytes.
    bool name(std::string_view& to, typename Values::buffer& room) const noexcept {
        to = Values::text(key, room);
        // An empty result is valid only for an empty text.
        return Values::is_text(key) && to.size() <= 256 && (!to.empty() || !Values::truthy(key));
    }
};

/** Emits a command that is not in Signal-Fire 2021: a request of the extras with `extras`, else
 *  `event::custom` for hooks. Errors: `missing_id`. */
template <class Values, class Handler>
[[gnu::noinline]] errc decode_others(const json_request_members& in, std::string_view command, message m,
                                     bool extras, Handler&& handler) {
    typename Values::buffer target_room, topic_room, room;
    const bool answered = Values::truthy(in.id), targeted = Values::truthy(in.target);
    const auto to = Values::text(in.target, target_room);
    const payload data{in.data, Values::wire};
    std::string_view topic;
    errc fault = errc::ok;
    if (extras && in.extra && !in.extra->topic.empty()) {
        topic = Values::text(in.extra->topic, topic_room);
        if (topic.empty()) fault = errc::malformed;
    }
    const auto* const known = extras ? find_extra_command(command) : nullptr;
    const json_extra_members none{};
    const auto& extra = in.extra ? *in.extra : none;
    const auto tell = [&](auto e) {
        e.token = {answered ? in.id : std::string_view{}, Values::wire};
        e.command = command;
        e.fault = fault;
        handler(e);
        return errc::ok;
    };
    const auto refuse = [&fault](bool wrong) {
        if (wrong) fault = errc::malformed;
    };

    if (!known) {
        if (!answered) return errc::ok;
        event::custom e;
        e.to = to, e.topic = topic, e.data = data;
        return tell(e);
    }
    using enum own_request;
    if (!answered && known->what != ack && known->what != respond) return errc::missing_id;
    if (known->what != own_request::say) refuse(targeted && (to.empty() || to.size() > 256));
    switch (known->what) {
    case own_request::say: {
        event::send e;
        if (to.empty() && topic.empty() && fault == errc::ok)
            fault = targeted ? errc::unknown : errc::missing_target;
        e.to = to, e.topic = topic, e.data = data, e.signal.kind = known->kind, e.whole = m;
        return tell(e);
    }
    case publish: {
        event::publish e;
        e.topic = topic, e.data = data, e.whole = m;
        e.echo = Values::truthy(extra.echo), e.droppable = Values::truthy(extra.droppable);
        return tell(e);
    }
    case request: {
        event::request e;
        e.to = to, e.topic = topic, e.data = data, e.whole = m;
        return tell(e);
    }
    case respond: {
        event::respond e;
        e.number = Values::number(extra.request).value_or(0);
        e.outcome = Values::is_false(extra.ok) ? errc::denied : errc::ok;
        e.data = data;
        fault = errc::ok; // the request waits, even for a faulty answer
        return tell(e);
    }
    case join: {
        event::join e;
        const own_data<Values> said{in.data};
        refuse(topic.empty() || !said.is_map || !said.number(said.limit, e.limit) ||
               !said.number(said.match, e.match) || (e.match && *e.match < 2) ||
               (!said.metadata.empty() && !Values::is_map(said.metadata)));
        e.topic = topic, e.metadata = {said.metadata, Values::wire}, e.whole = m;
        return tell(e);
    }
    case leave: {
        event::leave e;
        refuse(topic.empty());
        e.topic = topic, e.whole = m;
        return tell(e);
    }
    case lookup: {
        event::lookup e;
        const own_data<Values> said{in.data};
        refuse(!said.is_map || !said.number(said.limit, e.limit));
        e.topic = topic, e.whole = m;
        return tell(e);
    }
    case set: {
        event::set e;
        const own_data<Values> said{in.data};
        refuse(!said.is_map || !said.name(e.key, room) || said.value.empty() ||
               !said.number(said.ttl, e.ttl) || (e.ttl && *e.ttl == 0));
        e.topic = topic, e.value = {said.value, Values::wire};
        return tell(e);
    }
    case unset: {
        event::unset e;
        const own_data<Values> said{in.data};
        refuse(!said.is_map || !said.name(e.key, room));
        e.topic = topic;
        return tell(e);
    }
    case watch: {
        event::watch e;
        e.peer = to, e.topic = topic;
        return tell(e);
    }
    case unwatch: {
        event::unwatch e;
        e.peer = to, e.topic = topic;
        return tell(e);
    }
    case create: {
        event::create e;
        const own_data<Values> said{in.data};
        refuse(!said.is_map);
        e.metadata = {said.metadata, Values::wire};
        return tell(e);
    }
    case update: {
        event::update e;
        const own_data<Values> said{in.data};
        refuse(!said.is_map || said.metadata.empty());
        e.metadata = {said.metadata, Values::wire};
        return tell(e);
    }
    case erase: {
        refuse(!own_data<Values>{in.data}.is_map);
        return tell(event::erase{});
    }
    case info: {
        event::info e;
        e.id = to;
        return tell(e);
    }
    case exists: {
        event::exists e;
        e.id = to;
        return tell(e);
    }
    case resume: {
        event::resume e;
        e.proof = Values::text(extra.token, room);
        if (e.proof.empty() && (Values::is_text(extra.token) || Values::truthy(extra.token)))
            e.proof = "?"; // the peer sent a token, but not a valid one
        e.received = Values::number(extra.received).value_or(0);
        return tell(e);
    }
    case authenticate: {
        event::authenticate e;
        const own_data<Values> said{in.data};
        // A token is longer than a name, and needs no escapes.
        e.proof = Values::plain_text(said.token);
        refuse(!said.is_map || e.proof.empty());
        return tell(e);
    }
    case ack: {
        event::ack e;
        e.received = Values::number(extra.received).value_or(0);
        return tell(e);
    }
    }
    return errc::ok;
}

} // namespace sigfire::inline v0_1::detail
