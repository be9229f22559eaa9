// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Prints a line of JSON for each `errc`, in their order: docs/reference.py makes a table of them.
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/core/error.hpp>

#include <cstddef>
#include <iostream>
#include <iterator>

int main() {
    for (std::size_t i = 0; i != std::size(sigfire::detail::errc_table); ++i) {
        const auto cause = static_cast<sigfire::errc>(i);
        const auto remedy = sigfire::make_error_code(cause).default_error_condition();
        const bool failure = !sigfire::is_verdict(cause);
        std::cout << R"({"name":")" << sigfire::cause_name(cause) << R"(","text":")"
                  << sigfire::to_string(cause) << R"(","remedy":)" << (failure ? remedy.value() : 0)
                  << R"(,"close_code":)"
                  << (failure ? sigfire::detail::own_ending(cause, true).close_code : 0) << "}\n";
    }
}
