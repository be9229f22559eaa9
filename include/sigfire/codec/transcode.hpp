// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/event_transcoder.hpp>
#include <sigfire/codec/transcoder.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <utility>

namespace sigfire::codec {

/** A codec `C` on a hub that also has peers with payloads in other formats: those are translated for its
 *  peers into its own, `C::format`, signals included. The rules stand at `msgpack_from_json`. A payload in
 *  that format already costs a comparison more than with `C` alone.
 *
 *  A payload that would be longer than the limit is not sent: the peer that sends it is told `too_large`, and
 *  so is a peer that waits for it as the answer to a request. To the members of a topic it is just not sent,
 *  and out of lists of members and changes it is left.
 *
 *  One object for one loop: it keeps the last payload that it has translated. */
template <class C>
class transcoded : public C {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(
        requires { C::format; }, "sigfire: transcoded needs a codec with `static constexpr wire_id format`");

public:
    using state = typename C::state;

    /// `limit`: the longest payload in bytes that is made of one in another format.
    explicit transcoded(C wrapped = C{}, std::size_t limit = transcoding_limit)
        : transcoded(std::move(wrapped), transcoder{limit}) {}

    /// The same with formats of your own.
    transcoded(C wrapped, transcoder formats) : C(std::move(wrapped)), translate_(std::move(formats)) {}

    template <class E>
        requires detail::has_word<C, E>
    std::size_t bound(const E& e, const state& st) const {
        const C& wrapped = *this; // g++ 12 breaks over `this` in such a function
        return translated(e, [&](const auto& made) { return wrapped.bound(made, st); });
    }

    template <class E>
        requires detail::has_word<C, E>
    std::size_t encode(const E& e, const state& st, char* p) const {
        const C& wrapped = *this;
        return translated(e, [&](const auto& made) { return wrapped.encode(made, st, p); });
    }

    /// This wire's objection to `e`: `too_large` or `malformed`, or that of `C`.
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

    // The result of `f` for `e` once it is in this format; 0 if it cannot be.
    template <class E, class F>
    std::size_t translated(const E& e, F f) const {
        if (detail::is_in_format(e, format_of(C::format))) [[likely]]
            return f(e);
        auto made = e;
        const errc failed = translate_(made, C::format);
        if (failed == errc::ok) return f(made);
        if constexpr (detail::listing_reply<E>) // a peer waits for it
            return f(event::reply{.token = made.token, .cause = failed});
        else
            return 0;
    }

    mutable detail::event_transcoder translate_;
};

} // namespace sigfire::codec
