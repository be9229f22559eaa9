// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace sigfire {

/** The texts of one envelope that goes to many peers: encoded once for each codec and kind of peer, then only
 *  copied. Lives as long as the delivery; for one envelope. One thread. */
class fanout {
public:
    /// The text for that codec and `share_key`; a null view if there is none yet.
    std::string_view find(const void* codec, int key) const noexcept {
        for (const auto& t : texts_)
            if (t.codec == codec && t.key == key) return {t.bytes.get(), t.size};
        return {};
    }

    /// Keeps a text of at most `bound` bytes, which `write(p)` writes at `p` and tells the size of.
    template <class Write>
    std::string_view add(const void* codec, int key, std::size_t bound, Write write) {
        auto bytes = std::make_unique_for_overwrite<char[]>(bound);
        const std::size_t size = write(bytes.get());
        const auto& t = texts_.emplace_back(text{codec, key, size, std::move(bytes)});
        return {t.bytes.get(), t.size};
    }

    /// How many texts were encoded.
    std::size_t size() const noexcept { return texts_.size(); }

private:
    struct text {
        const void* codec;
        int key;
        std::size_t size;
        std::unique_ptr<char[]> bytes;
    };

    std::vector<text> texts_; // few: a search is quicker than a look-up
};

} // namespace sigfire
