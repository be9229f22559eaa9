// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/detail/slots.hpp>
#include <sigfire/hub/fanout.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace sigfire {

/** What a hub lets its features do. `Hub` is the hub; a desk is made for a call and not kept. */
template <class Hub>
class desk {
public:
    explicit desk(Hub& hub) noexcept : hub_(hub) {}

    /// The hub's time.
    time_point now() const noexcept { return hub_.now_; }

    /// Who has that id, or nobody.
    peer_handle find(std::string_view id) const { return hub_.look_up(id); }

    /// The id of a peer, valid while it is here; empty if it is not.
    std::string_view id(peer_handle peer) const {
        const auto* const s = hub_.whose(peer);
        return s != nullptr && (Hub::is_present(*s) || s->state == detail::standing::leaving)
                   ? s->id.view()
                   : std::string_view{};
    }

    /// Whether a peer is here, but has no connection at the moment.
    bool is_away(peer_handle peer) const {
        const auto* const s = hub_.whose(peer);
        return s != nullptr && s->state == detail::standing::away;
    }

    /// Whether a peer has a connection.
    bool is_online(peer_handle peer) const {
        const auto* const s = hub_.whose(peer);
        return s != nullptr && s->state == detail::standing::online;
    }

    /// A fresh id for a message, valid until the next is drawn.
    std::string_view fresh_id() { return hub_.message_ids_.next(); }

    /// Hands `e` to one peer, or says why not: `offline`, `denied`, `unknown_command`, `full`.
    errc send(peer_handle to, const envelope& e) {
        auto* const s = hub_.whose(to);
        if (s == nullptr || !Hub::is_present(*s)) return errc::offline;
        if (!hub_.may_have(*s, e)) return errc::denied;
        if (const errc taken = hub_.takes(*s, e); taken != errc::ok) return taken;
        hub_.put_seldom(*s, e);
        return errc::ok;
    }

    /// Hands `e` to one of many; whoever has no room for it is on its way out, unless `e` is droppable.
    /// False: it was dropped.
    bool spread(peer_handle to, const envelope& e, fanout& shared) {
        auto* const s = hub_.whose(to);
        if (s == nullptr || !Hub::is_present(*s) || !hub_.may_have(*s, e)) return true;
        const bool online = s->state == detail::standing::online;
        if (e.droppable && !(online ? s->way.has_room(e) : hub_.takes(*s, e) == errc::ok)) return false;
        if (online && !s->kept)
            s->way.deliver(e, shared);
        else
            hub_.put_seldom(*s, e);
        return true;
    }

    /// Replies to the request `token` of a peer: with `data` (in `format`, or empty), or for a failure with
    /// `text` instead of the cause's own; `number` is that of the question to another peer that it led to.
    /// Nothing if the request wanted no reply.
    void reply(peer_handle to, std::string_view token, errc status, std::string_view data = {},
               std::string_view text = {}, payload_format format = payload_format::json,
               std::uint64_t number = 0) {
        auto* const s = hub_.whose(to);
        if (s != nullptr && Hub::is_present(*s))
            hub_.reply_seldom(*s, token, status, data, text, format, number);
    }

    /// Sends `e` to a peer past what is kept for it: neither counted nor kept.
    void send_uncounted(peer_handle to, const envelope& e) {
        auto* const s = hub_.whose(to);
        if (s != nullptr && s->state == detail::standing::online) hub_.put_past(*s, e);
    }

    /// From now on what a peer says and is sent is told to the features, and the peer may outlive its
    /// connection.
    void keep_traffic(peer_handle peer) {
        if (auto* const s = hub_.whose(peer)) s->kept = true;
    }

    /// The peer `from`, which is new, proved to be `old`: its connection is that of `old` now.
    void take_over(peer_handle from, peer_handle old) { hub_.take_over(from, old); }

    /** Gives an online peer another id, by which alone it is known from now on; empty = the hub draws one.
     *  Views of its old id are invalid then: an envelope's `from` too. A connection that claims the old id
     *  gets it.
     *  @return `ok`; or, and nothing changed, `offline`, `malformed` (1-256 bytes of UTF-8), `id_in_use` */
    errc rename(peer_handle peer, std::string_view id) { return hub_.rename(peer, id); }

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view topic, peer_handle peer) {
        return hub_.any_feature([&](auto& f) { return f.contains(topic, peer); });
    }

    /// Ends a peer.
    void close(peer_handle peer, errc why) {
        auto* const s = hub_.whose(peer);
        if (s != nullptr && Hub::is_present(*s)) hub_.end(peer.slot, why);
    }

    /// A key for something that is answered late.
    std::uint64_t late_key() { return ++hub_.box_->last; }
    /// Where late answers go.
    const std::shared_ptr<detail::late_box>& late_answers() const { return hub_.box_; }

    /// Calls `f(feature)` for each feature of the hub.
    template <class F>
    void each(F f) {
        hub_.stirred_ = true;
        hub_.each_feature(f);
    }

    /// Logs, if anybody reads it.
    void note(log_level level, std::string_view event, std::string_view id) { hub_.note(level, event, id); }

private:
    Hub& hub_;
};

} // namespace sigfire
