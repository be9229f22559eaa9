// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/event_transcoder.hpp>
#include <sigfire/codec/transcoder.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <utility>

namespace sigfire::inline v0_1::codec {

/** A codec `C` for a hub that also has peers with payloads in other formats. The wrapper translates such
 *  payloads, and the signals in them, into `C::format`. The rules are at `msgpack_from_json`. A payload
 *  already in that format costs one more comparison than with `C` alone.
 *
 *  A payload that exceeds the limit after translation is not sent, and its sender gets `too_large`. A request
 *  for a record or a member list with such a payload fails with `too_large`. So does a request that another
 *  peer answers with such a payload. In publications, the affected members do not get the message. In
 *  presence changes, the value is left out.
 *
 *  One object for one loop, because the object keeps the last translated payload. */
template <class C>
class transcoded : public C {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(
        requires { C::format; }, "sigfire: transcoded needs a codec with `static constexpr wire_id format`");

public:
    /// The state of a connection: that of `C`.
    using state = typename C::state;

    /// `limit`: longest payload in bytes translated from another format.
    explicit transcoded(C wrapped = C{}, std::size_t limit = transcoding_limit)
        : transcoded(std::move(wrapped), transcoder{limit}) {}

    /// The same with formats of your own.
    transcoded(C wrapped, transcoder formats) : C(std::move(wrapped)), translate_(std::move(formats)) {}

    /// As `C::bound` for the translated event; 0 if the event cannot be translated.
    template <class E>
        requires detail::has_word<C, E>
    std::size_t bound(const E& e, const state& st) const {
        const C& wrapped = *this; // g++ 12 fails to compile `this` in such a lambda
        return translated(e, [&](const auto& made) { return wrapped.bound(made, st); });
    }

    /// As `C::encode` for the translated event.
    template <class E>
        requires detail::has_word<C, E>
    std::size_t encode(const E& e, const state& st, char* p) const {
        const C& wrapped = *this;
        return translated(e, [&](const auto& made) { return wrapped.encode(made, st, p); });
    }

    /// The objection of this wire to `e`: `too_large` or `malformed`, else that of `C`.
    template <class E>
        requires detail::has_word<C, E>
    errc objection(const E& e, const state& st) const {
        if (detail::is_in_format(e, format_of(C::format))) return its_objection(e, st);
        auto made = e;
        const errc failed = translate_(made, C::format);
        return failed != errc::ok ? failed : its_objection(made, st);
    }

private:
    template <class E>
    errc its_objection([[maybe_unused]] const E& e, [[maybe_unused]] const state& st) const {
        if constexpr (requires { C::objection(e, st); })
            return C::objection(e, st);
        else
            return errc::ok;
    }

    // The result of `f` for the translated event; 0 if the event cannot be translated.
    template <class E, class F>
    std::size_t translated(const E& e, F f) const {
        if (detail::is_in_format(e, format_of(C::format))) [[likely]]
            return f(e);
        auto made = e;
        const errc failed = translate_(made, C::format);
        if (failed == errc::ok) return f(made);
        if constexpr (detail::listing_reply<E>) // a peer waits for the reply
            return f(event::reply{.token = made.token, .cause = failed});
        else
            return 0;
    }

    mutable detail::event_transcoder translate_;
};

} // namespace sigfire::inline v0_1::codec
