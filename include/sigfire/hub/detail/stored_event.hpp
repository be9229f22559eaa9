// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Whether `E` is in a list of events.
template <class E, class List>
inline constexpr bool is_one_of = false;
template <class E, class... Es>
inline constexpr bool is_one_of<E, event_list<Es...>> = (std::same_as<E, Es> || ...);

/// Calls `f(std::string_view&)` for each view of an event, except those in lists and in `whole`. A payload
/// comes before the views that may lie inside of it.
template <class E, class F>
void for_each_view(E& e, F f) {
    if constexpr (requires { e.token; }) f(e.token.bytes);
    if constexpr (requires { e.command; }) f(e.command);
    if constexpr (requires { e.data; }) f(e.data.bytes);
    if constexpr (requires { e.signal; }) {
        f(e.signal.body);
        f(e.signal.call);
    }
    if constexpr (requires { e.metadata.bytes; }) f(e.metadata.bytes);
    if constexpr (requires { e.value.bytes; }) f(e.value.bytes);
    if constexpr (requires { e.to; }) f(e.to);
    if constexpr (requires { e.topic; }) f(e.topic);
    if constexpr (requires { e.as; }) f(e.as);
    if constexpr (requires { e.key; }) f(e.key);
    if constexpr (requires { e.owner; }) f(e.owner);
    if constexpr (requires { e.peer; }) f(e.peer);
    if constexpr (requires { e.proof; }) f(e.proof);
    if constexpr (requires { e.id; }) f(e.id);
    if constexpr (requires { e.from; }) f(e.from);
    if constexpr (requires { e.text; }) f(e.text);
}

/// Owns the lists of an event.
template <class E>
struct event_items {};
template <>
struct event_items<event::member_list> {
    std::vector<event::member> members;
};
template <>
struct event_items<event::presence> {
    std::vector<event::member_change> members;
    std::vector<event::entry_change> entries;
};

/// An event that owns the bytes of its views, in one allocation. Views into `whole` or into the payload keep
/// their place there.
template <class E>
class stored_event {
public:
    explicit stored_event(const E& e) : event_(e), size_(size_of(e)) {
        bytes_ = std::make_unique_for_overwrite<char[]>(size_);
        char* p = bytes_.get();
        const auto copy = [&p](std::string_view v) {
            if (!v.empty()) std::memcpy(p, v.data(), v.size());
            return std::string_view{std::exchange(p, p + v.size()), v.size()};
        };
        const std::string_view whole = whole_of(e);
        const auto kept = copy(whole);
        if constexpr (requires { event_.whole; }) event_.whole.bytes = {bytes_.get(), whole.size()};
        std::string_view data, data_kept;
        if constexpr (requires { e.data; }) data = e.data.bytes;
        const auto keep = [&](std::string_view& v) {
            if (within(v, whole))
                v = {kept.data() + (v.data() - whole.data()), v.size()};
            else if (data_kept.data() != nullptr && within(v, data))
                v = {data_kept.data() + (v.data() - data.data()), v.size()};
            else
                v = copy(v);
        };
        for_each_view(event_, [&](std::string_view& v) {
            const bool is_data =
                v.data() == data.data() && v.size() == data.size() && data_kept.data() == nullptr;
            keep(v);
            if (is_data) data_kept = v;
        });
        const auto own = [&](auto& list, auto& shown) {
            list.assign(shown.begin(), shown.end());
            for (auto& item : list) for_each_view(item, keep);
            shown = list;
        };
        if constexpr (requires { items_.members; }) own(items_.members, event_.members);
        if constexpr (requires { items_.entries; }) own(items_.entries, event_.entries);
    }

    E& get() noexcept { return event_; }
    const E& get() const noexcept { return event_; }

    /// Number of bytes that it holds.
    std::size_t size() const noexcept { return size_; }

    /// Upper bound of the bytes that a stored copy of `e` would hold.
    static std::size_t size_of(const E& e) noexcept {
        const std::string_view whole = whole_of(e);
        auto size = whole.size();
        std::string_view data;
        const auto add = [&](std::string_view v) {
            if (!within(v, whole) && !within(v, data)) size += v.size();
        };
        auto copy = e;
        for_each_view(copy, [&](std::string_view& v) {
            add(v);
            if constexpr (requires { e.data; })
                if (v.data() == e.data.bytes.data()) data = e.data.bytes;
        });
        const auto add_items = [&](const auto& list) {
            for (auto item : list) for_each_view(item, add);
        };
        if constexpr (requires { e.members.begin(); }) add_items(e.members);
        if constexpr (requires { e.entries; }) add_items(e.entries);
        return size;
    }

private:
    static std::string_view whole_of([[maybe_unused]] const E& e) noexcept {
        if constexpr (requires { e.whole; })
            return e.whole.view();
        else
            return {};
    }

    static bool within(std::string_view v, std::string_view whole) noexcept {
        return !v.empty() && std::less_equal<>{}(whole.data(), v.data()) &&
               std::less_equal<>{}(v.data() + v.size(), whole.data() + whole.size());
    }

    E event_;
    std::unique_ptr<char[]> bytes_;
    [[no_unique_address]] event_items<E> items_;
    std::size_t size_;
};

/// A stored event of any type in a list. A moved-from object holds none.
template <class List>
class stored_any;
template <class... Es>
class stored_any<event_list<Es...>> {
public:
    template <class E>
        requires is_one_of<E, event_list<Es...>>
    explicit stored_any(const E& e)
        : stored_(new stored_event<E>{e}, [](void* p) { delete static_cast<stored_event<E>*>(p); }),
          size_(as<E>().size()) {
        // Not a std::variant: with so many types, it takes seconds to compile.
        static_cast<void>(((std::same_as<E, Es> || (++which_, false)) || ...));
    }

    /// Number of bytes that it holds.
    std::size_t size() const noexcept { return size_; }

    /// Calls `f` with the event.
    template <class F>
    void visit(F&& f) const {
        unsigned n = 0;
        static_cast<void>(((n++ == which_ && (f(as<Es>().get()), true)) || ...));
    }

private:
    template <class E>
    stored_event<E>& as() const noexcept {
        return *static_cast<stored_event<E>*>(stored_.get());
    }

    std::unique_ptr<void, void (*)(void*)> stored_;
    std::size_t size_;
    unsigned which_ = 0;
};

/// A stored event of a peer.
using stored_incoming = stored_any<incoming_events>;
/// A stored event for a peer.
using stored_outgoing = stored_any<outgoing_events>;

/// A token that outlives its message.
class stored_token {
public:
    stored_token() = default;
    explicit stored_token(request_token t) : bytes_(t.bytes), wire_(t.wire) {}

    operator request_token() const noexcept { return {bytes_, wire_}; }
    bool empty() const noexcept { return bytes_.empty(); }

private:
    std::string bytes_;
    wire_id wire_ = default_wire;
};

} // namespace sigfire::inline v0_1::detail
