// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// The current message, as a hook sees it, with the ways to reply to it or to defer it. The context lives
/// until the message was delivered or rejected.
class message_context {
public:
    /** For hubs, and for tests of hooks.
     *  @param from the sender
     *  @param id the id of the sender
     *  @param now the time of the hub
     *  @param box receives the late verdicts; null = created by the first `defer`
     *  @param judged number of hooks that have judged the message already */
    message_context(peer_handle from, std::string_view id, time_point now,
                    std::shared_ptr<detail::late_box> box = nullptr, std::size_t judged = 0) noexcept
        : from_(from), id_(id), now_(now), box_(std::move(box)), judged_(judged) {}

    message_context(const message_context&) = delete;
    message_context& operator=(const message_context&) = delete;

    /// The sender of the message.
    peer_handle from() const noexcept { return from_; }
    /// The id of the sender.
    std::string_view id() const noexcept { return id_; }

    /// The time of the hub.
    time_point now() const noexcept { return now_; }

    /** Keeps `text` until the message was delivered and returns a view of it, for the event.
     *
     *  A hook that replaces `data.bytes` stores a valid payload there and sets `data.wire` to its format. The
     *  hook also sets `signal.body` to a part of the new payload, or to an empty view. */
    std::string_view keep(std::string text) { return kept_.emplace_front(std::move(text)); }

    /** Replies `ok` to the sender and ends the message here: no further hook sees it, and no peer receives
     *  it.
     *  @param data a map in the format of `wire`, or empty; left out if the wire of the sender has no place
     *    for it
     *  @param wire the format of `data` */
    void reply(std::string data = {}, wire_id wire = default_wire) {
        data_ = {keep(std::move(data)), wire};
        answered_ = true;
    }

    /// Sets the failure text of the reply and returns `cause`: `return context.fail("Forbidden");`
    errc fail(std::string text, errc cause = errc::denied) {
        text_ = keep(std::move(text));
        return cause;
    }

    /// Refuses the message with `rate`: `return context.retry_after(200ms);`. The reply tells the peer the
    /// time until the same request can succeed, in milliseconds.
    errc retry_after(std::chrono::milliseconds wait) noexcept {
        retry_after_ = wait;
        return errc::rate;
    }

    /** Defers the verdict: keep the returned ticket and return `errc::deferred`.
     *
     *  The hub keeps the message. Further messages of the sender wait behind it. If the ticket passes, the
     *  next hook judges the message. If no verdict arrives within `hub_options::deferral_timeout`, the reply
     *  is `expired`. */
    deferral defer() {
        if (!box_) box_ = std::make_shared<detail::late_box>();
        return {box_, deferred_as_ = box_->next_key()};
    }

    /// Number of the ticket that a hook took; 0 = none.
    std::uint64_t deferred_as() const noexcept { return deferred_as_; }
    /// Number of hooks of the chain that have judged the message.
    std::size_t judged() const noexcept { return judged_; }
    /// Whether a hook replied.
    bool answered() const noexcept { return answered_; }
    /// The data of that reply.
    payload data() const noexcept { return data_; }
    /// The failure text of the reply; empty = the text of the cause.
    std::string_view text() const noexcept { return text_; }
    /// The time that `retry_after` has set; 0 = none.
    std::chrono::milliseconds wait() const noexcept { return retry_after_; }

private:
    template <class...>
    friend class hooks;

    peer_handle from_;
    std::string_view id_;
    time_point now_;
    std::shared_ptr<detail::late_box> box_;
    std::size_t judged_;
    std::uint64_t deferred_as_ = 0;
    std::forward_list<std::string> kept_;
    std::string_view text_;
    payload data_;
    std::chrono::milliseconds retry_after_{};
    bool answered_ = false;
};

} // namespace sigfire::inline v0_1
