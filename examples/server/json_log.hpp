// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "event_sampler.hpp"
#include "log_writer.hpp"
#include "redact.hpp"

#include <sigfire/core/concepts.hpp>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include <unistd.h>

/// Settings of a `json_log`.
struct json_log_options {
    spdlog::level::level_enum level = spdlog::level::info; ///< least level that is written
    std::uint32_t rate = 1000;    ///< lines in a second of each kind of event; 0 = no limit
    std::size_t buffer = 1 << 20; ///< bytes that wait for the reader of the log
    std::size_t lines = 16'384;   ///< lines that wait for the reader of the log
    int descriptor = STDERR_FILENO;
};

/** A sigfire Log that writes one JSON object per line to stderr: time, level, event, and the fields of the
 *  event. A thread writes the lines, so the log never waits for the reader of stderr; `log_lines_lost` counts
 *  the lines without room. Secrets in the fields are redacted. Above `rate` lines of one event in a second,
 *  `log_lines_suppressed` counts the rest.
 *
 *  Copies share everything. Thread-safe. The last copy writes the waiting lines, for at most 2 s. */
class json_log {
public:
    explicit json_log(const json_log_options& options) : state_{std::make_shared<state>(options)} {}

    void operator()(sigfire::log_level level, std::string_view event,
                    std::span<const sigfire::log_field> fields) const {
        const auto grave = to_spdlog(level);
        if (grave < state_->least) return;
        bool admitted = false;
        {
            const std::lock_guard lock{state_->mutex};
            admitted = state_->sampler.admit(event, std::chrono::steady_clock::now());
        }
        if (admitted) return state_->write(grave, event, fields);
        state_->writer.remind([s = state_.get()](bool last) { return s->tell_suppressed(last); });
    }

    /// The least level that is written.
    spdlog::level::level_enum level() const { return state_->least; }

    /// Changes the least level, from the next line on. The log has a line about each change, at any level.
    void set_level(spdlog::level::level_enum least) const {
        const auto before = state_->least.exchange(least);
        if (least == before) return;
        const sigfire::log_field fields[] = {{"from", word(before)}, {"to", word(least)}};
        state_->write(spdlog::level::info, "log_level_changed", fields);
    }

    /// Changes the largest number of lines in a second of each kind of event; 0 = no limit.
    void set_rate(std::uint32_t most) const {
        const std::lock_guard lock{state_->mutex};
        state_->sampler.set_limit(most);
    }

    /// The word of a level in lines and in the option `--log-level`.
    static const char* word(spdlog::level::level_enum l) {
        switch (l) {
        case spdlog::level::trace:
        case spdlog::level::debug: return "debug";
        case spdlog::level::info: return "info";
        case spdlog::level::warn: return "warn"; // spdlog has another word
        case spdlog::level::err:
        case spdlog::level::critical: return "error";
        default: return "off";
        }
    }

private:
    static constexpr const char* pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v})";

    // The owner of the sink outlives it.
    class writer_sink final : public spdlog::sinks::base_sink<std::mutex> {
    public:
        explicit writer_sink(log_writer& w) : writer_{w} {}

    private:
        void sink_it_(const spdlog::details::log_msg& m) override {
            spdlog::memory_buf_t line;
            this->formatter_->format(m, line);
            writer_.push({line.data(), line.size()});
        }
        void flush_() override {}

        log_writer& writer_;
    };

    struct state {
        explicit state(const json_log_options& o)
            : least{o.level}, sampler{o.rate},
              writer{o.descriptor, o.buffer, o.lines, &json_log::report_lost} {
            sink.set_pattern(pattern);
        }

        void write(spdlog::level::level_enum level, std::string_view event,
                   std::span<const sigfire::log_field> fields) {
            try {
                const auto line = content(word(level), event, fields);
                sink.log(message(level, line));
            } catch (...) { // without memory
                writer.lose();
            }
        }

        // Called by the writer's thread.
        bool tell_suppressed(bool last) {
            const auto now = last ? event_sampler::time_point::max() : std::chrono::steady_clock::now();
            const std::lock_guard lock{mutex};
            return sampler.tell(now, [this](std::string_view kind, std::uint64_t n) {
                const auto count = std::to_string(n);
                const sigfire::log_field fields[] = {{"of", kind}, {"count", count}};
                write(spdlog::level::warn, "log_lines_suppressed", fields);
            });
        }

        std::atomic<spdlog::level::level_enum> least;
        std::mutex mutex; // of the sampler
        event_sampler sampler;
        writer_sink sink{writer};
        log_writer writer; // ends first: its thread uses the others
    };

    static spdlog::details::log_msg message(spdlog::level::level_enum level, std::string_view text) {
        return {"sigfire", level, spdlog::string_view_t{text.data(), text.size()}};
    }

    // The members of a line behind its time.
    static std::string content(std::string_view level, std::string_view event,
                               std::span<const sigfire::log_field> fields) {
        std::string line = R"("level":")";
        line += level;
        line += R"(","event":)";
        quote(line, event);
        for (const auto& f : fields) {
            line += ',';
            quote(line, f.name);
            line += ':';
            quote(line, redacted(f.name, f.value));
        }
        return line;
    }

    static void report_lost(std::string& out, std::uint64_t lost) {
        const auto count = std::to_string(lost);
        const sigfire::log_field fields[] = {{"count", count}};
        const auto line = content("warn", "log_lines_lost", fields);
        spdlog::memory_buf_t made;
        spdlog::pattern_formatter{pattern}.format(message(spdlog::level::warn, line), made);
        out.append(made.data(), made.size());
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

    std::shared_ptr<state> state_;
};
