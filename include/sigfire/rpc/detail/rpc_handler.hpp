// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/rpc/detail/rpc_core.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1::detail {

// Converts between typed C++ and JSON. Handlers are stored behind a type that only knows JSON.

/// Result and arguments of a function, or of a function object with one `operator()` that is not a template.
template <class F>
struct rpc_signature {
    static_assert(
        requires { &F::operator(); }, "sigfire: a handler must name the types of its arguments, not `auto`");
    using type = rpc_signature<decltype(&F::operator())>;
    using result = typename type::result;
    using arguments = typename type::arguments;
};
template <class R, class... A>
struct rpc_signature<R (*)(A...)> {
    using result = R;
    using arguments = std::tuple<std::remove_cvref_t<A>...>;
};
template <class R, class... A>
struct rpc_signature<R (*)(A...) noexcept> : rpc_signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct rpc_signature<R (C::*)(A...)> : rpc_signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct rpc_signature<R (C::*)(A...) const> : rpc_signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct rpc_signature<R (C::*)(A...) noexcept> : rpc_signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct rpc_signature<R (C::*)(A...) const noexcept> : rpc_signature<R (*)(A...)> {};

template <class T>
struct rpc_awaited {
    static constexpr bool later = false;
    using type = T;
};
template <class T>
struct rpc_awaited<boost::asio::awaitable<T>> {
    static constexpr bool later = true;
    using type = T;
};

/// `v` as a `T`, or empty if the conversion fails. Throws only `std::bad_alloc`.
template <class T>
std::optional<T> rpc_read(const json::value& v) {
    if constexpr (std::is_same_v<T, json::value>) {
        return v;
    } else {
        try {
            if (auto read = json::try_value_to<T>(v)) return *std::move(read);
        } catch (const std::bad_alloc&) {
            throw;
        } catch (...) { // a conversion of the user may report failure this way
        }
        return {};
    }
}

/// The arguments `A`. As in JavaScript, missing arguments are null, and extra arguments are ignored.
template <class... A, std::size_t... I>
std::optional<std::tuple<A...>> rpc_read_all([[maybe_unused]] const json::array& args,
                                             std::type_identity<std::tuple<A...>>,
                                             std::index_sequence<I...>) {
    std::tuple<std::optional<A>...> read{rpc_read<A>(I < args.size() ? args[I] : json::value{})...};
    if ((!std::get<I>(read) || ...)) return {};
    return std::optional<std::tuple<A...>>{std::in_place, *std::move(std::get<I>(read))...};
}

template <class F>
auto rpc_arguments(const json::array& args) {
    using tuple = typename rpc_signature<F>::arguments;
    return rpc_read_all(args, std::type_identity<tuple>{},
                        std::make_index_sequence<std::tuple_size_v<tuple>>{});
}

template <class... A>
json::array rpc_array(A&&... args) {
    static_assert(
        (json::has_value_from<std::decay_t<A>>::value && ...),
        "sigfire: Boost.JSON must convert the type of each argument; only the last may be a completion token "
        "for void(error_code, Result)");
    json::array out;
    out.reserve(sizeof...(A));
    (out.emplace_back(json::value_from(std::forward<A>(args))), ...);
    return out;
}

inline std::string rpc_what(std::exception_ptr failed) {
    try {
        std::rethrow_exception(std::move(failed));
    } catch (const boost::system::system_error& e) {
        return e.code().message(); // without the source location
    } catch (const std::system_error& e) {
        return e.code().message();
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return std::string{to_string(errc::denied)};
    }
}

template <class F>
rpc_core::event_handler rpc_event_handler(F f) {
    return [f = std::make_shared<F>(std::move(f))](const json::array& given) {
        auto args = rpc_arguments<F>(given);
        if (!args) return false;
        std::apply(*f, *std::move(args));
        return true;
    };
}

// The coroutine frame keeps the objects that the coroutine refers to.
template <class F, class Arguments>
boost::asio::awaitable<std::optional<json::value>> rpc_run(std::shared_ptr<F> f, Arguments args) {
    using result = typename rpc_awaited<typename rpc_signature<F>::result>::type;
    if constexpr (std::is_void_v<result>) {
        co_await std::apply(*f, std::move(args));
        co_return std::optional<json::value>{};
    } else {
        auto v = co_await std::apply(*f, std::move(args));
        co_return json::value_from(std::move(v));
    }
}

template <class F>
rpc_core::command_handler rpc_command_handler(F f, boost::asio::any_io_executor executor) {
    return [f = std::make_shared<F>(std::move(f)), executor = std::move(executor)](const json::array& given,
                                                                                   rpc_answer answer) {
        using result = typename rpc_signature<F>::result;
        auto args = rpc_arguments<F>(given);
        if (!args) return answer.failure(to_string(errc::malformed));
        if constexpr (rpc_awaited<result>::later) {
            boost::asio::co_spawn(executor, rpc_run(f, *std::move(args)),
                                  [answer = std::move(answer)](std::exception_ptr failed,
                                                               std::optional<json::value> v) mutable {
                                      failed ? answer.failure(rpc_what(failed)) : answer.result(std::move(v));
                                  });
        } else {
            std::optional<json::value> v;
            try {
                if constexpr (std::is_void_v<result>)
                    std::apply(*f, *std::move(args));
                else
                    v = json::value_from(std::apply(*f, *std::move(args)));
            } catch (...) {
                return answer.failure(rpc_what(std::current_exception()));
            }
            answer.result(std::move(v));
        }
    };
}

} // namespace sigfire::inline v0_1::detail
