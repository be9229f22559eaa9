// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/** Lines that wait for their writer, bounded in bytes and in number. Not thread-safe.
 *
 *  A line without room is lost, and so are all later ones until the writer takes the batch. So a batch has at
 *  most one gap, at its end. */
class line_queue {
public:
    /// @param bytes most bytes that wait
    /// @param lines most lines that wait
    line_queue(std::size_t bytes, std::size_t lines) : bytes_{bytes}, most_{lines} {}

    /// Adds a line with its line break. Returns false if the line is lost.
    bool push(std::string_view line) {
        if (lost_ != 0 || lines_ == most_ || line.size() > bytes_ - waiting_.size()) {
            ++lost_;
            return false;
        }
        waiting_ += line;
        ++lines_;
        return true;
    }

    /// Counts a line that could not even be written down.
    void lose() noexcept { ++lost_; }

    /// Whether there is something to take.
    bool empty() const noexcept { return waiting_.empty() && lost_ == 0; }

    /// Replaces the content of `out` by all waiting lines. Returns the number of lines that were lost behind
    /// them.
    std::uint64_t take(std::string& out) {
        // A burst must not keep its memory for ever.
        if (out.capacity() > kept) std::string{}.swap(out);
        out.clear();
        std::swap(out, waiting_);
        lines_ = 0;
        return std::exchange(lost_, 0);
    }

private:
    static constexpr std::size_t kept = 64 << 10;
    std::size_t bytes_, most_;
    std::string waiting_;
    std::size_t lines_ = 0;
    std::uint64_t lost_ = 0;
};
