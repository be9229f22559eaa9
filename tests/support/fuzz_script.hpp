// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>

/// What fuzz targets of whole servers have in common.
namespace fuzzing {

inline void require(bool law) {
    if (!law) std::abort();
}

/// Reads a fuzzer's input as a script.
struct script {
    std::string_view rest;

    /// The next byte; 0 behind the end.
    unsigned byte() {
        if (rest.empty()) return 0;
        const auto b = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        return b;
    }
    /// The next `n` bytes, or those that are left.
    std::string_view bytes(std::size_t n) {
        const auto out = rest.substr(0, n);
        rest.remove_prefix(out.size());
        return out;
    }
};

/// The JSON that a server has sent: it has to be valid. Nothing if that cannot be told: `1e999999999` passes,
/// as it came.
inline std::optional<boost::json::value> sent_json(std::string_view text) {
    boost::system::error_code ec;
    boost::json::parse_options options;
    options.max_depth = 600; // one level is ours
    options.allow_invalid_utf16 = true;
    auto v = boost::json::parse(text, ec, {}, options);
    require(!ec || ec == boost::json::error::exponent_overflow);
    if (ec) return {};
    return v;
}

} // namespace fuzzing
