// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

/// Whether a descriptor shows colours: it is a terminal, and the user does not object (`NO_COLOR`,
/// `TERM=dumb`).
inline bool shows_colours(int descriptor) {
    const char *const no = std::getenv("NO_COLOR"), *const terminal = std::getenv("TERM");
    if (no != nullptr && *no != '\0') return false;
    return ::isatty(descriptor) == 1 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

/// A cell of a table, with the number of its colour (ECMA-48, SGR). 0 = no colour.
struct table_cell {
    std::string text;
    int colour = 0;
};

/// A table for people: columns as wide as their widest cell, two spaces in between. Each row has as many
/// cells as the first. Control characters become `?`.
inline std::string text_table(const std::vector<std::vector<table_cell>>& rows, bool colours) {
    const auto length = [](const std::string& s) { // in characters of UTF-8
        return static_cast<std::size_t>(
            std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    };
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], length(row[i].text));
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool paint = colours && row[i].colour != 0;
            if (paint) out += "\033[" + std::to_string(row[i].colour) + 'm';
            for (const char c : row[i].text)
                out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
            if (paint) out += "\033[0m";
            if (i + 1 < row.size()) out.append(widths[i] - length(row[i].text) + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

/// `3 s`, `5 min 3 s`, `2 h 5 min`, `4 d 2 h`.
inline std::string readable_time(std::chrono::seconds time) {
    const auto n = std::max<std::int64_t>(0, time.count());
    const auto two = [](std::int64_t a, const char* first, std::int64_t b, const char* second) {
        return std::to_string(a) + ' ' + first + (b == 0 ? "" : ' ' + std::to_string(b) + ' ' + second);
    };
    if (n < 60) return std::to_string(n) + " s";
    if (n < 3600) return two(n / 60, "min", n % 60, "s");
    if (n < 86'400) return two(n / 3600, "h", n % 3600 / 60, "min");
    return two(n / 86'400, "d", n % 86'400 / 3600, "h");
}

/// `512 B`, `12.5 MiB`.
inline std::string readable_size(std::uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    auto tenths = bytes * 10 / 1024;
    const char* unit = "KiB";
    for (const char* larger : {"MiB", "GiB", "TiB"}) {
        if (tenths < 10'240) break;
        tenths /= 1024;
        unit = larger;
    }
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + ' ' + unit;
}
