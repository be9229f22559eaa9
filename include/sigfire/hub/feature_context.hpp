// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/detail/slots.hpp>
#include <sigfire/hub/fanout.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace sigfire::inline v0_1 {

/// An id for a message of the hub, by value.
class message_id {
public:
    /// Holds a copy of the characters.
    explicit message_id(const detail::id_chars& chars) noexcept : chars_(chars) {}

    /// The id in ASCII, valid as long as this object.
    std::string_view view() const& noexcept { return detail::view(chars_); }
    std::string_view view() const&& = delete;

private:
    detail::id_chars chars_;
};

/** The interface of a hub for its features. The hub makes a context for a call; a feature does not keep it.
 *
 *  `Hub` is the type of the hub. All members run on the thread of the hub. */
template <class Hub>
class feature_context {
public:
    /// A context of `hub`, which must outlive it.
    explicit feature_context(Hub& hub) noexcept : hub_(hub) {}

    /// The time of the hub.
    time_point now() const noexcept { return hub_.now_; }

    /// Returns the peer with that id, or a null handle.
    peer_handle find(std::string_view id) const { return hub_.look_up(id); }

    /// The id of a peer; empty if the peer has left. Valid until the peer leaves or gets another id.
    std::string_view id(peer_handle peer) const { return hub_.id_of(peer); }

    /// Whether a peer is away: it has no connection at the moment.
    bool is_away(peer_handle peer) const { return hub_.stands(peer, detail::standing::away); }

    /// Whether a peer has a connection.
    bool is_online(peer_handle peer) const { return hub_.stands(peer, detail::standing::online); }

    /// The address of a peer, for limits per address; no block for a function and on a Unix socket.
    address_block address(peer_handle peer) const {
        return hub_.slot_of(peer) != nullptr ? hub_.address_of(peer.slot) : address_block{};
    }

    /// The notes that hooks attached to a peer at its admission; null if there are none or the peer has left.
    const notes* notes_of(peer_handle peer) const { return hub_.notes_of(peer); }

    /// Returns a new id for a message.
    message_id fresh_id() { return hub_.fresh_id(); }

    /// Sends `e` to one peer. Returns `ok`, or the cause of the failure: `offline`, `denied`,
    /// `unknown_command`, `full`, ...
    template <class E>
    errc send(peer_handle to, const E& e) {
        return hub_.send_event(to, e);
    }

    /** Sends `e` to one of many receivers.
     *  @param to the receiver
     *  @param e the event
     *  @param shared the texts of `e`; the same object for each receiver
     *  @param droppable if true, the hub drops `e` when the receiver has no room; if false, it then
     *    disconnects the receiver
     *  @returns false if the hub dropped `e` */
    template <class E>
    bool broadcast(peer_handle to, const E& e, fanout& shared, bool droppable = false) {
        return hub_.spread_event(to, e, shared, droppable);
    }

    /// Replies to a request of a peer with `ok` or with the cause of the failure. Without a token the hub
    /// sends nothing.
    void reply(peer_handle to, request_token token, errc cause) {
        event::reply e;
        e.token = token;
        e.cause = cause;
        hub_.reply_event(to, e);
    }
    /// Replies with an event that has a token: `event::reply`, `event::joined`, `event::member_list`, ...
    template <class E>
    void reply(peer_handle to, const E& e) {
        hub_.reply_event(to, e);
    }

    /// Sends `e` to an online peer outside of its kept traffic: features neither count nor keep `e`.
    template <class E>
    void send_uncounted(peer_handle to, const E& e) {
        hub_.send_past(to, e);
    }

    /// Whether the connection of a peer can take `e` now; true for a peer without a connection.
    template <class E>
    bool has_room(peer_handle to, const E& e) {
        return hub_.room_for(to, e);
    }

    /// Keeps the traffic of a peer from now on. The hub then reports its messages in both directions to the
    /// features, and the peer can outlive its connection.
    void keep_traffic(peer_handle peer) { hub_.keep_traffic(peer); }

    /// Whether hooks have verified the id of a peer. Such a peer continues as no other peer.
    bool has_verified_id(peer_handle peer) const {
        const auto* const s = hub_.slot_of(peer);
        return s != nullptr && s->verified;
    }

    /// Moves the connection of the new peer `from` to the peer `old`. The peer `from` leaves.
    void take_over(peer_handle from, peer_handle old) { hub_.take_over(from, old); }

    /** Gives another id to an online peer. Views of the old id become invalid. If a connection claims the old
     *  id, it gets that id.
     *  @param peer the peer
     *  @param id the new id, 1-256 bytes of UTF-8; empty = the hub draws one
     *  @return `ok`; or `offline`, `malformed` or `id_in_use`, and then nothing has changed */
    errc rename(peer_handle peer, std::string_view id) { return hub_.rename(peer, id); }

    /** Frees the id of an online peer, but the peer keeps sending under it. `find` no longer finds the peer.
     *
     *  When another peer gets the id, the hub renames this peer to an id that the hub draws. If a connection
     *  claims the id, it gets the id at once.
     *  @param peer the peer
     *  @return `ok`; or `offline`, or `denied` for a peer with kept traffic, and then nothing has changed */
    errc unlist(peer_handle peer) { return hub_.unlist(peer); }
    /// Whether a peer sends under an id that is free.
    bool is_unlisted(peer_handle peer) const {
        const auto* const s = hub_.slot_of(peer);
        return s != nullptr && s->unlisted;
    }

    /** Replaces the terms of a peer by those of a newer admission: its notes, if `terms.attached` has any,
     *  and the end of its validity. Nothing else of `terms` counts. Does nothing if the peer has left. */
    void renew(peer_handle peer, const admission& terms) {
        if (hub_.slot_of(peer) != nullptr) hub_.take_terms(peer.slot, terms);
    }

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view topic, peer_handle peer) { return hub_.is_member(topic, peer); }

    /// Disconnects a peer, with `why` as the cause.
    void close(peer_handle peer, errc why) { hub_.close_peer(peer, why); }

    /// Asks all features for a more precise cause why the hub cannot deliver `e`, see
    /// `feature::on_undeliverable`.
    template <class E>
    errc miss(peer_handle from, const E& e, errc cause) {
        return hub_.ask_missed(from, e, cause);
    }

    /// Defers the message of the current `on_send`: return `deferred` and keep the ticket. Only for features
    /// with `static constexpr bool defers = true`.
    deferral defer() { return hub_.defer(); }
    /// Returns a new key for a late answer, which arrives by `feature::on_verdict`.
    std::uint64_t late_key() { return hub_.box_->next_key(); }
    /// The box for late answers. Thread-safe: see `deferral`.
    const std::shared_ptr<detail::late_box>& late_answers() const { return hub_.box_; }

    /** Calls `f()` and returns its result. If the host program closes peers during the call, they leave after
     *  it.
     *
     *  For members that the host program calls and that need unchanged peers while they run. */
    template <class F>
    auto at_work(F f) {
        const typename Hub::work w{hub_};
        return f();
    }

    /// Calls `f(feature)` for each feature of the hub.
    template <class F>
    void each(F f) {
        hub_.stirred_ = true;
        hub_.each_feature(f);
    }

    /// Writes an event about the peer `id` to the log, if the hub has one.
    void note(log_level level, std::string_view name, std::string_view id) { hub_.note(level, name, id); }

private:
    Hub& hub_;
};

} // namespace sigfire::inline v0_1
