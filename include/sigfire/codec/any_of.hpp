// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/core/request.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace sigfire::inline v0_1 {

/// Matches every request.
struct always {
    /// Always true.
    bool operator()(const request&) const noexcept { return true; }
};

/// Matches a path as sent, with or without a `/` at the end, and all paths below it.
struct by_path {
    std::string path; ///< begins with `/` and does not end with `/`: `/socket-signal`

    /// Whether the request matches.
    bool operator()(const request& r) const noexcept {
        const auto p = r.path();
        return p.starts_with(path) && (p.size() == path.size() || p[path.size()] == '/');
    }
};

/// Matches a request that offers a WebSocket sub-protocol, alone or among others.
struct by_subprotocol {
    std::string name; ///< name of the sub-protocol

    /// Whether the request matches.
    bool operator()(const request& r) const noexcept {
        return r.any_subprotocol([this](std::string_view offered) { return offered == name; });
    }
};

/// Matches a request with a query parameter, with any value or none.
struct by_query {
    std::string name; ///< name of the parameter

    /// Whether the request matches.
    bool operator()(const request& r) const { return r.has_query(name); }
};

namespace codec {

/** One choice of `any_of`: `codec` for the requests that `matches`. `C` models Codec. `P` takes a
 *  `const request&` and returns whether the request matches. */
template <class C, class P = always>
struct when {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(std::predicate<const P&, const request&>,
                  "sigfire: the condition of a choice must take a const request& and return bool");

    C codec{};   ///< the codec of the choice; its default constructor may be explicit
    P matches{}; ///< the condition of the choice
};

/// The same for a codec without a default constructor: a choice without a codec does not compile.
template <class C, class P>
    requires(!std::is_default_constructible_v<C>)
struct when<C, P> {
    static_assert(Codec<C>, "sigfire: Codec requirements not met");
    static_assert(std::predicate<const P&, const request&>,
                  "sigfire: the condition of a choice must take a const request& and return bool");

    C codec;     ///< the codec of the choice
    P matches{}; ///< the condition of the choice
};

template <class C>
when(C) -> when<C>;
template <class C, class P>
when(C, P) -> when<C, P>;

/** Several wires on one listener. Each connection uses the codec of the first choice that matches its
 *  request. Models Codec.
 *
 *  `any_of{when{dialect::y_webrtc{}, by_path{"/y-webrtc"}}, when{codec::json{}}}`. A request that matches no
 *  choice is refused with 404. On a transport without HTTP, the request is empty: only choices with `always`
 *  match. The first choice that matches and has an answer answers a plain HTTP request. */
template <class... Choices>
class any_of {
    static_assert(sizeof...(Choices) != 0,
                  "sigfire: any_of needs one or more choices: any_of{when{codec, condition}, ...}");

    template <std::size_t I>
    using choice_at = std::tuple_element_t<I, std::tuple<Choices...>>;

    template <class C, class Directory>
    static constexpr bool answers_http =
        requires(C& c, const request& r, response& out, const Directory& here) { c.http(r, out, here); };

    template <class C, class E>
    static constexpr bool objects =
        requires(const C& c, const E& e, const typename C::state& st) { c.objection(e, st); };

    template <class E>
    static constexpr bool one_has_word = (detail::has_word<decltype(Choices::codec), E> || ...);

public:
    /// The state of a connection: the state of the chosen codec.
    struct state {
        /// State of the chosen codec; `std::monostate` = none chosen.
        std::variant<std::monostate, typename decltype(Choices::codec)::state...> chosen;
    };

    /// Whether all codecs check UTF-8. If not, the transport checks each text message.
    static constexpr bool checks_utf8 = (decltype(Choices::codec)::checks_utf8 && ...);

    /// The choices, in order of preference.
    explicit any_of(Choices... choices) : choices_(std::move(choices)...) {}

    /// Chooses the codec and returns the result of its `open`; `unknown` if no choice matches.
    errc open(const request& r, state& st, admission& ad) {
        errc result = errc::unknown;
        each([&]<std::size_t I>() {
            auto& choice = std::get<I>(choices_);
            if (!choice.matches(r)) return false;
            result = choice.codec.open(r, st.chosen.template emplace<I + 1>(), ad);
            return true;
        });
        return result;
    }

    /// As the chosen codec.
    template <class Handler>
    errc decode(message m, state& st, Handler&& handler) {
        return with(*this, st, errc::malformed,
                    [&](auto& codec, auto& its) { return codec.decode(m, its, handler); });
    }

    /// As the chosen codec; 0 if it has no message for `e`.
    template <class E>
        requires one_has_word<E>
    std::size_t bound(const E& e, const state& st) const {
        return with(*this, st, std::size_t{0}, [&](const auto& codec, const auto& its) {
            if constexpr (detail::has_word<std::remove_cvref_t<decltype(codec)>, E>)
                return codec.bound(e, its);
            else
                return std::size_t{0};
        });
    }

    /// As the chosen codec.
    template <class E>
        requires one_has_word<E>
    std::size_t encode(const E& e, const state& st, char* p) const {
        return with(*this, st, std::size_t{0}, [&](const auto& codec, const auto& its) {
            if constexpr (detail::has_word<std::remove_cvref_t<decltype(codec)>, E>)
                return codec.encode(e, its, p);
            else
                return std::size_t{0};
        });
    }

    /// As the chosen codec.
    template <class E>
        requires one_has_word<E>
    message_type type(const E& e, const state& st) const {
        return with(*this, st, message_type::text, [&](const auto& codec, const auto& its) {
            if constexpr (detail::has_word<std::remove_cvref_t<decltype(codec)>, E>)
                return codec.type(e, its);
            else
                return message_type::text;
        });
    }

    /// A key for each pair of choice and key of its codec; -1 as the chosen codec.
    int share_key(const state& st) const {
        const int key =
            with(*this, st, -1, [](const auto& codec, const auto& its) { return codec.share_key(its); });
        constexpr int n = sizeof...(Choices);
        return key < 0 ? key : key * n + static_cast<int>(st.chosen.index()) - 1;
    }

    /// As the chosen codec; 404 if no choice matched.
    ending end(errc why, const state& st) const {
        return with(*this, st, ending{404, 1003, to_string(why)},
                    [&](const auto& codec, const auto& its) { return codec.end(why, its); });
    }

    /// The objection of the chosen codec to `e`; `ok` if the codec has no `objection`.
    template <class E>
        requires(objects<decltype(Choices::codec), E> || ...)
    errc objection(const E& e, const state& st) const {
        return with(*this, st, errc::ok,
                    [&]([[maybe_unused]] const auto& codec, [[maybe_unused]] const auto& its) {
                        if constexpr (requires { codec.objection(e, its); })
                            return codec.objection(e, its);
                        else
                            return errc::ok;
                    });
    }

    /// Answers plain HTTP by the first matching choice with an answer.
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
    // Calls `f.operator()<I>()` for each choice until it returns true.
    template <class F>
    static void each(F f) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            static_cast<void>((f.template operator()<I>() || ...));
        }(std::index_sequence_for<Choices...>{});
    }

    // The result of `f(codec, state)` for the chosen codec; `otherwise` if no choice matched.
    template <std::size_t I = 0, class Self, class State, class R, class F>
    [[gnu::always_inline]] static R with(Self& self, State& st, const R& otherwise, const F& f) {
        constexpr std::size_t n = sizeof...(Choices);
        const auto call = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) -> R {
            if constexpr (K < n)
                return f(std::get<K>(self.choices_).codec, *std::get_if<K + 1>(&st.chosen));
            else
                return otherwise;
        };
        switch (st.chosen.index() - 1 - I) { // without a choice, the index is beyond all cases
        case 0: return call(std::integral_constant<std::size_t, I>{});
        case 1: return call(std::integral_constant<std::size_t, I + 1>{});
        case 2: return call(std::integral_constant<std::size_t, I + 2>{});
        case 3: return call(std::integral_constant<std::size_t, I + 3>{});
        case 4: return call(std::integral_constant<std::size_t, I + 4>{});
        case 5: return call(std::integral_constant<std::size_t, I + 5>{});
        case 6: return call(std::integral_constant<std::size_t, I + 6>{});
        case 7: return call(std::integral_constant<std::size_t, I + 7>{});
        default:
            if constexpr (I + 8 < n)
                return with<I + 8>(self, st, otherwise, f);
            else
                return otherwise;
        }
    }

    std::tuple<Choices...> choices_;
};

} // namespace codec

using codec::any_of;
using codec::when;

} // namespace sigfire::inline v0_1
