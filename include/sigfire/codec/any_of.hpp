// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/core/request.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

namespace sigfire {

/// Matches every request.
struct always {
    bool operator()(const request&) const noexcept { return true; }
};

/// Matches the path, as sent: `/socket-signal`, with or without a `/` behind it, and what lies below.
struct by_path {
    std::string path; ///< begins with `/` and does not end with one

    bool operator()(const request& r) const noexcept {
        const auto p = r.path();
        return p.starts_with(path) && (p.size() == path.size() || p[path.size()] == '/');
    }
};

/// Matches who offers that WebSocket sub-protocol, among others or alone.
struct by_subprotocol {
    std::string name;

    bool operator()(const request& r) const noexcept {
        return r.any_subprotocol([this](std::string_view offered) { return offered == name; });
    }
};

/// Matches a query parameter of that name, with any value or with none.
struct by_query {
    std::string name;

    bool operator()(const request& r) const { return r.has_query(name); }
};

/// The first message can be of any kind: it decides nothing.
struct any_message {};

/// The first message is of that type: for wires on which the client speaks first.
struct by_message_type {
    message_type type;

    bool operator()(message m) const noexcept { return m.type == type; }
};

namespace codec {

/** One choice of `any_of`: `codec` for the requests that `matches`. `C` models Codec; `P` is called with a
 *  `const request&` and says whether it is one of them.
 *
 *  With an `M` the choice also waits for the first message: `begins` is called with it and decides. Until
 * then the peer can be told nothing, so that is for wires on which the client speaks first; and `open` of the
 * codec is called with an empty request then. */
template <class C, class P = always, class M = any_message>
struct when {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(std::predicate<const P&, const request&>,
                  "sigfire: a choice is made by what is called with a const request& and returns bool");
    static_assert(std::same_as<M, any_message> || std::predicate<const M&, message>,
                  "sigfire: a first message is judged by what is called with a message and returns bool");

    static constexpr bool waits = !std::same_as<M, any_message>;

    C codec{}; // may be explicit
    P matches{};
    M begins{};
};

template <class C>
when(C) -> when<C>;
template <class C, class P>
when(C, P) -> when<C, P>;
template <class C, class P, class M>
when(C, P, M) -> when<C, P, M>;

/** Several wires at one listener: each connection speaks that of the first choice whose condition its request
 *  matches. Models Codec.
 *
 *  `any_of{when{dialect::y_webrtc{}, by_path{"/y-webrtc"}}, when{codec::json{}}}`. Who matches none is
 * refused with 404. On a transport without HTTP the request is empty: what matches is what matches `always`.
 * Plain HTTP requests are answered by the first choice that matches and has an answer. */
template <class... Choices>
class any_of {
    static_assert(sizeof...(Choices) != 0,
                  "sigfire: any_of needs a choice: any_of{when{codec, condition}, ...}");

    template <std::size_t I>
    using choice_at = std::tuple_element_t<I, std::tuple<Choices...>>;

    template <class C, class Directory>
    static constexpr bool answers_http =
        requires(C& c, const request& r, response& out, const Directory& here) { c.http(r, out, here); };

    template <class C>
    static constexpr bool objects =
        requires(const C& c, const envelope& e, const typename C::state& st) { c.objection(e, st); };

public:
    /// What is kept for a connection: the state of the choice that was made, or which are still open.
    struct state {
        std::variant<std::monostate, typename decltype(Choices::codec)::state...> chosen;
        std::uint32_t open = 0; // a bit for each choice that waits for the first message
    };
    static_assert(sizeof...(Choices) <= 32);

    /// Texts are checked by the transport unless each of the codecs does.
    static constexpr bool checks_utf8 = (decltype(Choices::codec)::checks_utf8 && ...);

    explicit any_of(Choices... choices) : choices_(std::move(choices)...) {}

    /// Chooses. `unknown` if nothing matches, else what the codec says.
    errc open(const request& r, state& st, admission& ad) {
        errc result = errc::unknown;
        each([&]<std::size_t I>() {
            auto& choice = std::get<I>(choices_);
            if ((st.open != 0 && !choice.waits) || !choice.matches(r)) return false;
            if constexpr (choice_at<I>::waits) {
                typename decltype(choice.codec)::state unused;
                if (st.open == 0) result = choice.codec.open(r, unused, ad);
                st.open |= 1u << I;
                return false;
            } else {
                result = choice.codec.open(r, st.chosen.template emplace<I + 1>(), ad);
                return true;
            }
        });
        return result;
    }

    template <class Emit>
    errc decode(message m, state& st, Emit&& emit) {
        if (st.open != 0) choose(m, st);
        errc result = errc::malformed;
        with(st, [&](auto& codec, auto& its) { result = codec.decode(m, its, emit); });
        return result;
    }

    std::size_t bound(const envelope& e, const state& st) const {
        std::size_t n = 0;
        with(st, [&](const auto& codec, const auto& its) { n = codec.bound(e, its); });
        return n;
    }

    std::size_t encode(const envelope& e, const state& st, char* p) const {
        std::size_t n = 0;
        with(st, [&](const auto& codec, const auto& its) { n = codec.encode(e, its, p); });
        return n;
    }

    message_type type(const envelope& e, const state& st) const {
        auto t = message_type::text;
        with(st, [&](const auto& codec, const auto& its) { t = codec.type(e, its); });
        return t;
    }

    int share_key(const envelope& e, const state& st) const {
        int key = -1;
        with(st, [&](const auto& codec, const auto& its) { key = codec.share_key(e, its); });
        constexpr int n = sizeof...(Choices);
        return key < 0 ? key : key * n + static_cast<int>(st.chosen.index()) - 1;
    }

    ending end(errc why, const state& st) const {
        ending how{404, 1003, to_string(why)};
        with(st, [&](const auto& codec, const auto& its) { how = codec.end(why, its); });
        return how;
    }

    /// What the wire has against `e`, for the codecs that have an opinion.
    errc objection(const envelope& e, const state& st) const
        requires(objects<decltype(Choices::codec)> || ...)
    {
        errc against = errc::ok;
        with(st, [&](const auto& codec, const auto& its) {
            if constexpr (requires { codec.objection(e, its); }) against = codec.objection(e, its);
        });
        return against;
    }

    /// Plain HTTP, for the codecs that answer it.
    template <class Directory>
    bool http(const request& r, response& out, const Directory& here)
        requires(answers_http<decltype(Choices::codec), Directory> || ...)
    {
        bool answered = false;
        each([&]<std::size_t I>() {
            auto& choice = std::get<I>(choices_);
            if constexpr (answers_http<decltype(choice.codec), Directory>)
                answered = choice.matches(r) && choice.codec.http(r, out, here);
            return answered;
        });
        return answered;
    }

private:
    // The first message of a peer whose wire is not known yet.
    void choose(message m, state& st) {
        const auto open = std::exchange(st.open, 0);
        each([&]<std::size_t I>() {
            if constexpr (choice_at<I>::waits) {
                auto& choice = std::get<I>(choices_);
                if ((open >> I & 1) == 0 || !choice.begins(m)) return false;
                admission none;
                choice.codec.open({}, st.chosen.template emplace<I + 1>(), none);
                return true;
            } else {
                return false;
            }
        });
    }

    // Calls `f.operator()<I>()` for each choice until it returns true.
    template <class F>
    static void each(F f) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            static_cast<void>((f.template operator()<I>() || ...));
        }(std::index_sequence_for<Choices...>{});
    }

    // Calls `f(codec, state)` with what was chosen, if anything was.
    template <class Self, class State, class F>
    static void visit(Self& self, State& st, F& f) {
        each([&]<std::size_t I>() {
            auto* const its = std::get_if<I + 1>(&st.chosen);
            if (its != nullptr) f(std::get<I>(self.choices_).codec, *its);
            return its != nullptr;
        });
    }
    template <class F>
    void with(state& st, F f) {
        visit(*this, st, f);
    }
    template <class F>
    void with(const state& st, F f) const {
        visit(*this, st, f);
    }

    std::tuple<Choices...> choices_;
};

} // namespace codec

using codec::any_of;
using codec::when;

} // namespace sigfire
