// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

/// The last lines of a stream of bytes, bounded in number and length. Bytes behind the last line break count
/// as a line.
class line_tail {
public:
    /// @param lines most lines that are kept
    /// @param length most bytes of a line that are kept
    explicit line_tail(std::size_t lines = 50, std::size_t length = 1000) : most_{lines}, length_{length} {}

    /// Adds bytes.
    void add(std::string_view bytes) {
        for (const char c : bytes) {
            if (fresh_) {
                if (lines_.size() == most_) lines_.pop_front();
                lines_.emplace_back();
            }
            fresh_ = c == '\n';
            if (!fresh_ && lines_.back().size() < length_) lines_.back() += c;
        }
    }

    /// The lines, the oldest first.
    const std::deque<std::string>& lines() const noexcept { return lines_; }

private:
    std::size_t most_, length_;
    std::deque<std::string> lines_;
    bool fresh_ = true; // the next byte begins a line
};
