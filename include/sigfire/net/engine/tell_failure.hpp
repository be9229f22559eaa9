// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <exception>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Passes an exception to a sink with a member `failed`. Call it inside a handler of that exception.
template <class Sink, class Connection>
void tell_failure([[maybe_unused]] Sink& sink, [[maybe_unused]] Connection* c) noexcept {
    if constexpr (requires { sink.failed(c, std::string_view{}); }) {
        try {
            try {
                throw;
            } catch (const std::exception& e) {
                sink.failed(c, e.what());
            } catch (...) {
                sink.failed(c, "an exception that is not a std::exception");
            }
        } catch (...) {
            // Nothing is left that could report it.
        }
    }
}

} // namespace sigfire::inline v0_1::detail
