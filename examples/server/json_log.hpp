// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "stderr_sink.hpp"

#include <sigfire/core/concepts.hpp>

#include <spdlog/spdlog.h>

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
        logger_->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})");
        logger_->set_level(least);
        logger_->flush_on(spdlog::level::trace);
    }

    void operator()(sigfire::log_level level, std::string_view event,
                    std::span<const sigfire::log_field> fields) const {
        const auto grave = to_spdlog(level);
        if (!logger_->should_log(grave)) return;
        std::string line = R"("event":)";
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
    static spdlog::level::level_enum to_spdlog(sigfire::log_level l) {
        switch (l) {
        case sigfire::log_level::debug: return spdlog::level::debug;
        case sigfire::log_level::info: return spdlog::level::info;
        case sigfire::log_level::warn: return spdlog::level::warn;
        case sigfire::log_level::error: break;
        }
        return spdlog::level::err;
    }

    // Values may hold bytes of a peer: ids are UTF-8, but may contain characters that JSON must escape.
    static void quote(std::string& out, std::string_view s) {
        out += '"';
        for (const char c : s) {
            if (c == '"' || c == '\\')
                (out += '\\') += c;
            else if (static_cast<unsigned char>(c) < 0x20) {
                char escape[8];
                std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
                out += escape;
            } else
                out += c;
        }
        out += '"';
    }

    std::shared_ptr<spdlog::logger> logger_;
};
