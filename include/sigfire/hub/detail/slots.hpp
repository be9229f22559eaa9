// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// An id at a fixed address, in 24 bytes. Ids of up to 23 bytes need no memory of their own.
class id_text {
public:
    id_text() = default;
    id_text(const id_text&) = delete;
    id_text& operator=(const id_text&) = delete;
    ~id_text() { clear(); }

    void assign(std::string_view id) {
        clear();
        if (id.size() <= sizeof(text_)) {
            id.copy(text_, id.size());
            size_ = static_cast<unsigned char>(id.size());
            return;
        }
        const heap h{new char[id.size()], id.size()};
        id.copy(h.text, id.size());
        std::memcpy(text_, &h, sizeof h);
        size_ = on_heap;
    }

    void clear() noexcept {
        if (size_ == on_heap) delete[] far().text;
        size_ = 0;
    }

    std::string_view view() const noexcept {
        if (size_ != on_heap) return {text_, size_};
        const auto h = far();
        return {h.text, h.size};
    }

private:
    struct heap {
        char* text;
        std::size_t size;
    };
    static constexpr unsigned char on_heap = 255;

    heap far() const noexcept {
        heap h;
        std::memcpy(&h, text_, sizeof h);
        return h;
    }

    char text_[23];
    unsigned char size_ = 0;
};
static_assert(sizeof(id_text) == 24);

/// The state of the peer in a slot.
enum class standing : unsigned char {
    vacant,   ///< no peer
    claimant, ///< waits for the id of an online peer; not registered
    online,   ///< registered and welcomed
    away,     ///< registered, without a connection: may return
    function, ///< registered: a function of the host program
    leaving,  ///< was online, and the hub ended it; its connection still has to close
    refused,  ///< was a claimant, and the hub ended it; its connection still has to close
};

/// The index of no slot.
inline constexpr std::uint32_t nowhere = 0xffffffff;

/// The place of one peer in a hub, a cache line in size.
template <class Channel>
struct alignas(64) slot {
    slot() noexcept {}
    slot(const slot&) = delete;
    slot& operator=(const slot&) = delete;
    ~slot() { lose_way(); }

    void set_way(const Channel& o) {
        lose_way();
        std::construct_at(&way, o);
        has_way = true;
    }
    void lose_way() noexcept {
        if (std::exchange(has_way, false)) std::destroy_at(&way);
    }

    id_text id;
    union {
        Channel way; // constructed while has_way is true
    };
    std::uint32_t generation = 1;
    std::uint32_t epoch = 0;
    std::uint32_t link = nowhere; // vacant: the next vacant slot; online: its claimant; claimant: its holder
    standing state = standing::vacant;
    bool has_way = false;
    bool kept = false; // features keep its traffic for a resume, or it is a function
    // Bits, so that a slot with a channel of three pointers is one cache line.
    bool unlisted : 1 = false; // sends under an id that is free
    bool renamed : 1 = false;  // the log has its first change of id
    bool verified : 1 = false; // its admission has verified its id
};

/// Slots at stable addresses, by number. A slot is reused under a new generation.
template <class Channel>
class slot_table {
public:
    using slot = detail::slot<Channel>;

    /// Takes a vacant slot for a peer with a connection. At most 2^32 - 1 slots are in use.
    std::uint32_t add(const Channel& way, std::string_view id, standing state) {
        const auto i = add(id, state);
        (*this)[i].set_way(way);
        return i;
    }

    /// Takes a vacant slot for a peer without a connection.
    std::uint32_t add(std::string_view id, standing state) {
        if (vacant_ == nowhere) grow();
        const auto i = vacant_;
        auto& s = (*this)[i];
        s.id.assign(id);
        vacant_ = s.link;
        s.link = nowhere;
        s.epoch = 0;
        s.kept = s.unlisted = s.renamed = s.verified = false;
        s.state = state;
        return i;
    }

    /// Makes the slot vacant. All handles of its peer become invalid.
    void remove(std::uint32_t i) noexcept {
        auto& s = (*this)[i];
        s.lose_way();
        s.id.clear();
        s.state = standing::vacant;
        ++removals_;
        // After the last generation the slot stays unused: no two peers share a handle.
        if (++s.generation == 0) return;
        s.link = vacant_;
        vacant_ = i;
    }

    slot& operator[](std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }

    /// The slot of that peer, or null.
    [[gnu::always_inline]] slot* find(peer_handle h) noexcept {
        if (h.slot >= end()) return nullptr;
        auto& s = (*this)[h.slot];
        return s.generation == h.generation && s.state != standing::vacant ? &s : nullptr;
    }

    /// Number of removed peers so far. While it stays the same, all found slots stay valid.
    std::uint64_t removals() const noexcept { return removals_; }

    peer_handle handle(std::uint32_t i) noexcept { return {i, (*this)[i].generation}; }

    /// One more than the highest slot number.
    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(chunks_.size() * chunk); }

private:
    static constexpr std::uint32_t chunk = 128;

    void grow() {
        const auto first = end();
        chunks_.push_back(std::make_unique<slot[]>(chunk));
        for (auto i = first + chunk; i-- > first;) {
            (*this)[i].link = vacant_;
            vacant_ = i;
        }
    }

    std::vector<std::unique_ptr<slot[]>> chunks_;
    std::uint32_t vacant_ = nowhere;
    std::uint64_t removals_ = 0;
};

} // namespace sigfire::inline v0_1::detail
