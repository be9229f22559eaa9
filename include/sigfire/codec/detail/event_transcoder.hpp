// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/transcoder.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Translates events into another format.
namespace sigfire::inline v0_1::detail {

// --- whether all values of an event are in the format `f` or empty ---

inline bool is_in_format(const payload& p, wire_id f) noexcept {
    return format_of(p.wire) == f || p.empty();
}
inline bool is_in_format(const request_token& t, wire_id f) noexcept {
    return format_of(t.wire) == f || t.empty();
}

/// An event with a payload and a signal inside.
template <class E>
concept relayed_event =
    std::is_same_v<E, event::send> || std::is_same_v<E, event::publish> || std::is_same_v<E, event::request>;

/// A reply with payloads from several peers, or from a record.
template <class E>
concept listing_reply = std::is_same_v<E, event::member_list> || std::is_same_v<E, event::record>;

template <relayed_event E>
bool is_in_format(const E& e, wire_id f) noexcept {
    return is_in_format(e.data, f);
}
inline bool is_in_format(const event::reply& e, wire_id f) noexcept {
    return is_in_format(e.token, f) && is_in_format(e.data, f);
}
inline bool is_in_format(const event::welcome& e, wire_id f) noexcept {
    return is_in_format(e.configuration, f);
}
inline bool is_in_format(const event::member_list& e, wire_id f) noexcept {
    return is_in_format(e.token, f) && std::all_of(e.members.begin(), e.members.end(), [f](const auto& m) {
               return is_in_format(m.metadata, f);
           });
}
inline bool is_in_format(const event::record& e, wire_id f) noexcept {
    return is_in_format(e.token, f) && is_in_format(e.metadata, f);
}
inline bool is_in_format(const event::presence& e, wire_id f) noexcept {
    return std::all_of(e.members.begin(), e.members.end(),
                       [f](const auto& m) { return is_in_format(m.metadata, f); }) &&
           std::all_of(e.entries.begin(), e.entries.end(),
                       [f](const auto& c) { return is_in_format(c.value, f); });
}
inline bool is_in_format(const event::session_ended&, wire_id) noexcept {
    return true;
}
inline bool is_in_format(const event::configuration& e, wire_id f) noexcept {
    return is_in_format(e.data, f);
}
/// An event with no value but a token.
template <class E>
concept token_event = std::is_same_v<E, event::joined> || std::is_same_v<E, event::existence> ||
                      std::is_same_v<E, event::resume_grant> || std::is_same_v<E, event::expired>;

template <token_event E>
bool is_in_format(const E& e, wire_id f) noexcept {
    return is_in_format(e.token, f);
}

/** Translates events into another format: payloads, signals and tokens. The new views in an event are valid
 *  until the next call. Where a codec may leave a value out, a value without a translation stays as it is.
 *  Otherwise the call returns the cause. */
class event_transcoder {
public:
    explicit event_transcoder(codec::transcoder formats) : payloads_(std::move(formats)) {}

    template <relayed_event E>
    errc operator()(E& e, wire_id to) {
        return payloads_(e.data, e.signal.body, to);
    }

    /// A reply without a translation becomes a failure itself.
    errc operator()(event::reply& e, wire_id to) {
        begin();
        token(e.token, to);
        if (is_in_format(e.data, to) || !payloads_.can(e.data.wire, to)) return errc::ok;
        std::string_view none;
        if (payloads_(e.data, none, to) != errc::ok && is_verdict(e.cause)) e.cause = errc::too_large;
        return errc::ok;
    }

    errc operator()(event::welcome& e, wire_id to) {
        begin();
        value(e.configuration, to);
        return errc::ok;
    }

    errc operator()(event::member_list& e, wire_id to) {
        begin();
        token(e.token, to);
        members_.assign(e.members.begin(), e.members.end());
        e.members = members_;
        return values(members_, &event::member::metadata, to);
    }

    errc operator()(event::record& e, wire_id to) {
        begin();
        token(e.token, to);
        return value(e.metadata, to);
    }

    errc operator()(event::presence& e, wire_id to) {
        begin();
        moved_.assign(e.members.begin(), e.members.end());
        e.members = moved_;
        stated_.assign(e.entries.begin(), e.entries.end());
        e.entries = stated_;
        values(moved_, &event::member_change::metadata, to);
        values(stated_, &event::entry_change::value, to);
        return errc::ok;
    }

    errc operator()(event::session_ended&, wire_id) { return errc::ok; }

    errc operator()(event::configuration& e, wire_id to) {
        begin();
        return value(e.data, to);
    }

    template <token_event E>
    errc operator()(E& e, wire_id to) {
        begin();
        token(e.token, to);
        return errc::ok;
    }

private:
    void begin() {
        texts_.clear();
        size_ = 0;
    }

    // Values of an event bypass the kept translation. Their total size is limited to the limit of one
    // payload.
    errc value(payload& p, wire_id to) {
        if (is_in_format(p, format_of(to))) return errc::ok;
        std::string_view none;
        std::string text;
        const errc failed = payloads_.translate(p, none, to, text);
        if (failed != errc::ok) return failed == errc::too_large ? failed : errc::ok;
        if ((size_ += text.size()) > payloads_.limit()) return errc::too_large;
        p = {texts_.emplace_back(std::move(text)), to};
        return errc::ok;
    }

    template <class T>
    errc values(std::vector<T>& list, payload T::* at, wire_id to) {
        for (auto& each : list)
            if (const errc failed = value(each.*at, to); failed != errc::ok) return failed;
        return errc::ok;
    }

    void token(request_token& t, wire_id to) {
        payload p{t.bytes, t.wire};
        value(p, to);
        t = {p.bytes, p.wire};
    }

    codec::transcoder payloads_;
    std::deque<std::string> texts_; // translations for the last event
    std::size_t size_ = 0;
    std::vector<event::member> members_;
    std::vector<event::member_change> moved_;
    std::vector<event::entry_change> stated_;
};

} // namespace sigfire::inline v0_1::detail
