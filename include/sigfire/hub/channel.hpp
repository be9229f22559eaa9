// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/fanout.hpp>

#include <cstddef>
#include <cstring>

namespace sigfire::inline v0_1 {

namespace detail {

/// Ends an accepted connection, after its last_message message.
template <class C>
void say_goodbye(C& connection, const ending& how, errc why) {
    if (!how.last_message.empty())
        if (char* p = connection.reserve(message_type::text, how.last_message.size())) {
            std::memcpy(p, how.last_message.data(), how.last_message.size());
            connection.commit(how.last_message.size());
        }
    connection.close(how, why);
}

} // namespace detail

/// The state that a listener keeps with each connection.
template <class Codec>
struct connection_state {
    attachment who;              ///< the peer of the connection; null before admission
    typename Codec::state codec; ///< the state of the codec for this connection
};

/// The way to one peer: its connection and the codec of its wire. Models Channel. Two pointers; connection
/// and codec must outlive the channel. The state of `Connection` is a `connection_state<Codec>`. One thread
/// at a time.
template <class C, class K>
class channel {
    static_assert(Connection<C>, "sigfire: Connection requirements not met");
    static_assert(Codec<K>, "sigfire: Codec requirements not met");

public:
    /// A channel over `connection`, encoded by `codec`.
    channel(C& connection, const K& codec) noexcept : connection_(&connection), codec_(&codec) {}

    /** Whether the connection can take `e` now. Sets `bound` for `deliver`.
     *
     *  Returns `ok`. Returns `unknown_command`, or the objection of the codec, if the codec cannot encode
     *  `e`. Otherwise returns `full`; then the connection is marked as a slow consumer and ends. */
    template <class E>
    errc ready(const E& e, std::size_t& bound) const {
        if constexpr (detail::has_word<K, E>) {
            bound = codec_->bound(e, state());
            if (bound == 0) [[unlikely]]
                return objection(e);
            if (connection_->room(bound)) return errc::ok;
            // The failed reservation marks the connection as a slow consumer.
            static_cast<void>(connection_->reserve(codec_->type(e, state()), bound));
            return errc::full;
        } else {
            return errc::unknown_command;
        }
    }

    /** Encodes `e` into the outbox of the connection; does nothing if the codec cannot encode `e`. A
     *  connection without room is marked and ends.
     *  @param e the event
     *  @param bound the bound that `ready` has set, in bytes */
    template <class E>
    void deliver(const E& e, [[maybe_unused]] std::size_t bound) const {
        if constexpr (detail::has_word<K, E>)
            if (char* p = connection_->reserve(codec_->type(e, state()), bound))
                connection_->commit(codec_->encode(e, state(), p));
    }

    /// Encodes `e` into the outbox of the connection, without a call of `ready`.
    template <class E>
    void deliver(const E& e) const {
        if constexpr (detail::has_word<K, E>)
            if (const auto bound = codec_->bound(e, state()); bound != 0) deliver(e, bound);
    }

    /// Writes `e`, which has many receivers, into the outbox. Connections with the same `share_key` get the
    /// same bytes, encoded once.
    template <class E>
    void deliver(const E& e, fanout& shared) const {
        if constexpr (detail::has_word<K, E>) {
            const auto key = codec_->share_key(state());
            if (key < 0) return deliver(e);
            auto text = shared.find(codec_, key);
            if (text.data() == nullptr) {
                const auto bound = codec_->bound(e, state());
                text = shared.add(codec_, key, bound + 1,
                                  [&](char* p) { return bound == 0 ? 0 : codec_->encode(e, state(), p); });
            }
            if (text.empty()) return;
            const auto type = codec_->type(e, state());
            if constexpr (requires { connection_->append(connection_->share(type, text)); })
                if (text.size() >= shared_from) {
                    using block = decltype(connection_->share(type, text));
                    const auto make = [&](std::string_view whole) { return connection_->share(type, whole); };
                    static_cast<void>(connection_->append(shared.block<block>(codec_, key, make)));
                    return;
                }
            if (char* p = connection_->reserve(type, text.size())) {
                std::memcpy(p, text.data(), text.size());
                connection_->commit(text.size());
            }
        }
    }

    /// Whether the connection can take `e` now. Unlike `ready`, this changes nothing.
    template <class E>
    bool has_room(const E& e) const {
        if constexpr (detail::has_word<K, E>) {
            const auto bound = codec_->bound(e, state());
            return bound == 0 || connection_->room(bound);
        } else {
            return true;
        }
    }

    /// Sends a ping; false if the wire has none.
    bool ping() const { return connection_->ping(); }
    /// Stops reading from the peer.
    void hold() const { connection_->hold(); }
    /// Resumes reading from the peer.
    void release() const { connection_->release(); }
    /// Ends the connection, with the last_message that the codec has for `why`.
    void close(errc why) const { detail::say_goodbye(*connection_, codec_->end(why, state()), why); }

private:
    friend class any_channel;

    // In bytes. For shorter texts a copy costs less than a shared block.
    static constexpr std::size_t shared_from = 1024;

    template <class E>
    errc objection(const E& e) const {
        if constexpr (requires { codec_->objection(e, state()); })
            if (const errc against = codec_->objection(e, state()); against != errc::ok) return against;
        return errc::unknown_command;
    }

    const typename K::state& state() const { return connection_->state().codec; }

    C* connection_;
    const K* codec_;
};

namespace detail {

// The functions of a type-erased channel for one type of event.
template <class O, class E>
struct channel_calls {
    errc (*ready)(const O&, const E&, std::size_t&);
    void (*deliver)(const O&, const E&, std::size_t);
    void (*deliver_unasked)(const O&, const E&);
    void (*deliver_shared)(const O&, const E&, fanout&);
    bool (*has_room)(const O&, const E&);
};

template <class O, class List>
struct all_channel_calls;
template <class O, class... Es>
struct all_channel_calls<O, event_list<Es...>> : channel_calls<O, Es>... {
    bool (*ping)(const O&);
    void (*hold)(const O&);
    void (*release)(const O&);
    void (*close)(const O&, errc);
};

} // namespace detail

/// A channel of any type, for a hub with several listeners. Models Channel. Takes 24 bytes; each call is one
/// indirect call.
class any_channel {
    using calls = detail::all_channel_calls<any_channel, outgoing_events>;
    template <class E>
    using calls_for = detail::channel_calls<any_channel, E>;

public:
    /// Wraps a channel; its connection and codec must outlive this object.
    template <class C, class K>
    any_channel(channel<C, K> o) noexcept
        : connection_(o.connection_), codec_(o.codec_), calls_(&calls_of<channel<C, K>, C, K>) {}

    /// See `channel::ready`.
    template <class E>
    errc ready(const E& e, std::size_t& bound) const {
        return of<E>().ready(*this, e, bound);
    }
    /// See `channel::deliver`.
    template <class E>
    void deliver(const E& e, std::size_t bound) const {
        of<E>().deliver(*this, e, bound);
    }
    /// See `channel::deliver`.
    template <class E>
    void deliver(const E& e) const {
        of<E>().deliver_unasked(*this, e);
    }
    /// See `channel::deliver`.
    template <class E>
    void deliver(const E& e, fanout& shared) const {
        of<E>().deliver_shared(*this, e, shared);
    }
    /// See `channel::has_room`.
    template <class E>
    bool has_room(const E& e) const {
        return of<E>().has_room(*this, e);
    }
    /// See `channel::ping`.
    bool ping() const { return calls_->ping(*this); }
    /// See `channel::hold`.
    void hold() const { calls_->hold(*this); }
    /// See `channel::release`.
    void release() const { calls_->release(*this); }
    /// See `channel::close`.
    void close(errc why) const { calls_->close(*this, why); }

private:
    template <class E>
    const calls_for<E>& of() const noexcept {
        return *calls_;
    }

    template <class O, class C, class K>
    O as() const {
        return O{*static_cast<C*>(connection_), *static_cast<const K*>(codec_)};
    }

    template <class O, class C, class K, class E>
    static constexpr calls_for<E> make_calls() {
        return {
            [](const any_channel& o, const E& e, std::size_t& bound) {
                return o.as<O, C, K>().ready(e, bound);
            },
            [](const any_channel& o, const E& e, std::size_t bound) { o.as<O, C, K>().deliver(e, bound); },
            [](const any_channel& o, const E& e) { o.as<O, C, K>().deliver(e); },
            [](const any_channel& o, const E& e, fanout& shared) { o.as<O, C, K>().deliver(e, shared); },
            [](const any_channel& o, const E& e) { return o.as<O, C, K>().has_room(e); }};
    }

    template <class O, class C, class K, class... Es>
    static constexpr calls make_all(event_list<Es...>) {
        return {make_calls<O, C, K, Es>()..., [](const any_channel& o) { return o.as<O, C, K>().ping(); },
                [](const any_channel& o) { o.as<O, C, K>().hold(); },
                [](const any_channel& o) { o.as<O, C, K>().release(); },
                [](const any_channel& o, errc why) { o.as<O, C, K>().close(why); }};
    }

    template <class O, class C, class K>
    static const calls calls_of;

    void* connection_;
    const void* codec_;
    const calls* calls_;
};

/// Outside of the class, because the class must be complete here.
template <class O, class C, class K>
constexpr any_channel::calls any_channel::calls_of = make_all<O, C, K>(outgoing_events{});

static_assert(Channel<any_channel> && sizeof(any_channel) == 3 * sizeof(void*));

} // namespace sigfire::inline v0_1
