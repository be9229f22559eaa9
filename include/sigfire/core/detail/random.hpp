// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

#if __has_include(<sys/random.h>)
#include <sys/random.h>
#else
#include <random>
#endif

namespace sigfire::inline v0_1::detail {

/** Fills `out`, at most 256 bytes, from the system's CSPRNG. Throws `std::system_error` if the system has
 *  none. */
inline void random_bytes(std::span<unsigned char> out) {
#if __has_include(<sys/random.h>)
    if (::getentropy(out.data(), out.size()) != 0) throw std::system_error(errno, std::generic_category());
#else
    std::random_device device;
    for (auto& b : out) b = static_cast<unsigned char>(device());
#endif
}

inline constexpr std::size_t id_size = 21;
using id_chars = std::array<char, id_size>;

constexpr std::string_view view(const id_chars& id) noexcept {
    return {id.data(), id.size()};
}

/** Draws ids that cannot be guessed: 21 characters of `A-Za-z0-9_-`, 126 bits. Makes one system call for 12
 *  ids. */
class id_source {
public:
    id_chars draw() {
        if (used_ == pool_.size()) {
            random_bytes(pool_);
            used_ = 0;
        }
        id_chars id;
        for (auto& c : id) c = alphabet[pool_[used_++] & 63];
        return id;
    }

private:
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    std::array<unsigned char, 12 * id_size> pool_;
    std::size_t used_ = pool_.size();
};

/// Draws message ids, which only have to be unique: a random start, counted up in the last eleven characters.
class message_ids {
public:
    explicit message_ids(const id_chars& start) noexcept : text_(start) {}

    /// The next id.
    id_chars next() noexcept {
        for (std::size_t i = id_size; i-- > prefix;)
            if ((text_[i] = successor[static_cast<unsigned char>(text_[i])]) != '-') break;
        return text_;
    }

private:
    static constexpr std::size_t prefix = 10;

    // The alphabet in ASCII order, as a ring.
    static constexpr std::string_view ring =
        "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    static constexpr auto successor = [] {
        std::array<char, 128> out{};
        for (std::size_t i = 0; i < ring.size(); ++i)
            out[static_cast<unsigned char>(ring[i])] = ring[(i + 1) % ring.size()];
        return out;
    }();

    id_chars text_;
};

} // namespace sigfire::inline v0_1::detail
