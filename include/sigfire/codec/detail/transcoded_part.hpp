// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Tracks the position of a value in a text while the text is written in another format.
class transcoded_part {
public:
    /// `source`: the value inside the text; empty = none.
    explicit transcoded_part(std::string_view source = {}) noexcept
        : source_(source.empty() ? nullptr : source.data()) {}

    /** Reports that a value begins at `p`, inside `depth` others, and will be written at `offset`. `p` is not
     *  null. */
    void begins(const char* p, unsigned depth, std::size_t offset) noexcept {
        if (p != source_) return;
        depth_ = depth;
        begin_ = offset;
        open_ = true;
    }

    /// Reports that a value inside `depth` others has been written up to `offset`.
    void ends(unsigned depth, std::size_t offset) noexcept {
        if (!open_ || depth != depth_) return;
        size_ = offset - begin_;
        open_ = false;
    }

    /// The value in the written text; empty = none.
    std::string_view in(std::string_view written) const noexcept { return written.substr(begin_, size_); }

private:
    const char* source_;
    std::size_t begin_ = 0, size_ = 0;
    unsigned depth_ = 0;
    bool open_ = false;
};

} // namespace sigfire::inline v0_1::detail
