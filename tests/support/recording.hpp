// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Conversations recorded from servers of other systems.
namespace transcripts {

namespace js = boost::json;

/// One recording.
struct transcript {
    std::string name;
    js::object meta;
    std::vector<js::object> lines;
};

inline std::filesystem::path folder(const std::string& system) {
    return std::filesystem::path{SIGFIRE_TEST_DIR} / "transcripts" / system;
}

/// All recordings of a system.
inline std::vector<std::string> names(const std::string& system) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator{folder(system)})
        all.push_back(entry.path().stem());
    std::sort(all.begin(), all.end());
    return all;
}

/// A member that is a string, or empty.
inline std::string field(const js::object& line, std::string_view name) {
    const auto v = line.if_contains(name);
    return v != nullptr && v->is_string() ? std::string{v->as_string()} : std::string{};
}

inline transcript load(const std::string& system, const std::string& name) {
    transcript t;
    t.name = name;
    std::ifstream file{folder(system) / (name + ".jsonl")};
    BOOST_TEST_REQUIRE(file.is_open());
    for (std::string line; std::getline(file, line);) {
        if (line.empty()) continue;
        auto o = js::parse(line).as_object();
        if (field(o, "kind") == "meta")
            t.meta = std::move(o);
        else if (field(o, "dir") != "-")
            t.lines.push_back(std::move(o));
    }
    BOOST_TEST_REQUIRE(!t.lines.empty());
    return t;
}

inline std::string from_base64(std::string_view in) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0, n = 0;
    for (const char c : in) {
        if (c == '=') break;
        bits = bits << 6 | static_cast<unsigned>(digits.find(c));
        n += 6;
        if (n >= 8) out += static_cast<char>(bits >> (n -= 8) & 255);
    }
    return out;
}

/// The message of a line, as it stood on the wire.
inline std::string bytes_of(const js::object& line) {
    if (field(line, "kind") == "binary") return from_base64(field(line, "data"));
    const auto raw = field(line, "raw");
    return raw.empty() ? field(line, "data") : raw;
}

/// The header fields of an `open` or `http` line; `texts` keeps what they show.
inline std::vector<sigfire::header> fields_of(const js::value& http, std::deque<std::string>& texts) {
    std::vector<sigfire::header> fields;
    for (const auto& f : http.at("headers").as_object())
        fields.push_back({f.key(), texts.emplace_back(f.value().as_string())});
    return fields;
}

} // namespace transcripts
