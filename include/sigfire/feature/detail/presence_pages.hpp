// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/hub/detail/stored_event.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The object of a watch: a topic or a peer.
struct watched_place {
    bool by_topic;
    std::string name;

    auto operator<=>(const watched_place&) const = default;
};

/// A message for watchers, which share it. `alive` counts the bytes of all existing messages.
class presence_page {
public:
    presence_page(watched_place where, const event::presence& e, std::shared_ptr<std::size_t> alive)
        : where_(std::move(where)), message_(e), alive_(std::move(alive)) {
        *alive_ += message_.size();
    }
    presence_page(const presence_page&) = delete;
    presence_page& operator=(const presence_page&) = delete;
    ~presence_page() { *alive_ -= message_.size(); }

    const watched_place& where() const noexcept { return where_; }
    const event::presence& message() const noexcept { return message_.get(); }

private:
    watched_place where_;
    stored_event<event::presence> message_;
    std::shared_ptr<std::size_t> alive_;
};

/// Divides changes into messages of at most `most` changes. Calls `f(event::presence&)` for each message. The
/// views of a change are valid until its message is written.
template <class F>
class presence_pages {
    using presence_status = event::presence_status;

public:
    presence_pages(std::size_t most, bool snapshot, F f) : most_(most), f_(std::move(f)) {
        e_.snapshot = snapshot;
    }

    void member(std::string_view id, presence_status status, payload metadata = {}, errc cause = errc::ok) {
        make_room();
        members_.push_back({id, status, metadata, cause});
    }
    void entry(std::string_view key, payload value, std::string_view owner) {
        make_room();
        entries_.push_back({key, value, owner});
    }

    /// Writes the rest; a snapshot has at least one message.
    void finish() {
        if (count() != 0 || (e_.snapshot && !e_.more)) turn(false);
    }

private:
    std::size_t count() const noexcept { return members_.size() + entries_.size(); }

    void make_room() {
        if (count() >= most_ && count() != 0) turn(true);
    }

    void turn(bool more) {
        e_.more = e_.snapshot && more;
        e_.members = members_;
        e_.entries = entries_;
        f_(e_);
        members_.clear();
        entries_.clear();
    }

    std::size_t most_;
    F f_;
    event::presence e_;
    std::vector<event::member_change> members_;
    std::vector<event::entry_change> entries_;
};

} // namespace sigfire::inline v0_1::detail
