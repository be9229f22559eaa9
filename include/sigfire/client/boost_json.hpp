// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <string>
#include <string_view>
#include <utility>

/** Boost.JSON values in and out of a client. Needs the library Boost.JSON: link `Boost::json`, or include
 *  `<boost/json/src.hpp>` in one source file.
 *
 *      c.send(other, "offer", sigfire::to_json(my_offer{...}));
 *      const auto offer = sigfire::from_json<my_offer>(said.data); // a result<my_offer> */
namespace sigfire::inline v0_1 {

/// The JSON text of `value`: a `boost::json::value`, or anything that `boost::json::value_from` takes.
template <class T>
[[nodiscard]] std::string to_json(const T& value) {
    return boost::json::serialize(boost::json::value_from(value));
}

/** The value that `text`, UTF-8, stands for, as a `boost::json::value` or any type that
 * `boost::json::try_value_to` makes. An empty text, as of a message without data, is `null`. Errors: those of
 * Boost.JSON, for text that is not JSON and for values of another shape. */
template <class T = boost::json::value>
[[nodiscard]] result<T> from_json(std::string_view text) {
    error_code ec;
    auto value = text.empty() ? boost::json::value{} : boost::json::parse(text, ec);
    if (ec) return ec;
    return boost::json::try_value_to<T>(value);
}

} // namespace sigfire::inline v0_1
