// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/peer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace sigfire::inline v0_1 {

/** The peers of one hub by id: a hash table in memory. Models Registry.
 *
 *  The table keeps a view of each id. An entry takes 24 bytes; at most three quarters of the entries are
 *  used. Peers may choose their ids, so random bits, drawn at construction, key the hash. Ids are shorter
 *  than 4 GiB.
 *
 *  A registry that was moved from can only be assigned to or destroyed. One thread at a time.
 *  @throws std::system_error from the constructor if the system has no random numbers.
 *  @throws std::bad_alloc from `insert`. */
class local_registry {
public:
    /// Creates an empty registry and draws its hash key.
    local_registry() {
        std::array<unsigned char, sizeof(key_)> bits;
        detail::random_bytes(bits);
        std::memcpy(key_.data(), bits.data(), bits.size());
    }

    /// Adds `id` for `peer`. Returns false and changes nothing if the id is registered already. `id` must
    /// stay valid until `erase`.
    bool insert(std::string_view id, peer_handle peer) {
        if ((size_ + 1) * 4 > entries_.size() * 3) grow();
        const auto tag = hash(id);
        const auto i = probe(id, tag);
        if (entries_[i].tag != 0) return false;
        entries_[i] = {id.data(), static_cast<std::uint32_t>(id.size()), tag, peer};
        ++size_;
        return true;
    }

    /// Removes `id`. Returns false if the id was not registered.
    bool erase(std::string_view id) noexcept {
        if (size_ == 0) return false;
        auto hole = probe(id, hash(id));
        if (entries_[hole].tag == 0) return false;
        // Later entries move up into the hole: searches do not end early, and no tombstone remains.
        for (auto i = hole;;) {
            i = (i + 1) & mask();
            if (entries_[i].tag == 0) break;
            const auto home = entries_[i].tag & mask();
            if (((i - home) & mask()) >= ((i - hole) & mask())) {
                entries_[hole] = entries_[i];
                hole = i;
            }
        }
        entries_[hole] = {};
        --size_;
        return true;
    }

    /// Returns the peer with that id, or a null handle.
    peer_handle find(std::string_view id) const noexcept {
        return size_ == 0 ? peer_handle{} : entries_[probe(id, hash(id))].peer;
    }

    /// Number of registered ids.
    std::size_t size() const noexcept { return size_; }

    /// Calls `f(id, handle)` for each peer, in no order. `f` must not change the registry.
    template <class F>
    void for_each_peer(F f) const {
        for (const auto& e : entries_)
            if (e.tag != 0) f(e.id(), e.peer);
    }

private:
    struct entry {
        const char* text = nullptr;
        std::uint32_t length = 0;
        std::uint32_t tag = 0; // hash of the id; 0 = vacant
        peer_handle peer;

        std::string_view id() const noexcept { return {text, length}; }
    };
    static_assert(sizeof(entry) <= 24);

    std::size_t mask() const noexcept { return entries_.size() - 1; }

    // The index of `id`, or of the vacant entry where `id` belongs.
    std::size_t probe(std::string_view id, std::uint32_t tag) const noexcept {
        auto i = tag & mask();
        while (entries_[i].tag != 0 && (entries_[i].tag != tag || !same(entries_[i].id(), id)))
            i = (i + 1) & mask();
        return i;
    }

    // Typical ids have 20 bytes. Four loads that may overlap are faster than a call of memcmp.
    static bool same(std::string_view a, std::string_view b) noexcept {
        const auto n = a.size();
        if (n != b.size()) return false;
        if (n < 16 || n > 32) [[unlikely]]
            return a == b;
        const auto x = a.data(), y = b.data();
        const auto differ = [x, y](std::size_t i) { return load(x + i, 8) ^ load(y + i, 8); };
        return (differ(0) | differ(8) | differ(n - 16) | differ(n - 8)) == 0;
    }

    void grow() {
        std::vector<entry> old(entries_.empty() ? 16 : entries_.size() * 2);
        old.swap(entries_);
        for (const auto& e : old) {
            if (e.tag == 0) continue;
            auto i = e.tag & mask();
            while (entries_[i].tag != 0) i = (i + 1) & mask();
            entries_[i] = e;
        }
    }

    static std::uint64_t load(const char* p, std::size_t n) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, p, n);
        return word;
    }

    // The two halves of the 128-bit product, combined by exclusive or.
    static std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
        __extension__ typedef unsigned __int128 wide;
        const auto product = static_cast<wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
        const auto low = (a & 0xffffffff) * (b & 0xffffffff);
        const auto cross = (a >> 32) * (b & 0xffffffff) + (low >> 32);
        const auto middle = (a & 0xffffffff) * (b >> 32) + (cross & 0xffffffff);
        const auto high = (a >> 32) * (b >> 32) + (cross >> 32) + (middle >> 32);
        return high ^ (middle << 32 | (low & 0xffffffff));
#endif
    }

    // Multiplies and folds 16 bytes a step. Each factor contains secret bits, so a peer cannot aim at a
    // bucket.
    [[gnu::always_inline]] std::uint32_t hash(std::string_view id) const noexcept {
        const char* p = id.data();
        const auto n = id.size();
        auto h = key_[0] ^ n;
        // The last words may overlap earlier ones. The hash begins with the length, so this is not ambiguous.
        if (n >= 16) {
            const auto last = p + n - 16;
            for (; p < last; p += 16) h = fold(load(p, 8) ^ key_[1], load(p + 8, 8) ^ h);
            h = fold(load(last, 8) ^ key_[1], load(last + 8, 8) ^ h);
        } else if (n >= 8)
            h = fold(load(p, 8) ^ key_[1], load(p + n - 8, 8) ^ h);
        else if (n >= 4)
            h = fold(load(p, 4) ^ key_[1], load(p + n - 4, 4) ^ h);
        else if (n > 0)
            h = fold(load(p, n) ^ key_[1], h);
        h = fold(h ^ key_[2], key_[3]);
        const auto tag = static_cast<std::uint32_t>(h ^ h >> 32);
        return tag == 0 ? 1 : tag;
    }

    std::vector<entry> entries_;
    std::size_t size_ = 0;
    std::array<std::uint64_t, 4> key_;
};

} // namespace sigfire::inline v0_1
