// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "stderr_sink.hpp"

#include <sigfire/core/concepts.hpp>

#include <spdlog/spdlog.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// A sigfire Log that writes one JSON object per line to stderr: time, level, event, and the fields of the
/// event. It never waits for the reader of stderr.
class json_log {
public:
    explicit json_log(spdlog::level::level_enum least)
        : logger_{std::make_shared<spdlog::logger>("sigfire", std::make_shared<stderr_sink>())} {
        logger_->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v})");
        logger_->set_level(least);
        logger_->flush_on(spdlog::level::trace);
    }

    void operator()(sigfire::log_level level, std::string_view event,
                    std::span<const sigfire::log_field> fields) const {
        const auto grave = to_spdlog(level);
        if (!logger_->should_log(grave)) return;
        std::string line = R"("level":")";
        line += word(level); // not spdlog's: `warn` is the word of the option --log-level
        line += R"(","event":)";
        quote(line, event);
        for (const auto& f : fields) {
            line += ',';
            quote(line, f.name);
            line += ':';
            quote(line, f.value);
        }
        logger_->log(grave, spdlog::string_view_t{line.data(), line.size()});
    }

private:
    static const char* word(sigfire::log_level l) {
        switch (l) {
        case sigfire::log_level::debug: return "debug";
        case sigfire::log_level::info: return "info";
        case sigfire::log_level::warn: return "warn";
        case sigfire::log_level::error: break;
        }
        return "error";
    }

    static spdlog::level::level_enum to_spdlog(sigfire::log_level l) {
        switch (l) {
        case sigfire::log_level::debug: return spdlog::level::debug;
        case sigfire::log_level::info: return spdlog::level::info;
        case sigfire::log_level::warn: return spdlog::level::warn;
        case sigfire::log_level::error: break;
        }
        return spdlog::level::err;
    }

    // Values may hold text of a peer, UTF-8. JSON requires some escapes. Others keep a terminal that shows
    // the log from acting on the text: C1 controls (U+0080-U+009F), and characters that reorder or break a
    // line.
    static void quote(std::string& out, std::string_view s) {
        out += '"';
        for (std::size_t i = 0; i < s.size(); ++i) {
            const auto byte = [&](std::size_t n) {
                return i + n < s.size() ? static_cast<unsigned char>(s[i + n]) : 0u;
            };
            const auto first = byte(0);
            unsigned code = first;
            if (first == 0xc2 || first == 0xd8)
                code = (first & 0x1f) << 6 | (byte(1) & 0x3f);
            else if (first == 0xe2)
                code = 0x2000u | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
            const auto within = [code](unsigned from, unsigned to) { return from <= code && code <= to; };
            if (first == '"' || first == '\\') {
                (out += '\\') += s[i];
            } else if (code < 0x20 ||
                       (code != first && (within(0x7f, 0x9f) || code == 0x61c || within(0x200e, 0x200f) ||
                                          within(0x2028, 0x202e) || within(0x2066, 0x2069))) ||
                       code == 0x7f) {
                char escape[8];
                std::snprintf(escape, sizeof escape, "\\u%04x", code);
                out += escape;
                i += code < 0x80 ? 0 : code < 0x800 ? 1 : 2;
            } else {
                out += s[i];
            }
        }
        out += '"';
    }

    std::shared_ptr<spdlog::logger> logger_;
};
