// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// The encoded texts of one event with many receivers. Each codec encodes the event once per `share_key`.
/// Connections copy short texts and share long ones. A fanout serves one event, on one thread, and lives as
/// long as the delivery.
class fanout {
public:
    /// Returns the text for that codec and `share_key`, or a null view if there is none yet.
    std::string_view find(const void* codec, int key) const noexcept {
        for (const auto& t : texts_)
            if (t.codec == codec && t.key == key) return {t.bytes.get(), t.size};
        return {};
    }

    /// Adds a text of at most `bound` bytes. `write(p)` writes the text at `p` and returns its size in bytes.
    /// The returned view is valid as long as the fanout.
    template <class Write>
    std::string_view add(const void* codec, int key, std::size_t bound, Write write) {
        auto bytes = std::make_unique_for_overwrite<char[]>(bound);
        const std::size_t size = write(bytes.get());
        const auto& t = texts_.emplace_back(text{codec, key, size, std::move(bytes), nullptr});
        return {t.bytes.get(), t.size};
    }

    /** Returns the shared block for the text of that codec and key; the first call creates the block by
     *  `make(text)`.
     *
     *  A codec object serves connections of one type only, so `B` is the same in each call.
     *  @throws std::logic_error if the text was not added. */
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

    /// Number of encoded texts.
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

    std::vector<text> texts_; // few: a linear search is faster than a map
};

} // namespace sigfire::inline v0_1
