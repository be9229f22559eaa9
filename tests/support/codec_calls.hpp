// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

/// Calls of a codec, with memory of exactly the size that is asked for.
namespace codec_calls {

using namespace sigfire;

/// The name of an event's type.
template <class E>
constexpr std::string_view name_of() {
    if constexpr (std::is_same_v<E, event::send>) return "say";
    if constexpr (std::is_same_v<E, event::publish>) return "publish";
    if constexpr (std::is_same_v<E, event::request>) return "request";
    if constexpr (std::is_same_v<E, event::respond>) return "respond";
    if constexpr (std::is_same_v<E, event::join>) return "join";
    if constexpr (std::is_same_v<E, event::leave>) return "leave";
    if constexpr (std::is_same_v<E, event::lookup>) return "lookup";
    if constexpr (std::is_same_v<E, event::set>) return "set";
    if constexpr (std::is_same_v<E, event::unset>) return "unset";
    if constexpr (std::is_same_v<E, event::watch>) return "watch";
    if constexpr (std::is_same_v<E, event::unwatch>) return "unwatch";
    if constexpr (std::is_same_v<E, event::create>) return "create";
    if constexpr (std::is_same_v<E, event::update>) return "update";
    if constexpr (std::is_same_v<E, event::erase>) return "erase";
    if constexpr (std::is_same_v<E, event::info>) return "info";
    if constexpr (std::is_same_v<E, event::exists>) return "exists";
    if constexpr (std::is_same_v<E, event::resume>) return "resume";
    if constexpr (std::is_same_v<E, event::ack>) return "ack";
    if constexpr (std::is_same_v<E, event::heartbeat>) return "alive";
    if constexpr (std::is_same_v<E, event::release_id>) return "unname";
    if constexpr (std::is_same_v<E, event::ping>) return "ping";
    if constexpr (std::is_same_v<E, event::authenticate>) return "authenticate";
    if constexpr (std::is_same_v<E, event::custom>) return "custom";
}

/// The outcome of a message, copied. Members that an event does not have are empty.
struct decoded {
    errc result = errc::ok;
    int count = 0;
    std::string event{};
    errc fault = errc::ok, outcome = errc::ok;
    std::string token{}, command{}, to{}, topic{}, as{}, peer{}, id{};
    std::string bytes{}; ///< of `data`
    std::string body{};  ///< of the signal
    std::string metadata{}, key{}, value{}, proof{};
    signal_kind kind = signal_kind::none;
    bool echo = false, droppable = false;
    std::uint64_t number = 0, received = 0;
    std::optional<std::uint64_t> limit{}, match{}, ttl{};
    bool operator==(const decoded&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const decoded& d) {
    out << cause_name(d.result) << ' ' << d.count << ' ' << d.event << " fault " << cause_name(d.fault)
        << " outcome " << cause_name(d.outcome);
    const std::pair<const char*, const std::string*> texts[] = {
        {"token", &d.token}, {"command", &d.command},   {"to", &d.to},   {"topic", &d.topic},
        {"as", &d.as},       {"peer", &d.peer},         {"id", &d.id},   {"data", &d.bytes},
        {"body", &d.body},   {"metadata", &d.metadata}, {"key", &d.key}, {"value", &d.value},
        {"proof", &d.proof}};
    for (const auto& [name, text] : texts)
        if (!text->empty()) out << ' ' << name << ' ' << *text;
    out << " kind " << static_cast<int>(d.kind) << ' ' << d.echo << d.droppable << ' ' << d.number << ' '
        << d.received;
    for (const auto& n : {d.limit, d.match, d.ttl}) out << ' ' << (n ? std::to_string(*n) : "-");
    return out;
}

/// Copies an event that a codec of the format `wire` emitted for the message `m`.
template <class E>
void copy(const E& e, message m, wire_id wire, decoded& d) {
    ++d.count;
    d.event = name_of<E>();
    d.fault = e.fault, d.token = e.token.bytes, d.command = e.command;
    BOOST_TEST((e.token.wire == wire));
    const auto take = [wire](const payload& p, std::string& to) {
        to = p.bytes;
        BOOST_TEST((p.wire == wire)); // also of one without bytes
    };
    const auto lies_in_message = [m](std::string_view part) {
        return part.empty() || (part.data() >= m.bytes.data() &&
                                part.data() + part.size() <= m.bytes.data() + m.bytes.size());
    };
    if constexpr (requires { e.to; }) d.to = e.to;
    if constexpr (requires { e.topic; }) d.topic = e.topic;
    if constexpr (requires { e.as; }) d.as = e.as;
    if constexpr (requires { e.peer; }) d.peer = e.peer;
    if constexpr (requires { e.echo; }) d.echo = e.echo;
    if constexpr (requires { e.droppable; }) d.droppable = e.droppable;
    if constexpr (requires { e.number; }) d.number = e.number;
    if constexpr (requires { e.outcome; }) d.outcome = e.outcome;
    if constexpr (requires { e.received; }) d.received = e.received;
    if constexpr (requires { e.proof; }) d.proof = e.proof;
    if constexpr (requires { e.limit; }) d.limit = e.limit;
    if constexpr (requires { e.match; }) d.match = e.match;
    if constexpr (requires { e.ttl; }) d.ttl = e.ttl;
    if constexpr (requires { e.key; }) d.key = e.key;
    if constexpr (requires { e.metadata; }) take(e.metadata, d.metadata);
    if constexpr (requires { e.value; }) take(e.value, d.value);
    if constexpr (requires { e.data; }) {
        take(e.data, d.bytes);
        BOOST_TEST(lies_in_message(e.data.bytes));
    }
    if constexpr (requires { e.signal; }) {
        d.body = e.signal.body, d.kind = e.signal.kind;
        BOOST_TEST(e.signal.call == "");
        BOOST_TEST((e.signal.body.empty() || e.data.bytes.find(e.signal.body) != e.data.bytes.npos));
    }
    if constexpr (requires { e.whole; })
        BOOST_TEST((e.whole.bytes.data() == m.bytes.data() && e.whole.bytes.size() == m.bytes.size() &&
                    e.whole.type == m.type));
    if constexpr (std::is_same_v<E, event::info> || std::is_same_v<E, event::exists>)
        d.id = e.id;
    else if constexpr (requires { e.id; }) // the hub's to say
        BOOST_TEST(e.id == "");
    if constexpr (requires { e.from; }) BOOST_TEST(e.from == "");
    if constexpr (std::is_same_v<E, event::send>)
        BOOST_TEST((!e.to.empty() || !e.topic.empty() || e.fault != errc::ok));
}

template <class Codec>
decoded decode(const Codec& codec, std::string_view text, message_type type = message_type::text,
               typename Codec::state st = {}) {
    decoded d;
    // memory of exactly the message's size
    std::vector<char> bytes(text.begin(), text.end());
    const message m{bytes, type};
    d.result = codec.decode(m, st, [&](auto& e) { copy(e, m, Codec::format, d); });
    BOOST_TEST((std::string_view{bytes.data(), bytes.size()} == text));
    BOOST_TEST(d.count <= 1);
    BOOST_TEST((d.count == 0 || d.result == errc::ok));
    return d;
}

template <class Codec>
decoded decode(const Codec& codec, std::string_view text, typename Codec::state st) {
    return decode(codec, text, message_type::text, st);
}

template <class Codec, class E>
std::string encode(const Codec& codec, const E& e, typename Codec::state st = {}) {
    const auto bound = codec.bound(e, st);
    std::vector<char> room(bound + 1, '!');
    const auto size = codec.encode(e, st, room.data());
    BOOST_TEST(size <= bound);
    BOOST_TEST((size == 0) == (bound == 0));
    BOOST_TEST(room[bound] == '!');
    return {room.data(), size};
}

} // namespace codec_calls
