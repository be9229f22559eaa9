// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

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

namespace sigfire {

/// An id for a message of the hub, by value.
class message_id {
public:
    explicit message_id(const detail::id_chars& chars) noexcept : chars_(chars) {}

    /// The id, valid as long as this object.
    std::string_view view() const& noexcept { return detail::view(chars_); }
    std::string_view view() const&& = delete;

private:
    detail::id_chars chars_;
};

/** The part of a hub that its features may use. `Hub` is the hub; a context is made for a call and not
 *  kept. */
template <class Hub>
class feature_context {
public:
    explicit feature_context(Hub& hub) noexcept : hub_(hub) {}

    /// The hub's time.
    time_point now() const noexcept { return hub_.now_; }

    /// The peer with that id, or nobody.
    peer_handle find(std::string_view id) const { return hub_.look_up(id); }

    /// The id of a peer, valid while it is here; empty if it is not.
    std::string_view id(peer_handle peer) const { return hub_.id_of(peer); }

    /// Whether a peer is here, but has no connection at the moment.
    bool is_away(peer_handle peer) const { return hub_.stands(peer, detail::standing::away); }

    /// Whether a peer has a connection.
    bool is_online(peer_handle peer) const { return hub_.stands(peer, detail::standing::online); }

    /// The hooks' notes from when they let a peer in; null if nothing, or nobody.
    const notes* notes_of(peer_handle peer) const { return hub_.notes_of(peer); }

    /// A fresh id for a message.
    message_id fresh_id() { return hub_.fresh_id(); }

    /// Sends `e` to one peer, or says why not: `offline`, `denied`, `unknown_command`, `full`.
    template <class E>
    errc send(peer_handle to, const E& e) {
        return hub_.send_event(to, e);
    }

    /// Sends `e` to one of many; a peer that has no room for it is on its way out, unless `droppable`.
    /// False: it was dropped.
    template <class E>
    bool spread(peer_handle to, const E& e, fanout& shared, bool droppable = false) {
        return hub_.spread_event(to, e, shared, droppable);
    }

    /// Replies to a request of a peer: `ok`, or why it failed. Nothing if the request wanted no reply.
    void reply(peer_handle to, request_token token, errc cause) {
        event::reply e;
        e.token = token;
        e.cause = cause;
        hub_.reply_event(to, e);
    }
    /// Replies with an event that has the token: `event::reply`, `event::joined`, `event::member_list`, ...
    template <class E>
    void reply(peer_handle to, const E& e) {
        hub_.reply_event(to, e);
    }

    /// Sends `e` to a peer past its kept traffic: neither counted nor kept.
    template <class E>
    void send_uncounted(peer_handle to, const E& e) {
        hub_.send_past(to, e);
    }

    /// Whether that peer could take `e` now; true for a peer that has no connection.
    template <class E>
    bool has_room(peer_handle to, const E& e) {
        return hub_.room_for(to, e);
    }

    /// From now on the features are told of a peer's messages in both directions, and the peer may outlive
    /// its connection.
    void keep_traffic(peer_handle peer) { hub_.keep_traffic(peer); }

    /// The peer `from`, which is new, proved to be `old`: its connection is that of `old` now.
    void take_over(peer_handle from, peer_handle old) { hub_.take_over(from, old); }

    /** Gives an online peer another id, by which alone it is known from now on; empty = the hub draws one.
     *  Views of its old id are invalid then. A connection that claims the old id gets it.
     *  @return `ok`; or, and nothing changed, `offline`, `malformed` (1-256 bytes of UTF-8), `id_in_use` */
    errc rename(peer_handle peer, std::string_view id) { return hub_.rename(peer, id); }

    /** Frees the id of an online peer, which goes by it all the same: `find` names nobody, but its messages
     *  come from that id. As soon as another one has the id, the peer is renamed to one that the hub draws.
     *  A connection that claims the id gets it at once.
     *  @return `ok`; or, and nothing changed, `offline`, or `denied` for a peer with kept traffic */
    errc unlist(peer_handle peer) { return hub_.unlist(peer); }
    /// Whether a peer's id is free all the same.
    bool is_unlisted(peer_handle peer) const {
        const auto* const s = hub_.whose(peer);
        return s != nullptr && s->unlisted;
    }

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view topic, peer_handle peer) { return hub_.is_member(topic, peer); }

    /// Ends a peer.
    void close(peer_handle peer, errc why) { hub_.close_peer(peer, why); }

    /// Asks all features for a better cause why `e` cannot be delivered.
    template <class E>
    errc miss(peer_handle from, const E& e, errc cause) {
        return hub_.ask_missed(from, e, cause);
    }

    /// Puts off the message that `on_send` is asked about: return `deferred` and keep the ticket. For
    /// features with `static constexpr bool defers = true`.
    deferral defer() { return hub_.defer(); }
    /// A key for something that is answered late, by `on_verdict`.
    std::uint64_t late_key() { return hub_.box_->next_key(); }
    /// Where late answers go.
    const std::shared_ptr<detail::late_box>& late_answers() const { return hub_.box_; }

    /// Returns the result of `f()`. Peers that the host program wants closed meanwhile are closed behind it:
    /// for members of features that the host program calls, and that must not change while they run.
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

    /// Logs, if anybody reads it.
    void note(log_level level, std::string_view name, std::string_view id) { hub_.note(level, name, id); }

private:
    Hub& hub_;
};

} // namespace sigfire
