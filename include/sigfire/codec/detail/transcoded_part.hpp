// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <string_view>

namespace sigfire::detail {

/// Where a value that is part of a text comes to lie when the text is written in another format.
class transcoded_part {
public:
    /// `source`: the value, inside the text; or empty for none.
    explicit transcoded_part(std::string_view source = {}) noexcept
        : source_(source.empty() ? nullptr : source.data()) {}

    /// A value begins at `p`, which is not null, inside `depth` others, and will be written at `offset`.
    void begins(const char* p, unsigned depth, std::size_t offset) noexcept {
        if (p != source_) return;
        depth_ = depth;
        begin_ = offset;
        open_ = true;
    }

    /// A value inside `depth` others was written up to `offset`.
    void ends(unsigned depth, std::size_t offset) noexcept {
        if (!open_ || depth != depth_) return;
        size_ = offset - begin_;
        open_ = false;
    }

    /// The value in the text written; empty if there is none.
    std::string_view in(std::string_view written) const noexcept { return written.substr(begin_, size_); }

private:
    const char* source_;
    std::size_t begin_ = 0, size_ = 0;
    unsigned depth_ = 0;
    bool open_ = false;
};

} // namespace sigfire::detail
