// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>

#include <cstddef>
#include <cstring>
#include <memory>

namespace sigfire::inline v0_1::detail {

/// A payload that outlives its message, in one pointer: null for no bytes.
class kept_payload {
public:
    kept_payload() = default;
    explicit kept_payload(payload p) {
        if (p.empty()) return;
        const std::size_t size = p.bytes.size();
        block_ = std::make_unique_for_overwrite<char[]>(head + size);
        std::memcpy(block_.get(), &size, sizeof size);
        std::memcpy(block_.get() + sizeof size, &p.wire, sizeof p.wire);
        std::memcpy(block_.get() + head, p.bytes.data(), size);
    }

    /// The payload, valid as long as this object.
    payload view() const noexcept {
        payload p;
        if (!block_) return p;
        std::size_t size = 0;
        std::memcpy(&size, block_.get(), sizeof size);
        std::memcpy(&p.wire, block_.get() + sizeof size, sizeof p.wire);
        p.bytes = {block_.get() + head, size};
        return p;
    }

    bool empty() const noexcept { return !block_; }

    /// Whether this is the same value in the same wire.
    bool is(payload p) const noexcept {
        const auto mine = view();
        return mine.bytes == p.bytes && (p.empty() || mine.wire == p.wire);
    }

private:
    static constexpr std::size_t head = sizeof(std::size_t) + sizeof(wire_id);

    std::unique_ptr<char[]> block_; // length, wire, bytes
};

} // namespace sigfire::inline v0_1::detail
