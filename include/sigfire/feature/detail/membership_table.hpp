// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/detail/kept_payload.hpp>
#include <sigfire/feature/detail/record_pool.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// A peer in a topic.
struct membership_record {
    std::uint32_t topic = 0xffffffff; // the default = vacant
    std::uint32_t slot = 0;
    std::uint32_t position = 0;           // in the members of the topic
    std::uint32_t next = 0, previous = 0; // of the same peer, in a ring
    std::uint32_t chain = 0;              // the next one with the same hash
    kept_payload metadata;
};
static_assert(sizeof(membership_record) <= 32);

/// The memberships of the peer in a slot. One peer has the slot while it is a member of any topic.
struct tenant {
    std::uint32_t generation = 0;
    std::uint32_t first = 0; // membership
    std::uint32_t joined = 0;
    std::uint32_t entries = 0;
    address_block address{}; // pays for all of these
};

/// Memberships by slot and topic number, and by peer in the order of joining. Random bits key the hash.
class membership_table {
public:
    static constexpr auto none = record_pool<membership_record>::none;

    membership_table() {
        std::array<unsigned char, sizeof(key_)> bits;
        random_bytes(bits);
        std::memcpy(&key_, bits.data(), bits.size());
    }

    membership_record& operator[](std::uint32_t m) noexcept { return memberships_[m]; }
    const membership_record& operator[](std::uint32_t m) const noexcept { return memberships_[m]; }

    /// Number of memberships.
    std::size_t size() const noexcept { return count_; }

    /// The memberships of a peer; null if it is not a member of any topic.
    const tenant* of(peer_handle peer) const noexcept {
        if (peer.slot >= tenants_.size()) return nullptr;
        const auto& t = tenants_[peer.slot];
        return t.joined != 0 && t.generation == peer.generation ? &t : nullptr;
    }

    /// The memberships of a slot that has, or had, a member.
    tenant& at(std::uint32_t slot) noexcept { return tenants_[slot]; }
    const tenant& at(std::uint32_t slot) const noexcept { return tenants_[slot]; }

    /// Whether another peer in the same slot still has memberships.
    bool holds_another(peer_handle peer) const noexcept {
        return peer.slot < tenants_.size() && tenants_[peer.slot].joined != 0 && of(peer) == nullptr;
    }

    /// The membership of a peer in a topic, or `none`.
    std::uint32_t find(std::uint32_t t, peer_handle peer) const noexcept {
        if (of(peer) == nullptr) return none;
        auto m = chains_[hash(t, peer.slot)];
        while (m != none && (memberships_[m].topic != t || memberships_[m].slot != peer.slot))
            m = memberships_[m].chain;
        return m;
    }

    /// Allocates memory for one membership, so that `add` cannot fail.
    void prepare(peer_handle peer) {
        if (peer.slot >= tenants_.size()) tenants_.resize(std::size_t{peer.slot} + 1);
        if (count_ == chains_.size()) grow();
        memberships_.vacant();
    }

    /// Adds the prepared membership.
    std::uint32_t add(std::uint32_t t, peer_handle peer, std::uint32_t position, kept_payload metadata) {
        const auto m = memberships_.vacant();
        memberships_.take();
        auto& link = memberships_[m];
        link.topic = t;
        link.slot = peer.slot;
        link.position = position;
        link.metadata = std::move(metadata);
        link.chain = std::exchange(chain(t, peer.slot), m);
        ++count_;
        auto& who = tenants_[peer.slot];
        if (who.joined++ == 0) {
            who.generation = peer.generation;
            who.first = link.next = link.previous = m;
        } else {
            link.next = who.first;
            link.previous = std::exchange(memberships_[who.first].previous, m);
            memberships_[link.previous].next = m;
        }
        return m;
    }

    void remove(std::uint32_t m) noexcept {
        auto& link = memberships_[m];
        auto* at = &chain(link.topic, link.slot);
        while (*at != m) at = &memberships_[*at].chain;
        *at = link.chain;
        --count_;
        auto& who = tenants_[link.slot];
        --who.joined;
        if (who.first == m) who.first = link.next;
        memberships_[link.next].previous = link.previous;
        memberships_[link.previous].next = link.next;
        link.topic = none;
        link.metadata = {};
        memberships_.put(m);
    }

private:
    std::size_t hash(std::uint32_t t, std::uint32_t slot) const noexcept {
        auto h = (std::uint64_t{t} << 32 | slot) ^ key_;
        h = (h ^ h >> 32) * 0x9e3779b97f4a7c15;
        h = (h ^ h >> 29 ^ key_) * 0xd6e8feb86659fd93;
        return static_cast<std::size_t>(h ^ h >> 32) & (chains_.size() - 1);
    }

    std::uint32_t& chain(std::uint32_t t, std::uint32_t slot) noexcept { return chains_[hash(t, slot)]; }

    void grow() {
        std::vector<std::uint32_t> more(chains_.empty() ? 16 : chains_.size() * 2, none);
        chains_.swap(more);
        // In the order of records: along the old chains each step would be a cache miss.
        for (std::uint32_t m = 0; m < memberships_.end(); ++m) {
            auto& link = memberships_[m];
            if (link.topic != none) link.chain = std::exchange(chain(link.topic, link.slot), m);
        }
    }

    record_pool<membership_record> memberships_;
    std::vector<tenant> tenants_;       // by slot
    std::vector<std::uint32_t> chains_; // hash table: the first of each chain
    std::size_t count_ = 0;
    std::uint64_t key_ = 0;
};

} // namespace sigfire::inline v0_1::detail
