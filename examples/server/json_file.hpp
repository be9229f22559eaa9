// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A parser's handler that finds a member name that occurs twice in one object. The parser itself would keep
/// only one of the two values.
struct member_names {
    constexpr static std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                                 max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);
    using error_code = boost::system::error_code;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        seen.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t, error_code&) {
        seen.pop_back();
        return true;
    }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(boost::json::string_view s, std::size_t, error_code&) {
        name += s;
        return true;
    }
    bool on_key(boost::json::string_view s, std::size_t, error_code&) {
        name += s;
        if (!seen.back().insert(name).second) twice = name;
        name.clear();
        return true;
    }
    bool on_string_part(boost::json::string_view, std::size_t, error_code&) { return true; }
    bool on_string(boost::json::string_view, std::size_t, error_code&) { return true; }
    bool on_number_part(boost::json::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t, boost::json::string_view, error_code&) { return true; }
    bool on_uint64(std::uint64_t, boost::json::string_view, error_code&) { return true; }
    bool on_double(double, boost::json::string_view, error_code&) { return true; }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(boost::json::string_view, error_code&) { return true; }
    bool on_comment(boost::json::string_view, error_code&) { return true; }

    std::string name{}, twice{};
    std::vector<std::set<std::string>> seen{}; // the members of each open object
};

/// The line of each member of the object that a valid JSON text is, by the name as written there. The first
/// line is 1.
inline std::map<std::string, std::size_t> member_lines(std::string_view text) {
    std::map<std::string, std::size_t> lines;
    std::size_t depth = 0, line = 1;
    bool name_next = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') ++line;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (c == '{' || c == ',') name_next = true;
        if (c != '"') continue;
        const auto begin = ++i;
        while (text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        if (depth == 1 && std::exchange(name_next, false)) lines.emplace(text.substr(begin, i - begin), line);
    }
    return lines;
}

/// A JSON object, and the line of each of its members in the file.
struct json_file {
    boost::json::value value{};
    std::map<std::string, std::size_t> lines{};
};

/// Reads the JSON object in a file, with or without a byte order mark.
/// @throws std::runtime_error if that fails; the text has the path, the place in the file and the reason
inline json_file read_json_file(const std::string& path) {
    const auto refuse = [&](const std::string& why) { throw std::runtime_error{path + why}; };
    if (std::filesystem::is_directory(path)) refuse(" is a directory, not a file");
    std::ifstream file{path};
    if (!file) throw std::runtime_error{path + " cannot be read"};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    // Some editors write it at the start of UTF-8.
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());

    boost::json::stream_parser parser;
    boost::system::error_code ec;
    const auto read = parser.write_some(text.data(), text.size(), ec);
    if (!ec && read != text.size()) ec = boost::json::error::extra_data;
    if (!ec) parser.finish(ec);
    if (ec) {
        const auto before = std::string_view{text}.substr(0, read);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const auto column = before.size() - (before.rfind('\n') + 1) + 1; // in bytes; npos + 1 is 0
        refuse(':' + std::to_string(line) + ':' + std::to_string(column) + " is not JSON: " + ec.message());
    }
    auto value = parser.release();
    if (!value.is_object()) refuse(" is not a JSON object");
    boost::json::basic_parser<member_names> again{boost::json::parse_options{}};
    again.write_some(false, text.data(), text.size(), ec);
    if (const auto& twice = again.handler().twice; !twice.empty()) refuse(" has two members '" + twice + "'");
    return {std::move(value), member_lines(text)};
}

/// The same without the lines.
inline boost::json::value read_json_object(const std::string& path) {
    return read_json_file(path).value;
}
