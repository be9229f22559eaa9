// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/** The texts of one event that goes to many peers: encoded once for each codec and kind of peer, then copied,
 * or shared where they are long. Lives as long as the delivery; for one event. One thread. */
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
        const auto& t = texts_.emplace_back(text{codec, key, size, std::move(bytes), nullptr});
        return {t.bytes.get(), t.size};
    }

    /** The block that connections share for the text of that codec and key, which was added; `make(text)`
     * makes it. A codec object has connections of one type, so `B` is always the same for it. */
    template <class B, class Make>
    const B& block(const void* codec, int key, Make make) {
        for (auto& t : texts_) {
            if (t.codec != codec || t.key != key) continue;
            if (!t.shared)
                t.shared = std::make_unique<holder_of<B>>(make(std::string_view{t.bytes.get(), t.size}));
            return static_cast<const holder_of<B>&>(*t.shared).block;
        }
        throw std::logic_error{"sigfire: fanout: no text was added for this block"};
    }

    /// How many texts were encoded.
    std::size_t size() const noexcept { return texts_.size(); }

private:
    struct holder {
        virtual ~holder() = default;
    };
    template <class B>
    struct holder_of final : holder {
        explicit holder_of(B b) : block(std::move(b)) {}
        B block;
    };

    struct text {
        const void* codec;
        int key;
        std::size_t size;
        std::unique_ptr<char[]> bytes;
        std::unique_ptr<holder> shared{};
    };

    std::vector<text> texts_; // few: a search is quicker than a look-up
};

} // namespace sigfire
