// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/** Checks the laws of the named requirements, as far as a program can, for your own models. Each function
 *  calls `check(bool, const char* law)`, so it works with any test framework. */
namespace sigfire::inline v0_1::test {

/// A framing handler that records its calls, one string for each message or control.
struct framing_record {
    std::vector<std::string> events; ///< the recorded calls: `text:...`, `binary:...`, `ping:...`,
                                     ///< `pong:...`, `close:code:...`
    std::size_t stop_after = 0;      ///< number of events after which a call returns false; 0 = never

    /// Records a message.
    bool on_message(message m) {
        return add((m.type == message_type::text ? "text:" : "binary:") + std::string(m.view()));
    }

    /// Records a control message.
    bool on_control(control c, std::uint16_t code, std::string_view text) {
        constexpr const char* names[] = {"ping:", "pong:", "close:"};
        return add(names[static_cast<int>(c)] + (code != 0 ? std::to_string(code) + ':' : std::string()) +
                   std::string(text));
    }

private:
    bool add(std::string e) {
        events.push_back(std::move(e));
        return events.size() != stop_after;
    }
};

/** Feeds a copy of `wire` in pieces of `piece` bytes, after a first piece of `first` bytes. Each piece lies
 *  in memory of exactly its size. Returns the delivered events, and the error, if any, as the last event. */
template <Framing F>
std::vector<std::string> feed_in_pieces(F& framing, std::string_view wire, std::size_t first,
                                        std::size_t piece, const framing_limits& limits = {}) {
    framing_record record;
    for (auto n = first; !wire.empty(); n = piece) {
        const auto size = std::clamp<std::size_t>(n, 1, wire.size());
        std::vector<char> bytes(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
        wire.remove_prefix(size);
        const auto progress = framing.feed(bytes, limits, record);
        if (progress.error != errc::ok) {
            record.events.emplace_back(to_string(progress.error));
            break;
        }
    }
    return std::move(record.events);
}

/// A message in the form that `framing` seals, with `head` bytes of room before the payload.
template <Framing F>
std::string sealed(F& framing, message_type type, std::string_view payload, std::size_t head) {
    std::vector<char> room(std::max(head, F::header_bound(payload.size())) + payload.size());
    std::copy(payload.begin(), payload.end(), room.begin() + static_cast<std::ptrdiff_t>(head));
    const auto n = framing.seal(type, room.data(), head, payload.size());
    return {room.data(), n};
}

/// Checks the laws of Framing. `ours()` makes a framing; `theirs()` makes a framing of the other side.
template <class Ours, class Theirs>
void framing_laws(Ours ours, Theirs theirs, auto&& check) {
    using sender = decltype(theirs());
    auto other = theirs();
    std::string wire;
    std::vector<std::string> expected;
    for (const std::size_t n : {0u, 1u, 125u, 126u, 300u, 65535u, 65536u, 70000u}) {
        const std::string payload(n, 'x');
        const auto tight = sender::header_bound(n);
        for (const auto head : {tight, sender::header_bound(100'000)}) {
            const auto frame = sealed(other, message_type::text, payload, head);
            check(frame.size() <= tight + n, "a sealed message is no longer than header_bound allows");
            auto framing = ours();
            const auto got = feed_in_pieces(framing, frame, frame.size(), 1);
            check(got == std::vector{"text:" + payload}, "a sealed message is read back unchanged");
        }
        if (n < 500) {
            wire += sealed(other, message_type::text, payload, tight);
            expected.push_back("text:" + payload);
            std::vector<char> room(sender::control_bound);
            const auto size = other.write_control(control::ping, 0, "hello", room.data());
            check(size <= sender::control_bound, "a control message is no longer than control_bound");
            if (size == 0) continue;
            wire.append(room.data(), size);
            expected.emplace_back("ping:hello");
        }
    }
    for (std::size_t i = 1; i <= wire.size(); ++i) {
        auto framing = ours();
        check(feed_in_pieces(framing, wire, i, wire.size()) == expected,
              "one cut in the bytes changes no result");
        check(framing.incomplete() == 0, "the framing holds no memory between messages");
    }
    for (const std::size_t piece : {1u, 2u, 3u, 5u, 7u}) {
        auto framing = ours();
        check(feed_in_pieces(framing, wire, piece, piece) == expected, "cuts in the bytes change no result");
    }

    auto growing = ours();
    framing_record record;
    auto frame = sealed(other, message_type::text, std::string(100'000, 'x'), sender::header_bound(100'000));
    for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
        growing.feed({&frame[i], 1}, {}, record);
        if (growing.incomplete() > 2 * i + 512) return check(false, "memory grows with the bytes received");
    }
    check(growing.incomplete() >= 100'000 && record.events.empty(),
          "incomplete() returns the bytes that are held");

    auto strict = ours();
    const framing_limits limits{.message = 99'999};
    frame = sealed(other, message_type::text, std::string(100'000, 'x'), sender::header_bound(100'000));
    // A framing without a length before the payload needs the whole message to find it too long.
    const bool told = !frame.starts_with(std::string(100'000, 'x'));
    const auto got = feed_in_pieces(
        strict, {frame.data(), told ? sender::header_bound(100'000) : frame.size()}, 1, 1, limits);
    check(got == std::vector<std::string>{std::string(to_string(errc::too_large))},
          "a message over the limit fails at its header");
    check(strict.incomplete() < 512, "a message over the limit is not stored");

    auto stopping = ours();
    frame = sealed(other, message_type::text, "one", sender::header_bound(3));
    const auto size = frame.size();
    frame += sealed(other, message_type::text, "two", sender::header_bound(3));
    framing_record once{.events = {}, .stop_after = 1};
    check(stopping.feed(frame, {}, once).consumed == size,
          "feed stops after the message for which the handler returned false");
    const auto next = stopping.feed({frame.data() + size, frame.size() - size}, {}, once);
    check(next.consumed == frame.size() - size && next.error == errc::ok, "feed consumes all of its bytes");
    check(once.events == std::vector<std::string>{"text:one", "text:two"}, "feed continues after a stop");
}

/// Checks the laws of Codec, on a copy of `original`.
template <Codec C>
void codec_laws(const C& original, auto&& check) {
    C codec = original;
    typename C::state st{};
    admission ad;
    codec.open(request{}, st, ad);

    // Every event with a message on this wire, with names of different lengths.
    const auto write = [&]<class E>(const E& e) {
        if constexpr (sigfire::detail::has_word<C, E>) {
            const auto bound = codec.bound(e, st);
            std::vector<char> room(bound + 1, '!');
            const auto size = codec.encode(e, st, room.data());
            check(size <= bound && room[bound] == '!', "encode writes at most bound bytes");
            check(bound == 0 || size != 0, "encode writes something if bound is not 0");
            const auto type = codec.type(e, st);
            check(type == message_type::text || type == message_type::binary, "type is text or binary");
        }
    };
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 33u, 300u}) {
        const std::string name(n, 'x');
        const payload data{R"({"answer":7})", wire_id::json};
        const request_token token{"7", wire_id::json};
        const event::resume_grant grant{.token = token, .peer = name, .proof = name, .returned = n % 2 == 0};
        const event::member members[] = {{name, {}, true}, {"y", data}};
        const event::member_change moved[] = {{name, event::presence_status::left, data, errc::lost}};
        const event::entry_change stated[] = {{name, data, name}, {"gone", {}, {}}};
        write(event::welcome{.id = name, .peer = name, .configuration = data, .grant = &grant});
        for (const auto cause : {errc::ok, errc::held, errc::unknown})
            for (const auto& said : {payload{}, data})
                for (const auto role : {politeness::none, politeness::polite})
                    write(event::reply{
                        .token = token, .cause = cause, .text = name, .data = said, .role = role});
        for (const auto kind :
             {signal_kind::none, signal_kind::offer, signal_kind::answer, signal_kind::bye}) {
            const auto fill = [&](auto e) {
                e.command = "offer", e.id = e.from = e.topic = name;
                e.data = data, e.signal.kind = kind, e.signal.body = data.bytes.substr(10, 1);
                write(e);
                e.data = {}, e.signal.body = {}, e.topic = {};
                write(e);
            };
            fill(event::send{}), fill(event::publish{}), fill(event::request{});
        }
        write(event::joined{.token = token, .topic = name, .members = n});
        write(event::member_list{.token = token, .count = 7, .members = members});
        write(event::record{.token = token, .last_seen = 1, .metadata = data});
        write(event::existence{.token = token, .known = true});
        write(grant);
        write(event::presence{
            .id = name, .topic = name, .snapshot = true, .members = moved, .entries = stated});
        write(event::expired{.id = name, .from = name, .to = name, .token = token});
        write(event::session_ended{.id = name, .from = name, .cause = n % 2 ? errc::lost : errc::expired});
        write(event::configuration{.id = name, .data = data});
    }

    // The format is unknown to all codecs.
    event::send odd;
    odd.id = "1", odd.command = "offer", odd.from = "x";
    odd.data = {"\xc1", wire_id{0xfefe}}, odd.signal.kind = signal_kind::offer,
    odd.signal.body = odd.data.bytes;
    check(codec.bound(odd, st) == 0, "bound is 0 for a payload in an unknown format");

    // Any bytes: all single bytes, and every text of four bytes from a set with a meaning on some wire.
    constexpr std::string_view letters = "{}[]\"\\:,10nu\x01\x80\xff";
    for (unsigned i = 0; i < 256 + 65536; ++i)
        for (const auto type : {message_type::text, message_type::binary}) {
            std::vector<char> bytes;
            if (i < 256)
                bytes = {static_cast<char>(i)};
            else
                for (unsigned k = i - 256, n = 0; n < 4; ++n, k /= 16)
                    bytes.push_back(letters[k % 16 % letters.size()]);
            const auto result = codec.decode({bytes, type}, st, [&]<class E>(E& e) {
                if constexpr (std::is_same_v<E, event::send>)
                    check(!e.to.empty() || !e.topic.empty() || e.fault != errc::ok,
                          "an event without a target has a fault");
                if constexpr (requires { C::format; })
                    check(format_of(e.token.wire) == format_of(C::format),
                          "a token has the format of its codec");
            });
            const auto end = codec.end(result, st);
            check(end.text.size() <= 123, "a close reason has at most 123 bytes");
            check(end.http_status >= 400 && end.http_status < 600,
                  "a refusal has an HTTP status of 400 to 599");
        }
}

/// Checks the laws of Registry; `r` is empty.
template <Registry R>
void registry_laws(R r, auto&& check) {
    const std::string odd[] = {"a",    "A",         std::string(1, '\0'),  std::string(2, '\0'), "b ",
                               "\xff", "__proto__", std::string(256, 'x'), std::string(255, 'x')};
    std::uint32_t n = 0;
    for (const auto& id : odd) {
        check(!r.find(id), "find returns no peer before insert");
        check(r.insert(id, {n, n + 1}), "insert accepts a free id");
        check(!r.insert(id, {99, 99}), "insert refuses a used id");
        check(r.find(id) == peer_handle{n, n + 1}, "find returns the peer after insert");
        check(r.size() == ++n, "size counts");
    }
    std::map<std::string, peer_handle, std::less<>> seen;
    r.for_each_peer([&](std::string_view id, peer_handle h) { seen[std::string{id}] = h; });
    check(seen.size() == n, "for_each_peer visits each peer");
    for (const auto& [id, h] : seen) check(r.find(id) == h, "for_each_peer passes id and handle");
    for (const auto& id : odd) {
        check(r.erase(id), "erase returns true for a present id");
        check(!r.erase(id), "erase returns false for an absent id");
        check(!r.find(id) && r.size() == --n, "find returns no peer after erase");
    }
}

/// Checks the laws of Router. `registry` is empty, and of a type that the router is made for.
template <class R, Registry Peers>
void router_laws(R router, Peers registry, auto&& check) {
    const std::string ids[] = {"a", "b", "c"};
    for (std::uint32_t i = 0; i < 3; ++i) registry.insert(ids[i], {i, 1});
    for (const std::string to : {"a", "b", "c", "nobody", ""})
        for (std::uint32_t from = 0; from < 3; ++from) {
            event::send e;
            e.to = to, e.from = ids[from];
            std::vector<peer_handle> targets;
            const errc cause = router.route(std::as_const(registry), peer_handle{from, 1}, std::as_const(e),
                                            [&](peer_handle h) { targets.push_back(h); });
            check((cause == errc::ok) == !targets.empty(), "ok means that there is a target");
            for (std::size_t i = 0; i < targets.size(); ++i) {
                check(targets[i] != peer_handle{from, 1}, "the sender is not a target");
                check(std::find(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(i),
                                targets[i]) == targets.begin() + static_cast<std::ptrdiff_t>(i),
                      "no target appears twice");
            }
        }
}

} // namespace sigfire::inline v0_1::test
