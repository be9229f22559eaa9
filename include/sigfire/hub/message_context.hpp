// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/** A hook's view of the message in hand, and its means besides a verdict. Lives until the message was
 *  delivered or refused. */
class message_context {
public:
    /// For hubs, and for tests of hooks: the sender and its id, the time, where late verdicts go, and how
    /// many hooks have judged it already.
    message_context(peer_handle from, std::string_view id, time_point now,
                    std::shared_ptr<detail::late_box> box = nullptr, std::size_t judged = 0) noexcept
        : from_(from), id_(id), now_(now), box_(std::move(box)), judged_(judged) {}

    message_context(const message_context&) = delete;
    message_context& operator=(const message_context&) = delete;

    /// The peer that sends it.
    peer_handle from() const noexcept { return from_; }
    /// The id of that peer.
    std::string_view id() const noexcept { return id_; }

    /// The hub's time.
    time_point now() const noexcept { return now_; }

    /** Keeps `text` until the message was delivered, so that the event may view it. A hook that changes
     * `data.bytes` puts a valid payload there, says in `data.wire` how it is written, and sets `signal.body`
     * to a part of it, or empties it. */
    std::string_view keep(std::string text) { return kept_.emplace_front(std::move(text)); }

    /** Makes `ok` the sender's reply, with `data` (a map, or empty) where its wire has room for it, and ends
     * the message here: no further hook sees it, and nobody is sent it. */
    void reply(std::string data = {}, wire_id wire = default_wire) {
        data_ = {keep(std::move(data)), wire};
        answered_ = true;
    }

    /// Makes the sender's reply a failure in words of your own: `return context.fail("Forbidden");`
    errc fail(std::string text, errc cause = errc::denied) {
        text_ = keep(std::move(text));
        return cause;
    }

    /** Puts the verdict off: return `errc::deferred` and keep the ticket. The hub keeps the message; the
     * sender's further messages wait behind this one. If it passes, the hooks behind this one judge next.
     * Without a verdict in time the sender's reply is `expired`. */
    deferral defer() {
        if (!box_) box_ = std::make_shared<detail::late_box>();
        return {box_, deferred_as_ = box_->next_key()};
    }

    /// Which ticket was taken; 0 = none.
    std::uint64_t deferred_as() const noexcept { return deferred_as_; }
    /// How many hooks of the chain have judged the message.
    std::size_t judged() const noexcept { return judged_; }
    /// Whether a hook replied.
    bool answered() const noexcept { return answered_; }
    /// The data of that reply.
    payload data() const noexcept { return data_; }
    /// The text to say instead of the cause's own.
    std::string_view text() const noexcept { return text_; }

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
    bool answered_ = false;
};

} // namespace sigfire
