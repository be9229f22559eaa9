// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/fanout.hpp>

#include <cstddef>
#include <cstring>

namespace sigfire {

namespace detail {

/// Ends a connection that was accepted, with the words to say before.
template <class C>
void say_goodbye(C& connection, const ending& how, errc why) {
    if (!how.farewell.empty())
        if (char* p = connection.reserve(message_type::text, how.farewell.size())) {
            std::memcpy(p, how.farewell.data(), how.farewell.size());
            connection.commit(how.farewell.size());
        }
    connection.close(how, why);
}

} // namespace detail

/// The state that a listener keeps with each connection.
template <class Codec>
struct connection_state {
    attachment who;              ///< the peer of the connection; names nobody before admission
    typename Codec::state codec; ///< how this peer is talked to
};

/** The way to one peer: its connection, and the codec that speaks its wire. Models Channel; two pointers,
 *  which both have to outlive it. `Connection` keeps a `connection_state<Codec>`. */
template <class C, class K>
class channel {
    static_assert(Connection<C>, "sigfire: Connection requirements not met");
    static_assert(Codec<K>, "sigfire: Codec requirements not met");

public:
    channel(C& connection, const K& codec) noexcept : connection_(&connection), codec_(&codec) {}

    /// `ok` if the connection can take `e` now: `bound` is then for `deliver`. `unknown_command` if its wire
    /// has no word for it, or the codec's objection to it. Else `full`, and the connection is on its way out.
    template <class E>
    errc ready(const E& e, std::size_t& bound) const {
        if constexpr (detail::has_word<K, E>) {
            bound = codec_->bound(e, state());
            if (bound == 0) [[unlikely]]
                return objection(e);
            if (connection_->room(bound)) return errc::ok;
            // This fails, and marks the connection as a slow consumer.
            static_cast<void>(connection_->reserve(codec_->type(e, state()), bound));
            return errc::full;
        } else {
            return errc::unknown_command;
        }
    }

    /// Writes `e` to the connection's output; nothing if its wire has no word for it. A connection that
    /// cannot take it has marked itself. `bound` is from `ready`.
    template <class E>
    void deliver(const E& e, [[maybe_unused]] std::size_t bound) const {
        if constexpr (detail::has_word<K, E>)
            if (char* p = connection_->reserve(codec_->type(e, state()), bound))
                connection_->commit(codec_->encode(e, state(), p));
    }

    /// The same without having asked.
    template <class E>
    void deliver(const E& e) const {
        if constexpr (detail::has_word<K, E>)
            if (const auto bound = codec_->bound(e, state()); bound != 0) deliver(e, bound);
    }

    /// The same to one of many: bytes encoded once are copied to all peers that are talked to alike.
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

    /// Whether the connection can take `e` now; unlike `ready`, asking changes nothing.
    template <class E>
    bool has_room(const E& e) const {
        if constexpr (detail::has_word<K, E>) {
            const auto bound = codec_->bound(e, state());
            return bound == 0 || connection_->room(bound);
        } else {
            return true;
        }
    }

    /// Asks for a sign of life; false if the wire cannot.
    bool ping() const { return connection_->ping(); }
    /// Stops reading from the peer.
    void hold() const { connection_->hold(); }
    /// Reads from the peer again.
    void release() const { connection_->release(); }
    /// Ends the connection, with the farewell that the codec has for that cause.
    void close(errc why) const { detail::say_goodbye(*connection_, codec_->end(why, state()), why); }

private:
    friend class any_channel;

    // Shorter texts are copied: that costs less than to share them.
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

// The calls of an erased channel for one type of event.
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

/** A channel of any type, for a hub with several listeners. Models Channel; 24 bytes, one indirect call each.
 */
class any_channel {
    using calls = detail::all_channel_calls<any_channel, outgoing_events>;
    template <class E>
    using calls_for = detail::channel_calls<any_channel, E>;

public:
    template <class C, class K>
    any_channel(channel<C, K> o) noexcept
        : connection_(o.connection_), codec_(o.codec_), calls_(&calls_of<channel<C, K>, C, K>) {}

    template <class E>
    errc ready(const E& e, std::size_t& bound) const {
        return of<E>().ready(*this, e, bound);
    }
    template <class E>
    void deliver(const E& e, std::size_t bound) const {
        of<E>().deliver(*this, e, bound);
    }
    template <class E>
    void deliver(const E& e) const {
        of<E>().deliver_unasked(*this, e);
    }
    template <class E>
    void deliver(const E& e, fanout& shared) const {
        of<E>().deliver_shared(*this, e, shared);
    }
    template <class E>
    bool has_room(const E& e) const {
        return of<E>().has_room(*this, e);
    }
    bool ping() const { return calls_->ping(*this); }
    void hold() const { calls_->hold(*this); }
    void release() const { calls_->release(*this); }
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

// Out here, where the class is complete.
template <class O, class C, class K>
constexpr any_channel::calls any_channel::calls_of = make_all<O, C, K>(outgoing_events{});

static_assert(Channel<any_channel> && sizeof(any_channel) == 3 * sizeof(void*));

} // namespace sigfire
