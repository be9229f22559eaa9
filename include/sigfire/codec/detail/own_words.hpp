// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/document.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

/** The hub's messages on sigfire's own wires, written once for both formats. `Document` is a `json_document`
 *  or a `msgpack_document`. The functions leave out a payload in another format. */
namespace sigfire::inline v0_1::detail {

/// The form of messages for a peer.
struct own_manner {
    bool extras = true;               ///< whether the peer gets the extras
    std::string_view configuration{}; ///< the codec's own RTC configuration, in the format of the document
};

/// Whether `p` has a value in the format `f`.
constexpr bool can_write(const payload& p, wire_id f) noexcept {
    return !p.empty() && format_of(p.wire) == f;
}

/// Whether `p` has a value in another format.
constexpr bool is_foreign(const payload& p, wire_id f) noexcept {
    return !p.empty() && format_of(p.wire) != f;
}

template <class Document>
void write_token(Document& out, const request_token& token) {
    if (token.empty() || format_of(token.wire) != Document::format)
        out.nil();
    else
        out.raw(token.bytes);
}

// --- messages ---

/// The members before the `data` of a message.
struct own_head {
    std::string_view id, command;
    std::string_view from{}; ///< empty = the server itself
    std::string_view topic{};
    std::uint64_t question = 0; ///< number of a request; 0 = not a request
    politeness role = politeness::none;
};

/// Writes a message. `data()` writes the value of `data`, if there is one.
template <class Document, class Data>
void write_message(Document& out, const own_head& h, bool has_data, Data data) {
    out.map(2u + !h.from.empty() + !h.topic.empty() + (h.question != 0) + (h.role != politeness::none) +
            has_data);
    out.name("id"), out.plain(h.id); // drawn by the hub: no escapes
    out.name("cmd"), out.text(h.command);
    if (!h.from.empty()) out.name("origin"), out.text(h.from);
    if (!h.topic.empty()) out.name("topic"), out.text(h.topic);
    if (h.question != 0) out.name("request"), out.number(h.question);
    if (h.role != politeness::none) out.name("polite"), out.boolean(h.role == politeness::polite);
    if (has_data) {
        out.name("data");
        data();
    }
    out.end_map();
}

/// Writes a message with a payload as `data`; writes nothing if the payload is in another format.
template <class Document>
void write_message(Document& out, const own_head& h, const payload& data) {
    if (is_foreign(data, Document::format) || h.command.empty()) return;
    write_message(out, h, !data.empty(), [&] { out.raw(data.bytes); });
}

template <class Document>
void write_word(Document& out, const event::send& e, const own_manner& how) {
    own_head h{.id = e.id, .command = e.command, .from = e.from};
    if (how.extras) h.topic = e.topic, h.role = e.role;
    write_message(out, h, e.data);
}

template <class Document>
void write_word(Document& out, const event::publish& e, const own_manner& how) {
    if (!how.extras) return;
    write_message(out, {.id = e.id, .command = "publish", .from = e.from, .topic = e.topic}, e.data);
}

template <class Document>
void write_word(Document& out, const event::request& e, const own_manner& how) {
    if (!how.extras) return;
    const std::string_view command = e.command.empty() ? std::string_view{"request"} : e.command;
    write_message(out,
                  {.id = e.id, .command = command, .from = e.from, .topic = e.topic, .question = e.number},
                  e.data);
}

/// Writes the map of a grant: `{"token":...,"window":...}`.
template <class Document>
void write_word_pairs(Document& out, const event::resume_grant& e) {
    out.map(2u + !e.peer.empty() + e.returned + (e.returned && e.recovered));
    if (!e.peer.empty()) out.name("id"), out.text(e.peer);
    out.name("token"), out.text(e.proof);
    out.name("window"), out.integer(e.window.count());
    if (e.returned) out.name("recovered"), out.boolean(e.recovered);
    if (e.returned && e.recovered) out.name("received"), out.number(e.received);
    out.end_map();
}

template <class Document>
void write_word(Document& out, const event::welcome& e, const own_manner& how) {
    const auto configuration =
        can_write(e.configuration, Document::format) ? e.configuration.bytes : how.configuration;
    write_message(out, {.id = e.id, .command = "welcome"}, true, [&] {
        const bool limited = how.extras && e.rate.per_second != 0;
        out.map(1u + !configuration.empty() + (e.grant != nullptr) + limited);
        out.name("id"), out.text(e.peer);
        if (!configuration.empty()) out.name("configuration"), out.raw(configuration);
        if (e.grant != nullptr) {
            out.name("resume");
            write_word_pairs(out, *e.grant);
        }
        if (limited) {
            out.name("limits"), out.map(2);
            out.name("messages_per_second"), out.number(e.rate.per_second);
            out.name("burst"), out.number(e.rate.burst);
            out.end_map();
        }
        out.end_map();
    });
}

constexpr std::string_view status_name(event::presence_status s) noexcept {
    constexpr std::string_view names[] = {"joined", "updated", "left", "away", "back"};
    return names[static_cast<std::size_t>(s)];
}

template <class Document>
void write_word(Document& out, const event::presence& e, const own_manner& how) {
    if (!how.extras) return;
    const auto value = [](const payload& p) { return can_write(p, Document::format); };
    write_message(out, {.id = e.id, .command = "presence", .topic = e.topic}, true, [&] {
        const bool more = e.snapshot && e.more;
        out.map(0u + more + e.snapshot + !e.members.empty() + !e.entries.empty());
        if (more) out.name("more"), out.boolean(true);
        if (e.snapshot) out.name("snapshot"), out.boolean(true);
        if (!e.members.empty()) {
            out.name("members"), out.array(e.members.size());
            for (const auto& m : e.members) {
                out.map(2u + value(m.metadata) + (m.cause != errc::ok));
                out.name("id"), out.text(m.id);
                out.name("status"), out.plain(status_name(m.status));
                if (value(m.metadata)) out.name("metadata"), out.raw(m.metadata.bytes);
                if (m.cause != errc::ok) out.name("cause"), out.plain(cause_name(m.cause));
                out.end_map();
            }
            out.end_array();
        }
        if (!e.entries.empty()) {
            out.name("state"), out.array(e.entries.size());
            for (const auto& c : e.entries) {
                const bool removed = c.value.empty();
                out.map(2u + value(c.value));
                out.name("key"), out.text(c.key);
                if (removed) out.name("removed"), out.boolean(true);
                if (value(c.value)) out.name("value"), out.raw(c.value.bytes);
                if (!removed) out.name("owner"), out.text(c.owner);
                out.end_map();
            }
            out.end_array();
        }
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::expired& e, const own_manner& how) {
    if (!how.extras) return;
    write_message(out, {.id = e.id, .command = "expired", .from = e.from}, true, [&] {
        out.map(e.token.empty() ? 0 : 1);
        if (!e.token.empty()) {
            out.name("request");
            write_token(out, e.token);
        }
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::session_ended& e, const own_manner&) {
    const bool in_time = e.cause != errc::expired;
    write_message(out, {.id = e.id, .command = in_time ? "bye" : "session-timeout", .from = e.from}, in_time,
                  [&] {
                      out.map(1);
                      out.name("cause"), out.plain(cause_name(e.cause));
                      out.end_map();
                  });
}

template <class Document>
void write_word(Document& out, const event::configuration& e, const own_manner& how) {
    if (!how.extras || e.data.empty()) return;
    write_message(out, {.id = e.id, .command = "configuration"}, e.data);
}

// --- replies ---

/// Writes a reply. `data()` writes the value of `data`, if there is one.
template <class Document, class Data>
void write_reply(Document& out, const request_token& token, bool ok, bool has_data, Data data) {
    out.map(2u + has_data);
    out.name("id");
    write_token(out, token);
    out.name("ok"), out.boolean(ok);
    if (has_data) {
        out.name("data");
        data();
    }
    out.end_map();
}

template <class Document>
void write_word(Document& out, const event::reply& e, const own_manner& how) {
    const bool ok = is_verdict(e.cause);
    if (can_write(e.data, Document::format)) // of a failure: the text of the peer or hook that refused
        return write_reply(out, e.token, ok, true, [&] { out.raw(e.data.bytes); });
    if (ok) {
        const bool held = e.cause == errc::held;
        const bool told = how.extras && e.data.empty() && (held || e.role != politeness::none);
        return write_reply(out, e.token, true, told, [&] {
            out.map(1);
            if (held)
                out.name("held"), out.boolean(true);
            else
                out.name("polite"), out.boolean(e.role == politeness::polite);
            out.end_map();
        });
    }
    write_reply(out, e.token, false, true, [&] {
        const bool waits = how.extras && e.retry_after.count() > 0;
        out.map(1u + how.extras + waits);
        out.name("message"), out.text(e.text.empty() ? to_string(e.cause) : e.text);
        if (how.extras) out.name("cause"), out.plain(cause_name(e.cause));
        if (waits) out.name("retry_after"), out.integer(e.retry_after.count());
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::joined& e, const own_manner&) {
    write_reply(out, e.token, true, true, [&] {
        out.map(2);
        out.name("topic"), out.text(e.topic);
        out.name("members"), out.number(e.members);
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::member_list& e, const own_manner&) {
    write_reply(out, e.token, true, true, [&] {
        out.map(2);
        out.name("count"), out.number(e.count);
        out.name("members"), out.array(e.members.size());
        for (const auto& m : e.members) {
            const bool described = can_write(m.metadata, Document::format);
            out.map(1u + described + m.away);
            out.name("id"), out.text(m.id);
            if (described) out.name("metadata"), out.raw(m.metadata.bytes);
            if (m.away) out.name("away"), out.boolean(true);
            out.end_map();
        }
        out.end_array();
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::record& e, const own_manner&) {
    write_reply(out, e.token, true, true, [&] {
        const bool described = can_write(e.metadata, Document::format);
        out.map(3u + described);
        out.name("online"), out.boolean(e.online);
        out.name("permanent"), out.boolean(e.permanent);
        out.name("last_seen"), out.integer(e.last_seen);
        if (described) out.name("metadata"), out.raw(e.metadata.bytes);
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::existence& e, const own_manner&) {
    write_reply(out, e.token, true, true, [&] {
        out.map(1);
        out.name("exists"), out.boolean(e.known);
        out.end_map();
    });
}

template <class Document>
void write_word(Document& out, const event::resume_grant& e, const own_manner&) {
    write_reply(out, e.token, true, true, [&] { write_word_pairs(out, e); });
}

/// Events with a message on sigfire's own wires.
template <class E>
concept own_word =
    requires(json_document<count_sink>& out, const E& e, const own_manner& how) { write_word(out, e, how); };

/// Number of bytes that `write_word` writes.
template <template <class> class Document, own_word E>
std::size_t word_size(const E& e, const own_manner& how) {
    Document<count_sink> out{count_sink{}};
    write_word(out, e, how);
    return out.size();
}

/// Writes at `p`, which must have enough room, and returns the number of bytes.
template <template <class> class Document, own_word E>
std::size_t put_word(const E& e, const own_manner& how, char* p) {
    Document<memory_sink> out{memory_sink{p}};
    write_word(out, e, how);
    return out.size();
}

} // namespace sigfire::inline v0_1::detail
